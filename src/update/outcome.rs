//! How an update can end.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::device_state::{DeviceState, Running};
use super::preflight;
pub use super::preflight::{Flaw, SignatureGap};
use super::remote_manifest::DownloadError;
use super::serve::ServeError;
use crate::bundle::manifest::Build;
use crate::ota::{BootState, Slot};
use crate::rpc::{CallError, RemoteError};
use crate::text::{device_text, for_humans};

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

/// Why nothing was touched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another platform's firmware.
    #[error("the firmware is for {}, but the device is an {}", device_text(.firmware), device_text(.device))]
    WrongPlatform {
        /// The bundle's platform.
        firmware: String,
        /// The device's.
        device: String,
    },
    /// Another app's firmware.
    #[error("the firmware is the app `{}`, but the device runs `{}`", device_text(.firmware), device_text(.device))]
    OtherApp {
        /// The bundle's app.
        firmware: String,
        /// The device's.
        device: String,
    },
    /// A version that comes before the one that runs.
    #[error(
        "the firmware is version {}, which is older than {}, which the device runs",
        device_text(.firmware),
        device_text(.device)
    )]
    Older {
        /// The bundle's version.
        firmware: String,
        /// The device's.
        device: String,
    },
    /// The device lacks methods without which the update cannot be done.
    #[error("the device has no {}, which the update needs", .names.join(", "))]
    MethodsMissing {
        /// Their names.
        names: Vec<&'static str>,
    },
    /// The device asks for signatures that the bundle does not have.
    #[error("the device does not take the bundle: {}", preflight::joined(.lacks))]
    NotSigned {
        /// Each of them, and what is the matter with it.
        lacks: Vec<SignatureGap>,
    },
    /// The device is set up so that no signatures can be enough.
    #[error("the device takes no updates: its update.sig_req_mask is 0")]
    TakesNoUpdates,
    /// The file system of the firmware has no room on the device.
    #[error("the firmware's file system has {image} bytes, and that of the device holds {holds}")]
    FileSystemTooLarge {
        /// The image, in bytes.
        image: u64,
        /// What the device's file system holds when it is empty, in bytes.
        holds: u64,
    },
    /// The device has the OTA service of 2017, whose `OTA.Update` takes other arguments.
    #[error(
        "the device's OTA.Update takes `blob_url` in place of `url`: its OTA service is that of 2017, which otactl cannot update"
    )]
    WantsBlobUrl,
    /// The device knows no commit timeout.
    #[error(
        "the device's {method} takes no commit_timeout: the new firmware commits itself when it starts, and never goes back"
    )]
    NoWayBack {
        /// The method that begins the update.
        method: &'static str,
    },
    /// What runs is not committed yet.
    #[error("the device runs {build}, which is not committed yet: {boot}")]
    Uncommitted {
        /// What runs.
        build: Build,
        /// Its state.
        boot: BootState,
    },
    /// The second way leads elsewhere.
    #[error("the second way leads to another device: {second}, not {first}")]
    OtherDevice {
        /// The id of the device that is to be updated.
        first: String,
        /// The id at the end of the second way.
        second: String,
    },
    /// It is to be sent a firmware, and cannot be.
    #[error("the device cannot be sent a firmware: it has no OTA.Begin, OTA.Write and OTA.End")]
    CannotPush,
    /// The device would go back before the checks have ended.
    #[error(
        "the health checks may take {} together, which is too long for a commit timeout of {}",
        for_humans(*.longest),
        for_humans(*.commit_timeout)
    )]
    ChecksTooLong {
        /// What they may take.
        longest: Duration,
        /// What the device waits.
        commit_timeout: Duration,
        /// A commit timeout that would do, in whole seconds.
        would_do: Duration,
    },
    /// An update runs already.
    #[error("an update is already running on the device ({percent} % done)")]
    UpdateRunning {
        /// How far it is.
        percent: u8,
    },
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

/// Why a firmware that runs is not to stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unhealthy {
    /// It is another one.
    #[error("is not the wanted {wanted}")]
    WrongBuild {
        /// What was wanted.
        wanted: Build,
    },
    /// It does not pass one of the user's checks.
    #[error("does not pass the check `{check}`: {reason}")]
    Check {
        /// What the check is called, fit to be shown.
        check: String,
        /// Why.
        reason: String,
        /// The last lines that a program wrote; bounded, and fit to be shown.
        output: Vec<String>,
    },
    /// otactl could not carry out a check, or could not ask the device after the checks. That says nothing of the firmware.
    #[error("could not be checked{}: {reason}", .check.as_ref().map(|check| format!(" by `{check}`")).unwrap_or_default())]
    NotChecked {
        /// What the check is called, fit to be shown; `None`: after the checks.
        check: Option<String>,
        /// Why otactl could not.
        reason: String,
    },
    /// It has passed the checks, and was not heard of since.
    #[error("does not answer any more: {reason}")]
    Silent {
        /// The last that was seen.
        reason: String,
    },
}

