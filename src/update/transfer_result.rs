//! The result of a transfer of the firmware.

/// What is known at the end of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TransferResult {
    /// The device has the firmware: its reply or its boot state shows it.
    Certain,
    /// The device rebooted before it replied. It has the firmware, or it lost power during the transfer.
    Rebooted,
    /// otactl sent every byte, but the device did not acknowledge the last ones for certain.
    Unacknowledged,
}
