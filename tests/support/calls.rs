//! Scripts the answers of a device call by call, and updates that device to the demo bundle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otactl::bundle::Bundle;
use otactl::rpc::{CallError, Device, RemoteError, Request, RpcClient};
use otactl::update::health::Checks;
use otactl::update::{Event, Failure, Observer, Plan, Serving, Source, Success, Via, run};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

pub const OLD: (&str, &str) = ("1.0.0", "old");
pub const NEW: (&str, &str) = ("2.0.0", "20240202-020202/g234b2a65");
pub const OTHER: (&str, &str) = ("9.9.9", "other");

/// Holds the state of the scripted device. Scripts change it.
pub struct State {
    pub build: (&'static str, &'static str),
    pub slot: u8,
    pub committed: bool,
    pub booted: Instant,
    /// The delay of each answer.
    pub latency: Duration,
    pub calls: HashMap<String, usize>,
}

impl State {
    pub fn boot(&mut self, build: (&'static str, &'static str), slot: u8, committed: bool) {
        (self.build, self.slot, self.committed, self.booted) = (build, slot, committed, Instant::now());
    }
}

/// Returns the answer to a call, or `None` for the usual one.
///
/// The arguments are the state, the method, and how often this method was called before. The script plays the download of
/// the bundle, too.
pub type Script = fn(&mut State, &str, usize) -> Option<Result<Value, CallError>>;

struct Scripted {
    state: Arc<Mutex<State>>,
    script: Script,
}

pub fn lost(sent: bool) -> Result<Value, CallError> {
    Err(CallError::Lost { peer: "dev".into(), sent, reason: "the script says so".into() })
}

pub fn timed_out(method: &str) -> Result<Value, CallError> {
    Err(CallError::Timeout { peer: "dev".into(), method: method.into(), after: Duration::from_secs(1), why: None })
}

pub fn remote(method: &str, code: i64, message: &str) -> Result<Value, CallError> {
    Err(CallError::Remote { method: method.into(), error: RemoteError { code, message: Some(message.into()) } })
}

#[async_trait]
impl RpcClient for Scripted {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let method = request.method.as_str();
        let (answer, latency) = {
            let mut state = self.state.lock();
            let count = state.calls.entry(method.to_owned()).or_default();
            *count += 1;
            let before = *count - 1;
            let answer = (self.script)(&mut state, method, before);
            (answer.unwrap_or_else(|| usual(&mut state, method)), state.latency)
        };
        // The answer holds the state from before the delay.
        if latency > request.timeout || matches!(answer, Err(CallError::Timeout { .. })) {
            tokio::time::sleep(request.timeout).await;
            return timed_out(method);
        }
        tokio::time::sleep(latency).await;
        answer
    }

    fn drop_link(&self) {}

    /// As over MQTT.
    fn may_execute_twice(&self) -> bool {
        true
    }
}

fn usual(state: &mut State, method: &str) -> Result<Value, CallError> {
    match method {
        "Sys.GetInfo" => Ok(json!({
            "id": "dev", "app": "demo", "arch": "esp32", "fw_version": state.build.0, "fw_id": state.build.1,
            "uptime": state.booted.elapsed().as_secs(),
        })),
        "OTA.GetBootState" => Ok(json!({
            "active_slot": state.slot, "is_committed": state.committed, "revert_slot": 0, "commit_timeout": 300,
        })),
        "OTA.Status" => Ok(json!({"state": 0, "message": "idle", "progress_percent": 0})),
        "OTA.Update" => {
            state.boot(NEW, 1, false);
            Ok(json!({"code": 0, "message": "Update applied, finalizing"}))
        }
        "OTA.Commit" => {
            state.committed = true;
            Ok(Value::Null)
        }
        "OTA.Revert" => {
            state.boot(OLD, 0, true);
            Ok(Value::Null)
        }
        other => remote(other, 404, "No handler"),
    }
}

struct Silent;

impl Observer for Silent {
    fn on(&self, _: &Event) {}
}

/// Updates a device that runs 1.0.0 to the demo bundle.
pub async fn update(script: Script) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    update_checked(Checks::default(), script).await
}

/// Updates from the server of otactl, from which the device never requests the firmware.
pub async fn update_from_here(via: Via, script: Script) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let serving = Serving { device_host: Some(("127.0.0.1".into(), 80)), ..Serving::default() };
    let plan = Plan { via, serving, ..Plan::new(Source::Bundle(demo())) };
    run_plan(&plan, script).await
}

/// Updates with health checks of the new firmware.
pub async fn update_checked(checks: Checks, script: Script) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    update_within(Duration::from_secs(60), checks, script).await
}

/// Updates with health checks and with a limit for the reboot.
pub async fn update_within(
    reboot_timeout: Duration,
    checks: Checks,
    script: Script,
) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let manifest = Ok(demo().manifest().clone());
    let source = Source::Url { url: "http://elsewhere/fw.zip".into(), manifest, signed: None };
    run_plan(&Plan { checks, reboot_timeout, ..Plan::new(source) }, script).await
}

/// Returns the demo bundle.
pub fn demo() -> Bundle {
    let path = format!("{}/tests/fixtures/demo-2.0.0-esp32.zip", env!("CARGO_MANIFEST_DIR"));
    Bundle::read(path.as_ref()).expect("the demo")
}

/// Runs the plan on a device that runs 1.0.0.
pub async fn run_plan(plan: &Plan, script: Script) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let booted = Instant::now() - Duration::from_secs(1000);
    let state = Arc::new(Mutex::new(State {
        build: OLD,
        slot: 0,
        committed: true,
        booted,
        latency: Duration::from_millis(5),
        calls: HashMap::new(),
    }));
    let client = Scripted { state: Arc::clone(&state), script };
    let device = Device::new(Box::new(client), Duration::from_secs(10));
    (run(&device, plan, &Silent).await, state)
}
