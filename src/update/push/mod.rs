//! The bundle in pieces, over whatever carries calls: for a device that cannot reach us. `OTA.Begin`, as many
//! `OTA.Write` at a time as the transport keeps in order, `OTA.End`.
//!
//! What devices answer to these methods has not been recorded. So little is made of it: an error is one, anything else
//! is an acknowledgement, and whether the firmware arrived is for the caller to see from the device's state. The
//! digests in the bundle keep the device from taking a firmware of which a piece is missing or stands twice.
//!
//! - `flight`: which piece is sent next, and what is known of those that were;
//! - `pace`: how long they may take.

mod flight;
mod pace;

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

use super::event::{Event, Observer};
use super::fetch::says_nothing_new;
use super::patience::Patience;
use super::reboot::probe_timeout;
use super::snapshot::Snapshot;
use super::verdict::rebooted;
use crate::ota;
use crate::rpc::{CallError, Device};
use crate::text::{for_humans, printable};
use flight::{Flight, GRAIN};
pub use pace::device_timeout;
use pace::{LONGEST, deadline, rate};

/// What is left free in a request: a later challenge may be a little longer than the last.
const SLACK: usize = 16;

/// When a later piece is answered and an earlier one is not, that one is lost. Not at once, since the answers may have
/// overtaken one another.
const OVERTAKEN: Duration = Duration::from_secs(1);

/// The least time between two attempts to reach the device again.
const PACE: Duration = Duration::from_millis(250);

/// So often in a row it is gone back to the same piece. Pieces get smaller meanwhile.
const SETBACKS: u32 = 5;

/// How often a device that ignores offsets is sent everything from the beginning, after the first time.
const RESTARTS: u32 = 2;

/// What the device is told, and how long it is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Seconds after the reboot, within which the new firmware has to be committed; 0: it commits itself.
    pub commit_timeout: u64,
    /// After this long the device forgets what it was sent, see [`device_timeout`].
    pub timeout: Duration,
    /// How long all of it may take, if somebody has set a limit. Without one, a slow device is never cut off.
    pub limit: Option<Duration>,
    /// How long it may take to acknowledge anything (`stalls`), to come back into reach (`dead`), and to say at the end
    /// that all is well (`finish`).
    pub patience: Patience,
}

impl Terms {
    /// When no more is sent, if it begins now. The device's own word about its time being over may come first.
    fn ends(&self) -> Option<Instant> {
        Instant::now().checked_add(self.limit?.saturating_add(self.patience.grace))
    }
}

/// How it ended well. Whether the firmware runs is to be seen from the device's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The device has everything, and says so. It is about to reboot.
    Confirmed,
    /// The device has everything, but was not heard to say so.
    Unconfirmed {
        /// What was heard instead.
        reason: String,
    },
    /// The device says that it runs this already. It does not reboot.
    NothingNew {
        /// Its words.
        message: String,
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
    /// The device was told to forget what it has, and answered. Otherwise, and unless it was restarted, it takes no
    /// other update until its time for this one is over.
    pub aborted: bool,
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
    /// It ignores offsets, and the way to it breaks too often.
    #[error("the connection was lost {} times, and the device cannot go on in the middle: {last}", .times)]
    Interrupted {
        /// How often.
        times: u32,
        /// What was heard last.
        last: String,
    },
    /// It could not be asked.
    #[error(transparent)]
    Call(CallError),
}

