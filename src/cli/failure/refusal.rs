//! Updates that otactl refuses to begin.

use otactl::update::Refusal;

use super::unknown::unknown_hint;
use crate::cli::clock::seconds;

/// Returns the next step after a refusal.
pub(super) fn refusal_hint(refusal: &Refusal) -> String {
    let hint = match refusal {
        Refusal::ChecksTooLong { would_do, .. } => {
            let would_do = seconds(would_do.as_secs());
            return format!("`--commit-timeout '{would_do}'` would do, or a shorter `--check-timeout` or `--soak`");
        }
        Refusal::WrongPlatform { .. } => "give the firmware that was built for this platform",
        Refusal::OtherApp { .. } => "if the device is to become that app, add `--force`",
        Refusal::CannotPush => "have it fetch the firmware from here with `--via pull`, or from elsewhere with `--url`",
        Refusal::OtherDevice { .. } => "give with `--commit-port` another address of the same device",
        Refusal::Older { .. } => {
            "if the device is to run the older version, add `--allow-downgrade`; `--force` alone does not allow it"
        }
        Refusal::MethodsMissing { .. } => {
            "`otactl list` shows what it has; a firmware without them is replaced over a cable, with one that has rpc-service-ota"
        }
        Refusal::NotSigned { .. } => {
            "sign it with the private halves of the device's keys; `otactl call Config.Get '{\"key\":\"update\"}'` shows which \
             signatures the device requires"
        }
        Refusal::TakesNoUpdates => {
            "the administrator of the device can set update.sig_req_mask to the signatures that the device requires, or to -1 for none"
        }
        Refusal::FileSystemTooLarge { .. } => {
            "give the firmware that was built for this board; if you know better, add `--force`"
        }
        Refusal::WantsBlobUrl => {
            "flash it over a cable, or serve the bundle yourself: `otactl describe OTA.Update` shows the arguments that it takes"
        }
        Refusal::NoWayBack { .. } => {
            "if the device is to be updated without the possibility of a rollback, add `--force`"
        }
        Refusal::Uncommitted { .. } => {
            "`otactl commit` keeps what runs, `otactl revert` returns to the old firmware; then update"
        }
        Refusal::UpdateRunning { .. } => {
            "`otactl status` shows its progress; run the same command again when the update has ended"
        }
        refusal => unknown_hint(refusal),
    };
    hint.into()
}
