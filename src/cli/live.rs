//! The line at the end of the screen on which the time runs while the device is uncommitted. All else
//! that is said goes above it.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use otactl::secrets::mask;

use super::clock;

/// How often it is drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// The line, if there is one. The clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LiveLine(Arc<Mutex<Option<ProgressBar>>>);

impl LiveLine {
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
        let bar = ProgressBar::new_spinner().with_style(style);
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn in_words(left: Duration, at: &str) -> String {
    match left.as_secs() {
        0 => "uncommitted; goes back by itself at any moment".into(),
        left => format!("uncommitted; goes back by itself in {} ({at})", clock::seconds(left)),
    }
}

/// stderr, above the line.
#[derive(Debug)]
pub(crate) struct Above(pub(crate) LiveLine);

impl Write for Above {
    /// Takes a whole event, and leaves out what is a secret in it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.above(|| io::stderr().write_all(mask(&text).as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left() {
        for (millis, expected) in [
            (272_900, "uncommitted; goes back by itself in 4m 32s (at 14:05:31)"),
            (1000, "uncommitted; goes back by itself in 1s (at 14:05:31)"),
            (999, "uncommitted; goes back by itself at any moment"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis), "at 14:05:31"), expected);
        }
    }
}
