//! The gates of an update and their times, derived from its events. Pure.

use std::time::Duration;

use otactl::update::event::Event;

/// An event, and the time since the start of the update.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    pub(crate) at: Duration,
    pub(crate) event: Event,
}

/// The health checks that the options of the update ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PlannedChecks {
    /// The names of the checks, in the order in which they run.
    pub(crate) names: Vec<String>,
    pub(crate) has_soak: bool,
}

/// The end of an update.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    /// The time since the start of the update.
    pub(crate) at: Duration,
    /// The name of the outcome.
    pub(crate) outcome: &'a str,
    /// The trouble, if the update failed.
    pub(crate) trouble: Option<Trouble>,
}

/// The kind of trouble that ended an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The firmware: exit codes 7 and 8.
    Firmware,
    /// The network, the device, its credentials, the command line, or an interruption: all other exit codes.
    Rig,
}

impl Trouble {
    /// Returns the trouble behind an exit code, or `None` for success.
    pub(crate) fn of(exit_code: u8) -> Option<Self> {
        match exit_code {
            0 => None,
            7 | 8 => Some(Self::Firmware),
            _ => Some(Self::Rig),
        }
    }
}

/// What became of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Passed,
    /// The update ended here, because of its firmware.
    Failed,
    /// The update ended here, because of the rig.
    Error,
    /// The update did not reach the gate, or had no need for it.
    Skipped,
}

impl Mark {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// A gate: a part of the update that has to succeed before the next one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gate {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    /// The times in which the update was at this gate. Several if it began anew.
    pub(crate) spans: Vec<Span>,
}

/// A time between two points, both counted from the start of the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: Duration,
    pub(crate) end: Duration,
}

impl Gate {
    /// Returns how long the update was at this gate.
    pub(crate) fn took(&self) -> Duration {
        self.spans.iter().map(|span| span.end.saturating_sub(span.start)).sum()
    }
}

const PREFLIGHT: usize = 0;
const DOWNLOAD: usize = 1;
const REBOOT: usize = 2;
/// The index of the first check. The soak and the commit follow the last one.
const CHECKS: usize = 3;

/// The outcomes of a firmware that the device has not taken. otactl may notice this only after a reboot.
const NOT_TAKEN: [&str; 3] = ["never_fetched", "download_failed", "nothing_new"];

/// Tells whether the gates depend on an event.
pub(crate) fn is_needed(event: &Event) -> bool {
    matches!(
        event,
        Event::Serving { .. }
            | Event::Requested { .. }
            | Event::DownloadingHere { .. }
            | Event::Rebooting
            | Event::Back { .. }
            | Event::Resuming { .. }
            | Event::Checking { .. }
            | Event::Checked { .. }
            | Event::CheckFailed { .. }
            | Event::Committing
            | Event::Reverting
    )
}

/// Returns the gates in their order: preflight, download, reboot, each check, soak, commit.
pub(crate) fn gates(planned: &PlannedChecks, events: &[Timed], end: End<'_>) -> Vec<Gate> {
    let mut walk = Walk::new(planned);
    for Timed { at, event } in events {
        walk.pass(*at, event);
    }
    walk.close(end.at);
    walk.marked(planned.has_soak, end)
}

/// The way of an update through its gates.
struct Walk {
    gates: Vec<Gate>,
    /// The gate at which the update is, and since when.
    open: Option<(usize, Duration)>,
    /// The gate that a failure belongs to. `None`: the next one.
    last: Option<usize>,
    /// The number of checks that have passed.
    passed_checks: usize,
    /// The number of checks without the soak.
    checks: usize,
    /// The device was told to revert: what follows belongs to no gate.
    is_reverted: bool,
}

