//! Helpers that the tests share.
//!
//! - Devices: simulated devices, scripted peers, peers that misbehave, and [`transports`] to any of them.
//! - Servers: recorded bundles, a real broker, proxies, certificates.
//! - Recordings and their replay.
//! - The built binary, what it printed, and [`terminal`]s to run it on.
#![allow(clippy::allow_attributes, dead_code, unreachable_pub, reason = "each test file uses its own share of this")]

#[cfg(unix)]
pub mod broker;
pub mod bundles;
pub mod calls;
pub mod certificates;
pub mod event_log;
pub mod fake_device;
#[cfg(unix)]
pub mod fifo;
pub mod firmware_host;
pub mod frames;
pub mod gate;
pub mod https;
#[cfg(unix)]
pub mod nats;
pub mod openssl;
pub mod outage;
pub mod peers;
pub mod proxy;
pub mod recording;
pub mod replay;
pub mod script;
pub mod scripted;
pub mod server;
pub mod signed;
pub mod strict_broker;
#[cfg(unix)]
pub mod terminal;
pub mod transports;
pub mod web_server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use otactl::sim::auth::{Algorithm, Auth};
use otactl::sim::{Config, Firmware, Generation, Services, Simulator};
use tokio::net::{TcpListener, UdpSocket};

/// The duration of a reboot in most tests.
pub const REBOOT: Duration = Duration::from_millis(50);

/// Returns the path of a file of the repository.
pub fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The path of the demo bundle.
pub const DEMO: &str = "tests/fixtures/demo-2.0.0-esp32.zip";

/// The build of the demo bundle.
pub const DEMO_BUILD: &str = "2.0.0 (20240202-020202/g234b2a65)";

/// Starts a simulated device with quick reboots.
pub async fn simulator() -> Simulator {
    simulator_with(Config { reboot_delay: REBOOT, ..Config::default() }).await
}

/// Starts a simulated device.
pub async fn simulator_with(config: Config) -> Simulator {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    Simulator::start(config, listener).expect("a device")
}

/// Returns the configuration of the recorded device with the engine of this generation.
pub fn recorded_device_of(generation: Generation) -> Config {
    Config { generation, ..recorded_device() }
}

/// Returns the configuration of the device on which the bytes of 2018 were recorded.
pub fn recorded_device() -> Config {
    Config {
        generation: Generation::Y2018,
        services: Services::RECORDED,
        factory: Firmware { app: "mgdev".into(), ..Config::default().factory },
        reboot_delay: REBOOT,
        ..Config::default()
    }
}

/// Returns the configuration of a device with quick reboots that has run for 1000 s.
///
/// Only after such a time does a reboot show in the uptime.
pub fn running_device() -> Config {
    Config { running_for: Duration::from_secs(1000), reboot_delay: REBOOT, ..Config::default() }
}

/// Starts a simulated device on all network ports, and returns their addresses: `ws`, `http`, `tcp`, `udp`.
pub async fn simulator_everywhere(config: Config) -> (Simulator, Vec<String>) {
    let mut device = simulator_with(config).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let tcp = listener.local_addr().expect("an address");
    device.serve_tcp(listener);
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let udp = socket.local_addr().expect("an address");
    device.serve_udp(socket);
    let ports = vec![
        format!("ws://{}", device.address()),
        format!("http://{}", device.address()),
        format!("tcp://{tcp}"),
        format!("udp://{udp}"),
    ];
    (device, ports)
}

/// Returns the configuration of a device on which the cases with credentials were recorded. Its clock shows about the
/// time of the recording.
pub fn recorded_device_with_auth(id: &str, algorithm: Algorithm) -> Config {
    let auth: Auth = "admin:secret:myrealm".parse().expect("credentials");
    Config { id: id.into(), auth: Some(Auth { algorithm, ..auth }), clock: Some(1_795_417_276), ..recorded_device() }
}

/// Returns a command that runs the built binary, without the environment variables that otactl reads.
pub fn otactl(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_otactl"));
    command.args(args).stdin(Stdio::null()).current_dir(env!("CARGO_MANIFEST_DIR"));
    // All variables of otactl: a new option brings a new one.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTACTL_")) {
        command.env_remove(name);
    }
    for variable in [
        "MOS_PORT",
        "GITHUB_ACTIONS",
        "GITHUB_STEP_SUMMARY",
        "NO_COLOR",
        "CLICOLOR_FORCE",
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
    ] {
        command.env_remove(variable);
    }
    // A directory without a configuration file, and one for what completions offer.
    command.env("XDG_CONFIG_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command.env_remove("COMPLETE");
    command
}

/// The result of a run of the binary: exit code, stdout and stderr.
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    fn new(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Returns all of it as one text for snapshots and messages.
    pub fn shown(&self) -> String {
        format!("exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Runs the binary to its end. The tasks of the test continue meanwhile.
pub async fn run(args: &[&str]) -> Run {
    finish(otactl(args)).await
}

/// Runs a command to its end. The tasks of the test continue meanwhile.
pub async fn finish(mut command: Command) -> Run {
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    Run::new(&output)
}

/// Runs the binary against the device at `port`.
pub async fn run_on(port: &str, args: &[&str]) -> Run {
    run(&[&["--port", port], args].concat()).await
}

/// Returns the WebSocket address of the device.
pub fn ws(device: &Simulator) -> String {
    format!("ws://{}", device.address())
}

/// Checks that the device itself reports this version and this commit state.
pub async fn assert_runs(port: &str, version: &str, committed: bool) {
    let info = run_on(port, &["--json", "info"]).await;
    let state = run_on(port, &["--json", "get-boot-state"]).await;
    assert!(info.stdout.contains(&format!("\"fw_version\":\"{version}\"")), "{}", info.shown());
    assert!(state.stdout.contains(&format!("\"is_committed\":{committed}")), "{}", state.shown());
}
