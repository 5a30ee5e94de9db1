//! An outcome as data, for programs.

use std::time::Duration;

use serde::Serialize;

use super::unhealthy::{RevertResult, Unhealthy};
use super::{Failure, Success};
use crate::bundle::manifest::Build;
use crate::ota::Slot;
use crate::update::device_state::Running;

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
