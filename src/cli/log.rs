//! The log of `--verbose`: one line per event, with the time and the name of a step before the text.
//!
//! ```text
//! 14:00:27.412  call      Sys.GetInfo: ok, 42 ms
//! 14:00:28.733  console | mgos_wifi.c:84  WiFi STA: got IP
//! 14:00:29.101  frame     > {"id":7,"method":"RPC.Ping"}
//! ```

use std::fmt;

use otactl::secrets::mask;
use otactl::text::printable;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Span, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::clock;
use super::output::Output;
use super::wrap::wrap;

/// Sets up the log of otactl for `--verbose`, if it is given. The logs of libraries are left out: they contain URLs with passwords.
pub(crate) fn start(verbose: u8, output: &Output) {
    let level = match verbose {
        0 => return,
        1 => Level::DEBUG,
        _ => Level::TRACE,
    };
    let layer = tracing_subscriber::fmt::layer()
        .event_format(InWords)
        .with_ansi(false)
        .with_writer({
            let output = output.clone();
            move || output.log()
        })
        // If stderr is closed, there is no stream for the error either.
        .log_internal_errors(false);
    let own_events = Targets::new().with_target("otactl", level);
    tracing_subscriber::registry().with(layer.with_filter(own_events)).init();
}

/// Writes an event as a line of words.
struct InWords;

impl<S, N> FormatEvent<S, N> for InWords
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let (step, text) = fields.line();
        let device = context.lookup_current().and_then(|span| {
            let extensions = span.extensions();
            let name = extensions.get::<FormattedFields<N>>()?.strip_prefix(NAME_OF_DEVICE)?;
            Some(printable(name))
        });
        let head = format!("{}{}  {step:<9} ", device.unwrap_or_default(), clock::time_of_day());
        writeln!(writer, "{head}{}", fitted(&mask(&text), head.chars().count(), Output::columns()))
    }
}

/// Breaks a text that begins at `column` so that it fits the terminal, if it goes to one.
fn fitted(text: &str, column: usize, columns: Option<usize>) -> String {
    const NARROW_INDENT: usize = 4;

    let Some(columns) = columns else { return text.to_owned() };
    let indent = if 2 * column > columns { NARROW_INDENT } else { column };
    wrap(text, column, indent, columns)
}

/// The start of the fields of the span of a device, when a command runs on several.
const NAME_OF_DEVICE: &str = "name=";

/// Returns the span of one device of several. Its name begins the lines of the log.
pub(crate) fn device_span(name: &str) -> Span {
    tracing::debug_span!("device", %name)
}

/// The message of the events of the firmware server.
const SERVER: &str = "firmware server";

/// The fields of an event.
#[derive(Debug, Default)]
struct Fields {
    message: String,
    others: Vec<(&'static str, String)>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = printable(&format!("{value:?}"));
        match field.name() {
            "message" => self.message = text,
            name => self.others.push((name, text)),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

impl Fields {
    /// Returns the name of the step and the text of the line.
    fn line(&self) -> (&'static str, String) {
        if let Some(console) = self.message.strip_prefix("| ") {
            return ("console |", console.into());
        }
        if self.message.starts_with("> ") || self.message.starts_with("< ") {
            return ("frame", self.message.clone());
        }
        let field = |name: &str| self.others.iter().find(|(field, _)| *field == name).map(|(_, text)| text.as_str());
        if let ("call", Some(method), Some(outcome), Some(ms)) =
            (self.message.as_str(), field("method"), field("outcome"), field("ms"))
        {
            // The text of an error may begin with the method.
            let outcome = outcome.strip_prefix(method).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(outcome);
            return ("call", format!("{method}: {outcome}, {ms} ms"));
        }
        match (self.message.as_str(), field("peer"), field("cause")) {
            ("connected", Some(peer), _) => ("connect", format!("connected to {peer}")),
            ("dialling failed", _, Some(cause)) => ("connect", format!("failed: {cause}")),
            (SERVER, _, _) => ("serve", self.named_fields()),
            _ if self.others.is_empty() => ("note", self.message.clone()),
            _ => ("note", format!("{}; {}", self.message, self.named_fields())),
        }
    }

    fn named_fields(&self) -> String {
        self.others.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_is_a_line_of_words() {
        let fields = |message: &str, others: &[(&'static str, &str)]| Fields {
            message: message.into(),
            others: others.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        };
        for (fields, step, text) in [
            (
                fields("call", &[("method", "Sys.GetInfo"), ("attempt", "1"), ("ms", "42"), ("outcome", "ok")]),
                "call",
                "Sys.GetInfo: ok, 42 ms",
            ),
            (
                fields("call", &[("method", "RPC.Ping"), ("ms", "4"), ("outcome", "RPC.Ping: the device answered: x")]),
                "call",
                "RPC.Ping: the device answered: x, 4 ms",
            ),
            (fields("| mgos_init.c:31  app init failed", &[]), "console |", "mgos_init.c:31  app init failed"),
            (fields("> {\"id\":7}", &[]), "frame", "> {\"id\":7}"),
            (fields("< {\"id\":7}", &[]), "frame", "< {\"id\":7}"),
            (fields("connected", &[("peer", "ws://dev/rpc")]), "connect", "connected to ws://dev/rpc"),
            (fields("dialling failed", &[("cause", "refused")]), "connect", "failed: refused"),
            (fields("firmware server", &[("peer", "a"), ("status", "404")]), "serve", "peer: a; status: 404"),
            (fields("a frame was lost", &[("is_slower", "true")]), "note", "a frame was lost; is_slower: true"),
            (fields("the line echoes", &[]), "note", "the line echoes"),
        ] {
            assert_eq!(fields.line(), (step, text.to_owned()), "{fields:?}");
        }
    }

    #[test]
    fn line_is_broken_on_a_terminal_only() {
        let text = "RPC.Ping: ok, 42 ms";
        assert_eq!(fitted(text, 24, None), text);
        assert_eq!(fitted(text, 24, Some(80)), text);
        assert_eq!(fitted(text, 10, Some(26)), "RPC.Ping: ok, 42\n          ms");
        assert_eq!(fitted(text, 24, Some(40)), "RPC.Ping: ok, 42\n    ms");
    }
}
