//! Is the new firmware well? The user's own checks, which have to pass before the commit.
//!
//! - [`rpc`]: a method of the device, and what its result must contain; [`contains`]: what that means;
//! - [`command`]: a program on this machine; `output`: the last of what it says;
//! - [`http`]: a URL that must be served;
//! - `soak`: for a while, the device must run without a reboot.
//!
//! They run one after another, each with a deadline of its own, and all of them end so early that there
//! is time left for the commit.

pub mod command;
pub mod contains;
pub mod http;
mod output;
pub mod rpc;
mod soak;

use std::io;
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
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device, DialError};
use crate::text::for_humans;

/// What the soak is called among the checks.
const SOAK: &str = "soak";

/// What the new firmware has to pass.
#[derive(Debug, Clone)]
pub struct Checks {
    /// One after another, in this order.
    pub checks: Vec<Check>,
    /// For so long the device must run without a reboot, once all the checks have passed.
    pub soak: Option<Duration>,
    /// How long each check may take.
    pub timeout: Duration,
}

/// One check.
#[derive(Debug, Clone)]
pub enum Check {
    /// A method of the device.
    Rpc(RpcCheck),
    /// A program on this machine.
    Command(CommandCheck),
    /// A URL.
    Http(HttpCheck),
}

impl Default for Checks {
    fn default() -> Self {
        Self { checks: Vec::new(), soak: None, timeout: Duration::from_secs(30) }
    }
}

impl Checks {
    /// Whether the firmware is taken as it is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.soak.is_none()
    }

    /// How long all of them may take together.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let count = u32::try_from(self.checks.len()).unwrap_or(u32::MAX);
        self.timeout.saturating_mul(count).saturating_add(self.soak.unwrap_or_default())
    }

    /// Refuses checks for which the device would not wait, if each took as long as it may.
    pub fn fit(&self, commit_timeout: Duration) -> Result<(), Refusal> {
        let longest = self.longest();
        if self.is_empty() || longest.saturating_add(margin(commit_timeout)) < commit_timeout {
            return Ok(());
        }
        // The longest margin, and rounded up, so that it is a number that a person would write.
        let would_do = (longest.as_secs().saturating_add(MARGIN.as_secs()) / 10 + 1).saturating_mul(10);
        Err(Refusal::ChecksTooLong { longest, commit_timeout, would_do: Duration::from_secs(would_do) })
    }
}

/// The most that is kept for the commit.
const MARGIN: Duration = Duration::from_secs(10);

/// What is kept of the commit timeout for the commit itself: a tenth, within reason.
fn margin(commit_timeout: Duration) -> Duration {
    (commit_timeout / 10).clamp(Duration::from_secs(1), MARGIN)
}

/// How a check has passed.
#[derive(Debug, Default)]
struct Passed {
    /// The proxy through which it asked, without its credentials.
    proxy: Option<String>,
}

/// Why a check has not passed. What a program said stands apart.
#[derive(Debug)]
struct CheckFailure {
    what: FailureKind,
    /// otactl lacks what it needs for the check: it says nothing of the device.
    is_ours: bool,
    /// The last lines that a program wrote, fit to be shown.
    output: Vec<String>,
}

/// What is wrong.
#[derive(Debug)]
enum FailureKind {
    /// This, and it will stay so.
    Failed(String),
    /// It has not passed by its deadline, and this is the last that was seen of it.
    TimedOut(String),
}

impl CheckFailure {
    fn failed(reason: impl Into<String>) -> Self {
        Self { what: FailureKind::Failed(reason.into()), is_ours: false, output: Vec::new() }
    }

    fn timed_out(last: impl Into<String>) -> Self {
        Self { what: FailureKind::TimedOut(last.into()), is_ours: false, output: Vec::new() }
    }

    /// The same for a call that failed with `error`.
    fn of_call(self, error: &CallError) -> Self {
        Self { is_ours: lacks_files(error), ..self }
    }
}

/// The codes of the system for too many open files, of the process and of the system.
#[cfg(unix)]
const TOO_MANY_FILES: [i32; 2] = [24, 23];
#[cfg(not(unix))]
const TOO_MANY_FILES: [i32; 2] = [4, 10024];

/// Whether otactl or its system has too many open files.
fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code))
}

/// The same of a call. A device has such errors too; those come as an answer.
fn lacks_files(error: &CallError) -> bool {
    let CallError::Unreachable { cause: DialError::Other(reason), .. } = error else { return false };
    TOO_MANY_FILES.iter().any(|&code| *reason == io::Error::from_raw_os_error(code).to_string())
}

impl Check {
    /// What it is called, fit to be shown: bounded and printable. A URL stands there without its secrets, a program as
    /// the user wrote it.
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

/// What the checks have shown.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The firmware is well, and this is the device now.
    Healthy(DeviceState),
    /// It is not, and this is the device now, or as it was last seen.
    Unhealthy(DeviceState, Unhealthy),
}

