//! Prints the text of a command line that clap refuses, in the width and the colours of other messages.

use super::output::Output;

/// The labels at the start of lines, and their colours.
const LABELS: [(&str, &str); 4] = [("error:", "31;1"), ("hint:", "36;1"), ("tip:", "36;1"), ("Usage:", "1;4")];

/// Prints the text of an error of clap, without its colours.
pub(crate) fn print(output: &Output, text: &str) {
    let mut message = String::new();
    for line in text.trim_end().lines() {
        let Line { indent, label, text } = Line::of(line);
        let painted = label.map(|(label, colour)| output.paint(colour, label) + " ").unwrap_or_default();
        let column = indent + label.map_or(0, |(label, _)| label.len() + 1);
        message.extend([&" ".repeat(indent), painted.as_str(), &output.fitted(text, column, column), "\n"]);
    }
    output.write_message(&message);
}

/// A line of an error of clap.
#[derive(Debug, PartialEq)]
struct Line<'a> {
    indent: usize,
    /// The label and its colour.
    label: Option<(&'static str, &'static str)>,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a str) -> Self {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        let labelled = LABELS.into_iter().find_map(|(label, colour)| {
            Some(Line { indent, label: Some((label, colour)), text: text.strip_prefix(label)?.strip_prefix(' ')? })
        });
        labelled.unwrap_or(Line { indent, label: None, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_split_into_indent_label_and_text() {
        for (line, indent, label, text) in [
            ("error: no command", 0, Some("error:"), "no command"),
            ("  tip: a similar one", 2, Some("tip:"), "a similar one"),
            ("       otactl update", 7, None, "otactl update"),
            ("Usage: otactl", 0, Some("Usage:"), "otactl"),
            ("", 0, None, ""),
        ] {
            let Line { indent: found, label: of_line, text: rest } = Line::of(line);
            assert_eq!((found, of_line.map(|(label, _)| label), rest), (indent, label, text), "{line}");
        }
    }
}
