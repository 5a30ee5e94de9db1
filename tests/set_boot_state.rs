//! Checks `otactl set-boot-state` and its errors for a slot that the device does not have.

mod support;

use serde_json::{Value, json};
use support::script::{PeerAction, Script, frame};
use support::transports::Transport;
use support::{run_on, simulator, simulator_everywhere, simulator_with, ws};

fn info(platform: &str) -> Value {
    json!({"id": "dev", "app": "demo", "arch": platform, "fw_version": "1", "fw_id": "a", "uptime": 9})
}

fn boot_state(active_slot: u8, revert_slot: u8) -> Value {
    json!({"active_slot": active_slot, "is_committed": true, "revert_slot": revert_slot, "commit_timeout": 0})
}

fn result(value: &Value) -> Vec<PeerAction> {
    vec![frame(format!(r#"{{"id":{{id}},"src":"dev","result":{value}}}"#))]
}

fn error(code: i64) -> Vec<PeerAction> {
    vec![frame(format!(r#"{{"id":{{id}},"src":"dev","error":{{"code":{code}}}}}"#))]
}

#[tokio::test]
async fn slot_that_the_device_does_not_have_is_refused_before_anything_is_sent() {
    for args in [["--active-slot", "2"], ["--revert-slot", "255"]] {
        let mut peer = Transport::WebSocket.scripted(Script::of([result(&info("esp32"))])).await;
        let run = run_on(&peer.port, &["set-boot-state", args[0], args[1]]).await;
        assert_eq!((run.code, run.stdout.as_str()), (7, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(&format!("{} {}: the device has no slot", args[0], args[1])), "{}", run.shown());
        assert!(run.stderr.contains("\nhint: ") && run.stderr.contains("`--force`"), "{}", run.shown());
        assert_eq!(peer.received.methods(), ["Sys.GetInfo"], "{args:?}");
    }
}

#[tokio::test]
async fn platform_whose_slots_are_unknown_is_sent_any_slot() {
    for about in [result(&info("stm32")), result(&info("")), error(404)] {
        let (before, after) = (result(&boot_state(0, 0)), result(&boot_state(2, 0)));
        let script = Script::of([about.clone(), before, result(&Value::Null), after]);
        let mut peer = Transport::WebSocket.scripted(script).await;
        let run = run_on(&peer.port, &["set-boot-state", "--active-slot", "2"]).await;
        assert_eq!((run.code, run.stdout.as_str()), (0, "null\n"), "{about:?}: {}", run.shown());
        assert_eq!(run.stderr, "slot 2 boots next, committed\n", "{}", run.shown());
        let methods = ["Sys.GetInfo", "OTA.GetBootState", "OTA.SetBootState", "OTA.GetBootState"];
        assert_eq!(peer.received.methods(), methods, "{about:?}");
    }
}

/// A device of 2019 to 2022 answers -3 and stores the slot.
#[tokio::test]
async fn bad_slot_stored_error_names_repair_command() {
    let script = Script::of([result(&boot_state(1, 0)), error(-3), result(&boot_state(5, 0))]);
    let mut peer = Transport::WebSocket.scripted(script).await;
    let run = run_on(&peer.port, &["set-boot-state", "--active-slot", "5", "--force"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{}", run.shown());
    let stored = "the device now has stored active_slot 5, is_committed true, revert_slot 0, commit_timeout 0";
    assert!(run.stderr.contains(stored), "{}", run.shown());
    assert!(
        run.stderr.contains(&format!("`otactl set-boot-state -p {} --active-slot 1` restores", peer.port)),
        "{}",
        run.shown()
    );
    assert_eq!(peer.received.methods(), ["OTA.GetBootState", "OTA.SetBootState", "OTA.GetBootState"]);
}

/// A device of 2018 answers -3 and keeps its boot state.
#[tokio::test]
async fn bad_slot_not_stored_error_names_no_command() {
    let script = Script::of([result(&boot_state(1, 0)), error(-3), result(&boot_state(1, 0))]);
    let peer = Transport::WebSocket.scripted(script).await;
    let run = run_on(&peer.port, &["set-boot-state", "--active-slot", "5", "--force"]).await;
    assert_eq!(run.code, 4, "{}", run.shown());
    assert!(run.stderr.contains("the boot state is unchanged: active_slot 1"), "{}", run.shown());
    assert!(!run.stderr.contains("otactl set-boot-state"), "{}", run.shown());
}

#[tokio::test]
async fn boot_state_unreadable_is_reported() {
    let script = Script::of([error(404), error(-3), error(404)]);
    let peer = Transport::WebSocket.scripted(script).await;
    let run = run_on(&peer.port, &["set-boot-state", "--active-slot", "5", "--force"]).await;
    assert_eq!(run.code, 4, "{}", run.shown());
    assert!(run.stderr.contains("OTA.GetBootState did not show what the device has stored"), "{}", run.shown());
    assert!(run.stderr.contains("`otactl get-boot-state`"), "{}", run.shown());
}

/// otactl asks for the slots of the device only if the command sets a slot.
#[tokio::test]
async fn fields_without_a_slot_are_sent_at_once() {
    for args in [&["--is-committed", "true"][..], &["--commit-timeout", "60s"]] {
        let mut stored = boot_state(0, 1);
        stored["commit_timeout"] = json!(60);
        let mut peer = Transport::WebSocket.scripted(Script::of([result(&Value::Null), result(&stored)])).await;
        let run = run_on(&peer.port, &[&["set-boot-state"], args].concat()).await;
        assert_eq!((run.code, run.stdout.as_str()), (0, "null\n"), "{args:?}: {}", run.shown());
        assert_eq!(peer.received.methods(), ["OTA.SetBootState", "OTA.GetBootState"], "{args:?}");
        assert_eq!(run.stderr, "slot 0 boots next, committed\n", "{}", run.shown());
    }
}

#[tokio::test]
async fn force_alone_is_a_wrong_command_line() {
    let device = simulator().await;
    let run = run_on(&ws(&device), &["set-boot-state", "--force"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.shown());
}

#[tokio::test]
async fn boot_state_is_read_back_over_every_transport() {
    let (_device, ports) = simulator_everywhere(otactl::sim::Config::default()).await;
    for port in ports {
        for (args, expected) in [
            (&["set-boot-state", "--active-slot", "1"][..], "slot 1 boots next, committed\n"),
            (&["set-boot-state", "--active-slot", "0"], "slot 0 boots next, committed\n"),
            (&["set-boot-state", "--active-slot", "1", "--is-committed", "true"], "slot 1 boots next, committed\n"),
            // Slot 0 runs still.
            (&["create-snapshot"], "the copy is in slot 1; slot 1 boots next, committed\n"),
            (&["set-boot-state", "--active-slot", "0"], "slot 0 boots next, committed\n"),
        ] {
            let run = run_on(&port, args).await;
            assert!(run.code == 0 && run.stderr.starts_with(expected), "{port} {args:?}: {}", run.shown());
            let quiet = run_on(&port, &[&["--quiet"], args].concat()).await;
            assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""), "{port} {args:?}: {}", quiet.shown());
        }
    }
}

#[tokio::test]
async fn boot_state_that_cannot_be_read_back_is_a_warning() {
    let peer = Transport::WebSocket.scripted(Script::of([result(&Value::Null), error(404)])).await;
    let run = run_on(&peer.port, &["set-boot-state", "--is-committed", "true"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "null\n"), "{}", run.shown());
    assert!(run.stderr.starts_with("warning: the device has carried out the command, but "), "{}", run.shown());
}

#[tokio::test]
async fn field_that_is_not_stored_as_it_was_sent_is_a_failure() {
    for (fault, args, difference) in [
        ("boot-state=active_slot:0", ["--active-slot", "1"], "active_slot: sent 1, stored 0"),
        ("boot-state=is_committed:true", ["--is-committed", "false"], "is_committed: sent false, stored true"),
        ("boot-state=revert_slot:0", ["--revert-slot", "1"], "revert_slot: sent 1, stored 0"),
        ("boot-state=commit_timeout:5", ["--commit-timeout", "60s"], "commit_timeout: sent 60, stored 5"),
    ] {
        let faults = vec![fault.parse().expect("a fault")];
        let device = simulator_with(otactl::sim::Config { faults, ..otactl::sim::Config::default() }).await;
        let run = run_on(&ws(&device), &[&["set-boot-state"][..], &args].concat()).await;
        assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.starts_with("error: the device has not stored the boot state as it was sent: "), "{args:?}");
        assert!(run.stderr.contains(&format!(": {difference}\nhint: `otactl get-boot-state` ")), "{}", run.shown());
    }
}

#[tokio::test]
async fn slot_that_the_device_does_not_report_is_a_warning() {
    let stored = json!({"active_slot": 0, "is_committed": true, "revert_slot": -1, "commit_timeout": 0});
    let script = Script::of([result(&info("stm32")), result(&stored), result(&Value::Null), result(&stored)]);
    let peer = Transport::WebSocket.scripted(script).await;
    let run = run_on(&peer.port, &["set-boot-state", "--revert-slot", "1"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "null\n"), "{}", run.shown());
    let warning = "warning: the device does not report whether it has stored revert_slot\n";
    assert!(run.stderr.starts_with(warning), "{}", run.shown());
}
