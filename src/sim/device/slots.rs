//! Changes of the boot state: commit, revert, snapshot, and `OTA.SetBootState`.

use std::time::Instant;

use crate::sim::device::flash::{Slot, StoredBootState};
use crate::sim::device::state_machine::{DeviceRefusal, SimulatedDevice};

impl SimulatedDevice {
    /// Commits the running firmware.
    pub fn commit(&mut self) -> Result<(), DeviceRefusal> {
        if self.flash.boot.is_committed {
            return Err(DeviceRefusal::NothingPending);
        }
        self.flash.boot.is_committed = true;
        self.flash.boot.commit_timeout = 0;
        self.rollback_at = None;
        Ok(())
    }

    /// Makes the revert slot active and schedules the reboot.
    ///
    /// The boot state changes at once, before the reboot. A second revert is therefore refused (wire/mqtt.json, case
    /// `ota_revert_uncommitted`).
    pub fn revert(&mut self, now: Instant) -> Result<(), DeviceRefusal> {
        if self.flash.boot.is_committed {
            return Err(DeviceRefusal::NothingPending);
        }
        self.flash.boot.roll_back();
        self.rollback_at = None;
        self.reboot(self.generation.reboots_after_revert(), now);
        Ok(())
    }

    /// Copies the running firmware to the other slot.
    ///
    /// With `set_as_revert` and a commit timeout, the running firmware becomes uncommitted, as recorded. That the
    /// firmware stays committed without a commit timeout is a guess.
    ///
    /// A device since 2019 takes a snapshot even while an update runs, and spoils that update. Its commit timeout
    /// counts from the next boot.
    pub fn create_snapshot(
        &mut self,
        set_as_revert: bool,
        commit_timeout: Option<u64>,
        now: Instant,
    ) -> Result<Slot, DeviceRefusal> {
        if !self.flash.boot.is_committed || self.update.is_some() {
            return Err(DeviceRefusal::Busy);
        }
        let slot = 1 - self.running;
        self.flash.slots[usize::from(slot)] = Some(self.firmware().clone());
        self.flash.files[usize::from(slot)] = self.files().clone();
        self.spoil_update();
        if set_as_revert {
            self.flash.boot.revert_slot = slot;
            if let Some(seconds) = commit_timeout {
                self.flash.boot.is_committed = false;
                self.flash.boot.commit_timeout = seconds;
                if !self.generation.is_compiled() {
                    self.start_commit_timer(now);
                }
            }
        }
        Ok(slot)
    }

    /// Sets the boot state of a device of 2018. Refuses slots that do not exist.
    pub fn set_boot_state(&mut self, boot: StoredBootState) -> Result<(), DeviceRefusal> {
        for slot in [boot.active_slot, boot.revert_slot] {
            if usize::from(slot) >= self.flash.slots.len() {
                return Err(DeviceRefusal::BadSlot);
            }
        }
        self.store_boot_state(boot);
        Ok(())
    }

    /// Stores a boot state unchecked. The next boot takes another slot if the active slot holds no firmware.
    pub fn store_boot_state(&mut self, boot: StoredBootState) {
        self.flash.boot = boot;
        if boot.is_committed {
            self.rollback_at = None;
        }
    }
}
