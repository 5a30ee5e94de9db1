//! Reads the boot state after a command that changes it.

use otactl::ota::{self, BootState, Slot};
use otactl::rpc::{Device, Method as _};

use crate::cli::context::Context;

/// Reads the boot state of the device and prints it as `text` describes it.
///
/// The change was made before, so that the command does not fail if the boot state cannot be read.
pub(super) async fn read_back(context: &Context, device: &Device, text: impl FnOnce(&BootState) -> String) {
    match device.call(ota::GetBootState {}).await {
        Ok(now) => context.output.status(&text(&now)),
        Err(error) => context.output.warn(&format!(
            "the device has carried out the command, but {} did not show the result: {error}",
            ota::GetBootState::NAME
        )),
    }
}

/// Describes the boot state `now`. `runs` is the slot that was active before the change, if it is known.
///
/// A device does not tell which slot runs. The text is wrong if an earlier command has changed the active slot since the last boot.
pub(super) fn boot_state_text(now: &BootState, runs: Option<Slot>) -> String {
    match (now.active_slot, runs) {
        (Some(next), Some(runs)) if next != runs => {
            let committed = if now.is_committed { "committed" } else { "uncommitted" };
            format!("slot {next} boots next, {committed}; slot {runs} runs now")
        }
        _ => now.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boot_state_names_the_slot_that_boots_next_if_it_is_another_one() {
        for (next, is_committed, runs, expected) in [
            (Some(1), true, Some(0), "slot 1 boots next, committed; slot 0 runs now"),
            (Some(0), false, Some(1), "slot 0 boots next, uncommitted; slot 1 runs now"),
            (Some(0), true, Some(0), "slot 0 runs, committed; it stays after a reboot"),
            (Some(0), true, None, "slot 0 runs, committed; it stays after a reboot"),
            (None, true, Some(0), "an unknown slot runs, committed; it stays after a reboot"),
        ] {
            let now = BootState { active_slot: next, is_committed, revert_slot: Some(0), commit_timeout: 0 };
            assert_eq!(boot_state_text(&now, runs), expected);
        }
    }
}
