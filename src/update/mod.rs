//! The update of one device, and its verdict.
//!
//! [`run`] goes step by step through the [`plan`]:
//!
//! 1. `preflight`: what is there, what is wanted, and may we; `foreign_update`: an update that runs there already;
//! 2. `snapshot`: what runs is copied first, if that is wanted;
//! 3. `transfer`: the bundle goes into the other slot. The device is told to `fetch` it from our server ([`serve`]) or
//!    from elsewhere; to one that cannot reach us, it is sent piece by piece ([`push`](mod@push));
//! 4. `reboot`: the device is waited for, and what runs is held against what was wanted ([`verdict`]);
//! 5. [`health`]: the user's checks; [`commit`](mod@commit), and a look at what came of it; or `revert`.
//!
//! All of them read the device's state as a [`device_state`], tell an [`Observer`] about each step ([`event`]; what can be
//! proved of the download is the [`delivery_report`]), wait with the same [`timeouts`], and end in one of the ways of
//! [`outcome`]. Nothing is printed. Beside it, [`remote_manifest`] reads the manifest behind a URL by way of a [`web_client`], [`settle`] tells
//! what runs on a device that may be about to reboot, and [`wait`](mod@wait) waits for a state of a device.
//!
//! What the device acknowledges is a hint; what it says of its state afterwards is the truth. Killed
//! at any point, it leaves a device that resolves the situation by itself, or that the same call goes
//! on from: it begins by reading the state.

pub mod commit;
pub mod delivery_report;
pub mod device_state;
pub mod event;
mod fetch;
mod foreign_update;
pub mod health;
mod other_client;
pub mod outcome;
pub mod plan;
mod poll;
mod preflight;
pub mod push;
mod reboot;
pub mod remote_manifest;
mod revert;
pub mod serve;
pub mod settle;
mod snapshot;
pub mod timeouts;
mod transfer;
mod transfer_result;
mod uptime;
pub mod verdict;
pub mod wait;
pub mod web_client;

use tokio::time::Instant;

use crate::rpc::{CallError, Device};
use crate::text::device_text;
use device_state::DeviceState;
pub use event::{Event, Observer, Severity};
use health::Verdict;
pub use outcome::{Failure, Refusal, Success};
use outcome::{RevertResult, Unhealthy};
pub use plan::{OnUnhealthy, Plan, Source, Via};
use preflight::Preflight;
pub use serve::Serving;
use settle::{after_reboot, settled};
use transfer_result::TransferResult;
use verdict::Arrival;

