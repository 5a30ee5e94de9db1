//! The status line of one device as text. Pure: the time is an argument.

use std::time::{Duration, Instant};

use super::bar::Bar;
use super::clock::{self, brief};
use super::screen::Row;
use super::wrap::{STEP_COLUMN, clip};

/// How long the command waits before the line shows for what.
pub(crate) const SHOW_AFTER: Duration = Duration::from_secs(1);

/// The columns that the name of a device leaves for the rest of its line, if the screen has that many.
const MIN_ROOM: usize = 16;

/// What the line of one device may show.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The name of the device, padded, if the command runs on several.
    pub(crate) label: String,
    pub(crate) step: Option<Step>,
    /// The calls in flight, the oldest first.
    pub(crate) calls: Vec<Call>,
}

/// What a step of the command waits for.
#[derive(Debug)]
pub(crate) enum Step {
    /// The rollback of uncommitted firmware.
    Countdown { until: Instant, at: String, activity: String },
    /// Anything else. `name` is the name of the step of an update.
    Waiting { name: Option<&'static str>, text: String, since: Instant, limit: Option<Duration> },
    /// The end of a transfer.
    Transfer(Bar),
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) method: String,
    pub(crate) since: Instant,
    pub(crate) timeout: Duration,
}

impl Line {
    /// Returns the row of at most `width` characters, or `None` if there is nothing to show.
    pub(crate) fn row(&self, now: Instant, width: usize) -> Option<Row> {
        let label = if self.label.chars().count() + MIN_ROOM > width {
            format!("{} ", clip(self.label.trim_end(), width.saturating_sub(MIN_ROOM + 1)))
        } else {
            self.label.clone()
        };
        match &self.step {
            Some(Step::Transfer(bar)) => {
                let width = width.saturating_sub(label.chars().count());
                return Some(bar.row(label, now, width));
            }
            Some(Step::Countdown { until, at, activity }) => {
                let text = countdown_text(until.saturating_duration_since(now), at);
                return Some(spinning(label, Some("check"), &text, activity, width));
            }
            Some(Step::Waiting { name, text, since, limit }) if now - *since >= SHOW_AFTER => {
                return Some(spinning(label, *name, text, &time_text("; ", now - *since, *limit), width));
            }
            _ => {}
        }
        let call = self.calls.iter().find(|call| now - call.since >= SHOW_AFTER)?;
        let time = time_text(", ", now - call.since, Some(call.timeout));
        Some(spinning(label, None, &call.method, &time, width))
    }
}

/// Returns a row with a spinner and the text. If it is too long, the middle is cut off: `end` is more informative.
///
/// The name of the step is printed above the row. If the command runs on several devices, other lines may be between.
fn spinning(mut label: String, step: Option<&str>, text: &str, end: &str, width: usize) -> Row {
    let len = |text: &str| text.chars().count();
    let is_only_device = label.is_empty();
    let indent = if is_only_device && step.is_some() { STEP_COLUMN - 1 } else { 1 };
    if let Some(step) = step
        && !is_only_device
        && len(&label) + STEP_COLUMN + 1 + indent + len(text) + len(end) <= width
    {
        label = format!("{label}{step:<STEP_COLUMN$}");
    }
    let room = width.saturating_sub(len(&label) + 1 + indent);
    let text = clip(text, room.saturating_sub(len(end)).max(room / 2));
    Row::waiting(label, clip(&format!("{:indent$}{text}{end}", ""), room + indent))
}

/// Returns how long something has taken, and how long it may take: `, 4 s of 10 s`.
fn time_text(before: &str, passed: Duration, limit: Option<Duration>) -> String {
    match limit {
        Some(limit) if limit < Duration::MAX => format!("{before}{} of {}", brief(passed), brief(limit)),
        _ => format!("{before}{}", brief(passed)),
    }
}

