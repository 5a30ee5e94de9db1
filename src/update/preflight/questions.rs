//! What a device is asked before an update, beside what it is and runs. It need not answer any of it.

use std::time::Duration;

use serde_json::Value;

use super::methods::Delivery;
use crate::ota::{self, Status};
use crate::rpc::{CallError, Device, Method};

/// What the device said; `None` where it did not: older firmware has not all of these methods, and a device may keep
/// them from us.
#[derive(Debug, Default)]
pub(super) struct DeviceAnswers {
    /// `RPC.List`: its methods.
    pub(super) methods: Option<Vec<String>>,
    /// `Config.Get`: its settings for updates.
    pub(super) settings: Option<Value>,
    /// `Config.Get`: whether `device.license` holds a key. `None` as well if it was not asked for.
    pub(super) license: Option<bool>,
    /// `RPC.Describe`: the arguments of the method that begins the update.
    pub(super) arguments: Option<String>,
}

/// Asks everything at the same time, and how far its updater is, too. `delivery` is how the firmware may get to the device,
/// and `timeout` how long a question may take that need not be answered.
pub(super) async fn ask(
    device: &Device,
    delivery: Delivery,
    timeout: Duration,
) -> (Result<Status, CallError>, DeviceAnswers) {
    let status = || (ota::GetStatus {}, device.timeout());
    let methods = || (ota::ListMethods {}, timeout);
    let settings = || (ota::GetConfig { key: "update".into() }, timeout);
    let license = || (ota::GetConfig { key: "device".into() }, timeout);
    let arguments = || (ota::Describe { name: delivery.begins().into() }, timeout);
    // Only a pull needs a licence.
    let may_pull = delivery != Delivery::Push;
    let answers = tokio::join!(
        once(device, status()),
        once(device, methods()),
        once(device, settings()),
        once(device, arguments()),
        async { if may_pull { Some(once(device, license()).await) } else { None } },
    );
    let status = again(device, status(), answers.0).await;
    let methods = again(device, methods(), answers.1).await.ok();
    let settings = again(device, settings(), answers.2).await.ok();
    let arguments = again(device, arguments(), answers.3).await.ok().map(|description| description.args_fmt);
    let license = match answers.4 {
        Some(answer) => again(device, license(), answer).await.ok(),
        None => None,
    };
    let answers = DeviceAnswers {
        methods,
        license: license.and_then(|settings| Some(!settings["license"].as_str()?.is_empty())),
        settings: settings.filter(Value::is_object),
        arguments: arguments.filter(|arguments| !arguments.is_empty()),
    };
    (status, answers)
}

async fn once<M: Method>(device: &Device, (method, timeout): (M, Duration)) -> Result<M::Reply, CallError> {
    device.call_within(method, timeout).await
}

/// Over HTTP, questions at the same time are connections at the same time, for which a small device may have no room, the
/// less with TLS. What met with a closed door is asked again by itself; what met with silence is not.
async fn again<M: Method>(
    device: &Device,
    question: (M, Duration),
    answer: Result<M::Reply, CallError>,
) -> Result<M::Reply, CallError> {
    match answer {
        Err(CallError::Unreachable { .. } | CallError::Lost { .. } | CallError::NotRpc { .. }) => {
            once(device, question).await
        }
        answer => answer,
    }
}
