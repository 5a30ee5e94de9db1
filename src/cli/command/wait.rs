use std::time::Duration;

use otactl::text::for_humans;
use otactl::update::wait::{WantedState, wait};
use tokio::time::Instant;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::json_path::GetArg;
use crate::cli::values;

/// Wait for a state of the device, and print the state
///
/// otactl reads the device's state at once, and then about every second. It also waits for a device that cannot be reached or does
/// not answer, but fails at once if the device requires other credentials. When the state is reached, otactl prints id, version,
/// build_id, slot, committed, uptime, and, if uncommitted, the seconds until the rollback (reverts_in) as JSON. If the state is
/// not reached in time, the exit code is 5.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 wait version 2.0.0 --for 10m")]
pub(crate) struct Args {
    /// State to wait for: reachable, committed, uncommitted or version
    ///
    /// reachable: the device answers. committed, uncommitted: the running firmware is. version: VERSION runs, committed or uncommitted.
    #[arg(value_name = "STATE", hide_possible_values = true)]
    state: WaitState,

    /// Version to wait for, with the state `version`
    ///
    /// As in fw_version of `otactl info`.
    #[arg(value_name = "VERSION", required_if_eq("state", "version"))]
    version: Option<String>,

    /// Time limit of the wait
    #[arg(long = "for", value_name = "DURATION", default_value = "5m", value_parser = values::duration)]
    limit: Duration,

    #[command(flatten)]
    get: GetArg,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum WaitState {
    /// The device answers
    Reachable,
    /// The running firmware is committed
    Committed,
    /// The running firmware is uncommitted
    Uncommitted,
    /// VERSION runs, committed or uncommitted
    Version,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let wanted = match (self.state, self.version) {
            (WaitState::Version, version) => WantedState::Version(version.unwrap_or_default()),
            (_, Some(version)) => {
                return Err(Failure::new(
                    FailureKind::Usage,
                    format!("`{version}` follows a state that takes no version"),
                )
                .hint("write `otactl wait version VERSION`, or leave it out"));
            }
            (WaitState::Reachable, None) => WantedState::Reachable,
            (WaitState::Committed, None) => WantedState::Committed,
            (WaitState::Uncommitted, None) => WantedState::Uncommitted,
        };
        let device = context.device().await?;
        let started = Instant::now();
        let seen = wait(&device, &wanted, self.limit).await?;
        self.get.print(context, &serde_json::to_value(&seen).unwrap_or_default())?;
        context.output.done(&format!("{wanted} after {}: {seen}", for_humans(started.elapsed())));
        Ok(())
    }
}
