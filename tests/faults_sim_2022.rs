//! Checks the faults of a simulated device of 2022 where they differ from those of 2018.
//!
//! The tests send single calls over a real connection, without the update code of otactl.

mod support;

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use otactl::rpc::{CallError, Device};
use otactl::sim::{Config, Generation};
use serde_json::{Value, json};
use support::bundles::BundleServer;
use support::transports::{Bench, CALL_TIMEOUT, Transport};
use support::{REBOOT, file};

/// How long the device waits after a lost connection before it requests the rest.
const RETRY: Duration = Duration::from_millis(200);

const SMALL: &str = "2022/small2.zip";
const MEDIUM: &str = "2022/medium2.zip";

fn config(faults: &[&str]) -> Config {
    let faults = faults.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}"))).collect();
    Config { faults, retry_after: RETRY, reboot_delay: REBOOT, ..Config::default() }
}

async fn device_with(faults: &[&str]) -> (Bench, Device) {
    let bench = Transport::WebSocket.simulated(config(faults)).await;
    let device = bench.device(None);
    (bench, device)
}

/// Calls a method and returns its result, or the code and message of its error.
async fn call(device: &Device, method: &str, params: Value) -> Result<Value, (i64, String)> {
    match device.call_raw(method, params, false, CALL_TIMEOUT).await {
        Ok(value) => Ok(value),
        Err(CallError::Remote { error, .. }) => Err((error.code, error.message.unwrap_or_default())),
        Err(error) => panic!("{method}: {error:?}"),
    }
}

async fn pull(device: &Device, bundles: &BundleServer, path: &str) -> Result<Value, (i64, String)> {
    let params = json!({"url": bundles.url(path), "commit_timeout": 300, "timeout": 1});
    call(device, "OTA.Update", params).await
}

/// Pushes a bundle until it is complete or a call fails.
async fn push(device: &Device, name: &str) -> Result<(), (i64, String)> {
    let bundle = std::fs::read(file("tests/wire/firmware2022").join(name)).expect("a recorded bundle");
    call(device, "OTA.Begin", json!({"size": bundle.len(), "commit_timeout": 300, "timeout": 1})).await?;
    for (number, piece) in bundle.chunks(700).enumerate() {
        call(device, "OTA.Write", json!({"offset": number * 700, "data": STANDARD.encode(piece)})).await?;
    }
    Ok(())
}

async fn state(device: &Device) -> i64 {
    let status = call(device, "OTA.Status", Value::Null).await.expect("a status");
    status["state"].as_i64().expect("a number")
}

async fn active_slot(device: &Device) -> i64 {
    let state = call(device, "OTA.GetBootState", Value::Null).await.expect("a boot state");
    state["active_slot"].as_i64().expect("a number")
}

fn error(code: i64, message: &str) -> (i64, String) {
    (code, message.into())
}

#[tokio::test]
async fn cut_pull_is_resumed() {
    let (_bench, device) = device_with(&["cut-at=40%"]).await;
    let (bundles, started) = (BundleServer::start().await, Instant::now());
    assert_eq!(pull(&device, &bundles, MEDIUM).await, Ok("true".into()));
    assert!(started.elapsed() >= RETRY, "{:?}", started.elapsed());
    assert_eq!(active_slot(&device).await, 1);
}

#[tokio::test]
async fn cut_push_fails_and_can_begin_again() {
    let (_bench, device) = device_with(&["cut-at=40%"]).await;
    assert_eq!(push(&device, "medium2.zip").await, Err(error(-1, "-1 Update failed")));
    assert_eq!(state(&device).await, 0);
    assert_eq!(push(&device, "medium2.zip").await, Ok(()));
    assert_eq!(active_slot(&device).await, 1);
}

