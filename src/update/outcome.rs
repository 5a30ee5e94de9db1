//! How an update can end.

use std::fmt;
use std::time::Duration;

use crate::bundle::manifest::Build;
use crate::ota::{BootState, Slot};
use crate::rpc::CallError;

use super::serve::ServeError;

/// The update did what was asked. Read from the device, never assumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Success {
    /// The wanted firmware runs and is committed; nothing was done.
    AlreadyCurrent {
        /// What runs.
        build: Build,
    },
    /// The wanted firmware runs and is committed.
    Updated {
        /// What runs.
        build: Build,
        /// Where.
        slot: Slot,
    },
    /// The wanted firmware runs, and was left uncommitted on request.
    LeftUncommitted {
        /// What runs.
        build: Build,
        /// Where.
        slot: Slot,
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
    #[error("the firmware is for {firmware}, but the device is an {device}")]
    WrongPlatform {
        /// The bundle's platform.
        firmware: String,
        /// The device's.
        device: String,
    },
    /// Another app's firmware.
    #[error("the firmware is the app `{firmware}`, but the device runs `{device}`")]
    OtherApp {
        /// The bundle's app.
        firmware: String,
        /// The device's.
        device: String,
    },
    /// What runs is not committed yet.
    #[error("the device runs {build}, which is not committed yet: {boot}")]
    Uncommitted {
        /// What runs.
        build: Build,
        /// Its state.
        boot: BootState,
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
    /// The device was told to fetch the firmware, and never asked for it.
    #[error("the device never asked for the firmware at {address}{}", words(.said.as_ref()))]
    NeverFetched {
        /// Where it should have asked.
        address: String,
        /// What the device said about it.
        said: Option<String>,
    },
    /// The device did not get the firmware whole, or did not want it.
    #[error("the device did not take the firmware: {reason}{}", share(*.taken))]
    DownloadFailed {
        /// What the device said, or what was seen.
        reason: String,
        /// Bytes that we sent, and how many there are.
        taken: Option<(u64, u64)>,
    },
    /// The device took the firmware, and went on running the old one.
    #[error("the device did not reboot; it still runs {build}")]
    DidNotReboot {
        /// What runs.
        build: Build,
    },
    /// The server or the device said that there is nothing new.
    #[error("the device says `{message}` and still runs {build}")]
    NothingNew {
        /// The device's words.
        message: String,
        /// What runs.
        build: Build,
    },
    /// The device is back, and runs the old firmware.
    #[error("the device has restarted with the old firmware: slot {slot} runs {build}")]
    RolledBack {
        /// What runs.
        build: Build,
        /// Where.
        slot: Slot,
    },
    /// The device came back with neither the old nor the wanted firmware.
    #[error("the device came back with {build} instead of the wanted {wanted}; {sequel}")]
    WrongBuild {
        /// What it came back with.
        build: Build,
        /// What was wanted.
        wanted: Build,
        /// What was made of it.
        sequel: Sequel,
    },
    /// The device did not come back.
    #[error("the device has not come back within {} ({last})", humantime::format_duration(*.after))]
    NotBack {
        /// How long we waited.
        after: Duration,
        /// The last thing that we heard.
        last: String,
        /// Seconds after its boot, after which it goes back by itself.
        commit_timeout: Duration,
    },
    /// The device is back, and does not let us in.
    #[error("the device is back, but does not let us in: {reason}")]
    ShutOut {
        /// Why.
        reason: CallError,
        /// After its boot, after which it goes back by itself.
        commit_timeout: Duration,
    },
    /// The commit was sent, and the device not heard of since.
    #[error("the commit of {build} was sent, but whether it arrived could not be seen: {reason}")]
    CommitUnseen {
        /// What was to be committed.
        build: Build,
        /// What went wrong.
        reason: String,
    },
    /// The new firmware runs, and would not be committed.
    #[error("{build} runs, but is not committed: {reason}")]
    NotCommitted {
        /// What runs.
        build: Build,
        /// Why.
        reason: String,
        /// When the device goes back, if it will.
        reverts_in: Option<Duration>,
    },
    /// Contact was lost at a point where the device may or may not have gone on.
    #[error("lost sight of the device during the download: {reason}")]
    LostSight {
        /// What happened.
        reason: String,
    },
}

/// What was made of a firmware that nobody wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sequel {
    /// It has committed itself, so that there is nothing to go back from.
    Committed,
    /// The device was told to go back, and runs this.
    Reverted(Build),
    /// The device was told to go back, and did not, or was not seen to.
    NotReverted {
        /// Why.
        reason: String,
        /// When it goes back by itself, if it will.
        reverts_in: Option<Duration>,
    },
}

impl fmt::Display for Sequel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Committed => write!(f, "it has committed itself, and stays"),
            Self::Reverted(build) => write!(f, "it was told to go back, and runs {build}"),
            Self::NotReverted { reason, .. } => write!(f, "it was told to go back, but was not seen to: {reason}"),
        }
    }
}

fn words(said: Option<&String>) -> String {
    said.map(|said| format!("; it answered: {said}")).unwrap_or_default()
}

fn share(taken: Option<(u64, u64)>) -> String {
    taken.map(|(sent, total)| format!(" ({sent} of {total} bytes were sent)")).unwrap_or_default()
}
