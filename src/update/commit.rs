//! The commit, and the look that follows it.

use std::time::Duration;

use super::device_state::DeviceState;
use super::outcome::Failure;
use super::poll::{first_timeout, read_again};
use super::settle::settled;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState};
use crate::rpc::{CallError, Device};

/// How often the commit is sent. Again only after a look has shown that it did not arrive.
const ATTEMPTS: usize = 3;

/// What the answer to the commit is given at least, unless any call may take less.
const SHORTEST: Duration = Duration::from_secs(1);

/// Commits what runs, as it was seen in `now`, and gives what the device says of itself afterwards.
/// Returns only once the device has said that this firmware runs and is committed: a reply to the
/// commit by itself proves nothing, and neither does its loss. A device that does not answer is asked
/// for as long as `timeout`. Another device that answers in its place is not committed.
pub async fn commit(device: &Device, now: &DeviceState, timeout: Duration) -> Result<DeviceState, Failure> {
    let failed = |reason| Failure::NotCommitted { running: now.running(), reason, reverts_in: now.reverts_in() };
    if !now.is_fresh()
        && let Some(reason) = now.other_device_at(device, first_timeout(device, now)).await
    {
        return Err(Failure::Replaced { running: now.running(), reason, reverts_in: now.reverts_in() });
    }
    let unseen = |error: CallError| {
        let (running, reverts_in) = (now.running(), now.reverts_in());
        Failure::CommitUnseen { running, reason: error.to_string(), reverts_in }
    };
    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        let answer = device.call_within(ota::Commit {}, answers_within(device.timeout(), now.reverts_in())).await;
        let after = match read_again(now, device, timeout).await {
            Ok(after) => after,
            Err(error) => return Err(unseen(error)),
        };
        // It is about to go back, as after a revert by another client.
        let is_reverting =
            after.build() == now.build() && now.boot.is_in_another_slot(&after.boot) && after.boot.is_committed;
        let after = if is_reverting { settled(device, after, timeout).await.map_err(unseen)? } else { after };
        match judge((&now.build(), &now.boot), &after) {
            State::Committed => return Ok(after),
            State::RolledBack => {
                return Err(Failure::rolled_back(&after, now));
            }
            State::Superseded => {
                let does = if after.build() == now.build() { "boots next" } else { "runs now" };
                return Err(Failure::NotCommitted {
                    running: now.running(),
                    reason: format!("another client has installed other firmware, which the device {does}"),
                    reverts_in: after.reverts_in(),
                });
            }
            State::Pending => match answer {
                Ok(_) => reason = "the device took the commit, but its state does not show it".into(),
                Err(error @ CallError::Remote { .. }) => return Err(failed(error.to_string())),
                Err(error) => reason = error.to_string(),
            },
        }
    }
    Err(failed(reason))
}

/// How long the commit is waited for, of the usual `timeout`: one that is lost must leave the time for others.
fn answers_within(timeout: Duration, reverts_in: Option<Duration>) -> Duration {
    reverts_in.map_or(timeout, |left| timeout.min((left / 4).max(SHORTEST)))
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Committed,
    Pending,
    /// Another client's update came between: that firmware is uncommitted, and boots next or runs already.
    Superseded,
    /// Committed as well, but it is the other firmware that runs.
    RolledBack,
}

/// Holds what runs after the commit against what was to be committed.
fn judge((build, boot): (&Build, &BootState), after: &DeviceState) -> State {
    match (after.build() == *build, !boot.is_in_another_slot(&after.boot), after.boot.is_committed) {
        (true, true, true) => State::Committed,
        (true, true, false) => State::Pending,
        // The boot state is that of the next boot.
        (_, false, false) => State::Superseded,
        _ => State::RolledBack,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::time::Instant;

    use super::*;

    /// After a rollback the state says "committed" as well; only the slot and the build tell.
    #[tokio::test]
    async fn a_rollback_does_not_pass_for_a_commit() {
        let after = |version: &str, slot, is_committed| {
            let boot = BootState { active_slot: Some(slot), is_committed, revert_slot: Some(0), commit_timeout: 300 };
            DeviceState::from_replies(json!({"fw_version": version, "fw_id": "b", "uptime": 1}), boot, Instant::now())
        };
        let build = Build { version: "2".into(), build_id: "b".into() };
        for (after, expected) in [
            (after("2", 1, true), State::Committed),
            (after("2", 1, false), State::Pending),
            (after("1", 0, true), State::RolledBack),
            (after("2", 0, true), State::RolledBack),
            (after("2", 0, false), State::Superseded),
            (after("3", 0, false), State::Superseded),
            (after("1", 1, true), State::RolledBack),
        ] {
            let boot =
                BootState { active_slot: Some(1), is_committed: false, revert_slot: Some(0), commit_timeout: 300 };
            assert_eq!(judge((&build, &boot), &after), expected, "{after:?}");
        }
    }
}
