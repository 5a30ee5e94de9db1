//! Waits until the boot state of a device is that of the firmware that runs.
//!
//! Since 2019, an applied update changes the boot state 500 ms before the reboot, while the old firmware runs (as recorded in
//! wire/ota2022-ws.json, case `end_never`). A commit in that time would commit a firmware that has never started.

use std::time::Duration;

use tokio::time::sleep;

use super::device_state::DeviceState;
use super::poll::Poll;
use super::read_state_error::ReadStateError;
use super::verdict::rebooted;
use crate::rpc::Device;

/// The longest time from the last byte of a firmware to the reboot into it: 500 ms on a device, plus the time of a slow main loop.
pub(super) const APPLIED_TO_REBOOT: Duration = Duration::from_millis(800);

/// The interval between two reads of the state.
const READ_INTERVAL: Duration = Duration::from_millis(50);

/// Returns the state of the device when its boot state is that of the running firmware.
///
/// The state is read again until 800 ms after the first boot state arrived. If the device reboots meanwhile, the state after the
/// reboot is returned. Fails if the device does not answer within `reboot_timeout`.
pub async fn settled(
    device: &Device,
    first: DeviceState,
    reboot_timeout: Duration,
) -> Result<DeviceState, ReadStateError> {
    let mut poll = Poll::after(device, &first);
    let until = first.read + APPLIED_TO_REBOOT;
    let mut now = first.clone();
    // Not a `Repeat`: the device answers, and its answers are watched for a time.
    while now.last_asked < until {
        sleep(READ_INTERVAL).await;
        now = match poll.read_state().await {
            // The device reboots, or the link broke.
            Err(error) if error.is_transient() => after_reboot(device, Some(&first), reboot_timeout).await?,
            result => result?,
        };
        if rebooted(&first, &now) {
            break;
        }
    }
    Ok(now)
}

/// Returns the state of a device that reboots, as soon as it answers. Fails after `reboot_timeout`.
///
/// `before` is the state before the reboot, if it is known. A slow device gets more time for each answer, up to the timeout of a call.
pub(super) async fn after_reboot(
    device: &Device,
    before: Option<&DeviceState>,
    reboot_timeout: Duration,
) -> Result<DeviceState, ReadStateError> {
    let mut poll = before.map_or_else(|| Poll::first(device), |before| Poll::after(device, before));
    poll.read_state_within(reboot_timeout, READ_INTERVAL, Ok).await
}
