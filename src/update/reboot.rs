//! Waits for a device to come back after its reboot. A chip that resets closes no connection: it is silent, and then answers
//! with a lower uptime.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::device_state::{DeviceState, Running};
use super::outcome::Failure;
use super::poll::{Poll, first_timeout};
use super::settle::APPLIED_TO_REBOOT;
use super::verdict::{is_same_boot, rebooted};
use crate::bundle::manifest::Build;
use crate::ota::SystemInfo;
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device};

/// The least time between two questions.
const PACE: Duration = Duration::from_millis(50);

/// The shortest timeout of the first question. A device that goes silent just then never answers it.
const FIRST: Duration = Duration::from_millis(50);

/// The calls, of the longest timeout each, in which a device that is back has to tell its state.
const CALLS: u32 = 3;

/// What was heard of the device last.
#[derive(Default)]
struct Last {
    /// The firmware that still runs, as the device said when it should have rebooted.
    still_runs: Option<Running>,
    /// Why the last question brought nothing.
    said: Option<String>,
    /// The device answers, but does not say what it runs.
    answers: bool,
}

/// The time limits of a reboot.
#[derive(Debug, Clone, Copy)]
pub(super) struct RebootLimits {
    /// From the request to reboot until the first answer.
    pub(super) reboot_timeout: Duration,
    /// How long the device may go on answering before otactl reports that it does not reboot.
    pub(super) reboot_start: Duration,
    /// From the reboot until the device rolls back, unless it is committed.
    pub(super) commit_timeout: Duration,
}

/// Returns the state of the device after its reboot.
pub(super) async fn wait(device: &Device, before: &DeviceState, limits: RebootLimits) -> Result<DeviceState, Failure> {
    let started = Instant::now();
    // The boot was not seen. It began after this.
    let reverts_in = || limits.commit_timeout.saturating_sub(started.elapsed());
    let enough = first_timeout(device, before);
    let mut poll = Poll::after(device, before)
        .within(limits.commit_timeout)
        .until(deadline_in(limits.reboot_timeout))
        .starting_with(enough.min((before.slowest() * 4).max(FIRST)));
    let mut last = Last::default();
    let until = deadline_in(limits.reboot_timeout);
    let mut reads_until = None;
    loop {
        let next = Instant::now() + PACE;
        // A question that the deadline cuts short proves nothing, and what was heard before it still counts.
        let Ok(answer) = timeout_at(until, poll.info()).await else { break };
        let answer = match answer {
            Ok(there) if before.other_device(&there.reply).is_some() => {
                Ok(Answer::Other(before.other_device(&there.reply)))
            }
            Ok(there) if is_same_boot(before, &there.reply, (there.asked, there.heard)) => {
                Ok(Answer::Still(there.asked))
            }
            Ok(there) => {
                // It has answered in time. A slow device gets the time of a few calls to say the rest.
                let time = device.timeout().saturating_mul(CALLS);
                let until = until.max(*reads_until.get_or_insert_with(|| deadline_in(time)));
                last = Last { said: Some(not_read(&there.reply)), answers: true, ..Last::default() };
                let Ok(state) = timeout_at(until, poll.complete(there)).await else { break };
                state.map(|after| Answer::of(before, after))
            }
            Err(error) => Err(error),
        };
        match answer {
            Ok(Answer::Rebooted(after)) => return Ok(*after),
            Ok(Answer::Other(said)) => last = Last { said, ..Last::default() },
            // A late answer tells what ran when it was asked for.
            Ok(Answer::Still(asked)) if asked - started > limits.reboot_start => {
                return Err(Failure::DidNotReboot(before.running()));
            }
            Ok(Answer::Still(asked)) => {
                let said = Some("it still answers from before the reboot".into());
                let is_late = asked - started >= APPLIED_TO_REBOOT;
                last = Last { still_runs: is_late.then(|| before.running()), said, answers: false };
            }
            Err(reason @ CallError::Unauthorised { .. }) => {
                return Err(Failure::AccessDenied { reason, reverts_in: reverts_in() });
            }
            Err(error) => {
                let answers = matches!(
                    error,
                    CallError::Remote { .. } | CallError::WrongShape { .. } | CallError::Unreadable { .. }
                );
                last =
                    Last { still_runs: None, said: Some(error.with_elapsed(started.elapsed()).to_string()), answers };
            }
        }
        sleep_until(next).await;
    }
    if let Some(running) = last.still_runs.filter(|_| !poll.is_silent()) {
        return Err(Failure::DidNotReboot(running));
    }
    Err(Failure::NoResponse {
        answers: last.answers,
        after: limits.reboot_timeout,
        last: last.said.unwrap_or_else(|| "nothing was heard of it".into()),
        reverts_in: reverts_in(),
    })
}

/// An answer while the device may be rebooting.
enum Answer {
    /// The state after the reboot.
    Rebooted(Box<DeviceState>),
    /// The device had not rebooted when it was asked, at this time.
    Still(Instant),
    /// Another device answers, in words.
    Other(Option<String>),
}

impl Answer {
    fn of(before: &DeviceState, after: DeviceState) -> Self {
        let stranger = before.other_device(&after.info);
        if stranger.is_some() {
            Self::Other(stranger)
        } else if rebooted(before, &after) {
            Self::Rebooted(Box::new(after))
        } else {
            Self::Still(after.last_asked)
        }
    }
}

fn not_read(info: &SystemInfo) -> String {
    let build = Build { version: info.fw_version.clone(), build_id: info.fw_id.clone() };
    format!("it runs {build}, and did not say whether that is committed")
}
