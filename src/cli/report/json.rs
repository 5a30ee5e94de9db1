//! The report as one JSON object. Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::gates::Gate;
use super::model::Report;
use crate::cli::printable::escaped;

/// Returns the report of one device, or an object with the reports of several devices.
pub(crate) fn text(reports: &[&Report]) -> String {
    let value = match reports {
        [report] => object(report, false),
        reports => json!({ "devices": reports.iter().map(|report| object(report, true)).collect::<Vec<_>>() }),
    };
    escaped(&format!("{value:#}"))
}

/// Returns the fields of the last JSON line and the gates. `device` is the name of one of several devices, as in its lines.
fn object(report: &Report, is_one_of_several: bool) -> Value {
    let mut fields = report.last.as_object().cloned().unwrap_or_default();
    if is_one_of_several && let Some(id) = fields.insert("device".into(), report.name.as_str().into()) {
        fields.insert("device_id".into(), id);
    }
    fields.insert("started".into(), report.started.as_str().into());
    fields.insert("gates".into(), report.gates.iter().map(gate).collect());
    Value::Object(fields)
}

fn gate(gate: &Gate) -> Value {
    let mut fields = Map::new();
    fields.insert("gate".into(), gate.name.as_str().into());
    fields.insert("result".into(), gate.mark.name().into());
    if let Some(first) = gate.spans.first() {
        fields.insert("start".into(), seconds(first.start));
        fields.insert("seconds".into(), seconds(gate.took()));
    }
    Value::Object(fields)
}

/// Returns seconds with three digits.
#[expect(clippy::cast_precision_loss, reason = "a command takes less than 2^52 ms")]
fn seconds(duration: Duration) -> Value {
    (duration.as_millis() as f64 / 1e3).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::model::example;

    #[test]
    fn one_device_has_the_fields_of_the_last_line_and_the_gates() {
        let value: Value = serde_json::from_str(&text(&[&example::report(8)])).expect("JSON");
        assert_eq!(
            (&value["outcome"], &value["device"], &value["exit_code"]),
            (&json!("rolled_back"), &json!("esp32_AABBCC"), &json!(8))
        );
        assert_eq!(
            value["gates"][1],
            json!({ "gate": "download", "result": "passed", "start": 0.08, "seconds": 3.92 })
        );
        assert_eq!(value["gates"][3]["result"], "skipped");
        assert_eq!(value["gates"][3].as_object().map(Map::len), Some(2));
    }

    #[test]
    fn several_devices_are_one_object() {
        let (one, other) = (example::report(8), example::report(0));
        let value: Value = serde_json::from_str(&text(&[&one, &other])).expect("JSON");
        let devices = value["devices"].as_array().expect("a list");
        assert_eq!(devices.len(), 2);
        assert_eq!((&devices[0]["device"], &devices[0]["device_id"]), (&json!(one.name), &json!("esp32_AABBCC")));
    }
}
