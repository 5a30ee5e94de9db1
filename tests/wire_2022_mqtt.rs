//! Replays the recording of a device of 2022 behind a broker against the simulated device behind a real mosquitto.
//!
//! If this test fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not count.
#![cfg(unix)]

mod support;

use otactl::sim::ports::mqtt::Library;
use rumqttc::PublishOptions;
use support::broker::{Broker, Client};
use support::recording::{Case, REPLY_TIMEOUT, normalized_since_2019};
use support::replay::{Stage, config, replay_all};
use tokio::time::timeout;

#[tokio::test]
async fn mqtt_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-mqtt.json", replay).await, 76);
}

/// The topic of all replies to the recorder.
const REPLIES: &str = "probe/rpc";

async fn replay(case: Case) {
    let name = &case.case;
    let broker = tokio::task::spawn_blocking(Broker::start).await.expect("a broker");
    let mut stage = Stage::with_device(&case, broker.device(config(&case), Library::Twice).await);
    let mut host = Client::connect(&broker, "host").await;
    host.subscribe(REPLIES).await;
    let mut compared = 0;
    for event in &case.events {
        for message in event.published() {
            if message.is_reply {
                let reply = timeout(REPLY_TIMEOUT, host.message()).await;
                let reply = reply.unwrap_or_else(|_| panic!("{name}: no {}", message.payload));
                let [topic, payload] =
                    [&reply.topic, &reply.payload].map(|bytes| String::from_utf8(bytes.to_vec()).expect("ASCII"));
                assert_eq!(
                    (topic, normalized_since_2019(&payload)),
                    (message.topic, normalized_since_2019(&message.payload)),
                    "{name}"
                );
                compared += 1;
                // The device runs other calls twice and answers them twice.
                if case.case.starts_with("method_") || compared % 2 == 0 {
                    stage.count_reply();
                }
            } else {
                stage.wait_until_recorded(event.t).await;
                let call = stage.host.with_local_address(&message.payload);
                host.publish(&message.topic, call, PublishOptions::at_least_once()).await;
            }
        }
        if event.note.as_deref() == Some("DEV> side closed") {
            stage.console.wait_for_broker().await;
            stage.set_time(event.t);
        }
    }
    assert!(compared > 0, "{name}: nothing was compared");
    stage.finish(name).await;
}
