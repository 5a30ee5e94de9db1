use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show what the device is and what it runs (Sys.GetInfo)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::GetInfo {}).await?;
        context.output.result(&value)
    }
}
