//! Handles Ctrl-C, SIGTERM and SIGHUP during an update.
//!
//! The update ends at once, and otactl reports the state of the device and what the device does next. With `--json`, any other command
//! ends with its last line; without, the system ends it, as without a handler.

use std::time::Duration;

use otactl::text::for_humans;
use otactl::update::outcome::Facts;
use otactl::update::stage::Stage;

use super::clock::{rollback_time, seconds};
use super::failure::{Failure, FailureKind, MAY_BE_DONE};

/// Returns when otactl receives SIGINT, SIGTERM or SIGHUP.
#[cfg(unix)]
pub(crate) async fn received() {
    use tokio::signal::unix::{Signal, SignalKind, signal};

    async fn next(signal: Option<Signal>) {
        match signal {
            Some(mut signal) => {
                signal.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    // The terminal may close before otactl ends. `nohup` starts a program with SIGHUP ignored, so that it continues. A handler
    // would replace the ignored disposition.
    let hang_up = (!ignored::is_hang_up_ignored()).then(|| signal(SignalKind::hangup()).ok()).flatten();
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = next(signal(SignalKind::terminate()).ok()) => {}
        () = next(hang_up) => {}
    }
}

/// Returns at Ctrl-C.
#[cfg(not(unix))]
pub(crate) async fn received() {
    let _ = tokio::signal::ctrl_c().await;
}

/// The signals that were ignored when this process started.
#[cfg(unix)]
mod ignored {
    use std::fs;
    use std::process::{Command, Stdio};

    /// Tells whether SIGHUP is ignored.
    pub(super) fn is_hang_up_ignored() -> bool {
        let status = fs::read_to_string("/proc/self/status").ok();
        status.as_deref().and_then(hang_up_ignored_in).unwrap_or_else(hang_up_ignored_in_child)
    }

    /// Reads the bit of SIGHUP in the text of Linux's `/proc/self/status`. Returns `None` without a valid `SigIgn` line.
    fn hang_up_ignored_in(status: &str) -> Option<bool> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        // SIGHUP is signal 1, the lowest bit.
        u128::from_str_radix(mask.trim(), 16).ok().map(|mask| mask & 1 == 1)
    }

    /// Tells whether a shell that is a child process ignores SIGHUP. This is for systems without `/proc`.
    ///
    /// A child inherits ignored signals, and POSIX forbids a shell to change them.
    fn hang_up_ignored_in_child() -> bool {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", "kill -HUP $$; exit 0"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().is_ok_and(|status| status.success())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn lowest_bit_of_the_mask_means_sighup_is_ignored() {
            for (status, expected) in [
                ("Name:\tx\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n", Some(false)),
                ("SigIgn:\t0000000000001001\nSigCgt:\t0000000000000000\n", Some(true)),
                ("SigIgn:\tzero\n", None),
                ("", None),
            ] {
                assert_eq!(hang_up_ignored_in(status), expected, "{status}");
            }
        }

        #[test]
        fn child_shell_reports_the_same_as_proc_status() {
            let status = fs::read_to_string("/proc/self/status").ok();
            if let Some(expected) = status.as_deref().and_then(hang_up_ignored_in) {
                assert_eq!(hang_up_ignored_in_child(), expected);
            }
        }
    }
}

/// Returns the failure of an update that was interrupted at this stage.
pub(crate) fn failure(stage: &Stage) -> Failure {
    let (message, hint) = describe(stage);
    let reverts_in = match stage {
        Stage::Uncommitted { reverts_in } => *reverts_in,
        _ => None,
    };
    let mut facts = Facts::default();
    (facts.outcome, facts.reverts_in) = ("interrupted", reverts_in);
    let failure = Failure::new(FailureKind::Interrupted, format!("interrupted: {message}")).hint(hint);
    Failure { facts: Some(Box::new(facts)), ..failure }
}

/// Returns the failure of another command that was interrupted.
pub(crate) fn failure_of_command(changes_device: bool) -> Failure {
    Failure::new(FailureKind::Interrupted, "interrupted").hint(if changes_device {
        MAY_BE_DONE
    } else {
        "run the same command again"
    })
}

