//! What a device is asked before an update, beside what it is and runs. It need not answer any of it.

use std::time::Duration;

use serde_json::Value;

use crate::ota;
use crate::rpc::Device;

/// What the device said; `None` where it did not: older firmware has not all of these methods, and a device may keep
/// them from us.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// `RPC.List`: its methods.
    pub(super) methods: Option<Vec<String>>,
    /// `Config.Get`: its settings for updates.
    pub(super) settings: Option<Value>,
    /// `RPC.Describe`: the arguments of the method that begins the update.
    pub(super) arguments: Option<String>,
}

/// Asks everything at the same time. `begins` is the method that begins the update.
pub(super) async fn ask(device: &Device, begins: &str, patience: Duration) -> Told {
    let (methods, settings, description) = tokio::join!(
        device.call_within(ota::ListMethods {}, patience),
        device.call_within(ota::GetConfig { key: "update".into() }, patience),
        device.call_within(ota::Describe { name: begins.into() }, patience),
    );
    let arguments = description.ok().map(|description| description.args_fmt);
    Told {
        methods: methods.ok(),
        settings: settings.ok().filter(Value::is_object),
        arguments: arguments.filter(|arguments| !arguments.is_empty()),
    }
}
