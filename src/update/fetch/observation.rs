//! What the state of a device shows during a download.

use crate::ota::BootState;

/// What the updater of the device does.
pub(super) enum Activity {
    /// An update runs.
    Busy,
    /// The device has every byte, and may be writing its flash.
    Finishing,
    /// No update runs.
    Idle,
    /// The device does not answer, or may not have begun.
    Unknown,
}

/// What the state of the device shows of the update.
pub(super) enum Observation {
    /// The device has rebooted, or is about to.
    Rebooted,
    /// The device has the firmware, and boots it next.
    Applied(BootState),
    /// The update is still running, or it is too early to tell.
    NothingYet,
    /// The device is idle and unchanged: the call was lost, or there is no new firmware.
    NotBegun,
}
