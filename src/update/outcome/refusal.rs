//! Reasons for which otactl refuses an update before anything on the device changes.

use std::fmt;
use std::time::Duration;

use crate::bundle::manifest::Build;
use crate::bundle::signature::KeyError;
use crate::ota::BootState;
use crate::text::{device_text, for_humans};

/// The reason for which otactl refused an update. Nothing on the device changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The firmware is for another platform.
    #[error("the firmware is for {}, but the device is an {}", device_text(.firmware), device_text(.device))]
    WrongPlatform {
        /// The bundle's platform.
        firmware: String,
        /// The device's platform.
        device: String,
    },
    /// The firmware is another app.
    #[error("the firmware is the app `{}`, but the device runs `{}`", device_text(.firmware), device_text(.device))]
    OtherApp {
        /// The bundle's app.
        firmware: String,
        /// The device's app.
        device: String,
    },
    /// The firmware's version is older than the running one.
    #[error(
        "the firmware is version {}, which is older than {}, which the device runs",
        device_text(.firmware),
        device_text(.device)
    )]
    Older {
        /// The bundle's version.
        firmware: String,
        /// The running version.
        device: String,
    },
    /// The device lacks methods that the update needs.
    #[error("the device has no {}, which the update needs", .names.join(", "))]
    MethodsMissing {
        /// The names of the missing methods.
        names: Vec<&'static str>,
    },
    /// The device requires signatures that the bundle lacks or that are not valid.
    #[error("the device does not take the bundle: {}", joined(.lacks))]
    NotSigned {
        /// The signatures that are missing or not valid, and why.
        lacks: Vec<SignatureGap>,
    },
    /// The device's settings reject every bundle, whatever its signatures.
    #[error("the device takes no updates: its update.sig_req_mask is 0")]
    TakesNoUpdates,
    /// The firmware's file system is too large for the device.
    #[error("the firmware's file system has {image} bytes, and that of the device holds {holds}")]
    FileSystemTooLarge {
        /// The size of the image in bytes.
        image: u64,
        /// The capacity of the device's file system in bytes.
        holds: u64,
    },
    /// The device has the OTA service of 2017, whose `OTA.Update` takes other arguments.
    #[error(
        "the device's OTA.Update takes `blob_url` in place of `url`: its OTA service is that of 2017, which otactl cannot update"
    )]
    WantsBlobUrl,
    /// The device has no commit timeout.
    #[error(
        "the device's {method} takes no commit_timeout: the new firmware commits itself when it starts, and never rolls back"
    )]
    NoWayBack {
        /// The method that begins the update.
        method: &'static str,
    },
    /// The running firmware is not committed yet.
    #[error("the device runs {build}, which is not committed yet: {boot}")]
    Uncommitted {
        /// The running build.
        build: Build,
        /// The boot state.
        boot: BootState,
    },
    /// `--commit-port` leads to another device.
    #[error("`--commit-port` leads to another device: {second}, not {first}")]
    OtherDevice {
        /// The id of the device to update.
        first: String,
        /// The id of the device behind `--commit-port`.
        second: String,
    },
    /// A push is requested, but the device does not support it.
    #[error("the device does not support a push: it has no OTA.Begin, OTA.Write and OTA.End")]
    CannotPush,
    /// The device would roll back before the checks have ended.
    #[error(
        "the health checks may take {} together, which is too long for a commit timeout of {}",
        for_humans(*.longest),
        for_humans(*.commit_timeout)
    )]
    ChecksTooLong {
        /// The longest time that the checks may take together.
        longest: Duration,
        /// The commit timeout of the update.
        commit_timeout: Duration,
        /// A sufficient commit timeout, in whole seconds.
        would_do: Duration,
    },
    /// An update is already running on the device.
    #[error("an update is already running on the device ({percent} % done)")]
    UpdateRunning {
        /// The progress in percent.
        percent: u8,
    },
}

/// A signature that the device requires, and that is missing or not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignatureGap {
    /// The number of the signature and of the key. 8 to 62 are possible in the device's settings, but no such signature exists.
    pub number: u8,
    /// The reason.
    pub flaw: Flaw,
}

/// The reason for which a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flaw {
    /// The bundle has no such signature.
    NoSignature,
    /// The signature was made with another key, or for another manifest.
    NotValid,
    /// The device has no key of this number.
    NoKey,
    /// The device's key cannot be read.
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

/// Returns the descriptions of all gaps, separated by semicolons.
pub(in crate::update) fn joined(lacks: &[SignatureGap]) -> String {
    lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
