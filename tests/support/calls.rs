//! A device whose answers are scripted call by call, and updates of that device to the demo bundle.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otactl::bundle::Bundle;
use otactl::rpc::{CallError, Device, Request, RpcClient};
use otactl::update::health::Checks;
use otactl::update::{Event, Failure, Observer, Plan, Serving, Source, Success, Via, run};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::fake_device::{FakeDevice, NEW, OLD, remote, timed_out};

/// The state of the scripted device. Scripts change it.
pub struct State {
    pub device: FakeDevice,
    /// The delay of each answer.
    pub latency: Duration,
    /// How often each method was called.
    pub calls: HashMap<String, usize>,
}

/// Returns the answer to a call, or `None` for the usual one.
///
/// The arguments are the state, the method, and how often this method was called before. The script also plays the
/// download of the bundle.
pub type CallScript = fn(&mut State, &str, usize) -> Option<Result<Value, CallError>>;

struct ScriptedClient {
    state: Arc<Mutex<State>>,
    script: CallScript,
}

#[async_trait]
impl RpcClient for ScriptedClient {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let method = request.method.as_str();
        let (answer, latency) = {
            let mut state = self.state.lock();
            let count = state.calls.entry(method.to_owned()).or_default();
            *count += 1;
            let before = *count - 1;
            let answer = (self.script)(&mut state, method, before);
            (answer.unwrap_or_else(|| usual_answer(&mut state, method)), state.latency)
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

    /// Returns true, as over MQTT.
    fn may_execute_twice(&self) -> bool {
        true
    }
}

/// Returns the answer of a device without faults.
fn usual_answer(state: &mut State, method: &str) -> Result<Value, CallError> {
    match method {
        "Sys.GetInfo" => Ok(state.device.info()),
        "OTA.GetBootState" => Ok(state.device.boot_state()),
        "OTA.Status" => Ok(json!({"state": 0, "message": "idle", "progress_percent": 0})),
        "OTA.Update" => {
            state.device.boot(NEW, 1, false);
            Ok(json!({"code": 0, "message": "Update applied, finalizing"}))
        }
        "OTA.Commit" => {
            state.device.committed = true;
            Ok(Value::Null)
        }
        "OTA.Revert" => {
            state.device.boot(OLD, 0, true);
            Ok(Value::Null)
        }
        other => remote(other, 404, "No handler"),
    }
}

struct IgnoreEvents;

impl Observer for IgnoreEvents {
    fn on(&self, _: &Event) {}
}

/// Updates a device that runs 1.0.0 to the demo bundle.
pub async fn update(script: CallScript) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    update_checked(Checks::default(), script).await
}

/// Updates from the firmware server of otactl. The device never requests the firmware.
pub async fn update_from_otactl(via: Via, script: CallScript) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let serving = Serving { device_host: Some(("127.0.0.1".into(), 80)), ..Serving::default() };
    let plan = Plan { via, serving, ..Plan::new(Source::Bundle(demo_bundle())) };
    run_plan(&plan, script).await
}

/// Updates with health checks of the new firmware.
pub async fn update_checked(checks: Checks, script: CallScript) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    update_within(Duration::from_secs(60), checks, script).await
}

/// Updates with health checks and with a limit for the reboot.
pub async fn update_within(
    reboot_timeout: Duration,
    checks: Checks,
    script: CallScript,
) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let manifest = Ok(demo_bundle().manifest().clone());
    let source = Source::Url { url: "http://elsewhere/fw.zip".into(), manifest, signed: None };
    run_plan(&Plan { checks, reboot_timeout, ..Plan::new(source) }, script).await
}

/// Returns the demo bundle.
pub fn demo_bundle() -> Bundle {
    Bundle::read(&super::file(super::DEMO)).expect("the demo")
}

/// Runs the plan on a device that runs 1.0.0.
pub async fn run_plan(plan: &Plan, script: CallScript) -> (Result<Success, Failure>, Arc<Mutex<State>>) {
    let latency = Duration::from_millis(5);
    let state = State { device: FakeDevice::new(), latency, calls: HashMap::new() };
    let state = Arc::new(Mutex::new(state));
    let client = ScriptedClient { state: Arc::clone(&state), script };
    let device = Device::new(Box::new(client), Duration::from_secs(10));
    (run(&device, plan, &IgnoreEvents).await, state)
}
