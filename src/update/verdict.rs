//! Decides what an update achieved, by comparing the device states before and after it. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::device_state::DeviceState;
use super::uptime::{restarted, was_up};
use crate::bundle::Manifest;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, SystemInfo};

/// Tells whether the device rebooted between the two states: it runs another build, or its uptime has grown by less than the time that
/// passed.
///
/// Another slot alone proves no reboot: it may be the slot that boots next. It decides only if the uptime leaves open whether a reboot
/// came before or after the start of the update.
#[must_use]
pub fn rebooted(before: &DeviceState, after: &DeviceState) -> bool {
    is_other_boot(before, &after.info, after.asked)
        || is_later_boot(before, after.last_uptime, after.last_asked)
        || (applied(before, after) && may_be_other_boot(before, &after.info, (after.asked, after.taken)))
}

/// Tells whether the device rebooted between `before` and the question that was sent at `asked` and answered with `info`.
#[must_use]
pub fn is_other_boot(before: &DeviceState, info: &SystemInfo, asked: Instant) -> bool {
    runs_other_build(before, info) || is_later_boot(before, info.uptime, asked)
}

/// Tells whether the device may have rebooted after the update began.
///
/// It has not if the uptime in `info` shows that it was up by then. The device read its uptime between `asked` and `heard`.
pub(super) fn may_be_other_boot(before: &DeviceState, info: &SystemInfo, (asked, heard): (Instant, Instant)) -> bool {
    let ran_already = before.update_began.is_some_and(|began| was_up(began, (info.uptime, heard)));
    let has_restarted = restarted((before.info.uptime, before.taken), (info.uptime, asked));
    runs_other_build(before, info) || (has_restarted && !ran_already)
}

/// Tells whether the device has certainly not rebooted after `before`. The question was sent at `asked`, and `info` arrived at `heard`.
///
/// A reboot within the first second after a boot does not shorten the uptime. Only the boot state shows such a reboot.
pub(super) fn is_same_boot(before: &DeviceState, info: &SystemInfo, (asked, heard): (Instant, Instant)) -> bool {
    !may_be_other_boot(before, info, (asked, heard)) && was_up(before.last_asked, (info.uptime, heard))
}

/// Tells whether the device rebooted after `before`, by its uptime in seconds. The question was sent at `asked`.
///
/// A reboot that may have come before the update began does not count: the device did not have the firmware yet.
fn is_later_boot(before: &DeviceState, uptime: u64, asked: Instant) -> bool {
    let since = |earlier| restarted(earlier, (uptime, asked));
    since((before.info.uptime, before.taken)) && before.update_began.is_none_or(|began| since((0, began)))
}

/// Tells whether the build in `info` differs from the running build of `before`.
pub(super) fn runs_other_build(before: &DeviceState, info: &SystemInfo) -> bool {
    before.info.fw_version != info.fw_version || before.info.fw_id != info.fw_id
}

/// Tells whether the device boots a new firmware next.
///
/// Since 2019, the boot state shows this from the last byte on, 500 ms before the reboot (as recorded in wire/ota2022-ws.json, case
/// `pull_success`).
#[must_use]
pub fn applied(before: &DeviceState, now: &DeviceState) -> bool {
    boots_other(&before.boot, &now.boot)
}

/// Tells whether `now` names another slot than `before`, or is uncommitted while `before` is committed.
pub(super) fn boots_other(before: &BootState, now: &BootState) -> bool {
    before.is_in_another_slot(now) || (before.is_committed && !now.is_committed)
}

/// Tells whether the device runs other firmware than in `before`, or boots it next.
#[must_use]
pub fn has_other_firmware(before: &DeviceState, now: &DeviceState) -> bool {
    now.build() != before.build() || applied(before, now)
}

/// Tells whether another reboot may be imminent in `after`, so that its boot state may be that of the next boot. `before` was read before
/// the reboot, and `after` was read after it.
///
/// There are three such cases:
///
/// - the old firmware runs, and its update is applied only now;
/// - the new firmware runs and is about to return to the old slot, as after `OTA.Revert` by another client;
/// - the firmware of another client runs and is about to be replaced.
#[must_use]
pub fn is_unsettled(before: &DeviceState, after: &DeviceState) -> bool {
    let is_same_slot = !before.boot.is_in_another_slot(&after.boot);
    // An update is never written to the active slot, so this slot boots next.
    let is_next = before.boot.active_slot.is_some() && before.boot.active_slot == after.boot.active_slot;
    if before.build() == after.build() {
        applied(before, after)
    } else {
        is_next || (is_same_slot && after.boot.is_committed)
    }
}

