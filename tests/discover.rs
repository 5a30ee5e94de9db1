//! Devices that `otactl discover` finds.

mod support;

use std::time::{Duration, Instant};

use mdns_sd::{ServiceDaemon, ServiceInfo};
use otactl::sim::Config;
use otactl::sim::ports::mqtt::Library;
use serde_json::Value;
use support::broker::{Broker, Client, PASSWORD, USER};
use support::{REBOOT, finish, otactl, run};

fn found(stdout: &str) -> Vec<Value> {
    serde_json::from_str(stdout).expect("JSON")
}

#[tokio::test]
async fn device_that_announces_itself_is_found() {
    let daemon = ServiceDaemon::new().expect("a daemon");
    let announce = |name: &str, port: u16, properties: &[(&str, &str)]| {
        let host = format!("{name}.local.");
        let service = ServiceInfo::new("_http._tcp.local.", name, &host, "192.0.2.17", port, properties);
        daemon.register(service.expect("a service")).expect("announced");
    };
    announce("mOS_esp32_1113D4", 80, &[("id", "esp32_1113D4"), ("arch", "esp32"), ("fw_id", "20180218-181303/???")]);
    announce("mOS_evil", 8080, &[("id", "evil\u{1b}[2J"), ("arch", "esp8266")]);
    announce("printer", 80, &[("note", "second floor")]);
    let run = run(&["--json", "discover", "--for", "4s"]).await;
    let _ = daemon.shutdown();
    assert_eq!(run.code, 0, "{}", run.shown());
    let found = found(&run.stdout);
    let device = |id: &str| found.iter().find(|found| found["id"].as_str().is_some_and(|found| found.starts_with(id)));
    let first = device("esp32_1113D4").unwrap_or_else(|| panic!("{}", run.shown()));
    assert_eq!((&first["port"], &first["platform"]), (&"ws://192.0.2.17".into(), &"esp32".into()));
    let evil = device("evil").unwrap_or_else(|| panic!("{}", run.shown()));
    assert!(evil["port"] == "ws://192.0.2.17:8080" && !evil["id"].to_string().contains("u001b"), "{evil}");
    assert!(!run.stdout.contains("floor") && !run.stdout.contains("printer"), "{}", run.shown());
}

#[tokio::test]
async fn devices_behind_a_broker_are_found_and_named() {
    let broker = Broker::start();
    let _devices = [
        broker
            .device(Config { id: "esp32_01".into(), reboot_delay: REBOOT, ..Config::default() }, Library::Single)
            .await,
        broker
            .device(Config { id: "esp32_02".into(), reboot_delay: REBOOT, ..Config::default() }, Library::Twice)
            .await,
    ];
    // Retained messages show the names of devices, and of others.
    let mut client = Client::connect(&broker, "another").await;
    for topic in ["esp32_01/online", "esp32_02/state/temperature", "weather/today"] {
        client.publish(topic, "1", rumqttc::PublishOptions::at_least_once().retain(true)).await;
    }
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("config.toml");
    let url = format!("mqtt://{USER}@127.0.0.1:{}", broker.port);
    let args = ["--config", config.to_str().expect("a path"), "discover", "--mqtt", &url, "--for", "1s", "--add"];
    for expected in ["added     esp32_01", "known     esp32_01"] {
        let mut command = otactl(&args);
        command.env("OTACTL_MQTT_PASSWORD", PASSWORD);
        let run = finish(command).await;
        assert!(run.code == 0 && run.stderr.contains(expected), "{}", run.shown());
        let port = format!("mqtt://{USER}@127.0.0.1:{}/esp32_01", broker.port);
        assert!(run.stdout.contains(&port) && run.stdout.contains("demo 1.0.0"), "{}", run.shown());
        assert!(run.stdout.contains("esp32_02") && !run.stdout.contains("weather"), "{}", run.shown());
        assert!(!run.shown().contains(PASSWORD), "{}", run.shown());
    }
    let text = std::fs::read_to_string(&config).expect("a file");
    assert_eq!(text.matches("[device.esp32_0").count(), 2, "{text}");
}

#[tokio::test]
async fn broker_out_of_reach_is_explained() {
    for (url, code, words) in
        [("mqtt://127.0.0.1:1", 3, "refused"), ("ws://127.0.0.1:1", 2, "mqtt://BROKER"), ("mqtt:", 2, "mqtt://BROKER")]
    {
        let run = run(&["discover", "--mqtt", url]).await;
        assert!(run.code == code && run.stderr.contains(words), "{url}: {}", run.shown());
    }
}

#[tokio::test]
async fn address_of_any_id_is_safe_to_paste_and_reaches_the_device() {
    let broker = Broker::start();
    let ids = ["x$(touch pwned)", "y;touch z", "z&id", "100% `a'\"\\~"];
    let mut devices = Vec::new();
    for id in ids {
        let config = Config { id: id.into(), reboot_delay: REBOOT, ..Config::default() };
        devices.push(broker.device(config, Library::Single).await);
    }
    let mut client = Client::connect(&broker, "another").await;
    for id in ids.into_iter().chain(["", ".", ".."]) {
        client.publish(&format!("{id}/online"), "1", rumqttc::PublishOptions::at_least_once().retain(true)).await;
    }
    let run = run(&["--json", "discover", "--mqtt", &broker.url(""), "--for", "1s"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let found = found(&run.stdout);
    assert_eq!(found.len(), ids.len(), "{}", run.shown());
    for device in found {
        let port = device["port"].as_str().expect("a port");
        let is_safe = |c: char| c.is_ascii_alphanumeric() || ":/.-_~%".contains(c);
        assert!(port.chars().all(is_safe), "{port}");
        let info = support::run_on(port, &["info", "--get", "id"]).await;
        let id = device["id"].as_str().expect("an id");
        assert!(info.code == 0 && info.stdout.trim() == id, "{port}: {}", info.shown());
    }
}

#[tokio::test]
async fn names_that_do_not_answer_do_not_make_the_search_longer() {
    const COUNT: usize = 300;

    let broker = Broker::start();
    let mut client = Client::connect(&broker, "another").await;
    for n in 0..COUNT {
        client.publish(&format!("gone{n}/rpc"), "{}", rumqttc::PublishOptions::at_least_once().retain(true)).await;
    }
    let start = Instant::now();
    let run = run(&["discover", "--mqtt", &broker.url(""), "--for", "1s"]).await;
    let time = start.elapsed();
    assert!(run.code == 0 && time < Duration::from_secs(12), "{time:?}: {}", run.shown());
    assert!(run.stderr.contains("of 300 names were not asked") && run.stderr.contains("--for"), "{}", run.shown());
}

#[tokio::test]
async fn terminal_shows_that_the_search_goes_on() {
    use std::sync::{Arc, atomic::AtomicBool, atomic::Ordering};

    let broker = Broker::start();
    let url = broker.url("");
    for (args, words) in [
        (&["discover", "--for", "3s"][..], "listening on the local network"),
        (&["discover", "--mqtt", &url, "--for", "3s"], "listening to the broker"),
    ] {
        let seen = Arc::new(AtomicBool::new(false));
        let is_seen = Arc::clone(&seen);
        let (code, screen) = support::terminal::run_on_terminal((24, 80), otactl(args), move |terminal| {
            if terminal.screen.shown().iter().any(|line| line.contains(words)) {
                seen.store(true, Ordering::Relaxed);
            }
        })
        .await;
        assert!(code == 0 && is_seen.load(Ordering::Relaxed), "{args:?}: {:?}", screen.transcript());
        assert!(!screen.transcript().iter().any(|line| line.contains(words)), "{:?}", screen.transcript());
    }
}
