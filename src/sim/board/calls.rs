//! Calls of the device's methods: when each one is answered, and whether its reply goes out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::sim::board::download::{Fetched, download};
use crate::sim::board::pull::{self, Pull};
use crate::sim::board::reply_fate::{deliver, goes_out};
use crate::sim::board::{Board, Inner, now};
use crate::sim::fault::effects::ReplyDelivery;
use crate::sim::services::{self, CallAnswer, CallContext};
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{Call, Failure, Outcome};

/// What a call brings: at once, or later.
#[derive(Debug)]
pub enum Answered {
    /// The outcome.
    Now(Outcome),
    /// The outcome, after the replies to calls that arrived together with this one.
    NextTurn(Outcome),
    /// The outcome, when the download has ended or its time has come; without one, the reply never comes.
    Later(oneshot::Receiver<Outcome>),
}

impl Board {
    /// Answers a call that came over `channel` to the address `ip`.
    pub fn answer(self: &Arc<Self>, call: &Call, channel: &str, ip: &str) -> Answered {
        self.answers(call, 1, channel, ip).remove(0)
    }

    /// The same for a call that is run so many times.
    pub fn answers(self: &Arc<Self>, call: &Call, times: usize, channel: &str, ip: &str) -> Vec<Answered> {
        let (auth, unix_time) = (self.config.auth.as_ref(), self.unix_time());
        let context = CallContext {
            id: &self.config.id,
            channel,
            ip,
            auth,
            update: &self.config.update,
            licensed: self.config.licensed,
            files: &self.config.files,
            unix_time,
        };
        let method = self.with(|device, _| services::method_name(device, &call.method).to_owned());
        let call = &Call { method, ..call.clone() };
        let answers = self.with_inner(|inner, now| {
            let device = &mut inner.device;
            if !device.faults_mut().receives(&call.method, now) {
                return (0..times).map(|_| (CallAnswer::Never, ReplyDelivery::Never, None)).collect();
            }
            for _ in 0..times {
                self.print(&call.method);
            }
            let answers = services::answers(device, call, times, context, now);
            let answers = deliver(device, &call.method, answers, now);
            let registered = answers.into_iter().map(|(answer, delivery)| {
                let told = inner.register(&answer, delivery);
                (answer, delivery, told)
            });
            registered.collect::<Vec<_>>()
        });
        let answered = answers.into_iter();
        answered.map(|(answer, delivery, told)| self.answered(&call.method, answer, delivery, told)).collect()
    }

    fn answered(
        self: &Arc<Self>,
        method: &str,
        answer: CallAnswer,
        delivery: ReplyDelivery,
        told: Option<oneshot::Receiver<Outcome>>,
    ) -> Answered {
        let late = if let ReplyDelivery::Late(late) = delivery { late } else { Duration::ZERO };
        let (outcome, leaves, in_next_turn) = match answer {
            CallAnswer::Now(outcome) => (outcome, now(), false),
            CallAnswer::NextTurn { outcome, bytes } => (outcome, self.written(bytes), true),
            CallAnswer::AfterDownload { url, timeout, number } => {
                let (reply, later) = oneshot::channel();
                // A task of its own: the update goes on when the caller disconnects.
                let (board, method) = (Arc::clone(self), method.to_owned());
                tokio::spawn(async move {
                    let outcome = board.update(&url, timeout, number, late).await;
                    if delivery != ReplyDelivery::Never
                        && board.with(|device, now| goes_out(device, &method, &outcome, now))
                    {
                        tokio::time::sleep(board.config.reply_delay).await;
                        let _ = reply.send(outcome);
                    }
                });
                return Answered::Later(later);
            }
            CallAnswer::Pull { url, timeouts, number } => {
                tokio::spawn(pull::run(Arc::clone(self), Pull { url, timeouts, number, late }));
                return self.waits(told, Duration::ZERO);
            }
            CallAnswer::Waits => return self.waits(told, late),
            CallAnswer::Never | CallAnswer::Pending | CallAnswer::Replaces => return Self::unanswered(),
        };
        match delivery {
            ReplyDelivery::Never => Self::unanswered(),
            ReplyDelivery::AtOnce | ReplyDelivery::Late(_) => self.reply(outcome, leaves + late, in_next_turn),
        }
    }