/// Checks the firmware that runs in `now`, and looks at the device again. Fails if it does not run any
/// more: then it is not for us to take it back.
pub(super) async fn run_checks(
    device: &Device,
    (checks, commit): (&Checks, bool),
    limits: RebootLimits,
    now: DeviceState,
    observer: &dyn Observer,
) -> Result<Verdict, Failure> {
    // A commit is followed by a look of its own.
    if checks.is_empty() && (commit || now.is_fresh()) {
        return Ok(Verdict::Healthy(now));
    }
    let result = check(device, checks, &now, observer).await;
    // With short poll: the device may just have reset, and then hears none of them.
    let after = match read_again(&now, device, limits.reboot_timeout).await {
        // It is on its way back already, and says so before it goes.
        Ok(after) if after.boot.is_in_another_slot(&now.boot) && !rebooted(&now, &after) => {
            reboot::wait(device, &now, limits).await?
        }
        Ok(after) => after,
        Err(error) => {
            let reason = error.to_string();
            let silent = || {
                if lacks_files(&error) {
                    Unhealthy::NotChecked { check: None, reason }
                } else {
                    Unhealthy::Silent { reason }
                }
            };
            let unhealthy = result.err().unwrap_or_else(silent);
            return Ok(Verdict::Unhealthy(now, unhealthy));
        }
    };
    // A committed firmware does not roll back: the same build in another slot comes from another update with it.
    let is_updated_again = now.boot.is_committed && after.build() == now.build();
    if after.running() != now.running() && !is_updated_again {
        return Err(Failure::rolled_back(&after, &now));
    }
    Ok(match result {
        Ok(()) => Verdict::Healthy(after),
        Err(unhealthy) => Verdict::Unhealthy(after, unhealthy),
    })
}

/// One check after another, until one does not pass.
async fn check(device: &Device, checks: &Checks, now: &DeviceState, observer: &dyn Observer) -> Result<(), Unhealthy> {
    let end = end(now);
    for check in &checks.checks {
        let limit = Limit::new(checks.timeout, end);
        observed(check.name(), &limit, observer, check.run(device, now, limit.deadline)).await?;
    }
    if let Some(lasting) = checks.soak {
        // A device that is silent at its end may still answer.
        let limit = Limit::new(lasting.saturating_add(device.timeout()), end);
        let run = async { soak::run(device, now, lasting, limit.deadline).await.map(|()| Passed::default()) };
        observed(SOAK.into(), &limit, observer, run).await?;
    }
    Ok(())
}

/// When the last check has to be through, if the device goes back by itself. A device may say any number.
fn end(now: &DeviceState) -> Option<Instant> {
    let margin = margin(Duration::from_secs(now.boot.commit_timeout));
    Instant::now().checked_add(now.reverts_in()?.saturating_sub(margin))
}

/// How long a check may take, and what that is for.
struct Limit {
    allowed: Duration,
    deadline: Instant,
    /// It is the device that does not wait any longer.
    is_last: bool,
}

impl Limit {
    fn new(allowed: Duration, end: Option<Instant>) -> Self {
        let own = deadline_in(allowed);
        let deadline = end.map_or(own, |end| own.min(end));
        Self { allowed, deadline, is_last: deadline < own }
    }

    fn explain(&self, last: &str) -> String {
        if self.is_last {
            format!("the time until the device goes back did not suffice ({last})")
        } else {
            format!("it has not passed within {} ({last})", for_humans(self.allowed))
        }
    }
}

/// Tells the observer of a check, and what came of it.
async fn observed(
    check: String,
    limit: &Limit,
    observer: &dyn Observer,
    run: impl Future<Output = Result<Passed, CheckFailure>>,
) -> Result<(), Unhealthy> {
    let started = Instant::now();
    let left = limit.deadline.saturating_duration_since(started);
    let deadline_in = (left + Duration::from_millis(500)).as_secs();
    observer.on(&Event::Checking { check: check.clone(), deadline_in });
    let result = if left.is_zero() { Err(CheckFailure::timed_out("it was not begun")) } else { run.await };
    let CheckFailure { what, is_ours, output } = match result {
        Ok(Passed { proxy }) => {
            let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            observer.on(&Event::Checked { check, took_ms, proxy });
            return Ok(());
        }
        Err(fault) => fault,
    };
    let reason = match what {
        FailureKind::Failed(reason) => reason,
        FailureKind::TimedOut(last) => limit.explain(&last),
    };
    observer.on(&Event::CheckFailed { check: check.clone(), reason: reason.clone() });
    Err(if is_ours {
        Unhealthy::NotChecked { check: Some(check), reason }
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
    fn checks_have_to_fit_into_the_commit_timeout() {
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
                assert_eq!(checks.fit(would_do), Ok(()), "what is said to do does");
            }
        }
    }
}
