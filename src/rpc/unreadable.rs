//! Replies that are not JSON: which call they answer, and where they stop being JSON.
//!
//! Firmware prints `nan` and `inf` for a sensor that does not answer, and control characters in names. Such a reply comes from a
//! device, and its call has been carried out.

use serde::Deserialize as _;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::frame::id_of;
use super::redact::is_secret;
use crate::text::printable;

/// The longest piece of a reply that is shown, in characters before and after the place.
const SHOWN: usize = 30;

/// A reply that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The id of the request that it answers.
    pub id: u64,
    /// Where it stops being JSON: the column in characters, counted from 1, and what stands there.
    pub place: String,
}

/// Finds a reply that is not JSON. It begins with the id and the sender, as every reply of a device does. Returns `None` for
/// anything else. Bytes that are not UTF-8 are replaced, as in a reply that is JSON.
#[must_use]
pub fn find(frame: &[u8]) -> Option<Unreadable> {
    let frame = frame.trim_ascii();
    let id = id_of(frame)?;
    let text = String::from_utf8_lossy(frame);
    let after = text.strip_prefix(r#"{"id":"#)?.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    if !after.trim_start().strip_prefix(',')?.trim_start().starts_with(r#""src""#) {
        return None;
    }
    // Without a check of what stands behind the object: that is no matter of the reply.
    let error = Value::deserialize(&mut serde_json::Deserializer::from_str(&text)).err()?;
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = boundary(&text, line + error.column().saturating_sub(1));
    Some(Unreadable { id, place: place(&text, word_start(&text, at)) })
}

/// Returns whether only `nan` or `inf` in place of numbers make the reply unreadable. A reply that lost bytes returns `false`.
#[must_use]
pub fn has_bad_numbers_only(frame: &[u8]) -> bool {
    find(frame).is_some()
        && serde_json::from_str::<IgnoredAny>(&with_null_numbers(&String::from_utf8_lossy(frame))).is_ok()
}

/// Returns the text with `null` in place of `nan` and `inf` outside strings.
fn with_null_numbers(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '+');
    let mut result = String::with_capacity(text.len());
    let (mut in_string, mut is_escaped) = (false, false);
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if in_string || word == 0 {
            in_string ^= c == '"' && !is_escaped;
            is_escaped = in_string && c == '\\' && !is_escaped;
            result.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (found, after) = rest.split_at(word);
        let name = found.trim_start_matches(['-', '+']).to_ascii_lowercase();
        result.push_str(if matches!(name.as_str(), "nan" | "inf" | "infinity") { "null" } else { found });
        rest = after;
    }
    result
}

/// Returns the start of the word or number that `at` is in, such as `-nan`. Any other place is returned as it is.
fn word_start(text: &str, at: usize) -> usize {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    if !text[at..].starts_with(is_word) {
        return at;
    }
    text[..at]
        .rfind(|c| !is_word(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8))
}

/// Describes a place: its column, and the field around it unless that is secret.
fn place(text: &str, at: usize) -> String {
    let column = text[..at].chars().count() + 1;
    let Some(start) = field_start(&text[..at]) else { return format!("at column {column}") };
    let before = &text[start..at];
    let cut = before.char_indices().rev().nth(SHOWN - 1).map_or(0, |(cut, _)| cut);
    let after = &text[at..];
    let end = after.char_indices().nth(SHOWN).map_or(after.len(), |(end, _)| end);
    let end = after[..end].find([',', '}', ']']).unwrap_or(end);
    let shown = format!("{}{}", &before[cut..], &after[..end]);
    format!("at column {column}: `…{}…`", printable(shown.trim()))
}

/// Returns where the last field or element of `text` begins. `None` if its name, or that of an object around it, is that of a
/// secret.
fn field_start(text: &str) -> Option<usize> {
    let (mut start, mut is_hidden, mut around) = (0, false, Vec::new());
    let (mut string, mut is_escaped, mut name) = (None, false, "");
    for (at, c) in text.char_indices() {
        if let Some(opened) = string {
            if c == '"' && !is_escaped {
                name = &text[opened..at];
                string = None;
            }
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            '"' => (string, is_escaped) = (Some(at + 1), false),
            ':' => is_hidden |= is_secret(name),
            '{' | '[' => {
                around.push(is_hidden);
                start = at + 1;
            }
            '}' | ']' => is_hidden = around.pop().unwrap_or_default(),
            ',' => {
                is_hidden = around.last().copied().unwrap_or_default();
                start = at + 1;
            }
            _ => {}
        }
    }
    (!is_hidden).then_some(start)
}

