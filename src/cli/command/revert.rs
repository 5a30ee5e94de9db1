use otactl::ota;
use otactl::rpc::CallError;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Go back to the firmware that ran before, by a reboot (OTA.Revert)
///
/// Only firmware that is not committed yet can be reverted.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        match device.call_value(ota::Revert {}).await {
            Ok(value) => {
                context.output.result(&value)?;
                context.output.say("the device reboots into the firmware that ran before");
                Ok(())
            }
            Err(error @ CallError::Remote { .. }) => {
                let nothing = error.remote().is_some_and(|error| error.code == -1);
                let failure = Failure::from(error);
                Err(if nothing {
                    failure.hint("there is nothing to revert: only firmware that is not committed yet can be, see `otactl get-boot-state`")
                } else {
                    failure
                })
            }
            Err(error) => Err(error.into()),
        }
    }
}
