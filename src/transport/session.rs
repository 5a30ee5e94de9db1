//! A session: one task that makes an [`RpcClient`] of any [`Connect`].
//!
//! It dials when a call needs a link, matches replies to calls by their ids, and holds every call to
//! its deadline. When a link breaks, each call in flight fails with [`CallError::Lost`]; whether one
//! of them is made again is the caller's decision, never the session's.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::backoff::Backoff;
use super::link::{Connect, Link, Ready};
use super::pending::Pending;
use crate::rpc::client::LONGEST_ID;
use crate::rpc::frame::{self, Incoming};
use crate::rpc::{CallError, DialError, Request, RpcClient, shown, shown_excerpt};

/// Frames that wait for a link, beyond which requests of the device's are not answered.
const MAX_OUTBOX: usize = 64;

/// Commands that wait for the session's task; a caller beyond that waits for its turn.
const COMMANDS: usize = 16;

/// The calls of any transport that carries frames over a connection. The connection is closed when
/// the session is dropped.
pub struct Session {
    commands: mpsc::Sender<Command>,
    hang_up: mpsc::UnboundedSender<()>,
    connect: Arc<dyn Connect>,
}

/// A call as it reaches the task.
#[derive(Debug)]
struct Command {
    request: Request,
    deadline: Instant,
    reply: Reply,
}

type Reply = oneshot::Sender<Result<Value, CallError>>;

impl Session {
    /// A session over `connect`. Has to be made within a tokio runtime; dials at the first call.
    #[must_use]
    pub fn new(connect: impl Connect) -> Self {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (hang_up, hang_ups) = mpsc::unbounded_channel();
        let connect: Arc<dyn Connect> = Arc::new(connect);
        tokio::spawn(Task::new(Arc::clone(&connect)).run(inbox, hang_ups));
        Self { commands, hang_up, connect }
    }
}

#[async_trait]
impl RpcClient for Session {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let (reply, result) = oneshot::channel();
        let gone =
            || CallError::Lost { peer: self.connect.peer().into(), sent: true, reason: "the session has ended".into() };
        let deadline = Instant::now() + request.timeout;
        self.commands.send(Command { request, deadline, reply }).await.map_err(|_| gone())?;
        result.await.unwrap_or_else(|_| Err(gone()))
    }

    fn hang_up(&self) {
        // An unbounded channel, so that this needs no await; the task drains it before anything else.
        let _ = self.hang_up.send(());
    }

    fn window(&self) -> usize {
        self.connect.window()
    }

    fn room(&self, request: &Request) -> usize {
        let frame = request.encode(LONGEST_ID, self.connect.addressing());
        self.connect.max_request().saturating_sub(1 + self.connect.size_of(&frame))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.connect.peer()).finish_non_exhaustive()
    }
}

/// A call that waits for its reply.
#[derive(Debug)]
struct Call {
    method: String,
    timeout: Duration,
    reply: Reply,
    again: Option<Again>,
}

/// A frame that may be sent again, in case that it was lost.
#[derive(Debug)]
struct Again {
    frame: Vec<u8>,
    wait: Duration,
}

type Dial = Pin<Box<dyn Future<Output = Result<Link, DialError>> + Send>>;

enum State {
    Down,
    Dialling(Dial),
    Up(Link),
}

struct Task {
    connect: Arc<dyn Connect>,
    state: State,
    pending: Pending<Call>,
    /// Frames that no link has taken yet, with the ids of their calls; refusals have none.
    outbox: VecDeque<(Option<u64>, Vec<u8>)>,
    /// When which call is to be sent again. Calls that have ended may still stand here.
    resends: BTreeSet<(Instant, u64)>,
    backoff: Backoff,
    next_id: u64,
    /// A reply has come from there.
    is_device: bool,
}

enum Happened {
    HungUp,
    Received(Result<Vec<u8>, String>),
    Dialled(Result<Link, DialError>),
    Commanded(Option<Command>),
    /// The frame of this call, or of none.
    Sent(Option<u64>),
    /// Time to look at the deadlines and at whether to dial.
    Woke,
}

