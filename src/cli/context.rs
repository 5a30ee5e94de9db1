//! Options and environment become a connected device.

use std::cell::OnceCell;

use otactl::rpc::Device;
use otactl::sim::{self, Simulator};
use otactl::transport::target::Target;
use otactl::transport::{self, Options};
use tokio::net::TcpListener;
use tracing::Level;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::failure::{Failure, Kind};
use super::output::Output;
use super::{GlobalArgs, credentials};

/// What every command gets.
#[derive(Debug)]
pub(crate) struct Context {
    global: GlobalArgs,
    pub(crate) output: Output,
    /// The device of `--port sim:`, which lives as long as the command.
    simulator: OnceCell<Simulator>,
}

impl Context {
    /// A context for one command. Sets up the log if it was asked for.
    pub(crate) fn new(global: GlobalArgs, output: Output) -> Self {
        match global.verbose {
            0 => {}
            1 => log(Level::DEBUG, &output),
            _ => log(Level::TRACE, &output),
        }
        Self { global, output, simulator: OnceCell::new() }
    }

    /// Where the device is. Starts it, if it is a simulated one.
    pub(crate) async fn target(&self) -> Result<Target, Failure> {
        let from_mos = || std::env::var("MOS_PORT").ok();
        let given = |port: &String| !port.is_empty();
        let Some(port) = self.global.port.clone().filter(given).or_else(from_mos).filter(given) else {
            return Err(Failure::new(Kind::Usage, "no device given")
                .hint("say which one with `--port ws://ADDRESS` or OTACTL_PORT; `--port sim:` takes a simulated one"));
        };
        match port.parse()? {
            Target::Sim => self.simulated().await,
            target => Ok(target),
        }
    }

    async fn simulated(&self) -> Result<Target, Failure> {
        if self.simulator.get().is_none() {
            let failed = |error| Failure::new(Kind::Other, format!("cannot start the simulated device: {error}"));
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
            let simulator = Simulator::start(sim::Config::default(), listener).map_err(failed)?;
            self.output.say(&format!("simulating {} at ws://{}/rpc", simulator.id(), simulator.address()));
            // Nobody else sets it: there is one command in a process.
            let _ = self.simulator.set(simulator);
        }
        let address = self.simulator.get().map(Simulator::address);
        Ok(format!("ws://{}", address.map(|a| a.to_string()).unwrap_or_default()).parse()?)
    }

    /// The device of `--port`. Nothing is dialled before the first call.
    pub(crate) async fn device(&self) -> Result<Device, Failure> {
        let target = self.target().await?;
        self.connect(&target)
    }

    /// The device at `target`.
    pub(crate) fn connect(&self, target: &Target) -> Result<Device, Failure> {
        let client = transport::connect(target, &self.options())?;
        if self.global.insecure {
            self.output.warn("--insecure: the device's TLS certificate is not checked");
        }
        let credentials = credentials::read(self.global.rpc_creds.as_deref(), &self.output)?;
        Ok(Device::new(client, self.global.timeout).with_credentials(credentials))
    }

    /// The user's wishes about connections.
    pub(crate) fn options(&self) -> Options {
        Options {
            // So that a host that swallows packets is told from a device that does not answer.
            connect_timeout: self.global.timeout.mul_f64(0.9),
            insecure: self.global.insecure,
        }
    }
}

/// Shows what this program does, and not what its libraries do: they log URLs with their passwords.
fn log(level: Level, output: &Output) {
    let shown = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(output.is_colourful())
        .with_target(false)
        .without_time()
        // There is nobody to tell if stderr is closed.
        .log_internal_errors(false);
    let ours = Targets::new().with_target("otactl", level);
    tracing_subscriber::registry().with(shown.with_filter(ours)).init();
}
