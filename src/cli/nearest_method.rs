//! The method that was probably meant, for a device that does not have the one that was called.
//!
//! It is never a method that may change the device.

use std::time::Duration;

use otactl::ota;
use otactl::rpc::{CallError, Device};
use otactl::text::device_text;

use super::failure::Failure;

/// The time limit of the call that reads the methods of the device.
const LIST_TIMEOUT: Duration = Duration::from_secs(1);

/// Converts the error of a call. If the device has no method `method`, the hint names a similar one of its methods.
///
/// This asks the device for its methods. If that fails, the hint is the general one.
pub(crate) async fn failure(device: &Device, method: &str, error: CallError) -> Failure {
    let is_unknown = error.remote_error().is_some_and(|error| error.code == 404);
    let failure = Failure::from(error);
    if !is_unknown {
        return failure;
    }
    let timeout = device.timeout().min(LIST_TIMEOUT);
    let methods = device.call_within(ota::ListMethods {}, timeout).await.unwrap_or_default();
    match nearest(method, &methods) {
        Some(name) => {
            let hint = format!("is it `{}`? `otactl list` shows the methods that the device has", device_text(name));
            Failure { hints: vec![hint], ..failure }
        }
        None => failure,
    }
}

/// Tells whether the name of a method says that the method only reads. This is a guess, since an app may have methods of its own.
pub(crate) fn only_reads(method: &str) -> bool {
    const READING: [&str; 5] = ["Get", "List", "Describe", "Ping", "Status"];

    let name = method.rsplit('.').next().unwrap_or_default();
    READING.iter().any(|reading| name.starts_with(reading))
}

/// Returns the method with the most similar name, if one is similar, and only reads.
///
/// The case of letters does not count. The name without its service, as in `GetInfo`, is similar to the whole one.
fn nearest<'a>(typed: &str, methods: &'a [String]) -> Option<&'a str> {
    // RPC.Describe answers with the same error if it does not know the method in its arguments.
    if methods.iter().any(|method| method == typed) {
        return None;
    }
    let typed = typed.to_lowercase();
    let max = (typed.chars().count() / 4).clamp(1, 3);
    let distance = |method: &str| {
        let method = method.to_lowercase();
        let is_short = method.rsplit('.').next() == Some(&typed) || method.replace('.', "") == typed;
        if is_short { 0 } else { strsim::osa_distance(&typed, &method) }
    };
    let with_distance = methods.iter().map(|method| (distance(method), method.as_str()));
    with_distance
        .filter(|(distance, _)| *distance <= max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, method)| method)
        .filter(|method| only_reads(method))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_method_is_found() {
        let methods = ["Sys.GetInfo", "Sys.GetUID", "OTA.Commit", "Config.Get", "Config.Set", "RPC.List"];
        let methods: Vec<_> = methods.map(String::from).into();
        for (typed, expected) in [
            ("sys.getinfo", Some("Sys.GetInfo")),
            ("GetInfo", Some("Sys.GetInfo")),
            ("SysGetInfo", Some("Sys.GetInfo")),
            ("Sys.GetIfno", Some("Sys.GetInfo")),
            ("Sys.Info", None),
            ("Sys.GetInfo", None),
            ("OTA.Comit", None),
            ("ota.commit", None),
            ("Commit", None),
            ("Config.Ste", None),
            ("Config.Gte", Some("Config.Get")),
            ("RPC.Lsit", Some("RPC.List")),
            ("No.Such", None),
            ("", None),
            ("Wifi.Scan", None),
        ] {
            assert_eq!(nearest(typed, &methods), expected, "{typed}");
        }
        assert_eq!(nearest("Sys.GetInfo", &[]), None);
    }
}
