//! Commits the running firmware and verifies it by reading the device state.

use std::time::Duration;

use super::device_state::DeviceState;
use super::outcome::{Failure, FailureReason};
use super::poll::{first_timeout, read_again};
use super::read_state_error::ReadStateError;
use super::settle::settled;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState};
use crate::rpc::{CallError, Device};

/// The most times that the commit is sent. It is repeated only after the device state has shown that it did not arrive.
const MAX_COMMIT_ATTEMPTS: usize = 3;

/// The shortest timeout of the commit, unless the timeout of a call is shorter.
const MIN_COMMIT_CALL_TIMEOUT: Duration = Duration::from_secs(1);

/// Commits the firmware that runs in `now`, and returns the device state after the commit.
///
/// Succeeds only if that state shows that this firmware runs and is committed. A reply to the commit proves nothing, and neither does
/// a lost reply. A device that does not answer is asked again for up to `timeout`. If another device answers at its address, no commit
/// is sent.
pub async fn commit(device: &Device, now: &DeviceState, timeout: Duration) -> Result<DeviceState, Failure> {
    let failed = |reason| Failure::NotCommitted { running: now.running(), reason, reverts_in: now.reverts_in() };
    if !now.is_fresh()
        && let Some(other) = now.other_device_at(device, first_timeout(device, now)).await
    {
        let (running, reverts_in) = (now.running(), now.reverts_in());
        return Err(Failure::Replaced { running, reason: other, reverts_in });
    }
    let unconfirmed = |error: ReadStateError| {
        let (running, reverts_in) = (now.running(), now.reverts_in());
        Failure::CommitUnseen { running, reason: error.into(), reverts_in }
    };
    let mut reason = FailureReason::Observed(String::new());
    for _ in 0..MAX_COMMIT_ATTEMPTS {
        let answer = device.call_within(ota::Commit {}, commit_call_timeout(device.timeout(), now.reverts_in())).await;
        let after = match read_again(now, device, timeout).await {
            Ok(after) => after,
            Err(error) => return Err(unconfirmed(error)),
        };
        // The device is about to return to the other slot, as after a revert by another client.
        let is_reverting =
            after.build() == now.build() && now.boot.is_in_another_slot(&after.boot) && after.boot.is_committed;
        let after = if is_reverting { settled(device, after, timeout).await.map_err(unconfirmed)? } else { after };
        match commit_state((&now.build(), &now.boot), &after) {
            CommitState::Committed => return Ok(after),
            CommitState::RolledBack => {
                return Err(Failure::rolled_back(&after, now));
            }
            CommitState::Superseded => {
                let use_of_firmware = if after.build() == now.build() { "boots next" } else { "runs now" };
                return Err(Failure::NotCommitted {
                    running: now.running(),
                    reason: format!("another client has installed other firmware, which the device {use_of_firmware}")
                        .into(),
                    reverts_in: after.reverts_in(),
                });
            }
            CommitState::Pending => match answer {
                Ok(_) => reason = "the device took the commit, but its state does not show it".into(),
                Err(error @ CallError::Remote { .. }) => return Err(failed(error.into())),
                Err(error) => reason = error.into(),
            },
        }
    }
    Err(failed(reason))
}

/// Returns the timeout of one commit: at most `timeout`, and at most a quarter of the time until the rollback. A lost reply must leave
/// time for another attempt.
fn commit_call_timeout(timeout: Duration, reverts_in: Option<Duration>) -> Duration {
    reverts_in.map_or(timeout, |left| timeout.min((left / 4).max(MIN_COMMIT_CALL_TIMEOUT)))
}

/// What the device state after the commit shows.
#[derive(Debug, PartialEq, Eq)]
enum CommitState {
    /// The firmware runs and is committed.
    Committed,
    /// The firmware runs, but is not committed.
    Pending,
    /// Another client has updated the device: its firmware is uncommitted, and boots next or already runs.
    Superseded,
    /// Another firmware runs, and it is committed.
    RolledBack,
}

/// Compares the device state after the commit with the firmware to commit.
fn commit_state((build, boot): (&Build, &BootState), after: &DeviceState) -> CommitState {
    match (after.build() == *build, !boot.is_in_another_slot(&after.boot), after.boot.is_committed) {
        (true, true, true) => CommitState::Committed,
        (true, true, false) => CommitState::Pending,
        // The boot state is already that of the next boot.
        (_, false, false) => CommitState::Superseded,
        _ => CommitState::RolledBack,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    /// After a rollback, the boot state is committed as well. Only the slot and the build differ.
    #[tokio::test]
    async fn commit_state_after_rollback_is_not_committed() {
        let after = |version: &str, slot, is_committed| {
            let boot = BootState { active_slot: Some(slot), is_committed, revert_slot: Some(0), commit_timeout: 300 };
            DeviceState::from_replies(json!({"fw_version": version, "fw_id": "b", "uptime": 1}), boot, Instant::now())
        };
        let build = Build { version: "2".into(), build_id: "b".into() };
        for (after, expected) in [
            (after("2", 1, true), CommitState::Committed),
            (after("2", 1, false), CommitState::Pending),
            (after("1", 0, true), CommitState::RolledBack),
            (after("2", 0, true), CommitState::RolledBack),
            (after("2", 0, false), CommitState::Superseded),
            (after("3", 0, false), CommitState::Superseded),
            (after("1", 1, true), CommitState::RolledBack),
        ] {
            let boot =
                BootState { active_slot: Some(1), is_committed: false, revert_slot: Some(0), commit_timeout: 300 };
            assert_eq!(commit_state((&build, &boot), &after), expected, "{after:?}");
        }
    }
}
