//! The built binary with brokers that refuse a topic by closing the connection: a real NATS server, and a scripted
//! broker.
#![cfg(unix)]

mod support;

use otactl::sim::Config;
use otactl::sim::ports::mqtt::{self, Library};
use support::nats::Nats;
use support::strict_broker::{Rule, StrictBroker};
use support::{DEMO, REBOOT, Run, assert_runs, run_on, simulator_with};

/// The rule of NATS before 2.10, and of a policy that names one topic.
fn no_dots(topic: &str) -> Rule {
    if topic.contains('.') { Rule::Close } else { Rule::Take }
}

fn assert_refused(run: &Run, code: i32, message: &str, hints: &[&str]) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{}", run.shown());
    assert!(run.stderr.contains(message), "{message}: {}", run.shown());
    let hint = run.stderr.split_once("\nhint: ").map(|(_, hint)| hint).unwrap_or_default();
    assert!(hints.iter().all(|part| hint.contains(part)), "{hints:?}: {}", run.shown());
}

/// Every library subscribes to the plain topic. That a current device executes requests there twice does not harm an
/// update.
#[tokio::test]
async fn device_behind_nats_is_called_and_updated() {
    // If `nats-server` is missing, tests/run.sh has reported it.
    let Some(nats) = Nats::start() else { return };
    for library in [Library::Twice, Library::Single, Library::Plain] {
        let mut device = simulator_with(Config { reboot_delay: REBOOT, ..Config::default() }).await;
        let mut console = device.console();
        device.serve_mqtt(mqtt::MqttConfig {
            host: "127.0.0.1".into(),
            port: nats.port,
            login: None,
            device: device.id().into(),
            library,
        });
        while console.recv().await.expect("the console") != "mqtt: connected" {}
        let port = format!("mqtt://127.0.0.1:{}/{}", nats.port, device.id());
        let run = run_on(&port, &["-v", "call", "Sys.GetInfo"]).await;
        assert_eq!(run.code, 0, "{library:?}: {}", run.shown());
        if nats.refuses_dots() {
            let message = "the broker closes the connection on esp32_AABBCC/rpc/METHOD; ";
            assert!(
                run.stderr.contains(message) && run.stderr.contains("--mqtt-pub-topic"),
                "{library:?}: {}",
                run.shown()
            );
        }
        let run = run_on(&port, &["update", DEMO]).await;
        assert_eq!(run.code, 0, "{library:?}: {}", run.shown());
        assert_runs(&port, "2.0.0", true).await;
    }
}

/// The method is executed once, on the fallback topic.
#[tokio::test]
async fn method_topic_closed_falls_back_once() {
    for method in ["RPC.Ping", "OTA.Commit"] {
        let broker = StrictBroker::start(no_dots).await;
        let run = run_on(&broker.url(), &["call", method]).await;
        assert_eq!((run.code, run.stdout.as_str()), (0, "\"yes\"\n"), "{method}: {}", run.shown());
        assert_eq!(broker.executed(), ["dev/rpc"], "{method}");
    }
}

#[tokio::test]
async fn broker_that_closes_on_both_topics_is_named() {
    for method in ["RPC.Ping", "OTA.Commit"] {
        let broker =
            StrictBroker::start(|topic| if topic.starts_with("dev/rpc-resp") { Rule::Take } else { Rule::Close });
        let broker = broker.await;
        let run = run_on(&broker.url(), &["call", method]).await;
        let message = format!(
            "cannot reach the broker mqtt://127.0.0.1:{}: it closes the connection when a request is published to \
             `dev/rpc/{method}` or `dev/rpc`\n",
            broker.port
        );
        assert_refused(&run, 3, &message, &["the broker seems not to allow", "--mqtt-pub-topic", "--mqtt-src"]);
        assert!(!run.stderr.contains("may have done"), "{}", run.shown());
        assert_eq!(broker.executed(), [""; 0], "{method}");
    }
}

#[tokio::test]
async fn broker_that_closes_on_the_given_topic_is_named() {
    let broker = StrictBroker::start(no_dots).await;
    let run = run_on(&broker.url(), &["--mqtt-pub-topic", "to.it", "call", "OTA.Commit"]).await;
    assert_refused(&run, 3, "when a request is published to `to.it`\n", &["--mqtt-pub-topic", "--mqtt-src"]);
    assert_eq!(broker.executed(), [""; 0]);
}

/// A broker that restarts may have forwarded the request, so otactl does not repeat it on the other topic.
#[tokio::test]
async fn request_passed_on_before_the_connection_closed_is_not_repeated() {
    let broker = StrictBroker::start(|topic| match topic {
        "dev/rpc/OTA.Commit" => Rule::TakeAndClose,
        _ => Rule::Take,
    });
    let broker = broker.await;
    let run = run_on(&broker.url(), &["call", "OTA.Commit"]).await;
    assert_refused(&run, 3, "the broker closed the connection\n", &["may have done what it was asked"]);
    assert_eq!(broker.executed(), ["dev/rpc/OTA.Commit", "dev/rpc/RPC.Ping"]);
}

#[tokio::test]
async fn broker_that_closes_on_the_subscription_is_named() {
    let broker = StrictBroker::start(|topic| if topic.contains("rpc-resp") { Rule::Close } else { Rule::Take }).await;
    let run = run_on(&broker.url(), &["--mqtt-client-id", "me", "call", "OTA.Commit"]).await;
    assert_refused(&run, 3, "it closes the connection on a subscription to `dev/rpc-resp/me/rpc`\n", &["--mqtt-src"]);
    let run = run_on(&broker.url(), &["--mqtt-src", "me", "call", "OTA.Commit"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

/// MQTT 3.1.1 brokers acknowledge and drop messages that their access rules forbid.
#[tokio::test]
async fn silence_behind_a_broker_names_its_access_rules() {
    let broker = StrictBroker::start(|topic| if topic.contains("rpc-resp") { Rule::Take } else { Rule::Drop }).await;
    let run = run_on(&broker.url(), &["--timeout", "1s", "call", "OTA.Commit"]).await;
    assert_refused(&run, 5, "is `dev` online?\n", &["access rules", "SRC/rpc", "--mqtt-src", "--mqtt-pub-topic"]);
}
