//! The message about an argument that the command line cannot have, where the message of clap does not help.

use std::error::Error as _;
use std::ffi::OsString;
use std::num::{IntErrorKind, ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use super::environment;
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

/// Returns the option of a wrong value and its variable, if the value comes from the variable.
pub(crate) fn variable_of(error: &Error, args: &[OsString], model: &Command) -> Option<(String, String)> {
    if !matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        return None;
    }
    let (ContextValue::String(option), ContextValue::String(value)) =
        (error.get(ContextKind::InvalidArg)?, error.get(ContextKind::InvalidValue)?)
    else {
        return None;
    };
    let long = option.split([' ', '=']).next()?;
    let of_command = given_command(args, model).into_iter().flat_map(Command::get_arguments);
    let name = long.strip_prefix("--")?;
    let arg = model.get_arguments().chain(of_command).find(|arg| arg.get_long() == Some(name))?;
    let variable = arg.get_env()?.to_str()?;
    // The command line wins over the variable.
    let is_given = args.iter().filter_map(|word| word.to_str()).any(|word| {
        word.strip_prefix(long).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
            || arg.get_short().is_some_and(|short| word.starts_with(&format!("-{short}")))
    });
    let is_value = environment::variable(variable).is_ok_and(|found| found.as_ref() == Some(value));
    (is_value && !is_given).then(|| (option.clone(), variable.to_owned()))
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
