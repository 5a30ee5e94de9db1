//! Environment variables.
//!
//! An empty variable counts as unset, and so does `auto` as a port. A value that is not UTF-8 is an error: without it, the command
//! might reach another device.

use std::any::TypeId;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use super::failure::{Failure, FailureKind};
use super::target_arg::is_auto;

/// Returns the value of a variable, or `None` if it counts as unset.
pub(super) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = env::var_os(name).filter(|value| !counts_as_unset(OsStr::new(name), value));
    value
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| Failure::new(FailureKind::Usage, not_utf8(OsStr::new(name))))
}

/// Tells whether a variable with this value counts as unset.
fn counts_as_unset(name: &OsStr, value: &OsStr) -> bool {
    let is_port = ["OTACTL_PORT", "MOS_PORT"].iter().any(|port| name == *port);
    value.is_empty() || (is_port && value.to_str().is_some_and(is_auto))
}

/// The variables that clap does not read, and their meanings.
pub(crate) const OTHER_VARIABLES: [(&str, &str); 9] = [
    ("MOS_PORT", "the device, if neither --port nor OTACTL_PORT is given"),
    ("OTACTL_RPC_CREDS", "user and password for the device: USER:PASSWORD"),
    ("OTACTL_MQTT_PASSWORD", "password for the broker, if neither --mqtt-password-file nor the URL gives one"),
    ("NO_COLOR", "if set and not empty, the output has no colours, unless --color says otherwise"),
    (
        "CLICOLOR_FORCE",
        "if set and not 0, the output has colours in a pipe, too, unless NO_COLOR or --color says otherwise",
    ),
    ("COMPLETE", "the name of a shell: otactl prints completions for it, and runs no command"),
    ("GITHUB_ACTIONS", "with `true`, `otactl update` reports to the job, unless `--report none` is given"),
    ("GITHUB_STEP_SUMMARY", "the file to which `--report github` adds"),
    ("TERM", "with `dumb`, the output has no colours, and no line is redrawn"),
];

/// Returns the variables of the options of a command, sorted by name, and what each of them sets.
pub(crate) fn variables(command: &clap::Command) -> Vec<(String, String)> {
    let mut variables: Vec<_> = command
        .get_arguments()
        .filter_map(|arg| Some((arg.get_env()?.display().to_string(), format!("as --{}", arg.get_long()?))))
        .collect();
    variables.sort();
    variables
}

/// A variable that holds no text, and the argument that it belongs to.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// The command with this argument, or `None` for an argument of all commands.
    command: Option<String>,
    argument: String,
    variable: OsString,
}

/// The start of the name of every variable that clap reads.
const PREFIX: &str = "OTACTL_";

/// Hides variables that count as unset and unreadable ones from clap. Returns the unreadable ones.
pub(super) fn hide_unusable(model: clap::Command) -> (clap::Command, Vec<Unreadable>) {
    let mut unreadable = Vec::new();
    let is_unusable = |(name, value): (OsString, OsString)| {
        name.to_string_lossy().starts_with(PREFIX) && (counts_as_unset(&name, &value) || value.to_str().is_none())
    };
    // A look at each argument of each command takes time.
    if !env::vars_os().any(is_unusable) {
        return (model, unreadable);
    }
    let model = model.mut_args(|arg| hidden_if_unusable(arg, None, &mut unreadable)).mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        command.mut_args(|arg| hidden_if_unusable(arg, Some(&name), &mut unreadable))
    });
    (model, unreadable)
}

fn hidden_if_unusable(arg: Arg, command: Option<&str>, unreadable: &mut Vec<Unreadable>) -> Arg {
    let Some(name) = arg.get_env() else { return arg };
    let value = env::var_os(name).unwrap_or_default();
    // A path need not be UTF-8.
    let is_readable = value.to_str().is_some() || is_path(&arg);
    if !is_readable {
        let (argument, variable) = (arg.get_id().to_string(), name.to_owned());
        unreadable.push(Unreadable { command: command.map(ToOwned::to_owned), argument, variable });
    }
    if counts_as_unset(name, &value) || !is_readable { arg.env(None::<&str>) } else { arg }
}

/// Fails if one of the arguments with an unreadable variable applies, and is not on the command line.
pub(super) fn check_unreadable(matches: &ArgMatches, unreadable: &[Unreadable]) -> Result<(), clap::Error> {
    let applies = |unreadable: &&Unreadable| {
        let matches = match (&unreadable.command, matches.subcommand()) {
            (None, _) => matches,
            (Some(command), Some((given, matches))) if command == given => matches,
            _ => return false,
        };
        matches.value_source(&unreadable.argument) != Some(ValueSource::CommandLine)
    };
    match unreadable.iter().find(applies) {
        Some(Unreadable { variable, .. }) => Err(clap::Error::raw(ErrorKind::InvalidUtf8, not_utf8(variable))),
        None => Ok(()),
    }
}

fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

fn not_utf8(name: &OsStr) -> String {
    format!("the value of the environment variable {} is not UTF-8", name.display())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn every_variable_has_the_prefix() {
        let model = crate::cli::Cli::command();
        let args = model.get_arguments().chain(model.get_subcommands().flat_map(clap::Command::get_arguments));
        for name in args.filter_map(Arg::get_env) {
            assert!(name.to_string_lossy().starts_with(PREFIX), "{}", name.display());
        }
    }

    /// The options of all commands that say what a command prints, and not how otactl reaches the device.
    const NOT_OF_THE_CONNECTION: [&str; 4] = ["json", "quiet", "verbose", "color"];

    #[test]
    fn every_option_of_the_connection_and_every_time_limit_of_an_update_has_a_variable() {
        let command = crate::cli::Cli::command();
        let update = command.find_subcommand("update").expect("the command");
        let of_connection =
            command.get_arguments().filter(|arg| !NOT_OF_THE_CONNECTION.contains(&arg.get_id().as_str()));
        let is_limit =
            |arg: &&Arg| arg.get_long() == Some("soak") || arg.get_long().is_some_and(|name| name.ends_with("timeout"));
        for arg in of_connection.chain(update.get_arguments().filter(is_limit)) {
            let long = arg.get_long().expect("an option");
            let name = format!("OTACTL_{}", long.to_uppercase().replace('-', "_"));
            let is_read_elsewhere = OTHER_VARIABLES.iter().any(|(other, _)| *other == name);
            let variable = arg.get_env().map(|name| name.display().to_string());
            assert!(is_read_elsewhere || variable.as_ref() == Some(&name), "--{long}: {variable:?}");
        }
    }
}
