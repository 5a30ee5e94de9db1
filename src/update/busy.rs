//! An update that runs already when ours is to begin. Perhaps the otactl that began it was killed: then its download
//! breaks off, or nobody writes on, and the device is not to wait for its own timeout.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::Plan;
use super::event::{Event, Observer};
use super::outcome::{Failure, Refusal};
use crate::ota::{self, Status, UpdateState};
use crate::rpc::Device;

/// Whether an update runs, by the device's word.
pub(super) fn is_running(status: &Status) -> bool {
    matches!(status.state, UpdateState::Progress | UpdateState::Success)
}

/// Returns when the update that runs has ended, or was ended because it made no progress for too long. One that goes on
/// is somebody else's, and left alone.
pub(super) async fn outlast(
    device: &Device,
    plan: &Plan,
    first: &Status,
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
            Ok(status) if status.percent() != percent => (percent, changed) = (status.percent(), Instant::now()),
            Ok(_) => {}
            // It reboots, for which whoever looks next waits.
            Err(error) if error.is_passing() => return Ok(()),
            Err(error) => return Err(Failure::Call(error)),
        }
        if changed > started && started.elapsed() >= plan.patience.overdue {
            return Err(refused(percent));
        }
    }
    match device.call(ota::End {}).await {
        Ok(_) => {
            observer.on(&Event::Ended { percent });
            Ok(())
        }
        // Older firmware has no such method; its own timeout ends the update.
        Err(error) if error.remote().is_some() => Err(refused(percent)),
        Err(error) => Err(Failure::Call(error)),
    }
}

/// Has the device give up an update that has come to nothing, if it has not yet by itself: it would take no other one
/// until its time for this one is over. Each question gets `timeout`; older firmware has no answer to them.
pub(super) async fn give_up(device: &Device, timeout: Duration) {
    let status = device.call_within(ota::GetStatus {}, timeout).await;
    if status.is_ok_and(|status| status.state == UpdateState::Progress) {
        let ended = device.call_within(ota::End {}, timeout).await;
        tracing::debug!(ok = ended.is_ok(), "the device was told to give up its update");
    }
}
