//! Checks how an update waits for a device that is slow, silent, about to reboot, or busy. The device is scripted, and the clock
//! is paused.

mod support;

use std::time::Duration;

use otactl::ota::Slot;
use otactl::rpc::CallError;
use otactl::update::health::{Check, Checks};
use otactl::update::timeouts::Timeouts;
use otactl::update::{Failure, Plan, Source, Success, Via};
use serde_json::{Value, json};
use support::calls::{
    CallScript, State, demo_bundle, run_plan, update, update_checked, update_from_otactl, update_within,
};
use support::fake_device::{NEW, OLD, lost, remote, timed_out};
use tokio::time::Instant;

const NEW_SLOT: Slot = 1;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// After the reboot, each answer to `OTA.GetBootState` takes 1.2 s.
fn slow_after_the_reboot(state: &mut State, method: &str, _: usize) -> Option<Result<Value, CallError>> {
    let is_slow = state.device.build == NEW && method == "OTA.GetBootState";
    state.latency = if is_slow { ms(1200) } else { ms(5) };
    None
}

#[tokio::test(start_paused = true)]
async fn device_with_one_slow_method_after_the_reboot_is_committed() {
    let started = Instant::now();
    let (result, state) = update(slow_after_the_reboot).await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 1);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn device_that_gets_slow_passes_its_checks_and_its_soak() {
    let check = Check::Rpc(r#"OTA.GetBootState => {"is_committed": false}"#.parse().expect("a check"));
    for (checks, soak) in [(vec![check], None), (Vec::new(), Some(Duration::from_secs(10)))] {
        let what = format!("{checks:?} {soak:?}");
        let checks = Checks { checks, soak, ..Checks::default() };
        let (result, _) = update_checked(checks, |state, _, _| {
            state.latency = if state.device.build == NEW { ms(1200) } else { ms(5) };
            None
        })
        .await;
        assert!(matches!(result, Ok(Success::Updated(_))), "{what}: {result:?}");
    }
}

/// A device that answers "shutting down" has not executed the call, and reboots at once.
#[tokio::test(start_paused = true)]
async fn call_refused_because_of_a_reboot_is_sent_again_after_it() {
    fn shutting_down(state: &mut State, method: &str) -> Result<Value, CallError> {
        state.device.boot(OLD, 0, true);
        remote(method, 418, "shutting down in 90 ms")
    }
    let scripts: [(&str, CallScript); 4] = [
        ("Sys.GetInfo", |state, method, count| {
            (method == "Sys.GetInfo" && count == 0).then(|| shutting_down(state, method))
        }),
        ("OTA.Status", |state, method, count| {
            (method == "OTA.Status" && count == 0).then(|| shutting_down(state, method))
        }),
        ("OTA.GetBootState", |state, method, count| {
            (method == "OTA.GetBootState" && count == 0).then(|| shutting_down(state, method))
        }),
        ("OTA.Update", |state, method, count| {
            (method == "OTA.Update" && count == 0).then(|| shutting_down(state, method))
        }),
    ];
    for (refused, script) in scripts {
        let started = Instant::now();
        let (result, state) = update(script).await;
        assert!(matches!(result, Ok(Success::Updated(_))), "{refused}: {result:?}");
        let updates = state.lock().calls["OTA.Update"];
        assert_eq!(updates, if refused == "OTA.Update" { 2 } else { 1 }, "{refused}");
        assert!(started.elapsed() < Duration::from_secs(5), "{refused}: {:?}", started.elapsed());
    }
}

/// A push begins with another method than a pull.
#[tokio::test(start_paused = true)]
async fn push_refused_because_of_a_reboot_begins_again_after_it() {
    let (result, state) = update_from_otactl(Via::Push, |state, method, count| match method {
        "RPC.List" => Some(Ok(json!([
            "OTA.Update",
            "OTA.Begin",
            "OTA.Write",
            "OTA.End",
            "OTA.Status",
            "OTA.GetBootState",
            "OTA.Commit",
            "OTA.Revert",
            "Sys.GetInfo",
        ]))),
        "OTA.Begin" if count == 0 => {
            state.device.boot(OLD, 0, true);
            Some(remote(method, 418, "shutting down in 90 ms"))
        }
        "OTA.Begin" | "OTA.Write" => Some(Ok(Value::Null)),
        "OTA.End" => {
            state.device.boot(NEW, NEW_SLOT, false);
            Some(Ok(json!({"state": 0, "is_committed": false})))
        }
        _ => None,
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Begin"], 2);
}

/// A percent of a large firmware over a slow link may take longer than the pause after which an update counts as abandoned.
#[tokio::test(start_paused = true)]
async fn update_of_another_client_that_is_slow_is_not_ended() {
    // One percent in 22 s.
    let (result, state) = update(|state, method, _| {
        let since = state.device.booted.elapsed().as_secs().saturating_sub(1000);
        match method {
            "OTA.Status" => Some(Ok(json!({"state": 1, "message": "progress", "progress_percent": 40 + since / 22}))),
            _ => None,
        }
    })
    .await;
    assert!(matches!(result, Err(Failure::Refused(_))), "{result:?}");
    let state = state.lock();
    assert!(!state.calls.contains_key("OTA.End") && !state.calls.contains_key("Sys.Reboot"), "{:?}", state.calls);
}

/// A device that reports "progress" may be trying to connect for ever.
#[tokio::test(start_paused = true)]
async fn device_that_never_connects_fails_after_three_times_the_ask_timeout() {
    let started = Instant::now();
    let plan = Plan {
        via: Via::Pull,
        timeouts: Timeouts::default().with(Duration::from_secs(2), Duration::from_secs(60)),
        ..Plan::new(Source::Bundle(demo_bundle()))
    };
    let serving = otactl::update::Serving { device_host: Some(("127.0.0.1".into(), 80)), ..plan.serving.clone() };
    let (result, _) = run_plan(&Plan { serving, ..plan }, |state, method, _| match method {
        "OTA.Update" => Some(timed_out(method)),
        "OTA.Status" if state.calls.contains_key("OTA.Update") => {
            Some(Ok(json!({"state": 1, "message": "progress", "progress_percent": 0})))
        }
        _ => None,
    })
    .await;
    assert!(matches!(result, Err(Failure::NeverFetched { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
}

/// If the deadline cuts off an answer, the previous answers count.
#[tokio::test(start_paused = true)]
async fn device_that_answers_without_a_reboot_is_reported_at_the_deadline() {
    let (result, _) = update_within(Duration::from_secs(5), Checks::default(), |state, method, _| {
        state.latency = ms(400);
        // The device reports success, and does not reboot.
        (method == "OTA.Update").then(|| Ok(json!({"code": 0, "message": "Update applied, finalizing"})))
    })
    .await;
    assert!(matches!(result, Err(Failure::DidNotReboot(_))), "{result:?}");
}

/// After the snapshot, the device is not untouched any more.
#[tokio::test(start_paused = true)]
async fn failure_after_the_snapshot_is_not_untouched() {
    let source = Source::Url { url: "http://elsewhere/fw.zip".into(), manifest: Err("unknown".into()), signed: None };
    let plan = Plan { snapshot_first: true, ..Plan::new(source) };
    let (result, state) = run_plan(&plan, |state, method, _| match method {
        // A platform with a slot for a snapshot.
        "Sys.GetInfo" => {
            let mut info = state.device.info();
            info["arch"] = "stm32".into();
            Some(Ok(info))
        }
        "OTA.CreateSnapshot" => Some(Ok(json!({"slot": 2}))),
        "OTA.Update" => Some(lost(false)),
        _ => None,
    })
    .await;
    let state = state.lock();
    let is_copied = state.calls.contains_key("OTA.CreateSnapshot");
    let failure = result.expect_err("the update cannot be begun");
    assert!(is_copied, "{:?}", state.calls);
    assert_eq!(failure.facts().outcome, "download_failed", "{failure:?}");
}
