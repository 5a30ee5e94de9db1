//! SIGHUP: the terminal or connection of otactl closes before otactl ends. The tests use a real terminal and `nohup`.
#![cfg(target_os = "linux")]

mod support;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otactl::ota::{self, UpdateState};
use otactl::sim::Config;
use serde_json::Value;
use support::fifo::{fifo, wait_for_last_writer, wait_for_writer};
use support::transports::device_at;
use support::{DEMO, assert_runs, otactl, running_device, simulator, simulator_with, ws};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A run of the binary. The test reads its events while it runs.
struct RunningBinary {
    child: Child,
    events: Lines<BufReader<ChildStdout>>,
}

impl RunningBinary {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let events = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, events }
    }

    /// Starts the binary as the leader of its own session on this terminal.
    fn on_terminal(terminal: &OwnedFd, args: &[&str]) -> Self {
        let binary = otactl(args);
        let mut command = Command::new("setsid");
        command.arg("--ctty").arg(binary.get_program()).args(binary.get_args());
        let descriptor = || terminal.try_clone().expect("a descriptor");
        command.stdin(descriptor()).stderr(descriptor());
        Self::start(command)
    }

    /// Waits for the event `name`.
    async fn wait_for_event(&mut self, name: &str) -> Value {
        let seen = async {
            loop {
                let event = self.next().await.unwrap_or_else(|| panic!("it ended without {name}"));
                if event["event"] == name {
                    return event;
                }
            }
        };
        tokio::time::timeout(STEP_TIMEOUT, seen).await.unwrap_or_else(|_| panic!("no {name} in time"))
    }

    async fn next(&mut self) -> Option<Value> {
        let line = self.events.next_line().await.expect("readable")?;
        Some(serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line}")))
    }

    async fn code(mut self) -> Option<i32> {
        tokio::time::timeout(STEP_TIMEOUT, self.child.wait()).await.expect("it ends in time").expect("a status").code()
    }
}

/// Returns both ends of a terminal. No started program inherits the master, so that dropping it closes the terminal.
fn terminal() -> (PtyMaster, OwnedFd) {
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).expect("a pty");
    grantpt(&master).expect("granted");
    unlockpt(&master).expect("unlocked");
    let slave = File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOCTTY.bits())
        .open(ptsname_r(&master).expect("a name"));
    (master, slave.expect("a terminal").into())
}

/// Returns the configuration of a device for which a push takes several seconds.
fn slow_device() -> Config {
    Config { write_time: Duration::from_millis(50), ..running_device() }
}

#[tokio::test]
async fn closed_terminal_cancels_a_push_on_the_device() {
    let device = simulator_with(slow_device()).await;
    let port = ws(&device);
    let (master, slave) = terminal();
    let mut run = RunningBinary::on_terminal(&slave, &["--json", "--port", &port, "update", "--via", "push", DEMO]);
    drop(slave);
    run.wait_for_event("sent").await;
    drop(master);
    let last = run.wait_for_event("failed").await;
    assert_eq!((&last["outcome"], &last["exit_code"]), (&"interrupted".into(), &130.into()), "{last}");
    assert_eq!(run.code().await, Some(130));
    let status = device_at(&port, STEP_TIMEOUT).call(ota::GetStatus {}).await.expect("a status");
    assert_eq!(status.state, UpdateState::Idle, "otactl cancelled the update on the device");
}

#[tokio::test]
async fn closed_terminal_ends_the_program_of_a_check() {
    let (device, scratch) = (simulator().await, tempfile::tempdir().expect("a directory"));
    let fifo = fifo(scratch.path());
    let script = format!("sh -c 'trap \"\" HUP; sleep 60 > {} & wait'", fifo.display());
    let port = ws(&device);
    let (master, slave) = terminal();
    let mut run =
        RunningBinary::on_terminal(&slave, &["--json", "--port", &port, "update", DEMO, "--check-cmd", &script]);
    drop(slave);
    run.wait_for_event("checking").await;
    let written = wait_for_writer(fifo).await;
    drop(master);
    let last = run.wait_for_event("failed").await;
    assert_eq!(last["outcome"], "interrupted", "{last}");
    assert_eq!(run.code().await, Some(130));
    wait_for_last_writer(written).await;
    assert_runs(&port, "2.0.0", false).await;
}

/// otactl does not cancel the update, which continues to its end.
#[tokio::test]
async fn update_under_nohup_outlives_a_hang_up() {
    let device = simulator_with(Config { write_time: Duration::from_millis(2), ..running_device() }).await;
    let port = ws(&device);
    let binary = otactl(&["--json", "--port", &port, "update", "--via", "push", DEMO]);
    let mut command = Command::new("nohup");
    command.arg(binary.get_program()).args(binary.get_args()).stdin(Stdio::null()).stderr(Stdio::null());
    let mut run = RunningBinary::start(command);
    run.wait_for_event("sent").await;
    let pid = i32::try_from(run.child.id().expect("it runs")).expect("a pid");
    kill(Pid::from_raw(pid), Signal::SIGHUP).expect("it runs");
    run.wait_for_event("done").await;
    assert_eq!(run.code().await, Some(0));
    assert_runs(&port, "2.0.0", true).await;
}

/// Other commands have nothing to clean up: the system ends them, and `nohup` protects them.
#[tokio::test]
async fn simulated_device_ends_with_its_terminal_and_not_under_nohup() {
    for (wrapper, lives) in [("env", false), ("nohup", true)] {
        let binary = otactl(&["simulate", "--listen", "127.0.0.1:0"]);
        let mut command = Command::new(wrapper);
        command.arg(binary.get_program()).args(binary.get_args()).stdin(Stdio::null()).stdout(Stdio::null());
        let mut child = command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let mut port = None;
        while port.is_none() {
            let line = lines.next_line().await.expect("readable").expect("a line");
            port = line.split(' ').find(|word| word.starts_with("ws://")).map(ToOwned::to_owned);
        }
        let device = device_at(&port.unwrap_or_default(), STEP_TIMEOUT);
        device.call(ota::Ping {}).await.expect("a reply");
        let pid = i32::try_from(child.id().expect("it runs")).expect("a pid");
        kill(Pid::from_raw(pid), Signal::SIGHUP).expect("it runs");
        if lives {
            device.call(ota::Ping {}).await.expect("a reply");
        } else {
            let status =
                tokio::time::timeout(STEP_TIMEOUT, child.wait()).await.expect("it ends in time").expect("a status");
            assert_eq!(status.code(), None, "the system ends it");
        }
    }
}
