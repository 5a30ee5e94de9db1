//! Calls in flight: many at a time, answered in any order, cut off in the middle.

use std::time::{Duration, Instant};

use otactl::ota::{Describe, GetBootState, GetStatus, Ping, Reboot, Update, UpdateState};
use otactl::rpc::{CallError, Device};
use otactl::sim::Generation;
use serde_json::json;
use tokio::task::JoinSet;

use crate::support::bundles::BundleServer;
use crate::support::transports::{CALL_TIMEOUT, Setup};

/// A reply that reaches the wrong caller is worse than no reply.
pub(crate) async fn concurrent_calls_get_their_own_replies(setup: Setup) {
    let (bench, device) = setup.device().await;
    let mut calls = JoinSet::new();
    for number in 0..50 {
        let device = device.clone();
        let id = bench.simulator.id().to_owned();
        calls.spawn(async move {
            match number % 3 {
                0 => {
                    let name = ["OTA.Commit", "RPC.List", "Sys.Reboot"][number / 3 % 3].to_owned();
                    let description = device.call(Describe { name: name.clone() }).await.expect("a description");
                    assert_eq!(description.name, name);
                }
                1 => {
                    let key = json!({"key": "device.id"});
                    let value = device.call_raw("Config.Get", key, true, CALL_TIMEOUT).await.expect("a setting");
                    assert_eq!(value, id);
                }
                _ => {
                    let method = format!("No.Such{number}");
                    let error = device.call_raw(&method, json!([number]), true, CALL_TIMEOUT).await.expect_err("404");
                    let message = error.remote_error().and_then(|error| error.message.clone());
                    assert_eq!(message, Some(format!("No handler for {method}")), "{error:?}");
                }
            }
        });
    }
    while let Some(ended) = calls.join_next().await {
        ended.expect("each call has its own answer");
    }
}

/// The reply to `OTA.Update` may come minutes after the request. Other replies overtake it.
pub(crate) async fn calls_are_answered_while_an_update_runs(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (mut bench, device) = setup.device().await;
    device.call(Ping {}).await.expect("an answer");
    let update = Update { url: bundles.url("held/medium2.zip"), commit_timeout: 300, timeout: 60 };
    let (updating, again) = (device.clone(), update.clone());
    let applied = tokio::spawn(async move { updating.call(update).await });
    bench.wait_for_line("OTA.Update").await;
    update_runs(&device).await;
    let refused = device.call(again).await.expect_err("one update at a time");
    let words = match setup.generation {
        Generation::Y2018 => "Failed to init updater",
        Generation::Y2019 | Generation::Y2022 => "Update is already in progress",
    };
    assert_eq!(refused.remote_error().and_then(|e| e.message.as_deref()), Some(words), "{refused:?}");
    assert!(device.call(GetBootState {}).await.expect("a boot state").is_committed);
    assert!(!applied.is_finished(), "the download waits for us");
    bundles.release();
    applied.await.expect("no panic").expect("a success");
}

/// Waits until `OTA.Status` reports an update in progress. Since 2019, that is after the first reply of the server.
async fn update_runs(device: &Device) {
    let runs = async {
        while device.call(GetStatus {}).await.expect("a status").state != UpdateState::Progress {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(CALL_TIMEOUT, runs).await.expect("an update runs");
}

/// A reset sends no FIN. A call that it interrupts ends at its deadline at the latest, and the next call reaches the
/// device.
pub(crate) async fn call_cut_off_by_a_reboot_ends_in_time(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (mut bench, device) = setup.device().await;
    device.call(Ping {}).await.expect("an answer");
    let deadline = Duration::from_millis(700);
    let update = Update { url: bundles.url("held/medium2.zip"), commit_timeout: 300, timeout: 60 };
    let updating = device.clone();
    let cut_off = tokio::spawn(async move {
        let started = Instant::now();
        (updating.call_within(update, deadline).await, started.elapsed())
    });
    bench.wait_for_line("OTA.Update").await;
    device.call(Reboot { delay_ms: Some(0) }).await.expect("a reboot");
    let (result, took) = cut_off.await.expect("no panic");
    match result {
        Err(CallError::Timeout { after, .. }) => assert_eq!(after, deadline),
        Err(CallError::Lost { sent: true, .. }) => {}
        other => panic!("{other:?}"),
    }
    assert!(took < deadline + CALL_TIMEOUT / 2, "{took:?}");
    bench.wait_for_reboot(&device).await;
    let state = device.call(GetBootState {}).await.expect("the device is back");
    assert_eq!((state.active_slot, state.is_committed), (Some(0), true), "the update was cut short");
}

/// A caller that knows that the device is gone need not wait for a deadline.
pub(crate) async fn drop_link_fails_the_call_in_flight(setup: Setup) {
    let bundles = BundleServer::start().await;
    let (mut bench, device) = setup.device().await;
    // The ping gets the challenge, so that the update is requested once.
    device.call(Ping {}).await.expect("an answer");
    let update = Update { url: bundles.url("held/medium2.zip"), commit_timeout: 300, timeout: 60 };
    let updating = device.clone();
    let cut_off = tokio::spawn(async move { updating.call_within(update, CALL_TIMEOUT * 10).await });
    bench.wait_for_line("OTA.Update").await;
    update_runs(&device).await;
    device.drop_link();
    let error = tokio::time::timeout(CALL_TIMEOUT, cut_off).await.expect("at once").expect("no panic");
    assert!(matches!(error, Err(CallError::Lost { sent: true, .. })), "{error:?}");
    let status = device.call(GetStatus {}).await.expect("the next call dials anew");
    assert_eq!(status.state, UpdateState::Progress, "the update goes on");
    bundles.release();
    bench.wait_for_reboot(&device).await;
    assert!(!device.call(GetBootState {}).await.expect("a boot state").is_committed);
}
