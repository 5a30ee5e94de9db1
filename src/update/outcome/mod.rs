//! How an update can end.
//!
//! [`refusal`]: why it did not begin; [`unhealthy`]: why the new firmware is not to stay; [`facts`]: the same as data.

pub mod facts;
pub mod refusal;
pub mod unhealthy;

use std::net::IpAddr;
use std::time::Duration;

pub use facts::Facts;
pub use refusal::{Flaw, Refusal, SignatureGap};
pub use unhealthy::{RevertResult, Unhealthy};

use crate::bundle::manifest::Build;
use crate::ota::Slot;
use crate::rpc::{CallError, RemoteError};
use crate::text::for_humans;
use crate::update::device_state::{DeviceState, Running};
use crate::update::remote_manifest::DownloadError;
use crate::update::serve::ServeError;

/// The update did what was asked. Read from the device, never assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Success {
    /// The wanted firmware runs and is committed; nothing was done.
    AlreadyCurrent(Running),
    /// The wanted firmware runs and is committed.
    Updated(Running),
    /// The wanted firmware runs, and was left uncommitted on request.
    LeftUncommitted {
        /// What runs.
        running: Running,
        /// When the device goes back, if it will.
        reverts_in: Option<Duration>,
    },
    /// Only a plan was wanted, and it can be carried out.
    Planned,
}

/// The update did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The device could not be asked, and so nothing was touched.
    #[error(transparent)]
    Call(CallError),
    /// Nothing was touched.
    #[error(transparent)]
    Refused(Refusal),
    /// Our firmware server did not come up. Nothing was touched.
    #[error(transparent)]
    Serve(ServeError),
    /// What runs could not be copied first. It runs on.
    #[error("what runs could not be copied to another slot: {0}")]
    NotCopied(CallError),
    /// The device was told to fetch the firmware, and never asked for it.
    #[error("the device never asked for the firmware at {address}{}", words(.said.as_ref()))]
    NeverFetched {
        /// Where it should have asked.
        address: String,
        /// What the device said about it.
        said: Option<String>,
        /// Those who were turned away because they are not known to be the device.
        strangers: Vec<IpAddr>,
        /// Addresses that opened so many connections without a request that some were closed or not taken.
        crowding: Vec<IpAddr>,
    },
    /// The device has no licence key, and refuses every URL.
    #[error("the device refuses to fetch firmware by itself: it has no licence key")]
    Unlicensed {
        /// The device's error text.
        said: String,
    },
    /// The device could not fetch the firmware from the URL.
    #[error("the device could not fetch the firmware from the URL: {said}")]
    UrlUnreachable {
        /// The device's error text.
        said: String,
    },
    /// The device did not fetch the firmware from the URL, and neither could otactl.
    #[error("{device}; and otactl could not download it: {here}")]
    NotDownloaded {
        /// Why the device did not download it.
        device: String,
        /// Why otactl could not download it.
        here: DownloadError,
    },
    /// The firmware could not be downloaded here. Nothing was touched.
    #[error("the firmware could not be downloaded: {0}")]
    Download(DownloadError),
    /// The device did not get the firmware whole, or did not want it.
    #[error("the device did not take the firmware: {reason}{}", share(*.taken))]
    DownloadFailed {
        /// What the device said, or what was seen.
        reason: String,
        /// Bytes that we sent, and how many there are.
        taken: Option<(u64, u64)>,
        /// The device may still wait for the rest, and refuses other updates until its timeout.
        remains: bool,
    },
    /// The device took the firmware, and went on running the old one.
    #[error("the device did not reboot; it still runs {0}")]
    DidNotReboot(Running),
    /// The server or the device said that there is nothing new.
    #[error("the device {} and still runs {running}", found_nothing_new(.message))]
    NothingNew {
        /// The device's words; empty since 2019.
        message: String,
        /// What runs.
        running: Running,
    },
    /// The device is back, and runs the old firmware.
    #[error("the device has restarted with the old firmware: {old}{}", instead(.wanted.as_ref(), *.slot))]
    RolledBack {
        /// What runs.
        old: Running,
        /// What was to run, if that is known.
        wanted: Option<Build>,
        /// In which slot that stood, if that is known.
        slot: Option<Slot>,
    },
    /// The device came back with a firmware that is not to stay.
    #[error("{running} {reason}; {revert_result}")]
    Unhealthy {
        /// What it came back with.
        running: Running,
        /// What is the matter with it.
        reason: Unhealthy,
        /// What was made of it.
        revert_result: RevertResult,
    },
    /// The device did not come back.
    #[error("{} {} ({last})", no_response(*.answers), for_humans(*.after))]
    NoResponse {
        /// Whether it answers at all, without saying what it runs.
        answers: bool,
        /// How long we waited.
        after: Duration,
        /// The last thing that we heard.
        last: String,
        /// When it goes back by itself, or a little later: it was not seen to boot.
        reverts_in: Duration,
    },
    /// The device is back, and does not let us in.
    #[error("the device is back, but does not let us in: {reason}")]
    AccessDenied {
        /// Why.
        reason: CallError,
        /// When it goes back by itself, or a little later.
        reverts_in: Duration,
    },
    /// The commit was sent, and the device not heard of since.
    #[error("the commit of {running} was sent, but whether it arrived could not be seen: {reason}")]
    CommitUnseen {
        /// What was to be committed.
        running: Running,
        /// What went wrong.
        reason: String,
        /// When the device goes back if the commit did not arrive.
        reverts_in: Option<Duration>,
    },
    /// The new firmware runs, and would not be committed.
    #[error("{running} runs, but is not committed: {reason}")]
    NotCommitted {
        /// What runs.
        running: Running,
        /// Why.
        reason: String,
        /// When the device goes back, if it will.
        reverts_in: Option<Duration>,
    },
    /// The new firmware runs, and another device answers in its place.
    #[error("{running} is not committed: {reason}")]
    Replaced {
        /// What runs, on the device that has gone elsewhere.
        running: Running,
        /// Who answers.
        reason: String,
        /// When the device goes back, if it will.
        reverts_in: Option<Duration>,
    },
    /// Contact was lost at a point where the device may or may not have gone on.
    #[error("lost sight of the device during the download: {reason}")]
    ContactLost {
        /// What happened.
        reason: String,
        /// When the device goes back at the latest, if it has the firmware.
        reverts_in: Option<Duration>,
    },
}

