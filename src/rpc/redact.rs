//! Frames for logs: on one line, and without secrets.

use serde_json::Value;

use crate::secrets::mask;
use crate::text::{clipped, excerpt};

/// Parts of the names of fields that hold a secret.
///
/// URLs are secrets too: they may contain passwords, and the path of the firmware server must stay unknown to others.
const SECRET_NAME_PARTS: [&str; 13] =
    ["pass", "pwd", "psk", "secret", "token", "key", "auth", "cert", "cred", "cookie", "response", "url", "license"];

/// Whole words in the names of fields that hold a secret. As a part of a word they are harmless, as in `ping`.
const SECRET_WORDS: [&str; 1] = ["pin"];

/// Names that contain one of [`SECRET_NAME_PARTS`] but hold no secret. A log needs them to show why an authentication
/// fails.
const HARMLESS_NAMES: [&str; 1] = ["auth_type"];

/// Names of fields whose value is the name of a setting.
const NAME_FIELDS: [&str; 5] = ["key", "name", "path", "field", "option"];

/// Names of fields that hold the value of the setting named by a sibling of [`NAME_FIELDS`].
const VALUE_FIELDS: [&str; 5] = ["value", "val", "v", "data", "new_value"];

/// The maximum length of an array that is taken for a name followed by its value. Longer arrays are lists.
const MAX_PAIR_LEN: usize = 4;

/// The maximum length of a redacted frame, in characters.
const MAX_SHOWN: usize = 1000;

/// The number of bytes that are redacted of a text that is not JSON. The excerpt that is shown is much shorter.
const MAX_SCANNED: usize = 4096;

/// Returns the frame with `…` in place of each secret, on one line of at most 1000 characters.
///
/// Secrets are values whose name looks like that of a secret, and texts that [`secrets`](crate::secrets) remembers.
/// Bytes that are not JSON are shown as a short excerpt.
#[must_use]
pub fn redact(frame: &[u8]) -> String {
    let Ok(mut value) = serde_json::from_slice(frame) else { return redact_excerpt(frame) };
    redact_value(&mut value);
    // The reply of Config.Get is only the value; its name is in the request. OTA.Update answers `true`.
    if let Some(result @ Value::String(_)) = value.get_mut("result")
        && result != "true"
    {
        *result = "…".into();
    }
    clipped(&mask(&value.to_string()), MAX_SHOWN)
}

/// Returns a short excerpt of bytes that may be a frame or a part of one, without secrets.
#[must_use]
pub fn redact_excerpt(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_SCANNED)]);
    // Remembered secrets first: the next step might leave only parts of them, which would not be found.
    excerpt(redacted_text(&mask(&text)).as_bytes())
}

/// Tells whether the name of a field looks like that of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let is_word = || words(name).any(|word| SECRET_WORDS.contains(&word.to_ascii_lowercase().as_str()));
    !HARMLESS_NAMES.contains(&lower.as_str())
        && (SECRET_NAME_PARTS.iter().any(|word| lower.contains(word)) || is_word())
}

/// Splits a name into its words: `simPin`, `sim_pin` and `sim.PIN` have the same two, apart from their case.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_ascii_alphanumeric()).flat_map(|part| {
        let bytes = part.as_bytes();
        let starts = (1..part.len()).filter(|&at| bytes[at - 1].is_ascii_lowercase() && bytes[at].is_ascii_uppercase());
        let mut starts: Vec<_> = std::iter::once(0).chain(starts).collect();
        starts.push(part.len());
        starts.windows(2).map(|pair| &part[pair[0]..pair[1]]).collect::<Vec<_>>()
    })
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn redact_value(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let names_a_secret = fields
                .iter()
                .any(|(name, value)| is_one_of(&NAME_FIELDS, name) && value.as_str().is_some_and(is_secret));
            for (name, value) in fields {
                match value {
                    Value::Null => {}
                    _ if is_secret(name) || (names_a_secret && is_one_of(&VALUE_FIELDS, name)) => *value = "…".into(),
                    other => redact_value(other),
                }
            }
        }
        Value::Array(values) => {
            // A longer array is a list, such as that of all methods.
            let is_pair = values.len() <= MAX_PAIR_LEN;
            let mut follows_a_name = false;
            for value in values {
                let is_name = value.as_str().is_some_and(|text| is_name(text) && is_secret(text));
                match value {
                    Value::String(_) | Value::Number(_) if follows_a_name => *value = "…".into(),
                    other => redact_value(other),
                }
                follows_a_name = is_name && is_pair;
            }
        }
        Value::String(text) => {
            // The string may be JSON, such as the challenge of an authentication, or a text that contains settings.
            let redacted = match serde_json::from_str::<Value>(text) {
                Ok(Value::String(_)) | Err(_) => redacted_text(text),
                Ok(inner) => {
                    let mut redacted = inner.clone();
                    redact_value(&mut redacted);
                    if redacted == inner { text.clone() } else { redacted.to_string() }
                }
            };
            *text = redacted;
        }
        _ => {}
    }
}

