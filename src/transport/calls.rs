//! [`Calls`], the calls of a session: calls that wait for a reply, and frames that wait for a link. The clock is an
//! argument.
//!
//! A call that has ended leaves no frame to be sent, even if it ended because its caller dropped it. Its frames are
//! removed here. A link checks [`OutgoingFrame::is_wanted`] before it sends a frame that it has already taken.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::link::OutgoingFrame;
use super::pending::Pending;
use crate::rpc::CallError;

/// The maximum number of frames that wait for a link. Beyond that, requests of the device are not answered.
const MAX_OUTBOX: usize = 64;

/// Hands the result of a call to its caller.
pub(super) type ResultSender = oneshot::Sender<Result<Value, CallError>>;

/// A call that waits for its reply.
#[derive(Debug)]
pub(super) struct PendingCall {
    pub(super) method: String,
    pub(super) timeout: Duration,
    pub(super) reply: ResultSender,
    /// A link has taken the frame of the call.
    pub(super) is_sent: bool,
    /// How often the frame was put into the outbox. The device may answer as often.
    pub(super) copies: usize,
    resend: Option<Resend>,
    /// The frames of the call are sent only while this is alive.
    wanted: Arc<()>,
}

/// A frame that is sent again if no reply arrives.
#[derive(Debug)]
struct Resend {
    bytes: Vec<u8>,
    /// The time from the next transmission to the one after it.
    wait: Duration,
}

impl PendingCall {
    /// Ends the call with an error.
    pub(super) fn fail(self, error: CallError) {
        // The caller may have dropped the call.
        let _ = self.reply.send(Err(error));
    }
}

/// The calls of a session, and the frames that wait for a link.
#[derive(Debug)]
pub(super) struct Calls {
    pending: Pending<PendingCall>,
    /// Frames that no link has taken yet, with the ids of their calls. A refusal has no call.
    outbox: VecDeque<(Option<u64>, OutgoingFrame)>,
    /// The times at which calls are sent again. May contain calls that have ended.
    resends: BTreeSet<(Instant, u64)>,
    next_id: u64,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self { pending: Pending::new(), outbox: VecDeque::new(), resends: BTreeSet::new(), next_id: first_id() }
    }

    /// Returns a new id.
    pub(super) fn next_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    /// Adds a call after all calls that were made before.
    ///
    /// With `resends_after`, the frame is sent again after that time without a reply. The time doubles with each
    /// transmission.
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
        self.pending.insert(
            id,
            deadline,
            PendingCall { method, timeout, reply, is_sent: false, copies: 1, resend, wanted },
        );
        self.outbox.push_back((Some(id), frame));
        result
    }

    /// Removes a call and its frames.
    pub(super) fn take(&mut self, id: u64) -> Option<PendingCall> {
        let call = self.pending.take(id)?;
        if !call.is_sent || call.resend.is_some() {
            self.outbox.retain(|(call, _)| *call != Some(id));
        }
        Some(call)
    }

    /// Removes one call whose deadline has passed.
    pub(super) fn take_expired(&mut self, now: Instant) -> Option<PendingCall> {
        let id = self.pending.expired(now)?;
        self.take(id)
    }

    /// Removes all calls and all frames.
    pub(super) fn take_all(&mut self) -> Vec<PendingCall> {
        self.outbox.clear();
        self.resends.clear();
        self.pending.drain().map(|(_, call)| call).collect()
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        self.pending.contains(id)
    }

    /// Tells whether no call waits for a reply.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Adds the refusal of a request of the device, unless the outbox is full. A peer that sends requests without
    /// reading replies gets none.
    pub(super) fn refuse(&mut self, refusal: Vec<u8>) {
        if self.outbox.len() < MAX_OUTBOX {
            self.outbox.push_back((None, refusal.into()));
        }
    }

    pub(super) fn has_frame(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Takes the next frame, for a link that has room for it.
    ///
    /// The time until the frame is sent again starts now. It does not include the time in which the frame waited for
    /// the link.
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

    /// Adds the frames to the outbox whose time to be sent again has come.
    pub(super) fn resend(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.resends.first().filter(|(at, _)| *at <= now) {
            self.resends.remove(&(at, id));
            if let Some(PendingCall { resend: Some(resend), wanted, copies, .. }) = self.pending.get_mut(id) {
                *copies += 1;
                let frame = OutgoingFrame::of_call(resend.bytes.clone(), Arc::downgrade(wanted));
                self.outbox.push_back((Some(id), frame));
            }
        }
    }

    /// Returns the next time at which a deadline passes or a frame is sent again.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let resend_at = self.resends.first().map(|(at, _)| *at);
        [self.pending.next_deadline(), resend_at].into_iter().flatten().min()
    }
}

/// Returns a random id for the first call.
///
/// Serial lines and brokers may deliver a late reply to an earlier run of otactl. With random ids, such a reply matches
/// no call. The ids stay in the range that a device's JSON parser represents exactly.
fn first_id() -> u64 {
    let random = getrandom::u32().unwrap_or(1);
    u64::from(random >> 2) + 1
}
