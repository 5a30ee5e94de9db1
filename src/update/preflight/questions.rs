//! Asks the device about its updater, methods and settings before an update. The device need not answer any of these questions.

use std::time::Duration;

use serde_json::Value;

use super::methods::TransferKind;
use crate::ota::{self, Status};
use crate::rpc::{CallError, Device, Method};

/// The answers of the device.
///
/// A field is `None` if the device did not answer: older firmware lacks some of these methods, and a device may deny access to them.
#[derive(Debug, Default)]
pub(super) struct DeviceAnswers {
    /// `RPC.List`: the methods of the device.
    pub(super) methods: Option<Vec<String>>,
    /// `Config.Get`: the settings `update`.
    pub(super) settings: Option<Value>,
    /// `Config.Get`: whether `device.license` holds a key. `None` as well if the question was not asked.
    pub(super) license: Option<bool>,
    /// `RPC.Describe`: the arguments of the method that begins the update.
    pub(super) arguments: Option<String>,
}

/// Asks all questions at the same time, and also returns the status of the updater.
///
/// `transfer_kind` is how the firmware may get to the device. `timeout` is the time limit of a question that the device need not answer.
pub(super) async fn ask(
    device: &Device,
    transfer_kind: TransferKind,
    timeout: Duration,
) -> (Result<Status, CallError>, DeviceAnswers) {
    let status = || (ota::GetStatus {}, device.timeout());
    let methods = || (ota::ListMethods {}, timeout);
    let settings = || (ota::GetConfig { key: "update".into() }, timeout);
    let license = || (ota::GetConfig { key: "device".into() }, timeout);
    let arguments = || (ota::Describe { name: transfer_kind.begins().into() }, timeout);
    // Only a pull needs a licence.
    let may_pull = transfer_kind != TransferKind::Push;
    let answers = tokio::join!(
        once(device, status()),
        once(device, methods()),
        once(device, settings()),
        once(device, arguments()),
        async { if may_pull { Some(once(device, license()).await) } else { None } },
    );
    let status = retry_alone(device, status(), answers.0).await;
    let methods = retry_alone(device, methods(), answers.1).await.ok();
    let settings = retry_alone(device, settings(), answers.2).await.ok();
    let arguments = retry_alone(device, arguments(), answers.3).await.ok().map(|description| description.args_fmt);
    let license = match answers.4 {
        Some(answer) => retry_alone(device, license(), answer).await.ok(),
        None => None,
    };
    let answers = DeviceAnswers {
        methods,
        license: license.as_ref().and_then(ota::has_license),
        settings: settings.filter(Value::is_object),
        arguments: arguments.filter(|arguments| !arguments.is_empty()),
    };
    (status, answers)
}

async fn once<M: Method>(device: &Device, (method, timeout): (M, Duration)) -> Result<M::Reply, CallError> {
    device.call_within(method, timeout).await
}

/// Asks a question again, alone, if its connection was refused or broken. A question that timed out is not repeated.
///
/// Over HTTP, simultaneous questions need simultaneous connections. A small device may not have enough memory for them, especially with
/// TLS.
async fn retry_alone<M: Method>(
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
