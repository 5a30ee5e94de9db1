//! Preflight checks: the built binary against the simulated device, and the library against fake devices.

mod support;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use otactl::bundle::Bundle;
use otactl::rpc::{CallError, Device, DialError, RemoteError, Request, RpcClient};
use otactl::sim::{Config, Generation, UpdateConfig};
use otactl::update::{Event, Failure, Observer, Plan, Refusal, Severity, Source, Success, run as update};
use parking_lot::Mutex;
use rcgen::KeyPair;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use support::bundles::BundleServer;
use support::fake_device::timed_out_after;
use support::signed::{bundle, public_key, sign};
use support::{DEMO, REBOOT, Run, assert_runs, file, recorded_device_of, run_on, simulator, simulator_with, ws};

fn write_bundle(directory: &Path, name: &str, bytes: &[u8]) -> String {
    let path = directory.join(name);
    std::fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

fn assert_refused(run: &Run, error: &str, hint: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (7, ""), "{}", run.shown());
    assert!(run.stderr.contains(&format!("\nerror: {error}")), "{}", run.shown());
    assert!(run.stderr.contains("\nhint: ") && run.stderr.contains(hint), "{}", run.shown());
}

#[tokio::test]
async fn dry_run_prints_all_findings() {
    let device = simulator().await;
    let mut console = device.console();
    let planned = run_on(&ws(&device), &["update", DEMO, "--dry-run"]).await;
    assert_data_eq!(
        planned.shown(),
        str![[r#"
exit code 0
--- stdout
--- stderr
device    esp32_AABBCC (esp32): slot 0 runs demo 1.0.0 (20240101-000000/g0000000-factory), committed
firmware  demo 2.0.0 (20240202-020202/g234b2a65) for esp32, 321 KiB
plan      platform: esp32, as the device
plan      app: demo
plan      version: 1.0.0 -> 2.0.0
plan      methods: all there
plan      signatures: the device asks for none
plan      file system: 65536 bytes, for one that holds 233681
plan      license: the device has a licence key
plan      delivery: the device fetches 328820 bytes from here, or gets them sent if it does not ask
plan      slot: 0 -> the other; rolls back by itself 5m after its boot unless committed
done      dry run: the update is possible; nothing on the device was touched

"#]]
    );
    let events = run_on(&ws(&device), &["--json", "update", DEMO, "--dry-run"]).await;
    let events: Vec<Value> = events.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let findings: Vec<_> = events.iter().filter(|event| event["event"] == "finding").collect();
    assert_eq!(findings.len(), 9, "{events:?}");
    assert_eq!((&findings[3]["what"], &findings[3]["verdict"]), (&"methods".into(), &"good".into()));
    // Only methods that read were called.
    let read_only_methods = ["Sys.GetInfo", "OTA.GetBootState", "OTA.Status", "RPC.List", "RPC.Describe", "Config.Get"];
    while let Ok(line) = console.try_recv() {
        assert!(read_only_methods.contains(&line.as_str()), "{line}");
    }
}

#[tokio::test]
async fn dry_run_of_a_refused_update_is_refused() {
    let device = simulator().await;
    let planned = run_on(&ws(&device), &["update", "tests/wire/firmware/wrongplat.zip", "--dry-run"]).await;
    assert_refused(&planned, "the firmware is for esp8266, but the device is an esp32", "built for this platform");
    assert!(planned.stderr.contains("\nrefused   app: "), "{}", planned.shown());
    assert!(planned.stderr.contains("\nplan      signatures: "), "{}", planned.shown());
}

#[tokio::test]
async fn older_version_needs_allow_downgrade() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let (port, older) = (ws(&device), write_bundle(scratch.path(), "older.zip", &bundle("1.0.0-rc.1", 1000)));
    for args in [&["update", older.as_str()][..], &["update", &older, "--force"]] {
        let refused = run_on(&port, args).await;
        let error = "the firmware is version 1.0.0-rc.1, which is older than 1.0.0, which the device runs";
        assert_refused(&refused, error, "add `--allow-downgrade`");
        assert!(!refused.stderr.contains("\nplan "), "only a dry run tells the plan: {}", refused.shown());
    }
    assert_runs(&port, "1.0.0", true).await;
    let allowed = run_on(&port, &["update", &older, "--allow-downgrade"]).await;
    assert_eq!(allowed.code, 0, "{}", allowed.shown());
    assert_runs(&port, "1.0.0-rc.1", true).await;
}

/// Both otactl and the device verify the signatures with the keys of the device.
#[tokio::test]
async fn device_that_requires_signatures_gets_signed_bundles_only() {
    let keys = [(); 2].map(|()| KeyPair::generate().expect("a key"));
    let stranger = KeyPair::generate().expect("a key");
    let mut update = UpdateConfig { sig_req_mask: 0b101, ..UpdateConfig::default() };
    (update.keys[0], update.keys[2]) = (Some(public_key(&keys[0])), Some(public_key(&keys[1])));
    for generation in [Generation::Y2018, Generation::Y2022] {
        let update = update.clone();
        let config = Config { generation, update, reboot_delay: REBOOT, ..Config::default() };
        assert_takes_only_signed_bundles(config, &keys, &stranger).await;
    }
}

async fn assert_takes_only_signed_bundles(config: Config, keys: &[KeyPair; 2], stranger: &KeyPair) {
    let device = simulator_with(config).await;
    let (port, scratch) = (ws(&device), tempfile::tempdir().expect("a directory"));
    let zip = bundle("2.0.0", 1000);
    let mut changed = sign(&zip, &[(0, &keys[0]), (2, &keys[1])]);
    let at = changed.windows(5).position(|bytes| bytes == b"2.0.0").expect("the version in the directory's name");
    let version = changed[at + 5..].windows(5).position(|bytes| bytes == b"2.0.0").expect("that in the manifest");
    changed[at + 5 + version] = b'3';
    let data = 30 + usize::from(changed[26]) + usize::from(u16::from_le_bytes([changed[28], changed[29]]));
    let size = usize::from(u16::from_le_bytes([changed[22], changed[23]]));
    let crc32 = crc32fast::hash(&changed[data..data + size]);
    changed[14..18].copy_from_slice(&crc32.to_le_bytes());
    for (name, zip, error) in [
        ("unsigned.zip", zip.clone(), "the bundle has no signature 0; the bundle has no signature 2"),
        ("half.zip", sign(&zip, &[(0, &keys[0])]), "the bundle has no signature 2"),
        (
            "stranger.zip",
            sign(&zip, &[(0, &keys[0]), (2, stranger)]),
            "its signature 2 is not valid under the device's key 2",
        ),
        (
            "swapped.zip",
            sign(&zip, &[(0, &keys[1]), (2, &keys[0])]),
            "its signature 0 is not valid under the device's key 0; its signature 2 is not valid under the device's key 2",
        ),
        (
            "changed.zip",
            changed,
            "its signature 0 is not valid under the device's key 0; its signature 2 is not valid under the device's key 2",
        ),
    ] {
        let refused = run_on(&port, &["update", "--force", &write_bundle(scratch.path(), name, &zip)]).await;
        assert_refused(&refused, &format!("the device does not take the bundle: {error}\n"), "Config.Get");
    }
    assert_runs(&port, "1.0.0", true).await;
    let signed =
        write_bundle(scratch.path(), "signed.zip", &sign(&zip, &[(0, &keys[0]), (1, stranger), (2, &keys[1])]));
    let planned = run_on(&port, &["update", "--dry-run", &signed]).await;
    let message = "plan      signatures: the device asks for 0, 2, and the bundle has valid ones\n";
    assert!(planned.code == 0 && planned.stderr.contains(message), "{}", planned.shown());
    let updated = run_on(&port, &["update", &signed]).await;
    assert_eq!(updated.code, 0, "{}", updated.shown());
    assert_runs(&port, "2.0.0", true).await;
}

/// otactl reads the signatures of a URL together with the manifest. If only the device can read them, otactl says so.
#[tokio::test]
async fn bundle_of_a_url_needs_the_required_signatures() {
    let bundles = BundleServer::start().await;
    let update = UpdateConfig { sig_req_mask: 1, ..UpdateConfig::default() };
    let device = simulator_with(Config { update, reboot_delay: REBOOT, ..Config::default() }).await;
    let refused = run_on(&ws(&device), &["update", "--url", &bundles.url("demo-2.0.0-esp32.zip")]).await;
    let error = "the device does not take the bundle: the device asks for signature 0, and has no key 0";
    assert_refused(&refused, error, "Config.Get");
    let run = run_on(&ws(&device), &["update", "--url", &bundles.url("device-only/demo-2.0.0-esp32.zip")]).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    assert!(
        run.stderr
            .contains("\nnote      signatures: the device asks for 0; otactl could not check the bundle of the URL"),
        "{}",
        run.shown()
    );
    assert!(
        run.stderr.contains("the device did not take the firmware: Signature verification failed (error -1)"),
        "{}",
        run.shown()
    );
}

#[tokio::test]
async fn device_that_accepts_no_updates_is_refused() {
    let update = UpdateConfig { sig_req_mask: 0, ..UpdateConfig::default() };
    let device = simulator_with(Config { update, ..Config::default() }).await;
    let refused = run_on(&ws(&device), &["update", DEMO, "--force"]).await;
    assert_refused(&refused, "the device takes no updates: its update.sig_req_mask is 0", "update.sig_req_mask");
}

#[tokio::test]
async fn file_system_that_does_not_fit_is_refused_unless_forced() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let (port, large) = (ws(&device), write_bundle(scratch.path(), "large.zip", &bundle("2.0.0", 467_363)));
    let refused = run_on(&port, &["update", &large]).await;
    assert_refused(
        &refused,
        "the firmware's file system has 467363 bytes, and that of the device holds 233681",
        "add `--force`",
    );
    let forced = run_on(&port, &["update", &large, "--force"]).await;
    assert_eq!(forced.code, 0, "{}", forced.shown());
    assert!(forced.stderr.contains("\nnote      file system: the firmware's file system has"), "{}", forced.shown());
}

