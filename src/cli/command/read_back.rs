//! Reads the boot state after a command that changes it.

use otactl::ota::{self, BootState, slot_name};
use otactl::rpc::{Device, Method as _};

use crate::cli::context::Context;

/// Reads the boot state of the device.
///
/// The change was made before, so that a boot state that cannot be read is a warning.
pub(super) async fn read_back(context: &Context, device: &Device) -> Option<BootState> {
    match device.call(ota::GetBootState {}).await {
        Ok(now) => Some(now),
        Err(error) => {
            context.output.warn(&format!(
                "the device has carried out the command, but {} did not show the result: {error}",
                ota::GetBootState::NAME
            ));
            None
        }
    }
}

/// Describes a boot state that a command has changed. The text does not say which slot runs: a device does not report it, and the active
/// slot is the one that boots next.
pub(super) fn next_boot(now: &BootState) -> String {
    let active = slot_name(now.active_slot);
    if now.is_committed {
        return format!("{active} boots next, committed");
    }
    // If the active slot runs already, the next reboot is a rollback.
    let back = now.revert_slot.map_or_else(|| "the old firmware".into(), |slot| format!("slot {slot}"));
    format!("{active} is the active slot, uncommitted; a rollback boots {back}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_boot_state_does_not_say_which_slot_runs() {
        for (active_slot, is_committed, revert_slot, expected) in [
            (Some(1), true, Some(0), "slot 1 boots next, committed"),
            (Some(1), false, Some(0), "slot 1 is the active slot, uncommitted; a rollback boots slot 0"),
            (Some(0), false, None, "slot 0 is the active slot, uncommitted; a rollback boots the old firmware"),
            (None, true, Some(0), "an unknown slot boots next, committed"),
        ] {
            let now = BootState { active_slot, is_committed, revert_slot, commit_timeout: 0 };
            assert_eq!(next_boot(&now), expected);
        }
    }
}
