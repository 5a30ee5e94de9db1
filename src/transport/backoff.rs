//! [`Backoff`], the delays between attempts to connect. The clock is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The delays before successive attempts to connect: 25 ms after the first failure, doubled after each further one up
/// to 200 ms.
///
/// The maximum is low because a device is back seconds after a reboot, and an update waits for it.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    const MIN_DELAY: Duration = Duration::from_millis(25);
    const MAX_DELAY: Duration = Duration::from_millis(200);

    /// Records an attempt that failed at `now`.
    pub(super) fn failed(&mut self, now: Instant) {
        let delay = Self::MIN_DELAY.saturating_mul(1 << self.failures.min(10)).min(Self::MAX_DELAY);
        self.failures += 1;
        self.not_before = Some(now + delay);
    }

    /// Returns the earliest time of the next attempt, or `None` if there was no failure since the last reset.
    pub(super) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    /// Forgets all failures.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_to_a_maximum_and_restart_after_reset() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.not_before(), None, "the first attempt has no delay");
        for delay in [25, 50, 100, 200, 200, 200] {
            backoff.failed(now);
            assert_eq!(backoff.not_before(), Some(now + Duration::from_millis(delay)));
        }
        backoff.reset();
        assert_eq!(backoff.not_before(), None);
    }
}
