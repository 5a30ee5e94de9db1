//! Frames: requests and replies as JSON text.
//!
//! - A request is `{"id":N,"src":S?,"dst":D?,"method":M,"params":{…}?}`.
//! - A reply is `{"id":N,"src":DEVICE,"result":…}` or `{"id":N,"src":DEVICE,"error":{"code":N,"message":"…"?}}`.
//! - A device library before 2019 answers a success without a value by `{"id":N,"src":DEVICE}`.
//!
//! A `?` marks an optional field. Each transport has its own way to delimit frames in a stream or in messages.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Authorization;
use super::redact;
use crate::text::device_text;

/// The size, in bytes, that a request has to stay below on every transport of a device.
///
/// The device's own setting is 4096, but WebSocket, HTTP and MQTT stall or drop the connection from about 3 KB on.
pub const MAX_REQUEST: usize = 3000;

/// One call of one method.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// The method's full name, such as `OTA.GetBootState`.
    pub method: String,
    /// The arguments. `None` leaves `params` out of the frame, which means the same to a device as `null`.
    pub params: Option<Value>,
    /// The maximum time from the call to the reply, including the time to connect.
    pub timeout: Duration,
    /// Whether a second execution does no harm. Such a request may be sent twice, and may be sent on a connection that
    /// is about to be closed.
    pub idempotent: bool,
    /// The answer to a challenge of the device.
    pub authorization: Option<Authorization>,
}

/// Shows the arguments without their secrets.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, params, timeout, idempotent, authorization } = self;
        let params = params.as_ref().map(|params| redact(params.to_string().as_bytes()));
        f.debug_struct("Request")
            .field("method", method)
            .field("params", &params)
            .field("timeout", timeout)
            .field("idempotent", idempotent)
            .field("is_authorized", &authorization.is_some())
            .finish()
    }
}

impl Request {
    /// Creates a request without arguments that is not idempotent.
    #[must_use]
    pub fn new(method: impl Into<String>, timeout: Duration) -> Self {
        Self { method: method.into(), params: None, timeout, idempotent: false, authorization: None }
    }

    /// Sets the arguments. `null` means no arguments.
    #[must_use]
    pub fn with_params(mut self, params: Value) -> Self {
        self.params = (!params.is_null()).then_some(params);
        self
    }

    /// Encodes the request as a frame: JSON without line breaks.
    ///
    /// `addressing` is set on a transport that is shared by several clients and devices.
    #[must_use]
    pub fn encode(&self, id: u64, addressing: Option<&Addressing>) -> Vec<u8> {
        let auth = self.authorization.as_ref().map(Authorization::frame);
        RequestFrame { id, addressing, method: &self.method, params: self.params.as_ref(), auth }.encode()
    }
}

/// Sender and receiver of a frame, on a transport that needs them in the frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addressing {
    /// The sender: the address of the reply.
    pub src: String,
    /// The receiver: the device's id.
    pub dst: String,
}

/// The JSON of a request.
#[derive(Serialize)]
struct RequestFrame<'a, Id> {
    id: Id,
    #[serde(flatten)]
    addressing: Option<&'a Addressing>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Value>,
}

impl<Id: Serialize> RequestFrame<'_, Id> {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, numbers and JSON values always serialise")
    }
}

/// Returns the frame of an `RPC.Ping` whose id is a string. No call has such an id, and a device repeats it as a
/// string.
#[must_use]
pub fn ping(id: &str, addressing: Option<&Addressing>) -> Vec<u8> {
    RequestFrame { id, addressing, method: "RPC.Ping", params: None, auth: None }.encode()
}

/// Returns the id at the start of a frame, a request or a reply. `None` if the id is not a number.
///
/// The rest of the frame is not parsed, so that this is cheap.
#[must_use]
pub fn id_of(frame: &[u8]) -> Option<u64> {
    let rest = frame.strip_prefix(br#"{"id":"#)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Tells whether the bytes are a reply, and not a request of the device.
#[must_use]
pub fn is_reply(frame: &[u8]) -> bool {
    matches!(decode(frame), Ok(Incoming::Reply { .. }))
}

/// The error that a device answers with. The code is never 0, which means success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RemoteError {
    /// The error code: 4xx and 5xx as in HTTP, negative codes from the OTA service.
    pub code: i64,
    /// The device's message. Many errors of the OTA service have none.
    #[serde(default)]
    pub message: Option<String>,
}

impl fmt::Display for RemoteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{} (error {})", device_text(message), self.code),
            None => write!(f, "error {}, without a message", self.code),
        }
    }
}

