//! [`Report`], what all reports of an update say.

use std::time::{Duration, Instant};

use otactl::update::Success;
use serde_json::Value;

use super::gates::{End, Gate, Trouble, gates};
use super::recorder::Recorded;
use crate::cli::clock;
use crate::cli::failure::Failure;
use crate::cli::printable::printable_message;

/// The outcomes of an update after which the device runs what it ran before.
const AS_BEFORE: [&str; 5] = ["refused", "untouched", "planned", "never_fetched", "download_failed"];

/// The report of the update of one device. All texts are printable and without secrets.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The name of the device: that of the configuration, its id, or its address.
    pub(crate) name: String,
    /// The id of the device, if known.
    pub(crate) device: Option<String>,
    /// The address of the device, if known.
    pub(crate) port: Option<String>,
    /// The builds before the update, in the firmware, and now.
    pub(crate) before: Option<String>,
    pub(crate) wanted: Option<String>,
    pub(crate) now: Option<String>,
    pub(crate) outcome: String,
    pub(crate) exit_code: u8,
    pub(crate) trouble: Option<Trouble>,
    /// The message of the failure.
    pub(crate) message: Option<String>,
    pub(crate) hints: Vec<String>,
    pub(crate) gates: Vec<Gate>,
    /// The lines of otactl.
    pub(crate) lines: Vec<String>,
    pub(crate) began: Instant,
    /// The time of the start: RFC 3339, in UTC.
    pub(crate) started: String,
    pub(crate) took: Duration,
    /// The fields of the last JSON line.
    pub(crate) last: Value,
}

impl Report {
    /// Returns the report of an update. `last` is its last JSON line, `name` the name of its device if it has one.
    pub(crate) fn new(name: Option<&str>, recorded: Recorded, result: Result<&Success, &Failure>, last: Value) -> Self {
        let field = |name: &str| last.get(name).and_then(Value::as_str).map(printable_message);
        let (device, port) = (field("device"), field("port"));
        let outcome = field("outcome").unwrap_or_else(|| "failed".into());
        let exit_code = result.map_or_else(|failure| failure.kind.code(), |_| 0);
        let facts = match result {
            Ok(success) => Some(success.facts()),
            Err(failure) => failure.facts.as_deref().cloned(),
        };
        let running = facts.and_then(|facts| facts.running).map(|running| printable_message(&running.to_string()));
        let before = recorded.before;
        let now = running.or_else(|| before.clone().filter(|_| AS_BEFORE.contains(&outcome.as_str())));
        let trouble = Trouble::of(exit_code);
        let end = End { at: recorded.took, outcome: &outcome, trouble };
        let gates = gates(&recorded.planned, &recorded.events, end);
        let failure = result.err();
        Self {
            name: name
                .map(printable_message)
                .or_else(|| device.clone())
                .or_else(|| port.clone())
                .unwrap_or_else(|| "device".into()),
            device,
            port,
            before,
            wanted: recorded.wanted,
            now,
            exit_code,
            trouble,
            message: failure.map(|failure| printable_message(&failure.message)),
            hints: failure
                .map(|failure| failure.hints.iter().map(|hint| printable_message(hint)).collect())
                .unwrap_or_default(),
            gates: gates.into_iter().map(|gate| Gate { name: printable_message(&gate.name), ..gate }).collect(),
            lines: recorded.lines.all(),
            began: recorded.began,
            started: recorded.started,
            took: recorded.took,
            outcome,
            last,
        }
    }

    /// Returns the device and its builds, with their names. `None`: not known.
    pub(crate) fn facts(&self) -> [(&'static str, Option<&str>); 5] {
        [
            ("device", self.device.as_deref()),
            ("port", self.port.as_deref()),
            ("before", self.before.as_deref()),
            ("wanted", self.wanted.as_deref()),
            ("now", self.now.as_deref()),
        ]
    }

    /// Returns the message and the hints of a failure, one per line. Empty after a success.
    pub(crate) fn explanation(&self) -> String {
        let hints = self.hints.iter().map(|hint| format!("hint: {hint}"));
        self.message.iter().cloned().chain(hints).collect::<Vec<_>>().join("\n")
    }
}

/// Formats the time of a gate: `13 ms`, `3.1 s`, `2m 5s`.
pub(crate) fn time(took: Duration) -> String {
    if took < Duration::from_millis(100) { clock::milliseconds(took) } else { clock::elapsed(took) }
}

/// A report for the tests of the writers, with hostile texts.
#[cfg(test)]
pub(crate) mod example {
    use serde_json::json;

    use super::*;
    use crate::cli::report::gates::{Mark, Span};

    /// A text that each writer has to escape.
    pub(crate) const HOSTILE: &str = "a<script>alert(1)</script>&\"'|`*_[x](http://y)]]>%0A";

    pub(crate) fn report(exit_code: u8) -> Report {
        let gate = |name: &str, mark, start, end| {
            let spans = vec![Span { start: Duration::from_millis(start), end: Duration::from_millis(end) }];
            let spans = if mark == Mark::Skipped { Vec::new() } else { spans };
            Gate { name: name.into(), mark, spans }
        };
        let trouble = Trouble::of(exit_code);
        let mark = match trouble {
            None => Mark::Passed,
            Some(Trouble::Firmware) => Mark::Failed,
            Some(Trouble::Rig) => Mark::Error,
        };
        let is_failed = trouble.is_some();
        Report {
            name: format!("bench1 {HOSTILE}"),
            device: Some("esp32_AABBCC".into()),
            port: Some("ws://192.168.1.5/rpc".into()),
            before: Some(format!("{HOSTILE} 1.0.0 in slot 0, committed")),
            wanted: Some("demo 2.0.0".into()),
            now: None,
            outcome: if is_failed { "rolled_back" } else { "updated" }.into(),
            exit_code,
            trouble,
            message: is_failed.then(|| format!("the device has restarted with {HOSTILE}")),
            hints: if is_failed { vec!["look at the console, or wait: 50 %".into()] } else { Vec::new() },
            gates: vec![
                gate("preflight", Mark::Passed, 0, 80),
                gate("download", Mark::Passed, 80, 4_000),
                gate("reboot", mark, 4_000, 6_125),
                gate(&format!("check {HOSTILE}"), Mark::Skipped, 0, 0),
            ],
            lines: vec!["    0.012  device    esp32_AABBCC".into(), format!("    6.125  error: {HOSTILE}")],
            began: Instant::now(),
            started: "2026-11-28T14:00:27.412Z".into(),
            took: Duration::from_millis(6_125),
            last: json!({ "event": "failed", "outcome": "rolled_back", "device": "esp32_AABBCC", "exit_code": exit_code }),
        }
    }
}
