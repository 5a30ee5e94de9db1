//! The message about an argument that the command line cannot have, where the message of clap does not help.

use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use super::wrong_command::{given_command, is_address, with_hint};

/// The commands that use no device of `--port`.
const WITHOUT_DEVICE: [&str; 7] = ["ports", "devices", "discover", "simulate", "explain", "completions", "man"];

/// Returns the message that replaces that of clap, if there is a better one.
pub(crate) fn message(error: &Error, args: &[OsString], model: &Command) -> Option<String> {
    match (error.kind(), error.get(ContextKind::InvalidArg)?) {
        (ErrorKind::UnknownArgument, ContextValue::String(word)) => of_address(word, args, model),
        (ErrorKind::ValueValidation, ContextValue::String(option)) => of_number(error, option),
        (ErrorKind::MissingRequiredArgument, ContextValue::Strings(missing)) => of_group(missing, args, model),
        _ => None,
    }
}

/// Removes the advice of clap to write an unknown option as a value after `--`.
pub(crate) fn remove_wrong_advice(error: &mut Error) {
    let word = error.get(ContextKind::InvalidArg).map(ToString::to_string).unwrap_or_default();
    if error.kind() == ErrorKind::UnknownArgument && word.starts_with("--") {
        error.remove(ContextKind::Suggested);
    }
}

/// Returns the message about the address of a device that the command does not take as an argument.
fn of_address(word: &str, args: &[OsString], model: &Command) -> Option<String> {
    let name = given_command(args, model)?.get_name();
    if !is_address(word) || WITHOUT_DEVICE.contains(&name) {
        return None;
    }
    let hint = format!("an address is the value of an option: `otactl {name} --port {word}`");
    Some(with_hint(&format!("unexpected argument '{word}' found"), &hint))
}

/// Returns the message about a number that cannot be read.
fn of_number(error: &Error, option: &str) -> Option<String> {
    let cause = error.source()?.downcast_ref::<ParseIntError>()?;
    let value = error.get(ContextKind::InvalidValue)?;
    let advice = match cause.kind() {
        IntErrorKind::PosOverflow => "the number is too large",
        IntErrorKind::NegOverflow => "the number is too small",
        _ => "write a whole number",
    };
    Some(format!("invalid value '{value}' for '{option}': {advice}"))
}

/// Returns the message about a command without any of the options of which it requires one.
fn of_group(missing: &[String], args: &[OsString], model: &Command) -> Option<String> {
    let [group] = missing else { return None };
    let options = group.strip_prefix('<')?.strip_suffix('>').filter(|options| options.starts_with("--"))?;
    let name = given_command(args, model)?.get_name();
    let message = format!("one of these options is required: {}", options.split('|').collect::<Vec<_>>().join(", "));
    Some(with_hint(&message, &format!("`otactl {name} -h` describes them")))
}
