//! The waits between dials. Plain data: the clock is an argument.

use std::time::Duration;

use tokio::time::Instant;

/// The waits before successive dials. A device that reboots is back within seconds, and what waits
/// for it wants to know at once: so the cap is low.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(25);
    const CAP: Duration = Duration::from_millis(200);

    pub(super) fn failed(&mut self, now: Instant) {
        let wait = Self::FIRST.saturating_mul(1 << self.failures.min(10)).min(Self::CAP);
        self.failures += 1;
        self.not_before = Some(now + wait);
    }

    /// When the next dial may be.
    pub(super) fn not_before(&self) -> Option<Instant> {
        self.not_before
    }

    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_grow_up_to_a_cap_and_begin_anew() {
        let now = Instant::now();
        let mut backoff = Backoff::default();
        assert_eq!(backoff.not_before(), None, "the first dial is not waited for");
        for wait in [25, 50, 100, 200, 200, 200] {
            backoff.failed(now);
            assert_eq!(backoff.not_before(), Some(now + Duration::from_millis(wait)));
        }
        backoff.reset();
        assert_eq!(backoff.not_before(), None);
    }
}
