use otactl::update::commit::commit;
use otactl::update::device_state::DeviceState;
use otactl::update::settle::settled;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::Failure;

/// Commit the running firmware (OTA.Commit)
///
/// Reads the boot state before and after the commit. If the device is uncommitted, otactl watches it for 800 ms before the commit,
/// since the device may be about to reboot into firmware that it has just downloaded.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 commit")]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        let first = DeviceState::read(&device, device.timeout()).await?;
        context.output.subject.set_device(&first.info.id);
        let before = if first.boot.is_committed { first } else { settled(&device, first, device.timeout()).await? };
        let message = if before.boot.is_committed {
            format!("nothing to commit: {}", before.boot)
        } else {
            let after = commit(&device, &before, device.timeout()).await?;
            format!("{}", after.boot)
        };
        // The reply of a device to a successful commit.
        context.output.result(&Value::Null)?;
        context.output.status(&message);
        Ok(())
    }
}
