//! Results and talk. Results go to stdout, and this is the only file that writes there; talk goes to
//! stderr.

use std::io::{self, IsTerminal as _, Write};

use serde::Serialize;
use serde_json::Value;

use super::GlobalArgs;
use super::failure::Failure;

/// How to speak.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    colour: bool,
}

impl Output {
    /// As the options, the terminal and `NO_COLOR` want it.
    pub(crate) fn new(global: &GlobalArgs) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { json: global.json, quiet: global.quiet, colour: wanted && io::stderr().is_terminal() }
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
            talk(&format!("{text}\n"));
        }
    }

    /// Something that should not be overlooked.
    pub(crate) fn warn(&self, text: &str) {
        talk(&format!("{} {text}\n", self.paint("33;1", "warning:")));
    }

    /// What went wrong, and what to try.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let mut text = format!("{} {}\n", self.paint("31;1", "error:"), failure.message);
        for hint in &failure.hints {
            text.extend([&self.paint("36;1", "hint:"), " ", hint, "\n"]);
        }
        talk(&text);
    }

    /// The text in a colour, if stderr takes one.
    pub(crate) fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// One line of JSON.
pub(crate) fn line(value: &impl Serialize) -> Result<(), Failure> {
    match serde_json::to_string(value) {
        Ok(text) => print(&text),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).map_err(Failure::from)
}

fn talk(text: &str) {
    // There is nobody to tell if stderr is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}
