//! Health checks: the user's own checks, which the new firmware has to pass before the commit.
//!
//! - [`rpc`]: calls a method of the device; [`contains`] compares its result with the expected one;
//! - [`command`]: runs a program on this machine; `output` keeps the end of its output;
//! - [`http`]: requests a URL;
//! - `soak`: the device must run for some time without a reboot;
//! - `failure`: the result of one check.
//!
//! The checks run one after another, each with its own deadline. All of them end early enough to leave time for the commit.

pub mod command;
pub mod contains;
mod failure;
pub mod http;
mod output;
pub mod rpc;
mod soak;

use std::time::Duration;

use tokio::time::Instant;

pub use command::CommandCheck;
pub use http::HttpCheck;
pub use rpc::RpcCheck;

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::{Failure, Refusal, Unhealthy};
use super::poll::read_again;
use super::reboot::{self, RebootLimits};
use super::verdict::rebooted;
use crate::rpc::Device;
use crate::rpc::deadline::deadline_in;
use crate::text::for_humans;
use failure::{CheckFailure, CheckFailureKind, Passed, call_lacks_files};

/// The name of the soak check.
const SOAK_NAME: &str = "soak";

/// The checks that the new firmware has to pass.
#[derive(Debug, Clone)]
pub struct Checks {
    /// The checks, in the order in which they run.
    pub checks: Vec<Check>,
    /// How long the device must run without a reboot after all other checks have passed.
    pub soak: Option<Duration>,
    /// How long each check may take. Default: 30 s.
    pub timeout: Duration,
}

/// One check.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Check {
    /// Calls a method of the device.
    Rpc(RpcCheck),
    /// Runs a program on this machine.
    Command(CommandCheck),
    /// Requests a URL.
    Http(HttpCheck),
}

impl Default for Checks {
    fn default() -> Self {
        Self { checks: Vec::new(), soak: None, timeout: Duration::from_secs(30) }
    }
}

impl Checks {
    /// Tells whether there is no check.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.soak.is_none()
    }

    /// Returns how long all checks may take together.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let count = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.timeout.saturating_mul(count).saturating_add(self.soak.unwrap_or_default())
    }

    /// Refuses checks that may take longer than the commit timeout allows.
    pub fn fit(&self, commit_timeout: Duration) -> Result<(), Refusal> {
        let longest = self.longest();
        if self.is_empty() || longest.saturating_add(commit_margin(commit_timeout)) < commit_timeout {
            return Ok(());
        }
        // With the longest margin, rounded up to ten seconds.
        let would_do = (longest.as_secs().saturating_add(MAX_COMMIT_MARGIN.as_secs()) / 10 + 1).saturating_mul(10);
        Err(Refusal::ChecksTooLong { longest, commit_timeout, would_do: Duration::from_secs(would_do) })
    }
}

/// The longest time that is reserved for the commit.
const MAX_COMMIT_MARGIN: Duration = Duration::from_secs(10);

/// Returns the part of the commit timeout that is reserved for the commit: a tenth, between 1 s and [`MAX_COMMIT_MARGIN`].
fn commit_margin(commit_timeout: Duration) -> Duration {
    (commit_timeout / 10).clamp(Duration::from_secs(1), MAX_COMMIT_MARGIN)
}

impl Check {
    /// Returns the name of the check, bounded and safe to print. A URL appears without its secrets, and a program as the user wrote it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Rpc(check) => check.name(),
            Self::Command(check) => check.name(),
            Self::Http(check) => check.name(),
        }
    }

    async fn run(&self, device: &Device, now: &DeviceState, deadline: Instant) -> Result<Passed, CheckFailure> {
        match self {
            Self::Rpc(check) => check.run(device, deadline).await?,
            Self::Command(check) => check.run(now, deadline).await?,
            Self::Http(check) => return check.run(now, deadline).await,
        }
        Ok(Passed::default())
    }
}

/// The result of all checks.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The firmware is healthy. Holds the device state after the checks.
    Healthy(DeviceState),
    /// The firmware is not healthy. Holds the last known device state.
    Unhealthy(DeviceState, Unhealthy),
}

/// Checks the firmware that runs in `now`, and reads the device state again.
///
/// Fails if that firmware no longer runs: there is nothing to revert then.
pub(super) async fn run_checks(
    device: &Device,
    (checks, commit): (&Checks, bool),
    limits: RebootLimits,
    now: DeviceState,
    observer: &dyn Observer,
) -> Result<Verdict, Failure> {
    // The commit reads the state itself.
    if checks.is_empty() && (commit || now.is_fresh()) {
        return Ok(Verdict::Healthy(now));
    }
    let result = check_all(device, checks, &now, observer).await;
    // With short timeouts: a device that is just rebooting receives none of the questions.
    let after = match read_again(&now, device, limits.reboot_timeout).await {
        // The device is about to roll back, and its boot state already shows it.
        Ok(after) if after.boot.is_in_another_slot(&now.boot) && !rebooted(&now, &after) => {
            reboot::wait(device, &now, limits).await?
        }
        Ok(after) => after,
        Err(error) => {
            let silent = || {
                if error.call().is_some_and(call_lacks_files) {
                    Unhealthy::NotChecked { check: None, reason: error.into() }
                } else {
                    Unhealthy::Silent { reason: error.into() }
                }
            };
            let unhealthy = result.err().unwrap_or_else(silent);
            return Ok(Verdict::Unhealthy(now, unhealthy));
        }
    };
    // A committed firmware does not roll back. The same build in another slot comes from another update.
    let is_updated_again = now.boot.is_committed && after.build() == now.build();
    if after.running() != now.running() && !is_updated_again {
        return Err(Failure::rolled_back(&after, &now));
    }
    Ok(match result {
        Ok(()) => Verdict::Healthy(after),
        Err(unhealthy) => Verdict::Unhealthy(after, unhealthy),
    })
}

