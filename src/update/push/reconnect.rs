//! Finds the device again after a lost link.

use std::time::Duration;

use super::failure::Reason;
use super::limits::Pushed;
use super::state::Push;
use crate::update::outcome::FailureReason;
use crate::update::poll::Poll;
use crate::update::read_state_error::ReadStateError;
use crate::update::timeouts::Timeouts;
use crate::update::verdict::{has_other_firmware, rebooted};

/// The least time between two attempts to reach the device.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(250);

impl Push<'_> {
    /// Drops the link and reads the state of the device on a new one. `None`: the push can go on.
    ///
    /// Fails if the device has rebooted with its old firmware, since it lost the pieces that it had. Returns the end of the push if its state
    /// shows the new firmware.
    pub(super) async fn reconnect(&self, lost: &FailureReason) -> Result<Option<Pushed>, Reason> {
        let Timeouts { no_progress, transfer_idle, .. } = self.limits.timeouts;
        // The silence may have lasted longer than `no_progress` before the first question.
        let limit = no_progress.saturating_sub(self.heard.elapsed()).max(no_progress.min(transfer_idle));
        self.device.drop_link();
        match Poll::after(self.device, self.before).read_state_within(limit, RECONNECT_INTERVAL, Ok).await {
            Ok(now) if has_other_firmware(self.before, &now) => Ok(Some(self.seen(lost.clone()))),
            Ok(now) if rebooted(self.before, &now) => Err(Reason::Restarted),
            Ok(_) => Ok(None),
            Err(ReadStateError::Call(error)) if !error.is_transient() => Err(Reason::Call(error)),
            Err(error) => Err(Reason::Gone { after: self.heard.elapsed(), last: error.into() }),
        }
    }
}
