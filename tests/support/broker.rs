//! A real mosquitto broker for one test.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

use otactl::sim::ports::mqtt::{Library, MqttConfig};
use otactl::sim::{self, Simulator};
use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, PublishOptions, QoS};
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::certificates::Pair;
use super::simulator_with;

/// The user and the password of a broker with [`BrokerAccess::Password`].
pub const USER: &str = "bench";
pub const PASSWORD: &str = "bro:ker&pass";

/// The access rules of a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokerAccess {
    Anonymous,
    /// Requires [`USER`] and [`PASSWORD`].
    Password,
}

/// A broker on its own port. Ends when it is dropped.
///
/// The drop panics, so that the test fails, if no client has ever connected.
pub struct Broker {
    process: Child,
    /// Reads the log of the process. Returns whether a client has connected.
    log: Option<JoinHandle<bool>>,
    is_used: bool,
    pub port: u16,
    /// The port with TLS, if the broker has a certificate.
    pub tls_port: u16,
    directory: TempDir,
}

impl Broker {
    /// Starts a broker that accepts every client.
    pub fn start() -> Self {
        Self::with(BrokerAccess::Anonymous, None)
    }

    /// Starts a broker with these access rules. With a certificate, it also listens with TLS on a second port.
    pub fn with(access: BrokerAccess, certificate: Option<&Pair>) -> Self {
        loop {
            let directory = tempfile::tempdir().expect("a directory");
            let (port, tls_port) = (free_port(), free_port());
            write_config(directory.path(), port, certificate.map(|pair| (tls_port, pair)), access);
            // Another process may have taken the port meanwhile.
            if let Some((process, log)) = run(directory.path()) {
                return Self { process, log: Some(log), is_used: false, port, tls_port, directory };
            }
        }
    }

    /// Stops the broker, and starts it again on the same ports.
    pub fn restart(&mut self) {
        self.stop();
        let (process, log) = run(self.directory.path()).expect("the port is free again");
        (self.process, self.log) = (process, Some(log));
    }

    /// Stops the broker.
    pub fn stop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(log) = self.log.take() {
            self.is_used |= log.join().expect("no panic");
        }
    }

    /// Returns the address of the device with this name behind the broker.
    pub fn url(&self, device: &str) -> String {
        format!("mqtt://127.0.0.1:{}/{device}", self.port)
    }

    /// Starts a simulated device, and waits until it is connected to the broker.
    pub async fn device(&self, config: sim::Config, library: Library) -> Simulator {
        let mut device = simulator_with(config).await;
        let mut console = device.console();
        device.serve_mqtt(MqttConfig {
            host: "127.0.0.1".into(),
            port: self.port,
            login: Some((USER.into(), PASSWORD.into())),
            device: device.id().into(),
            library,
        });
        while console.recv().await.expect("the console") != "mqtt: connected" {}
        device
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
        // A second panic would abort the test process.
        if !std::thread::panicking() {
            assert!(self.is_used, "a broker was never used");
        }
    }
}

/// Another client of the broker.
pub struct Client {
    requests: AsyncClient,
    events: EventLoop,
    /// Messages that arrived while the client waited for another packet.
    queued: VecDeque<Publish>,
}

impl Client {
    pub async fn connect(broker: &Broker, id: &str) -> Self {
        let port = broker.port;
        let mut options = MqttOptions::new(id, ("127.0.0.1", port));
        options.set_socket_connector(move |_, _| async move {
            let stream = TcpStream::connect(("127.0.0.1", port)).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        });
        let (requests, events) = AsyncClient::builder(options).build();
        let mut this = Self { requests, events, queued: VecDeque::new() };
        this.wait_for_packet(|packet| matches!(packet, Packet::ConnAck(_))).await;
        this
    }

    /// Waits for a packet, and queues the messages that arrive before it.
    async fn wait_for_packet(&mut self, matches: impl Fn(&Packet) -> bool) {
        loop {
            match self.events.poll().await.expect("the broker is there") {
                Event::Incoming(packet) if matches(&packet) => return,
                Event::Incoming(Packet::Publish(message)) => self.queued.push_back(message),
                _ => {}
            }
        }
    }

    /// Returns the next message, in the order of arrival.
    pub async fn message(&mut self) -> Publish {
        loop {
            if let Some(message) = self.queued.pop_front() {
                return message;
            }
            if let Event::Incoming(Packet::Publish(message)) = self.events.poll().await.expect("the broker is there") {
                return message;
            }
        }
    }

    /// Publishes a message, and waits for the acknowledgement of the broker.
    pub async fn publish(&mut self, topic: &str, payload: impl Into<Vec<u8>>, options: PublishOptions) {
        self.requests.publish(topic, payload.into(), options).await.expect("room");
        self.wait_for_packet(|packet| matches!(packet, Packet::PubAck(_))).await;
    }

    pub async fn subscribe(&mut self, topic: &str) {
        self.requests.subscribe(topic, QoS::AtLeastOnce).await.expect("room");
        self.wait_for_packet(|packet| matches!(packet, Packet::SubAck(_))).await;
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

fn write_config(directory: &Path, port: u16, tls: Option<(u16, &Pair)>, access: BrokerAccess) {
    let mut config = format!("listener {port} 127.0.0.1\nset_tcp_nodelay true\nlog_dest stderr\n");
    if let Some((port, Pair { cert, key })) = tls {
        // Writing to a String cannot fail.
        let _ = writeln!(config, "listener {port} 127.0.0.1");
        let _ = writeln!(config, "certfile {}\nkeyfile {}", cert.display(), key.display());
    }
    match access {
        BrokerAccess::Anonymous => config += "allow_anonymous true\n",
        BrokerAccess::Password => {
            let passwords = directory.join("passwords");
            std::fs::write(&passwords, "").expect("written");
            let made =
                Command::new(program("mosquitto_passwd")).arg("-b").arg(&passwords).args([USER, PASSWORD]).status();
            assert!(made.expect("mosquitto_passwd").success());
            let _ = writeln!(config, "allow_anonymous false\npassword_file {}", passwords.display());
        }
    }
    // mosquitto that runs as root changes to a user that may not read these files.
    if nix::unistd::geteuid().is_root() {
        config += "user root\n";
    }
    std::fs::write(directory.join("mosquitto.conf"), config).expect("written");
}

/// Starts mosquitto and a thread that reads its log. The thread returns whether a client has connected.
///
/// Returns `None` if the port is in use.
fn run(directory: &Path) -> Option<(Child, JoinHandle<bool>)> {
    let mut process = Command::new(program("mosquitto"))
        .arg("-c")
        .arg(directory.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("mosquitto is installed by tests/run.sh");
    let mut log = BufReader::new(process.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
    if log.by_ref().any(|line| line.contains(" running")) {
        // mosquitto logs a line for each client. A full pipe would block it.
        let reader = std::thread::spawn(move || log.filter(|line| line.contains("New connection from ")).count() > 0);
        return Some((process, reader));
    }
    let _ = process.wait();
    None
}

/// Returns the path of a program. Debian installs servers in a directory that is not in the `PATH` of users.
pub fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"].map(|place| Path::new(place).join(name));
    places.into_iter().find(|path| path.exists()).unwrap_or_else(|| name.into())
}
