//! Waits until a device answers after its reboot.
//!
//! A device that resets closes no connection. It is silent, and then answers with a lower uptime.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::device_state::{DeviceState, Running};
use super::outcome::{Failure, FailureReason};
use super::poll::{Poll, first_timeout};
use super::read_state_error::ReadStateError;
use super::settle::APPLIED_TO_REBOOT;
use super::verdict::{is_same_boot, rebooted};
use crate::bundle::manifest::Build;
use crate::ota::SystemInfo;
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device};

/// The shortest interval between two questions.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// The longest interval between two questions to a device that answers with an error of its own.
const MAX_ERROR_INTERVAL: Duration = Duration::from_millis(500);

/// The shortest timeout of the first question. A device that reboots at that moment never answers it.
const MIN_FIRST_TIMEOUT: Duration = Duration::from_millis(50);

/// The time in call timeouts that a device has to report its state after its first answer.
const STATE_READ_CALLS: u32 = 3;

/// The last reply or error of the device.
#[derive(Default)]
struct LastReply {
    /// The firmware that still ran when the device should have rebooted, as it reported.
    still_runs: Option<Running>,
    /// Why the last question did not show the state after the reboot.
    reason: Option<FailureReason>,
    /// Whether the device answers, but does not report what it runs.
    answers: bool,
}

/// The time limits of a reboot.
#[derive(Debug, Clone, Copy)]
pub(super) struct RebootLimits {
    /// From the request to reboot until the first reply.
    pub(super) reboot_timeout: Duration,
    /// How long the device may go on answering before otactl reports that it does not reboot.
    pub(super) reboot_start: Duration,
    /// From the reboot until the device rolls back, unless it is committed.
    pub(super) commit_timeout: Duration,
}

/// Waits for the reboot and returns the state of the device after it.
pub(super) async fn wait(device: &Device, before: &DeviceState, limits: RebootLimits) -> Result<DeviceState, Failure> {
    let started = Instant::now();
    // otactl did not see the boot. It began after `started`.
    let reverts_in = || limits.commit_timeout.saturating_sub(started.elapsed());
    let usual_timeout = first_timeout(device, before);
    let mut poll = Poll::after(device, before)
        .within(limits.commit_timeout)
        .until(deadline_in(limits.reboot_timeout))
        .starting_with(usual_timeout.min((before.slowest() * 4).max(MIN_FIRST_TIMEOUT)));
    let mut last = LastReply::default();
    let until = deadline_in(limits.reboot_timeout);
    let mut reads_until = None;
    // Not a `Repeat`: the deadline ends a question, the first answer moves it, and most errors of the device may still pass.
    loop {
        let (asked, mut interval) = (Instant::now(), PROBE_INTERVAL);
        // A question that the deadline cuts short proves nothing. The last reply before it still counts.
        let Ok(answer) = timeout_at(until, poll.info()).await else { break };
        let answer = answer.map_err(ReadStateError::from).and_then(|there| match before.other_device(&there.reply) {
            Some(other) => Err(ReadStateError::OtherDevice(other)),
            None => Ok(there),
        });
        let answer = match answer {
            Ok(there) if is_same_boot(before, &there.reply, (there.asked, there.heard)) => {
                Ok(RebootReply::Still(there.asked))
            }
            Ok(there) => {
                // The device has answered in time. A slow device gets the time of a few more calls to report the rest.
                let time = device.timeout().saturating_mul(STATE_READ_CALLS);
                let until = until.max(*reads_until.get_or_insert_with(|| deadline_in(time)));
                last = LastReply {
                    reason: Some(without_boot_state(&there.reply).into()),
                    answers: true,
                    ..LastReply::default()
                };
                let Ok(state) = timeout_at(until, poll.complete(there)).await else { break };
                state.and_then(|after| before.same_device(after)).map(|after| RebootReply::compare(before, after))
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(RebootReply::Rebooted(after)) => return Ok(*after),
            // A late reply shows what ran when the question was sent.
            Ok(RebootReply::Still(asked)) if asked - started > limits.reboot_start => {
                return Err(Failure::DidNotReboot(before.running()));
            }
            Ok(RebootReply::Still(asked)) => {
                let reason = Some("it still answers from before the reboot".into());
                let is_late = asked - started >= APPLIED_TO_REBOOT;
                last = LastReply { still_runs: is_late.then(|| before.running()), reason, answers: false };
            }
            Err(ReadStateError::OtherDevice(other)) => {
                last = LastReply { reason: Some(other.into()), ..LastReply::default() };
            }
            Err(ReadStateError::Call(reason @ CallError::Unauthorised { .. })) => {
                return Err(Failure::AccessDenied { reason, reverts_in: reverts_in() });
            }
            Err(error) => {
                if error.remote_error().is_some_and(|error| error.code != 418) {
                    interval = error_interval(started.elapsed(), until.saturating_duration_since(asked));
                }
                let answers = matches!(
                    error.call(),
                    Some(CallError::Remote { .. } | CallError::WrongShape { .. } | CallError::Unreadable { .. })
                );
                last =
                    LastReply { still_runs: None, reason: Some(error.with_elapsed(started.elapsed()).into()), answers };
            }
        }
        sleep_until(asked + interval).await;
    }
    if let Some(running) = last.still_runs.filter(|_| !poll.is_silent()) {
        return Err(Failure::DidNotReboot(running));
    }
    Err(Failure::NoResponse {
        answers: last.answers,
        after: limits.reboot_timeout,
        last: last.reason.unwrap_or_else(|| "it did not answer".into()),
        reverts_in: reverts_in(),
    })
}

/// Returns the interval to the next question to a device that has answered with an error of its own, `elapsed` after the
/// first question and `left` before the last one.
///
/// Most such errors last: the new firmware lacks a method, or its updater is broken.
fn error_interval(elapsed: Duration, left: Duration) -> Duration {
    (elapsed / 10).min(left / 4).clamp(PROBE_INTERVAL, MAX_ERROR_INTERVAL)
}

/// A reply from a device that may be rebooting.
enum RebootReply {
    /// The state after the reboot.
    Rebooted(Box<DeviceState>),
    /// The device had not rebooted when it was asked, at this time.
    Still(Instant),
}

impl RebootReply {
    fn compare(before: &DeviceState, after: DeviceState) -> Self {
        if rebooted(before, &after) { Self::Rebooted(Box::new(after)) } else { Self::Still(after.last_asked) }
    }
}

fn without_boot_state(info: &SystemInfo) -> String {
    let build = Build { version: info.fw_version.clone(), build_id: info.fw_id.clone() };
    format!("it runs {build}, and did not say whether that is committed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interval_after_an_error_grows_and_shrinks_before_the_deadline() {
        for (elapsed, left, expected) in [
            (0, 60_000, 50),
            (500, 60_000, 50),
            (2000, 60_000, 200),
            (5000, 60_000, 500),
            (30_000, 60_000, 500),
            (58_000, 1200, 300),
            (60_000, 0, 50),
        ] {
            let [elapsed, left, expected] = [elapsed, left, expected].map(Duration::from_millis);
            assert_eq!(error_interval(elapsed, left), expected, "{elapsed:?} {left:?}");
        }
    }
}
