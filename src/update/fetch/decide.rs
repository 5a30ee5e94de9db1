//! What follows from the reply, the progress and the time. Pure: it does no I/O, and time is an argument.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::action::Action;
use super::download::Download;
use super::pending::{PendingQuestion, Purpose, Then};
use super::replies::{UpdateReply, says_applied, says_busy, says_in_progress, says_unlicensed, understand};
use super::rules::{Situation, assess, next_change};
use crate::rpc::deadline::{MAX_TIMEOUT, deadline_after};
use crate::rpc::{CallError, RemoteError};
use crate::update::event::Event;
use crate::update::outcome::Failure;
use crate::update::poll::spread;
use crate::update::serve::Fetched;
use crate::update::transfer_result::TransferResult;

/// The shortest wait for the reply after the last byte, before the state of the device is read.
const MIN_REPLY_WAIT: Duration = Duration::from_millis(200);

impl Download<'_> {
    /// Takes the progress at the firmware server. The client and the bytes are reported if they have changed.
    pub(super) fn on_server_progress(&mut self, now: &Fetched) {
        let (Some(served), Some(known)) = (self.served, &mut self.fetched) else { return };
        if let Some(peer) = now.peer {
            let is_new_peer = known.peer != now.peer;
            if is_new_peer {
                self.events.push_back(Event::Fetching { peer: peer.ip().to_string(), device: now.device.clone() });
            }
            if is_new_peer || known.sent != now.sent {
                self.events.push_back(Event::Sent { bytes: now.sent, total: served.total });
            }
        }
        known.clone_from(now);
    }

    /// Takes the result of the last call. `executes_twice`: the device is known to execute a call twice that was sent once.
    pub(super) fn on_reply(&mut self, result: Result<Value, CallError>, executes_twice: bool, now: Instant) {
        match understand(result) {
            // An earlier call reached the device.
            Err(Failure::Call(error)) if self.calls > 1 => {
                self.decided = Some(Action::Fail(self.download_failed(error)));
            }
            Err(failure) => self.decided = Some(Action::Fail(failure)),
            Ok(UpdateReply::Refused(error)) => self.on_error(error, executes_twice, now),
            Ok(reply) => self.reply = Some((now, reply)),
        }
    }

    /// Distinguishes a refusal from an error after which the update goes on. No other reply follows then.
    fn on_error(&mut self, error: RemoteError, executes_twice: bool, now: Instant) {
        if says_unlicensed(&error) {
            self.decided = Some(Action::Fail(Failure::Unlicensed { error: error.to_string() }));
        } else if says_in_progress(&error) {
            // The device was idle just before. So the running call is this one, executed twice, or that of another client.
            let is_known = self.served.is_some() || self.is_build_known;
            // A device that is still connecting reports that it is idle, so that otactl called it again.
            if self.calls > 1 || self.limits.may_execute_twice && (is_known || executes_twice) {
                self.reply = Some((now, UpdateReply::InProgress(error)));
            } else {
                self.pending = Some(PendingQuestion::OtherUpdate);
            }
        } else if says_busy(&error) {
            // A device of 2018 replies so if it executes a request twice, and the first execution may be ours.
            self.reply = Some((now, UpdateReply::Refused(error)));
        } else {
            self.pending = Some(PendingQuestion::GoesOn(error));
        }
    }

    /// Returns what the driver does next.
    pub(super) fn poll(&mut self, now: Instant) -> Action {
        if self.events.is_empty() && self.decided.is_none() && self.pending.is_none() {
            self.decide(now);
        }
        if let Some(event) = self.events.pop_front() {
            return Action::Report(event);
        }
        if let Some(action) = self.decided.take() {
            return action;
        }
        match &self.pending {
            Some(pending) => Action::Ask { question: pending.question(), is_last: pending.is_last() },
            None => Action::Wait(self.wake(now)),
        }
    }

    /// Decides by reply and progress.
    fn decide(&mut self, now: Instant) {
        match assess(self.reply.as_ref(), self.fetched.as_ref(), self.started, &self.limits, now) {
            Situation::Wait => {}
            Situation::Succeeded(message) => return self.on_success(message, now),
            // Each read of the state costs a question, so not at every turn.
            Situation::Unclear(reason) => {
                if self.may_probe(now) {
                    return self.begin_probe(reason, now);
                }
            }
            Situation::NeverFetched(reply) => return self.decided = Some(self.never_fetched(reply)),
            // The other update may end soon: a download breaks off when the otactl that served it was killed.
            Situation::Busy(error) => return self.pending = Some(PendingQuestion::Settled(Then::CallAgain(error))),
            Situation::Failed(reason) => {
                // After any other refusal, the firmware was checked already.
                let is_checked = matches!(&self.reply, Some((_, UpdateReply::Refused(error))) if !says_busy(error));
                if is_checked {
                    self.decided = Some(Action::Fail(self.failed(reason)));
                } else {
                    self.pending = Some(PendingQuestion::Settled(Then::Fail(reason)));
                }
                return;
            }
        }
        if matches!(self.reply, None | Some((_, UpdateReply::Lost(_)))) {
            self.decide_without_reply(now);
        }
    }

    /// Decides while there is no reply: reports a missing request, or reads the progress on a device that downloads from another server.
    fn decide_without_reply(&mut self, now: Instant) {
        let Some((served, fetched)) = self.served.zip(self.fetched.as_ref()) else {
            if now >= self.probe_at {
                self.pending = Some(PendingQuestion::State(Purpose::Progress));
            }
            return;
        };
        if fetched.peer.is_none() {
            let waited = now - self.started;
            if waited >= self.limits.timeouts.first_request && !std::mem::replace(&mut self.is_missing_reported, true) {
                let address = served.address.to_owned();
                self.events.push_back(Event::NotAsked { seconds: waited.as_secs(), address });
            }
        // With the last byte, the device has nothing left to do but to reboot: its reply may be lost, and time matters.
        } else if fetched.complete && self.overdue_at().is_none_or(|at| now >= at) && self.may_probe(now) {
            self.pending = Some(PendingQuestion::State(Purpose::LostReply));
        }
    }

    /// Reads from the boot state what the device's success means. A device that does not answer is asked again, for as long as a
    /// reboot may take. After that, the message of the device decides.
    fn on_success(&mut self, message: String, now: Instant) {
        if says_applied(&message) {
            self.events.push_back(Event::Applied { message });
            self.decided = Some(Action::Done(TransferResult::Certain));
        } else if self.may_probe(now) || self.success_until.is_none() {
            self.success_until.get_or_insert(deadline_after(now, self.limits.timeouts.reboot_start));
            self.pending = Some(PendingQuestion::State(Purpose::Success(message)));
        }
    }

    /// Tells whether the state may be read now. If so, the next read comes after a pause.
    fn may_probe(&mut self, now: Instant) -> bool {
        let is_due = now >= self.probe_at;
        if is_due {
            // Spread downwards only: a late read takes from the time for the commit.
            let pause = spread(self.limits.timeouts.probe_interval.min(MAX_TIMEOUT), self.probes) * 5 / 6;
            self.probe_at = deadline_after(now, pause);
            self.probes += 1;
        }
        is_due
    }

    /// Returns when the reply to a completed download should have come: it takes one round trip.
    fn overdue_at(&self) -> Option<Instant> {
        let reply_wait = (self.before.slowest() * 2).max(MIN_REPLY_WAIT);
        self.fetched.as_ref()?.changed?.checked_add(reply_wait)
    }

    /// Returns the next time at which [`poll`](Self::poll) may do something else.
    fn wake(&self, now: Instant) -> Option<Instant> {
        let change = next_change(self.reply.as_ref(), self.fetched.as_ref(), self.started, &self.limits, now);
        let others = [Some(self.probe_at), self.overdue_at()].into_iter().flatten().filter(|at| *at > now);
        change.into_iter().chain(others).min()
    }
}

#[cfg(test)]
mod tests;
