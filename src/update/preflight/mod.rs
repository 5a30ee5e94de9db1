//! Checks that run before anything on the device changes.
//!
//! - `questions`: the calls that ask the device, all at the same time;
//! - `identity` and `version`: whether the firmware is for this device;
//! - `methods`: whether the device has the methods that the update needs;
//! - `signatures`: whether the device accepts the signatures of the bundle;
//! - `capacity`: whether the file system fits;
//! - `demands`: what updaters since 2019 require;
//! - `findings`: all results together.

mod capacity;
mod demands;
mod finding;
mod findings;
mod identity;
mod methods;
mod questions;
mod signatures;
mod version;

use std::time::Duration;

use tokio::time::Instant;

use super::device_state::{DeviceState, Running};
use super::event::{Event, Observer, Severity};
use super::foreign_update::outlast;
use super::other_client::has_updated;
use super::outcome::{Failure, Refusal};
use super::plan::{Plan, Source};
use super::poll::first_timeout;
use super::read_state_error::ReadStateError;
use super::settle::{after_reboot, settled};
use crate::bundle::Manifest;
use crate::ota::{Engine, Status};
use crate::rpc::Device;
use finding::Finding;
pub(super) use methods::TransferKind;
use questions::DeviceAnswers;

/// The shortest timeout of a question that a device need not answer, unless the timeout of a call is shorter.
const MIN_OPTIONAL_TIMEOUT: Duration = Duration::from_secs(2);

/// The decision of the preflight.
#[derive(Debug)]
pub(super) enum Preflight {
    /// Nothing to do: the wanted firmware runs and is committed.
    AlreadyCurrent(Running),
    /// Check and commit the wanted firmware, which already runs uncommitted.
    GoOn(DeviceState),
    /// Update the device.
    Update {
        /// The device state before the update.
        before: DeviceState,
        /// How the device gets the firmware.
        transfer_kind: TransferKind,
        /// How the device's updater downloads.
        engine: Engine,
    },
}