/// A frame from the device.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The reply to the request with this id.
    ///
    /// An `error` with code 0 is a success. Its value is that `error` object (as recorded in wire/ws.json, case
    /// `ota_update_good`).
    Reply {
        /// The id of the request.
        id: u64,
        /// The result, or the device's error.
        outcome: Result<Value, RemoteError>,
    },
    /// A request of the device itself.
    Request {
        /// The frame of the reply: error 404, since otactl offers no methods. `None` if the request has no id, and so
        /// expects no reply, or if the reply would be too large.
        refusal: Option<Vec<u8>>,
        /// The method that the device calls.
        method: String,
        /// The id, if it is a number. A line that echoes returns requests of otactl, whose ids are numbers.
        id: Option<u64>,
    },
}

/// The error of bytes that are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RPC frame: {0}")]
pub struct FrameError(String);

/// Decodes one frame.
///
/// Bytes that are not UTF-8 are replaced by U+FFFD, since a device sends names of Wi-Fi networks and files as they are.
/// The JSON parser limits the nesting.
pub fn decode(bytes: &[u8]) -> Result<Incoming, FrameError> {
    #[derive(Deserialize)]
    struct AnyFrame {
        id: Option<Value>,
        src: Option<Value>,
        method: Option<String>,
        #[serde(default, deserialize_with = "present")]
        result: Option<Value>,
        error: Option<Value>,
    }
    // `"result":null` is a success without a value, not a missing result.
    fn present<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Value>, D::Error> {
        Value::deserialize(d).map(Some)
    }

    // The check for valid text is several times as fast as the search for invalid bytes.
    let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
    let frame: AnyFrame = serde_json::from_str(text.trim_ascii()).map_err(|e| FrameError(e.to_string()))?;
    if let Some(method) = frame.method {
        let id = frame.id.as_ref().and_then(as_number);
        let refusal = frame.id.filter(|id| !id.is_null()).map(|id| not_found_reply(&id, frame.src, &method));
        // The reply repeats id, sender and method of the request, which may be of any size.
        let refusal = refusal.filter(|bytes| bytes.len() < MAX_REQUEST);
        return Ok(Incoming::Request { refusal, method, id });
    }
    let id = frame.id.as_ref().and_then(as_number).ok_or_else(|| FrameError("it has no usable id".into()))?;
    let outcome = match (frame.error, frame.result) {
        (None | Some(Value::Null), Some(result)) => Ok(result),
        // A device sets `src` in every reply. Other JSON with an id has none.
        (None | Some(Value::Null), None) if frame.src.is_some() => Ok(Value::Null),
        (None | Some(Value::Null), None) => {
            return Err(FrameError("it has neither a result nor an error".into()));
        }
        (Some(error), _) => {
            let remote = RemoteError::deserialize(&error)
                .map_err(|e| FrameError(format!("its error has the wrong shape: {e}")))?;
            if remote.code == 0 { Ok(error) } else { Err(remote) }
        }
    };
    Ok(Incoming::Reply { id, outcome })
}

