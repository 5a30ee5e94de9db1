//! Poll to a device that may not answer: it reboots, it is slow, or replies get lost.
//!
//! A short timeout finds a device soon after its reboot, and never hears one that takes longer to answer. So the timeout of a
//! question grows with every question that met with silence, up to the timeout of any call. How questions are repeated depends
//! on what becomes of a link when the device reboots: see [`Links`].

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, sleep_until};

use super::device_state::{Answered, DeviceState};
use crate::ota::{self, SystemInfo};
use crate::rpc::client::Links;
use crate::rpc::{CallError, Device, DialError, Method};

/// The shortest timeout of a question.
const SHORTEST: Duration = Duration::from_millis(300);

/// The longest timeout of a first question, and the longest pause between two poll.
const LONGEST: Duration = Duration::from_secs(5);

/// The timeout of the first question to a device of which nothing is known.
const UNKNOWN: Duration = Duration::from_secs(1);

/// A question waits for several round trips, so that a slow link is not taken for a silent device.
const ROUND_TRIPS: u32 = 4;

/// Pauses between two questions through a broker, which carries the questions to all devices. The last one stays.
const BROKER_PACE: [Duration; 4] =
    [Duration::from_secs(3), Duration::from_secs(3), Duration::from_secs(5), Duration::from_secs(8)];

/// The least time between two poll for the state of a device that does not answer.
const PAUSE: Duration = Duration::from_millis(100);

/// Poll to one device, and how long each of them may take.
pub(super) struct Poll<'a> {
    device: &'a Device,
    links: Links,
    /// The timeout of a first question.
    base: Duration,
    /// The pause between two questions of which several may be under way.
    pace: Duration,
    /// The timeout of the next question.
    timeout: Duration,
    /// The longest timeout that a question needed for an answer.
    needed: Duration,
    /// The longest pause between two questions through a broker.
    longest_pace: Duration,
    /// When the next question may be asked.
    next: Instant,
    /// When an answer has to be there.
    deadline: Option<Instant>,
    /// Poll that were asked since the last answer.
    unanswered: usize,
    /// When the first of them was asked.
    oldest: Option<Instant>,
    /// Poll under way. A late answer to an earlier question is an answer.
    asked: FuturesUnordered<BoxFuture<'a, Question>>,
    /// Whether a question is under way that has the whole time of a call.
    has_long: bool,
    /// How long a dial takes is not known either.
    knows_nothing: bool,
}

/// A question that has ended.
struct Question {
    asked: Instant,
    is_long: bool,
    result: Result<SystemInfo, CallError>,
}

/// Returns the timeout of a first question: several times what the device needed before, as far as that is known.
pub(super) fn first_timeout(device: &Device, before: &DeviceState) -> Duration {
    let several = before.slowest().saturating_mul(ROUND_TRIPS);
    several.clamp(SHORTEST, LONGEST).max(device.timeout().min(several))
}

/// Reads the state of the device that was in `before`, until it answers. Fails after `limit`, and if another device answers.
pub(super) async fn read_again(
    before: &DeviceState,
    device: &Device,
    limit: Duration,
) -> Result<DeviceState, CallError> {
    let started = Instant::now();
    let mut poll = Poll::after(device, before);
    loop {
        let error = match poll.read_state().await {
            Ok(now) => match before.other_device(&now.info) {
                None => return Ok(now),
                Some(reason) => CallError::Lost { peer: "the device".into(), sent: true, reason },
            },
            Err(error) => error,
        };
        if !error.is_transient() || started.elapsed() >= limit {
            return Err(error);
        }
        sleep(PAUSE).await;
    }
}

impl<'a> Poll<'a> {
    /// Poll to a device that answered in `before`.
    pub(super) fn after(device: &'a Device, before: &DeviceState) -> Self {
        let pace = (before.quickest * ROUND_TRIPS).clamp(SHORTEST, LONGEST);
        Self { pace, ..Self::new(device, first_timeout(device, before)) }
    }

    /// Poll to a device of which nothing is known, not even how long it takes to dial.
    pub(super) fn first(device: &'a Device) -> Self {
        Self { knows_nothing: true, ..Self::new(device, UNKNOWN.min(device.timeout())) }
    }

    fn new(device: &'a Device, base: Duration) -> Self {
        let links = device.links();
        let now = Instant::now();
        let (asked, longest_pace) = (FuturesUnordered::new(), LONGEST);
        Self {
            device,
            links,
            base,
            pace: base,
            timeout: base,
            needed: base,
            longest_pace,
            next: now,
            deadline: None,
            unanswered: 0,
            oldest: None,
            asked,
            has_long: false,
            knows_nothing: false,
        }
    }

    /// Lets the last question come early enough for an answer by this time.
    pub(super) fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Tells whether a question has been under way for so long that the device is silent.
    pub(super) fn is_silent(&self) -> bool {
        self.oldest.is_some_and(|asked| asked.elapsed() >= self.pace)
    }

    /// Limits the pauses of a broker for a device that goes back after this time, so that time is left for the commit.
    pub(super) fn within(self, commit_timeout: Duration) -> Self {
        Self { longest_pace: (commit_timeout / 10).max(SHORTEST), ..self }
    }

    /// Sets the timeout of the first question alone. A device that was just told to reboot does not answer a question that it
    /// got before.
    pub(super) fn starting_with(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns the device that is asked.
    pub(super) fn device(&self) -> &'a Device {
        self.device
    }

    /// Asks a question once. May be repeated by the transport, as any question.
    pub(super) async fn ask<M: Method>(&mut self, method: M) -> Result<M::Reply, CallError> {
        let answer = self.device.call_within(method, self.timeout).await;
        self.learn(answer)
    }

