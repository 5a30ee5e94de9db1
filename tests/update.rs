//! Whole updates: the built binary, the simulated device, real sockets, a real zip.

mod support;

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use otactl::sim::{Config, Generation};
use serde_json::Value;
use snapbox::{assert_data_eq, str};
use support::bundles::BundleServer;
use support::peers::FullBacklog;
use support::{
    DEMO, DEMO_BUILD, REBOOT, assert_runs, otactl, run, run_on, simulator, simulator_everywhere, simulator_with, ws,
};

/// Runs the first command of the README.
#[tokio::test]
async fn update_of_the_simulator_prints_every_step() {
    let started = Instant::now();
    let run = run(&["--port", "sim:", "update", DEMO]).await;
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_data_eq!(
        run.shown(),
        str![[r#"
exit code 0
--- stdout
--- stderr
simulating esp32_AABBCC at ws://127.0.0.1:[..]/rpc
device    esp32_AABBCC (esp32): slot 0 runs demo 1.0.0 (20240101-000000/g0000000-factory), committed
firmware  demo 2.0.0 (20240202-020202/g234b2a65) for esp32, 321 KiB
serve     the firmware at http://127.0.0.1:[..]/
update    the device was told to fetch the firmware from here
fetch     127.0.0.1 fetches the firmware
...
download  100 %
applied   slot 1 boots next, uncommitted
reboot    waiting for the device
back      slot 1 runs 2.0.0 (20240202-020202/g234b2a65), uncommitted; rolls back at [..] unless committed
commit    sent
done      demo 2.0.0 (20240202-020202/g234b2a65) runs in slot 1, committed, after [..]

"#]]
    );
}

#[tokio::test]
async fn second_update_on_every_transport_changes_nothing() {
    for which in 0..4 {
        let (device, mut ports) = simulator_everywhere(Config { reboot_delay: REBOOT, ..Config::default() }).await;
        let port = ports.swap_remove(which);
        let first = run_on(&port, &["update", DEMO]).await;
        assert_eq!(first.code, 0, "{}", first.shown());
        assert_runs(&port, "2.0.0", true).await;
        let mut console = device.console();
        let again = run_on(&port, &["update", DEMO]).await;
        assert_eq!(again.code, 0, "{}", again.shown());
        assert!(
            again
                .stderr
                .ends_with(&format!("done      demo {DEMO_BUILD} runs already, and is committed; nothing to do\n")),
            "{}",
            again.shown()
        );
        while let Ok(line) = console.try_recv() {
            assert_ne!(line, "OTA.Update", "nothing was done");
        }
    }
}

/// Nothing may delay the commit: production lines flash boards a thousand times a day.
#[tokio::test]
async fn commit_follows_the_first_reply_within_100_ms() {
    let device = simulator().await;
    let mut console = device.console();
    let port = ws(&device);
    let update = tokio::spawn(async move { run_on(&port, &["update", DEMO]).await });
    let mut answered = None;
    loop {
        let line = tokio::time::timeout(Duration::from_secs(20), console.recv()).await.expect("in time").expect("open");
        match line.as_str() {
            "rebooting" => answered = Some(None),
            "Sys.GetInfo" if answered == Some(None) => answered = Some(Some(Instant::now())),
            "OTA.Commit" => break,
            _ => {}
        }
    }
    let took = answered.flatten().expect("it answered first").elapsed();
    assert!(took < Duration::from_millis(100), "{took:?}");
    assert_eq!(update.await.expect("no panic").code, 0);
}

#[tokio::test]
async fn url_update_reads_the_manifest_and_commits() {
    let bundles = BundleServer::start().await;
    for path in ["demo-2.0.0-esp32.zip", "redirect/demo-2.0.0-esp32.zip"] {
        let device = simulator().await;
        let run = run_on(&ws(&device), &["update", "--url", &bundles.url(path)]).await;
        assert_eq!(run.code, 0, "{path}: {}", run.shown());
        assert!(run.stderr.contains("firmware  demo 2.0.0"), "{path}: {}", run.shown());
        assert_runs(&ws(&device), "2.0.0", true).await;
    }
}

#[tokio::test]
async fn url_reachable_only_by_the_device_is_noted() {
    let (device, bundles) = (simulator().await, BundleServer::start().await);
    let url = bundles.url("device-only/demo-2.0.0-esp32.zip");
    let run = run_on(&ws(&device), &["update", "--url", &url]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.contains("otactl could not read its manifest: HTTP status 404"), "{}", run.shown());
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[tokio::test]
async fn failed_download_keeps_the_old_firmware() {
    let bundles = BundleServer::start().await;
    // The messages of the engines of 2018 and 2022.
    for (path, older, newer) in [
        ("nope.zip", "Invalid HTTP response code", "Invalid HTTP response code"),
        ("junk.zip", "Malformed archive (invalid file header)", "Malformed archive (invalid header)"),
        ("trunc/demo-2.0.0-esp32.zip", "Update failed", "Update timed out"),
        ("chunked/demo-2.0.0-esp32.zip", "perhaps chunked-encoding", "Invalid content-length"),
        ("device-only/wrongplat.zip", "Wrong platform", "Nothing interesting in the update (wrong platform?)"),
        (
            "h304/x",
            "the device says `Not Modified` and still runs 1.0.0",
            "found nothing new to install and still runs 1.0.0",
        ),
    ] {
        for (generation, message) in [(Generation::Y2018, older), (Generation::Y2022, newer)] {
            let device = simulator_with(Config { generation, reboot_delay: REBOOT, ..Config::default() }).await;
            let args = ["update", "--url", &bundles.url(path), "--via", "pull", "--stall-timeout", "2s"];
            let run = run_on(&ws(&device), &args).await;
            assert_eq!((run.code, run.stdout.as_str()), (8, ""), "{path}, {generation:?}: {}", run.shown());
            let is_reported = run.stderr.contains(message) && run.stderr.contains("\nhint: ");
            assert!(is_reported, "{path}, {generation:?}: {}", run.shown());
            assert_runs(&ws(&device), "1.0.0", true).await;
        }
    }
}

#[tokio::test]
async fn update_left_uncommitted_is_resumed() {
    let device = simulator().await;
    let port = ws(&device);
    let left = run_on(&port, &["update", DEMO, "--no-commit", "--commit-timeout", "5m"]).await;
    assert_eq!(left.code, 0, "{}", left.shown());
    assert!(left.stderr.contains(" in slot 1, uncommitted, after "), "{}", left.shown());
    assert!(left.stderr.contains(" s; the device rolls back at "), "{}", left.shown());
    assert!(
        left.stderr.trim_end().ends_with(&format!("unless `otactl commit -p {port}` keeps it")),
        "{}",
        left.shown()
    );
    assert_runs(&port, "2.0.0", false).await;

    let other = run_on(&port, &["update", "--force", "tests/wire/firmware/good3.zip"]).await;
    assert_eq!(other.code, 7, "{}", other.shown());
    assert!(
        other.stderr.contains(&format!(
            "hint: `otactl commit -p {port}` keeps what runs, `otactl revert -p {port}` returns to the old firmware"
        )),
        "{}",
        other.shown()
    );

    let again = run_on(&port, &["update", DEMO]).await;
    assert_eq!(again.code, 0, "{}", again.shown());
    assert!(again.stderr.contains("resume    the wanted firmware runs already"), "{}", again.shown());
    assert_runs(&port, "2.0.0", true).await;
}

#[tokio::test]
async fn revert_restores_the_old_firmware() {
    let device = simulator().await;
    let port = ws(&device);
    assert_eq!(run_on(&port, &["update", DEMO, "--no-commit"]).await.code, 0);
    let mut console = device.console();
    let reverted = run_on(&port, &["revert"]).await;
    assert_eq!((reverted.code, reverted.stdout.as_str()), (0, "null\n"), "{}", reverted.shown());
    while !console.recv().await.expect("the console").starts_with("slot 0 runs demo 1.0.0") {}
    assert_runs(&port, "1.0.0", true).await;
}

#[tokio::test]
async fn dry_run_sends_no_update() {
    let device = simulator().await;
    let mut console = device.console();
    let run = run_on(&ws(&device), &["update", DEMO, "--dry-run"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(
        run.stderr.ends_with("done      dry run: the update is possible; nothing on the device was touched\n"),
        "{}",
        run.shown()
    );
    while let Ok(line) = console.try_recv() {
        assert_ne!(line, "OTA.Update");
    }
}

#[tokio::test]
async fn force_installs_another_app() {
    let device = simulator().await;
    let run = run_on(&ws(&device), &["update", "--force", "tests/wire/firmware2022/small2.zip"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let info = run_on(&ws(&device), &["info"]).await;
    assert!(info.stdout.contains("\"fw_id\": \"20240202-020202/g2222222\""), "{}", info.shown());
}

/// The message has the reason that the device gave, and the address that it should have requested.
#[tokio::test]
async fn device_that_cannot_reach_the_server_is_explained() {
    let device = simulator().await;
    let run = run_on(&ws(&device), &["update", DEMO, "--via", "pull", "--advertise", "127.0.0.1:9"]).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    assert!(run.stderr.contains("the device never asked for the firmware at 127.0.0.1:9"), "{}", run.shown());
    assert!(run.stderr.contains("hint: the device still runs its old firmware. Open the port"), "{}", run.shown());
    assert_runs(&ws(&device), "1.0.0", true).await;
}

/// A firewall drops the packets, so that the device waits. otactl reports that after 10 s, long before the download
/// timeout.
#[tokio::test]
async fn device_that_does_not_request_the_firmware_is_reported_after_10_s() {
    let (device, full_backlog) = (simulator().await, FullBacklog::start());
    let (host, port) = (full_backlog.address.ip().to_string(), full_backlog.address.port());
    let started = Instant::now();
    let advertise = format!("{host}:{port}");
    let args = ["update", DEMO, "--via", "pull", "--advertise", &advertise, "--download-timeout", "12s"];
    let run = run_on(&ws(&device), &args).await;
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    assert_eq!(run.code, 8, "{}", run.shown());
    let warning =
        format!("waiting   the device has not asked for the firmware within 10 s. It was told to ask {advertise}:");
    assert!(run.stderr.contains(&warning), "{}", run.shown());
}

/// otactl pushes the firmware to a device that cannot fetch it, such as one behind a firewall or on a cable.
#[tokio::test]
async fn device_that_does_not_fetch_gets_a_push() {
    let (device, full_backlog) = (simulator().await, FullBacklog::start());
    for advertise in ["127.0.0.1:9", &full_backlog.address.to_string()] {
        let device = if advertise == "127.0.0.1:9" { &device } else { &simulator().await };
        let run = run_on(&ws(device), &["update", DEMO, "--advertise", advertise]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let said = format!("push      the device never asked for the firmware at {advertise}");
        assert!(run.stderr.contains(&said), "{}", run.shown());
        assert_runs(&ws(device), "2.0.0", true).await;
    }
}

#[tokio::test]
async fn events_are_one_json_object_per_line() {
    let device = simulator().await;
    let good = run_on(&ws(&device), &["--json", "update", DEMO]).await;
    let events: Vec<Value> = good.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let mut names: Vec<_> = events.iter().filter_map(|event| event["event"].as_str()).collect();
    names.dedup();
    // `served` comes before the reply of the device, or just after it.
    names.retain(|name| *name != "served");
    assert_eq!(
        names,
        [
            "device",
            "firmware",
            "serving",
            "requested",
            "fetching",
            "sent",
            "applied",
            "delivered",
            "rebooting",
            "back",
            "committing",
            "done"
        ]
    );
    let done = events.last().expect("the last one");
    assert_eq!((&done["outcome"], &done["version"], &done["slot"]), (&"updated".into(), &"2.0.0".into(), &1.into()));
    let sent = events.iter().rfind(|event| event["event"] == "sent").expect("sent");
    assert_eq!(sent["bytes"], sent["total"]);
    assert!(!good.stdout.contains("firmware.zip"), "the path is a secret");

    let bad = run_on(&ws(&device), &["--json", "update", "tests/wire/firmware/wrongplat.zip"]).await;
    let last: Value = serde_json::from_str(bad.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["event"], &last["exit_code"]), (&"failed".into(), &7.into()), "{}", bad.shown());
}

/// The end of the process is a power failure: `simulate --state` keeps the flash, and uncommitted firmware rolls back.
/// A bar that runs ahead stands at 100 % while the device still reads.
#[tokio::test]
async fn progress_of_a_slow_device_is_not_ahead_of_it() {
    const RATE: u32 = 200_000;
    const MAX_AHEAD: u32 = 64 << 10;

    let fault = format!("slow-download={RATE}").parse().expect("a fault");
    let device = simulator_with(Config { faults: vec![fault], reboot_delay: REBOOT, ..Config::default() }).await;
    let run = run_on(&ws(&device), &["--json", "update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let second = |event: &Value| {
        let time = event["time"].as_str().expect("a time").trim_end_matches('Z');
        time.rsplit(':').next().expect("seconds").parse::<f64>().expect("a number")
    };
    let start = events.iter().find(|event| event["event"] == "fetching").map(second).expect("the device asks");
    for sent in events.iter().filter(|event| event["event"] == "sent") {
        let took = (second(sent) - start).rem_euclid(60.0);
        let bytes = sent["bytes"].as_f64().expect("a number");
        assert!(bytes <= took * f64::from(RATE) + f64::from(MAX_AHEAD), "{bytes} bytes after {took} s");
    }
}

#[tokio::test]
async fn simulated_device_keeps_its_flash() {
    let scratch = tempfile::tempdir().expect("a directory");
    let state = scratch.path().join("device").display().to_string();
    for (expected, args) in
        [("1.0.0", &["update", DEMO, "--no-commit"][..]), ("1.0.0", &["update", DEMO]), ("2.0.0", &["ping"])]
    {
        let (mut child, port) = simulate(&["--state", &state, "--reboot-delay", "50ms"]).await;
        let info = run_on(&port, &["info"]).await;
        assert!(info.stdout.contains(expected), "before {args:?}: {}", info.shown());
        let run = run_on(&port, args).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }
}

async fn simulate(args: &[&str]) -> (Child, String) {
    use std::io::BufRead as _;

    let mut command = otactl(&[&["simulate", "--listen", "127.0.0.1:0"], args].concat());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    let stderr = child.stderr.take().expect("a pipe");
    tokio::task::spawn_blocking(move || {
        let mut lines = std::io::BufReader::new(stderr).lines();
        let first = lines.next().expect("a line").expect("readable");
        let port = first.split_whitespace().find(|word| word.starts_with("ws://")).expect("an address").to_owned();
        // A full pipe would block the device.
        std::thread::spawn(move || lines.for_each(drop));
        (child, port)
    })
    .await
    .expect("no panic")
}
