//! Checks how an update interprets the replies of 2019 to 2022, which say less than those of 2018.
//!
//! The answers are scripted call by call. The clock advances only when every task waits.

mod support;

use std::time::Duration;

use otactl::update::device_state::Running;
use otactl::update::{Failure, Plan, Refusal, Source, Success, Via};
use serde_json::{Value, json};
use support::calls::{CallScript, State, demo_bundle, run_plan, update, update_from_otactl};
use support::fake_device::{NEW, OLD, OTHER, lost, remote, timed_out};
use tokio::time::Instant;

/// Makes the new firmware boot next, and returns the reply to `OTA.Update`. The old firmware runs for another 500 ms.
fn apply(state: &mut State) -> Value {
    (state.device.slot, state.device.committed) = (1, false);
    json!("true")
}

/// Reboots a device with an applied update once `Sys.GetInfo` was called more than 12 times before.
fn reboot_when_due(state: &mut State, method: &str, polls: usize) {
    if method == "Sys.GetInfo" && state.device.slot == 1 && !state.device.committed && polls > 12 {
        state.device.boot(NEW, 1, false);
    }
}

#[tokio::test(start_paused = true)]
async fn success_of_304_is_nothing_new_at_once() {
    let started = Instant::now();
    let (result, _) = update(|_, method, _| (method == "OTA.Update").then(|| Ok(json!("true")))).await;
    assert!(matches!(result, Err(Failure::NothingNew { running: Running { slot: Some(0), .. }, .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn success_is_read_from_the_boot_state() {
    let (result, state) = update(|state, method, count| {
        reboot_when_due(state, method, count);
        (method == "OTA.Update").then(|| Ok(apply(state)))
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Update"], 1);
}

/// The replies are those of the case `pull_cut_then_refused` in wire/ota2022-ws.json.
#[tokio::test(start_paused = true)]
async fn connect_error_of_a_running_update_is_not_a_failure() {
    for said in ["Connect error", "Invalid HTTP response code", "Update is already in progress"] {
        let script: CallScript = match said {
            "Connect error" => |state, method, count| continued_update(state, method, count, "Connect error"),
            "Invalid HTTP response code" => {
                |state, method, count| continued_update(state, method, count, "Invalid HTTP response code")
            }
            _ => |state, method, count| continued_update(state, method, count, "Update is already in progress"),
        };
        let (result, state) = update(script).await;
        assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{said}: {result:?}");
        assert_eq!(state.lock().calls["OTA.Update"], 1, "{said}");
    }
}

/// Plays an update that continues after the error `said` and succeeds some calls later.
fn continued_update(
    state: &mut State,
    method: &str,
    count: usize,
    said: &str,
) -> Option<Result<Value, otactl::rpc::CallError>> {
    reboot_when_due(state, method, count.saturating_sub(30));
    match method {
        "OTA.Update" => Some(remote(method, -1, said)),
        "OTA.Status" if !state.calls.contains_key("OTA.Update") => None,
        "OTA.Status" if count < 6 => {
            Some(Ok(json!({"state": 1, "message": "Waiting for data", "progress_percent": 10 * count})))
        }
        "OTA.Status" if state.device.slot == 0 => {
            apply(state);
            None
        }
        _ => None,
    }
}

/// `Connect error` is a failure if no update runs.
#[tokio::test(start_paused = true)]
async fn connect_error_of_an_idle_device_is_a_failure() {
    let started = Instant::now();
    let (result, _) =
        update(|_, method, _| (method == "OTA.Update").then(|| remote(method, -1, "Connect error"))).await;
    assert!(matches!(&result, Err(Failure::UrlUnreachable { error }) if error.contains("Connect error")), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn unlicensed_device_is_reported_at_once() {
    let started = Instant::now();
    let (result, state) = update(|_, method, _| {
        let said = "Free version can only perform OTA from mDash (https://dash.mongoose-os.com). …";
        (method == "OTA.Update").then(|| remote(method, -1, said))
    })
    .await;
    let failure = result.expect_err("refused");
    assert!(matches!(failure, Failure::Unlicensed { .. }), "{failure:?}");
    assert_eq!(failure.facts().outcome, "never_fetched");
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert_eq!(state.lock().calls["OTA.Update"], 1);
}

/// The percentage is all that otactl sees of a download from another server, and it may not change for long. After four
/// minutes without a change, otactl cannot tell whether the device continues.
#[tokio::test(start_paused = true)]
async fn url_download_without_progress_is_contact_lost() {
    let started = Instant::now();
    let (result, _) = update(|state, method, _| match method {
        "OTA.Update" => Some(remote(method, -1, "Connect error")),
        "OTA.Status" if state.calls.contains_key("OTA.Update") => {
            Some(Ok(json!({"state": 1, "message": "Waiting for data", "progress_percent": 45})))
        }
        _ => None,
    })
    .await;
    assert!(
        matches!(&result, Err(Failure::ContactLost { reason, .. }) if reason.to_string().contains("45 %")),
        "{result:?}"
    );
    assert!((240..250).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// In the 500 ms between the last byte and the reboot, the boot state describes the next boot.
#[tokio::test(start_paused = true)]
async fn device_about_to_boot_other_firmware_is_awaited() {
    let (result, state) = update(|state, method, count| {
        if !state.calls.contains_key("OTA.Update") && count == 0 && method == "Sys.GetInfo" {
            apply(state);
        }
        reboot_when_due(state, method, count);
        None
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{result:?}");
    assert!(!state.lock().calls.contains_key("OTA.Update"), "it goes on from there");
}

/// Applies an update of the wanted build at the first `Sys.GetInfo`, and reboots into it when due. Checks that `OTA.Commit`
/// comes only after the reboot.
fn applied_at_the_first_call(state: &mut State, method: &str, count: usize) {
    if count == 0 && method == "Sys.GetInfo" {
        state.device.build = NEW;
        apply(state);
    }
    assert!(
        method != "OTA.Commit" || state.device.booted.elapsed() < Duration::from_secs(900),
        "it has not rebooted yet"
    );
    reboot_when_due(state, method, count);
}

/// otactl does not commit firmware that has not started, even if the running firmware already has the wanted build.
#[tokio::test(start_paused = true)]
async fn firmware_is_not_committed_before_it_has_started() {
    let (result, state) = update(|state, method, count| {
        applied_at_the_first_call(state, method, count);
        None
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 1);
}

/// otactl does not take a link that breaks before the reboot for the reboot.
#[tokio::test(start_paused = true)]
async fn broken_link_before_the_reboot_is_not_a_reboot() {
    let (result, state) = update(|state, method, count| {
        applied_at_the_first_call(state, method, count);
        (method == "Sys.GetInfo" && (3..6).contains(&count)).then(|| lost(true))
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 1);
}

/// Plays the status of an update that another run or client started. It makes progress while `count` is below `until`.
fn running_update(method: &str, count: usize, until: usize) -> Option<Result<Value, otactl::rpc::CallError>> {
    let percent = 10 + count.min(until);
    (method == "OTA.Status")
        .then(|| Ok(json!({"state": 1, "message": "Waiting for data", "progress_percent": percent})))
}

/// Pieces that were in flight when their sender died do not count as progress of another client.
#[tokio::test(start_paused = true)]
async fn abandoned_push_with_pieces_in_flight_is_ended() {
    let started = Instant::now();
    let (result, state) = update(|state, method, count| match method {
        "OTA.End" => Some(remote(method, -1, "-13 Unexpected end of data")),
        "OTA.Status" if state.calls.contains_key("OTA.End") => None,
        // otactl polls every half second: progress for three seconds.
        "OTA.Status" => running_update(method, count, 6),
        _ => None,
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.End"], 1, "that is the answer of an end that has worked");
    // The stall timeout, from the last progress on.
    assert!(started.elapsed() < Duration::from_secs(70), "{:?}", started.elapsed());
}

/// Another client starts its update after the preflight checks. otactl does not take it for a pull that cannot reach otactl.
#[tokio::test(start_paused = true)]
async fn update_of_another_client_started_first_is_refused() {
    for via in [Via::Auto, Via::Pull] {
        let (result, state) = update_from_otactl(via, |state, method, count| match method {
            "OTA.Update" => Some(remote(method, -1, "Update is already in progress")),
            "OTA.Status" if state.calls.contains_key("OTA.Update") => running_update(method, count, usize::MAX),
            _ => None,
        })
        .await;
        assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{via:?}: {result:?}");
        let state = state.lock();
        assert!(!state.calls.contains_key("OTA.End") && !state.calls.contains_key("Sys.Reboot"), "{:?}", state.calls);
    }
}

/// The reply to `OTA.Update` is lost, and the device has a part of a firmware that otactl did not serve.
#[tokio::test(start_paused = true)]
async fn download_of_another_client_is_not_ended() {
    let (result, state) = update_from_otactl(Via::Auto, |state, method, _| match method {
        "OTA.Update" => Some(timed_out(method)),
        "OTA.Status" if state.calls.contains_key("OTA.Update") => running_update(method, 21, 21),
        _ => None,
    })
    .await;
    let is_refused = matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { percent: 31 })));
    assert!(is_refused, "{result:?}");
    let state = state.lock();
    assert!(!state.calls.contains_key("OTA.End") && !state.calls.contains_key("Sys.Reboot"), "{:?}", state.calls);
}

/// otactl neither commits nor reverts firmware that the device got from another client during the update.
#[tokio::test(start_paused = true)]
async fn firmware_of_another_client_is_neither_committed_nor_reverted() {
    let script: CallScript = |state, method, count| match method {
        "OTA.Update" => Some(remote(method, -1, "Update is already in progress")),
        "OTA.Status" if state.calls.contains_key("OTA.Update") && count < 5 => {
            running_update(method, count, usize::MAX)
        }
        "OTA.Status" if state.calls.contains_key("OTA.Update") && state.device.build == OLD => {
            state.device.boot(OTHER, 1, false);
            None
        }
        _ => None,
    };
    let url = || Source::Url { url: "http://elsewhere/fw.zip".into(), manifest: Err("silent".into()), signed: None };
    for (name, (result, state)) in [
        ("from here", update_from_otactl(Via::Pull, script).await),
        ("unknown build", run_plan(&Plan::new(url()), script).await),
    ] {
        assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{name}: {result:?}");
        let state = state.lock();
        let calls = &state.calls;
        assert!(!calls.contains_key("OTA.Commit") && !calls.contains_key("OTA.Revert"), "{name}: {calls:?}");
    }
}

/// A device that rebooted after the first probe has no abandoned download. The download that runs now is a new one.
#[tokio::test(start_paused = true)]
async fn download_that_began_after_a_reboot_is_not_ended() {
    let (result, state) = update(|state, method, count| match method {
        "OTA.End" => {
            state.device.boot(OLD, 0, true);
            Some(remote(method, -1, "Update not started"))
        }
        _ => running_update(method, if state.calls.contains_key("OTA.End") { count } else { 0 }, usize::MAX),
    })
    .await;
    assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{result:?}");
    assert!(!state.lock().calls.contains_key("Sys.Reboot"));
}

#[tokio::test(start_paused = true)]
async fn refused_reboot_is_not_awaited() {
    let started = Instant::now();
    let (result, _) = update(|_, method, _| match method {
        "OTA.End" => Some(remote(method, -1, "Update not started")),
        "Sys.Reboot" => Some(remote(method, 404, "No handler")),
        _ => running_update(method, 0, 0),
    })
    .await;
    assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(65), "{:?}", started.elapsed());
}

/// The last piece is lost, and the device does not answer for a minute after it.
#[tokio::test(start_paused = true)]
async fn push_without_its_last_piece_is_download_failed() {
    /// The number of the last piece of the demo bundle.
    const LAST: usize = 152;

    let plan = Plan { via: Via::Push, ..Plan::new(Source::Bundle(demo_bundle())) };
    let (result, state) = run_plan(&plan, |state, method, count| {
        let written = state.calls.get("OTA.Write").copied().unwrap_or(0);
        let info_calls = state.calls.get("Sys.GetInfo").copied().unwrap_or(0);
        match method {
            "OTA.Begin" => Some(Ok(Value::Null)),
            "OTA.End" => Some(remote(method, -1, "-13 Unexpected end of data")),
            "OTA.Write" => Some(if count < LAST { Ok(Value::Null) } else { timed_out(method) }),
            _ if written > LAST && info_calls < 40 => Some(timed_out(method)),
            _ => None,
        }
    })
    .await;
    let state = state.lock();
    assert_eq!(state.calls["OTA.Write"], LAST + 1, "one piece is the last one");
    assert!(matches!(&result, Err(Failure::DownloadFailed { remains: false, .. })), "{result:?} {:?}", state.calls);
    assert_eq!(state.calls["OTA.End"], 1);
}

/// The answer to `OTA.End` is the same whether the push has ended or not. `OTA.Status` shows the difference.
#[tokio::test(start_paused = true)]
async fn push_that_goes_on_after_its_end_is_not_ended() {
    let (result, _) = update(|_, method, _| match method {
        "OTA.End" => Some(remote(method, -1, "-13 Unexpected end of data")),
        _ => running_update(method, 0, 0),
    })
    .await;
    assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{result:?}");
}

/// otactl reboots the device to end a download. Until the device is back, otactl does not report it as unchanged.
#[tokio::test(start_paused = true)]
async fn device_not_back_from_a_reboot_is_contact_lost() {
    let (result, state) = update(|state, method, _| match method {
        "OTA.End" => Some(remote(method, -1, "Update not started")),
        "Sys.Reboot" => Some(Ok(Value::Null)),
        _ if state.calls.contains_key("Sys.Reboot") => Some(timed_out(method)),
        _ => running_update(method, 0, 0),
    })
    .await;
    assert!(
        matches!(&result, Err(Failure::ContactLost { reason, .. }) if reason.to_string().contains("not back")),
        "{result:?}"
    );
    assert_eq!(state.lock().calls["Sys.Reboot"], 1);
}

#[tokio::test(start_paused = true)]
async fn update_of_another_client_with_progress_is_refused() {
    let (result, state) = update(|_, method, count| running_update(method, count, usize::MAX)).await;
    assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{result:?}");
    let state = state.lock();
    assert!(!state.calls.contains_key("OTA.End") && !state.calls.contains_key("Sys.Reboot"), "{:?}", state.calls);
}

/// A reboot would end the download, and would also roll back the uncommitted firmware.
#[tokio::test(start_paused = true)]
async fn download_on_an_uncommitted_device_is_not_ended_by_a_reboot() {
    let (result, state) = update(|state, method, _| {
        if method == "Sys.GetInfo" && state.device.committed {
            (state.device.build, state.device.slot, state.device.committed) = (OTHER, 1, false);
        }
        match method {
            "OTA.End" => Some(remote(method, -1, "Update not started")),
            _ => running_update(method, 0, 0),
        }
    })
    .await;
    assert!(matches!(result, Err(Failure::Refused(Refusal::UpdateRunning { .. }))), "{result:?}");
    assert!(!state.lock().calls.contains_key("Sys.Reboot"));
}
