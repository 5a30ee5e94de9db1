//! How long an update waits for what nobody has set a limit to.

use std::time::Duration;

/// Nobody waits longer for a firmware to get to its device, however steadily it does.
pub(super) const LONGEST_DOWNLOAD: Duration = Duration::from_secs(24 * 3600);

/// The time limit that devices set for a download, if the caller sets none.
pub(super) const DEVICE_DOWNLOAD: Duration = Duration::from_secs(600);

/// The waits of an update. Tests shorten all of them together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// How often we see whether anything is due.
    pub tick: Duration,
    /// The pause between two looks at a device of which something is to be found out.
    pub look_again: Duration,
    /// How often a device that fetches from elsewhere is asked how far it is.
    pub look_around: Duration,
    /// A device that has not asked for the firmware by then will hardly do so, and that is said.
    pub asks: Duration,
    /// How long a device may take before it asks, if it does not say anything.
    pub never_asks: Duration,
    /// A transfer without progress for so long is none.
    pub stalls: Duration,
    /// How long a refusal to start is doubted. Devices that execute a request twice report the failure
    /// of the second execution first, while the first one goes on.
    pub doubt: Duration,
    /// How long after the end of the transfer, or after its breaking off, the device's word is waited for
    /// before we look for ourselves. Some firmware never says that it failed.
    pub overdue: Duration,
    /// How long the device's own word is waited for when the time for the download has passed.
    pub grace: Duration,
    /// How long the device may write its flash after the transfer, silently.
    pub finish: Duration,
    /// A device that neither answers nor takes anything for so long during the download is dead. An update that makes no progress
    /// for so long is abandoned.
    pub dead: Duration,
    /// How long a device may go on answering before it is said not to reboot. It does within 100 ms.
    pub linger: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            tick: Duration::from_millis(100),
            look_again: Duration::from_millis(500),
            look_around: seconds(1),
            asks: seconds(10),
            never_asks: seconds(30),
            stalls: seconds(10),
            doubt: seconds(2),
            overdue: seconds(5),
            grace: seconds(5),
            finish: seconds(60),
            dead: seconds(60),
            linger: seconds(15),
        }
    }
}

impl Patience {
    /// The same for a device that may take so long to ask for the firmware, and whose download may stand still for so
    /// long.
    #[must_use]
    pub fn with(self, asks: Duration, stands_still: Duration) -> Self {
        Self { asks, never_asks: asks.saturating_mul(3), dead: stands_still, ..self }
    }

    /// All of it, so many times as long.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            tick: self.tick.mul_f64(factor),
            look_again: self.look_again.mul_f64(factor),
            look_around: self.look_around.mul_f64(factor),
            asks: self.asks.mul_f64(factor),
            never_asks: self.never_asks.mul_f64(factor),
            stalls: self.stalls.mul_f64(factor),
            doubt: self.doubt.mul_f64(factor),
            overdue: self.overdue.mul_f64(factor),
            grace: self.grace.mul_f64(factor),
            finish: self.finish.mul_f64(factor),
            dead: self.dead.mul_f64(factor),
            linger: self.linger.mul_f64(factor),
        }
    }
}
