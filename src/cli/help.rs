//! The help pages: what they show beside the clap model, and the page of `otactl` without a command.
//!
//! A command that runs does not need any of this: [`parse`](super::parse) adds it to the model only to show a page or an error.

use std::fmt::Write as _;

use clap::{Arg, Command};
use console::Term;
use otactl::discover::UsbPort;

use super::wrap::wrap_at_indent;

/// The groups of the help page. Each visible command is in one of them.
const GROUPS: [(&str, &[&str]); 6] = [
    ("Update a device", &["update", "show", "wait"]),
    (
        "Methods of the OTA service",
        &["commit", "revert", "create-snapshot", "get-boot-state", "set-boot-state", "status"],
    ),
    ("Other methods", &["call", "list", "describe", "info", "ping", "reboot"]),
    ("Find and name devices", &["ports", "discover", "devices"]),
    ("Try otactl without a board", &["simulate"]),
    ("About otactl", &["explain", "completions", "man"]),
];

/// The commands of the start page: what to type, and what it does.
const START: [(&str, &str); 5] = [
    ("otactl update build/fw.zip", "update the board on the cable, and commit"),
    ("otactl show", "show what runs on it, and whether it stays"),
    ("otactl call Sys.GetInfo", "call any method; `otactl list` lists them"),
    ("otactl --port ws://HOST ping", "reach a board in the network"),
    ("otactl --port sim: update FILE", "try it without a board"),
];

/// The last line of the help of each command.
const FOOTER: &str = "Credentials, TLS, serial ports, MQTT: `otactl help connection`";

const EXAMPLES: &str = "\
Examples:
  otactl --port sim: update firmware.zip
  otactl --port ws://192.168.1.5 update firmware.zip
";

/// The maximum width of the help, in columns.
pub(crate) const MAX_WIDTH: usize = 100;

/// Returns the model with all that its help pages show. `is_long` is set for `--help` and `otactl help`.
pub(crate) fn pages(model: Command, is_long: bool) -> Command {
    let width = width();
    let page = start_of_help(&model, is_long, width);
    let mut built = model.clone();
    built.build();
    let shown = |arg: Arg| if is_long { with_variable(arg) } else { brief(arg) };
    let model = model.mut_args(shown);
    let model = model.mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        let end = match command.get_after_help() {
            Some(example) if name == "connection" => example.to_string(),
            Some(example) => format!("{example}\n\n{FOOTER}"),
            None => FOOTER.to_owned(),
        };
        let long_end = command.get_after_long_help().map(|more| format!("{more}\n{end}"));
        let usage = built.find_subcommand_mut(&name).and_then(|command| narrow_usage(command, width));
        let command = match usage {
            Some(usage) => command.override_usage(usage),
            None => command,
        };
        let command = command.after_help(end).mut_args(shown);
        match long_end {
            Some(end) => command.after_long_help(end),
            None => command,
        }
    });
    model.help_template(page)
}

/// Returns the usage in lines of at most `width` columns, or `None` if clap's lines are no longer than that.
fn narrow_usage(command: &mut Command, width: usize) -> Option<String> {
    const HEADING: &str = "Usage: ";

    let usage = command.render_usage().to_string();
    if usage.lines().all(|line| line.chars().count() <= width) {
        return None;
    }
    let lines = usage.lines().map(|line| {
        let line = line.trim_start_matches(HEADING).trim_start();
        wrapped(line, 2 * HEADING.len(), width.saturating_sub(HEADING.len()))
    });
    let text = lines.collect::<Vec<_>>().join(&" ".repeat(HEADING.len()));
    Some(text.trim_end().to_owned())
}

/// Returns the argument with a help that fits on a line: an option without its possible values.
fn brief(arg: Arg) -> Arg {
    let is_option = arg.get_long().is_some() && arg.get_action().takes_values();
    let is_hidden = is_option || arg.is_hide_possible_values_set();
    arg.hide_env(true).hide_possible_values(is_hidden)
}

/// Returns the argument with the name of its environment variable in its long help.
fn with_variable(arg: Arg) -> Arg {
    let Some(name) = arg.get_env().map(|name| name.display().to_string()) else { return arg };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    arg.hide_env(true).long_help(format!("{help}\n\n[env: {name}]"))
}

/// Returns the template of the help of `otactl`, which groups the commands by purpose.
fn start_of_help(command: &Command, is_long: bool, width: usize) -> String {
    let mut page = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (purpose, names) in GROUPS {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n{purpose}:\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            page.push_str(&entry(name, 15, &about, width));
        }
    }
    if is_long {
        let _ = write!(page, "\nOptions:\n{{options}}\n\n{EXAMPLES}");
    } else {
        let text = "`otactl help COMMAND` describes a command, and `otactl help connection` the options of all \
                    commands, such as --port, --json and --quiet.";
        let _ = write!(page, "\n{}", wrapped(text, 0, width));
    }
    page
}

