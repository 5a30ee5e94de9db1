//! Failures of an update.

use std::io;
use std::time::Duration;

use otactl::update;
use otactl::update::outcome::{RevertResult, Unhealthy};
use otactl::update::serve::ServeError;

use super::Failure;
use super::refusal::refusal_hint;
use super::undelivered::undelivered;
use super::unknown::unknown_hint;
use crate::cli::clock::{at, rollback_time};

impl From<update::Failure> for Failure {
    fn from(failure: update::Failure) -> Self {
        use update::Failure as F;

        let facts = Some(Box::new(failure.facts()));
        let shown = Self { facts, ..Self::of(failure.kind().into(), &failure) };
        let shown = match &failure {
            // The failure has two causes: why the firmware is not committed, and why it is not reverted.
            F::Unhealthy { revert_result: RevertResult::NotReverted { reason, .. }, .. } => shown.caused_by(reason),
            _ => shown,
        };
        let hint = match failure {
            F::Call(error) => return Self { facts: shown.facts, ..error.into() },
            F::ReadState(error) => return Self { facts: shown.facts, ..error.into() },
            F::NotCopied(error) => {
                let hint = "the update has not begun; without `--snapshot-first` the update makes no copy";
                return Self { message: shown.message, facts: shown.facts, ..Self::from(error).hint(hint) };
            }
            F::Refused(refusal) => refusal_hint(&refusal),
            F::Serve(error) => serve_hint(&error).into(),
            failure @ (F::NeverFetched { .. }
            | F::Unlicensed { .. }
            | F::UrlUnreachable { .. }
            | F::NotDownloaded { .. }
            | F::Download(_)
            | F::DownloadFailed { .. }) => undelivered(failure),
            F::ContactLost { .. } => {
                "the device may have gone on by itself: once it answers, `otactl show` shows where it stands, and \
                 the same command goes on from there"
                    .into()
            }
            F::DidNotReboot { .. } => {
                "the firmware is in the other slot; `otactl reboot` may start it, and the same command goes on from \
                 there"
                    .into()
            }
            F::NothingNew { .. } => {
                "a device does not install firmware that the device, or the server of the URL, considers installed already".into()
            }
            F::RolledBack { .. } => {
                "the new firmware crashed, was reset or was not committed in time; look at the device's console while it \
                 boots"
                    .into()
            }
            F::Unhealthy { revert_result: RevertResult::NotReverted { reverts_in, .. } | RevertResult::Left { reverts_in }, .. } => {
                uncommitted_hint(reverts_in)
            }
            F::Unhealthy { reason: Unhealthy::WrongBuild { .. }, .. } => {
                "did the bundle behind the URL change, or did another client update the device? Check, and update again"
                    .into()
            }
            F::Unhealthy { revert_result: RevertResult::Committed, .. } => {
                "`otactl update` with another firmware replaces it; the device will not roll back by itself".into()
            }
            F::Unhealthy { .. } => {
                "`--on-unhealthy leave` keeps such a firmware running until the commit timeout, for inspection".into()
            }
            F::AccessDenied { reverts_in, .. } => {
                format!(
                    "the new firmware requires other credentials; unless it is committed with those, the device rolls \
                     back {} or so",
                    at(reverts_in.as_secs())
                )
            }
            F::CommitUnseen { .. } => {
                "once the device answers, `otactl show` shows it; `otactl commit` commits it again, if need \
                 be"
                    .into()
            }
            F::Replaced { reverts_in, .. } => {
                format!(
                    "the device has another address now: run the same command with that as `--port`, before it rolls back {}",
                    rollback_time(reverts_in)
                )
            }
            F::NotCommitted { reverts_in, .. } => uncommitted_hint(reverts_in),
            F::NoResponse { reverts_in, .. } => {
                format!(
                    "unless the new firmware is committed, the device rolls back to the old one {} or so; once the device answers, perhaps \
                     at another address, the same command goes on from there (--reboot-timeout waits longer)",
                    at(reverts_in.as_secs())
                )
            }
            failure => unknown_hint(&failure).into(),
        };
        shown.hint(hint)
    }
}

/// Returns the hint for a device whose firmware is uncommitted: when the device rolls back.
fn uncommitted_hint(reverts_in: Option<Duration>) -> String {
    format!(
        "the device rolls back {}, unless `otactl commit` keeps what runs; `otactl show` shows it",
        rollback_time(reverts_in)
    )
}

/// Returns the hint for a firmware server that did not start.
fn serve_hint(error: &ServeError) -> &'static str {
    match error {
        ServeError::NoRoute | ServeError::Unroutable { .. } => {
            "say where to serve and under which address the device reaches it: `--listen :8080 --advertise ADDRESS`"
        }
        ServeError::Bind { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => {
            "ports below 1024 belong to the system; choose another with `--listen ADDRESS:PORT`, or leave it to otactl"
        }
        ServeError::Bind { .. } => "choose another with `--listen ADDRESS:PORT`, or leave it to otactl",
        error => unknown_hint(error),
    }
}

#[cfg(test)]
mod tests {
    use otactl::bundle::manifest::Build;
    use otactl::rpc::{CallError, Cause, DialError, Peer};
    use otactl::update::device_state::Running;

    use super::*;

    #[test]
    fn failed_revert_names_both_causes() {
        let call = |kind: io::ErrorKind| CallError::Unreachable {
            peer: Peer::Device("ws://device".into()),
            cause: DialError::NoRoute,
            source: Some(Cause::new(io::Error::from(kind))),
        };
        let failure = update::Failure::Unhealthy {
            running: Running { build: Build { version: "2.0.0".into(), build_id: String::new() }, slot: None },
            reason: Unhealthy::Silent { reason: call(io::ErrorKind::ConnectionRefused).into() },
            revert_result: RevertResult::NotReverted {
                reason: call(io::ErrorKind::ConnectionReset).into(),
                reverts_in: None,
            },
        };
        let failure = Failure::from(failure);
        assert_eq!(failure.causes, ["connection refused", "connection reset"], "{}", failure.message);
    }

    /// The source breaks this hint over lines.
    #[test]
    fn hint_broken_in_the_source_is_one_line() {
        let failure = update::Failure::NoResponse {
            answers: false,
            after: Duration::from_secs(120),
            last: "silence".into(),
            reverts_in: Duration::from_secs(300),
        };
        let failure = Failure::from(failure);
        assert!(failure.hints[0].contains("perhaps at another address"), "{:?}", failure.hints);
    }
}
