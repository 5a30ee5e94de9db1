//! The faults of the simulated device, call by call over a real connection, without the update code of otactl.

mod support;

use std::time::{Duration, Instant};

use otactl::ota::{Commit, Describe, GetBootState, GetInfo, GetStatus, ListMethods, Ping, Reboot, Update, UpdateState};
use otactl::rpc::{CallError, Device};
use otactl::sim::Config;
use otactl::sim::auth::Auth;
use otactl::transport::framing::{Deframer, Delimiter, StreamItem, enframe};
use serde_json::{Value, json};
use support::bundles::BundleServer;
use support::transports::{Bench, CALL_TIMEOUT, Transport};
use support::{file, recorded_device, run, simulator_everywhere};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How long a test waits for a reply that does not come.
const NO_REPLY_TIMEOUT: Duration = Duration::from_millis(400);

/// The uptime of the device at the start.
const INITIAL_UPTIME: Duration = Duration::from_secs(1000);

const GOOD: &str = "good.zip";

fn config(faults: &[&str]) -> Config {
    let faults = faults.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}"))).collect();
    Config { faults, running_for: INITIAL_UPTIME, ..recorded_device() }
}

/// Starts a device with these faults, and returns it with calls over WebSocket.
async fn device_with(faults: &[&str]) -> (Bench, Device) {
    let bench = Transport::WebSocket.simulated(config(faults)).await;
    let device = bench.device(None);
    (bench, device)
}

/// Tells the device to fetch a recorded bundle.
async fn pull(device: &Device, name: &str, commit_timeout: u64) -> Result<Value, CallError> {
    let bundles = BundleServer::start().await;
    device.call(Update { url: bundles.url(name), commit_timeout, timeout: 60 }).await
}

/// Starts a device with these faults, and updates it to new firmware.
async fn device_with_new_firmware(faults: &[&str], commit_timeout: u64) -> (Bench, Device) {
    let (mut bench, device) = device_with(faults).await;
    assert_eq!(pull(&device, GOOD, commit_timeout).await.expect("a success")["code"], 0);
    bench.wait_for_reboot(&device).await;
    (bench, device)
}

/// Returns the active slot, and whether it is committed.
async fn state(device: &Device) -> (u8, bool) {
    let state = device.call(GetBootState {}).await.expect("a boot state");
    (state.active_slot.expect("a slot"), state.is_committed)
}

/// Calls a method once, with a short timeout.
async fn call_once(device: &Device, method: &str) -> Result<Value, CallError> {
    device.call_raw(method, Value::Null, false, NO_REPLY_TIMEOUT).await
}

fn error_of(error: &CallError) -> (i64, Option<&str>) {
    let error = error.remote_error().unwrap_or_else(|| panic!("no answer of the device: {error:?}"));
    (error.code, error.message.as_deref())
}

fn assert_silence(result: &Result<Value, CallError>) {
    assert!(matches!(result, Err(CallError::Timeout { .. } | CallError::Unreachable { .. })), "{result:?}");
}

#[tokio::test]
async fn lost_call_is_not_executed_and_the_next_one_is() {
    let (mut bench, device) = device_with(&["call-lost=OTA.Commit"]).await;
    assert_silence(&call_once(&device, "OTA.Commit").await);
    assert_eq!(bench.take_printed(), ["fault: call-lost=OTA.Commit"]);
    assert_eq!(error_of(&call_once(&device, "OTA.Commit").await.expect_err("nothing to commit")), (-1, None));
}

/// The fault does not depend on the transport.
#[tokio::test]
async fn call_with_a_lost_reply_is_executed_on_every_port() {
    for transport in Transport::PLAIN.iter().copied().chain([Transport::WebSocketTls, Transport::HttpTls]) {
        let mut bench = transport.simulated(config(&["reply-lost=OTA.Commit"])).await;
        let device = bench.device(None);
        device.call(Ping {}).await.unwrap_or_else(|e| panic!("{transport:?}: {e}"));
        assert_silence(&call_once(&device, "OTA.Commit").await);
        bench.wait_for_line("OTA.Commit").await;
        bench.wait_for_line("fault: reply-lost=OTA.Commit").await;
        let error = device.call(Commit {}).await.expect_err("nothing to commit");
        assert_eq!(error_of(&error), (-1, None), "{transport:?}");
    }
}

