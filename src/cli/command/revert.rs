use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Revert to the previous firmware, and reboot (OTA.Revert)
///
/// Only uncommitted firmware can be reverted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 revert")]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::Revert {}).await?;
        context.output.result(&value)?;
        context.output.status("the device reboots into the previous firmware");
        Ok(())
    }
}