/// What was made of a firmware that is not to stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RevertResult {
    /// It is committed already, so that there is nothing to go back from.
    Committed,
    /// The device was told to go back, and runs this.
    Reverted(Running),
    /// The device was told to go back, and did not, or was not seen to.
    NotReverted {
        /// Why.
        reason: String,
        /// When it goes back by itself, if it will.
        reverts_in: Option<Duration>,
    },
    /// It was left as it is, on request or since it could not be checked.
    Left {
        /// When it goes back by itself, if it will.
        reverts_in: Option<Duration>,
    },
}

impl fmt::Display for RevertResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => write!(f, "it is committed already, and stays"),
            Self::Reverted(old) => write!(f, "the device was told to go back, and runs {old}"),
            Self::NotReverted { reason, .. } => {
                write!(f, "the device was to go back, but was not seen to: {reason}")
            }
            Self::Left { .. } => write!(f, "it was left as it is"),
        }
    }
}

/// What a program wants to know of an outcome, apart from the sentence.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facts {
    /// The name of the outcome.
    pub outcome: &'static str,
    /// What runs, and where, if that is known.
    #[serde(flatten)]
    pub running: Option<Running>,
    /// What was to run, if it is known and something else runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Build>,
    /// The slot in which that stands, if it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_slot: Option<Slot>,
    /// The check that it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the program of the check wrote last, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Bytes of the firmware that were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Of so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Seconds until the device goes back by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverts_in: Option<u64>,
}

impl Facts {
    fn of(outcome: &'static str) -> Self {
        Self { outcome, ..Self::default() }
    }

    fn running(self, running: &Running) -> Self {
        Self { running: Some(running.clone()), ..self }
    }

    fn reverts_in(self, left: Option<Duration>) -> Self {
        Self { reverts_in: left.map(|left| left.as_secs()), ..self }
    }
}

impl Success {
    /// What a program wants to know.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            Self::AlreadyCurrent(running) => Facts::of("already_current").running(running),
            Self::Updated(running) => Facts::of("updated").running(running),
            Self::LeftUncommitted { running, reverts_in } => {
                Facts::of("left_uncommitted").running(running).reverts_in(*reverts_in)
            }
            Self::Planned => Facts::of("planned"),
        }
    }
}

impl Unhealthy {
    fn facts(&self) -> Facts {
        let facts = Facts::of("unhealthy");
        match self {
            Self::WrongBuild { wanted } => Facts { wanted: Some(wanted.clone()), ..facts },
            Self::Check { check, reason, output } => {
                Facts { check: Some(check.clone()), reason: Some(reason.clone()), output: output.clone(), ..facts }
            }
            Self::NotChecked { check, reason } => {
                Facts { outcome: "not_committed", check: check.clone(), reason: Some(reason.clone()), ..facts }
            }
            Self::Silent { reason } => Facts { reason: Some(reason.clone()), ..facts },
        }
    }
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

    /// What a program wants to know.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            // The copy may have been written.
            Self::NotCopied(error) if error.may_have_arrived() => Facts::of("unknown"),
            Self::Call(_) | Self::NotCopied(_) => Facts::of("untouched"),
            Self::Refused(_) | Self::Serve(_) | Self::Download(_) => Facts::of("refused"),
            Self::NeverFetched { .. } => Facts::of("never_fetched"),
            Self::Unlicensed { said } => Facts { reason: Some(said.clone()), ..Facts::of("never_fetched") },
            Self::NotDownloaded { here, .. } => {
                Facts { reason: Some(here.to_string()), ..Facts::of("download_failed") }
            }
            Self::UrlUnreachable { said } => Facts { reason: Some(said.clone()), ..Facts::of("download_failed") },
            Self::DownloadFailed { taken, .. } => Facts {
                bytes: taken.map(|(sent, _)| sent),
                total: taken.map(|(_, total)| total),
                ..Facts::of("download_failed")
            },
            Self::DidNotReboot(running) => Facts::of("did_not_reboot").running(running),
            Self::NothingNew { running, .. } => Facts::of("nothing_new").running(running),
            Self::RolledBack { old, wanted, slot } => {
                Facts { wanted: wanted.clone(), wanted_slot: *slot, ..Facts::of("rolled_back").running(old) }
            }
            Self::Unhealthy { running, reason, revert_result } => {
                let facts = reason.facts();
                match revert_result {
                    RevertResult::Committed => facts.running(running),
                    RevertResult::Reverted(old) => facts.running(old),
                    RevertResult::NotReverted { reverts_in, .. } | RevertResult::Left { reverts_in } => {
                        facts.running(running).reverts_in(*reverts_in)
                    }
                }
            }
            Self::NoResponse { reverts_in, .. } | Self::AccessDenied { reverts_in, .. } => {
                Facts::of("unreachable").reverts_in(Some(*reverts_in))
            }
            Self::NotCommitted { running, reverts_in, .. } | Self::Replaced { running, reverts_in, .. } => {
                Facts::of("not_committed").running(running).reverts_in(*reverts_in)
            }
            Self::CommitUnseen { reverts_in, .. } | Self::ContactLost { reverts_in, .. } => {
                Facts::of("unknown").reverts_in(*reverts_in)
            }
        }
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
