//! Frames: requests and replies as JSON text.
//!
//! A request is `{"id":N,"src":S?,"dst":D?,"method":M,"params":{…}?}`, a reply
//! `{"id":N,"src":DEVICE,"result":…}` or `{"id":N,"src":DEVICE,"error":{"code":N,"message":"…"?}}`. A device library before
//! 2019 answers a success without a value by `{"id":N,"src":DEVICE}`.
//! How a transport wraps that into bytes on a line or into messages is the transport's affair.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::auth::Authorization;
use super::redact;
use crate::text::device_text;

/// The largest request, in bytes, that every transport of a device takes. The device's own setting
/// says 4096, but WebSocket, HTTP and MQTT stall or drop the connection from about 3 KB on.
pub const MAX_REQUEST: usize = 3000;

/// What a caller wants from a device: one call of one method.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// The method's full name, such as `OTA.GetBootState`.
    pub method: String,
    /// The arguments. Absent and `null` are the same to a device; absent is shorter.
    pub params: Option<Value>,
    /// How long the call may take, from now to the reply, dialling included.
    pub timeout: Duration,
    /// Whether it does no harm if it arrives twice, or is sent on a connection that may be about to be
    /// closed.
    pub idempotent: bool,
    /// The answer to a challenge of the device's.
    pub authorization: Option<Authorization>,
}

/// With the arguments as a log may show them.
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
    /// A request without arguments, which must not arrive twice.
    #[must_use]
    pub fn new(method: impl Into<String>, timeout: Duration) -> Self {
        Self { method: method.into(), params: None, timeout, idempotent: false, authorization: None }
    }

    /// The same request with these arguments; `null` counts as none.
    #[must_use]
    pub fn with_params(mut self, params: Value) -> Self {
        self.params = (!params.is_null()).then_some(params);
        self
    }

    /// The request as a frame with this id, in JSON without line breaks. Over a transport that is shared by
    /// many, it says who asks whom.
    #[must_use]
    pub fn encode(&self, id: u64, addressing: Option<&Addressing>) -> Vec<u8> {
        let auth = self.authorization.as_ref().map(Authorization::frame);
        Wire { id, addressing, method: &self.method, params: self.params.as_ref(), auth }.encode()
    }
}

/// Who asks whom, where a frame has to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Addressing {
    /// Where the reply goes.
    pub src: String,
    /// The device's id.
    pub dst: String,
}

/// A request as it stands on the wire.
#[derive(Serialize)]
struct Wire<'a, Id> {
    id: Id,
    #[serde(flatten)]
    addressing: Option<&'a Addressing>,
    method: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Value>,
}

impl<Id: Serialize> Wire<'_, Id> {
    fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("strings, numbers and JSON values always serialise")
    }
}

/// The question whether the device is there, with an id that no call has: the device gives text back as text.
#[must_use]
pub fn ping(id: &str, addressing: Option<&Addressing>) -> Vec<u8> {
    Wire { id, addressing, method: "RPC.Ping", params: None, auth: None }.encode()
}

/// The number with which a frame begins, one of ours and one of a device's alike; `None` if it has another id.
/// Looks no further, and so costs little.
#[must_use]
pub fn id_of(frame: &[u8]) -> Option<u64> {
    let rest = frame.strip_prefix(br#"{"id":"#)?.trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()
}

/// Whether a device answers with this, rather than to call us.
#[must_use]
pub fn is_reply(frame: &[u8]) -> bool {
    matches!(decode(frame), Ok(Incoming::Reply { .. }))
}

/// The error that a device answers with. Its code is never 0: that is a success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RemoteError {
    /// 4xx and 5xx as in HTTP, negative codes from the OTA service.
    pub code: i64,
    /// Words of the device. Many OTA errors come without any.
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

/// A frame that came from the device.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming {
    /// The answer to the request with this id. An `error` with code 0 is a success, whose value is
    /// that `error` object (as recorded in wire/ws.json, case `ota_update_good`).
    Reply {
        /// The id that the request carried.
        id: u64,
        /// The result, or the device's error.
        outcome: Result<Value, RemoteError>,
    },
    /// A request of the device's own.
    Request {
        /// The bytes of the reply that it gets: error 404, since we offer no methods. `None` if the
        /// request carries no id and so wants no reply, or if the reply would be too large.
        refusal: Option<Vec<u8>>,
        /// The method that it asked for.
        method: String,
        /// Its id, if it could be one of ours: an echoing line gives our own requests back.
        id: Option<u64>,
    },
}

/// Why bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an RPC frame: {0}")]
pub struct FrameError(String);

