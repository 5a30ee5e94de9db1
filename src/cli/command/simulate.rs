use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ValueHint;
use otactl::sim::auth::{Algorithm, Auth};
use otactl::sim::fault::{FaultError, FaultKind, KINDS};
use otactl::sim::ports::mqtt;
use otactl::sim::{Config, Fault, Firmware, Generation, Services, Simulator};
use otactl::transport::target::{Target, TargetError};
use otactl::transport::tls;
use rustls::ServerConfig;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::broadcast::error::RecvError;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::target_arg::TargetArg;
use crate::cli::values;

/// Run a simulated device until Ctrl-C
///
/// The device runs demo 1.0.0, and accepts any bundle for its platform. It serves WebSocket and
/// HTTP; options add TLS, TCP, UDP, MQTT and a serial port.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl simulate --fault crashes")]
#[command(after_long_help = all_faults())]
pub(crate) struct Args {
    /// WebSocket and HTTP
    ///
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8910", value_parser = values::listen)]
    listen: SocketAddr,

    /// Plain TCP too
    ///
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    tcp: Option<SocketAddr>,

    /// UDP too
    ///
    /// The address to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    udp: Option<SocketAddr>,

    /// Connect the device to this broker
    ///
    /// mqtt://[USER:PASSWORD@]BROKER[:PORT]/DEVICE
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,

    /// Generation of the device's MQTT library
    #[arg(long, value_name = "GENERATION", requires = "mqtt", default_value = "twice")]
    #[arg(hide_short_help = true)]
    mqtt_generation: MqttGeneration,

    /// Address to listen on for WebSocket and HTTP over TLS; with --tls-cert and --tls-key
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    #[arg(hide_short_help = true)]
    tls: Option<SocketAddr>,

    /// PEM file with the certificate for --tls, and the intermediate certificates
    #[arg(long, value_name = "FILE", requires = "tls")]
    #[arg(hide_short_help = true)]
    tls_cert: Option<PathBuf>,

    /// PEM file with the private key of --tls-cert
    #[arg(long, value_name = "FILE", requires = "tls")]
    #[arg(hide_short_help = true)]
    tls_key: Option<PathBuf>,

    /// Serve a serial port too, and print its path
    ///
    /// The port is a pseudo terminal with the speed of --baud-rate. With --serial-framing quoted, the device understands no other framing.
    #[arg(long)]
    serial: bool,

    /// Write console output between the frames on the serial port
    #[arg(long, requires = "serial")]
    #[arg(hide_short_help = true)]
    console_noise: bool,

    /// Generation of the device's OTA service
    #[arg(long, value_name = "YEAR", default_value = "2022")]
    #[arg(hide_short_help = true)]
    generation: UpdateGeneration,

    /// Services of the device: all, or some of ota,sys,rpc,config,fs,wifi,debug
    ///
    /// With ota,sys,rpc,config, the device answers as the recorded one.
    #[arg(long, value_name = "LIST", default_value = "ota,sys,rpc,config,fs,wifi,debug", hide_default_value = true)]
    #[arg(hide_short_help = true)]
    services: Services,

    /// Refuse every URL, as a device without a licence does; no effect with --generation 2018
    #[arg(long)]
    #[arg(hide_short_help = true)]
    unlicensed: bool,

    /// Id of the device
    #[arg(long, default_value = "esp32_AABBCC")]
    #[arg(hide_short_help = true)]
    id: String,

    /// Platform of the device
    #[arg(long, default_value = "esp32")]
    #[arg(hide_short_help = true)]
    platform: String,

    /// Duration of a reboot
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = values::duration)]
    #[arg(hide_short_help = true)]
    reboot_delay: Duration,

    /// Require these credentials: USER:PASSWORD[:REALM]
    #[arg(long, value_name = "CREDENTIALS")]
    #[arg(hide_short_help = true)]
    auth: Option<Auth>,

    /// Hash algorithm of the digest authentication
    #[arg(long, value_name = "ALGORITHM", requires = "auth", default_value = "sha-256")]
    #[arg(hide_short_help = true)]
    auth_algo: AuthAlgo,

    /// Directory for the contents of the flash; without it, the device starts with its factory firmware
    #[arg(long, value_name = "DIR")]
    #[arg(hide_short_help = true)]
    #[arg(value_hint = ValueHint::DirPath)]
    state: Option<PathBuf>,

    /// Simulate a fault; may be given several times
    ///
    /// The faults are listed below.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<String>,
}

