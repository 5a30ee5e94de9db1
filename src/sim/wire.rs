//! Requests as the device's scanner reads them, replies as it writes them, byte for byte.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer as _};
use serde_json::{Map, Value};

/// A request as the device sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// How the id stands in the reply; `None`: there is none, and so no reply.
    pub id: Option<String>,
    /// Who asks; becomes the `dst` of the reply.
    pub src: Option<String>,
    /// Comes back as it was.
    pub tag: Option<Value>,
    /// The method.
    pub method: String,
    /// The arguments, `null` if there are none.
    pub params: Value,
    /// Who asks, as the frame says.
    pub auth: Option<Value>,
    /// Who asks is known from the connection.
    pub is_authorised: bool,
}

/// What a method brought: the result as JSON text, since the device's own white space counts, or an
/// error. An empty text: the reply has no result.
pub type Outcome = Result<String, Failure>;

/// An error of a method. Code 0 is a success with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The code.
    pub code: i64,
    /// The message, if any.
    pub message: Option<String>,
}

impl Failure {
    /// An error with a message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// An error without.
    #[must_use]
    pub fn bare(code: i64) -> Self {
        Self { code, message: None }
    }

    /// `{"code":N,"message":"…"}`
    #[must_use]
    pub fn to_json(&self) -> String {
        match &self.message {
            Some(message) => format!(r#"{{"code":{},"message":{}}}"#, self.code, quoted(message)),
            None => format!(r#"{{"code":{}}}"#, self.code),
        }
    }
}

/// The fields of a request.
#[derive(Deserialize)]
struct Fields {
    id: Option<Value>,
    src: Option<String>,
    dst: Option<String>,
    tag: Option<Value>,
    method: Option<String>,
    // Old firmware knows `args` only; today's takes both.
    #[serde(alias = "args", default)]
    params: Value,
    auth: Option<Value>,
}

/// Reads a request that is meant for the device `own_id`. `None`: not a valid frame.
#[must_use]
pub fn parse(bytes: &[u8], own_id: &str) -> Option<Call> {
    call(lenient(bytes)?, own_id)
}

/// Reads a request from a datagram that may be truncated. Bytes behind the object are ignored, and a truncated field counts
/// as missing (wire/ota2022-udp.json).
#[must_use]
pub fn parse_datagram(bytes: &[u8], own_id: &str) -> Option<Call> {
    let mut fields = Map::new();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    match (&mut deserializer).deserialize_map(Collect(&mut fields)) {
        Err(error) if !error.is_eof() => None,
        _ => call(Fields::deserialize(Value::Object(fields)).ok()?, own_id),
    }
}

/// Collects the fields of an object up to the first one that cannot be read.
struct Collect<'a>(&'a mut Map<String, Value>);

impl<'de> Visitor<'de> for Collect<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry()? {
            self.0.insert(name, value);
        }
        Ok(())
    }
}

fn call(wire: Fields, own_id: &str) -> Option<Call> {
    if wire.dst.is_some_and(|dst| !dst.is_empty() && dst != own_id) {
        return None;
    }
    Some(Call {
        id: wire.id.as_ref().and_then(id_as_text),
        src: wire.src,
        tag: wire.tag,
        method: wire.method?,
        params: wire.params,
        auth: wire.auth,
        is_authorised: false,
    })
}

/// The reply to a call, if it wants one.
#[must_use]
pub fn reply(call: &Call, own_id: &str, outcome: &Outcome) -> Option<String> {
    use std::fmt::Write as _;

    let mut text = format!(r#"{{"id":{},"src":{}"#, call.id.as_ref()?, quoted(own_id));
    // Writing to a String cannot fail.
    if let Some(src) = &call.src {
        let _ = write!(text, r#","dst":{}"#, quoted(src));
    }
    if let Some(tag) = &call.tag {
        let _ = write!(text, r#","tag":{tag}"#);
    }
    let _ = match outcome {
        Ok(result) if result.is_empty() => write!(text, "}}"),
        Ok(result) => write!(text, r#","result":{result}}}"#),
        Err(failure) => write!(text, r#","error":{}}}"#, failure.to_json()),
    };
    Some(text)
}

/// Returns the outcome with no result in place of a `null`.
pub fn without_null(outcome: Outcome) -> Outcome {
    outcome.map(|result| if result == "null" { String::new() } else { result })
}

/// A JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The scanner takes what it has found so far even if the end of the object is missing (as recorded
/// in wire/ws.json, case `malformed_frame`).
fn lenient<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    match serde_json::from_slice(bytes) {
        Err(error) if error.is_eof() => serde_json::from_slice(&[bytes, b"}"].concat()).ok(),
        result => result.ok(),
    }
}

/// An all-digit id comes back as a bare number even if it was a string; other strings in quotes.
fn id_as_text(id: &Value) -> Option<String> {
    match id {
        Value::Null => None,
        Value::String(text) if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &str) -> Option<String> {
        let call = parse(request.as_bytes(), "dev")?;
        reply(&call, "dev", &Ok("1".into()))
    }

    #[test]
    fn ids_come_back_as_the_device_writes_them() {
        for (id, expected) in [("7", "7"), (r#""7""#, "7"), (r#""0042""#, "0042"), (r#""a7""#, r#""a7""#)] {
            let request = format!(r#"{{"id":{id},"method":"M"}}"#);
            assert_eq!(answer(&request), Some(format!(r#"{{"id":{expected},"src":"dev","result":1}}"#)), "{id}");
        }
        assert_eq!(answer(r#"{"method":"M"}"#), None, "no id, no reply");
    }

    #[test]
    fn source_and_tag_come_back() {
        assert_eq!(
            answer(r#"{"id":1,"src":"me","dst":"dev","tag":"t","method":"M","args":{}}"#).as_deref(),
            Some(r#"{"id":1,"src":"dev","dst":"me","tag":"t","result":1}"#)
        );
        assert_eq!(parse(br#"{"id":1,"dst":"other","method":"M"}"#, "dev"), None);
    }

    #[test]
    fn a_missing_bracket_is_forgiven_and_nothing_else() {
        assert!(parse(br#"{"id":1,"method":"RPC.Ping""#, "dev").is_some());
        assert_eq!(parse(b"hello", "dev"), None);
        assert_eq!(parse(br#"{"id":1}"#, "dev"), None);
    }

    #[test]
    fn datagram_is_read_as_far_as_it_goes() {
        let read = |text: &str| parse_datagram(text.as_bytes(), "dev").map(|call| (call.method, call.params));
        let ping = Some(("RPC.Ping".into(), Value::Null));
        for text in [
            r#"{"id": 1, "method": "RPC.Ping"}06b8fafb"#,
            "\n{\"id\": 1, \"method\": \"RPC.Ping\"}\n",
            r#"{"id": 1, "method": "RPC.Ping"}{"id": 2, "method": "RPC.List"}"#,
            r#"{"id": 1, "method": "RPC.Ping", "params": {"pad": "xxx"#,
        ] {
            assert_eq!(read(text), ping, "{text}");
        }
        for text in ["", "hello", "\n\"\"\"{\"id\": 1}\"\"\"", r#"{"id": 1, "meth"#, r#"{"id": 1, x"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
