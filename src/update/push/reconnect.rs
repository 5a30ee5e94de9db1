//! Finds the device again after a lost link.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::failure::Reason;
use super::state::Push;
use super::terms::Pushed;
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
    pub(super) async fn reconnect(&self, lost: &str) -> Result<Option<Pushed>, Reason> {
        let (began, mut poll) = (Instant::now(), Poll::after(self.device, self.before));
        self.device.drop_link();
        loop {
            let silence = match poll.read_state().await {
                Ok(now) if has_other_firmware(self.before, &now) => return Ok(Some(self.seen(lost.into()))),
                Ok(now) if rebooted(self.before, &now) => return Err(Reason::Restarted),
                Ok(_) => return Ok(None),
                Err(ReadStateError::Call(error)) if !error.is_transient() => return Err(Reason::Call(error)),
                Err(error) => error.to_string(),
            };
            let (after, Timeouts { no_progress, transfer_idle, .. }) = (self.heard.elapsed(), self.terms.timeouts);
            // The silence may have lasted longer than that before the first question.
            if after >= no_progress && began.elapsed() >= no_progress.min(transfer_idle) {
                return Err(Reason::Gone { after, last: silence });
            }
            sleep(RECONNECT_INTERVAL).await;
        }
    }
}
