//! The questions to a device during a download.

use std::time::Duration;

use super::limits::DownloadLimits;
use crate::ota::{self, Status, SystemInfo};
use crate::rpc::{CallError, Device};
use crate::update::device_state::DeviceState;
use crate::update::other_client::shows_other;
use crate::update::poll::{Poll, read_again};
use crate::update::read_state_error::ReadStateError;

/// A question to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// What the updater does (`OTA.Status`).
    Status,
    /// The state of the device, once.
    State,
    /// The state of the device, until it answers or the time for a reboot is over.
    SettledState,
    /// Only `Sys.GetInfo`, of a device that does not report the rest of its state.
    Info,
    /// Whether a device that does not report its state has the firmware of another client.
    OtherFirmware,
}

/// The answer to the [`Question`] of the same name.
#[derive(Debug)]
pub(super) enum DeviceAnswer {
    /// See [`Question::Status`].
    Status(Result<Status, CallError>),
    /// See [`Question::State`] and [`Question::SettledState`].
    State(Result<Box<DeviceState>, ReadStateError>),
    /// See [`Question::Info`].
    Info(Result<Box<SystemInfo>, CallError>),
    /// See [`Question::OtherFirmware`].
    OtherFirmware(Result<bool, CallError>),
}

/// Asks the device.
pub(super) struct Questions<'a> {
    poll: Poll<'a>,
    before: &'a DeviceState,
    reboot_timeout: Duration,
}

impl<'a> Questions<'a> {
    pub(super) fn new(device: &'a Device, before: &'a DeviceState, limits: &DownloadLimits) -> Self {
        let poll = Poll::after(device, before).within(limits.commit_timeout);
        Self { poll, before, reboot_timeout: limits.reboot_timeout }
    }

    /// Asks the device. The last question gets all the time that the device has needed so far, since no other will follow.
    pub(super) async fn ask(&mut self, question: Question, is_last: bool) -> DeviceAnswer {
        if is_last {
            self.poll.hurry();
        }
        match question {
            Question::Status => DeviceAnswer::Status(self.poll.ask(ota::GetStatus {}).await),
            Question::State => DeviceAnswer::State(self.poll.read_state().await.map(Box::new)),
            Question::SettledState => {
                let state = read_again(self.before, self.poll.device(), self.reboot_timeout).await;
                DeviceAnswer::State(state.map(Box::new))
            }
            Question::Info => DeviceAnswer::Info(self.poll.ask(ota::GetInfo {}).await.map(Box::new)),
            Question::OtherFirmware => DeviceAnswer::OtherFirmware(shows_other(self.poll.device(), self.before).await),
        }
    }
}