/// Tells whether a text can be the name of a setting, such as `wifi.sta.pass`.
fn is_name(text: &str) -> bool {
    text.len() <= 64 && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// Returns the text with `…` in place of each value after `NAME:` or `NAME=` whose name looks like that of a secret.
///
/// The value may be quoted or not, and is redacted up to the end of the text if it is cut off. A frame whose beginning
/// is missing starts with a value, or with the end of a name. Such a value is redacted, and so is the value of such a
/// name.
fn redacted_text(text: &str) -> String {
    let (value, mut is_cut_name) = match beginning(text) {
        Beginning::Value(len) => (len, false),
        Beginning::Name => (0, true),
        Beginning::Whole => (0, false),
    };
    let mut shown = String::with_capacity(text.len());
    if value > 0 {
        shown.push('…');
    }
    let mut rest = &text[value..];
    let mut follows_comma = false;
    while let Some(at) = rest.find([':', '=', ',']) {
        let (before, after) = rest.split_at(at);
        let name = before.trim_end_matches([' ', '"', '\'', '\\']);
        let start =
            name.rfind(|c| !is_name_char(c)).map_or(0, |at| at + name[at..].chars().next().map_or(1, char::len_utf8));
        // In an array, the value follows the name after a comma.
        let is_comma = after.starts_with(',');
        let outside = name[..start].strip_suffix('"').map(str::trim_end);
        let is_element = outside.is_some_and(|text| text.ends_with('[') || (text.is_empty() && follows_comma));
        follows_comma = is_comma;
        let name = &name[start..];
        let separator = after.len() - after[1..].trim_start_matches([' ', '\t']).len();
        let (separator, value) = after.split_at(separator);
        shown.extend([before, separator]);
        rest = value;
        let names_a_secret = if is_comma {
            is_element && is_secret(name) && value.starts_with('"')
        } else {
            std::mem::take(&mut is_cut_name) || is_secret(name) || is_one_of(&VALUE_FIELDS, name)
        };
        if names_a_secret {
            let len = value_len(value);
            if len > 0 {
                shown.push('…');
            }
            rest = &value[len..];
        }
    }
    shown.push_str(rest);
    shown
}

/// The start of a text that may be a part of a frame.
enum Beginning {
    /// A value, or the end of one. Holds its length in bytes.
    Value(usize),
    /// The end of a name, which may be empty.
    Name,
    /// The start of a frame, or of another text.
    Whole,
}

/// Finds out how a text starts.
fn beginning(text: &str) -> Beginning {
    let Some((before, after)) = text.split_once('"') else {
        return if text.starts_with(':') { Beginning::Name } else { Beginning::Whole };
    };
    if before.contains(['{', '[', '=']) {
        return Beginning::Whole;
    }
    match after.chars().next() {
        Some(':') => return Beginning::Name,
        Some(',' | '}' | ']') => return Beginning::Value(before.len()),
        _ if before.trim_start().starts_with(':') => return Beginning::Name,
        _ if !before.is_empty() => return Beginning::Whole,
        _ => {}
    }
    // A whole string: a name if a colon follows, else a value.
    let len = 1 + closed_by(after, "\"");
    if text[len..].trim_start().starts_with(':') { Beginning::Whole } else { Beginning::Value(len) }
}

/// Returns the length of the value at the start of `text`, in bytes.
fn value_len(text: &str) -> usize {
    // A format such as `%Q` in the reply of RPC.Describe is not a value.
    if text.starts_with('%') {
        return 0;
    }
    for (open, close) in [("\\\"", "\\\""), ("\"", "\""), ("'", "'")] {
        if let Some(inner) = text.strip_prefix(open) {
            return open.len() + closed_by(inner, close);
        }
    }
    let is_nested = text.starts_with(['{', '[']);
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '[' => depth += 1,
            '}' | ']' if depth <= 1 => return if is_nested { at + 1 } else { at },
            '}' | ']' => depth -= 1,
            ',' | ';' | '&' | '"' | '\'' | '\\' if !is_nested => return at,
            c if c.is_whitespace() && !is_nested => return at,
            _ => {}
        }
    }
    text.len()
}

