//! A session: one task that makes an [`RpcClient`] of any [`Connect`].
//!
//! It dials when a call needs a link, matches replies to calls by their ids, and holds every call to
//! its deadline. When a link breaks, each call in flight fails with [`CallError::Lost`]; whether one
//! of them is made again is the caller's decision, never the session's.
//!
//! The calls stand in `Calls`, which the task shares with the callers: a call has its place in the order of the frames when
//! [`RpcClient::call`] returns, and loses it as soon as its future is dropped.

use std::collections::VecDeque;
use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::calls::{Call, Calls};
use super::link::{Connect, Ended, Link, Ready};
use crate::rpc::client::{LONGEST_ID, Links};
use crate::rpc::deadline::deadline_in;
use crate::rpc::frame::{self, Incoming};
use crate::rpc::{CallError, DialError, Request, RpcClient, redact, redact_excerpt, unreadable};

/// The calls of any transport that carries frames over a connection. The connection is closed when
/// the session is dropped.
pub struct Session {
    shared: Arc<Shared>,
}

/// What the callers and the task share.
struct Shared {
    connect: Arc<dyn Connect>,
    state: Mutex<SharedState>,
    /// Wakes the task.
    changed: Notify,
    /// How often the device has answered a call twice that was sent once.
    second_answers: AtomicUsize,
}

struct SharedState {
    calls: Calls,
    /// The link was declared dead, and the task has not dropped it yet.
    is_hung_up: bool,
    /// The session was dropped, or its task has ended.
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, SharedState> {
        self.state.lock()
    }

    fn lost(&self, sent: bool, reason: &str) -> CallError {
        CallError::Lost { peer: self.connect.peer().into(), sent, reason: reason.into() }
    }

    /// Ends all calls: their link is gone.
    fn lose(&self, calls: Vec<Call>, reason: &str) {
        for call in calls {
            let error = self.lost(call.is_sent, reason);
            call.fail(error);
        }
    }

    /// Gives a call its place behind those that were made before.
    fn enqueue(self: &Arc<Self>, request: Request) -> Result<Enqueued, CallError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(self.lost(false, ENDED));
        }
        let id = state.calls.next_id();
        let bytes = request.encode(id, self.connect.addressing());
        let (size, limit) = (self.connect.size_of(&bytes), self.connect.max_request());
        if size >= limit {
            return Err(CallError::TooLarge { method: request.method, size, limit });
        }
        let resends_after = self.connect.resends_after().filter(|_| request.idempotent);
        let deadline = deadline_in(request.timeout);
        let result = state.calls.add(id, (request.method, request.timeout), bytes, resends_after, deadline);
        drop(state);
        self.changed.notify_one();
        Ok(Enqueued { shared: Arc::clone(self), id, result })
    }
}

/// Calls whose ids are remembered, to notice a second answer.
const REMEMBERED: usize = 16;

/// Second answers that prove that the device executes calls twice. A doubled message causes a single one.
const PROOF: usize = 3;

const ENDED: &str = "the session has ended";

/// A call in the session. Dropping this removes the call and the frames that no link has sent yet.
struct Enqueued {
    shared: Arc<Shared>,
    id: u64,
    result: oneshot::Receiver<Result<Value, CallError>>,
}

impl Enqueued {
    async fn result(mut self) -> Result<Value, CallError> {
        (&mut self.result).await.unwrap_or_else(|_| Err(self.shared.lost(true, ENDED)))
    }
}

impl Drop for Enqueued {
    fn drop(&mut self) {
        if self.shared.lock().calls.take(self.id).is_some() {
            // It may have been the only one that needs the dial.
            self.shared.changed.notify_one();
        }
    }
}

impl Session {
    /// A session over `connect`. Has to be made within a tokio runtime; dials at the first call.
    #[must_use]
    pub fn new(connect: impl Connect) -> Self {
        let state = SharedState { calls: Calls::new(), is_hung_up: false, is_closed: false };
        let shared = Shared {
            connect: Arc::new(connect),
            state: Mutex::new(state),
            changed: Notify::new(),
            second_answers: AtomicUsize::new(0),
        };
        let shared = Arc::new(shared);
        tokio::spawn(Task::new(Arc::clone(&shared)).run());
        Self { shared }
    }
}

#[async_trait]
impl RpcClient for Session {
    // Written out, since the call has to be enqueued before its future is polled.
    fn call<'session, 'async_trait>(
        &'session self,
        request: Request,
    ) -> Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'async_trait>>
    where
        'session: 'async_trait,
        Self: 'async_trait,
    {
        let enqueued = self.shared.enqueue(request);
        Box::pin(async move { enqueued?.result().await })
    }

