//! Brings the bundle to the inactive slot: the device pulls it, or otactl pushes it.

use tokio::time::Instant;

use super::delivery_report::DeliveryReport;
use super::device_state::DeviceState;
use super::event::{Event, Observer, Origin};
use super::fetch::{Fetching, fetch};
use super::foreign_update;
use super::other_client::has_updated;
use super::outcome::{Failure, FailureReason, Refusal};
use super::plan::{Plan, Source, Via};
use super::poll::{first_timeout, read_again};
use super::preflight::TransferKind;
use super::push::{self, Aborted, PushFailure, PushLimits, Pushed, Reason};
use super::serve::{FirmwareServer, ServeError};
use super::timeouts::LONGEST_DOWNLOAD;
use super::transfer_result::TransferResult;
use super::verdict::{applied, has_other_firmware, rebooted};
use crate::bundle::Bundle;
use crate::ota::{self, Engine};
use crate::rpc::Device;

/// Transfers the firmware. Returns once the device is about to reboot or has rebooted, with its state after the reboot if that was seen.
///
/// The firmware server stops with the transfer.
pub(super) async fn transfer(
    device: &Device,
    plan: &Plan,
    (transfer_kind, engine): (TransferKind, Engine),
    before: &DeviceState,
    observer: &dyn Observer,
) -> Result<(TransferResult, Option<DeviceState>), Failure> {
    let bundle = match &plan.source {
        Source::Bundle(bundle) => bundle,
        Source::Url { url, .. } => {
            let fetching = Fetching { url: url.clone(), server: None, has_other_way: false, engine };
            return fetch(device, plan, &fetching, before, observer).await;
        }
    };
    let fallback = transfer_kind == TransferKind::Either;
    let reason = match transfer_kind {
        TransferKind::Push => return Ok((push(device, plan, bundle, before, observer).await?, None)),
        TransferKind::Pull | TransferKind::Either => {
            match pull(device, plan, bundle, (fallback, engine), before, observer).await {
                Err(Failure::Serve(error @ (ServeError::NoRoute | ServeError::Unroutable { .. }))) if fallback => {
                    error.to_string()
                }
                Err(failure @ Failure::NeverFetched { .. }) if fallback => failure.to_string(),
                // A device that needs a licence takes a push, even if it does not list its methods.
                Err(failure @ Failure::Unlicensed { .. }) if plan.via == Via::Auto => failure.to_string(),
                result => return result,
            }
        }
    };
    observer.on(&Event::FallingBack { reason });
    match push(device, plan, bundle, before, observer).await {
        // otactl requested the download before, so the device is not untouched.
        Err(Failure::Call(error)) if error.remote_error().is_none() => {
            let failed = Failure::DownloadFailed { reason: error.into(), taken: None, remains: false };
            Err(unless_updated(device, plan, before, failed).await)
        }
        result => result.map(|taken| (taken, None)),
    }
}

/// Serves the bundle while the device downloads it.
async fn pull(
    device: &Device,
    plan: &Plan,
    bundle: &Bundle,
    (has_other_way, engine): (bool, Engine),
    before: &DeviceState,
    observer: &dyn Observer,
) -> Result<(TransferResult, Option<DeviceState>), Failure> {
    let mut server = FirmwareServer::start(bundle, &plan.serving, &before.info).await.map_err(Failure::Serve)?;
    let tls = plan.serving.tls.is_some();
    observer.on(&Event::Serving { address: server.advertised().to_owned(), tls });
    let events = server.take_events();
    let fetching = Fetching { url: server.url(), server: Some(&server), has_other_way, engine };
    let result = events.report_during(observer, fetch(device, plan, &fetching, before, observer)).await;
    observer.on(&Event::Delivered(server.delivery_report()));
    let has_asked = server.fetched().borrow().peer.is_some();
    // The server stops before the result is handled, so that a failed download cannot continue.
    drop(server);
    match result {
        // Before 2019, the closed connection has ended the download.
        result if engine == Engine::OneShot => result,
        Err(failure @ Failure::NeverFetched { .. }) => {
            foreign_update::give_up(device, plan, before, has_asked, observer).await?;
            Err(unless_updated(device, plan, before, failure).await)
        }
        Err(Failure::DownloadFailed { reason, taken, .. }) if has_asked => {
            let remains = !foreign_update::give_up(device, plan, before, has_asked, observer).await?;
            match read_again(before, device, plan.reboot_timeout).await {
                Ok(now) if is_of_another_client(plan, before, &now) => {
                    Err(Failure::Refused(Refusal::UpdateRunning { percent: 100 }))
                }
                // A slow device has finished meanwhile, and reboots into the firmware.
                Ok(now) if has_other_firmware(before, &now) => {
                    observer.on(&Event::Unconfirmed { reason: reason.to_string() });
                    Ok((TransferResult::Rebooted, None))
                }
                again => {
                    let is_silent = again.is_err_and(|error| error.is_transient());
                    Err(Failure::DownloadFailed { reason, taken, remains: remains || is_silent })
                }
            }
        }
        result => result,
    }
}

