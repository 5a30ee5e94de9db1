//! Collects the findings on an update before it begins. Pure.

use super::finding::Finding;
use super::methods::{self, TransferKind};
use super::questions::DeviceAnswers;
use super::{capacity, demands, identity, signatures};
use crate::text::for_humans;
use crate::update::device_state::DeviceState;
use crate::update::outcome::Refusal;
use crate::update::plan::{Plan, Source};

/// Returns the findings on a plan, in the order in which they are reported.
pub(super) fn collect(
    plan: &Plan,
    transfer_kind: TransferKind,
    now: &DeviceState,
    answers: &DeviceAnswers,
) -> Vec<Finding> {
    let methods = answers.methods.as_deref();
    let mut found = identity::check(plan, &now.info);
    found.push(required_methods(plan, transfer_kind, methods));
    found.push(signatures::check(&plan.source, answers.settings.as_ref()));
    found.extend(capacity::check(plan, &now.info));
    found.extend(demands::check(&plan.source, plan.via, transfer_kind, answers));
    if plan.snapshot_first {
        found.push(Finding::good("snapshot", "the running firmware is copied to another slot before the update"));
    }
    found.push(match answers.arguments.as_deref() {
        Some(arguments) if transfer_kind != TransferKind::Push && wants_blob_url(arguments) => {
            Finding::refused("delivery", Refusal::WantsBlobUrl)
        }
        _ => Finding::good("delivery", transfer_text(plan, transfer_kind)),
    });
    found.push(slot(plan, now, transfer_kind, answers.arguments.as_deref()));
    found
}

fn required_methods(plan: &Plan, transfer_kind: TransferKind, methods: Option<&[String]>) -> Finding {
    match methods::missing(plan, transfer_kind, methods) {
        _ if methods.is_none() => Finding::unknown("methods", "the device does not report which it has"),
        names if names.is_empty() => Finding::good("methods", "all there"),
        names => Finding::refused("methods", Refusal::MethodsMissing { names }),
    }
}

fn transfer_text(plan: &Plan, transfer_kind: TransferKind) -> String {
    let bytes = plan.source.size().map(|size| format!(" {size} bytes")).unwrap_or_default();
    match (&plan.source, transfer_kind) {
        (Source::Url { .. }, _) => "the device fetches it by itself, from the URL".into(),
        (_, TransferKind::Pull) => format!("the device fetches{bytes} from here"),
        (_, TransferKind::Either) => {
            format!("the device fetches{bytes} from here, or gets them sent if it does not ask")
        }
        (_, TransferKind::Push) => format!("the device gets{bytes} over the connection of the calls"),
    }
}

/// Tells whether `OTA.Update` takes the URL as `blob_url` only. `arguments` has the format of `RPC.Describe`: `{name: %T, other: %d}`.
fn wants_blob_url(arguments: &str) -> bool {
    let has = |name| {
        arguments.split(['{', ',', '}']).filter_map(|field| field.split_once(':')).any(|(n, _)| n.trim() == name)
    };
    has("blob_url") && !has("url")
}

