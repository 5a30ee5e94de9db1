//! Results and messages. Results go to stdout and messages to stderr, both through [`writer`](super::writer).
//!
//! Many texts come from a device. Their control characters are removed or escaped, since they could move the terminal's cursor.
//!
//! Messages and events are queued, so that a reader that pauses does not delay the update. When the command ends, the queued lines
//! have up to [`MAX_FINISH_TIME`]. The result of a command is not queued: the command waits until its reader takes it.

mod device_label;
mod log_writer;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use console::Term;
use otactl::update::delivery_report::DeliveryReport;
use serde_json::{Value, json};

use device_label::DeviceLabel;
use log_writer::LogWriter;

use super::colour::{ColourChoice, can_redraw};
use super::failure::{Failure, FailureKind};
use super::json_line::{JsonPlace, Subject};
use super::printable::{escaped, printable_message};
use super::status_line::StatusLine;
use super::workflow_command::without_commands;
use super::wrap::{STEP_COLUMN, wrap};
use super::writer::{self, Importance, LineWriter, Loss, OutputStream};

/// How long the queued lines may take at the end of a command, stdout and stderr together.
const MAX_FINISH_TIME: Duration = Duration::from_secs(3);

/// The part of [`MAX_FINISH_TIME`] that stderr always has, so that it can report what was lost on stdout.
const MIN_STDERR_FINISH_TIME: Duration = Duration::from_millis(500);

/// How long a result waits for the messages before it, which may go to the same terminal.
const MAX_MESSAGES_DELAY: Duration = Duration::from_millis(100);

/// The place of the JSON lines.
#[derive(Debug, Clone)]
enum Json {
    Off,
    Stdout,
    File(PathBuf, Arc<File>),
}

/// The output of a command. Clones share the queues and the status line.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    json: Json,
    quiet: bool,
    colour: bool,
    /// The device to which the lines belong, if the command runs on several.
    device: Option<Arc<DeviceLabel>>,
    /// The last lines of the screen. All messages go above them.
    pub(crate) status_line: StatusLine,
    /// What the last event says about the command.
    pub(crate) subject: Subject,
    /// The queue of the events.
    events: LineWriter,
    stderr: LineWriter,
    /// The time at which the last lines have to be written.
    finish_by: Arc<OnceLock<Instant>>,
}

impl Output {
    /// Creates the output.
    pub(crate) fn new(quiet: bool, colour: ColourChoice) -> Self {
        let stderr = LineWriter::new(OutputStream::Stderr);
        Self {
            json: Json::Off,
            quiet,
            colour: colour.is_colourful(),
            device: None,
            status_line: StatusLine::new(stderr.clone(), !quiet && can_redraw()),
            subject: Subject::new(),
            events: LineWriter::new(OutputStream::Stdout),
            stderr,
            finish_by: Arc::default(),
        }
    }

    /// Returns the output of one device of several: its lines begin with the name, padded to `width` characters.
    pub(crate) fn of_device(&self, name: &str, width: usize) -> Self {
        let label = DeviceLabel::new(name, width, Self::columns());
        let status_line = self.status_line.of_device(&label.short);
        Self { device: Some(Arc::new(label)), subject: Subject::new(), status_line, ..self.clone() }
    }

    /// Returns the output of a command whose command line names the device with `option`, such as `-d bench1`.
    pub(crate) fn with_device_option(self, option: Option<String>) -> Self {
        self.subject.set_device_option(option);
        self
    }

    /// Returns the text with commands that change a device for the device of the command line.
    pub(crate) fn addressed(&self, text: &str) -> String {
        self.subject.addressed(text)
    }

