//! Copies the running firmware to another slot before an update (`OTA.CreateSnapshot`).

use std::time::Duration;

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::Failure;
use crate::ota;
use crate::rpc::Device;

/// The shortest timeout of `OTA.CreateSnapshot`. The device erases and writes megabytes of flash.
const MIN_COPY_TIMEOUT: Duration = Duration::from_secs(60);

/// Copies the running firmware to a third slot, if the platform has one. Returns whether it did.
///
/// If the copy fails, the device keeps its firmware, and the update does not begin.
pub(super) async fn create(device: &Device, before: &DeviceState, observer: &dyn Observer) -> Result<bool, Failure> {
    // With two slots, the update is written to the slot that would hold the copy. The running firmware keeps its own slot.
    if ota::slots(&before.info.arch) == Some(2) {
        observer.on(&Event::NotCopied { platform: before.info.arch.clone(), slot: before.boot.active_slot });
        return Ok(false);
    }
    let copied = device.call_within(ota::CreateSnapshot::default(), device.timeout().max(MIN_COPY_TIMEOUT)).await;
    let ota::Snapshot { slot } = copied.map_err(Failure::NotCopied)?;
    observer.on(&Event::Copied { slot });
    Ok(true)
}
