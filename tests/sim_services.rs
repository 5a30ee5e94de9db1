//! The services for settings, files and Wi-Fi of the simulated device: over WebSocket, and through the command line.

mod support;

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use otactl::rpc::{CallError, Device};
use otactl::sim::{Config, Services};
use serde_json::{Value, json};
use support::transports::{CALL_TIMEOUT, Transport, device_at};
use support::{DEMO, REBOOT, Run, file, otactl, run, run_on, running_device, simulator_with, ws};

/// The size of a piece of a file. Requests stay below the limit of a real device.
const PIECE: usize = 1500;

async fn call(device: &Device, method: &str, params: Value) -> Result<Value, (i64, String)> {
    match device.call_raw(method, params, false, CALL_TIMEOUT).await {
        Ok(value) => Ok(value),
        Err(CallError::Remote { error, .. }) => Err((error.code, error.message.unwrap_or_default())),
        Err(error) => panic!("{method}: {error:?}"),
    }
}

async fn put(device: &Device, name: &str, content: &[u8]) -> Result<(), (i64, String)> {
    for (number, piece) in content.chunks(PIECE).enumerate() {
        let params =
            json!({"filename": name, "offset": number * PIECE, "append": number > 0, "data": STANDARD.encode(piece)});
        call(device, "FS.Put", params).await?;
    }
    Ok(())
}

async fn get(device: &Device, name: &str) -> Vec<u8> {
    let mut content = Vec::new();
    loop {
        let params = json!({"filename": name, "offset": content.len(), "len": PIECE});
        let piece = call(device, "FS.Get", params).await.expect("a piece");
        content.extend(STANDARD.decode(piece["data"].as_str().expect("text")).expect("base64"));
        if piece["left"] == 0 {
            return content;
        }
    }
}

fn json_of(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.shown()))
}

#[tokio::test]
async fn file_survives_a_reboot_and_a_full_file_system() {
    let mut bench = Transport::WebSocket.simulated(running_device()).await;
    let device = bench.device(None);
    let content: Vec<u8> = (0..100_000_u32).map(|number| number.to_le_bytes()[0] ^ 0x5a).collect();
    put(&device, "data.bin", &content).await.expect("it fits");
    call(&device, "Sys.Reboot", json!({})).await.expect("a reboot");
    bench.wait_for_reboot(&device).await;
    assert!(get(&device, "data.bin").await == content);
    let refused = put(&device, "more.bin", &vec![7; 200_000]).await;
    assert_eq!(refused, Err((500, "failed to write data".into())));
    assert!(get(&device, "data.bin").await == content);
    call(&device, "FS.Remove", json!({"filename": "more.bin"})).await.expect("removed");
    call(&device, "FS.Rename", json!({"src": "data.bin", "dst": "index.html"})).await.expect("renamed");
    let list = call(&device, "FS.ListExt", json!({"path": "/"})).await.expect("a list");
    assert!(list.as_array().expect("a list").contains(&json!({"name": "index.html", "size": 100_000})), "{list}");
}

#[tokio::test]
async fn state_directory_keeps_files_and_settings() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = || Config { state: Some(directory.path().into()), ..running_device() };
    {
        let simulator = simulator_with(config()).await;
        let device = device_at(&ws(&simulator), CALL_TIMEOUT);
        put(&device, "notes.txt", b"kept").await.expect("written");
        let save = json!({"config": {"update": {"timeout": 5}}, "save": true});
        assert_eq!(call(&device, "Config.Set", save).await, Ok(json!({"saved": true})));
    }
    let simulator = simulator_with(config()).await;
    let device = device_at(&ws(&simulator), CALL_TIMEOUT);
    assert_eq!(get(&device, "notes.txt").await, b"kept");
    assert_eq!(call(&device, "Config.Get", json!({"key": "update.timeout"})).await, Ok(json!(5)));
}

/// The file systems of the slots differ: a rollback brings back the files and the settings of the old firmware.
#[tokio::test]
async fn rollback_brings_back_files_and_settings() {
    let mut bench = Transport::WebSocket.simulated(running_device()).await;
    let device = bench.device(None);
    let port = bench.port.clone();
    let set = |seconds: u64| json!({"config": {"update": {"timeout": seconds}}, "save": true});
    call(&device, "Config.Set", set(5)).await.expect("saved");
    drop(device);
    let update = run_on(&port, &["update", DEMO, "--no-commit"]).await;
    assert_eq!(update.code, 0, "{}", update.shown());
    // The old connection has not survived the reboot.
    let device = bench.device(None);
    let timeout = || call(&device, "Config.Get", json!({"key": "update.timeout"}));
    assert_eq!(timeout().await, Ok(json!(5)), "the new firmware has taken over the settings");
    call(&device, "Config.Set", set(7)).await.expect("saved");
    put(&device, "new.txt", b"new").await.expect("written");
    // Only the reboot that follows counts.
    bench.take_printed();
    call(&device, "OTA.Revert", Value::Null).await.expect("reverted");
    bench.wait_for_reboot(&device).await;
    assert_eq!(timeout().await, Ok(json!(5)));
    let missing = call(&device, "FS.Get", json!({"filename": "new.txt"})).await;
    assert_eq!(missing, Err((400, "failed to open file \"new.txt\"".into())));
}

