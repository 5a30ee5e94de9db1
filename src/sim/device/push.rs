//! Pushes on a device since 2019: `OTA.Begin`, `OTA.Write` and `OTA.End`.

use std::time::Instant;

use crate::sim::device::ota_state::{
    DevicePush, FeedResult, PendingPush, PushReply, PushState, UpdateSource, UpdateTimeouts,
};
use crate::sim::device::state_machine::SimulatedDevice;
use crate::sim::fault::effects::DownloadFault;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::MethodError;

impl SimulatedDevice {
    /// Starts a push (`OTA.Begin`).
    pub fn begin_push(&mut self, timeouts: UpdateTimeouts, size: Option<u64>, now: Instant) -> Result<(), MethodError> {
        self.start_update(UpdateSource::Push, timeouts, size, now)?;
        self.ota.push = Some(DevicePush::default());
        Ok(())
    }

    /// Accepts the next piece of a push (`OTA.Write`).
    pub fn write_push(&mut self, offset: Option<u64>, piece: Vec<u8>) -> PushReply {
        let Some(push) = &mut self.ota.push else { return PushReply::Now(Err(not_started())) };
        match push.state {
            PushState::Failed(error) => return PushReply::Now(Err(error.of_push())),
            PushState::Applied => return PushReply::Now(Err(MethodError::new(-1, "1 Update applied, rebooting"))),
            PushState::Running if self.ota.running.as_ref().is_some_and(|running| running.is_stalled) => {
                return PushReply::Never;
            }
            PushState::Running => {}
        }
        if piece.is_empty() {
            return PushReply::Now(Err(MethodError::new(-1, "Data required")));
        }
        match offset {
            None => PushReply::Now(Ok(())),
            Some(offset) if push.last == Some(offset) => PushReply::Now(Ok(())),
            Some(offset) if offset != push.expected => {
                PushReply::Now(Err(MethodError::new(-1, format!("Expected offset {}, got {offset}", push.expected))))
            }
            Some(offset) => {
                push.last = Some(offset);
                push.expected += piece.len() as u64;
                push.pending = Some(PendingPush::Piece(piece));
                PushReply::Pending
            }
        }
    }

    /// Ends a push (`OTA.End`). The device gives up an incomplete push when the turn is finished.
    pub fn end_push(&mut self) -> PushReply {
        let Some(push) = &mut self.ota.push else { return PushReply::Now(Err(not_started())) };
        match push.state {
            PushState::Failed(error) => {
                self.ota.push = None;
                PushReply::Now(Err(error.of_push()))
            }
            PushState::Applied => {
                self.ota.push = None;
                PushReply::Applied
            }
            PushState::Running => match push.pending.replace(PendingPush::End) {
                Some(PendingPush::End) => PushReply::Replaces,
                Some(PendingPush::Piece(_)) | None => PushReply::Pending,
            },
        }
    }

    /// Gives the accepted piece to the updater, or gives up a push that `OTA.End` has ended.
    ///
    /// Returns the outcome of the pending call, and the number of bytes written.
    pub fn finish_turn(&mut self, now: Instant) -> Option<(Result<(), MethodError>, usize)> {
        match self.ota.push.as_mut()?.pending.take()? {
            PendingPush::End => {
                self.end_ota(Err(UpdateError::Unfinished));
                self.ota.push = None;
                Some((Err(UpdateError::Unfinished.of_push()), 0))
            }
            PendingPush::Piece(piece) => {
                let outcome = match self.feed(&piece, now) {
                    FeedResult::Failed(error) => Err(error.of_piece()),
                    FeedResult::Fault(DownloadFault::CutOff) => {
                        self.end_ota(Err(UpdateError::Failed));
                        Err(UpdateError::Failed.of_piece())
                    }
                    FeedResult::Fault(DownloadFault::Stall) => return None,
                    FeedResult::More
                    | FeedResult::Complete
                    | FeedResult::Over
                    | FeedResult::Fault(DownloadFault::Reboot) => Ok(()),
                };
                Some((outcome, piece.len()))
            }
        }
    }
}

pub(super) fn not_started() -> MethodError {
    MethodError::new(-1, "Update not started")
}