impl Failure {
    /// The device runs what `after` shows, after it has been seen to run `new`.
    pub(super) fn rolled_back(after: &DeviceState, new: &DeviceState) -> Self {
        let Running { build, slot } = new.running();
        Self::RolledBack { old: after.running(), wanted: Some(build), slot }
    }

    /// Tells whether the device cannot or may not download from the URL, and has not begun.
    pub(super) fn is_about_url(&self) -> bool {
        matches!(self, Self::Unlicensed { .. } | Self::UrlUnreachable { .. })
    }

    /// Returns what makes the update begin anew, for a device that has rebooted, or been updated by another client, before it began.
    pub(super) fn begin_anew() -> Self {
        let error = RemoteError { code: 418, message: Some("it has changed before the update began".into()) };
        Self::Call(CallError::Remote { method: "OTA.Update".into(), error })
    }

    /// Tells whether a call failed because the device did not answer.
    pub(super) fn is_silence(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_silence())
    }

    /// Tells whether the device carried nothing out because it is about to reboot.
    pub(super) fn is_shutdown(&self) -> bool {
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

fn instead(wanted: Option<&Build>, slot: Option<Slot>) -> String {
    let place = slot.map(|slot| format!(" in slot {slot}")).unwrap_or_default();
    wanted.map(|wanted| format!(", instead of {wanted}{place}")).unwrap_or_default()
}

fn found_nothing_new(message: &str) -> String {
    if message.is_empty() { "found nothing new to install".into() } else { format!("says `{message}`") }
}

fn words(said: Option<&String>) -> String {
    said.map(|said| format!("; it answered: {said}")).unwrap_or_default()
}

fn share(taken: Option<(u64, u64)>) -> String {
    taken.map(|(sent, total)| format!(" ({sent} of {total} bytes were sent)")).unwrap_or_default()
}
