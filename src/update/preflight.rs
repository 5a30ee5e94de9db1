//! What is there, what is wanted, and may we.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::busy::{is_running, outlast};
use super::event::{Event, Observer};
use super::outcome::{Failure, Refusal};
use super::verdict::{Running, Snapshot};
use super::{Plan, Source};
use crate::bundle::Manifest;
use crate::ota::{self, Status};
use crate::rpc::{CallError, Device};

/// While a device reboots: the time for one question, and the least time between two.
const PATIENCE: Duration = Duration::from_secs(1);
const PACE: Duration = Duration::from_millis(50);

/// What is to be done.
#[derive(Debug)]
pub enum Preflight {
    /// Nothing: the wanted firmware runs, committed.
    AlreadyCurrent(Running),
    /// Go on with what runs: the wanted firmware, which waits for its commit.
    GoOn(Snapshot),
    /// Update.
    Update(Snapshot),
}

/// Looks at the device. Changes nothing on it.
pub async fn look(device: &Device, plan: &Plan, observer: &dyn Observer) -> Result<Preflight, Failure> {
    let mut now = first_look(device, plan, false, observer).await.map_err(Failure::Call)?;
    let mut updater = status(device).await?;
    if let Some(running) = updater.as_ref().filter(|status| is_running(status)) {
        outlast(device, plan, running, observer).await?;
        now = first_look(device, plan, true, observer).await.map_err(Failure::Call)?;
        updater = status(device).await?;
    }
    observer.on(&Event::Device {
        id: now.info.id.clone(),
        platform: now.info.arch.clone(),
        app: now.info.app.clone(),
        build: now.build(),
        slot: now.boot.active_slot,
        committed: now.boot.is_committed,
    });
    observer.on(&wanted(&plan.source));
    decide(now, plan.source.manifest(), plan.force, updater.as_ref()).map_err(Failure::Refused)
}

/// What the device's updater does. Older firmware has no such method.
async fn status(device: &Device) -> Result<Option<Status>, Failure> {
    match device.call(ota::GetStatus {}).await {
        Ok(status) => Ok(Some(status)),
        Err(error) if error.remote().is_some_and(|error| error.code == 404) => Ok(None),
        Err(error) => Err(Failure::Call(error)),
    }
}

/// A device that is about to reboot says so (error 418), and is worth waiting for: it does so at the
/// end of an update whose caller was killed. One that cannot be reached is not, unless it `reboots`.
async fn first_look(
    device: &Device,
    plan: &Plan,
    mut reboots: bool,
    observer: &dyn Observer,
) -> Result<Snapshot, CallError> {
    let started = Instant::now();
    let mut timeout = device.timeout();
    loop {
        let error = match Snapshot::take(device, timeout).await {
            Err(error) if error.is_passing() && started.elapsed() < plan.reboot_timeout => error,
            result => return result,
        };
        match (error.remote(), reboots) {
            (Some(_), false) => observer.on(&Event::Rebooting),
            (None, false) => return Err(error),
            (Some(_), true) => {}
            // Silence, as it is to be expected. A fresh connection hears of its end.
            (None, true) => device.hang_up(),
        }
        reboots = true;
        timeout = timeout.min(PATIENCE);
        sleep(PACE).await;
    }
}

fn wanted(source: &Source) -> Event {
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

/// The rules. A device that does not say what it is cannot be held against the manifest, and checks
/// the platform itself.
fn decide(
    now: Snapshot,
    wanted: Option<&Manifest>,
    force: bool,
    updater: Option<&Status>,
) -> Result<Preflight, Refusal> {
    let is_wanted = wanted.is_some_and(|wanted| wanted.build() == now.build());
    if let Some(wanted) = wanted {
        let differ = |firmware: &str, device: &str| !device.is_empty() && !firmware.eq_ignore_ascii_case(device);
        if differ(&wanted.platform, &now.info.arch) {
            return Err(Refusal::WrongPlatform { firmware: wanted.platform.clone(), device: now.info.arch });
        }
        if differ(&wanted.name, &now.info.app) && !force {
            return Err(Refusal::OtherApp { firmware: wanted.name.clone(), device: now.info.app });
        }
    }
    if let Some(status) = updater
        && is_running(status)
    {
        return Err(Refusal::UpdateRunning { percent: status.percent() });
    }
    match (is_wanted, now.boot.is_committed) {
        (true, false) => Ok(Preflight::GoOn(now)),
        (false, false) => Err(Refusal::Uncommitted { build: now.build(), boot: now.boot }),
        (true, true) if !force => Ok(Preflight::AlreadyCurrent(now.running())),
        (_, true) => Ok(Preflight::Update(now)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ota::{BootState, UpdateState};

    fn device(version: &str, committed: bool) -> Snapshot {
        let info = json!({"app": "demo", "arch": "esp32", "fw_version": version, "fw_id": "b", "uptime": 1});
        Snapshot {
            info: serde_json::from_value(info).expect("an info"),
            boot: BootState { active_slot: 0, is_committed: committed, revert_slot: 1, commit_timeout: 0 },
            asked: Instant::now(),
            taken: Instant::now(),
        }
    }

    fn manifest(app: &str, platform: &str) -> Manifest {
        let manifest = json!({"name": app, "platform": platform, "version": "2", "build_id": "b", "parts": {}});
        serde_json::from_value(manifest).expect("a manifest")
    }

    #[test]
    fn the_rules() {
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
            let decision = format!("{:?}", decide(now, wanted.as_ref(), force, updater));
            assert!(decision.starts_with(expected), "{input}: {decision}, not {expected}");
        }
    }
}
