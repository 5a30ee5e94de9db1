//! What was read from the device, and what follows from it. Pure.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

use crate::bundle::Manifest;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, Slot, SystemInfo};
use crate::rpc::{CallError, Device};
use crate::text::printable;

/// Uptimes come in whole seconds, so that one can fall short by nearly one of them without a reboot.
const ROUNDING: Duration = Duration::from_millis(1050);

/// Clocks do not go alike: one part in so many may be missing.
const DRIFT: u32 = 1000;

/// How often a device that reboots between two questions is asked again.
const ATTEMPTS: usize = 3;

/// A firmware, and the slot in which it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Version and build id.
    #[serde(flatten)]
    pub build: Build,
    /// The slot.
    pub slot: Slot,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in slot {}", self.build, self.slot)
    }
}

/// What the device said of itself at one moment.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `Sys.GetInfo`.
    pub info: SystemInfo,
    /// `OTA.GetBootState`.
    pub boot: BootState,
    /// When it was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub taken: Instant,
}

impl Snapshot {
    /// Asks the device, giving each question this much time. What it runs is asked before and after the
    /// state of its slots: the build of one boot and the state of the next would make a lie of two
    /// truths, and a device that has just been updated may reboot at any moment.
    pub async fn take(device: &Device, timeout: Duration) -> Result<Self, CallError> {
        let mut attempts = 0;
        loop {
            let first = Self::ask(device, timeout).await?;
            let boot = device.call_within(ota::GetBootState {}, timeout).await?;
            let second = Self::ask(device, timeout).await?;
            let same_boot = first.0.fw_version == second.0.fw_version
                && first.0.fw_id == second.0.fw_id
                && !restarted(&first, &second);
            attempts += 1;
            if same_boot || attempts == ATTEMPTS {
                let (info, asked, taken) = first;
                return if same_boot { Ok(Self { info, boot, asked, taken }) } else { Err(unsteady()) };
            }
        }
    }

    async fn ask(device: &Device, timeout: Duration) -> Result<(SystemInfo, Instant, Instant), CallError> {
        let asked = Instant::now();
        let info = device.call_within(ota::GetInfo {}, timeout).await?;
        Ok((info, asked, Instant::now()))
    }

    /// How long one question took.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.taken - self.asked
    }

    /// The firmware that runs.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { version: self.info.fw_version.clone(), build_id: self.info.fw_id.clone() }
    }

    /// The firmware that runs, and where.
    #[must_use]
    pub fn running(&self) -> Running {
        Running { build: self.build(), slot: self.boot.active_slot }
    }

    /// Who it is that answers with `there` now, in words; `None`: the same device. Its address may have been handed on to
    /// another one, which is neither committed nor reverted.
    #[must_use]
    pub fn stranger(&self, there: &SystemInfo) -> Option<String> {
        let is_other = !there.is_same_device(&self.info);
        is_other.then(|| format!("another device answers in its place: {}", printable(&there.id)))
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

/// Whether the device has rebooted between the two: it runs another build, or its uptime has grown by
/// less than the time that passed. Another slot says nothing yet: it is the one that boots next.
#[must_use]
pub fn rebooted(before: &Snapshot, after: &Snapshot) -> bool {
    let told = |snapshot: &Snapshot| (snapshot.info.clone(), snapshot.asked, snapshot.taken);
    before.build() != after.build() || restarted(&told(before), &told(after))
}

/// By the uptimes alone. The second one was read no earlier than it was asked for; how long its answer
/// took must not count, or a slow one would pass for a reboot.
fn restarted(
    (before, _, heard): &(SystemInfo, Instant, Instant),
    (after, asked, _): &(SystemInfo, Instant, Instant),
) -> bool {
    let passed = asked.saturating_duration_since(*heard);
    let expected = Duration::from_secs(before.uptime) + passed;
    Duration::from_secs(after.uptime) + ROUNDING + passed / DRIFT < expected
}

/// A device that is never twice the same has no state to be told.
fn unsteady() -> CallError {
    CallError::Lost {
        peer: "the device".into(),
        sent: true,
        reason: "it keeps rebooting while it is asked what it runs".into(),
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
#[must_use]
pub fn arrival(before: &Snapshot, after: &Snapshot, wanted: Option<&Manifest>) -> Arrival {
    let old = before.build() == after.build() && before.boot.active_slot == after.boot.active_slot;
    match wanted {
        _ if old => Arrival::Old,
        Some(wanted) if wanted.build() == after.build() => Arrival::Wanted,
        Some(wanted) => Arrival::Other(wanted.build()),
        None => Arrival::Wanted,
    }
}

/// What the device made of the commit timeout that it was told, if that is something else: in words.
#[must_use]
pub fn no_way_back(before: &Snapshot, after: &Snapshot, told: Duration) -> Option<String> {
    let (told, BootState { is_committed, commit_timeout: kept, .. }) = (told.as_secs(), after.boot);
    match (arrival(before, after, None), is_committed) {
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

    fn snapshot(version: &str, slot: u8, committed: bool, uptime: u64, taken: Instant) -> Snapshot {
        let info = json!({"fw_version": version, "fw_id": format!("b{version}"), "uptime": uptime});
        Snapshot {
            info: serde_json::from_value(info).expect("an info"),
            boot: BootState { active_slot: slot, is_committed: committed, revert_slot: 1 - slot, commit_timeout: 300 },
            asked: taken,
            taken,
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
            (snapshot("1", 1, false, 110, t10), false, "the slot that boots next is not the one that runs"),
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
            (snapshot("3", 1, false, 1, t0), Some("2"), Arrival::Other(manifest("2").build()), "a third one"),
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
    async fn a_commit_timeout_that_is_not_kept_is_told() {
        let t0 = Instant::now();
        let before = snapshot("1", 0, true, 100, t0);
        for (after, told, expected) in [
            (snapshot("2", 1, false, 1, t0), 300, None),
            (snapshot("2", 1, false, 1, t0), 60, Some("goes back 300 s after its boot, and was told to after 60 s")),
            (snapshot("2", 1, true, 1, t0), 300, Some("is committed already")),
            (snapshot("1", 0, true, 1, t0), 60, None),
        ] {
            let says = no_way_back(&before, &after, Duration::from_secs(told));
            let fits = says.as_deref().map_or(expected.is_none(), |says| expected.is_some_and(|e| says.contains(e)));
            assert!(fits, "{after:?}: {says:?}, not {expected:?}");
        }
        let mut never = snapshot("2", 1, false, 1, t0);
        never.boot.commit_timeout = 0;
        let says = no_way_back(&before, &never, Duration::from_secs(300)).expect("it is told");
        assert!(says.starts_with("the device does not go back by itself"), "{says}");
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
