use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use otactl::sim::auth::{Algorithm, Auth};
use otactl::sim::fault::{FaultError, KINDS, Kind as FaultKind};
use otactl::sim::ports::mqtt;
use otactl::sim::{Config, Fault, Firmware, Generation, Simulator};
use otactl::transport::target::Target;
use otactl::transport::tls;
use rustls::ServerConfig;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::broadcast::error::RecvError;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::values;

/// Run a simulated device, over WebSocket, HTTP, TLS, TCP, UDP, MQTT and a serial port, until Ctrl-C
///
/// It runs demo 1.0.0, and takes any bundle for its platform.
#[derive(Debug, clap::Args)]
#[command(after_long_help = all_faults())]
pub(crate) struct Args {
    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8910", value_parser = values::listen)]
    listen: SocketAddr,

    /// Where it listens for plain TCP
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    tcp: Option<SocketAddr>,

    /// Where it listens for UDP
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    udp: Option<SocketAddr>,

    /// Let it be a client of this broker: mqtt://[USER:PASSWORD@]BROKER[:PORT]/DEVICE
    #[arg(long, value_name = "URL")]
    mqtt: Option<String>,

    /// The age of its MQTT library
    #[arg(long, value_name = "GENERATION", requires = "mqtt", default_value = "twice")]
    mqtt_generation: MqttGeneration,

    /// Where it listens for WebSocket and HTTP over TLS; with --tls-cert and --tls-key
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = values::listen)]
    tls: Option<SocketAddr>,

    /// Its certificate for --tls, as PEM, with those that lead to its authority
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert, as PEM
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_key: Option<PathBuf>,

    /// Serve it on a serial port too, with --baud-rate, and say where that is
    ///
    /// The port is a pseudo terminal. With --serial-framing quoted the device is too old for anything else.
    #[arg(long)]
    serial: bool,

    /// Let its console speak between the frames on the serial port
    #[arg(long, requires = "serial")]
    console_noise: bool,

    /// Generation of the device's OTA service
    #[arg(long, value_name = "YEAR", default_value = "2022")]
    generation: UpdateGeneration,

    /// Refuse every URL, as a device without a licence does; no effect with --generation 2018
    #[arg(long)]
    unlicensed: bool,

    /// Its id
    #[arg(long, default_value = "esp32_AABBCC")]
    id: String,

    /// Its platform
    #[arg(long, default_value = "esp32")]
    platform: String,

    /// How long a reboot takes
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = values::duration)]
    reboot_delay: Duration,

    /// Let in only who knows these: USER:PASSWORD[:REALM]
    #[arg(long, value_name = "CREDENTIALS")]
    auth: Option<Auth>,

    /// The hash of its challenges
    #[arg(long, value_name = "ALGORITHM", requires = "auth", default_value = "sha-256")]
    auth_algo: AuthAlgo,

    /// Where to keep its flash; without it, every start is from the factory
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,

    /// Let something go wrong; may be given many times
    ///
    /// What can go wrong is listed below.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<String>,
}

/// The faults, one on each line.
fn all_faults() -> String {
    let width = KINDS.iter().map(|kind| kind.usage().len()).max().unwrap_or_default();
    let mut list = String::from("Faults, which strike whenever they can unless it says once:\n");
    for kind in &KINDS {
        // Writing to a String cannot fail.
        let _ = writeln!(list, "  {:width$}  {}", kind.usage(), kind.about);
    }
    list
}

fn read_fault(text: &str) -> Result<Fault, Failure> {
    text.parse().map_err(|error: FaultError| {
        let hint = match &error {
            FaultError::Unknown(name) => match FaultKind::alike(name) {
                Some(kind) => format!("write `--fault {}`, or see `otactl simulate --help` for all", kind.usage()),
                None => "see `otactl simulate --help` for all of them".into(),
            },
            FaultError::Value { usage, .. } => format!("write `--fault {usage}`"),
        };
        Failure::new(Kind::Usage, error.to_string()).hint(hint)
    })
}

