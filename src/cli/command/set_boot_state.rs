use std::fmt::{Display, Write as _};
use std::time::Duration;

use otactl::ota::{self, BootState, Slot};
use otactl::rpc::{CallError, Device, Method};

use super::read_back::{next_boot, read_back};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::values;

/// The error code of OTA.SetBootState for a slot that the device does not have.
const BAD_SLOT: i64 = -3;

/// The next step if the device has stored a boot state that was not meant.
const CORRECT_A_BAD_SLOT: &str =
    "`otactl get-boot-state` shows what the device has stored; correct a bad slot before the device reboots";

/// Set fields of the boot state (OTA.SetBootState)
///
/// For repairs only: with a wrong state, the device may boot a slot that does not work. otactl refuses a slot that the platform
/// does not have (ESP32, ESP8266, CC32xx; the slots of other platforms are not known). Firmware of 2019 to 2022 answers such
/// an active slot with an error, but stores it. It stores any revert slot without an error. At the end, otactl reads the boot state back
/// and prints it. If the device has not stored a field as it was sent, the exit code is 4. A device does not report which slot runs.
#[derive(Debug, clap::Args)]
#[command(override_usage = "otactl set-boot-state [OPTIONS]")]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 set-boot-state --revert-slot 0")]
pub(crate) struct Args {
    #[command(flatten)]
    fields: BootStateFields,

    /// Send a slot that the platform lacks
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, clap::Args)]
#[group(id = "fields", required = true, multiple = true)]
struct BootStateFields {
    /// Slot that boots next
    #[arg(long, value_name = "SLOT")]
    active_slot: Option<Slot>,

    /// Whether that slot is committed
    #[arg(long, value_name = "BOOL")]
    is_committed: Option<bool>,

    /// Slot that boots after a rollback
    #[arg(long, value_name = "SLOT")]
    revert_slot: Option<Slot>,

