//! Facts as lines and as JSON.

use serde_json::{Value, json};

use super::*;

const MINUTES: u64 = 60;

fn facts(info: &Value) -> DeviceFacts {
    let info: SystemInfo = serde_json::from_value(info.clone()).expect("an info");
    DeviceFacts::new(&info, "ws://192.168.1.5/rpc".into(), Duration::from_micros(12_300))
}

fn whole() -> DeviceFacts {
    facts(&json!({
        "id": "esp32_AABBCC", "arch": "esp32", "mg_version": "2.20.0", "app": "demo", "fw_version": "2.0.0", "fw_id": "b1",
        "uptime": 48, "ram_size": 295_748, "ram_free": 227_340, "fs_size": 233_681, "fs_free": 154_118,
        "wifi": { "ssid": "lab", "sta_ip": "192.168.1.5", "ap_ip": "" }, "eth": { "ip": "0.0.0.0" }
    }))
}

fn shown(facts: &DeviceFacts, columns: Option<usize>) -> Vec<String> {
    facts
        .text(columns, |seconds| format!("at +{seconds} s"), |text| text.into())
        .lines()
        .map(ToOwned::to_owned)
        .collect()
}

fn boot(is_committed: bool, revert_slot: Option<Slot>) -> BootState {
    BootState { active_slot: Some(1), is_committed, revert_slot, commit_timeout: 300 }
}

#[test]
fn facts_are_one_line_each() {
    let methods = ["Sys.GetInfo", "OTA.Update", "Config.Get", "FSX.List"].map(ToOwned::to_owned);
    let status: Status = serde_json::from_value(json!({ "state": 0 })).expect("a status");
    let facts = whole()
        .with_boot_state(&boot(false, Some(0)), Some(Duration::from_secs(4 * MINUTES + 12)))
        .with_update(&status)
        .with_methods(&methods);
    assert_eq!(
        shown(&facts, None),
        [
            "esp32_AABBCC  esp32, Mongoose OS 2.20.0, at ws://192.168.1.5/rpc (12 ms)",
            "runs          demo 2.0.0 (b1) in slot 1",
            "uncommitted   rolls back to slot 0 in 4m 12s, at +252 s",
            "              `otactl commit` keeps it, `otactl revert` goes back",
            "update        idle",
            "updater       of 2018: downloads the firmware itself",
            "up            48 s; RAM 222 of 288 KiB free; files 150 of 228 KiB free",
            "network       wifi lab 192.168.1.5",
            "methods       4; without FS, Wifi",
        ]
    );
    let narrow = shown(&facts, Some(40));
    assert!(narrow.iter().all(|line| line.chars().count() <= 40), "{narrow:#?}");
    let words = |lines: &[String]| lines.join(" ").split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&narrow), words(&shown(&facts, None)));
    let value = serde_json::to_value(&facts).expect("JSON");
    assert_eq!((&value["reverts_in"], &value["network"][0]["ip"]), (&json!(252), &json!("192.168.1.5")), "{value}");
}

#[test]
fn what_a_device_does_not_report_is_left_out() {
    let bare = facts(&json!({ "fw_version": "1", "fw_id": "a", "uptime": 90 }));
    assert_eq!(
        shown(&bare, None),
        [
            "device        at ws://192.168.1.5/rpc (12 ms)",
            "runs          1 (a)",
            "committed     unknown: the device does not report it",
            "up            1m 30s"
        ]
    );
    let value = serde_json::to_value(&bare).expect("JSON");
    for key in ["slot", "committed", "reverts_in", "update", "ram_free", "network", "methods"] {
        assert!(value.get(key).is_none(), "{key}: {value}");
    }
}

#[test]
fn updater_is_described() {
    let methods = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let newer = methods(&["OTA.Update", "OTA.Begin"]);
    for (methods, licensed, expected, generation) in [
        (&methods(&["OTA.Update"]), None, "of 2018: downloads the firmware itself", json!("2018")),
        (&newer, None, "since 2019: downloads the firmware itself, or is sent it", json!("2019")),
        (&newer, Some(true), "since 2019, licensed: downloads the firmware itself, or is sent it", json!("2019")),
        (
            &newer,
            Some(false),
            "since 2019, without a licence key: probably refuses to download the firmware; is sent it",
            json!("2019"),
        ),
    ] {
        let facts = whole().with_methods(methods);
        assert_eq!(facts.may_need_license(), generation == "2019");
        let facts = facts.with_license(licensed);
        assert_eq!(shown(&facts, None)[3], format!("updater       {expected}"));
        let value = serde_json::to_value(&facts).expect("JSON");
        assert_eq!((&value["generation"], value.get("licensed")), (&generation, licensed.map(Value::from).as_ref()));
    }
    let without = whole().with_methods(&methods(&["Sys.GetInfo"]));
    assert!(shown(&without, None).iter().all(|line| !line.starts_with("updater")), "the device has no updater");
}

#[test]
fn rollback_is_described() {
    for (committed, revert_slot, left, expected) in [
        (true, Some(0), None, "committed     it stays after a reboot"),
        (false, Some(0), None, "uncommitted   rolls back to slot 0 at its next reboot"),
        (false, None, Some(0), "uncommitted   rolls back to the old firmware at any moment"),
    ] {
        let left = left.map(Duration::from_secs);
        let lines = shown(&whole().with_boot_state(&boot(committed, revert_slot), left), None);
        assert_eq!(lines[2], expected);
        assert_eq!(lines[3].contains("`otactl commit`"), !committed, "{lines:#?}");
    }
}

#[test]
fn state_of_the_updater_is_described() {
    for (status, expected) in [
        (json!({ "state": 1, "progress_percent": 40 }), "the device receives a firmware, 40 %"),
        (json!({ "state": 2, "message": "Invalid\u{1b} manifest" }), "the last one failed: Invalid· manifest"),
        (json!({ "state": 2 }), "the last one failed"),
        (json!({ "state": 3 }), "the device has a new firmware, and is about to reboot"),
        (json!({ "state": 9, "message": "x" }), "state 9 x"),
    ] {
        let status: Status = serde_json::from_value(status).expect("a status");
        let lines = shown(&whole().with_update(&status), None);
        assert_eq!(lines[3], format!("update        {expected}"));
    }
}
