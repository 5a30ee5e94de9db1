use std::time::Instant;

use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Check that the device answers (RPC.Ping)
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port /dev/ttyUSB0 ping")]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        let started = Instant::now();
        let value = device.call_value(ota::Ping {}).await?;
        let elapsed = started.elapsed();
        context.output.result(&value)?;
        if context.output.is_interactive() {
            context
                .output
                .status(&format!("answered after {:.1} ms, connecting included", elapsed.as_secs_f64() * 1e3));
        }
        Ok(())
    }
}
