//! The task of a session: it owns the link, and turns the events of the link into results of calls.

use std::collections::VecDeque;
use std::future::pending;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{Instant, sleep_until};

use super::shared::Shared;
use crate::rpc::frame::{self, Incoming};
use crate::rpc::{CallError, DialError, DialFailure, LostReason, redact, redact_excerpt, unreadable};
use crate::transport::backoff::Backoff;
use crate::transport::calls::{Calls, PendingCall};
use crate::transport::link::{Link, LinkEnd, Ready};

/// The number of answered calls whose ids are kept, to notice a second answer.
const MAX_ANSWERED_IDS: usize = 16;

type Dial = Pin<Box<dyn Future<Output = Result<Link, DialFailure>> + Send>>;

enum LinkState {
    Down,
    Dialling(Dial),
    Up(Link),
}

/// The task of a session.
pub(super) struct Task {
    shared: Arc<Shared>,
    link: LinkState,
    backoff: Backoff,
    /// The peer has sent a reply, so that it is a device.
    is_device: bool,
    /// The ids of the last calls that were answered, each with the number of further answers that its resent copies may
    /// cause.
    answered: VecDeque<(u64, usize)>,
}

enum SessionEvent {
    /// A frame arrived, or the link ended.
    Received(Result<Vec<u8>, LinkEnd>),
    /// The attempt to connect has ended.
    Dialled(Result<Link, DialFailure>),
    /// A frame was sent, a caller has changed the state, or a deadline has passed.
    Woken,
}

