//! Ctrl-C during an update: it ends at once, and says where the device stands and what it will do next.
//! Every other command is ended by the system, as any program is.

use std::time::Duration;

use otactl::update::event::Stage;

use super::clock::{reverts, seconds};
use super::failure::{Failure, Kind};

/// Returns when the user, or whoever runs us, wants us to end.
pub(crate) async fn received() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// What is to be said of an update that was interrupted at this stage.
pub(crate) fn failure(stage: &Stage) -> Failure {
    let (message, hint) = describe(stage);
    Failure::new(Kind::Interrupted, format!("interrupted: {message}")).hint(hint)
}

fn describe(stage: &Stage) -> (String, &'static str) {
    const AGAIN: &str = "run the same command again to go on from there";
    match stage {
        Stage::Untouched => ("nothing on the device has changed".into(), "run the same command again"),
        Stage::Fetches { from_us: true, .. } => (
            "the device was fetching the firmware from here; its download fails now, and it keeps running what it runs"
                .into(),
            "give the device a moment to notice, then run the same command again",
        ),
        Stage::Fetches { from_us: false, commit_timeout } => (
            format!(
                "the device goes on fetching the firmware by itself; it will reboot into it, uncommitted, and go back {} \
                 after that unless it is committed",
                seconds(*commit_timeout)
            ),
            AGAIN,
        ),
        // The end of it may be on its way, and unanswered.
        Stage::Takes { may_be_complete: true, commit_timeout, .. } => (
            format!(
                "the device has been sent the firmware; if it was told to use it already, it reboots into it, \
                 uncommitted, and goes back {} after that unless it is committed; else it keeps running what it runs",
                seconds(*commit_timeout)
            ),
            "run the same command again to go on from there; a device that was not told may wait for some minutes \
             before it forgets the firmware",
        ),
        Stage::Takes { may_be_complete: false, .. } => (
            "the device was being sent the firmware, and was told to forget it; it keeps running what it runs".into(),
            "run the same command again; a device that was not reached waits for the rest for some minutes first",
        ),
        Stage::Reboots { commit_timeout } => (
            format!(
                "the device has the firmware and reboots into it, uncommitted; it goes back {} after that unless it \
                 is committed",
                seconds(*commit_timeout)
            ),
            AGAIN,
        ),
        Stage::Uncommitted { reverts_in } => (
            format!(
                "the new firmware runs uncommitted; the device goes back {} unless it is committed",
                reverts(reverts_in.map(Duration::from_secs))
            ),
            "`otactl commit` keeps it, `otactl revert` goes back",
        ),
        Stage::CommitSent => {
            ("the commit was sent, but whether it arrived has not been seen".into(), "`otactl get-boot-state` shows it")
        }
        Stage::Reverts => (
            "the device was told to go back to the old firmware".into(),
            "`otactl get-boot-state` shows whether it has",
        ),
        Stage::Settled => ("the new firmware runs, and is committed".into(), "`otactl get-boot-state` shows it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The order to use it may be on its way, and nobody knows.
    #[test]
    fn a_device_that_may_have_everything_is_not_said_to_keep_the_old_firmware() {
        let stage = |may_be_complete| Stage::Takes { in_flight: 1, may_be_complete, commit_timeout: 300 };
        let (message, hint) = describe(&stage(true));
        assert!(message.contains("reboots into it, uncommitted, and goes back 5m after that"), "{message}");
        assert!(
            message.ends_with("else it keeps running what it runs") && hint.contains("go on from there"),
            "{message}"
        );
        assert!(describe(&stage(false)).0.ends_with("; it keeps running what it runs"));
    }
}
