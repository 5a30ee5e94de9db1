//! What a push is told, and how it ends.

use std::time::Duration;

use tokio::time::Instant;

use crate::update::timeouts::Timeouts;

/// What the device is told, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Seconds after the reboot, within which the new firmware has to be committed; 0: it commits itself.
    pub commit_timeout: u64,
    /// After this long the device forgets what it was sent, see [`device_timeout`].
    pub timeout: Duration,
    /// How long all of it may take, if somebody has set a limit. Without one, a slow device is never cut off.
    pub limit: Option<Duration>,
    /// How long it may take to acknowledge anything (`transfer_idle`), to come back into reach (`no_progress`), and to say at the end
    /// that all is well (`finish`).
    pub timeouts: Timeouts,
}

impl Terms {
    /// When no more is sent, if it begins now. The device's own word about its time being over may come first.
    pub(super) fn ends(&self) -> Option<Instant> {
        Instant::now().checked_add(self.limit?.saturating_add(self.timeouts.reply_after_deadline))
    }
}

/// The end of a push that did not fail. The state of the device tells whether the firmware runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The device has everything, and says so. It is about to reboot.
    Confirmed,
    /// otactl sent every byte, but the device did not confirm the last ones.
    Unconfirmed {
        /// What was heard instead.
        reason: String,
        /// Bytes that the device has acknowledged.
        acknowledged: u64,
    },
}
