//! The questions of a download whose answers are still missing, and what they are for.

use tokio::time::Instant;

use super::question::Question;
use crate::rpc::RemoteError;
use crate::update::device_state::DeviceState;
use crate::update::outcome::FailureReason;
use crate::update::read_state_error::ReadStateError;

/// The answer that the download waits for, and its purpose.
#[derive(Debug)]
pub(super) enum PendingQuestion {
    /// Whether the update goes on after this error.
    GoesOn(RemoteError),
    /// The progress of the update of another client, which makes this one impossible.
    OtherUpdate,
    /// The state of the device, which shows whether it still has the firmware of before.
    Settled(Then),
    /// Whether a device that does not report its state has the firmware of another client.
    OtherFirmware(Then),
    /// The state of the device.
    State(Purpose),
    /// Whether an update runs on a device that has rebooted into the same firmware.
    UpdateAfterReboot(Box<DeviceState>, Purpose),
    /// The state of a device that has rebooted into the same firmware, and on which no update runs.
    StateAfterReboot(Box<DeviceState>, Purpose),
    /// The progress of a download from another server.
    Percent,
    /// The state, of a device that probably reboots.
    EarlyState(FullProbe),
    /// What the updater does.
    Activity(FullProbe, Instant),
    /// The state, after the activity that was asked for at this time.
    ///
    /// In this order: a reboot between the two questions would make the idle updater look like a failed one.
    ProbedState(FullProbe, Activity, Instant),
    /// The info of a device that does not report its state, with the error that it reported instead. The question is sent at this time.
    ProbedInfo(FullProbe, ReadStateError, Instant),
}

/// Why the state of the device is read.
#[derive(Debug)]
pub(super) enum Purpose {
    /// The device replied with a success and this message.
    Success(String),
    /// The reply may be lost, because the device has every byte.
    LostReply,
    /// The device downloads from another server.
    Progress,
    /// Reply and progress do not suffice, for this reason.
    Probe(FailureReason),
}

/// What follows if no other client has updated the device.
#[derive(Debug)]
pub(super) enum Then {
    /// The error is the reply.
    Refuse(RemoteError),
    /// `OTA.Update` is called again. This is the error of the last call.
    CallAgain(RemoteError),
    /// The download has failed, for this reason.
    Fail(FailureReason),
}

/// A complete reading of the device's state, for a reason.
#[derive(Debug)]
pub(super) struct FullProbe {
    pub(super) reason: FailureReason,
    /// The time limit of the download is over, so that no other one follows.
    pub(super) is_last: bool,
}

/// What the updater of the device does.
#[derive(Debug, Clone, Copy)]
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

impl PendingQuestion {
    /// Returns the question.
    pub(super) fn question(&self) -> Question {
        match self {
            Self::GoesOn(_) | Self::OtherUpdate | Self::UpdateAfterReboot(..) | Self::Percent | Self::Activity(..) => {
                Question::Status
            }
            Self::State(_) | Self::StateAfterReboot(..) | Self::EarlyState(_) | Self::ProbedState(..) => {
                Question::State
            }
            Self::Settled(_) => Question::SettledState,
            Self::OtherFirmware(_) => Question::OtherFirmware,
            Self::ProbedInfo(..) => Question::Info,
        }
    }

    /// Tells whether no time is left for another question.
    pub(super) fn is_last(&self) -> bool {
        match self {
            Self::EarlyState(probe)
            | Self::Activity(probe, _)
            | Self::ProbedState(probe, ..)
            | Self::ProbedInfo(probe, ..) => probe.is_last,
            _ => false,
        }
    }
}
