//! Pulls on a device since 2019.

use std::time::{Duration, Instant};

use crate::sim::device::ota_state::{FeedResult, RunningUpdate, UpdateSource, UpdateTimeouts};
use crate::sim::device::state_machine::SimulatedDevice;
use crate::sim::wire::{MethodError, Outcome};

impl SimulatedDevice {
    /// Registers a pull, and the call of `OTA.Update` that waits for it. Returns the number of the pull.
    pub fn register_pull(&mut self) -> u64 {
        self.updates += 1;
        self.ota.pull = Some(self.updates);
        self.ota.is_waiting = true;
        self.updates
    }

    /// Ends a pull before its update has started. The waiting call gets `outcome`.
    pub fn refuse_pull(&mut self, number: u64, outcome: Outcome) {
        if self.ota.pull == Some(number) {
            self.ota.pull = None;
            self.answer_waiting_call(outcome);
        }
    }

    /// Starts the update of a pull with a bundle of `size` bytes. Returns false if the pull is over or the update
    /// cannot start. In the latter case, the waiting call gets the error.
    pub fn start_pull(&mut self, number: u64, size: u64, timeouts: UpdateTimeouts, now: Instant) -> bool {
        if self.ota.pull != Some(number) {
            return false;
        }
        let started = self.start_update(UpdateSource::Pull, timeouts, Some(size), now);
        match started {
            Ok(()) => true,
            Err(error) => {
                self.refuse_pull(number, Err(error));
                false
            }
        }
    }

    /// Gives bytes of a pull to the updater.
    pub fn feed_pull(&mut self, number: u64, bytes: &[u8], now: Instant) -> FeedResult {
        if self.ota.pull == Some(number) { self.feed(bytes, now) } else { FeedResult::Over }
    }

    /// Answers the waiting call with the error of a repeated request. The update goes on.
    pub fn report_pull(&mut self, number: u64, error: MethodError) {
        if self.ota.pull == Some(number) {
            self.answer_waiting_call(Err(error));
        }
    }

    /// Records that every byte that the server announced has arrived.
    pub fn complete_pull_body(&mut self, number: u64) {
        if self.ota.pull == Some(number)
            && let Some(running) = &mut self.ota.running
        {
            running.is_body_complete = true;
        }
    }

    /// Starts an abandoned pull at this percentage. The pull makes no progress, and no call waits for its end.
    pub(super) fn start_abandoned_pull(&mut self, percent: u8) {
        let timeouts = UpdateTimeouts { commit_timeout: 0, timeout: Duration::MAX };
        self.ota.running = Some(RunningUpdate {
            source: UpdateSource::Pull,
            updater: None,
            timeouts,
            deadline: None,
            received: percent.into(),
            size: Some(100),
            is_stalled: true,
            is_body_complete: false,
        });
    }

    /// Returns the number of the current pull, if any.
    pub(super) fn ota_pull(&self) -> Option<u64> {
        self.ota.pull
    }
}
