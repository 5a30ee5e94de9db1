//! What runs on a device that may be about to reboot. Since 2019, an applied update changes the boot state 500 ms before the
//! reboot, while the old firmware runs (as recorded in wire/ota2022-ws.json, case `end_never`): a commit in that time commits
//! a firmware that has never started.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::snapshot::Snapshot;
use super::verdict::rebooted;
use crate::rpc::{CallError, Device};

/// From the last byte of a firmware to the reboot into it, at the most.
pub(super) const APPLIED_TO_REBOOT: Duration = Duration::from_millis(800);

/// The time for the first question to a device that reboots.
const FIRST: Duration = Duration::from_secs(1);

/// The least time between two questions.
const PACE: Duration = Duration::from_millis(50);

/// The device of `first` at a time when its boot state is that of the firmware that runs. An uncommitted device is looked at
/// for 800 ms; if it reboots, for as long as `reboot_timeout`.
pub async fn settled(device: &Device, first: Snapshot, reboot_timeout: Duration) -> Result<Snapshot, CallError> {
    if first.boot.is_committed {
        return Ok(first);
    }
    let until = first.asked + APPLIED_TO_REBOOT;
    let mut now = first.clone();
    while now.asked < until {
        sleep(PACE).await;
        now = match Snapshot::take(device, FIRST.max(first.round_trip() * 8).min(device.timeout())).await {
            Err(error) if error.is_passing() => {
                device.hang_up_after(&error);
                return after_reboot(device, reboot_timeout).await;
            }
            result => result?,
        };
        if rebooted(&first, &now) {
            break;
        }
    }
    Ok(now)
}

/// The device as soon as it answers, within `reboot_timeout`. A question that meets with silence is followed by one that gets
/// more time, up to the time of any call.
pub(super) async fn after_reboot(device: &Device, reboot_timeout: Duration) -> Result<Snapshot, CallError> {
    let started = Instant::now();
    let mut timeout = FIRST.min(device.timeout());
    loop {
        match Snapshot::take(device, timeout).await {
            Err(error) if error.is_passing() && started.elapsed() < reboot_timeout => {
                device.hang_up_after(&error);
                if error.is_silence() {
                    timeout = (timeout * 2).min(device.timeout());
                }
            }
            result => return result,
        }
        sleep(PACE).await;
    }
}
