//! What `otactl explain` says about the outcomes of an update and about the exit codes.

use std::fmt::Write as _;

use super::failure::EXIT_CODES;
use super::help::wrapped;

/// An outcome or an exit code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Topic {
    /// The name of the outcome, or the number of the exit code.
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    pub(crate) causes: &'static [&'static str],
    /// What to type next.
    pub(crate) commands: &'static [&'static str],
}

const fn topic(
    name: &'static str,
    meaning: &'static str,
    causes: &'static [&'static str],
    commands: &'static [&'static str],
) -> Topic {
    Topic { name, meaning, causes, commands }
}

/// The outcomes of an update.
pub(crate) const OUTCOMES: [Topic; 16] = [
    topic("updated", "The device runs the wanted build, and the build is committed.", &[], &["otactl show"]),
    topic(
        "already_current",
        "The device ran the wanted build already, committed. Nothing was done.",
        &["the update ran before", "the build was made without a new version and build id"],
        &["otactl show", "otactl update --force FILE   # installs the same build again"],
    ),
    topic(
        "left_uncommitted",
        "The device runs the wanted build, uncommitted, as --no-commit asked. It rolls back at its commit timeout.",
        &[],
        &["otactl commit   # keeps the build", "otactl revert   # goes back at once"],
    ),
    topic(
        "planned",
        "--dry-run looked at the device and the firmware, and changed nothing.",
        &[],
        &["otactl update FILE"],
    ),
    topic(
        "untouched",
        "A call failed before the update began. The device is as it was.",
        &[
            "the device is off, or at another address",
            "it requires other credentials",
            "another program holds the serial port",
        ],
        &["otactl -v ping", "otactl help connection"],
    ),
    topic(
        "refused",
        "otactl did not begin the update. The device is as it was.",
        &[
            "the firmware is damaged, or for another platform",
            "the device runs a newer version, another app, or uncommitted firmware",
            "another update runs on the device",
        ],
        &["otactl update --dry-run FILE", "otactl show"],
    ),
    topic(
        "never_fetched",
        "The device never requested the firmware. It runs the old build.",
        &[
            "a firewall or NAT between the device and this machine",
            "this machine has several addresses, and the device does not reach the one that otactl chose",
            "the device has no licence to download firmware",
        ],
        &[
            "otactl update --via push FILE   # sends the firmware over --port",
            "otactl update --listen :8080 --advertise ADDRESS FILE",
        ],
    ),
    topic(
        "download_failed",
        "The device did not take all of the firmware, or did not accept it. It runs the old build.",
        &[
            "the connection broke or was too slow",
            "the device restarted or ran out of memory",
            "the server of --url has no such file",
        ],
        &["otactl update FILE   # goes on or begins anew", "otactl update --stall-timeout 3m FILE"],
    ),
    topic(
        "nothing_new",
        "The device, or the server of --url, says that its firmware is new enough. It runs the old build.",
        &["the version and the build id are those of the running firmware"],
        &["otactl show"],
    ),
    topic(
        "did_not_reboot",
        "The device has the new build in the other slot, but still runs the old one.",
        &["an application that blocks the reboot", "a slow device: --reboot-timeout waits longer"],
        &["otactl show", "otactl reboot   # starts the new build, as the next boot does"],
    ),
    topic(
        "rolled_back",
        "The device came back with the old build.",
        &[
            "the new build crashed or was reset before it was committed",
            "nothing committed it within the commit timeout",
            "the device lost power during the first boot",
        ],
        &["otactl show", "otactl update --no-commit --commit-timeout 30m FILE   # for a look"],
    ),
    topic(
        "unhealthy",
        "The new build ran, but a check failed. otactl reverted the device, unless --on-unhealthy leave was given.",
        &[
            "the check asks for something that this build does not have",
            "the build needs longer after a boot: --check-timeout",
        ],
        &["otactl update --on-unhealthy leave FILE   # keeps it running for a look", "otactl show"],
    ),
    topic(
        "not_committed",
        "The device runs the new build, uncommitted: the commit failed, or otactl could not run the checks.",
        &[
            "the device refuses OTA.Commit",
            "the device has another address now",
            "this machine has too many open files",
        ],
        &["otactl commit", "otactl show"],
    ),
    topic(
        "unreachable",
        "The device has not answered since its reboot. It rolls back by itself at its commit timeout.",
        &[
            "the new build does not join the network",
            "the device has another address",
            "the new build requires other credentials",
        ],
        &["otactl wait reachable --for 10m", "otactl show"],
    ),
    topic(
        "interrupted",
        "Ctrl-C or a signal ended otactl. The message says where the device is.",
        &[],
        &["otactl show", "otactl update FILE   # goes on from there"],
    ),
    topic(
        "unknown",
        "Contact was lost, and otactl does not know what the device has done since.",
        &["the network or the broker failed", "the device lost power"],
        &["otactl wait reachable --for 10m", "otactl show", "otactl update FILE   # goes on from there"],
    ),
];

