//! What the device says of itself at one moment.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
#[cfg(test)]
use serde_json::Value;
use tokio::time::Instant;

use super::uptime::restarted;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, Slot, SystemInfo};
use crate::rpc::{CallError, Device, Method};
use crate::text::device_text;

/// How often a device that reboots between two poll is asked again.
const ATTEMPTS: usize = 3;

/// No device reboots in less time.
const SHORTEST_REBOOT: Duration = Duration::from_millis(20);

/// For this long after the device was looked at, neither another device nor other firmware has come into its place.
const FRESH: Duration = Duration::from_secs(1);

/// A firmware, and the slot in which it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Version and build id.
    #[serde(flatten)]
    pub build: Build,
    /// The slot; `None` if the device reports none.
    pub slot: Option<Slot>,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.build, ota::slot_name(self.slot))
    }
}

/// What the device said of itself at one moment.
#[derive(Debug, Clone)]
pub struct DeviceState {
    /// `Sys.GetInfo`.
    pub info: SystemInfo,
    /// `OTA.GetBootState`.
    pub boot: BootState,
    /// When it was asked.
    pub asked: Instant,
    /// When the answer was there.
    pub taken: Instant,
    /// When the boot state was there.
    pub read: Instant,
    /// When the last question was asked, in the same boot.
    pub last_asked: Instant,
    /// The uptime in seconds that answered the last question.
    pub last_uptime: u64,
    /// The time that the slower of the last two questions took.
    pub slowest: Duration,
    /// The time that the quicker of the last two questions took: neither of them needed a second copy of a lost frame.
    pub quickest: Duration,
    /// When otactl began to update the device that was in this state. `None`: it has not.
    pub update_began: Option<Instant>,
}

impl DeviceState {
    /// Asks the device, giving each question this much time. What it runs is asked before and after the
    /// state of its slots: the build of one boot and the state of the next would make a lie of two
    /// truths, and a device that has just been updated may reboot at any moment. A transport that keeps the order carries
    /// the last two poll at once.
    pub async fn read(device: &Device, timeout: Duration) -> Result<Self, CallError> {
        // The first question may have to dial, and says nothing of how long an answer takes.
        let first = answered(device, ota::GetInfo {}, timeout).await?;
        Self::complete(device, first, timeout).await
    }

    /// Returns the state of the device that has just said what it is.
    pub(super) async fn complete(
        device: &Device,
        mut first: Answered<SystemInfo>,
        timeout: Duration,
    ) -> Result<Self, CallError> {
        let mut attempts = 0;
        loop {
            let info = || answered(device, ota::GetInfo {}, timeout);
            let boot = answered(device, ota::GetBootState {}, timeout);
            let (boot, second) =
                if device.window() > 1 { tokio::try_join!(boot, info())? } else { (boot.await?, info().await?) };
            // A boot state that came later may be that of the next boot.
            let second = if boot.heard > second.heard + SHORTEST_REBOOT { info().await? } else { second };
            let (info, again) = (&first.reply, &second.reply);
            let same_boot = info.fw_version == again.fw_version
                && info.fw_id == again.fw_id
                && !restarted((info.uptime, first.heard), (again.uptime, second.asked));
            if same_boot {
                let took = [boot.heard - boot.asked, second.heard - second.asked];
                return Ok(Self {
                    info: first.reply,
                    boot: boot.reply,
                    asked: first.asked,
                    taken: first.heard,
                    read: boot.heard,
                    last_asked: second.asked,
                    last_uptime: second.reply.uptime,
                    slowest: took[0].max(took[1]),
                    quickest: took[0].min(took[1]),
                    update_began: None,
                });
            }
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(unsteady());
            }
            first = second;
        }
    }

    /// Who it is that answers with `there` now, in words; `None`: the same device. Its address may have been handed on to
    /// another one, which is neither committed nor reverted.
    #[must_use]
    pub fn other_device(&self, there: &SystemInfo) -> Option<String> {
        let is_other = !there.is_same_device(&self.info);
        is_other.then(|| format!("another device answers in its place: {}", device_text(&there.id)))
    }

    /// Asks who is there now, and gives what [`Self::other_device`] says of it. `None` as well if nobody answers within
    /// `timeout`: what is done next will find that out.
    pub(super) async fn other_device_at(&self, device: &Device, timeout: Duration) -> Option<String> {
        let there = device.call_within(ota::GetInfo {}, timeout).await.ok()?;
        self.other_device(&there)
    }

    /// What a device said at this moment, for tests.
    #[cfg(test)]
    pub(super) fn from_replies(info: Value, boot: BootState, at: Instant) -> Self {
        let info: SystemInfo = serde_json::from_value(info).expect("an info");
        Self {
            last_uptime: info.uptime,
            info,
            boot,
            asked: at,
            taken: at,
            read: at,
            last_asked: at,
            slowest: Duration::ZERO,
            quickest: Duration::ZERO,
            update_began: None,
        }
    }

    /// Tells whether the device was looked at just now. A look over a slow link takes its time.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.last_asked.elapsed() < FRESH.max(self.slowest() * 2)
    }

    /// Returns the time that an answer takes, without dialling.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.slowest
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

    /// The slot that an update is written to, on a platform that has but two.
    #[must_use]
    pub fn only_other_slot(&self) -> Option<Slot> {
        let has_two = ota::slots(&self.info.arch) == Some(2);
        self.boot.active_slot.filter(|_| has_two).and_then(|slot| 1_u8.checked_sub(slot))
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

/// An answer, and when the question was asked and answered.
#[derive(Debug)]
pub(super) struct Answered<T> {
    pub(super) reply: T,
    pub(super) asked: Instant,
    pub(super) heard: Instant,
}

async fn answered<M: Method>(device: &Device, method: M, timeout: Duration) -> Result<Answered<M::Reply>, CallError> {
    let asked = Instant::now();
    let reply = device.call_within(method, timeout).await?;
    Ok(Answered { reply, asked, heard: Instant::now() })
}

/// A device that is never twice the same has no state to be told.
fn unsteady() -> CallError {
    CallError::Lost {
        peer: "the device".into(),
        sent: true,
        reason: "it keeps rebooting while it is asked what it runs".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshot(is_committed: bool, at: Instant) -> DeviceState {
        let info = json!({"fw_version": "2", "fw_id": "b", "uptime": 10});
        DeviceState::from_replies(
            info,
            BootState { active_slot: Some(1), is_committed, revert_slot: Some(0), commit_timeout: 300 },
            at,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_until_the_rollback_counts_from_the_start_of_the_device() {
        let now = Instant::now();
        let uncommitted = snapshot(false, now);
        assert_eq!(uncommitted.reverts_in(), Some(Duration::from_secs(290)));
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(uncommitted.reverts_in(), Some(Duration::ZERO));
        assert_eq!(snapshot(true, now).reverts_in(), None);
    }
}
