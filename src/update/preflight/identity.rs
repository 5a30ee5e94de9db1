//! Checks whether the firmware is for this device: its platform, its app and its version.
//!
//! A device that does not report its platform cannot be compared with the manifest. It checks the platform itself.

use std::cmp::Ordering;

use super::finding::Finding;
use super::version::compare;
use crate::bundle::Manifest;
use crate::ota::SystemInfo;
use crate::update::outcome::Refusal;
use crate::update::plan::Plan;

/// Returns the refusal of a firmware that is for another platform, or for another app without `force`.
pub(super) fn refusal(wanted: &Manifest, info: &SystemInfo, force: bool) -> Option<Refusal> {
    if differ(&wanted.platform, &info.arch) {
        return Some(Refusal::WrongPlatform { firmware: wanted.platform.clone(), device: info.arch.clone() });
    }
    (is_other_app(wanted, info) && !force)
        .then(|| Refusal::OtherApp { firmware: wanted.name.clone(), device: info.app.clone() })
}

fn differ(firmware: &str, device: &str) -> bool {
    !device.is_empty() && !firmware.eq_ignore_ascii_case(device)
}

/// Tells whether the firmware is another app. A manifest without a name fits any app, as it does for a device.
fn is_other_app(wanted: &Manifest, info: &SystemInfo) -> bool {
    !wanted.name.is_empty() && differ(&wanted.name, &info.app)
}

/// Returns the findings on platform, app and version.
pub(super) fn check(plan: &Plan, info: &SystemInfo) -> Vec<Finding> {
    let Some(wanted) = plan.source.manifest() else {
        return vec![Finding::unknown("version", format!("{} -> unknown, from the URL", info.fw_version))];
    };
    vec![platform(wanted, info), app(wanted, info, plan.force), version(wanted, info, plan.allow_downgrade)]
}

fn platform(wanted: &Manifest, info: &SystemInfo) -> Finding {
    match refusal(wanted, info, true) {
        Some(refusal) => Finding::refused("platform", refusal),
        None if info.arch.is_empty() => {
            Finding::unknown("platform", format!("{}; the device does not report its platform", wanted.platform))
        }
        None => Finding::good("platform", format!("{}, as the device", wanted.platform)),
    }
}

fn app(wanted: &Manifest, info: &SystemInfo, force: bool) -> Finding {
    if wanted.name.is_empty() {
        return Finding::unknown("app", "the manifest does not name it");
    }
    if !is_other_app(wanted, info) {
        return Finding::good("app", wanted.name.clone());
    }
    if force {
        return Finding::good("app", format!("{} -> {}, as forced", info.app, wanted.name));
    }
    Finding::refused("app", Refusal::OtherApp { firmware: wanted.name.clone(), device: info.app.clone() })
}

/// Returns the finding on the version. Versions of different apps are not compared.
fn version(wanted: &Manifest, info: &SystemInfo, allow_downgrade: bool) -> Finding {
    let (firmware, device) = (wanted.version.clone(), info.fw_version.clone());
    let change = format!("{device} -> {firmware}");
    if differ(&wanted.name, &info.app) {
        return Finding::good("version", format!("{change}, of another app"));
    }
    match compare(&firmware, &device) {
        Some(Ordering::Less) if allow_downgrade => {
            Finding::good("version", format!("{change}, which is older, as allowed"))
        }
        Some(Ordering::Less) => Finding::refused("version", Refusal::Older { firmware, device }),
        Some(Ordering::Equal) => Finding::good("version", format!("{change}, another build")),
        Some(Ordering::Greater) => Finding::good("version", change),
        None => Finding::unknown("version", format!("{change}; which of them is older is unknown")),
    }
}