/// What the exit codes mean beyond their line in [`EXIT_CODES`].
const CODES: [Topic; 11] = [
    topic("0", "", &[], &[]),
    topic(
        "1",
        "",
        &["stdout is closed, or the disk is full", "the reply of the device cannot be used"],
        &["otactl -v COMMAND"],
    ),
    topic(
        "2",
        "",
        &["an unknown command or option, or a wrong value", "a file that otactl cannot read"],
        &["otactl help COMMAND"],
    ),
    topic(
        "3",
        "Trouble of the network or of the rig, and not of the firmware: a script may try again.",
        &[
            "the device is off, or at another address",
            "another program holds the serial port",
            "the broker or the network is down",
        ],
        &["otactl -v ping", "otactl help connection"],
    ),
    topic(
        "4",
        "",
        &["the device does not have the method", "the arguments are wrong"],
        &["otactl list", "otactl describe METHOD"],
    ),
    topic(
        "5",
        "Trouble of the network or of the rig, and not of the firmware: a script may try again.",
        &["the device is slow or busy: --timeout waits longer", "the device is behind a broker, and is off"],
        &["otactl --timeout 30s ping", "otactl show   # after an update: where the device is"],
    ),
    topic(
        "6",
        "Trouble of the rig, and not of the firmware.",
        &["no --rpc-creds, or wrong ones", "the new firmware has another password"],
        &["otactl --rpc-creds @FILE ping", "otactl help connection"],
    ),
    topic(
        "7",
        "The same command is refused again: the firmware or the state of the device has to change.",
        &[
            "the firmware is damaged, missing, or for another platform",
            "the device runs a newer version, or uncommitted firmware",
        ],
        &["otactl update --dry-run FILE", "otactl show"],
    ),
    topic(
        "8",
        "The outcome says more: `otactl explain OUTCOME`.",
        &["the new firmware crashed, or a check failed", "the device never requested the firmware"],
        &["otactl show"],
    ),
    topic("9", "", &["each device has an outcome of its own"], &[]),
    topic("130", "", &["Ctrl-C, or a signal"], &["otactl show   # after an update: where the device is"]),
];

/// Returns the topic of a name. Spaces, dashes and capital letters do not matter.
pub(crate) fn find(name: &str) -> Option<Topic> {
    let name = name.trim().to_lowercase().replace(['-', ' '], "_");
    OUTCOMES.iter().chain(&CODES).find(|topic| topic.name == name).copied()
}

/// Returns the text about a topic, in lines of at most `width` columns.
pub(crate) fn text(topic: &Topic, width: usize) -> String {
    let code = EXIT_CODES.iter().find(|(code, _)| code.to_string() == topic.name);
    let mut text = match code {
        Some((_, meaning)) => wrapped(&format!("exit code {}: {meaning}", topic.name), 0, width),
        None => format!("{}\n", topic.name),
    };
    if !topic.meaning.is_empty() {
        text.push_str(&wrapped(&format!("  {}", topic.meaning), 2, width));
    }
    for (heading, lines, indent) in [("Usual causes", topic.causes, 4), ("What to type", topic.commands, 6)] {
        if !lines.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\n{heading}:\n");
        }
        for line in lines {
            text.push_str(&wrapped(&format!("  {line}"), indent, width));
        }
    }
    text
}

/// Returns the list of all topics, in lines of at most `width` columns.
pub(crate) fn list(width: usize) -> String {
    let mut text = String::from("Outcomes of an update:\n");
    for topic in &OUTCOMES {
        text.push_str(&wrapped(&format!("  {:<16}  {}", topic.name, topic.meaning), 20, width));
    }
    text.push_str("\nExit codes:\n");
    for (code, meaning) in EXIT_CODES {
        text.push_str(&wrapped(&format!("  {code:<16}  {meaning}"), 20, width));
    }
    text.push('\n');
    text.push_str(&wrapped("`otactl explain NAME` says more about one of them.", 0, width));
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    /// Returns the names of outcomes in a source file: what stands after `named(` or `outcome: `.
    fn names_in(source: &str) -> impl Iterator<Item = &str> {
        let after = |start: &'static str| source.split(start).skip(1).filter_map(|rest| rest.split('"').next());
        after("named(\"").chain(after("outcome: \""))
    }

    #[test]
    fn every_outcome_is_explained() {
        let mut named: BTreeSet<&str> = names_in(include_str!("../update/outcome/facts.rs")).collect();
        // The command line adds this one.
        named.insert("interrupted");
        let explained: BTreeSet<&str> = OUTCOMES.iter().map(|topic| topic.name).collect();
        assert_eq!(named, explained);
    }

    #[test]
    fn every_exit_code_is_explained() {
        let codes: Vec<String> = EXIT_CODES.iter().map(|(code, _)| code.to_string()).collect();
        let explained: Vec<&str> = CODES.iter().map(|topic| topic.name).collect();
        assert_eq!(codes, explained);
    }

    #[test]
    fn text_has_no_line_that_is_wider_than_the_screen() {
        for width in [40, 80] {
            let texts = OUTCOMES.iter().chain(&CODES).map(|topic| text(topic, width));
            for text in texts.chain([list(width)]) {
                assert!(text.lines().all(|line| line.chars().count() <= width), "{width}:\n{text}");
            }
        }
    }

    #[test]
    fn name_of_a_topic_is_found_in_any_notation() {
        for name in ["rolled_back", "rolled-back", "Rolled back", "ROLLED_BACK"] {
            assert_eq!(find(name).map(|topic| topic.name), Some("rolled_back"), "{name}");
        }
        assert!(find("8").is_some() && find("11").is_none() && find("").is_none());
    }

    /// Each command in a text has to exist.
    #[test]
    fn commands_of_every_topic_are_parsed() {
        for line in OUTCOMES.iter().chain(&CODES).flat_map(|topic| topic.commands) {
            let line = line.split('#').next().unwrap_or_default().trim();
            let line = line.replace(" help COMMAND", " help update").replace(" COMMAND", " info");
            let args = line.split(' ').map(std::ffi::OsString::from);
            let parsed = crate::cli::Cli::command().try_get_matches_from(args);
            let error = parsed.err().filter(clap::Error::use_stderr);
            assert!(error.is_none(), "{line}: {error:?}");
        }
    }
}
