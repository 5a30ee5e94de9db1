//! The built binary with a small limit of open files.
#![cfg(target_os = "linux")]

mod support;

use std::process::Command;

use serde_json::Value;
use support::{DEMO, assert_runs, finish, otactl, run_on, simulator, ws};

#[tokio::test]
async fn tiny_open_file_limit_is_reported_without_a_panic() {
    let device = simulator().await;
    let binary = env!("CARGO_BIN_EXE_otactl");
    for limit in 4..20 {
        for args in ["ping", &format!("--timeout 1s update {DEMO} --dry-run"), "--port sim: --timeout 1s ping"] {
            let mut command = Command::new("sh");
            command.current_dir(env!("CARGO_MANIFEST_DIR")).env("OTACTL_PORT", ws(&device));
            command.args(["-c", &format!("ulimit -n {limit}; exec {binary} {args}")]);
            let run = finish(command).await;
            let is_reported = run.code == 0 || run.stderr.contains("error: ");
            assert!(is_reported && !run.stderr.contains("panicked"), "{limit}, {args}: {}", run.shown());
        }
    }
}

/// Firmware that may be healthy is neither committed nor reverted.
#[tokio::test]
async fn too_many_open_files_neither_commit_nor_revert() {
    for (scheme, check, expected) in [
        ("ws", ["--check-cmd", "true"], "could not be checked by `true`: it cannot be run: Too many open files"),
        ("ws", ["--check-http", "http://127.0.0.1:9/"], "could not be checked by `http://127.0.0.1:9/`: it has not"),
        // The check still has a connection, but the commit needs another one.
        ("http", ["--check-rpc", "RPC.Ping"], "runs, but is not committed: cannot reach http://"),
    ] {
        let device = simulator().await;
        let port = ws(&device).replace("ws", scheme);
        // The first check sets the limit to the number of open files of otactl.
        let shrink = "sh -c 'prlimit --nofile=5:5 --pid $PPID'";
        let args = ["--json", "--port", &port, "update", DEMO, "--check-timeout", "1s", "--check-cmd", shrink];
        let run = finish(otactl(&[&args[..], &check].concat())).await;
        assert_eq!(run.code, 8, "{check:?}: {}", run.shown());
        let last: Value = serde_json::from_str(run.stdout.lines().last().unwrap_or_default()).expect("JSON");
        assert_eq!(last["outcome"], "not_committed", "{check:?}: {}", run.shown());
        let message = last["message"].as_str().unwrap_or_default();
        assert!(message.contains(expected) && message.contains("Too many open files"), "{check:?}: {message}");
        assert_runs(&ws(&device), "2.0.0", false).await;
        // The same command continues the update.
        let again = run_on(&ws(&device), &["update", DEMO, "--check-cmd", "true"]).await;
        assert_eq!(again.code, 0, "{check:?}: {}", again.shown());
    }
}
