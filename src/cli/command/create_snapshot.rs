use std::time::Duration;

use otactl::ota::{self, Snapshot};
use serde::Deserialize as _;

use super::read_back::{next_boot, read_back};
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::values;

/// Copy the firmware to the other slot (OTA.CreateSnapshot)
///
/// At the end, otactl reads the boot state back and prints it. A device does not report which slot runs.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 create-snapshot")]
pub(crate) struct Args {
    /// Make the copy the firmware to roll back to
    ///
    /// Its slot becomes the revert slot, and the running firmware becomes uncommitted.
    #[arg(long)]
    set_as_revert: bool,

    /// Time limit of the commit
    ///
    /// The device rolls back to the copy unless the running firmware is committed in this time, in whole seconds. Requires
    /// --set-as-revert.
    #[arg(long, value_name = "DURATION", requires = "set_as_revert", value_parser = values::commit_timeout)]
    commit_timeout: Option<Duration>,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = ota::CreateSnapshot {
            set_as_revert: self.set_as_revert.then_some(true),
            commit_timeout: self.commit_timeout.map(|timeout| timeout.as_secs()),
        };
        let device = context.device().await?;
        let value = device.call_value(request).await?;
        context.output.result(&value)?;
        let slot = Snapshot::deserialize(&value).ok().and_then(|snapshot| snapshot.slot);
        let copy = slot.map(|slot| format!("the copy is in slot {slot}; ")).unwrap_or_default();
        if let Some(now) = read_back(context, &device).await {
            context.output.status(&format!("{copy}{}", next_boot(&now)));
        }
        Ok(())
    }
}
