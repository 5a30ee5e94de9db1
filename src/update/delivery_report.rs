//! What can be proved of how the firmware went to the device.

use serde::Serialize;

/// What was sent. That the device has it is shown by what it runs afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    /// How: `pull` if the device fetched it from us, `push` if it was sent to it.
    pub via: &'static str,
    /// Bytes of the bundle that were sent, those of the last attempt; of a push, those that were acknowledged.
    pub bytes: u64,
    /// The size of the bundle in bytes.
    pub total: u64,
    /// Whether all of it was sent.
    pub complete: bool,
    /// How often it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// The SHA-256 of the bundle, in hex.
    pub sha256: String,
}
