//! How long the pieces of a bundle may take. Pure.

use std::time::Duration;

/// What is under way may take so many times what it should by the rate so far.
const TOLERANCE: f64 = 4.0;

/// So many round trips of a small question a window of pieces takes at the most: one if the way is long; but if the line
/// is slow, as many as it has more bytes, which is about twelve on a serial port. Twice that, and then some.
const WINDOW_TAKES: u32 = 32;

/// A piece is never waited for longer than this; it ends much earlier, by the rules below.
pub(super) const LONGEST: Duration = Duration::from_secs(60 * 60);

/// What the device gives to a download unless it is told otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the device should give to a bundle of `size` bytes, of which `window` pieces of `chunk` bytes are under way
/// at a time: so many times what a window of them takes at the most, as far as the round trip of a small question can
/// tell. Never less than what the device gives by itself, which is 600 s.
#[must_use]
pub fn device_timeout(size: u64, round_trip: Duration, window: usize, chunk: usize) -> Duration {
    let at_a_time = (window.max(1) as u64).saturating_mul(chunk.max(1) as u64);
    let windows = u32::try_from(size.div_ceil(at_a_time)).unwrap_or(u32::MAX);
    round_trip.saturating_mul(WINDOW_TAKES).saturating_mul(windows).max(DEFAULT_TIMEOUT)
}

/// Bytes per second.
pub(super) fn rate(bytes: usize, took: Duration) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a bundle is smaller than that")]
    (bytes > 0 && !took.is_zero()).then(|| bytes as f64 / took.as_secs_f64())
}

/// How long the oldest of so many bytes may go unacknowledged, at this many bytes per second. If nothing was measured
/// yet, a small question was, with its answer. At least `shortest`, whatever the earlier ones took: a device erases
/// flash in between.
pub(super) fn deadline(rate: Option<f64>, under_way: usize, round_trip: Duration, shortest: Duration) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a few pieces")]
    let expected = match rate {
        None => round_trip.saturating_mul(WINDOW_TAKES),
        Some(rate) => Duration::try_from_secs_f64(under_way as f64 / rate * TOLERANCE).unwrap_or(LONGEST),
    };
    expected.clamp(shortest.min(LONGEST), LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_gets_time_enough_for_the_slowest_way() {
        let (second, megabyte) = (Duration::from_secs(1), 1 << 20);
        for (size, round_trip, window, chunk, least, most, why) in [
            (megabyte, second / 200, 8, 2112, 600, 600, "what it gives by itself is enough"),
            (megabyte, second / 5, 1, 1900, 3500, 3600, "one at a time"),
            // 9600 baud: 0.7 s for a question, 3.1 s for each of 497 pieces.
            (megabyte, second * 7 / 10, 3, 2112, 2 * 1540, 3 * 1540, "a slow line"),
            (u64::MAX, second, 1, 1, 600, u64::MAX, "no overflow"),
            (0, second, 0, 0, 600, 600, "nothing at all"),
        ] {
            let timeout = device_timeout(size, round_trip, window, chunk).as_secs();
            assert!((least..=most).contains(&timeout), "{why}: {timeout} s");
        }
    }

    /// A device that is slow goes on; one that falls silent is looked after.
    #[test]
    fn a_piece_is_waited_for_as_long_as_the_others_let_expect() {
        let timeout = Duration::from_secs(30);
        let seconds =
            |rate, under_way| deadline(rate, under_way, Duration::from_millis(700), Duration::from_secs(10)).as_secs();
        assert_eq!(seconds(None, 6000), 22, "9600 baud, of which only the first question is known");
        assert_eq!(seconds(Some(100_000.0), 16_000), 10, "flash is erased in between");
        assert_eq!(seconds(Some(300.0), 6000), 80, "four times 20 s");
        assert_eq!(seconds(Some(1e-300), 6000), 3600, "but not for ever");
        assert_eq!(deadline(None, 6000, Duration::ZERO, Duration::MAX), LONGEST, "whatever the user allows");
        assert_eq!(rate(0, timeout), None);
        assert_eq!(rate(3000, Duration::ZERO), None);
        assert_eq!(rate(3000, timeout).map(|rate| rate.to_string()).as_deref(), Some("100"));
    }
}
