//! The transports to a device, with a simulated device or a scripted peer at the end of each.
//!
//! A new transport needs a variant of [`Transport`] with its two match arms, its properties, and a line in
//! conformance.rs.

use std::any::Any;
use std::ops::RangeInclusive;
use std::time::Duration;

use otactl::rpc::frame::MAX_REQUEST;
use otactl::rpc::{Device, RpcClient};
use otactl::sim::auth::{Algorithm, Auth};
use otactl::sim::{self, Config, Fault, Generation, Simulator};
use otactl::transport::udp::MAX_SENT;
use otactl::transport::{self, Options, mqtt, serial, tls};
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::broadcast;

#[cfg(unix)]
use super::broker::{Broker, BrokerAccess};
use super::certificates::Authority;
use super::script::{Player, ReceivedFrames, Script};
use super::server::{ServerTasks, bind};
use super::{recorded_device, scripted, simulator_with};

/// The timeout of a call, of a dial, and of a console line that is expected from a device.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);

/// A serial line speed that is fast enough for a whole firmware.
pub const BAUD_RATE: u32 = 921_600;

/// A password with a colon, a space and a character that is not ASCII.
pub const PASSWORD: &str = "pa:ss wörd";

/// A transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Http,
    Tcp,
    Udp,
    #[cfg(unix)]
    Serial,
    #[cfg(unix)]
    Mqtt,
    WebSocketTls,
    HttpTls,
    #[cfg(unix)]
    MqttTls,
}

/// The authentication that the device requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAuth {
    Open,
    Md5,
    Sha256,
}

/// A transport with a configuration of the device behind it.
#[derive(Debug, Clone, Copy)]
pub struct Setup {
    pub transport: Transport,
    pub auth: DeviceAuth,
    pub generation: Generation,
    /// The reply to a success without a value has no `result`.
    pub omits_result: bool,
}

impl Transport {
    /// The transports without TLS. TLS below them changes little.
    pub const PLAIN: &[Self] = &[
        Self::WebSocket,
        Self::Http,
        Self::Tcp,
        Self::Udp,
        #[cfg(unix)]
        Self::Serial,
        #[cfg(unix)]
        Self::Mqtt,
    ];

    /// Tells whether the transport itself pairs replies with requests. HTTP has room for one reply, and for nothing
    /// else.
    pub fn pairs_by_itself(self) -> bool {
        matches!(self, Self::Http | Self::HttpTls)
    }

    /// Tells whether frames share the transport with console lines. Everything that is not a frame then counts as a
    /// console line.
    pub fn has_console(self) -> bool {
        #[cfg(unix)]
        if self == Self::Serial {
            return true;
        }
        self == Self::Tcp
    }

    /// Returns the possible limits of a request over this transport, in bytes. A request has to be smaller than the limit.
    pub fn request_limits(self) -> RangeInclusive<usize> {
        match self {
            Self::Udp => MAX_SENT + 1..=MAX_SENT + 1,
            // The HTTP head takes some of the limit.
            Self::Http | Self::HttpTls => 2500..=MAX_REQUEST,
            _ => MAX_REQUEST..=MAX_REQUEST,
        }
    }

    /// Tells whether the device can close a connection.
    pub fn has_connection(self) -> bool {
        self != Self::Udp && !self.has_broker()
    }

    /// Tells whether a broker carries the frames. The broker stays connected when the device goes.
    pub fn has_broker(self) -> bool {
        #[cfg(unix)]
        return matches!(self, Self::Mqtt | Self::MqttTls);
        #[cfg(not(unix))]
        false
    }

    /// Tells whether a frame can be lost, or come from any sender, without an error.
    pub fn is_lossy(self) -> bool {
        #[cfg(unix)]
        if self == Self::Serial {
            return true;
        }
        self == Self::Udp || self.has_broker()
    }

