use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show the id, platform and firmware of the device (Sys.GetInfo)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::GetInfo {}).await?;
        context.output.result(&value)
    }
}
