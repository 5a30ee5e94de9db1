//! The update of one device, and its verdict.
//!
//! [`run`] goes step by step: look ([`preflight`]), serve the bundle ([`serve`]) where the device can
//! reach it (`route`), have the device fetch it ([`fetch`], by the rules in `judge`), wait for the
//! reboot ([`reboot`]), hold what runs against what was wanted ([`verdict`]), commit and look again
//! ([`commit`]), or go back ([`revert`]). To a device that cannot reach us, the bundle is sent ([`push`], which keeps
//! account of the pieces in `flight`). It tells an [`Observer`] about each step ([`event`]), ends in
//! one of the ways of [`outcome`], and prints nothing.
//!
//! What the device acknowledges is a hint; what it says of its state afterwards is the truth. Killed
//! at any point, it leaves a device that resolves the situation by itself, or that the same call goes
//! on from: it begins by reading the state.

pub mod commit;
pub mod event;
pub mod fetch;
mod flight;
mod judge;
pub mod outcome;
pub mod preflight;
pub mod push;
pub mod reboot;
pub mod remote;
pub mod revert;
mod route;
pub mod serve;
pub mod verdict;

use std::net::SocketAddr;
use std::time::Duration;

use crate::bundle::{Bundle, Manifest};
use crate::rpc::Device;
pub use event::{Event, Observer};
pub use outcome::{Failure, Refusal, Success};
use preflight::Preflight;
use serve::FirmwareServer;
use verdict::{Arrival, Snapshot};

/// Where the firmware comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// A bundle that we serve.
    Bundle(Bundle),
    /// A URL that the device fetches by itself.
    Url {
        /// Handed to the device as it is.
        url: String,
        /// Its manifest, or why it could not be read from here. Without it, there is no telling
        /// whether the device runs what was wanted, only that it runs something new.
        manifest: Result<Manifest, String>,
    },
}

impl Source {
    /// The manifest, if it is known.
    #[must_use]
    pub fn manifest(&self) -> Option<&Manifest> {
        match self {
            Self::Bundle(bundle) => Some(bundle.manifest()),
            Self::Url { manifest, .. } => manifest.as_ref().ok(),
        }
    }
}

/// What is to be done, and how long each step may take.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The firmware.
    pub source: Source,
    /// Commit the new firmware once it runs. Otherwise it is left uncommitted.
    pub commit: bool,
    /// How long after its reboot the device waits for the commit before it goes back; whole seconds,
    /// at least one.
    pub commit_timeout: Duration,
    /// How long the device may take to fetch and write the bundle.
    pub download_timeout: Duration,
    /// How long the device may take from the end of the download to its first answer.
    pub reboot_timeout: Duration,
    /// Install also what runs already, or another app.
    pub force: bool,
    /// Look, but touch nothing.
    pub dry_run: bool,
    /// The address to serve on; `None`: the one that routes to the device, any port.
    pub listen: Option<SocketAddr>,
    /// Host and, if it differs, port, under which the device reaches our server.
    pub advertise: Option<(String, Option<u16>)>,
    /// The device's host and port, where it has any: which of our addresses it can reach follows
    /// from that. Otherwise the address that it reports is taken.
    pub device_host: Option<(String, u16)>,
}

/// Takes the device to the firmware of the plan. See the module's documentation.
pub async fn run(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Success, Failure> {
    let before = match preflight::look(device, plan, observer).await? {
        Preflight::AlreadyCurrent(build) => return Ok(Success::AlreadyCurrent { build }),
        _ if plan.dry_run => return Ok(Success::Planned),
        Preflight::GoOn(now) => {
            observer.on(&Event::Resuming);
            return settle(device, plan, now, observer).await;
        }
        Preflight::Update(before) => before,
    };
    deliver(device, plan, &before, observer).await?;
    observer.on(&Event::Rebooting);
    let after = reboot::wait(device, &before, plan).await?;
    observer.on(&Event::back(&after));
    match verdict::arrival(&before, &after, plan.source.manifest()) {
        Arrival::Wanted => settle(device, plan, after, observer).await,
        Arrival::Old => Err(Failure::RolledBack { build: after.build(), slot: after.boot.active_slot }),
        Arrival::Other(wanted) => {
            let sequel = revert::revert(device, plan, &after, observer).await;
            Err(Failure::WrongBuild { build: after.build(), wanted, sequel })
        }
    }
}

/// Brings the bundle into the device's other slot. Our server lives as long as this.
async fn deliver(device: &Device, plan: &Plan, before: &Snapshot, observer: &dyn Observer) -> Result<(), Failure> {
    match &plan.source {
        Source::Url { url, .. } => fetch::fetch(device, plan, url, None, before, observer).await,
        Source::Bundle(bundle) => {
            let server = FirmwareServer::start(bundle, plan, &before.info).await.map_err(Failure::Serve)?;
            observer.on(&Event::Serving { address: server.advertised().to_owned() });
            fetch::fetch(device, plan, &server.url(), Some(&server), before, observer).await
        }
    }
}

/// The wanted firmware runs: commit it, or leave it as it is on request.
async fn settle(device: &Device, plan: &Plan, now: Snapshot, observer: &dyn Observer) -> Result<Success, Failure> {
    let (build, slot) = (now.build(), now.boot.active_slot);
    if !now.boot.is_committed {
        if !plan.commit {
            return Ok(Success::LeftUncommitted { build, slot, reverts_in: now.reverts_in() });
        }
        observer.on(&Event::Committing);
        commit::commit(device, &now, plan.reboot_timeout).await?;
    }
    Ok(Success::Updated { build, slot })
}
