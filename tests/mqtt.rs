//! The built binary with devices behind a real mosquitto broker.
#![cfg(unix)]

mod support;

use std::time::Duration;

use otactl::ota;
use otactl::rpc::{CallError, Device};
use otactl::sim::auth::Auth;
use otactl::sim::ports::mqtt::Library;
use otactl::sim::{Config, Simulator};
use otactl::transport::{self, Options};
use rumqttc::PublishOptions;
use support::broker::{Broker, BrokerAccess, Client, PASSWORD, USER};
use support::certificates::Authority;
use support::peers::{Behaviour, Peer};
use support::server::{ServerTasks, bind};
use support::{DEMO, REBOOT, Run, assert_runs, finish, otactl, run_on};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const LIBRARIES: [Library; 3] = [Library::Twice, Library::Single, Library::Plain];

fn quick() -> Config {
    Config { reboot_delay: REBOOT, ..Config::default() }
}

/// Returns how often this method was called since the last call of this function.
fn calls(console: &mut tokio::sync::broadcast::Receiver<String>, method: &str) -> usize {
    std::iter::from_fn(|| console.try_recv().ok()).filter(|line| line == method).count()
}

#[tokio::test]
async fn device_behind_a_broker_is_updated_on_every_library() {
    for library in LIBRARIES {
        let broker = Broker::start();
        let device = broker.device(quick(), library).await;
        let port = broker.url(device.id());
        let run = run_on(&port, &["update", DEMO]).await;
        assert_eq!(run.code, 0, "{library:?}: {}", run.shown());
        // otactl serves the firmware on the address that routes to the device's own address.
        assert!(run.stderr.contains("\nserve     the firmware at http://127.0.0.1:"), "{}", run.shown());
        assert_runs(&port, "2.0.0", true).await;
    }
}

/// Current libraries execute a request on the plain topic twice. A second snapshot is a waste, a second commit is an
/// error, and a second update fails while the first one runs.
#[tokio::test]
async fn call_is_executed_once_on_every_library() {
    for library in LIBRARIES {
        let broker = Broker::start();
        let device = broker.device(quick(), library).await;
        let mut console = device.console();
        let port = broker.url(device.id());
        for (method, code) in [("OTA.CreateSnapshot", 0), ("OTA.Commit", 4), ("OTA.Revert", 4), ("No.Such", 4)] {
            let run = run_on(&port, &["call", method]).await;
            assert_eq!(run.code, code, "{library:?}, {method}: {}", run.shown());
            assert_eq!(calls(&mut console, method), 1, "{library:?}, {method}");
        }
    }
}

