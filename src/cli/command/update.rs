use std::cell::OnceCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, ValueHint};
use otactl::rpc::Device;
use otactl::text::{has_two_slashes, without_os_error_numbers};
use otactl::transport::tls;
use otactl::update::serve::allow::AllowFrom;
use otactl::update::stage::Stage;
use otactl::update::timeouts::Timeouts;
use otactl::update::web_client::WebClient;
use otactl::update::{self, Plan, Serving, Source, Success, Via, push, remote_manifest};
use tokio::time::timeout;
use url::Url;

use crate::cli::checks::ChecksArgs;
use crate::cli::context::Context;
use crate::cli::credentials;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::interrupt;
use crate::cli::progress::Progress;
use crate::cli::report;
use crate::cli::report::args::{Destination, ReportArg, destinations};
use crate::cli::report::recorder::Recorder;
use crate::cli::target_arg::TargetArg;
use crate::cli::values;
use crate::cli::workflow_command::is_github_job;

/// The time limit of the call that ends a push after Ctrl-C.
const ABORT_TIMEOUT: Duration = Duration::from_millis(300);

/// The firmware zip that `mos build` writes.
const BUILT_FIRMWARE: &str = "build/fw.zip";

/// Install new firmware, verify that it runs, and commit it
///
/// otactl serves the firmware zip to the device, waits for the reboot, checks that the new build runs and is healthy, commits it, and
/// reads the boot state back. After an interruption, the same command continues from the state of the device.
#[derive(Debug, clap::Args)]
#[command(override_usage = "otactl update [OPTIONS] [FILE]\n       otactl update [OPTIONS] --url URL")]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 update build/fw.zip --soak 30s")]
#[command(group = ArgGroup::new("source").args(["file", "url"]))]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(crate) struct Args {
    /// Firmware zip, or its URL [default: build/fw.zip if it exists]
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,

    /// Where the device downloads the firmware
    ///
    /// If the device cannot reach the URL or has no licence, otactl downloads the firmware.
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Pull or push the firmware
    ///
    /// With pull, the device downloads it. With push, otactl sends it over --port.
    #[arg(long, value_name = "METHOD", default_value = "auto")]
    via: ViaArg,

    /// Leave the new firmware uncommitted
    ///
    /// otactl prints when the device rolls back.
    #[arg(long)]
    no_commit: bool,

    /// Time limit of the commit
    ///
    /// The device rolls back this long after its reboot unless it is committed. It counts whole seconds.
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = values::commit_timeout)]
    #[arg(env = "OTACTL_COMMIT_TIMEOUT", hide_env_values = true)]
    commit_timeout: Duration,

    /// Time limit of the transfer [default: 600s or more]
    ///
    /// The time includes writing to the flash. The default is longer for large firmware.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    #[arg(env = "OTACTL_DOWNLOAD_TIMEOUT", hide_env_values = true, hide_short_help = true)]
    download_timeout: Option<Duration>,

    /// How long to wait for the device to request the firmware before pushing it instead (or failing, after three times as long)
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration)]
    #[arg(env = "OTACTL_ASK_TIMEOUT", hide_env_values = true, hide_short_help = true)]
    ask_timeout: Duration,

    /// How long a download may make no progress before it fails, on the device or from the server of --url
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    #[arg(env = "OTACTL_STALL_TIMEOUT", hide_env_values = true, hide_short_help = true)]
    stall_timeout: Duration,

    /// Time limit of the reboot
    ///
    /// From the end of the download to the first reply after the reboot.
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = values::duration)]
    #[arg(env = "OTACTL_REBOOT_TIMEOUT", hide_env_values = true)]
    reboot_timeout: Duration,

    /// Address to serve the firmware on
    ///
    /// ADDRESS:PORT, ADDRESS or :PORT. The default is any free port at the address from which this machine reaches the device.
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen)]
    listen: Option<SocketAddr>,

    /// Where the device reaches this machine
    ///
    /// The host, and the port if it differs from that of --listen.
    #[arg(long, value_name = "HOST[:PORT]", value_parser = values::advertise)]
    advertise: Option<(String, Option<u16>)>,

    /// Check and commit the device over this port after the reboot; format as for --port
    ///
    /// For a device that has another address after the reboot, or that is committed over a cable.
    #[arg(long, value_name = "URL")]
    #[arg(hide_short_help = true)]
    commit_port: Option<String>,

    /// Copy the running firmware to another slot first (OTA.CreateSnapshot), if the platform has more than two slots
    #[arg(long)]
    #[arg(hide_short_help = true)]
    snapshot_first: bool,

    /// Serve the firmware also to this address or network, or to `any`
    ///
    /// For a device behind NAT. May be given several times. Without this option, otactl serves only the known addresses of the device: that of --port, and those that the device
    /// reports. Without such an address, otactl serves every client that knows the secret path.
    #[arg(long, value_name = "ADDRESS|NETWORK/BITS|any")]
    #[arg(hide_short_help = true)]
    allow_from: Vec<AllowFrom>,

    /// Serve the firmware over HTTPS, with the certificate and the private key in these PEM files
    ///
    /// The device verifies the certificate with its own `update.ssl_ca_file`. The certificate must be issued for the host of
    /// --advertise, or for the address on which otactl serves.
    #[arg(long, num_args = 2, value_names = ["CERT", "KEY"])]
    #[arg(hide_short_help = true)]
    serve_tls: Option<Vec<PathBuf>>,

    /// Never end an update on the device; refuse if one runs
    ///
    /// Without this option, otactl ends an update that has made no progress for --stall-timeout, and for twice as long as its last
    /// percent took: a push with OTA.End, a download with a reboot. otactl also ends a download of its own that failed. It never
    /// reboots a device whose firmware is uncommitted.
    #[arg(long)]
    #[arg(hide_short_help = true)]
    no_abort: bool,

    /// Write a report for CI: junit=FILE, json=FILE, html=FILE, github or none
    ///
    /// May be given several times, or with commas. The report has the gates of the update, their times, and the failure; one file has all devices.
    /// `github` annotates the log of a job and adds to its step summary. It is automatic in a job of GitHub, unless `none` is given.
    #[arg(long, value_name = "KIND[=FILE]", value_delimiter = ',')]
    #[arg(env = "OTACTL_REPORT", hide_env_values = true, hide_short_help = true)]
    report: Vec<ReportArg>,

    /// Print the plan, and change nothing
    #[arg(long)]
    dry_run: bool,

    /// Allow another app, and the running build
    ///
    /// This option also allows a file system that seems too large for the device, and firmware that commits itself because the
    /// device has no commit timeout. It does not imply --allow-downgrade. No option allows firmware for another platform, or
    /// without signatures that the device requires.
    #[arg(long)]
    force: bool,

    /// Allow an older version
    #[arg(long)]
    allow_downgrade: bool,

    // Last: its heading applies to all options that follow.
    #[command(flatten)]
    checks: ChecksArgs,
}

