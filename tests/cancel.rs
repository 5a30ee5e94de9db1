//! Calls whose caller has stopped waiting, over real connections: a device never hears of what was not sent by then.

mod support;

use std::time::Duration;

use otactl::rpc::Device;
use serde_json::Value;
use support::gate::Gate;
use support::recorded_device;
use support::ways::{Bench, PATIENCE, Way};
use tokio::time::timeout;

/// The methods of the calls that the device prints.
fn called(bench: &mut Bench) -> Vec<String> {
    let lines = bench.printed();
    let method = |line: &String| line.split([' ', ':', '(']).next().unwrap_or_default().to_owned();
    lines.iter().map(method).filter(|word| word.contains('.')).collect()
}

/// A device behind a gate, which holds the connection up while it is set up.
async fn behind_a_gate(way: Way) -> (Bench, Gate, Device) {
    let mut bench = way.simulated(recorded_device()).await;
    let url: url::Url = bench.port.parse().expect("a URL");
    let target = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let gate = Gate::start(target.clone()).await;
    bench.port = bench.port.replace(&target, &gate.address.to_string());
    let device = bench.device(None);
    (bench, gate, device)
}

#[tokio::test]
async fn call_dropped_while_dialling_never_reaches_the_device() {
    for way in [
        Way::WebSocket,
        Way::WebSocketTls,
        Way::HttpTls,
        #[cfg(unix)]
        Way::Mqtt,
    ] {
        let (mut bench, gate, device) = behind_a_gate(way).await;
        let update = device.call_raw("OTA.Update", serde_json::json!({"url": "http://x/"}), false, PATIENCE);
        assert!(timeout(Duration::from_millis(100), update).await.is_err(), "{way:?}");
        let ping = device.call_raw("RPC.Ping", Value::Null, true, PATIENCE);
        let (ping, ()) = tokio::join!(ping, async { gate.open() });
        assert!(ping.is_ok(), "{way:?}: {ping:?}");
        // What was sent before the ping would have come before it.
        let called = called(&mut bench);
        assert!(called.iter().any(|method| method == "RPC.Ping"), "{way:?}: {called:?}");
        assert!(!called.iter().any(|method| method == "OTA.Update"), "{way:?}: {called:?}");
    }
}
