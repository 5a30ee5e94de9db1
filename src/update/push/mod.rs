//! Sends the bundle in pieces, over any transport that carries calls: for a device that cannot reach this machine. `OTA.Begin`, then
//! as many `OTA.Write` at a time as the transport keeps in order, then `OTA.End`.
//!
//! As recorded in wire/ota2022-ws.json: each piece carries its offset (the device answers a piece without one with `null`, and does not
//! write it). The last accepted piece may come again. The device refuses a piece at another offset with the one that it expects, and
//! the push goes on there. With the last byte of the archive the device sets the boot slot. It reboots 500 ms later, with or without
//! `OTA.End`. After that byte, the boot state decides, and not the replies.
//!
//! - [`limits`]: the time limits of a push, and its result; [`failure`]: why it fails; [`abort`](mod@abort): how it is cancelled;
//! - `begin`, `pieces`, `end`: the three steps; `reconnect`: finds the device again between them;
//! - `state`: the data of a push; `state_probe`: reads the device's state while a reply is missing;
//! - `flight`: which piece is sent next, and which ones are acknowledged; `pace`: how long they may take;
//! - `probe`: a question that tells a line that loses pieces from a device that is busy;
//! - `replies`: the texts with which a device refuses a piece.

pub mod abort;
mod begin;
mod end;
pub mod failure;
mod flight;
pub mod limits;
mod pace;
mod pieces;
mod probe;
mod reconnect;
mod replies;
mod state;
mod state_probe;

use bytes::Bytes;
use tokio::time::Instant;

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::outcome::FailureReason;
use super::poll::first_timeout;
use super::verdict::has_other_firmware;
use crate::ota;
use crate::rpc::Device;
pub use abort::{Aborted, abort};
pub use failure::{PushFailure, Reason};
use flight::{Flight, GRAIN};
pub use limits::{PushLimits, Pushed};
pub use pace::device_timeout;
use pieces::Break;
use state::Push;

/// Bytes that are left free in a request: a later challenge may be a little longer than the last one.
const SLACK: usize = 16;

/// How often in a row the push may come back to the same piece. The pieces get smaller meanwhile.
const MAX_SETBACKS: u32 = 5;

/// Pushes `bundle` to the device. Returns when the device is about to reboot into it.
///
/// `before` is the state of the device before the update. `limits` holds the time limits. Progress goes to `observer`.
pub async fn push(
    device: &Device,
    bundle: &Bytes,
    before: &DeviceState,
    limits: PushLimits,
    observer: &dyn Observer,
) -> Result<Pushed, PushFailure> {
    let total = bundle.len() as u64;
    let stop = |reason| PushFailure { reason, acknowledged: 0, total, aborted: Aborted::NotSent };
    let mut push = Push {
        device,
        bundle,
        before,
        limits,
        observer,
        ends: limits.ends(),
        heard: Instant::now(),
        flight: Flight::new(bundle.len(), 1, 1),
    };
    if let Err(reason) = push.begin().await {
        return Err(stop(push.explain(reason).await));
    }
    // The first reply shows how many bytes of each request the authentication takes.
    let chunk = chunk_size(device, total);
    push.flight = Flight::new(bundle.len(), chunk, device.window());
    observer.on(&Event::Pushing { window: device.window(), chunk });
    let reason = match push.run().await {
        Ok(pushed) => return Ok(pushed),
        Err(reason) => push.explain(reason).await,
    };
    if push.may_be_applied(&reason).await {
        return Ok(push.unconfirmed(reason));
    }
    let aborted = match reason {
        // No push is left on the device, or the device does not answer.
        Reason::Restarted | Reason::OtherFirmware | Reason::Gone { .. } => Aborted::NotSent,
        _ => abort(device, device.timeout()).await,
    };
    if aborted == Aborted::Applied {
        return Ok(push.unconfirmed(reason));
    }
    Err(PushFailure { reason, acknowledged: push.flight.acknowledged() as u64, total, aborted })
}

/// Returns how many bytes of a bundle of `size` bytes one call carries.
///
/// For a device that wants authentication, the result is too large before the first call.
#[must_use]
pub fn chunk_size(device: &Device, size: u64) -> usize {
    let room = device.max_params(&ota::Write { offset: size, data: String::new() }).saturating_sub(SLACK);
    (room / 4 * 3 / GRAIN * GRAIN).max(GRAIN)
}

impl Push<'_> {
    /// Sends the pieces, resumes after each loss, and ends the push.
    async fn run(&mut self) -> Result<Pushed, Reason> {
        loop {
            match self.send().await {
                Break::Complete => {
                    self.report_progress(self.bundle.len());
                    return self.end().await;
                }
                Break::Seen => return Ok(self.seen("its last acknowledgements were lost".into())),
                Break::Failed(reason) => return Err(reason),
                Break::Expected(offset) => {
                    tracing::debug!(offset, "the device expects another piece");
                    if self.flight.resume_at(offset) {
                        self.heard = Instant::now();
                        self.report_progress(offset);
                    } else {
                        // The report makes the line slower, unless it is slow enough: then the loss was chance.
                        let _ = self.device.report_loss();
                    }
                    self.check_setbacks(|| format!("it wants the piece at offset {offset} again and again").into())?;
                }
                Break::Lost { reason, is_link_sound } => {
                    tracing::debug!(%reason, acknowledged = self.flight.acknowledged(), "what is in flight is lost");
                    if let Some(pushed) = self.reconnect(&reason).await? {
                        return Ok(pushed);
                    }
                    let is_slower = is_link_sound && self.device.report_loss();
                    self.check_setbacks(|| reason)?;
                    let offset = self.flight.resume(is_slower) as u64;
                    self.observer.on(&Event::PushResumed { offset });
                    self.heard = Instant::now();
                }
            }
        }
    }

    /// Fails if the push has come back to the same piece too often.
    fn check_setbacks(&self, last: impl FnOnce() -> FailureReason) -> Result<(), Reason> {
        if self.flight.setbacks() >= MAX_SETBACKS { Err(Reason::Stuck(last())) } else { Ok(()) }
    }

    /// Tells whether the device may reboot into the firmware although the push failed for `reason`: otactl sent every byte, and
    /// the boot state shows the firmware or cannot be read.
    async fn may_be_applied(&self, reason: &Reason) -> bool {
        if !self.flight.may_be_complete() || matches!(reason, Reason::Restarted | Reason::OtherFirmware) {
            return false;
        }
        match DeviceState::read(self.device, first_timeout(self.device, self.before)).await {
            Ok(now) => has_other_firmware(self.before, &now),
            Err(_) => !matches!(reason, Reason::Refused(_)),
        }
    }
}
