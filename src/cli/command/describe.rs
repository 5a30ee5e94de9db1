use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show the arguments of a method (RPC.Describe)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Method to describe, such as `OTA.Update`
    method: String,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::Describe { name: self.method }).await?;
        context.output.result(&value)
    }
}
