use std::cell::OnceCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;
use otactl::bundle::Bundle;
use otactl::rpc::Device;
use otactl::text::has_two_slashes;
use otactl::transport::target::Target;
use otactl::transport::tls;
use otactl::update::serve::allow::AllowFrom;
use otactl::update::stage::Stage;
use otactl::update::timeouts::Timeouts;
use otactl::update::web_client::WebClient;
use otactl::update::{self, Plan, Serving, Source, Success, Via, push, remote_manifest};
use tokio::time::timeout;

use crate::cli::checks::ChecksArgs;
use crate::cli::context::Context;
use crate::cli::credentials;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::progress::Progress;
use crate::cli::values;

/// How long a device that was being sent a firmware is told to forget it, when nobody wants to wait any more.
const FORGET: Duration = Duration::from_millis(300);

/// Take the device to a new firmware, prove that it runs, and commit it
///
/// Serves the firmware zip to the device for as long as it takes, waits for the reboot, checks that
/// the wanted build runs and is well, commits it, and looks again. Run again after an interruption, it goes on
/// from where the device is.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("source").args(["file", "url"]).required(true))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Args {
    /// The firmware zip; otactl serves it to the device
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// URL from which the device downloads the firmware; if the device cannot reach it or has no licence, otactl does
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// How the device gets the firmware: by a pull (it downloads) or a push (otactl sends it over --port)
    #[arg(long, value_name = "WAY", default_value = "auto")]
    via: Way,

    /// Leave the new firmware uncommitted, and say until when
    #[arg(long)]
    no_commit: bool,

    /// How long after its reboot the device waits for the commit before it goes back
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = values::commit_timeout)]
    commit_timeout: Duration,

    /// How long the device may take to get and write the firmware [default: 600s, more for large ones]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    download_timeout: Option<Duration>,

    /// How long the device may take to ask for the firmware, before it is sent it, or is given up after three times that
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    ask_timeout: Duration,

    /// How long a download may make no progress before it fails, on the device or from the server of --url
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    stall_timeout: Duration,

    /// How long the device may take from the download to its first answer after the reboot
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = values::duration)]
    reboot_timeout: Duration,

    /// Where to serve the firmware: ADDRESS:PORT, ADDRESS or :PORT
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen)]
    listen: Option<SocketAddr>,

    /// Under which host, and port if it differs, the device reaches this machine
    #[arg(long, value_name = "HOST[:PORT]", value_parser = values::advertise)]
    advertise: Option<(String, Option<u16>)>,

    /// After the reboot, look at the device and commit it over this port; a `--port` of the same device
    ///
    /// For a device that comes back under another address, or that is to be committed over a cable.
    #[arg(long, value_name = "URL")]
    commit_port: Option<String>,

    /// Copy what runs to another slot first (OTA.CreateSnapshot), where the platform has more than two
    #[arg(long)]
    snapshot_first: bool,

    /// Serve this address or network too, or `any`: for a device behind NAT; may be given more than once
    ///
    /// Without it, only the addresses at which the device is known are served: that of --port, and those that it
    /// reports. If there are none, everybody is served who knows the secret path.
    #[arg(long, value_name = "ADDRESS|NETWORK/BITS|any")]
    allow_from: Vec<AllowFrom>,

    /// Serve the firmware over HTTPS, with this certificate and its key, as PEM
    ///
    /// The device checks the certificate by its own `update.ssl_ca_file`, and that it is made for the host of
    /// --advertise, or for the address that otactl serves on.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    serve_tls: Option<Vec<PathBuf>>,

    /// Never end an update on the device; refuse if one runs
    ///
    /// Without this option, otactl ends an update that has made no progress for --stall-timeout, and for twice as long as its last
    /// percent took: a push with OTA.End, a download with a reboot. It also ends a download of its own that failed. It never reboots a device whose firmware is uncommitted.
    #[arg(long)]
    no_abort: bool,

    /// Say what would be done, and touch nothing
    #[arg(long)]
    dry_run: bool,

    /// Install another app than the one that runs, or offer the device the build that it runs already
    ///
    /// Also a file system that the device seems to have no room for, and a firmware that commits itself since the device
    /// knows no commit timeout. It does not imply --allow-downgrade, and nothing makes up for another platform or for
    /// signatures that the device asks for.
    #[arg(long)]
    force: bool,

    /// Install also an older version than the one that runs
    #[arg(long)]
    allow_downgrade: bool,

    // The last, since its heading holds for whatever follows.
    #[command(flatten)]
    checks: ChecksArgs,
}

