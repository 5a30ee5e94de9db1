//! The last lines of the screen: for what the command waits, and for how long. All messages go above them.
//!
//! If the command runs on several devices, each device has a line. The lines exist only on a terminal that can move its cursor. They
//! are drawn by [`StatusLine::run`], which runs beside the command, so that a call needs neither a thread nor a timer of its own.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Term;
use otactl::secrets::mask;
use otactl::text::printable;
use parking_lot::{Mutex, MutexGuard};

use super::bar::{Bar, Unit};
use super::clock;
use super::live_line::{Call, Line, SHOW_AFTER, Step};
use super::screen::{Row, Screen};
use super::wrap::clip;
use super::writer::{Importance, LineWriter};

/// The interval at which the lines are redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// The shortest interval between two drawings of a bar that moves.
const MIN_BAR_INTERVAL: Duration = Duration::from_millis(50);

/// The lines of the screen that are left for messages.
const LINES_FOR_MESSAGES: usize = 2;

/// The status line of the command, or of one device of several. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StatusLine {
    /// `None`: no line is ever drawn.
    state: Option<Arc<Mutex<State>>>,
    /// The index of this line in [`State::lines`].
    index: usize,
    stderr: LineWriter,
}

/// The lines of all devices.
#[derive(Debug)]
struct State {
    screen: Screen,
    lines: Vec<Line>,
    last_id: u64,
    is_hidden: bool,
    drawn_at: Option<Instant>,
}

/// A call in flight. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct CallInFlight {
    status_line: StatusLine,
    id: u64,
}

impl Drop for CallInFlight {
    fn drop(&mut self) {
        self.status_line.change(|line| {
            let is_shown = line.step.is_none() && line.calls.iter().any(|call| call.since.elapsed() >= SHOW_AFTER);
            line.calls.retain(|call| call.id != self.id);
            is_shown
        });
    }
}

impl StatusLine {
    /// Creates the status line on stderr. Without `is_live`, it is never drawn.
    pub(crate) fn new(stderr: LineWriter, is_live: bool) -> Self {
        let term = is_live.then(Term::stderr);
        // On Windows, asking for colours lets the terminal understand escape sequences.
        let term = term.filter(|term| cfg!(unix) || term.features().colors_supported());
        let state = term.map(|term| Arc::new(Mutex::new(State::new(Some(term)))));
        Self { state, index: 0, stderr }
    }

    /// Returns the status line of one device of several, which begins with `label`.
    pub(crate) fn of_device(&self, label: &str) -> Self {
        let mut device = self.clone();
        if let Some(mut state) = self.lock() {
            device.index = state.lines.len();
            state.lines.push(Line { label: label.into(), ..Line::default() });
        }
        device
    }

    /// Tells whether the line is ever drawn.
    pub(crate) fn is_live(&self) -> bool {
        self.state.is_some()
    }

    /// Draws the lines of all devices from time to time, for ever.
    pub(crate) async fn run(&self) -> Infallible {
        let Some(state) = &self.state else { return pending().await };
        loop {
            tokio::time::sleep(REDRAW_INTERVAL).await;
            let mut state = state.lock();
            state.screen.turn_spinners();
            state.draw(&self.stderr, Importance::Passing, "");
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
        self.change(|line| {
            if let Some(Step::Countdown { activity, .. }) = &mut line.step {
                *activity = shown(text);
            }
            false
        });
    }

    /// Shows for what the step `name` of an update waits, and for how long, once it waits for more than a second.
    pub(crate) fn step_waits(&self, name: &'static str, text: &str, limit: Option<Duration>) {
        self.begin(Step::Waiting { name: Some(name), text: shown(text), since: Instant::now(), limit });
    }

    /// Shows for what the command waits, and for how long, once it waits for more than a second.
    pub(crate) fn command_waits(&self, text: &str, limit: Option<Duration>) {
        self.begin(Step::Waiting { name: None, text: shown(text), since: Instant::now(), limit });
    }

    /// Replaces the text of what the command waits for.
    pub(crate) fn set_text(&self, new: &str) {
        self.change(|line| {
            if let Some(Step::Waiting { text, .. }) = &mut line.step {
                *text = shown(new);
            }
            false
        });
    }

    /// Shows the progress of a transfer.
    pub(crate) fn transfer(&self, unit: Unit, done: u64, total: u64) {
        let Some(mut state) = self.lock() else { return };
        let now = Instant::now();
        match &mut state.lines[self.index].step {
            Some(Step::Transfer(bar)) => bar.set(done, total, now),
            step => *step = Some(Step::Transfer(Bar::new(unit, done, total, now))),
        }
        if state.drawn_at.is_none_or(|at| at.elapsed() >= MIN_BAR_INTERVAL) || done == total {
            state.draw(&self.stderr, Importance::Passing, "");
        }
    }

    /// Registers a call, which the line shows if nothing else is shown and the call takes more than a second.
    pub(crate) fn call(&self, method: &str, timeout: Duration) -> CallInFlight {
        let mut id = 0;
        if let Some(mut state) = self.lock() {
            state.last_id += 1;
            id = state.last_id;
            let call = Call { id, method: printable(method), since: Instant::now(), timeout };
            state.lines[self.index].calls.push(call);
        }
        CallInFlight { status_line: self.clone(), id }
    }

    fn lock(&self) -> Option<MutexGuard<'_, State>> {
        self.state.as_ref().map(|state| state.lock())
    }