    /// Time limit of the commit, whole seconds
    #[arg(long, value_name = "DURATION", value_parser = values::commit_timeout)]
    commit_timeout: Option<Duration>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let Self { fields, force } = self;
        let device = context.device().await?;
        let names_a_slot = fields.active_slot.or(fields.revert_slot).is_some();
        let platform = if names_a_slot && !force { platform(context, &device).await? } else { None };
        if let Some(platform) = &platform {
            fields.check(platform)?;
        }
        let before = if names_a_slot { if_answered(device.call(ota::GetBootState {}).await)? } else { None };
        match device.call_value(fields.request()).await {
            Ok(value) => {
                let stored = read_back(context, &device).await;
                if let Some(stored) = &stored {
                    fields.check_stored(stored)?;
                    let unreported = fields.unreported(stored);
                    if !unreported.is_empty() {
                        let fields = unreported.join(" and ");
                        context.output.warn(&format!("the device does not report whether it has stored {fields}"));
                    }
                }
                context.output.result(&value)?;
                if let Some(stored) = &stored {
                    context.output.status(&next_boot(stored));
                }
                Ok(())
            }
            Err(error) if error.remote_error().is_some_and(|error| error.code == BAD_SLOT) => {
                Err(bad_slot(&device, error, before).await)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl BootStateFields {
    /// Fails if `platform` is known not to have one of the slots.
    fn check(self, platform: &str) -> Result<(), Failure> {
        let Some(slots) = ota::slots(platform) else { return Ok(()) };
        let given = [("--active-slot", self.active_slot), ("--revert-slot", self.revert_slot)];
        let missing = given.into_iter().find_map(|(option, slot)| Some((option, slot.filter(|&slot| slot >= slots)?)));
        let Some((option, slot)) = missing else { return Ok(()) };
        let last = slots - 1;
        let message = format!("{option} {slot}: the device has no slot {slot}; {platform} has slots 0 to {last}");
        Err(Failure::new(FailureKind::Refused, message).hint(
            "`otactl get-boot-state` shows the slots in use; with `--force` the device is sent the slot all the same",
        ))
    }

    /// Fails if the device has stored another value than the one that was sent.
    fn check_stored(self, stored: &BootState) -> Result<(), Failure> {
        let differences = self.differences(stored);
        if differences.is_empty() {
            return Ok(());
        }
        let message = format!("the device has not stored the boot state as it was sent: {}", differences.join("; "));
        Err(Failure::new(FailureKind::Device, message).hint(CORRECT_A_BAD_SLOT))
    }

    /// Describes each field whose stored value is not the one that was sent. A slot that the device does not report is left out.
    fn differences(self, stored: &BootState) -> Vec<String> {
        fn difference<T: PartialEq + Display>(name: &str, sent: Option<T>, stored: Option<T>) -> Option<String> {
            let (sent, stored) = (sent?, stored?);
            (sent != stored).then(|| format!("{name}: sent {sent}, stored {stored}"))
        }

        let sent = self.request();
        let BootState { active_slot, is_committed, revert_slot, commit_timeout } = *stored;
        [
            difference("active_slot", sent.active_slot, active_slot),
            difference("is_committed", sent.is_committed, Some(is_committed)),
            difference("revert_slot", sent.revert_slot, revert_slot),
            difference("commit_timeout", sent.commit_timeout, Some(commit_timeout)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns the fields that were sent, and that the device does not report.
    fn unreported(self, stored: &BootState) -> Vec<&'static str> {
        let slots = [
            ("active_slot", self.active_slot, stored.active_slot),
            ("revert_slot", self.revert_slot, stored.revert_slot),
        ];
        slots
            .into_iter()
            .filter(|(_, sent, stored)| sent.is_some() && stored.is_none())
            .map(|(name, ..)| name)
            .collect()
    }

    fn request(self) -> ota::SetBootState {
        ota::SetBootState {
            active_slot: self.active_slot,
            is_committed: self.is_committed,
            revert_slot: self.revert_slot,
            commit_timeout: self.commit_timeout.map(|timeout| timeout.as_secs()),
        }
    }
}

/// Returns the platform of the device, or `None` if the device does not report it.
async fn platform(context: &Context, device: &Device) -> Result<Option<String>, Failure> {
    let info = if_answered(device.call(ota::GetInfo {}).await)?;
    Ok(info.map(|info| {
        context.output.subject.set_device(&info.id);
        info.arch
    }))
}

/// Returns the reply, or `None` if the device answered with an error or another shape: an optional query must not stop a repair.
fn if_answered<T>(reply: Result<T, CallError>) -> Result<Option<T>, CallError> {
    match reply {
        Ok(reply) => Ok(Some(reply)),
        Err(CallError::Remote { .. } | CallError::WrongShape { .. } | CallError::Unreadable { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the failure of a request that the device answered with [`BAD_SLOT`]. It names what the device has stored now, and the
/// command that restores the boot state from `before`.
async fn bad_slot(device: &Device, error: CallError, before: Option<BootState>) -> Failure {
    let stored = device.call(ota::GetBootState {}).await;
    let failure = Failure::from(error);
    let message = match &stored {
        Ok(stored) if before == Some(*stored) => {
            format!("{}; the boot state is unchanged: {}", failure.message, fields(stored))
        }
        Ok(stored) => format!("{}; the device now has stored {}", failure.message, fields(stored)),
        Err(error) => {
            format!("{}; {} did not show what the device has stored: {error}", failure.message, ota::GetBootState::NAME)
        }
    };
    let hint = match (stored, before) {
        (Ok(stored), Some(before)) if stored == before => "give a slot that the device has".into(),
        (Ok(stored), Some(before @ BootState { active_slot: Some(active), .. })) => {
            format!("`{}` restores the boot state, before the device reboots", repair_command(active, &before, &stored))
        }
        (Ok(_), _) => {
            "`otactl get-boot-state` shows the boot state; correct a bad slot before the device reboots".into()
        }
        (Err(_), _) => CORRECT_A_BAD_SLOT.into(),
    };
    Failure { message, hints: vec![hint], ..failure }
}

/// Formats the fields under the names of the options and of the device's JSON.
fn fields(boot: &BootState) -> String {
    let BootState { active_slot, is_committed, revert_slot, commit_timeout } = boot;
    let slot = |slot: Option<Slot>| slot.map_or(-1, i16::from);
    format!(
        "active_slot {}, is_committed {is_committed}, revert_slot {}, commit_timeout {commit_timeout}",
        slot(*active_slot),
        slot(*revert_slot)
    )
}

/// Returns the command that changes `stored` back to `before`. It always names the active slot, which was `active`.
fn repair_command(active: Slot, before: &BootState, stored: &BootState) -> String {
    let mut command = format!("otactl set-boot-state --active-slot {active}");
    // Writing to a String does not fail.
    if stored.is_committed != before.is_committed {
        let _ = write!(command, " --is-committed {}", before.is_committed);
    }
    if let Some(slot) = before.revert_slot.filter(|_| stored.revert_slot != before.revert_slot) {
        let _ = write!(command, " --revert-slot {slot}");
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: BootState =
        BootState { active_slot: Some(1), is_committed: true, revert_slot: Some(0), commit_timeout: 0 };

    #[test]
    fn repair_command_names_the_fields_that_differ() {
        for (stored, expected) in [
            (BootState { active_slot: Some(5), ..BEFORE }, "otactl set-boot-state --active-slot 1"),
            (
                BootState { active_slot: Some(15), is_committed: false, revert_slot: Some(9), commit_timeout: 0 },
                "otactl set-boot-state --active-slot 1 --is-committed true --revert-slot 0",
            ),
        ] {
            assert_eq!(repair_command(1, &BEFORE, &stored), expected, "{stored:?}");
        }
    }

    #[test]
    fn field_that_is_stored_otherwise_is_a_difference() {
        let none = BootStateFields { active_slot: None, is_committed: None, revert_slot: None, commit_timeout: None };
        let minute = Some(Duration::from_secs(60));
        for (sent, stored, differences, unreported) in [
            (BootStateFields { active_slot: Some(1), ..none }, BEFORE, "", ""),
            (BootStateFields { active_slot: Some(0), ..none }, BEFORE, "active_slot: sent 0, stored 1", ""),
            (
                BootStateFields { is_committed: Some(false), ..none },
                BEFORE,
                "is_committed: sent false, stored true",
                "",
            ),
            (BootStateFields { revert_slot: Some(255), ..none }, BEFORE, "revert_slot: sent 255, stored 0", ""),
            (BootStateFields { commit_timeout: minute, ..none }, BEFORE, "commit_timeout: sent 60, stored 0", ""),
            (
                BootStateFields { active_slot: Some(2), revert_slot: Some(1), ..none },
                BEFORE,
                "active_slot: sent 2, stored 1; revert_slot: sent 1, stored 0",
                "",
            ),
            // A committed STM32 device reports no revert slot.
            (
                BootStateFields { active_slot: Some(1), revert_slot: Some(1), ..none },
                BootState { revert_slot: None, ..BEFORE },
                "",
                "revert_slot",
            ),
        ] {
            assert_eq!(sent.differences(&stored).join("; "), differences, "{sent:?}");
            assert_eq!(sent.unreported(&stored).concat(), unreported, "{sent:?}");
            assert_eq!(sent.check_stored(&stored).is_err(), !differences.is_empty(), "{sent:?}");
        }
    }

    #[test]
    fn slot_that_the_platform_does_not_have_is_refused() {
        let fields = |active_slot, revert_slot| BootStateFields {
            active_slot,
            is_committed: None,
            revert_slot,
            commit_timeout: None,
        };
        for (fields, platform, expected) in [
            (fields(Some(1), Some(0)), "esp32", None),
            (fields(Some(2), None), "esp32", Some("--active-slot 2")),
            (fields(None, Some(2)), "ESP8266", Some("--revert-slot 2")),
            (fields(Some(0), Some(255)), "cc3220", Some("--revert-slot 255")),
            (fields(Some(5), None), "stm32", None),
            (fields(Some(5), None), "", None),
            (fields(None, None), "esp32", None),
        ] {
            let refused = fields.check(platform).err();
            assert_eq!(refused.is_some(), expected.is_some(), "{fields:?} {platform}: {refused:?}");
            if let (Some(refused), Some(expected)) = (refused, expected) {
                assert!(refused.kind == FailureKind::Refused && refused.message.starts_with(expected), "{refused:?}");
            }
        }
    }
}