/// Which firmware runs after the reboot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// The wanted build. If the wanted build is unknown, any new firmware.
    Wanted,
    /// The old build, in its old slot.
    Old,
    /// A build other than the wanted one, which this holds.
    Other(Build),
}

/// Compares the firmware that runs in `after` with the wanted one.
///
/// If the same build runs in another slot, or uncommitted, it was installed again. The slot alone does not decide: the device may report
/// none, or `before` may hold the slot that boots next. A committed copy may come from `OTA.CreateSnapshot`, so it counts as wanted only
/// if the manifest is known.
#[must_use]
pub fn arrival(before: &DeviceState, after: &DeviceState, wanted: Option<&Manifest>) -> Arrival {
    let is_same_build = before.build() == after.build();
    let is_proven_copy = boots_other(&before.boot, &after.boot) && (wanted.is_some() || !after.boot.is_committed);
    match wanted {
        _ if is_same_build && !is_proven_copy => Arrival::Old,
        Some(wanted) if wanted.build() == after.build() => Arrival::Wanted,
        Some(wanted) => Arrival::Other(wanted.build()),
        None => Arrival::Wanted,
    }
}

/// Returns a message if the device does not keep the requested commit timeout, or `None` if it does. `arrival` is the result of
/// [`arrival`] for `after`.
#[must_use]
pub fn no_way_back(arrival: &Arrival, after: &DeviceState, requested: Duration) -> Option<String> {
    let (requested, BootState { is_committed, commit_timeout: kept, .. }) = (ota::in_seconds(requested), after.boot);
    match (arrival, is_committed) {
        // The device has rolled back, so the commit timeout in its boot state is out of date.
        (Arrival::Old, _) => None,
        (_, true) => Some("the new firmware is committed already: no rollback was possible".into()),
        (_, false) if kept == requested => None,
        (_, false) if kept == 0 => {
            Some(format!("the device does not roll back by itself; a commit timeout of {requested} s was requested"))
        }
        (_, false) => Some(format!(
            "the device rolls back {kept} s after its boot; a commit timeout of {requested} s was requested"
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device_state(version: &str, slot: u8, committed: bool, uptime: u64, taken: Instant) -> DeviceState {
        let info = json!({"fw_version": version, "fw_id": format!("b{version}"), "uptime": uptime});
        let boot = BootState {
            active_slot: Some(slot),
            is_committed: committed,
            revert_slot: Some(1 - slot),
            commit_timeout: 300,
        };
        DeviceState::from_replies(info, boot, taken)
    }

    fn manifest(version: &str) -> Manifest {
        let build = format!("b{version}");
        let manifest = json!({"name": "n", "platform": "p", "version": version, "build_id": build, "parts": {}});
        serde_json::from_value(manifest).expect("a manifest")
    }

    #[tokio::test(start_paused = true)]
    async fn reboot_is_detected_by_uptime_or_build() {
        let t0 = Instant::now();
        let t10 = t0 + Duration::from_secs(10);
        let before = device_state("1", 0, true, 100, t0);
        for (after, expected, why) in [
            (device_state("1", 0, true, 110, t10), false, "the uptime has grown with the time"),
            (device_state("1", 0, true, 109, t10), false, "the uptime is rounded"),
            (device_state("1", 0, true, 3, t10), true, "a rollback restarts the uptime"),
            (device_state("1", 1, false, 110, t10), false, "another slot boots next, but the old one still runs"),
            (device_state("2", 1, false, 3, t10), true, "the new firmware started"),
            (device_state("2", 1, false, 200, t10), true, "a wrong uptime does not hide a new build"),
        ] {
            assert_eq!(rebooted(&before, &after), expected, "{why}");
        }
        let began = |seconds| DeviceState { update_began: Some(t0 + Duration::from_secs(seconds)), ..before.clone() };
        for (began, after, expected, why) in [
            (began(6), device_state("1", 0, true, 5, t10), false, "it rebooted before the update began"),
            (began(6), device_state("1", 0, true, 3, t10), false, "it may have rebooted before the update began"),
            (began(6), device_state("1", 0, true, 2, t10), true, "it rebooted after the update began"),
            (began(6), device_state("2", 1, false, 5, t10), true, "another build"),
        ] {
            assert_eq!(rebooted(&began, &after), expected, "{why}");
        }
        let late = t10 + Duration::from_secs(9);
        for (uptime, may_be, why) in [
            (14, false, "it rebooted before the update began"),
            (12, true, "it may have rebooted after that, if it read its uptime just before its reply"),
            (11, true, "it rebooted after the update began"),
        ] {
            let after = device_state("1", 0, true, uptime, t10);
            assert_eq!(may_be_other_boot(&began(6), &after.info, (t10, late)), may_be, "{why}");
            let is_tight = DeviceState { last_uptime: uptime, last_asked: late, ..after };
            assert_eq!(rebooted(&began(6), &is_tight), uptime < 12, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn arrival_is_wanted_only_for_the_wanted_build() {
        let t0 = Instant::now();
        let before = device_state("1", 0, true, 100, t0);
        let unnamed = |version, committed| {
            let mut unnamed = device_state(version, 0, committed, 1, t0);
            unnamed.boot.active_slot = None;
            unnamed
        };
        for (after, wanted, expected, why) in [
            (device_state("2", 1, false, 1, t0), Some("2"), Arrival::Wanted, "the wanted build"),
            (device_state("1", 0, true, 1, t0), Some("2"), Arrival::Old, "rolled back"),
            (device_state("3", 1, false, 1, t0), Some("2"), Arrival::Other(manifest("2").build()), "a third build"),
            (device_state("1", 1, false, 1, t0), Some("1"), Arrival::Wanted, "the same again, forced"),
            (device_state("1", 0, true, 1, t0), Some("1"), Arrival::Old, "forced, and rolled back"),
            (
                device_state("1", 0, false, 1, t0),
                Some("1"),
                Arrival::Wanted,
                "forced, into the slot that was to boot next before",
            ),
            (device_state("3", 1, false, 1, t0), None, Arrival::Wanted, "unknown, but new"),
            (unnamed("1", false), Some("1"), Arrival::Wanted, "the same again, in a slot that has no name"),
            (unnamed("1", true), Some("1"), Arrival::Old, "rolled back, in a slot that has no name"),
            (device_state("1", 0, true, 1, t0), None, Arrival::Old, "unknown, and old"),
            (device_state("1", 1, true, 1, t0), None, Arrival::Old, "unknown; a copy of the old one may run"),
            (unnamed("1", true), None, Arrival::Old, "unknown; a copy may run, in a slot that has no name"),
            (device_state("1", 1, false, 1, t0), None, Arrival::Wanted, "unknown; the same again, uncommitted"),
            (device_state("3", 1, true, 1, t0), None, Arrival::Wanted, "unknown, but new, and committed"),
            (device_state("1", 1, true, 1, t0), Some("1"), Arrival::Wanted, "the same again, forced, and committed"),
        ] {
            let wanted = wanted.map(manifest);
            assert_eq!(arrival(&before, &after, wanted.as_ref()), expected, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn commit_timeout_that_is_not_kept_is_reported() {
        let t0 = Instant::now();
        let before = device_state("1", 0, true, 100, t0);
        for (after, requested, expected) in [
            (device_state("2", 1, false, 1, t0), 300, None),
            (
                device_state("2", 1, false, 1, t0),
                60,
                Some("rolls back 300 s after its boot; a commit timeout of 60 s was requested"),
            ),
            (device_state("2", 1, true, 1, t0), 300, Some("is committed already")),
            (device_state("1", 0, true, 1, t0), 60, None),
        ] {
            let says = no_way_back(&arrival(&before, &after, None), &after, Duration::from_secs(requested));
            let fits = says.as_deref().map_or(expected.is_none(), |says| expected.is_some_and(|e| says.contains(e)));
            assert!(fits, "{after:?}: {says:?}, not {expected:?}");
        }
        let mut never = device_state("2", 1, false, 1, t0);
        never.boot.commit_timeout = 0;
        let says = no_way_back(&Arrival::Wanted, &never, Duration::from_secs(300)).expect("a message");
        assert!(says.starts_with("the device does not roll back by itself"), "{says}");
    }
}
