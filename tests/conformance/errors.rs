//! Errors of the device: code and message arrive unchanged, and the device executes nothing.

use otactl::ota::{Commit, CreateSnapshot, Describe, GetBootState, Ping, Reboot, Revert, SetBootState, Update};
use otactl::rpc::{CallError, Device, Method, RemoteError};
use otactl::sim::Generation;
use serde_json::{Value, json};

use crate::support::bundles::BundleServer;
use crate::support::transports::{CALL_TIMEOUT, Setup};

async fn error_of<M: Method>(device: &Device, method: M) -> (String, RemoteError) {
    match device.call_value(method).await {
        Err(CallError::Remote { method, error }) => (method, error),
        other => panic!("{}: {other:?}", M::NAME),
    }
}

fn error(code: i64, message: &str) -> RemoteError {
    RemoteError { code, message: (!message.is_empty()).then(|| message.into()) }
}

/// Callers decide by the code of an error. A missing message stays missing.
pub(crate) async fn device_errors_keep_code_and_message(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (_bench, device) = setup.device().await;
    let before = device.call(GetBootState {}).await.expect("a boot state");
    let nothing = SetBootState::default();
    let update = |path| Update { url: path, commit_timeout: 300, timeout: 60 };
    let [no_url, platform, no_manifest, uncommitted] = match setup.generation {
        Generation::Y2018 => ["Malformed request", "Wrong platform", "", "Failed to init updater"],
        Generation::Y2019 | Generation::Y2022 => [
            "Connect error",
            "Nothing interesting in the update (wrong platform?)",
            "Expected manifest, found something else",
            "Update failed to start",
        ],
    };
    for (answered, method, expected) in [
        (error_of(&device, Commit {}).await, "OTA.Commit", error(-1, "")),
        (error_of(&device, Revert {}).await, "OTA.Revert", error(-1, "")),
        (error_of(&device, nothing).await, "OTA.SetBootState", error(-2, "")),
        (error_of(&device, SetBootState { active_slot: Some(2), ..nothing }).await, "OTA.SetBootState", error(-3, "")),
        (error_of(&device, Describe { name: "ü€😀".into() }).await, "RPC.Describe", error(404, "name not found")),
        (error_of(&device, update(String::new())).await, "OTA.Update", error(-1, no_url)),
        (
            error_of(&device, update(bundles.url("none.zip"))).await,
            "OTA.Update",
            error(-1, "Invalid HTTP response code"),
        ),
        (error_of(&device, update(bundles.url("wrongplat.zip"))).await, "OTA.Update", error(-1, platform)),
        (error_of(&device, update(bundles.url("noman.zip"))).await, "OTA.Update", error(-1, no_manifest)),
    ] {
        assert_eq!(answered, (method.to_owned(), expected));
    }
    for (method, params, expected) in [
        ("Sys.Reboot", json!({"delay_ms": "soon"}), error(400, "invalid delay value")),
        ("RPC.Describe", Value::Null, error(400, "name is required")),
        ("Config.Get", json!({"key": "no.such"}), error(404, "invalid config key")),
        ("Nö.Such", Value::Null, error(404, "No handler for Nö.Such")),
    ] {
        match device.call_raw(method, params, false, CALL_TIMEOUT).await {
            Err(CallError::Remote { method: of, error }) => assert_eq!((of.as_str(), error), (method, expected)),
            other => panic!("{method}: {other:?}"),
        }
    }
    if setup.generation != Generation::Y2018 {
        // Since 2019, a device stores the slot that it refuses.
        assert_eq!(device.call(GetBootState {}).await.expect("a boot state").active_slot, Some(2));
        device.call(SetBootState { active_slot: Some(0), ..nothing }).await.expect("a slot");
    }
    assert_eq!(device.call(GetBootState {}).await.expect("a boot state"), before, "no error has done anything else");
    device.call(CreateSnapshot { set_as_revert: Some(true), commit_timeout: Some(300) }).await.expect("a snapshot");
    let refused = error_of(&device, CreateSnapshot::default()).await;
    assert_eq!(refused.1, error(-1, "Cannot create snapshots in uncommitted state"));
    let refused = error_of(&device, update(bundles.url("good.zip"))).await;
    assert_eq!(refused.1, error(-1, uncommitted));
}

/// In the last 100 ms before a reboot, the device answers every call with error 418. A client that waits for the reboot
/// has to recognise this.
///
/// On a busy machine, this time may pass before the call, so the test tries again.
pub(crate) async fn device_about_to_reboot_answers_418(setup: Setup) {
    let (mut bench, device) = setup.device().await;
    for _ in 0..20 {
        device.call(Reboot { delay_ms: Some(100) }).await.expect("a reboot");
        let answered = device.call_within(Ping {}, std::time::Duration::from_millis(500)).await;
        bench.wait_for_reboot(&device).await;
        match answered {
            Err(CallError::Remote { method, error }) => {
                assert_eq!((method.as_str(), error.code), ("RPC.Ping", 418), "{error:?}");
                assert!(error.message.is_some_and(|text| text.starts_with("shutting down in ")));
                return;
            }
            Err(CallError::Timeout { .. } | CallError::Lost { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    panic!("the device never said that it is about to reboot");
}
