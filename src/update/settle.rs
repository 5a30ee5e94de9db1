//! Waits until the boot state of a device is that of the firmware that runs.
//!
//! Since 2019, an applied update changes the boot state 500 ms before the reboot, while the old firmware runs (as recorded in
//! wire/ota2022-ws.json, case `end_never`). A commit in that time would commit a firmware that has never started.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::reboot::probe_timeout;
use super::snapshot::Snapshot;
use super::verdict::rebooted;
use crate::rpc::{CallError, Device};

/// Longest time from the last byte of a firmware to the reboot into it; 500 ms on a device, plus the time of a slow loop.
pub(super) const APPLIED_TO_REBOOT: Duration = Duration::from_millis(800);

/// Timeout of the first call to a device that reboots.
const FIRST: Duration = Duration::from_secs(1);

/// Pause between two reads of the state.
const PACE: Duration = Duration::from_millis(50);

/// Returns the state of the device when its boot state is that of the running firmware.
///
/// A committed device is returned as it is. An uncommitted one is read for 800 ms after `first`. If it reboots meanwhile, the
/// state after the reboot is returned. Fails if the device does not answer within `reboot_timeout`.
pub async fn settled(device: &Device, first: Snapshot, reboot_timeout: Duration) -> Result<Snapshot, CallError> {
    if first.boot.is_committed {
        return Ok(first);
    }
    let until = first.asked + APPLIED_TO_REBOOT;
    let mut now = first.clone();
    while now.asked < until {
        sleep(PACE).await;
        now = match Snapshot::take(device, probe_timeout(device, &first)).await {
            Err(error) if error.is_passing() => {
                device.hang_up_after(&error);
                // It reboots, or the link broke.
                after_reboot(device, reboot_timeout).await?
            }
            result => result?,
        };
        if rebooted(&first, &now) {
            break;
        }
    }
    Ok(now)
}

/// Returns the state of a device that reboots, as soon as it answers. Fails after `reboot_timeout`. The timeout of each call is
/// doubled after silence, up to the timeout of any call.
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