    /// Returns the reply to a waiting call. The reply leaves `late` after the device has its outcome.
    fn waits(self: &Arc<Self>, told: Option<oneshot::Receiver<Outcome>>, late: Duration) -> Answered {
        let Some(told) = told else { return Self::unanswered() };
        let wait = late + self.config.reply_delay;
        if wait.is_zero() {
            return Answered::Later(told);
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if let Ok(outcome) = told.await
                && board.lets_pass(wait, boot).await
            {
                let _ = reply.send(outcome);
            }
        });
        Answered::Later(later)
    }

    /// A reply that never comes.
    fn unanswered() -> Answered {
        Answered::Later(oneshot::channel().1)
    }

    /// A reply that leaves the device then, and is on its way for a while.
    fn reply(self: &Arc<Self>, outcome: Outcome, leaves: Instant, in_next_turn: bool) -> Answered {
        let wait = (leaves + self.config.reply_delay).saturating_duration_since(now());
        if wait.is_zero() {
            return if in_next_turn { Answered::NextTurn(outcome) } else { Answered::Now(outcome) };
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if board.lets_pass(wait, boot).await && board.with(|device, now| device.can_reply(now)) {
                let _ = reply.send(outcome);
            }
        });
        Answered::Later(later)
    }

    /// When a piece of an update of so many bytes will be written, behind all that came before.
    fn written(&self, bytes: usize) -> Instant {
        let mut inner = self.inner.lock();
        let rate = inner.device.faults().bytes_per_second();
        let takes = rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs(bytes as u64).checked_div(rate.get()).unwrap_or_default()
        });
        inner.written = inner.written.max(now()) + self.config.write_time + takes;
        inner.written
    }

    async fn update(&self, url: &str, timeout: Duration, number: u64, late: Duration) -> Outcome {
        let boot = *self.power.borrow();
        let (running, rate) =
            self.with(|device, _| (device.firmware_for_updater(), device.faults().bytes_per_second()));
        let progress = |percent| {
            self.with(|device, now| {
                device.update_progress(percent);
                device.download_fault(percent, now)
            })
        };
        let fetched = tokio::select! {
            biased;
            () = self.until_off(boot) => return Err(Failure::bare(-1)),
            () = self.until_given_up(number) => return Err(UpdateError::Failed.of_2018()),
            fetched = download(self.network(), self.id(), &running, &self.config.update, url, timeout, rate, progress) => fetched,
        };
        let (firmware, outcome) = match fetched {
            Ok(Fetched::Written(firmware)) => match self.with(|device, _| device.faults_mut().check_digest()) {
                Ok(()) => (Some(firmware), Failure::new(0, "Update applied, finalizing")),
                Err(error) => (None, error.of_2018()),
            },
            Ok(Fetched::NothingNew(why)) => (None, Failure::new(0, why)),
            Ok(Fetched::PowerLost(connection)) => {
                self.keep_half_open(connection);
                return Err(Failure::bare(-1));
            }
            Err(failure) => (None, failure),
        };
        if !self.lets_pass(late, boot).await {
            return Err(Failure::bare(-1));
        }
        self.print(&format!("update: {}", outcome.message.as_deref().unwrap_or("failed")));
        self.with(|device, now| device.end_update(firmware, now));
        Err(outcome)
    }
}

impl Inner {
    /// Registers a call that is answered when an update ends, and returns the receiver of its outcome. `None` for any other
    /// answer.
    fn register(&mut self, answer: &CallAnswer, delivery: ReplyDelivery) -> Option<oneshot::Receiver<Outcome>> {
        if !matches!(answer, CallAnswer::Pull { .. } | CallAnswer::Waits) {
            return None;
        }
        let (reply, told) = oneshot::channel();
        self.waiting = (delivery != ReplyDelivery::Never).then_some(reply);
        Some(told)
    }
}
