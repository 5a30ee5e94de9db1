//! The update of one device.
//!
//! [`run`] carries out a [`plan`] in these steps:
//!
//! 1. `preflight`: checks that run before anything on the device changes; `foreign_update`: waits for an update that runs there
//!    already, or ends it;
//! 2. `snapshot`: copies the running firmware to another slot, if the plan says so;
//! 3. `transfer`: brings the bundle to the inactive slot. The device downloads it (`fetch`) from the firmware server ([`serve`]) or from
//!    another server; or otactl sends it in pieces ([`push`](mod@push)), for a device that cannot reach this machine;
//! 4. `reboot`: waits for the device, and compares the build that runs with the wanted one ([`verdict`]);
//! 5. [`health`]: runs the user's checks; then [`commit`](mod@commit), which reads the state back, or `revert`.
//!
//! All steps read the [`device_state`], report each [`event`] to an [`Observer`], wait by the rules of `poll`, `repeat` and [`timeouts`], and
//! end in one [`outcome`]. Nothing is printed. Beside the steps, [`remote_manifest`] reads the manifest behind a URL with a [`web_client`],
//! [`settle`] waits until the boot state is that of the running firmware, and [`wait`](mod@wait) waits for a state of a device.
//! [`read_state_error`] says why the state of a device could not be read.
//!
//! A reply of the device is a hint; the state that it reports afterwards is the truth. If otactl is killed at any point, the device resolves the
//! situation by itself, or the same command goes on from there: it starts by reading the state.

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
pub mod read_state_error;
mod reboot;
pub mod remote_manifest;
mod repeat;
mod revert;
pub mod serve;
pub mod settle;
mod snapshot;
pub mod stage;
pub mod timeouts;
mod transfer;
mod transfer_result;
mod uptime;
pub mod verdict;
pub mod wait;
pub mod web_client;

use tokio::time::Instant;

use crate::rpc::Device;
use crate::text::device_text;
use device_state::DeviceState;
pub use event::{Event, Observer, Severity};
use health::Verdict;
pub use outcome::{Failure, Refusal, Success};
use outcome::{RevertResult, Unhealthy};
pub use plan::{OnUnhealthy, Plan, Source, Via};
use preflight::Preflight;
use read_state_error::ReadStateError;
pub use serve::Serving;
use settle::{after_reboot, settled};
use transfer_result::TransferResult;
use verdict::Arrival;

/// Takes the device to the firmware of the plan: see the module.
///
/// With [`Via::Auto`], otactl downloads the firmware of a URL that the device cannot or may not download, and delivers it.
///
/// Dropping the future ends the update at once. [`stage::Stage`] then says what the device does next.
///
/// # Example
///
/// Updates a simulated device. `examples/update.rs` is a whole program for a real one.
///
/// ```
/// # #[cfg(feature = "sim")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::time::Duration;
/// # use otactl::rpc::Device;
/// # use otactl::sim::{Config, Simulator};
/// # use otactl::transport::{self, Options};
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let config = Config { reboot_delay: Duration::from_millis(50), ..Config::default() };
/// # let simulator = Simulator::start(config, listener)?;
/// # let client = transport::connect(&format!("ws://{}", simulator.address()).parse()?, &Options::default())?;
/// # let device = Device::new(client, Duration::from_secs(10));
/// use otactl::bundle::Bundle;
/// use otactl::update::{self, Event, Observer, Plan, Source, Success};
///
/// struct Printer;
///
/// impl Observer for Printer {
///     fn on(&self, event: &Event) {
///         println!("{event:?}");
///     }
/// }
///
/// let bundle = Bundle::read("tests/fixtures/demo-2.0.0-esp32.zip".as_ref())?;
/// let success = update::run(&device, &Plan::new(Source::Bundle(bundle)), &Printer).await?;
/// assert!(matches!(success, Success::Updated(running) if running.build.version == "2.0.0"));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sim"))]
/// # fn main() {}
/// ```
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

/// How often an update may start: again if the device was about to reboot, or was updated by another client before.
const MAX_STARTS: usize = 3;

