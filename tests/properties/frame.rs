//! The property of the frame parser, shared by tests/properties.rs and the fuzz target of the same name.

use otactl::rpc::frame::{self, Incoming};
use otactl::rpc::redact;
use serde_json::{Value, json};

/// The maximum length of a frame in the log, in characters.
const MAX_SHOWN_CHARS: usize = 1001;

/// Checks that a decoded frame, encoded again, decodes to the same.
///
/// A refusal is itself a frame, on one line, with the id of its request. The text for the log is short and has no
/// control characters.
pub(crate) fn check(bytes: &[u8]) {
    let log = redact(bytes);
    assert!(log.chars().count() <= MAX_SHOWN_CHARS && !log.contains(char::is_control), "{log:?}");
    let frame = frame::decode(bytes);
    assert_eq!(frame::decode(&[bytes, b"\r\n"].concat()), frame, "with a line end behind it");
    match frame {
        Err(_) => {}
        Ok(Incoming::Reply { id, outcome }) => {
            if let Err(error) = &outcome {
                assert_ne!(error.code, 0, "that is a success");
            }
            let text = match &outcome {
                Ok(value) => json!({"id": id, "result": value}),
                Err(error) => json!({"id": id, "error": {"code": error.code, "message": error.message}}),
            };
            let again = frame::decode(text.to_string().as_bytes());
            assert_eq!(again, Ok(Incoming::Reply { id, outcome }), "{text}");
        }
        Ok(Incoming::Request { refusal: None, .. }) => {}
        Ok(Incoming::Request { refusal: Some(refusal), id, .. }) => {
            assert!(refusal.iter().all(|&byte| byte >= b' '), "{refusal:?}");
            let value: Value = serde_json::from_slice(&refusal).expect("JSON");
            assert!(!value["id"].is_null() && value["error"]["code"] == 404, "{value}");
            match (frame::decode(&refusal), id) {
                (Ok(Incoming::Reply { id: of, outcome: Err(error) }), Some(id)) => {
                    assert_eq!((of, error.code), (id, 404), "{value}");
                }
                // The id is not a number, so only the device can use the refusal.
                (Err(_), None) => {}
                (other, id) => panic!("{value}, to {id:?}: {other:?}"),
            }
        }
    }
}