/// The client repeats the challenged call. The fault drops the reply to the repeated call.
#[tokio::test]
async fn reply_lost_fault_does_not_drop_the_challenge() {
    let auth: Auth = "admin:secret:myrealm".parse().expect("credentials");
    let bench = Transport::Tcp.simulated(Config { auth: Some(auth), ..config(&["reply-lost=OTA.Commit"]) }).await;
    let error = call_once(&bench.device(None), "OTA.Commit").await.expect_err("no credentials");
    assert!(matches!(error, CallError::Unauthorised { .. }), "{error:?}");
    let device = bench.device(Some("admin:secret"));
    assert_silence(&call_once(&device, "OTA.Commit").await);
    assert_eq!(error_of(&call_once(&device, "OTA.Commit").await.expect_err("nothing to commit")), (-1, None));
}

#[tokio::test]
async fn late_reply_fault_delays_every_reply() {
    let (_bench, device) = device_with(&["reply-late=RPC.Ping:150ms"]).await;
    for _ in 0..2 {
        let started = Instant::now();
        device.call(Ping {}).await.expect("an answer");
        assert!(started.elapsed() >= Duration::from_millis(150), "{:?}", started.elapsed());
    }
    let (mut bench, device) = device_with(&["reply-late=OTA.Update:300ms"]).await;
    let started = Instant::now();
    assert_eq!(pull(&device, GOOD, 300).await.expect("it arrives before the reboot")["code"], 0);
    assert!(started.elapsed() >= Duration::from_millis(300), "{:?}", started.elapsed());
    bench.wait_for_reboot(&device).await;
    assert_eq!(state(&device).await, (1, false));
}

#[tokio::test]
async fn silent_device_ignores_calls_and_does_not_reboot() {
    let (mut bench, device) = device_with(&["silent=RPC.Ping:600ms"]).await;
    let started = Instant::now();
    device.call(Ping {}).await.expect("this one is answered");
    assert_silence(&device.call_raw("OTA.Commit", Value::Null, false, Duration::from_millis(100)).await);
    assert!(!bench.take_printed().contains(&"OTA.Commit".to_owned()), "it was not heard");
    // The device never answers calls during its silence, so the test repeats the call.
    let again = || device.call_raw("OTA.GetBootState", Value::Null, true, Duration::from_millis(100));
    while again().await.is_err() {
        assert!(started.elapsed() < CALL_TIMEOUT, "for good");
    }
    assert!(started.elapsed() >= Duration::from_millis(600), "{:?}", started.elapsed());
    assert!(device.call(GetInfo {}).await.expect("an answer").uptime >= INITIAL_UPTIME.as_secs());
}

#[tokio::test]
async fn missing_method_is_unknown_and_not_listed() {
    let (_bench, device) = device_with(&["no-status", "no-method=OTA.Revert"]).await;
    let error = device.call(GetStatus {}).await.expect_err("404");
    assert_eq!(error_of(&error), (404, Some("No handler for OTA.Status")));
    let error = device.call(Describe { name: "OTA.Revert".into() }).await.expect_err("404");
    assert_eq!(error_of(&error), (404, Some("name not found")));
    let listed = device.call(ListMethods {}).await.expect("a list");
    assert!(listed.iter().all(|name| name != "OTA.Status" && name != "OTA.Revert"), "{listed:?}");
    assert!(listed.iter().any(|name| name == "OTA.Commit"), "{listed:?}");
}

