//! `otactl show` and `otactl ping -n`: the built binary with devices on all transports.

mod support;

use otactl::sim::{Config, Fault, Generation};
use serde_json::Value;
use support::peers::{Behaviour, Peer};
use support::transports::Transport;
use support::{DEMO, REBOOT, run_on, simulator_everywhere, simulator_with, ws};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn quick() -> Config {
    Config { reboot_delay: REBOOT, ..Config::default() }
}

/// Returns a device on all transports, and their addresses.
async fn everywhere() -> (Vec<String>, Vec<Box<dyn std::any::Any>>) {
    let (device, mut ports) = simulator_everywhere(quick()).await;
    let mut held: Vec<Box<dyn std::any::Any>> = vec![Box::new(device)];
    #[cfg(unix)]
    for transport in [Transport::Serial, Transport::Mqtt] {
        let bench = transport.simulated(quick()).await;
        ports.push(bench.port.clone());
        held.push(Box::new(bench));
    }
    (ports, held)
}

#[tokio::test]
async fn several_pings_report_their_times_over_every_transport() {
    let (ports, _devices) = everywhere().await;
    for port in ports {
        let text = run_on(&port, &["ping", "-n", "3"]).await;
        assert!(text.code == 0 && text.stdout.starts_with("3 pings, 0 lost: min "), "{port}: {}", text.shown());
        let run = run_on(&port, &["--json", "ping", "-n", "3"]).await;
        let times = json(&run.stdout);
        assert_eq!((&times["sent"], &times["lost"]), (&3.into(), &0.into()), "{port}: {}", run.shown());
        let [min, median, max] = ["min_ms", "median_ms", "max_ms"].map(|key| times[key].as_f64().expect("a number"));
        assert!(0.0 < min && min <= median && median <= max, "{port}: {}", run.shown());
    }
}

#[tokio::test]
async fn lost_pings_are_counted_and_fail_only_together() {
    let fault: Fault = "reply-lost=RPC.Ping".parse().expect("a fault");
    let device = simulator_with(Config { faults: vec![fault], ..quick() }).await;
    let run = run_on(&ws(&device), &["--timeout=300ms", "--json", "ping", "-n", "3"]).await;
    assert_eq!((run.code, &json(&run.stdout)["lost"]), (0, &1.into()), "{}", run.shown());
    let peer = Peer::start(Behaviour::Silent).await;
    let run = run_on(&peer.ws(), &["--timeout=300ms", "--json", "ping", "-n", "2"]).await;
    assert_eq!((run.code, &json(&run.stdout)["event"]), (3, &"failed".into()), "{}", run.shown());
    let fault: Fault = "no-method=RPC.Ping".parse().expect("a fault");
    let device = simulator_with(Config { faults: vec![fault], ..quick() }).await;
    let run = run_on(&ws(&device), &["ping", "-n", "2"]).await;
    assert!(run.code == 4 && run.stderr.contains("error 404"), "{}", run.shown());
    assert!(run_on(&ws(&device), &["ping", "-n", "0"]).await.code == 2);
}

#[tokio::test]
async fn show_says_what_runs_and_when_it_goes_back_over_every_transport() {
    let (ports, _devices) = everywhere().await;
    for port in ports {
        let run = run_on(&port, &["show"]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let begins: Vec<&str> = run.stdout.lines().map(|line| line.split(' ').next().unwrap_or_default()).collect();
        assert_eq!(
            begins,
            ["esp32_AABBCC", "runs", "committed", "update", "updater", "up", "network", "methods"],
            "{}",
            run.shown()
        );
        assert!(run.stdout.contains("\nruns          demo 1.0.0 (20240101-000000/g0000000-factory) in slot 0\n"));
        assert!(run.stdout.starts_with("esp32_AABBCC  esp32, Mongoose OS 2.20.0, at "), "{}", run.shown());
        let run = run_on(&port, &["--json", "show"]).await;
        let facts = json(&run.stdout);
        assert_eq!((&facts["version"], &facts["committed"]), (&"1.0.0".into(), &true.into()), "{}", run.shown());
        assert!(facts["round_trip_ms"].as_f64().is_some_and(|time| time > 0.0), "{}", run.shown());
        assert_eq!(run_on(&port, &["show", "--get", "network[0].ip"]).await.stdout, "127.0.0.1\n", "{port}");
    }
}

#[tokio::test]
async fn show_of_uncommitted_firmware_names_the_time_of_the_rollback() {
    let device = simulator_with(Config { generation: Generation::Y2022, ..quick() }).await;
    let port = ws(&device);
    let update = run_on(&port, &["update", DEMO, "--no-commit", "--commit-timeout", "200s"]).await;
    assert_eq!(update.code, 0, "{}", update.shown());
    let run = run_on(&port, &["show"]).await;
    assert!(run.stdout.contains("\nuncommitted   rolls back to slot 0 in 3m "), "{}", run.shown());
    let next = format!("`otactl commit -p {port}` keeps it, `otactl revert -p {port}` goes back");
    assert!(run.stdout.contains(&next), "{}", run.shown());
    assert!(run.stdout.contains("\nupdate        "), "OTA.Status is there since 2019: {}", run.shown());
    let facts = json(&run_on(&port, &["--json", "show"]).await.stdout);
    let left = facts["reverts_in"].as_u64().expect("a number");
    assert!((150..=200).contains(&left), "{facts}");
    let both = support::run(&["-p", &port, "-p", "sim:", "show"]).await;
    assert!(both.stdout.lines().all(|line| line.starts_with(&port) || line.starts_with("sim: ")), "{}", both.shown());
}

#[tokio::test]
async fn show_leaves_out_what_the_device_lacks() {
    let missing = ["OTA.GetBootState", "OTA.Status", "RPC.List"];
    let faults = missing.map(|method| format!("no-method={method}").parse().expect("a fault"));
    let device = simulator_with(Config { faults: faults.into(), ..quick() }).await;
    let run = run_on(&ws(&device), &["show"]).await;
    let unknown = "\ncommitted     unknown: the device does not report it\nup ";
    assert!(run.code == 0 && run.stdout.contains(unknown), "{}", run.shown());
    assert!(["methods", "update", "in slot"].iter().all(|text| !run.stdout.contains(text)), "{}", run.shown());
}

#[tokio::test]
async fn commit_state_that_cannot_be_read_is_shown_as_unknown() {
    let fault: Fault = "boot-state=is_committed:null".parse().expect("a fault");
    let device = simulator_with(Config { faults: vec![fault], ..quick() }).await;
    let run = run_on(&ws(&device), &["show"]).await;
    let unknown = "\ncommitted     unknown: the device does not report it\n";
    assert!(run.code == 0 && run.stdout.contains(unknown), "{}", run.shown());
}

#[tokio::test]
async fn show_tells_the_update_services_and_the_licence_apart() {
    for (generation, licensed, expected) in [
        (Generation::Y2018, false, "of 2018: downloads the firmware itself"),
        (Generation::Y2019, true, "since 2019, licensed: "),
        (Generation::Y2022, false, "since 2019, without a licence key: "),
    ] {
        let device = simulator_with(Config { generation, licensed, ..quick() }).await;
        let run = run_on(&ws(&device), &["show"]).await;
        assert!(run.stdout.contains(&format!("\nupdater       {expected}")), "{}", run.shown());
    }
}
