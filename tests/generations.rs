//! Checks what is new on the engines of 2019 to 2022: licences, downloads that resume, abandoned updates.
//!
//! The simulated device, the sockets and the files are real. All waits of the update are shortened by the same factor.

mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use otactl::bundle::Bundle;
use otactl::bundle::write::{PartFile, pack};
use otactl::ota;
use otactl::rpc::Device;
use otactl::sim::{Config, Firmware, Generation};
use otactl::transport::tls::TlsSettings;
use otactl::update::device_state::DeviceState;
use otactl::update::push::{PushLimits, push};
use otactl::update::timeouts::Timeouts;
use otactl::update::web_client::{Proxies, WebClient};
use otactl::update::{Event, Failure, Plan, Refusal, Serving, Source, Success, Via, run};
use support::bundles::BundleServer;
use support::certificates::Authority;
use support::event_log::EventLog;
use support::https::HttpsServer;
use support::outage::Outage;
use support::transports::{Bench, CALL_TIMEOUT, Transport, device_at};
use support::{DEMO, assert_runs, file, run_on, running_device, simulator_everywhere, simulator_with, ws};
use tokio::net::TcpListener;

fn unlicensed() -> Config {
    Config { licensed: false, ..running_device() }
}

fn bundle() -> Bundle {
    Bundle::read(&file(DEMO)).expect("the demo")
}

fn plan(source: Source, via: Via) -> Plan {
    let plan = Plan::new(source);
    let serving = Serving { device_host: Some(("127.0.0.1".into(), 80)), ..Serving::default() };
    Plan {
        via,
        serving,
        http: Some(WebClient::new(TlsSettings::default(), Proxies::none())),
        timeouts: plan.timeouts.scaled(0.1),
        ..plan
    }
}

async fn update(bench: &Bench, plan: &Plan) -> (Result<Success, Failure>, EventLog, Duration) {
    let (device, log, started) = (device_at(&bench.port, CALL_TIMEOUT), EventLog::default(), Instant::now());
    (run(&device, plan, &log).await, log, started.elapsed())
}

/// A device without a licence key refuses the pull at once. otactl then pushes the firmware.
#[tokio::test]
async fn unlicensed_device_gets_the_firmware_pushed_at_once() {
    let ended = Transport::PLAIN.iter().map(|&transport| async move {
        let bench = transport.simulated_fast(unlicensed()).await;
        let (result, log, took) = update(&bench, &plan(Source::Bundle(bundle()), Via::Auto)).await;
        assert!(matches!(result, Ok(Success::Updated(_))), "{transport:?}: {result:?}");
        let names_the_licence =
            |event: &Event| matches!(event, Event::FallingBack { reason } if reason.contains("licence key"));
        assert_eq!(log.count(names_the_licence), 1, "{transport:?}");
        if transport == Transport::WebSocket {
            assert!(took < Duration::from_secs(3), "{took:?}");
        }
        assert_runs_committed(&bench).await;
    });
    futures_util::future::join_all(ended).await;
}

/// Checks that the device reports version 2.0.0 as running and committed.
async fn assert_runs_committed(bench: &Bench) {
    let now = DeviceState::read(&device_at(&bench.port, CALL_TIMEOUT), CALL_TIMEOUT).await.expect("an answer");
    assert_eq!((now.info.fw_version.as_str(), now.boot.is_committed), ("2.0.0", true), "{}", bench.port);
}

#[tokio::test]
async fn unlicensed_device_that_has_to_pull_is_explained() {
    let bundles = BundleServer::start().await;
    let device = simulator_with(unlicensed()).await;
    let url = bundles.url("demo-2.0.0-esp32.zip");
    for args in [&["update", DEMO, "--via", "pull"][..], &["update", "--url", &url, "--via", "pull"]] {
        let run = run_on(&ws(&device), args).await;
        assert_eq!(run.code, 8, "{args:?}: {}", run.shown());
        for expected in ["refuses to fetch firmware by itself: it has no licence key", "\nhint: use `--via push`"] {
            assert!(run.stderr.contains(expected), "{args:?}: {}", run.shown());
        }
        assert_runs(&ws(&device), "1.0.0", true).await;
    }
}

/// otactl downloads a URL that the device refuses without a licence key, checks the bundle and pushes it.
#[tokio::test]
async fn url_that_the_device_may_not_fetch_is_downloaded_and_pushed() {
    let bundles = BundleServer::start().await;
    for args in [&[][..], &["--via", "push"]] {
        let device = simulator_with(unlicensed()).await;
        let url = bundles.url("demo-2.0.0-esp32.zip");
        let run = run_on(&ws(&device), &[&["update", "--url", &url], args].concat()).await;
        assert_eq!(run.code, 0, "{args:?}: {}", run.shown());
        assert_runs(&ws(&device), "2.0.0", true).await;
    }
    // The download has to be a complete and undamaged bundle.
    for (path, message) in [
        ("trunc/demo-2.0.0-esp32.zip", "otactl could not download it"),
        ("badsha.zip", "otactl could not download it: part `app`"),
        ("nope.zip", "otactl could not download it: HTTP status 404"),
    ] {
        let device = simulator_with(unlicensed()).await;
        let run = run_on(&ws(&device), &["update", "--force", "--url", &bundles.url(path)]).await;
        assert_eq!(run.code, 8, "{path}: {}", run.shown());
        assert!(run.stderr.contains(message), "{path}: {}", run.shown());
        assert_runs(&ws(&device), "1.0.0", true).await;
    }
}