    fn begin(&self, step: Step) {
        self.end_bar();
        self.change(|line| {
            line.step = Some(step);
            true
        });
    }

    /// Changes the line. Draws it if `change` returns true.
    fn change(&self, change: impl FnOnce(&mut Line) -> bool) {
        let Some(mut state) = self.lock() else { return };
        if change(&mut state.lines[self.index]) {
            state.draw(&self.stderr, Importance::Passing, "");
        }
    }

    /// Ends the bar, which stays on the screen as a line.
    pub(crate) fn end_bar(&self) {
        let is_bar = |state: MutexGuard<'_, State>| matches!(state.lines[self.index].step, Some(Step::Transfer(_)));
        if self.lock().is_some_and(is_bar) {
            self.end();
        }
    }

    /// Removes the line. A bar stays on the screen.
    pub(crate) fn end(&self) {
        let Some(mut state) = self.lock() else { return };
        let line = &mut state.lines[self.index];
        let text = match line.step.take() {
            Some(Step::Transfer(bar)) => {
                let label = line.label.clone();
                let (_, width) = state.screen.measure();
                let row = bar.last_row(label.clone(), Instant::now(), width.saturating_sub(label.chars().count()));
                format!("{}\n", row.line(width))
            }
            _ => String::new(),
        };
        state.draw(&self.stderr, Importance::Kept, &text);
    }

    /// Writes whole lines above the lines of all devices.
    pub(crate) fn above(&self, importance: Importance, text: &str) {
        match self.lock() {
            Some(mut state) => state.draw(&self.stderr, importance, text),
            None => self.stderr.push(importance, text.into()),
        }
    }

    /// Calls `write`, which writes to the terminal otherwise, while no line is on the screen.
    pub(crate) fn hidden<R>(&self, write: impl FnOnce() -> R) -> R {
        self.set_hidden(true);
        let result = write();
        self.set_hidden(false);
        result
    }

    fn set_hidden(&self, is_hidden: bool) {
        if let Some(mut state) = self.lock() {
            state.is_hidden = is_hidden;
            state.draw(&self.stderr, Importance::Passing, "");
        }
    }
}

impl State {
    fn new(term: Option<Term>) -> Self {
        let screen = Screen::new(term);
        Self { screen, lines: vec![Line::default()], last_id: 0, is_hidden: false, drawn_at: None }
    }

    /// Draws the lines below `text`, which is empty or consists of whole lines.
    fn draw(&mut self, stderr: &LineWriter, importance: Importance, text: &str) {
        let before = self.screen.len();
        let (height, width) = self.screen.measure();
        let rows = self.rows(Instant::now(), height, width);
        if before == 0 && rows.is_empty() && text.is_empty() {
            return;
        }
        let drawing = self.screen.draw(&rows, text);
        // The next drawing moves the cursor up by the number of rows, so that a change of this number is never dropped.
        let importance = if rows.len() == before { importance } else { Importance::Kept };
        stderr.push(importance, drawing.into_bytes());
        self.drawn_at = Some(Instant::now());
    }

    /// Returns the rows of all devices that wait, as many as the screen has room for.
    fn rows(&self, now: Instant, height: usize, width: usize) -> Vec<Row> {
        if self.is_hidden {
            return Vec::new();
        }
        let mut rows: Vec<Row> = self.lines.iter().filter_map(|line| line.row(now, width)).collect();
        let max = height.saturating_sub(LINES_FOR_MESSAGES).max(1);
        if rows.len() > max {
            let more = rows.split_off(max - 1).len();
            rows.push(Row::text(String::new(), clip(&format!("… and {more} more"), width)));
        }
        rows
    }
}

/// Returns a text without secrets and control characters.
fn shown(text: &str) -> String {
    printable(&mask(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_devices_than_the_screen_has_lines_are_counted() {
        const SECOND: Duration = Duration::from_secs(1);

        let now = Instant::now();
        let mut state = State::new(None);
        for number in 0..20 {
            let call = Call { id: number, method: "Sys.GetInfo".into(), since: now, timeout: SECOND * 10 };
            state.lines.push(Line { label: format!("rig{number:02}  "), step: None, calls: vec![call] });
        }
        for (height, count, more) in [(24, 20, None), (22, 20, None), (6, 4, Some(17)), (2, 1, Some(20))] {
            let mut rows: Vec<String> =
                state.rows(now + SECOND * 2, height, 78).iter().map(|row| row.line(78)).collect();
            assert_eq!(rows.len(), count, "{height}: {rows:?}");
            let last = rows.pop().unwrap_or_default();
            match more {
                Some(more) => assert_eq!(last, format!("… and {more} more"), "{height}"),
                None => assert!(last.starts_with("rig19  "), "{height}: {last}"),
            }
        }
        state.is_hidden = true;
        assert!(state.rows(now + SECOND * 2, 24, 78).is_empty());
    }
}
