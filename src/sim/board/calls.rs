//! Calls of the device's methods: when each call is answered, and whether its reply leaves the device.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::sim::board::download::{DownloadResult, download};
use crate::sim::board::pull::{self, Pull};
use crate::sim::board::reply_fate::{decide_deliveries, leaves_device};
use crate::sim::board::{Board, Inner};
use crate::sim::device::SimulatedDevice;
use crate::sim::fault::effects::ReplyDelivery;
use crate::sim::services::{self, CallAnswer, CallContext};
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{Call, MethodError, Outcome};

/// The reply to a call, now or later.
#[derive(Debug)]
pub enum ScheduledReply {
    /// The outcome is sent at once.
    Now(Outcome),
    /// The outcome is sent after the replies to calls that arrived together with this one.
    NextTurn(Outcome),
    /// The outcome is sent when it arrives here. If the sender is dropped, the call gets no reply.
    Later(oneshot::Receiver<Outcome>),
}

impl Board {
    /// Answers a call from the caller `channel` to the device's address `ip`.
    pub fn answer(self: &Arc<Self>, call: &Call, channel: &str, ip: &str) -> ScheduledReply {
        self.answers(call, 1, channel, ip).remove(0)
    }

    /// Answers a call that the device runs `times` times.
    pub fn answers(self: &Arc<Self>, call: &Call, times: usize, channel: &str, ip: &str) -> Vec<ScheduledReply> {
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
        let (now, call, answers) = self.with_inner(|inner, now| {
            let device = &mut inner.device;
            let call = with_device_spelling(device, call);
            if !device.faults_mut().receives(&call.method, now) {
                let never = (0..times).map(|_| (CallAnswer::Never, ReplyDelivery::Never, None));
                return (now, call, never.collect());
            }
            for _ in 0..times {
                self.print(&call.method);
            }
            let answers = services::answers(device, &call, times, context, now);
            let answers = decide_deliveries(device, &call.method, answers, now);
            let registered = answers.into_iter().map(|(answer, delivery)| {
                let outcome = inner.register(&answer, delivery);
                (answer, delivery, outcome)
            });
            (now, call, registered.collect::<Vec<_>>())
        });
        let answered = answers.into_iter();
        answered
            .map(|(answer, delivery, outcome)| self.schedule_reply((&call.method, now), answer, delivery, outcome))
            .collect()
    }

    /// Schedules the reply to a call of `method` that arrived `now`. `waiting` receives the outcome of a call that waits for
    /// an update.
    fn schedule_reply(
        self: &Arc<Self>,
        (method, now): (&str, Instant),
        answer: CallAnswer,
        delivery: ReplyDelivery,
        waiting: Option<oneshot::Receiver<Outcome>>,
    ) -> ScheduledReply {
        let delay = if let ReplyDelivery::Late(delay) = delivery { delay } else { Duration::ZERO };
        let (outcome, leaves_at, in_next_turn) = match answer {
            CallAnswer::Now(outcome) => (outcome, now, false),
            CallAnswer::NextTurn { outcome, bytes } => (outcome, self.written_at(bytes, now), true),
            CallAnswer::AfterDownload { url, timeout, number } => {
                let (reply, later) = oneshot::channel();
                // The update has its own task, so that it goes on when the caller disconnects.
                let (board, method) = (Arc::clone(self), method.to_owned());
                tokio::spawn(async move {
                    let outcome = board.update(&url, timeout, number, delay).await;
                    if delivery != ReplyDelivery::Never
                        && board.with(|device, now| leaves_device(device, &method, &outcome, now))
                    {
                        tokio::time::sleep(board.config.reply_delay).await;
                        let _ = reply.send(outcome);
                    }
                });
                return ScheduledReply::Later(later);
            }
            CallAnswer::Pull { url, timeouts, number } => {
                tokio::spawn(pull::run(Arc::clone(self), Pull { url, timeouts, number, delay }));
                return self.reply_after_update(waiting, Duration::ZERO);
            }
            CallAnswer::Waits => return self.reply_after_update(waiting, delay),
            CallAnswer::Never | CallAnswer::Pending | CallAnswer::Replaces => return Self::unanswered(),
        };
        match delivery {
            ReplyDelivery::Never => Self::unanswered(),
            ReplyDelivery::AtOnce | ReplyDelivery::Late(_) => {
                self.reply_at(outcome, leaves_at + delay, now, in_next_turn)
            }
        }
    }

