use std::time::Duration;

use otactl::ota::slot_name;
use otactl::text::for_humans;
use otactl::update::read_state_error::ReadStateError;
use otactl::update::wait::{ReportedState, WantedState, wait_and_report};
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
        let status_line = &context.output.status_line;
        status_line.command_waits("not there yet", Some(self.limit));
        let report = |seen: Option<&ReportedState>, error: Option<&ReadStateError>| {
            if let Some(seen) = seen {
                context.output.subject.set_device(&seen.id);
            }
            status_line.set_text(&not_there_yet(seen, error));
        };
        let seen = wait_and_report(&device, &wanted, self.limit, report).await?;
        self.get.print(context, &serde_json::to_value(&seen).unwrap_or_default())?;
        context.output.done(&format!("{wanted} after {}: {seen}", for_humans(started.elapsed())));
        Ok(())
    }
}

/// Describes the last observation in a few words: why it failed, or else what runs.
fn not_there_yet(seen: Option<&ReportedState>, error: Option<&ReadStateError>) -> String {
    let observation = match (error, seen) {
        (Some(error), _) => error.to_string(),
        (None, None) => return "not there yet".into(),
        (None, Some(seen)) => {
            let committed = match seen.committed {
                Some(true) => ", committed",
                Some(false) => ", uncommitted",
                None => "",
            };
            format!("{} in {}{committed}", seen.build.version, slot_name(seen.slot))
        }
    };
    format!("not there yet: {observation}")
}
