//! What was read from the device, and what follows from it. Pure.

use std::time::Duration;

use tokio::time::Instant;

use crate::bundle::Manifest;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, SystemInfo};
use crate::rpc::{CallError, Device};

/// Uptimes come in whole seconds; two of them and the way to us can make this much of a difference
/// without a reboot.
const UPTIME_SLACK: Duration = Duration::from_millis(1500);

/// What the device said of itself at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `Sys.GetInfo`.
    pub info: SystemInfo,
    /// `OTA.GetBootState`.
    pub boot: BootState,
    /// When.
    pub taken: Instant,
    /// How long one question took.
    pub round_trip: Duration,
}

impl Snapshot {
    /// Asks the device, giving each of the two questions this much time.
    pub async fn take(device: &Device, timeout: Duration) -> Result<Self, CallError> {
        let asked = Instant::now();
        let info = device.call_within(ota::GetInfo {}, timeout).await?;
        let taken = Instant::now();
        let boot = device.call_within(ota::GetBootState {}, timeout).await?;
        Ok(Self { info, boot, taken, round_trip: taken - asked })
    }

    /// The firmware that runs.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { version: self.info.fw_version.clone(), build_id: self.info.fw_id.clone() }
    }

    /// How long from now until the device goes back by itself. `None` if it will not: it is
    /// committed, or has no commit timeout.
    #[must_use]
    pub fn reverts_in(&self) -> Option<Duration> {
        if self.boot.is_committed || self.boot.commit_timeout == 0 {
            return None;
        }
        let running = Duration::from_secs(self.info.uptime) + self.taken.elapsed();
        Some(Duration::from_secs(self.boot.commit_timeout).saturating_sub(running))
    }
}

/// Whether the device has rebooted between the two. An uptime that has grown by less than the time
/// that passed says so; within the first seconds of an uptime only what else has changed does.
#[must_use]
pub fn rebooted(before: &Snapshot, after: &Snapshot) -> bool {
    let changed = before.build() != after.build() || before.boot.active_slot != after.boot.active_slot;
    let expected = Duration::from_secs(before.info.uptime) + (after.taken - before.taken);
    changed || Duration::from_secs(after.info.uptime) + UPTIME_SLACK < expected
}

/// What runs after the reboot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// What was wanted; or something new, if what was wanted is unknown.
    Wanted,
    /// What ran before, in the slot in which it ran before.
    Old,
    /// Something else.
    Other,
}

/// Holds what runs against what was wanted.
#[must_use]
pub fn arrival(before: &Snapshot, after: &Snapshot, wanted: Option<&Manifest>) -> Arrival {
    let old = before.build() == after.build() && before.boot.active_slot == after.boot.active_slot;
    match wanted {
        _ if old => Arrival::Old,
        Some(wanted) if wanted.build() == after.build() => Arrival::Wanted,
        Some(_) => Arrival::Other,
        None => Arrival::Wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(version: &str, slot: u8, committed: bool, uptime: u64, taken: Instant) -> Snapshot {
        let info = json!({"fw_version": version, "fw_id": format!("b{version}"), "uptime": uptime});
        Snapshot {
            info: serde_json::from_value(info).expect("an info"),
            boot: BootState { active_slot: slot, is_committed: committed, revert_slot: 1 - slot, commit_timeout: 300 },
            taken,
            round_trip: Duration::ZERO,
        }
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
            (snapshot("2", 1, false, 3, t10), true, "it has started the new one"),
            (snapshot("2", 1, false, 200, t10), true, "an uptime that lies does not hide a new firmware"),
        ] {
            assert_eq!(rebooted(&before, &after), expected, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn success_is_only_what_was_wanted() {
        let t0 = Instant::now();
        let before = snapshot("1", 0, true, 100, t0);
        for (after, wanted, expected, why) in [
            (snapshot("2", 1, false, 1, t0), Some("2"), Arrival::Wanted, "the wanted build"),
            (snapshot("1", 0, true, 1, t0), Some("2"), Arrival::Old, "rolled back"),
            (snapshot("3", 1, false, 1, t0), Some("2"), Arrival::Other, "a third one"),
            (snapshot("1", 1, false, 1, t0), Some("1"), Arrival::Wanted, "the same again, forced"),
            (snapshot("1", 0, true, 1, t0), Some("1"), Arrival::Old, "forced, and rolled back"),
            (snapshot("3", 1, false, 1, t0), None, Arrival::Wanted, "unknown, but new"),
            (snapshot("1", 0, true, 1, t0), None, Arrival::Old, "unknown, and old"),
        ] {
            let wanted = wanted.map(manifest);
            assert_eq!(arrival(&before, &after, wanted.as_ref()), expected, "{why}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_until_the_rollback_counts_from_the_start_of_the_device() {
        let now = Instant::now();
        let uncommitted = snapshot("2", 1, false, 10, now);
        assert_eq!(uncommitted.reverts_in(), Some(Duration::from_secs(290)));
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(uncommitted.reverts_in(), Some(Duration::ZERO));
        assert_eq!(snapshot("2", 1, true, 10, now).reverts_in(), None);
    }
}
