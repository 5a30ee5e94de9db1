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
pub(in crate::update) enum Delivery {
    /// The device pulls it.
    Pull,
    /// otactl pushes it over the RPC connection.
    Push,
    /// The device pulls it. If it does not request it, otactl pushes it.
    Either,
}

impl Delivery {
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
/// `has_address` tells whether otactl knows an address of the device or of its own server, so that a pull is possible. The delivery is a
/// pull as well if neither is possible: the firmware server then reports what is missing.
fn delivery(via: Via, has_address: bool, methods: Option<&[String]>) -> Delivery {
    let can_pull = has_address && has(methods, PULL);
    let can_push = PUSH.iter().all(|name| has(methods, name));
    match via {
        Via::Pull => Delivery::Pull,
        Via::Push => Delivery::Push,
        Via::Auto if !can_pull && can_push => Delivery::Push,
        Via::Auto if can_push && methods.is_some() => Delivery::Either,
        Via::Auto => Delivery::Pull,
    }
}

/// Returns how the firmware of a plan gets to the device. The firmware of a URL is pulled.
pub(super) fn delivery_of(plan: &Plan, info: &SystemInfo, methods: Option<&[String]>) -> Delivery {
    match plan.source {
        Source::Url { .. } => Delivery::Pull,
        Source::Bundle(_) => delivery(plan.via, has_address(&plan.serving, info), methods),
    }
}

fn has_address(serving: &Serving, info: &SystemInfo) -> bool {
    serving.device_host.is_some() || serving.advertise.is_some() || info.address().is_some()
}

/// Returns the methods that the plan needs and the device lacks. Empty if the device's methods are unknown.
pub(super) fn missing(plan: &Plan, delivery: Delivery, methods: Option<&[String]>) -> Vec<&'static str> {
    needed(plan, delivery).into_iter().filter(|name| !has(methods, name)).collect()
}

fn needed(plan: &Plan, delivery: Delivery) -> Vec<&'static str> {
    let mut names = vec!["OTA.GetBootState"];
    match delivery {
        Delivery::Pull | Delivery::Either => names.push(PULL),
        Delivery::Push => names.extend(PUSH),
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
            (Via::Auto, true, Some(&both), Delivery::Either),
            (Via::Auto, false, Some(&both), Delivery::Push),
            (Via::Auto, false, Some(&pull), Delivery::Pull),
            (Via::Auto, true, Some(&push), Delivery::Push),
            (Via::Auto, true, None, Delivery::Pull),
            (Via::Auto, false, None, Delivery::Push),
            (Via::Pull, false, Some(&push), Delivery::Pull),
            (Via::Push, true, Some(&pull), Delivery::Push),
        ] {
            let actual = delivery(via, has_address, methods.map(Vec::as_slice));
            assert_eq!(actual, expected, "{via:?}, has an address: {has_address}, {methods:?}");
        }
    }

    #[test]
    fn methods_that_the_plan_does_not_need_are_not_missing() {
        let source = Source::Url { url: String::new(), manifest: Err(String::new()), signed: None };
        let plan = Plan::new(source);
        let none: &[String] = &[];
        let all = ["OTA.GetBootState", "OTA.Update", "OTA.Commit", "OTA.Revert"];
        assert_eq!(missing(&plan, Delivery::Pull, Some(none)), all);
        assert_eq!(missing(&plan, Delivery::Pull, Some(&list(&all))), [""; 0]);
        assert_eq!(missing(&plan, Delivery::Pull, None), [""; 0]);
        let other = Plan { commit: false, on_unhealthy: OnUnhealthy::Leave, snapshot_first: true, ..plan };
        let all = ["OTA.GetBootState", "OTA.Begin", "OTA.Write", "OTA.End", "OTA.CreateSnapshot"];
        assert_eq!(missing(&other, Delivery::Push, Some(none)), all);
    }
}