/// Reads one frame. Bytes that are not UTF-8 are replaced, since a device puts names of Wi-Fi
/// networks and files into its answers as they are; nesting is bounded by the JSON parser.
pub fn decode(bytes: &[u8]) -> Result<Incoming, FrameError> {
    #[derive(Deserialize)]
    struct Wire {
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

    let text = String::from_utf8_lossy(bytes);
    let wire: Wire = serde_json::from_str(text.trim_ascii()).map_err(|e| FrameError(e.to_string()))?;
    if let Some(method) = wire.method {
        let id = wire.id.as_ref().and_then(as_number);
        let refusal = wire.id.filter(|id| !id.is_null()).map(|id| refuse(&id, wire.src, &method));
        // It repeats what the device has sent, which may be of any size.
        let refusal = refusal.filter(|bytes| bytes.len() < MAX_REQUEST);
        return Ok(Incoming::Request { refusal, method, id });
    }
    let id = wire.id.as_ref().and_then(as_number).ok_or_else(|| FrameError("it has no usable id".into()))?;
    let outcome = match (wire.error, wire.result) {
        (None | Some(Value::Null), Some(result)) => Ok(result),
        // A device names itself in every reply, which tells this success from other JSON with an id.
        (None | Some(Value::Null), None) if wire.src.is_some() => Ok(Value::Null),
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

/// Our ids are all digits; a device gives them back as bare numbers, others may quote them.
fn as_number(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn refuse(id: &Value, src: Option<Value>, method: &str) -> Vec<u8> {
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
    fn encodes_a_request_without_empty_fields() {
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

    /// Code 0 is how a device reports the success of `OTA.Update`; whoever takes it for a failure
    /// gives up on an update that goes on.
    #[test]
    fn an_error_with_code_0_is_a_success() {
        let value = reply(r#"{"id":1,"src":"d","error":{"code":0,"message":"Not Modified"}}"#);
        assert_eq!(value, Ok(json!({"code": 0, "message": "Not Modified"})));
    }

    #[test]
    fn tells_results_from_errors() {
        assert_eq!(reply(r#"{"id":1,"src":"d","result":null}"#), Ok(Value::Null));
        assert_eq!(reply(r#"{"id":1,"result":5,"error":null}"#), Ok(json!(5)));
        assert_eq!(
            reply("{\"id\":1,\"src\":\"d\",\"error\":{\"code\":-1}}\r\n"),
            Err(RemoteError { code: -1, message: None })
        );
    }

    /// Device libraries before 2019 answer so.
    #[test]
    fn reply_without_result_and_error_is_a_success() {
        for text in [
            r#"{"id":1,"src":"d"}"#,
            r#"{"id":1,"src":"d","dst":"me","tag":"t"}"#,
            r#"{"id":1,"src":"d","error":null}"#,
        ] {
            assert_eq!(reply(text), Ok(Value::Null), "{text}");
            assert!(is_reply(text.as_bytes()), "{text}");
        }
    }

    /// A position or a calibration is shown as the device gave it, to the last digit.
    #[test]
    fn numbers_keep_their_digits() {
        for number in
            ["9.825453632018797e+20", "31.245270191439438", "0.1", "-1.7976931348623157e+308", "18446744073709551615"]
        {
            let value = reply(&format!(r#"{{"id":1,"result":{number}}}"#)).expect("a result");
            assert_eq!(value.to_string(), number);
        }
    }

    #[test]
    fn takes_an_id_in_quotes() {
        let frame = decode(br#"{"id":"42","result":1}"#).expect("a reply");
        assert_eq!(frame, Incoming::Reply { id: 42, outcome: Ok(json!(1)) });
    }

    #[test]
    fn replaces_bytes_that_are_not_utf8() {
        let frame = decode(b"{\"id\":1,\"result\":\"caf\xe9\"}").expect("a reply");
        assert_eq!(frame, Incoming::Reply { id: 1, outcome: Ok(json!("caf\u{fffd}")) });
    }

    #[test]
    fn ids_are_found_at_the_beginning() {
        assert_eq!(id_of(br#"{"id":42,"x":1}"#), Some(42));
        assert_eq!(id_of(br#"{"id": 42}"#), Some(42));
        for other in [&b"{\"id\":\"a\"}"[..], b"{}", b"", b"{\"id\":99999999999999999999999}"] {
            assert_eq!(id_of(other), None);
        }
    }

    #[test]
    fn refuses_what_is_no_frame() {
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

    /// A request of the device's must be answered, or the device keeps it in its queue.
    #[test]
    fn a_request_of_the_device_is_refused_with_404() {
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
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }

        #[test]
        fn any_reply_comes_back_as_it_was(id: u64, text: String) {
            let wire = json!({"id": id, "src": "d", "result": {"text": text.clone()}}).to_string();
            let frame = decode(wire.as_bytes()).expect("a reply");
            prop_assert_eq!(frame, Incoming::Reply { id, outcome: Ok(json!({"text": text})) });
        }
    }
}
