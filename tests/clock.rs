//! The wall clock jumps by years during an update, as when a board without a battery reaches a time server.
//!
//! No wait depends on the wall clock.
#![cfg(target_os = "linux")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use support::{DEMO, assert_runs, otactl, simulator, ws};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Returns the path of libfaketime. Debian installs it in a directory for each architecture.
fn libfaketime() -> PathBuf {
    let roots = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(Path::new);
    let below = roots.iter().flat_map(|root| {
        let inner = std::fs::read_dir(root).into_iter().flatten().flatten().map(|entry| entry.path());
        inner.chain([root.to_path_buf()])
    });
    let mut places =
        below.flat_map(|place| ["faketime/libfaketime.so.1", "libfaketime.so.1"].map(|name| place.join(name)));
    places.find(|place| place.exists()).expect("libfaketime is installed by tests/run.sh")
}

#[tokio::test]
async fn wall_clock_jump_does_not_affect_an_update() {
    for jump in ["+3650d", "-3650d"] {
        let device = simulator().await;
        let scratch = tempfile::tempdir().expect("a directory");
        let clock = scratch.path().join("clock");
        std::fs::write(&clock, "+0").expect("written");
        let mut command = otactl(&["--json", "--port", &ws(&device), "update", DEMO, "--soak", "1s"]);
        command.env("LD_PRELOAD", libfaketime()).env("FAKETIME_TIMESTAMP_FILE", &clock);
        command.env("FAKETIME_NO_CACHE", "1").env("DONT_FAKE_MONOTONIC", "1").stdout(Stdio::piped());
        let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (mut first, mut last) = (Value::Null, Value::Null);
        while let Some(line) = lines.next_line().await.expect("readable") {
            last = serde_json::from_str(&line).expect("JSON");
            if first.is_null() {
                first = last.clone();
            }
            if last["event"] == "requested" {
                std::fs::write(&clock, jump).expect("written");
            }
        }
        let status =
            tokio::time::timeout(Duration::from_secs(20), child.wait()).await.expect("in time").expect("a child");
        assert_eq!((status.code(), &last["outcome"]), (Some(0), &"updated".into()), "{jump}: {last}");
        let year = |event: &Value| event["time"].as_str().and_then(|time| time[..4].parse::<i32>().ok());
        let jumped = year(&first).zip(year(&last)).map(|(before, after)| (after - before).abs());
        assert!(jumped.is_some_and(|years| years > 8), "{jump}: from {first} to {last}");
        assert_runs(&ws(&device), "2.0.0", true).await;
    }
}
