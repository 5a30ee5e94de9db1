//! The time limits of a download.

use std::time::Duration;

use crate::ota::Engine;
use crate::update::timeouts::{DEVICE_DOWNLOAD, LONGEST_DOWNLOAD, Timeouts};

/// The time limits of a download, and what is known of the device.
#[derive(Debug, Clone, Copy)]
pub(super) struct DownloadLimits {
    /// The time limit of the whole download.
    pub(super) download: Duration,
    /// The timeouts of its steps.
    pub(super) timeouts: Timeouts,
    /// The firmware can be pushed to a device that does not request it.
    pub(super) has_other_way: bool,
    /// The device may execute a call twice that was sent once.
    pub(super) may_execute_twice: bool,
    /// How long an error may contradict the progress, see [`Timeouts`]; longer over a slow link.
    pub(super) contradictory_reply: Duration,
    /// How long the device may take to reboot.
    pub(super) reboot_timeout: Duration,
    /// How long the device keeps uncommitted firmware.
    pub(super) commit_timeout: Duration,
}

impl DownloadLimits {
    /// Returns the time limit of the download and of the reply to it.
    pub(super) fn total(&self) -> Duration {
        self.download.saturating_add(self.timeouts.reply_after_deadline)
    }
}

/// Returns the timeout that `OTA.Update` gives the device.
///
/// Since 2019, the device counts it from the last progress, and keeps asking for the rest of a broken download until then.
/// Before that, the device counts it from the beginning.
pub(super) fn device_timeout(engine: Engine, limits: &DownloadLimits) -> Duration {
    match engine {
        Engine::OneShot => limits.download,
        Engine::Resuming => limits.download.min(limits.timeouts.no_progress),
    }
}

/// Returns how long a download of `size` bytes may take at the slowest useful rate. At least 600 s, which devices allow by themselves.
pub(super) fn download_limit(size: Option<u64>, round_trip: Duration) -> Duration {
    /// Bytes per second, as `mos` reaches over a serial line.
    const SLOWEST: f64 = 1024.0;
    /// Bytes per round trip: the smallest TCP window of a device.
    const WINDOW: f64 = 536.0;

    let rate = SLOWEST.min(WINDOW / round_trip.as_secs_f64().max(0.001));
    #[expect(clippy::cast_precision_loss, reason = "a bundle has a few million bytes")]
    let needed = size.map_or(0.0, |size| size as f64 / rate);
    Duration::try_from_secs_f64(needed).unwrap_or(LONGEST_DOWNLOAD).clamp(DEVICE_DOWNLOAD, LONGEST_DOWNLOAD)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device of 2018 counts its timeout from the beginning; since 2019, from the last progress.
    #[test]
    fn device_timeout_fits_the_engine() {
        let limits = |download, dead| {
            let timeouts = Timeouts::default().with(Duration::from_secs(10), Duration::from_secs(dead));
            DownloadLimits {
                download: Duration::from_secs(download),
                timeouts,
                has_other_way: false,
                may_execute_twice: true,
                contradictory_reply: timeouts.contradictory_reply,
                reboot_timeout: Duration::from_secs(60),
                commit_timeout: Duration::from_secs(300),
            }
        };
        for (engine, download, dead, expected) in
            [(Engine::OneShot, 600, 60, 600), (Engine::Resuming, 600, 60, 60), (Engine::Resuming, 30, 60, 30)]
        {
            let timeout = device_timeout(engine, &limits(download, dead)).as_secs();
            assert_eq!(timeout, expected, "{engine:?}, download {download} s, stall {dead} s");
        }
    }

    #[test]
    fn download_limit_grows_with_the_size() {
        let (milli, second) = (Duration::from_millis(1), Duration::from_secs(1));
        for (size, round_trip, expected, why) in [
            (None, milli, 600, "unknown: what devices allow"),
            (Some(500_000), milli, 600, "little"),
            (Some(2 << 20), milli, 2048, "1024 bytes per second"),
            (Some(1 << 20), second, 1956, "one window of 536 bytes in each second"),
            (Some(64 << 20), second * 10, 86_400, "no more than a day"),
            (Some(u64::MAX), Duration::MAX, 86_400, "no overflow"),
        ] {
            assert_eq!(download_limit(size, round_trip).as_secs(), expected, "{why}");
        }
    }
}
