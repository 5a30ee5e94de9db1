//! Waiting for the device to come back. A chip that resets says goodbye to nobody: it is silent, and
//! then answers with a lower uptime.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::Plan;
use super::outcome::Failure;
use super::snapshot::Snapshot;
use super::verdict::rebooted;
use crate::rpc::{CallError, Device};

/// The least time between two questions.
const PACE: Duration = Duration::from_millis(50);

/// What the first question is given at least. The moment in which the device goes silent is the likely
/// one, and what was asked just then is never answered.
const FIRST: Duration = Duration::from_millis(50);

/// What a later question is given at least and at most, whatever the earlier ones took.
const SHORTEST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(5);

/// Returns what the device says of itself after its reboot.
pub(super) async fn wait(device: &Device, before: &Snapshot, plan: &Plan) -> Result<Snapshot, Failure> {
    let started = Instant::now();
    // Its boot was not seen; it began after this.
    let reverts_in = || plan.commit_timeout.saturating_sub(started.elapsed());
    let enough = probe_timeout(device, before);
    let mut patience = several(before).clamp(FIRST, enough);
    let (mut last, mut still_runs, mut answers) = (None, None, false);
    while started.elapsed() < plan.reboot_timeout {
        let next = Instant::now() + PACE;
        let left = plan.reboot_timeout.saturating_sub(started.elapsed());
        // A look is several questions, which have the time that is left together.
        let look = timeout(left, Snapshot::take(device, patience.min(left))).await;
        // The deadline cut this read short, so that its silence proves nothing.
        if left < patience && look.as_ref().map_or(true, |look| look.as_ref().is_err_and(CallError::is_silence)) {
            break;
        }
        still_runs = None;
        let Ok(look) = look else { break };
        match look {
            Ok(after) if !after.info.is_same_device(&before.info) => last = before.stranger(&after.info),
            Ok(after) if rebooted(before, &after) => return Ok(after),
            Ok(still) if started.elapsed() > plan.patience.linger => {
                return Err(Failure::DidNotReboot(still.running()));
            }
            Ok(still) => {
                still_runs = Some(still.running());
                last = Some("it still answers from before the reboot".into());
            }
            Err(reason @ CallError::Unauthorised { .. }) => {
                return Err(Failure::ShutOut { reason, reverts_in: reverts_in() });
            }
            Err(error) => {
                device.hang_up_after(&error);
                if error.remote().is_none() {
                    patience = (patience * 2).min(enough);
                }
                // Somebody is there, and does not say what it runs.
                answers = matches!(
                    error,
                    CallError::Remote { .. } | CallError::WrongShape { .. } | CallError::Unreadable { .. }
                );
                last = Some(error.after(started.elapsed()).to_string());
            }
        }
        sleep_until(next).await;
    }
    if let Some(running) = still_runs {
        return Err(Failure::DidNotReboot(running));
    }
    Err(Failure::NotBack {
        answers,
        after: plan.reboot_timeout,
        last: last.unwrap_or_else(|| "nothing was heard of it".into()),
        reverts_in: reverts_in(),
    })
}

/// How long a question may take: several times what it took before the update, so that a slow link
/// is not taken for a dead one; but not longer than the user gives to any call.
pub(super) fn probe_timeout(device: &Device, before: &Snapshot) -> Duration {
    several(before).clamp(SHORTEST, LONGEST).max(device.timeout().min(several(before)))
}

fn several(before: &Snapshot) -> Duration {
    before.round_trip().saturating_mul(8)
}
