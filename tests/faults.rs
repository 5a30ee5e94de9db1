//! Checks how an update ends and what the device runs afterwards: every fault, over every transport, on both engines, by
//! pull and by push.
//!
//! The simulated device, the sockets, the broker and the zip are real. All waits of the update are shortened by the same factor.

mod support;

use std::sync::Arc;
use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::ota::{self, UpdateState};
use otactl::rpc::Device;
use otactl::sim::{Config, Fault, Generation};
use otactl::transport::mqtt;
use otactl::update::health::{Check, Checks};
use otactl::update::{Event, Failure, Observer, OnUnhealthy, Plan, Serving, Source, Success, Via, run};
use parking_lot::Mutex;
use support::bundles::BundleServer;
use support::transports::{Transport, device_behind};
use support::{DEMO, file, running_device};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How an update ends: the name of the outcome, the version that runs then, and whether it is committed.
type End = (&'static str, &'static str, bool);

const UPDATED: End = ("updated", "2.0.0", true);
const ROLLED_BACK: End = ("rolled_back", "1.0.0", true);
const DOWNLOAD_FAILED: End = ("download_failed", "1.0.0", true);
const NOT_COMMITTED: End = ("not_committed", "2.0.0", false);
const UNHEALTHY: End = ("unhealthy", "1.0.0", true);
const REFUSED: End = ("refused", "1.0.0", true);

/// The number of concurrent updates. With more of them, a loaded machine would look like a slow device.
const MAX_CONCURRENT: usize = 12;

/// The limit of one update, which only a hang exceeds.
const UPDATE_TIMEOUT: Duration = Duration::from_secs(60);

/// Faults, and how an update with them ends by pull and by push.
#[derive(Clone, Copy)]
struct Case {
    faults: &'static [&'static str],
    /// Changes the plan.
    with: fn(Plan) -> Plan,
    /// How a pull ends on the engine of 2022. `None`: the case has no pull.
    pull: Option<End>,
    /// How a push ends on the engine of 2022. `None`: the case has no push.
    push: Option<End>,
    /// How a pull ends on the engine of 2018, here without `OTA.Status`. That engine has no push.
    pull_2018: Option<End>,
}

const fn case(faults: &'static [&'static str], pull: Option<End>, push: Option<End>) -> Case {
    Case { faults, with: |plan| plan, pull, push, pull_2018: pull }
}

const fn both(faults: &'static [&'static str], end: End) -> Case {
    case(faults, Some(end), Some(end))
}

const fn pull(faults: &'static [&'static str], end: End) -> Case {
    case(faults, Some(end), None)
}

const fn push(faults: &'static [&'static str], end: End) -> Case {
    case(faults, None, Some(end))
}

impl Case {
    /// Sets how a pull ends on the engine of 2018, where that differs from the engine of 2022.
    const fn on_2018(self, end: End) -> Self {
        Self { pull_2018: Some(end), ..self }
    }

    const fn with(self, with: fn(Plan) -> Plan) -> Self {
        Self { with, ..self }
    }
}

