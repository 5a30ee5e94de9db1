//! Connects to the device that options and environment name.

use std::cell::OnceCell;
use std::io;
use std::path::PathBuf;

use otactl::rpc::{Credentials, Device};
use otactl::secrets;
use otactl::sim::{self, Simulator};
use otactl::transport::framing::Delimiter;
use otactl::transport::serial::{Framing, SerialSettings};
use otactl::transport::target::{Login, Target};
use otactl::transport::{self, Options, serial};
use otactl::update::web_client::{Proxies, WebClient};
use tokio::net::{TcpListener, UdpSocket};
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::failure::{Failure, FailureKind};
use super::global_args::GlobalArgs;
use super::output::Output;
use super::target_arg::{SimulatedOver, TargetArg};
use super::{credentials, environment};

/// The options and the output of a command, and the device that it uses.
#[derive(Debug)]
pub(crate) struct Context {
    global: GlobalArgs,
    pub(crate) output: Output,
    /// The credentials of `--rpc-creds` or OTACTL_RPC_CREDS after they were read, so that there is one prompt for any number of
    /// devices.
    credentials: OnceCell<Option<Credentials>>,
    /// The simulated device of `--port sim:`, which runs as long as the command.
    simulator: OnceCell<Simulator>,
}

impl Context {
    /// Creates the context of a command. Sets up the log if `--verbose` is given.
    pub(crate) fn new(global: GlobalArgs, output: Output) -> Self {
        match global.verbose {
            0 => {}
            1 => log(Level::DEBUG, &output),
            _ => log(Level::TRACE, &output),
        }
        Self { global, output, credentials: OnceCell::new(), simulator: OnceCell::new() }
    }

    /// Returns the address of the device. Starts the device if it is a simulated one.
    pub(crate) async fn target(&self) -> Result<Target, Failure> {
        let Some(port) = self.given_port()? else {
            return self.first_serial_port();
        };
        match port.parse()? {
            TargetArg::Simulated(over) => self.simulated(over).await,
            TargetArg::Device(target) => Ok(target),
        }
    }

    fn given_port(&self) -> Result<Option<String>, Failure> {
        match &self.global.port {
            Some(port) => Ok(Some(port.clone())),
            None => environment::variable("MOS_PORT"),
        }
    }

    /// Returns the `--port` with which a child program reaches the same device.
    ///
    /// This is the port that the user gave, except for a simulated device in this process.
    pub(crate) fn port(&self, target: &Target) -> String {
        // `target` has reported an unreadable variable before.
        match self.given_port().ok().flatten() {
            Some(port) if self.simulator.get().is_none() => port,
            _ => target.to_string(),
        }
    }

    /// Returns the first USB serial port, for a command without `--port`.
    fn first_serial_port(&self) -> Result<Target, Failure> {
        let mut ports = serial::find::available();
        if ports.is_empty() {
            return Err(Failure::new(FailureKind::Usage, "no device given, and no USB serial port found").hint(
                "plug the board in, or name the device with `--port ws://ADDRESS` or OTACTL_PORT; `--port sim:` simulates \
                 one",
            ));
        }
        let first = ports.remove(0);
        let others: Vec<_> = ports.iter().map(|port| port.display().to_string()).collect();
        self.output.status(&match others.as_slice() {
            [] => format!("taking {}", first.display()),
            others => format!("taking {}; there is also {}: choose with `--port`", first.display(), others.join(", ")),
        });
        Ok(Target::Serial(first))
    }

    async fn simulated(&self, over: SimulatedOver) -> Result<Target, Failure> {
        const ANY_PORT: (&str, u16) = ("127.0.0.1", 0);

        let failed = |error: io::Error| cannot_start(&error);
        let listener = TcpListener::bind(ANY_PORT).await.map_err(failed)?;
        let mut simulator = Simulator::start(sim::Config::default(), listener).map_err(failed)?;
        let target: Target = match over {
            SimulatedOver::WebSocket => format!("ws://{}", simulator.address()).parse()?,
            SimulatedOver::Http => format!("http://{}", simulator.address()).parse()?,
            SimulatedOver::Tcp => {
                let listener = TcpListener::bind(ANY_PORT).await.map_err(failed)?;
                let address = listener.local_addr().map_err(failed)?;
                simulator.serve_tcp(listener);
                format!("tcp://{address}").parse()?
            }
            SimulatedOver::Udp => {
                let socket = UdpSocket::bind(ANY_PORT).await.map_err(failed)?;
                let address = socket.local_addr().map_err(failed)?;
                simulator.serve_udp(socket);
                format!("udp://{address}").parse()?
            }
            SimulatedOver::Serial => Target::Serial(self.serve_serial(&mut simulator, false)?),
        };
        self.output.status(&format!("simulating {} at {target}", simulator.id()));
        // The cell is empty: a command determines its target once.
        let _ = self.simulator.set(simulator);
        Ok(target)
    }

