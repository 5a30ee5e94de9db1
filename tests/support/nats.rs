//! A real NATS server as an MQTT broker. Before version 2.10 it closes the connection on a topic with a dot.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// A NATS server on its own port. Ends when it is dropped.
pub struct Nats {
    process: Child,
    pub port: u16,
    version: String,
    _directory: TempDir,
}

impl Nats {
    /// Starts the server. Returns `None` if `nats-server` is not installed: not every package manager has it
    /// (tests/run.sh).
    pub fn start() -> Option<Self> {
        let directory = tempfile::tempdir().expect("a directory");
        let store = directory.path().join("jetstream").display().to_string();
        let config = format!(
            "server_name: test\nhost: 127.0.0.1\nport: -1\njetstream {{ store_dir: \"{store}\" }}\n\
             mqtt {{ host: 127.0.0.1, port: -1 }}\n"
        );
        let path = directory.path().join("nats.conf");
        std::fs::write(&path, config).expect("written");
        let started = Command::new(super::broker::program("nats-server"))
            .arg("-c")
            .arg(&path)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        let mut process = match started {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
            started => started.expect("it starts"),
        };
        let mut log = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let version =
            log.by_ref().find_map(|line| line.split_once("Version:").map(|(_, version)| version.trim().to_owned()));
        let line = log.by_ref().find(|line| line.contains("mqtt://")).expect("it listens");
        let port = line.rsplit(':').next().and_then(|port| port.trim().parse().ok()).expect("a port");
        assert!(log.by_ref().any(|line| line.contains("Server is ready")));
        // A full pipe would block the server.
        std::thread::spawn(move || log.count());
        Some(Self { process, port, version: version.expect("it says its version"), _directory: directory })
    }

    /// Tells whether this version closes the connection on a topic with a dot.
    pub fn refuses_dots(&self) -> bool {
        let mut numbers = self.version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        (numbers.next(), numbers.next()) < (Some(2), Some(10))
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
