//! What the reply to `OTA.Update` means, by its words. Pure.

use serde_json::Value;

use crate::rpc::{CallError, RemoteError};
use crate::text::device_text;
use crate::update::outcome::{Failure, FailureReason};

/// The reply to `OTA.Update`.
#[derive(Debug)]
pub(super) enum UpdateReply {
    /// A success, with the device's message.
    Success(String),
    /// An error of the device.
    Refused(RemoteError),
    /// Another `OTA.Update` call runs already: of another client, or this one if the device executed the request twice.
    InProgress(RemoteError),
    /// No reply will come: the link broke, or the time is over.
    Lost(FailureReason),
}

/// Returns the reply in the result of the call. Fails only for a call that never arrived, or that the device did not carry out.
pub(super) fn understand(result: Result<Value, CallError>) -> Result<UpdateReply, Failure> {
    match result {
        Ok(value) => Ok(UpdateReply::Success(device_text(value["message"].as_str().unwrap_or_default()))),
        Err(CallError::Remote { error, .. }) if !matches!(error.code, 401 | 403 | 404 | 418) => {
            Ok(UpdateReply::Refused(error))
        }
        Err(error) if error.may_have_arrived() => Ok(UpdateReply::Lost(error.into())),
        Err(error) => Err(Failure::Call(error)),
    }
}

/// Tells whether a success of 2018 says that no reboot follows: after a 304 (as recorded in wire/ws.json, case
/// `ota_update_errors`), and, by the device's source, for the build that runs already.
pub(super) fn says_nothing_new(message: &str) -> bool {
    message == "Not Modified" || message.starts_with("Version is the same")
}

/// Tells whether a success of 2018 says that the reboot follows (as recorded in wire/ws.json, case `ota_update_good`). The
/// device has 100 ms left then, and answers nothing but error 418.
pub(super) fn says_applied(message: &str) -> bool {
    message.starts_with("Update applied")
}

/// Tells whether the device refuses the URL because it has no licence key, as the libraries of 2019 to 2022 do without one
/// (as recorded in wire/ota2022-ws.json, case `update_unlicensed`).
pub(super) fn says_unlicensed(error: &RemoteError) -> bool {
    error.message.as_deref().is_some_and(|message| message.starts_with("Free version can only"))
}

/// Tells whether another call waits for the end of a running update (as recorded in wire/ota2022-ws.json, case
/// `pull_second`). That call may be of this run: devices that execute a request twice answer the second execution first.
pub(super) fn says_in_progress(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Update is already in progress")
}

/// Tells whether the device could not reach the server of the URL. Since 2019, the device says so (as recorded in
/// wire/ota2022-ws.json, case `pull_refused`); before that, its message is general.
pub(super) fn says_unreachable(error: &RemoteError) -> bool {
    matches!(error.message.as_deref(), None | Some("Connect error" | "Update failed"))
}

/// Tells whether an update runs already or the firmware is uncommitted: the message of 2018.
pub(super) fn says_busy(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Failed to init updater")
}

/// Tells whether the device may have failed to reach the server. Its error says little then: -1, `Update failed`. Other codes and messages have
/// other causes.
pub(super) fn may_be_unreachable(error: &RemoteError) -> bool {
    let is_malformed = matches!(error.message.as_deref(), Some("Malformed request" | "either file or url is required"));
    error.code < 0 && !says_busy(error) && !is_malformed
}

/// Tells whether a reply says that the device has the firmware. Since 2019, a success may also mean that there is nothing new, unless
/// the device `has_all` from us.
pub(super) fn says_taken(reply: Result<UpdateReply, Failure>, has_all: bool) -> bool {
    matches!(reply, Ok(UpdateReply::Success(message)) if says_applied(&message) || (has_all && !says_nothing_new(&message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsent_call_is_a_failure() {
        let unsent = CallError::Lost { peer: "p".into(), sent: false, reason: "r".into() };
        assert!(matches!(understand(Err(unsent)), Err(Failure::Call(_))));
        let sent = CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() };
        assert!(matches!(understand(Err(sent)), Ok(UpdateReply::Lost(_))));
    }
}
