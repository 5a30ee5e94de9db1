//! What happens during an update, as it happens.

use std::time::Duration;

use serde::Serialize;

use super::delivery_report::DeliveryReport;
use super::device_state::DeviceState;
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
        /// The slot that runs; `None` if the device reports none.
        slot: Option<Slot>,
        /// Whether it is committed.
        committed: bool,
    },
    /// What it is to get.
    Firmware {
        /// The app; empty if the manifest does not name it.
        #[serde(skip_serializing_if = "String::is_empty")]
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
    /// Something that was found out about the update: before it, or of what it came to.
    Finding {
        /// About what: `platform`, `version`, `signatures`, …
        what: &'static str,
        /// What was found.
        says: String,
        /// What follows from it.
        verdict: Severity,
    },
    /// The wanted firmware runs already, and waits for its commit.
    Resuming {
        /// Seconds until it goes back by itself, if it will.
        reverts_in: Option<u64>,
    },
    /// An update runs already; we see whether it goes on.
    Busy {
        /// How far it is.
        percent: u8,
    },
    /// otactl ends an abandoned or failed update with `OTA.End` or a reboot.
    Ending,
    /// The abandoned or failed update has ended.
    Ended {
        /// How far it was.
        percent: u8,
        /// A reboot ended it (a download); otherwise `OTA.End` did (a push).
        by_reboot: bool,
        /// This run began the update.
        is_ours: bool,
    },
    /// The second way to the device does not lead there now; perhaps it will after the reboot.
    SecondWaySilent {
        /// Why.
        reason: String,
    },
    /// What runs was copied.
    Copied {
        /// To this slot; `None` if the device reports none.
        slot: Option<Slot>,
    },
    /// What runs was not copied: this platform has no room for a copy beside the update.
    NotCopied {
        /// The platform.
        platform: String,
        /// Where it stays; `None` if the device reports no slot.
        slot: Option<Slot>,
    },
    /// Our server is up.
    Serving {
        /// Host and port; the path is a secret.
        address: String,
        /// Whether it speaks TLS.
        tls: bool,
    },
    /// The device was told to take the firmware.
    Requested {
        /// Where it gets it from.
        from: Origin,
        /// Seconds that it will wait for the commit after its reboot.
        commit_timeout: u64,
        /// Seconds for which a device that cannot reach the server keeps asking for the rest of the firmware, counted
        /// from the last progress. `None`: its download fails when the connection breaks, or it is pushed.
        #[serde(skip_serializing_if = "Option::is_none")]
        keeps_asking_for: Option<u64>,
    },
    /// The device reported an error, but its update still runs.
    GoesOn {
        /// The device's error text.
        said: String,
    },
    /// The device should have asked for the firmware by now.
    NotAsked {
        /// Seconds since it was told to.
        seconds: u64,
        /// Where it should have asked.
        address: String,
    },
    /// The device does not fetch the firmware, and so it is sent to it.
    FallingBack {
        /// Why it does not.
        reason: String,
    },
    /// otactl downloads the firmware of the URL, because the device does not.
    DownloadingHere {
        /// Why the device does not.
        reason: String,
    },
    /// otactl has downloaded the firmware and verified its digests.
    DownloadedHere {
        /// Its size in bytes.
        bytes: u64,
    },
    /// The device fetches the firmware from us.
    Fetching {
        /// From which address.
        peer: String,
        /// Id and MAC, as it says.
        device: Option<String>,
    },
    /// The device is sent the firmware.
    Pushing {
        /// So many pieces are under way at a time.
        window: usize,
        /// Of so many bytes each.
        chunk: usize,
    },
    /// The link was lost, and it goes on from there.
    PushResumed {
        /// Bytes that the device has for certain.
        offset: u64,
    },
    /// A request to our server has ended, with its transfer if it was one.
    Served {
        /// From which address.
        peer: String,
        /// Id and MAC, as it says.
        device: Option<String>,
        /// The method of HTTP.
        method: String,
        /// The status of the answer.
        status: u16,
        /// The first and the last byte, if only some were asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        range: Option<String>,
        /// Bytes of the bundle that were sent.
        bytes: u64,
        /// The size of the bundle.
        total: u64,
        /// Whether all that was asked for was sent.
        complete: bool,
    },
    /// Somebody came to our server who is not known to be the device, and was turned away. Told once of each.
    Stranger {
        /// From which address.
        peer: String,
    },
    /// So many connections without a request came to our server from one address that some were closed or not taken. Told
    /// once of each.
    Crowded {
        /// From which address.
        peer: String,
    },
    /// Somebody came to our server over TLS, and the handshake failed.
    HandshakeFailed {
        /// From which address.
        peer: String,
        /// Why.
        reason: String,
    },
    /// The download has ended, well or not: what can be proved of it.
    Delivered(DeliveryReport),
    /// How much of it we have sent; of what the device is sent in pieces, how much it has acknowledged.
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
        /// The slot that runs; `None` if the device reports none.
        slot: Option<Slot>,
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
        /// The proxy through which a URL was asked for, without its credentials.
        #[serde(skip_serializing_if = "Option::is_none")]
        proxy: Option<String>,
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

/// What a finding means for the update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is as it should be.
    Good,
    /// It could not be found out, and does not matter to the proof.
    Unknown,
    /// The update is possible, and proves less, or is more dangerous.
    Weak,
    /// The update is refused.
    Refused,
}

