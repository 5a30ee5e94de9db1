//! Asks a device repeatedly that may not answer: it reboots, it is slow, or replies get lost.
//!
//! A short timeout finds a device soon after its reboot, but misses a device that takes longer to answer. So the timeout of a
//! question grows with every unanswered question, up to the timeout of a call. How questions are repeated depends on what
//! happens to a link when the device reboots: see [`Links`].

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep_until};

use super::device_state::{DeviceState, TimedReply};
use super::read_state_error::ReadStateError;
use super::repeat::Repeat;
use crate::ota::{self, SystemInfo};
use crate::rpc::client::Links;
use crate::rpc::{CallError, Device, DialError, Method};

/// The shortest timeout of a question.
const MIN_QUESTION_TIMEOUT: Duration = Duration::from_millis(300);

/// The longest timeout of a first question, and the longest interval between two questions.
const MAX_FIRST_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout of the first question to a device whose round-trip time is unknown.
const UNKNOWN_DEVICE_TIMEOUT: Duration = Duration::from_secs(1);

/// The timeout of a question in round-trip times: a device on a slow link must not look silent.
const ROUND_TRIPS: u32 = 4;

/// The intervals between successive questions through a broker, which carries the questions to all devices. The last one repeats.
const BROKER_INTERVALS: [Duration; 4] =
    [Duration::from_secs(3), Duration::from_secs(3), Duration::from_secs(5), Duration::from_secs(8)];

/// The interval between two attempts to read the state of a device that does not answer.
const READ_AGAIN_INTERVAL: Duration = Duration::from_millis(100);

/// Repeated questions to one device, with their timeouts and intervals.
pub(super) struct Poll<'a> {
    device: &'a Device,
    links: Links,
    /// The timeout of a first question.
    base: Duration,
    /// The interval between two questions on a link that allows several in flight.
    interval: Duration,
    /// The timeout of the next question.
    timeout: Duration,
    /// The longest timeout of a question that was answered.
    needed: Duration,
    /// The longest interval between two questions through a broker.
    max_broker_interval: Duration,
    /// When the next question may be asked.
    next: Instant,
    /// When a reply must have arrived.
    deadline: Option<Instant>,
    /// The number of questions since the last reply.
    unanswered: usize,
    /// When the first question since the last reply was sent.
    oldest: Option<Instant>,
    /// The questions in flight. A late reply to an earlier question counts.
    asked: FuturesUnordered<BoxFuture<'a, EndedQuestion>>,
    /// Whether a question with the full timeout of a call is in flight.
    has_full_question: bool,
    /// Whether nothing is known about the device, not even how long dialling takes.
    is_unknown_device: bool,
}

/// A question that was answered or failed.
struct EndedQuestion {
    asked: Instant,
    is_full: bool,
    result: Result<SystemInfo, CallError>,
}

/// Returns the timeout of a first question: several round-trip times of the device, as measured in `before`.
pub(super) fn first_timeout(device: &Device, before: &DeviceState) -> Duration {
    let several = before.slowest().saturating_mul(ROUND_TRIPS);
    several.clamp(MIN_QUESTION_TIMEOUT, MAX_FIRST_TIMEOUT).max(device.timeout().min(several))
}

/// Reads the state of the device that was in `before`, and repeats that until it answers. Fails after `limit`, and if another
/// device answers.
pub(super) async fn read_again(
    before: &DeviceState,
    device: &Device,
    limit: Duration,
) -> Result<DeviceState, ReadStateError> {
    let mut poll = Poll::after(device, before);
    poll.read_state_within(limit, READ_AGAIN_INTERVAL, |now| before.same_device(now)).await
}

impl<'a> Poll<'a> {
    /// Makes a poll of a device whose round-trip time is known from `before`.
    pub(super) fn after(device: &'a Device, before: &DeviceState) -> Self {
        let interval = (before.quickest * ROUND_TRIPS).clamp(MIN_QUESTION_TIMEOUT, MAX_FIRST_TIMEOUT);
        Self { interval, ..Self::new(device, first_timeout(device, before)) }
    }

    /// Makes a poll of a device about which nothing is known, not even how long dialling takes.
    pub(super) fn first(device: &'a Device) -> Self {
        Self { is_unknown_device: true, ..Self::new(device, UNKNOWN_DEVICE_TIMEOUT.min(device.timeout())) }
    }

