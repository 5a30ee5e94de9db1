//! Results and talk. Results go to stdout, and talk goes to stderr; both by way of [`writer`](super::writer). Much of what is
//! said comes from a device: nothing of it may move the terminal's cursor.
//!
//! LineSession and events are queued, so that no reader that pauses holds up the work. What still waits when the command ends has
//! [`LAST_LINES`]. The result of a command is its work: it waits for its reader, as that of any program does.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use otactl::secrets::mask;
use otactl::text::{clipped, is_hidden, printable};
use serde_json::Value;

use super::failure::Failure;
use super::status_line::StatusLine;
use super::writer::{self, Importance, LineWriter, Loss, Stream};

/// How long the lines that wait at the end of a command may take, stdout and stderr together.
const LAST_LINES: Duration = Duration::from_secs(3);

/// What is left of it for stderr in any case, so that it can say what became of stdout.
const LAST_TALK: Duration = Duration::from_millis(500);

/// How long a result waits for the talk before it, which may go to the same terminal.
const TALK_FIRST: Duration = Duration::from_millis(100);

/// The longest line that is said, in characters. What a device says is shorter than that; this is for what is made of it.
const LINE: usize = 4000;

/// How to speak.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
    /// What all talk goes above.
    pub(crate) live: StatusLine,
    stdout: LineWriter,
    stderr: LineWriter,
    /// When the last lines have to be written.
    ends: Arc<OnceLock<Instant>>,
}

impl Output {
    /// As the options, the terminal and `NO_COLOR` want it.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let stderr = LineWriter::new(Stream::Stderr);
        Self {
            json,
            quiet,
            colour: wanted && io::stderr().is_terminal(),
            live: StatusLine::new(stderr.clone()),
            stdout: LineWriter::new(Stream::Stdout),
            stderr,
            ends: Arc::default(),
        }
    }

    /// Whether programs read the results.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether stderr takes colours.
    pub(crate) fn is_colourful(&self) -> bool {
        self.colour
    }

    /// Whether a person is reading stderr.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// A device's result: pretty, or on one line.
    pub(crate) fn result(&self, value: &Value) -> Result<(), Failure> {
        let text = if self.json { value.to_string() } else { format!("{value:#}") };
        self.stderr.drained(TALK_FIRST);
        match writer::write(Stream::Stdout, escaped(&text).as_bytes()) {
            // A reader that has read enough is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(Failure::from),
        }
    }

    /// Something that a program may want to know, as one line of JSON on stdout.
    pub(crate) fn event(&self, importance: Importance, event: &Value) {
        self.stdout.push(importance, escaped(&event.to_string()).into_bytes());
    }

    /// Waits until the events are written, within limits. Returns what was lost of them.
    pub(crate) fn finish_events(&self) -> Option<Loss> {
        self.stdout.finish(self.left())
    }

    /// Waits until the talk is written, within limits.
    pub(crate) fn finish(&self) {
        // There is no place left to say what was lost.
        self.stderr.finish(self.left().max(LAST_TALK));
    }

    /// What is left of the time for the last lines, which begins with the first call of this.
    fn left(&self) -> Duration {
        let ends = self.ends.get_or_init(|| Instant::now() + LAST_LINES);
        ends.saturating_duration_since(Instant::now())
    }

    /// Returns a writer for the log, which goes to stderr as the talk does.
    pub(crate) fn log(&self) -> impl Write + use<> {
        Log { live: self.live.clone(), stderr: self.stderr.clone() }
    }

    /// Something worth knowing.
    pub(crate) fn status(&self, text: &str) {
        if !self.quiet {
            self.write_message(&format!("{}\n", printable_message(text)));
        }
    }

    /// A step of something longer, under its name.
    pub(crate) fn step(&self, name: &str, text: &str) {
        self.status(&format!("{name:<9} {text}"));
    }

    /// The last step.
    pub(crate) fn done(&self, text: &str) {
        if !self.quiet {
            self.write_message(&format!("{} {}\n", self.paint("32;1", "done     "), printable_message(text)));
        }
    }

    /// Something that should not be overlooked.
    pub(crate) fn warn(&self, text: &str) {
        self.write_message(&format!("{} {}\n", self.paint("33;1", "warning:"), printable_message(text)));
    }

    /// What went wrong, and what to try.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut text = format!("{} {}\n", self.paint("31;1", "error:"), printable_message(&failure.message));
        for line in failure.facts.iter().flat_map(|facts| &facts.output) {
            text.extend(["    ", &printable(line), "\n"]);
        }
        for hint in &failure.hints {
            text.extend([&self.paint("36;1", "hint:"), " ", &printable_message(hint), "\n"]);
        }
        self.write_message(&text);
    }

    fn write_message(&self, text: &str) {
        self.live.above(|| self.stderr.push(Importance::Kept, text.into()));
    }

    /// The text in a colour, if stderr takes one.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// A line of talk: without secrets, printable, and of a bounded length.
fn printable_message(text: &str) -> String {
    clipped(&mask(text), LINE)
}

/// Returns the text as a line without hidden characters.
///
/// A device's text may hold characters that a terminal takes for commands. JSON leaves some of them as
/// they are; written as escapes they mean the same.
fn escaped(text: &str) -> String {
    let harmless = |c: char| !is_hidden(c) || c == '\n';
    let mut text = Cow::Borrowed(text);
    if !text.chars().all(harmless) {
        text = text.chars().map(|c| if harmless(c) { c.to_string() } else { escape(c) }).collect();
    }
    format!("{text}\n")
}

/// The log, a line at a time.
struct Log {
    live: StatusLine,
    stderr: LineWriter,
}

impl Write for Log {
    /// Takes a whole event, and leaves out what is a secret in it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = mask(&String::from_utf8_lossy(bytes)).into_owned();
        self.live.above(|| self.stderr.push(Importance::Passing, text.into_bytes()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The character as JSON escapes it: one outside the basic plane by two surrogates.
fn escape(c: char) -> String {
    let mut text = String::new();
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
    text
}