/// Runs the preflight. Changes nothing on the device, except that it ends an abandoned update.
pub(super) async fn run(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Preflight, Failure> {
    let mut scan = scan_once(device, plan, None, observer).await?;
    if let Some(running) = scan.updater.as_ref().filter(|status| status.is_running() && !plan.dry_run) {
        // A firmware that the device cannot run is no reason to end an update.
        if let Some(refusal) = scan.refusal(plan) {
            observer.on(&firmware_event(&plan.source));
            return Err(Failure::Refused(refusal));
        }
        outlast(device, plan, running, &scan.now, observer).await?;
        scan = scan_once(device, plan, Some(&scan.now), observer).await?;
    }
    let Scan { now, updater, transfer_kind, answers } = scan;
    let engine = Engine::of(answers.methods.as_deref(), updater.is_some());
    observer.on(&firmware_event(&plan.source));
    let found = findings::collect(plan, transfer_kind, &now, &answers);
    let scanned = now.clone();
    let decision = decide(now, (transfer_kind, engine), plan.source.manifest(), plan.force, updater.as_ref());
    let found = match &decision {
        Ok(Preflight::Update { .. }) | Err(_) => found,
        Ok(Preflight::GoOn(now)) => {
            vec![Finding::good("version", format!("{} already runs, but is not committed yet", now.build()))]
        }
        Ok(Preflight::AlreadyCurrent(_)) => Vec::new(),
    };
    for found in &found {
        if plan.dry_run || found.severity == Severity::Weak {
            observer.on(&found.event());
        }
    }
    if decision.is_ok()
        && let Some(refusal) = found.into_iter().find_map(|found| found.refusal)
    {
        return Err(Failure::Refused(refusal));
    }
    if matches!(decision, Ok(Preflight::AlreadyCurrent(_))) {
        check_unchanged(device, &scanned, plan.reboot_timeout).await?;
    }
    decision.map_err(Failure::Refused)
}

/// Reads the device state again if `before` is not fresh. Fails with [`Failure::begin_anew`] if another client has updated the device.
async fn check_unchanged(device: &Device, before: &DeviceState, reboot_timeout: Duration) -> Result<(), Failure> {
    if before.is_fresh() {
        return Ok(());
    }
    match has_updated(device, before, reboot_timeout).await {
        Ok(true) => Err(Failure::begin_anew()),
        Ok(false) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The device state and the answers that one scan has read.
struct Scan {
    now: DeviceState,
    /// The status of the device's updater. `None` for older firmware, which has no such method.
    updater: Option<Status>,
    /// How the device gets the firmware.
    transfer_kind: TransferKind,
    answers: DeviceAnswers,
}

impl Scan {
    /// Returns the refusal of the first finding that has one. `None` if the device already runs the firmware or runs uncommitted
    /// firmware: the boot state decides in that case.
    fn refusal(&self, plan: &Plan) -> Option<Refusal> {
        if plan.source.build() == Some(self.now.build()) || !self.now.boot.is_committed {
            return None;
        }
        findings::collect(plan, self.transfer_kind, &self.now, &self.answers)
            .into_iter()
            .find_map(|found| found.refusal)
    }
}

/// Reads the device state and asks the questions of the preflight. `before` is the state before a reboot that may be in progress.
async fn scan_once(
    device: &Device,
    plan: &Plan,
    before: Option<&DeviceState>,
    observer: &dyn Observer,
) -> Result<Scan, Failure> {
    let first = match before {
        Some(_) => after_reboot(device, before, plan.reboot_timeout).await?,
        None => read_first(device, plan.reboot_timeout, observer).await?,
    };
    let now = if may_change(&first, plan) { settled(device, first, plan.reboot_timeout).await? } else { first };
    observer.on(&Event::Device {
        id: now.info.id.clone(),
        platform: now.info.arch.clone(),
        app: now.info.app.clone(),
        build: now.build(),
        slot: now.boot.active_slot,
        committed: now.boot.is_committed,
    });
    let likely = methods::planned_transfer(plan, &now.info, None);
    let timeout = first_timeout(device, &now).max(MIN_OPTIONAL_TIMEOUT).min(device.timeout());
    let (status, mut answers) = questions::ask(device, likely, timeout).await;
    let updater = match status {
        Ok(status) => Some(status),
        // Older firmware has no such method.
        Err(error) if error.remote_error().is_some_and(|error| error.code == 404) => None,
        Err(error) => return Err(Failure::Call(error)),
    };
    let transfer_kind = methods::planned_transfer(plan, &now.info, answers.methods.as_deref());
    // Ignore the arguments of a method that will not be called.
    answers.arguments = answers.arguments.filter(|_| transfer_kind.begins() == likely.begins());
    Ok(Scan { now, updater, transfer_kind, answers })
}

/// Tells whether the boot state may be that of the next boot, so that it has to be read again.
///
/// It may be if the device is uncommitted, or if the wanted firmware seems to be committed. Only after a revert or a rollback, a committed
/// state has a commit timeout (as recorded in wire/ws.json, case `ota_after_commit_timeout`).
fn may_change(first: &DeviceState, plan: &Plan) -> bool {
    let is_wanted = plan.source.build() == Some(first.build());
    !first.boot.is_committed || (is_wanted && first.boot.commit_timeout != 0)
}

/// Returns the state of the device. Fails if the device is unreachable.
///
/// Waits for a device that announces its reboot (error 418), as at the end of an update whose caller was killed. A device that reboots
/// meanwhile does not answer on its old link. So a device that is silent for half the timeout of a call gets a new link and the full
/// timeout.
async fn read_first(
    device: &Device,
    reboot_timeout: Duration,
    observer: &dyn Observer,
) -> Result<DeviceState, ReadStateError> {
    let started = Instant::now();
    let timeout = device.timeout();
    // Not a `Repeat`: a device that is off is reported after these two attempts.
    let mut state = DeviceState::read(device, timeout / 2).await;
    if state.as_ref().is_err_and(ReadStateError::is_silence) {
        device.drop_link();
        state = DeviceState::read(device, timeout).await;
    }
    match state {
        Err(error) if error.remote_error().is_some_and(|error| error.code == 418) => {
            observer.on(&Event::Rebooting);
            device.drop_link();
            after_reboot(device, None, reboot_timeout).await
        }
        Err(error) => Err(error.with_elapsed(started.elapsed())),
        result => result,
    }
}

fn firmware_event(source: &Source) -> Event {
    let described = |manifest: &Manifest, bytes| Event::Firmware {
        app: manifest.name.clone(),
        platform: manifest.platform.clone(),
        build: manifest.build(),
        bytes,
    };
    match source {
        Source::Bundle(bundle) => described(bundle.manifest(), Some(bundle.bytes().len() as u64)),
        Source::Url { manifest: Ok(manifest), .. } => described(manifest, None),
        Source::Url { manifest: Err(reason), .. } => Event::FirmwareUnknown { reason: reason.clone() },
    }
}

/// Decides what to do, by the state and the updater of the device.
fn decide(
    now: DeviceState,
    (transfer_kind, engine): (TransferKind, Engine),
    wanted: Option<&Manifest>,
    force: bool,
    updater: Option<&Status>,
) -> Result<Preflight, Refusal> {
    let is_wanted = wanted.is_some_and(|wanted| wanted.build() == now.build());
    if let Some(refusal) = wanted.and_then(|wanted| identity::refusal(wanted, &now.info, force)) {
        return Err(refusal);
    }
    if let Some(status) = updater
        && status.is_running()
    {
        return Err(Refusal::UpdateRunning { percent: status.percent() });
    }
    match (is_wanted, now.boot.is_committed) {
        (true, false) => Ok(Preflight::GoOn(now)),
        (false, false) => Err(Refusal::Uncommitted { build: now.build(), boot: now.boot }),
        (true, true) if !force => Ok(Preflight::AlreadyCurrent(now.running())),
        (_, true) => Ok(Preflight::Update { before: now, transfer_kind, engine }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ota::{BootState, UpdateState};

    fn device(version: &str, committed: bool) -> DeviceState {
        let info = json!({"app": "demo", "arch": "esp32", "fw_version": version, "fw_id": "b", "uptime": 1});
        let boot = BootState { active_slot: Some(0), is_committed: committed, revert_slot: Some(1), commit_timeout: 0 };
        DeviceState::from_replies(info, boot, Instant::now())
    }

    fn manifest(app: &str, platform: &str) -> Manifest {
        let manifest = json!({"name": app, "platform": platform, "version": "2", "build_id": "b", "parts": {}});
        serde_json::from_value(manifest).expect("a manifest")
    }

    #[test]
    fn decision_depends_on_device_and_firmware() {
        let running = Status { state: UpdateState::Progress, message: String::new(), progress_percent: 23 };
        let idle = Status { state: UpdateState::Idle, message: String::new(), progress_percent: 0 };
        for (now, wanted, force, updater, expected) in [
            (device("1", true), Some(manifest("demo", "esp32")), false, Some(&idle), "Ok(Update"),
            (device("1", true), Some(manifest("demo", "ESP32")), false, None, "Ok(Update"),
            (device("1", true), Some(manifest("demo", "esp8266")), true, None, "Err(WrongPlatform"),
            (device("1", true), Some(manifest("other", "esp32")), false, None, "Err(OtherApp"),
            (device("1", true), Some(manifest("other", "esp32")), true, None, "Ok(Update"),
            (device("1", true), None, false, None, "Ok(Update"),
            (device("2", true), Some(manifest("demo", "esp32")), false, None, "Ok(AlreadyCurrent"),
            (device("2", true), Some(manifest("demo", "esp32")), true, None, "Ok(Update"),
            (device("2", false), Some(manifest("demo", "esp32")), false, None, "Ok(GoOn"),
            (device("1", false), Some(manifest("demo", "esp32")), true, None, "Err(Uncommitted"),
            (device("1", false), None, false, None, "Err(Uncommitted"),
            (device("1", true), Some(manifest("demo", "esp32")), true, Some(&running), "Err(UpdateRunning"),
        ] {
            let input = format!("{now:?} {wanted:?} force: {force} {updater:?}");
            let decision =
                format!("{:?}", decide(now, (TransferKind::Pull, Engine::Resuming), wanted.as_ref(), force, updater));
            assert!(decision.starts_with(expected), "{input}: {decision}, not {expected}");
        }
    }
}