#[tokio::test]
async fn failures_unanswered_fault_drops_error_replies() {
    let (mut bench, device) = device_with(&["failures-unanswered"]).await;
    assert_silence(&call_once(&device, "OTA.Update").await);
    let bundles = BundleServer::start().await;
    let update = Update { url: bundles.url("none.zip"), commit_timeout: 300, timeout: 60 };
    let updating = device.clone();
    let unanswered = tokio::spawn(async move { updating.call_within(update, NO_REPLY_TIMEOUT * 2).await });
    bench.wait_for_line("update: Invalid HTTP response code").await;
    assert_silence(&unanswered.await.expect("no panic"));
    assert_eq!(error_of(&call_once(&device, "OTA.Commit").await.expect_err("nothing to commit")), (-1, None));
    assert_eq!(pull(&device, GOOD, 300).await.expect("a success is answered")["code"], 0);
}

#[tokio::test]
async fn update_fails_with_the_error_of_the_fault() {
    for (fault, message) in
        [("wrong-platform", "Wrong platform"), ("wrong-digest", "Digest mismatch"), ("cut-at=40%", "Update failed")]
    {
        let (_bench, device) = device_with(&[fault]).await;
        let error = pull(&device, GOOD, 300).await.expect_err(fault);
        assert_eq!(error_of(&error), (-1, Some(message)), "{fault}");
        assert_eq!(device.call(GetInfo {}).await.expect("an answer").arch, "esp32");
        assert_eq!(state(&device).await, (0, true), "{fault}");
        let again = pull(&device, GOOD, 300).await;
        assert_eq!(again.is_ok(), fault.starts_with("cut-at"), "{fault}, again: {again:?}");
    }
    let (_bench, device) = device_with(&["not-modified"]).await;
    let update = Update { url: "http://127.0.0.1:1/".into(), commit_timeout: 300, timeout: 60 };
    let reply = device.call(update).await.expect("a success");
    assert_eq!(reply, json!({"code": 0, "message": "Not Modified"}));
    assert_eq!(state(&device).await, (0, true));
}

#[tokio::test]
async fn reboot_at_fault_interrupts_one_download() {
    let (mut bench, device) = device_with(&["reboot-at=40%"]).await;
    assert!(device.call(GetInfo {}).await.expect("an answer").uptime >= INITIAL_UPTIME.as_secs());
    let bundles = BundleServer::start().await;
    // The server holds the second half back, so that the device cannot have received more.
    let update = Update { url: bundles.url("held/good.zip"), commit_timeout: 300, timeout: 60 };
    assert_silence(&device.call_within(update, NO_REPLY_TIMEOUT).await);
    bench.wait_for_line("fault: reboot-at=40%").await;
    bench.wait_for_reboot(&device).await;
    assert_eq!(state(&device).await, (0, true));
    assert!(device.call(GetInfo {}).await.expect("an answer").uptime < INITIAL_UPTIME.as_secs());
    assert_eq!(pull(&device, GOOD, 300).await.expect("a success")["code"], 0);
}

