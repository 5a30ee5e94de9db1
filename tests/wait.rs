//! `otactl wait`: the built binary with simulated devices that appear, reboot and change.

mod support;

use std::time::{Duration, Instant};

use otactl::sim::Config;
use otactl::sim::auth::Auth;
use serde_json::{Value, json};
use support::script::{Script, frame};
use support::transports::Transport;
use support::{DEMO, REBOOT, Run, run_on, simulator, simulator_everywhere, simulator_with, ws};
use tokio::net::TcpListener;

fn result(run: &Run) -> Value {
    assert_eq!(run.code, 0, "{}", run.shown());
    serde_json::from_str(&run.stdout).expect("JSON")
}

#[tokio::test]
async fn wait_for_the_present_state_returns_at_once() {
    let (_device, ports) = simulator_everywhere(Config { reboot_delay: REBOOT, ..Config::default() }).await;
    for port in ports {
        for args in [&["wait", "reachable"][..], &["wait", "committed"], &["wait", "version", "1.0.0"]] {
            let started = Instant::now();
            let run = run_on(&port, &[args, &["--json"]].concat()).await;
            let seen = result(&run);
            assert_eq!(run.stdout.lines().count(), 1, "{}", run.shown());
            assert_eq!(
                (&seen["id"], &seen["version"], &seen["slot"], &seen["committed"], seen.get("reverts_in")),
                (&json!("esp32_AABBCC"), &json!("1.0.0"), &json!(0), &json!(true), None)
            );
            assert_eq!(run.stderr, "", "the JSON line says it");
            assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
        }
        let text = run_on(&port, &["wait", "reachable"]).await;
        assert!(text.stderr.starts_with("done      ") && text.stderr.contains(" after "), "{}", text.shown());
    }
}

/// One process updates the device, and others wait for the result.
#[tokio::test]
async fn wait_sees_the_update_of_another_client() {
    let device = simulator().await;
    let port = ws(&device);
    let wait = |args: &'static [&str]| {
        let port = port.clone();
        tokio::spawn(async move { run_on(&port, args).await })
    };
    let mut console = device.console();
    let version = wait(&["wait", "version", "2.0.0", "--for", "20s"]);
    let uncommitted = wait(&["wait", "uncommitted", "--for", "20s"]);
    // Both have read the state once before the update.
    for _ in 0..2 {
        while console.recv().await.expect("the console") != "OTA.GetBootState" {}
    }
    let update = run_on(&port, &["update", DEMO, "--no-commit", "--commit-timeout", "200s"]).await;
    assert_eq!(update.code, 0, "{}", update.shown());
    for run in [version, uncommitted] {
        let seen = result(&run.await.expect("no panic"));
        assert_eq!(
            (&seen["version"], &seen["slot"], &seen["committed"]),
            (&json!("2.0.0"), &json!(1), &json!(false)),
            "{seen}"
        );
        let left = seen["reverts_in"].as_u64().expect("a number");
        assert!((150..=200).contains(&left), "{seen}");
    }
    let committed = wait(&["wait", "committed", "--for", "20s"]);
    while console.recv().await.expect("the console") != "OTA.GetBootState" {}
    assert_eq!(run_on(&port, &["commit"]).await.code, 0);
    assert_eq!(result(&committed.await.expect("no panic"))["committed"], true);
}

/// A reset sends no FIN, and the device is silent until it has booted.
#[tokio::test]
async fn wait_reachable_outlasts_a_reboot() {
    let config = Config { reboot_delay: Duration::from_millis(1500), ..Config::default() };
    let (device, ports) = simulator_everywhere(config).await;
    let mut console = device.console();
    for port in ports {
        assert_eq!(run_on(&port, &["reboot"]).await.code, 0);
        while console.recv().await.expect("the console") != "rebooting" {}
        let started = Instant::now();
        let seen = result(&run_on(&port, &["wait", "reachable", "--for", "20s"]).await);
        let took = started.elapsed();
        assert_eq!(seen["uptime"].as_u64().filter(|&uptime| uptime > 2), None, "{port}: {seen}");
        assert!(took > Duration::from_millis(1400) && took < Duration::from_secs(5), "{port}: {took:?}");
    }
}

#[tokio::test]
async fn wait_timeout_reports_the_last_seen_state() {
    let device = simulator().await;
    let started = Instant::now();
    let run = run_on(&ws(&device), &["wait", "uncommitted", "--for", "1s"]).await;
    assert!((1..4).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}", run.shown());
    let error = "error: the device is not uncommitted after 1s; it runs 1.0.0 (20240101-000000/g0000000-factory) in slot 0, \
                 committed\nhint: `--for 10m` waits longer";
    assert!(run.stderr.starts_with(error), "{}", run.shown());

    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let run = run_on(&format!("ws://{gone}"), &["wait", "reachable", "--for", "500ms"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (5, ""), "{}", run.shown());
    let error = format!("error: the device is not reachable after 500ms; it was not seen: cannot reach ws://{gone}");
    assert!(run.stderr.starts_with(&error) && run.stderr.contains("\nhint: is it switched on"), "{}", run.shown());
}

/// Waiting does not help against a wrong password.
#[tokio::test]
async fn wait_with_wrong_credentials_fails_at_once() {
    let auth: Auth = "admin:secret".parse().expect("credentials");
    let device = simulator_with(Config { auth: Some(auth), ..Config::default() }).await;
    for port in [ws(&device), format!("http://{}", device.address())] {
        for args in [&["wait", "reachable"][..], &["--rpc-creds", "admin:wrong", "wait", "reachable"]] {
            let started = Instant::now();
            let run = run_on(&port, args).await;
            assert_eq!(run.code, 6, "{}", run.shown());
            assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        }
        let let_in = run_on(&port, &["--rpc-creds", "admin:secret", "wait", "reachable"]).await;
        assert_eq!(let_in.code, 0, "{}", let_in.shown());
    }
}

#[tokio::test]
async fn device_without_the_ota_service_is_only_reachable() {
    let info = frame(r#"{"id":{id},"result":{"id":"dev","fw_version":"1","fw_id":"b","uptime":7}}"#);
    let no_such = frame(r#"{"id":{id},"error":{"code":404,"message":"No handler for OTA.GetBootState"}}"#);
    for (state, code) in [("reachable", 0), ("committed", 4)] {
        let script = Script::of([vec![info.clone()], vec![no_such.clone()]]).and_then(vec![info.clone()]);
        let peer = Transport::WebSocket.scripted(script).await;
        let run = run_on(&peer.port, &["wait", state, "--for", "20s"]).await;
        assert_eq!(run.code, code, "{}", run.shown());
        if code == 0 {
            let seen = result(&run);
            assert_eq!((&seen["id"], &seen["slot"], &seen["committed"]), (&json!("dev"), &Value::Null, &Value::Null));
        }
    }
}

#[tokio::test]
async fn invalid_wait_arguments_are_refused() {
    for (args, message) in [
        (&["wait"][..], "<STATE>"),
        (&["wait", "version"], "<VERSION>"),
        (&["wait", "better"], "possible values: reachable, committed, uncommitted, version"),
        (&["wait", "committed", "2.0.0"], "hint: write `otactl wait version VERSION`"),
        (&["wait", "committed", "--for", "0"], "it must be longer than 0"),
    ] {
        let run = run_on("ws://127.0.0.1:9", args).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.shown());
        assert!(run.stderr.contains(message), "{}", run.shown());
    }
}