/// Returns the last boundary of a character at or before `at`.
fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|&at| text.is_char_boundary(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place_in(result: &str) -> Option<String> {
        let found = find(format!(r#"{{"id":7,"src":"d","result":{result}}}"#).as_bytes())?;
        assert_eq!(found.id, 7, "{result}");
        Some(found.place)
    }

    #[test]
    fn reply_that_is_not_json_names_the_place() {
        for (result, expected) in [
            ("nan", r#"at column 28: `…"result":nan…`"#),
            (r#"{"temp": nan, "hum": 4}"#, r#"at column 37: `…"temp": nan…`"#),
            (r#"{"temp":-inf}"#, r#"at column 36: `…"temp":-inf…`"#),
            (r#"{"a":[1,-nan,2]}"#, "at column 36: `…-nan…`"),
            ("{\"ssid\":\"a\u{1}b\"}", "at column 38: `…\"ssid\":\"a·b\"…`"),
            (r#"{"é":inf}"#, r#"at column 33: `…"é":inf…`"#),
            ("{\"a\":1,\n\"b\":nan}", r#"at column 40: `…"b":nan…`"#),
            (r#"{"a":1 "b":2}"#, r#"at column 35: `…"a":1 "b":2…`"#),
            ("1e999", r#"at column 28: `…"result":1e999…`"#),
            (r#"{"a":"x"#, r#"at column 35: `…"a":"x…`"#),
        ] {
            assert_eq!(place_in(result).as_deref(), Some(expected), "{result}");
        }
    }

    #[test]
    fn secrets_around_the_place_are_not_shown() {
        for result in [
            "{\"pass\":\"se\u{1}cret\"}",
            "{\"wifi\":{\"password\":[\"x\",\"se\u{1}cret\"]}}",
            "{\"key\":{\"a\":\"x,{\\\"y\\\":\",\"b\":\"se\u{1}cret\"}}",
        ] {
            let place = place_in(result).expect("not JSON");
            assert!(place.starts_with("at column ") && !place.contains("cret") && !place.contains("se"), "{place}");
        }
        assert_eq!(place_in(r#"{"pass":"secret","t":nan}"#).as_deref(), Some(r#"at column 49: `…"t":nan…`"#));
        assert_eq!(place_in(r#"{"auth":{"x":["secret"]},"t":nan}"#).as_deref(), Some(r#"at column 57: `…"t":nan…`"#));
    }

    #[test]
    fn what_is_no_reply_or_is_json_is_not_found() {
        for text in [
            "",
            "hello",
            "nan",
            r#"{"id":7,"src":"d","result":1}"#,
            r#"{"id":7,"src":"d","result":1}00000000"#,
            r#"{"id":7,"temp":nan}"#,
            r#"{"id":"a","src":"d","result":nan}"#,
            r#"{"id":7"#,
            r#"{"id":7,"method":"M","params":nan}"#,
        ] {
            assert_eq!(find(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn lost_bytes_are_no_bad_numbers() {
        for (result, expected) in [
            ("nan", true),
            (r#"{"a":-NaN,"b":[inf,-Infinity,"nan\"nan"]}"#, true),
            (r#"{"a":nanx}"#, false),
            (r#"{"a":1,b":nan}"#, false),
            ("", false),
            ("1", false),
        ] {
            let frame = format!(r#"{{"id":7,"src":"d","result":{result}}}"#);
            assert_eq!(has_bad_numbers_only(frame.as_bytes()), expected, "{frame}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>, text: String) {
            for start in [&b""[..], b"{\"id\":7,\"src\":", b"{\"id\":7,\"src\":\"d\",\"result\":{\"a\":\""] {
                for rest in [&bytes[..], text.as_bytes()] {
                    let frame = [start, rest].concat();
                    let _ = has_bad_numbers_only(&frame);
                    let shown = find(&frame).map(|found| found.place.chars().count());
                    prop_assert!(shown.unwrap_or_default() < 2 * SHOWN + 40);
                }
            }
        }
    }
}
