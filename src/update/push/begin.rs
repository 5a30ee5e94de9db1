//! `OTA.Begin`, and why a device refuses it.

use tokio::time::Instant;

use super::abort::abort;
use super::failure::Reason;
use super::state::Push;
use crate::ota;
use crate::rpc::CallError;
use crate::update::other_client::{has_updated, receives_update};
use crate::update::outcome::FailureReason;
use crate::update::poll::first_timeout;

impl Push<'_> {
    /// Calls `OTA.Begin`. After a lost reply, cancels what may have begun and calls it once more.
    pub(super) async fn begin(&self) -> Result<(), Reason> {
        let begin = ota::Begin {
            timeout: ota::in_seconds(self.limits.timeout),
            commit_timeout: self.limits.commit_timeout,
            size: self.bundle.len() as u64,
        };
        let answer = self.device.call_until_sent(&begin, self.device.timeout()).await;
        let Err(error) = answer else { return Ok(()) };
        if error.remote_error().is_some_and(|error| error.code == 404) {
            return Err(Reason::Unsupported);
        }
        if !error.may_have_arrived() {
            return Err(Reason::NotBegun(error));
        }
        if self.reconnect(&error.into()).await?.is_some() {
            return Err(Reason::OtherFirmware);
        }
        let timeout = self.device.timeout();
        abort(self.device, timeout).await;
        let again = self.device.call(begin).await;
        if again.as_ref().is_err_and(CallError::may_have_arrived) {
            // A push that the device may have begun would block other updates.
            abort(self.device, timeout).await;
        }
        again.map(|_| ()).map_err(|error| {
            // The first request may have arrived, so the device may have been touched.
            if error.may_have_arrived() || error.remote_error().is_some() {
                Reason::NotBegun(error)
            } else {
                Reason::Call(error)
            }
        })
    }

    /// Returns the reason of a failure after a look at the device: it may refuse the push because another client updates it or has done so.
    pub(super) async fn explain(&self, reason: Reason) -> Reason {
        let is_doubtful = match &reason {
            Reason::NotBegun(error) => {
                error.may_have_arrived() || error.remote_error().is_some_and(|error| error.code < 0)
            }
            Reason::Call(error) => error.remote_error().is_some(),
            _ => false,
        };
        if !is_doubtful {
            return reason;
        }
        let began = Instant::now();
        match has_updated(self.device, self.before, self.limits.timeouts.no_progress).await {
            Ok(true) => Reason::OtherFirmware,
            Ok(false) => match reason {
                Reason::NotBegun(error) if self.finds_update().await => Reason::Busy(error),
                reason => reason,
            },
            Err(error) => Reason::Gone { after: began.elapsed(), last: FailureReason::then(reason, error) },
        }
    }

    /// Tells whether the device reports an update that it receives.
    async fn finds_update(&self) -> bool {
        let timeout = first_timeout(self.device, self.before);
        receives_update(&self.device.call_within(ota::GetStatus {}, timeout).await) == Some(true)
    }
}
