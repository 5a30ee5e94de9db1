//! The effects of triggered faults.

use std::time::Duration;

/// The effect of faults on the reply to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyDelivery {
    /// The reply leaves the device as soon as it is ready.
    AtOnce,
    /// The reply leaves the device after this delay.
    Late(Duration),
    /// The reply is lost.
    Never,
}

/// The effect of a fault during a pull or a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadFault {
    /// The power is interrupted. The reboot is already scheduled. No connection is closed and no call is answered.
    Reboot,
    /// The connection of the pull is lost, or the piece of the push fails.
    CutOff,
    /// The device stops reading and does not answer until the update times out.
    Stall,
}

/// An effect of a fault that occurs at a certain uptime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedFault {
    /// Another client commits.
    Commit,
    /// Another client reverts.
    Revert,
    /// The device reboots.
    Reboot,
    /// The device reboots if the firmware is uncommitted.
    RebootIfUncommitted,
    /// The update that has been running from the start ends.
    EndUpdate,
}

/// The effect of faults on a reply over a serial line or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LineEffect {
    /// The console prints a line before and after the reply. The value is the number of the reply.
    pub noise: Option<u64>,
    /// Whether the reply is garbled.
    pub garbled: bool,
}