/// How the device gets the firmware.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum ViaArg {
    /// Pull; push if the device cannot download the firmware
    Auto,
    /// The device downloads the firmware: a FILE from otactl, a URL from its server
    Pull,
    /// otactl sends the firmware over --port; it downloads a URL first
    Push,
}

impl From<ViaArg> for Via {
    fn from(via: ViaArg) -> Self {
        match via {
            ViaArg::Auto => Self::Auto,
            ViaArg::Pull => Self::Pull,
            ViaArg::Push => Self::Push,
        }
    }
}

impl Args {
    /// Tells whether the update changes nothing on the device.
    pub(crate) fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let mut places = destinations(&self.report, is_github_job());
        let progress = self.progress(context, &places);
        let device = OnceCell::new();
        let can_report = report::check(&destinations(&self.report, false), context.events_file());
        if can_report.is_err() {
            places.retain(|place| *place == Destination::Github);
        }
        let result = tokio::select! {
            // Biased: if the update ends at the same time as Ctrl-C, otactl reports the result of the update.
            biased;
            result = async { can_report?; self.update(context, &device, &progress).await } => result,
            () = interrupt::received() => {
                let stage = progress.stage();
                if let (Stage::Receiving { may_be_complete: false, .. }, Some(device)) = (&stage, device.get()) {
                    // After Ctrl-C, otactl has to end soon.
                    let _ = timeout(ABORT_TIMEOUT, push::abort(device, ABORT_TIMEOUT)).await;
                }
                Err(interrupt::failure(&stage))
            }
        };
        progress.end(&result);
        context.set_update_summary(progress.summary(&result));
        if let Some(report) = progress.update_report(&result, context.device_name()) {
            context.shared().reports().add(places, report);
        }
        result.map(drop)
    }

    /// Adds the report of an update that has not begun.
    pub(crate) fn report_not_begun(&self, context: &Context, failure: Failure) {
        let places = destinations(&self.report, is_github_job());
        let report = self.progress(context, &places).update_report(&Err(failure), context.device_name());
        if let Some(report) = report {
            context.shared().reports().add(places, report);
        }
    }

    /// Returns what shows the update, and records it if there are reports.
    fn progress(&self, context: &Context, places: &[Destination]) -> Progress {
        let recorder = (!places.is_empty()).then(|| Recorder::new(self.checks.planned()));
        Progress::new(context.output.clone(), self.reboot_timeout, recorder)
    }

    async fn update(
        &self,
        context: &Context,
        device: &OnceCell<Device>,
        progress: &Progress,
    ) -> Result<Success, Failure> {
        self.checks.validate()?;
        let web_client = context.web_client(self.commit_port.as_deref())?;
        let (source, http) = self.source(context, &web_client, progress).await?;
        let tls = match self.serve_tls.as_deref() {
            Some([cert, key]) => Some(tls::server_config(cert, key)?),
            // clap requires two values.
            _ => None,
        };
        let target = context.target().await?;
        let checks = self.checks.checks(context, &target, &web_client)?;
        let connected = context.device().await?;
        let device = device.get_or_init(|| connected);
        let plan = Plan {
            serving: Serving {
                listen: self.listen,
                advertise: self.advertise.clone(),
                device_host: target.device_host(),
                allow_from: self.allow_from.clone(),
                tls,
                shared: Some(context.shared().servers()),
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
            commit_over: self.commit_port.as_deref().map(|port| commit_device(context, port)).transpose()?,
            snapshot_first: self.snapshot_first,
            force: self.force,
            allow_downgrade: self.allow_downgrade,
            no_abort: self.no_abort,
            http,
            dry_run: self.dry_run,
            ..Plan::new(source)
        };
        update::run(device, &plan, progress).await.map_err(|failure| with_url_hint(failure, &plan.source))
    }

    /// Returns the file or the URL of the command line, or the file that `mos build` writes.
    fn origin(&self, context: &Context) -> Result<Origin<'_>, Failure> {
        match (&self.file, &self.url) {
            (_, Some(url)) => Ok(Origin::Url(url.clone())),
            (Some(file), None) => Ok(match file.to_str().filter(|text| is_web(text)) {
                Some(url) => Origin::Url(url.into()),
                None => Origin::File(file),
            }),
            (None, None) if Path::new(BUILT_FIRMWARE).exists() => {
                context.output.status(&format!("taking {BUILT_FIRMWARE}"));
                Ok(Origin::File(Path::new(BUILT_FIRMWARE)))
            }
            (None, None) => {
                let message = format!("no firmware given, and there is no {BUILT_FIRMWARE} here");
                Err(Failure::new(FailureKind::Usage, message)
                    .hint("write `otactl update FILE` with a firmware zip, or `otactl update --url URL`"))
            }
        }
    }

    /// Returns the firmware, and the client with which otactl may download it during the update.
    ///
    /// An invalid bundle fails here, before any call to the device.
    async fn source(
        &self,
        context: &Context,
        client: &WebClient,
        progress: &Progress,
    ) -> Result<(Source, Option<WebClient>), Failure> {
        let url = match self.origin(context)? {
            Origin::Url(url) => url,
            Origin::File(path) => return Ok((Source::Bundle(context.shared().bundle(path)?), None)),
        };
        if !is_web(&url) || !has_two_slashes(&url) {
            return Err(Failure::new(
                FailureKind::Usage,
                "the device fetches firmware from http:// and https:// URLs only",
            )
            .hint("give such a URL, or the path of a local file without `--url`"));
        }
        if let Err(problem) = Url::parse(&url) {
            return Err(Failure::new(FailureKind::Usage, format!("the URL of the firmware cannot be used: {problem}"))
                .hint("write it as http://HOST/PATH or https://HOST/PATH"));
        }
        client.prepare(&url)?;
        credentials::remember_url_login(&url);
        context.output.status_line.step_waits("download", "downloading the firmware", None);
        if matches!(self.via, ViaArg::Push) {
            let bundle =
                remote_manifest::download(client, &url, self.download_timeout, self.stall_timeout, progress).await;
            return Ok((Source::Bundle(bundle.map_err(update::Failure::Download)?), None));
        }
        let (manifest, signed) = match remote_manifest::read_manifest(client, &url, progress).await {
            Ok((manifest, signed)) => (Ok(manifest), Some(signed)),
            Err(reason) => (Err(reason), None),
        };
        Ok((Source::Url { url, manifest, signed }, matches!(self.via, ViaArg::Auto).then(|| client.clone())))
    }
}

