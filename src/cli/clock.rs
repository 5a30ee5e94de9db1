//! Times as a person reads them.

use std::time::Duration;

use jiff::ZonedDateTime;

/// The time of day so many seconds from now.
pub(crate) fn clock(seconds_from_now: u64) -> String {
    let then = ZonedDateTime::now().checked_add(Duration::from_secs(seconds_from_now));
    then.map_or_else(|_| format!("in {seconds_from_now} s"), |then| then.strftime("%H:%M:%S").to_string())
}

/// So many seconds, in words.
pub(crate) fn seconds(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