/// Updates the device from the source of the plan, without a download by otactl.
///
/// A device that is about to reboot answers every call with error 418, and carries nothing out. The update waits for the reboot, and
/// begins anew; it also does if another client changed the device before the update began, or if the device is silent after that.
async fn attempt(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Success, Failure> {
    let mut done = Done::default();
    let mut left = MAX_STARTS;
    loop {
        left -= 1;
        match Box::pin(attempt_once(device, plan, &mut done, observer)).await {
            Err(failure) if left > 0 && (failure.is_shutdown() || (done.has_begun && failure.is_silence())) => {
                observer.on(&Event::Rebooting);
                device.drop_link();
                let back = after_reboot(device, None, plan.reboot_timeout).await;
                back.map_err(|error| done.explain(error.into()))?;
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
    /// It requested the transfer of the firmware.
    has_begun: bool,
}

impl Done {
    /// Returns `failure`, or another one if it would say that the device is untouched and it is not.
    fn explain(&self, failure: Failure) -> Failure {
        match failure {
            Failure::Call(error) if self.has_begun && error.is_transient() => {
                Failure::ContactLost { reason: error.into(), reverts_in: None }
            }
            Failure::ReadState(error) if self.has_begun => {
                Failure::ContactLost { reason: error.into(), reverts_in: None }
            }
            Failure::Call(error) if self.has_begun || self.is_copied => {
                Failure::DownloadFailed { reason: error.into(), taken: None, remains: false }
            }
            Failure::ReadState(error) if self.is_copied => {
                Failure::DownloadFailed { reason: error.into(), taken: None, remains: false }
            }
            // Another client has updated it meanwhile.
            Failure::Refused(Refusal::Uncommitted { .. }) if self.has_begun => {
                Failure::Refused(Refusal::UpdateRunning { percent: 100 })
            }
            failure => failure,
        }
    }
}

/// Updates the device once. `done` notes what was done to the device.
async fn attempt_once(
    device: &Device,
    plan: &Plan,
    done: &mut Done,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    plan.checks.fit(plan.commit_timeout).map_err(Failure::Refused)?;
    let preflight = preflight::run(device, plan, observer).await?;
    // After the reboot, all calls go over the second link, if the plan has one.
    let later = plan.commit_over.as_ref().unwrap_or(device);
    if let (Some(second), Preflight::GoOn(now) | Preflight::Update { before: now, .. }) =
        (&plan.commit_over, &preflight)
    {
        check_second_link(second, now, observer).await?;
    }
    let (before, how) = match preflight {
        Preflight::AlreadyCurrent(running) => return Ok(Success::AlreadyCurrent(running)),
        _ if plan.dry_run => return Ok(Success::Planned),
        Preflight::GoOn(now) => {
            observer.on(&Event::resuming(&now));
            return check_and_commit(later, plan, now, observer).await;
        }
        Preflight::Update { before, transfer_kind, engine } => (before, (transfer_kind, engine)),
    };
    if plan.snapshot_first && !done.is_copied {
        done.is_copied = snapshot::create(device, &before, observer).await?;
    }
    let before = DeviceState { update_began: Some(Instant::now()), ..before };
    let delivered = transfer::transfer(device, plan, how, &before, observer).await;
    // The update begins anew, although otactl may have requested the transfer already.
    done.has_begun |= delivered.as_ref().is_err_and(Failure::is_shutdown);
    let (taken, seen) = delivered?;
    // A device that confirmed the firmware reboots because of it, whatever rebooted it before.
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
        Arrival::Wanted => check_and_commit(later, plan, after, observer).await,
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
        Arrival::Other(wanted) => {
            revert_or_leave(later, plan, &after, Unhealthy::WrongBuild { wanted }, observer).await
        }
    }
}

/// Returns the state of the device once its boot state is that of the running firmware. `after` is the state that was read after the reboot.
async fn at_rest(
    device: &Device,
    plan: &Plan,
    (before, taken): (&DeviceState, TransferResult),
    mut after: DeviceState,
) -> Result<DeviceState, Failure> {
    // A late request may reach the old firmware only now, after a reboot before it. Firmware of another client may be about to be replaced.
    let is_old = after.build() == before.build();
    let is_other = plan.source.build().is_some_and(|wanted| wanted != after.build());
    let may_change = if is_old { taken != TransferResult::Certain } else { is_other };
    if may_change && !verdict::is_unsettled(before, &after) {
        after = settled(device, after, plan.reboot_timeout).await.map_err(|error| contact_lost(plan, error))?;
    }
    if verdict::is_unsettled(before, &after) {
        after = settled(device, after, plan.reboot_timeout).await.map_err(|error| contact_lost(plan, error))?;
    }
    Ok(after)
}

/// Returns the failure for a silent device that may have the firmware.
fn contact_lost(plan: &Plan, error: ReadStateError) -> Failure {
    Failure::ContactLost { reason: error.into(), reverts_in: Some(plan.commit_timeout) }
}

/// Fails if the second link leads to another device. A silent link is reported: it may work after the reboot.
async fn check_second_link(second: &Device, first: &DeviceState, observer: &dyn Observer) -> Result<(), Failure> {
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
        Err(error) => Err(error.into()),
    }
}

/// Runs the health checks of the wanted firmware, then commits or reverts it.
async fn check_and_commit(
    device: &Device,
    plan: &Plan,
    now: DeviceState,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    match health::run_checks(device, (&plan.checks, plan.commit), plan.reboot_limits(), now, observer).await? {
        Verdict::Healthy(now) => commit_or_leave(device, plan, now, observer).await,
        Verdict::Unhealthy(now, reason) => revert_or_leave(device, plan, &now, reason, observer).await,
    }
}

/// Commits the healthy firmware, or leaves it uncommitted if the plan says so.
async fn commit_or_leave(
    device: &Device,
    plan: &Plan,
    now: DeviceState,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
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

/// Reverts an unhealthy firmware, or leaves it if the plan says so.
async fn revert_or_leave(
    device: &Device,
    plan: &Plan,
    now: &DeviceState,
    reason: Unhealthy,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    let revert_result = match plan.on_unhealthy {
        _ if now.boot.is_committed => RevertResult::Committed,
        // otactl could not run the check. A firmware that may be healthy is not reverted for that.
        _ if matches!(reason, Unhealthy::NotChecked { .. }) => RevertResult::Left { reverts_in: now.reverts_in() },
        OnUnhealthy::Leave => RevertResult::Left { reverts_in: now.reverts_in() },
        OnUnhealthy::Revert => revert::revert(device, plan.reboot_limits(), now, observer).await,
    };
    Err(Failure::Unhealthy { running: now.running(), reason, revert_result })
}
