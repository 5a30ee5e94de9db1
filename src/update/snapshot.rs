//! A copy of what runs, before a risky update.

use std::time::Duration;

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::Failure;
use crate::ota;
use crate::rpc::Device;

/// How long copying a slot may take at least; megabytes of flash are erased and written.
const COPYING: Duration = Duration::from_secs(60);

/// Copies what runs to another slot, where there is one beside that of the update. Returns whether it did. Nothing is lost if it
/// fails, and nothing else is done then.
pub(super) async fn create(device: &Device, before: &DeviceState, observer: &dyn Observer) -> Result<bool, Failure> {
    // Where there are two slots, the update is written to where the copy would be. What runs stays in its own in any case.
    if ota::slots(&before.info.arch) == Some(2) {
        observer.on(&Event::NotCopied { platform: before.info.arch.clone(), slot: before.boot.active_slot });
        return Ok(false);
    }
    let copied = device.call_within(ota::CreateSnapshot::default(), device.timeout().max(COPYING)).await;
    let ota::Snapshot { slot } = copied.map_err(Failure::NotCopied)?;
    observer.on(&Event::Copied { slot });
    Ok(true)
}
