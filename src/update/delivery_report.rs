//! The report on how the firmware was delivered to the device.

use serde::Serialize;

/// What otactl sent to the device.
///
/// It does not prove that the device has the firmware. Only the device state after the reboot does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// `pull` if the device downloaded the bundle from otactl's server, `push` if otactl pushed it.
    pub via: &'static str,
    /// Bytes of the bundle that otactl sent in the last attempt. For a push, bytes that the device acknowledged.
    pub bytes: u64,
    /// The size of the bundle in bytes.
    pub total: u64,
    /// Whether otactl sent the whole bundle.
    pub complete: bool,
    /// The number of requests for the bundle. `None` for a push.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    /// The SHA-256 of the bundle in hexadecimal.
    pub sha256: String,
}
