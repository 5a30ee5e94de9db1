//! The line at the end of the screen on which the time runs while the device is uncommitted. All else
//! that is said goes above it.

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

/// How often it is drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// How often a bar is drawn anew at the most, per second.
const RATE: u8 = 20;

/// The line, if there is one. The clones share it.
#[derive(Debug, Clone)]
pub(crate) struct StatusLine {
    line: Arc<Mutex<Option<ProgressBar>>>,
    stderr: LineWriter,
}

impl StatusLine {
    pub(crate) fn new(stderr: LineWriter) -> Self {
        Self { line: Arc::default(), stderr }
    }

    /// Returns where bars are drawn: nowhere, unless stderr is a terminal that can move its cursor.
    pub(crate) fn draw_target(&self) -> ProgressDrawTarget {
        let term = Term::stderr();
        // On Windows, asking for colours lets the terminal understand escape sequences.
        let is_able = !ProgressDrawTarget::stderr().is_hidden() && (cfg!(unix) || term.features().colors_supported());
        if !is_able {
            return ProgressDrawTarget::hidden();
        }
        let screen = Screen { term, stderr: self.stderr.clone(), drawn: Mutex::default() };
        ProgressDrawTarget::term_like_with_hz(Box::new(screen), RATE)
    }

    /// Shows how long it is until the device goes back: this long from now.
    pub(crate) fn count_down(&self, left: Duration) {
        // A device may say any number.
        let Some(until) = Instant::now().checked_add(left) else { return self.end() };
        let at = clock::at(left.as_secs());
        let text = move |_: &ProgressState, line: &mut dyn fmt::Write| {
            // What cannot be drawn is drawn at the next tick.
            let _ = line.write_str(&in_words(until.saturating_duration_since(Instant::now()), &at));
        };
        let style = ProgressStyle::with_template("{spinner}         {text}{msg}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_spinner()).with_key("text", text);
        let bar = ProgressBar::with_draw_target(None, self.draw_target()).with_style(style);
        bar.enable_steady_tick(TICK);
        if let Some(before) = self.bar().replace(bar) {
            before.finish_and_clear();
        }
    }

    /// Says on the line what goes on meanwhile.
    pub(crate) fn meanwhile(&self, text: &str) {
        if let Some(bar) = &*self.bar() {
            bar.set_message(mask(text).into_owned());
        }
    }

    /// Takes the line away.
    pub(crate) fn end(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    /// Lets `write` write to the terminal, above the line.
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

fn in_words(left: Duration, at: &str) -> String {
    match left.as_secs() {
        0 => "uncommitted; goes back by itself at any moment".into(),
        left => format!("uncommitted; goes back by itself in {} ({at})", clock::seconds(left)),
    }
}

/// The terminal as bars see it. What they draw is queued, so that a terminal that was stopped stops nothing else.
#[derive(Debug)]
struct Screen {
    /// For its size.
    term: Term,
    stderr: LineWriter,
    /// What was drawn since the last flush.
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
