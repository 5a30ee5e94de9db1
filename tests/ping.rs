//! `otactl ping -n` and `otactl show`: the built binary with devices on all transports.

mod support;

use otactl::sim::{Config, Fault};
use serde_json::Value;
use support::peers::{Behaviour, Peer};
use support::transports::Transport;
use support::{REBOOT, run_on, simulator_everywhere, simulator_with, ws};

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
