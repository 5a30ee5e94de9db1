//! The time limits of a push, and its result.

use std::time::Duration;

use tokio::time::Instant;

use crate::update::outcome::FailureReason;
use crate::update::timeouts::Timeouts;

/// The time limits of a push: those that otactl sends to the device, and its own.
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// Seconds after the reboot within which the new firmware has to be committed; 0: it commits itself.
    pub commit_timeout: u64,
    /// How long the device keeps an incomplete push, see [`device_timeout`](super::device_timeout).
    pub timeout: Duration,
    /// How long the push may take. `None`: a slow device is never cut off.
    pub total: Option<Duration>,
    /// How long the device may take to acknowledge a piece (`transfer_idle`), to answer again after a lost link (`no_progress`), and to
    /// confirm the end (`flash_write`).
    pub timeouts: Timeouts,
}

impl PushLimits {
    /// Returns when sending stops for a push that begins now. The device's own timeout may end it before that.
    pub(super) fn ends(&self) -> Option<Instant> {
        Instant::now().checked_add(self.total?.saturating_add(self.timeouts.reply_after_deadline))
    }
}

/// The end of a push that did not fail. The state of the device afterwards tells whether the firmware runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The device has confirmed every byte, and is about to reboot.
    Confirmed,
    /// otactl sent every byte, but the device did not confirm the last ones.
    Unconfirmed {
        /// What was seen instead.
        reason: FailureReason,
        /// Bytes that the device has acknowledged.
        acknowledged: u64,
    },
}
