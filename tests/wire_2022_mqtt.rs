//! Replays the recording of a device of 2022 behind a broker against the simulated device behind a real mosquitto.
//!
//! If this test fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not count.
#![cfg(unix)]

mod support;

use otactl::sim::ports::mqtt::Library;
use rumqttc::PublishOptions;
use support::broker::{Broker, Client};
use support::recording::{Case, PATIENCE, nearly_normal};
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
    let mut stage = Stage::of(&case, broker.device(config(&case), Library::Twice).await);
    let mut host = Client::connect(&broker, "host").await;
    host.hear(REPLIES).await;
    let mut compared = 0;
    for event in &case.events {
        for message in event.published() {
            if message.is_reply {
                let reply = timeout(PATIENCE, host.message()).await;
                let reply = reply.unwrap_or_else(|_| panic!("{name}: no {}", message.payload));
                let [topic, payload] =
                    [&reply.topic, &reply.payload].map(|bytes| String::from_utf8(bytes.to_vec()).expect("ASCII"));
                assert_eq!(
                    (topic, nearly_normal(&payload)),
                    (message.topic, nearly_normal(&message.payload)),
                    "{name}"
                );
                compared += 1;
                // The device runs other calls twice and answers them twice.
                if case.case.starts_with("method_") || compared % 2 == 0 {
                    stage.answered();
                }
            } else {
                stage.keep_time(event.t).await;
                let call = stage.host.localised(&message.payload);
                host.publish(&message.topic, call, PublishOptions::at_least_once()).await;
            }
        }
        if event.note.as_deref() == Some("DEV> side closed") {
            stage.console.reconnected().await;
            stage.passed(event.t);
        }
    }
    assert!(compared > 0, "{name}: nothing was compared");
    stage.finish(name).await;
}
