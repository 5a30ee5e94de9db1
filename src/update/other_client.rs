//! Detects whether another client updates the device or has updated it.

use std::time::Duration;

use super::device_state::DeviceState;
use super::poll::read_again;
use super::read_state_error::ReadStateError;
use super::verdict::{boots_other, has_other_firmware, runs_other_build};
use crate::ota::{self, Status};
use crate::rpc::{CallError, Device};

/// Tells whether the device runs other firmware than in `before`, or boots it next.
///
/// Fails if the device does not answer within `limit`.
pub(super) async fn has_updated(
    device: &Device,
    before: &DeviceState,
    limit: Duration,
) -> Result<bool, ReadStateError> {
    match read_again(before, device, limit).await {
        Ok(now) => Ok(has_other_firmware(before, &now)),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(shows_other(device, before).await?),
    }
}

/// Tells whether a device that does not report all of its state runs other firmware than in `before`, or boots it next.
///
/// The running build decides, or else the boot state. Fails if the device does not answer within the timeout of a call.
pub(super) async fn shows_other(device: &Device, before: &DeviceState) -> Result<bool, CallError> {
    match device.call(ota::GetInfo {}).await {
        Ok(info) => return Ok(runs_other_build(before, &info)),
        Err(error) if error.is_transient() => return Err(error),
        Err(_) => {}
    }
    match device.call(ota::GetBootState {}).await {
        Ok(boot) => Ok(boots_other(&before.boot, &boot)),
        Err(error) if error.is_transient() => Err(error),
        Err(_) => Ok(false),
    }
}

/// Tells by the reply to `OTA.Status` whether the device receives an update. `None` if the device did not answer.
///
/// Firmware without the method counts as idle. A complete update does not count: its firmware shows in the boot state.
pub(super) fn receives_update(reply: &Result<Status, CallError>) -> Option<bool> {
    match reply {
        Ok(status) => Some(status.is_receiving()),
        Err(error) => (!error.is_transient()).then_some(false),
    }
}