/// Returns `failure`, unless another client has updated the device meanwhile, or the device does not answer: these have failures of their
/// own.
async fn unless_updated(device: &Device, plan: &Plan, before: &DeviceState, failure: Failure) -> Failure {
    match has_updated(device, before, plan.reboot_timeout).await {
        Ok(true) => Failure::Refused(Refusal::UpdateRunning { percent: 100 }),
        Ok(false) => failure,
        Err(error) => Failure::ContactLost { reason: FailureReason::then(failure, error), reverts_in: None },
    }
}

/// Tells whether the device runs a build that is neither the old nor the wanted one.
fn is_of_another_client(plan: &Plan, before: &DeviceState, now: &DeviceState) -> bool {
    now.build() != before.build() && plan.source.build().is_some_and(|wanted| wanted != now.build())
}

/// Pushes the bundle.
async fn push(
    device: &Device,
    plan: &Plan,
    bundle: &Bundle,
    before: &DeviceState,
    observer: &dyn Observer,
) -> Result<TransferResult, Failure> {
    let bytes = bundle.bytes();
    let size = bytes.len() as u64;
    let enough = || push::device_timeout(size, before.round_trip(), device.window(), push::chunk_size(device, size));
    let limits = PushLimits {
        commit_timeout: ota::in_seconds(plan.commit_timeout),
        timeout: plan.download_timeout.unwrap_or_else(enough),
        // The device keeps its own timeout. This one is for a device that ignores it.
        total: Some(plan.download_timeout.unwrap_or(LONGEST_DOWNLOAD)),
        timeouts: plan.timeouts,
    };
    // Before the push: hashing a large bundle takes time, in which the device would get no pieces.
    let sha256 = bundle.sha256().to_owned();
    observer.on(&Event::Requested {
        from: Origin::Sent,
        commit_timeout: limits.commit_timeout,
        keeps_asking_for: None,
    });
    let started = Instant::now();
    let result = push::push(device, bytes, before, limits, observer).await;
    let acknowledged = match &result {
        Ok(Pushed::Confirmed) => size,
        Ok(Pushed::Unconfirmed { acknowledged, .. }) | Err(PushFailure { acknowledged, .. }) => *acknowledged,
    };
    observer.on(&Event::Delivered(DeliveryReport {
        via: "push",
        bytes: acknowledged,
        total: size,
        complete: acknowledged == size,
        requests: None,
        sha256,
    }));
    match result {
        Ok(Pushed::Confirmed) => Ok(TransferResult::Certain),
        Ok(Pushed::Unconfirmed { reason, .. }) => {
            observer.on(&Event::Unconfirmed { reason: reason.to_string() });
            // With the last byte the device has the firmware, whatever it replies afterwards. But a doubled write may succeed in its second
            // execution after the first one has failed.
            let is_certain = acknowledged == size && !device.may_execute_twice();
            Ok(if is_certain { TransferResult::Certain } else { TransferResult::Unacknowledged })
        }
        Err(PushFailure { reason: Reason::OtherFirmware, .. }) => {
            Err(Failure::Refused(Refusal::UpdateRunning { percent: 100 }))
        }
        // The update begins anew, and waits for that one or ends it.
        Err(PushFailure { reason: Reason::Busy(_), .. }) => Err(Failure::begin_anew()),
        Err(PushFailure { reason: Reason::Unsupported, .. }) => Err(Failure::Refused(Refusal::CannotPush)),
        // Nothing was begun.
        Err(PushFailure { reason: Reason::NotBegun(error), .. })
            if error.remote_error().map_or(!error.may_have_arrived(), |error| error.code == 418) =>
        {
            Err(Failure::Call(error))
        }
        Err(PushFailure { reason, acknowledged, total, aborted }) => {
            // The device's own timeout has ended the push, which its error does not say.
            let late = matches!(reason, Reason::Refused(_)) && started.elapsed() >= limits.timeout;
            let reason = if late { Reason::TooSlow { after: limits.timeout } } else { reason };
            // A device that restarted has lost the push.
            let is_unheard = matches!(aborted, Aborted::Unheard) || matches!(reason, Reason::Gone { .. });
            Err(Failure::DownloadFailed {
                reason: reason.into(),
                taken: Some((acknowledged, total)),
                remains: is_unheard,
            })
        }
    }
}

/// Returns the failure for a device that did not reboot after [`TransferResult::Unacknowledged`].
///
/// Since 2019, the boot state shows a complete firmware before the reboot. If it does not, the last piece is missing, and otactl
/// cancels the push.
pub(super) async fn not_rebooted(device: &Device, before: &DeviceState, failure: Failure) -> Failure {
    let timeout = first_timeout(device, before);
    match DeviceState::read(device, timeout).await {
        Ok(now) if !rebooted(before, &now) && !applied(before, &now) => {}
        _ => return failure,
    }
    match push::abort(device, device.timeout()).await {
        Aborted::Applied => failure,
        aborted => Failure::DownloadFailed {
            reason: "the last piece did not arrive".into(),
            taken: None,
            remains: aborted == Aborted::Unheard,
        },
    }
}
