//! The commit, and the look that follows it.

use super::event::{Event, Observer};
use super::outcome::Failure;
use super::verdict::Snapshot;
use crate::ota::{self, BootState};
use crate::rpc::{CallError, Device};

/// How often the commit is sent, when its reply is lost and the state shows that it did not arrive.
const ATTEMPTS: usize = 3;

/// Commits what runs. Returns only once the device has said that it is committed; a reply to the
/// commit by itself proves nothing, and neither does its loss.
pub async fn commit(device: &Device, now: &Snapshot, observer: &dyn Observer) -> Result<(), Failure> {
    observer.on(&Event::Committing);
    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        let answer = device.call(ota::Commit {}).await;
        match device.call(ota::GetBootState {}).await {
            Ok(boot) => match judge(now.boot, boot) {
                State::Committed => return Ok(()),
                State::RolledBack => {
                    let after = Snapshot::take(device, device.timeout()).await.map_err(|e| not_committed(now, &e))?;
                    return Err(Failure::RolledBack { build: after.build(), slot: after.boot.active_slot });
                }
                State::Pending => match answer {
                    Ok(_) => reason = "the device took the commit, but its state does not show it".into(),
                    Err(error @ CallError::Remote { .. }) => return Err(not_committed(now, &error)),
                    Err(error) => reason = error.to_string(),
                },
            },
            Err(error) => reason = error.to_string(),
        }
    }
    Err(Failure::NotCommitted { build: now.build(), reason, reverts_in: now.reverts_in() })
}

fn not_committed(now: &Snapshot, error: &CallError) -> Failure {
    Failure::NotCommitted { build: now.build(), reason: error.to_string(), reverts_in: now.reverts_in() }
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Committed,
    Pending,
    /// Committed as well, but it is the other slot that runs.
    RolledBack,
}

fn judge(before: BootState, after: BootState) -> State {
    match (after.is_committed, after.active_slot == before.active_slot) {
        (true, true) => State::Committed,
        (true, false) => State::RolledBack,
        (false, _) => State::Pending,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a rollback the state says "committed" as well; only the slot tells.
    #[test]
    fn a_rollback_does_not_pass_for_a_commit() {
        let state = |slot, committed| BootState {
            active_slot: slot,
            is_committed: committed,
            revert_slot: 0,
            commit_timeout: 300,
        };
        assert_eq!(judge(state(1, false), state(1, true)), State::Committed);
        assert_eq!(judge(state(1, false), state(0, true)), State::RolledBack);
        assert_eq!(judge(state(1, false), state(1, false)), State::Pending);
    }
}