/// A bundle that was written as a file is installed as one that the server sends.
#[tokio::test]
async fn bundle_in_the_file_system_is_installed() {
    let mut bench = Transport::WebSocket.simulated(running_device()).await;
    let device = bench.device(None);
    let bundle = std::fs::read(file("tests/wire/firmware2022/small2.zip")).expect("a recorded bundle");
    put(&device, "fw.zip", &bundle).await.expect("written");
    let update = json!({"file": "fw.zip", "commit_timeout": 300});
    assert_eq!(call(&device, "OTA.Update", update).await, Ok(json!("true")));
    bench.wait_for_reboot(&device).await;
    let state = call(&device, "OTA.GetBootState", Value::Null).await.expect("a state");
    assert_eq!((&state["active_slot"], &state["is_committed"]), (&json!(1), &json!(false)), "{state}");
    assert!(get(&device, "fw.zip").await == bundle, "the new firmware has taken it over");
}

#[tokio::test]
async fn call_command_reaches_the_services() {
    let simulator = simulator_with(running_device()).await;
    let port = ws(&simulator);
    let results = [
        (&["call", "FS.List"][..], json!(["ca.pem", "conf0.json", "index.html"])),
        (&["call", "FS.Put", "filename=a.txt", "data=aGk="], Value::Null),
        (&["call", "FS.Get", r#"{"filename":"a.txt"}"#], json!({"data": "aGk=", "left": 0})),
        (&["call", "Config.Get", "key=wifi.sta.ssid"], json!("")),
        (
            &["call", "Config.Set", r#"{"config":{"wifi":{"sta":{"enable":true,"ssid":"Lab","pass":"12345678"}}}}"#],
            json!({"saved": false}),
        ),
        (&["call", "Config.Save", r#"{"reboot":true}"#], json!({"saved": true})),
    ];
    for (args, expected) in results {
        let called = run_on(&port, args).await;
        assert_eq!((called.code, json_of(&called)), (0, expected), "{}", called.shown());
    }
    let waited = run_on(&port, &["--timeout", "10s", "call", "Wifi.Scan"]).await;
    assert!(json_of(&waited)["results"][0]["ssid"].is_string(), "{}", waited.shown());
    let refused = run_on(&port, &["call", "Config.Set", r#"{"config":{"debug":{"level":"3"}}}"#]).await;
    assert!(
        refused.code == 4 && refused.stderr.contains("[debug.level] is not a number (error 400)"),
        "{}",
        refused.shown()
    );
    tokio::time::sleep(REBOOT + std::time::Duration::from_secs(1)).await;
    let info = json_of(&run_on(&port, &["info"]).await);
    assert_eq!((&info["wifi"]["status"], &info["wifi"]["ssid"]), (&json!("got ip"), &json!("Lab")), "{info}");
}

#[tokio::test]
async fn recorded_services_answer_as_recorded() {
    let simulator = simulator_with(Config { services: Services::RECORDED, ..running_device() }).await;
    let device = device_at(&ws(&simulator), CALL_TIMEOUT);
    for method in ["FS.List", "FS.Put", "Wifi.Scan"] {
        let message = format!("No handler for {method}");
        assert_eq!(call(&device, method, json!({})).await, Err((404, message)));
    }
    let info = call(&device, "Sys.GetInfo", Value::Null).await.expect("an info");
    assert_eq!((info.get("wifi"), &info["fs_free"]), (None, &json!(154_118)), "{info}");
    assert_eq!(call(&device, "Config.Get", json!({"key": "wifi"})).await, Err((404, "invalid config key".into())));
}

#[tokio::test]
async fn simulate_takes_services() {
    let wrong = run(&["simulate", "--services", "ota,gpio"]).await;
    assert!(wrong.code == 2 && wrong.stderr.contains("there is no service `gpio`"), "{}", wrong.shown());
    let mut simulate = otactl(&["simulate", "--listen", "127.0.0.1:0", "--services", "ota,sys,rpc,config"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut line = String::new();
    BufReader::new(simulate.stderr.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let port = line.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address").to_owned();
    let list = run_on(&port, &["list"]).await;
    simulate.kill().expect("it ends");
    simulate.wait().expect("it has ended");
    assert!(list.stdout.contains("Config.Set") && !list.stdout.contains("FS."), "{}", list.shown());
}
