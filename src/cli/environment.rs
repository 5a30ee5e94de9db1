//! Environment variables.
//!
//! An empty variable counts as unset. A value that is not UTF-8 is an error: without it, the command might reach another device.

use std::any::TypeId;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches};

use super::failure::{Failure, FailureKind};

/// Returns the value of a variable that clap does not read, or `None` if it is unset or empty.
pub(super) fn variable(name: &str) -> Result<Option<String>, Failure> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value
        .map(OsString::into_string)
        .transpose()
        .map_err(|_| Failure::new(FailureKind::Usage, not_utf8(OsStr::new(name))))
}

/// A variable that holds no text, and the argument that it belongs to.
#[derive(Debug)]
pub(super) struct Unreadable {
    /// The command with this argument, or `None` for an argument of all commands.
    command: Option<String>,
    argument: String,
    variable: OsString,
}

/// Hides empty and unreadable variables from clap. Returns the unreadable ones.
pub(super) fn hide_unusable(model: clap::Command) -> (clap::Command, Vec<Unreadable>) {
    let mut unreadable = Vec::new();
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
    if value.is_empty() || !is_readable { arg.env(None::<&str>) } else { arg }
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
