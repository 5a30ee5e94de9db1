//! Reads the state of the device while a reply is waited for.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::state::Push;
use crate::update::device_state::DeviceState;
use crate::update::poll::Poll;
use crate::update::read_state_error::ReadStateError;

/// The shortest time from the last call to the first question for the state.
pub(super) const FIRST_STATE_PROBE: Duration = Duration::from_millis(200);

/// The pause between two questions for the state.
const STATE_PROBE_INTERVAL: Duration = Duration::from_millis(300);

/// Reads the state of the device beside a wait for its reply. Without it, a lost reply could last until the device rolls back.
pub(super) struct StateProbe<'a> {
    poll: Poll<'a>,
    next: Instant,
}

impl<'a> StateProbe<'a> {
    pub(super) fn new(push: &Push<'a>) -> Self {
        let next = Instant::now() + (push.before.slowest() * 2).max(FIRST_STATE_PROBE);
        let commit_timeout = Duration::from_secs(push.limits.commit_timeout);
        Self { poll: Poll::after(push.device, push.before).within(commit_timeout), next }
    }

    /// Reads the state of the device, at `time` at the earliest and not too soon after the last question. Cancel safe.
    pub(super) async fn look_at(&mut self, time: Instant) -> Result<DeviceState, ReadStateError> {
        sleep_until(time.max(self.next)).await;
        let info = self.poll.info().await?;
        self.next = Instant::now() + STATE_PROBE_INTERVAL;
        self.poll.complete(info).await
    }
}