    fn new(device: &'a Device, base: Duration) -> Self {
        let links = device.links();
        let now = Instant::now();
        let (asked, max_broker_interval) = (FuturesUnordered::new(), MAX_FIRST_TIMEOUT);
        Self {
            device,
            links,
            base,
            interval: base,
            timeout: base,
            needed: base,
            max_broker_interval,
            next: now,
            deadline: None,
            unanswered: 0,
            oldest: None,
            asked,
            has_full_question: false,
            is_unknown_device: false,
        }
    }

    /// Sets the deadline. The last question is sent early enough for a reply before it.
    pub(super) fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Tells whether a question has been in flight for longer than an interval, so that the device counts as silent.
    pub(super) fn is_silent(&self) -> bool {
        self.oldest.is_some_and(|asked| asked.elapsed() >= self.interval)
    }

    /// Limits the intervals through a broker to a tenth of `commit_timeout`, so that time is left for the commit.
    pub(super) fn within(self, commit_timeout: Duration) -> Self {
        Self { max_broker_interval: (commit_timeout / 10).max(MIN_QUESTION_TIMEOUT), ..self }
    }

    /// Sets the timeout of the first question only. A device that is about to reboot does not answer a question that
    /// arrives before the reboot.
    pub(super) fn starting_with(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the device.
    pub(super) fn device(&self) -> &'a Device {
        self.device
    }

    /// Calls `method` once with the current timeout. The transport may repeat the call if it is idempotent.
    pub(super) async fn ask<M: Method>(&mut self, method: M) -> Result<M::Reply, CallError> {
        let answer = self.device.call_within(method, self.timeout).await;
        match &answer {
            Ok(_) => self.note_answer(),
            Err(error) => self.note_failure(Some(error)),
        }
        answer
    }

    /// Reads the state of the device once. On a link that may lose questions, more of them are sent meanwhile.
    pub(super) async fn read_state(&mut self) -> Result<DeviceState, ReadStateError> {
        let once = DeviceState::read(self.device, self.timeout);
        let state = tokio::select! {
            biased;
            state = once => state,
            state = self.read_state_repeatedly() => Ok(state),
        };
        self.note_state(state)
    }

    /// Reads the state of the device, and repeats that after a `pause` until it answers and `check` takes the state. Fails after `limit`,
    /// and on an error that is not transient.
    pub(super) async fn read_state_within(
        &mut self,
        limit: Duration,
        pause: Duration,
        check: impl Fn(DeviceState) -> Result<DeviceState, ReadStateError>,
    ) -> Result<DeviceState, ReadStateError> {
        let mut repeat = Repeat::within(limit, pause);
        loop {
            match self.read_state().await.and_then(&check) {
                Err(error) if error.is_transient() && repeat.again().await => {}
                result => return result,
            }
        }
    }

    /// Asks again after each interval, on a link that outlives a reboot of the device, until its state is read.
    async fn read_state_repeatedly(&mut self) -> DeviceState {
        match self.links {
            Links::OfOneBoot | Links::OfOneCall => return std::future::pending().await,
            Links::Lasting => self.next = Instant::now() + self.interval,
            Links::Shared => self.next = Instant::now() + self.broker_interval(),
        }
        loop {
            if let Ok(first) = self.info().await
                && let Ok(state) = DeviceState::complete(self.device, first, self.timeout).await
            {
                return state;
            }
        }
    }

    /// Reads the rest of the state of a device whose info has just arrived as `first`.
    pub(super) async fn complete(&mut self, first: TimedReply<SystemInfo>) -> Result<DeviceState, ReadStateError> {
        let state = DeviceState::complete(self.device, first, self.timeout).await;
        self.note_state(state)
    }

