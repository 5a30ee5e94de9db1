//! Handles an update that another run left on the device, or that remains after this run failed. `OTA.End` ends a push. Only a
//! reboot ends a download; until then, a device of 2019 to 2022 asks for the rest (as recorded in wire/ota2022-ws.json, cases
//! `end_while_pull_runs` and `pull_reboot_ends_it`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Plan;
use super::event::{Event, Observer};
use super::outcome::{Failure, Refusal};
use super::push::{Aborted, abort};
use super::reboot;
use super::snapshot::Snapshot;
use crate::ota::{self, Status, UpdateState};
use crate::rpc::Device;

/// The least time between two questions to a device that reboots.
const PACE: Duration = Duration::from_millis(50);

/// Whether an update runs, by the device's word.
pub(super) fn is_running(status: &Status) -> bool {
    matches!(status.state, UpdateState::Progress | UpdateState::Success)
}

/// Returns when the update that runs has ended, or was ended because it made no progress for too long. One that goes on
/// is another client's, and left alone.
pub(super) async fn outlast(
    device: &Device,
    plan: &Plan,
    first: &Status,
    now: &Snapshot,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let refused = |percent| Failure::Refused(Refusal::UpdateRunning { percent });
    let started = Instant::now();
    let (mut percent, mut changed) = (first.percent(), started);
    observer.on(&Event::Busy { percent });
    while changed.elapsed() < plan.patience.abandoned {
        sleep(plan.patience.tick).await;
        match device.call(ota::GetStatus {}).await {
            Ok(status) if !is_running(&status) => return Ok(()),
            Ok(status) if status.percent() != percent => {
                (percent, changed) = (status.percent(), Instant::now());
                // What was still under way when the other client died arrives earlier than this.
                if started.elapsed() >= plan.patience.stalls {
                    return Err(refused(percent));
                }
            }
            Ok(_) => {}
            // It reboots, for which whoever looks next waits.
            Err(error) if error.is_passing() => return Ok(()),
            Err(error) => return Err(Failure::Call(error)),
        }
    }
    if plan.no_abort {
        return Err(refused(percent));
    }
    match end(device, now, plan.reboot_timeout).await {
        Ended::Push => observer.on(&Event::Ended { percent, by_reboot: false }),
        Ended::Download => observer.on(&Event::Ended { percent, by_reboot: true }),
        Ended::ByItself => {}
        Ended::Not => return Err(refused(percent)),
    }
    Ok(())
}

/// Ends an update of ours that has come to nothing, if it has not ended by itself: the device would take no other one
/// until its time for this one is over. Older firmware ends it when the connection breaks, and does not tell.
pub(super) async fn give_up(device: &Device, plan: &Plan, before: &Snapshot, observer: &dyn Observer) {
    let timeout = reboot::probe_timeout(device, before);
    let Ok(status) = device.call_within(ota::GetStatus {}, timeout).await else { return };
    if status.state != UpdateState::Progress {
        return;
    }
    if plan.no_abort {
        return;
    }
    if let Ended::Download = end(device, before, plan.reboot_timeout).await {
        observer.on(&Event::Ended { percent: status.percent(), by_reboot: true });
    }
}

/// How an update ended that was to end.
enum Ended {
    /// A push, with `OTA.End`.
    Push,
    /// A download, with a reboot.
    Download,
    /// It had ended meanwhile.
    ByItself,
    /// It goes on.
    Not,
}

/// Ends the update that runs on a device that `now` was read from.
async fn end(device: &Device, now: &Snapshot, reboot_timeout: Duration) -> Ended {
    let timeout = reboot::probe_timeout(device, now).max(device.timeout());
    match abort(device, timeout).await {
        Aborted::Ended => return Ended::Push,
        // It reboots into what it got.
        Aborted::Applied => return Ended::ByItself,
        Aborted::NotPushed => {}
        Aborted::NotTold | Aborted::Unsupported | Aborted::Unheard => return Ended::Not,
    }
    match Snapshot::take(device, timeout).await {
        // A reboot would roll it back.
        Ok(there) if !there.boot.is_committed || now.stranger(&there.info).is_some() => return Ended::Not,
        Ok(_) => {}
        Err(_) => return Ended::Not,
    }
    match device.call_within(ota::GetStatus {}, timeout).await {
        Ok(status) if is_running(&status) => {}
        Ok(_) => return Ended::ByItself,
        Err(_) => return Ended::Not,
    }
    // Whatever the answer is, or if it is lost in the reboot: the device is idle afterwards, or the reboot failed.
    let answer = device.call_until_sent(&ota::Reboot::default(), timeout).await;
    tracing::debug!(ok = answer.is_ok(), "the device was told to reboot, which ends its download");
    if until_idle(device, now, reboot_timeout).await { Ended::Download } else { Ended::Not }
}

/// Returns true if the device reports within `timeout` that no update runs.
async fn until_idle(device: &Device, now: &Snapshot, timeout: Duration) -> bool {
    let (started, probe_timeout) = (Instant::now(), reboot::probe_timeout(device, now));
    while started.elapsed() < timeout {
        match device.call_within(ota::GetStatus {}, probe_timeout).await {
            Ok(status) if !is_running(&status) => return true,
            Ok(_) => {}
            Err(error) if error.is_passing() => device.hang_up_after(&error),
            Err(_) => return false,
        }
        sleep(PACE).await;
    }
    false
}
