//! The bundle in pieces, over whatever carries calls: for a device that cannot reach us. `OTA.Begin`, as many
//! `OTA.Write` at a time as the transport keeps in order, `OTA.End`.
//!
//! As recorded in wire/ota2022-ws.json: every piece carries its offset (a piece without one is answered `null`, and not
//! written); the last accepted piece may come again; a piece at another offset is refused with the one that is expected,
//! and the push goes on there. With the last byte of the archive the device sets the boot slot, and reboots 500 ms later,
//! whether `OTA.End` comes or not: what is answered after that decides nothing, and the boot state does.
//!
//! - `flight`: which piece is sent next, and what is known of those that were;
//! - `pace`: how long they may take;
//! - `probe`: a question that tells a line that loses pieces from a device that is busy.

mod flight;
mod pace;
mod probe;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use super::device_state::DeviceState;
use super::event::{Event, Observer};
use super::other_client::{has_updated, runs_update};
use super::poll::{Poll, first_timeout};
use super::timeouts::Timeouts;
use super::verdict::{has_other_firmware, rebooted};
use crate::ota;
use crate::rpc::{CallError, Device, RemoteError};
use crate::text::for_humans;
use flight::{Flight, GRAIN};
pub use pace::device_timeout;
use pace::{LONGEST, deadline, rate};
use probe::{ASK_AFTER, Probe};

/// What is left free in a request: a later challenge may be a little longer than the last.
const SLACK: usize = 16;

/// When a later piece is answered and an earlier one is not, that one is lost. Not at once, since the answers may have
/// overtaken one another.
const OVERTAKEN: Duration = Duration::from_secs(1);

/// The least time between two attempts to reach the device again.
const PACE: Duration = Duration::from_millis(250);

/// The shortest time after the last call until the device is looked at, and the pause between two looks.
const FIRST_LOOK: Duration = Duration::from_millis(200);
const LOOK_AGAIN: Duration = Duration::from_millis(300);

/// So often in a row it is gone back to the same piece. Pieces get smaller meanwhile.
const SETBACKS: u32 = 5;

/// What the device is told, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Seconds after the reboot, within which the new firmware has to be committed; 0: it commits itself.
    pub commit_timeout: u64,
    /// After this long the device forgets what it was sent, see [`device_timeout`].
    pub timeout: Duration,
    /// How long all of it may take, if somebody has set a limit. Without one, a slow device is never cut off.
    pub limit: Option<Duration>,
    /// How long it may take to acknowledge anything (`transfer_idle`), to come back into reach (`no_progress`), and to say at the end
    /// that all is well (`finish`).
    pub timeouts: Timeouts,
}

impl Terms {
    /// When no more is sent, if it begins now. The device's own word about its time being over may come first.
    fn ends(&self) -> Option<Instant> {
        Instant::now().checked_add(self.limit?.saturating_add(self.timeouts.reply_after_deadline))
    }
}

/// The end of a push that did not fail. The state of the device tells whether the firmware runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The device has everything, and says so. It is about to reboot.
    Confirmed,
    /// otactl sent every byte, but the device did not confirm the last ones.
    Unconfirmed {
        /// What was heard instead.
        reason: String,
        /// Bytes that the device has acknowledged.
        acknowledged: u64,
    },
}

/// The device did not get the firmware, or was not heard to have got all of it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason} ({acknowledged} of {total} bytes were acknowledged)")]
pub struct PushFailure {
    /// Why.
    pub reason: Reason,
    /// Bytes that the device has acknowledged.
    pub acknowledged: u64,
    /// Bytes of the bundle.
    pub total: u64,
    /// Result of cancelling the push. A push that was not cancelled blocks other updates until its timeout or a reboot.
    pub aborted: Aborted,
}

/// Result of cancelling an update with `OTA.End`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aborted {
    /// The device was not told.
    NotTold,
    /// The device has given it up: -1 `-13 Unexpected end of data`, or the failure that ended it (as recorded in
    /// wire/ota2022-ws.json, cases `end_incomplete` and `write_after_failure`).
    Ended,
    /// The device has the whole firmware, and reboots into it.
    Applied,
    /// There was nothing to give up, or a download that `OTA.End` does not end (as recorded in wire/ota2022-ws.json, cases
    /// `end_no_update` and `end_while_pull_runs`).
    NotPushed,
    /// The device has no such method.
    Unsupported,
    /// The device did not answer.
    Unheard,
}

