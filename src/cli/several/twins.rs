//! Finds devices that cannot be used, and two names for one device, before the command changes anything.

use std::collections::HashMap;

use futures_util::{StreamExt as _, stream};
use otactl::ota;
use otactl::text::device_text;

use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};

/// Fails if a device has no usable address or options, or if two of the names stand for the same device: for one address, or for two
/// addresses at which the same id answers.
///
/// A device that does not answer is left out; its own command reports that.
pub(super) async fn check<'a>(
    devices: impl Iterator<Item = (&'a str, &'a Context)>,
    jobs: usize,
) -> Result<(), Failure> {
    let mut by_address: HashMap<String, &str> = HashMap::new();
    let mut questions = Vec::new();
    for (label, context) in devices {
        if let Err(failure) = context.device().await {
            // The board of a `usb:` port may only be unplugged. Its own command reports that.
            if context.is_usb() {
                continue;
            }
            let message = format!("{label}: {}; nothing was changed", failure.message);
            return Err(Failure { message, ..failure });
        }
        let target = context.target().await?;
        if let Some(other) = by_address.insert(target.to_string(), label) {
            return Err(twins(other, label, &format!("both have the address {target}")));
        }
        questions.push(async move {
            let device = context.device().await.ok()?;
            let info = device.call(ota::GetInfo {}).await.ok()?;
            (!info.id.is_empty()).then_some((label, info.id))
        });
    }
    let ids: Vec<Option<(&str, String)>> = stream::iter(questions).buffered(jobs).collect().await;
    let mut by_id: HashMap<String, &str> = HashMap::new();
    for (label, id) in ids.into_iter().flatten() {
        let shown = device_text(&id);
        if let Some(other) = by_id.insert(id, label) {
            return Err(twins(other, label, &format!("{shown} answers at both addresses")));
        }
    }
    Ok(())
}

fn twins(one: &str, other: &str, why: &str) -> Failure {
    let message = format!("{one} and {other} are the same device: {why}; nothing was changed");
    Failure::new(FailureKind::Usage, message).hint("name each device once")
}
