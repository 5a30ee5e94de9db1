//! [`Typed`], what the words before the cursor say. Pure.

use clap::{Arg, Command};

/// What the words before the cursor say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Typed {
    /// The command and its arguments.
    pub(super) operands: Vec<String>,
    /// The options that have a value, as ids of arguments, with their values.
    values: Vec<(String, String)>,
    /// The option whose value is the word at the cursor.
    pub(super) open_option: Option<String>,
    /// `--` was typed: no option follows.
    pub(super) is_escaped: bool,
}

/// What names the devices of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Devices {
    /// Names of the configuration, or patterns.
    Names(Vec<String>),
    /// Values of `--port`.
    Ports(Vec<String>),
    /// The command takes the board that is connected.
    Connected,
    /// The command line is wrong.
    Unknown,
}

impl Typed {
    /// Reads the words behind the name of the program. `model` is built.
    pub(super) fn of(model: &Command, words: &[String]) -> Self {
        let mut typed = Self::default();
        let mut command = model;
        for word in words {
            if typed.is_escaped {
                typed.operands.push(word.clone());
            } else if let Some(option) = typed.open_option.take() {
                let id = option_of(command, &option).map(|arg| arg.get_id().to_string());
                typed.values.push((id.unwrap_or_default(), word.clone()));
            } else if word == "--" {
                typed.is_escaped = true;
            } else if word.starts_with('-') && word.len() > 1 {
                typed.option(command, word);
            } else {
                command = command.find_subcommand(word).unwrap_or(command);
                typed.operands.push(word.clone());
            }
        }
        typed
    }

    /// Reads an option: `--long`, `--long=value`, `-s`, `-svalue`, or several short ones.
    fn option(&mut self, command: &Command, word: &str) {
        if word.starts_with("--") {
            let (name, value) = word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value)));
            let Some(arg) = option_of(command, name) else { return };
            match value {
                Some(value) => self.values.push((arg.get_id().to_string(), value.to_owned())),
                None => self.open_option = Some(name.to_owned()),
            }
            return;
        }
        for (at, short) in word.char_indices().skip(1) {
            let Some(arg) = option_of(command, &format!("-{short}")) else { continue };
            let value = &word[at + short.len_utf8()..];
            match value.strip_prefix('=').unwrap_or(value) {
                "" => self.open_option = Some(format!("-{short}")),
                value => self.values.push((arg.get_id().to_string(), value.to_owned())),
            }
            return;
        }
    }

    /// Returns the values of an option.
    pub(super) fn values<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a str> {
        self.values.iter().filter(move |(other, _)| other == id).map(|(_, value)| value.as_str())
    }

    /// Tells what names the devices of the command. The command line wins over the environment, and that over the configuration.
    ///
    /// `variable` returns a variable of the environment, `default` the devices that the configuration names.
    pub(super) fn devices(&self, variable: impl Fn(&str) -> Option<String>, default: &[String]) -> Devices {
        let split = |names: &str| names.split(',').map(ToOwned::to_owned).collect::<Vec<_>>();
        let names: Vec<String> = self.values("device").flat_map(split).collect();
        let ports: Vec<String> = self.values("port").map(ToOwned::to_owned).collect();
        let devices = match (ports.is_empty(), names.is_empty()) {
            (false, false) => Devices::Unknown,
            (false, true) => Devices::Ports(ports),
            (true, false) => Devices::Names(names),
            (true, true) => match (variable("OTACTL_PORT"), variable("OTACTL_DEVICE")) {
                (Some(_), Some(_)) => Devices::Unknown,
                (Some(port), None) => Devices::Ports(vec![port]),
                (None, Some(names)) => Devices::Names(split(&names)),
                (None, None) => match variable("MOS_PORT").filter(|port| port != "auto") {
                    Some(port) => Devices::Ports(vec![port]),
                    None if default.is_empty() => Devices::Connected,
                    None => Devices::Names(default.to_owned()),
                },
            },
        };
        match devices {
            Devices::Ports(ports) if ports.iter().all(|port| port == "auto") => Devices::Connected,
            devices => devices,
        }
    }
}

/// Returns the option with this name that takes a value in the next word. `--json` takes one behind `=` only.
fn option_of<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    let takes_value = |arg: &&Arg| arg.get_action().takes_values() && !arg.is_require_equals_set();
    command.get_opts().filter(takes_value).find(|arg| match name.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(short.to_string().as_str())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(line: &str) -> Typed {
        let mut model = crate::cli::public_model();
        model.build();
        let words: Vec<String> = line.split_whitespace().map(ToOwned::to_owned).collect();
        Typed::of(&model, &words)
    }

    #[test]
    fn operands_are_what_is_neither_an_option_nor_its_value() {
        for (line, operands, open_option) in [
            ("-d bench1 call GPIO.Write pin=2", &["call", "GPIO.Write", "pin=2"][..], None),
            ("call --json -v M --port ws://a", &["call", "M"], None),
            ("-vqd commit call", &["call"], None),
            ("--port=call -pcall info", &["info"], None),
            ("devices remove", &["devices", "remove"], None),
            ("call -- M -d", &["call", "M", "-d"], None),
            ("update fw.zip --via", &["update", "fw.zip"], Some("--via")),
            ("call -d", &["call"], Some("-d")),
            ("--unknown call", &["call"], None),
        ] {
            let typed = typed(line);
            assert_eq!(
                (typed.operands.as_slice(), typed.open_option.as_deref()),
                (&*owned(operands), open_option),
                "{line}"
            );
        }
    }

    fn owned(words: &[&str]) -> Vec<String> {
        words.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn command_line_wins_over_the_environment_and_that_over_the_configuration() {
        let names = |names: &[&str]| Devices::Names(owned(names));
        let ports = |ports: &[&str]| Devices::Ports(owned(ports));
        for (line, variables, default, expected) in [
            ("call", &[][..], &[][..], Devices::Connected),
            ("call", &[], &["bench1"], names(&["bench1"])),
            ("call", &[("MOS_PORT", "ws://m")], &["bench1"], ports(&["ws://m"])),
            ("call", &[("MOS_PORT", "auto")], &["bench1"], names(&["bench1"])),
            ("call", &[("MOS_PORT", "ws://m"), ("OTACTL_PORT", "ws://o")], &[], ports(&["ws://o"])),
            ("call", &[("OTACTL_DEVICE", "a,b"), ("MOS_PORT", "ws://m")], &[], names(&["a", "b"])),
            ("call", &[("OTACTL_DEVICE", "a"), ("OTACTL_PORT", "ws://o")], &[], Devices::Unknown),
            ("-d a call -d b,c*", &[("OTACTL_PORT", "ws://o")], &["x"], names(&["a", "b", "c*"])),
            ("--device=a call", &[], &[], names(&["a"])),
            ("-p ws://a call -pws://b", &[("OTACTL_DEVICE", "a")], &[], ports(&["ws://a", "ws://b"])),
            ("--port auto call", &[("MOS_PORT", "ws://m")], &["x"], Devices::Connected),
            ("-p ws://a -d a call", &[], &[], Devices::Unknown),
            ("call -- -d a", &[], &[], Devices::Connected),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(typed(line).devices(variable, &owned(default)), expected, "{line} {variables:?} {default:?}");
        }
    }
}
