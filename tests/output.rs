//! Readers of stdout and stderr that pause, are full, or are gone do not delay the work.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otactl::ota;
use otactl::sim::Config;
use serde_json::Value;
use socket2::SockRef;
use support::transports::device_at;
use support::{DEMO, REBOOT, assert_runs, otactl, running_device, simulator, simulator_with, ws};
use tokio::sync::broadcast::Receiver;

/// The limit of each step: the time for the last output lines, and what the commands themselves need.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// Returns a full stream, which accepts nothing until its reader reads, and that reader.
fn full_stream() -> (OwnedFd, UnixStream) {
    let (reader, mut writer) = UnixStream::pair().expect("a pair");
    writer.set_nonblocking(true).expect("set");
    while writer.write(&[b' '; 4096]).is_ok() {}
    // The remaining space is smaller than a page.
    while writer.write(b" ").is_ok() {}
    writer.set_nonblocking(false).expect("set");
    (writer.into(), reader)
}

/// Waits for the exit, while the simulated device continues.
async fn wait_for_exit(mut child: Child) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            return status;
        }
        if began.elapsed() > STEP_TIMEOUT {
            child.kill().expect("it runs");
            panic!("it has not ended within {STEP_TIMEOUT:?}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn read_text(mut stream: impl std::io::Read) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("readable");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Runs an update with `--json`, which succeeds, and returns what it writes to stderr.
async fn stderr_of_update(port: &str, stdout: impl Into<Stdio>) -> String {
    let mut child = otactl(&["--json", "--port", port, "update", DEMO])
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let stderr = child.stderr.take().expect("a pipe");
    assert_eq!(wait_for_exit(child).await.code(), Some(0));
    read_text(stderr)
}

/// The update succeeds although no event can be written.
#[tokio::test]
async fn update_with_full_stdout_commits_and_reports_the_loss() {
    let device = simulator().await;
    let (stdout, _reader) = full_stream();
    let stderr = stderr_of_update(&ws(&device), stdout).await;
    assert!(stderr.contains("could not be written to stdout: its reader took nothing for 3 s"), "{stderr}");
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[tokio::test]
async fn update_with_full_stderr_commits() {
    let device = simulator().await;
    for options in [&["-vv", "update", DEMO][..], &["--json", "-v", "update", DEMO, "--force"]] {
        let (stderr, _reader) = full_stream();
        let port = ws(&device);
        let child = otactl(&[&["--port", &port], options].concat()).stdout(Stdio::null()).stderr(stderr).spawn();
        assert_eq!(wait_for_exit(child.expect("it starts")).await.code(), Some(0), "{options:?}");
        assert_runs(&port, "2.0.0", true).await;
    }
}

/// A terminal that was stopped by Ctrl-S accepts no output either.
#[tokio::test]
async fn update_on_a_stopped_terminal_commits() {
    let device = simulator().await;
    let pty = openpty(None, None).expect("a pty");
    let mut terminal = File::from(pty.slave.try_clone().expect("a descriptor"));
    let filler = std::thread::spawn(move || while terminal.write_all(&[b'\n'; 4096]).is_ok() {});
    while !filler.is_finished() && !is_full(&pty.slave) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let child = otactl(&["--port", &ws(&device), "update", DEMO])
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(pty.slave)
        .spawn();
    assert_eq!(wait_for_exit(child.expect("it starts")).await.code(), Some(0));
    assert_runs(&ws(&device), "2.0.0", true).await;
    drop(pty.master);
}

/// Tells whether a terminal accepts no more output.
fn is_full(terminal: &OwnedFd) -> bool {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd as _;

    let mut fds = [PollFd::new(terminal.as_fd(), PollFlags::POLLOUT)];
    poll(&mut fds, PollTimeout::ZERO).expect("a terminal") == 0
}

/// A consumer that reads only after the commit still gets the last event.
#[tokio::test]
async fn consumer_that_reads_late_gets_the_last_event() {
    let device = simulator_with(Config { write_time: Duration::from_millis(1), ..running_device() }).await;
    let (stdout, reader) = full_stream();
    let port = ws(&device);
    let child = otactl(&["--json", "--port", &port, "update", "--via", "push", DEMO]).stdout(stdout).spawn();
    let child = child.expect("it starts");
    wait_for_line(&mut device.console(), "OTA.Commit").await;
    let reading = tokio::task::spawn_blocking(move || read_text(reader));
    assert_eq!(wait_for_exit(child).await.code(), Some(0));
    let stdout = reading.await.expect("no panic");
    let events: Vec<Value> = stdout
        .trim()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .collect();
    assert_eq!(events.first().map(|event| &event["event"]), Some(&"device".into()));
    assert_eq!(events.last().map(|event| &event["event"]), Some(&"done".into()));
}

/// Waits until the device prints a line with this start.
async fn wait_for_line(console: &mut Receiver<String>, begin: &str) {
    let line = async { while !console.recv().await.expect("a line").starts_with(begin) {} };
    tokio::time::timeout(STEP_TIMEOUT, line).await.unwrap_or_else(|_| panic!("the device prints no `{begin}`"));
}

#[tokio::test]
async fn update_with_a_broken_stdout_commits_and_reports_the_loss() {
    let device = simulator().await;
    let full_stream = File::options().write(true).open("/dev/full").expect("a device");
    let stderr = stderr_of_update(&ws(&device), full_stream).await;
    assert!(
        stderr.starts_with("warning: ")
            && stderr.contains("lines of events could not be written to stdout: No space left on device"),
        "{stderr}"
    );
    assert_runs(&ws(&device), "2.0.0", true).await;
}

/// The reader is gone, as with `| head -1`.
#[tokio::test]
async fn update_with_a_closed_stdout_commits_silently() {
    let device = simulator().await;
    let mut child = otactl(&["--json", "--port", &ws(&device), "update", DEMO])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop(child.stdout.take());
    let stderr = child.stderr.take().expect("a pipe");
    assert_eq!(wait_for_exit(child).await.code(), Some(0));
    assert_eq!(read_text(stderr), "");
    assert_runs(&ws(&device), "2.0.0", true).await;
}

#[tokio::test]
async fn signal_ends_an_update_with_full_outputs() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let device = simulator_with(Config { reboot_delay: Duration::from_secs(60), ..running_device() }).await;
        let mut console = device.console();
        let ((stdout, _out), (stderr, _err)) = (full_stream(), full_stream());
        let child =
            otactl(&["--json", "-v", "--port", &ws(&device), "update", DEMO]).stdout(stdout).stderr(stderr).spawn();
        let child = child.expect("it starts");
        wait_for_line(&mut console, "rebooting").await;
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a pid"));
        kill(pid, signal).expect("it runs");
        assert_eq!(wait_for_exit(child).await.code(), Some(130), "{signal}");
    }
}

/// The log of every command goes to stderr.
#[tokio::test]
async fn command_with_full_stderr_prints_its_result() {
    let device = simulator_with(Config { reboot_delay: REBOOT, ..running_device() }).await;
    let port = ws(&device);
    let mut children = Vec::new();
    for command in [
        &["ping"][..],
        &["info"],
        &["get-boot-state"],
        &["call", "Sys.GetInfo"],
        &["wait", "reachable"],
        &["set-boot-state", "--revert-slot", "1"],
        &["create-snapshot"],
    ] {
        let (stderr, reader) = full_stream();
        let child = otactl(&[&["-vv", "--port", &port][..], command].concat())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("it starts");
        children.push((command, child, reader));
    }
    for (command, mut child, _reader) in children {
        let stdout = child.stdout.take().expect("a pipe");
        assert_eq!(wait_for_exit(child).await.code(), Some(0), "{command:?}");
        let stdout = read_text(stdout);
        assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{command:?}: {stdout}");
    }
}

#[tokio::test]
async fn simulated_device_with_full_stderr_answers_and_ends_by_a_signal() {
    let (reader, stderr) = UnixStream::pair().expect("a pair");
    // With this size, a few lines fill the stream.
    SockRef::from(&stderr).set_send_buffer_size(1).expect("set");
    let child =
        otactl(&["simulate", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).stderr(OwnedFd::from(stderr)).spawn();
    let child = child.expect("it starts");
    let mut lines = BufReader::with_capacity(1, reader).lines();
    let first = lines.next().expect("a line").expect("readable");
    let port = first.split(' ').find(|word| word.starts_with("ws://")).expect("an address");
    let device = device_at(port, STEP_TIMEOUT);
    for _ in 0..1000 {
        device.call(ota::Ping {}).await.expect("a reply");
    }
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGTERM).expect("it runs");
    assert_eq!(wait_for_exit(child).await.code(), None, "the system ends it");
}

/// The result is the purpose of the command, so the command waits for its reader.
#[tokio::test]
async fn result_waits_for_its_reader_and_a_signal_ends_it() {
    let device = simulator().await;
    let start = || {
        let (stdout, reader) = full_stream();
        let child = otactl(&["--port", &ws(&device), "info"]).stdout(stdout).spawn().expect("it starts");
        (child, reader)
    };
    let mut console = device.console();
    let (child, reader) = start();
    wait_for_line(&mut console, "Sys.GetInfo").await;
    let reading = tokio::task::spawn_blocking(move || read_text(reader));
    assert_eq!(wait_for_exit(child).await.code(), Some(0));
    let stdout = reading.await.expect("no panic");
    assert!(stdout.trim_start().starts_with("{\n  \"id\""), "{stdout}");

    let (child, _reader) = start();
    wait_for_line(&mut console, "Sys.GetInfo").await;
    kill(Pid::from_raw(i32::try_from(child.id()).expect("a pid")), Signal::SIGINT).expect("it runs");
    assert_eq!(wait_for_exit(child).await.code(), None, "the system ends it");
}