    /// Starts a simulated device behind this transport.
    pub async fn simulated(self, config: Config) -> Bench {
        #[cfg(unix)]
        if self.has_broker() {
            return self.simulated_behind_broker(config).await;
        }
        let mut device = simulator_with(config).await;
        let port = match self {
            Self::WebSocketTls | Self::HttpTls => {
                let authority = Authority::new();
                let pair = authority.sign("127.0.0.1");
                let tls = tls::server_config(&pair.cert, &pair.key).expect("a usable certificate");
                let (listener, address) = bind().await;
                device.serve_tls(listener, tls);
                let scheme = if self == Self::HttpTls { "https" } else { "wss" };
                let bench = Bench::new(format!("{scheme}://{address}"), device, ());
                return Bench { ca: Some(authority), ..bench };
            }
            Self::WebSocket => format!("ws://{}", device.address()),
            Self::Http => format!("http://{}", device.address()),
            Self::Tcp => {
                let (listener, address) = bind().await;
                device.serve_tcp(listener);
                format!("tcp://{address}")
            }
            Self::Udp => {
                let socket = socket().await;
                let port = format!("udp://{}", socket.local_addr().expect("an address"));
                device.serve_udp(socket);
                port
            }
            #[cfg(unix)]
            Self::Serial => {
                let port = device.serve_serial(sim::ports::uart::UartConfig::default()).expect("a pseudo terminal");
                port.display().to_string()
            }
            #[cfg(unix)]
            Self::Mqtt | Self::MqttTls => unreachable!("it has a broker"),
        };
        Bench::new(port, device, ())
    }

    /// Starts a simulated device whose serial line is fast enough for a whole firmware. Connect to it with [`device_at`].
    pub async fn simulated_fast(self, config: Config) -> Bench {
        #[cfg(unix)]
        if self == Self::Serial {
            let mut device = simulator_with(config).await;
            let line = sim::ports::uart::UartConfig { baud_rate: BAUD_RATE, ..sim::ports::uart::UartConfig::default() };
            let port = device.serve_serial(line).expect("a pseudo terminal").display().to_string();
            return Bench::new(port, device, ());
        }
        self.simulated(config).await
    }

    /// Starts a simulated device with the current MQTT library behind its own broker.
    #[cfg(unix)]
    async fn simulated_behind_broker(self, config: Config) -> Bench {
        let authority = Authority::new();
        let broker = Broker::with(BrokerAccess::Anonymous, Some(&authority.sign("127.0.0.1")));
        let device = broker.device(config, sim::ports::mqtt::Library::Twice).await;
        let port = match self {
            Self::MqttTls => format!("mqtts://127.0.0.1:{}/{}", broker.tls_port, device.id()),
            _ => broker.url(device.id()),
        };
        Bench { ca: Some(authority), has_broker: true, ..Bench::new(port, device, broker) }
    }

    /// Starts a peer behind this transport that plays a script.
    pub async fn scripted(self, script: Script) -> Scripted {
        let mut tasks = ServerTasks::new();
        let (player, received) = Player::new(script, tasks.record());
        #[cfg(unix)]
        if self == Self::Serial {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("board");
            scripted::serial(&mut tasks, path.clone(), player);
            let port = path.display().to_string();
            return Scripted { port, received, tasks, _held: Box::new(directory) };
        }
        #[cfg(unix)]
        if self == Self::Mqtt {
            let broker = Broker::start();
            scripted::mqtt(&mut tasks, broker.port, player).await;
            return Scripted { port: broker.url("dev"), received, tasks, _held: Box::new(broker) };
        }
        if self == Self::Udp {
            let socket = socket().await;
            let port = format!("udp://{}", socket.local_addr().expect("an address"));
            scripted::udp(&mut tasks, socket, player);
            return Scripted { port, received, tasks, _held: Box::new(()) };
        }
        let (listener, address) = bind().await;
        let (scheme, play): (_, fn(&mut ServerTasks, TcpListener, Player)) = match self {
            Self::WebSocket => ("ws", scripted::websocket),
            Self::Http => ("http", scripted::http),
            _ => ("tcp", scripted::tcp),
        };
        play(&mut tasks, listener, player);
        Scripted { port: format!("{scheme}://{address}"), received, tasks, _held: Box::new(()) }
    }
}

async fn socket() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.expect("a port")
}

impl Setup {
    /// Starts the recorded device with the authentication and the generation of this setup.
    pub async fn start(self) -> Bench {
        let algorithm = match self.auth {
            DeviceAuth::Open => None,
            DeviceAuth::Md5 => Some(Algorithm::Md5),
            DeviceAuth::Sha256 => Some(Algorithm::Sha256),
        };
        let auth = algorithm.map(|algorithm| Auth {
            user: "admin".into(),
            password: PASSWORD.into(),
            realm: "My, Realm".into(),
            algorithm,
        });
        let faults = if self.omits_result { vec![Fault::NoResult] } else { vec![] };
        self.transport.simulated(Config { auth, generation: self.generation, faults, ..recorded_device() }).await
    }

    /// Returns the credentials that the device requires.
    pub fn credentials(self) -> Option<String> {
        (self.auth != DeviceAuth::Open).then(|| format!("admin:{PASSWORD}"))
    }