impl Task {
    fn new(connect: Arc<dyn Connect>) -> Self {
        Self {
            connect,
            state: State::Down,
            pending: Pending::new(),
            outbox: VecDeque::new(),
            resends: BTreeSet::new(),
            backoff: Backoff::default(),
            next_id: first_id(),
            is_device: false,
        }
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut hang_ups: mpsc::UnboundedReceiver<()>) {
        loop {
            let now = Instant::now();
            self.expire(now);
            self.resend(now);
            self.dial_if_needed(now);
            let wake_at = self.wake_at();
            let happened = {
                let state = &mut self.state;
                let outbox = &mut self.outbox;
                tokio::select! {
                    // Biased so that what has come is taken before what times out, and a link that
                    // was declared dead is not read any more. A device that floods us can keep the
                    // later branches waiting, but not the deadlines, which are looked at every turn.
                    biased;
                    Some(()) = hang_ups.recv() => Happened::HungUp,
                    happened = advance(state, outbox) => happened,
                    command = commands.recv() => Happened::Commanded(command),
                    () = wake(wake_at) => Happened::Woke,
                }
            };
            match happened {
                Happened::HungUp => {
                    self.backoff.reset();
                    self.lose("the link was given up");
                }
                Happened::Received(Ok(bytes)) => self.receive(&bytes),
                Happened::Received(Err(reason)) => self.lose(&reason),
                Happened::Dialled(Ok(link)) => {
                    tracing::debug!(peer = self.connect.peer(), "connected");
                    self.backoff.reset();
                    self.state = State::Up(link);
                }
                Happened::Dialled(Err(cause)) => self.dial_failed(&cause),
                Happened::Commanded(Some(Command { request, deadline, reply })) => {
                    self.accept(&request, deadline, reply);
                }
                // The session was dropped, and nobody waits for an answer any more.
                Happened::Commanded(None) => return,
                Happened::Sent(Some(id)) => self.sent(id, Instant::now()),
                Happened::Sent(None) | Happened::Woke => {}
            }
        }
    }

    fn accept(&mut self, request: &Request, deadline: Instant, reply: Reply) {
        let id = self.next_id;
        self.next_id += 1;
        let bytes = request.encode(id, self.connect.addressing());
        let (size, limit) = (self.connect.size_of(&bytes), self.connect.max_request());
        if size >= limit {
            let method = request.method.clone();
            let _ = reply.send(Err(CallError::TooLarge { method, size, limit }));
            return;
        }
        let wait = self.connect.resends_after().filter(|_| request.idempotent);
        let again = wait.map(|wait| Again { frame: bytes.clone(), wait });
        let call = Call { method: request.method.clone(), timeout: request.timeout, reply, again };
        self.pending.insert(id, deadline, call);
        self.outbox.push_back((Some(id), bytes));
    }

    fn receive(&mut self, bytes: &[u8]) {
        tracing::trace!("< {}", shown(bytes));
        match frame::decode(bytes) {
            Ok(Incoming::Reply { id, outcome }) => {
                self.is_device = true;
                // Otherwise it comes too late, or answers a call of an earlier run.
                if let Some(Call { method, reply, .. }) = self.pending.take(id) {
                    let _ = reply.send(outcome.map_err(|error| CallError::Remote { method, error }));
                }
            }
            Ok(Incoming::Request { id: Some(id), .. }) if self.pending.get_mut(id).is_some() => {
                tracing::debug!(id, "an echo of our own request");
            }
            Ok(Incoming::Request { refusal, method, .. }) => {
                tracing::debug!(method, "the device calls us; refused");
                // The refusal repeats the device's method, which may be too long for a frame of this transport.
                let (connect, limit) = (&self.connect, self.connect.max_request());
                let refusal = refusal.filter(|bytes| connect.size_of(bytes) < limit);
                // Whoever asks faster than he listens gets no answer, instead of all our memory.
                if self.outbox.len() < MAX_OUTBOX {
                    self.outbox.extend(refusal.map(|bytes| (None, bytes)));
                }
            }
            // A device that has proved to be one is forgiven a frame that it garbled, and a line that
            // loses frames one that it made up; the call ends at its deadline. From anybody else, no
            // better answer is to be expected.
            Err(error) => {
                tracing::debug!(%error, bytes = shown_excerpt(bytes), "garbage");
                if !self.is_device && self.connect.resends_after().is_none() {
                    let what = format!("it sent `{}`", shown_excerpt(bytes));
                    self.fail_all(|peer| CallError::NotRpc { peer, what: what.clone() });
                    self.state = State::Down;
                }
            }
        }
    }

