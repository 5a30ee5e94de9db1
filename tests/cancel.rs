//! Cancelled calls over real connections: a device never gets a request that was not sent before the cancellation.

mod support;

use std::time::Duration;

use otactl::rpc::Device;
use serde_json::Value;
use support::gate::Gate;
use support::recorded_device;
use support::transports::{Bench, CALL_TIMEOUT, Transport};
use tokio::time::timeout;

/// Returns the methods of the calls that the device has printed.
fn called(bench: &mut Bench) -> Vec<String> {
    let lines = bench.take_printed();
    let method = |line: &String| line.split([' ', ':', '(']).next().unwrap_or_default().to_owned();
    lines.iter().map(method).filter(|word| word.contains('.')).collect()
}

/// Starts a device behind a closed gate, which delays the setup of the connection.
async fn behind_a_gate(transport: Transport) -> (Bench, Gate, Device) {
    let mut bench = transport.simulated(recorded_device()).await;
    let url: url::Url = bench.port.parse().expect("a URL");
    let target = format!("{}:{}", url.host_str().expect("a host"), url.port().expect("a port"));
    let gate = Gate::start(target.clone()).await;
    bench.port = bench.port.replace(&target, &gate.address.to_string());
    let device = bench.device(None);
    (bench, gate, device)
}

#[tokio::test]
async fn call_dropped_while_dialling_never_reaches_the_device() {
    for transport in [
        Transport::WebSocket,
        Transport::WebSocketTls,
        Transport::HttpTls,
        #[cfg(unix)]
        Transport::Mqtt,
    ] {
        let (mut bench, gate, device) = behind_a_gate(transport).await;
        let update = device.call_raw("OTA.Update", serde_json::json!({"url": "http://x/"}), false, CALL_TIMEOUT);
        assert!(timeout(Duration::from_millis(100), update).await.is_err(), "{transport:?}");
        let ping = device.call_raw("RPC.Ping", Value::Null, true, CALL_TIMEOUT);
        let (ping, ()) = tokio::join!(ping, async { gate.open() });
        assert!(ping.is_ok(), "{transport:?}: {ping:?}");
        // A request that was sent before the ping would arrive before it.
        let called = called(&mut bench);
        assert!(called.iter().any(|method| method == "RPC.Ping"), "{transport:?}: {called:?}");
        assert!(!called.iter().any(|method| method == "OTA.Update"), "{transport:?}: {called:?}");
    }
}
