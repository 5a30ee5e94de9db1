//! Pushes over every transport, over links that break, and to devices that refuse the bundle.

mod support;

use std::time::Duration;

use bytes::Bytes;
use otactl::bundle::Manifest;
use otactl::bundle::write::{PartFile, pack};
use otactl::ota::{self, UpdateState};
use otactl::rpc::Device;
use otactl::sim::{self, Config, Generation};
use otactl::update::Event;
use otactl::update::device_state::DeviceState;
use otactl::update::push::{Aborted, PushFailure, PushLimits, Pushed, Reason, chunk_size, device_timeout, push};
use otactl::update::timeouts::Timeouts;
use support::event_log::EventLog;
use support::proxy::Proxy;
use support::transports::{Bench, CALL_TIMEOUT, DeviceAuth, Setup, Transport};
use support::{file, recorded_device, recorded_device_of};
use tokio::net::TcpListener;

/// Packs a bundle for the recorded device, with two parts of `part` bytes each.
fn bundle(part: usize) -> Bytes {
    let manifest = serde_json::json!({
        "name": "mgdev", "platform": "esp32", "version": "2.0.0", "build_id": "b2", "parts": {},
    });
    bundle_of(&serde_json::from_value(manifest).expect("a manifest"), part)
}

fn bundle_of(manifest: &Manifest, part: usize) -> Bytes {
    let data: Vec<u8> = (0..part).map(|at| u8::try_from(at * at % 251).expect("a byte")).collect();
    let part = |kind, src, ptn| PartFile { kind, src, ptn, data: &data };
    pack(manifest, &[part("app", "app.bin", "app_0"), part("fs", "fs.bin", "fs_0")]).expect("a zip").into()
}

fn recorded_bundle(name: &str) -> Bytes {
    let read = |folder| std::fs::read(file(folder).join(name));
    read("tests/wire/firmware2022").or_else(|_| read("tests/wire/firmware")).expect("a recorded bundle").into()
}

/// Pushes a bundle as an update does.
async fn send(device: &Device, bundle: &Bytes, log: &EventLog) -> Result<Pushed, PushFailure> {
    let before = DeviceState::read(device, CALL_TIMEOUT).await.expect("an answer");
    let chunk = chunk_size(device, bundle.len() as u64);
    let timeout = device_timeout(bundle.len() as u64, before.round_trip(), device.window(), chunk);
    let limits = PushLimits { commit_timeout: 60, timeout, total: None, timeouts: Timeouts::default() };
    push(device, bundle, &before, limits, log).await
}

/// Waits for the reboot, and checks that the new firmware runs uncommitted.
async fn assert_runs_the_new_one(bench: &mut Bench, device: &Device) {
    bench.wait_for_reboot(device).await;
    let now = DeviceState::read(device, CALL_TIMEOUT).await.expect("an answer");
    assert_eq!((now.info.fw_version.as_str(), now.boot.active_slot), ("2.0.0", Some(1)));
    assert!(!now.boot.is_committed && now.boot.commit_timeout == 60, "{:?}", now.boot);
}

/// Checks that the old firmware runs, committed, and that the next update can begin.
async fn assert_runs_the_old_one(device: &Device) {
    let status = device.call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, UpdateState::Idle);
    let now = DeviceState::read(device, CALL_TIMEOUT).await.expect("an answer");
    assert_eq!((now.info.fw_version.as_str(), now.boot.active_slot, now.boot.is_committed), ("1.0.0", Some(0), true));
}

async fn arrives(setup: Setup) {
    let (mut bench, device) = setup.device().await;
    let (bundle, log) = (bundle(8000), EventLog::default());
    let pushed = send(&device, &bundle, &log).await.unwrap_or_else(|e| panic!("{setup:?}: {e}"));
    assert_eq!(pushed, Pushed::Confirmed);
    let window = device.window();
    assert_eq!(log.count(|event| matches!(event, Event::Pushing { window: of, .. } if *of == window)), 1);
    log.assert_complete(bundle.len());
    assert_eq!(log.resume_count(), 0);
    assert_runs_the_new_one(&mut bench, &device).await;
}

