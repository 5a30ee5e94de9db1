//! The update of one device, and its verdict.
//!
//! [`run`] goes step by step: look ([`preflight`]), serve the bundle ([`serve`]) where the device can
//! reach it (`route`), have the device fetch it ([`fetch`], by the rules in `judge`), wait for the
//! reboot ([`reboot`]), hold what runs against what was wanted ([`verdict`]), see whether it is well
//! ([`health`]), commit and look again ([`commit`]), or go back ([`revert`]). It tells an [`Observer`] about each step ([`event`]), ends in
//! one of the ways of [`outcome`], and prints nothing.
//!
//! What the device acknowledges is a hint; what it says of its state afterwards is the truth. Killed
//! at any point, it leaves a device that resolves the situation by itself, or that the same call goes
//! on from: it begins by reading the state.

pub mod commit;
pub mod event;
pub mod fetch;
pub mod health;
mod judge;
pub mod outcome;
pub mod patience;
pub mod plan;
pub mod preflight;
pub mod reboot;
pub mod remote;
pub mod revert;
mod route;
pub mod serve;
pub mod verdict;

use crate::rpc::Device;
pub use event::{Event, Observer};
use health::Health;
pub use outcome::{Failure, Refusal, Success};
use outcome::{Sequel, Unwell};
pub use plan::{OnUnhealthy, Plan, Serving, Source, Via};
use preflight::Preflight;
use serve::FirmwareServer;
use verdict::{Arrival, Snapshot};

/// Takes the device to the firmware of the plan. See the module's documentation.
pub async fn run(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Success, Failure> {
    plan.checks.fit(plan.commit_timeout).map_err(Failure::Refused)?;
    let before = match preflight::look(device, plan, observer).await? {
        Preflight::AlreadyCurrent(running) => return Ok(Success::AlreadyCurrent(running)),
        _ if plan.dry_run => return Ok(Success::Planned),
        Preflight::GoOn(now) => {
            observer.on(&Event::resuming(&now));
            return prove(device, plan, now, observer).await;
        }
        Preflight::Update(before) => before,
    };
    deliver(device, plan, &before, observer).await?;
    observer.on(&Event::Rebooting);
    let after = reboot::wait(device, &before, plan).await?;
    observer.on(&Event::back(&after));
    match verdict::arrival(&before, &after, plan.source.manifest()) {
        Arrival::Wanted => prove(device, plan, after, observer).await,
        Arrival::Old => Err(Failure::RolledBack { old: after.running(), wanted: plan.source.build() }),
        Arrival::Other(wanted) => unwell(device, plan, &after, Unwell::WrongBuild { wanted }, observer).await,
    }
}

/// Brings the bundle into the device's other slot. Our server lives as long as this.
async fn deliver(device: &Device, plan: &Plan, before: &Snapshot, observer: &dyn Observer) -> Result<(), Failure> {
    match &plan.source {
        Source::Url { url, .. } => fetch::fetch(device, plan, url, None, before, observer).await,
        Source::Bundle(bundle) => {
            let server = FirmwareServer::start(bundle, &plan.serving, &before.info).await.map_err(Failure::Serve)?;
            observer.on(&Event::Serving { address: server.advertised().to_owned() });
            fetch::fetch(device, plan, &server.url(), Some(&server), before, observer).await
        }
    }
}

/// The wanted firmware runs: if it is well, it may stay.
async fn prove(device: &Device, plan: &Plan, now: Snapshot, observer: &dyn Observer) -> Result<Success, Failure> {
    match health::examine(device, plan, now, observer).await? {
        Health::Well(now) => settle(device, plan, now, observer).await,
        Health::Ill(now, reason) => unwell(device, plan, &now, reason, observer).await,
    }
}

/// The wanted firmware runs, and is well: commit it, or leave it as it is on request.
async fn settle(device: &Device, plan: &Plan, now: Snapshot, observer: &dyn Observer) -> Result<Success, Failure> {
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
async fn unwell(
    device: &Device,
    plan: &Plan,
    now: &Snapshot,
    reason: Unwell,
    observer: &dyn Observer,
) -> Result<Success, Failure> {
    let sequel = match plan.on_unhealthy {
        _ if now.boot.is_committed => Sequel::Committed,
        OnUnhealthy::Leave => Sequel::Left { reverts_in: now.reverts_in() },
        OnUnhealthy::Revert => revert::revert(device, plan, now, observer).await,
    };
    Err(Failure::Unwell { running: now.running(), reason, sequel })
}