impl Event {
    /// What the device is back with.
    #[must_use]
    pub fn back(now: &DeviceState) -> Self {
        Self::Back {
            build: now.build(),
            slot: now.boot.active_slot,
            committed: now.boot.is_committed,
            reverts_in: seconds(now.reverts_in()),
        }
    }

    /// What the device has run since an earlier update.
    #[must_use]
    pub fn resuming(now: &DeviceState) -> Self {
        Self::Resuming { reverts_in: seconds(now.reverts_in()) }
    }
}

fn seconds(left: Option<Duration>) -> Option<u64> {
    left.map(|left| left.as_secs())
}

/// Where a device gets the firmware from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It fetches it from our server.
    Here,
    /// It fetches it from somewhere else.
    Elsewhere,
    /// It is sent it with calls.
    Sent,
}

/// How far an update got, as far as the device is concerned. What is to be said of an update that
/// was interrupted follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Stage {
    /// Nothing on the device has changed.
    #[default]
    Untouched,
    /// otactl told the device to end an update; nothing else has changed.
    Freed,
    /// It was told to fetch the firmware.
    Downloading {
        /// From us, so that it cannot go on without us; otherwise it goes on by itself.
        from_us: bool,
        /// Seconds that it will wait for the commit after its reboot.
        commit_timeout: u64,
        /// As in [`Event::Requested`].
        keeps_asking_for: Option<u64>,
    },
    /// It is sent the firmware, and waits for the rest of it until its time is over.
    Receiving {
        /// Bytes that are under way at a time.
        in_flight: u64,
        /// Whether it may have all of it, so that to end the update would mean to go on with it.
        may_be_complete: bool,
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
            // Once it has all of the firmware, it needs us no more.
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
        let requested = |from_us| Event::Requested {
            from: if from_us { Origin::Here } else { Origin::Elsewhere },
            commit_timeout: 300,
            keeps_asking_for: Some(60),
        };
        let sent = || Event::Requested { from: Origin::Sent, commit_timeout: 300, keeps_asking_for: None };
        let back = |committed| Event::Back { build: build.clone(), slot: Some(1), committed, reverts_in: Some(290) };
        let pushing = Event::Pushing { window: 2, chunk: 5 };
        let takes = |may_be_complete| Stage::Receiving { in_flight: 10, may_be_complete, commit_timeout: 300 };
        let ended = Event::Ended { percent: 5, by_reboot: true, is_ours: true };
        let checking = Event::Checking { check: "c".into(), deadline_in: 30 };
        let fetches = |from_us| Stage::Downloading { from_us, commit_timeout: 300, keeps_asking_for: Some(60) };
        for (events, expected) in [
            (vec![], Stage::Untouched),
            (vec![Event::Serving { address: "a".into(), tls: false }], Stage::Untouched),
            (vec![requested(true)], fetches(true)),
            (vec![requested(false), Event::Written { percent: 5 }], fetches(false)),
            (vec![requested(false), Event::DownloadingHere { reason: "r".into() }], Stage::Untouched),
            (vec![Event::Ending], Stage::Freed),
            (vec![requested(true), Event::Ending, ended], Stage::Freed),
            (vec![requested(true), Event::Sent { bytes: 5, total: 9 }], fetches(true)),
            (vec![requested(true), Event::Sent { bytes: 9, total: 9 }], Stage::Reboots { commit_timeout: 300 }),
            (vec![sent(), pushing.clone()], takes(false)),
            (vec![sent(), pushing.clone(), Event::Sent { bytes: 9, total: 20 }], takes(false)),
            // What is under way may have arrived.
            (vec![sent(), pushing.clone(), Event::Sent { bytes: 10, total: 20 }], takes(true)),
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
