//! [`Recorder`], which keeps what a report needs of an update.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use otactl::ota::slot_name;
use otactl::text::device_text;
use otactl::update::event::Event;
use parking_lot::Mutex;

use super::gates::{PlannedChecks, Timed, is_needed};
use crate::cli::clock::timestamp;
use crate::cli::messages;
use crate::cli::printable::printable_message;

/// The number of events that a report keeps. An update has a few for each check.
const MAX_EVENTS: usize = 10_000;

/// The number of lines at the start of an update that a report keeps, and of those at its end. Strangers may cause any number.
const MAX_LINES: [usize; 2] = [200, 800];

/// Keeps the events of an update, and its messages as lines.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    state: Mutex<Recorded>,
}

/// What was recorded of an update.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub(crate) began: Instant,
    /// The time of the start: RFC 3339, in UTC.
    pub(crate) started: String,
    /// How long the update has taken.
    pub(crate) took: Duration,
    pub(crate) planned: PlannedChecks,
    /// The events that the gates depend on.
    pub(crate) events: Vec<Timed>,
    /// The messages of the update.
    pub(crate) lines: Lines,
    /// The app and the build before the update, printable.
    pub(crate) before: Option<String>,
    /// The app and the build of the firmware, printable.
    pub(crate) wanted: Option<String>,
}

/// The first and the last lines of an update.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines {
    first: Vec<String>,
    last: VecDeque<String>,
    left_out: usize,
}

impl Lines {
    fn push(&mut self, line: String) {
        if self.first.len() < MAX_LINES[0] {
            return self.first.push(line);
        }
        if self.last.len() == MAX_LINES[1] {
            self.last.pop_front();
            self.left_out += 1;
        }
        self.last.push_back(line);
    }

    /// Returns the lines, and one that counts those that were left out.
    pub(crate) fn all(self) -> Vec<String> {
        let gap = (self.left_out > 0).then(|| format!("… {} lines are left out …", self.left_out));
        self.first.into_iter().chain(gap).chain(self.last).collect()
    }
}

impl Recorder {
    /// Creates the recorder of an update that begins now.
    pub(crate) fn new(planned: PlannedChecks) -> Self {
        let started = Instant::now();
        let recorded = Recorded {
            began: started,
            started: timestamp(0).unwrap_or_default(),
            took: Duration::ZERO,
            planned,
            events: Vec::new(),
            lines: Lines::default(),
            before: None,
            wanted: None,
        };
        Self { started, state: Mutex::new(recorded) }
    }

    /// Records an event of the update.
    pub(crate) fn record(&self, event: &Event) {
        // One of these follows the other all the time.
        if matches!(event, Event::Sent { .. } | Event::Written { .. }) {
            return;
        }
        let at = self.started.elapsed();
        let mut state = self.state.lock();
        match event {
            Event::Device { app, build, slot, committed, .. } => {
                let state_of = if *committed { "committed" } else { "uncommitted" };
                let text = format!("{} {build} in {}, {state_of}", device_text(app), slot_name(*slot));
                // The first state: the update may begin anew.
                state.before.get_or_insert_with(|| printable_message(text.trim_start()));
            }
            Event::Firmware { app, build, .. } => {
                state.wanted = Some(printable_message(format!("{} {build}", device_text(app)).trim_start()));
            }
            _ => {}
        }
        if let Some((step, text)) = messages::step(event) {
            state.lines.push(line(at, &format!("{step:<9} {}", printable_message(&text))));
        }
        if is_needed(event) && state.events.len() < MAX_EVENTS {
            state.events.push(Timed { at, event: event.clone() });
        }
    }

    /// Records a message about the end of the update.
    pub(crate) fn record_line(&self, text: &str) {
        self.state.lock().lines.push(line(self.started.elapsed(), &printable_message(text)));
    }

    /// Returns what was recorded until now.
    pub(crate) fn recorded(&self) -> Recorded {
        Recorded { took: self.started.elapsed(), ..self.state.lock().clone() }
    }
}

/// Returns a line with its time in seconds since the start of the update.
fn line(at: Duration, text: &str) -> String {
    format!("{:>9.3}  {text}", at.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_keep_both_ends() {
        let recorder = Recorder::new(PlannedChecks::default());
        for number in 0..5_000 {
            recorder.record(&Event::ClientRejected { peer: format!("peer {number}\n\u{1b}[2J") });
        }
        let lines = recorder.recorded().lines.all();
        assert_eq!(lines.len(), 1_001);
        assert!(lines[0].contains("peer 0·") && lines[1_000].contains("peer 4999·"), "{}", lines[1_000]);
        assert_eq!(lines[200], "… 4000 lines are left out …");
        assert!(lines.iter().all(|line| !line.contains(char::is_control)));
    }
}