    /// Asks for the info of the device until it answers or a question fails.
    ///
    /// The caller repeats this until its own deadline. It may cancel the future: questions in flight stay in flight.
    pub(super) async fn info(&mut self) -> Result<TimedReply<SystemInfo>, CallError> {
        loop {
            let may_ask = self.links != Links::OfOneBoot || self.asked.is_empty();
            tokio::select! {
                // Biased: a reply that has arrived makes the next question unnecessary.
                biased;
                Some(ended) = self.asked.next() => {
                    let EndedQuestion { asked, is_full, result } = ended;
                    self.has_full_question &= !is_full;
                    match result {
                        Ok(info) => {
                            (self.unanswered, self.oldest) = (0, None);
                            return Ok(TimedReply { reply: info, asked, heard: Instant::now() });
                        }
                        Err(error) => {
                            self.note_failure(Some(&error));
                            // Other questions are in flight after a short one that timed out.
                            if is_full || !error.is_silence() {
                                return Err(error);
                            }
                        }
                    }
                }
                () = sleep_until(self.next), if may_ask => self.send(),
            }
        }
    }

    /// Sends one question.
    fn send(&mut self) {
        let now = Instant::now();
        let full_timeout = self.device.timeout().max(self.timeout);
        let (timeout, interval, is_full) = match self.links {
            Links::OfOneBoot => (self.timeout.min(self.timeout_before_deadline()), Duration::ZERO, true),
            Links::OfOneCall if self.has_full_question => (self.base, self.base, false),
            Links::OfOneCall => (full_timeout, self.base, true),
            Links::Lasting => (full_timeout, self.interval, true),
            Links::Shared => (full_timeout.max(MAX_FIRST_TIMEOUT), self.broker_interval(), true),
        };
        self.has_full_question |= is_full;
        self.next = now + interval;
        self.unanswered += 1;
        self.oldest.get_or_insert(now);
        let device = self.device;
        self.asked.push(Box::pin(async move {
            EndedQuestion { asked: now, is_full, result: device.call_once(ota::GetInfo {}, timeout).await }
        }));
    }

    /// Returns the longest timeout of a question that leaves time for another one before the deadline.
    ///
    /// A reboot that began meanwhile leaves the first question unanswered. A slow device gets at least one and a half round-trip times.
    fn timeout_before_deadline(&self) -> Duration {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        left.map_or(Duration::MAX, |left| (left / 2).max(self.base / ROUND_TRIPS * 3 / 2).max(MIN_QUESTION_TIMEOUT))
    }

    /// Returns the interval after the next question through a broker.
    fn broker_interval(&self) -> Duration {
        let interval = BROKER_INTERVALS[self.unanswered.min(BROKER_INTERVALS.len() - 1)];
        let interval = spread(interval, self.unanswered).min(self.max_broker_interval).max(self.interval);
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()).saturating_sub(self.base * 2));
        left.filter(|left| *left >= self.base).map_or(interval, |left| interval.min(left))
    }

    /// Sets the timeout of the next question to the longest that the device has needed so far. Use it when no more time is left.
    pub(super) fn hurry(&mut self) {
        self.timeout = self.needed;
    }

    fn note_state(&mut self, state: Result<DeviceState, ReadStateError>) -> Result<DeviceState, ReadStateError> {
        match &state {
            Ok(_) => self.note_answer(),
            Err(error) => self.note_failure(error.call()),
        }
        state
    }

    fn note_answer(&mut self) {
        self.needed = self.needed.max(self.timeout);
    }

    /// Adapts the timeout to a failed question, and drops a silent link that cannot outlive a reboot of the device. `call` is the error
    /// of the call that failed, if one did.
    fn note_failure(&mut self, call: Option<&CallError>) {
        match call {
            Some(error)
                if error.is_silence() && (self.is_unknown_device || matches!(error, CallError::Timeout { .. })) =>
            {
                self.timeout =
                    (self.timeout.saturating_mul(3) / 2).clamp(self.base, self.device.timeout().max(self.base));
            }
            // No connection was made that could be slow: the device is off.
            Some(CallError::Unreachable { cause: DialError::Silent(_), .. }) => self.timeout = self.base,
            _ => {}
        }
        if self.links == Links::OfOneBoot && call.is_none_or(|error| error.remote_error().is_none()) {
            self.device.drop_link();
        }
    }
}

/// Varies an interval by up to 20 % in both directions.
///
/// The questions of many updates must not arrive together, nor at the same fraction of a second of the device's uptime.
pub(super) fn spread(interval: Duration, count: usize) -> Duration {
    /// Factors in percent, in an irregular order.
    const SPREAD_PERCENT: [u32; 8] = [104, 87, 117, 93, 110, 81, 99, 119];

    interval * SPREAD_PERCENT[count % SPREAD_PERCENT.len()] / 100
}
