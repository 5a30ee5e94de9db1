//! The pauses between repeated attempts, and their deadline.
//!
//! Anything may be repeated: a read of the state, a health check, an attempt of `wait`. The caller decides which errors are worth another
//! attempt, and how long one attempt may take.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::rpc::deadline::deadline_in;

/// The pauses between attempts, and the time after which none begins.
///
/// ```text
/// loop {
///     match attempt().await {
///         Err(error) if error.is_transient() && repeat.again().await => {}
///         result => return result,
///     }
/// }
/// ```
#[derive(Debug)]
pub(super) struct Repeat {
    pause: Duration,
    max_pause: Duration,
    deadline: Instant,
}

impl Repeat {
    /// Repeats after a `pause`. No attempt begins at `deadline` or later, except the first one.
    pub(super) fn until(deadline: Instant, pause: Duration) -> Self {
        Self { pause, max_pause: pause, deadline }
    }

    /// Repeats after a `pause`. An attempt that ends within `limit` from now is followed by another one.
    pub(super) fn within(limit: Duration, pause: Duration) -> Self {
        Self::until(deadline_in(limit.saturating_add(pause)), pause)
    }

    /// Lets the pause grow by half after each attempt, up to `max_pause`.
    pub(super) fn slowing_to(self, max_pause: Duration) -> Self {
        Self { max_pause, ..self }
    }

    /// Waits until the next attempt may begin. False at once if the last attempt was the last one in time.
    pub(super) async fn again(&mut self) -> bool {
        if Instant::now() + self.pause >= self.deadline {
            return false;
        }
        sleep(self.pause).await;
        self.pause = (self.pause * 3 / 2).min(self.max_pause);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(100);

    /// Returns how many attempts are made, of at most `max`, if each takes `takes`.
    async fn attempts(mut repeat: Repeat, takes: Duration, max: u32) -> u32 {
        for count in 1..max {
            sleep(takes).await;
            if !repeat.again().await {
                return count;
            }
        }
        max
    }

    #[tokio::test(start_paused = true)]
    async fn no_attempt_begins_at_the_deadline() {
        for (deadline, takes, expected) in
            [(0, 0, 1), (100, 0, 1), (101, 0, 2), (350, 0, 4), (350, 100, 2), (350, 900, 1)]
        {
            let repeat = Repeat::until(deadline_in(Duration::from_millis(deadline)), PAUSE);
            let count = attempts(repeat, Duration::from_millis(takes), 10).await;
            assert_eq!(count, expected, "{deadline} ms, {takes} ms each");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn attempt_that_ends_within_the_limit_is_repeated() {
        for (limit, takes, expected) in [(0, 0, 1), (1, 0, 2), (100, 0, 2), (101, 0, 3), (350, 900, 1)] {
            let repeat = Repeat::within(Duration::from_millis(limit), PAUSE);
            let count = attempts(repeat, Duration::from_millis(takes), 10).await;
            assert_eq!(count, expected, "{limit} ms, {takes} ms each");
        }
        assert_eq!(attempts(Repeat::within(Duration::MAX, PAUSE), PAUSE, 10).await, 10, "no limit");
    }

    #[tokio::test(start_paused = true)]
    async fn pause_grows_up_to_its_maximum() {
        let started = Instant::now();
        let repeat = Repeat::within(Duration::MAX, PAUSE).slowing_to(PAUSE * 2);
        assert_eq!(attempts(repeat, Duration::ZERO, 5).await, 5);
        assert_eq!(started.elapsed().as_millis(), 100 + 150 + 200 + 200);
    }
}
