//! How long the pieces of a bundle may take. Pure.

use std::time::Duration;

/// The bytes in flight may take this many times as long as the rate so far predicts.
const TOLERANCE: f64 = 4.0;

/// The largest number of round trips of a small question that one window of pieces takes. On a link with a long delay it is one. On a slow
/// line it is as many as the window has more bytes, about twelve on a serial port; this is twice that and more.
const WINDOW_TAKES: u32 = 32;

/// The longest wait for a piece. The rules below end it much earlier.
pub(super) const MAX_PIECE_WAIT: Duration = Duration::from_secs(60 * 60);

/// The timeout that a device gives a download by itself.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// Returns the timeout that otactl sends to the device for a bundle of `size` bytes, sent in windows of `window` pieces of `chunk` bytes.
///
/// It is the longest time of one window, estimated by the round trip of a small question, times the number of windows. At least 600 s, which
/// a device gives by itself.
#[must_use]
pub fn device_timeout(size: u64, round_trip: Duration, window: usize, chunk: usize) -> Duration {
    let at_a_time = (window.max(1) as u64).saturating_mul(chunk.max(1) as u64);
    let windows = u32::try_from(size.div_ceil(at_a_time)).unwrap_or(u32::MAX);
    round_trip.saturating_mul(WINDOW_TAKES).saturating_mul(windows).max(DEFAULT_TIMEOUT)
}

/// Returns the rate in bytes per second. `None`: nothing was sent yet.
pub(super) fn rate(bytes: usize, took: Duration) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a bundle is smaller than that")]
    (bytes > 0 && !took.is_zero()).then(|| bytes as f64 / took.as_secs_f64())
}

/// Returns how long `in_flight` bytes may go unacknowledged.
///
/// With a `rate` in bytes per second, it is a multiple of the time that they should take. Before the first acknowledgement, the round trip of a
/// small question is all that is known. At least `shortest`: a device that erases flash is silent for a while, however quick it was before.
pub(super) fn deadline(rate: Option<f64>, in_flight: usize, round_trip: Duration, shortest: Duration) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "a few pieces")]
    let expected = match rate {
        None => round_trip.saturating_mul(WINDOW_TAKES),
        Some(rate) => Duration::try_from_secs_f64(in_flight as f64 / rate * TOLERANCE).unwrap_or(MAX_PIECE_WAIT),
    };
    expected.clamp(shortest.min(MAX_PIECE_WAIT), MAX_PIECE_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_timeout_suffices_for_the_slowest_line() {
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

    #[test]
    fn deadline_follows_the_rate_of_earlier_pieces() {
        let timeout = Duration::from_secs(30);
        let seconds =
            |rate, in_flight| deadline(rate, in_flight, Duration::from_millis(700), Duration::from_secs(10)).as_secs();
        assert_eq!(seconds(None, 6000), 22, "9600 baud, of which only the first question is known");
        assert_eq!(seconds(Some(100_000.0), 16_000), 10, "flash is erased in between");
        assert_eq!(seconds(Some(300.0), 6000), 80, "four times 20 s");
        assert_eq!(seconds(Some(1e-300), 6000), 3600, "but not for ever");
        assert_eq!(deadline(None, 6000, Duration::ZERO, Duration::MAX), MAX_PIECE_WAIT, "whatever the user allows");
        assert_eq!(rate(0, timeout), None);
        assert_eq!(rate(3000, Duration::ZERO), None);
        assert_eq!(rate(3000, timeout).map(|rate| rate.to_string()).as_deref(), Some("100"));
    }
}
