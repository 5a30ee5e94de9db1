//! Arguments of a call as the device's lenient scanner reads them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Reads an integer from the digits at the start of a number or a string. Any other value counts as missing.
#[must_use]
pub(super) fn integer(value: &Value) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.trim_start().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let len = digits.bytes().take_while(u8::is_ascii_digit).count();
    text[..text.len() - digits.len() + len].parse().ok()
}

/// Reads an integer that is not negative. Any other value counts as missing.
#[must_use]
pub(super) fn natural(value: &Value) -> Option<u64> {
    integer(value).and_then(|value| value.try_into().ok())
}

/// Reads a string. A value of another type is read as its JSON text. `null` counts as missing.
#[must_use]
pub(super) fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text)),
        other => Some(Cow::Owned(other.to_string())),
    }
}

/// Decodes base64. Any text is accepted.
///
/// Line ends are skipped. Fewer than four characters at the end are dropped. A character outside the alphabet decodes
/// to unspecified bits.
#[must_use]
pub(super) fn base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap_or_else(|_| base64_leniently(text))
}

fn base64_leniently(text: &str) -> Vec<u8> {
    let characters: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut bytes = Vec::with_capacity(characters.len() / 4 * 3);
    for group in characters.chunks_exact(4) {
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| sextet(group[at]));
        bytes.push(a << 2 | b >> 4);
        if group[2] != b'=' {
            bytes.push(b << 4 | c >> 2);
            if group[3] != b'=' {
                bytes.push(c << 6 | d);
            }
        }
    }
    bytes
}

fn sextet(character: u8) -> u8 {
    match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => u8::MAX,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn integer_is_read_from_leading_digits() {
        for (value, expected) in [
            (json!(60), Some(60)),
            (json!("60"), Some(60)),
            (json!("6x"), Some(6)),
            (json!(-5), Some(-5)),
            (json!(1.9), Some(1)),
            (json!("x"), None),
            (json!("-"), None),
            (json!(true), None),
            (json!(null), None),
            (json!([1]), None),
        ] {
            assert_eq!(integer(&value), expected, "{value}");
        }
    }

    #[test]
    fn base64_invalid_text_is_accepted() {
        assert_eq!(base64("!!!!").len(), 3);
        assert_eq!(base64("UEs\nDBA=\r\n="), b"PK\x03\x04");
        assert_eq!(base64("UEsDB"), b"PK\x03");
    }

    proptest! {
        #[test]
        fn base64_encoded_bytes_are_decoded(bytes: Vec<u8>) {
            let text = STANDARD.encode(&bytes);
            prop_assert_eq!(base64_leniently(&text), base64(&text));
            prop_assert_eq!(base64(&text), bytes);
        }

        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = base64(&text);
            let _ = integer(&json!(text));
        }
    }
}