    /// Starts the device, and returns it together with typed calls with the right credentials.
    pub async fn device(self) -> (Bench, Device) {
        let bench = self.start().await;
        let device = bench.device(self.credentials().as_deref());
        (bench, device)
    }
}

/// A simulated device behind a transport.
pub struct Bench {
    pub port: String,
    pub simulator: Simulator,
    console: broadcast::Receiver<String>,
    /// The authority that has signed the certificate of the device, if it has one.
    ca: Option<Authority>,
    has_broker: bool,
    /// Keeps the other parts of the transport alive, such as a broker.
    _held: Box<dyn Any + Send>,
}

impl Bench {
    pub fn new(port: String, simulator: Simulator, held: impl Any + Send) -> Self {
        let console = simulator.console();
        Self { port, simulator, console, ca: None, has_broker: false, _held: Box::new(held) }
    }

    /// Returns typed calls over a new connection.
    pub fn device(&self, credentials: Option<&str>) -> Device {
        let credentials = credentials.map(|text| text.parse().expect("credentials"));
        let ca_cert_file = self.ca.as_ref().map(|ca| ca.file().into());
        let tls = tls::TlsSettings { ca_cert_file, ..tls::TlsSettings::default() };
        let client = client(&self.port, &Options { tls, ..options() });
        Device::new(client, CALL_TIMEOUT).with_credentials(credentials)
    }

    /// Waits until the device prints a line with this start, and returns the line.
    pub async fn wait_for_line(&mut self, begin: &str) -> String {
        let printed = async {
            loop {
                match self.console.recv().await.expect("the console") {
                    line if line.starts_with(begin) => return line,
                    _ => {}
                }
            }
        };
        let line = tokio::time::timeout(CALL_TIMEOUT, printed).await;
        line.unwrap_or_else(|_| panic!("{}: the device prints no `{begin}`", self.port))
    }

    /// Waits until the device has rebooted, and drops the link that the reboot has cut.
    pub async fn wait_for_reboot(&mut self, device: &Device) {
        self.wait_for_line("rebooting").await;
        self.wait_for_line("slot ").await;
        if self.has_broker {
            self.wait_for_line("mqtt: connected").await;
        }
        device.drop_link();
    }

    /// Returns the lines that the device has printed since the last call. The called methods are among them.
    pub fn take_printed(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.console.try_recv().ok()).collect()
    }
}

/// A scripted peer behind a transport. Ends when it is dropped.
pub struct Scripted {
    pub port: String,
    pub received: ReceivedFrames,
    tasks: ServerTasks,
    _held: Box<dyn Any + Send>,
}

impl Scripted {
    /// Accepts that no client uses the peer.
    pub fn may_stay_unused(self) -> Self {
        Self { tasks: self.tasks.may_stay_unused(), ..self }
    }

    /// Returns typed calls over a new connection.
    pub fn device(&self) -> Device {
        // With a fixed framing and topic, otactl sends no requests of its own to a peer that is silent on purpose.
        let serial = serial::SerialSettings { framing: serial::Framing::Line, ..serial::SerialSettings::default() };
        let mqtt = mqtt::MqttSettings { pub_topic: Some("dev/rpc".into()), ..mqtt::MqttSettings::default() };
        Device::new(client(&self.port, &Options { serial, mqtt, ..options() }), CALL_TIMEOUT)
    }
}

/// Returns typed calls with this timeout to the device at `port`. A serial port has the speed [`BAUD_RATE`].
pub fn device_at(port: &str, timeout: Duration) -> Device {
    device_behind(port, timeout, mqtt::MqttSettings::default())
}

/// Returns typed calls with this timeout and these settings of MQTT to the device at `port`.
pub fn device_behind(port: &str, timeout: Duration, mqtt: mqtt::MqttSettings) -> Device {
    let serial = serial::SerialSettings { baud_rate: BAUD_RATE, ..serial::SerialSettings::default() };
    Device::new(client(port, &Options { connect_timeout: timeout, serial, mqtt, ..Options::default() }), timeout)
}

fn options() -> Options {
    Options { connect_timeout: CALL_TIMEOUT, ..Options::default() }
}

/// Connects to this port as the command line does.
fn client(port: &str, options: &Options) -> Box<dyn RpcClient> {
    let target = port.parse().unwrap_or_else(|e| panic!("{port}: {e}"));
    transport::connect(&target, options).unwrap_or_else(|e| panic!("{port}: {e}"))
}
