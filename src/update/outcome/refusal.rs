//! Why an update was refused before anything on the device changed.

use std::fmt;
use std::time::Duration;

use crate::bundle::manifest::Build;
use crate::bundle::signature::KeyError;
use crate::ota::BootState;
use crate::text::{device_text, for_humans};

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
    #[error("the device does not take the bundle: {}", joined(.lacks))]
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

/// A signature that the device asks for, and that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignatureGap {
    /// The number of the signature and of the key, 0 to 7 unless the device asks for what there cannot be.
    pub number: u8,
    /// What is the matter.
    pub flaw: Flaw,
}

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// The bundle has no such signature.
    NoSignature,
    /// It was made with another key, or of another manifest.
    NotValid,
    /// The device has no key of this number.
    NoKey,
    /// The device's key is none.
    BadKey(KeyError),
}

impl fmt::Display for SignatureGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, flaw } = self;
        match flaw {
            Flaw::NoSignature => write!(f, "the bundle has no signature {number}"),
            Flaw::NotValid => write!(f, "its signature {number} is not valid under the device's key {number}"),
            Flaw::NoKey => write!(f, "the device asks for signature {number}, and has no key {number}"),
            Flaw::BadKey(error) => write!(f, "the device's key {number} cannot be read: {error}"),
        }
    }
}

/// All that lacks, in words.
pub(in crate::update) fn joined(lacks: &[SignatureGap]) -> String {
    lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
