use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::json_path::GetArg;

/// Show id, platform and firmware of the device (Sys.GetInfo)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 info")]
pub(crate) struct Args {
    #[command(flatten)]
    get: GetArg,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let value = context.device().await?.call_value(ota::GetInfo {}).await?;
        if let Some(id) = value["id"].as_str() {
            context.output.subject.set_device(id);
        }
        self.get.print(context, &value)
    }
}
