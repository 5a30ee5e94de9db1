use std::time::Duration;

use otactl::ota::{self, Slot};

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::values;

/// Set some fields of the boot state (OTA.SetBootState)
///
/// For repairs: a wrong state can make the device boot a slot that does not work.
#[derive(Debug, clap::Args)]
#[group(id = "fields", required = true, multiple = true)]
pub(crate) struct Args {
    /// The slot that boots next
    #[arg(long, value_name = "SLOT")]
    active_slot: Option<Slot>,

    /// Whether it is committed
    #[arg(long, value_name = "BOOL")]
    is_committed: Option<bool>,

    /// The slot that a rollback goes back to
    #[arg(long, value_name = "SLOT")]
    revert_slot: Option<Slot>,

    /// How long after a boot the device waits for the commit
    #[arg(long, value_name = "DURATION", value_parser = values::commit_timeout)]
    commit_timeout: Option<Duration>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = ota::SetBootState {
            active_slot: self.active_slot,
            is_committed: self.is_committed,
            revert_slot: self.revert_slot,
            commit_timeout: self.commit_timeout.map(|timeout| timeout.as_secs()),
        };
        let answer = context.device().await?.call_value(request).await;
        let value = answer.map_err(|error| Failure::of_call(error, -3, "the device has the slots 0 and 1"))?;
        context.output.result(&value)
    }
}