/// The simulated device trusts no certificate authority, so it cannot fetch over TLS. otactl trusts the authority of
/// `--ca-cert-file`, downloads the firmware and serves it to the device.
#[tokio::test]
async fn url_that_the_device_cannot_fetch_is_downloaded_and_served() {
    let authority = Authority::new();
    let server = HttpsServer::of_file(&authority, &file(DEMO)).await;
    for generation in [Generation::Y2018, Generation::Y2022] {
        let device = simulator_with(Config { generation, ..running_device() }).await;
        let (url, ca) = (format!("https://127.0.0.1:{}/fw.zip", server.address.port()), authority.file());
        let port = ws(&device);
        let refused = run_on(&port, &["update", "--url", &url, "--via", "push"]).await;
        assert_ne!(refused.code, 0, "TLS is verified: {}", refused.shown());
        let run = run_on(&port, &["--ca-cert-file", &ca, "update", "--url", &url]).await;
        assert_eq!(run.code, 0, "{generation:?}: {}", run.shown());
        assert!(run.stderr.contains("otactl downloads the firmware instead"), "{generation:?}: {}", run.shown());
        assert_runs(&port, "2.0.0", true).await;
    }
}

/// The connection to the server breaks, and the server is unreachable at the first retry. The device reports
/// `Connect error` and requests the rest later.
#[tokio::test]
async fn download_after_a_server_outage_is_resumed() {
    let ended = Transport::PLAIN.iter().map(|&transport| async move {
        let bench =
            transport.simulated_fast(Config { retry_after: Duration::from_millis(300), ..running_device() }).await;
        let server = free_address().await;
        let outage = Outage::start(server, 100_000, Duration::from_millis(700)).await;
        let advertise = Some(("127.0.0.1".into(), Some(outage.address.port())));
        let plan = plan(Source::Bundle(bundle()), Via::Pull);
        let plan = Plan { serving: Serving { listen: Some(server), advertise, ..plan.serving.clone() }, ..plan };
        let (result, log, _) = update(&bench, &plan).await;
        assert!(matches!(result, Ok(Success::Updated(_))), "{transport:?}: {result:?}");
        let is_continued = |event: &Event| matches!(event, Event::GoesOn { error } if error.contains("Connect error"));
        assert_eq!(log.count(is_continued), 1, "{transport:?}");
        assert_runs_committed(&bench).await;
    });
    futures_util::future::join_all(ended).await;
}

/// The download comes from a server that is not part of otactl.
#[tokio::test]
async fn url_download_after_a_server_outage_is_resumed() {
    let bundles = BundleServer::start().await;
    let bench =
        Transport::WebSocket.simulated(Config { retry_after: Duration::from_millis(300), ..running_device() }).await;
    let outage = Outage::start(bundles.address, 100_000, Duration::from_millis(700)).await;
    let url = format!("http://{}/demo-2.0.0-esp32.zip", outage.address);
    let source = Source::Url { url, manifest: Ok(bundle().manifest().clone()), signed: None };
    let (result, log, _) = update(&bench, &plan(source, Via::Auto)).await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(log.count(|event| matches!(event, Event::GoesOn { .. })), 1);
    assert_runs_committed(&bench).await;
}

/// Returns an address at which nothing listens yet.
async fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address")
}

/// Starts an update and abandons it, as a killed otactl does.
async fn abandon_update(device: &Device, is_push: bool, bundles: &BundleServer) {
    if is_push {
        device.call(ota::Begin { timeout: 600, commit_timeout: 60, size: 328_820 }).await.expect("idle");
        device.call(ota::Write { offset: 0, data: "UEsDBA==".into() }).await.expect("a piece");
        return;
    }
    let update = ota::Update { url: bundles.url("held/demo-2.0.0-esp32.zip"), commit_timeout: 60, timeout: 600 };
    // The call times out, but the download continues.
    let error = device.call_within(update, Duration::from_millis(300)).await.expect_err("no answer");
    assert!(error.may_have_arrived(), "{error}");
    let status = device.call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, ota::UpdateState::Progress, "{status:?}");
}

