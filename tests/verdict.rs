//! The outcomes of updates on devices and links that misbehave.
//!
//! The answers are scripted call by call, and the clock advances only when every task waits. The firmware server and
//! its client are real.

mod support;

use std::time::Duration;

use otactl::rpc::CallError;
use otactl::update::device_state::Running;
use otactl::update::health::{Check, Checks};
use otactl::update::outcome::{RevertResult, Unhealthy};
use otactl::update::{Failure, Success};
use serde_json::{Value, json};
use support::calls::{CallScript, State, update, update_checked, update_within};
use support::fake_device::{NEW, OLD, OTHER, lost, remote, timed_out};
use tokio::time::Instant;

#[tokio::test(start_paused = true)]
async fn update_without_faults_is_updated() {
    let (result, state) = update(|_, _, _| None).await;
    assert!(matches!(result, Ok(Success::Updated(Running { slot: Some(1), .. }))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Update"], 1);
}

/// The new firmware answers `Sys.GetInfo` and crashes, and the old one answers `OTA.GetBootState`. Combined, the
/// answers would look like a success.
#[tokio::test(start_paused = true)]
async fn build_and_state_of_two_boots_are_not_combined() {
    let (result, _) = update(|state, method, _| {
        if method == "OTA.GetBootState" && state.device.build == NEW {
            state.device.boot(OLD, 0, true);
        }
        None
    })
    .await;
    assert!(matches!(result, Err(Failure::RolledBack { old: Running { slot: Some(0), .. }, .. })), "{result:?}");
}

/// The rollback happens between the commit and the read of the boot state.
#[tokio::test(start_paused = true)]
async fn rollback_instead_of_the_commit_is_rolled_back() {
    let (result, _) = update(|state, method, _| {
        (method == "OTA.Commit").then(|| {
            state.device.boot(OLD, 0, true);
            lost(true)
        })
    })
    .await;
    assert!(matches!(result, Err(Failure::RolledBack { old: Running { slot: Some(0), .. }, .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn commit_reply_lost_is_success() {
    let (result, state) = update(|state, method, _| {
        (method == "OTA.Commit").then(|| {
            state.device.committed = true;
            lost(true)
        })
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 1, "it was not sent again");
}

#[tokio::test(start_paused = true)]
async fn commit_lost_is_sent_again_after_reading_the_state() {
    let (result, state) = update(|_, method, count| (method == "OTA.Commit" && count == 0).then(|| lost(true))).await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 2);
}

/// The result of the commit is unknown then, and reported as unknown.
#[tokio::test(start_paused = true)]
async fn silence_after_the_commit_is_commit_unseen() {
    let (result, state) = update(|state, method, _| {
        let sent = state.calls.contains_key("OTA.Commit");
        (method == "OTA.Commit" || sent).then(|| timed_out(method))
    })
    .await;
    assert!(matches!(result, Err(Failure::CommitUnseen { .. })), "{result:?}");
    assert_eq!(state.lock().calls["OTA.Commit"], 1, "nothing is repeated blindly");
}

#[tokio::test(start_paused = true)]
async fn refused_commit_reports_the_time_until_rollback() {
    let (result, _) = update(|_, method, _| (method == "OTA.Commit").then(|| remote(method, -1, "no"))).await;
    let Err(Failure::NotCommitted { reverts_in: Some(left), .. }) = result else { panic!("{result:?}") };
    assert!(left > Duration::from_secs(290), "{left:?}");
}

#[tokio::test(start_paused = true)]
async fn wrong_build_is_reverted() {
    let (result, _) = update(|state, method, _| {
        (method == "OTA.Update").then(|| {
            state.device.boot(OTHER, 1, false);
            Ok(json!({"code": 0, "message": "Update applied, finalizing"}))
        })
    })
    .await;
    let Err(Failure::Unhealthy { revert_result: RevertResult::Reverted(Running { build, .. }), .. }) = result else {
        panic!("{result:?}")
    };
    assert_eq!((build.version.as_str(), build.build_id.as_str()), OLD);
}

#[tokio::test(start_paused = true)]
async fn wrong_build_that_committed_itself_is_not_reverted() {
    let (result, state) = update(|state, method, _| {
        (method == "OTA.Update").then(|| {
            state.device.boot(OTHER, 1, true);
            Ok(json!({"code": 0, "message": "Update applied, finalizing"}))
        })
    })
    .await;
    assert!(matches!(result, Err(Failure::Unhealthy { revert_result: RevertResult::Committed, .. })), "{result:?}");
    assert!(!state.lock().calls.contains_key("OTA.Revert"));
}

/// Over HTTP, a device that reboots before its reply leaves a dead connection without an error.
#[tokio::test(start_paused = true)]
async fn update_reply_lost_in_the_reboot_is_not_awaited() {
    let started = Instant::now();
    let (result, _) = update(|state, method, _| {
        (method == "OTA.Update").then(|| {
            state.device.boot(NEW, 1, false);
            timed_out(method)
        })
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

/// Older firmware has no `OTA.Status`. That it cannot report an update does not mean that none runs.
#[tokio::test(start_paused = true)]
async fn link_lost_during_a_download_without_ota_status_is_waited_out() {
    let started = Instant::now();
    let (result, _) = update(|state, method, _| {
        // The download ends a minute after the start.
        let minute = state.device.booted.elapsed() > Duration::from_secs(1060);
        match method {
            "OTA.Update" => Some(lost(true)),
            "OTA.Status" => Some(remote(method, 404, "No handler for OTA.Status")),
            "Sys.GetInfo" if state.device.build == OLD && minute => {
                state.device.boot(NEW, 1, false);
                None
            }
            _ => None,
        }
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(70), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn lost_status_replies_do_not_end_an_update() {
    let (result, _) = update(|state, method, count| match method {
        "OTA.Update" => Some(lost(true)),
        "OTA.Status" if count == 0 => None,
        "OTA.Status" if (1..4).contains(&count) => Some(timed_out(method)),
        "OTA.Status" if count < 8 => Some(Ok(json!({"state": 1, "progress_percent": 300}))),
        "OTA.Status" => {
            state.device.boot(NEW, 1, false);
            None
        }
        _ => None,
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
}

/// The outcome of a device that never answers again is unknown, and reported in time.
#[tokio::test(start_paused = true)]
async fn device_lost_during_the_download_is_contact_lost() {
    let started = Instant::now();
    let (result, _) =
        update(|state, method, _| state.calls.contains_key("OTA.Update").then(|| timed_out(method))).await;
    assert!(matches!(result, Err(Failure::ContactLost { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(620), "{:?}", started.elapsed());
}

/// A late reply must not look like a reboot: its uptime is older than its arrival.
#[tokio::test(start_paused = true)]
async fn late_reply_is_not_a_reboot() {
    let (result, _) = update(|state, method, count| {
        // The link is slow, and some replies take far longer.
        let late = method == "Sys.GetInfo" && state.calls.contains_key("OTA.Update") && count % 3 == 0;
        state.latency = Duration::from_millis(if late { 2500 } else { 350 });
        (method == "OTA.Update").then(|| Ok(json!({"code": 0, "message": "Update applied, finalizing"})))
    })
    .await;
    assert!(matches!(result, Err(Failure::DidNotReboot(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn device_silent_after_the_update_is_no_response_at_the_reboot_timeout() {
    let started = Instant::now();
    let (result, _) = update(|state, method, count| match method {
        "OTA.Update" => Some(Ok(json!({"code": 0, "message": "Update applied, finalizing"}))),
        "Sys.GetInfo" if state.calls.contains_key("OTA.Update") && count > 2 => Some(timed_out(method)),
        _ => None,
    })
    .await;
    assert!(matches!(result, Err(Failure::NoResponse { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(62), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn device_in_a_boot_loop_is_no_response() {
    let (result, _) = update(|state, method, count| {
        if method == "Sys.GetInfo" && state.calls.contains_key("OTA.Update") {
            // Every reply has another build.
            state.device.boot(if count % 2 == 0 { NEW } else { OLD }, 1, false);
        }
        None
    })
    .await;
    assert!(matches!(result, Err(Failure::NoResponse { .. })), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn impossible_uptime_is_a_wrong_shape_error() {
    let (result, _) = update(|_, method, _| {
        (method == "Sys.GetInfo").then(|| Ok(json!({"fw_version": "1", "fw_id": "b", "uptime": u64::MAX})))
    })
    .await;
    assert!(matches!(result, Err(Failure::Call(CallError::WrongShape { .. }))), "{result:?}");
}

/// The new firmware requires other credentials. The device is reachable and will roll back, which otactl reports at
/// once.
#[tokio::test(start_paused = true)]
async fn credentials_refused_after_the_reboot_are_access_denied() {
    let started = Instant::now();
    let (result, _) = update(|state, method, _| {
        (state.device.build == NEW).then(|| remote(method, 401, "{\"auth_type\": \"digest\"}"))
    })
    .await;
    assert!(matches!(result, Err(Failure::AccessDenied { .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

fn soak(seconds: u64) -> Checks {
    Checks { soak: Some(Duration::from_secs(seconds)), ..Checks::default() }
}

fn check(text: &str) -> Checks {
    Checks { checks: vec![Check::Rpc(text.parse().expect("a check"))], ..Checks::default() }
}

/// Returns the failed check and its reason. Panics unless the device was reverted.
fn unhealthy(result: Result<Success, Failure>) -> (String, String) {
    match result {
        Err(Failure::Unhealthy {
            reason: Unhealthy::Check { check, reason, .. },
            revert_result: RevertResult::Reverted(Running { slot: Some(0), .. }),
            ..
        }) => (check, reason),
        other => panic!("{other:?}"),
    }
}

/// Returns how long the new firmware has run.
fn runs_for(state: &State) -> Option<Duration> {
    (state.device.build == NEW).then(|| state.device.booted.elapsed())
}

#[tokio::test(start_paused = true)]
async fn soak_polls_the_device_for_its_duration() {
    let started = Instant::now();
    let (result, state) = update_checked(soak(30), |_, _, _| None).await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert!((30..33).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let info_calls = state.lock().calls["Sys.GetInfo"];
    assert!((38..46).contains(&info_calls), "about once a second, and for the rest of the update: {info_calls}");
}

/// A rollback is reported as such, whichever check notices it.
#[tokio::test(start_paused = true)]
async fn rollback_during_a_soak_is_rolled_back() {
    let started = Instant::now();
    let (result, state) = update_checked(soak(60), |state, _, _| {
        if runs_for(state) > Some(Duration::from_secs(20)) {
            state.device.boot(OLD, 0, true);
        }
        None
    })
    .await;
    assert!(matches!(result, Err(Failure::RolledBack { old: Running { slot: Some(0), .. }, .. })), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(25), "{:?}", started.elapsed());
    assert!(!state.lock().calls.contains_key("OTA.Revert"), "there is nothing to take back");
}

/// Uncommitted firmware should roll back at a restart. This device does not, and is unhealthy all the more.
#[tokio::test(start_paused = true)]
async fn restart_during_a_soak_is_unhealthy() {
    let (result, _) = update_checked(soak(60), |state, method, count| {
        if method == "Sys.GetInfo" && count == 20 {
            state.device.boot(NEW, 1, false);
        }
        None
    })
    .await;
    let (check, reason) = unhealthy(result);
    assert!(check == "soak" && reason.starts_with("the device has restarted, "), "{check}: {reason}");
}

#[tokio::test(start_paused = true)]
async fn soak_tolerates_single_lost_replies_only() {
    let (result, _) = update_checked(soak(30), |_, method, count| {
        (method == "Sys.GetInfo" && (count == 15 || count == 25)).then(|| timed_out(method))
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");

    let started = Instant::now();
    let (result, _) = update_checked(soak(60), |state, method, _| {
        let silent = Duration::from_secs(20)..Duration::from_secs(45);
        runs_for(state).is_some_and(|time| silent.contains(&time)).then(|| timed_out(method))
    })
    .await;
    let (check, reason) = unhealthy(result);
    assert!(check == "soak" && reason.starts_with("the device has not answered for 10s"), "{check}: {reason}");
    // otactl has to know what the device runs before it reverts.
    assert!((45..50).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// A device that became silent before the end of the soak is not healthy.
#[tokio::test(start_paused = true)]
async fn soak_without_a_final_reply_is_unhealthy() {
    let (result, _) = update_checked(soak(30), |state, method, _| {
        let silent = Duration::from_secs(29)..Duration::from_secs(60);
        runs_for(state).is_some_and(|time| silent.contains(&time)).then(|| timed_out(method))
    })
    .await;
    assert_eq!(unhealthy(result).0, "soak");
}

#[tokio::test(start_paused = true)]
async fn check_with_a_lost_reply_is_sent_again() {
    let (result, state) = update_checked(check("My.Test => {\"ok\": true}"), |_, method, count| {
        (method == "My.Test").then(|| match count {
            0 => timed_out(method),
            1 => lost(true),
            2 => remote(method, 418, "shutting down in 10 ms"),
            _ => Ok(json!({"ok": true, "more": 1})),
        })
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(state.lock().calls["My.Test"], 4);
}

#[tokio::test(start_paused = true)]
async fn failed_check_reply_is_unhealthy_at_once() {
    for (text, reason) in [
        ("My.Test => true", "the result is not as expected: it is `false`, not `true`"),
        ("My.Other", "the device answered: no (error -1)"),
    ] {
        let started = Instant::now();
        let (result, _) = update_checked(check(text), |_, method, _| match method {
            "My.Test" => Some(Ok(json!(false))),
            "My.Other" => Some(remote(method, -1, "no")),
            _ => None,
        })
        .await;
        let (check, found_reason) = unhealthy(result);
        assert_eq!((text.starts_with(&check), found_reason.as_str()), (true, reason));
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn check_without_a_reply_fails_at_its_deadline() {
    let started = Instant::now();
    let (result, _) =
        update_checked(check("My.Test"), |_, method, _| (method == "My.Test").then(|| timed_out(method))).await;
    let (_, reason) = unhealthy(result);
    assert!(reason.starts_with("it has not passed within 30s (no answer to My.Test"), "{reason}");
    assert!((30..35).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
}

/// The device would roll back in 20 s, and the commit needs a part of that.
#[tokio::test(start_paused = true)]
async fn check_ends_before_the_rollback() {
    let late: CallScript = |state, method, _| match method {
        "OTA.Update" => {
            state.device.boot(NEW, 1, false);
            state.device.booted -= Duration::from_secs(280);
            Some(Ok(json!({"code": 0, "message": "Update applied, finalizing"})))
        }
        "My.Test" => Some(timed_out(method)),
        _ => None,
    };
    for checks in [check("My.Test"), soak(100)] {
        let started = Instant::now();
        let (result, _) = update_checked(checks, late).await;
        let (_, reason) = unhealthy(result);
        assert!(reason.starts_with("it has not passed in the time until the device rolls back ("), "{reason}");
        assert!((9..15).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    }
}

/// The largest commit timeout does not overflow the clock.
#[tokio::test(start_paused = true)]
async fn largest_commit_timeout_is_accepted() {
    let (result, _) = update_checked(check("Sys.GetInfo"), |state, method, _| {
        (method == "OTA.GetBootState").then(|| {
            Ok(json!({"active_slot": state.device.slot, "is_committed": state.device.committed, "commit_timeout": u64::MAX}))
        })
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
}

/// A commit by another client wins over the revert.
#[tokio::test(start_paused = true)]
async fn firmware_committed_during_a_check_is_not_reverted() {
    let (result, state) = update_checked(check("My.Test"), |state, method, _| {
        (method == "My.Test").then(|| {
            state.device.committed = true;
            remote(method, -1, "no")
        })
    })
    .await;
    assert!(matches!(result, Err(Failure::Unhealthy { revert_result: RevertResult::Committed, .. })), "{result:?}");
    assert!(!state.lock().calls.contains_key("OTA.Revert"));
}

/// After a revert by another client, the device first shows the slot that boots next, and continues to run.
#[tokio::test(start_paused = true)]
async fn revert_by_another_client_is_awaited() {
    let (result, _) = update_checked(check("My.Test"), |state, method, count| match method {
        "My.Test" => {
            (state.device.slot, state.device.committed) = (0, true);
            Some(Ok(json!(null)))
        }
        "Sys.GetInfo" if state.calls.contains_key("My.Test") && count > 14 => {
            state.device.boot(OLD, 0, true);
            None
        }
        _ => None,
    })
    .await;
    let Err(Failure::RolledBack { old, .. }) = result else { panic!("{result:?}") };
    assert_eq!(old.build.version, OLD.0);
}

#[tokio::test(start_paused = true)]
async fn device_silent_after_its_checks_is_not_committed() {
    let (result, state) = update_checked(check("My.Test"), |state, method, _| match method {
        "My.Test" => Some(Ok(json!(null))),
        _ => state.calls.contains_key("My.Test").then(|| timed_out(method)),
    })
    .await;
    let Err(Failure::Unhealthy {
        reason: Unhealthy::Silent { .. },
        revert_result: RevertResult::NotReverted { .. },
        ..
    }) = result
    else {
        panic!("{result:?}")
    };
    assert!(!state.lock().calls.contains_key("OTA.Commit"));
}

/// Returns the info of another device that has the address now.
fn stranger(state: &State) -> Value {
    let mut info = state.device.info();
    info["id"] = "stranger".into();
    info
}

/// The other device runs the same build, uncommitted, in the same slot: another client is updating it.
#[tokio::test(start_paused = true)]
async fn another_device_at_the_address_is_not_committed() {
    for method in ["RPC.Ping", "OTA.Commit"] {
        let script: CallScript = match method {
            "RPC.Ping" => |state, method, _| match method {
                "RPC.Ping" => Some(Ok(Value::Null)),
                "Sys.GetInfo" if state.calls.contains_key("RPC.Ping") => Some(Ok(stranger(state))),
                _ => None,
            },
            _ => |state, method, _| match method {
                "RPC.Ping" => Some(Ok(Value::Null)),
                "Sys.GetInfo" if state.calls.contains_key("OTA.Commit") => Some(Ok(stranger(state))),
                _ => None,
            },
        };
        let (result, state) = update_checked(check("RPC.Ping"), script).await;
        let failure = result.expect_err("it is another one");
        assert!(failure.to_string().contains("another device answers in its place: stranger"), "{method}: {failure}");
        let state = state.lock();
        assert_eq!(state.calls.contains_key("OTA.Commit"), method == "OTA.Commit", "{failure}");
        assert!(!state.calls.contains_key("OTA.Revert"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_device_at_the_address_is_not_reverted() {
    let (result, state) = update_checked(check("RPC.Ping"), |state, method, _| match method {
        "RPC.Ping" => Some(remote("RPC.Ping", -1, "bad")),
        "Sys.GetInfo" if state.calls.contains_key("RPC.Ping") => Some(Ok(stranger(state))),
        _ => None,
    })
    .await;
    let failure = result.expect_err("the check was not passed").to_string();
    assert!(
        failure.ends_with("the revert is not confirmed: another device answers in its place: stranger"),
        "{failure}"
    );
    assert!(!state.lock().calls.contains_key("OTA.Revert"));
}

#[tokio::test(start_paused = true)]
async fn soak_answered_by_another_device_fails() {
    let (result, state) = update_checked(soak(30), |state, method, count| {
        (method == "Sys.GetInfo" && count > 15).then(|| Ok(stranger(state)))
    })
    .await;
    let failure = result.expect_err("it is another one").to_string();
    assert!(failure.contains("check `soak`: another device answers in its place: stranger"), "{failure}");
    assert!(!state.lock().calls.contains_key("OTA.Commit"));
}

/// The reboot timeout is shorter than the time after which otactl reports that a device does not reboot. The device
/// answers all the time.
#[tokio::test(start_paused = true)]
async fn device_that_keeps_answering_did_not_reboot_within_a_short_timeout() {
    // Each latency makes the timeout cut off the last probe at another call.
    let scripts: [CallScript; 5] = [
        without_reboot::<5>,
        without_reboot::<130>,
        without_reboot::<170>,
        without_reboot::<230>,
        without_reboot::<310>,
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let (result, _) = update_within(Duration::from_secs(5), Checks::default(), script).await;
        assert!(
            matches!(result, Err(Failure::DidNotReboot(Running { slot: Some(0), .. }))),
            "script {number}: {result:?}"
        );
    }
}

/// Plays a device that does not reboot, and delays its answers.
fn without_reboot<const MILLISECONDS: u64>(
    state: &mut State,
    method: &str,
    _: usize,
) -> Option<Result<Value, CallError>> {
    state.latency = Duration::from_millis(MILLISECONDS);
    (method == "OTA.Update").then(|| Ok(json!({"code": 0, "message": "Update applied, finalizing"})))
}

/// On a device that rolls back after eight seconds, one lost commit leaves time for another.
#[tokio::test(start_paused = true)]
async fn lost_commit_is_sent_again_before_the_rollback() {
    let (result, state) = update(|state, method, count| match method {
        "OTA.GetBootState" if state.device.build == NEW => Some(Ok(json!({
            "active_slot": 1, "is_committed": state.device.committed, "revert_slot": 0, "commit_timeout": 8,
        }))),
        "OTA.Commit" if count == 0 => Some(timed_out("OTA.Commit")),
        _ => None,
    })
    .await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    let state = state.lock();
    assert!(state.device.booted.elapsed() < Duration::from_secs(8), "{:?}", state.device.booted.elapsed());
}
