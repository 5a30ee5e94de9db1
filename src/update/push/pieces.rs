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
use super::pace::{LONGEST, deadline, rate};
use super::probe::{ASK_AFTER, Probe};
use super::replies::{expected_offset, says_applied};
use super::state::Push;
use super::state_probe::{FIRST_STATE_PROBE, StateProbe};
use crate::ota;
use crate::rpc::{CallError, RemoteError};
use crate::text::for_humans;
use crate::update::verdict::{has_other_firmware, rebooted};

/// How long an unanswered piece is waited for after a later one was answered. Replies may overtake one another.
const MAX_OVERTAKING: Duration = Duration::from_secs(1);

/// Why no more pieces are sent.
pub(super) enum Break {
    /// There are none.
    Complete,
    /// The device wants the piece at this offset.
    Expected(usize),
    /// What is in flight is lost.
    Lost {
        reason: String,
        /// The link has not failed: pieces were lost on their way, or the device has gone.
        is_link_sound: bool,
    },
    /// Every byte was sent, and the state of the device shows the firmware.
    Seen,
    /// It makes no sense to go on.
    Failed(Reason),
}

impl<'a> Push<'a> {
    /// Sends pieces until there are none, or something comes between.
    pub(super) async fn send(&mut self) -> Break {
        let (began, had) = (Instant::now(), self.flight.acknowledged());
        let mut calls = FuturesUnordered::new();
        let (mut made, mut taken) = (0, 0);
        // Answers that came before that to an earlier piece, and since when that one is missing.
        let (mut early, mut overtaken) = (BTreeMap::new(), None);
        let (mut probe, mut state_probe) = (Probe::new(self.device), StateProbe::new(self));
        loop {
            while let Some(piece) = self.flight.send() {
                calls.push(self.write(made, piece));
                made += 1;
            }
            if self.flight.is_complete() {
                return Break::Complete;
            }
            if self.is_late() {
                return Break::Failed(Reason::TooSlow { after: self.terms.limit.unwrap_or_default() });
            }
            let (heard, longest) = (self.heard.max(began), self.longest(had, began));
            // A device erases flash in between, however quick it was before.
            let quiet = heard + longest.max(self.terms.timeouts.transfer_idle.min(LONGEST));
            let ask_at = heard + (longest / 2).max(ASK_AFTER);
            let look_at = ask_at.min(heard + longest.max(FIRST_STATE_PROBE));
            let until = overtaken.map_or(quiet, |at: Instant| quiet.min(at + MAX_OVERTAKING));
            tokio::select! {
                // Biased so that what has come counts before what is late.
                biased;
                Some((number, answer)) = calls.next() => {
                    early.insert(number, answer);
                    while let Some(answer) = early.remove(&taken) {
                        taken += 1;
                        overtaken = None;
                        probe.reset();
                        if let Err(stop) = self.take(answer) {
                            return stop;
                        }
                    }
                    // Refusals overtake: the pieces behind a lost one are refused before its absence would show.
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
                        None => format!("no acknowledgement within {}", for_humans(self.heard.max(began).elapsed())),
                    };
                    return Break::Lost { reason, is_link_sound: true };
                },
            }
        }
    }

    /// Starts the call for a piece, which has that number.
    fn write(
        &self,
        number: u64,
        piece: Range<usize>,
    ) -> impl Future<Output = (u64, Result<Value, CallError>)> + use<'a> {
        let write = ota::Write { offset: piece.start as u64, data: STANDARD.encode(&self.bundle[piece]) };
        let answer = self.device.call_in_order(&write, LONGEST);
        async move { (number, answer.await) }
    }

    /// Returns the offset where the device goes on, if `answer` says that the oldest piece in flight was lost or arrived before.
    /// A later offset only means that acknowledgements are on their way.
    fn gap(&self, answer: &Result<Value, CallError>) -> Option<usize> {
        let offset = expected_offset(answer.as_ref().err()?.remote_error()?)?;
        (offset == self.flight.acknowledged() && self.flight.under_way() > 0).then_some(offset)
    }

    /// How long the oldest piece may go unacknowledged.
    fn longest(&self, had: usize, began: Instant) -> Duration {
        let rate = rate(self.flight.acknowledged() - had, self.heard.saturating_duration_since(began));
        deadline(rate, self.flight.under_way(), self.before.round_trip(), Duration::ZERO)
    }

    /// Takes the answer to the oldest piece.
    fn take(&mut self, answer: Result<Value, CallError>) -> Result<(), Break> {
        if let Err(error) = answer {
            return Err(match error.remote_error() {
                // The device has all of the archive, this piece included.
                Some(refusal) if says_applied(refusal) => Break::Complete,
                // It is about to reboot, and then what it had is gone.
                Some(RemoteError { code: 418, .. }) => Break::Lost { reason: error.to_string(), is_link_sound: false },
                Some(refusal) => match expected_offset(refusal) {
                    Some(offset) if self.flight.may_have_taken(offset) => Break::Expected(offset),
                    _ => Break::Failed(Reason::Refused(error)),
                },
                None if error.is_transient() => Break::Lost { reason: error.to_string(), is_link_sound: false },
                None => Break::Failed(Reason::Call(error)),
            });
        }
        self.flight.acknowledge();
        self.heard = Instant::now();
        self.told(self.flight.acknowledged());
        Ok(())
    }
}
