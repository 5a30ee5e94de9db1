//! The end of a transfer.

/// What is known at the end of a download.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferResult {
    /// The device has the firmware: it said so, or its boot state shows it.
    Certain,
    /// The device rebooted before it said anything. It has the firmware, or it lost its power during the download.
    Rebooted,
    /// otactl sent every byte, but the device did not acknowledge the last ones for certain.
    Unacknowledged,
}
