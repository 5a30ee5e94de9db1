use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json_path::GetArg;

/// Show the progress of an update (OTA.Status)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 status")]
pub(crate) struct Args {
    #[command(flatten)]
    get: GetArg,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        const NO_STATUS_HINT: &str = "older firmware has no OTA.Status; `otactl get-boot-state` shows the boot state";
        let reply = context.device().await?.call_value(ota::GetStatus {}).await;
        let value = reply.map_err(|error| Failure::of_call(error, 404, NO_STATUS_HINT))?;
        self.get.print(context, &value)
    }
}
