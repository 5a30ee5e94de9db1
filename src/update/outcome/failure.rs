//! [`Failure`], the ways in which an update fails.

use std::net::IpAddr;
use std::time::Duration;

use super::reason::FailureReason;
use super::refusal::Refusal;
use super::unhealthy::{RevertResult, Unhealthy};
use crate::bundle::manifest::Build;
use crate::ota::Slot;
use crate::rpc::{CallError, RemoteError};
use crate::text::for_humans;
use crate::update::device_state::{DeviceState, Running};
use crate::update::read_state_error::{OtherDevice, ReadStateError};
use crate::update::remote_manifest::DownloadError;
use crate::update::serve::ServeError;

/// The update failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A call failed before anything on the device changed.
    #[error(transparent)]
    Call(CallError),
    /// The device kept rebooting, or another device answered, before anything on the device changed.
    #[error(transparent)]
    ReadState(ReadStateError),
    /// otactl refused the update. Nothing on the device changed.
    #[error(transparent)]
    Refused(Refusal),
    /// The firmware server did not start. Nothing on the device changed.
    #[error(transparent)]
    Serve(ServeError),
    /// `OTA.CreateSnapshot` failed. The old firmware still runs.
    #[error("the running firmware could not be copied to another slot: {0}")]
    NotCopied(#[source] CallError),
    /// The device accepted `OTA.Update`, but never requested the firmware from the server.
    #[error("the device never asked for the firmware at {address}{}", device_reply(.reply.as_ref()))]
    NeverFetched {
        /// The address of the firmware server: host and port.
        address: String,
        /// The device's reply to `OTA.Update`.
        reply: Option<String>,
        /// The addresses of rejected clients, which are not known to be the device.
        rejected_clients: Vec<IpAddr>,
        /// Addresses that opened too many connections without a request. The server closed or refused some of them.
        crowding: Vec<IpAddr>,
    },
    /// The device has no licence key, so it refuses every URL.
    #[error("the device refuses to fetch firmware by itself: it has no licence key")]
    Unlicensed {
        /// The device's error text.
        error: String,
    },
    /// The device could not fetch the firmware from the URL.
    #[error("the device could not fetch the firmware from the URL: {error}")]
    UrlUnreachable {
        /// The device's error text.
        error: String,
    },
    /// Neither the device nor otactl could download the firmware from the URL.
    #[error("{device}; and otactl could not download it: {here}")]
    NotDownloaded {
        /// Why the device did not download it.
        device: String,
        /// Why otactl could not download it.
        #[source]
        here: DownloadError,
    },
    /// otactl could not download the firmware. Nothing on the device changed.
    #[error("the firmware could not be downloaded: {0}")]
    Download(#[source] DownloadError),
    /// The device did not receive all of the firmware, or rejected it.
    #[error("the device did not take the firmware: {reason}{}", sent_share(*.taken))]
    DownloadFailed {
        /// The device's error text, or what otactl observed.
        #[source]
        reason: FailureReason,
        /// Bytes that otactl sent, and the size of the bundle in bytes.
        taken: Option<(u64, u64)>,
        /// The device may still wait for the rest. It refuses other updates until its timeout.
        remains: bool,
    },
    /// The device received the firmware, but did not reboot and still runs the old one.
    #[error("the device did not reboot; it still runs {0}")]
    DidNotReboot(Running),
    /// The server or the device reported that there is nothing new.
    #[error("the device {} and still runs {running}", found_nothing_new(.message))]
    NothingNew {
        /// The device's message. Empty for devices since 2019.
        message: String,
        /// The running firmware.
        running: Running,
    },
    /// The device rebooted and runs the old firmware.
    #[error("the device has restarted with the old firmware: {old}{}", instead_of(.wanted.as_ref(), *.slot))]
    RolledBack {
        /// The old firmware, which runs.
        old: Running,
        /// The wanted build, if known.
        wanted: Option<Build>,
        /// The slot that held the wanted build, if known.
        slot: Option<Slot>,
    },
    /// The device runs a firmware that otactl does not commit.
    #[error("{running} {reason}; {revert_result}")]
    Unhealthy {
        /// The firmware that ran after the reboot.
        running: Running,
        /// Why otactl does not commit it.
        #[source]
        reason: Unhealthy,
        /// The result of the revert.
        revert_result: RevertResult,
    },
    /// The device did not answer after its reboot, or did not report what it runs.
    #[error("{} {} ({last})", no_response(*.answers), for_humans(*.after))]
    NoResponse {
        /// Whether the device answers, but does not report what it runs.
        answers: bool,
        /// How long otactl waited.
        after: Duration,
        /// The last reply or error of the device.
        #[source]
        last: FailureReason,
        /// The time until the device rolls back by itself. It may roll back a little later, because otactl did not see its boot.
        reverts_in: Duration,
    },
    /// The device answers after its reboot, but denies access.
    #[error("the device is back, but denies access: {reason}")]
    AccessDenied {
        /// The error of the call.
        #[source]
        reason: CallError,
        /// The time until the device rolls back by itself. It may roll back a little later.
        reverts_in: Duration,
    },
    /// otactl sent the commit, and the device has not answered since then.
    #[error("the commit of {running} was sent, but otactl cannot tell whether it arrived: {reason}")]
    CommitUnseen {
        /// The firmware to commit.
        running: Running,
        /// The last error.
        #[source]
        reason: FailureReason,
        /// The time until the device rolls back if the commit did not arrive.
        reverts_in: Option<Duration>,
    },
    /// The new firmware runs, but could not be committed.
    #[error("{running} runs, but is not committed: {reason}")]
    NotCommitted {
        /// The running firmware.
        running: Running,
        /// The reason.
        #[source]
        reason: FailureReason,
        /// The time until the device rolls back, if it will.
        reverts_in: Option<Duration>,
    },
    /// Another device answers at the address of the device, which runs the new firmware.
    #[error("{running} is not committed: {reason}")]
    Replaced {
        /// The firmware that runs on the updated device.
        running: Running,
        /// Which device answers.
        #[source]
        reason: OtherDevice,
        /// The time until the device rolls back, if it will.
        reverts_in: Option<Duration>,
    },
    /// otactl lost contact with the device, which may have continued the update.
    #[error("lost contact with the device during the download: {reason}")]
    ContactLost {
        /// The last error.
        #[source]
        reason: FailureReason,
        /// The longest time until the device rolls back, if it has the firmware.
        reverts_in: Option<Duration>,
    },
}

impl From<ReadStateError> for Failure {
    fn from(error: ReadStateError) -> Self {
        match error {
            ReadStateError::Call(error) => Self::Call(error),
            other => Self::ReadState(other),
        }
    }
}

/// Keeps the error that the failure holds, below the text of the failure.
impl From<Failure> for FailureReason {
    fn from(failure: Failure) -> Self {
        let text = failure.to_string();
        match failure {
            Failure::Call(error) => error.into(),
            Failure::ReadState(error) => error.into(),
            Failure::AccessDenied { reason, .. } => Self::from(reason).explained(text),
            Failure::NoResponse { last, .. } => last.explained(text),
            _ => text.into(),
        }
    }
}

impl Failure {
    /// Returns the failure of a device that ran the firmware of `new`, and runs that of `after` now.
    pub(in crate::update) fn rolled_back(after: &DeviceState, new: &DeviceState) -> Self {
        let Running { build, slot } = new.running();
        Self::RolledBack { old: after.running(), wanted: Some(build), slot }
    }

    /// Tells whether the device cannot or may not download from the URL, so that no download began.
    pub(in crate::update) fn is_about_url(&self) -> bool {
        matches!(self, Self::Unlicensed { .. } | Self::UrlUnreachable { .. })
    }

    /// Returns the failure that restarts the update.
    ///
    /// It is for a device that has rebooted, or has been updated by another client, before this update began.
    pub(in crate::update) fn begin_anew() -> Self {
        let error = RemoteError { code: 418, message: Some("it has changed before the update began".into()) };
        Self::Call(CallError::Remote { method: "OTA.Update".into(), error })
    }

    /// Tells whether a call failed because the device did not answer.
    pub(in crate::update) fn is_silence(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_silence())
    }

    /// Tells whether the device refused the call because it is about to reboot (error 418).
    pub(in crate::update) fn is_shutdown(&self) -> bool {
        let (Self::Call(error) | Self::NotCopied(error)) = self else { return false };
        error.remote_error().is_some_and(|error| error.code == 418)
    }
}

fn no_response(answers: bool) -> &'static str {
    if answers {
        "the device answers, but has not said what it runs since its reboot, for"
    } else {
        "the device has not answered since its reboot, for"
    }
}

fn instead_of(wanted: Option<&Build>, slot: Option<Slot>) -> String {
    let in_slot = slot.map(|slot| format!(" in slot {slot}")).unwrap_or_default();
    wanted.map(|wanted| format!(", instead of {wanted}{in_slot}")).unwrap_or_default()
}

fn found_nothing_new(message: &str) -> String {
    if message.is_empty() { "found nothing new to install".into() } else { format!("says `{message}`") }
}

fn device_reply(reply: Option<&String>) -> String {
    reply.map(|reply| format!("; it answered: {reply}")).unwrap_or_default()
}

fn sent_share(taken: Option<(u64, u64)>) -> String {
    taken.map(|(sent, total)| format!(" ({sent} of {total} bytes were sent)")).unwrap_or_default()
}
