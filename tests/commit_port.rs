//! `--commit-port`: a second address of the device, over which otactl finds and commits it after the reboot.

mod support;

use std::time::{Duration, Instant};

use otactl::sim::Config;
use support::peers::{Behaviour, Peer};
use support::{DEMO, REBOOT, Run, assert_runs, run_on, simulator, simulator_everywhere, ws};

async fn update(port: &str, second: &str) -> Run {
    run_on(port, &["update", DEMO, "--commit-port", second]).await
}

#[tokio::test]
async fn commit_port_carries_the_commit() {
    let (device, ports) = simulator_everywhere(Config { reboot_delay: REBOOT, ..Config::default() }).await;
    let [ws, http, ..] = ports.as_slice() else { panic!("{ports:?}") };
    let run = update(http, ws).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert_runs(&support::ws(&device), "2.0.0", true).await;
}

/// otactl must not commit or revert another device because of a wrong address.
#[tokio::test]
async fn commit_port_of_another_device_is_refused_before_the_update() {
    let (device, other) = (simulator().await, other_device().await);
    let mut console = device.console();
    let run = update(&ws(&device), &ws(&other)).await;
    assert_eq!(run.code, 7, "{}", run.shown());
    assert!(run.stderr.contains("leads to another device: esp32_112233, not esp32_AABBCC"), "{}", run.shown());
    assert!(run.stderr.contains("hint: give with `--commit-port` another address"), "{}", run.shown());
    while let Ok(line) = console.try_recv() {
        assert_ne!(line, "OTA.Update");
    }
}

/// The second address may work only after the reboot. If it does not work then either, the device rolls back, which the
/// message says.
#[tokio::test]
async fn silent_commit_port_times_out_at_the_reboot_timeout() {
    let (device, silent) = (simulator().await, Peer::start(Behaviour::Silent).await);
    let started = Instant::now();
    let args = ["--timeout", "500ms", "update", DEMO, "--commit-port", &silent.ws(), "--reboot-timeout", "2s"];
    let run = run_on(&ws(&device), &args).await;
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(run.code, 5, "{}", run.shown());
    assert!(run.stderr.contains("waiting   the device does not answer over --commit-port yet"), "{}", run.shown());
    assert!(run.stderr.contains("the device rolls back to the old one at "), "{}", run.shown());
    assert_runs(&ws(&device), "2.0.0", false).await;
}

#[tokio::test]
async fn simulated_device_as_commit_port_is_refused() {
    let device = simulator().await;
    let run = update(&ws(&device), "sim:").await;
    assert_eq!(run.code, 2, "{}", run.shown());
}

async fn other_device() -> otactl::sim::Simulator {
    support::simulator_with(Config { id: "esp32_112233".into(), ..Config::default() }).await
}