/// Returns the page of `otactl` without a command on a terminal. `ports` are the serial ports of this machine.
pub(crate) fn start_page(about: &str, ports: &[UsbPort]) -> String {
    let width = width();
    let mut page = wrapped(&format!("otactl {}: {about}", env!("CARGO_PKG_VERSION")), 0, width);
    page.push('\n');
    for (command, meaning) in START {
        page.push_str(&entry(command, 30, meaning, width));
    }
    page.push('\n');
    page.push_str(&ports_lines(ports, width));
    page.push('\n');
    page.push_str(&wrapped("`otactl --help` lists all commands, `otactl help update` describes one.", 0, width));
    page
}

/// Returns the lines about the serial ports of this machine. They describe at most four of them.
fn ports_lines(ports: &[UsbPort], width: usize) -> String {
    const MAX_DESCRIBED: usize = 4;

    if ports.is_empty() {
        return "Serial ports: none found\n".into();
    }
    let mut text = String::from("Serial ports:\n");
    for port in ports.iter().take(MAX_DESCRIBED) {
        text.push_str(&wrapped(&format!("  {}", port.description()), 4, width));
    }
    if let Some(more) = ports.len().checked_sub(MAX_DESCRIBED).filter(|more| *more > 0) {
        text.push_str(&wrapped(&format!("  {more} more: `otactl ports` lists them"), 4, width));
    }
    text
}

/// Returns a term and its meaning as lines that fit into `width` columns, with the meaning from the column behind `term_width` on.
fn entry(term: &str, term_width: usize, meaning: &str, width: usize) -> String {
    let indent = term_width + 4;
    if width < indent + 20 {
        return wrapped(&format!("  {term}"), 6, width) + &wrapped(&format!("      {meaning}"), 6, width);
    }
    wrapped(&format!("  {term:term_width$}  {meaning}"), indent, width)
}

/// Returns the text as lines of at most `width` columns, broken between words. All lines but the first are indented.
///
/// A word that is longer than a line stays whole.
pub(super) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    wrap_at_indent(text, indent, width) + "\n"
}

/// Returns the width for the help: that of the terminal, else of the variable COLUMNS, as clap does it.
pub(super) fn width() -> usize {
    let of_terminal =
        [Term::stdout(), Term::stderr()].iter().find_map(|term| term.is_term().then(|| term.size_checked())?);
    let of_variable = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = of_terminal.map(|(_, columns)| usize::from(columns)).or_else(of_variable);
    width.filter(|&width| width > 0).unwrap_or(MAX_WIDTH).min(MAX_WIDTH)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_visible_command_is_in_a_group() {
        let command = crate::cli::Cli::command();
        let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let commands: BTreeSet<&str> = visible.map(Command::get_name).collect();
        let listed: BTreeSet<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(commands, listed);
    }

    #[test]
    fn every_command_has_an_example_of_itself() {
        for command in crate::cli::Cli::command().get_subcommands().filter(|command| command.get_name() != "generate") {
            let end = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let is_of_itself = command.is_hide_set() || end.contains(command.get_name());
            assert!(end.starts_with("Example: otactl ") && is_of_itself, "{}: {end:?}", command.get_name());
        }
    }

    #[test]
    fn text_is_wrapped_between_words() {
        for (text, indent, width, expected) in [
            ("one two three", 2, 20, "one two three\n"),
            ("one two three", 2, 8, "one two\n  three\n"),
            ("  term  a meaning", 8, 14, "  term  a\n        meaning\n"),
            ("a-very-long-word b", 2, 4, "a-very-long-word\n  b\n"),
            ("", 2, 4, "\n"),
        ] {
            assert_eq!(wrapped(text, indent, width), expected, "{text:?} in {width}");
        }
    }

    fn ports(count: usize) -> Vec<UsbPort> {
        (0..count).map(|number| UsbPort::at(format!("/dev/ttyUSB{number}"))).collect()
    }

    #[test]
    fn at_most_four_ports_are_described() {
        assert_eq!(ports_lines(&[], 80), "Serial ports: none found\n");
        assert_eq!(ports_lines(&ports(1), 80), "Serial ports:\n  /dev/ttyUSB0\n");
        let many = ports_lines(&ports(6), 80);
        assert!(many.ends_with("  /dev/ttyUSB3\n  2 more: `otactl ports` lists them\n"), "{many}");
    }

    #[test]
    fn start_page_has_at_most_20_lines() {
        let page = start_page("about", &ports(9));
        assert!(page.lines().count() <= 20, "{page}");
    }
}