/// A certificate that is its own authority, for this machine. Without the constraint, it would be one
/// that no server may show.
const MAKE_CERTIFICATE: &str = "`openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 \
    -keyout key.pem -out cert.pem -subj /CN=otactl -addext basicConstraints=critical,CA:FALSE \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost`";

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::new(Kind::Other, format!("cannot listen on {address}: {error}"))
        .hint("choose another address, such as 127.0.0.1:0")
}

/// The hashes that a device can use.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum AuthAlgo {
    Md5,
    #[value(name = "sha-256")]
    Sha256,
}

/// The generations of the update service.
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

/// How old an MQTT library is.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum MqttGeneration {
    /// Since 2021-06: runs what comes on DEVICE/rpc twice
    Twice,
    /// Before: runs everything once
    Single,
    /// Does not listen on DEVICE/rpc/METHOD
    Plain,
}

/// The device at the broker of this URL.
fn mqtt_config(url: &str, generation: MqttGeneration) -> Result<mqtt::MqttConfig, Failure> {
    let Target::Mqtt(endpoint) = url.parse()? else {
        return Err(
            Failure::new(Kind::Usage, "`--mqtt` wants the URL of a broker").hint("write `--mqtt mqtt://BROKER/DEVICE`")
        );
    };
    if endpoint.is_tls() {
        return Err(Failure::new(Kind::Usage, "the simulated device speaks to a broker without TLS only")
            .hint("give it the plain port of the broker, and otactl the other"));
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
            let kept = self.state.as_ref().map(|directory| format!(" from {}", directory.display()));
            Failure::new(Kind::Other, format!("cannot start the device{}: {error}", kept.unwrap_or_default()))
                .hint("give an empty directory to `--state`, or one that an earlier simulate has written")
        })?;
        let (output, mut console) = (context.output.clone(), simulator.console());
        output.status(&format!(
            "simulating {} at ws://{address}/rpc and http://{address}/rpc",
            simulator.id(),
            address = simulator.address()
        ));
        self.serve_more(context, &mut simulator, tls, mqtt).await?;
        output.status(&simulator.describe());
        loop {
            match console.recv().await {
                Ok(line) => output.status(&line),
                Err(RecvError::Lagged(missed)) => output.status(&format!("… {missed} lines")),
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
            licensed: !self.unlicensed,
            // Its name at the broker is its id.
            id: mqtt.map_or(&self.id, |mqtt| &mqtt.device).clone(),
            factory,
            reboot_delay: self.reboot_delay,
            state: self.state.clone(),
            auth: self.auth.clone().map(|auth| Auth { algorithm, ..auth }),
            faults,
            ..Config::default()
        }
    }

    /// Serves the device on all ports but the first, and says where they are.
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
            output.status(&format!("and at wss://{address}/rpc and https://{address}/rpc"));
            simulator.serve_tls(listener, config);
        }
        if let Some(address) = self.tcp {
            let listener = listen(address).await?;
            output.status(&format!("and at tcp://{}", listener.local_addr().unwrap_or(address)));
            simulator.serve_tcp(listener);
        }
        if let Some(address) = self.udp {
            let socket = UdpSocket::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
            output.status(&format!("and at udp://{}", socket.local_addr().unwrap_or(address)));
            simulator.serve_udp(socket);
        }
        if let Some(config) = mqtt {
            output.status(&format!("and at mqtt://{}:{}/{}", config.host, config.port, config.device));
            simulator.serve_mqtt(config);
        }
        if self.serial {
            let path = context.serve_serial(simulator, self.console_noise)?;
            output.status(&format!("and at {}", path.display()));
        }
        Ok(())
    }

    fn tls_config(&self) -> Result<Arc<ServerConfig>, Failure> {
        let (Some(cert), Some(key)) = (&self.tls_cert, &self.tls_key) else {
            return Err(Failure::new(
                Kind::Usage,
                "--tls needs a certificate and its key: --tls-cert FILE --tls-key FILE",
            )
            .hint(format!("this makes them: {MAKE_CERTIFICATE}")));
        };
        Ok(tls::server_config(cert, key)?)
    }
}