/// Returns the list of the faults for the help, one per line.
fn all_faults() -> String {
    let width = KINDS.iter().map(|kind| kind.usage().len()).max().unwrap_or_default();
    let mut list = String::from("Faults (permanent, unless marked as once):\n");
    for kind in &KINDS {
        // Writing to a String cannot fail.
        let _ = writeln!(list, "  {:width$}  {}", kind.usage(), kind.about);
    }
    list
}

fn read_fault(text: &str) -> Result<Fault, Failure> {
    const ALL_FAULTS: &str = "see `otactl simulate --help` for all of them";

    text.parse().map_err(|error: FaultError| {
        let hint = match &error {
            FaultError::Unknown(name) => match FaultKind::alike(name) {
                Some(kind) => format!("write `--fault {}`, or see `otactl simulate --help` for all", kind.usage()),
                None => ALL_FAULTS.into(),
            },
            FaultError::Value { usage, .. } => format!("write `--fault {usage}`"),
            _ => ALL_FAULTS.into(),
        };
        Failure::new(FailureKind::Usage, error.to_string()).hint(hint)
    })
}

/// The command that makes a self-signed certificate for this machine. Without `CA:FALSE`, it would be the certificate of an
/// authority, which clients refuse from a server.
const MAKE_CERTIFICATE: &str = "`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
    -keyout key.pem -out cert.pem -subj /CN=otactl -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost`";

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot listen on {address}: {error}"))
        .hint("choose another address, such as 127.0.0.1:0")
}

/// The hash algorithms of a simulated device.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AuthAlgo {
    Md5,
    #[value(name = "sha-256")]
    Sha256,
}

/// The generations of the OTA service.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum UpdateGeneration {
    /// Pull only; a lost connection ends the download
    #[value(name = "2018")]
    Y2018,
    /// Pull (needs a licence; resumes after a lost connection) and push
    #[value(name = "2019")]
    Y2019,
    /// As 2019, with stricter checks of a bundle
    #[value(name = "2022")]
    Y2022,
}

/// The generations of the MQTT library.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum MqttGeneration {
    /// Since 2021-06: executes a request on DEVICE/rpc twice
    Twice,
    /// Before 2021-06: executes each request once
    Single,
    /// Does not listen on DEVICE/rpc/METHOD
    Plain,
}

/// Returns the configuration for the broker and the device of a URL.
fn mqtt_config(url: &str, generation: MqttGeneration) -> Result<mqtt::MqttConfig, Failure> {
    const URL: &str = "write `--mqtt mqtt://BROKER/DEVICE`";

    let target = url.parse().map_err(|error: TargetError| Failure::of(FailureKind::Usage, &error).hint(URL))?;
    let TargetArg::Device(Target::Mqtt(endpoint)) = target else {
        return Err(Failure::new(FailureKind::Usage, "`--mqtt` requires the URL of a broker").hint(URL));
    };
    if endpoint.is_tls() {
        return Err(Failure::new(FailureKind::Usage, "the simulated device supports only brokers without TLS")
            .hint("give `--mqtt` the port without TLS; otactl can use the port with TLS"));
    }
    Ok(mqtt::MqttConfig {
        host: endpoint.host().into(),
        port: endpoint.port(),
        login: endpoint.login.clone().map(|login| (login.user, login.password.unwrap_or_default())),
        device: endpoint.device(),
        library: match generation {
            MqttGeneration::Twice => mqtt::Library::Twice,
            MqttGeneration::Single => mqtt::Library::Single,
            MqttGeneration::Plain => mqtt::Library::Plain,
        },
    })
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let faults = self.faults.iter().map(|text| read_fault(text)).collect::<Result<_, _>>()?;
        let mqtt = self.mqtt.as_ref().map(|url| mqtt_config(url, self.mqtt_generation)).transpose()?;
        let tls = match self.tls {
            Some(address) => Some((address, self.tls_config()?)),
            None => None,
        };
        let listener = listen(self.listen).await?;
        let config = self.config(mqtt.as_ref(), faults);
        let mut simulator = Simulator::start(config, listener).map_err(|error| {
            let from_directory = self.state.as_ref().map(|directory| format!(" from {}", directory.display()));
            Failure::new(
                FailureKind::Other,
                format!("cannot start the device{}: {error}", from_directory.unwrap_or_default()),
            )
            .hint("give an empty directory to `--state`, or one that an earlier simulate has written")
        })?;
        let (output, mut console) = (context.output.clone(), simulator.console());
        output.announce(&format!(
            "simulating {} at ws://{address}/rpc and http://{address}/rpc",
            simulator.id(),
            address = simulator.address()
        ));
        self.serve_more(context, &mut simulator, tls, mqtt).await?;
        output.announce(&simulator.describe());
        loop {
            match console.recv().await {
                Ok(line) => output.announce(&line),
                Err(RecvError::Lagged(missed)) => output.announce(&format!("… {missed} lines")),
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    fn config(&self, mqtt: Option<&mqtt::MqttConfig>, faults: Vec<Fault>) -> Config {
        let factory = Firmware { platform: self.platform.clone(), ..Config::default().factory };
        let algorithm = match self.auth_algo {
            AuthAlgo::Md5 => Algorithm::Md5,
            AuthAlgo::Sha256 => Algorithm::Sha256,
        };
        Config {
            generation: match self.generation {
                UpdateGeneration::Y2018 => Generation::Y2018,
                UpdateGeneration::Y2019 => Generation::Y2019,
                UpdateGeneration::Y2022 => Generation::Y2022,
            },
            services: self.services,
            licensed: !self.unlicensed,
            // The name of the device at the broker is its id.
            id: mqtt.map_or(&self.id, |mqtt| &mqtt.device).clone(),
            factory,
            reboot_delay: self.reboot_delay,
            state: self.state.clone(),
            auth: self.auth.clone().map(|auth| Auth { algorithm, ..auth }),
            faults,
            ..Config::default()
        }
    }

    /// Serves the device on all transports but the first, and prints their addresses.
    async fn serve_more(
        &self,
        context: &Context,
        simulator: &mut Simulator,
        tls: Option<(SocketAddr, Arc<ServerConfig>)>,
        mqtt: Option<mqtt::MqttConfig>,
    ) -> Result<(), Failure> {
        let output = &context.output;
        if let Some((address, config)) = tls {
            let listener = listen(address).await?;
            let address = listener.local_addr().unwrap_or(address);
            output.announce(&format!("and at wss://{address}/rpc and https://{address}/rpc"));
            simulator.serve_tls(listener, config);
        }
        if let Some(address) = self.tcp {
            let listener = listen(address).await?;
            output.announce(&format!("and at tcp://{}", listener.local_addr().unwrap_or(address)));
            simulator.serve_tcp(listener);
        }
        if let Some(address) = self.udp {
            let socket = UdpSocket::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
            output.announce(&format!("and at udp://{}", socket.local_addr().unwrap_or(address)));
            simulator.serve_udp(socket);
        }
        if let Some(config) = mqtt {
            output.announce(&format!("and at mqtt://{}:{}/{}", config.host, config.port, config.device));
            simulator.serve_mqtt(config);
        }
        if self.serial {
            let path = context.serve_serial(simulator, self.console_noise)?;
            output.announce(&format!("and at {}", path.display()));
        }
        Ok(())
    }

    fn tls_config(&self) -> Result<Arc<ServerConfig>, Failure> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Err(Failure::new(
                FailureKind::Usage,
                "--tls needs a certificate and its key: --tls-cert FILE --tls-key FILE",
            )
            .hint(format!("create them with {MAKE_CERTIFICATE}")));
        };
        Ok(tls::server_config(cert, key)?)
    }
}