/// On a device that subscribes to its method topics, a call takes one round trip and no other request.
#[tokio::test]
async fn call_on_a_method_topic_is_one_request() {
    let broker = Broker::start();
    let device = broker.device(quick(), Library::Twice).await;
    let mut console = device.console();
    let run = run_on(&broker.url(device.id()), &["call", "Sys.GetInfo"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let printed: Vec<_> = std::iter::from_fn(|| console.try_recv().ok()).collect();
    assert_eq!(printed, ["Sys.GetInfo"]);
}

#[tokio::test]
async fn device_and_broker_credentials_are_independent() {
    let broker = Broker::with(BrokerAccess::Password, None);
    let auth: Auth = "admin:secret:lab".parse().expect("credentials");
    let device = broker.device(Config { auth: Some(auth), ..quick() }, Library::Twice).await;
    let port = format!("mqtt://{USER}@127.0.0.1:{}/{}", broker.port, device.id());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("{PASSWORD}\n")).expect("written");
    let file = file.path().display().to_string();
    let mut from_file = otactl(&["--port", &port, "--mqtt-password-file", &file, "update", DEMO]);
    from_file.env("OTACTL_RPC_CREDS", "admin:secret");
    let run = finish(from_file).await;
    assert_eq!(run.code, 0, "{}", run.shown());

    let mut from_environment = otactl(&["--port", &port, "--rpc-creds", "admin:secret", "ping"]);
    from_environment.env("OTACTL_MQTT_PASSWORD", PASSWORD);
    assert_eq!(finish(from_environment).await.code, 0);
    let in_url = port.replace(USER, &format!("{USER}:bro%3Aker&pass"));
    assert_eq!(run_on(&in_url, &["--rpc-creds", "admin:secret", "ping"]).await.code, 0);

    let refused = |run: &Run, message: &str| {
        assert_eq!((run.code, run.stdout.as_str()), (6, ""), "{}", run.shown());
        assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: "), "{message}: {}", run.shown());
        assert!(!run.stderr.contains("s3cret"), "{}", run.shown());
    };
    let wrong = port.replace(USER, &format!("{USER}:s3cret"));
    let broker_refuses = format!("cannot reach the broker mqtt://127.0.0.1:{}: the broker refuses: ", broker.port);
    refused(&run_on(&wrong, &["-vv", "ping"]).await, &broker_refuses);
    refused(&run_on(&port, &["ping"]).await, &broker_refuses);
    refused(&run_on(&in_url, &["ping"]).await, "the device wants credentials, and none were given");
}

#[tokio::test]
async fn device_behind_a_tls_broker_is_updated() {
    let authority = Authority::new();
    let broker = Broker::with(BrokerAccess::Anonymous, Some(&authority.sign("127.0.0.1")));
    let device = broker.device(quick(), Library::Twice).await;
    let port = format!("mqtts://127.0.0.1:{}/{}", broker.tls_port, device.id());
    let ca = authority.file();
    let run = run_on(&port, &["--ca-cert-file", &ca, "update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert_eq!(run_on(&port, &["--insecure", "ping"]).await.code, 0);
    let run = run_on(&port, &["ping"]).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(run.stderr.contains("\nhint: ") && run.stderr.contains("--ca-cert-file"), "{}", run.shown());
    let plain = format!("mqtts://127.0.0.1:{}/{}", broker.port, device.id());
    let run = run_on(&plain, &["--ca-cert-file", &ca, "ping"]).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(
        run.stderr.contains("the port does not speak TLS\nhint: ") && run.stderr.contains("mqtt://"),
        "{}",
        run.shown()
    );
}

/// The message tells whether the network, the broker, its access rules or the device failed.
#[tokio::test]
async fn each_broker_failure_has_its_own_message() {
    let mut broker = Broker::start();
    let port = broker.url("esp32_GONE");
    let run = run_on(&port, &["--timeout", "1s", "ping"]).await;
    assert_eq!(run.code, 5, "{}", run.shown());
    let silent = "within 1s: the broker took the request, but no device answered; is `esp32_GONE` online?\nhint: ";
    assert!(run.stderr.contains(silent), "{}", run.shown());

    broker.stop();
    let run = run_on(&port, &["ping"]).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    let unreachable =
        format!("cannot reach the broker mqtt://127.0.0.1:{}: the connection was refused\nhint: ", broker.port);
    assert!(run.stderr.contains(&unreachable) && run.stderr.contains("broker listens on"), "{}", run.shown());

    for (answer, code, message) in [
        (&[0x20, 2, 0, 2][..], 3, "the broker refuses: it does not take this client id"),
        (&[0x20, 2, 0, 3], 3, "the broker refuses: it is unavailable at present"),
        (&[0x20, 2, 0, 4], 6, "the broker refuses: bad user or password"),
        (&[0x20, 2, 0, 5], 6, "the broker refuses: not authorised"),
        (&[0x20, 2, 0, 0, 0x90, 3, 0, 1, 0x80], 3, "the broker refuses a subscription to `dev/rpc-resp/me/rpc`"),
        (&[b'H'; 200], 3, "what answers there is not an MQTT broker"),
        (b"", 3, "it closed the connection at once"),
    ] {
        let (port, _broker) = broker_that_answers(answer).await;
        let run = run_on(&port, &["--mqtt-client-id", "me", "--timeout", "2s", "ping"]).await;
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{message}: {}", run.shown());
        assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: "), "{message}: {}", run.shown());
    }
}

/// otactl waits for a broker that accepts connections and sends nothing as long as the user allows, and reports that
/// time.
#[tokio::test]
async fn silent_broker_times_out_after_the_given_time() {
    let peer = Peer::start(Behaviour::Silent).await;
    let run = run_on(&format!("mqtt://{}/dev", peer.address), &["--timeout", "6s", "ping"]).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(run.stderr.contains(": no answer within 5s 400ms\nhint: "), "{}", run.shown());
}

/// Starts a broker that sends these bytes after the first packet of a client. Returns its address for a device.
async fn broker_that_answers(answer: &[u8]) -> (String, ServerTasks) {
    let (listener, address) = bind().await;
    let answer = answer.to_vec();
    let mut tasks = ServerTasks::new();
    let record = tasks.record();
    tasks.spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        record.record_use();
        let mut bytes = [0; 1024];
        let _ = stream.read(&mut bytes).await;
        let _ = stream.write_all(&answer).await;
        if !answer.is_empty() {
            // Until the client closes the connection.
            while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
        }
    });
    (format!("mqtt://{address}/dev"), tasks)
}

/// The last will of the device is shown with the timeout.
#[tokio::test]
async fn last_will_is_shown_when_the_device_is_silent() {
    let broker = Broker::start();
    let mut other = Client::connect(&broker, "other").await;
    other.publish("dev/status", "offline", PublishOptions::at_least_once().retained()).await;
    let run = run_on(&broker.url("dev"), &["--mqtt-will-topic", "dev/status", "--timeout", "800ms", "ping"]).await;
    assert_eq!(run.code, 5, "{}", run.shown());
    assert!(run.stderr.contains("is `dev` online? Its last will says `offline`\n"), "{}", run.shown());
}

/// Brokers with access rules may require other topics. otactl uses the given topics only.
#[tokio::test]
async fn given_topics_are_used() {
    let broker = Broker::start();
    let mut device = Client::connect(&broker, "device").await;
    device.subscribe("#").await;
    let port = broker.url("dev");
    let call = tokio::spawn(async move {
        let topics = ["--mqtt-pub-topic", "to/it", "--mqtt-sub-topic", "from/it", "--mqtt-src", "me"];
        run_on(&port, &[&topics[..], &["call", "Any.Method"]].concat()).await
    });
    let request = device.message().await;
    assert_eq!(request.topic, "to/it");
    let frame: serde_json::Value = serde_json::from_slice(&request.payload).expect("JSON");
    assert_eq!((frame["src"].as_str(), frame["dst"].as_str()), (Some("me"), Some("dev")), "{frame}");
    let reply = format!(r#"{{"id":{},"src":"dev","result":"yes"}}"#, frame["id"]);
    // otactl ignores garbage of any size.
    device.publish("from/it", vec![b'x'; 5000], PublishOptions::at_least_once()).await;
    device.publish("from/it", reply, PublishOptions::at_least_once()).await;
    let run = call.await.expect("no panic");
    assert_eq!((run.code, run.stdout.as_str()), (0, "\"yes\"\n"), "{}", run.shown());
}

/// Connects through the library, so that one client serves several calls.
fn connect(port: &str, options: &Options) -> Device {
    let target = port.parse().expect("an address");
    Device::new(transport::connect(&target, options).expect("a client"), Duration::from_secs(10))
}

/// A call in flight fails, and its error tells whether the device may have received it. The next call reconnects.
#[tokio::test]
async fn call_after_a_broker_restart_is_answered() {
    let mut broker = Broker::start();
    let simulator: Simulator = broker.device(quick(), Library::Twice).await;
    let mut console = simulator.console();
    let device = connect(&broker.url(simulator.id()), &Options::default());
    device.call(ota::GetInfo {}).await.expect("an answer");
    broker.restart();
    while console.recv().await.expect("the console") != "mqtt: connected" {}
    let called = device.call(ota::GetBootState {}).await.expect("an answer");
    assert!(called.is_committed);
    broker.stop();
    let lost = device.call(ota::Commit {}).await.expect_err("no broker");
    assert!(matches!(lost, CallError::Lost { .. } | CallError::Unreachable { .. }), "{lost:?}");
}

/// Two clients with the same id disconnect each other for ever, which the message explains.
#[tokio::test]
async fn client_id_in_use_is_explained() {
    let broker = Broker::start();
    let settings =
        transport::mqtt::MqttSettings { client_id: Some("me".into()), ..transport::mqtt::MqttSettings::default() };
    let device = connect(&broker.url("gone"), &Options { mqtt: settings, ..Options::default() });
    let call = tokio::spawn(async move { device.call(ota::Commit {}).await });
    let mut watch = Client::connect(&broker, "watch").await;
    watch.subscribe("gone/#").await;
    // This is the request, or a probe that follows it.
    watch.message().await;
    let _taken_over = Client::connect(&broker, "me").await;
    match call.await.expect("no panic") {
        Err(CallError::Lost { sent: true, reason, .. }) => {
            assert!(reason.to_string().contains("does another client use the client id `me`?"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}

/// The console of a device is published on its `log` topic.
#[tokio::test]
async fn device_console_is_shown_with_verbose() {
    let broker = Broker::start();
    let device = broker.device(quick(), Library::Single).await;
    let mut other = Client::connect(&broker, "other").await;
    let log = format!("{}/log", device.id());
    other.publish(&log, "boot \u{1b}[31mred\n", PublishOptions::at_least_once().retained()).await;
    let run = run_on(&broker.url(device.id()), &["-v", "ping"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.contains("| boot ·[31mred\n"), "{}", run.shown());
}

/// The topic of the replies is open to every client of a broker without access rules.
#[tokio::test]
async fn reply_of_another_device_is_dropped() {
    let broker = Broker::start();
    let mut device = Client::connect(&broker, "device").await;
    device.subscribe("dev/rpc/#").await;
    let port = broker.url("dev");
    let call = tokio::spawn(async move { run_on(&port, &["-v", "call", "Any.Method"]).await });
    let request = device.message().await;
    let frame: serde_json::Value = serde_json::from_slice(&request.payload).expect("JSON");
    let replies = format!("{}/rpc", frame["src"].as_str().expect("a source"));
    for (src, result) in [("other", "no"), ("dev", "yes")] {
        let reply = format!(r#"{{"id":{},"src":"{src}","result":"{result}"}}"#, frame["id"]);
        device.publish(&replies, reply, PublishOptions::at_least_once()).await;
    }
    let run = call.await.expect("no panic");
    assert_eq!((run.code, run.stdout.as_str()), (0, "\"yes\"\n"), "{}", run.shown());
    assert!(run.stderr.contains("dropped a reply of `other`: `dev` was asked\n"), "{}", run.shown());

    let port = broker.url("dev");
    let call = tokio::spawn(async move { run_on(&port, &["--timeout", "500ms", "call", "Any.Method"]).await });
    let request = device.message().await;
    let frame: serde_json::Value = serde_json::from_slice(&request.payload).expect("JSON");
    let replies = format!("{}/rpc", frame["src"].as_str().expect("a source"));
    let reply = format!(r#"{{"id":{},"src":"other","error":{{"code":404}}}}"#, frame["id"]);
    device.publish(&replies, reply, PublishOptions::at_least_once()).await;
    let run = call.await.expect("no panic");
    assert_eq!(run.code, 5, "{}", run.shown());
    assert!(run.stderr.contains("`other` replied to it instead of `dev`\nhint: name the device"), "{}", run.shown());
}
