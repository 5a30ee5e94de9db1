//! Handles an update that another run left on the device, or that remains after this run failed. `OTA.End` ends a push. Only a
//! reboot ends a download; until then, a device of 2019 to 2022 asks for the rest (as recorded in wire/ota2022-ws.json, cases
//! `end_while_pull_runs` and `pull_reboot_ends_it`).

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::{Failure, FailureReason, Refusal};
use super::plan::Plan;
use super::poll::{Poll, first_timeout};
use super::push::{Aborted, abort};
use super::repeat::Repeat;
use super::verdict::rebooted;
use crate::ota::{self, Status};
use crate::rpc::client::Links;
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device};

/// The interval between two calls to a device that reboots.
const REBOOT_PROBE_INTERVAL: Duration = Duration::from_millis(50);

/// The interval between two questions about an update of another client, through a broker that all devices share.
const BROKER_PROBE_INTERVAL: Duration = Duration::from_secs(3);

/// Waits until the update on the device has ended, and ends it if it makes no progress for too long.
///
/// An update that makes progress belongs to another client. It is left alone, and the result is `Refusal::UpdateRunning`.
pub(super) async fn outlast(
    device: &Device,
    plan: &Plan,
    first: &Status,
    now: &DeviceState,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let refused = |percent| Failure::Refused(Refusal::UpdateRunning { percent });
    let started = Instant::now();
    let (mut percent, mut changed) = (first.percent(), started);
    // A slow update is not abandoned, so the limit depends on the time of the last percent.
    let mut last_percent_took = Duration::ZERO;
    let interval = if device.links() == Links::Shared { BROKER_PROBE_INTERVAL } else { plan.timeouts.probe_interval };
    observer.on(&Event::Busy { percent });
    // Not a `Repeat`: the device answers, and each progress that it reports moves the deadline.
    while changed.elapsed() < plan.timeouts.no_progress.max(last_percent_took * 2) {
        sleep(interval).await;
        match device.call(ota::GetStatus {}).await {
            Ok(status) if !status.is_running() => return Ok(()),
            Ok(status) if status.percent() != percent => {
                last_percent_took = changed.elapsed();
                (percent, changed) = (status.percent(), Instant::now());
                // Chunks that were in flight when the other client died arrive within `transfer_idle`.
                if started.elapsed() >= plan.timeouts.transfer_idle {
                    return Err(refused(percent));
                }
            }
            Ok(_) => {}
            // The device reboots. The next read of its state waits for that.
            Err(error) if error.is_transient() => return Ok(()),
            Err(error) => return Err(Failure::Call(error)),
        }
    }
    if plan.no_abort {
        return Err(refused(percent));
    }
    let ended = |by_reboot| Event::Ended { percent, by_reboot, is_ours: false };
    match end(device, plan, now, observer).await {
        EndUpdateResult::Push => observer.on(&ended(false)),
        EndUpdateResult::Download => observer.on(&ended(true)),
        EndUpdateResult::ByItself => {}
        EndUpdateResult::Not => return Err(refused(percent)),
        EndUpdateResult::Unseen(last) => return Err(no_response("an abandoned download", last)),
    }
    Ok(())
}

/// Ends a failed pull of this run, if the device still waits for the rest. Returns whether the device accepts another update.
///
/// Until its timeout, the device would refuse every other update. `has_fetched` says whether the device requested the firmware
/// from this server. If it did not and reports progress, the update belongs to another client: `Refusal::UpdateRunning`.
pub(super) async fn give_up(
    device: &Device,
    plan: &Plan,
    before: &DeviceState,
    has_fetched: bool,
    observer: &dyn Observer,
) -> Result<bool, Failure> {
    let timeout = first_timeout(device, before);
    let percent = match device.call_within(ota::GetStatus {}, timeout).await {
        Ok(status) if status.is_receiving() => status.percent(),
        Ok(_) => return Ok(true),
        Err(error) => return Ok(!error.is_transient()),
    };
    if !has_fetched && percent > 0 {
        return Err(Failure::Refused(Refusal::UpdateRunning { percent }));
    }
    if plan.no_abort {
        return Ok(false);
    }
    match end_download(device, plan, before, observer).await {
        EndUpdateResult::Download => {
            observer.on(&Event::Ended { percent, by_reboot: true, is_ours: true });
            Ok(true)
        }
        EndUpdateResult::Push | EndUpdateResult::ByItself => Ok(true),
        EndUpdateResult::Not => Ok(false),
        EndUpdateResult::Unseen(last) => Err(no_response("a download", last)),
    }
}