#[tokio::test]
async fn stalled_download_fails_at_its_timeout() {
    let (mut bench, device) = device_with(&["stall-at=40%"]).await;
    let bundles = BundleServer::start().await;
    let update = Update { url: bundles.url(GOOD), commit_timeout: 300, timeout: 1 };
    let (updating, started) = (device.clone(), Instant::now());
    let stalled = tokio::spawn(async move { updating.call(update).await });
    bench.wait_for_line("fault: stall-at=40%").await;
    let status = device.call(GetStatus {}).await.expect("a status");
    assert_eq!((status.state, status.percent() / 10), (UpdateState::Progress, 4), "{status:?}");
    let error = stalled.await.expect("no panic").expect_err("a failure");
    assert_eq!(error_of(&error), (-1, Some("Update failed")));
    assert!(started.elapsed() >= Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn slow_download_fault_limits_the_rate() {
    let size = std::fs::metadata(file("tests/wire/firmware").join(GOOD)).expect("a bundle").len();
    let fault = format!("slow-download={}", size * 2);
    let (_bench, device) = device_with(&[&fault]).await;
    let started = Instant::now();
    pull(&device, GOOD, 300).await.expect("a success");
    assert!(started.elapsed() >= Duration::from_millis(490), "{:?}", started.elapsed());
}

#[tokio::test]
async fn busy_fault_refuses_updates_until_it_ends() {
    let (_bench, device) = device_with(&["busy=40%:500ms"]).await;
    let status = device.call(GetStatus {}).await.expect("a status");
    assert_eq!((status.state, status.percent()), (UpdateState::Progress, 40), "{status:?}");
    let bundles = BundleServer::start().await.must_stay_unused();
    let update = Update { url: bundles.url(GOOD), commit_timeout: 300, timeout: 60 };
    let error = device.call(update).await.expect_err("one at a time");
    assert_eq!(error_of(&error), (-1, Some("Failed to init updater")));
    let started = Instant::now();
    while device.call(GetStatus {}).await.expect("a status").state != UpdateState::Idle {
        assert!(started.elapsed() < CALL_TIMEOUT, "for good");
    }
    assert_eq!(pull(&device, GOOD, 300).await.expect("a success")["code"], 0);

    let (mut bench, device) = device_with(&["busy=7%"]).await;
    assert_eq!(device.call(GetStatus {}).await.expect("a status").percent(), 7);
    device.call(Reboot { delay_ms: Some(0) }).await.expect("a reboot");
    bench.wait_for_reboot(&device).await;
    assert_eq!(device.call(GetStatus {}).await.expect("a status").state, UpdateState::Idle);
}

#[tokio::test]
async fn reboot_before_reply_fault_loses_the_reply() {
    for transport in [Transport::WebSocket, Transport::Http, Transport::Tcp, Transport::Udp] {
        let mut bench = transport.simulated(config(&["reboot-before-reply"])).await;
        let device = bench.device(None);
        let bundles = BundleServer::start().await;
        let update = Update { url: bundles.url(GOOD), commit_timeout: 300, timeout: 60 };
        let updating = device.clone();
        let unanswered = tokio::spawn(async move { updating.call(update).await });
        bench.wait_for_line("update: Update applied, finalizing").await;
        bench.wait_for_reboot(&device).await;
        let result = unanswered.await.expect("no panic");
        assert!(matches!(result, Err(CallError::Lost { sent: true, .. })), "{transport:?}: {result:?}");
        assert_eq!(state(&device).await, (1, false), "{transport:?}");
    }
}

#[tokio::test]
async fn crashing_firmware_boots_once_and_rolls_back() {
    // Commit timeout 0 means that the firmware commits itself.
    for commit_timeout in [0, 300] {
        let (_bench, device) = device_with_new_firmware(&["crashes"], commit_timeout).await;
        assert_eq!(state(&device).await, (0, true), "after {commit_timeout}");
        assert_eq!(device.call(GetInfo {}).await.expect("an answer").fw_version, "1.0.0");
    }
}

#[tokio::test]
async fn unreachable_firmware_rolls_back_at_its_commit_timeout() {
    let (mut bench, device) = device_with(&["unreachable"]).await;
    pull(&device, GOOD, 1).await.expect("a success");
    bench.wait_for_line("fault: unreachable").await;
    device.drop_link();
    assert_silence(&call_once(&device, "RPC.Ping").await);
    assert!(bench.wait_for_line("slot ").await.starts_with("slot 0"));
    device.drop_link();
    assert_eq!(state(&device).await, (0, true));
}

#[tokio::test]
async fn boot_takes_fault_delays_only_the_new_firmware() {
    let (mut bench, device) = device_with(&["boot-takes=1s"]).await;
    let mut boots = async || {
        bench.wait_for_line("rebooting").await;
        let started = Instant::now();
        bench.wait_for_line("slot ").await;
        started.elapsed()
    };
    pull(&device, GOOD, 300).await.expect("a success");
    let took = boots().await;
    assert!(took >= Duration::from_millis(900), "{took:?}");
    device.drop_link();
    device.call(Reboot { delay_ms: Some(0) }).await.expect("a reboot");
    let took = boots().await;
    assert!(took < Duration::from_millis(900), "the old one: {took:?}");
}

#[tokio::test]
async fn reboot_faults_of_new_firmware_boot_the_expected_slots() {
    let mut rows = JoinSet::new();
    for (fault, commit_timeout, slots) in [
        ("reverts-after=200ms", 300, "1 0"),
        // Commit timeout 0 means that the firmware commits itself before the fault.
        ("reverts-after=200ms", 0, "1"),
        ("power-cycle-after=200ms", 300, "1 0"),
        ("power-cycle-after=200ms", 0, "1 1"),
        ("restarts-every=200ms", 300, "1 0"),
        ("restarts-every=200ms", 0, "1 1 1 1"),
        ("other-reverts=200ms", 300, "1 0"),
        ("other-commits=200ms", 300, "1"),
    ] {
        rows.spawn(async move {
            let (mut bench, device) = device_with(&[fault]).await;
            pull(&device, GOOD, commit_timeout).await.expect("a success");
            let mut seen = String::new();
            for _ in slots.split(' ') {
                let line = bench.wait_for_line("slot ").await;
                seen.push_str(&line["slot ".len().."slot 1 ".len()]);
            }
            assert_eq!(seen.trim_end(), slots, "{fault} after {commit_timeout}");
            if fault.starts_with("restarts") && commit_timeout == 0 {
                return;
            }
            let again = tokio::time::timeout(NO_REPLY_TIMEOUT, bench.wait_for_line("rebooting")).await;
            assert!(again.is_err(), "{fault} after {commit_timeout}, and then no more");
            device.drop_link();
            assert!(state(&device).await.1, "{fault} after {commit_timeout}");
        });
    }
    while let Some(row) = rows.join_next().await {
        row.expect("a row that holds");
    }
}

/// A device that rolls back by itself reboots at once. A device that is told to revert first shuts down.
#[tokio::test]
async fn revert_by_another_client_shuts_the_device_down_first() {
    let (mut bench, device) = device_with_new_firmware(&["other-reverts=300ms"], 300).await;
    let started = Instant::now();
    let shuts_down = async || {
        let result = device.call(GetBootState {}).await;
        result.as_ref().err().and_then(CallError::remote_error).is_some_and(|error| error.code == 418)
    };
    while !shuts_down().await {
        assert!(started.elapsed() < CALL_TIMEOUT, "it never reverts");
        // The console buffers a limited number of lines.
        bench.take_printed();
    }
    bench.wait_for_reboot(&device).await;
    assert_eq!(state(&device).await, (0, true));
}

#[tokio::test]
async fn answer_faults_apply_only_to_the_new_firmware() {
    let faults = [r#"answers=App.Health:{"ok": false}"#, "fails=Config.Get:500:too hot"];
    let (mut bench, device) = device_with(&faults).await;
    let error = call_once(&device, "App.Health").await.expect_err("404");
    assert_eq!(error_of(&error), (404, Some("No handler for App.Health")));
    call_once(&device, "Config.Get").await.expect("the settings");
    pull(&device, GOOD, 300).await.expect("a success");
    bench.wait_for_reboot(&device).await;
    assert_eq!(call_once(&device, "App.Health").await.expect("an answer"), json!({"ok": false}));
    assert_eq!(error_of(&call_once(&device, "Config.Get").await.expect_err("500")), (500, Some("too hot")));
}

#[tokio::test]
async fn commit_faults_leave_the_device_uncommitted() {
    let (_bench, device) = device_with_new_firmware(&["commit-refused"], 300).await;
    assert_eq!(error_of(&call_once(&device, "OTA.Commit").await.expect_err("refused")), (-1, None));
    assert_eq!(state(&device).await, (1, false));
    let (_bench, device) = device_with_new_firmware(&["commit-ignored"], 300).await;
    assert_eq!(call_once(&device, "OTA.Commit").await.expect("acknowledged"), Value::Null);
    assert_eq!(state(&device).await, (1, false));
}

#[tokio::test]
async fn commits_itself_fault_commits_despite_a_commit_timeout() {
    let (_bench, device) = device_with_new_firmware(&["commits-itself"], 300).await;
    assert_eq!(state(&device).await, (1, true));
}

/// The test reads the raw bytes of the line. How a client treats them is tested elsewhere.
#[tokio::test]
async fn line_faults_print_console_lines_and_garble_every_nth_reply() {
    let (_device, ports) = simulator_everywhere(config(&["noise", "garbled=3"])).await;
    let tcp = ports.iter().find_map(|port| port.strip_prefix("tcp://")).expect("a port");
    for delimiter in [Delimiter::Line, Delimiter::Quoted] {
        let mut stream = TcpStream::connect(tcp).await.expect("a connection");
        let mut deframer = Deframer::default();
        let mut good = Vec::new();
        for id in 1..=3 {
            let ping = format!(r#"{{"id":{id},"method":"RPC.Ping"}}"#);
            stream.write_all(&enframe(ping.as_bytes(), delimiter)).await.expect("it is taken");
            let mut console = 0;
            // Console lines come before the reply and after it.
            let is_good = loop {
                match deframer.next_item() {
                    Some(StreamItem::Console(_)) => console += 1,
                    Some(StreamItem::Frame { .. }) => break true,
                    // One of the console lines looks like a frame.
                    Some(StreamItem::Corrupt(text)) if String::from_utf8_lossy(&text).contains("broken") => {
                        console += 1;
                    }
                    Some(StreamItem::Corrupt(_)) => break false,
                    Some(StreamItem::Handshake) => panic!("this client starts no handshake"),
                    None => {
                        let mut buffer = [0; 1024];
                        let read = tokio::time::timeout(CALL_TIMEOUT, stream.read(&mut buffer)).await.expect("in time");
                        let read = read.expect("bytes");
                        assert_ne!(read, 0, "the connection stays");
                        deframer.push(&buffer[..read]);
                    }
                }
            };
            assert!(console > 0, "before reply {id}");
            good.push(is_good);
        }
        assert_eq!(good, [true, true, false], "{delimiter:?}");
    }
}

/// Over a transport that loses frames, an idempotent call is sent again.
#[cfg(unix)]
#[tokio::test]
async fn garbled_reply_on_a_serial_port_is_requested_again() {
    let mut bench = Transport::Serial.simulated(config(&["garbled=2", "noise"])).await;
    let device = bench.device(None);
    for _ in 0..4 {
        device.call(Ping {}).await.expect("an answer");
    }
    bench.wait_for_line("fault: garbled=2").await;
}

#[tokio::test]
async fn invalid_fault_is_explained_and_help_lists_all_faults() {
    for (fault, expected) in [
        ("reply-losst=OTA.Commit", "error: there is no fault `reply-losst`\nhint: write `--fault reply-lost=METHOD`"),
        ("busy=x", "error: `busy=x`: a percentage is between 0 and 100\nhint: write `--fault busy=PERCENT[:DURATION]`"),
    ] {
        let run = run(&["simulate", "--listen", "127.0.0.1:0", "--fault", fault]).await;
        assert!(run.code == 2 && run.stderr.starts_with(expected), "{}", run.shown());
    }
    let help = run(&["simulate", "--help"]).await.stdout;
    for kind in &otactl::sim::fault::KINDS {
        let line = help.lines().find(|line| line.trim_start().starts_with(&kind.usage()));
        assert!(line.is_some_and(|line| line.contains(kind.about)), "{}: {line:?}", kind.usage());
    }
}
