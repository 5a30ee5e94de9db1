//! What becomes of an update on the device: one that it fetches, or one that a caller sends.

use std::time::{Duration, Instant};

use super::{BootState, Deed, Device, Firmware, Refusal, SHUTDOWN, Update};
use crate::sim::faults::DownloadFault;
use crate::sim::push::{Push, Session, Taken};
use crate::sim::updater::Updater;
use crate::sim::wire::Failure;

impl Device {
    /// Begins an update, and gives its number.
    pub fn begin_update(&mut self, commit_timeout: u64) -> Result<u64, Refusal> {
        if self.update.is_some() || !self.flash.boot.is_committed {
            return Err(Refusal::Busy);
        }
        let commit_timeout = if self.faults.commits_itself() { 0 } else { commit_timeout };
        self.deeds.retain(|(_, deed)| *deed != Deed::EndUpdate);
        self.updates += 1;
        self.update = Some(Update { commit_timeout, percent: 0, number: self.updates });
        Ok(self.updates)
    }

    /// Begins an update that the caller sends, of so many bytes if that is known, for which there is this much
    /// time.
    pub fn begin_push(
        &mut self,
        push: Push,
        commit_timeout: u64,
        size: Option<u64>,
        timeout: Duration,
        now: Instant,
    ) -> Result<(), Refusal> {
        self.begin_update(commit_timeout)?;
        self.push = Some((Session::new(self.updater(), push, size), now.checked_add(timeout)));
        Ok(())
    }

    /// Takes the next piece of such an update. What the updater does not like ends it, and so does what the device
    /// runs already. `None`: it stalls, and there will be no answer.
    pub fn write_push(&mut self, offset: Option<u64>, piece: &[u8], now: Instant) -> Option<Result<(), Failure>> {
        let Some((session, _)) = &mut self.push else { return Some(Err(Failure::new(-1, "No update in progress"))) };
        if session.is_stalled() {
            return None;
        }
        if !session.fits(offset, piece.len()) {
            return Some(Err(Failure::new(-1, "Unexpected offset")));
        }
        let taken = session.write(offset, piece);
        let percent = session.percent();
        self.update_progress(percent);
        let failure = match (taken, self.download_fault(percent, now)) {
            (_, Some(DownloadFault::Stall)) => {
                self.push.iter_mut().for_each(|(session, _)| session.stall());
                return None;
            }
            (_, Some(DownloadFault::CutOff)) => Failure::new(-1, "Update failed"),
            (Ok(Taken::Written), _) => return Some(Ok(())),
            (Ok(Taken::NothingNew), _) => Failure::new(0, "Version is the same as current"),
            (Err(failure), _) => failure,
        };
        self.abort_update();
        Some(Err(failure))
    }

    /// Ends an update that the caller has sent whole; any other that runs is given up.
    pub fn end_push(&mut self, now: Instant) -> Result<(), Failure> {
        let ended = self.push.take().and_then(|(session, _)| session.end());
        let firmware = ended.transpose().and_then(|firmware| match firmware {
            Some(firmware) => self.faults.look_again().map(|()| Some(firmware)),
            None => Ok(None),
        });
        self.end_update(firmware.as_ref().ok().cloned().flatten(), now);
        firmware.map(|_| ())
    }

    /// Gives up the update that runs, if any.
    pub(super) fn abort_update(&mut self) {
        (self.update, self.push) = (None, None);
    }

    fn updater(&mut self) -> Updater {
        Updater::new(self.known_to_updater()).taking(self.whose.clone())
    }

    /// What runs, as the updater knows it.
    pub fn known_to_updater(&mut self) -> Firmware {
        let running = self.firmware().clone();
        Firmware { platform: self.faults.platform(&running.platform), ..running }
    }

    /// What goes wrong when so many percent have been written. To be asked as often as they grow.
    pub fn download_fault(&mut self, percent: u8, now: Instant) -> Option<DownloadFault> {
        let fault = self.faults.at_percent(percent);
        if fault == Some(DownloadFault::Reboot) {
            self.go_off(now);
        }
        fault
    }

    /// Notes how far the update is.
    pub fn update_progress(&mut self, percent: u8) {
        if let Some(update) = &mut self.update {
            update.percent = percent;
        }
    }

    /// Ends an update. With a new firmware, it is put into the other slot, marked to be booted, and
    /// the reboot is near.
    pub fn end_update(&mut self, firmware: Option<Firmware>, now: Instant) {
        let Some(update) = self.update.take() else { return };
        if let Some(firmware) = firmware {
            let slot = 1 - self.running;
            self.flash.slots[usize::from(slot)] = Some(firmware);
            self.flash.boot = BootState {
                active_slot: slot,
                is_committed: false,
                revert_slot: self.running,
                commit_timeout: update.commit_timeout,
            };
            self.flash.first_boot = true;
            self.new_slot = Some(slot);
            if self.faults.reboots_before_reply() {
                self.go_off(now);
            } else {
                self.reboot(SHUTDOWN, now);
            }
        }
    }
}