/// Returns the finding on the slot and the rollback. Firmware whose method has no `commit_timeout` starts the new one committed.
fn slot(plan: &Plan, now: &DeviceState, transfer_kind: TransferKind, arguments: Option<&str>) -> Finding {
    let timeout = for_humans(plan.commit_timeout);
    let commit = if plan.commit { "" } else { ", which is left to you" };
    let says = format!(
        "{} -> the other; rolls back by itself {timeout} after its boot unless committed{commit}",
        now.boot.active_slot.map_or_else(|| "unknown".into(), |slot| slot.to_string())
    );
    match arguments {
        Some(arguments) if arguments.contains("commit_timeout") => Finding::good("slot", says),
        Some(_) => Finding::refused_unless(plan.force, "slot", Refusal::NoWayBack { method: transfer_kind.begins() }),
        None => Finding::unknown(
            "slot",
            format!("{says}, if the device supports a commit timeout, which it does not report"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use tokio::time::Instant;

    use super::*;
    use crate::ota::BootState;
    use crate::update::event::Severity;

    #[test]
    fn blob_url_is_wanted_only_without_url() {
        for (arguments, expected) in [
            ("{section: %T, blob_type: %Q, blob_url: %T, commit_timeout: %d}", true),
            ("{blob_url:%T}", true),
            ("{url: %T, blob_url: %T}", false),
            ("{url: %T, commit_timeout: %d, timeout: %d}", false),
            ("{my_blob_url: %T}", false),
            ("blob_url", false),
            ("", false),
        ] {
            assert_eq!(wants_blob_url(arguments), expected, "{arguments}");
        }
    }

    fn plan(app: &str, version: &str) -> Plan {
        let manifest = json!({"name": app, "platform": "esp32", "version": version, "build_id": "b", "parts": {}});
        let manifest = serde_json::from_value(manifest).expect("a manifest");
        Plan::new(Source::Url { url: "u".into(), manifest: Ok(manifest), signed: None })
    }

    fn device(info: &Value) -> DeviceState {
        let mut all = json!({"app": "demo", "arch": "esp32", "fw_version": "1.5.0", "fw_id": "a", "uptime": 1});
        all.as_object_mut().expect("object").extend(info.as_object().expect("object").clone());
        let boot = BootState { active_slot: Some(0), is_committed: true, revert_slot: Some(1), commit_timeout: 0 };
        DeviceState::from_replies(all, boot, Instant::now())
    }

    fn answers() -> DeviceAnswers {
        let methods = ["OTA.Update", "OTA.Commit", "OTA.Revert", "OTA.GetBootState"];
        DeviceAnswers {
            methods: Some(methods.map(String::from).into()),
            settings: Some(json!({"sig_req_mask": -1})),
            license: None,
            arguments: Some("{url: %T, commit_timeout: %d}".into()),
        }
    }

    /// Returns the subjects and the severities of the findings that are not good.
    fn not_good(plan: &Plan, now: &DeviceState, answers: &DeviceAnswers) -> String {
        let found = collect(plan, TransferKind::Pull, now, answers);
        let not_good = found.iter().filter(|found| found.severity != Severity::Good);
        not_good.map(|found| format!("{} {:?}", found.what, found.severity)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn finding_severity_depends_on_plan_and_device() {
        let same = || device(&json!({}));
        let forced = |plan| Plan { force: true, ..plan };
        let committing = || DeviceAnswers { arguments: Some("{url: %T}".into()), ..answers() };
        for (plan, now, answers, expected) in vec![
            (plan("demo", "2.0.0"), same(), answers(), ""),
            (plan("demo", "2.0.0"), device(&json!({"arch": ""})), answers(), "platform Unknown"),
            (plan("demo", "2.0.0"), device(&json!({"arch": "ESP32"})), answers(), ""),
            (plan("demo", "2.0.0"), device(&json!({"arch": "esp8266"})), answers(), "platform Refused"),
            (plan("other", "2.0.0"), same(), answers(), "app Refused"),
            (forced(plan("other", "1.0.0")), same(), answers(), ""),
            (plan("demo", "1.0.0"), same(), answers(), "version Refused"),
            (forced(plan("demo", "1.0.0")), same(), answers(), "version Refused"),
            (Plan { allow_downgrade: true, ..plan("demo", "1.0.0") }, same(), answers(), ""),
            (plan("demo", "1.5.0"), same(), answers(), ""),
            (plan("demo", "latest"), same(), answers(), "version Unknown"),
            (Plan { snapshot_first: true, ..plan("demo", "2.0.0") }, same(), answers(), "methods Refused"),
            (plan("demo", "2.0.0"), same(), committing(), "slot Refused"),
            (forced(plan("demo", "2.0.0")), same(), committing(), "slot Weak"),
            (
                plan("demo", "2.0.0"),
                same(),
                DeviceAnswers::default(),
                "methods Unknown, signatures Unknown, slot Unknown",
            ),
        ] {
            assert_eq!(not_good(&plan, &now, &answers), expected, "{plan:?} {now:?} {answers:?}");
        }
    }

    #[test]
    fn findings_describe_the_plan() {
        let plan = Plan { commit: false, commit_timeout: Duration::from_secs(90), ..plan("demo", "2.0.0") };
        let found: Vec<_> = collect(&plan, TransferKind::Pull, &device(&json!({})), &answers())
            .iter()
            .map(|f| format!("{}: {}", f.what, f.says))
            .collect();
        assert_eq!(
            found,
            [
                "platform: esp32, as the device",
                "app: demo",
                "version: 1.5.0 -> 2.0.0",
                "methods: all there",
                "signatures: the device asks for none",
                "delivery: the device fetches it by itself, from the URL",
                "slot: 0 -> the other; rolls back by itself 1m 30s after its boot unless committed, which is left to you",
            ]
        );
    }
}
