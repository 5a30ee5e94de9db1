//! Cancels a push with `OTA.End`.

use std::time::Duration;

use serde_json::Value;

use crate::ota;
use crate::rpc::{Device, RemoteError};

/// The result of cancelling an update with `OTA.End`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aborted {
    /// No cancellation was sent.
    NotSent,
    /// The device has ended the push: -1 `-13 Unexpected end of data`, or the failure that ended it (as recorded in
    /// wire/ota2022-ws.json, cases `end_incomplete` and `write_after_failure`).
    Ended,
    /// The device has the whole firmware, and reboots into it.
    Applied,
    /// No push ran. A download may run, which `OTA.End` does not end (as recorded in wire/ota2022-ws.json, cases
    /// `end_no_update` and `end_while_pull_runs`).
    NotPushed,
    /// The device has no such method.
    Unsupported,
    /// The device did not answer.
    Unheard,
}

/// Cancels an incomplete push and waits up to `timeout` for the reply. A device that has every byte reboots into the firmware
/// all the same.
pub async fn abort(device: &Device, timeout: Duration) -> Aborted {
    match device.call_within(ota::End {}, timeout).await {
        Ok(Value::Object(status)) if status.get("is_committed") == Some(&Value::Bool(false)) => Aborted::Applied,
        Ok(_) => Aborted::Ended,
        Err(error) => match error.remote_error() {
            Some(RemoteError { code: 404, .. }) => Aborted::Unsupported,
            Some(error) if says_not_started(error) => Aborted::NotPushed,
            // The device is about to reboot, which ends the update too.
            Some(_) => Aborted::Ended,
            None => Aborted::Unheard,
        },
    }
}

/// Tells whether the device replied that no push runs.
fn says_not_started(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Update not started")
}