    /// Serves a simulated device on a serial port with the settings of the options for serial ports.
    #[cfg(unix)]
    pub(crate) fn serve_serial(&self, simulator: &mut Simulator, console_noise: bool) -> Result<PathBuf, Failure> {
        let SerialSettings { baud_rate, framing, .. } = self.global.serial.settings();
        let only = match framing {
            Framing::Auto => None,
            Framing::Line => Some(Delimiter::Line),
            Framing::Quoted => Some(Delimiter::Quoted),
        };
        let config =
            sim::ports::uart::UartConfig { baud_rate, only, console_noise, ..sim::ports::uart::UartConfig::default() };
        simulator.serve_serial(config).map_err(|error| cannot_start(&error))
    }

    #[cfg(not(unix))]
    pub(crate) fn serve_serial(&self, _: &mut Simulator, _: bool) -> Result<PathBuf, Failure> {
        Err(Failure::new(FailureKind::Usage, "a serial port can be simulated on Unix only")
            .hint("simulate the device on another port, such as `--tcp 127.0.0.1:0`"))
    }

    /// Returns the device of `--port`. The first call opens the connection.
    pub(crate) async fn device(&self) -> Result<Device, Failure> {
        let target = self.target().await?;
        self.connect(&target)
    }

    /// Returns the device at `target`. The first call opens the connection.
    pub(crate) fn connect(&self, target: &Target) -> Result<Device, Failure> {
        if let Some(Login { user, password: Some(password) }) = target.login() {
            secrets::remember_login(user, password);
        }
        let mut options = self.options()?;
        if let Target::Mqtt(endpoint) = target {
            options.mqtt = self.global.mqtt.settings(endpoint)?;
        }
        let client = transport::connect(target, &options)?;
        if options.tls.insecure {
            self.output.warn("--insecure: the device's TLS certificate is not checked");
        }
        Ok(Device::new(client, self.global.timeout).with_credentials(self.credentials()?))
    }

    fn credentials(&self) -> Result<Option<Credentials>, Failure> {
        if let Some(credentials) = self.credentials.get() {
            return Ok(credentials.clone());
        }
        let credentials = credentials::read(self.global.rpc_creds.as_deref(), &self.output)?;
        Ok(self.credentials.get_or_init(|| credentials).clone())
    }

    /// Returns an HTTP client. Requests to the hosts of `--port` and `other_port` bypass the proxy.
    pub(crate) fn web_client(&self, other_port: Option<&str>) -> Result<WebClient, Failure> {
        let given = self.given_port()?;
        let targets = [given.as_deref(), other_port].into_iter().flatten().filter_map(|port| port.parse().ok());
        let hosts = targets.filter_map(|target: Target| target.device_host().map(|(host, _)| host));
        Ok(WebClient::new(self.options()?.tls, Proxies::of_system(hosts.collect())))
    }

    /// Returns the connection options.
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        Ok(Options {
            // Shorter than the timeout of the call: an unreachable host is reported as such, and not as a device without a reply.
            connect_timeout: self.global.timeout.mul_f64(0.9),
            tls: self.global.tls.settings()?,
            serial: self.global.serial.settings(),
            ..Options::default()
        })
    }
}

fn cannot_start(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot start the simulated device: {error}"))
}

/// Sets up the log of otactl. The logs of libraries are left out: they contain URLs with passwords.
fn log(level: Level, output: &Output) {
    let layer = tracing_subscriber::fmt::layer()
        .with_writer({
            let output = output.clone();
            move || output.log()
        })
        .with_ansi(output.is_colourful())
        .with_target(false)
        .without_time()
        // If stderr is closed, there is no stream for the error either.
        .log_internal_errors(false);
    let own_events = Targets::new().with_target("otactl", level);
    tracing_subscriber::registry().with(layer.with_filter(own_events)).init();
}
