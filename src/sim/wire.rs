//! Requests as the device's scanner reads them, replies as it writes them, byte for byte.

use serde::de::{Error as _, IgnoredAny};
use serde_json::Value;

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

/// A frame that came to the device.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A request.
    Call(Box<Call>),
    /// A response to a request that the device never made. It is ignored (wire/edge-frame.json, case `response_frame`).
    Response,
}

impl Frame {
    /// The request, if it is one.
    #[must_use]
    pub fn into_call(self) -> Option<Call> {
        match self {
            Self::Call(call) => Some(*call),
            Self::Response => None,
        }
    }
}

/// The fields of a frame, by name, as they stand there.
type Fields<'a> = Vec<(String, &'a str)>;

/// Reads a frame that is meant for the device `own_id`. `None`: not a valid frame.
///
/// Anything behind the object is ignored, and the bracket at its end may be missing (wire/edge-frame.json, case
/// `trailing_garbage`; wire/ws.json, case `malformed_frame`).
#[must_use]
pub fn parse(bytes: &[u8], own_id: &str) -> Option<Frame> {
    let (fields, rest) = fields(std::str::from_utf8(bytes).ok()?)?;
    if rest.is_empty() || rest.starts_with('}') { frame(&fields, own_id) } else { None }
}

/// Reads a frame from a datagram that may be truncated. A truncated field counts as missing (wire/ota2022-udp.json).
#[must_use]
pub fn parse_datagram(bytes: &[u8], own_id: &str) -> Option<Frame> {
    // A datagram may end within a character.
    let text = bytes.utf8_chunks().next()?.valid();
    frame(&fields(text)?.0, own_id)
}

/// Returns the fields of the object at the start of the text up to the first one that cannot be read, and the text behind them.
fn fields(text: &str) -> Option<(Fields<'_>, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start().strip_prefix('{')?.trim_start();
    while let Some((name, behind)) = next_value(rest)
        && let Ok(name) = serde_json::from_str(name)
        && let Some((value, behind)) = behind.strip_prefix(':').and_then(next_value)
    {
        fields.push((name, value));
        rest = behind;
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None => break,
        }
    }
    Some((fields, rest))
}

/// Returns the JSON value at the start of the text as it stands there, and the text behind it.
fn next_value(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (value, rest) = text.split_at(values.byte_offset());
    Some((value, rest.trim_start()))
}

fn frame(fields: &Fields<'_>, own_id: &str) -> Option<Frame> {
    let raw = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let json = |name: &str| raw(name).map(serde_json::from_str::<Value>).transpose().ok();
    let text = |name: &str| raw(name).map(serde_json::from_str::<Option<String>>).transpose().ok().map(Option::flatten);
    if text("dst")?.is_some_and(|dst| !dst.is_empty() && dst != own_id) {
        return None;
    }
    let id = raw("id").map(id_as_text).transpose().ok()?.flatten();
    let Some(method) = text("method")? else {
        return (id.is_some() && raw("result").or(raw("error")).is_some()).then_some(Frame::Response);
    };
    // Old firmware knows `args` only; today's takes both, and prefers `params`.
    let params = if raw("params").is_some() { json("params") } else { json("args") };
    Some(Frame::Call(Box::new(Call {
        id,
        src: text("src")?,
        tag: json("tag")?,
        method: escaped(&method),
        params: params?.unwrap_or_default(),
        auth: json("auth")?,
        is_authorised: false,
    })))
}

/// A method as the device has it: with the backslashes of its JSON (wire/edge-frame.json, case `method_with_quote`).
fn escaped(method: &str) -> String {
    let quoted = quoted(method);
    quoted[1..quoted.len() - 1].to_owned()
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

/// How an id comes back: digits as a bare number even if they were a string, any other string or number in quotes (as recorded in
/// wire/edge-frame.json).
/// `None`: it counts as no id. An error makes the frame invalid.
fn id_as_text(id: &str) -> serde_json::Result<Option<String>> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    Ok(match serde_json::from_str(id)? {
        Value::Null => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) if is_number(&text) => Some(text),
        Value::String(text) => Some(quoted(&text)),
        Value::Number(_) if is_number(id) => Some(id.to_owned()),
        Value::Number(_) => Some(quoted(id)),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(serde_json::Error::custom("an id is a string or a number"));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &str) -> Option<String> {
        let call = parse(request.as_bytes(), "dev")?.into_call()?;
        reply(&call, "dev", &Ok("1".into()))
    }

    #[test]
    fn ids_come_back_as_the_device_writes_them() {
        for (id, expected) in [
            ("7", "7"),
            (r#""7""#, "7"),
            (r#""0042""#, "0042"),
            (r#""a7""#, r#""a7""#),
            ("1.5", r#""1.5""#),
            ("-7", r#""-7""#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
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
        let read = |text: &str| {
            let call = parse_datagram(text.as_bytes(), "dev")?.into_call()?;
            Some((call.method, call.params))
        };
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
