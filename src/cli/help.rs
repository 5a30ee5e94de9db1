//! The page that `otactl` alone prints: the commands by purpose.

use std::fmt::Write as _;

use clap::Command;

/// Every command that is not hidden stands in one of these.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Take a device to a new firmware", &["update", "wait"]),
    (
        "The OTA service, method by method",
        &["commit", "revert", "create-snapshot", "get-boot-state", "set-boot-state", "status"],
    ),
    ("Any other method", &["call", "list", "describe", "info", "ping", "reboot"]),
    ("Try it without a board", &["simulate"]),
];

const EXAMPLES: &str = "\
Examples:
  otactl --port sim: update firmware.zip       try it on a simulated device
  otactl --port ws://192.168.1.5 update firmware.zip
  otactl --port http://192.168.1.5 get-boot-state

`otactl COMMAND --help` says more about a command.
";

/// The same command with the grouped page as its help.
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

    /// A command that stands in no group would be known to nobody.
    #[test]
    fn every_command_stands_in_a_group() {
        let command = crate::cli::Cli::command();
        let visible = command.get_subcommands().filter(|sub| !sub.is_hide_set());
        let commands: BTreeSet<&str> = visible.map(Command::get_name).collect();
        let listed: BTreeSet<&str> = GROUPS.iter().flat_map(|(_, names)| names.iter().copied()).collect();
        assert_eq!(commands, listed);
    }
}
