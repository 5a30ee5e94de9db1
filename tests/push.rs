//! A firmware that is sent in pieces: over everything that carries calls, with links that break, and to devices that
//! do not like it.

mod support;

use std::time::Duration;

use bytes::Bytes;
use otactl::bundle::Manifest;
use otactl::bundle::write::{PartFile, pack};
use otactl::ota::{self, UpdateState};
use otactl::rpc::Device;
use otactl::sim::{self, Config};
use otactl::update::Event;
use otactl::update::patience::Patience;
use otactl::update::push::{PushFailure, Pushed, Reason, Terms, chunk_size, device_timeout, push};
use otactl::update::snapshot::Snapshot;
use support::proxy::Proxy;
use support::told::Told;
use support::ways::{Bench, Guard, PATIENCE, Row, Way};
use support::{file, recorded_device};
use tokio::net::TcpListener;

/// A bundle for the recorded device, of two parts of so many bytes each.
fn bundle(part: usize) -> Bytes {
    let manifest = serde_json::json!({
        "name": "mgdev", "platform": "esp32", "version": "2.0.0", "build_id": "b2", "parts": {},
    });
    let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    let data: Vec<u8> = (0..part).map(|at| u8::try_from(at * at % 251).expect("a byte")).collect();
    let part = |kind, src, ptn| PartFile { kind, src, ptn, data: &data };
    pack(&manifest, &[part("app", "app.bin", "app_0"), part("fs", "fs.bin", "fs_0")]).expect("a zip").into()
}

fn recorded_bundle(name: &str) -> Bytes {
    std::fs::read(file("tests/wire/firmware").join(name)).expect("a recorded bundle").into()
}

/// Sends a bundle as an update does.
async fn send(device: &Device, bundle: &Bytes, told: &Told) -> Result<Pushed, PushFailure> {
    let before = Snapshot::take(device, PATIENCE).await.expect("an answer");
    let chunk = chunk_size(device, bundle.len() as u64);
    let timeout = device_timeout(bundle.len() as u64, before.round_trip(), device.window(), chunk);
    let terms = Terms { commit_timeout: 60, timeout, limit: None, patience: Patience::default() };
    push(device, bundle, &before, terms, told).await
}

/// That the device has rebooted into the new firmware, which waits for its commit.
async fn assert_runs_the_new_one(bench: &mut Bench, device: &Device) {
    bench.reboots(device).await;
    let now = Snapshot::take(device, PATIENCE).await.expect("an answer");
    assert_eq!((now.info.fw_version.as_str(), now.boot.active_slot), ("2.0.0", 1));
    assert!(!now.boot.is_committed && now.boot.commit_timeout == 60, "{:?}", now.boot);
}

/// That nothing has become of it, and that the next update can begin.
async fn assert_runs_the_old_one(device: &Device) {
    let status = device.call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, UpdateState::Idle);
    let now = Snapshot::take(device, PATIENCE).await.expect("an answer");
    assert_eq!((now.info.fw_version.as_str(), now.boot.active_slot, now.boot.is_committed), ("1.0.0", 0, true));
}

async fn arrives(row: Row) {
    let (mut bench, device) = row.device().await;
    let (bundle, told) = (bundle(8000), Told::default());
    let pushed = send(&device, &bundle, &told).await.unwrap_or_else(|e| panic!("{row:?}: {e}"));
    assert_eq!(pushed, Pushed::Confirmed);
    let window = device.window();
    assert_eq!(told.count(|event| matches!(event, Event::Pushing { window: of, .. } if *of == window)), 1);
    told.assert_complete(bundle.len());
    assert_eq!((told.resumed(), told.restarted()), (0, 0));
    assert_runs_the_new_one(&mut bench, &device).await;
}

