//! Has the device download the firmware (`OTA.Update`). The reply comes at the end of the download, or never. Until then, the bytes that the
//! firmware server has sent, or the reply of `OTA.Status`, are the progress.
//!
//! The reply alone decides little. The boot state tells what a success means: since 2019, a device replies to a 304 as to an applied
//! update. An error is a failure only if no update runs: since 2019, a device that cannot reach the server again replies
//! `Connect error` and goes on (as recorded in wire/ota2022-ws.json, cases `pull_304` and `pull_cut_then_refused`).
//!
//! This file does the I/O, and decides nothing. It tells a [`Download`] what happens, and does the [`Action`] that follows:
//!
//! - `download`: the state of a download; `action`: what follows from it; `pending`: the questions that are not answered yet;
//! - `decide`: what follows from the reply, the progress and the time; `answers`: what follows from an answer of the device;
//! - `rules`: what reply and progress mean together, and when that may change; `replies`: what the words of a reply mean;
//! - `limits`: the time limits;
//! - `question`: the questions to the device.
//!
//! All but the last are pure: time is an argument.

mod action;
mod answers;
mod decide;
mod download;
mod limits;
mod pending;
mod question;
mod replies;
mod rules;

use futures_util::FutureExt as _;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use super::device_state::DeviceState;
use super::event::{Event, Observer, Origin};
use super::outcome::Failure;
use super::plan::Plan;
use super::serve::{Fetched, FirmwareServer};
use super::transfer_result::TransferResult;
use crate::ota::{self, Engine};
use crate::rpc::Device;
use action::Action;
use download::{Download, ServedBundle};
use limits::{DownloadLimits, device_timeout, download_limit};
use question::Questions;

/// The source of a download.
pub(super) struct Fetching<'a> {
    /// The URL, as the device gets it.
    pub(super) url: String,
    /// The firmware server, unless the URL leads to another server.
    pub(super) server: Option<&'a FirmwareServer>,
    /// The firmware can be pushed instead, so that a device without a request is given up early.
    pub(super) has_other_way: bool,
    /// How the device downloads.
    pub(super) engine: Engine,
}

/// Has the device download the firmware. Returns once the device is about to reboot or has rebooted, with the state after the reboot if that
/// was seen.
pub(super) async fn fetch(
    device: &Device,
    plan: &Plan,
    what: &Fetching<'_>,
    before: &DeviceState,
    observer: &dyn Observer,
) -> Result<(TransferResult, Option<DeviceState>), Failure> {
    let Fetching { server, engine, .. } = *what;
    let limits = limits(device, plan, what, before);
    let request = ota::Update {
        url: what.url.clone(),
        commit_timeout: ota::in_seconds(plan.commit_timeout),
        timeout: ota::in_seconds(device_timeout(engine, &limits)),
    };
    observer.on(&Event::Requested {
        from: if server.is_some() { Origin::Here } else { Origin::Elsewhere },
        commit_timeout: request.commit_timeout,
        keeps_asking_for: (engine == Engine::Resuming).then_some(request.timeout),
    });
    let served = server.map(|server| ServedBundle { total: server.total(), address: server.advertised() });
    let mut download = Download::new(before, limits, served, plan.source.build().is_some(), Instant::now());
    let mut questions = Questions::new(device, before, &limits);
    let mut call = Box::pin(device.call_until_sent(&request, limits.total()));
    let mut progress = server.map(FirmwareServer::fetched);
    loop {
        match download.poll(Instant::now()) {
            Action::Report(event) => observer.on(&event),
            Action::Wait(until) => tokio::select! {
                // Biased so that the count of the server is complete before the reply is compared with it.
                biased;
                () = changed(&mut progress) => note_progress(&mut download, server),
                result = &mut call, if download.awaits_reply() => {
                    note_progress(&mut download, server);
                    download.on_reply(result, device.executes_twice(), Instant::now());
                }
                () = reached(until) => {}
            },
            Action::Ask { question, is_last } => {
                let answer = questions.ask(question, is_last).await;
                note_progress(&mut download, server);
                download.on_probe(answer, Instant::now());
            }
            Action::CallAgain => call = Box::pin(device.call_until_sent(&request, limits.total())),
            Action::Done(taken) => {
                // The reply may have come while the state was read.
                let reply = if download.awaits_reply() { (&mut call).now_or_never() } else { None };
                return Ok(download.finish(taken, reply));
            }
            Action::NeverFetched(reply) => return Err(never_fetched(server, reply)),
            Action::Fail(failure) => return Err(failure),
        }
    }
}

fn limits(device: &Device, plan: &Plan, what: &Fetching<'_>, before: &DeviceState) -> DownloadLimits {
    let enough = || download_limit(plan.source.size(), before.round_trip());
    DownloadLimits {
        download: plan.download_timeout.unwrap_or_else(enough),
        timeouts: plan.timeouts,
        has_other_way: what.has_other_way,
        may_execute_twice: device.may_execute_twice(),
        contradictory_reply: plan.timeouts.contradictory_reply.max(before.slowest() * 4),
        reboot_timeout: plan.reboot_timeout,
        commit_timeout: plan.commit_timeout,
    }
}

fn note_progress(download: &mut Download<'_>, server: Option<&FirmwareServer>) {
    if let Some(server) = server {
        download.on_server_progress(&server.fetched().borrow());
    }
}

/// Returns the failure for a device that has not requested the firmware, with what the firmware server knows of the reason.
fn never_fetched(server: Option<&FirmwareServer>, reply: Option<String>) -> Failure {
    Failure::NeverFetched {
        address: server.map(FirmwareServer::advertised).unwrap_or_default().into(),
        reply,
        rejected_clients: server.map(FirmwareServer::rejected_clients).unwrap_or_default(),
        crowding: server.map(FirmwareServer::crowding).unwrap_or_default(),
    }
}

async fn changed(progress: &mut Option<Receiver<Fetched>>) {
    if let Some(progress) = progress
        && progress.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

async fn reached(until: Option<Instant>) {
    match until {
        Some(until) => sleep_until(until).await,
        None => std::future::pending().await,
    }
}
