//! Updates on a device of 2018, and the steps that all generations share.

use std::time::Instant;

use crate::sim::device::flash::StoredBootState;
use crate::sim::device::state_machine::{DeviceRefusal, SimulatedDevice, Update2018};
use crate::sim::fault::effects::{DownloadFault, TimedFault};
use crate::sim::firmware::Firmware;

impl SimulatedDevice {
    /// Starts an update on a device of 2018. Returns its number.
    pub fn begin_update(&mut self, commit_timeout: u64) -> Result<u64, DeviceRefusal> {
        if self.update.is_some() || !self.flash.boot.is_committed {
            return Err(DeviceRefusal::Busy);
        }
        let commit_timeout = if self.faults.commits_itself() { 0 } else { commit_timeout };
        self.timed_faults.retain(|(_, timed_fault)| *timed_fault != TimedFault::EndUpdate);
        self.updates += 1;
        self.update = Some(Update2018 { commit_timeout, percent: 0, number: self.updates });
        Ok(self.updates)
    }

    /// Returns the running firmware as the updater sees it. A fault can change its platform.
    pub fn firmware_for_updater(&mut self) -> Firmware {
        let running = self.firmware().clone();
        Firmware { platform: self.faults.platform(&running.platform), ..running }
    }

    /// Returns the fault that occurs at this progress, and resets the device if the fault is a reboot.
    ///
    /// Call this at least whenever the percentage grows.
    pub fn download_fault(&mut self, percent: u8, now: Instant) -> Option<DownloadFault> {
        let fault = self.faults.at_percent(percent);
        if fault == Some(DownloadFault::Reboot) {
            self.reset(now);
        }
        fault
    }

    /// Sets the progress of an update of 2018, in percent.
    pub fn update_progress(&mut self, percent: u8) {
        if let Some(update) = &mut self.update {
            update.percent = percent;
        }
    }

    /// Ends an update of 2018. Installs `firmware` if there is one.
    pub fn end_update(&mut self, firmware: Option<Firmware>, now: Instant) {
        let Some(update) = self.update.take() else { return };
        if let Some(firmware) = firmware {
            self.install(firmware, update.commit_timeout, now);
        }
    }

    /// Writes a new firmware to the inactive slot, makes that slot active and schedules the reboot.
    pub(super) fn install(&mut self, firmware: Firmware, commit_timeout: u64, now: Instant) {
        let slot = 1 - self.running;
        self.flash.slots[usize::from(slot)] = Some(firmware);
        self.flash.boot =
            StoredBootState { active_slot: slot, is_committed: false, revert_slot: self.running, commit_timeout };
        self.flash.first_boot = true;
        self.new_slot = Some(slot);
        if self.faults.reboots_before_reply() {
            self.reset(now);
        } else {
            self.reboot(self.generation.reboots_after_update(), now);
        }
    }
}
