use std::time::Duration;

use otactl::text::for_humans;
use otactl::update::wait::{Wanted, wait};
use tokio::time::Instant;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};
use crate::cli::values;

/// Wait until the device is in a state, and say when it is
///
/// Looks at the device at once, and then again about every second. A device that cannot be reached, or is silent, is
/// waited for; one that wants other credentials is not. What it says of itself in the end goes to stdout as JSON: id,
/// version, build_id, slot, committed, uptime, and while it is uncommitted, the seconds until it goes back (reverts_in).
/// If it is not there in time, the exit code is 5.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What to wait for
    #[arg(value_name = "STATE")]
    state: State,

    /// The version that is to run, as `otactl info` shows it in fw_version; with `version` only
    #[arg(value_name = "VERSION", required_if_eq("state", "version"))]
    version: Option<String>,

    /// How long to wait
    #[arg(long = "for", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    limit: Duration,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum State {
    /// It answers
    Reachable,
    /// What runs stays after a reboot
    Committed,
    /// What runs waits for its commit
    Uncommitted,
    /// VERSION runs, committed or not
    Version,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let wanted = match (self.state, self.version) {
            (State::Version, version) => Wanted::Version(version.unwrap_or_default()),
            (_, Some(version)) => {
                return Err(Failure::new(
                    Kind::Usage,
                    format!("`{version}` stands behind a state that has no version"),
                )
                .hint("write `otactl wait version VERSION`, or leave it out"));
            }
            (State::Reachable, None) => Wanted::Reachable,
            (State::Committed, None) => Wanted::Committed,
            (State::Uncommitted, None) => Wanted::Uncommitted,
        };
        let device = context.device().await?;
        let started = Instant::now();
        let seen = wait(&device, &wanted, self.limit).await?;
        context.output.result(&serde_json::to_value(&seen).unwrap_or_default())?;
        context.output.done(&format!("{wanted} after {}: {seen}", for_humans(started.elapsed())));
        Ok(())
    }
}