/// Returns the length of `text` up to and including the closing quote, in bytes.
fn closed_by(text: &str, close: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices() {
        if !is_escaped && text[at..].starts_with(close) {
            return at + close.len();
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn field_with_a_secret_name_is_redacted() {
        for (frame, expected) in [
            (r#"{"id":1,"method":"RPC.Ping"}"#, r#"{"id":1,"method":"RPC.Ping"}"#),
            (
                r#"{"params":{"config":{"wifi":{"sta":{"ssid":"home","pass":"hunter2"}}}}}"#,
                r#"{"params":{"config":{"wifi":{"sta":{"ssid":"home","pass":"…"}}}}}"#,
            ),
            (
                r#"[{"mqtt":{"ssl_psk_key":"abc"}},{"Auth":{"response":"1"}}]"#,
                r#"[{"mqtt":{"ssl_psk_key":"…"}},{"Auth":"…"}]"#,
            ),
            (
                r#"{"method":"OTA.Update","params":{"url":"http://10.0.0.1:80/0123/firmware.zip","timeout":600}}"#,
                r#"{"method":"OTA.Update","params":{"url":"…","timeout":600}}"#,
            ),
            (r#"{"result":{"id":"dev","license":"abc"}}"#, r#"{"result":{"id":"dev","license":"…"}}"#),
            (r#"{"public_key":null}"#, r#"{"public_key":null}"#),
            ("hello\n", "hello·"),
        ] {
            assert_eq!(redact(frame.as_bytes()), expected, "{frame}");
        }
        assert_eq!(redact(format!("\"{}\"", "x".repeat(5000)).as_bytes()).chars().count(), MAX_SHOWN + 1);
    }

    #[test]
    fn secret_in_a_pair_an_array_or_a_string_is_redacted() {
        for (frame, expected) in [
            (r#"{"wifi_pwd":"h2","Credential":1,"simPin":1234}"#, r#"{"wifi_pwd":"…","Credential":"…","simPin":"…"}"#),
            (r#"{"pin":"h2","ping":1,"spinning":2}"#, r#"{"pin":"…","ping":1,"spinning":2}"#),
            // Pairs of a name and a value.
            (r#"{"name":"wifi.sta.pass","value":"h2","v":[1]}"#, r#"{"name":"wifi.sta.pass","value":"…","v":"…"}"#),
            (r#"{"value":"h2","key":"wifi.sta.pass"}"#, r#"{"value":"…","key":"…"}"#),
            (r#"{"name":"OTA.Update","value":"seen"}"#, r#"{"name":"OTA.Update","value":"seen"}"#),
            (r#"[["wifi.sta.pass","h2","seen"],["ssid","seen"]]"#, r#"[["wifi.sta.pass","…","seen"],["ssid","seen"]]"#),
            (r#"{"result":["a.pass","b","c","d","e"]}"#, r#"{"result":["a.pass","b","c","d","e"]}"#),
            (r#"{"id":1,"result":"h2"}"#, r#"{"id":1,"result":"…"}"#),
            (r#"{"id":1,"result":"true"}"#, r#"{"id":1,"result":"true"}"#),
            // Text and JSON within a string.
            (r#"{"message":"ssid=home pass=h2&x"}"#, r#"{"message":"ssid=home pass=…&x"}"#),
            (r#"{"message":"{\"pwd\":\"h2\",\"a\":1}"}"#, r#"{"message":"{\"pwd\":\"…\",\"a\":1}"}"#),
            (
                r#"{"error":{"code":401,"message":"{\"auth_type\": \"digest\", \"realm\": \"R\"}"}}"#,
                r#"{"error":{"code":401,"message":"{\"auth_type\": \"digest\", \"realm\": \"R\"}"}}"#,
            ),
            (r#"{"args_fmt":"{url: %Q, timeout: %d}"}"#, r#"{"args_fmt":"{url: %Q, timeout: %d}"}"#),
        ] {
            assert_eq!(redact(frame.as_bytes()), expected, "{frame}");
        }
    }

    #[test]
    fn secret_in_a_frame_that_is_not_json_is_redacted() {
        for (frame, expected) in [
            // Not UTF-8, cut off at the end, cut off at the start.
            (&b"{\"ssid\":\"\xff\",\"pass\":\"h2\",\"a\":1}"[..], "{\"ssid\":\"\u{fffd}\",\"pass\":…,\"a\":1}"),
            (b"{\"a\":1,\"pass\":\"h2 and mo", "{\"a\":1,\"pass\":…"),
            (b"{\"a\":1,\"pass\":\"h\\\"2\",\"b\":", "{\"a\":1,\"pass\":…,\"b\":"),
            (b"{\"auth\":{\"nonce\":1,\"x\":[2]},\"b\":", "{\"auth\":…,\"b\":"),
            (b"{\"auth\":{\"nonce\":1,\"x", "{\"auth\":…"),
            (b"nter2\",\"ssid\":\"home\"}}", "…\",\"ssid\":\"home\"}}"),
            (b"{\"pin\" : 1234, \"b\":", "{\"pin\" : …, \"b\":"),
            (b"{\"name\":\"wifi.sta.pass\",\"value\":\"h2", "{\"name\":\"wifi.sta.pass\",\"value\":…"),
            (b"pwd=h2 ssid=home\n", "pwd=… ssid=home·"),
            (b"\"message\":\"{\\\"pass\\\":\\\"h2\\\",\\\"a\\\":1", "\"message\":\"{\\\"pass\\\":…,\\\"a\\\":1"),
            (
                b"{\"pairs\":[[\"sta.pass\",\"h2\",\"seen\"],[\"pin\", \"h2",
                "{\"pairs\":[[\"sta.pass\",…,\"seen\"],[\"pin\", …",
            ),
            (b"no pass, \"seen\"", "no pass, \"seen\""),
            (b"<html lang=\"en\">", "<html lang=\"en\">"),
            (b"\xc3\xa9:1 \xc3\xa9=2", "é:1 é=2"),
        ] {
            assert_eq!(redact(frame), expected, "{}", String::from_utf8_lossy(frame));
        }
    }

    proptest! {
        #[test]
        fn redact_of_any_bytes_does_not_panic(bytes: Vec<u8>) {
            let _ = redact(&bytes);
        }

        /// A part of a frame shows no secret, whatever is missing at its start and its end.
        #[test]
        fn cut_frame_shows_no_secret(start in 0_usize..24, end in 0_usize..41) {
            let frame = br#"{"a":"b","pass":"SSSSSSSS","ssid":"home"}"#;
            // A value without both of its quotes cannot be recognised.
            prop_assume!(start + end <= frame.len() && (start < 17 || end < 15));
            let cut = &frame[start..frame.len() - end];
            // A single string is not a part of a frame.
            prop_assume!(!serde_json::from_slice(cut).is_ok_and(|value: Value| value.is_string()));
            let shown = redact(cut);
            prop_assert!(!shown.contains("SS"), "{}", shown);
        }

        #[test]
        fn redacted_text_of_any_text_does_not_panic(text in "[\"'\\\\:={}\\[\\], apsé%]{0,40}") {
            let _ = redacted_text(&text);
        }
    }
}
