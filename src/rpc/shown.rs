//! Frames as a log may show them: on one line, and without secrets.

use serde_json::Value;

use crate::text::{excerpt, printable};

/// Words that the name of a field with a secret has in it. URLs too: they carry passwords, and ours has a path that
/// nobody else is to know.
const SECRETS: [&str; 10] = ["pass", "psk", "secret", "token", "key", "auth", "cert", "response", "url", "license"];

/// The most that is shown of one frame, in characters.
const SHOWN: usize = 1000;

/// The frame with `…` in place of every value whose name looks like that of a secret. What is no JSON is
/// shown as a short excerpt.
#[must_use]
pub fn shown(frame: &[u8]) -> String {
    let Ok(mut value) = serde_json::from_slice(frame) else { return excerpt(frame) };
    redact(&mut value);
    let text = printable(&value.to_string());
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns whether the name of a field looks like that of a secret.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
}

fn redact(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::Null => {}
                    _ if is_secret(name) => *value = "…".into(),
                    other => redact(other),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(redact),
        // The challenge of an authentication comes as JSON within a string, and is none.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_left_out_wherever_they_stand() {
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
            assert_eq!(shown(frame.as_bytes()), expected);
        }
        assert_eq!(shown(format!("\"{}\"", "x".repeat(5000)).as_bytes()).chars().count(), SHOWN + 1);
    }
}
