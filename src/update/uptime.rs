//! What an uptime, in whole seconds, tells about a reboot. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// An uptime comes in whole seconds, so that it can fall short by nearly one second without a reboot. After a reboot, a question
/// just before the uptime changes shows it, however short the uptime was before.
const ROUNDING: Duration = Duration::from_millis(1005);

/// The clocks of the device and of this machine may differ by one part in so many.
const DRIFT: u32 = 1000;

/// Tells whether the device rebooted between two uptimes: the first one with the time at which it was heard, the second one with the time
/// at which it was asked for.
///
/// The device read the second uptime no earlier than that. The time until its answer does not count, or a slow answer would pass for a
/// reboot.
pub(super) fn restarted((before, heard): (u64, Instant), (after, asked): (u64, Instant)) -> bool {
    let passed = asked.saturating_duration_since(heard);
    let expected = Duration::from_secs(before) + passed;
    Duration::from_secs(after) + ROUNDING + passed / DRIFT < expected
}

/// Tells whether a device whose uptime was heard at `heard` was up at `moment` for certain.
pub(super) fn was_up(moment: Instant, (uptime, heard): (u64, Instant)) -> bool {
    let passed = heard.saturating_duration_since(moment);
    Duration::from_secs(uptime) >= passed + passed / DRIFT
}
