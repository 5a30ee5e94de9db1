//! What happens during an update, as it happens.

use std::time::Duration;

use serde::Serialize;

use super::verdict::Snapshot;
use crate::bundle::manifest::Build;
use crate::ota::Slot;

/// Whoever wants to know. Called from within the update, so it must not block.
pub trait Observer: Send + Sync {
    /// Something has happened.
    fn on(&self, event: &Event);
}

/// A step of an update. Serialises as one JSON object whose `event` is the name of the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What the device is and runs.
    Device {
        /// Its id.
        id: String,
        /// Its platform.
        platform: String,
        /// The app that runs.
        app: String,
        /// The firmware that runs.
        #[serde(flatten)]
        build: Build,
        /// The slot that runs.
        slot: Slot,
        /// Whether it is committed.
        committed: bool,
    },
    /// What it is to get.
    Firmware {
        /// The app.
        app: String,
        /// The platform.
        platform: String,
        /// Version and build id.
        #[serde(flatten)]
        build: Build,
        /// The size of the bundle, if it is served by us.
        bytes: Option<u64>,
    },
    /// What stands behind the URL could not be read from here.
    FirmwareUnknown {
        /// Why.
        reason: String,
    },
    /// The wanted firmware runs already, and waits for its commit.
    Resuming {
        /// Seconds until it goes back by itself, if it will.
        reverts_in: Option<u64>,
    },
    /// Our server is up.
    Serving {
        /// Host and port; the path is a secret.
        address: String,
    },
    /// The device was told to fetch the firmware.
    Requested {
        /// Whether from us.
        from_us: bool,
        /// Seconds that it will wait for the commit after its reboot.
        commit_timeout: u64,
    },
    /// The device should have asked for the firmware by now.
    NotAsked {
        /// Seconds since it was told to.
        seconds: u64,
        /// Where it should have asked.
        address: String,
    },
    /// The device fetches the firmware from us.
    Fetching {
        /// From which address.
        peer: String,
        /// Id and MAC, as it says.
        device: Option<String>,
    },
    /// How much of it we have sent.
    Sent {
        /// So many bytes.
        bytes: u64,
        /// Of so many.
        total: u64,
    },
    /// How much the device has written, as it says.
    Written {
        /// Percent.
        percent: u8,
    },
    /// The device was not heard to confirm, but has all of the firmware.
    Unconfirmed {
        /// Why there was no confirmation.
        reason: String,
    },
    /// The device has the firmware, and confirms.
    Applied {
        /// Its words.
        message: String,
    },
    /// We wait for the device to come back.
    Rebooting,
    /// It is back.
    Back {
        /// What runs now.
        #[serde(flatten)]
        build: Build,
        /// The slot that runs.
        slot: Slot,
        /// Whether it is committed.
        committed: bool,
        /// Seconds until it goes back by itself, if it will.
        reverts_in: Option<u64>,
    },
    /// The firmware has to pass a check.
    Checking {
        /// What it is called.
        check: String,
        /// Seconds that it may take.
        deadline_in: u64,
    },
    /// It has passed.
    Checked {
        /// What it is called.
        check: String,
        /// Milliseconds that it took.
        took_ms: u64,
    },
    /// It has not passed.
    CheckFailed {
        /// What it is called.
        check: String,
        /// Why.
        reason: String,
    },
    /// The commit is on its way.
    Committing,
    /// What runs is not to stay, and the device was told to go back.
    Reverting,
}

impl Event {
    /// What the device is back with.
    #[must_use]
    pub fn back(now: &Snapshot) -> Self {
        Self::Back {
            build: now.build(),
            slot: now.boot.active_slot,
            committed: now.boot.is_committed,
            reverts_in: seconds(now.reverts_in()),
        }
    }

    /// What the device has run since an earlier update.
    #[must_use]
    pub fn resuming(now: &Snapshot) -> Self {
        Self::Resuming { reverts_in: seconds(now.reverts_in()) }
    }
}

fn seconds(left: Option<Duration>) -> Option<u64> {
    left.map(|left| left.as_secs())
}