macro_rules! arrives {
    ($($name:ident: $transport:ident;)+) => { $(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn push_is_confirmed() {
                arrives(Setup { transport: Transport::$transport, auth: DeviceAuth::Open, generation: Generation::Y2022, omits_result: false }).await;
            }

            #[tokio::test]
            async fn push_with_credentials_is_confirmed() {
                arrives(Setup { transport: Transport::$transport, auth: DeviceAuth::Sha256, generation: Generation::Y2022, omits_result: false }).await;
            }
        }
    )+ };
}

arrives! {
    websocket: WebSocket;
    http: Http;
    tcp: Tcp;
    udp: Udp;
    websocket_tls: WebSocketTls;
}

#[cfg(unix)]
arrives! {
    serial: Serial;
    mqtt: Mqtt;
}

/// Starts a device behind a proxy that cuts the connection after each of these numbers of bytes.
async fn behind_a_proxy(transport: Transport, config: Config, cuts: &[u64]) -> (Bench, Proxy) {
    let mut simulator = support::simulator_with(config).await;
    let address = match transport {
        Transport::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            simulator.serve_tcp(listener);
            address
        }
        _ => simulator.address(),
    };
    let proxy = Proxy::start(address, cuts.to_vec()).await;
    let scheme = match transport {
        Transport::Tcp => "tcp",
        Transport::Http => "http",
        _ => "ws",
    };
    let bench = Bench::new(format!("{scheme}://{}", proxy.address), simulator, ());
    (bench, proxy)
}

/// otactl sends again only what was not acknowledged, and the device gets every byte once.
#[tokio::test]
async fn push_over_a_lost_link_is_resumed() {
    for transport in [Transport::WebSocket, Transport::Http, Transport::Tcp] {
        let (mut bench, _proxy) =
            behind_a_proxy(transport, recorded_device_of(Generation::Y2022), &[30_000, 70_000, 100_000]).await;
        let device = bench.device(None);
        let (bundle, log) = (bundle(35_000), EventLog::default());
        let pushed = send(&device, &bundle, &log).await.unwrap_or_else(|e| panic!("{transport:?}: {e}"));
        assert_eq!(pushed, Pushed::Confirmed, "{transport:?}");
        assert_eq!(log.resume_count(), 3, "{transport:?}");
        log.assert_complete(bundle.len());
        assert_runs_the_new_one(&mut bench, &device).await;
    }
}

/// A restarted broker has lost the messages that it had not forwarded.
#[cfg(unix)]
#[tokio::test]
async fn push_through_a_restarted_broker_is_resumed() {
    let mut broker = support::broker::Broker::start();
    let config = Config { write_time: Duration::from_millis(10), ..recorded_device_of(Generation::Y2022) };
    let simulator = broker.device(config, sim::ports::mqtt::Library::Twice).await;
    let mut bench = Bench::new(broker.url(simulator.id()), simulator, ());
    let device = bench.device(None);
    let (bundle, log) = (bundle(35_000), EventLog::default());
    let sending = send(&device, &bundle, &log);
    let restart = async {
        for _ in 0..5 {
            bench.wait_for_line("OTA.Write").await;
        }
        broker.restart();
    };
    let (pushed, ()) = tokio::join!(sending, restart);
    assert_eq!(pushed.expect("sent"), Pushed::Confirmed);
    assert!(log.resume_count() > 0);
    assert_runs_the_new_one(&mut bench, &device).await;
}

#[tokio::test]
async fn refused_bundle_is_reported_with_the_message_of_the_device() {
    let mut damaged = bundle(8000).to_vec();
    damaged[9000] ^= 1;
    for (name, bundle, words) in [
        (
            "another platform",
            recorded_bundle("wrongplat.zip"),
            "-10 Nothing interesting in the update (wrong platform?)",
        ),
        ("another digest", recorded_bundle("badsha.zip"), "-10 Digest mismatch"),
        ("a damaged part", damaged.into(), "-10 Digest mismatch"),
        ("no zip at all", recorded_bundle("junk.zip"), "-1 Malformed archive (invalid header)"),
        ("a part is missing", recorded_bundle("nofs.zip"), "-5 Incomplete update package"),
        ("no manifest", recorded_bundle("noman.zip"), "-1 Expected manifest, found something else"),
    ] {
        let bench = Transport::WebSocket.simulated(recorded_device_of(Generation::Y2022)).await;
        let device = bench.device(None);
        let failure = send(&device, &bundle, &EventLog::default()).await.expect_err(name);
        assert!(matches!(failure.reason, Reason::Refused(_)), "{name}: {failure:?}");
        assert!(failure.to_string().contains(words), "{name}: {failure}");
        assert_eq!(failure.aborted, Aborted::Ended, "{name}");
        assert_runs_the_old_one(&device).await;
    }
}