    /// Writes JSON lines to `place`. Fails if the file cannot be created.
    pub(crate) fn with_json(self, place: &JsonPlace) -> Result<Self, Failure> {
        let JsonPlace::File(path) = place else {
            let status_line = StatusLine::new(self.stderr.clone(), false);
            return Ok(Self { json: Json::Stdout, status_line, ..self });
        };
        let file = File::create(path).map(Arc::new).map_err(|error| {
            Failure::new(FailureKind::Usage, format!("--json: cannot write to {}: {error}", path.display()))
                .caused_by(&error)
                .hint("give a file that you may write, in a directory that exists")
        })?;
        let events = LineWriter::new(OutputStream::File(Arc::clone(&file)));
        Ok(Self { json: Json::File(path.into(), file), events, ..self })
    }

    /// Tells whether stdout is for JSON lines, so that only warnings and errors are printed as text.
    pub(crate) fn is_json(&self) -> bool {
        matches!(self.json, Json::Stdout)
    }

    /// Tells whether events are written, to stdout or to a file.
    pub(crate) fn has_events(&self) -> bool {
        !matches!(self.json, Json::Off)
    }

    /// Tells whether stderr is a terminal and `--quiet` is not given.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.quiet && self.device.is_none() && io::stderr().is_terminal()
    }

    /// Tells whether a person reads the results: stdout is a terminal, and it is not for JSON lines.
    pub(crate) fn is_read_by_a_person(&self) -> bool {
        !self.is_json() && io::stdout().is_terminal()
    }

    /// Writes a result of the device to stdout: pretty, or with `--json` on one line. Waits until the reader takes it.
    ///
    /// If JSON lines go to a file, the result is also one of them. `null` tells a person nothing, so a terminal does not show it.
    pub(crate) fn result(&self, value: &Value) -> Result<(), Failure> {
        let is_shown = !value.is_null() || !self.is_read_by_a_person();
        self.shown(value, &if is_shown { pretty(value) } else { String::new() })
    }

    /// Writes a part of a result as [`Self::result`] does, but `null` too, and text without quotes, unless `--json` is given.
    pub(crate) fn value(&self, value: &Value) -> Result<(), Failure> {
        match value {
            Value::String(text) => self.shown(value, &escaped(text)),
            value => self.shown(value, &pretty(value)),
        }
    }

    /// Writes a result of otactl, such as a table, as [`Self::result`] does: the value as JSON, or else the text.
    pub(crate) fn table(&self, value: &Value, text: &str) -> Result<(), Failure> {
        let lines: Vec<String> = text.lines().map(printable_message).collect();
        self.shown(value, &format!("{}\n", lines.join("\n")))
    }

    /// Writes text of otactl itself to stdout. Waits until the reader takes it.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        self.stderr.drained(MAX_MESSAGES_DELAY);
        Self::write_result(text)
    }

    fn shown(&self, value: &Value, text: &str) -> Result<(), Failure> {
        let line = match &self.device {
            Some(device) => escaped(&json!({ "device": device.name, "result": value }).to_string()),
            None => escaped(&value.to_string()),
        };
        if let Json::File(path, file) = &self.json {
            let stream = OutputStream::File(Arc::clone(file));
            writer::write(&stream, line.as_bytes())
                .map_err(|error| Failure::output(&path.display().to_string(), &error))?;
        }
        let text = if self.is_json() { line } else { self.prefixed(text, columns(&Term::stdout())) };
        self.status_line.end();
        // The lines of other devices would be in the way.
        self.status_line.hidden(|| {
            self.stderr.drained(MAX_MESSAGES_DELAY);
            Self::write_result(&text)
        })
    }

    fn write_result(text: &str) -> Result<(), Failure> {
        match writer::write(&OutputStream::Stdout, text.as_bytes()) {
            // A reader may close the pipe early. This is not a failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => written.map_err(|error| Failure::output("stdout", &error)),
        }
    }

    /// Tells whether a person can be asked: stdin and stderr are a terminal, and neither `--json` nor `--quiet` is given.
    pub(crate) fn can_ask(&self) -> bool {
        !self.has_events() && self.is_interactive() && io::stdin().is_terminal()
    }

    /// Queues an event for programs, as one line of JSON. If the command runs on several devices, `device` is the name of one.
    pub(crate) fn event(&self, importance: Importance, event: &Value) {
        let mut event = Cow::Borrowed(event);
        if let Some(device) = &self.device
            && let Some(fields) = event.to_mut().as_object_mut()
            && let Some(id) = fields.insert("device".into(), device.name.as_str().into())
        {
            fields.insert("device_id".into(), id);
        }
        self.events.push(importance, escaped(&event.to_string()).into_bytes());
    }

    /// Queues the last event, and waits up to [`MAX_FINISH_TIME`] until all are written.
    ///
    /// Events that were lost cause a warning, but not a failure: the result of the command matters more.
    pub(crate) fn last_event(&self, event: &Value) {
        self.event(Importance::Kept, event);
        if let Some(Loss { lines, reason }) = self.events.finish(self.finish_time_left()) {
            let noun = if lines == 1 { "line" } else { "lines" };
            let place = match &self.json {
                Json::File(path, _) => path.display().to_string(),
                Json::Stdout | Json::Off => "stdout".into(),
            };
            self.warn(&format!("{lines} {noun} of events could not be written to {place}: {reason}"));
        }
    }

    /// Queues the event of a failure as the last one, with `--json` and unless the command has done so.
    pub(crate) fn failed_event(&self, failure: &Failure, delivery: Option<DeliveryReport>) {
        if self.has_events()
            && let Some(event) = self.subject.failed(failure, delivery)
        {
            self.last_event(&event);
        }
    }

    /// Waits up to [`MAX_FINISH_TIME`] until the messages are written.
    pub(crate) fn finish(&self) {
        self.status_line.end();
        // There is no stream left to report lost messages.
        self.stderr.finish(self.finish_time_left().max(MIN_STDERR_FINISH_TIME));
    }

    /// Returns what is left of [`MAX_FINISH_TIME`]. The time begins with the first call.
    fn finish_time_left(&self) -> Duration {
        let finish_by = self.finish_by.get_or_init(|| Instant::now() + MAX_FINISH_TIME);
        finish_by.saturating_duration_since(Instant::now())
    }

    /// Returns a writer for the log. The log goes to stderr, above the status line.
    pub(crate) fn log(&self) -> impl Write + use<> {
        LogWriter(self.status_line.clone())
    }

    /// Writes an object as a line of JSON, if JSON lines are written.
    pub(crate) fn json_line(&self, value: &Value) -> Result<(), Failure> {
        if self.has_events() { self.shown(value, "") } else { Ok(()) }
    }

    /// Writes a message, unless `--quiet` is given or stdout is for JSON lines.
    pub(crate) fn status(&self, text: &str) {
        if !self.is_json() {
            self.announce(text);
        }
    }

    /// Writes a message, unless `--quiet` is given.
    pub(crate) fn announce(&self, text: &str) {
        if !self.quiet {
            self.write_message(&format!("{}\n", self.fitted(text, 0, 0)));
        }
    }

    /// Writes a message about a step of an update, after the name of the step.
    pub(crate) fn step(&self, name: &str, text: &str) {
        if !self.quiet && !self.is_json() {
            let line = format!("{name:<9} {}\n", self.fitted(text, STEP_COLUMN, STEP_COLUMN));
            // Without a name, nothing stands before a text that is too long for its column.
            self.write_message(line.strip_prefix("          \n").unwrap_or(&line));
        }
    }

    /// Writes the message about the last step.
    pub(crate) fn done(&self, text: &str) {
        if !self.quiet && !self.is_json() {
            let text = self.fitted(text, STEP_COLUMN, STEP_COLUMN);
            self.write_message(&format!("{} {text}\n", self.paint("32;1", "done     ")));
        }
    }

    /// Writes a warning, also with `--quiet`.
    pub(crate) fn warn(&self, text: &str) {
        let text = self.labelled("33;1", "warning:", text);
        self.write_message(&text);
    }

    /// Writes a line for a program that reads stderr, as it is: unbroken, uncoloured, and without the name of a device.
    pub(crate) fn raw_line(&self, line: &str) {
        self.status_line.above(Importance::Kept, &format!("{line}\n"));
    }

    /// Returns the name of the device, if the command runs on several.
    pub(crate) fn device_name(&self) -> Option<&str> {
        self.device.as_ref().map(|device| device.name.as_str())
    }

    /// Writes a failure: the message, if `with_causes` is set its causes, the output of a failed check, and the hints.
    pub(crate) fn failure(&self, failure: &Failure, with_causes: bool) {
        const CAUSED_BY: &str = "  caused by: ";

        self.status_line.end();
        let mut text = self.labelled("31;1", "error:", &failure.message);
        for cause in failure.causes.iter().filter(|_| with_causes) {
            text.extend([CAUSED_BY, &self.fitted(cause, CAUSED_BY.len(), CAUSED_BY.len()), "\n"]);
        }
        for line in failure.facts.iter().flat_map(|facts| &facts.output) {
            text.extend(["    ", &self.fitted(line, 4, 4), "\n"]);
        }
        for hint in &failure.hints {
            text += &self.labelled("36;1", "hint:", hint);
        }
        let outcome = failure.facts.as_ref().map(|facts| facts.outcome).filter(|outcome| has_many_causes(outcome));
        if let (Some(outcome), true) = (outcome, self.is_interactive()) {
            text += &self.labelled("36;1", "hint:", &format!("`otactl explain {outcome}` lists the usual causes"));
        }
        self.write_message(&text);
    }

    /// Returns the number of columns of the terminal, or `None` if messages do not go to a terminal.
    pub(crate) fn columns() -> Option<usize> {
        columns(&Term::stderr())
    }

    /// Returns the number of columns that a line of a result may have, or `None` if results do not go to a terminal.
    pub(crate) fn result_columns(&self) -> Option<usize> {
        columns(&Term::stdout()).map(|columns| self.beside_label(columns))
    }

    /// Returns how many of the columns the name of the device leaves.
    fn beside_label(&self, columns: usize) -> usize {
        const MIN_COLUMNS: usize = 10;

        let label = self.device.as_ref().map_or(0, |device| device.short.chars().count());
        columns.saturating_sub(label).max(MIN_COLUMNS)
    }

    /// Returns a message after its coloured label, with a line break at the end.
    fn labelled(&self, colour: &str, label: &str, text: &str) -> String {
        let column = label.len() + 1;
        format!("{} {}\n", self.paint(colour, label), self.fitted(text, column, column))
    }

    /// Returns a printable message that begins at `column`. On a terminal, it is broken at words, and continues at `indent`.
    pub(super) fn fitted(&self, text: &str, column: usize, indent: usize) -> String {
        let text = printable_message(&self.addressed(text));
        match Self::columns() {
            Some(columns) => wrap(&text, column, indent, self.beside_label(columns)),
            None => text,
        }
    }

    pub(super) fn write_message(&self, text: &str) {
        let text = self.prefixed(text, Self::columns());
        self.status_line.above(Importance::Kept, &without_commands(&text));
    }

    /// Returns the text with the name of the device at the start of each line, if the command runs on several. `columns` is the width of the
    /// terminal that it goes to.
    fn prefixed(&self, text: &str, columns: Option<usize>) -> String {
        self.device.as_ref().map_or_else(|| text.to_owned(), |device| device.prefixed(text, columns.is_some()))
    }

    /// Returns the text in a colour, if stderr shows colours.
    pub(super) fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

fn pretty(value: &Value) -> String {
    escaped(&format!("{value:#}"))
}

/// Tells whether the failure behind an outcome has other causes than those that its message can name.
fn has_many_causes(outcome: &str) -> bool {
    ["never_fetched", "download_failed", "did_not_reboot", "rolled_back", "unhealthy", "unreachable", "unknown"]
        .contains(&outcome)
}

/// Returns the number of columns, or `None` if this is not a terminal, or one that does not report its size.
fn columns(term: &Term) -> Option<usize> {
    let (_, columns) = term.size_checked().filter(|_| term.is_term())?;
    (columns > 0).then_some(columns.into())
}
