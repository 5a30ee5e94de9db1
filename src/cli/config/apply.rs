//! Gives the options of a command line the values of a section.
//!
//! The values become the defaults of the options. So the command line wins, and after it the environment, except for a device that is
//! named: its own settings win over the environment, which may be meant for another device.

use std::error::Error as _;

use clap::{Arg, Command};

use super::keys::RPC_CREDS_FILE;
use super::parse::{Section, Setting};
use crate::cli::failure::{Failure, FailureKind};

/// The command whose own options a section may set. `set-boot-state` has an option of the same name that changes the device.
const COMMAND_WITH_SETTINGS: &str = "update";

/// Which values win over those of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precedence {
    /// The command line and the environment.
    Defaults,
    /// The command line.
    NamedDevice,
}

/// Gives the options of `model` the values of the section.
pub(crate) fn apply(model: Command, section: &Section, precedence: Precedence) -> Command {
    if section.0.is_empty() {
        return model;
    }
    let with_value = |arg: Arg| match arg.get_long().and_then(|long| setting(section, long)) {
        Some(setting) => {
            let arg = arg.default_values(values(setting));
            if precedence == Precedence::NamedDevice { arg.env(None::<&str>) } else { arg }
        }
        None => arg,
    };
    let model = model.mut_args(with_value);
    if model.find_subcommand(COMMAND_WITH_SETTINGS).is_none() {
        return model;
    }
    model.mut_subcommand(COMMAND_WITH_SETTINGS, |command| command.mut_args(with_value))
}

/// Checks each value of the section with the parser of its option.
pub(crate) fn check(model: &Command, section: &Section) -> Result<(), Failure> {
    let update = model.find_subcommand(COMMAND_WITH_SETTINGS);
    let args: Vec<&Arg> = model.get_arguments().chain(update.into_iter().flat_map(Command::get_arguments)).collect();
    for found in &section.0 {
        let option = option_of(&found.key);
        let Some(arg) = args.iter().find(|arg| arg.get_long() == Some(option)) else { continue };
        let arg = (*arg).clone().global(false).env(None::<&str>).default_values(values(found)).required(false);
        let command = Command::new("check").no_binary_name(true).disable_help_flag(true).arg(arg);
        if let Err(error) = command.try_get_matches_from(None::<&str>) {
            let problem = error.source().map_or_else(|| "its value cannot be used".into(), ToString::to_string);
            let message = format!("{}: `{}`: {problem}", found.place, found.key);
            return Err(Failure::new(FailureKind::Usage, message)
                .hint(format!("`otactl help connection` and `otactl update --help` describe `--{option}`")));
        }
    }
    Ok(())
}

/// Returns the setting of an option.
fn setting<'a>(section: &'a Section, long: &str) -> Option<&'a Setting> {
    section.0.iter().find(|setting| option_of(&setting.key) == long)
}

/// Returns the name of the option that a key sets.
pub(crate) fn option_of(key: &str) -> &str {
    if key == RPC_CREDS_FILE { "rpc-creds" } else { key }
}

fn values(setting: &Setting) -> Vec<String> {
    let prefix = if setting.key == RPC_CREDS_FILE { "@" } else { "" };
    setting.values.iter().map(|value| format!("{prefix}{value}")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::{ArgAction, CommandFactory as _};

    use super::*;
    use crate::cli::config::keys::{Kind, OF_A_DEVICE, OF_DEFAULTS, SHARED, is_list, kind};
    use crate::cli::config::parse::parse;

    fn section(settings: &str) -> Section {
        let file = parse(&format!("[device.a]\n{settings}"), Path::new("/c.toml")).expect("a file");
        file.devices[0].1.clone()
    }

    #[test]
    fn every_key_is_an_option() {
        let model = crate::cli::Cli::command();
        let update = model.find_subcommand(COMMAND_WITH_SETTINGS).expect("the command");
        let has = |long| model.get_arguments().chain(update.get_arguments()).any(|arg| arg.get_long() == Some(long));
        for key in SHARED.into_iter().chain(OF_A_DEVICE).chain(OF_DEFAULTS) {
            assert!(has(option_of(key)), "{key}");
        }
    }

    #[test]
    fn type_of_each_key_is_that_of_its_option() {
        let model = crate::cli::Cli::command();
        let update = model.find_subcommand(COMMAND_WITH_SETTINGS).expect("the command");
        for key in SHARED.into_iter().chain(OF_A_DEVICE).chain(OF_DEFAULTS) {
            let mut args = model.get_arguments().chain(update.get_arguments());
            let arg = args.find(|arg| arg.get_long() == Some(option_of(key))).expect(key);
            let is_flag = matches!(arg.get_action(), ArgAction::SetTrue) || arg.get_default_values() == ["true"];
            assert_eq!(kind(key) == Kind::Flag, is_flag, "{key}");
            let names = arg.get_value_names().unwrap_or_default();
            assert_eq!(kind(key) == Kind::Duration, names.iter().any(|name| name == "DURATION"), "{key}");
            assert_eq!(kind(key) == Kind::Number, names.iter().any(|name| name == "NUMBER"), "{key}");
            // A device has one port.
            let has_several = matches!(arg.get_action(), ArgAction::Append) || names.len() > 1;
            assert_eq!(is_list(key), has_several && key != "port", "{key}");
        }
    }

    #[test]
    fn value_that_an_option_refuses_is_named_with_its_line() {
        let model = crate::cli::Cli::command();
        assert_eq!(
            check(&model, &section("port = 'sim:'\ntimeout = '3s'\nsoak = '1m'\ninsecure = true\n")).ok(),
            Some(())
        );
        for bad in ["timeout = 'soon'", "baud-rate = 1", "soak = 0", "check-rpc = ['a b c']", "via = 'x'"] {
            let failure = check(&model, &section(&format!("port = 'sim:'\n{bad}\n"))).expect_err(bad);
            assert!(failure.message.starts_with("/c.toml, line 3: `"), "{}", failure.message);
        }
    }

    #[test]
    fn command_line_wins_over_a_section() {
        let section = section("port = 'ws://a'\ntimeout = '3s'\ncheck-rpc = ['RPC.Ping']\nrpc-creds-file = '/creds'\n");
        let model = apply(crate::cli::Cli::command(), &section, Precedence::NamedDevice);
        let matches = model.try_get_matches_from(["otactl", "update", "fw.zip", "--timeout", "5s"]).expect("parsed");
        assert_eq!(matches.get_one("timeout"), Some(&std::time::Duration::from_secs(5)));
        assert_eq!(matches.get_one::<String>("rpc_creds").map(String::as_str), Some("@/creds"));
    }
}
