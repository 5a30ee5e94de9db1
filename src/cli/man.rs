//! The manual pages, one per command. They consist of the clap model, and of sections that clap does not generate.
//!
//! The options that every command accepts are in otactl(1) only. The other pages refer to it.

use std::io;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use otactl::sim::fault::KINDS;

use super::environment;
use super::failure::EXIT_CODES;

const EXAMPLES: [(&str, &str); 7] = [
    ("otactl --port sim: update firmware.zip", "Try an update on a simulated device."),
    (
        "otactl --port ws://192.168.1.5 update build/fw.zip",
        "Update a device, and commit the new firmware once it runs.",
    ),
    (
        "otactl --port http://192.168.1.5 update --url http://server/fw.zip --no-commit",
        "Let the device download the firmware from a server, and leave it uncommitted.",
    ),
    (
        "otactl --port ws://192.168.1.5 wait version 2.0.0 --for 10m",
        "Wait up to 10 minutes until version 2.0.0 runs; otherwise fail with exit code 5.",
    ),
    (
        "otactl --port ws://192.168.1.5 update build/fw.zip --check-http http://192.168.1.5/health --soak 30s",
        "Commit the new firmware only if it serves a page and runs for 30 s without a reboot.",
    ),
    ("MOS_PORT=ws://192.168.1.5 otactl commit", "Commit the running firmware."),
    ("otactl --port ws://192.168.1.5 call Config.Get '{\"key\": \"device.id\"}'", "Call any method of the device."),
];

/// The files that otactl reads and writes, as Linux places them.
const FILES: [(&str, &str); 3] = [
    (
        "otactl.toml",
        "named devices and defaults of a project, in the current directory or the nearest one above it that has one",
    ),
    ("~/.config/otactl/config.toml", "named devices and defaults of the user"),
    (
        "~/.cache/otactl/",
        "the names of methods, arguments and settings that devices have reported, for completions; may be removed",
    ),
];

/// Returns the manual pages with their file names.
pub(crate) fn pages(model: &Command) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut model = model.clone().disable_help_subcommand(true);
    model.build();
    let mut pages = vec![page(&model, "otactl", true)?];
    for command in model.get_subcommands() {
        let name = format!("otactl-{}", command.get_name());
        pages.push(page(command, &name, false)?);
    }
    Ok(pages)
}

fn page(command: &Command, name: &str, is_main: bool) -> io::Result<(String, Vec<u8>)> {
    let own = if is_main {
        command.clone()
    } else {
        command.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg })
    };
    // The page has a version, but no date: a date would change the page every day.
    let man = Man::new(own.name(name.to_owned()));
    let mut page = format!(".TH {name} 1 \"\" \"otactl {}\"\n", env!("CARGO_PKG_VERSION")).into_bytes();
    man.render_name_section(&mut page)?;
    synopsis(&mut command.clone()).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if is_main {
        man.render_subcommands_section(&mut page)?;
    }
    let mut rest = Roff::new();
    if command.get_name() == "simulate" {
        definitions(&mut rest, "FAULTS", KINDS.each_ref().map(|kind| (kind.usage(), kind.about.to_owned())));
    }
    definitions(&mut rest, "EXIT STATUS", EXIT_CODES.map(|(code, meaning)| (code.to_string(), meaning.to_owned())));
    definitions(&mut rest, "ENVIRONMENT", variables(command, is_main));
    if is_main {
        definitions(&mut rest, "FILES", FILES.map(|(path, meaning)| (path.to_owned(), meaning.to_owned())));
    }
    definitions(&mut rest, "EXAMPLES", examples(command, is_main));
    see_also(&mut rest, command, is_main);
    rest.to_writer(&mut page)?;
    Ok((format!("{name}.1"), page))
}

/// Returns the section with the usage, one line per form.
fn synopsis(command: &mut Command) -> Roff {
    let usage = command.render_usage().to_string();
    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    for (index, line) in usage.trim_start_matches("Usage:").lines().map(str::trim).enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        let mut inlines: Vec<Inline> = Vec::new();
        for word in line.split(' ') {
            let plain = word.replace(['<', '>'], "");
            if !inlines.is_empty() {
                inlines.push(roman(" "));
            }
            let is_name = plain.starts_with("--") || plain.starts_with(|c: char| c.is_ascii_lowercase());
            inlines.push(if is_name { bold(plain) } else { italic(plain) });
        }
        roff.text(inlines);
    }
    roff
}

/// Returns the variables of the options on a page, and on the main page also the variables that belong to no option.
fn variables(command: &Command, is_main: bool) -> Vec<(String, String)> {
    let is_on_page = |name: &str| {
        let arg = command.get_arguments().find(|arg| arg.get_env().is_some_and(|variable| variable == name));
        arg.is_some_and(|arg| is_main || !arg.is_global_set())
    };
    let mut variables = environment::variables(command);
    variables.retain(|(name, _)| is_on_page(name));
    if is_main {
        variables.extend(environment::OTHER_VARIABLES.map(|(name, meaning)| (name.to_owned(), meaning.to_owned())));
    }
    variables
}

/// Returns the examples of a command. The example in its help is the last one.
fn examples(command: &Command, is_main: bool) -> Vec<(String, String)> {
    let of_command = EXAMPLES.iter().filter(|(line, _)| is_main || line.contains(&format!(" {}", command.get_name())));
    let mut examples: Vec<_> = of_command.map(|(line, meaning)| ((*line).to_owned(), (*meaning).to_owned())).collect();
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some(line) = help.strip_prefix("Example: ").filter(|line| examples.iter().all(|(other, _)| other != line)) {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        examples.push((line.to_owned(), format!("{about}.")));
    }
    examples
}

/// Appends the pages to which a page refers: the main page refers to all commands, and each of them to the main page.
fn see_also(roff: &mut Roff, command: &Command, is_main: bool) {
    roff.control("SH", ["SEE ALSO"]);
    if !is_main {
        roff.text([
            bold("otactl"),
            roman("(1) describes the options that every command accepts, and their environment variables."),
        ]);
        return;
    }
    let mut inlines = Vec::new();
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        if !inlines.is_empty() {
            inlines.push(roman(", "));
        }
        inlines.extend([bold(format!("otactl-{}", command.get_name())), roman("(1)")]);
    }
    roff.text(inlines);
}

/// Appends a section of terms and their meanings, unless it would be empty.
fn definitions(roff: &mut Roff, title: &str, entries: impl IntoIterator<Item = (String, String)>) {
    let mut entries = entries.into_iter().peekable();
    if entries.peek().is_some() {
        roff.control("SH", [title]);
    }
    for (term, meaning) in entries {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(meaning)]);
    }
}