    fn drop_link(&self) {
        let mut state = self.shared.lock();
        state.is_hung_up = true;
        let calls = state.calls.take_all();
        drop(state);
        self.shared.lose(calls, "the link was given up");
        self.shared.changed.notify_one();
    }

    fn executes_twice(&self) -> bool {
        self.shared.second_answers.load(Ordering::Relaxed) >= PROOF
    }

    fn may_lose_requests(&self) -> bool {
        self.shared.connect.may_lose_requests()
    }

    fn report_loss(&self) -> bool {
        self.shared.connect.report_loss()
    }

    fn links(&self) -> Links {
        self.shared.connect.links()
    }

    fn may_execute_twice(&self) -> bool {
        self.shared.connect.may_execute_twice()
    }

    fn window(&self) -> usize {
        self.shared.connect.window()
    }

    fn max_params(&self, request: &Request) -> usize {
        let connect = &self.shared.connect;
        let frame = request.encode(LONGEST_ID, connect.addressing());
        connect.max_request().saturating_sub(1 + connect.size_of(&frame))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.shared.connect.peer()).finish_non_exhaustive()
    }
}

type Dial = Pin<Box<dyn Future<Output = Result<Link, DialError>> + Send>>;

enum State {
    Down,
    Dialling(Dial),
    Up(Link),
}

struct Task {
    shared: Arc<Shared>,
    state: State,
    backoff: Backoff,
    /// A reply has come from there.
    is_device: bool,
    /// The ids of the last calls that were answered, and how many more answers their copies may have.
    answered: VecDeque<(u64, usize)>,
}

enum Happened {
    Received(Result<Vec<u8>, Ended>),
    Dialled(Result<Link, DialError>),
    /// A frame was sent, a caller has changed something, or time has passed.
    Woke,
}

impl Task {
    fn new(shared: Arc<Shared>) -> Self {
        Self { shared, state: State::Down, backoff: Backoff::default(), is_device: false, answered: VecDeque::new() }
    }

    async fn run(mut self) {
        while let Some((wake_at, has_frame)) = self.prepare(Instant::now()) {
            let happened = tokio::select! {
                // Biased so that what has come is taken before what times out. A device that floods us can keep the
                // later branches waiting, but neither deadlines nor callers, which `prepare` serves every turn.
                biased;
                happened = advance(&mut self.state, has_frame, &self.shared) => happened,
                () = self.shared.changed.notified() => Happened::Woke,
                () = wake(wake_at) => Happened::Woke,
            };
            match happened {
                Happened::Received(Ok(bytes)) => self.receive(&bytes),
                Happened::Received(Err(Ended::Lost(reason))) => self.lose(&reason),
                Happened::Received(Err(Ended::Refused(cause))) => self.dial_failed(&cause),
                Happened::Dialled(Ok(link)) => {
                    tracing::debug!(peer = self.shared.connect.peer(), "connected");
                    self.backoff.reset();
                    self.state = State::Up(link);
                }
                Happened::Dialled(Err(cause)) => self.dial_failed(&cause),
                Happened::Woke => {}
            }
        }
    }

