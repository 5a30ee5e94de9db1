use otactl::ota;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};

/// Reboot the device (Sys.Reboot)
///
/// While the firmware is uncommitted, any reboot is a rollback. otactl refuses it then, unless --force is given.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 reboot")]
pub(crate) struct Args {
    /// Time from the reply to the reboot, in milliseconds [default: that of the device]
    #[arg(long, value_name = "MS")]
    delay_ms: Option<u32>,

    /// Reboot even if this causes a rollback
    #[arg(long)]
    force: bool,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        if !self.force {
            // An error reply means that the device has no OTA service, and nothing to roll back.
            match device.call(ota::GetBootState {}).await {
                Ok(boot) if !boot.is_committed => {
                    return Err(Failure::new(FailureKind::Refused, format!("a reboot would be a rollback: {boot}"))
                        .hint("`otactl commit` keeps what runs; with `--force` the device reboots, and rolls back"));
                }
                Err(error) if error.remote_error().is_none() => return Err(error.into()),
                _ => {}
            }
        }
        let value = device.call_value(ota::Reboot { delay_ms: self.delay_ms.map(Into::into) }).await?;
        context.output.result(&value)
    }
}
