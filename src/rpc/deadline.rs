//! Deadlines that do not overflow.

use std::time::Duration;

use tokio::time::Instant;

/// The longest timeout that a deadline is computed for: 30 years.
pub(crate) const MAX_TIMEOUT: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns the instant `timeout` from now, or 30 years from now if the timeout is longer.
///
/// A timeout of [`Duration::MAX`] means "no limit", and would overflow the clock.
#[must_use]
pub fn deadline_in(timeout: Duration) -> Instant {
    deadline_after(Instant::now(), timeout)
}

/// Returns the instant `timeout` after `start`, or 30 years after it if the timeout is longer.
#[must_use]
pub(crate) fn deadline_after(start: Instant, timeout: Duration) -> Instant {
    start + timeout.min(MAX_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn deadline_of_the_longest_timeout_is_in_30_years() {
        let now = Instant::now();
        for (timeout, expected) in
            [(Duration::ZERO, 0), (Duration::from_secs(5), 5), (Duration::MAX, MAX_TIMEOUT.as_secs())]
        {
            assert_eq!((deadline_in(timeout) - now).as_secs(), expected, "{timeout:?}");
        }
    }
}
