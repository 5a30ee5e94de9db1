//! Text of a device and files of the user that are hostile or wrong: the built binary with real sockets and real FIFOs.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::peers::{Behaviour, Peer};
use support::{DEMO, Run, finish, otactl, run, run_on};
use tokio::task::JoinSet;

/// Returns an HTTP response to the call with the id that otactl uses over HTTP.
fn answer(body: &str) -> &'static [u8] {
    let body = format!("{body}\r\n");
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).leak().as_bytes()
}

fn longest_line(run: &Run) -> usize {
    run.stderr.lines().map(|line| line.chars().count()).max().unwrap_or_default()
}

#[tokio::test]
async fn device_text_is_bounded_in_the_output() {
    let long = "x".repeat(900_000);
    for (body, args) in [
        (format!("{{\"id\":1,\"error\":{{\"code\":-1,\"message\":\"{long}\"}}}}"), &["ping"][..]),
        (format!("{{\"id\":1,\"error\":{{\"code\":-1,\"message\":\"{long}\"}}}}"), &["--json", "update", DEMO]),
        (
            format!("{{\"id\":1,\"result\":{{\"fw_version\":\"1\",\"fw_id\":\"b\",\"uptime\":\"{long}\"}}}}"),
            &["commit"],
        ),
        (
            format!(
                "{{\"id\":1,\"result\":{{\"id\":\"{long}\",\"app\":\"{long}\",\"fw_version\":\"{long}\",\"fw_id\":\"{long}\",\
                 \"arch\":\"{long}\",\"uptime\":1,\"active_slot\":0,\"is_committed\":true,\"state\":0}}}}"
            ),
            &["update", DEMO, "--dry-run"],
        ),
    ] {
        // otactl refuses a larger reply before it reads it.
        let body = if body.len() > 1 << 20 { body.replace(&long, &long[..150_000]) } else { body };
        let peer = Peer::start(Behaviour::Replies(answer(&body))).await;
        let run = run_on(&peer.http(), args).await;
        assert_ne!(run.code, 0, "{args:?}");
        assert!(longest_line(&run) < 4100 && run.stderr.contains('…'), "{args:?}: {}", longest_line(&run));
        let last = run.stdout.lines().last().unwrap_or_default();
        assert!(last.len() < 4100, "{args:?}: {}", last.len());
    }
}

/// stdout is JSON, in which hidden characters have escape sequences.
#[tokio::test]
async fn hidden_characters_are_escaped() {
    let body = "{\"id\":1,\"result\":{\"a\u{202e}\u{200b}\":\"b\u{feff}\u{2028}\u{e0041}\u{ad}c\"}}";
    let peer = Peer::start(Behaviour::Replies(answer(body))).await;
    let run = run_on(&peer.http(), &["--json", "call", "X"]).await;
    assert_eq!(run.stdout, "{\"a\\u202e\\u200b\":\"b\\ufeff\\u2028\\udb40\\udc41\\u00adc\"}\n", "{}", run.shown());
    let value: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(value["a\u{202e}\u{200b}"], "b\u{feff}\u{2028}\u{e0041}\u{ad}c");

    let body = "{\"id\":1,\"error\":{\"code\":-1,\"message\":\"a\u{202e}b\u{200b}c\u{feff}d\"}}";
    let peer = Peer::start(Behaviour::Replies(answer(body))).await;
    let run = run_on(&peer.http(), &["call", "X"]).await;
    assert!(run.stderr.contains("a·b·c·d (error -1)"), "{}", run.shown());
}

/// Without a writer, opening a FIFO never returns.
#[tokio::test]
async fn fifo_without_a_writer_times_out() {
    let scratch = tempfile::tempdir().expect("a directory");
    let fifo = |name: &str| make_fifo(&scratch.path().join(name));
    let (file, creds, params, pem, password, flash) =
        (fifo("file"), fifo("creds"), fifo("params"), fifo("pem"), fifo("password"), fifo("flash.json"));
    assert!(flash.ends_with("/flash.json"));
    let state = scratch.path().display().to_string();
    let (creds, params) = (format!("@{creds}"), format!("@{params}"));
    let nowhere = "ws://127.0.0.1:9";
    let mut runs = JoinSet::new();
    for args in [
        ["--port", nowhere, "update", &file].as_slice(),
        &["--port", nowhere, "--rpc-creds", &creds, "ping"],
        &["--port", nowhere, "call", "X", &params],
        &["--port", "wss://127.0.0.1:9", "--ca-cert-file", &pem, "ping"],
        &["--port", "mqtt://user@127.0.0.1:9/d", "--mqtt-password-file", &password, "ping"],
        &["simulate", "--listen", "127.0.0.1:0", "--state", &state],
    ] {
        let args: Vec<_> = args.iter().map(ToString::to_string).collect();
        runs.spawn(async move {
            let command = otactl(&args.iter().map(String::as_str).collect::<Vec<_>>());
            let started = Instant::now();
            let run = tokio::time::timeout(Duration::from_secs(30), finish(command)).await.expect("it ends");
            (args, run, started.elapsed())
        });
    }
    while let Some(ended) = runs.join_next().await {
        let (args, run, took) = ended.expect("no panic");
        let words = "it is not a regular file, and nothing ended it within 10 s";
        assert!(run.code != 0 && run.stderr.contains(words), "{args:?}: {}", run.shown());
        assert!(took < Duration::from_secs(20), "{args:?}: {took:?}");
    }
}

fn make_fifo(path: &Path) -> String {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo").success());
    path.display().to_string()
}

#[tokio::test]
async fn file_that_does_not_end_is_refused() {
    let scratch = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink("/dev/zero", scratch.path().join("flash.json")).expect("a link");
    let state = scratch.path().display().to_string();
    for (args, words) in [
        (&["simulate", "--listen", "127.0.0.1:0", "--state", &state][..], "it has more than 4194304 bytes"),
        (&["--port", "ws://127.0.0.1:9", "update", "/dev/zero"], "it is larger than 64 MiB"),
        (&["--port", "ws://127.0.0.1:9", "--rpc-creds", "@/dev/zero", "ping"], "it has more than 4096 bytes"),
        (&["--port", "ws://127.0.0.1:9", "call", "X", "@/dev/zero"], "it has more than 1048576 bytes"),
    ] {
        let run = run(args).await;
        assert!(run.code != 0 && run.stderr.contains(words), "{args:?}: {}", run.shown());
    }
}

/// `<(…)` of a shell is a FIFO with a writer.
#[tokio::test]
async fn output_of_a_program_is_read_as_a_file() {
    let device = support::simulator().await;
    let binary = env!("CARGO_BIN_EXE_otactl");
    let script =
        format!("{binary} --port {} call RPC.Describe @<(echo '{{\"name\":\"OTA.Revert\"}}')", support::ws(&device));
    let mut command = Command::new("bash");
    command.args(["-c", &script]);
    let run = finish(command).await;
    assert!(run.code == 0 && run.stdout.contains("OTA.Revert"), "{}", run.shown());
}

/// Windows editors write a byte order mark before the text.
#[tokio::test]
async fn credentials_file_with_a_byte_order_mark_is_read() {
    let config = support::recorded_device_with_auth("d", otactl::sim::auth::Algorithm::Md5);
    let device = support::simulator_with(otactl::sim::Config { clock: None, ..config }).await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "\u{feff}admin:secret\r\n").expect("written");
    let creds = format!("@{}", file.path().display());
    let run = run_on(&support::ws(&device), &["--rpc-creds", &creds, "get-boot-state"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}
