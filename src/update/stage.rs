//! The stage that an update has reached, derived from its events. Pure.

use std::time::Duration;

use super::event::{Event, Origin};

/// The stage that the update has reached on the device.
///
/// The message of an interrupted update depends on it. Exhaustive: in each stage an interruption leaves another situation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing on the device has changed.
    #[default]
    Untouched,
    /// otactl ended an update on the device. Nothing else has changed.
    Freed,
    /// otactl requested the download of the firmware from the device.
    Downloading {
        /// The device downloads from otactl's server, so it cannot continue without otactl. Otherwise it continues by itself.
        from_us: bool,
        /// Seconds that the device waits for the commit after its reboot.
        commit_timeout: u64,
        /// See [`Event::Requested`].
        keeps_asking_for: Option<u64>,
    },
    /// otactl pushes the firmware. The device waits for the rest of it until its own timeout.
    Receiving {
        /// Bytes in flight at a time.
        in_flight: u64,
        /// Whether the device may have all of the firmware. `OTA.End` would then install it instead of ending the update.
        may_be_complete: bool,
        /// Seconds that the device waits for the commit after its reboot.
        commit_timeout: u64,
    },
    /// The device has the new firmware and reboots into it.
    Reboots {
        /// Seconds that the device waits for the commit after its reboot.
        commit_timeout: u64,
    },
    /// The new firmware runs uncommitted.
    Uncommitted {
        /// Seconds until the device rolls back, counted from the event that reported it.
        reverts_in: Option<u64>,
    },
    /// otactl sent the commit, but has not seen its effect yet.
    CommitSent,
    /// otactl sent `OTA.Revert`, by which the device returns to the old firmware.
    Reverts,
    /// Nothing is pending on the device.
    Settled,
}

impl Stage {
    /// Returns the stage after `event`.
    #[must_use]
    pub fn after(self, event: &Event) -> Self {
        match (event, self) {
            (Event::Requested { from: Origin::Sent, commit_timeout, .. }, _) => {
                Self::Receiving { in_flight: 0, may_be_complete: false, commit_timeout: *commit_timeout }
            }
            (Event::Requested { from, commit_timeout, keeps_asking_for }, _) => Self::Downloading {
                from_us: *from == Origin::Here,
                commit_timeout: *commit_timeout,
                keeps_asking_for: *keeps_asking_for,
            },
            (Event::Pushing { window, chunk }, Self::Receiving { commit_timeout, .. }) => {
                let in_flight = window.saturating_mul(*chunk) as u64;
                Self::Receiving { in_flight, may_be_complete: false, commit_timeout }
            }
            (Event::Sent { bytes, total }, Self::Receiving { in_flight, commit_timeout, .. }) => Self::Receiving {
                in_flight,
                may_be_complete: bytes.saturating_add(in_flight) >= *total,
                commit_timeout,
            },
            // A device that has all of the firmware continues without otactl.
            (Event::Sent { bytes, total }, Self::Downloading { commit_timeout, .. }) if bytes == total => {
                Self::Reboots { commit_timeout }
            }
            (
                Event::Rebooting | Event::Applied { .. } | Event::Unconfirmed { .. },
                Self::Downloading { commit_timeout, .. } | Self::Receiving { commit_timeout, .. },
            ) => Self::Reboots { commit_timeout },
            (Event::Back { committed: true, .. }, _) => Self::Settled,
            (Event::Back { reverts_in, .. }, _) => Self::Uncommitted { reverts_in: *reverts_in },
            (Event::Resuming { reverts_in }, _) => Self::Uncommitted { reverts_in: *reverts_in },
            (Event::Committing, _) => Self::CommitSent,
            (Event::Reverting, _) => Self::Reverts,
            (Event::DownloadingHere { .. }, _) => Self::Untouched,
            (Event::Ending | Event::Ended { .. }, _) => Self::Freed,
            (_, stage) => stage,
        }
    }

    /// Returns the stage when the time `passed` has gone by since the event that led to it.
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
    use crate::bundle::manifest::Build;

    fn stage(events: &[Event]) -> Stage {
        events.iter().fold(Stage::default(), Stage::after)
    }

    /// After Ctrl-C, the message about what the device does next depends on the stage.
    #[test]
    fn events_lead_to_the_expected_stage() {
        let build = Build { version: "2".into(), build_id: "b".into() };
        let requested = |from_us| Event::Requested {
            from: if from_us { Origin::Here } else { Origin::Elsewhere },
            commit_timeout: 300,
            keeps_asking_for: Some(60),
        };
        let sent = || Event::Requested { from: Origin::Sent, commit_timeout: 300, keeps_asking_for: None };
        let back = |committed| Event::Back { build: build.clone(), slot: Some(1), committed, reverts_in: Some(290) };
        let pushing = Event::Pushing { window: 2, chunk: 5 };
        let receiving = |may_be_complete| Stage::Receiving { in_flight: 10, may_be_complete, commit_timeout: 300 };
        let ended = Event::Ended { percent: 5, by_reboot: true, is_ours: true };
        let checking = Event::Checking { check: "c".into(), deadline_in: 30 };
        let downloading = |from_us| Stage::Downloading { from_us, commit_timeout: 300, keeps_asking_for: Some(60) };
        for (events, expected) in [
            (vec![], Stage::Untouched),
            (vec![Event::Serving { address: "a".into(), tls: false }], Stage::Untouched),
            (vec![requested(true)], downloading(true)),
            (vec![requested(false), Event::Written { percent: 5 }], downloading(false)),
            (vec![requested(false), Event::DownloadingHere { reason: "r".into() }], Stage::Untouched),
            (vec![Event::Ending], Stage::Freed),
            (vec![requested(true), Event::Ending, ended], Stage::Freed),
            (vec![requested(true), Event::Sent { bytes: 5, total: 9 }], downloading(true)),
            (vec![requested(true), Event::Sent { bytes: 9, total: 9 }], Stage::Reboots { commit_timeout: 300 }),
            (vec![sent(), pushing.clone()], receiving(false)),
            (vec![sent(), pushing.clone(), Event::Sent { bytes: 9, total: 20 }], receiving(false)),
            // The chunks in flight may have arrived.
            (vec![sent(), pushing.clone(), Event::Sent { bytes: 10, total: 20 }], receiving(true)),
            (vec![sent(), pushing, Event::Rebooting], Stage::Reboots { commit_timeout: 300 }),
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
