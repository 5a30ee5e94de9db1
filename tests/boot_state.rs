//! Every command, on devices whose boot state names no slot or no commit timeout.

mod support;

use std::fs;

use otactl::sim::{Config, Firmware};
use serde_json::{Value, json};
use support::signed::bundle_for;
use support::{Run, run_on, running_device, simulator_with, ws};
use tokio::task::JoinSet;

/// Platforms, and the faults of their devices. STM32 and RS14100 report the revert slot -1 when committed; the other values are
/// not known of any device.
const DEVICES: [(&str, &[&str]); 4] = [
    ("stm32", &[]),
    ("RS14100", &[]),
    ("esp32", &["boot-state=active_slot:-1", "boot-state=revert_slot:-1", "boot-state=commit_timeout:-1"]),
    ("stm32", &["boot-state=active_slot:null", "boot-state=revert_slot:\"none\"", "boot-state=commit_timeout:1.5"]),
];

fn config(platform: &str, faults: &[&str]) -> Config {
    let factory = Firmware { platform: platform.into(), ..Config::default().factory };
    let faults = faults.iter().map(|fault| fault.parse().unwrap_or_else(|error| panic!("{error}"))).collect();
    Config { factory, faults, ..running_device() }
}

fn result(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.shown()))
}

#[tokio::test]
async fn boot_state_without_a_slot_is_read_by_every_command() {
    let mut running = JoinSet::new();
    for (platform, faults) in DEVICES {
        running.spawn(run_every_command(platform, faults));
    }
    running.join_all().await;
}

async fn run_every_command(platform: &str, faults: &[&str]) {
    let directory = tempfile::tempdir().expect("a directory");
    let [second, third, fourth] = ["2.0.0", "3.0.0", "4.0.0"].map(|version| {
        let path = directory.path().join(format!("{version}.zip"));
        fs::write(&path, bundle_for(platform, version, 4096)).expect("written");
        path.to_str().expect("UTF-8").to_owned()
    });
    let device = simulator_with(config(platform, faults)).await;
    let commands: [&[&str]; 12] = [
        &["info"],
        &["get-boot-state"],
        &["wait", "committed"],
        &["create-snapshot"],
        &["set-boot-state", "--revert-slot", "0"],
        &["update", &second, "--no-commit"],
        &["wait", "uncommitted"],
        &["commit"],
        &["update", &third],
        &["update", &fourth, "--no-commit"],
        &["revert"],
        &["wait", "version", "3.0.0"],
    ];
    for args in commands {
        let run = run_on(&ws(&device), args).await;
        assert_eq!(run.code, 0, "{platform} {faults:?} {args:?}: {}", run.shown());
    }
}

/// stdout has the values that the device reports.
#[tokio::test]
async fn slot_of_a_committed_stm32_is_shown_as_reported() {
    let device = simulator_with(config("stm32", &["boot-state=active_slot:-1"])).await;
    let state = run_on(&ws(&device), &["get-boot-state"]).await;
    let reported = json!({"active_slot": -1, "is_committed": true, "revert_slot": -1, "commit_timeout": 0});
    assert_eq!(result(&state), reported, "{}", state.shown());
    let seen = run_on(&ws(&device), &["wait", "reachable"]).await;
    assert_eq!(result(&seen)["slot"], Value::Null, "{}", seen.shown());
    assert!(seen.stderr.contains(" in an unknown slot, committed"), "{}", seen.shown());
}

/// The device answers -3 and stores the slot. Without the previous slot, no command can restore it.
#[tokio::test]
async fn bad_slot_on_a_device_without_an_active_slot_names_no_repair_command() {
    let device = simulator_with(config("stm32", &["boot-state=active_slot:-1"])).await;
    let run = run_on(&ws(&device), &["set-boot-state", "--active-slot", "5"]).await;
    assert_eq!(run.code, 4, "{}", run.shown());
    assert!(run.stderr.contains("active_slot -1, is_committed true, revert_slot -1"), "{}", run.shown());
    assert!(!run.stderr.contains("--active-slot -1"), "{}", run.shown());
}
