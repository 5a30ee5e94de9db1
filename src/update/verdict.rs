//! What follows from what was read from the device before and after. Pure.

use std::time::Duration;

use tokio::time::Instant;

use super::device_state::DeviceState;
use super::uptime::{restarted, was_up};
use crate::bundle::Manifest;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, SystemInfo};

/// Tells whether the device rebooted between the two states: it runs another build, or its uptime has grown by less than the time that
/// passed. Another slot alone says nothing yet: it is the one that boots next. But it decides where the uptime leaves open whether a
/// reboot came before the update began or after it.
#[must_use]
pub fn rebooted(before: &DeviceState, after: &DeviceState) -> bool {
    is_other_boot(before, &after.info, after.asked)
        || is_later_boot(before, after.last_uptime, after.last_asked)
        || (applied(before, after) && may_be_other_boot(before, &after.info, (after.asked, after.taken)))
}

/// Tells whether the device rebooted between `before` and the question that `info` answers, which was asked at `asked`.
#[must_use]
pub fn is_other_boot(before: &DeviceState, info: &SystemInfo, asked: Instant) -> bool {
    runs_other_build(before, info) || is_later_boot(before, info.uptime, asked)
}

/// Tells whether the device may have rebooted after the update began. It has not if the uptime in `info` shows that it was up by then. The
/// device read its uptime between `asked` and `heard`.
pub(super) fn may_be_other_boot(before: &DeviceState, info: &SystemInfo, (asked, heard): (Instant, Instant)) -> bool {
    let ran_already = before.update_began.is_some_and(|began| was_up(began, (info.uptime, heard)));
    let has_restarted = restarted((before.info.uptime, before.taken), (info.uptime, asked));
    runs_other_build(before, info) || (has_restarted && !ran_already)
}

/// Tells whether the device has not rebooted after `before` for certain. `info` was asked for at `asked`, and came at `heard`.
///
/// A reboot within the first second after the start of a device does not shorten its uptime. The boot state has to tell then.
pub(super) fn is_same_boot(before: &DeviceState, info: &SystemInfo, (asked, heard): (Instant, Instant)) -> bool {
    !may_be_other_boot(before, info, (asked, heard)) && was_up(before.last_asked, (info.uptime, heard))
}

/// Tells by the uptime in seconds, asked for at `asked`, whether the device rebooted after `before`. A reboot that may have come before the
/// update began does not count: the device had not taken the firmware by then.
fn is_later_boot(before: &DeviceState, uptime: u64, asked: Instant) -> bool {
    let since = |earlier| restarted(earlier, (uptime, asked));
    since((before.info.uptime, before.taken)) && before.update_began.is_none_or(|began| since((0, began)))
}

/// Tells whether `info` names another build than the one that runs in `before`.
pub(super) fn runs_other_build(before: &DeviceState, info: &SystemInfo) -> bool {
    before.info.fw_version != info.fw_version || before.info.fw_id != info.fw_id
}

/// Tells whether the device boots a new firmware next. Since 2019, its boot state shows that from the last byte on, 500 ms before
/// the reboot (as recorded in wire/ota2022-ws.json, case `pull_success`).
#[must_use]
pub fn applied(before: &DeviceState, now: &DeviceState) -> bool {
    boots_other(&before.boot, &now.boot)
}

/// Tells whether the boot state names another slot than `before`, or has an uncommitted firmware instead of a committed one.
pub(super) fn boots_other(before: &BootState, now: &BootState) -> bool {
    before.is_in_another_slot(now) || (before.is_committed && !now.is_committed)
}

/// Tells whether the device runs other firmware than in `before`, or boots it next.
#[must_use]
pub fn has_other_firmware(before: &DeviceState, now: &DeviceState) -> bool {
    now.build() != before.build() || applied(before, now)
}

/// Tells whether the boot state of `after`, read after the reboot that `before` was read before, may be that of the next boot: another
/// reboot was under way. Either the old firmware runs, and its update is applied only now; or the new firmware runs, and is about to go
/// back to the old slot, as after `OTA.Revert` by another client; or another client's firmware runs, and is about to be replaced.
#[must_use]
pub fn is_unsettled(before: &DeviceState, after: &DeviceState) -> bool {
    let is_same_slot = !before.boot.is_in_another_slot(&after.boot);
    // An update never goes into the slot that runs: that slot boots next.
    let is_next = before.boot.active_slot.is_some() && before.boot.active_slot == after.boot.active_slot;
    if before.build() == after.build() {
        applied(before, after)
    } else {
        is_next || (is_same_slot && after.boot.is_committed)
    }
}

/// What runs after the reboot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// What was wanted; or something new, if what was wanted is unknown.
    Wanted,
    /// What ran before, in the slot in which it ran before.
    Old,
    /// Something else than this, which was wanted.
    Other(Build),
}

/// Holds what runs against what was wanted.
///
/// The old build runs in another copy if its slot is another one, or if it is uncommitted: the slot may have no name, or one that was read
/// before the device booted from it. A committed copy may be that of `OTA.CreateSnapshot`, and only a manifest shows that it was wanted.
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

