use otactl::ota::{self, BootState};
use serde::Deserialize as _;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Show the active slot, and whether it is committed (OTA.GetBootState)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::GetBootState {}).await?;
        context.output.result(&value)?;
        if context.output.is_interactive()
            && let Ok(boot) = BootState::deserialize(&value)
        {
            context.output.status(&boot.to_string());
        }
        Ok(())
    }
}
