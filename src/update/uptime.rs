//! Detects a reboot by the uptime of a device, which is in whole seconds. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// The largest shortfall of an uptime without a reboot.
///
/// An uptime in whole seconds can fall short by nearly one second. A reboot still shows, however short the uptime was before: in a
/// question that is asked just before the uptime changes.
const MAX_ROUNDING: Duration = Duration::from_millis(1005);

/// The clocks of the device and of this machine may drift apart by 1/1000 of the time.
const DRIFT_DIVISOR: u32 = 1000;

/// Tells whether the device rebooted between two uptimes in seconds. `heard` is the time at which the first reply arrived, and
/// `asked` the time at which the second question was sent.
///
/// The device read the second uptime no earlier than `asked`. The time until the second reply does not count: a slow reply would
/// look like a reboot.
pub(super) fn restarted((before, heard): (u64, Instant), (after, asked): (u64, Instant)) -> bool {
    let passed = asked.saturating_duration_since(heard);
    let expected = Duration::from_secs(before) + passed;
    Duration::from_secs(after) + MAX_ROUNDING + passed / DRIFT_DIVISOR < expected
}

/// Tells whether a device was certainly up at `moment`, if its uptime in seconds arrived at `heard`.
pub(super) fn was_up(moment: Instant, (uptime, heard): (u64, Instant)) -> bool {
    let passed = heard.saturating_duration_since(moment);
    Duration::from_secs(uptime) >= passed + passed / DRIFT_DIVISOR
}
