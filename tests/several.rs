//! One command on several devices.

mod support;

use std::time::{Duration, Instant};

use otactl::sim::ports::mqtt::Library;
use otactl::sim::{Config, Simulator};
use serde_json::Value;
use support::broker::Broker;
use support::{DEMO, REBOOT, assert_runs, run, simulator_with, ws};

async fn devices(count: usize) -> Vec<Simulator> {
    let mut devices = Vec::new();
    for number in 0..count {
        let config = Config { id: format!("esp32_{number:06}"), reboot_delay: REBOOT, ..Config::default() };
        devices.push(simulator_with(config).await);
    }
    devices
}

fn args<'a>(ports: &'a [String], rest: &[&'a str]) -> Vec<&'a str> {
    rest.iter().copied().chain(ports.iter().flat_map(|port| ["-p", port])).collect()
}

#[tokio::test]
async fn update_of_several_devices_ends_with_a_table() {
    let devices = devices(3).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let run = run(&args(&ports, &["update", DEMO])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    for port in &ports {
        assert_runs(port, "2.0.0", true).await;
        let done = run.stderr.lines().find(|line| line.starts_with(port.as_str()) && line.contains("done  "));
        assert!(done.is_some(), "{port}: {}", run.shown());
        let row = run.stderr.lines().last().map(|_| run.stderr.lines().filter(|line| line.contains("updated")).count());
        assert_eq!(row, Some(3), "{}", run.shown());
    }
    let is_labelled = |line: &&str| ports.iter().any(|port| line.starts_with(port.as_str()));
    let others: Vec<_> = run.stderr.lines().filter(|line| !is_labelled(line)).collect();
    assert!(others.len() == 1 && others[0].starts_with("DEVICE "), "{others:?}");
}

/// A port that is open in the firewall serves all devices.
#[tokio::test]
async fn devices_share_the_port_of_the_firmware_server() {
    let devices = devices(3).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let listen = free.to_string();
    let run = run(&args(&ports, &["update", DEMO, "--via", "pull", "--listen", &listen])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert_eq!(
        run.stderr.matches(&format!("serve     the firmware at http://{listen}/")).count(),
        3,
        "{}",
        run.shown()
    );
}

#[tokio::test]
async fn failed_devices_are_named_in_a_command_that_tries_them_again() {
    let devices = devices(1).await;
    let ports = [ws(&devices[0]), "ws://127.0.0.1:1".into(), "ws://127.0.0.1:2".into()];
    let some = run(&args(&ports, &["update", DEMO])).await;
    assert_eq!(some.code, 9, "{}", some.shown());
    assert!(some.stderr.contains("error: 2 of 3 devices failed"), "{}", some.shown());
    let again = format!("`otactl update {DEMO} -p ws://127.0.0.1:1 -p ws://127.0.0.1:2` tries them again");
    assert!(some.stderr.contains(&again), "{}", some.shown());
    let alike = run(&args(&ports[1..], &["ping"])).await;
    assert_eq!(alike.code, 3, "{}", alike.shown());
}

#[tokio::test]
async fn lines_of_json_name_their_device() {
    let devices = devices(2).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    for command in [&["--json", "update", DEMO][..], &["--json", "info"]] {
        let run = run(&args(&ports, command)).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for port in &ports {
            assert!(lines.iter().any(|line| line["device"] == **port), "{}", run.shown());
        }
        assert!(lines.iter().all(|line| line["device"].is_string()), "{}", run.shown());
    }
}

#[tokio::test]
async fn two_names_for_one_device_are_found_before_anything_changes() {
    let devices = devices(1).await;
    let (port, http) = (ws(&devices[0]), ws(&devices[0]).replace("ws://", "http://"));
    for ports in [[port.clone(), format!("{port}/rpc")], [port.clone(), http]] {
        let run = run(&args(&ports, &["update", DEMO])).await;
        assert!(run.code == 2 && run.stderr.contains("are the same device"), "{}", run.shown());
    }
    assert_runs(&port, "1.0.0", true).await;
}

#[tokio::test]
async fn command_without_a_device_takes_no_two() {
    for (args, words) in [
        (&["-p", "sim:", "-p", "sim:", "simulate"][..], "not for several devices"),
        (&["-p", "sim:", "ping", "-p", "sim:"], "before the command and after it"),
    ] {
        let run = run(args).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.shown());
    }
}

/// 40 devices behind one broker take little longer than the slowest of them.
#[tokio::test]
async fn many_devices_behind_one_broker_are_updated_at_the_same_time() {
    const COUNT: usize = 40;

    let broker = Broker::start();
    let mut devices = Vec::new();
    for number in 0..COUNT {
        let config = Config { id: format!("rig_{number:02}"), reboot_delay: REBOOT, ..Config::default() };
        devices.push(broker.device(config, Library::Single).await);
    }
    let ports: Vec<String> = (0..COUNT).map(|number| broker.url(&format!("rig_{number:02}"))).collect();
    let started = Instant::now();
    let run = run(&args(&ports, &["update", DEMO, "--jobs", "40"])).await;
    let whole = started.elapsed();
    assert_eq!(run.code, 0, "{}", run.shown());
    let rows = run.stderr.lines().filter(|line| line.contains("  updated  "));
    let slowest =
        rows.clone().filter_map(|line| line.rsplit("  ").next()?.trim_end_matches('s').parse::<u64>().ok()).max();
    // The table has whole seconds.
    let limit = Duration::from_secs(slowest.expect("a time") + 1).mul_f64(1.3);
    assert!(whole <= limit, "{whole:?} of {limit:?}: {}", run.shown());
    assert_eq!(rows.count(), COUNT, "{}", run.shown());
}
