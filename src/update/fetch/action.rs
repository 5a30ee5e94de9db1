//! What the driver of a download does next.

use tokio::time::Instant;

use super::question::Question;
use crate::update::event::Event;
use crate::update::outcome::Failure;
use crate::update::transfer_result::TransferResult;

/// What the driver does next.
#[derive(Debug)]
pub(super) enum Action {
    /// Report this event, and poll again.
    Report(Event),
    /// Wait for the reply, for progress at the firmware server, or until this time. `None`: no time will change anything.
    Wait(Option<Instant>),
    /// Ask the device. `is_last`: no time is left for another question.
    Ask { question: Question, is_last: bool },
    /// Call `OTA.Update` again, since the device has not begun.
    CallAgain,
    /// The device has the firmware, or has rebooted.
    Done(TransferResult),
    /// The device has never requested the firmware; its error, if it reported one.
    NeverFetched(Option<String>),
    /// The download has failed.
    Fail(Failure),
}
