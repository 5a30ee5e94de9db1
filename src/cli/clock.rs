//! Times as a person reads them.

use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime};

const DAY: u64 = 24 * 60 * 60;

/// The time of day so many seconds from now, as `at 14:05:31`; with the date if that is not today's
/// business.
pub(crate) fn at(seconds_from_now: u64) -> String {
    match ZonedDateTime::now().checked_add(Duration::from_secs(seconds_from_now)) {
        Ok(then) if seconds_from_now < DAY => then.strftime("at %H:%M:%S").to_string(),
        Ok(then) => then.strftime("on %Y-%m-%d at %H:%M:%S").to_string(),
        // A device may say any number.
        Err(_) => "in the far future".into(),
    }
}

/// The time so many seconds from now for a program, in RFC 3339 with milliseconds, in UTC.
pub(crate) fn timestamp(seconds_from_now: u64) -> Option<String> {
    let then = Timestamp::now().checked_add(Duration::from_secs(seconds_from_now)).ok()?;
    Some(format!("{then:.3}"))
}

/// When the device goes back by itself: then, or at its next reboot.
pub(crate) fn reverts(reverts_in: Option<Duration>) -> String {
    reverts_in.map_or_else(|| "at its next reboot".into(), |left| at(left.as_secs()))
}

/// So many seconds, in words.
pub(crate) fn seconds(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}