/// How the device gets the firmware.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Way {
    /// Pull; push if the device cannot download the firmware
    Auto,
    /// The device downloads the firmware: a FILE from otactl, a URL from its server
    Pull,
    /// otactl sends the firmware over --port; it downloads a URL first
    Push,
}

impl From<Way> for Via {
    fn from(way: Way) -> Self {
        match way {
            Way::Auto => Self::Auto,
            Way::Pull => Self::Pull,
            Way::Push => Self::Push,
        }
    }
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let progress = Progress::new(context.output.clone());
        let device = OnceCell::new();
        let result = tokio::select! {
            // Biased so that what is done is reported as done, even if Ctrl-C comes with it.
            biased;
            result = self.update(context, &device, &progress) => result,
            () = interrupt::received() => {
                let stage = progress.stage();
                if let (Stage::Receiving { may_be_complete: false, .. }, Some(device)) = (&stage, device.get()) {
                    // Whoever pressed Ctrl-C does not wait for more than that.
                    let _ = timeout(FORGET, push::abort(device, FORGET)).await;
                }
                Err(interrupt::failure(&stage))
            }
        };
        progress.end(&result);
        result.map(drop)
    }

    async fn update(
        &self,
        context: &Context,
        device: &OnceCell<Device>,
        progress: &Progress,
    ) -> Result<Success, Failure> {
        let web_client = context.web_client(self.commit_port.as_deref())?;
        let (source, http) = self.source(&web_client, progress).await?;
        let tls = match self.serve_tls.as_deref() {
            Some([cert, key]) => Some(tls::server_config(cert, key)?),
            // clap sees to it that there are two.
            _ => None,
        };
        let target = context.target().await?;
        let checks = self.checks.checks(context, &target, &web_client)?;
        let connected = context.connect(&target)?;
        let device = device.get_or_init(|| connected);
        let plan = Plan {
            serving: Serving {
                listen: self.listen,
                advertise: self.advertise.clone(),
                device_host: target.device_host(),
                allow_from: self.allow_from.clone(),
                tls,
                ..Serving::default()
            },
            via: self.via.into(),
            checks,
            on_unhealthy: self.checks.on_unhealthy(),
            commit: !self.no_commit,
            commit_timeout: self.commit_timeout,
            download_timeout: self.download_timeout,
            reboot_timeout: self.reboot_timeout,
            timeouts: Timeouts::default().with(self.ask_timeout, self.stall_timeout),
            commit_over: self.commit_port.as_deref().map(|port| second_way(context, port)).transpose()?,
            snapshot_first: self.snapshot_first,
            force: self.force,
            allow_downgrade: self.allow_downgrade,
            no_abort: self.no_abort,
            http,
            dry_run: self.dry_run,
            ..Plan::new(source)
        };
        update::run(device, &plan, progress).await.map_err(Failure::from)
    }

    /// Returns the firmware, and the client with which otactl may download it during the update. A bundle that no device takes
    /// fails here, before the device is asked.
    async fn source(&self, client: &WebClient, progress: &Progress) -> Result<(Source, Option<WebClient>), Failure> {
        if let Some(path) = &self.file {
            let bundle = Bundle::read(path).map_err(|error| Failure::bundle(path, &error))?;
            return Ok((Source::Bundle(bundle), None));
        }
        let url = self.url.clone().unwrap_or_default();
        let is_web = url.starts_with("http://") || url.starts_with("https://");
        if !is_web || !has_two_slashes(&url) {
            return Err(Failure::new(Kind::Usage, "the device fetches firmware from http:// and https:// URLs only")
                .hint("give such a URL, or the path of a local file without `--url`"));
        }
        client.prepare(&url)?;
        credentials::remember_those_of(&url);
        if matches!(self.via, Way::Push) {
            let bundle =
                remote_manifest::download(client, &url, self.download_timeout, self.stall_timeout, progress).await;
            return Ok((Source::Bundle(bundle.map_err(update::Failure::Download)?), None));
        }
        let (manifest, signed) = match remote_manifest::read_manifest(client, &url, progress).await {
            Ok((manifest, signed)) => (Ok(manifest), Some(signed)),
            Err(reason) => (Err(reason), None),
        };
        Ok((Source::Url { url, manifest, signed }, matches!(self.via, Way::Auto).then(|| client.clone())))
    }
}

/// The device of `--commit-port`.
fn second_way(context: &Context, port: &str) -> Result<Device, Failure> {
    match port.parse()? {
        Target::Sim(_) => Err(Failure::new(Kind::Usage, "a simulated device of its own is no second way to a device")
            .hint("give another address of the device of `--port`")),
        target => context.connect(&target),
    }
}