/// Adds a health check that calls a method of the new firmware.
fn with_health_check(plan: Plan) -> Plan {
    let check = Check::Rpc(r#"App.Health => {"ok": true}"#.parse().expect("a check"));
    Plan { checks: Checks { checks: vec![check], ..Checks::default() }, ..plan }
}

fn with_health_check_and_leave(plan: Plan) -> Plan {
    Plan { on_unhealthy: OnUnhealthy::Leave, ..with_health_check(plan) }
}

/// Adds a soak.
fn with_soak(plan: Plan) -> Plan {
    Plan { checks: Checks { soak: Some(Duration::from_millis(1500)), ..Checks::default() }, ..plan }
}

/// The device rolls back long before the reboot timeout.
fn with_short_commit_timeout(plan: Plan) -> Plan {
    Plan { commit_timeout: Duration::from_secs(2), ..plan }
}

/// The reboot timeout ends before the device rolls back.
fn with_short_reboot_timeout(plan: Plan) -> Plan {
    Plan { commit_timeout: Duration::from_secs(4), reboot_timeout: Duration::from_secs(2), ..plan }
}

/// The device cannot reach the port of the firmware server.
fn with_closed_firmware_port(plan: Plan) -> Plan {
    let advertise = Some(("127.0.0.1".into(), Some(9)));
    Plan { serving: Serving { advertise, ..plan.serving.clone() }, ..plan }
}

/// The device cannot reach the port of the firmware server, and otactl may push instead.
fn with_closed_firmware_port_and_auto(plan: Plan) -> Plan {
    Plan { via: Via::Auto, ..with_closed_firmware_port(plan) }
}

/// Returns the plan with `no_abort`: otactl does not cancel an abandoned update.
fn with_no_abort(plan: Plan) -> Plan {
    Plan { no_abort: true, ..plan }
}

/// The faults that are possible over any transport.
const CASES: &[Case] = &[
    both(&[], UPDATED),
    // Lost replies and requests.
    pull(&["reply-lost=OTA.Update"], UPDATED),
    // Without `OTA.Status`, otactl cannot see whether the call arrived, and does not repeat it.
    pull(&["call-lost=OTA.Update"], UPDATED).on_2018(("never_fetched", "1.0.0", true)),
    pull(&["reply-late=OTA.Update:1s"], UPDATED),
    pull(&["silent=OTA.Update:1s"], UPDATED),
    push(&["reply-lost=OTA.Begin"], UPDATED),
    push(&["reply-lost=OTA.Write"], UPDATED),
    push(&["call-lost=OTA.Write"], UPDATED),
    push(&["reply-lost=OTA.End"], UPDATED),
    push(&["silent=OTA.Write:1s"], UPDATED),
    both(&["reply-lost=OTA.Commit"], UPDATED),
    both(&["call-lost=OTA.Commit"], UPDATED),
    both(&["silent=OTA.Commit:1s"], UPDATED),
    both(&["reply-late=Sys.GetInfo:50ms"], UPDATED),
    both(&["reboot-before-reply"], UPDATED),
    // Older firmware.
    pull(&["no-status"], UPDATED),
    pull(&["no-status", "reply-lost=OTA.Update"], UPDATED),
    pull(&["no-status", "failures-unanswered", "wrong-digest"], DOWNLOAD_FAILED),
    pull(&["no-status", "failures-unanswered", "cut-at=50"], UPDATED).on_2018(DOWNLOAD_FAILED),
    pull(&["failures-unanswered", "wrong-digest"], DOWNLOAD_FAILED),
    // Downloads that fail. The system buffers a part of a slow download, but not all of it.
    both(&["slow-download=200000", "reboot-at=30"], DOWNLOAD_FAILED),
    // Since 2019, a device whose connection breaks during a pull requests the rest. Before 2019, the pull fails.
    pull(&["slow-download=200000", "cut-at=30"], UPDATED).on_2018(DOWNLOAD_FAILED),
    push(&["slow-download=200000", "cut-at=30"], DOWNLOAD_FAILED),
    both(&["slow-download=200000", "stall-at=30"], DOWNLOAD_FAILED),
    // Everything was sent, but not everything was written. The device never reports that it has the firmware.
    pull(&["reboot-at=97"], DOWNLOAD_FAILED),
    pull(&["cut-at=50"], UPDATED).on_2018(DOWNLOAD_FAILED),
    pull(&["cut-at=20", "cut-at=60", "reply-lost=OTA.Update"], UPDATED).on_2018(DOWNLOAD_FAILED),
    push(&["cut-at=50"], DOWNLOAD_FAILED),
    both(&["stall-at=50"], DOWNLOAD_FAILED),
    both(&["wrong-digest"], DOWNLOAD_FAILED),
    both(&["wrong-platform"], DOWNLOAD_FAILED),
    both(&["slow-download=400000"], UPDATED),
    pull(&["not-modified"], ("nothing_new", "1.0.0", true)),
    // An update that is already running.
    both(&["busy=30:200ms"], UPDATED),
    // otactl reboots the device of 2022, which ends the abandoned download. The device of 2018 does not report the download
    // and refuses another one.
    both(&["busy=30"], UPDATED).on_2018(DOWNLOAD_FAILED),
    both(&["busy=30"], REFUSED).with(with_no_abort).on_2018(DOWNLOAD_FAILED),
    // A device without OTA.End can only run a download, which a reboot ends.
    case(&["busy=30", "no-method=OTA.End"], Some(UPDATED), Some(REFUSED)).on_2018(DOWNLOAD_FAILED),
    // The device cannot reach the firmware server.
    pull(&[], ("never_fetched", "1.0.0", true)).with(with_closed_firmware_port),
    pull(&[], UPDATED).with(with_closed_firmware_port_and_auto).on_2018(("never_fetched", "1.0.0", true)),
    pull(&["no-method=OTA.Write"], ("never_fetched", "1.0.0", true)).with(with_closed_firmware_port_and_auto),
    // Bad new firmware.
    both(&["unreachable"], ROLLED_BACK).with(with_short_commit_timeout),
    both(&["unreachable"], ("unreachable", "1.0.0", true)).with(with_short_reboot_timeout),
    both(&["boot-takes=3s"], ("unreachable", "2.0.0", false)).with(with_short_reboot_timeout),
    both(&[r#"answers=App.Health:{"ok":true}"#], UPDATED).with(with_health_check),
    both(&[r#"answers=App.Health:{"ok":false}"#], UNHEALTHY).with(with_health_check),
    both(&["fails=App.Health:500:hot"], UNHEALTHY).with(with_health_check),
    both(&["fails=App.Health:500:hot", "reply-lost=OTA.Revert"], UNHEALTHY).with(with_health_check),
    both(&["fails=App.Health:500:hot", "call-lost=OTA.Revert"], UNHEALTHY).with(with_health_check),
    both(&["fails=App.Health:500:hot", "commits-itself"], ("unhealthy", "2.0.0", true)).with(with_health_check),
    both(&["fails=App.Health:500:hot"], ("unhealthy", "2.0.0", false)).with(with_health_check_and_leave),
    both(&["fails=App.Health:500:hot", "fails=OTA.Revert:-1:no"], ("unhealthy", "2.0.0", false))
        .with(with_health_check),
    both(&["fails=OTA.GetBootState:-1:bad"], ("unreachable", "1.0.0", true)).with(with_short_reboot_timeout),
    both(&["power-cycle-after=300ms"], ROLLED_BACK).with(with_soak),
    both(&["restarts-every=300ms"], ROLLED_BACK).with(with_soak),
    both(&["other-reverts=300ms"], ROLLED_BACK).with(with_soak),
    both(&["other-commits=300ms"], UPDATED).with(with_soak),
    both(&["crashes"], ROLLED_BACK),
    both(&["boot-takes=3s"], UPDATED),
    both(&["commits-itself"], UPDATED),
    both(&["reverts-after=1ms"], ROLLED_BACK).with(with_soak),
    // The commit.
    both(&["commit-refused"], NOT_COMMITTED),
    both(&["commit-ignored"], NOT_COMMITTED),
    both(&["other-commits=1ms"], UPDATED),
];

/// Faults of a transport that carries console lines, too.
const NOISY: &[Case] = &[both(&["noise"], UPDATED), both(&["noise", "crashes"], ROLLED_BACK)];

/// Faults of a transport over which damaged replies are requested again. A damaged acknowledgement takes a second.
const GARBLED: &[Case] = &[
    pull(&["noise", "garbled=7"], UPDATED),
    pull(&["garbled=5", "commit-refused"], NOT_COMMITTED),
    push(&["noise", "garbled=61"], UPDATED),
    push(&["garbled=61", "crashes"], ROLLED_BACK),
];

/// Faults of a device that executes every request twice, and replies twice.
const EXECUTED_TWICE: &[Case] = &[
    both(&[], UPDATED),
    both(&["slow-download=400000"], UPDATED),
    // On the engine of 2018, the reply of the second execution comes first. otactl does not see the reply that says
    // "applied".
    both(&["crashes"], ROLLED_BACK).on_2018(DOWNLOAD_FAILED),
    pull(&["cut-at=50"], UPDATED).on_2018(DOWNLOAD_FAILED),
    both(&["fails=App.Health:500:hot"], UNHEALTHY).with(with_health_check),
];

/// Records the events as text, for the message of a failing case.
#[derive(Default)]
struct EventText(Mutex<Vec<String>>);

impl EventText {
    fn shown(&self) -> String {
        self.0.lock().join("\n  ")
    }
}

impl Observer for EventText {
    fn on(&self, event: &Event) {
        if !matches!(event, Event::Sent { .. }) {
            self.0.lock().push(format!("{event:?}"));
        }
    }
}

fn plan(via: Via) -> Plan {
    let bundle = Bundle::read(&file(DEMO)).expect("the demo");
    let plan = Plan::new(Source::Bundle(bundle));
    let serving = Serving { device_host: Some(("127.0.0.1".into(), 80)), ..Serving::default() };
    Plan { via, serving, reboot_timeout: Duration::from_secs(20), timeouts: plan.timeouts.scaled(0.1), ..plan }
}

fn device(port: &str, mqtt: mqtt::MqttSettings) -> Device {
    device_behind(port, Duration::from_secs(4), mqtt)
}

fn config(generation: Generation, faults: &[&str]) -> Config {
    let older = if generation == Generation::Y2018 { &["no-status"][..] } else { &[] };
    let faults = faults.iter().chain(older);
    let faults = faults.map(|text| text.parse::<Fault>().unwrap_or_else(|e| panic!("{e}"))).collect();
    // Scaled by the same factor as the waits of the update.
    let retry_after = Duration::from_millis(300);
    Config { generation, retry_after, faults, ..running_device() }
}

fn outcome(result: &Result<Success, Failure>) -> &'static str {
    match result {
        Ok(success) => success.facts().outcome,
        Err(failure) => failure.facts().outcome,
    }
}

/// Checks the outcome, and the version and commit state that the device reports.
async fn assert_device_ends(device: &Device, result: &Result<Success, Failure>, end: End, what: &str, log: &EventText) {
    let (expected_outcome, version, committed) = end;
    let shown = || {
        let log = log.shown();
        let message = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        format!("{what}: {result:?} {message}\n  {log}")
    };
    assert_eq!(outcome(result), expected_outcome, "{}", shown());
    // The device may still be rolling back.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let info = device.call_within(ota::GetInfo {}, Duration::from_secs(2)).await;
        let boot = device.call_within(ota::GetBootState {}, Duration::from_secs(2)).await;
        if let (Ok(info), Ok(boot)) = (&info, &boot)
            && info.fw_version == version
            && boot.is_committed == committed
        {
            break;
        }
        assert!(Instant::now() < deadline, "the device is at {info:?} {boot:?}; {}", shown());
        device.drop_link();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // The device does not wait for the rest of a firmware, unless another client sends it.
    if expected_outcome != REFUSED.0
        && let Ok(status) = device.call(ota::GetStatus {}).await
    {
        assert_eq!(status.state, UpdateState::Idle, "{}", shown());
    }
}

/// Runs all cases over one transport.
async fn run_all_cases(transport: Transport) {
    run_cases(transport, CASES, mqtt::MqttSettings::default()).await;
}

/// Runs many cases concurrently. Most of them wait most of the time.
async fn run_cases(transport: Transport, cases: &[Case], mqtt: mqtt::MqttSettings) {
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut running = JoinSet::new();
    for case in cases {
        for (generation, via, end) in [
            (Generation::Y2022, Via::Pull, case.pull),
            (Generation::Y2022, Via::Push, case.push),
            (Generation::Y2018, Via::Pull, case.pull_2018),
        ] {
            let Some(end) = end else { continue };
            let (case, permits, mqtt) = (*case, Arc::clone(&permits), mqtt.clone());
            running.spawn(async move {
                let _permit = permits.acquire_owned().await.expect("open");
                let bench = transport.simulated_fast(config(generation, case.faults)).await;
                let device = device(&bench.port, mqtt);
                let what = format!("{:?} over {transport:?}, {via:?}, {generation:?}", case.faults);
                assert_update_ends(&device, &(case.with)(plan(via)), end, &what).await;
            });
        }
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "cases failed over {transport:?}; see the failures above");
}

/// Runs an update, and checks how it ends.
async fn assert_update_ends(device: &Device, plan: &Plan, end: End, what: &str) {
    let log = EventText::default();
    let started = Instant::now();
    let ended = tokio::time::timeout(UPDATE_TIMEOUT, run(device, plan, &log)).await;
    let what = format!("{what}, after {:?}", started.elapsed());
    let result = ended.unwrap_or_else(|_| panic!("{what}: it hangs\n  {}", log.shown()));
    assert_device_ends(device, &result, end, &what, &log).await;
}

#[tokio::test]
async fn faults_over_websocket_have_the_expected_outcome() {
    run_all_cases(Transport::WebSocket).await;
}

#[tokio::test]
async fn faults_over_http_have_the_expected_outcome() {
    run_all_cases(Transport::Http).await;
}

#[tokio::test]
async fn faults_over_tcp_have_the_expected_outcome() {
    run_all_cases(Transport::Tcp).await;
}

#[tokio::test]
async fn faults_over_udp_have_the_expected_outcome() {
    run_all_cases(Transport::Udp).await;
}

#[cfg(unix)]
#[tokio::test]
async fn faults_over_serial_have_the_expected_outcome() {
    run_all_cases(Transport::Serial).await;
}

#[cfg(unix)]
#[tokio::test]
async fn faults_over_mqtt_have_the_expected_outcome() {
    run_all_cases(Transport::Mqtt).await;
}

#[tokio::test]
async fn noise_over_tcp_has_the_expected_outcome() {
    run_cases(Transport::Tcp, NOISY, mqtt::MqttSettings::default()).await;
}

#[cfg(unix)]
#[tokio::test]
async fn noise_and_garbled_replies_over_serial_have_the_expected_outcome() {
    run_cases(Transport::Serial, NOISY, mqtt::MqttSettings::default()).await;
    run_cases(Transport::Serial, GARBLED, mqtt::MqttSettings::default()).await;
}

/// A device library since 2021-06 executes a request on `<device>/rpc` twice. The failure of the second execution is
/// reported first, while the update of the first one continues.
#[cfg(unix)]
#[tokio::test]
async fn requests_executed_twice_over_mqtt_have_the_expected_outcome() {
    let pub_topic = Some("esp32_AABBCC/rpc".into());
    run_cases(Transport::Mqtt, EXECUTED_TWICE, mqtt::MqttSettings { pub_topic, ..mqtt::MqttSettings::default() }).await;
}

/// The device downloads from a server that is not part of otactl.
#[tokio::test]
async fn faults_of_a_url_update_have_the_expected_outcome() {
    let bundles = BundleServer::start().await;
    let manifest = Bundle::read(&file(DEMO)).expect("the demo").manifest().clone();
    // One generation after the other: a machine that is too busy sees a crashed device only after its rollback.
    for generation in [Generation::Y2018, Generation::Y2022] {
        let mut running = JoinSet::new();
        for &transport in Transport::PLAIN {
            for (path, faults, end) in [
                ("demo-2.0.0-esp32.zip", &[][..], UPDATED),
                ("redirect/demo-2.0.0-esp32.zip", &[], UPDATED),
                ("demo-2.0.0-esp32.zip", &["reply-lost=OTA.Update"], UPDATED),
                ("demo-2.0.0-esp32.zip", &["reboot-before-reply"], UPDATED),
                ("demo-2.0.0-esp32.zip", &["crashes"], ROLLED_BACK),
                ("demo-2.0.0-esp32.zip", &["wrong-digest"], DOWNLOAD_FAILED),
                ("trunc/demo-2.0.0-esp32.zip", &[], DOWNLOAD_FAILED),
                ("nope.zip", &[], DOWNLOAD_FAILED),
                ("h304/x", &[], ("nothing_new", "1.0.0", true)),
            ] {
                let source = Source::Url { url: bundles.url(path), manifest: Ok(manifest.clone()), signed: None };
                running.spawn(async move {
                    let bench = transport.simulated_fast(config(generation, faults)).await;
                    let plan = Plan { source, ..plan(Via::Auto) };
                    let device = device(&bench.port, mqtt::MqttSettings::default());
                    assert_update_ends(
                        &device,
                        &plan,
                        end,
                        &format!("{path}, {faults:?} over {transport:?}, {generation:?}"),
                    )
                    .await;
                });
            }
        }
        while let Some(ended) = running.join_next().await {
            ended.expect("it ends as it should");
        }
    }
}
