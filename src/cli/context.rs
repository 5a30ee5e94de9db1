//! Connects to the device that options and environment name.

use std::cell::{OnceCell, RefCell};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args as _, FromArgMatches as _};
use otactl::rpc::Device;
use otactl::secrets;
use otactl::sim::{self, Simulator};
use otactl::transport::framing::Delimiter;
use otactl::transport::serial::{Framing, SerialSettings};
use otactl::transport::target::{Endpoint, Login, Target, TargetError};
use otactl::transport::{self, Options};
use otactl::update::web_client::{Proxies, WebClient};
use tokio::net::{TcpListener, UdpSocket};

use super::completion::device_key::DeviceKey;
use super::config::Config;
use super::config::apply::{self, Precedence};
use super::config::edit::NewSetting;
use super::failure::{Failure, FailureKind};
use super::global_args::GlobalArgs;
use super::json_line::JsonPlace;
use super::output::Output;
use super::shared::Shared;
use super::target_arg::{SimulatedOver, TargetArg, named};
use super::update_summary::UpdateSummary;
use super::watched::Watched;
use super::{environment, serial_choice};

/// The options and the output of a command, and the device that it uses.
#[derive(Debug)]
pub(crate) struct Context {
    global: GlobalArgs,
    /// The name of the device in the configuration.
    name: Option<String>,
    /// The name of the command if it changes the device.
    change: Option<&'static str>,
    /// The options of a device that the command line gives, for a command that names a device.
    given: Vec<NewSetting>,
    pub(crate) output: Output,
    shared: Shared,
    /// The address of the device, once it is known.
    target: OnceCell<Target>,
    /// The device of `--port`, once a command has used it.
    device: OnceCell<Device>,
    /// The simulated device of `--port sim:`, which runs as long as the command.
    simulator: OnceCell<Simulator>,
    /// The update in one line, after it has ended.
    update: RefCell<Option<UpdateSummary>>,
}

impl Context {
    /// Creates the context of a command. `change` is its name if it changes the device.
    pub(crate) fn new(
        change: Option<&'static str>,
        global: GlobalArgs,
        given: Vec<NewSetting>,
        output: Output,
        shared: Shared,
    ) -> Self {
        let context = Self { change, given, ..Self::of_options(global, output, shared) };
        if context.output.has_events() {
            context.name_given_port();
        }
        context
    }

    /// Creates the context of a command that changes no device.
    fn of_options(global: GlobalArgs, output: Output, shared: Shared) -> Self {
        Self {
            global,
            name: None,
            change: None,
            given: Vec::new(),
            output,
            shared,
            target: OnceCell::new(),
            device: OnceCell::new(),
            simulator: OnceCell::new(),
            update: RefCell::default(),
        }
    }

    /// Returns the context of a device of the configuration, for a command that changes no device.
    pub(crate) fn of_device(&self, config: &Config, name: &str) -> Result<Self, Failure> {
        let section = config.device(name).cloned().unwrap_or_default();
        let (model, _) = environment::hide_unusable(GlobalArgs::augment_args(clap::Command::new("otactl")));
        apply::check(&model, &config.defaults)?;
        apply::check(&model, &section)?;
        let model = apply::apply(model, &config.defaults, Precedence::Defaults);
        let model = apply::apply(model, &section, Precedence::NamedDevice);
        let global = model.try_get_matches_from(["otactl"]).and_then(|matches| GlobalArgs::from_arg_matches(&matches));
        let global = global.map_err(|error| Failure::new(FailureKind::Usage, error.to_string()))?;
        Ok(Self::of_options(global, self.output.clone(), self.shared.clone()))
    }

    /// Gives the device its name in the configuration.
    pub(crate) fn with_name(self, name: Option<String>) -> Self {
        Self { name, ..self }
    }

    /// Returns the name of the device, if it has one: that of its lines, or that of the configuration.
    pub(crate) fn device_name(&self) -> Option<&str> {
        self.output.device_name().or(self.name.as_deref())
    }

    /// Returns the file of `--json`.
    pub(crate) fn events_file(&self) -> Option<&Path> {
        match &self.global.json {
            Some(JsonPlace::File(path)) => Some(path),
            Some(JsonPlace::Stdout) | None => None,
        }
    }

    /// Returns what names the device, once its address is known.
    pub(crate) fn device_key(&self) -> Option<DeviceKey> {
        match (&self.name, self.given_port().ok()?) {
            (Some(name), _) => Some(DeviceKey::of_name(name)),
            (None, Some(port)) => DeviceKey::of_port(&port),
            (None, None) => self.target.get().map(DeviceKey::of_target),
        }
    }

    /// Returns the file of `--config`.
    pub(crate) fn config_file(&self) -> Option<&Path> {
        self.global.config.as_deref()
    }

    /// Returns the options of a device that the command line gives.
    pub(crate) fn given(&self) -> &[NewSetting] {
        &self.given
    }

    /// Returns the time limit of a call.
    pub(crate) fn timeout(&self) -> Duration {
        self.global.timeout
    }

    /// Returns the port of OTACTL_PORT, for a command whose command line gives none.
    pub(crate) fn port_of_environment(&self) -> Option<&str> {
        self.global.port.first().map(String::as_str)
    }

    /// Returns the address of the device. Starts the device if it is a simulated one.
    pub(crate) async fn target(&self) -> Result<Target, Failure> {
        if let Some(target) = self.target.get() {
            return Ok(target.clone());
        }
        let target = self.find_target().await?;
        self.output.subject.set_target(&target);
        Ok(self.target.get_or_init(|| target).clone())
    }

