//! Internal timeouts of an update that have no command-line option of their own.

use std::time::Duration;

/// The longest time of a download. A slower download fails even if it makes progress.
pub(super) const LONGEST_DOWNLOAD: Duration = Duration::from_secs(24 * 3600);

/// The time limit of a device for a download if the caller sets none.
pub(super) const DEVICE_DOWNLOAD: Duration = Duration::from_secs(600);

/// The timeouts and intervals of an update. [`scaled`](Self::scaled) shortens all of them together, for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// The pause between two questions to a device whose state decides how the update continues.
    pub probe_interval: Duration,
    /// The pause between two questions about the progress of a download from another server.
    pub progress_interval: Duration,
    /// How long a device may take to request the firmware. After that, otactl reports that the request is missing, or pushes the
    /// firmware instead.
    pub first_request: Duration,
    /// How long a device that answers no call may take to request the firmware.
    pub no_request: Duration,
    /// How long a transfer may stand still before it counts as interrupted.
    pub transfer_idle: Duration,
    /// How long an error reply may contradict what the device does. A device that executes a request twice reports the failure of
    /// the second execution first, while the first one goes on.
    pub contradictory_reply: Duration,
    /// How long otactl waits for the device's reply after the transfer has ended or broken off, before it reads the device's state.
    /// Some firmware never reports a failure.
    pub reply_after_transfer: Duration,
    /// How long otactl waits for the device's reply after the time limit of the download.
    pub reply_after_deadline: Duration,
    /// How long the device may write its flash after the transfer without a reply.
    pub flash_write: Duration,
    /// How long an update may make no progress before it counts as abandoned: no reply, and no byte received by the device.
    pub no_progress: Duration,
    /// How long a device may go on answering before otactl reports that it does not reboot. Devices reboot within 100 ms.
    pub reboot_start: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            probe_interval: Duration::from_millis(500),
            progress_interval: seconds(1),
            first_request: seconds(10),
            no_request: seconds(30),
            transfer_idle: seconds(10),
            contradictory_reply: seconds(2),
            reply_after_transfer: seconds(5),
            reply_after_deadline: seconds(5),
            flash_write: seconds(60),
            no_progress: seconds(60),
            reboot_start: seconds(15),
        }
    }
}

impl Timeouts {
    /// Returns these timeouts with the values of two options: `first_request` (`--ask-timeout`) and `no_progress`
    /// (`--stall-timeout`). `no_request` is three times `first_request`.
    #[must_use]
    pub fn with(self, first_request: Duration, no_progress: Duration) -> Self {
        Self { first_request, no_request: first_request.saturating_mul(3), no_progress, ..self }
    }

    /// Returns all timeouts multiplied by `factor`.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self {
            probe_interval: self.probe_interval.mul_f64(factor),
            progress_interval: self.progress_interval.mul_f64(factor),
            first_request: self.first_request.mul_f64(factor),
            no_request: self.no_request.mul_f64(factor),
            transfer_idle: self.transfer_idle.mul_f64(factor),
            contradictory_reply: self.contradictory_reply.mul_f64(factor),
            reply_after_transfer: self.reply_after_transfer.mul_f64(factor),
            reply_after_deadline: self.reply_after_deadline.mul_f64(factor),
            flash_write: self.flash_write.mul_f64(factor),
            no_progress: self.no_progress.mul_f64(factor),
            reboot_start: self.reboot_start.mul_f64(factor),
        }
    }
}