/// Reads an id of otactl. A device returns it as a number; other implementations may return it as a string.
fn as_number(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

/// Encodes the error 404 that answers a request of the device.
fn not_found_reply(id: &Value, src: Option<Value>, method: &str) -> Vec<u8> {
    let mut reply = json!({ "id": id });
    if let Some(src) = src {
        reply["dst"] = src;
    }
    reply["error"] = json!({ "code": 404, "message": format!("Method [{method}] not found") });
    reply.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reply(text: &str) -> Result<Value, RemoteError> {
        match decode(text.as_bytes()) {
            Ok(Incoming::Reply { outcome, .. }) => outcome,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn request_without_arguments_has_no_params() {
        let request = Request::new("RPC.Ping", Duration::from_secs(1));
        assert_eq!(request.encode(7, None), br#"{"id":7,"method":"RPC.Ping"}"#);
        let addressing = Addressing { src: "me".into(), dst: "dev".into() };
        let addressed = request.encode(7, Some(&addressing));
        assert_eq!(addressed, br#"{"id":7,"src":"me","dst":"dev","method":"RPC.Ping"}"#);
        assert_eq!(ping("a", Some(&addressing)), br#"{"id":"a","src":"me","dst":"dev","method":"RPC.Ping"}"#);
        let request = request.with_params(json!({"a": "ü"}));
        assert_eq!(request.encode(7, None), r#"{"id":7,"method":"RPC.Ping","params":{"a":"ü"}}"#.as_bytes());
        assert_eq!(request.with_params(Value::Null).params, None);
    }

    /// A device reports the success of `OTA.Update` with code 0. A client that takes it for a failure would give up an
    /// update that succeeds.
    #[test]
    fn error_with_code_0_is_success() {
        let value = reply(r#"{"id":1,"src":"d","error":{"code":0,"message":"Not Modified"}}"#);
        assert_eq!(value, Ok(json!({"code": 0, "message": "Not Modified"})));
    }

    #[test]
    fn reply_with_result_or_error_is_decoded() {
        assert_eq!(reply(r#"{"id":1,"src":"d","result":null}"#), Ok(Value::Null));
        assert_eq!(reply(r#"{"id":1,"result":5,"error":null}"#), Ok(json!(5)));
        assert_eq!(
            reply("{\"id\":1,\"src\":\"d\",\"error\":{\"code\":-1}}\r\n"),
            Err(RemoteError { code: -1, message: None })
        );
    }

    /// Device libraries before 2019 send such replies.
    #[test]
    fn reply_without_result_and_error_is_success() {
        for text in [
            r#"{"id":1,"src":"d"}"#,
            r#"{"id":1,"src":"d","dst":"me","tag":"t"}"#,
            r#"{"id":1,"src":"d","error":null}"#,
        ] {
            assert_eq!(reply(text), Ok(Value::Null), "{text}");
            assert!(is_reply(text.as_bytes()), "{text}");
        }
    }

    /// A position or a calibration is shown with all the digits that the device sent.
    #[test]
    fn number_in_a_result_keeps_its_digits() {
        for number in
            ["9.825453632018797e+20", "31.245270191439438", "0.1", "-1.7976931348623157e+308", "18446744073709551615"]
        {
            let value = reply(&format!(r#"{{"id":1,"result":{number}}}"#)).expect("a result");
            assert_eq!(value.to_string(), number);
        }
    }

    #[test]
    fn id_as_string_is_accepted() {
        let frame = decode(br#"{"id":"42","result":1}"#).expect("a reply");
        assert_eq!(frame, Incoming::Reply { id: 42, outcome: Ok(json!(1)) });
    }

    #[test]
    fn bytes_that_are_not_utf8_are_replaced() {
        let frame = decode(b"{\"id\":1,\"result\":\"caf\xe9\"}").expect("a reply");
        assert_eq!(frame, Incoming::Reply { id: 1, outcome: Ok(json!("caf\u{fffd}")) });
    }

    #[test]
    fn id_at_the_start_of_a_frame_is_found() {
        assert_eq!(id_of(br#"{"id":42,"x":1}"#), Some(42));
        assert_eq!(id_of(br#"{"id": 42}"#), Some(42));
        for other in [&b"{\"id\":\"a\"}"[..], b"{}", b"", b"{\"id\":99999999999999999999999}"] {
            assert_eq!(id_of(other), None, "{}", String::from_utf8_lossy(other));
        }
    }

    #[test]
    fn text_that_is_not_a_frame_is_an_error() {
        for text in [
            "",
            "hello",
            "5",
            "[]",
            "{}",
            r#"{"id":1}"#,
            r#"{"id":1,"src":null}"#,
            r#"{"src":"d"}"#,
            r#"{"result":1}"#,
            r#"{"id":"x","result":1}"#,
            r#"{"id":1,"error":"no object"}"#,
            r#"{"id":1,"result":"#,
        ] {
            assert!(decode(text.as_bytes()).is_err(), "{text}");
        }
        assert!(decode("[".repeat(100_000).as_bytes()).is_err(), "deep nesting");
    }

    /// A device keeps a request in its queue until the request is answered.
    #[test]
    fn request_of_the_device_is_refused_with_404() {
        let frame = decode(br#"{"id":9,"src":"esp32_AABBCC","method":"Dash.Heartbeat"}"#);
        let Ok(Incoming::Request { refusal: Some(refusal), method, id: Some(9) }) = frame else { panic!("{frame:?}") };
        assert_eq!(method, "Dash.Heartbeat");
        assert_eq!(
            String::from_utf8_lossy(&refusal),
            r#"{"id":9,"dst":"esp32_AABBCC","error":{"code":404,"message":"Method [Dash.Heartbeat] not found"}}"#
        );
        let huge = format!(r#"{{"id":"{}","method":"M"}}"#, "9".repeat(MAX_REQUEST));
        let huge = decode(huge.as_bytes());
        assert!(matches!(huge, Ok(Incoming::Request { refusal: None, .. })), "{huge:?}");
        let silent = decode(br#"{"method":"Dash.Heartbeat"}"#);
        assert!(matches!(silent, Ok(Incoming::Request { refusal: None, .. })), "{silent:?}");
    }

    proptest! {
        #[test]
        fn decode_of_any_bytes_does_not_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn reply_with_any_text_is_decoded_unchanged(id: u64, text: String) {
            let wire = json!({"id": id, "src": "d", "result": {"text": text.clone()}}).to_string();
            let frame = decode(wire.as_bytes()).expect("a reply");
            prop_assert_eq!(frame, Incoming::Reply { id, outcome: Ok(json!({"text": text})) });
        }
    }
}
