use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ArgGroup;
use otactl::bundle::Bundle;
use otactl::transport::target::Target;
use otactl::update::{self, Plan, Serving, Source, Success, remote};

use crate::cli::checks::ChecksArgs;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::interrupt;
use crate::cli::progress::Progress;
use crate::cli::values;

/// Take the device to a new firmware, prove that it runs, and commit it
///
/// Serves the firmware zip to the device for as long as it takes, waits for the reboot, checks that
/// the wanted build runs and is well, commits it, and looks again. Run again after an interruption, it goes on
/// from where the device is.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("source").args(["file", "url"]).required(true))]
pub(crate) struct Args {
    /// The firmware zip; otactl serves it to the device
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// A URL from which the device fetches the firmware by itself
    #[arg(long, value_name = "URL")]
    url: Option<String>,

    /// Leave the new firmware uncommitted, and say until when
    #[arg(long)]
    no_commit: bool,

    /// How long after its reboot the device waits for the commit before it goes back
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = values::commit_timeout)]
    commit_timeout: Duration,

    /// How long the device may take to get and write the firmware [default: 600s, more for large ones]
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    download_timeout: Option<Duration>,

    /// How long the device may take from the download to its first answer after the reboot
    #[arg(long, value_name = "DURATION", default_value = "120s", value_parser = values::duration)]
    reboot_timeout: Duration,

    /// Where to serve the firmware: ADDRESS:PORT, ADDRESS or :PORT
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen, conflicts_with = "url")]
    listen: Option<SocketAddr>,

    /// Under which host, and port if it differs, the device reaches this machine
    #[arg(long, value_name = "HOST[:PORT]", value_parser = values::advertise, conflicts_with = "url")]
    advertise: Option<(String, Option<u16>)>,

    /// Say what would be done, and touch nothing
    #[arg(long)]
    dry_run: bool,

    /// Install another app than the one that runs, or offer the device the build that it runs already
    #[arg(long)]
    force: bool,

    // The last, since its heading holds for whatever follows.
    #[command(flatten)]
    checks: ChecksArgs,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let progress = Progress::new(context.output.clone());
        let result = tokio::select! {
            // Biased so that what is done is reported as done, even if Ctrl-C comes with it.
            biased;
            result = self.update(context, &progress) => result,
            () = interrupt::received() => Err(interrupt::failure(&progress.stage())),
        };
        let said = progress.end(&result);
        // What became of the device counts for more than that it could not be said.
        result.map(drop).and(said)
    }

    async fn update(&self, context: &Context, progress: &Progress) -> Result<Success, Failure> {
        let source = self.source(context).await?;
        let target = context.target().await?;
        let checks = self.checks.checks(context, &target)?;
        let device = context.connect(&target)?;
        let plan = Plan {
            serving: Serving {
                listen: self.listen,
                advertise: self.advertise.clone(),
                device_host: match &target {
                    Target::WebSocket(at) | Target::Http(at) | Target::Tcp(at) | Target::Udp(at) => {
                        Some((at.host().into(), at.port()))
                    }
                    _ => None,
                },
            },
            checks,
            on_unhealthy: self.checks.on_unhealthy(),
            commit: !self.no_commit,
            commit_timeout: self.commit_timeout,
            download_timeout: self.download_timeout,
            reboot_timeout: self.reboot_timeout,
            force: self.force,
            dry_run: self.dry_run,
            ..Plan::new(source)
        };
        update::run(&device, &plan, progress).await.map_err(Failure::from)
    }

    /// The firmware. A bundle that a device could not take is found out before the device is asked.
    async fn source(&self, context: &Context) -> Result<Source, Failure> {
        if let Some(path) = &self.file {
            return Bundle::read(path).map(Source::Bundle).map_err(|error| Failure::bundle(path, &error));
        }
        let url = self.url.clone().unwrap_or_default();
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err(Failure::new(Kind::Usage, "the device fetches firmware from http:// and https:// URLs only")
                .hint("give such a URL, or the path of a local file without `--url`"));
        }
        let manifest = remote::read_manifest(&context.http_client()?, &url).await;
        Ok(Source::Url { url, manifest })
    }
}