#[tokio::test]
async fn stalled_update_times_out() {
    let bundles = BundleServer::start().await;
    let (_bench, device) = device_with(&["stall-at=40%"]).await;
    assert_eq!(pull(&device, &bundles, MEDIUM).await, Err(error(-1, "Update timed out")));
    assert_eq!(state(&device).await, 0);
    assert_eq!(pull(&device, &bundles, MEDIUM).await, Ok("true".into()));

    let (mut bench, device) = device_with(&["stall-at=40%"]).await;
    let other = bench.device(None);
    let pushed = tokio::spawn(async move { push(&other, "medium2.zip").await });
    bench.wait_for_line("fault: stall-at=40%").await;
    assert_eq!(state(&device).await, 1);
    let started = Instant::now();
    while state(&device).await == 1 {
        assert!(started.elapsed() < CALL_TIMEOUT, "for good");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let timed_out = error(-1, "-5 Update timed out");
    assert_eq!(call(&device, "OTA.Write", json!({"offset": 0, "data": "AAAA"})).await, Err(timed_out.clone()));
    assert_eq!(call(&device, "OTA.End", Value::Null).await, Err(timed_out));
    assert!(!pushed.is_finished(), "the stalled piece is never answered");
    pushed.abort();
}

#[tokio::test]
async fn abandoned_pull_is_adopted_by_the_next_call() {
    let (_bench, device) = device_with(&["busy=40%:500ms"]).await;
    let status = call(&device, "OTA.Status", Value::Null).await.expect("a status");
    assert_eq!((&status["state"], &status["progress_percent"]), (&json!(1), &json!(40)));
    assert_eq!(call(&device, "OTA.End", Value::Null).await, Err(error(-1, "Update not started")));
    assert_eq!(call(&device, "OTA.Begin", json!({})).await, Err(error(-1, "Update failed to start")));
    assert_eq!(state(&device).await, 1, "OTA.End does not end it");
    let bundles = BundleServer::start().await;
    assert_eq!(pull(&device, &bundles, SMALL).await, Err(error(-1, "Update timed out")));
    assert_eq!(pull(&device, &bundles, SMALL).await, Ok("true".into()));

    let (mut bench, device) = device_with(&["busy=7%"]).await;
    call(&device, "Sys.Reboot", Value::Null).await.expect("a reboot");
    bench.wait_for_reboot(&device).await;
    assert_eq!(state(&device).await, 0, "a reboot ends it");
}

#[tokio::test]
async fn refused_bundle_has_the_code_and_message_of_2022() {
    let bundles = BundleServer::start().await;
    for (fault, code, message) in [
        ("wrong-digest", -10, "Digest mismatch"),
        ("wrong-platform", -10, "Nothing interesting in the update (wrong platform?)"),
    ] {
        let (_bench, device) = device_with(&[fault]).await;
        assert_eq!(pull(&device, &bundles, SMALL).await, Err(error(-1, message)), "{fault}");
        assert_eq!(push(&device, "small2.zip").await, Err((code, format!("{code} {message}"))), "{fault}");
        assert_eq!((state(&device).await, active_slot(&device).await), (0, 0), "{fault}");
    }
}

#[tokio::test]
async fn not_modified_is_a_success_without_a_reboot() {
    for (generation, expected) in
        [(Generation::Y2018, json!({"code": 0, "message": "Not Modified"})), (Generation::Y2019, json!("true"))]
    {
        let config = Config { generation, ..config(&["not-modified"]) };
        let bench = Transport::WebSocket.simulated(config).await;
        let device = bench.device(None);
        let params = json!({"url": "http://127.0.0.1:1/x.zip"});
        assert_eq!(call(&device, "OTA.Update", params).await, Ok(expected), "{generation:?}");
        assert_eq!(active_slot(&device).await, 0, "{generation:?}");
    }
}

#[tokio::test]
async fn reboot_before_reply_fault_loses_the_reply() {
    let (mut bench, device) = device_with(&["reboot-before-reply"]).await;
    let (bundles, other) = (BundleServer::start().await, device.clone());
    let updating = tokio::spawn(async move {
        let params = json!({"url": bundles.url(SMALL), "commit_timeout": 300});
        other.call_raw("OTA.Update", params, false, CALL_TIMEOUT).await
    });
    bench.wait_for_line("update: Update applied, rebooting").await;
    bench.wait_for_reboot(&device).await;
    let result = updating.await.expect("no panic");
    assert!(matches!(result, Err(CallError::Lost { .. } | CallError::Timeout { .. })), "{result:?}");
    assert_eq!(active_slot(&device).await, 1);
}

#[tokio::test]
async fn late_reply_ends_the_update_later() {
    let (mut bench, device) = device_with(&["reply-late=OTA.Update:300ms"]).await;
    let (bundles, started) = (BundleServer::start().await, Instant::now());
    assert_eq!(pull(&device, &bundles, SMALL).await, Ok("true".into()));
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    bench.wait_for_reboot(&device).await;
    assert_eq!(active_slot(&device).await, 1);
}

#[tokio::test]
async fn device_of_2018_has_no_push_methods() {
    let bench = Transport::WebSocket.simulated(Config { generation: Generation::Y2018, ..config(&[]) }).await;
    let device = bench.device(None);
    let listed = call(&device, "RPC.List", Value::Null).await.expect("a list");
    for method in ["OTA.Begin", "OTA.Write", "OTA.End", "Sys.GetUID"] {
        assert!(!listed.as_array().expect("a list").contains(&json!(method)), "{listed}");
        let missing = error(404, &format!("No handler for {method}"));
        assert_eq!(call(&device, method, json!({})).await, Err(missing));
    }
}

/// Makes the calls of `mos config-get`, `mos config-set` and pytboss.
#[tokio::test]
async fn settings_are_read_changed_and_saved() {
    let (mut bench, device) = device_with(&[]).await;
    let get = |key: &str| call(&device, "Config.Get", json!({"key": key}));
    let set = |timeout: u64| call(&device, "Config.Set", json!({"config": {"update": {"timeout": timeout}}}));
    assert_eq!(get("update.timeout").await, Ok(json!(600)));
    assert_eq!(get("update.nope").await, Err(error(404, "invalid config key")));
    assert_eq!(set(7).await, Ok(json!({"saved": false})));
    assert_eq!(get("update.timeout").await, Ok(json!(7)));
    assert_eq!(call(&device, "Config.Save", json!({"reboot": true})).await, Ok(json!({"saved": true})));
    bench.wait_for_reboot(&device).await;
    assert_eq!(get("update.timeout").await, Ok(json!(7)));
    call(&device, "Sys.SetDebug", json!({"level": 3})).await.expect("code 0 is success");
}
