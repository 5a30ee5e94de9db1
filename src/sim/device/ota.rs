//! Updates on a device since 2019. The source is a push (`OTA.Begin`, `OTA.Write`, `OTA.End`), a pull, or a file of the
//! device.
//!
//! At most one update runs. At most one call of `OTA.Update` waits for the end of that update, whatever its source.
//!
//! The device works in turns. Calls that arrive together are answered in one turn. [`SimulatedDevice::finish_turn`] then gives
//! the accepted piece to the updater.

use std::time::Instant;

use crate::sim::device::ota_state::{FeedResult, PushState, RunningUpdate, UpdateSource, UpdateTimeouts};
use crate::sim::device::state_machine::SimulatedDevice;
use crate::sim::device::updater::{Updater, UpdaterProgress};
use crate::sim::fault::effects::DownloadFault;
use crate::sim::firmware::Firmware;
use crate::sim::generation::DONE;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{MethodError, Outcome};

#[cfg(test)]
mod tests;

impl SimulatedDevice {
    /// Returns the progress of the running update, in percent.
    #[must_use]
    pub fn ota_percent(&self) -> Option<u8> {
        self.ota.running.as_ref().map(RunningUpdate::percent)
    }

    /// Tells whether a call of `OTA.Update` waits for an answer.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.ota.is_waiting
    }

    /// Makes a call of `OTA.Update` wait for the end of the running update. Returns false if no update runs.
    pub fn wait_for_update(&mut self) -> bool {
        self.ota.is_waiting |= self.ota.running.is_some();
        self.ota.running.is_some()
    }

    /// Takes the answer to the waiting call of `OTA.Update`. Call this after every step that can end an update.
    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.ota.outcome.take()
    }

    /// Installs a bundle from the device's file system.
    pub fn update_from_file(&mut self, bundle: &[u8], timeouts: UpdateTimeouts, now: Instant) -> Outcome {
        self.start_update(UpdateSource::File, timeouts, Some(bundle.len() as u64), now)?;
        match self.feed(bundle, now) {
            FeedResult::Complete => Ok(DONE.into()),
            FeedResult::Failed(error) => Err(error.of_pull()),
            FeedResult::More | FeedResult::Fault(_) | FeedResult::Over => {
                self.end_ota(Err(UpdateError::Unfinished));
                Err(UpdateError::Unfinished.of_pull())
            }
        }
    }

    /// Returns the time at which the device gives up the running update unless bytes arrive.
    pub(super) fn ota_deadline(&self) -> Option<Instant> {
        self.ota.running.as_ref()?.deadline
    }

    /// Gives up the running update because no data arrived within its timeout.
    pub(super) fn time_out_ota(&mut self) {
        let Some(running) = &self.ota.running else { return };
        let error = if running.is_body_complete { UpdateError::Unfinished } else { UpdateError::TimedOut };
        self.end_ota(Err(error));
    }

    /// Spoils the running update, since a snapshot has overwritten its slot.
    pub(super) fn spoil_update(&mut self) {
        if let Some(updater) = self.ota.running.as_mut().and_then(|running| running.updater.as_mut()) {
            updater.spoil();
        }
    }

    /// Starts an update from this source. Refuses while another update runs or the firmware is uncommitted.
    pub(super) fn start_update(
        &mut self,
        source: UpdateSource,
        timeouts: UpdateTimeouts,
        size: Option<u64>,
        now: Instant,
    ) -> Result<(), MethodError> {
        if self.ota.running.is_some() || !self.flash.boot.is_committed {
            return Err(MethodError::new(-1, "Update failed to start"));
        }
        let commit_timeout = if self.faults.commits_itself() { 0 } else { timeouts.commit_timeout };
        let mut running = RunningUpdate {
            source,
            updater: Some(self.new_updater()),
            timeouts: UpdateTimeouts { commit_timeout, ..timeouts },
            deadline: None,
            received: 0,
            size,
            is_stalled: false,
            is_body_complete: false,
        };
        running.set_deadline(now);
        self.ota.running = Some(running);
        Ok(())
    }

    fn new_updater(&mut self) -> Updater {
        Updater::new(self.generation, self.firmware_for_updater()).with_update_config(self.settings.update_config())
    }

    /// Gives bytes to the updater. Ends the update if the updater is complete or fails.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Instant) -> FeedResult {
        let Some(RunningUpdate { updater: Some(updater), received, .. }) = &mut self.ota.running else {
            return FeedResult::Over;
        };
        let progress = updater.push(bytes);
        *received += bytes.len() as u64;
        let (source, percent) =
            self.ota.running.as_ref().map_or((UpdateSource::Push, 0), |running| (running.source, running.percent()));
        let fault = self.download_fault(percent, now);
        if let Some(running) = &mut self.ota.running {
            running.is_stalled = fault == Some(DownloadFault::Stall);
            if !running.is_stalled {
                running.set_deadline(now);
            }
        }
        match (progress, fault) {
            // The device stalls or loses power before the bytes have an effect.
            (_, Some(fault @ (DownloadFault::Stall | DownloadFault::Reboot))) => FeedResult::Fault(fault),
            (Err(error), _) => self.end_ota(Err(error)),
            (Ok(UpdaterProgress::Complete), Some(DownloadFault::CutOff)) if source == UpdateSource::Push => {
                FeedResult::Fault(DownloadFault::CutOff)
            }
            (Ok(UpdaterProgress::Complete), _) => {
                let updater = self.ota.running.as_mut().and_then(|running| running.updater.take());
                let firmware = updater.ok_or(UpdateError::Failed).and_then(Updater::finish);
                let firmware = firmware.and_then(|firmware| self.faults.check_digest().map(|()| firmware));
                match firmware {
                    Ok(firmware) => self.apply(firmware, now),
                    Err(error) => self.end_ota(Err(error)),
                }
            }
            (Ok(UpdaterProgress::More | UpdaterProgress::NothingNew), Some(fault)) => FeedResult::Fault(fault),
            (Ok(UpdaterProgress::More | UpdaterProgress::NothingNew), None) => FeedResult::More,
        }
    }

    /// Installs the firmware of a complete bundle and ends the update.
    fn apply(&mut self, firmware: Firmware, now: Instant) -> FeedResult {
        let commit_timeout = self.ota.running.as_ref().map_or(0, |running| running.timeouts.commit_timeout);
        // The manifest does not change the app's name (wire/ota2022-ws.json, case `push_success`).
        let firmware = Firmware { app: self.firmware().app.clone(), ..firmware };
        self.install(firmware, commit_timeout, now);
        self.end_ota(Ok(()))
    }

    /// Ends the running update and answers the waiting call.
    pub(super) fn end_ota(&mut self, outcome: Result<(), UpdateError>) -> FeedResult {
        let Some(running) = self.ota.running.take() else { return FeedResult::Over };
        match (running.source, &mut self.ota.push) {
            (UpdateSource::Push, Some(push)) => {
                push.state = outcome.map_or_else(PushState::Failed, |()| PushState::Applied);
            }
            (UpdateSource::Pull, _) => self.ota.pull = None,
            (UpdateSource::Push | UpdateSource::File, _) => {}
        }
        self.answer_waiting_call(outcome.map(|()| DONE.into()).map_err(UpdateError::of_pull));
        match outcome {
            Ok(()) => FeedResult::Complete,
            Err(error) => FeedResult::Failed(error),
        }
    }

    /// Keeps the outcome for the waiting call of `OTA.Update`, if there is one.
    pub(super) fn answer_waiting_call(&mut self, outcome: Outcome) {
        if std::mem::take(&mut self.ota.is_waiting) {
            self.ota.outcome = Some(outcome);
        }
    }
}
