//! The state of the updates on a device since 2019.

use std::time::{Duration, Instant};

use crate::sim::device::updater::Updater;
use crate::sim::fault::effects::DownloadFault;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{MethodError, Outcome};

/// The timeouts that the caller of an update requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpdateTimeouts {
    /// Seconds within which the new firmware has to be committed. 0 = the new firmware commits itself.
    pub commit_timeout: u64,
    /// The longest time without data before the device gives up the update.
    pub timeout: Duration,
}

/// The state of the updates in one boot.
#[derive(Debug, Default)]
pub(super) struct OtaState {
    pub(super) running: Option<RunningUpdate>,
    /// The push that `OTA.Write` and `OTA.End` refer to. It stays after its update has ended, until `OTA.End`.
    pub(super) push: Option<DevicePush>,
    /// The number of the current pull, from its first request to the end of its update.
    pub(super) pull: Option<u64>,
    /// Whether a call of `OTA.Update` waits for an answer.
    pub(super) is_waiting: bool,
    /// The answer to the waiting call, until the board takes it.
    pub(super) outcome: Option<Outcome>,
}

/// The update that runs.
#[derive(Debug)]
pub(super) struct RunningUpdate {
    pub(super) source: UpdateSource,
    /// `None`: further bytes have no effect.
    pub(super) updater: Option<Updater>,
    pub(super) timeouts: UpdateTimeouts,
    /// The time at which the device gives up the update unless bytes arrive.
    pub(super) deadline: Option<Instant>,
    /// The number of bytes that the updater has received.
    pub(super) received: u64,
    /// The bytes of the whole bundle, if known.
    pub(super) size: Option<u64>,
    pub(super) is_stalled: bool,
    /// Whether every byte that the server announced has arrived.
    pub(super) is_body_complete: bool,
}

impl RunningUpdate {
    pub(super) fn percent(&self) -> u8 {
        let percent = self.size.and_then(|size| self.received.saturating_mul(100).checked_div(size)).unwrap_or(0);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }

    pub(super) fn set_deadline(&mut self, now: Instant) {
        self.deadline = now.checked_add(self.timeouts.timeout);
    }
}

/// The source of an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpdateSource {
    Push,
    Pull,
    File,
}

/// A push, from `OTA.Begin` to `OTA.End`.
#[derive(Debug, Default)]
pub(super) struct DevicePush {
    pub(super) state: PushState,
    /// The offset of the next piece.
    pub(super) expected: u64,
    /// The offset of the piece that was accepted last.
    pub(super) last: Option<u64>,
    /// The call that [`SimulatedDevice::finish_turn`](super::SimulatedDevice::finish_turn) has to process.
    pub(super) pending: Option<PendingPush>,
}

#[derive(Debug, Default)]
pub(super) enum PushState {
    #[default]
    Running,
    Failed(UpdateError),
    Applied,
}

/// A call of a push that is processed at the end of the turn.
#[derive(Debug)]
pub(super) enum PendingPush {
    /// `OTA.Write` with this piece.
    Piece(Vec<u8>),
    /// `OTA.End`.
    End,
}

/// The reply to a call of `OTA.Write` or `OTA.End`.
#[derive(Debug, PartialEq, Eq)]
pub enum PushReply {
    /// The reply is sent at once.
    Now(Result<(), MethodError>),
    /// The reply is sent at once. The call is an `OTA.End` after the end of the archive.
    Applied,
    /// The reply is known when the turn is finished.
    Pending,
    /// The reply is known when the turn is finished. An earlier pending `OTA.End` is dismissed.
    Replaces,
    /// The call gets no reply.
    Never,
}

/// The result of giving bytes to an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedResult {
    /// The update goes on.
    More,
    /// The update has succeeded.
    Complete,
    /// The update has failed.
    Failed(UpdateError),
    /// A fault occurs. The updater has received the bytes.
    Fault(DownloadFault),
    /// The update no longer runs.
    Over,
}
