//! Decides how the firmware gets to the device, and which methods the update needs.

use crate::ota::SystemInfo;
use crate::update::plan::{OnUnhealthy, Plan, Source, Via};
use crate::update::serve::Serving;

/// The method of a pull.
const PULL: &str = "OTA.Update";
/// The methods of a push.
const PUSH: [&str; 3] = ["OTA.Begin", "OTA.Write", "OTA.End"];

/// How the firmware gets to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::update) enum TransferKind {
    /// The device pulls it.
    Pull,
    /// otactl pushes it over the RPC connection.
    Push,
    /// The device pulls it. If it does not request it, otactl pushes it.
    Either,
}

impl TransferKind {
    /// Returns the method that begins the update. It also sets the commit timeout.
    pub(super) fn begins(self) -> &'static str {
        match self {
            Self::Pull | Self::Either => PULL,
            Self::Push => PUSH[0],
        }
    }
}

/// Returns how the firmware gets to a device with these methods. `None`: the methods are unknown.
///
/// `has_address` tells whether otactl knows an address of the device or of its own server, so that a pull is possible. The result is a
/// pull as well if neither is possible: the firmware server then reports what is missing.
fn choose_transfer(via: Via, has_address: bool, methods: Option<&[String]>) -> TransferKind {
    let can_pull = has_address && has(methods, PULL);
    let can_push = PUSH.iter().all(|name| has(methods, name));
    match via {
        Via::Pull => TransferKind::Pull,
        Via::Push => TransferKind::Push,
        Via::Auto if !can_pull && can_push => TransferKind::Push,
        Via::Auto if can_push && methods.is_some() => TransferKind::Either,
        Via::Auto => TransferKind::Pull,
    }
}

/// Returns how the firmware of a plan gets to the device. The firmware of a URL is pulled.
pub(super) fn planned_transfer(plan: &Plan, info: &SystemInfo, methods: Option<&[String]>) -> TransferKind {
    match plan.source {
        Source::Url { .. } => TransferKind::Pull,
        Source::Bundle(_) => choose_transfer(plan.via, has_address(&plan.serving, info), methods),
    }
}

fn has_address(serving: &Serving, info: &SystemInfo) -> bool {
    serving.device_host.is_some() || serving.advertise.is_some() || info.address().is_some()
}

/// Returns the methods that the plan needs and the device lacks. Empty if the device's methods are unknown.
pub(super) fn missing(plan: &Plan, transfer_kind: TransferKind, methods: Option<&[String]>) -> Vec<&'static str> {
    needed(plan, transfer_kind).into_iter().filter(|name| !has(methods, name)).collect()
}

fn needed(plan: &Plan, transfer_kind: TransferKind) -> Vec<&'static str> {
    let mut names = vec!["OTA.GetBootState"];
    match transfer_kind {
        TransferKind::Pull | TransferKind::Either => names.push(PULL),
        TransferKind::Push => names.extend(PUSH),
    }
    names.extend(plan.snapshot_first.then_some("OTA.CreateSnapshot"));
    names.extend(plan.commit.then_some("OTA.Commit"));
    names.extend((plan.on_unhealthy == OnUnhealthy::Revert).then_some("OTA.Revert"));
    names
}

fn has(methods: Option<&[String]>, wanted: &str) -> bool {
    methods.is_none_or(|methods| methods.iter().any(|name| name == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.into()).collect()
    }

    #[test]
    fn delivery_depends_on_option_address_and_methods() {
        let (both, pull, push) = (
            list(&["OTA.Update", "OTA.Begin", "OTA.Write", "OTA.End"]),
            list(&["OTA.Update", "OTA.Begin", "OTA.Write"]),
            list(&["OTA.Begin", "OTA.Write", "OTA.End"]),
        );
        for (via, has_address, methods, expected) in [
            (Via::Auto, true, Some(&both), TransferKind::Either),
            (Via::Auto, false, Some(&both), TransferKind::Push),
            (Via::Auto, false, Some(&pull), TransferKind::Pull),
            (Via::Auto, true, Some(&push), TransferKind::Push),
            (Via::Auto, true, None, TransferKind::Pull),
            (Via::Auto, false, None, TransferKind::Push),
            (Via::Pull, false, Some(&push), TransferKind::Pull),
            (Via::Push, true, Some(&pull), TransferKind::Push),
        ] {
            let actual = choose_transfer(via, has_address, methods.map(Vec::as_slice));
            assert_eq!(actual, expected, "{via:?}, has an address: {has_address}, {methods:?}");
        }
    }

    #[test]
    fn methods_that_the_plan_does_not_need_are_not_missing() {
        let source = Source::Url { url: String::new(), manifest: Err(String::new()), signed: None };
        let plan = Plan::new(source);
        let none: &[String] = &[];
        let all = ["OTA.GetBootState", "OTA.Update", "OTA.Commit", "OTA.Revert"];
        assert_eq!(missing(&plan, TransferKind::Pull, Some(none)), all);
        assert_eq!(missing(&plan, TransferKind::Pull, Some(&list(&all))), [""; 0]);
        assert_eq!(missing(&plan, TransferKind::Pull, None), [""; 0]);
        let other = Plan { commit: false, on_unhealthy: OnUnhealthy::Leave, snapshot_first: true, ..plan };
        let all = ["OTA.GetBootState", "OTA.Begin", "OTA.Write", "OTA.End", "OTA.CreateSnapshot"];
        assert_eq!(missing(&other, TransferKind::Push, Some(none)), all);
    }
}