impl Task {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, link: LinkState::Down, backoff: Backoff::default(), is_device: false, answered: VecDeque::new() }
    }

    /// Runs until the session is dropped.
    pub(super) async fn run(mut self) {
        let mut timer = pin!(sleep_until(Instant::now()));
        while let Some((wake_at, has_frame)) = self.prepare(Instant::now()) {
            // A timer that fires too early is left alone, so that most calls need no change of the timer.
            if let Some(at) = wake_at
                && (timer.is_elapsed() || at < timer.deadline())
            {
                timer.as_mut().reset(at);
            }
            let event = tokio::select! {
                // Biased so that a reply that has arrived is handled before its call times out. A device that sends
                // frames without a pause starves the later branches. Deadlines and callers do not depend on them:
                // `prepare` serves both in each turn.
                biased;
                event = advance(&mut self.link, has_frame, &self.shared) => event,
                () = self.shared.changed.notified() => SessionEvent::Woken,
                () = &mut timer, if wake_at.is_some() => SessionEvent::Woken,
            };
            match event {
                SessionEvent::Received(Ok(bytes)) => self.receive(&bytes),
                SessionEvent::Received(Err(LinkEnd::Lost(reason))) => self.link_lost(&reason),
                SessionEvent::Received(Err(LinkEnd::Refused(cause))) => self.dial_failed(&cause),
                SessionEvent::Dialled(Ok(link)) => {
                    tracing::debug!(peer = self.shared.connect.peer(), "connected");
                    self.backoff.reset();
                    self.link = LinkState::Up(link);
                }
                SessionEvent::Dialled(Err(cause)) => self.dial_failed(&cause),
                SessionEvent::Woken => {}
            }
        }
    }

    /// Applies deadlines and the requests of callers. Returns the next time to do so, and whether a frame waits for the
    /// link. Returns `None` if the session was dropped.
    fn prepare(&mut self, now: Instant) -> Option<(Option<Instant>, bool)> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        if state.is_closed {
            return None;
        }
        if std::mem::take(&mut state.is_link_dropped) {
            self.backoff.reset();
            self.link = LinkState::Down;
        }
        self.expire(&mut state.calls, now);
        state.calls.resend(now);
        if state.calls.is_empty() && matches!(self.link, LinkState::Dialling(_)) {
            // No call needs this connection any more.
            self.link = LinkState::Down;
        }
        let mut dial_at = None;
        if matches!(self.link, LinkState::Down) && !state.calls.is_empty() {
            dial_at = self.backoff.not_before().filter(|at| *at > now);
            if dial_at.is_none() {
                let connect = Arc::clone(&shared.connect);
                self.link = LinkState::Dialling(Box::pin(async move { connect.dial().await }));
            }
        }
        let wake_at = [state.calls.wake_at(), dial_at].into_iter().flatten().min();
        Some((wake_at, state.calls.has_frame()))
    }

    /// Handles a frame from the peer.
    fn receive(&mut self, bytes: &[u8]) {
        tracing::trace!("< {}", redact(bytes));
        let shared = Arc::clone(&self.shared);
        let connect = &shared.connect;
        let mut state = shared.lock();
        if state.is_link_dropped {
            // The frame arrived over a link that a caller has dropped.
            return;
        }
        match frame::decode(bytes) {
            Ok(Incoming::Reply { id, outcome }) => {
                self.is_device = true;
                // `None` for a reply that is late, a second answer, or the reply to a call of an earlier run.
                let call = state.calls.take(id);
                if let Some((_, copies)) =
                    self.answered.iter_mut().find(|(answered, _)| call.is_none() && *answered == id)
                {
                    match copies.checked_sub(1) {
                        Some(left) => *copies = left,
                        None => drop(shared.second_answers.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                if let Some(PendingCall { method, reply, copies, .. }) = call {
                    self.answered.push_front((id, copies - 1));
                    self.answered.truncate(MAX_ANSWERED_IDS);
                    let _ = reply.send(outcome.map_err(|error| CallError::Remote { method, error }));
                }
            }
            Ok(Incoming::Request { id: Some(id), .. }) if state.calls.contains(id) => {
                tracing::debug!(id, "the line echoes a request");
            }
            Ok(Incoming::Request { refusal, method, .. }) => {
                tracing::debug!(method, "refused a request of the device");
                // The refusal repeats the method of the request, and may be too long for a frame of this transport.
                if let Some(refusal) = refusal.filter(|bytes| connect.size_of(bytes) < connect.max_request()) {
                    state.calls.refuse(refusal);
                }
            }
            // A frame that is garbled is ignored if the peer has proved to be a device, or if the line may lose bytes.
            // Its call ends at the deadline. From another peer no better answer can be expected, so that all calls
            // fail.
            Err(error) => {
                let unreadable = unreadable::find(bytes);
                if let Some((call, place)) =
                    unreadable.and_then(|reply| Some((state.calls.take(reply.id)?, reply.place)))
                {
                    self.is_device = true;
                    let method = call.method.clone();
                    return call.fail(CallError::Unreadable { method, place });
                }
                tracing::debug!(%error, bytes = redact_excerpt(bytes), "not a frame");
                if !self.is_device && connect.resends_after().is_none() {
                    self.link = LinkState::Down;
                    let what = format!("it sent `{}`", redact_excerpt(bytes));
                    for call in state.calls.take_all() {
                        call.fail(CallError::NotRpc { peer: connect.peer().into(), what: what.clone() });
                    }
                }
            }
        }
    }

    /// Fails the calls in flight after the link has ended.
    fn link_lost(&mut self, reason: &LostReason) {
        self.link = LinkState::Down;
        let mut state = self.shared.lock();
        // Calls that were made after a caller has dropped the link belong to the next link.
        if !state.is_link_dropped {
            let calls = state.calls.take_all();
            drop(state);
            self.shared.fail_lost(calls, reason);
        }
    }

    /// Fails all calls after an attempt to connect has failed.
    fn dial_failed(&mut self, failure: &DialFailure) {
        tracing::debug!(cause = %failure, "dialling failed");
        self.link = LinkState::Down;
        self.backoff.failed(Instant::now());
        let peer = self.shared.connect.dialled();
        let mut state = self.shared.lock();
        if state.is_link_dropped {
            return;
        }
        for call in state.calls.take_all() {
            call.fail(CallError::unreachable(peer.clone(), failure.clone()));
        }
    }

    /// Fails the calls whose deadline has passed.
    fn expire(&self, calls: &mut Calls, now: Instant) {
        let connect = &self.shared.connect;
        let is_up = matches!(self.link, LinkState::Up(_));
        while let Some(call) = calls.take_expired(now) {
            let error = if is_up {
                let (peer, method) = (connect.peer().to_owned(), call.method.clone());
                CallError::Timeout { peer, method, after: call.timeout, why: connect.silence() }
            } else {
                CallError::unreachable(connect.dialled(), DialError::Silent(call.timeout))
            };
            call.fail(error);
        }
    }
}

/// Fails the remaining calls when the task ends, which may be at the end of its runtime.
impl Drop for Task {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        let calls = state.calls.take_all();
        drop(state);
        self.shared.fail_lost(calls, &LostReason::SessionEnded);
    }
}

/// Waits for the next event of the link or of the attempt to connect. Sends one frame if `has_frame` is set and the
/// link has room.
async fn advance(link: &mut LinkState, has_frame: bool, shared: &Shared) -> SessionEvent {
    match link {
        LinkState::Down => pending().await,
        LinkState::Dialling(dial) => SessionEvent::Dialled(dial.await),
        LinkState::Up(link) => match link.ready(has_frame).await {
            Ready::Received(received) => SessionEvent::Received(received),
            Ready::CanSend(permit) => {
                let mut state = shared.lock();
                // Calls that were made after a caller has dropped the link belong to the next link.
                if !state.is_link_dropped
                    && let Some(frame) = state.calls.next_frame(Instant::now())
                {
                    tracing::trace!("> {}", redact(frame.bytes()));
                    permit.send(frame);
                }
                SessionEvent::Woken
            }
        },
    }
}
