//! Health checks: the built binary, the simulated device, real programs, a real web server.
#![cfg(unix)]

mod support;

use std::time::{Duration, Instant};

use serde_json::Value;
use support::fifo::{fifo, wait_for_last_writer, wait_for_writer};
use support::web_server::WebServer;
use support::{DEMO, DEMO_BUILD, assert_runs, finish, otactl, run, run_on, simulator, ws};

fn events(stdout: &str) -> Vec<Value> {
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// The order does not depend on the kind of the check.
#[tokio::test]
async fn checks_run_in_command_line_order_before_the_commit() {
    let (device, mut web) = (simulator().await, WebServer::with_statuses(&[204]).await);
    let url = format!("http://{}/health", web.address);
    let args = [
        "--json",
        "update",
        DEMO,
        "--check-cmd=true",
        "--check-rpc",
        "Sys.GetInfo => {\"fw_version\": \"2.0.0\"}",
        "--check-http",
        &url,
        "--soak",
        "1s",
        "--check-cmd",
        "sh -c 'exit 0'",
        "--check-rpc=RPC.Ping",
    ];
    let good = run_on(&ws(&device), &args).await;
    assert_eq!(good.code, 0, "{}", good.shown());
    let events = events(&good.stdout);
    let checked: Vec<_> =
        events.iter().filter(|event| event["event"] == "checked").filter_map(|event| event["check"].as_str()).collect();
    assert_eq!(checked, ["true", "Sys.GetInfo", &url, "sh -c 'exit 0'", "RPC.Ping", "soak"], "{}", good.shown());
    let first = events.iter().find(|event| event["event"] == "checking").expect("a check");
    assert_eq!((&first["check"], &first["deadline_in"]), (&"true".into(), &30.into()));
    assert!(web.next_head().await.starts_with("GET /health HTTP/1.1"));
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[tokio::test]
async fn passed_check_is_printed() {
    let device = simulator().await;
    let run = run_on(&ws(&device), &["update", DEMO, "--check-rpc", "RPC.Ping"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let line = run.stderr.lines().find(|line| line.starts_with("check     ")).expect("a line");
    assert!(line.starts_with("check     RPC.Ping: passed in ") && line.ends_with('s'), "{line}");
}

/// After any failed check, the old firmware runs again and is committed. The user has to do nothing.
#[tokio::test]
async fn failed_check_reverts_the_device() {
    let unavailable = WebServer::with_statuses(&[503]).await;
    let (url, words) = (format!("http://{}/", unavailable.address), "it answered with HTTP status 503");
    for (option, check, words) in [
        (
            "--check-rpc",
            "Nope.Nope",
            "check     Nope.Nope: failed: the device answered: No handler for Nope.Nope (error 404)",
        ),
        ("--check-rpc", "Sys.GetInfo => {\"wifi\": {\"status\": 7}}", "the result is not as expected: "),
        ("--check-cmd", "sh -c 'exit 3'", "it ended with exit status 3"),
        ("--check-cmd", "sh -c 'kill -9 $$'", "it was ended by signal: 9"),
        ("--check-http", &url, words),
    ] {
        let device = simulator().await;
        let run = run_on(&ws(&device), &["update", DEMO, option, check]).await;
        assert_eq!((run.code, run.stdout.as_str()), (8, ""), "{check}: {}", run.shown());
        assert!(run.stderr.contains(words), "{check}: {}", run.shown());
        let message = format!("error: {DEMO_BUILD} in slot 1 does not pass the check `");
        assert!(run.stderr.contains(&message), "{check}: {}", run.shown());
        assert!(run.stderr.contains("; the device was told to revert, and runs 1.0.0"), "{check}: {}", run.shown());
        assert!(run.stderr.contains("\nhint: `--on-unhealthy leave` keeps"), "{check}: {}", run.shown());
        assert_runs(&ws(&device), "1.0.0", true).await;
    }
}

#[tokio::test]
async fn output_of_a_failed_check_program_is_shown_in_order() {
    let device = simulator().await;
    let script = "sh -c 'echo one; printf \"two\\033[2J\\n\" >&2; echo three; exit 1'";
    let bad = run_on(&ws(&device), &["update", DEMO, "--check-cmd", script]).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    assert!(bad.stderr.contains("\n    one\n    two·[2J\n    three\nhint: "), "{}", bad.shown());

    let bad = run_on(&ws(&device), &["--json", "update", DEMO, "--check-cmd", script]).await;
    let last = events(&bad.stdout).pop().expect("an event");
    assert_eq!((&last["event"], &last["outcome"]), (&"failed".into(), &"unhealthy".into()));
    assert_eq!((&last["reason"], &last["version"]), (&"it ended with exit status 1".into(), &"1.0.0".into()));
    assert_eq!(last["output"], serde_json::json!(["one", "two·[2J", "three"]));

    let good = run_on(&ws(&device), &["-v", "update", DEMO, "--check-cmd", "echo said"]).await;
    assert!(good.stderr.contains("  note      echo said: said\n"), "{}", good.shown());
}

/// The program runs to its end. Only the end of its output is kept.
#[tokio::test]
async fn large_output_of_a_check_program_is_truncated() {
    let device = simulator().await;
    let script = "sh -c 'i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; exit 1'";
    let bad = run_on(&ws(&device), &["update", DEMO, "--check-cmd", script]).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    assert!(bad.stderr.contains("\n    line 19999\n") && bad.stderr.contains("\n    …"), "{}", bad.shown());
    assert!(bad.stderr.len() < 20_000, "{}", bad.stderr.len());
}

#[tokio::test]
async fn unhealthy_firmware_is_kept_with_on_unhealthy_leave() {
    let device = simulator().await;
    let left = run_on(&ws(&device), &["update", DEMO, "--check-cmd", "false", "--on-unhealthy", "leave"]).await;
    assert_eq!(left.code, 8, "{}", left.shown());
    assert!(left.stderr.contains("; it was left as it is\nhint: the device rolls back at "), "{}", left.shown());
    assert_runs(&ws(&device), "2.0.0", false).await;

    // The same command continues, and checks again.
    let again = run_on(&ws(&device), &["update", DEMO, "--check-cmd", "false"]).await;
    assert_eq!(again.code, 8, "{}", again.shown());
    assert!(again.stderr.contains("resume    ") && again.stderr.contains("\nrevert    "), "{}", again.shown());
    assert_runs(&ws(&device), "1.0.0", true).await;
}

#[tokio::test]
async fn checks_with_no_commit_leave_the_device_uncommitted() {
    let device = simulator().await;
    let left = run_on(&ws(&device), &["update", DEMO, "--no-commit", "--check-cmd", "true"]).await;
    assert_eq!(left.code, 0, "{}", left.shown());
    assert!(left.stderr.contains("check     true: passed in "), "{}", left.shown());
    assert_runs(&ws(&device), "2.0.0", false).await;
}

/// A check program may talk to the device through otactl or another service.
#[tokio::test]
async fn check_program_can_call_otactl_on_the_device() {
    let device = simulator().await;
    let binary = env!("CARGO_BIN_EXE_otactl");
    let script = format!(
        "sh -ec '\"{binary}\" --json info | grep 2.0.0; test $OTACTL_DEVICE_ID = esp32_AABBCC; \
         test \"$OTACTL_DEVICE_VERSION ($OTACTL_DEVICE_BUILD_ID)\" = \"{DEMO_BUILD}\"; test $OTACTL_DEVICE_SLOT = 1; \
         test $OTACTL_PORT = {}; cat'",
        ws(&device)
    );
    let good = run_on(&ws(&device), &["update", DEMO, "--check-cmd", &script]).await;
    assert_eq!(good.code, 0, "{}", good.shown());
    // A simulated device in the otactl process is reachable for the check program.
    let script = format!("'{binary}' ping");
    let good = run(&["--port", "sim:", "update", DEMO, "--check-cmd", &script]).await;
    assert_eq!(good.code, 0, "{}", good.shown());
}

#[tokio::test]
async fn hanging_check_program_is_killed_with_its_children() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let fifo = fifo(scratch.path());
    let script = format!("sh -c 'sleep 60 > {} & echo hangs; sleep 60'", fifo.display());
    let ended = tokio::spawn(async { wait_for_last_writer(wait_for_writer(fifo).await).await });
    let started = Instant::now();
    let bad = run_on(&ws(&device), &["update", DEMO, "--check-cmd", &script, "--check-timeout", "1s"]).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    let words = "it has not passed within 1s (it was still running, and was killed)";
    assert!(bad.stderr.contains(words) && bad.stderr.contains("\n    hangs\n"), "{}", bad.shown());
    ended.await.expect("all have ended");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_runs(&ws(&device), "1.0.0", true).await;
}

/// A child of the program does not delay the update.
#[tokio::test]
async fn check_program_with_a_running_child_passes_when_it_exits() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let release = fifo(scratch.path());
    let script = format!("sh -c 'cat {} & exit 0'", release.display());
    let started = Instant::now();
    let good = run_on(&ws(&device), &["update", DEMO, "--check-cmd", &script]).await;
    assert_eq!(good.code, 0, "{}", good.shown());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    std::fs::write(release, "").expect("it reads");
}

/// A device that has just booted may not serve HTTP yet.
#[tokio::test]
async fn check_url_not_served_yet_is_retried() {
    let (device, mut web) = (simulator().await, WebServer::with_statuses(&[0, 0, 200]).await);
    let url = format!("http://admin:secret@{}/health?key=secret", web.address);
    let good = run_on(&ws(&device), &["-v", "update", DEMO, "--check-http", &url]).await;
    assert_eq!(good.code, 0, "{}", good.shown());
    assert!(!good.stderr.contains("secret"), "{}", good.shown());
    for _ in 0..3 {
        let head = web.next_head().await.to_ascii_lowercase();
        assert!(head.starts_with("get /health?key=secret ") && head.contains("\r\nauthorization: basic "), "{head}");
    }
}

#[tokio::test]
async fn check_url_never_served_fails_at_its_deadline() {
    let (device, web) = (simulator().await, WebServer::with_statuses(&[0]).await);
    let url = format!("http://admin:secret@{}/", web.address);
    let bad = run_on(&ws(&device), &["update", DEMO, "--check-http", &url, "--check-timeout", "1s"]).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    assert!(bad.stderr.contains("`: it has not passed within 1s ("), "{}", bad.shown());
    assert!(!bad.stderr.contains("secret"), "{}", bad.shown());
}

/// otactl refuses these checks before it calls the device. Here, no device exists.
#[tokio::test]
async fn invalid_check_is_refused_before_the_device_is_called() {
    for (args, words) in [
        (&["--check-rpc", "{}"][..], "name of a method"),
        (&["--check-rpc", "A.B {"], "the arguments after the method are not JSON"),
        (&["--check-cmd", "a 'b"], "a quote in it is not closed"),
        (&["--check-cmd", "curl x | grep y"], "hint: write --check-cmd \"sh -c 'curl x | grep y'\""),
        (&["--check-cmd", "no-such-program-1 x"], "there is no program `no-such-program-1`"),
        (&["--check-cmd", "./Cargo.toml"], "`./Cargo.toml` cannot be run: it is not an executable file"),
        (&["--check-http", "user:secret@host/path"], "a health check asks by http:// or https://"),
        (&["--check-http", "http://user:secret@"], "this is not a URL"),
        (&["--soak", "290s"], "hint: `--commit-timeout '5m 10s'` would do"),
        (&["--check-cmd=true", "--check-timeout=4s", "--commit-timeout=5s"], "too long for a commit timeout of 5s"),
        (&["--on-unhealthy", "stay"], "possible values: revert, leave"),
    ] {
        let refused = run_on("ws://127.0.0.1:9", &[&["update", DEMO], args].concat()).await;
        assert_eq!(refused.code, 2, "{args:?}: {}", refused.shown());
        assert!(refused.stderr.contains(words), "{args:?}: {}", refused.shown());
        assert!(!refused.stderr.contains("secret"), "{args:?}: {}", refused.shown());
    }
}

/// The check restarts the device, which looks like a crash. otactl reports the rollback instead of the failed check
/// that it causes.
#[tokio::test]
async fn rollback_during_a_check_is_reported_as_rolled_back() {
    let device = simulator().await;
    let binary = env!("CARGO_BIN_EXE_otactl");
    let script = format!("sh -c '\"{binary}\" reboot --force; exit 1'");
    for args in [&["--check-cmd", &script][..], &["--check-cmd", &script.replace("exit 1", "exit 0"), "--soak", "3s"]] {
        let bad = run_on(&ws(&device), &[&["--json", "update", DEMO], args].concat()).await;
        assert_eq!(bad.code, 8, "{}", bad.shown());
        let last = events(&bad.stdout).pop().expect("an event");
        assert_eq!((&last["outcome"], &last["version"]), (&"rolled_back".into(), &"1.0.0".into()), "{}", bad.shown());
        assert_runs(&ws(&device), "1.0.0", true).await;
    }
}

/// otactl does not revert firmware that another client has committed.
#[tokio::test]
async fn firmware_committed_during_a_check_is_not_reverted() {
    let device = simulator().await;
    let script = format!("sh -c '\"{}\" commit; exit 1'", env!("CARGO_BIN_EXE_otactl"));
    let bad = run_on(&ws(&device), &["update", DEMO, "--check-cmd", &script]).await;
    assert_eq!(bad.code, 8, "{}", bad.shown());
    assert!(bad.stderr.contains("; it is committed already, and stays"), "{}", bad.shown());
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[tokio::test]
async fn help_has_a_section_for_health_checks() {
    let help = finish(otactl(&["update", "--help"])).await;
    assert!(help.stdout.contains("\nHealth checks:\n      --check-rpc <CHECK>"), "{}", help.shown());
    assert!(help.stdout.contains("sh -c '...'"), "{}", help.shown());
}
