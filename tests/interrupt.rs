//! Updates that are interrupted by a signal or killed.
#![cfg(unix)]

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otactl::sim::Config;
use support::bundles::BundleServer;
use support::fifo::{fifo, wait_for_last_writer, wait_for_writer};
use support::peers::{Behaviour, FullBacklog, Peer};
use support::{DEMO, REBOOT, Run, assert_runs, otactl, run_on, simulator, simulator_with, ws};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinSet;

/// A run of the binary. The test reads its events while it runs.
struct RunningUpdate {
    child: tokio::process::Child,
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
}

impl RunningUpdate {
    fn start(args: &[&str]) -> Self {
        let mut command = tokio::process::Command::from(otactl(args));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// Waits for an event.
    async fn wait_for_event(&mut self, event: &str) {
        let prefix = format!("{{\"event\":\"{event}\"");
        let seen = async {
            while let Some(line) = self.lines.next_line().await.expect("readable") {
                if line.starts_with(&prefix) {
                    return;
                }
            }
            panic!("it ended without {event}");
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("in time");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().expect("it runs")).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// Returns the exit code, stderr, and how long the process took to end.
    async fn wait_for_exit(self) -> (Option<i32>, String, Duration) {
        let started = Instant::now();
        // Without a reader, a last event would find the pipe closed.
        let Self { child, mut lines } = self;
        let drain = async { while let Ok(Some(_)) = lines.next_line().await {} };
        let (output, ()) = tokio::join!(child.wait_with_output(), drain);
        let output = output.expect("it ends");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), started.elapsed())
    }
}

/// The message after Ctrl-C tells what the device does next. It has to come at once.
#[tokio::test]
async fn interrupt_exits_within_500_ms_and_reports_the_device_state() {
    // No update was requested yet.
    let silent = Peer::start(Behaviour::Silent).await;
    let update = RunningUpdate::start(&["--json", "--port", &silent.http(), "update", DEMO]);
    silent.request_received().await;
    assert_interrupted(update, Signal::SIGINT, "nothing on the device has changed").await;

    // The device downloads from otactl, and gets no answer.
    let (device, full_backlog) = (simulator().await, FullBacklog::start());
    let advertise = full_backlog.address.to_string();
    let mut update =
        RunningUpdate::start(&["--json", "--port", &ws(&device), "update", DEMO, "--advertise", &advertise]);
    update.wait_for_event("requested").await;
    let message = "it asks for the rest every 3 s and gives up after 1m without progress";
    assert_interrupted(update, Signal::SIGHUP, message).await;

    // The device downloads from another server.
    let (device, bundles) = (simulator().await, BundleServer::start().await);
    let url = bundles.url("slow/demo-2.0.0-esp32.zip");
    let mut update = RunningUpdate::start(&["--json", "--port", &ws(&device), "update", "--url", &url]);
    update.wait_for_event("requested").await;
    let message = "the device goes on fetching the firmware by itself, until it makes no progress for 1m; it will reboot into it, \
         uncommitted, and roll back 5m";
    assert_interrupted(update, Signal::SIGTERM, message).await;

    // The device reboots. The same command, run during the reboot, continues the update.
    let device = simulator_with(Config { reboot_delay: Duration::from_secs(2), ..Config::default() }).await;
    let mut update = RunningUpdate::start(&["--json", "--port", &ws(&device), "update", DEMO]);
    update.wait_for_event("rebooting").await;
    assert_interrupted(
        update,
        Signal::SIGINT,
        "reboots into it, uncommitted, as soon as it has written it; it rolls back 5m after that",
    )
    .await;
    let again = run_on(&ws(&device), &["update", DEMO]).await;
    assert_eq!(again.code, 0, "{}", again.shown());
    assert!(again.stderr.contains("resume    "), "{}", again.shown());
    assert_runs(&ws(&device), "2.0.0", true).await;
}

async fn assert_interrupted(update: RunningUpdate, signal: Signal, message: &str) {
    update.signal(signal);
    let (code, stderr, took) = update.wait_for_exit().await;
    assert_eq!(code, Some(130), "{stderr}");
    assert!(stderr.contains("error: interrupted: ") && stderr.contains(message), "{message}: {stderr}");
    assert!(stderr.contains("\nhint: "), "{stderr}");
    assert!(took < Duration::from_millis(500), "{took:?}");
}

/// otactl kills the program of the check, and reports the time that is left until the rollback.
#[tokio::test]
async fn interrupt_during_a_check_kills_its_program() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let fifo = fifo(scratch.path());
    let script = format!("sh -c 'sleep 60 > {} & wait'", fifo.display());
    let port = ws(&device);
    let mut update = RunningUpdate::start(&["--json", "--port", &port, "update", DEMO, "--check-cmd", &script]);
    update.wait_for_event("checking").await;
    let written = wait_for_writer(fifo).await;
    assert_interrupted(update, Signal::SIGINT, "the new firmware runs uncommitted; the device rolls back at ").await;
    wait_for_last_writer(written).await;
    assert_runs(&port, "2.0.0", false).await;
}

/// After SIGKILL at any step, the same command completes the update.
#[tokio::test]
async fn update_killed_at_any_step_commits_when_run_again() {
    let mut running = JoinSet::new();
    for event in ["device", "serving", "requested", "fetching", "applied", "rebooting", "back", "committing"] {
        running.spawn(async move {
            let device = simulator().await;
            let port = ws(&device);
            let mut update = RunningUpdate::start(&["--json", "--port", &port, "update", DEMO]);
            update.wait_for_event(event).await;
            update.signal(Signal::SIGKILL);
            update.wait_for_exit().await;
            let again = run_until_settled(&port).await;
            assert_eq!(again.code, 0, "killed after {event}: {}", again.shown());
            assert_runs(&port, "2.0.0", true).await;
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.expect("it commits");
    }
}

/// Runs the update until the device accepts it. A device that is still busy with the killed update refuses a second
/// one.
async fn run_until_settled(port: &str) -> Run {
    let started = Instant::now();
    loop {
        let run = run_on(port, &["update", DEMO, "--stall-timeout", "5s"]).await;
        if run.code != 7 || started.elapsed() > Duration::from_secs(10) {
            return run;
        }
        tokio::time::sleep(REBOOT).await;
    }
}
