//! Deadlines that do not overflow.

use std::time::Duration;

use tokio::time::Instant;

/// The latest deadline from now: 30 years.
const FARTHEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Returns the time `timeout` from now, or 30 years from now if the timeout is longer. A timeout of [`Duration::MAX`] means
/// "no limit", and would overflow the clock.
#[must_use]
pub fn deadline_in(timeout: Duration) -> Instant {
    Instant::now() + timeout.min(FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn longest_timeout_ends_after_30_years() {
        let now = Instant::now();
        for (timeout, expected) in
            [(Duration::ZERO, 0), (Duration::from_secs(5), 5), (Duration::MAX, FARTHEST.as_secs())]
        {
            assert_eq!((deadline_in(timeout) - now).as_secs(), expected, "{timeout:?}");
        }
    }
}
