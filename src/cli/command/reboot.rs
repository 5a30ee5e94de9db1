use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, Kind};

/// Reboot the device (Sys.Reboot)
///
/// Any reboot while the firmware is uncommitted is a rollback, so that this is refused then.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Milliseconds from the device's answer to the reboot
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u32>,

    /// Reboot even if that is a rollback
    #[arg(long)]
    force: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        if !self.force {
            // A device without the OTA service has nothing to roll back.
            match device.call(ota::GetBootState {}).await {
                Ok(boot) if !boot.is_committed => {
                    return Err(Failure::new(Kind::Refused, format!("a reboot would be a rollback: {boot}"))
                        .hint("`otactl commit` keeps what runs; with `--force` the device reboots, and goes back"));
                }
                Err(error) if error.remote_error().is_none() => return Err(error.into()),
                _ => {}
            }
        }
        let value = device.call_value(ota::Reboot { delay_ms: self.delay_ms.map(Into::into) }).await?;
        context.output.result(&value)
    }
}
