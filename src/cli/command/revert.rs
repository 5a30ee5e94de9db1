use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Go back to the firmware that ran before, by a reboot (OTA.Revert)
///
/// Only firmware that is not committed yet can be reverted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::Revert {}).await?;
        context.output.result(&value)?;
        context.output.status("the device reboots into the firmware that ran before");
        Ok(())
    }
}
