//! Detects whether another client updates the device or has updated it.

use std::time::Duration;

use super::device_state::DeviceState;
use super::poll::{first_timeout, read_again};
use super::read_state_error::ReadStateError;
use super::verdict::{boots_other, has_other_firmware, runs_other_build};
use crate::ota::{self, UpdateState};
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

/// Tells whether the device reports a running update.
pub(super) async fn runs_update(device: &Device, before: &DeviceState) -> bool {
    let status = device.call_within(ota::GetStatus {}, first_timeout(device, before)).await;
    status.is_ok_and(|status| status.state == UpdateState::Progress)
}