/// How far an update got, as far as the device is concerned. What is to be said of an update that
/// was interrupted follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing on the device has changed.
    #[default]
    Untouched,
    /// It was told to fetch the firmware.
    Fetches {
        /// From us, so that it cannot go on without us; otherwise it goes on by itself.
        from_us: bool,
        /// Seconds that it will wait for the commit after its reboot.
        commit_timeout: u64,
    },
    /// It has the new firmware and reboots into it.
    Reboots {
        /// Seconds that it will wait for the commit after its reboot.
        commit_timeout: u64,
    },
    /// The new firmware runs uncommitted.
    Uncommitted {
        /// Seconds until it goes back, counted from the event that told us.
        reverts_in: Option<u64>,
    },
    /// The commit was sent, and its effect not seen yet.
    CommitSent,
    /// It was told to go back to the old firmware.
    Reverts,
    /// Nothing is pending on the device.
    Settled,
}

impl Stage {
    /// The stage after this event.
    #[must_use]
    pub fn after(self, event: &Event) -> Self {
        match (event, self) {
            (Event::Requested { from_us, commit_timeout }, _) => {
                Self::Fetches { from_us: *from_us, commit_timeout: *commit_timeout }
            }
            // Once it has all of the firmware, it needs us no more.
            (Event::Sent { bytes, total }, Self::Fetches { commit_timeout, .. }) if bytes == total => {
                Self::Reboots { commit_timeout }
            }
            (
                Event::Rebooting | Event::Applied { .. } | Event::Unconfirmed { .. },
                Self::Fetches { commit_timeout, .. },
            ) => Self::Reboots { commit_timeout },
            (Event::Back { committed: true, .. }, _) => Self::Settled,
            (Event::Back { reverts_in, .. }, _) => Self::Uncommitted { reverts_in: *reverts_in },
            (Event::Resuming { reverts_in }, _) => Self::Uncommitted { reverts_in: *reverts_in },
            (Event::Committing, _) => Self::CommitSent,
            (Event::Reverting, _) => Self::Reverts,
            (_, stage) => stage,
        }
    }

    /// The same stage when so much time has passed since the event that led to it.
    #[must_use]
    pub fn later(self, passed: Duration) -> Self {
        match self {
            Self::Uncommitted { reverts_in: Some(left) } => {
                Self::Uncommitted { reverts_in: Some(left.saturating_sub(passed.as_secs())) }
            }
            stage => stage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(events: &[Event]) -> Stage {
        events.iter().fold(Stage::default(), Stage::after)
    }

    /// Whoever presses Ctrl-C has to be told the truth about what the device will do next.
    #[test]
    fn the_stage_follows_the_events() {
        let build = Build { version: "2".into(), build_id: "b".into() };
        let requested = |from_us| Event::Requested { from_us, commit_timeout: 300 };
        let back = |committed| Event::Back { build: build.clone(), slot: 1, committed, reverts_in: Some(290) };
        let checking = Event::Checking { check: "c".into(), deadline_in: 30 };
        let fetches = |from_us| Stage::Fetches { from_us, commit_timeout: 300 };
        for (events, expected) in [
            (vec![], Stage::Untouched),
            (vec![Event::Serving { address: "a".into() }], Stage::Untouched),
            (vec![requested(true)], fetches(true)),
            (vec![requested(false), Event::Written { percent: 5 }], fetches(false)),
            (vec![requested(true), Event::Sent { bytes: 5, total: 9 }], fetches(true)),
            (vec![requested(true), Event::Sent { bytes: 9, total: 9 }], Stage::Reboots { commit_timeout: 300 }),
            (vec![requested(true), Event::Rebooting], Stage::Reboots { commit_timeout: 300 }),
            (vec![requested(true), Event::Rebooting, back(false)], Stage::Uncommitted { reverts_in: Some(290) }),
            (vec![Event::Rebooting, back(true)], Stage::Settled),
            (vec![Event::Resuming { reverts_in: Some(9) }], Stage::Uncommitted { reverts_in: Some(9) }),
            (vec![back(false), checking.clone()], Stage::Uncommitted { reverts_in: Some(290) }),
            (vec![back(false), checking, Event::Reverting], Stage::Reverts),
            (vec![back(false), Event::Committing], Stage::CommitSent),
            (vec![back(false), Event::Reverting], Stage::Reverts),
        ] {
            assert_eq!(stage(&events), expected, "{events:?}");
        }
        let uncommitted = |reverts_in| Stage::Uncommitted { reverts_in };
        let minute = Duration::from_secs(60);
        assert_eq!(uncommitted(Some(290)).later(minute), uncommitted(Some(230)));
        assert_eq!(uncommitted(Some(9)).later(minute), uncommitted(Some(0)));
        assert_eq!(uncommitted(None).later(minute), uncommitted(None));
    }
}
