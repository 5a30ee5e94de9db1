//! Back to the old firmware, when the new one is not what was wanted.

use super::Plan;
use super::event::{Event, Observer};
use super::outcome::Sequel;
use super::reboot;
use super::verdict::Snapshot;
use crate::ota;
use crate::rpc::Device;

/// Tells the device to go back from what runs in `now`, waits for it, and tells what came of it.
pub async fn revert(device: &Device, plan: &Plan, now: &Snapshot, observer: &dyn Observer) -> Sequel {
    observer.on(&Event::Reverting);
    let not_reverted = |reason: String| Sequel::NotReverted { reason, reverts_in: now.reverts_in() };
    match device.call(ota::Revert {}).await {
        Err(error) if !error.may_have_arrived() => return not_reverted(error.to_string()),
        // The reply may be lost in the reboot; what runs afterwards tells.
        _ => {}
    }
    match reboot::wait(device, now, plan).await {
        Ok(after) => {
            observer.on(&Event::back(&after));
            if after.build() == now.build() {
                not_reverted("it still runs after a reboot".into())
            } else {
                Sequel::Reverted(after.running())
            }
        }
        Err(failure) => not_reverted(failure.to_string()),
    }
}
