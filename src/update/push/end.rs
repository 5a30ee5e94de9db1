//! `OTA.End`, and the end of a push without its reply.

use tokio::time::Instant;

use super::failure::Reason;
use super::limits::Pushed;
use super::pace::deadline;
use super::replies::says_applied;
use super::state::Push;
use super::state_probe::StateProbe;
use crate::ota;
use crate::rpc::{CallError, RemoteError};
use crate::update::verdict::{has_other_firmware, rebooted};

impl Push<'_> {
    /// Ends the push after the device has acknowledged every byte.
    ///
    /// The device reboots with or without `OTA.End`. So its state decides, and not a lost or refused reply.
    pub(super) async fn end(&mut self) -> Result<Pushed, Reason> {
        let mut is_second = false;
        loop {
            let error = match self.end_or_see(is_second).await {
                OtaEndResult::Confirmed => return Ok(Pushed::Confirmed),
                OtaEndResult::Seen(reason) => return Ok(self.unconfirmed(reason)),
                OtaEndResult::Failed(error) => error,
            };
            let unconfirmed = Ok(self.unconfirmed(error.clone()));
            match error.remote_error() {
                // The device is about to reboot, or has done so.
                Some(RemoteError { code: 418, .. }) => return unconfirmed,
                Some(refusal) if says_applied(refusal) => return unconfirmed,
                Some(_) => {
                    self.heard = Instant::now();
                    return match self.reconnect(&error.clone().into()).await {
                        Ok(Some(pushed)) => Ok(pushed),
                        // The state shows no new firmware, so the refusal holds.
                        Ok(None) => Err(Reason::Refused(error)),
                        Err(_) => unconfirmed,
                    };
                }
                None if !error.is_transient() => return Err(Reason::Call(error)),
                None if is_second => return unconfirmed,
                None => {}
            }
            self.heard = Instant::now();
            match self.reconnect(&error.into()).await {
                Ok(None) => is_second = true,
                Ok(Some(pushed)) => return Ok(pushed),
                // The device has every byte, and may be booting the new firmware.
                Err(_) => return unconfirmed,
            }
        }
    }

    /// Calls `OTA.End`, and reads the state of the device until the reply comes.
    async fn end_or_see(&self, is_second: bool) -> OtaEndResult {
        let shortest = deadline(None, 0, self.before.round_trip(), self.limits.timeouts.transfer_idle);
        let limit = if is_second { self.limits.timeouts.flash_write.max(shortest) } else { shortest };
        let mut end = std::pin::pin!(self.device.call_within(ota::End {}, limit));
        let mut state_probe = StateProbe::new(self);
        loop {
            let look = tokio::select! {
                // Biased so that a reply that is there counts.
                biased;
                answer = &mut end => return answer.map_or_else(OtaEndResult::Failed, |_| OtaEndResult::Confirmed),
                look = state_probe.look_at(Instant::now()) => look,
            };
            match look {
                Ok(now) if has_other_firmware(self.before, &now) => {
                    return OtaEndResult::Seen("its state shows the firmware before its reply came");
                }
                Ok(now) if rebooted(self.before, &now) => return OtaEndResult::Seen("it has restarted"),
                _ => {}
            }
        }
    }
}

/// The result of `OTA.End`.
enum OtaEndResult {
    /// The device confirmed it.
    Confirmed,
    /// The state of the device shows that the push is over, for this reason.
    Seen(&'static str),
    /// The call failed.
    Failed(CallError),
}