/// A device that answers with this function, and knows no other method.
struct FakeAnswers<F>(F);

#[async_trait]
impl<F: Fn(&str) -> Option<Value> + Send + Sync> RpcClient for FakeAnswers<F> {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let not_found = || {
            let error = RemoteError { code: 404, message: None };
            CallError::Remote { method: request.method.clone(), error }
        };
        (self.0)(&request.method).ok_or_else(not_found)
    }

    fn drop_link(&self) {}
}

/// Answers like the simulated device, but only the two methods that every update needs.
fn plain(method: &str) -> Option<Value> {
    match method {
        "Sys.GetInfo" => Some(json!({
            "app": "demo", "arch": "esp32", "fw_version": "1", "fw_id": "a", "uptime": 9, "eth": {"ip": "127.0.0.1"},
        })),
        "OTA.GetBootState" => Some(json!({"active_slot": 0, "is_committed": true})),
        _ => None,
    }
}

#[derive(Default)]
struct Findings(Mutex<Vec<(&'static str, Severity)>>);

impl Observer for Findings {
    fn on(&self, event: &Event) {
        if let Event::Finding { what, verdict, .. } = event {
            self.0.lock().push((what, *verdict));
        }
    }
}

/// The result of a dry run, and the findings that are not good.
type Planned = (Result<Success, Failure>, Vec<(&'static str, Severity)>);

async fn plan(answers: fn(&str) -> Option<Value>, force: bool) -> Planned {
    plan_of(FakeAnswers(answers), force).await
}

async fn plan_of(client: impl RpcClient + 'static, force: bool) -> Planned {
    let device = Device::new(Box::new(client), Duration::from_secs(1));
    let bundle = Bundle::read(&file(DEMO)).expect("the demo");
    let plan = Plan { dry_run: true, force, ..Plan::new(Source::Bundle(bundle)) };
    let findings = Findings::default();
    let result = update(&device, &plan, &findings).await;
    let mut found = findings.0.into_inner();
    found.retain(|(_, severity)| *severity != Severity::Good);
    (result, found)
}

#[tokio::test]
async fn device_without_preflight_answers_is_updated() {
    let (result, found) = plan(plain, false).await;
    assert!(matches!(result, Ok(Success::Planned)), "{result:?}");
    let expected = ["methods", "signatures", "slot"].map(|what| (what, Severity::Unknown));
    assert_eq!(found, expected);
}

/// otactl ignores answers of a shape that no device sends.
#[tokio::test]
async fn preflight_answers_of_a_wrong_shape_count_as_unknown() {
    fn malformed(method: &str) -> Option<Value> {
        match method {
            "RPC.List" => Some(json!({"methods": 5})),
            "Config.Get" => Some(json!([1, 2])),
            "RPC.Describe" => Some(json!("{commit_timeout: %d}")),
            other => plain(other),
        }
    }
    let (result, found) = plan(malformed, false).await;
    assert!(matches!(result, Ok(Success::Planned)), "{result:?}");
    assert_eq!(found, ["methods", "signatures", "slot"].map(|what| (what, Severity::Unknown)));
}

#[tokio::test]
async fn missing_methods_are_named() {
    fn incomplete(method: &str) -> Option<Value> {
        match method {
            "RPC.List" => Some(json!(["OTA.Update", "OTA.GetBootState", "Sys.GetInfo"])),
            other => plain(other),
        }
    }
    let (result, _) = plan(incomplete, true).await;
    let Err(Failure::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!(refusal, Refusal::MethodsMissing { names: vec!["OTA.Commit", "OTA.Revert"] });
    assert_eq!(refusal.to_string(), "the device has no OTA.Commit, OTA.Revert, which the update needs");
}

/// The oldest updaters start the new firmware committed, so that it cannot roll back.
#[tokio::test]
async fn device_without_a_commit_timeout_is_refused_unless_forced() {
    fn old(method: &str) -> Option<Value> {
        match method {
            "RPC.Describe" => Some(json!({"name": "OTA.Update", "args_fmt": "{url: %T}"})),
            other => plain(other),
        }
    }
    let (result, found) = plan(old, false).await;
    let Err(Failure::Refused(refusal)) = result else { panic!("{result:?}") };
    assert_eq!(refusal, Refusal::NoWayBack { method: "OTA.Update" });
    assert!(found.contains(&("slot", Severity::Refused)), "{found:?}");
    let (result, found) = plan(old, true).await;
    assert!(matches!(result, Ok(Success::Planned)), "{result:?}");
    assert!(found.contains(&("slot", Severity::Weak)), "{found:?}");
}

/// A device of 2017 would answer `Malformed request`.
#[tokio::test]
async fn device_that_wants_blob_url_is_refused() {
    fn of_2017(method: &str) -> Option<Value> {
        match method {
            "RPC.Describe" => Some(json!({
                "name": "OTA.Update",
                "args_fmt": "{section: %T, blob_type: %Q, blob_url: %T, commit_timeout: %d}",
            })),
            other => plain(other),
        }
    }
    for force in [false, true] {
        let (result, found) = plan(of_2017, force).await;
        let Err(Failure::Refused(refusal)) = result else { panic!("{result:?}") };
        assert_eq!(refusal, Refusal::WantsBlobUrl, "force: {force}");
        assert!(found.contains(&("delivery", Severity::Refused)), "{found:?}");
    }
}

/// otactl reads back what became of the commit timeout. This device has committed the firmware itself.
#[tokio::test]
async fn firmware_that_starts_committed_is_reported() {
    let updated = AtomicBool::new(false);
    let answers = move |method: &str| match method {
        "OTA.Update" => {
            updated.store(true, Ordering::SeqCst);
            Some(json!({"code": 0, "message": "Update applied, finalizing"}))
        }
        "Sys.GetInfo" if updated.load(Ordering::SeqCst) => Some(json!({
            "app": "demo", "arch": "esp32", "fw_version": "2.0.0", "fw_id": "20240202-020202/g234b2a65", "uptime": 0,
        })),
        "OTA.GetBootState" if updated.load(Ordering::SeqCst) => Some(json!({"active_slot": 1, "is_committed": true})),
        other => plain(other),
    };
    let device = Device::new(Box::new(FakeAnswers(answers)), Duration::from_secs(1));
    let manifest = Bundle::read(&file(DEMO)).expect("the demo").manifest().clone();
    let plan = Plan::new(Source::Url { url: "http://elsewhere/fw.zip".into(), manifest: Ok(manifest), signed: None });
    let findings = Findings::default();
    let result = update(&device, &plan, &findings).await;
    assert!(matches!(result, Ok(Success::Updated(_))), "{result:?}");
    assert_eq!(findings.0.into_inner(), [("commit timeout", Severity::Weak)]);
}

/// Returns the answers of a device that lacks nothing for an update by pull.
fn complete(method: &str) -> Value {
    match method {
        "RPC.Describe" => json!({"name": "OTA.Update", "args_fmt": "{url: %T, commit_timeout: %d}"}),
        "Config.Get" => json!({"sig_req_mask": -1}),
        "OTA.Status" => json!({"state": 0}),
        other => plain(other).expect("a known method"),
    }
}

/// A device that accepts one connection at a time.
struct SingleConnectionDevice(AtomicUsize);

#[async_trait]
impl RpcClient for SingleConnectionDevice {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let others = self.0.fetch_add(1, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.0.fetch_sub(1, Ordering::SeqCst);
        if others > 0 {
            return Err(CallError::unreachable("dev", DialError::HungUp));
        }
        Ok(match request.method.as_str() {
            "RPC.List" => json!(["OTA.Update", "OTA.GetBootState", "OTA.Commit", "OTA.Revert"]),
            other => complete(other),
        })
    }

    fn drop_link(&self) {}
}

/// Concurrent calls save time, but a small device may refuse them.
#[tokio::test]
async fn device_with_one_connection_is_asked_one_by_one() {
    let (result, found) = plan_of(SingleConnectionDevice(AtomicUsize::new(0)), false).await;
    assert!(matches!(result, Ok(Success::Planned)), "{result:?}");
    assert_eq!(found, []);
}

/// Answers like a device of 2019 to 2022 with these settings under `device`. `None`: their `Config.Get` times out.
struct NewerDevice(Option<Value>);

#[async_trait]
impl RpcClient for NewerDevice {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let params = serde_json::to_value(&request.params).expect("JSON");
        Ok(match request.method.as_str() {
            "RPC.List" => json!([
                "OTA.Update",
                "OTA.GetBootState",
                "OTA.Commit",
                "OTA.Revert",
                "OTA.Begin",
                "OTA.Write",
                "OTA.End",
                "OTA.Status",
            ]),
            "Config.Get" if params["key"] == "device" => {
                let Some(settings) = &self.0 else {
                    tokio::time::sleep(request.timeout).await;
                    return timed_out_after(&request.method, request.timeout);
                };
                settings.clone()
            }
            other => complete(other),
        })
    }

    fn drop_link(&self) {}
}

#[tokio::test(start_paused = true)]
async fn missing_licence_is_found() {
    for (settings, expected) in [
        (Some(json!({"id": "dev", "license": "", "mac": ""})), &[("license", Severity::Weak)][..]),
        (Some(json!({"id": "dev", "license": "abc"})), &[]),
        (Some(json!({"id": "dev"})), &[]),
        (Some(json!("dev")), &[]),
        (None, &[]),
    ] {
        let shown = format!("{settings:?}");
        let began = tokio::time::Instant::now();
        let (result, found) = plan_of(NewerDevice(settings), false).await;
        assert!(matches!(result, Ok(Success::Planned)), "{shown}: {result:?}");
        assert_eq!(found, expected, "{shown}");
        assert!(began.elapsed() <= Duration::from_secs(1), "{shown}: {:?} for the questions", began.elapsed());
    }
}

/// The bundles recorded in 2018 have no sizes. A device of 2019 accepts them, and its replies look like those of 2022.
#[tokio::test]
async fn bundle_without_sizes_is_reported_and_not_refused() {
    let bundle = "tests/wire/firmware/good.zip";
    let device = simulator_with(recorded_device_of(Generation::Y2019)).await;
    let planned = run_on(&ws(&device), &["update", bundle, "--dry-run"]).await;
    assert_eq!(planned.code, 0, "{}", planned.shown());
    let note =
        "\nnote      sizes: the manifest has no size for the parts `app`, `fs`; a device of 2022 refuses such a bundle";
    assert!(planned.stderr.contains(note), "{}", planned.shown());
    let bundles = BundleServer::start().await;
    let planned = run_on(&ws(&device), &["update", "--url", &bundles.url("good.zip"), "--dry-run"]).await;
    assert!(planned.code == 0 && planned.stderr.contains(note), "{}", planned.shown());
}
