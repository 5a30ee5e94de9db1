//! Readers for the values of faults on the command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;

/// The longest duration of a fault. It exceeds every timeout of a client.
const MAX_DURATION: Duration = Duration::from_secs(i32::MAX as u64);

/// The longest name of a method, in bytes.
const MAX_METHOD_LEN: usize = 128;

/// Splits a value at its first colon.
pub(super) fn pair(value: &str) -> Result<(&str, &str), String> {
    value.split_once(':').ok_or_else(|| "there is something missing".into())
}

/// Reads a JSON value.
pub(super) fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{}` is not JSON: {error}", text.escape_debug()))
}

/// Reads the name of a method: ASCII letters, digits, `.`, `-`, `_` and `/`.
pub(super) fn method(name: &str) -> Result<String, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    match name {
        "" => Err("the method is missing".into()),
        _ if name.len() > MAX_METHOD_LEN => Err(format!("a method is no longer than {MAX_METHOD_LEN} bytes")),
        _ if !name.chars().all(usable) => Err(format!("`{}` is not a method", name.escape_debug())),
        _ => Ok(name.into()),
    }
}

/// Reads a percentage such as `40` or `40%`.
pub(super) fn percent(text: &str) -> Result<u8, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent @ 0..=100) => Ok(percent),
        _ => Err("a percentage is between 0 and 100".into()),
    }
}

/// Reads a number.
pub(super) fn number<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| format!("`{}`: {error}", text.escape_debug()))
}

/// Reads a duration such as `90s`, `500ms`, `1m30s`, or plain seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wanted = "a duration is written `90s`, `500ms` or in plain seconds";
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|_| wanted.to_owned())?,
    };
    match time {
        Duration::ZERO => Err("a duration is more than nothing".into()),
        time if time > MAX_DURATION => Err("the duration is too long".into()),
        time => Ok(time),
    }
}