fn countdown_text(left: Duration, at: &str) -> String {
    match left.as_secs() {
        0 => "uncommitted; rolls back at any moment".into(),
        left => format!("uncommitted; rolls back in {} ({at})", clock::seconds(left)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::bar::Unit;
    use crate::cli::screen::Screen;

    const SECOND: Duration = Duration::from_secs(1);

    fn call(method: &str, since: Instant) -> Call {
        Call { id: 1, method: method.into(), since, timeout: SECOND * 10 }
    }

    fn drawn(line: &Line, now: Instant, width: usize) -> Option<String> {
        line.row(now, width).map(|row| Screen::new(None).draw(&[row], ""))
    }

    #[test]
    fn line_shows_what_takes_more_than_a_second() {
        let now = Instant::now();
        let waiting = |text: &str, name, limit| Step::Waiting { text: text.into(), name, since: now, limit };
        for (step, calls, after, width, expected) in [
            (None, vec![], 9, 79, None),
            (None, vec![call("Sys.GetInfo", now)], 0, 79, None),
            (None, vec![call("Sys.GetInfo", now)], 4, 79, Some("⠋ Sys.GetInfo, 4 s of 10 s")),
            (Some(waiting("waiting", Some("reboot"), Some(SECOND * 120))), vec![], 0, 79, None),
            (
                Some(waiting("waiting", Some("reboot"), Some(SECOND * 120))),
                vec![call("Sys.GetInfo", now)],
                7,
                79,
                Some("⠋         waiting; 7 s of 2m"),
            ),
            (Some(waiting("it runs", None, None)), vec![], 65, 79, Some("⠋ it runs; 1m 5s")),
            (
                Some(waiting("not there yet: 1.0.0", None, Some(SECOND * 90))),
                vec![],
                7,
                31,
                Some("⠋ not there yet…; 7 s of 1m 30s"),
            ),
        ] {
            let line = Line { step, calls, ..Line::default() };
            assert_eq!(drawn(&line, now + SECOND * after, width).as_deref(), expected, "{line:?} {after}");
        }
    }

    #[test]
    fn countdown_is_shown_at_once_and_keeps_the_check() {
        let now = Instant::now();
        let step =
            Step::Countdown { until: now + SECOND * 290, at: "at 07:44:18".into(), activity: "; checking soak".into() };
        let line = Line { step: Some(step), ..Line::default() };
        let expected = "⠋         uncommitted; rolls back in 4m 50s (at 07:44:18); checking soak";
        assert_eq!(drawn(&line, now, 79).as_deref(), Some(expected));
        let narrow = drawn(&line, now, 39).expect("a line");
        assert!(narrow.ends_with("; checking soak") && narrow.chars().count() <= 39, "{narrow}");
    }

    /// The lines of a command on several devices.
    #[test]
    fn line_of_a_device_begins_with_its_name_and_fits_the_screen() {
        let now = Instant::now();
        let waiting = |name| Step::Waiting { text: "waiting for the device".into(), name, since: now, limit: None };
        let bar = || Step::Transfer(Bar::new(Unit::Percent, 50, 100, now));
        for (label, step, width, expected) in [
            ("a    ", bar(), 78, "a    download  ━━━━━━━━━━━━━━━╸                50 %"),
            ("a    ", waiting(Some("reboot")), 78, "a    reboot    ⠋ waiting for the device; 4 s"),
            ("a    ", waiting(None), 78, "a    ⠋ waiting for the device; 4 s"),
            ("a    ", waiting(Some("reboot")), 38, "a    ⠋ waiting for the device; 4 s"),
            ("ws://192.168.1.5/rpc  ", bar(), 38, "ws://192.168.1.5/rpc   50 %"),
            ("ws://192.168.1.5/rpc  ", waiting(Some("reboot")), 38, "ws://192.168.1.5/rpc  ⠋ waiting…; 4 s"),
            ("ws://192.168.1.5/rpc  ", waiting(None), 30, "ws://192.168… ⠋ waiting…; 4 s"),
        ] {
            let line = Line { label: label.into(), step: Some(step), calls: Vec::new() };
            let drawn = drawn(&line, now + SECOND * 4, width).expect("a line");
            assert_eq!(drawn, expected, "{width}");
            assert!(drawn.chars().count() <= width, "{width}: {drawn}");
        }
    }
}
