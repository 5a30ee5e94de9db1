//! Requests as the device's scanner reads them, and replies byte for byte as the device writes them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny};
use serde_json::Value;

/// A request as the device sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The id as it appears in the reply. `None`: the call has no id and gets no reply.
    pub id: Option<String>,
    /// The caller. It becomes the `dst` of the reply.
    pub src: Option<String>,
    /// A value that the reply repeats.
    pub tag: Option<Value>,
    /// The method.
    pub method: String,
    /// The arguments. `Null` if the call has no arguments.
    pub params: Value,
    /// The credentials in the frame.
    pub auth: Option<Value>,
    /// Whether the connection has already authenticated the caller.
    pub is_authorised: bool,
}

/// The outcome of a method: the result or an error.
///
/// The result is JSON text because the device's white space is part of the reply. With an empty text, the reply has no
/// result.
pub type Outcome = Result<String, MethodError>;

/// An error of a method. Code 0 is a success with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodError {
    /// The error code.
    pub code: i64,
    /// The message, if any.
    pub message: Option<String>,
}

impl MethodError {
    /// Returns an error with a message.
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()) }
    }

    /// Returns an error without a message.
    #[must_use]
    pub fn bare(code: i64) -> Self {
        Self { code, message: None }
    }

    /// Returns the error as JSON: `{"code":N,"message":"…"}`.
    #[must_use]
    pub fn to_json(&self) -> String {
        match &self.message {
            Some(message) => format!(r#"{{"code":{},"message":{}}}"#, self.code, quoted(message)),
            None => format!(r#"{{"code":{}}}"#, self.code),
        }
    }
}

/// A frame that the device has received.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// A request.
    Call(Box<Call>),
    /// A response to a request that the device never sent. The device ignores it (wire/edge-frame.json, case
    /// `response_frame`).
    Response,
}

impl Frame {
    /// Returns the request, if the frame is a request.
    #[must_use]
    pub fn into_call(self) -> Option<Call> {
        match self {
            Self::Call(call) => Some(*call),
            Self::Response => None,
        }
    }
}

/// The usual size of a reply without its result, in bytes.
const USUAL_HEAD: usize = 128;

/// The fields of a frame: names, and values as JSON text.
type RawFields<'a> = Vec<(Cow<'a, str>, &'a str)>;

/// Reads a frame for the device `own_id`. Returns `None` if the frame is invalid or for another device.
///
/// Text after the object is ignored (wire/edge-frame.json, case `trailing_garbage`). The closing bracket may be missing
/// (wire/ws.json, case `malformed_frame`).
#[must_use]
pub fn parse(bytes: &[u8], own_id: &str) -> Option<Frame> {
    let (fields, rest) = fields(std::str::from_utf8(bytes).ok()?)?;
    if rest.is_empty() || rest.starts_with('}') { frame(&fields, own_id) } else { None }
}

/// Reads a frame from a datagram that may be truncated. A truncated field counts as missing (wire/ota2022-udp.json).
#[must_use]
pub fn parse_datagram(bytes: &[u8], own_id: &str) -> Option<Frame> {
    // A truncated datagram may end within a character.
    let text = bytes.utf8_chunks().next()?.valid();
    frame(&fields(text)?.0, own_id)
}

/// Reads the fields of the object at the start of the text. Stops at the first unreadable field.
///
/// Returns the fields, and the text after them.
fn fields(text: &str) -> Option<(RawFields<'_>, &str)> {
    let mut fields = Vec::new();
    let mut rest = text.trim_start().strip_prefix('{')?.trim_start();
    while let Some((name, behind)) = next_value(rest)
        && let Some(name) = unquoted(name)
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

/// Returns the text of a JSON string.
fn unquoted(json: &str) -> Option<Cow<'_, str>> {
    match plain_string(json) {
        Some((text, "")) => Some(Cow::Borrowed(text)),
        _ => serde_json::from_str(json).map(Cow::Owned).ok(),
    }
}

/// Splits a JSON string without escapes off the start of `json`. Returns its text, and what follows it.
fn plain_string(json: &str) -> Option<(&str, &str)> {
    let text = json.strip_prefix('"')?;
    let (text, rest) = text.split_at(text.bytes().position(is_escaped)?);
    Some((text, rest.strip_prefix('"')?))
}

