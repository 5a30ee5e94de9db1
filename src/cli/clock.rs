//! Times as text.

use std::time::Duration;

use jiff::{Timestamp, ZonedDateTime};

const DAY: u64 = 24 * 60 * 60;

/// Formats the time in `seconds_from_now` seconds: `at 14:05:31`, or with the date if the time is a day or more away.
pub(crate) fn at(seconds_from_now: u64) -> String {
    match ZonedDateTime::now().checked_add(Duration::from_secs(seconds_from_now)) {
        Ok(then) if seconds_from_now < DAY => then.strftime("at %H:%M:%S").to_string(),
        Ok(then) => then.strftime("on %Y-%m-%d at %H:%M:%S").to_string(),
        // A device may report any number.
        Err(_) => "in the far future".into(),
    }
}

/// Formats the current time with milliseconds: `14:05:31.042`.
pub(crate) fn time_of_day() -> String {
    ZonedDateTime::now().strftime("%H:%M:%S%.3f").to_string()
}

/// Formats the time in `seconds_from_now` seconds for programs: RFC 3339 with milliseconds, in UTC.
pub(crate) fn timestamp(seconds_from_now: u64) -> Option<String> {
    let then = Timestamp::now().checked_add(Duration::from_secs(seconds_from_now)).ok()?;
    Some(format!("{then:.3}"))
}

/// Formats the time of the rollback. `None` means that the device rolls back at its next reboot only.
pub(crate) fn rollback_time(reverts_in: Option<Duration>) -> String {
    reverts_in.map_or_else(|| "at its next reboot".into(), |left| at(left.as_secs()))
}

/// Formats a duration such as `5m 10s`.
pub(crate) fn seconds(seconds: u64) -> String {
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

/// Formats the time that something has taken or may take, in seconds: `4 s`, `2m 5s`.
pub(crate) fn brief(duration: Duration) -> String {
    match duration.as_secs() {
        short @ ..60 => format!("{short} s"),
        long => seconds(long),
    }
}

/// Formats the time that a command has taken: `3.1 s`, `18 s`, `2m 5s`.
pub(crate) fn elapsed(duration: Duration) -> String {
    let tenths = duration.as_millis().saturating_add(50) / 100;
    if tenths < 100 {
        format!("{}.{} s", tenths / 10, tenths % 10)
    } else {
        brief(duration + Duration::from_millis(500))
    }
}

/// Formats a time in milliseconds, with a decimal if it is short: `13 ms`, `0.4 ms`.
pub(crate) fn milliseconds(time: Duration) -> String {
    let time = time.as_secs_f64() * 1e3;
    if time < 9.95 { format!("{time:.1} ms") } else { format!("{time:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        for (millis, expected_brief, expected_elapsed) in [
            (0, "0 s", "0.0 s"),
            (3_149, "3 s", "3.1 s"),
            (9_949, "9 s", "9.9 s"),
            (9_950, "9 s", "10 s"),
            (18_400, "18 s", "18 s"),
            (59_900, "59 s", "1m"),
            (125_000, "2m 5s", "2m 5s"),
        ] {
            let duration = Duration::from_millis(millis);
            assert_eq!(
                (brief(duration).as_str(), elapsed(duration).as_str()),
                (expected_brief, expected_elapsed),
                "{millis}"
            );
        }
    }
}
