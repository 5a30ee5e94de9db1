//! The outcome of an update as data, for `--json`.

use std::time::Duration;

use serde::Serialize;

use super::failure::Failure;
use super::success::Success;
use super::unhealthy::{RevertResult, Unhealthy};
use crate::bundle::manifest::Build;
use crate::ota::Slot;
use crate::update::device_state::Running;

/// The fields of an outcome, without its message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[non_exhaustive]
pub struct Facts {
    /// The name of the outcome.
    pub outcome: &'static str,
    /// The running firmware and its slot, if known.
    #[serde(flatten)]
    pub running: Option<Running>,
    /// The wanted build, if it is known and another build runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted: Option<Build>,
    /// The slot that holds the wanted build, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wanted_slot: Option<Slot>,
    /// The name of the failed check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Why the check or the update failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The last lines that the program of the check wrote.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
    /// Bytes of the firmware that otactl sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The size of the bundle in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Seconds until the device rolls back by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverts_in: Option<u64>,
}

impl Facts {
    fn named(outcome: &'static str) -> Self {
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
    /// Returns the fields of this outcome.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            Self::AlreadyCurrent(running) => Facts::named("already_current").running(running),
            Self::Updated(running) => Facts::named("updated").running(running),
            Self::LeftUncommitted { running, reverts_in } => {
                Facts::named("left_uncommitted").running(running).reverts_in(*reverts_in)
            }
            Self::Planned => Facts::named("planned"),
        }
    }
}

impl Unhealthy {
    fn facts(&self) -> Facts {
        let facts = Facts::named("unhealthy");
        match self {
            Self::WrongBuild { wanted } => Facts { wanted: Some(wanted.clone()), ..facts },
            Self::Check { check, reason, output } => {
                Facts { check: Some(check.clone()), reason: Some(reason.clone()), output: output.clone(), ..facts }
            }
            Self::NotChecked { check, reason } => {
                Facts { outcome: "not_committed", check: check.clone(), reason: Some(reason.to_string()), ..facts }
            }
            Self::Silent { reason } => Facts { reason: Some(reason.to_string()), ..facts },
        }
    }
}

impl Failure {
    /// Returns the fields of this outcome.
    #[must_use]
    pub fn facts(&self) -> Facts {
        match self {
            // The device may have written the snapshot.
            Self::NotCopied(error) if error.may_have_arrived() => Facts::named("unknown"),
            Self::Call(_) | Self::ReadState(_) | Self::NotCopied(_) => Facts::named("untouched"),
            Self::Refused(_) | Self::Serve(_) | Self::Download(_) => Facts::named("refused"),
            Self::NeverFetched { .. } => Facts::named("never_fetched"),
            Self::Unlicensed { error } => Facts { reason: Some(error.clone()), ..Facts::named("never_fetched") },
            Self::NotDownloaded { here, .. } => {
                Facts { reason: Some(here.to_string()), ..Facts::named("download_failed") }
            }
            Self::UrlUnreachable { error } => Facts { reason: Some(error.clone()), ..Facts::named("download_failed") },
            Self::DownloadFailed { taken, .. } => Facts {
                bytes: taken.map(|(sent, _)| sent),
                total: taken.map(|(_, total)| total),
                ..Facts::named("download_failed")
            },
            Self::DidNotReboot(running) => Facts::named("did_not_reboot").running(running),
            Self::NothingNew { running, .. } => Facts::named("nothing_new").running(running),
            Self::RolledBack { old, wanted, slot } => {
                Facts { wanted: wanted.clone(), wanted_slot: *slot, ..Facts::named("rolled_back").running(old) }
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
                Facts::named("unreachable").reverts_in(Some(*reverts_in))
            }
            Self::NotCommitted { running, reverts_in, .. } | Self::Replaced { running, reverts_in, .. } => {
                Facts::named("not_committed").running(running).reverts_in(*reverts_in)
            }
            Self::CommitUnseen { reverts_in, .. } | Self::ContactLost { reverts_in, .. } => {
                Facts::named("unknown").reverts_in(*reverts_in)
            }
        }
    }
}
