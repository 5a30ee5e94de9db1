//! The last line of the screen: what the command waits for, and for how long. All messages go above it.
//!
//! The line exists only on a terminal that can move its cursor. It is drawn by [`StatusLine::run`], which runs beside the command, so
//! that a call needs neither a thread nor a timer of its own.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Term;
use otactl::secrets::mask;
use otactl::text::printable;
use parking_lot::Mutex;

use super::bar::{Bar, Unit};
use super::clock::{self, brief};
use super::wrap::{STEP_COLUMN, clip};
use super::writer::{Importance, LineWriter};

/// The interval at which the line is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// The shortest interval between two drawings of a bar that moves.
const MIN_BAR_INTERVAL: Duration = Duration::from_millis(50);

/// How long the command waits before the line shows for what.
const SHOW_AFTER: Duration = Duration::from_secs(1);

/// The width of a terminal that does not report it.
const DEFAULT_WIDTH: u16 = 80;

/// Moves to the start of the line, and clears it.
const CLEAR: &str = "\r\x1b[2K";

const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// The status line, if there is one. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StatusLine {
    state: Arc<Mutex<State>>,
    /// Used for the size of the terminal. `None`: no line is ever drawn.
    term: Option<Term>,
    stderr: LineWriter,
}

#[derive(Debug, Default)]
struct State {
    step: Option<Step>,
    /// The calls in flight, the oldest first.
    calls: Vec<Call>,
    last_id: u64,
    /// Whether the line is on the screen.
    is_drawn: bool,
    drawn_at: Option<Instant>,
    /// The number of drawings. It turns the spinner.
    drawings: usize,
}

/// What a step of the command waits for.
#[derive(Debug)]
enum Step {
    /// The rollback of uncommitted firmware.
    Countdown { until: Instant, at: String, activity: String },
    /// Anything else.
    Waiting { text: String, column: usize, since: Instant, limit: Option<Duration> },
    /// The end of a transfer.
    Transfer(Bar),
}

#[derive(Debug)]
struct Call {
    id: u64,
    method: String,
    since: Instant,
    timeout: Duration,
}

/// A call in flight. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct CallInFlight {
    status_line: StatusLine,
    id: u64,
}

impl Drop for CallInFlight {
    fn drop(&mut self) {
        let mut state = self.status_line.state.lock();
        state.calls.retain(|call| call.id != self.id);
        if state.is_drawn && state.step.is_none() {
            self.status_line.draw(&mut state);
        }
    }
}

impl StatusLine {
    /// Creates the status line on stderr. Without `is_live`, it is never drawn.
    pub(crate) fn new(stderr: LineWriter, is_live: bool) -> Self {
        let term = is_live.then(Term::stderr);
        // On Windows, asking for colours lets the terminal understand escape sequences.
        let term = term.filter(|term| cfg!(unix) || term.features().colors_supported());
        Self { state: Arc::default(), term, stderr }
    }

    /// Tells whether the line is ever drawn.
    pub(crate) fn is_live(&self) -> bool {
        self.term.is_some()
    }

    /// Draws the line from time to time, for ever.
    pub(crate) async fn run(&self) -> Infallible {
        if !self.is_live() {
            return pending().await;
        }
        loop {
            tokio::time::sleep(REDRAW_INTERVAL).await;
            self.draw(&mut self.state.lock());
        }
    }

    /// Shows the time until the device rolls back, in `left` from now.
    pub(crate) fn count_down(&self, left: Duration) {
        // A device may report any number.
        let Some(until) = Instant::now().checked_add(left) else { return self.end() };
        self.begin(Step::Countdown { until, at: clock::at(left.as_secs()), activity: String::new() });
    }

    /// Sets the text after the countdown, such as the check that runs.
    pub(crate) fn set_activity(&self, text: &str) {
        if let Some(Step::Countdown { activity, .. }) = &mut self.state.lock().step {
            *activity = shown(text);
        }
    }

    /// Shows for what the step of an update waits, and for how long, once it waits for more than a second.
    pub(crate) fn step_waits(&self, text: &str, limit: Option<Duration>) {
        self.begin(Step::Waiting { text: shown(text), column: STEP_COLUMN, since: Instant::now(), limit });
    }

    /// Shows for what the command waits, and for how long, once it waits for more than a second.
    pub(crate) fn command_waits(&self, text: &str, limit: Option<Duration>) {
        self.begin(Step::Waiting { text: shown(text), column: 2, since: Instant::now(), limit });
    }

    /// Replaces the text of what the command waits for.
    pub(crate) fn set_text(&self, new: &str) {
        if let Some(Step::Waiting { text, .. }) = &mut self.state.lock().step {
            *text = shown(new);
        }
    }

    /// Shows the progress of a transfer.
    pub(crate) fn transfer(&self, unit: Unit, done: u64, total: u64) {
        let now = Instant::now();
        let mut state = self.state.lock();
        match &mut state.step {
            Some(Step::Transfer(bar)) => bar.set(done, total, now),
            step => *step = Some(Step::Transfer(Bar::new(unit, done, total, now))),
        }
        if state.drawn_at.is_none_or(|at| at.elapsed() >= MIN_BAR_INTERVAL) || done == total {
            self.draw(&mut state);
        }
    }

    /// Registers a call, which the line shows if nothing else is shown and the call takes more than a second.
    pub(crate) fn call(&self, method: &str, timeout: Duration) -> CallInFlight {
        let mut state = self.state.lock();
        state.last_id += 1;
        let id = state.last_id;
        state.calls.push(Call { id, method: printable(method), since: Instant::now(), timeout });
        drop(state);
        CallInFlight { status_line: self.clone(), id }
    }