    /// Returns the reply to a waiting call. The reply leaves the device `delay` after the outcome is known.
    fn reply_after_update(
        self: &Arc<Self>,
        waiting: Option<oneshot::Receiver<Outcome>>,
        delay: Duration,
    ) -> ScheduledReply {
        let Some(waiting) = waiting else { return Self::unanswered() };
        let wait = delay + self.config.reply_delay;
        if wait.is_zero() {
            return ScheduledReply::Later(waiting);
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if let Ok(outcome) = waiting.await
                && board.waits_in_boot(wait, boot).await
            {
                let _ = reply.send(outcome);
            }
        });
        ScheduledReply::Later(later)
    }

    /// Returns a reply that is never sent.
    fn unanswered() -> ScheduledReply {
        ScheduledReply::Later(oneshot::channel().1)
    }

    /// Returns a reply that leaves the device at `leaves_at` and arrives after the transmission time.
    fn reply_at(
        self: &Arc<Self>,
        outcome: Outcome,
        leaves_at: Instant,
        now: Instant,
        in_next_turn: bool,
    ) -> ScheduledReply {
        let wait = (leaves_at + self.config.reply_delay).saturating_duration_since(now);
        if wait.is_zero() {
            return if in_next_turn { ScheduledReply::NextTurn(outcome) } else { ScheduledReply::Now(outcome) };
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if board.waits_in_boot(wait, boot).await && board.with(|device, now| device.can_reply(now)) {
                let _ = reply.send(outcome);
            }
        });
        ScheduledReply::Later(later)
    }

    /// Returns the time at which the device has written a piece of `bytes` bytes, after all earlier pieces.
    fn written_at(&self, bytes: usize, now: Instant) -> Instant {
        let mut inner = self.inner.lock();
        let rate = inner.device.faults().bytes_per_second();
        let duration = rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs(bytes as u64).checked_div(rate.get()).unwrap_or_default()
        });
        inner.written_at = inner.written_at.max(now) + self.config.write_time + duration;
        inner.written_at
    }

    /// Runs an update of 2018: downloads the bundle, and ends the update after `delay`. Returns the reply.
    async fn update(&self, url: &str, timeout: Duration, number: u64, delay: Duration) -> Outcome {
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
            () = self.until_off(boot) => return Err(MethodError::bare(-1)),
            () = self.until_given_up(number) => return Err(UpdateError::Failed.of_2018()),
            fetched = download(self.network(), self.id(), &running, &self.config.update, url, timeout, rate, progress) => fetched,
        };
        let (firmware, outcome) = match fetched {
            Ok(DownloadResult::Written(firmware)) => match self.with(|device, _| device.faults_mut().check_digest()) {
                Ok(()) => (Some(firmware), MethodError::new(0, "Update applied, finalizing")),
                Err(error) => (None, error.of_2018()),
            },
            Ok(DownloadResult::NothingNew(reason)) => (None, MethodError::new(0, reason)),
            Ok(DownloadResult::PowerLost(connection)) => {
                self.keep_half_open(connection);
                return Err(MethodError::bare(-1));
            }
            Err(error) => (None, error),
        };
        if !self.waits_in_boot(delay, boot).await {
            return Err(MethodError::bare(-1));
        }
        self.print(&format!("update: {}", outcome.message.as_deref().unwrap_or("failed")));
        self.with(|device, now| device.end_update(firmware, now));
        Err(outcome)
    }
}

/// Returns the call with the device's spelling of its method.
fn with_device_spelling<'a>(device: &SimulatedDevice, call: &'a Call) -> Cow<'a, Call> {
    match services::method_name(device, &call.method) {
        name if name == call.method => Cow::Borrowed(call),
        name => Cow::Owned(Call { method: name.into(), ..call.clone() }),
    }
}

impl Inner {
    /// Registers a call that is answered when an update ends, and returns the receiver of its outcome.
    ///
    /// Returns `None` for any other answer.
    fn register(&mut self, answer: &CallAnswer, delivery: ReplyDelivery) -> Option<oneshot::Receiver<Outcome>> {
        if !matches!(answer, CallAnswer::Pull { .. } | CallAnswer::Waits) {
            return None;
        }
        let (reply, outcome) = oneshot::channel();
        self.waiting = (delivery != ReplyDelivery::Never).then_some(reply);
        Some(outcome)
    }
}