/// Why a device did not get the firmware.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Reason {
    /// It does not have the methods.
    #[error("the device cannot be sent a firmware: it has no OTA.Begin and OTA.Write")]
    Unsupported,
    /// It did not begin, and nothing has changed on it.
    #[error("the update could not begin: {0}")]
    NotBegun(CallError),
    /// It did not like what it was sent.
    #[error(transparent)]
    Refused(CallError),
    /// It has acknowledged too little by the end of the limit.
    #[error("it was not done within {}", for_humans(*.after))]
    TooSlow {
        /// The limit.
        after: Duration,
    },
    /// What it had is gone.
    #[error("the device has restarted during the download")]
    Restarted,
    /// An update runs on it: of another client, or of an earlier otactl whose request came late.
    #[error("the update could not begin, since another one runs: {0}")]
    Busy(CallError),
    /// It has the firmware of another client.
    #[error("the device has other firmware meanwhile")]
    OtherFirmware,
    /// It acknowledges nothing, and cannot be reached.
    #[error("the device has not been heard of for {}: {last}", for_humans(*.after))]
    Gone {
        /// How long it was waited for.
        after: Duration,
        /// What was heard last.
        last: String,
    },
    /// It can be reached, but acknowledges nothing.
    #[error("the device answers, but has stopped acknowledging what it is sent: {0}")]
    Stuck(String),
    /// It could not be asked.
    #[error(transparent)]
    Call(CallError),
}

/// Sends `bundle` to the device that `before` was read from, and has it reboot into it. Returns when the device is about
/// to reboot.
pub async fn push(
    device: &Device,
    bundle: &Bytes,
    before: &DeviceState,
    terms: Terms,
    observer: &dyn Observer,
) -> Result<Pushed, PushFailure> {
    let total = bundle.len() as u64;
    let stop = |reason| PushFailure { reason, acknowledged: 0, total, aborted: Aborted::NotTold };
    let mut push = Push {
        device,
        bundle,
        before,
        terms,
        observer,
        ends: terms.ends(),
        heard: Instant::now(),
        flight: Flight::new(bundle.len(), 1, 1),
    };
    if let Err(reason) = push.begin().await {
        return Err(stop(push.explain(reason).await));
    }
    // Only now it is known what a device that asks who calls has to be told with every piece.
    let chunk = chunk_size(device, total);
    push.flight = Flight::new(bundle.len(), chunk, device.window());
    observer.on(&Event::Pushing { window: device.window(), chunk });
    let reason = match push.run().await {
        Ok(pushed) => return Ok(pushed),
        Err(reason) => push.explain(reason).await,
    };
    if push.may_be_applied(&reason).await {
        return Ok(push.unconfirmed(reason.to_string()));
    }
    let aborted = match reason {
        // There is nothing left, and nobody to hear it.
        Reason::Restarted | Reason::OtherFirmware | Reason::Gone { .. } => Aborted::NotTold,
        _ => abort(device, device.timeout()).await,
    };
    if aborted == Aborted::Applied {
        return Ok(push.unconfirmed(reason.to_string()));
    }
    Err(PushFailure { reason, acknowledged: push.flight.acknowledged() as u64, total, aborted })
}

/// Cancels an incomplete push and waits up to `timeout` for the reply. A device that has every byte reboots into the firmware
/// all the same.
pub async fn abort(device: &Device, timeout: Duration) -> Aborted {
    match device.call_within(ota::End {}, timeout).await {
        Ok(Value::Object(status)) if status.get("is_committed") == Some(&Value::Bool(false)) => Aborted::Applied,
        Ok(_) => Aborted::Ended,
        Err(error) => match error.remote_error() {
            Some(RemoteError { code: 404, .. }) => Aborted::Unsupported,
            Some(error) if says_not_started(error) => Aborted::NotPushed,
            // The device is about to reboot, which ends the update too.
            Some(_) => Aborted::Ended,
            None => Aborted::Unheard,
        },
    }
}

