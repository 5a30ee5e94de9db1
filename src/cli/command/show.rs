use otactl::ota;
use otactl::rpc::{CallErrorKind, Device};
use otactl::secrets::mask;
use otactl::update::device_state::DeviceState;
use tokio::time::Instant;

use crate::cli::clock;
use crate::cli::context::Context;
use crate::cli::device_facts::DeviceFacts;
use crate::cli::failure::Failure;
use crate::cli::json_path::GetArg;

/// Show what runs on the device, and whether it stays
///
/// otactl reads id, platform, firmware, memory and network (Sys.GetInfo), whether the firmware is committed and when the device
/// rolls back (OTA.GetBootState), the state of an update (OTA.Status), the methods (RPC.List), and whether the device has a licence
/// key (Config.Get). What a device does not report is left out, or unknown. The slot is the one that boots next: until the device
/// reboots, another one runs after `otactl set-boot-state --active-slot`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl --port ws://192.168.1.5 show")]
pub(crate) struct Args {
    #[command(flatten)]
    get: GetArg,
}

impl Args {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let device = context.device().await?;
        let port = mask(&context.target().await?.to_string()).into_owned();
        let mut facts = read(context, &device, port).await?;
        // These questions are optional: old firmware does not know the first, and a device may deny both.
        if let Ok(status) = device.call(ota::GetStatus {}).await {
            facts = facts.with_update(&status);
        }
        if let Ok(methods) = device.call(ota::ListMethods {}).await {
            facts = facts.with_methods(&methods);
        }
        if facts.may_need_license()
            && let Ok(settings) = device.call(ota::GetConfig { key: "device".into() }).await
        {
            facts = facts.with_license(ota::has_license(&settings));
        }
        let value = serde_json::to_value(&facts).unwrap_or_default();
        if self.get.is_given() {
            return self.get.print(context, &value);
        }
        context.output.table(
            &value,
            &facts.text(context.output.result_columns(), clock::at, |text| context.output.addressed(text)),
        )
    }
}

/// Reads the info and the boot state of the device. The boot state is left out if the device answers without one.
async fn read(context: &Context, device: &Device, port: String) -> Result<DeviceFacts, Failure> {
    let facts = match DeviceState::read(device, device.timeout()).await {
        Ok(now) => {
            context.output.subject.set_device(&now.info.id);
            DeviceFacts::new(&now.info, port, now.quickest).with_boot_state(&now.boot, now.reverts_in())
        }
        Err(error) if matches!(error.kind(), CallErrorKind::Unreachable | CallErrorKind::TimedOut) => {
            return Err(error.into());
        }
        Err(_) => {
            let asked = Instant::now();
            let info = device.call(ota::GetInfo {}).await?;
            context.output.subject.set_device(&info.id);
            DeviceFacts::new(&info, port, asked.elapsed())
        }
    };
    Ok(facts)
}