    fn begin(&self, step: Step) {
        self.end_bar();
        let mut state = self.state.lock();
        state.step = Some(step);
        self.draw(&mut state);
    }

    /// Ends the bar, which stays on the screen as a line.
    pub(crate) fn end_bar(&self) {
        if matches!(self.state.lock().step, Some(Step::Transfer(_))) {
            self.end();
        }
    }

    /// Removes the line. A bar stays on the screen.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock();
        if let Some(Step::Transfer(bar)) = state.step.take()
            && self.is_live()
        {
            let line = bar.last_line(Instant::now(), self.width());
            self.stderr.push(Importance::Kept, format!("{CLEAR}{line}\n").into_bytes());
            state.is_drawn = false;
        }
        self.clear(&mut state);
    }

    /// Calls `write`, which writes to the terminal above the line.
    pub(crate) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        let mut state = self.state.lock();
        let was_drawn = state.is_drawn;
        self.clear(&mut state);
        let result = write();
        if was_drawn {
            self.draw(&mut state);
        }
        result
    }

    /// Returns the number of characters that the line may have. The last column stays empty, so that the cursor stays in the line.
    fn width(&self) -> usize {
        let columns = self.term.as_ref().map_or(DEFAULT_WIDTH, |term| term.size().1);
        usize::from(if columns == 0 { DEFAULT_WIDTH } else { columns }).saturating_sub(1)
    }

    fn draw(&self, state: &mut State) {
        if !self.is_live() {
            return;
        }
        let Some(line) = state.line(Instant::now(), self.width()) else { return self.clear(state) };
        self.stderr.push(Importance::Passing, format!("{CLEAR}{line}").into_bytes());
        state.is_drawn = true;
        state.drawings += 1;
        state.drawn_at = Some(Instant::now());
    }

    fn clear(&self, state: &mut State) {
        if std::mem::take(&mut state.is_drawn) {
            self.stderr.push(Importance::Kept, CLEAR.into());
        }
    }
}

impl State {
    /// Returns the line of at most `width` characters, or `None` if there is nothing to show.
    fn line(&self, now: Instant, width: usize) -> Option<String> {
        match &self.step {
            Some(Step::Transfer(bar)) => return Some(bar.line(now, width)),
            Some(Step::Countdown { until, at, activity }) => {
                let text = countdown_text(until.saturating_duration_since(now), at);
                return Some(self.spinning(&text, activity, STEP_COLUMN, width));
            }
            Some(Step::Waiting { text, column, since, limit }) if now - *since >= SHOW_AFTER => {
                return Some(self.spinning(text, &time_text("; ", now - *since, *limit), *column, width));
            }
            _ => {}
        }
        let call = self.calls.iter().find(|call| now - call.since >= SHOW_AFTER)?;
        Some(self.spinning(&call.method, &time_text(", ", now - call.since, Some(call.timeout)), 2, width))
    }

    /// Returns the spinner and the text at `column`. If the line is too long, the middle is cut off: `end` is more informative.
    fn spinning(&self, text: &str, end: &str, column: usize, width: usize) -> String {
        let mut line = String::from(SPINNER[self.drawings % SPINNER.len()]);
        let room = width.saturating_sub(column);
        let text = clip(text, room.saturating_sub(end.chars().count()).max(room / 2));
        // Writing to a String cannot fail.
        let _ = write!(line, "{:1$}{text}{end}", "", column - 1);
        clip(&line, width)
    }
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

/// Returns a text without secrets and control characters.
fn shown(text: &str) -> String {
    printable(&mask(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn call(method: &str, since: Instant) -> Call {
        Call { id: 1, method: method.into(), since, timeout: SECOND * 10 }
    }

    #[test]
    fn line_shows_what_takes_more_than_a_second() {
        let now = Instant::now();
        let waiting = |text: &str, column, limit| Step::Waiting { text: text.into(), column, since: now, limit };
        for (step, calls, after, width, expected) in [
            (None, vec![], 9, 79, None),
            (None, vec![call("Sys.GetInfo", now)], 0, 79, None),
            (None, vec![call("Sys.GetInfo", now)], 4, 79, Some("⠋ Sys.GetInfo, 4 s of 10 s")),
            (Some(waiting("waiting", 10, Some(SECOND * 120))), vec![], 0, 79, None),
            (
                Some(waiting("waiting", 10, Some(SECOND * 120))),
                vec![call("Sys.GetInfo", now)],
                7,
                79,
                Some("⠋         waiting; 7 s of 2m"),
            ),
            (Some(waiting("it runs", 2, None)), vec![], 65, 79, Some("⠋ it runs; 1m 5s")),
            (
                Some(waiting("not there yet: 1.0.0", 2, Some(SECOND * 90))),
                vec![],
                7,
                31,
                Some("⠋ not there yet…; 7 s of 1m 30s"),
            ),
        ] {
            let state = State { step, calls, ..State::default() };
            let line = state.line(now + SECOND * after, width);
            assert_eq!(line.as_deref(), expected, "{state:?} {after}");
        }
    }

    #[test]
    fn countdown_is_shown_at_once_and_keeps_the_check() {
        let now = Instant::now();
        let step =
            Step::Countdown { until: now + SECOND * 290, at: "at 07:44:18".into(), activity: "; checking soak".into() };
        let state = State { step: Some(step), ..State::default() };
        let expected = "⠋         uncommitted; rolls back in 4m 50s (at 07:44:18); checking soak";
        assert_eq!(state.line(now, 79).as_deref(), Some(expected));
        let narrow = state.line(now, 39).expect("a line");
        assert!(narrow.ends_with("; checking soak") && narrow.chars().count() <= 39, "{narrow}");
    }
}
