//! The JSON lines that report how a command ended, for `--json`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use otactl::rpc::RemoteError;
use otactl::secrets::mask;
use otactl::text::{device_text, without_os_error_numbers};
use otactl::transport::target::Target;
use otactl::update::Success;
use otactl::update::delivery_report::DeliveryReport;
use otactl::update::outcome::Facts;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::addressed::addressed;
use super::clock::timestamp;
use super::failure::Failure;

/// Where JSON lines go: the value of `--json`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JsonPlace {
    /// `--json`, or `-` as the file.
    Stdout,
    /// `--json=FILE`.
    File(PathBuf),
}

impl From<PathBuf> for JsonPlace {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" { Self::Stdout } else { Self::File(path) }
    }
}

/// What the last line says about the command. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Subject(Arc<Mutex<Names>>);

#[derive(Debug)]
struct Names {
    started: Instant,
    device: Option<String>,
    port: Option<String>,
    device_option: Option<String>,
    is_update: bool,
    is_ended: bool,
}

impl Subject {
    /// Creates the subject of a command that begins now.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Names {
            started: Instant::now(),
            device: None,
            port: None,
            device_option: None,
            is_update: false,
            is_ended: false,
        })))
    }

    /// Declares that the command is an update. Its last line then has an outcome.
    pub(crate) fn set_update(&self) {
        self.0.lock().is_update = true;
    }

    /// Sets the address of the device. An MQTT address contains the id of the device.
    pub(crate) fn set_target(&self, target: &Target) {
        let mut names = self.0.lock();
        names.port = Some(target.to_string());
        if let Target::Mqtt(endpoint) = target {
            names.device = Some(endpoint.device());
        }
    }

    /// Sets the option that names the device, such as `-d bench1`, if it is on the command line.
    pub(crate) fn set_device_option(&self, option: Option<String>) {
        self.0.lock().device_option = option;
    }

    /// Returns the text with commands that change a device for the device of the command line.
    pub(crate) fn addressed(&self, text: &str) -> String {
        addressed(text, self.0.lock().device_option.as_deref()).into_owned()
    }

    /// Sets the id that the device reports.
    pub(crate) fn set_device(&self, id: &str) {
        self.0.lock().device = Some(id.into());
    }

    /// Returns the last line of an update that succeeded.
    pub(crate) fn done(&self, success: &Success, delivery: Option<DeliveryReport>) -> Value {
        stamped(&DoneLine { event: "done", facts: success.facts(), delivery, end: self.end(0) })
    }

    /// Returns the last line of a command that failed, or `None` if that line was returned before.
    pub(crate) fn failed(&self, failure: &Failure, delivery: Option<DeliveryReport>) -> Option<Value> {
        let mut names = self.0.lock();
        if std::mem::replace(&mut names.is_ended, true) {
            return None;
        }
        drop(names);
        Some(self.failed_line(failure, delivery))
    }

    /// Returns the last line of a command that failed.
    pub(crate) fn failed_line(&self, failure: &Failure, delivery: Option<DeliveryReport>) -> Value {
        // An update that failed without an outcome of its own has not begun.
        let outcome = (self.0.lock().is_update && failure.facts.is_none()).then_some("refused");
        stamped(&FailedLine {
            event: "failed",
            outcome,
            facts: failure.facts.as_deref(),
            delivery,
            message: &failure.message,
            hint: failure.hints.first().map(|hint| self.addressed(hint)),
            device_error: failure.device_error.as_ref().map(DeviceError::from),
            end: self.end(failure.kind.code()),
        })
    }

    fn end(&self, exit_code: u8) -> End {
        let names = self.0.lock();
        let masked = |text: &Option<String>| text.as_deref().map(|text| device_text(&mask(text)));
        // A float with three digits: exact enough for milliseconds.
        #[expect(clippy::cast_precision_loss, reason = "a command takes less than 2^52 ms")]
        let elapsed = names.is_update.then(|| names.started.elapsed().as_millis() as f64 / 1e3);
        End { elapsed, device: masked(&names.device), port: masked(&names.port), exit_code }
    }
}

/// The fields at the end of every last line.
#[derive(Serialize)]
struct End {
    /// Seconds since the start. Only of an update.
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed: Option<f64>,
    /// The id of the device, if known.
    device: Option<String>,
    /// The address of the device without secrets, if known.
    port: Option<String>,
    exit_code: u8,
}

/// The last line of a command that failed.
#[derive(Serialize)]
struct FailedLine<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(flatten)]
    facts: Option<&'a Facts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryReport>,
    message: &'a str,
    hint: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_error: Option<DeviceError>,
    #[serde(flatten)]
    end: End,
}

/// The last line of an update that succeeded.
#[derive(Serialize)]
struct DoneLine {
    event: &'static str,
    #[serde(flatten)]
    facts: Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryReport>,
    #[serde(flatten)]
    end: End,
}

/// The error with which the device answered.
#[derive(Serialize)]
struct DeviceError {
    code: i64,
    message: Option<String>,
}

impl From<&RemoteError> for DeviceError {
    fn from(error: &RemoteError) -> Self {
        Self { code: error.code, message: error.message.as_deref().map(|text| device_text(&mask(text))) }
    }
}

/// The fields of events that contain text. A device or a program may repeat a secret in them.
const TEXT_FIELDS: [&str; 6] = ["message", "reason", "says", "said", "check", "hint"];

/// Returns an event as JSON, without secrets and numbers of system errors. Adds the time, and the deadline if the device will roll back.
pub(crate) fn stamped(event: &impl Serialize) -> Value {
    let mut event = serde_json::to_value(event).unwrap_or_default();
    without_secrets(&mut event);
    if let Some(fields) = event.as_object_mut() {
        if let Some(left) = fields.get("reverts_in").and_then(Value::as_u64) {
            fields.insert("deadline".into(), timestamp(left).into());
        }
        fields.insert("time".into(), timestamp(0).into());
    }
    event
}

/// Takes secrets and numbers of system errors out of the texts of an event.
fn without_secrets(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if TEXT_FIELDS.contains(&name.as_str()) => {
                        *text = mask(&without_os_error_numbers(text)).into_owned();
                    }
                    other => without_secrets(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_secrets),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_of_an_event_have_no_numbers_of_system_errors() {
        let event = json!({ "reason": "refused (os error 111)", "revert": { "reason": "lost (os error 104)" }, "id": "a (os error 1)" });
        let event = stamped(&event);
        assert_eq!((&event["reason"], &event["revert"]["reason"]), (&json!("refused"), &json!("lost")), "{event}");
        assert_eq!(event["id"], "a (os error 1)", "a name is left alone");
    }
}
