//! Results and talk. Results go to stdout, and this is the only file that writes there; talk goes to
//! stderr. Much of what is said comes from a device: nothing of it may move the terminal's cursor.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};

use otactl::secrets::mask;
use otactl::text::{clipped, is_hidden, printable};
use serde::Serialize;
use serde_json::Value;

use super::GlobalArgs;
use super::failure::Failure;
use super::live::LiveLine;

/// The longest line that is said, in characters. What a device says is shorter than that; this is for what is made of it.
const LINE: usize = 4000;

/// How to speak.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
    /// What all talk goes above.
    pub(crate) live: LiveLine,
}

impl Output {
    /// As the options, the terminal and `NO_COLOR` want it.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            json: global.json,
            quiet: global.quiet,
            colour: wanted && io::stderr().is_terminal(),
            live: LiveLine::default(),
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
    pub(crate) fn has_reader(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// A device's result: pretty, or on one line.
    pub(crate) fn result(&self, value: &Value) -> Result<(), Failure> {
        let text = if self.json { value.to_string() } else { format!("{value:#}") };
        print(&text)
    }

    /// Something worth knowing.
    pub(crate) fn say(&self, text: &str) {
        if !self.quiet {
            self.talk(&format!("{}\n", spoken(text)));
        }
    }

    /// A step of something longer, under its name.
    pub(crate) fn step(&self, name: &str, text: &str) {
        self.say(&format!("{name:<9} {text}"));
    }

    /// The last step.
    pub(crate) fn done(&self, text: &str) {
        if !self.quiet {
            self.talk(&format!("{} {}\n", self.paint("32;1", "done     "), spoken(text)));
        }
    }

    /// Something that should not be overlooked.
    pub(crate) fn warn(&self, text: &str) {
        self.talk(&format!("{} {}\n", self.paint("33;1", "warning:"), spoken(text)));
    }

    /// What went wrong, and what to try.
    pub(crate) fn failure(&self, failure: &Failure) {
        let mut text = format!("{} {}\n", self.paint("31;1", "error:"), spoken(&failure.message));
        for line in failure.facts.iter().flat_map(|facts| &facts.output) {
            text.extend(["    ", &printable(line), "\n"]);
        }
        for hint in &failure.hints {
            text.extend([&self.paint("36;1", "hint:"), " ", &spoken(hint), "\n"]);
        }
        self.talk(&text);
    }

    fn talk(&self, text: &str) {
        // There is nobody to tell if stderr is closed.
        let _ = self.live.above(|| io::stderr().lock().write_all(text.as_bytes()));
    }

    /// The text in a colour, if stderr takes one.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// A line of talk: without secrets, printable, and of a bounded length.
fn spoken(text: &str) -> String {
    clipped(&mask(text), LINE)
}

/// One line of JSON.
pub(crate) fn line(value: &impl Serialize) -> Result<(), Failure> {
    match serde_json::to_string(value) {
        Ok(text) => print(&text),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

/// A device's text may hold characters that a terminal takes for commands. JSON leaves some of them as
/// they are; written as escapes they mean the same.
fn print(text: &str) -> Result<(), Failure> {
    let harmless = |c: char| !is_hidden(c) || c == '\n';
    let mut text = Cow::Borrowed(text);
    if !text.chars().all(harmless) {
        text = text.chars().map(|c| if harmless(c) { c.to_string() } else { escaped(c) }).collect();
    }
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // A reader that has read enough is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::from),
    }
}

/// The character as JSON escapes it: one outside the basic plane by two surrogates.
fn escaped(c: char) -> String {
    let mut text = String::new();
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
    text
}