    /// Reads the state of the device once. Where poll may be lost, more of them are asked meanwhile.
    pub(super) async fn read_state(&mut self) -> Result<DeviceState, CallError> {
        let whole = DeviceState::read(self.device, self.timeout);
        let state = tokio::select! {
            biased;
            state = whole => state,
            state = self.repeat() => Ok(state),
        };
        self.learn(state)
    }

    /// Asks again after each pause, on a link that outlives a reboot of the device, until its state is read.
    async fn repeat(&mut self) -> DeviceState {
        match self.links {
            Links::OfOneBoot | Links::OfOneCall => return std::future::pending().await,
            Links::Lasting => self.next = Instant::now() + self.pace,
            Links::Shared => self.next = Instant::now() + self.broker_pace(),
        }
        loop {
            if let Ok(first) = self.info().await
                && let Ok(state) = DeviceState::complete(self.device, first, self.timeout).await
            {
                return state;
            }
        }
    }

    /// Reads the state of the device that has just said what it is.
    pub(super) async fn complete(&mut self, first: Answered<SystemInfo>) -> Result<DeviceState, CallError> {
        let state = DeviceState::complete(self.device, first, self.timeout).await;
        self.learn(state)
    }

    /// Asks what the device is, until it answers or a question fails. The caller repeats it until its own deadline, and may
    /// cancel it: questions under way stay so.
    pub(super) async fn info(&mut self) -> Result<Answered<SystemInfo>, CallError> {
        loop {
            let may_ask = self.links != Links::OfOneBoot || self.asked.is_empty();
            tokio::select! {
                // Biased so that an answer that is there saves a question.
                biased;
                Some(ended) = self.asked.next() => {
                    let Question { asked, is_long, result } = ended;
                    self.has_long &= !is_long;
                    match result {
                        Ok(info) => {
                            (self.unanswered, self.oldest) = (0, None);
                            return Ok(Answered { reply: info, asked, heard: Instant::now() });
                        }
                        Err(error) => {
                            self.failed(&error);
                            // A short question has done its work: others are under way.
                            if is_long || !error.is_silence() {
                                return Err(error);
                            }
                        }
                    }
                }
                () = sleep_until(self.next), if may_ask => self.send(),
            }
        }
    }

    /// Begins one question.
    fn send(&mut self) {
        let now = Instant::now();
        let whole = self.device.timeout().max(self.timeout);
        let (timeout, pace, is_long) = match self.links {
            Links::OfOneBoot => (self.timeout.min(self.share_of_the_rest()), Duration::ZERO, true),
            Links::OfOneCall if self.has_long => (self.base, self.base, false),
            Links::OfOneCall => (whole, self.base, true),
            Links::Lasting => (whole, self.pace, true),
            Links::Shared => (whole.max(LONGEST), self.broker_pace(), true),
        };
        self.has_long |= is_long;
        self.next = now + pace;
        self.unanswered += 1;
        self.oldest.get_or_insert(now);
        let device = self.device;
        self.asked.push(Box::pin(async move {
            Question { asked: now, is_long, result: device.call_once(ota::GetInfo {}, timeout).await }
        }));
    }

    /// Returns the longest timeout of a question that leaves time for another one before the deadline: a reboot that began meanwhile
    /// leaves it unanswered. A slow device gets what it needed before, and half as much again.
    fn share_of_the_rest(&self) -> Duration {
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()));
        left.map_or(Duration::MAX, |left| (left / 2).max(self.base / ROUND_TRIPS * 3 / 2).max(SHORTEST))
    }

    /// Returns the pause after the next question through a broker.
    fn broker_pace(&self) -> Duration {
        let pace = BROKER_PACE[self.unanswered.min(BROKER_PACE.len() - 1)];
        let pace = spread(pace, self.unanswered).min(self.longest_pace).max(self.pace);
        let left = self.deadline.map(|at| at.saturating_duration_since(Instant::now()).saturating_sub(self.base * 2));
        left.filter(|left| *left >= self.base).map_or(pace, |left| pace.min(left))
    }

    /// Gives the next question the time that the device has needed so far. To be used when no more time is left than that.
    pub(super) fn hurry(&mut self) {
        self.timeout = self.needed;
    }

    fn learn<T>(&mut self, answer: Result<T, CallError>) -> Result<T, CallError> {
        match &answer {
            Ok(_) => self.needed = self.needed.max(self.timeout),
            Err(error) => self.failed(error),
        }
        answer
    }

    /// Learns from a failed question. A link that stays silent is given up where it leads to one boot of the device only.
    fn failed(&mut self, error: &CallError) {
        match error {
            error if error.is_silence() && (self.knows_nothing || matches!(error, CallError::Timeout { .. })) => {
                self.timeout =
                    (self.timeout.saturating_mul(3) / 2).clamp(self.base, self.device.timeout().max(self.base));
            }
            // Nothing stood that could be slow: the device is off.
            CallError::Unreachable { cause: DialError::Silent(_), .. } => self.timeout = self.base,
            _ => {}
        }
        if self.links == Links::OfOneBoot {
            self.device.drop_link_on(error);
        }
    }
}

/// Spreads a pause by 20 % to both sides, so that the questions of many updates do not come together, nor at the same fraction of a
/// second of the device's uptime.
pub(super) fn spread(pace: Duration, count: usize) -> Duration {
    /// Percent, in an order without a pattern.
    const SPREAD: [u32; 8] = [104, 87, 117, 93, 110, 81, 99, 119];

    pace * SPREAD[count % SPREAD.len()] / 100
}