/// Returns the state of the device at this stage, and the next step.
fn describe(stage: &Stage) -> (String, &'static str) {
    const RUN_AGAIN: &str = "run the same command again to go on from there";
    match stage {
        Stage::Untouched => ("nothing on the device has changed".into(), "run the same command again"),
        Stage::Freed => (
            "otactl told the device to end an update without progress, by `OTA.End` or a reboot; nothing else on the device has \
             changed"
                .into(),
            "run the same command again",
        ),
        Stage::Downloading { from_us: true, keeps_asking_for: None, .. } => (
            "the device was fetching the firmware from here; its download fails now, and the old firmware keeps running"
                .into(),
            "give the device a moment to notice, then run the same command again",
        ),
        Stage::Downloading { from_us: true, keeps_asking_for: Some(timeout), .. } => (
            format!(
                "the device was downloading the firmware from otactl; it asks for the rest every 3 s and gives up after {} \
                 without progress; the old firmware keeps running",
                for_humans(Duration::from_secs(*timeout))
            ),
            "`otactl reboot` ends this download now; so does the same command, run again",
        ),
        Stage::Downloading { from_us: false, keeps_asking_for, commit_timeout } => {
            let until = keeps_asking_for.map_or_else(String::new, |timeout| {
                format!(", until it makes no progress for {}", for_humans(Duration::from_secs(timeout)))
            });
            (
                format!(
                    "the device goes on fetching the firmware by itself{until}; it will reboot into it, uncommitted, and \
                     roll back {} after that unless it is committed",
                    seconds(*commit_timeout)
                ),
                "`otactl reboot` ends the download now; otherwise run the same command again once the device has rebooted",
            )
        }
        // The device may have every byte, or have received `OTA.End` without a reply.
        Stage::Receiving { may_be_complete: true, commit_timeout, .. } => (
            format!(
                "otactl was pushing the firmware; if the device has received all of it, the device reboots into it, \
                 uncommitted, and rolls back {} after that unless it is committed; else it keeps running the old firmware",
                seconds(*commit_timeout)
            ),
            "run the same command again to go on from there; a device that has not received all of the firmware may \
             wait for some minutes before it discards it",
        ),
        Stage::Receiving { may_be_complete: false, .. } => (
            "otactl was pushing the firmware, and cancelled the push; the device keeps running the old firmware".into(),
            "run the same command again; a device that was not reached waits for the rest for some minutes first",
        ),
        Stage::Reboots { commit_timeout } => (
            format!(
                "the device has been sent all of the firmware, and reboots into it, uncommitted, as soon as it has written \
                 it; it rolls back {} after that unless it is committed",
                seconds(*commit_timeout)
            ),
            RUN_AGAIN,
        ),
        Stage::Uncommitted { reverts_in } => (
            format!(
                "the new firmware runs uncommitted; the device rolls back {} unless it is committed",
                rollback_time(reverts_in.map(Duration::from_secs))
            ),
            "`otactl commit` keeps it, `otactl revert` returns to the old firmware",
        ),
        Stage::CommitSent => {
            ("the commit was sent, but otactl has not seen whether it arrived".into(), "`otactl show` shows it")
        }
        Stage::Reverts => (
            "the device was told to revert to the old firmware".into(),
            "`otactl show` shows whether it has",
        ),
        Stage::Settled => ("the new firmware runs, and is committed".into(), "`otactl show` shows it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_of_an_interrupted_update_have_the_time_until_the_rollback() {
        for (stage, expected) in [(Stage::Untouched, None), (Stage::Uncommitted { reverts_in: Some(200) }, Some(200))] {
            let facts = failure(&stage).facts.expect("there are some");
            assert_eq!((facts.outcome, facts.reverts_in), ("interrupted", expected), "{stage:?}");
        }
    }

    /// The device may have received `OTA.End`.
    #[test]
    fn interruption_of_a_push_that_may_be_complete_mentions_the_reboot() {
        let stage = |may_be_complete| Stage::Receiving { in_flight: 1, may_be_complete, commit_timeout: 300 };
        let (message, hint) = describe(&stage(true));
        assert!(message.contains("reboots into it, uncommitted, and rolls back 5m after that"), "{message}");
        assert!(
            message.ends_with("else it keeps running the old firmware") && hint.contains("go on from there"),
            "{message}"
        );
        assert!(describe(&stage(false)).0.ends_with("; the device keeps running the old firmware"));
    }
}