    /// Does what the clock and the callers demand. Returns when to look again, and whether a frame waits for the link; `None`
    /// if the session was dropped.
    fn prepare(&mut self, now: Instant) -> Option<(Option<Instant>, bool)> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        if state.is_closed {
            return None;
        }
        if std::mem::take(&mut state.is_hung_up) {
            self.backoff.reset();
            self.state = State::Down;
        }
        self.expire(&mut state.calls, now);
        state.calls.resend(now);
        if state.calls.is_empty() && matches!(self.state, State::Dialling(_)) {
            // No call waits for this dial any more; the next one starts a fresh one.
            self.state = State::Down;
        }
        let mut dial_at = None;
        if matches!(self.state, State::Down) && !state.calls.is_empty() {
            dial_at = self.backoff.not_before().filter(|at| *at > now);
            if dial_at.is_none() {
                let connect = Arc::clone(&shared.connect);
                self.state = State::Dialling(Box::pin(async move { connect.dial().await }));
            }
        }
        let wake_at = [state.calls.wake_at(), dial_at].into_iter().flatten().min();
        Some((wake_at, state.calls.has_frame()))
    }

    fn receive(&mut self, bytes: &[u8]) {
        tracing::trace!("< {}", redact(bytes));
        let shared = Arc::clone(&self.shared);
        let connect = &shared.connect;
        let mut state = shared.lock();
        if state.is_hung_up {
            // It came over a link that is dead to the callers.
            return;
        }
        match frame::decode(bytes) {
            Ok(Incoming::Reply { id, outcome }) => {
                self.is_device = true;
                // Otherwise it comes too late, or answers a call of an earlier run.
                let call = state.calls.take(id);
                if let Some((_, copies)) =
                    self.answered.iter_mut().find(|(answered, _)| call.is_none() && *answered == id)
                {
                    match copies.checked_sub(1) {
                        Some(left) => *copies = left,
                        None => drop(shared.second_answers.fetch_add(1, Ordering::Relaxed)),
                    }
                }
                if let Some(Call { method, reply, copies, .. }) = call {
                    self.answered.push_front((id, copies - 1));
                    self.answered.truncate(REMEMBERED);
                    let _ = reply.send(outcome.map_err(|error| CallError::Remote { method, error }));
                }
            }
            Ok(Incoming::Request { id: Some(id), .. }) if state.calls.contains(id) => {
                tracing::debug!(id, "an echo of our own request");
            }
            Ok(Incoming::Request { refusal, method, .. }) => {
                tracing::debug!(method, "the device calls us; refused");
                // The refusal repeats the device's method, which may be too long for a frame of this transport.
                if let Some(refusal) = refusal.filter(|bytes| connect.size_of(bytes) < connect.max_request()) {
                    state.calls.refuse(refusal);
                }
            }
            // A device that has proved to be one is forgiven a frame that it garbled, and a line that
            // loses frames one that it made up; the call ends at its deadline. From anybody else, no
            // better answer is to be expected.
            Err(error) => {
                let unreadable = unreadable::find(bytes);
                if let Some((call, place)) = unreadable.and_then(|it| Some((state.calls.take(it.id)?, it.place))) {
                    self.is_device = true;
                    let method = call.method.clone();
                    return call.fail(CallError::Unreadable { method, place });
                }
                tracing::debug!(%error, bytes = redact_excerpt(bytes), "garbage");
                if !self.is_device && connect.resends_after().is_none() {
                    self.state = State::Down;
                    let what = format!("it sent `{}`", redact_excerpt(bytes));
                    for call in state.calls.take_all() {
                        call.fail(CallError::NotRpc { peer: connect.peer().into(), what: what.clone() });
                    }
                }
            }
        }
    }

    /// The link is gone.
    fn lose(&mut self, reason: &str) {
        self.state = State::Down;
        let mut state = self.shared.lock();
        // What was called since the link was given up is for the next one.
        if !state.is_hung_up {
            let calls = state.calls.take_all();
            drop(state);
            self.shared.lose(calls, reason);
        }
    }

    fn dial_failed(&mut self, cause: &DialError) {
        tracing::debug!(%cause, "dialling failed");
        self.state = State::Down;
        self.backoff.failed(Instant::now());
        let peer = self.shared.connect.dialled();
        let mut state = self.shared.lock();
        if state.is_hung_up {
            return;
        }
        for call in state.calls.take_all() {
            call.fail(CallError::Unreachable { peer: peer.into(), cause: cause.clone() });
        }
    }

    fn expire(&self, calls: &mut Calls, now: Instant) {
        let connect = &self.shared.connect;
        let is_up = matches!(self.state, State::Up(_));
        while let Some(call) = calls.take_expired(now) {
            let error = if is_up {
                let (peer, method) = (connect.peer().to_owned(), call.method.clone());
                CallError::Timeout { peer, method, after: call.timeout, why: connect.silence() }
            } else {
                CallError::Unreachable { peer: connect.dialled().into(), cause: DialError::Silent(call.timeout) }
            };
            call.fail(error);
        }
    }
}

/// Ends what is left when the task ends, which may be because its runtime does.
impl Drop for Task {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.is_closed = true;
        let calls = state.calls.take_all();
        drop(state);
        self.shared.lose(calls, ENDED);
    }
}

/// Waits for whatever the link or the dial has to say, and sends the next frame meanwhile, if there is one.
async fn advance(state: &mut State, has_frame: bool, shared: &Shared) -> Happened {
    match state {
        State::Down => pending().await,
        State::Dialling(dial) => Happened::Dialled(dial.await),
        State::Up(link) => match link.ready(has_frame).await {
            Ready::Received(received) => Happened::Received(received),
            Ready::CanSend(permit) => {
                let mut state = shared.lock();
                // What was called since the link was given up is for the next one.
                if !state.is_hung_up
                    && let Some(frame) = state.calls.next_frame(Instant::now())
                {
                    tracing::trace!("> {}", redact(frame.bytes()));
                    permit.send(frame);
                }
                Happened::Woke
            }
        },
    }
}

async fn wake(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
