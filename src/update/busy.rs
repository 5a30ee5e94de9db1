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
    let ended = |by_reboot| Event::Ended { percent, by_reboot, is_ours: false };
    match end(device, now, plan.reboot_timeout).await {
        Ended::Push => observer.on(&ended(false)),
        Ended::Download => observer.on(&ended(true)),
        Ended::ByItself => {}
        Ended::Not => return Err(refused(percent)),
        Ended::Unseen(last) => {
            let reason = format!("it was rebooted to end an abandoned download, and is not back: {last}");
            return Err(Failure::LostSight { reason });
        }
    }
    Ok(())
}

/// Ends an update of ours that has come to nothing, if it has not ended by itself: the device would take no other one
/// until its time for this one is over. Returns whether the device is free of it. Older firmware ends it when the connection
/// breaks, and does not tell.
pub(super) async fn give_up(device: &Device, plan: &Plan, before: &Snapshot, observer: &dyn Observer) -> bool {
    let timeout = reboot::probe_timeout(device, before);
    let status = match device.call_within(ota::GetStatus {}, timeout).await {
        Ok(status) if status.state == UpdateState::Progress => status,
        Ok(_) => return true,
        Err(error) => return !error.is_passing(),
    };
    if plan.no_abort {
        return false;
    }
    match end(device, before, plan.reboot_timeout).await {
        Ended::Download => {
            observer.on(&Event::Ended { percent: status.percent(), by_reboot: true, is_ours: true });
            true
        }
        Ended::Push | Ended::ByItself => true,
        Ended::Not | Ended::Unseen(_) => false,
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
    /// The device was told to reboot, and was not heard of since; the last that was heard.
    Unseen(String),
}

/// Ends the update that runs on a device that `now` was read from.
async fn end(device: &Device, now: &Snapshot, reboot_timeout: Duration) -> Ended {
    let timeout = reboot::probe_timeout(device, now).max(device.timeout());
    match abort(device, timeout).await {
        Aborted::Ended => {
            let status = device.call_within(ota::GetStatus {}, timeout).await;
            return if status.is_ok_and(|status| is_running(&status)) { Ended::Not } else { Ended::Push };
        }
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
    until_idle(device, now, reboot_timeout).await
}

/// What has come of the download when the device is back from its reboot, within `timeout`.
async fn until_idle(device: &Device, now: &Snapshot, timeout: Duration) -> Ended {
    let (started, probe_timeout) = (Instant::now(), reboot::probe_timeout(device, now));
    let mut last = Ended::Not;
    while started.elapsed() < timeout {
        last = match device.call_within(ota::GetStatus {}, probe_timeout).await {
            Ok(status) if !is_running(&status) => return Ended::Download,
            Ok(_) => Ended::Not,
            Err(error) if error.is_passing() => {
                device.hang_up_after(&error);
                Ended::Unseen(error.to_string())
            }
            Err(error) => return Ended::Unseen(error.to_string()),
        };
        sleep(PACE).await;
    }
    last
}