#[tokio::test]
async fn device_without_push_methods_is_unsupported() {
    let bench = Transport::WebSocket.simulated(recorded_device()).await;
    let device = bench.device(None);
    let failure = send(&device, &bundle(100), &EventLog::default()).await.expect_err("no method");
    assert!(matches!(failure.reason, Reason::Unsupported), "{failure:?}");
    assert_eq!(failure.aborted, Aborted::NotSent, "{failure:?}");
}

/// The running update belongs to another client, so otactl does not cancel it.
#[tokio::test]
async fn running_update_of_another_client_is_not_cancelled() {
    let bench = Transport::WebSocket.simulated(recorded_device_of(Generation::Y2022)).await;
    let device = bench.device(None);
    device.call(ota::Begin { timeout: 60, commit_timeout: 0, size: 5 }).await.expect("idle");
    let failure = send(&device, &bundle(100), &EventLog::default()).await.expect_err("one runs");
    assert!(matches!(failure.reason, Reason::Busy(_)), "{failure:?}");
    assert_eq!(failure.aborted, Aborted::NotSent, "{failure:?}");
    assert!(failure.to_string().contains("Update failed to start"), "{failure}");
    let status = device.call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, UpdateState::Progress);
}

/// The engine installs the running version again.
#[tokio::test]
async fn running_version_is_installed_again() {
    let (mut bench, device) = Setup {
        transport: Transport::WebSocket,
        auth: DeviceAuth::Open,
        generation: Generation::Y2022,
        omits_result: false,
    }
    .device()
    .await;
    let info = device.call(ota::GetInfo {}).await.expect("an info");
    let manifest = serde_json::json!({
        "name": "mgdev", "platform": "esp32", "version": info.fw_version, "build_id": info.fw_id, "parts": {},
    });
    let bundle = bundle_of(&serde_json::from_value(manifest).expect("a manifest"), 8000);
    assert_eq!(send(&device, &bundle, &EventLog::default()).await.expect("sent"), Pushed::Confirmed);
    bench.wait_for_reboot(&device).await;
    let now = DeviceState::read(&device, CALL_TIMEOUT).await.expect("an answer");
    assert_eq!((now.info.fw_version, now.boot.active_slot), (info.fw_version, Some(1)));
}

/// The device writes flash for 60 ms after every 512 bytes, reads nothing meanwhile, and does not signal that.
#[cfg(unix)]
#[tokio::test]
async fn line_without_flow_control_is_slowed_once_and_stays_slow_on_the_next_link() {
    const PAUSE: (usize, Duration) = (512, Duration::from_millis(60));

    let mut simulator = support::simulator_with(recorded_device_of(Generation::Y2022)).await;
    let uart = sim::ports::uart::UartConfig {
        pause: Some(PAUSE),
        flow_control: false,
        ..sim::ports::uart::UartConfig::default()
    };
    let port = simulator.serve_serial(uart).expect("a pseudo terminal").display().to_string();
    let mut bench = Bench::new(port, simulator, ());
    let device = bench.device(None);
    let bundle = bundle(8000);
    let (first, second) = (EventLog::default(), EventLog::default());
    assert_eq!(send(&device, &bundle, &first).await.expect("sent"), Pushed::Confirmed);
    assert_eq!(first.resume_count(), 1, "half the speed is slow enough");
    first.assert_complete(bundle.len());
    assert_runs_the_new_one(&mut bench, &device).await;
    device.call(ota::Commit {}).await.expect("committed");

    let began = tokio::time::Instant::now();
    assert_eq!(send(&device, &bundle, &second).await.expect("sent"), Pushed::Confirmed);
    assert_eq!(second.resume_count(), 0, "the port is known");
    let bytes = bundle.len() * 4 / 3;
    let pauses = PAUSE.1 * u32::try_from(bytes / PAUSE.0).expect("a small number");
    let needed = Duration::from_secs_f64(f64::from(u32::try_from(bytes).expect("a small number")) / 11_520.0) + pauses;
    assert!(began.elapsed() < needed.mul_f64(1.5), "{:?} of {needed:?}", began.elapsed());
}