macro_rules! arrives {
    ($($name:ident: $way:ident;)+) => { $(
        mod $name {
            use super::*;

            #[tokio::test]
            async fn the_firmware_arrives() {
                arrives(Row { way: Way::$way, guard: Guard::Open }).await;
            }

            #[tokio::test]
            async fn the_firmware_arrives_with_credentials() {
                arrives(Row { way: Way::$way, guard: Guard::Sha256 }).await;
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

/// A device on a line that is cut after each of these numbers of bytes.
async fn behind_a_proxy(way: Way, config: Config, cuts: &[u64]) -> (Bench, Proxy) {
    let mut simulator = support::simulator_with(config).await;
    let address = match way {
        Way::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            simulator.serve_tcp(listener);
            address
        }
        _ => simulator.address(),
    };
    let proxy = Proxy::start(address, cuts.to_vec()).await;
    let scheme = match way {
        Way::Tcp => "tcp",
        Way::Http => "http",
        _ => "ws",
    };
    let bench = Bench::new(format!("{scheme}://{}", proxy.address), simulator, ());
    (bench, proxy)
}

/// What was acknowledged is not sent again, what was not is, and the device has every byte once.
#[tokio::test]
async fn a_lost_link_is_resumed() {
    for way in [Way::WebSocket, Way::Http, Way::Tcp] {
        let (mut bench, _proxy) = behind_a_proxy(way, recorded_device(), &[30_000, 70_000, 100_000]).await;
        let device = bench.device(None);
        let (bundle, told) = (recorded_bundle("good.zip"), Told::default());
        let pushed = send(&device, &bundle, &told).await.unwrap_or_else(|e| panic!("{way:?}: {e}"));
        assert_eq!(pushed, Pushed::Confirmed, "{way:?}");
        assert_eq!((told.resumed(), told.restarted()), (3, 0), "{way:?}");
        told.assert_complete(bundle.len());
        assert_runs_the_new_one(&mut bench, &device).await;
    }
}

/// Older firmware writes whatever comes: in the middle it cannot be joined.
#[tokio::test]
async fn a_device_that_ignores_offsets_is_sent_everything_again() {
    let config = recorded_device();
    let (mut bench, _proxy) = behind_a_proxy(Way::WebSocket, config.clone(), &[50_000]).await;
    let device = bench.device(None);
    let (bundle, told) = (recorded_bundle("good.zip"), Told::default());
    assert_eq!(send(&device, &bundle, &told).await.expect("sent"), Pushed::Confirmed);
    assert_eq!((told.resumed(), told.restarted()), (0, 1));
    assert_runs_the_new_one(&mut bench, &device).await;

    let cuts = [50_000, 100_000, 150_000];
    let (bench, _proxy) = behind_a_proxy(Way::WebSocket, config, &cuts).await;
    let device = bench.device(None);
    let failure = send(&device, &bundle, &told).await.expect_err("cut too often");
    assert!(matches!(failure.reason, Reason::Interrupted { times: 3, .. }), "{failure}");
    assert!(failure.aborted && failure.acknowledged > 0 && failure.total == bundle.len() as u64, "{failure:?}");
    assert_runs_the_old_one(&device).await;
}

/// A broker that is restarted forgets what it had not passed on.
#[cfg(unix)]
#[tokio::test]
async fn a_restarted_broker_is_got_over() {
    let mut broker = support::broker::Broker::start();
    let config = Config { write_time: Duration::from_millis(10), ..recorded_device() };
    let simulator = broker.device(config, sim::mqtt::Library::Twice).await;
    let mut bench = Bench::new(broker.url(simulator.id()), simulator, ());
    let device = bench.device(None);
    let (bundle, told) = (recorded_bundle("good.zip"), Told::default());
    let sending = send(&device, &bundle, &told);
    let restart = async {
        for _ in 0..5 {
            bench.prints("OTA.Write").await;
        }
        broker.restart();
    };
    let (pushed, ()) = tokio::join!(sending, restart);
    assert_eq!(pushed.expect("sent"), Pushed::Confirmed);
    assert!(told.resumed() > 0);
    assert_runs_the_new_one(&mut bench, &device).await;
}

#[tokio::test]
async fn what_the_device_does_not_like_is_told_in_its_words() {
    let mut damaged = bundle(8000).to_vec();
    damaged[9000] ^= 1;
    for (name, bundle, words) in [
        ("another platform", recorded_bundle("wrongplat.zip"), "Wrong platform"),
        ("another digest", recorded_bundle("badsha.zip"), "Digest mismatch"),
        ("a damaged part", damaged.into(), "Digest mismatch"),
        ("no zip at all", recorded_bundle("junk.zip"), "Malformed archive (invalid file header)"),
        ("a part is missing", recorded_bundle("nofs.zip"), "Incomplete update package"),
        ("no manifest", recorded_bundle("noman.zip"), "without a message"),
    ] {
        let bench = Way::WebSocket.simulated(recorded_device()).await;
        let device = bench.device(None);
        let failure = send(&device, &bundle, &Told::default()).await.expect_err(name);
        assert!(matches!(failure.reason, Reason::Refused(_)), "{name}: {failure:?}");
        assert!(failure.to_string().contains(words), "{name}: {failure}");
        assert!(failure.aborted, "{name}");
        assert_runs_the_old_one(&device).await;
    }
}

#[tokio::test]
async fn a_device_without_these_methods_is_told_of_at_once() {
    let bench = Way::WebSocket.simulated(recorded_device()).await;
    let device = bench.device(None);
    let failure = send(&device, &bundle(100), &Told::default()).await.expect_err("no method");
    assert!(matches!(failure.reason, Reason::Unsupported) && !failure.aborted, "{failure:?}");
}

/// What runs already is somebody else's, and not to be given up.
#[tokio::test]
async fn another_update_is_left_alone() {
    let bench = Way::WebSocket.simulated(recorded_device()).await;
    let device = bench.device(None);
    device.call(ota::Begin { timeout: 60, commit_timeout: 0, size: 5 }).await.expect("idle");
    let failure = send(&device, &bundle(100), &Told::default()).await.expect_err("one runs");
    assert!(matches!(failure.reason, Reason::NotBegun(_)) && !failure.aborted, "{failure:?}");
    assert!(failure.to_string().contains("Failed to init updater"), "{failure}");
    let status = device.call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, UpdateState::Progress);
}

#[tokio::test]
async fn what_runs_already_is_no_failure() {
    let bench = Way::WebSocket.simulated(recorded_device()).await;
    let device = bench.device(None);
    let info = device.call(ota::GetInfo {}).await.expect("an info");
    let manifest = serde_json::json!({
        "name": "mgdev", "platform": "esp32", "version": info.fw_version, "build_id": info.fw_id, "parts": {},
    });
    let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
    let bundle = pack(&manifest, &[]).expect("a zip").into();
    let pushed = send(&device, &bundle, &Told::default()).await.expect("nothing to do");
    assert!(
        matches!(&pushed, Pushed::NothingNew { message } if message.starts_with("Version is the same")),
        "{pushed:?}"
    );
    assert_runs_the_old_one(&device).await;
}

/// `OTA.End` gives up a download too, and whoever has asked for it is told.
#[tokio::test]
async fn an_end_gives_up_a_download() {
    let bench = Way::WebSocket.simulated(recorded_device()).await;
    let bundles = support::bundles::BundleServer::start().await;
    let (device, other) = (bench.device(None), bench.device(None));
    let update = ota::Update { url: bundles.url("held/good.zip"), commit_timeout: 0, timeout: 60 };
    let update = tokio::spawn(async move { device.call(update).await });
    while other.call(ota::GetStatus {}).await.expect("a status").progress_percent == 0 {
        tokio::task::yield_now().await;
    }
    other.call(ota::End {}).await.expect("an answer");
    let error = update.await.expect("no panic").expect_err("given up");
    assert_eq!(error.remote().and_then(|error| error.message.as_deref()), Some("Update failed"));
    assert_runs_the_old_one(&other).await;
}
