//! The last line of the screen. While the device is uncommitted, it shows the time until the rollback. All messages go above it.

use std::fmt;
use std::fmt::Write as _;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use otactl::secrets::mask;
use parking_lot::{Mutex, MutexGuard};

use super::clock;
use super::writer::{Importance, LineWriter};

/// The interval at which the line is redrawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(250);

/// The maximum number of redraws of a bar per second.
const MAX_REDRAWS_PER_SECOND: u8 = 20;

/// The status line, if there is one. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StatusLine {
    line: Arc<Mutex<Option<ProgressBar>>>,
    stderr: LineWriter,
}

impl StatusLine {
    pub(crate) fn new(stderr: LineWriter) -> Self {
        Self { line: Arc::default(), stderr }
    }

    /// Returns the target for bars. It is hidden unless stderr is a terminal that can move its cursor.
    pub(crate) fn draw_target(&self) -> ProgressDrawTarget {
        let term = Term::stderr();
        // On Windows, asking for colours lets the terminal understand escape sequences.
        let can_move_cursor =
            !ProgressDrawTarget::stderr().is_hidden() && (cfg!(unix) || term.features().colors_supported());
        if !can_move_cursor {
            return ProgressDrawTarget::hidden();
        }
        let screen = Screen { term, stderr: self.stderr.clone(), drawn: Mutex::default() };
        ProgressDrawTarget::term_like_with_hz(Box::new(screen), MAX_REDRAWS_PER_SECOND)
    }

    /// Shows the time until the device rolls back, in `left` from now.
    pub(crate) fn count_down(&self, left: Duration) {
        // A device may report any number.
        let Some(until) = Instant::now().checked_add(left) else { return self.end() };
        let at = clock::at(left.as_secs());
        let text = move |_: &ProgressState, line: &mut dyn fmt::Write| {
            // If this fails, the next redraw shows the text.
            let _ = line.write_str(&countdown_text(until.saturating_duration_since(Instant::now()), &at));
        };
        let style = ProgressStyle::with_template("{spinner}         {text}{msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("text", text);
        let bar = ProgressBar::with_draw_target(None, self.draw_target()).with_style(style);
        bar.enable_steady_tick(REDRAW_INTERVAL);
        if let Some(before) = self.bar().replace(bar) {
            before.finish_and_clear();
        }
    }

    /// Sets the text after the countdown, such as the check that runs.
    pub(crate) fn set_activity(&self, text: &str) {
        if let Some(bar) = &*self.bar() {
            bar.set_message(mask(text).into_owned());
        }
    }

    /// Removes the line.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// Calls `write`, which writes to the terminal above the line.
    pub(crate) fn above<R>(&self, write: impl FnOnce() -> R) -> R {
        match &*self.bar() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.line.lock()
    }
}

fn countdown_text(left: Duration, at: &str) -> String {
    match left.as_secs() {
        0 => "uncommitted; rolls back at any moment".into(),
        left => format!("uncommitted; rolls back in {} ({at})", clock::seconds(left)),
    }
}

/// The terminal on which bars are drawn. Drawing is queued, so that a stopped terminal does not stop the update.
#[derive(Debug)]
struct Screen {
    /// Used for the size of the terminal.
    term: Term,
    stderr: LineWriter,
    /// Output since the last flush.
    drawn: Mutex<String>,
}

impl Screen {
    fn draw(&self, text: fmt::Arguments<'_>) -> io::Result<()> {
        self.drawn.lock().write_fmt(text).map_err(io::Error::other)
    }

    fn move_cursor(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.draw(format_args!("\x1b[{count}{direction}")) }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'A')
    }

    fn move_cursor_down(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'B')
    }

    fn move_cursor_right(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'C')
    }

    fn move_cursor_left(&self, count: usize) -> io::Result<()> {
        self.move_cursor(count, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(format_args!("{text}\n"))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(format_args!("{text}"))
    }

    fn clear_line(&self) -> io::Result<()> {
        self.draw(format_args!("\r\x1b[2K"))
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock());
        if !drawn.is_empty() {
            self.stderr.push(Importance::Passing, drawn.into_bytes());
        }
        Ok(())
    }
}
