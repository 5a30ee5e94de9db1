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

/// Hides empty and unreadable variables from clap. Returns the arguments whose variable is unreadable, with the names of the
/// variables.
pub(super) fn hide_unusable(model: clap::Command) -> (clap::Command, Vec<(String, OsString)>) {
    let mut unreadable = Vec::new();
    let model = model.mut_args(|arg| {
        let Some(name) = arg.get_env() else { return arg };
        let value = env::var_os(name).unwrap_or_default();
        // A path need not be UTF-8.
        let is_readable = value.to_str().is_some() || is_path(&arg);
        if !is_readable {
            unreadable.push((arg.get_id().to_string(), name.to_owned()));
        }
        if value.is_empty() || !is_readable { arg.env(None::<&str>) } else { arg }
    });
    (model, unreadable)
}

/// Fails if one of the arguments with an unreadable variable is not on the command line either.
pub(super) fn check_unreadable(matches: &ArgMatches, unreadable: &[(String, OsString)]) -> Result<(), clap::Error> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    match unreadable.iter().find(|(id, _)| !is_given(id)) {
        Some((_, name)) => Err(clap::Error::raw(ErrorKind::InvalidUtf8, not_utf8(name))),
        None => Ok(()),
    }
}

fn is_path(arg: &Arg) -> bool {
    arg.get_value_parser().type_id() == TypeId::of::<PathBuf>()
}

fn not_utf8(name: &OsStr) -> String {
    format!("the value of the environment variable {} is not UTF-8", name.display())
}
