//! The events of an update, which it reports to an [`Observer`].

use std::time::Duration;

use serde::Serialize;

use super::delivery_report::DeliveryReport;
use super::device_state::DeviceState;
use crate::bundle::manifest::Build;
use crate::ota::Slot;

/// Receives the events of an update.
///
/// The update calls it directly, so an implementation must not block.
pub trait Observer: Send + Sync {
    /// Handles one event.
    fn on(&self, event: &Event);
}

/// A step of an update. Serialises as one JSON object whose `event` is the name of the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The device and its running firmware.
    Device {
        /// The id of the device.
        id: String,
        /// The platform of the device.
        platform: String,
        /// The running app.
        app: String,
        /// The running build.
        #[serde(flatten)]
        build: Build,
        /// The active slot. `None` if the device reports none.
        slot: Option<Slot>,
        /// Whether the running firmware is committed.
        committed: bool,
    },
    /// The firmware to install.
    Firmware {
        /// The app. Empty if the manifest does not name it.
        #[serde(skip_serializing_if = "String::is_empty")]
        app: String,
        /// The platform of the firmware.
        platform: String,
        /// Version and build id.
        #[serde(flatten)]
        build: Build,
        /// The size of the bundle in bytes. `None` for a firmware URL.
        bytes: Option<u64>,
    },
    /// otactl could not read the manifest of the firmware URL.
    FirmwareUnknown {
        /// The reason.
        reason: String,
    },
    /// A preflight result, or a remark on the result of the update.
    Finding {
        /// The subject: `platform`, `version`, `signatures`, …
        what: &'static str,
        /// The description of the finding.
        says: String,
        /// The severity of the finding.
        verdict: Severity,
    },
    /// The wanted firmware already runs uncommitted.
    Resuming {
        /// Seconds until the device rolls back by itself, if it will.
        reverts_in: Option<u64>,
    },
    /// Another update runs on the device. otactl watches whether it makes progress.
    Busy {
        /// The progress in percent.
        percent: u8,
    },
    /// otactl ends an abandoned or failed update with `OTA.End` or a reboot.
    Ending,
    /// The abandoned or failed update has ended.
    Ended {
        /// The progress in percent before it ended.
        percent: u8,
        /// A reboot ended it (a pull). Otherwise `OTA.End` did (a push).
        by_reboot: bool,
        /// This run began the update.
        is_ours: bool,
    },
    /// The device does not answer on `--commit-port` before the update. It may answer there after the reboot.
    SecondWaySilent {
        /// The reason.
        reason: String,
    },
    /// The running firmware was copied with `OTA.CreateSnapshot`.
    Copied {
        /// The slot that holds the copy. `None` if the device reports none.
        slot: Option<Slot>,
    },
    /// The running firmware was not copied: this platform has no slot for a copy beside that of the update.
    NotCopied {
        /// The platform of the device.
        platform: String,
        /// The slot that keeps the running firmware. `None` if the device reports none.
        slot: Option<Slot>,
    },
    /// The firmware server is ready.
    Serving {
        /// Host and port. The path is a secret.
        address: String,
        /// Whether the server uses TLS.
        tls: bool,
    },
    /// otactl requested the update from the device (`OTA.Update` or `OTA.Begin`).
    Requested {
        /// Where the device gets the firmware from.
        from: Origin,
        /// Seconds that the device waits for the commit after its reboot.
        commit_timeout: u64,
        /// Seconds for which a device that cannot reach the server keeps requesting the rest of the firmware, counted
        /// from the last progress. `None`: the download fails when the connection breaks, or otactl pushes the firmware.
        #[serde(skip_serializing_if = "Option::is_none")]
        keeps_asking_for: Option<u64>,
    },
    /// The device reported an error, but its update still runs.
    GoesOn {
        /// The device's error text.
        #[serde(rename = "said")]
        error: String,
    },
    /// The device has not requested the firmware in time.
    NotAsked {
        /// Seconds since otactl requested the update.
        seconds: u64,
        /// Host and port of the firmware server.
        address: String,
    },
    /// The device does not pull the firmware, so otactl pushes it.
    FallingBack {
        /// Why the device does not pull it.
        reason: String,
    },
    /// otactl downloads the firmware from the URL, because the device does not.
    DownloadingHere {
        /// Why the device does not download it.
        reason: String,
    },
    /// otactl has downloaded the firmware and verified its digests.
    DownloadedHere {
        /// The size of the bundle in bytes.
        bytes: u64,
    },
    /// The device downloads the firmware from the server.
    Fetching {
        /// The address of the client.
        peer: String,
        /// Id and MAC address, as the device reports them.
        device: Option<String>,
    },
    /// otactl pushes the firmware to the device.
    Pushing {
        /// The number of chunks in flight at a time.
        window: usize,
        /// The size of a chunk in bytes.
        chunk: usize,
    },
    /// The push continues after a lost link.
    PushResumed {
        /// Bytes that the device has acknowledged, from where the push continues.
        offset: u64,
    },
    /// The server has answered a request, and its transfer has ended if there was one.
    Served {
        /// The address of the client.
        peer: String,
        /// Id and MAC address, as the device reports them.
        device: Option<String>,
        /// The HTTP method.
        method: String,
        /// The HTTP status of the reply.
        status: u16,
        /// The first and the last byte of the requested range, if the request had one.
        #[serde(skip_serializing_if = "Option::is_none")]
        range: Option<String>,
        /// Bytes of the bundle that the server sent.
        bytes: u64,
        /// The size of the bundle in bytes.
        total: u64,
        /// Whether the server sent all that was requested.
        complete: bool,
    },
    /// The server rejected a client that is not known to be the device. Reported once for each address.
    #[serde(rename = "stranger")]
    ClientRejected {
        /// The address of the client.
        peer: String,
    },
    /// One address opened too many connections without a request, so the server closed or refused some of them. Reported
    /// once for each address.
    Crowded {
        /// The address of the client.
        peer: String,
    },
    /// A TLS handshake of a client with the server failed.
    HandshakeFailed {
        /// The address of the client.
        peer: String,
        /// The reason.
        reason: String,
    },
    /// The transfer has ended, with or without success.
    Delivered(DeliveryReport),
    /// The progress of the transfer: bytes that the server sent, or bytes of a push that the device acknowledged.
    Sent {
        /// Bytes so far.
        bytes: u64,
        /// The size of the bundle in bytes.
        total: u64,
    },
    /// The progress of the update as the device reports it.
    Written {
        /// The progress in percent.
        percent: u8,
    },
    /// The device has all of the firmware, but did not confirm it.
    Unconfirmed {
        /// Why the confirmation is missing.
        reason: String,
    },
    /// The device confirmed that it has the firmware.
    Applied {
        /// The device's message.
        message: String,
    },
    /// otactl waits for the device to answer after its reboot.
    Rebooting,
    /// The device answers after its reboot.
    Back {
        /// The running build.
        #[serde(flatten)]
        build: Build,
        /// The active slot. `None` if the device reports none.
        slot: Option<Slot>,
        /// Whether the running firmware is committed.
        committed: bool,
        /// Seconds until the device rolls back by itself, if it will.
        reverts_in: Option<u64>,
    },
    /// A health check begins.
    Checking {
        /// The name of the check.
        check: String,
        /// Seconds that the check may take.
        deadline_in: u64,
    },
    /// A health check passed.
    Checked {
        /// The name of the check.
        check: String,
        /// Milliseconds that the check took.
        took_ms: u64,
        /// The proxy through which the URL was requested, without its credentials.
        #[serde(skip_serializing_if = "Option::is_none")]
        proxy: Option<String>,
    },
    /// A health check failed.
    CheckFailed {
        /// The name of the check.
        check: String,
        /// The reason.
        reason: String,
    },
    /// otactl sends `OTA.Commit`.
    Committing,
    /// otactl sends `OTA.Revert`, because the running firmware is not to be committed.
    Reverting,
}

/// The severity of a finding. Exhaustive: these are all levels, and [`Severity::Refused`] must not be overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The checked property is as it should be.
    Good,
    /// The property is unknown, which does not weaken the proof of success.
    Unknown,
    /// The update is possible, but proves less or is more dangerous.
    Weak,
    /// The update is refused.
    Refused,
}

impl Event {
    /// Returns the event of a device that answers after its reboot.
    #[must_use]
    pub fn back(now: &DeviceState) -> Self {
        Self::Back {
            build: now.build(),
            slot: now.boot.active_slot,
            committed: now.boot.is_committed,
            reverts_in: whole_seconds(now.reverts_in()),
        }
    }

    /// Returns the event of a device that already runs the wanted firmware uncommitted.
    #[must_use]
    pub fn resuming(now: &DeviceState) -> Self {
        Self::Resuming { reverts_in: whole_seconds(now.reverts_in()) }
    }
}

fn whole_seconds(left: Option<Duration>) -> Option<u64> {
    left.map(|left| left.as_secs())
}

/// The origin of the firmware that a device installs. Exhaustive: a device downloads or is sent the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The device downloads it from otactl's server.
    Here,
    /// The device downloads it from another server.
    Elsewhere,
    /// otactl pushes it with calls.
    Sent,
}
