//! A health check that calls a method of the device.

use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::contains::missing;
use super::failure::CheckFailure;
use crate::rpc::{CallError, Device};
use crate::text::{excerpt, has_single_quotes_only};
use crate::update::repeat::Repeat;

/// The longest method with its arguments, in bytes. A request must stay below 3000 bytes in all.
const MAX_CALL_LEN: usize = 2048;

/// The pause between two calls.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// A check that calls a method, and the JSON that its result must contain.
///
/// It is written as `Method {arguments} => JSON`. The arguments and the result are optional.
#[derive(Debug, Clone, PartialEq)]
pub struct RpcCheck {
    /// The full name, such as `Sys.GetInfo`.
    pub method: String,
    /// The arguments. `null`: the call has no arguments.
    pub params: Value,
    /// What the result must contain (see [`missing`]). `None`: any result passes.
    pub expected: Option<Value>,
}

/// The reason why a text is not a check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RpcCheckError {
    /// The text does not begin with a method name.
    #[error("it does not begin with the name of a method; write it as `Method {{arguments}} => JSON`")]
    NoMethod,
    /// The arguments are not valid JSON.
    #[error("the arguments after the method are not JSON: {0}")]
    Arguments(String),
    /// An unexpected text follows the arguments.
    #[error("`=>` and JSON can follow the arguments, but not `{0}`")]
    Trailing(String),
    /// The method and its arguments are longer than a device accepts.
    #[error("method and arguments are longer than {MAX_CALL_LEN} bytes, which is more than a device takes")]
    TooLong,
    /// The expected result is not valid JSON.
    #[error("what the result must contain, after `=>`, is not JSON: {0}")]
    Expected(String),
}

impl FromStr for RpcCheck {
    type Err = RpcCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
        let (method, rest) = text.split_at(text.find(|c| !in_name(c)).unwrap_or(text.len()));
        if method.is_empty() {
            return Err(RpcCheckError::NoMethod);
        }
        let rest = rest.trim_start();
        let (params, rest) =
            if rest.is_empty() || rest.starts_with("=>") { (Value::Null, rest) } else { leading_json(rest)? };
        let expected = match (rest, rest.strip_prefix("=>")) {
            ("", _) => None,
            (_, Some(json)) => {
                Some(serde_json::from_str(json).map_err(|error| RpcCheckError::Expected(error.to_string()))?)
            }
            (other, None) => return Err(RpcCheckError::Trailing(excerpt(other.as_bytes()))),
        };
        if method.len() + params.to_string().len() > MAX_CALL_LEN {
            return Err(RpcCheckError::TooLong);
        }
        Ok(Self { method: method.into(), params, expected })
    }
}

/// Splits a text into the JSON value at its beginning, which may contain `=>`, and the rest.
fn leading_json(text: &str) -> Result<(Value, &str), RpcCheckError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    match values.next() {
        Some(Ok(value)) => Ok((value, text.get(values.byte_offset()..).unwrap_or_default().trim_start())),
        Some(Err(_)) if has_single_quotes_only(text) => {
            Err(RpcCheckError::Arguments("JSON takes double quotes".into()))
        }
        Some(Err(error)) => Err(RpcCheckError::Arguments(error.to_string())),
        None => Ok((Value::Null, "")),
    }
}

impl RpcCheck {
    /// Returns the method name, safe to print.
    #[must_use]
    pub fn name(&self) -> String {
        excerpt(self.method.as_bytes())
    }

    /// Calls the method until the device replies. The first reply decides.
    pub(super) async fn run(&self, device: &Device, deadline: Instant) -> Result<(), CheckFailure> {
        let mut repeat = Repeat::until(deadline, RETRY_PAUSE);
        loop {
            match self.run_once(device, deadline).await {
                Err(failure) if failure.is_transient() && repeat.again().await => {}
                result => return result,
            }
        }
    }

    async fn run_once(&self, device: &Device, deadline: Instant) -> Result<(), CheckFailure> {
        let left = deadline.saturating_duration_since(Instant::now());
        // The call counts as idempotent, so the transport may repeat it after a lost reply.
        let result = device.call_raw(&self.method, self.params.clone(), true, left.min(device.timeout())).await;
        match (result, &self.expected) {
            (Ok(_), None) => Ok(()),
            (Ok(result), Some(expected)) => missing(&result, expected)
                .map_or(Ok(()), |what| Err(CheckFailure::failed(format!("the result is not as expected: {what}")))),
            (Err(error), _) if error.is_transient() => {
                device.drop_link_on(&error);
                Err(CheckFailure::timed_out(error.to_string()).of_call(&error))
            }
            (Err(error), _) => Err(CheckFailure::failed(without_method(&error)).of_call(&error)),
        }
    }
}

/// Returns the error without the method, because the name of the check precedes it.
fn without_method(error: &CallError) -> String {
    match error {
        CallError::Remote { error, .. } => format!("the device answered: {error}"),
        CallError::Unauthorised { refusal, .. } => refusal.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn rpc_check_is_parsed() {
        let check = |method: &str, params, expected| Ok(RpcCheck { method: method.into(), params, expected });
        for (text, expected) in [
            ("RPC.Ping", check("RPC.Ping", json!(null), None)),
            ("  RPC.Ping\n", check("RPC.Ping", json!(null), None)),
            ("A.B {\"c\": [1]}", check("A.B", json!({"c": [1]}), None)),
            ("A.B{\"c\":1}=>{\"d\":2}", check("A.B", json!({"c": 1}), Some(json!({"d": 2})))),
            ("A.B => true", check("A.B", json!(null), Some(json!(true)))),
            ("A.B=>null", check("A.B", json!(null), Some(json!(null)))),
            ("A.B 5 => 6", check("A.B", json!(5), Some(json!(6)))),
            ("A.B {\"k\": \"a => b\"} => \"=>\"", check("A.B", json!({"k": "a => b"}), Some(json!("=>")))),
            ("", Err(RpcCheckError::NoMethod)),
            ("{\"a\": 1}", Err(RpcCheckError::NoMethod)),
            ("=> 1", Err(RpcCheckError::NoMethod)),
            ("A.B {} {}", Err(RpcCheckError::Trailing("{}".into()))),
            ("A.B {} > 5", Err(RpcCheckError::Trailing("> 5".into()))),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
        let long = format!("A.B {{\"a => b\": \"{}\"}} => 1", "x".repeat(MAX_CALL_LEN));
        assert_eq!(long.parse::<RpcCheck>(), Err(RpcCheckError::TooLong));
        for (text, kind) in [
            ("A.B {c: 1}", "arguments"),
            ("A.B {", "arguments"),
            ("A.B value", "arguments"),
            ("A.B {} =>", "result"),
            ("A.B => x", "result"),
            ("A.B => 1 2", "result"),
        ] {
            let error = text.parse::<RpcCheck>().expect_err(text).to_string();
            assert!(error.contains(kind), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_without_a_panic(
            text in prop_oneof![
                any::<String>(),
                "[A-Z.]{0,3} ?[{}\"a:1,\\[\\]é]{0,9} ?(=>)? ?[{}\"a:1,\\[\\]é]{0,9}",
            ]
        ) {
            if let Ok(check) = text.parse::<RpcCheck>() {
                prop_assert!(!check.name().is_empty() && text.contains(&check.method));
            }
        }
    }
}