    /// The link is gone. What stood in the outbox has not been sent.
    fn lose(&mut self, reason: &str) {
        self.state = State::Down;
        let unsent: BTreeSet<u64> = self.outbox.drain(..).filter_map(|(id, _)| id).collect();
        let peer = self.connect.peer().to_owned();
        for (id, call) in self.pending.drain() {
            let sent = !unsent.contains(&id);
            let _ = call.reply.send(Err(CallError::Lost { peer: peer.clone(), sent, reason: reason.into() }));
        }
    }

    fn dial_failed(&mut self, cause: &DialError) {
        tracing::debug!(%cause, "dialling failed");
        self.state = State::Down;
        self.backoff.failed(Instant::now());
        let dialled = self.connect.dialled().to_owned();
        self.fail_all(|_| CallError::Unreachable { peer: dialled.clone(), cause: cause.clone() });
    }

    fn fail_all(&mut self, error: impl Fn(String) -> CallError) {
        self.outbox.clear();
        let peer = self.connect.peer().to_owned();
        for (_, call) in self.pending.drain() {
            let _ = call.reply.send(Err(error(peer.clone())));
        }
    }

    fn expire(&mut self, now: Instant) {
        let dialling = !matches!(self.state, State::Up(_));
        while let Some((id, call)) = self.pending.take_expired(now) {
            self.outbox.retain(|(of, _)| *of != Some(id));
            let peer = self.connect.peer().to_owned();
            let error = if dialling {
                let peer = self.connect.dialled().to_owned();
                CallError::Unreachable { peer, cause: DialError::Silent(call.timeout) }
            } else {
                let why = self.connect.silence();
                CallError::Timeout { peer, method: call.method, after: call.timeout, why }
            };
            let _ = call.reply.send(Err(error));
        }
        // Nobody waits for this dial any more; the next call starts a fresh one.
        if self.pending.is_empty() && matches!(self.state, State::Dialling(_)) {
            self.state = State::Down;
        }
    }

    /// A link has taken the frame of this call. What may have been lost is sent again, at growing
    /// intervals; waiting for a place on the link counts for nothing.
    fn sent(&mut self, id: u64, now: Instant) {
        if let Some(Call { again: Some(again), .. }) = self.pending.get_mut(id) {
            self.resends.insert((now + again.wait, id));
            again.wait *= 2;
        }
    }

    fn resend(&mut self, now: Instant) {
        while let Some(&(at, id)) = self.resends.first().filter(|(at, _)| *at <= now) {
            self.resends.remove(&(at, id));
            if let Some(Call { again: Some(again), .. }) = self.pending.get_mut(id) {
                self.outbox.push_back((Some(id), again.frame.clone()));
            }
        }
    }

    fn dial_if_needed(&mut self, now: Instant) {
        let due = self.backoff.not_before().is_none_or(|at| at <= now);
        if matches!(self.state, State::Down) && !self.pending.is_empty() && due {
            let connect = Arc::clone(&self.connect);
            self.state = State::Dialling(Box::pin(async move { connect.dial().await }));
        }
    }

    fn wake_at(&self) -> Option<Instant> {
        let dial_at = match self.state {
            State::Down if !self.pending.is_empty() => self.backoff.not_before(),
            _ => None,
        };
        let resend_at = self.resends.first().map(|(at, _)| *at);
        [self.pending.next_deadline(), dial_at, resend_at].into_iter().flatten().min()
    }
}

/// Waits for whatever the link or the dial has to say, and sends the outbox meanwhile.
async fn advance(state: &mut State, outbox: &mut VecDeque<(Option<u64>, Vec<u8>)>) -> Happened {
    match state {
        State::Down => pending().await,
        State::Dialling(dial) => Happened::Dialled(dial.await),
        State::Up(link) => match link.ready(!outbox.is_empty()).await {
            Ready::Received(received) => Happened::Received(received),
            Ready::CanSend(permit) => {
                let Some((id, bytes)) = outbox.pop_front() else { return Happened::Sent(None) };
                tracing::trace!("> {}", shown(&bytes));
                permit.send(bytes);
                Happened::Sent(id)
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

/// Ids start anywhere, so that a late reply to an earlier run, as serial lines and brokers deliver
/// them, is not taken for one of ours. They stay within what a device's parser counts exactly.
fn first_id() -> u64 {
    let random = getrandom::u32().unwrap_or(1);
    u64::from(random >> 2) + 1
}
