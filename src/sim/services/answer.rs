//! The answer to a call, and the inputs of an answer.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio_tungstenite::tungstenite::Bytes;

use crate::sim::auth::Auth;
use crate::sim::device::UpdateTimeouts;
use crate::sim::signing::UpdateConfig;
use crate::sim::wire::Outcome;

/// The device's answer to a call.
#[derive(Debug, PartialEq)]
pub enum CallAnswer {
    /// The device answers at once.
    Now(Outcome),
    /// The device answers in its next turn, after the replies to calls that arrived together with this one.
    NextTurn {
        /// The outcome.
        outcome: Outcome,
        /// The number of bytes that the device writes before it replies.
        bytes: usize,
    },
    /// A device of 2018 answers when the download has ended.
    AfterDownload {
        /// The URL of the bundle.
        url: String,
        /// The longest duration of the download.
        timeout: Duration,
        /// The number of the update.
        number: u64,
    },
    /// The device answers when the pull that starts now has ended.
    Pull {
        /// The URL of the bundle.
        url: String,
        /// The timeouts that the caller requests.
        timeouts: UpdateTimeouts,
        /// The number of the pull.
        number: u64,
    },
    /// The device answers when the update that already runs has ended.
    Waits,
    /// The answer is known when the turn is finished.
    Pending,
    /// The answer is known when the turn is finished. An earlier pending call is dismissed.
    Replaces,
    /// The device does not answer.
    Never,
}

impl CallAnswer {
    /// Returns the outcome, if it is known.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Self::Now(outcome) | Self::NextTurn { outcome, .. } => Some(outcome),
            _ => None,
        }
    }
}

/// The inputs of an answer besides the state of the device.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// The device's id.
    pub id: &'a str,
    /// The caller's address, as `RPC.Ping` reports it.
    pub channel: &'a str,
    /// The device's own address.
    pub ip: &'a str,
    /// The credentials that the device accepts.
    pub auth: Option<&'a Auth>,
    /// The signatures that the device requires.
    pub update: &'a UpdateConfig,
    /// Whether the device has a licence, and so accepts firmware from any URL.
    pub licensed: bool,
    /// The files in the device's file system, by name.
    pub files: &'a BTreeMap<String, Bytes>,
    /// The device's clock, as a Unix time in seconds.
    pub unix_time: u64,
}
