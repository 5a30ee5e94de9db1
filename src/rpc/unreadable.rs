//! Replies that are not JSON: the call that they answer, and the position of the error.
//!
//! Firmware prints `nan` and `inf` for a sensor that does not answer, and control characters in names. Such a reply
//! comes from a device, which has executed the call.

use serde::Deserialize as _;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::frame::id_of;
use super::redact::is_secret;
use crate::text::printable;

/// The number of characters that are shown before the invalid one, and after it.
const MAX_CONTEXT: usize = 30;

/// A reply that is not JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The id of the request that it answers.
    pub id: u64,
    /// The position of the error: the column in characters, counted from 1, and the text around it.
    pub place: String,
}

/// Finds the error in a reply that is not JSON. Returns `None` if the frame is JSON, or does not start with `id` and
/// `src`, as each reply of a device does.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD, as in a reply that is JSON.
#[must_use]
pub fn find(frame: &[u8]) -> Option<Unreadable> {
    let frame = frame.trim_ascii();
    let id = id_of(frame)?;
    let text = String::from_utf8_lossy(frame);
    let after = text.strip_prefix(r#"{"id":"#)?.trim_start().trim_start_matches(|c: char| c.is_ascii_digit());
    if !after.trim_start().strip_prefix(',')?.trim_start().starts_with(r#""src""#) {
        return None;
    }
    // Bytes after the object do not belong to the reply, and are not checked.
    let error = Value::deserialize(&mut serde_json::Deserializer::from_str(&text)).err()?;
    let line: usize = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let at = boundary(&text, line + error.column().saturating_sub(1));
    Some(Unreadable { id, place: place(&text, word_start(&text, at)) })
}

/// Tells whether `nan` or `inf` in place of numbers are the only errors in a reply. False for a reply that lost bytes.
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
        let word_len = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if in_string || word_len == 0 {
            in_string ^= c == '"' && !is_escaped;
            is_escaped = in_string && c == '\\' && !is_escaped;
            result.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(word_len);
        let name = word.trim_start_matches(['-', '+']).to_ascii_lowercase();
        result.push_str(if matches!(name.as_str(), "nan" | "inf" | "infinity") { "null" } else { word });
        rest = after;
    }
    result
}

/// Returns the start of the word or number at `at`, such as `-nan`. Returns `at` if there is neither.
fn word_start(text: &str, at: usize) -> usize {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    if !text[at..].starts_with(is_word) {
        return at;
    }
    text[..at]
        .rfind(|c| !is_word(c))
        .map_or(0, |before| before + text[before..].chars().next().map_or(1, char::len_utf8))
}

/// Describes the position `at`: its column, and the field around it unless the field is secret.
fn place(text: &str, at: usize) -> String {
    let column = text[..at].chars().count() + 1;
    let Some(start) = field_start(&text[..at]) else { return format!("at column {column}") };
    let before = &text[start..at];
    let cut = before.char_indices().rev().nth(MAX_CONTEXT - 1).map_or(0, |(cut, _)| cut);
    let after = &text[at..];
    let end = after.char_indices().nth(MAX_CONTEXT).map_or(after.len(), |(end, _)| end);
    let end = after[..end].find([',', '}', ']']).unwrap_or(end);
    let shown = format!("{}{}", &before[cut..], &after[..end]);
    format!("at column {column}: `…{}…`", printable(shown.trim()))
}

/// Returns the start of the last field or element of `text`. Returns `None` if the name of the field, or of an object
/// around it, looks like that of a secret.
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

/// Returns the last character boundary at or before `at`.
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
    fn reply_that_is_not_json_shows_the_position() {
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
    fn secret_at_the_position_is_not_shown() {
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
    fn text_that_is_json_or_not_a_reply_has_no_error() {
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
    fn reply_with_lost_bytes_has_not_only_bad_numbers() {
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
        fn find_in_any_bytes_does_not_panic(bytes: Vec<u8>, text: String) {
            for start in [&b""[..], b"{\"id\":7,\"src\":", b"{\"id\":7,\"src\":\"d\",\"result\":{\"a\":\""] {
                for rest in [&bytes[..], text.as_bytes()] {
                    let frame = [start, rest].concat();
                    let _ = has_bad_numbers_only(&frame);
                    let shown = find(&frame).map(|found| found.place.chars().count());
                    prop_assert!(shown.unwrap_or_default() < 2 * MAX_CONTEXT + 40);
                }
            }
        }
    }
}