/// Tells whether the device replied that no push runs.
fn says_not_started(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Update not started")
}

/// Tells whether the device has the whole archive: the answer to a piece that comes after its end (as recorded in
/// wire/ota2022-ws.json, case `write_after_the_end`).
fn says_applied(error: &RemoteError) -> bool {
    error.message.as_deref().is_some_and(|message| message.contains("Update applied"))
}

/// Returns the offset that the device expects instead: `Expected offset 900, got 100` (as recorded in wire/ota2022-ws.json, case
/// `write_gap`).
fn expected_offset(error: &RemoteError) -> Option<usize> {
    let message = error.message.as_deref()?.strip_prefix("Expected offset ")?;
    message.split(',').next()?.parse().ok()
}

/// Bytes of a bundle of `size` bytes that are sent with one call. After the first call to a device that asks who
/// calls; before, it is more than there is room for.
#[must_use]
pub fn chunk_size(device: &Device, size: u64) -> usize {
    let room = device.max_params(&ota::Write { offset: size, data: String::new() }).saturating_sub(SLACK);
    (room / 4 * 3 / GRAIN * GRAIN).max(GRAIN)
}

/// Why no more pieces are sent.
enum Break {
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

/// Looks at the device beside a wait for its reply: a lost reply must not cost the time until the device goes back.
struct Lookout<'a> {
    poll: Poll<'a>,
    next: Instant,
}

impl<'a> Lookout<'a> {
    fn new(push: &Push<'a>) -> Self {
        let next = Instant::now() + (push.before.slowest() * 2).max(FIRST_LOOK);
        let commit_timeout = Duration::from_secs(push.terms.commit_timeout);
        Self { poll: Poll::after(push.device, push.before).within(commit_timeout), next }
    }

    /// Reads the state of the device, not before this time and not too soon after the last look. May be cancelled.
    async fn look_at(&mut self, time: Instant) -> Result<DeviceState, CallError> {
        sleep_until(time.max(self.next)).await;
        let info = self.poll.info().await?;
        self.next = Instant::now() + LOOK_AGAIN;
        self.poll.complete(info).await
    }
}

/// One bundle on its way to one device.
struct Push<'a> {
    device: &'a Device,
    bundle: &'a Bytes,
    before: &'a DeviceState,
    terms: Terms,
    observer: &'a dyn Observer,
    /// When no more is sent.
    ends: Option<Instant>,
    /// When the device has acknowledged something for the last time.
    heard: Instant,
    flight: Flight,
}

impl<'a> Push<'a> {
    /// A lost reply is met by having the device forget it, and once more.
    async fn begin(&self) -> Result<(), Reason> {
        let begin = ota::Begin {
            timeout: ota::in_seconds(self.terms.timeout),
            commit_timeout: self.terms.commit_timeout,
            size: self.bundle.len() as u64,
        };
        let answer = self.device.call_until_sent(&begin, self.device.timeout()).await;
        let Err(error) = answer else { return Ok(()) };
        if error.remote_error().is_some_and(|error| error.code == 404) {
            return Err(Reason::Unsupported);
        }
        if !error.may_have_arrived() {
            return Err(Reason::NotBegun(error));
        }
        if self.reconnect(&error.to_string()).await?.is_some() {
            return Err(Reason::OtherFirmware);
        }
        let timeout = self.device.timeout();
        abort(self.device, timeout).await;
        let again = self.device.call(begin).await;
        if again.as_ref().is_err_and(CallError::may_have_arrived) {
            // What may have begun there is ours, and nobody goes on with it.
            abort(self.device, timeout).await;
        }
        again.map(|_| ()).map_err(|error| {
            // The first request may have arrived, so that the device is not untouched.
            if error.may_have_arrived() || error.remote_error().is_some() {
                Reason::NotBegun(error)
            } else {
                Reason::Call(error)
            }
        })
    }