/// Runs one check after another, until one fails.
async fn check_all(
    device: &Device,
    checks: &Checks,
    now: &DeviceState,
    observer: &dyn Observer,
) -> Result<(), Unhealthy> {
    let end = checks_deadline(now);
    for check in &checks.checks {
        let limit = CheckLimit::new(checks.timeout, end);
        run_observed(check.name(), &limit, observer, check.run(device, now, limit.deadline)).await?;
    }
    if let Some(lasting) = checks.soak {
        // A device that is silent at the end of the soak may still answer within the timeout of a call.
        let limit = CheckLimit::new(lasting.saturating_add(device.timeout()), end);
        let run = async { soak::run(device, now, lasting, limit.deadline).await.map(|()| Passed::default()) };
        run_observed(SOAK_NAME.into(), &limit, observer, run).await?;
    }
    Ok(())
}

/// Returns when the last check has to end, if the device will roll back by itself. `None` as well if the device reports a commit timeout
/// that is too large for the clock.
fn checks_deadline(now: &DeviceState) -> Option<Instant> {
    let margin = commit_margin(Duration::from_secs(now.boot.commit_timeout));
    Instant::now().checked_add(now.reverts_in()?.saturating_sub(margin))
}

/// The time limit of one check.
struct CheckLimit {
    allowed: Duration,
    deadline: Instant,
    /// Whether the rollback of the device limits the check, instead of its own timeout.
    is_before_rollback: bool,
}

impl CheckLimit {
    fn new(allowed: Duration, end: Option<Instant>) -> Self {
        let own = deadline_in(allowed);
        let deadline = end.map_or(own, |end| own.min(end));
        Self { allowed, deadline, is_before_rollback: deadline < own }
    }

    fn explain(&self, last: &str) -> String {
        if self.is_before_rollback {
            format!("it has not passed in the time until the device rolls back ({last})")
        } else {
            format!("it has not passed within {} ({last})", for_humans(self.allowed))
        }
    }
}

/// Runs a check and reports its start and its result to the observer.
async fn run_observed(
    check: String,
    limit: &CheckLimit,
    observer: &dyn Observer,
    run: impl Future<Output = Result<Passed, CheckFailure>>,
) -> Result<(), Unhealthy> {
    let started = Instant::now();
    let left = limit.deadline.saturating_duration_since(started);
    let deadline_in = (left + Duration::from_millis(500)).as_secs();
    observer.on(&Event::Checking { check: check.clone(), deadline_in });
    let result = if left.is_zero() { Err(CheckFailure::timed_out("it was not begun")) } else { run.await };
    let CheckFailure { kind, is_ours, output } = match result {
        Ok(Passed { proxy }) => {
            let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            observer.on(&Event::Checked { check, took_ms, proxy });
            return Ok(());
        }
        Err(failure) => failure,
    };
    let reason = match kind {
        CheckFailureKind::Failed(reason) => reason,
        CheckFailureKind::TimedOut(last) => limit.explain(&last),
    };
    observer.on(&Event::CheckFailed { check: check.clone(), reason: reason.clone() });
    Err(if is_ours {
        Unhealthy::NotChecked { check: Some(check), reason: reason.into() }
    } else {
        Unhealthy::Check { check, reason, output }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(count: usize, timeout: u64, soak: Option<u64>) -> Checks {
        let check = Check::Rpc("RPC.Ping".parse().expect("a check"));
        let seconds = Duration::from_secs;
        Checks { checks: vec![check; count], soak: soak.map(seconds), timeout: seconds(timeout) }
    }

    #[test]
    fn checks_longer_than_the_commit_timeout_are_refused() {
        for (checks, commit_timeout, would_do) in [
            (checks(0, 30, None), 1, None),
            (checks(9, 30, None), 300, None),
            (checks(10, 30, None), 300, Some(320)),
            (checks(9, 30, Some(20)), 300, Some(310)),
            (checks(0, 30, Some(300)), 300, Some(320)),
            (checks(1, 5, None), 7, None),
            (checks(1, 5, None), 6, Some(20)),
            (checks(2, u64::from(u32::MAX), None), 300, Some(8_589_934_610)),
        ] {
            let refused = checks.fit(Duration::from_secs(commit_timeout));
            let expected = would_do.map(Duration::from_secs);
            let got = refused.as_ref().err().map(|refusal| match refusal {
                Refusal::ChecksTooLong { would_do, .. } => *would_do,
                other => panic!("{other:?}"),
            });
            assert_eq!(got, expected, "{} checks, soak {:?}, {commit_timeout}", checks.checks.len(), checks.soak);
            if let Some(would_do) = got {
                assert_eq!(checks.fit(would_do), Ok(()), "the suggested timeout of {would_do:?} is sufficient");
            }
        }
    }
}
