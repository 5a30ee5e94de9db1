//! The device state: the info and the boot state of a device, read at one moment.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
#[cfg(test)]
use serde_json::Value;
use tokio::time::Instant;

use super::read_state_error::{OtherDevice, ReadStateError};
use super::uptime::restarted;
use crate::bundle::manifest::Build;
use crate::ota::{self, BootState, Slot, SystemInfo};
use crate::rpc::{CallError, Device, Method};

/// The most attempts to read the state of a device that reboots between two calls.
const MAX_READ_ATTEMPTS: usize = 3;

/// The shortest time that a device needs for a reboot.
const MIN_REBOOT_TIME: Duration = Duration::from_millis(20);

/// The minimum age at which a device state counts as old. Before that, neither the device nor its firmware has been replaced.
const MIN_FRESH_TIME: Duration = Duration::from_secs(1);

/// A firmware, and the slot in which it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Running {
    /// Version and build id.
    #[serde(flatten)]
    pub build: Build,
    /// The slot. `None` if the device reports none.
    pub slot: Option<Slot>,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.build, ota::slot_name(self.slot))
    }
}

/// The info and the boot state of a device, read at one moment.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DeviceState {
    /// The reply to `Sys.GetInfo`.
    pub info: SystemInfo,
    /// The reply to `OTA.GetBootState`.
    pub boot: BootState,
    /// When otactl sent the first question.
    pub asked: Instant,
    /// When the reply to the first question arrived.
    pub taken: Instant,
    /// When the boot state arrived.
    pub read: Instant,
    /// When otactl sent the last question, which the same boot answered.
    pub last_asked: Instant,
    /// The uptime in seconds in the last reply.
    pub last_uptime: u64,
    /// The round-trip time of the slower of the last two questions.
    pub slowest: Duration,
    /// The round-trip time of the quicker of the last two questions. It includes no retransmission unless both needed one.
    pub quickest: Duration,
    /// When otactl began to update the device from this state. `None` before the update.
    pub update_began: Option<Instant>,
}

impl DeviceState {
    /// Reads the state of the device. Each call may take `timeout`.
    ///
    /// `Sys.GetInfo` is called before and after `OTA.GetBootState`, because a device that has just been updated may reboot
    /// at any moment. A reboot between two calls would pair one boot's build with the next boot's slot state. The last two
    /// calls are sent together on a transport that keeps their order.
    pub async fn read(device: &Device, timeout: Duration) -> Result<Self, ReadStateError> {
        // The first call may have to dial, so its duration does not show the round-trip time.
        let first = timed(device, ota::GetInfo {}, timeout).await?;
        Self::complete(device, first, timeout).await
    }

    /// Reads the rest of the state of a device whose info has just arrived as `first`.
    pub(super) async fn complete(
        device: &Device,
        mut first: TimedReply<SystemInfo>,
        timeout: Duration,
    ) -> Result<Self, ReadStateError> {
        let mut attempts = 0;
        loop {
            let info = || timed(device, ota::GetInfo {}, timeout);
            let boot = timed(device, ota::GetBootState {}, timeout);
            let (boot, second) =
                if device.window() > 1 { tokio::try_join!(boot, info())? } else { (boot.await?, info().await?) };
            // A boot state that arrived later may be that of the next boot.
            let second = if boot.heard > second.heard + MIN_REBOOT_TIME { info().await? } else { second };
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
            if attempts == MAX_READ_ATTEMPTS {
                return Err(ReadStateError::KeepsRebooting);
            }
            first = second;
        }
    }

    /// Returns the device that answered with `there`, or `None` if it is the same device.
    ///
    /// The network may have given the address to another device, which must be neither committed nor reverted.
    #[must_use]
    pub fn other_device(&self, there: &SystemInfo) -> Option<OtherDevice> {
        let is_other = !there.is_same_device(&self.info);
        is_other.then(|| OtherDevice { id: there.id.clone() })
    }

    /// Returns `now`, or an error if it is the state of another device.
    pub(super) fn same_device(&self, now: Self) -> Result<Self, ReadStateError> {
        self.other_device(&now.info).map_or(Ok(now), |other| Err(ReadStateError::OtherDevice(other)))
    }

    /// Asks for the info of the device and compares it as [`Self::other_device`] does.
    ///
    /// Returns `None` as well if the device does not answer within `timeout`: the next call will fail in that case.
    pub(super) async fn other_device_at(&self, device: &Device, timeout: Duration) -> Option<OtherDevice> {
        let there = device.call_within(ota::GetInfo {}, timeout).await.ok()?;
        self.other_device(&there)
    }

    /// Makes a device state from replies that arrived at `at`, for tests.
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

    /// Tells whether the state was read just now: within the last second, or within twice [`slowest`](Self::slowest) over a slow
    /// link.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.last_asked.elapsed() < MIN_FRESH_TIME.max(self.slowest() * 2)
    }

    /// Returns the round-trip time without dialling: that of the slower of the last two questions.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.slowest
    }

    /// Returns the round-trip time of the first question, which may include dialling.
    #[must_use]
    pub fn round_trip(&self) -> Duration {
        self.taken - self.asked
    }

    /// Returns the running build.
    #[must_use]
    pub fn build(&self) -> Build {
        Build { version: self.info.fw_version.clone(), build_id: self.info.fw_id.clone() }
    }

    /// Returns the running build and its slot.
    #[must_use]
    pub fn running(&self) -> Running {
        Running { build: self.build(), slot: self.boot.active_slot }
    }

    /// Returns the slot that an update is written to, on a platform with two slots. `None` for other platforms.
    #[must_use]
    pub fn only_other_slot(&self) -> Option<Slot> {
        let has_two = ota::slots(&self.info.arch) == Some(2);
        self.boot.active_slot.filter(|_| has_two).and_then(|slot| 1_u8.checked_sub(slot))
    }

    /// Returns the time from now until the device rolls back by itself. `None` if it is committed or has no commit timeout.
    #[must_use]
    pub fn reverts_in(&self) -> Option<Duration> {
        if self.boot.is_committed || self.boot.commit_timeout == 0 {
            return None;
        }
        let running = Duration::from_secs(self.info.uptime) + self.taken.elapsed();
        Some(Duration::from_secs(self.boot.commit_timeout).saturating_sub(running))
    }
}

/// A reply, with the times at which the question was sent and the reply arrived.
#[derive(Debug)]
pub(super) struct TimedReply<T> {
    pub(super) reply: T,
    pub(super) asked: Instant,
    pub(super) heard: Instant,
}

async fn timed<M: Method>(device: &Device, method: M, timeout: Duration) -> Result<TimedReply<M::Reply>, CallError> {
    let asked = Instant::now();
    let reply = device.call_within(method, timeout).await?;
    Ok(TimedReply { reply, asked, heard: Instant::now() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn device_state(is_committed: bool, at: Instant) -> DeviceState {
        let info = json!({"fw_version": "2", "fw_id": "b", "uptime": 10});
        DeviceState::from_replies(
            info,
            BootState { active_slot: Some(1), is_committed, revert_slot: Some(0), commit_timeout: 300 },
            at,
        )
    }

    #[tokio::test(start_paused = true)]
    async fn time_until_rollback_counts_from_boot() {
        let now = Instant::now();
        let uncommitted = device_state(false, now);
        assert_eq!(uncommitted.reverts_in(), Some(Duration::from_secs(290)));
        tokio::time::advance(Duration::from_secs(300)).await;
        assert_eq!(uncommitted.reverts_in(), Some(Duration::ZERO));
        assert_eq!(device_state(true, now).reverts_in(), None);
    }
}