    /// A device that refuses to begin, or does not tell its state, may have got the firmware of another client meanwhile.
    async fn explain(&self, reason: Reason) -> Reason {
        let is_doubtful = match &reason {
            Reason::NotBegun(error) => {
                error.may_have_arrived() || error.remote_error().is_some_and(|error| error.code < 0)
            }
            Reason::Call(error) => error.remote_error().is_some(),
            _ => false,
        };
        if !is_doubtful {
            return reason;
        }
        let began = Instant::now();
        match has_updated(self.device, self.before, self.terms.timeouts.no_progress).await {
            Ok(true) => Reason::OtherFirmware,
            Ok(false) => match reason {
                Reason::NotBegun(error) if runs_update(self.device, self.before).await => Reason::Busy(error),
                reason => reason,
            },
            Err(error) => Reason::Gone { after: began.elapsed(), last: format!("{reason}; then: {error}") },
        }
    }

    async fn run(&mut self) -> Result<Pushed, Reason> {
        loop {
            match self.send().await {
                Break::Complete => {
                    self.told(self.bundle.len());
                    return self.end().await;
                }
                Break::Seen => return Ok(self.seen("its last acknowledgements were lost".into())),
                Break::Failed(reason) => return Err(reason),
                Break::Expected(offset) => {
                    tracing::debug!(offset, "the device wants another piece");
                    if self.flight.resume_at(offset) {
                        self.heard = Instant::now();
                        self.told(offset);
                    } else {
                        // A line that is slow enough has lost it by chance.
                        let _ = self.device.report_loss();
                    }
                    self.check_setbacks(|| format!("it wants the piece at offset {offset} again and again"))?;
                }
                Break::Lost { reason, is_link_sound } => {
                    tracing::debug!(reason, acknowledged = self.flight.acknowledged(), "what is in flight is lost");
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

    /// Gives up if the push comes back to the same piece too often.
    fn check_setbacks(&self, last: impl FnOnce() -> String) -> Result<(), Reason> {
        if self.flight.setbacks() >= SETBACKS { Err(Reason::Stuck(last())) } else { Ok(()) }
    }

    /// Sends pieces until there are none, or something comes between.
    async fn send(&mut self) -> Break {
        let (began, had) = (Instant::now(), self.flight.acknowledged());
        let mut calls = FuturesUnordered::new();
        let (mut made, mut taken) = (0, 0);
        // Answers that came before that to an earlier piece, and since when that one is missing.
        let (mut early, mut overtaken) = (BTreeMap::new(), None);
        let (mut probe, mut lookout) = (Probe::new(self.device), Lookout::new(self));
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
            let look_at = ask_at.min(heard + longest.max(FIRST_LOOK));
            let until = overtaken.map_or(quiet, |at: Instant| quiet.min(at + OVERTAKEN));
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
                look = lookout.look_at(look_at), if self.flight.may_be_complete() => match look {
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

    /// Returns the result of a push whose last bytes the device did not confirm.
    fn unconfirmed(&self, reason: String) -> Pushed {
        Pushed::Unconfirmed { reason, acknowledged: self.flight.acknowledged() as u64 }
    }

    /// Returns the result of a push of which the device shows the firmware, instead of confirming it.
    fn seen(&self, reason: String) -> Pushed {
        Pushed::Unconfirmed { reason, acknowledged: self.bundle.len() as u64 }
    }

    /// Whether no more is to be sent.
    fn is_late(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
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

    /// Reports how many bytes the device has acknowledged.
    fn told(&self, acknowledged: usize) {
        self.observer.on(&Event::Sent { bytes: acknowledged as u64, total: self.bundle.len() as u64 });
    }

    /// Looks for the device on a fresh link. If it was restarted, what it had is gone; unless it has gone on to the new
    /// firmware, in whatever way.
    async fn reconnect(&self, lost: &str) -> Result<Option<Pushed>, Reason> {
        let (began, mut poll) = (Instant::now(), Poll::after(self.device, self.before));
        self.device.drop_link();
        loop {
            let silence = match poll.read_state().await {
                Ok(now) if has_other_firmware(self.before, &now) => return Ok(Some(self.seen(lost.into()))),
                Ok(now) if rebooted(self.before, &now) => return Err(Reason::Restarted),
                Ok(_) => return Ok(None),
                Err(error) if error.is_transient() => error.to_string(),
                Err(error) => return Err(Reason::Call(error)),
            };
            let (after, Timeouts { no_progress, transfer_idle, .. }) = (self.heard.elapsed(), self.terms.timeouts);
            // The silence may have taken all of that time before it was looked into.
            if after >= no_progress && began.elapsed() >= no_progress.min(transfer_idle) {
                return Err(Reason::Gone { after, last: silence });
            }
            sleep(PACE).await;
        }
    }

    /// Ends the push after the device has acknowledged every byte. The device reboots in any case, so that its state decides, and
    /// not a lost or refused `OTA.End`.
    async fn end(&mut self) -> Result<Pushed, Reason> {
        let mut is_second = false;
        loop {
            let error = match self.end_or_see(is_second).await {
                Ended::Told => return Ok(Pushed::Confirmed),
                Ended::Seen(reason) => return Ok(self.unconfirmed(reason)),
                Ended::Failed(error) => error,
            };
            let unconfirmed = Ok(self.unconfirmed(error.to_string()));
            match error.remote_error() {
                // It is about to reboot, or has done so.
                Some(RemoteError { code: 418, .. }) => return unconfirmed,
                Some(refusal) if says_applied(refusal) => return unconfirmed,
                Some(_) => {
                    self.heard = Instant::now();
                    return match self.reconnect(&error.to_string()).await {
                        Ok(Some(pushed)) => Ok(pushed),
                        // Nothing of it shows: it is as the device says.
                        Ok(None) => Err(Reason::Refused(error)),
                        Err(_) => unconfirmed,
                    };
                }
                None if !error.is_transient() => return Err(Reason::Call(error)),
                None if is_second => return unconfirmed,
                None => {}
            }
            self.heard = Instant::now();
            match self.reconnect(&error.to_string()).await {
                Ok(None) => is_second = true,
                Ok(Some(pushed)) => return Ok(pushed),
                // It has every byte, and may be on its way back with the new firmware.
                Err(_) => return unconfirmed,
            }
        }
    }

    /// Calls `OTA.End`, and looks at the device while the reply does not come.
    async fn end_or_see(&self, is_second: bool) -> Ended {
        let shortest = deadline(None, 0, self.before.round_trip(), self.terms.timeouts.transfer_idle);
        let limit = if is_second { self.terms.timeouts.flash_write.max(shortest) } else { shortest };
        let mut end = std::pin::pin!(self.device.call_within(ota::End {}, limit));
        let mut lookout = Lookout::new(self);
        loop {
            let look = tokio::select! {
                // Biased so that a reply that is there counts.
                biased;
                answer = &mut end => return answer.map_or_else(Ended::Failed, |_| Ended::Told),
                look = lookout.look_at(Instant::now()) => look,
            };
            match look {
                Ok(now) if has_other_firmware(self.before, &now) => {
                    return Ended::Seen("its state shows the firmware before its reply came".into());
                }
                Ok(now) if rebooted(self.before, &now) => return Ended::Seen("it has restarted".into()),
                _ => {}
            }
        }
    }
}

/// How `OTA.End` ended.
enum Ended {
    /// The device confirmed it.
    Told,
    /// The state of the device shows that it is over, in words.
    Seen(String),
    /// The call failed.
    Failed(CallError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The device's words, as recorded in wire/ota2022-ws.json, cases `write_gap` and `write_after_the_end`.
    #[test]
    fn refusals_of_a_piece_are_told_apart() {
        for (message, offset, is_applied) in [
            (Some("Expected offset 900, got 100"), Some(900), false),
            (Some("Expected offset 0, got 700"), Some(0), false),
            (Some("Expected offset x, got 1"), None, false),
            (Some("1 Update applied, rebooting"), None, true),
            (Some("-10 Digest mismatch"), None, false),
            (None, None, false),
        ] {
            let error = RemoteError { code: -1, message: message.map(Into::into) };
            assert_eq!((expected_offset(&error), says_applied(&error)), (offset, is_applied), "{message:?}");
        }
    }
}