impl Walk {
    fn new(planned: &PlannedChecks) -> Self {
        let checks = named_apart(&planned.names);
        let names = ["preflight", "download", "reboot"].map(ToOwned::to_owned).into_iter();
        let names = names.chain(checks).chain(["soak", "commit"].map(ToOwned::to_owned));
        let gates = names.map(|name| Gate { name, mark: Mark::Skipped, spans: Vec::new() }).collect();
        let open = Some((PREFLIGHT, Duration::ZERO));
        Self { gates, open, last: Some(PREFLIGHT), passed_checks: 0, checks: planned.names.len(), is_reverted: false }
    }

    fn commit(&self) -> usize {
        self.gates.len() - 1
    }

    fn close(&mut self, at: Duration) {
        if let Some((gate, start)) = self.open.take() {
            self.gates[gate].spans.push(Span { start, end: at.max(start) });
        }
    }

    fn enter(&mut self, gate: usize, at: Duration) {
        if self.open.is_some_and(|(open, _)| open == gate) {
            return;
        }
        self.close(at);
        (self.open, self.last) = (Some((gate, at)), Some(gate));
    }

    fn pass(&mut self, at: Duration, event: &Event) {
        match event {
            _ if self.is_reverted => {}
            Event::Serving { .. } | Event::Requested { .. } | Event::DownloadingHere { .. } => {
                self.enter(DOWNLOAD, at);
            }
            // Before the update, otactl may wait for a device that reboots for another reason.
            Event::Rebooting if self.last != Some(PREFLIGHT) => self.enter(REBOOT, at),
            Event::Back { .. } => {
                self.close(at);
                // The device may be back with another build than the wanted one.
                (self.last, self.passed_checks) = (Some(REBOOT), 0);
            }
            Event::Resuming { .. } => {
                self.close(at);
                (self.last, self.passed_checks) = (None, 0);
            }
            // The soak follows the last check.
            Event::Checking { .. } => self.enter(CHECKS + self.passed_checks.min(self.checks), at),
            Event::Checked { .. } => {
                self.close(at);
                (self.last, self.passed_checks) = (None, self.passed_checks + 1);
            }
            Event::CheckFailed { .. } => self.close(at),
            Event::Committing => self.enter(self.commit(), at),
            Event::Reverting => {
                self.close(at);
                self.is_reverted = true;
            }
            _ => {}
        }
    }

    /// Returns the gates with their marks.
    fn marked(mut self, has_soak: bool, end: End<'_>) -> Vec<Gate> {
        let commit = self.commit();
        let Some(trouble) = end.trouble else {
            for gate in &mut self.gates {
                gate.mark = if gate.spans.is_empty() { Mark::Skipped } else { Mark::Passed };
            }
            // A firmware may have committed itself.
            if end.outcome == "updated" {
                self.gates[commit].mark = Mark::Passed;
            }
            return self.gates;
        };
        let next = match self.passed_checks {
            passed if passed < self.checks => CHECKS + passed,
            passed if passed == self.checks && has_soak => CHECKS + passed,
            _ => commit,
        };
        let mut failed = self.last.unwrap_or(next);
        if NOT_TAKEN.contains(&end.outcome) {
            failed = failed.min(DOWNLOAD);
        }
        for (index, gate) in self.gates.iter_mut().enumerate() {
            gate.mark = match (index.cmp(&failed), trouble) {
                (std::cmp::Ordering::Less, _) if !gate.spans.is_empty() => Mark::Passed,
                (std::cmp::Ordering::Equal, Trouble::Firmware) => Mark::Failed,
                (std::cmp::Ordering::Equal, Trouble::Rig) => Mark::Error,
                _ => Mark::Skipped,
            };
            if gate.mark == Mark::Skipped {
                gate.spans.clear();
            }
        }
        self.gates
    }
}

/// Returns the names of the gates of the checks. A name that stands twice gets a number.
fn named_apart(checks: &[String]) -> Vec<String> {
    let name = |(index, check): (usize, &String)| {
        let before = checks[..index].iter().filter(|other| *other == check).count();
        if before == 0 { format!("check {check}") } else { format!("check {check} ({})", before + 1) }
    };
    checks.iter().enumerate().map(name).collect()
}

#[cfg(test)]
mod tests;