/// Returns the failure for a device that does not answer after otactl rebooted it.
fn no_response(what: &str, last: CallError) -> Failure {
    let text = format!("otactl rebooted it to end {what}, and it is not back: {last}");
    Failure::ContactLost { reason: FailureReason::from(last).explained(text), reverts_in: None }
}

/// The result of ending an update.
enum EndUpdateResult {
    /// `OTA.End` ended a push.
    Push,
    /// A reboot ended a download.
    Download,
    /// The update had ended before.
    ByItself,
    /// The update still runs.
    Not,
    /// The device did not answer after the reboot. Holds the last error.
    Unseen(CallError),
}

/// Ends the update that runs on the device. `now` is the state of the device before that.
async fn end(device: &Device, plan: &Plan, now: &DeviceState, observer: &dyn Observer) -> EndUpdateResult {
    let timeout = first_timeout(device, now).max(device.timeout());
    observer.on(&Event::Ending);
    match abort(device, timeout).await {
        Aborted::Ended => {
            let status = device.call_within(ota::GetStatus {}, timeout).await;
            if status.is_ok_and(|status| status.is_running()) { EndUpdateResult::Not } else { EndUpdateResult::Push }
        }
        // The device had all of the firmware and reboots into it.
        Aborted::Applied => EndUpdateResult::ByItself,
        // A device of 2018 has no push and no `OTA.End`.
        Aborted::NotPushed | Aborted::Unsupported => end_download(device, plan, now, observer).await,
        Aborted::NotSent | Aborted::Unheard => EndUpdateResult::Not,
    }
}

/// Ends the download that ran when `before` was read, with a reboot. If the device has rebooted since then, that download has
/// ended already, and an update that runs now belongs to another client.
async fn end_download(device: &Device, plan: &Plan, before: &DeviceState, observer: &dyn Observer) -> EndUpdateResult {
    let timeout = first_timeout(device, before).max(device.timeout());
    match DeviceState::read(device, timeout).await {
        Ok(there) if rebooted(before, &there) => return EndUpdateResult::ByItself,
        // A reboot would roll the uncommitted firmware back.
        Ok(there) if !there.boot.is_committed || before.other_device(&there.info).is_some() => {
            return EndUpdateResult::Not;
        }
        Ok(_) => {}
        Err(_) => return EndUpdateResult::Not,
    }
    match device.call_within(ota::GetStatus {}, timeout).await {
        Ok(status) if status.is_running() => {}
        Ok(_) => return EndUpdateResult::ByItself,
        Err(_) => return EndUpdateResult::Not,
    }
    observer.on(&Event::Ending);
    // The reboot may lose the reply, so that only the state afterwards counts.
    match device.call_until_sent(&ota::Reboot::default(), timeout).await {
        Err(error) if error.remote_error().is_some_and(|error| error.code != 418) => EndUpdateResult::Not,
        _ => until_idle(device, before, plan.reboot_timeout).await,
    }
}

/// Asks for the update state until the device reports an idle one after its reboot, for at most `timeout`.
async fn until_idle(device: &Device, now: &DeviceState, timeout: Duration) -> EndUpdateResult {
    let mut poll = Poll::after(device, now);
    let mut repeat = Repeat::until(deadline_in(timeout), REBOOT_PROBE_INTERVAL);
    loop {
        match poll.ask(ota::GetStatus {}).await {
            Ok(status) if !status.is_running() => return EndUpdateResult::Download,
            Err(error) if !error.is_transient() => return EndUpdateResult::Unseen(error),
            _ if repeat.again().await => {}
            Ok(_) => return EndUpdateResult::Not,
            Err(error) => return EndUpdateResult::Unseen(error),
        }
    }
}
