use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// List the methods of the device (RPC.List)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::ListMethods {}).await?;
        context.output.result(&value)
    }
}