/// What the device made of the commit timeout that it was told, if that is something else: in words. `arrival` is what runs in `after`.
#[must_use]
pub fn no_way_back(arrival: &Arrival, after: &DeviceState, told: Duration) -> Option<String> {
    let (told, BootState { is_committed, commit_timeout: kept, .. }) = (ota::in_seconds(told), after.boot);
    match (arrival, is_committed) {
        // It has gone back, and what stands there is out of date.
        (Arrival::Old, _) => None,
        (_, true) => Some("the new firmware is committed already: there was no way back from it".into()),
        (_, false) if kept == told => None,
        (_, false) if kept == 0 => {
            Some(format!("the device does not go back by itself, and was told to after {told} s"))
        }
        (_, false) => Some(format!("the device goes back {kept} s after its boot, and was told to after {told} s")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(version: &str, slot: u8, committed: bool, uptime: u64, taken: Instant) -> DeviceState {
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
    async fn a_reboot_shows_in_the_uptime_or_in_what_runs() {
        let t0 = Instant::now();
        let t10 = t0 + Duration::from_secs(10);
        let before = snapshot("1", 0, true, 100, t0);
        for (after, expected, why) in [
            (snapshot("1", 0, true, 110, t10), false, "it has run on"),
            (snapshot("1", 0, true, 109, t10), false, "rounding is no reboot"),
            (snapshot("1", 0, true, 3, t10), true, "it has started anew: a rollback"),
            (snapshot("1", 1, false, 110, t10), false, "the slot that boots next is not the one that runs"),
            (snapshot("2", 1, false, 3, t10), true, "it has started the new one"),
            (snapshot("2", 1, false, 200, t10), true, "an uptime that lies does not hide a new firmware"),
        ] {
            assert_eq!(rebooted(&before, &after), expected, "{why}");
        }
        let began = |seconds| DeviceState { update_began: Some(t0 + Duration::from_secs(seconds)), ..before.clone() };
        for (began, after, expected, why) in [
            (began(6), snapshot("1", 0, true, 5, t10), false, "it rebooted before the update began"),
            (began(6), snapshot("1", 0, true, 3, t10), false, "it may have rebooted before the update began"),
            (began(6), snapshot("1", 0, true, 2, t10), true, "it rebooted after the update began"),
            (began(6), snapshot("2", 1, false, 5, t10), true, "another build"),
        ] {
            assert_eq!(rebooted(&began, &after), expected, "{why}");
        }
        let late = t10 + Duration::from_secs(9);
        for (uptime, may_be, why) in [
            (14, false, "it rebooted before the update began"),
            (12, true, "it may have rebooted after that, if it was asked just before its answer"),
            (11, true, "it did"),
        ] {
            let after = snapshot("1", 0, true, uptime, t10);
            assert_eq!(may_be_other_boot(&began(6), &after.info, (t10, late)), may_be, "{why}");
            let is_tight = DeviceState { last_uptime: uptime, last_asked: late, ..after };
            assert_eq!(rebooted(&began(6), &is_tight), uptime < 12, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn success_is_only_what_was_wanted() {
        let t0 = Instant::now();
        let before = snapshot("1", 0, true, 100, t0);
        let unnamed = |version, committed| {
            let mut unnamed = snapshot(version, 0, committed, 1, t0);
            unnamed.boot.active_slot = None;
            unnamed
        };
        for (after, wanted, expected, why) in [
            (snapshot("2", 1, false, 1, t0), Some("2"), Arrival::Wanted, "the wanted build"),
            (snapshot("1", 0, true, 1, t0), Some("2"), Arrival::Old, "rolled back"),
            (snapshot("3", 1, false, 1, t0), Some("2"), Arrival::Other(manifest("2").build()), "a third one"),
            (snapshot("1", 1, false, 1, t0), Some("1"), Arrival::Wanted, "the same again, forced"),
            (snapshot("1", 0, true, 1, t0), Some("1"), Arrival::Old, "forced, and rolled back"),
            (
                snapshot("1", 0, false, 1, t0),
                Some("1"),
                Arrival::Wanted,
                "forced, into the slot that was to boot next before",
            ),
            (snapshot("3", 1, false, 1, t0), None, Arrival::Wanted, "unknown, but new"),
            (unnamed("1", false), Some("1"), Arrival::Wanted, "the same again, in a slot that has no name"),
            (unnamed("1", true), Some("1"), Arrival::Old, "rolled back, in a slot that has no name"),
            (snapshot("1", 0, true, 1, t0), None, Arrival::Old, "unknown, and old"),
            (snapshot("1", 1, true, 1, t0), None, Arrival::Old, "unknown; a copy of the old one may run"),
            (unnamed("1", true), None, Arrival::Old, "unknown; a copy may run, in a slot that has no name"),
            (snapshot("1", 1, false, 1, t0), None, Arrival::Wanted, "unknown; the same again, uncommitted"),
            (snapshot("3", 1, true, 1, t0), None, Arrival::Wanted, "unknown, but new, and committed"),
            (snapshot("1", 1, true, 1, t0), Some("1"), Arrival::Wanted, "the same again, forced, and committed"),
        ] {
            let wanted = wanted.map(manifest);
            assert_eq!(arrival(&before, &after, wanted.as_ref()), expected, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_commit_timeout_that_is_not_kept_is_told() {
        let t0 = Instant::now();
        let before = snapshot("1", 0, true, 100, t0);
        for (after, told, expected) in [
            (snapshot("2", 1, false, 1, t0), 300, None),
            (snapshot("2", 1, false, 1, t0), 60, Some("goes back 300 s after its boot, and was told to after 60 s")),
            (snapshot("2", 1, true, 1, t0), 300, Some("is committed already")),
            (snapshot("1", 0, true, 1, t0), 60, None),
        ] {
            let says = no_way_back(&arrival(&before, &after, None), &after, Duration::from_secs(told));
            let fits = says.as_deref().map_or(expected.is_none(), |says| expected.is_some_and(|e| says.contains(e)));
            assert!(fits, "{after:?}: {says:?}, not {expected:?}");
        }
        let mut never = snapshot("2", 1, false, 1, t0);
        never.boot.commit_timeout = 0;
        let says = no_way_back(&Arrival::Wanted, &never, Duration::from_secs(300)).expect("it is told");
        assert!(says.starts_with("the device does not go back by itself"), "{says}");
    }
}