/// Sends `bundle` to the device that `before` was read from, and has it reboot into it. Returns when the device is about
/// to reboot.
pub async fn push(
    device: &Device,
    bundle: &Bytes,
    before: &Snapshot,
    terms: Terms,
    observer: &dyn Observer,
) -> Result<Pushed, PushFailure> {
    let total = bundle.len() as u64;
    let stop = |reason| PushFailure { reason, acknowledged: 0, total, aborted: false };
    let knows_offsets = knows_offsets(device).await.map_err(stop)?;
    let mut push = Push {
        device,
        bundle,
        before,
        terms,
        observer,
        knows_offsets,
        ends: terms.ends(),
        heard: Instant::now(),
        doubt: None,
        flight: Flight::new(bundle.len(), 1, 1),
    };
    push.begin().await.map_err(stop)?;
    // Only now it is known what a device that asks who calls has to be told with every piece.
    let chunk = chunk_size(device, total);
    push.flight = Flight::new(bundle.len(), chunk, device.window());
    observer.on(&Event::Pushing { window: device.window(), chunk });
    let reason = match push.run().await {
        Ok(pushed) => return Ok(pushed),
        Err(reason) => reason,
    };
    let aborted = match reason {
        // There is nothing left, and nobody to hear it.
        Reason::Restarted | Reason::Gone { .. } => false,
        // What runs there may be somebody else's.
        Reason::NotBegun(_) => false,
        Reason::Refused(_) => abort(device).await,
        // To a device that may have everything, it would mean to go on.
        _ => !push.flight.may_be_complete() && abort(device).await,
    };
    Err(PushFailure { reason, acknowledged: push.flight.acknowledged() as u64, total, aborted })
}

/// Has the device forget what it was sent, as long as that is not everything: then it would reboot into it. True if it
/// has answered.
pub async fn abort(device: &Device) -> bool {
    device.call(ota::End {}).await.is_ok()
}

/// Bytes of a bundle of `size` bytes that are sent with one call. After the first call to a device that asks who
/// calls; before, it is more than there is room for.
#[must_use]
pub fn chunk_size(device: &Device, size: u64) -> usize {
    let room = device.room(&ota::Write { offset: Some(size), data: String::new() }).saturating_sub(SLACK);
    (room / 4 * 3 / GRAIN * GRAIN).max(GRAIN)
}

/// Whether `OTA.Write` heeds the offset. A device that describes nothing is not trusted to.
async fn knows_offsets(device: &Device) -> Result<bool, Reason> {
    match device.call_until_sent(&ota::Describe { name: "OTA.Write".into() }, device.timeout()).await {
        Ok(described) => Ok(described["args_fmt"].as_str().is_some_and(|arguments| arguments.contains("offset"))),
        Err(CallError::Remote { error, .. }) => match error.message.as_deref() {
            Some("name not found") => Err(Reason::Unsupported),
            _ => Ok(false),
        },
        Err(error) => Err(Reason::NotBegun(error)),
    }
}

/// Why no more pieces are sent.
enum Break {
    /// There are none.
    Complete,
    /// The link is lost, or is taken for lost.
    Lost(String),
    /// The device runs this already.
    NothingNew(String),
    /// It makes no sense to go on.
    Failed(Reason),
}

