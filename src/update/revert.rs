//! Back to the old firmware, when the new one is not to stay.

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::{Failure, RevertResult};
use super::poll::first_timeout;
use super::reboot::{self, RebootLimits};
use super::verdict::rebooted;
use crate::ota;
use crate::rpc::{CallError, Device};

/// How often the device is told. Again only after a look has shown that it goes on running.
const ATTEMPTS: usize = 3;

/// Tells the device to go back from what runs in `now`, waits for it, and tells what came of it. Another device that
/// answers in its place is not told.
pub(super) async fn revert(
    device: &Device,
    limits: RebootLimits,
    now: &DeviceState,
    observer: &dyn Observer,
) -> RevertResult {
    observer.on(&Event::Reverting);
    let not_reverted = |reason: String| RevertResult::NotReverted { reason, reverts_in: now.reverts_in() };
    let mut reason = String::new();
    for _ in 0..ATTEMPTS {
        if let Some(stranger) = now.other_device_at(device, first_timeout(device, now)).await {
            return not_reverted(stranger);
        }
        let answer = device.call_until_sent(&ota::Revert {}, device.timeout()).await;
        if let Err(error @ CallError::Remote { .. }) = &answer
            && let Ok(state) = DeviceState::read(device, device.timeout()).await
            && state.running() == now.running()
            && now.other_device(&state.info).is_none()
            && !rebooted(now, &state)
        {
            // Perhaps somebody has committed it meanwhile.
            if state.boot.is_committed {
                return RevertResult::Committed;
            }
            reason = error.to_string();
            continue;
        }
        // Whatever the answer was, or if it was lost in the reboot: what runs afterwards tells.
        match reboot::wait(device, now, limits).await {
            Ok(after) => {
                observer.on(&Event::back(&after));
                if after.running() == now.running() {
                    return not_reverted("it still runs after a reboot".into());
                }
                return RevertResult::Reverted(after.running());
            }
            Err(Failure::DidNotReboot(_)) => {
                reason = answer.map_or_else(|error| error.to_string(), |_| "it did not reboot".into());
            }
            Err(failure) => return not_reverted(failure.to_string()),
        }
    }
    not_reverted(reason)
}
