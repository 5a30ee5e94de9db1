//! Replays the recordings of devices behind a broker against the simulated device behind a real mosquitto. The answers
//! have to be the same, on the same topic, and as many.
//!
//! If one of these tests fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not
//! count.
#![cfg(unix)]

mod support;

use otactl::sim::Config;
use otactl::sim::auth::Algorithm;
use otactl::sim::ports::mqtt::{self, Library};
use rumqttc::{PublishOptions, QoS};
use support::broker::{Broker, Client};
use support::recording::{Case, REPLY_TIMEOUT, ReplayBench, normalized, reboots_after, recording, wait_until_recorded};
use support::{recorded_device, recorded_device_with_auth, simulator_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

/// The case of mqtt.json that needs a broker with a script.
const CONNECT_CASE: &str = "device_connect";

#[tokio::test]
async fn devices_behind_a_broker_answer_as_recorded() {
    replay("mqtt.json", recorded_device(), Library::Twice, 28).await;
}

#[tokio::test]
async fn older_devices_behind_a_broker_answer_as_recorded() {
    let config = Config { id: "esp32_SINGLE".into(), ..recorded_device() };
    replay("mqtt-single.json", config, Library::Single, 28).await;
}

/// The replay uses the nonces and cnonces of the recording, at the time of the recording.
#[tokio::test]
async fn credentials_are_checked_as_recorded() {
    for (name, id, algorithm) in [
        ("mqtt-md5.json", "esp32_AUTHMD5", Algorithm::Md5),
        ("mqtt-sha256.json", "esp32_AUTHSHA256", Algorithm::Sha256),
    ] {
        replay(name, recorded_device_with_auth(id, algorithm), Library::Twice, 1).await;
    }
}

/// Replays all cases that need no scripted broker, and checks that there are `count` of them.
async fn replay(name: &str, config: Config, library: Library, count: usize) {
    let broker = Broker::start();
    let mut bench = ReplayBench::for_device(broker.device(config, library).await).await;
    let mut host = Client::connect(&broker, "host").await;
    host.subscribe("probe/rpc").await;
    let cases: Vec<_> = recording(name).cases.into_iter().filter(|case| case.case != CONNECT_CASE).collect();
    for case in &cases {
        let compared = replay_messages(&bench, &mut host, case).await;
        // The device answers everything except garbage.
        assert_eq!(compared == 0, case.case == "malformed_frame", "{name}, {}: {compared} replies", case.case);
        if reboots_after(case) {
            bench.console.wait_for_broker().await;
        }
        assert_no_more_replies(&bench, &mut host, &case.case).await;
    }
    assert_eq!(cases.len(), count, "{name}: all cases were replayed");
}

/// Replays the messages of one case, and returns how many replies were compared.
async fn replay_messages(bench: &ReplayBench, host: &mut Client, case: &Case) -> usize {
    let name = &case.case;
    let started = Instant::now();
    let mut compared = 0;
    for message in case.messages() {
        if message.is_reply {
            let (topic, reply) = reply(host, &format!("{name}: no {}", message.payload)).await;
            assert_eq!((topic, normalized(&reply)), (message.topic, normalized(&message.payload)), "{name}");
            compared += 1;
        } else {
            wait_until_recorded(case, message.t, started).await;
            let request = bench.with_local_address(&message.payload);
            host.publish(&message.topic, request, PublishOptions::at_least_once()).await;
        }
    }
    compared
}

/// Checks that the device has sent no more replies. It answers in order, so the reply to a final ping comes after them.
async fn assert_no_more_replies(bench: &ReplayBench, host: &mut Client, name: &str) {
    let topic = format!("{}/rpc/RPC.Ping", bench.device.id());
    host.publish(&topic, r#"{"id":9000,"src":"probe","method":"RPC.Ping"}"#, PublishOptions::at_least_once()).await;
    let (_, reply) = reply(host, &format!("{name}: no answer to a question behind it")).await;
    assert!(reply.contains("\"id\":9000,"), "{name}: more than was recorded: {reply}");
}

/// Returns the topic and the payload of the next reply.
async fn reply(host: &mut Client, missing: &str) -> (String, String) {
    let message = timeout(REPLY_TIMEOUT, host.message()).await.unwrap_or_else(|_| panic!("{missing}"));
    assert_eq!((message.qos, message.retain), (QoS::AtLeastOnce, false), "{message:?}");
    [&message.topic, &message.payload].map(|bytes| String::from_utf8(bytes.to_vec()).expect("ASCII")).into()
}

/// Compares CONNECT and SUBSCRIBE byte for byte. The broker sends what the recorded broker sent.
#[tokio::test]
async fn device_connects_to_its_broker_as_recorded() {
    let case = recording("mqtt.json").cases.into_iter().find(|case| case.case == CONNECT_CASE).expect("the case");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let mut device = simulator_with(recorded_device()).await;
    let mut console = device.console();
    device.serve_mqtt(mqtt::MqttConfig {
        host: "127.0.0.1".into(),
        port: listener.local_addr().expect("an address").port(),
        login: None,
        device: device.id().into(),
        library: Library::Twice,
    });
    let (mut socket, _) = timeout(REPLY_TIMEOUT, listener.accept()).await.expect("in time").expect("a connection");
    let mut compared = 0;
    for event in &case.events {
        let bytes = event.bytes();
        match event.from.as_deref() {
            Some("device-to-broker") => {
                let mut received = vec![0; bytes.len()];
                let read = timeout(REPLY_TIMEOUT, socket.read_exact(&mut received)).await;
                read.unwrap_or_else(|_| panic!("{CONNECT_CASE}: silence instead of {bytes:x?}")).expect("readable");
                assert_eq!(received, bytes, "{CONNECT_CASE}");
                compared += 1;
            }
            Some("broker-to-device") => socket.write_all(&bytes).await.expect("sent"),
            _ => {}
        }
    }
    assert_eq!(compared, 2, "{CONNECT_CASE}: all was compared");
    let connected = async { while console.recv().await.expect("the console") != "mqtt: connected" {} };
    timeout(REPLY_TIMEOUT, connected).await.expect("it takes what the broker said");
}