    /// Tells whether the address of the device is a ws:// URL with a user.
    pub(crate) fn has_user_in_url(&self) -> bool {
        self.target.get().is_some_and(|target| matches!(target, Target::WebSocket(_)) && target.login().is_some())
    }

    async fn find_target(&self) -> Result<Target, Failure> {
        let Some(port) = self.given_port()? else {
            return serial_choice::any(self.change, &self.output);
        };
        match port.parse()? {
            TargetArg::Simulated(over) => self.simulated(over).await,
            _ => self.resolve(&port),
        }
    }

    /// Lets the last JSON line name the address of the options, for a command that fails before it needs the device.
    fn name_given_port(&self) {
        let given = self.given_port().ok().flatten().and_then(|port| port.parse::<TargetArg>().ok());
        if let Some(target) = given.and_then(|given| given.address()) {
            self.output.subject.set_target(&target);
        }
    }

    /// Returns the address that a `--port` of a real device stands for. Looks at the serial ports of this machine if it has to.
    pub(crate) fn resolve(&self, port: &str) -> Result<Target, Failure> {
        match port.parse()? {
            TargetArg::Auto => serial_choice::any(self.change, &self.output),
            TargetArg::Usb(selector) => serial_choice::of_usb(&selector, &self.output),
            TargetArg::Name(name) => {
                let target = named(&name).ok_or(TargetError::NoScheme(name))?;
                if !matches!(target, Target::Serial(_)) {
                    self.output.status(&format!("note: `--port {port}` is read as {target}"));
                }
                Ok(target)
            }
            TargetArg::Device(target) => Ok(target),
            TargetArg::Simulated(_) => {
                Err(TargetError::Malformed("a simulated device has no other address".into()).into())
            }
        }
    }

    /// Tells whether the device is the one of a USB device.
    pub(crate) fn is_usb(&self) -> bool {
        let port = self.given_port().ok().flatten();
        port.is_some_and(|port| matches!(port.parse(), Ok(TargetArg::Usb(_))))
    }

    /// Returns the port that the user gave, unless it is `auto`.
    fn given_port(&self) -> Result<Option<String>, Failure> {
        let port = match self.global.port.first() {
            Some(port) => Some(port.clone()),
            None => environment::variable("MOS_PORT")?,
        };
        Ok(port.filter(|port| !matches!(port.parse(), Ok(TargetArg::Auto))))
    }

    /// Returns the `--port` with which a child program reaches the same device.
    ///
    /// This is the port that the user gave, except for a simulated device in this process.
    pub(crate) fn port(&self, target: &Target) -> String {
        // `target` has reported an unreadable variable before.
        match self.given_port().ok().flatten() {
            Some(port) if matches!(port.parse(), Ok(TargetArg::Device(_))) => port,
            _ => target.to_string(),
        }
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
        if let Some(device) = self.device.get() {
            return Ok(device.clone());
        }
        let device = self.connect(&self.target().await?)?;
        Ok(self.device.get_or_init(|| device).clone())
    }

    /// Returns what the devices of this command share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Keeps the update in one line, for the closing table of several devices.
    pub(crate) fn set_update_summary(&self, summary: UpdateSummary) {
        *self.update.borrow_mut() = Some(summary);
    }

    /// Returns the update in one line, after it has ended.
    pub(crate) fn update_summary(&self) -> Option<UpdateSummary> {
        self.update.borrow().clone()
    }

    /// Returns the device at `target`. The first call opens the connection.
    pub(crate) fn connect(&self, target: &Target) -> Result<Device, Failure> {
        remember(target.login());
        let mut options = self.options()?;
        if let Target::Mqtt(endpoint) = target {
            options.mqtt = self.global.mqtt.settings(endpoint)?;
        }
        let client = Watched::client(transport::connect(target, &options)?, &self.output.status_line);
        if options.tls.insecure {
            self.output.warn("--insecure: the device's TLS certificate is not checked");
        }
        Ok(Device::new(client, self.global.timeout)
            .with_credentials(self.shared.credentials(self.global.rpc_creds.as_deref(), &self.output)?))
    }

    /// Returns an HTTP client. Requests to the hosts of `--port` and `other_port` bypass the proxy.
    pub(crate) fn web_client(&self, other_port: Option<&str>) -> Result<WebClient, Failure> {
        let given = self.given_port()?;
        let targets =
            [given.as_deref(), other_port].into_iter().flatten().filter_map(|port| port.parse::<TargetArg>().ok());
        let hosts = targets.filter_map(|target| target.address()?.device_host().map(|(host, _)| host));
        Ok(WebClient::new(self.options()?.tls, Proxies::of_system(hosts.collect())))
    }

    /// Returns the connection options for a broker. Reads its password if the URL gives a user without one.
    pub(crate) fn options_of_broker(&self, broker: &Endpoint) -> Result<Options, Failure> {
        remember(broker.login.as_ref());
        Ok(Options { mqtt: self.global.mqtt.settings(broker)?, ..self.options()? })
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

/// Registers the user and the password of a URL as secrets, so that no output shows them.
fn remember(login: Option<&Login>) {
    if let Some(Login { user, password: Some(password) }) = login {
        secrets::remember_login(user, password);
    }
}

fn cannot_start(error: &io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot start the simulated device: {error}"))
}