/// One bundle on its way to one device.
struct Push<'a> {
    device: &'a Device,
    bundle: &'a Bytes,
    before: &'a Snapshot,
    terms: Terms,
    observer: &'a dyn Observer,
    knows_offsets: bool,
    /// When no more is sent.
    ends: Option<Instant>,
    /// When the device has acknowledged something for the last time.
    heard: Instant,
    /// An error that was taken for the device's way of saying that it has a piece already, and that no acknowledgement
    /// since has proved to be.
    doubt: Option<CallError>,
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
        if error.remote().is_some_and(|error| error.code == 404) {
            return Err(Reason::Unsupported);
        }
        if !error.may_have_arrived() {
            return Err(Reason::NotBegun(error));
        }
        if self.reconnect(&error.to_string()).await?.is_some() {
            return Err(Reason::Restarted);
        }
        abort(self.device).await;
        let again = self.device.call(begin).await;
        if again.as_ref().is_err_and(CallError::may_have_arrived) {
            // What may have begun there is ours, and nobody goes on with it.
            abort(self.device).await;
        }
        again.map(|_| ()).map_err(Reason::NotBegun)
    }

    async fn run(&mut self) -> Result<Pushed, Reason> {
        let mut restarts = 0;
        loop {
            let lost = match self.send().await {
                Break::Complete => return self.end().await,
                Break::NothingNew(message) => {
                    abort(self.device).await;
                    return Ok(Pushed::NothingNew { message });
                }
                Break::Failed(reason) => return Err(reason),
                Break::Lost(reason) => reason,
            };
            tracing::debug!(lost, acknowledged = self.flight.acknowledged(), "what is in flight is lost");
            if let Some(pushed) = self.reconnect(&lost).await? {
                return Ok(pushed);
            }
            if self.knows_offsets {
                if self.flight.setbacks() >= SETBACKS {
                    return Err(Reason::Stuck(lost));
                }
                let offset = self.flight.resume() as u64;
                self.observer.on(&Event::PushResumed { offset });
            } else {
                restarts += 1;
                if restarts > RESTARTS {
                    return Err(Reason::Interrupted { times: restarts, last: lost });
                }
                abort(self.device).await;
                self.begin().await?;
                self.flight.restart();
                self.observer.on(&Event::PushRestarted { reason: lost });
            }
            self.heard = Instant::now();
        }
    }

    /// Sends pieces until there are none, or something comes between.
    async fn send(&mut self) -> Break {
        let (began, had) = (Instant::now(), self.flight.acknowledged());
        let mut calls = FuturesUnordered::new();
        let (mut made, mut taken) = (0, 0);
        // Answers that came before that to an earlier piece, and since when that one is missing.
        let (mut early, mut overtaken) = (BTreeMap::new(), None);
        loop {
            // What is put here is polled in this order for the first time, which is when a call is made.
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
            let quiet = self.quiet_until(had, began);
            let until = overtaken.map_or(quiet, |at: Instant| quiet.min(at + OVERTAKEN));
            tokio::select! {
                // Biased so that what has come counts before what is late.
                biased;
                Some((number, answer)) = calls.next() => {
                    early.insert(number, answer);
                    while let Some(answer) = early.remove(&taken) {
                        taken += 1;
                        overtaken = None;
                        if let Err(stop) = self.take(answer) {
                            return stop;
                        }
                    }
                    overtaken = overtaken.or_else(|| (!early.is_empty()).then(Instant::now));
                }
                () = sleep_until(self.ends.map_or(until, |ends| ends.min(until))) => if !self.is_late() {
                    return Break::Lost(match overtaken {
                        Some(_) => "a piece was lost on its way".into(),
                        None => format!("no acknowledgement within {}", for_humans(self.heard.max(began).elapsed())),
                    });
                },
            }
        }
    }

    /// Whether no more is to be sent.
    fn is_late(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// The call for a piece, which has that number.
    fn write(
        &self,
        number: u64,
        piece: Range<usize>,
    ) -> impl Future<Output = (u64, Result<Value, CallError>)> + use<'a> {
        let (device, bundle, knows_offsets) = (self.device, self.bundle, self.knows_offsets);
        async move {
            let offset = knows_offsets.then_some(piece.start as u64);
            let write = ota::Write { offset, data: STANDARD.encode(&bundle[piece]) };
            (number, device.call_within(write, LONGEST).await)
        }
    }

    /// Until when the oldest piece has to be acknowledged.
    fn quiet_until(&self, had: usize, began: Instant) -> Instant {
        let rate = rate(self.flight.acknowledged() - had, self.heard.saturating_duration_since(began));
        let longest = deadline(rate, self.flight.under_way(), self.before.round_trip(), self.terms.patience.stalls);
        // A device that would have to be sent everything again is worth some patience.
        let least = if self.knows_offsets { Duration::ZERO } else { self.terms.patience.dead };
        self.heard.max(began) + longest.max(least)
    }

    /// Takes the answer to the oldest piece.
    fn take(&mut self, answer: Result<Value, CallError>) -> Result<(), Break> {
        match answer {
            Ok(value) => {
                if let Some(message) = value["message"].as_str().filter(|message| says_nothing_new(message)) {
                    return Err(Break::NothingNew(printable(message)));
                }
                self.doubt = None;
            }
            Err(error) => match error.remote().map(|error| error.code) {
                // 4xx is about the call, and not about the piece.
                Some(..0 | 500..) if self.flight.may_be_there() => {
                    tracing::debug!(%error, "the device has this already, it seems");
                    self.doubt.get_or_insert(error);
                }
                // If the device liked nothing since, what it said first is the cause.
                Some(_) => return Err(Break::Failed(Reason::Refused(self.doubt.take().unwrap_or(error)))),
                None if error.is_passing() => return Err(Break::Lost(error.to_string())),
                None => return Err(Break::Failed(Reason::Call(error))),
            },
        }
        self.flight.acknowledge();
        self.heard = Instant::now();
        let (bytes, total) = (self.flight.acknowledged() as u64, self.bundle.len() as u64);
        self.observer.on(&Event::Sent { bytes, total });
        Ok(())
    }

    /// Looks for the device on a fresh link. If it was restarted, what it had is gone; unless it has gone on to the new
    /// firmware, in whatever way.
    async fn reconnect(&self, lost: &str) -> Result<Option<Pushed>, Reason> {
        let began = Instant::now();
        loop {
            self.device.hang_up();
            let silence = match Snapshot::take(self.device, probe_timeout(self.device, self.before)).await {
                Ok(now) if now.build() != self.before.build() => {
                    return Ok(Some(Pushed::Unconfirmed { reason: lost.into() }));
                }
                Ok(now) if rebooted(self.before, &now) => return Err(Reason::Restarted),
                Ok(_) => return Ok(None),
                Err(error) if error.is_passing() => error.to_string(),
                Err(error) => return Err(Reason::Call(error)),
            };
            let (after, Patience { dead, stalls, .. }) = (self.heard.elapsed(), self.terms.patience);
            // The silence may have taken all of the patience before it was looked into.
            if after >= dead && began.elapsed() >= dead.min(stalls) {
                return Err(Reason::Gone { after, last: silence });
            }
            sleep(PACE).await;
        }
    }

    /// Has the device reboot into what it got. The order may come twice: a device that has heard it before reboots, or
    /// has nothing to end.
    async fn end(&mut self) -> Result<Pushed, Reason> {
        let mut is_second = false;
        loop {
            let shortest = deadline(None, 0, self.before.round_trip(), self.terms.patience.stalls);
            let timeout = if is_second { self.terms.patience.finish.max(shortest) } else { shortest };
            let error = match self.device.call_within(ota::End {}, timeout).await {
                Ok(value) => return Ok(self.ended(&value)),
                Err(error) => error,
            };
            let may_have_arrived = is_second || error.may_have_arrived();
            let unconfirmed = || Ok(Pushed::Unconfirmed { reason: error.to_string() });
            match error.remote().map(|error| error.code) {
                // It is about to reboot.
                Some(418) => return unconfirmed(),
                Some(_) => return Err(Reason::Refused(self.doubt.take().unwrap_or(error))),
                None if !error.is_passing() => return Err(Reason::Call(error)),
                None if is_second => return unconfirmed(),
                None => {}
            }
            self.heard = Instant::now();
            match self.reconnect(&error.to_string()).await {
                Ok(None) => is_second = true,
                Ok(Some(pushed)) => return Ok(pushed),
                // It may be on its way back, with whatever firmware.
                Err(_) if may_have_arrived => return unconfirmed(),
                Err(reason) => return Err(reason),
            }
        }
    }

    /// The device has answered to the end.
    fn ended(&mut self, value: &Value) -> Pushed {
        if let Some(message) = value["message"].as_str().filter(|message| says_nothing_new(message)) {
            return Pushed::NothingNew { message: printable(message) };
        }
        match self.doubt.take() {
            None => Pushed::Confirmed,
            Some(error) => Pushed::Unconfirmed { reason: error.to_string() },
        }
    }
}