#[tokio::test]
async fn abandoned_update_is_cancelled_by_the_next_update() {
    let bundles = BundleServer::start().await;
    for is_push in [false, true] {
        for via in [Via::Pull, Via::Push] {
            let bench = Transport::WebSocket.simulated(running_device()).await;
            abandon_update(&bench.device(None), is_push, &bundles).await;
            let plan = plan(Source::Bundle(bundle()), via);
            let timeouts = Timeouts { no_progress: Duration::from_millis(1500), ..plan.timeouts };
            let plan = Plan { timeouts, ..plan };
            let refusing = Plan { no_abort: true, ..plan.clone() };
            let (refused, ..) = update(&bench, &refusing).await;
            let failure = refused.expect_err("an update runs");
            assert_eq!(failure.facts().outcome, "refused", "push left: {is_push}, {via:?}: {failure}");
            let (result, log, _) = update(&bench, &plan).await;
            assert!(matches!(result, Ok(Success::Updated(_))), "push left: {is_push}, {via:?}: {result:?}");
            let ended = |event: &Event| matches!(event, Event::Ended { by_reboot, .. } if *by_reboot != is_push);
            assert_eq!(log.count(ended), 1, "push left: {is_push}, {via:?}");
            assert_runs_committed(&bench).await;
        }
    }
}

#[tokio::test]
async fn firmware_for_another_platform_cancels_no_update() {
    let bundles = BundleServer::start().await;
    for is_push in [false, true] {
        let bench = Transport::WebSocket.simulated(running_device()).await;
        let device = bench.device(None);
        abandon_update(&device, is_push, &bundles).await;
        let other = Bundle::from_bytes(stm32_bundle()).expect("a bundle");
        let (result, log, took) = update(&bench, &plan(Source::Bundle(other), Via::Auto)).await;
        assert!(matches!(result, Err(Failure::Refused(Refusal::WrongPlatform { .. }))), "{is_push}: {result:?}");
        assert_eq!(log.count(|event| matches!(event, Event::Ending)), 0, "{is_push}");
        assert!(took < Duration::from_secs(1), "{is_push}: {took:?}");
        let status = device.call(ota::GetStatus {}).await.expect("a status");
        assert_eq!(status.state, ota::UpdateState::Progress, "{is_push}: {status:?}");
    }
}

/// The update creates a snapshot first, checks the new firmware and commits it over another port.
#[tokio::test]
async fn update_options_work_on_each_engine() {
    let scratch = tempfile::tempdir().expect("a directory");
    let path = scratch.path().join("stm32.zip").display().to_string();
    std::fs::write(&path, stm32_bundle()).expect("written");
    for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
        let factory = Firmware { platform: "stm32".into(), ..Config::default().factory };
        let (_device, ports) = simulator_everywhere(Config { generation, factory, ..running_device() }).await;
        let [ws, http, ..] = ports.as_slice() else { panic!("{ports:?}") };
        let checks = ["--check-rpc", "Sys.GetInfo => {\"fw_version\": \"2.0.0\"}", "--soak", "1s"];
        let args = [&["update", &path, "--snapshot-first", "--commit-port", ws][..], &checks].concat();
        let run = run_on(http, &args).await;
        assert_eq!(run.code, 0, "{generation:?}: {}", run.shown());
        for line in ["copy      the running firmware was copied to slot 1", "check     soak: passed"] {
            assert!(run.stderr.contains(line), "{generation:?}, {line}: {}", run.shown());
        }
        assert_runs(ws, "2.0.0", true).await;
    }
}

fn stm32_bundle() -> Vec<u8> {
    let manifest = serde_json::json!({
        "name": "demo", "platform": "stm32", "version": "2.0.0", "build_id": "b2", "parts": {},
    });
    let part = |kind, src, ptn| PartFile { kind, src, ptn, data: &[7; 5000] };
    let parts = [part("app", "app.bin", "app_0"), part("fs", "fs.bin", "fs_0")];
    pack(&serde_json::from_value(manifest).expect("a manifest"), &parts).expect("a zip")
}

/// In the 500 ms between the last byte and the reboot, `commit` would commit a firmware that has never started.
#[tokio::test]
async fn commit_waits_for_the_reboot_of_an_applied_update() {
    for transport in [Transport::WebSocket, Transport::Http] {
        let bench = transport.simulated_fast(running_device()).await;
        let device = device_at(&bench.port, CALL_TIMEOUT);
        let before = DeviceState::read(&device, CALL_TIMEOUT).await.expect("an answer");
        let timeouts = Plan::new(Source::Bundle(bundle())).timeouts;
        let limits = PushLimits { commit_timeout: 300, timeout: Duration::from_secs(60), total: None, timeouts };
        push(&device, bundle().bytes(), &before, limits, &EventLog::default()).await.expect("pushed");
        let now = DeviceState::read(&device, CALL_TIMEOUT).await.expect("an answer");
        assert_eq!(
            (now.info.fw_version.as_str(), now.boot.is_committed),
            ("1.0.0", false),
            "{transport:?}: no such moment"
        );
        let commit = run_on(&bench.port, &["commit"]).await;
        assert_eq!(commit.code, 0, "{transport:?}: {}", commit.shown());
        assert!(commit.stderr.contains("slot 1 runs, committed"), "{transport:?}: {}", commit.shown());
        let after = DeviceState::read(&device_at(&bench.port, CALL_TIMEOUT), CALL_TIMEOUT).await.expect("an answer");
        assert!(after.info.uptime < 60 && after.boot.is_committed, "{transport:?}: {after:?}");
        assert_eq!(after.info.fw_version, "2.0.0", "{transport:?}");
    }
}