/// Takes the device to the firmware of the plan. See the module's documentation.
///
/// With [`Via::Auto`], otactl downloads the firmware of a URL that the device cannot or may not download, and delivers it.
pub async fn run(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Success, Failure> {
    let failure = match attempt(device, plan, observer).await {
        Err(failure) if plan.via == Via::Auto && failure.is_about_url() => failure,
        result => return result,
    };
    let (Source::Url { url, .. }, Some(client)) = (&plan.source, &plan.http) else { return Err(failure) };
    let is_unlicensed = matches!(failure, Failure::Unlicensed { .. });
    observer.on(&Event::DownloadingHere { reason: failure.to_string() });
    let downloaded =
        remote_manifest::download(client, url, plan.download_timeout, plan.timeouts.no_progress, observer).await;
    let bundle = downloaded.map_err(|here| Failure::NotDownloaded { device: failure.to_string(), here })?;
    observer.on(&Event::DownloadedHere { bytes: bundle.bytes().len() as u64 });
    let via = if is_unlicensed { Via::Push } else { Via::Auto };
    attempt(device, &Plan { source: Source::Bundle(bundle), via, ..plan.clone() }, observer).await
}

/// How often an update begins anew because the device was about to reboot.
const ANEW: usize = 3;

/// Updates the device from the source of the plan, without a download by otactl.
///
/// A device that is about to reboot answers every call with error 418, and carries nothing out. The update waits for the reboot, and
/// begins anew; it also does if another client changed the device before the update began, or if the device is silent after that.
async fn attempt(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Success, Failure> {
    let mut done = Done::default();
    let mut left = ANEW;
    loop {
        left -= 1;
        match Box::pin(attempt_once(device, plan, &mut done, observer)).await {
            Err(failure) if left > 0 && (failure.is_shutdown() || (done.has_begun && failure.is_silence())) => {
                observer.on(&Event::Rebooting);
                device.drop_link();
                let back = after_reboot(device, None, plan.reboot_timeout).await;
                back.map_err(|error| done.explain(Failure::Call(error)))?;
            }
            result => return result.map_err(|failure| done.explain(failure)),
        }
    }
}

/// What this update has done to the device so far.
#[derive(Default)]
struct Done {
    /// It copied the running firmware to another slot.
    is_copied: bool,
    /// It told the device to take the firmware.
    has_begun: bool,
}

impl Done {
    /// Returns `failure`, or another one if it would say that the device is untouched and it is not.
    fn explain(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Call(error) if self.has_begun && error.is_transient() => {
                Failure::ContactLost { reason: error.to_string(), reverts_in: None }
            }
            Failure::Call(error) if self.has_begun || self.is_copied => {
                Failure::DownloadFailed { reason: error.to_string(), taken: None, remains: false }
            }
            // Another client has updated it meanwhile.
            Failure::Refused(Refusal::Uncommitted { .. }) if self.has_begun => {
                Failure::Refused(Refusal::UpdateRunning { percent: 100 })
            }
            failure => failure,
        }
    }
}

/// Updates the device once. What it does to the device is noted in `done`.
async fn attempt_once(
    device: &Device,
    plan: &Plan,
    done: &mut Done,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    plan.checks.fit(plan.commit_timeout).map_err(Failure::Refused)?;
    let preflight = preflight::look(device, plan, observer).await?;
    // After the reboot, everything goes over the second way, if there is one.
    let later = plan.commit_over.as_ref().unwrap_or(device);
    if let (Some(second), Preflight::GoOn(now) | Preflight::Update { before: now, .. }) =
        (&plan.commit_over, &preflight)
    {
        meet(second, now, observer).await?;
    }
    let (before, how) = match preflight {
        Preflight::AlreadyCurrent(running) => return Ok(Success::AlreadyCurrent(running)),
        _ if plan.dry_run => return Ok(Success::Planned),
        Preflight::GoOn(now) => {
            observer.on(&Event::resuming(&now));
            return prove(later, plan, now, observer).await;
        }
        Preflight::Update { before, delivery, engine } => (before, (delivery, engine)),
    };
    if plan.snapshot_first && !done.is_copied {
        done.is_copied = snapshot::create(device, &before, observer).await?;
    }
    let before = DeviceState { update_began: Some(Instant::now()), ..before };
    let delivered = transfer::transfer(device, plan, how, &before, observer).await;
    // The update begins anew, although the device may have been told to take the firmware.
    done.has_begun |= delivered.as_ref().is_err_and(Failure::is_shutdown);
    let (taken, seen) = delivered?;
    // What a device with the new firmware shows after the reboot need not be told from a reboot before the update.
    let update_began = before.update_began.filter(|_| taken != TransferResult::Certain);
    let before = DeviceState { update_began, ..before };
    observer.on(&Event::Rebooting);
    let seen = seen.filter(|_| plan.commit_over.is_none());
    let back = match seen {
        Some(after) => Ok(after),
        None => reboot::wait(later, &before, plan.reboot_limits()).await,
    };
    let back = match back {
        Ok(after) => at_rest(later, plan, (&before, taken), after).await,
        back => back,
    };
    let after = match back {
        Err(failure @ Failure::DidNotReboot(_)) if taken == TransferResult::Unacknowledged => {
            return Err(transfer::not_rebooted(later, &before, failure).await);
        }
        result => result?,
    };
    observer.on(&Event::back(&after));
    let arrival = verdict::arrival(&before, &after, plan.source.manifest());
    if let Some(says) = verdict::no_way_back(&arrival, &after, plan.commit_timeout) {
        observer.on(&Event::Finding { what: "commit timeout", says, verdict: Severity::Weak });
    }
    match arrival {
        Arrival::Wanted => prove(later, plan, after, observer).await,
        Arrival::Old if taken != TransferResult::Certain => Err(Failure::DownloadFailed {
            reason: "it has restarted with its old firmware; it lost its power, or the new firmware crashed".into(),
            taken: None,
            remains: false,
        }),
        Arrival::Old => Err(Failure::RolledBack {
            old: after.running(),
            wanted: plan.source.build(),
            slot: before.only_other_slot(),
        }),
        Arrival::Other(wanted) => unhealthy(later, plan, &after, Unhealthy::WrongBuild { wanted }, observer).await,
    }
}

/// Returns the state of the device when its boot state is that of the running firmware. `after` is its state after the reboot.
async fn at_rest(
    device: &Device,
    plan: &Plan,
    (before, taken): (&DeviceState, TransferResult),
    mut after: DeviceState,
) -> Result<DeviceState, Failure> {
    // The old firmware may have got the request only now, after a reboot that came before. Other firmware than the wanted one may be about
    // to be replaced.
    let is_old = after.build() == before.build();
    let is_other = plan.source.build().is_some_and(|wanted| wanted != after.build());
    let may_change = if is_old { taken != TransferResult::Certain } else { is_other };
    if may_change && !verdict::is_unsettled(before, &after) {
        after = settled(device, after, plan.reboot_timeout).await.map_err(|error| contact_lost(plan, &error))?;
    }
    if verdict::is_unsettled(before, &after) {
        after = settled(device, after, plan.reboot_timeout).await.map_err(|error| contact_lost(plan, &error))?;
    }
    Ok(after)
}

/// Returns the failure for a device that was told to take the firmware, and is silent.
fn contact_lost(plan: &Plan, error: &CallError) -> Failure {
    Failure::ContactLost { reason: error.to_string(), reverts_in: Some(plan.commit_timeout) }
}

/// Whether the second way leads to the same device. Where it is silent now, it may lead there after the reboot.
async fn meet(second: &Device, first: &DeviceState, observer: &dyn Observer) -> Result<(), Failure> {
    match DeviceState::read(second, second.timeout()).await {
        Ok(there) if there.info.is_same_device(&first.info) => Ok(()),
        Ok(there) => Err(Failure::Refused(Refusal::OtherDevice {
            first: device_text(&first.info.id),
            second: device_text(&there.info.id),
        })),
        Err(error) if error.is_transient() => {
            observer.on(&Event::SecondWaySilent { reason: error.to_string() });
            Ok(())
        }
        Err(error) => Err(Failure::Call(error)),
    }
}

/// The wanted firmware runs: if it is well, it may stay.
async fn prove(device: &Device, plan: &Plan, now: DeviceState, observer: &dyn Observer) -> Result<Success, Failure> {
    match health::run_checks(device, (&plan.checks, plan.commit), plan.reboot_limits(), now, observer).await? {
        Verdict::Healthy(now) => settle(device, plan, now, observer).await,
        Verdict::Unhealthy(now, reason) => unhealthy(device, plan, &now, reason, observer).await,
    }
}

/// The wanted firmware runs, and is well: commit it, or leave it as it is on request.
async fn settle(device: &Device, plan: &Plan, now: DeviceState, observer: &dyn Observer) -> Result<Success, Failure> {
    let running = now.running();
    if !now.boot.is_committed {
        if !plan.commit {
            return Ok(Success::LeftUncommitted { running, reverts_in: now.reverts_in() });
        }
        observer.on(&Event::Committing);
        commit::commit(device, &now, plan.reboot_timeout).await?;
    }
    Ok(Success::Updated(running))
}

/// What runs is not to stay: back to the old firmware, or leave it as it is on request.
async fn unhealthy(
    device: &Device,
    plan: &Plan,
    now: &DeviceState,
    reason: Unhealthy,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    let revert_result = match plan.on_unhealthy {
        _ if now.boot.is_committed => RevertResult::Committed,
        // The fault is otactl's: a firmware that may be well is not taken back for it.
        _ if matches!(reason, Unhealthy::NotChecked { .. }) => RevertResult::Left { reverts_in: now.reverts_in() },
        OnUnhealthy::Leave => RevertResult::Left { reverts_in: now.reverts_in() },
        OnUnhealthy::Revert => revert::revert(device, plan.reboot_limits(), now, observer).await,
    };
    Err(Failure::Unhealthy { running: now.running(), reason, revert_result })
}
