use otactl::ota::{self, BootState};
use serde::Deserialize as _;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json_path::GetArg;

/// Show the active slot and its commit (OTA.GetBootState)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port http://192.168.1.5 get-boot-state")]
pub(crate) struct Args {
    #[command(flatten)]
    get: GetArg,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::GetBootState {}).await?;
        self.get.print(context, &value)?;
        if !self.get.is_given()
            && context.output.is_interactive()
            && let Ok(boot) = BootState::deserialize(&value)
        {
            context.output.status(&boot.to_string());
        }
        Ok(())
    }
}
