//! `OTA.Write`: sends pieces until the device has all of them, or something comes between.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, sleep_until};

use super::failure::Reason;
use super::pace::{MAX_PIECE_WAIT, deadline, rate};
use super::probe::{ASK_AFTER, PingProbe};
use super::replies::{expected_offset, says_applied};
use super::state::Push;
use super::state_probe::{FIRST_STATE_PROBE, StateProbe};
use crate::ota;
use crate::rpc::{CallError, RemoteError};
use crate::text::for_humans;
use crate::update::outcome::FailureReason;
use crate::update::verdict::{has_other_firmware, rebooted};

/// How long an unanswered piece is waited for after a later one was answered. Replies may overtake one another.
const MAX_OVERTAKING: Duration = Duration::from_secs(1);

/// Why sending stopped.
pub(super) enum Break {
    /// The device has every byte.
    Complete,
    /// The device expects the piece at this offset.
    Expected(usize),
    /// The pieces in flight are lost.
    Lost {
        /// What happened.
        reason: FailureReason,
        /// The link did not fail: pieces were lost on the line, or the device is off.
        is_link_sound: bool,
    },
    /// Every byte was sent, and the state of the device shows the new firmware.
    Seen,
    /// The push has failed.
    Failed(Reason),
}

impl<'a> Push<'a> {
    /// Sends pieces until the device has all of them, or until a loss or a refusal.
    pub(super) async fn send(&mut self) -> Break {
        let (began, had) = (Instant::now(), self.flight.acknowledged());
        let mut calls = FuturesUnordered::new();
        let (mut sent, mut answered) = (0, 0);
        // Replies that overtook the one to an earlier piece, and since when that one is missing.
        let (mut early, mut overtaken) = (BTreeMap::new(), None);
        let (mut probe, mut state_probe) = (PingProbe::new(self.device), StateProbe::new(self));
        loop {
            while let Some(piece) = self.flight.send() {
                calls.push(self.write(sent, piece));
                sent += 1;
            }
            if self.flight.is_complete() {
                return Break::Complete;
            }
            if self.is_late() {
                return Break::Failed(Reason::TooSlow { after: self.limits.total.unwrap_or_default() });
            }
            let (heard, longest) = (self.heard.max(began), self.longest(had, began));
            // A device that erases flash is silent for a while, however quick it was before.
            let quiet = heard + longest.max(self.limits.timeouts.transfer_idle.min(MAX_PIECE_WAIT));
            let ask_at = heard + (longest / 2).max(ASK_AFTER);
            let look_at = ask_at.min(heard + longest.max(FIRST_STATE_PROBE));
            let until = overtaken.map_or(quiet, |at: Instant| quiet.min(at + MAX_OVERTAKING));
            tokio::select! {
                // Biased so that a reply that is there counts before a timeout.
                biased;
                Some((number, answer)) = calls.next() => {
                    early.insert(number, answer);
                    while let Some(answer) = early.remove(&answered) {
                        answered += 1;
                        overtaken = None;
                        probe.reset();
                        if let Err(stop) = self.take(answer) {
                            return stop;
                        }
                    }
                    // The device refuses the pieces behind a lost one at once, which tells of the loss before its timeout does.
                    if let Some(offset) = early.values().find_map(|answer| self.gap(answer)) {
                        return Break::Expected(offset);
                    }
                    overtaken = overtaken.or_else(|| (!early.is_empty()).then(Instant::now));
                }
                look = state_probe.look_at(look_at), if self.flight.may_be_complete() => match look {
                    Ok(now) if has_other_firmware(self.before, &now) => return Break::Seen,
                    Ok(now) if rebooted(self.before, &now) => return Break::Failed(Reason::Restarted),
                    _ => {}
                },
                () = probe.answered(ask_at), if overtaken.is_none() => overtaken = Some(Instant::now()),
                () = sleep_until(self.ends.map_or(until, |ends| ends.min(until))) => if !self.is_late() {
                    let reason = match overtaken {
                        Some(_) => "a piece was lost on its way".into(),
                        None => {
                            format!("no acknowledgement within {}", for_humans(self.heard.max(began).elapsed())).into()
                        }
                    };
                    return Break::Lost { reason, is_link_sound: true };
                },
            }
        }
    }

    /// Starts the call for the piece with this number.
    fn write(
        &self,
        number: u64,
        piece: Range<usize>,
    ) -> impl Future<Output = (u64, Result<Value, CallError>)> + use<'a> {
        let write = ota::Write { offset: piece.start as u64, data: STANDARD.encode(&self.bundle[piece]) };
        let answer = self.device.call_in_order(&write, MAX_PIECE_WAIT);
        async move { (number, answer.await) }
    }

    /// Returns the offset that the device expects, if `answer` says that the oldest piece in flight was lost or arrived before. A later
    /// offset only means that acknowledgements are in flight.
    fn gap(&self, answer: &Result<Value, CallError>) -> Option<usize> {
        let offset = expected_offset(answer.as_ref().err()?.remote_error()?)?;
        (offset == self.flight.acknowledged() && self.flight.in_flight() > 0).then_some(offset)
    }

    /// Returns how long the oldest piece may go unacknowledged.
    fn longest(&self, had: usize, began: Instant) -> Duration {
        let rate = rate(self.flight.acknowledged() - had, self.heard.saturating_duration_since(began));
        deadline(rate, self.flight.in_flight(), self.before.round_trip(), Duration::ZERO)
    }

    /// Handles the reply to the oldest piece.
    fn take(&mut self, answer: Result<Value, CallError>) -> Result<(), Break> {
        if let Err(error) = answer {
            return Err(match error.remote_error() {
                // The device has the whole archive, this piece included.
                Some(refusal) if says_applied(refusal) => Break::Complete,
                // The device is about to reboot, and loses the pieces that it has.
                Some(RemoteError { code: 418, .. }) => Break::Lost { reason: error.into(), is_link_sound: false },
                Some(refusal) => match expected_offset(refusal) {
                    Some(offset) if self.flight.may_have_taken(offset) => Break::Expected(offset),
                    _ => Break::Failed(Reason::Refused(error)),
                },
                None if error.is_transient() => Break::Lost { reason: error.into(), is_link_sound: false },
                None => Break::Failed(Reason::Call(error)),
            });
        }
        self.flight.acknowledge();
        self.heard = Instant::now();
        self.report_progress(self.flight.acknowledged());
        Ok(())
    }
}
