//! The persistent state of a device: slots, boot state and files.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim::device::files::FileSystem;
use crate::sim::firmware::Firmware;

/// The number of a slot.
pub type Slot = u8;

/// The slot that boots next, and whether its firmware is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredBootState {
    /// The slot that boots next.
    pub active_slot: Slot,
    /// Whether the active slot stays active after the next reboot.
    pub is_committed: bool,
    /// The slot that becomes active in a revert or a rollback.
    pub revert_slot: Slot,
    /// Seconds within which the firmware has to be committed. 0 = no limit.
    ///
    /// A rollback does not change this value (wire/ws.json, case `ota_after_commit_timeout`).
    pub commit_timeout: u64,
}

impl StoredBootState {
    /// Makes the revert slot the active slot.
    pub(super) fn roll_back(&mut self) {
        self.active_slot = self.revert_slot;
        self.is_committed = true;
    }
}

/// The contents of the flash. A power loss does not change them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The two slots.
    pub slots: [Option<Firmware>; 2],
    /// The boot state.
    pub boot: StoredBootState,
    /// Whether the next boot is the first boot of a new firmware. A later boot of an uncommitted firmware is a
    /// rollback.
    pub first_boot: bool,
    /// The file systems of the slots. The saved settings are files.
    #[serde(default, skip_serializing_if = "is_factory")]
    pub files: [FileSystem; 2],
    /// The saved settings in a file of an older simulator. They become a file at power-on.
    #[serde(default, skip_serializing)]
    pub settings: Value,
}

fn is_factory(files: &[FileSystem; 2]) -> bool {
    files.iter().all(FileSystem::is_factory)
}

impl Flash {
    /// Returns the factory state (as recorded in wire/ws.json, case `ota_getbootstate`).
    #[must_use]
    pub fn factory(firmware: Firmware) -> Self {
        Self {
            slots: [Some(firmware), None],
            boot: StoredBootState { active_slot: 0, is_committed: true, revert_slot: 0, commit_timeout: 0 },
            first_boot: false,
            files: Default::default(),
            settings: Value::Null,
        }
    }

    /// Tells whether any slot holds a firmware.
    #[must_use]
    pub fn is_bootable(&self) -> bool {
        self.slots.iter().any(Option::is_some)
    }

    /// Returns the slot to boot. If the active slot holds no firmware, another slot is booted, as a real boot loader
    /// does.
    pub(super) fn slot_to_boot(&self) -> Slot {
        let holds = |slot: &Slot| self.slots.get(usize::from(*slot)).is_some_and(Option::is_some);
        [self.boot.active_slot, self.boot.revert_slot, 0, 1].into_iter().find(holds).unwrap_or_default()
    }
}
