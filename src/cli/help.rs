//! The help page of `otactl` without a command. It groups the commands by purpose.

use std::fmt::Write as _;

use clap::Command;

/// The groups of the help page. Each visible command is in one of them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Update a device", &["update", "wait"]),
    (
        "Methods of the OTA service",
        &["commit", "revert", "create-snapshot", "get-boot-state", "set-boot-state", "status"],
    ),
    ("Other methods", &["call", "list", "describe", "info", "ping", "reboot"]),
    ("Find and name devices", &["ports", "discover", "devices"]),
    ("Try otactl without a board", &["simulate"]),
];

const EXAMPLES: &str = "\
Examples:
  otactl --port sim: update firmware.zip       try it on a simulated device
  otactl --port ws://192.168.1.5 update firmware.zip
  otactl --port http://192.168.1.5 get-boot-state

`otactl COMMAND --help` describes a command and its options.
";

/// Returns the command with the grouped page as its help.
pub(crate) fn grouped(command: Command) -> Command {
    let mut page = String::from("{about-with-newline}\n{usage-heading} {usage}\n");
    for (purpose, names) in GROUPS {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n{purpose}:\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(page, "  {name:<16} {about}");
        }
    }
    let _ = write!(page, "\nOptions:\n{{options}}\n\n{EXAMPLES}");
    command.help_template(page)
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
}
