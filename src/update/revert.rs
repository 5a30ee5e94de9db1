//! Reverts the device to the old firmware (`OTA.Revert`).

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::{Failure, FailureReason, RevertResult};
use super::poll::first_timeout;
use super::reboot::{self, RebootLimits};
use super::verdict::rebooted;
use crate::ota;
use crate::rpc::{CallError, Device};

/// The most times that the revert is sent. It is repeated only after the device state has shown that the firmware still runs.
const MAX_REVERT_ATTEMPTS: usize = 3;

/// Reverts the firmware that runs in `now`, waits for the reboot, and returns the result.
///
/// If another device answers at the address, no revert is sent.
pub(super) async fn revert(
    device: &Device,
    limits: RebootLimits,
    now: &DeviceState,
    observer: &dyn Observer,
) -> RevertResult {
    observer.on(&Event::Reverting);
    let not_reverted = |reason| RevertResult::NotReverted { reason, reverts_in: now.reverts_in() };
    let mut reason = FailureReason::Observed(String::new());
    for _ in 0..MAX_REVERT_ATTEMPTS {
        if let Some(other) = now.other_device_at(device, first_timeout(device, now)).await {
            return not_reverted(other.into());
        }
        let answer = device.call_until_sent(&ota::Revert {}, device.timeout()).await;
        if let Err(CallError::Remote { .. }) = &answer
            && let Ok(state) = DeviceState::read(device, device.timeout()).await
            && state.running() == now.running()
            && now.other_device(&state.info).is_none()
            && !rebooted(now, &state)
        {
            // Another client may have committed the firmware meanwhile.
            if state.boot.is_committed {
                return RevertResult::Committed;
            }
            reason = answer.map_or_else(FailureReason::from, |_| reason);
            continue;
        }
        // The reboot may lose the reply, so only the firmware that runs afterwards counts.
        match reboot::wait(device, now, limits).await {
            Ok(after) => {
                observer.on(&Event::back(&after));
                if after.running() == now.running() {
                    return not_reverted("it still runs after a reboot".into());
                }
                return RevertResult::Reverted(after.running());
            }
            Err(Failure::DidNotReboot(_)) => {
                reason = answer.map_or_else(FailureReason::from, |_| "it did not reboot".into());
            }
            Err(failure) => return not_reverted(failure.into()),
        }
    }
    not_reverted(reason)
}