/// Where the firmware is.
enum Origin<'a> {
    File(&'a Path),
    Url(String),
}

/// Tells whether a text is a URL of the web. The scheme is in any case of letters.
fn is_web(text: &str) -> bool {
    let scheme = text.split(':').next().unwrap_or_default();
    scheme.len() < text.len() && ["http", "https"].iter().any(|web| web.eq_ignore_ascii_case(scheme))
}

/// Converts the failure of an update. If neither the device nor otactl reached the URL, the hint says so.
fn with_url_hint(failure: update::Failure, source: &Source) -> Failure {
    let is_about_url = matches!(failure, update::Failure::UrlUnreachable { .. });
    let failure = Failure::from(failure);
    match source {
        Source::Url { manifest: Err(reason), .. } if is_about_url => {
            let hint = without_os_error_numbers(reason);
            let hint = format!("this machine could not read that URL either: {hint}; check the URL and its server");
            Failure { hints: vec![hint], ..failure }
        }
        _ => failure,
    }
}

/// Returns the device of `--commit-port`.
fn commit_device(context: &Context, port: &str) -> Result<Device, Failure> {
    if let TargetArg::Simulated(_) = port.parse()? {
        return Err(Failure::new(FailureKind::Usage, "`--commit-port` cannot be a simulated device of its own")
            .hint("give another address of the device of `--port`"));
    }
    context.connect(&context.resolve(port)?)
}
