//! How the firmware gets to the device, and which methods an update needs.

use crate::ota::SystemInfo;
use crate::update::plan::{OnUnhealthy, Plan, Source, Via};
use crate::update::serve::Serving;

/// The one by which the device fetches the firmware, and those by which it gets it pushed.
const PULL: &str = "OTA.Update";
const PUSH: [&str; 3] = ["OTA.Begin", "OTA.Write", "OTA.End"];

/// How the firmware gets to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::update) enum Delivery {
    /// The device fetches it.
    Pull,
    /// It gets it over the connection of the calls.
    Push,
    /// The device fetches it, or gets it in the other way if it does not ask for it.
    Either,
}

impl Delivery {
    /// The method that begins the update, and that tells the device how long to wait for the commit.
    pub(super) fn begins(self) -> &'static str {
        match self {
            Self::Pull | Self::Either => PULL,
            Self::Push => PUSH[0],
        }
    }
}

/// How the firmware gets to a device that has these methods, as far as they are known. `has_address`: it is known where
/// the device is in the network, so that it can be told where we are. A device that can do neither is left with fetching:
/// the firmware server says what is in the way.
fn delivery(via: Via, has_address: bool, methods: Option<&[String]>) -> Delivery {
    let fetches = has_address && has(methods, PULL);
    let takes = PUSH.iter().all(|name| has(methods, name));
    match via {
        Via::Pull => Delivery::Pull,
        Via::Push => Delivery::Push,
        Via::Auto if !fetches && takes => Delivery::Push,
        Via::Auto if takes && methods.is_some() => Delivery::Either,
        Via::Auto => Delivery::Pull,
    }
}

/// The same for a plan. What stands behind a URL is fetched.
pub(super) fn delivery_of(plan: &Plan, info: &SystemInfo, methods: Option<&[String]>) -> Delivery {
    match plan.source {
        Source::Url { .. } => Delivery::Pull,
        Source::Bundle(_) => delivery(plan.via, has_address(&plan.serving, info), methods),
    }
}

fn has_address(serving: &Serving, info: &SystemInfo) -> bool {
    serving.device_host.is_some() || serving.advertise.is_some() || info.address().is_some()
}

/// What the plan needs and the device does not have. Nothing, if its methods are unknown.
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
    fn the_way_to_the_device() {
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
            let is = delivery(via, has_address, methods.map(Vec::as_slice));
            assert_eq!(is, expected, "{via:?}, has an address: {has_address}, {methods:?}");
        }
    }

    #[test]
    fn what_the_plan_does_not_do_is_not_missed() {
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
