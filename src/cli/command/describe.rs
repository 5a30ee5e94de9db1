use otactl::ota;

use crate::cli::completion::learn::Lesson;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::nearest_method;

/// Show the arguments of a method (RPC.Describe)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 describe OTA.Update")]
pub(crate) struct Args {
    /// Method to describe, such as `OTA.Update`
    method: String,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        match device.call_value(ota::Describe { name: self.method.clone() }).await {
            Ok(value) => {
                Lesson::Arguments(self.method).keep(context.device_key().as_ref(), &value);
                context.output.result(&value)
            }
            Err(error) => Err(nearest_method::failure(&device, &self.method, error).await),
        }
    }
}
