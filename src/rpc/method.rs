//! [`Method`], the typed form of a device's method.

use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;

use super::error::CallError;
use crate::text::device_text;

/// A method of the device. The fields of the type are the arguments; the result is [`Method::Reply`].
pub trait Method: Serialize {
    /// The full name, such as `OTA.Commit`.
    const NAME: &'static str;
    /// Whether a second execution does no harm. Only such a method is sent again when a reply is lost.
    const IDEMPOTENT: bool;
    /// The type of the device's result.
    type Reply: DeserializeOwned;
}

/// Returns the arguments of a method as JSON.
///
/// A method without arguments gives `null`. The frame then has no `params`: it is shorter, and means the same to a
/// device.
pub(super) fn arguments<M: Method>(method: &M) -> Value {
    let params = serde_json::to_value(method).expect("the arguments of a method serialise");
    if params == Value::Object(serde_json::Map::new()) { Value::Null } else { params }
}

/// Converts the device's result to the reply type of the method.
pub(super) fn typed_reply<M: Method>(value: Value) -> Result<M::Reply, CallError> {
    M::Reply::deserialize(value)
        .map_err(|e| CallError::WrongShape { method: M::NAME.into(), detail: device_text(&e.to_string()) })
}