/// Returns the JSON text of the value at the start of the text, and the text after the value.
fn next_value(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    if let Some((_, rest)) = plain_string(text) {
        return Some((&text[..text.len() - rest.len()], rest.trim_start()));
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let (value, rest) = text.split_at(values.byte_offset());
    Some((value, rest.trim_start()))
}

/// Interprets the fields of a frame.
fn frame(fields: &RawFields<'_>, own_id: &str) -> Option<Frame> {
    let raw = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| *value);
    let json = |name: &str| raw(name).map(serde_json::from_str::<Value>).transpose().ok();
    // The outer `None`: the value is neither a string nor `null`.
    let text = |name: &str| match raw(name) {
        None | Some("null") => Some(None),
        Some(value) => unquoted(value).map(|text| Some(text.into_owned())),
    };
    if text("dst")?.is_some_and(|dst| !dst.is_empty() && dst != own_id) {
        return None;
    }
    let id = raw("id").map(id_as_text).transpose().ok()?.flatten();
    let Some(method) = text("method")? else {
        return (id.is_some() && raw("result").or(raw("error")).is_some()).then_some(Frame::Response);
    };
    // Old firmware knows only `args`. Newer firmware knows both and prefers `params`.
    let params = if raw("params").is_some() { json("params") } else { json("args") };
    Some(Frame::Call(Box::new(Call {
        id,
        src: text("src")?,
        tag: json("tag")?,
        method: escaped(method),
        params: params?.unwrap_or_default(),
        auth: json("auth")?,
        is_authorised: false,
    })))
}

/// Returns the method as the device stores it: with the backslashes of its JSON text (wire/edge-frame.json, case
/// `method_with_quote`).
fn escaped(method: String) -> String {
    if is_plain(&method) {
        return method;
    }
    let quoted = quoted(&method);
    quoted[1..quoted.len() - 1].to_owned()
}

/// Returns the reply to a call, or `None` for a call without an id.
#[must_use]
pub fn reply(call: &Call, own_id: &str, outcome: &Outcome) -> Option<String> {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(USUAL_HEAD + outcome.as_ref().map_or(0, String::len));
    text.extend([r#"{"id":"#, call.id.as_deref()?, r#","src":"#]);
    Quoted(own_id).push_to(&mut text);
    if let Some(src) = &call.src {
        text.push_str(r#","dst":"#);
        Quoted(src).push_to(&mut text);
    }
    if let Some(tag) = &call.tag {
        // Writing to a String cannot fail.
        let _ = write!(text, r#","tag":{tag}"#);
    }
    match outcome {
        Ok(result) if result.is_empty() => {}
        Ok(result) => text.extend([r#","result":"#, result]),
        Err(error) => text.extend([r#","error":"#, &error.to_json()]),
    }
    text.push('}');
    Some(text)
}

/// Removes the result `null` from an outcome.
pub fn without_null(outcome: Outcome) -> Outcome {
    outcome.map(|result| if result == "null" { String::new() } else { result })
}

/// Shows a text as a JSON string.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl Quoted<'_> {
    /// Appends the JSON string to `text`.
    pub fn push_to(self, text: &mut String) {
        if is_plain(self.0) {
            text.extend(["\"", self.0, "\""]);
        } else {
            text.push_str(&Value::from(self.0).to_string());
        }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quoted(self.0))
    }
}

/// Tells whether the text has no character that a JSON string escapes.
fn is_plain(text: &str) -> bool {
    !text.bytes().any(is_escaped)
}

/// Tells whether a JSON string escapes this character.
fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Returns the text as a JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    Quoted(text).push_to(&mut json);
    json
}

/// Returns an id as it appears in the reply. `None` means that the frame has no id. An error makes the frame invalid.
///
/// Digits come back as a bare number, even if they were a string. Any other string or number comes back in quotes (as
/// recorded in wire/edge-frame.json).
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
    fn reply_id_is_bare_for_digits_and_quoted_otherwise() {
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
        assert_eq!(answer(r#"{"method":"M"}"#), None, "a call without an id gets no reply");
    }

    #[test]
    fn reply_repeats_source_and_tag() {
        assert_eq!(
            answer(r#"{"id":1,"src":"me","dst":"dev","tag":"t","method":"M","args":{}}"#).as_deref(),
            Some(r#"{"id":1,"src":"dev","dst":"me","tag":"t","result":1}"#)
        );
        assert_eq!(parse(br#"{"id":1,"dst":"other","method":"M"}"#, "dev"), None);
    }

    #[test]
    fn missing_bracket_is_accepted_and_other_errors_are_refused() {
        assert!(parse(br#"{"id":1,"method":"RPC.Ping""#, "dev").is_some());
        assert_eq!(parse(b"hello", "dev"), None);
        assert_eq!(parse(br#"{"id":1}"#, "dev"), None);
    }

    #[test]
    fn string_is_quoted_as_serde_json_quotes_it() {
        for text in ["", "OTA.Update", "a\"b", "a\\b", "a\nb", "\u{1}", "ä\u{7f}"] {
            let json = Value::from(text).to_string();
            assert_eq!(quoted(text), json);
            assert_eq!(unquoted(&json).as_deref(), Some(text));
        }
        for json in ["", "\"", "\"a", "\"a\nb\"", "\"a\"b", "a", "null", "1"] {
            assert_eq!(unquoted(json), None, "{json}");
        }
    }

    #[test]
    fn truncated_datagram_is_read_up_to_the_cut() {
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
