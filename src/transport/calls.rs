//! The calls of a session: those that wait for a reply, and the frames that wait for a link. Plain data: the clock is an
//! argument.
//!
//! A call that has ended in any way, be it that its caller dropped it, leaves no frame behind: neither here nor in the link,
//! which asks [`OutgoingFrame::is_wanted`] before it sends.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::link::OutgoingFrame;
use super::pending::Pending;
use crate::rpc::CallError;

/// Frames that wait for a link, beyond which requests of the device's are not answered.
const MAX_OUTBOX: usize = 64;

pub(super) type Reply = oneshot::Sender<Result<Value, CallError>>;

/// A call that waits for its reply.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) timeout: Duration,
    pub(super) reply: Reply,
    /// A link has taken its frame.
    pub(super) is_sent: bool,
    /// How often its frame was put into the outbox, and so may be answered.
    pub(super) copies: usize,
    resend: Option<Resend>,
    /// Its frames are sent as long as this lives.
    wanted: Arc<()>,
}

/// A frame that may be sent again, in case that it was lost.
#[derive(Debug)]
struct Resend {
    bytes: Vec<u8>,
    wait: Duration,
}

impl Call {
    pub(super) fn fail(self, error: CallError) {
        // The caller may be gone.
        let _ = self.reply.send(Err(error));
    }
}

/// See the module.
#[derive(Debug)]
pub(super) struct Calls {
    pending: Pending<Call>,
    /// Frames that no link has taken yet, with the ids of their calls; refusals have none.
    outbox: VecDeque<(Option<u64>, OutgoingFrame)>,
    /// When which call is to be sent again. Calls that have ended may still stand here.
    resends: BTreeSet<(Instant, u64)>,
    next_id: u64,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { pending: Pending::new(), outbox: VecDeque::new(), resends: BTreeSet::new(), next_id: first_id() }
    }

    /// Returns the id of the next call.
    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Adds a call behind those that were made before. With `resends_after`, its frame is sent again after this long without a
    /// reply, and after twice that, and so on.
    pub(super) fn add(
        &mut self,
        id: u64,
        (method, timeout): (String, Duration),
        bytes: Vec<u8>,
        resends_after: Option<Duration>,
        deadline: Instant,
    ) -> oneshot::Receiver<Result<Value, CallError>> {
        let (reply, result) = oneshot::channel();
        let resend = resends_after.map(|wait| Resend { bytes: bytes.clone(), wait });
        let wanted = Arc::new(());
        let frame = OutgoingFrame::of_call(bytes, Arc::downgrade(&wanted));
        self.pending.insert(id, deadline, Call { method, timeout, reply, is_sent: false, copies: 1, resend, wanted });
        self.outbox.push_back((Some(id), frame));
        result
    }

    /// Removes a call and its frame.
    pub(super) fn take(&mut self, id: u64) -> Option<Call> {
        let call = self.pending.take(id)?;
        if !call.is_sent || call.resend.is_some() {
            self.outbox.retain(|(of, _)| *of != Some(id));
        }
        Some(call)
    }

    /// Removes one call whose deadline has passed.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<Call> {
        let id = self.pending.expired(now)?;
        self.take(id)
    }

    /// Removes all calls and all frames.
    pub(super) fn take_all(&mut self) -> Vec<Call> {
        self.outbox.clear();
        self.resends.clear();
        self.pending.drain().map(|(_, call)| call).collect()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.pending.contains(id)
    }

    /// Whether no call waits for a reply.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds the refusal of a request of the device's. A peer that sends requests without reading replies gets none.
    pub(super) fn refuse(&mut self, refusal: Vec<u8>) {
        if self.outbox.len() < MAX_OUTBOX {
            self.outbox.push_back((None, refusal.into()));
        }
    }

    pub(super) fn has_frame(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Takes the next frame, for a link that has room for it. The time until it is sent again begins now: waiting for a place
    /// on the link does not count.
    pub(super) fn next_frame(&mut self, now: Instant) -> Option<OutgoingFrame> {
        let (id, frame) = self.outbox.pop_front()?;
        if let Some((id, call)) = id.and_then(|id| Some((id, self.pending.get_mut(id)?))) {
            call.is_sent = true;
            if let Some(resend) = &mut call.resend {
                self.resends.insert((now + resend.wait, id));
                resend.wait *= 2;
            }
        }
        Some(frame)
    }

    /// Adds the frames that are to be sent again by now.
    pub(super) fn resend(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.resends.first().filter(|(at, _)| *at <= now) {
            self.resends.remove(&(at, id));
            if let Some(Call { resend: Some(resend), wanted, copies, .. }) = self.pending.get_mut(id) {
                *copies += 1;
                let frame = OutgoingFrame::of_call(resend.bytes.clone(), Arc::downgrade(wanted));
                self.outbox.push_back((Some(id), frame));
            }
        }
    }

    /// When a deadline passes or a frame is to be sent again.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let resend_at = self.resends.first().map(|(at, _)| *at);
        [self.pending.next_deadline(), resend_at].into_iter().flatten().min()
    }
}

/// Ids start anywhere, so that a late reply to an earlier run, as serial lines and brokers deliver
/// them, is not taken for one of ours. They stay within what a device's parser counts exactly.
fn first_id() -> u64 {
    let random = getrandom::u32().unwrap_or(1);
    u64::from(random >> 2) + 1
}
