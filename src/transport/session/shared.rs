//! The state that the callers of a session and its task share.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::sync::{Notify, oneshot};

use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, LostReason, Request};
use crate::transport::calls::{Calls, PendingCall};
use crate::transport::link::Connect;

/// The state that the callers and the task share.
pub(super) struct Shared {
    pub(super) connect: Arc<dyn Connect>,
    state: Mutex<SharedState>,
    /// Wakes the task after a caller has changed the state.
    pub(super) changed: Notify,
    /// The number of calls that were sent once and that the device answered a second time.
    pub(super) second_answers: AtomicUsize,
}

/// The part of [`Shared`] behind a lock.
pub(super) struct SharedState {
    pub(super) calls: Calls,
    /// A caller has dropped the link, but the task has not noticed it yet.
    pub(super) is_link_dropped: bool,
    /// The session was dropped, or its task has ended.
    pub(super) is_closed: bool,
}

impl Shared {
    pub(super) fn new(connect: impl Connect) -> Self {
        let state = SharedState { calls: Calls::new(), is_link_dropped: false, is_closed: false };
        Self {
            connect: Arc::new(connect),
            state: Mutex::new(state),
            changed: Notify::new(),
            second_answers: AtomicUsize::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SharedState> {
        self.state.lock()
    }

    /// Drops the link on behalf of a caller. Calls in flight fail.
    pub(super) fn drop_link(&self) {
        let mut state = self.lock();
        state.is_link_dropped = true;
        let calls = state.calls.take_all();
        drop(state);
        self.fail_lost(calls, &LostReason::Dropped);
        self.changed.notify_one();
    }

    /// Ends the task.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// Fails the calls with [`CallError::Lost`].
    pub(super) fn fail_lost(&self, calls: Vec<PendingCall>, reason: &LostReason) {
        for call in calls {
            let error = self.lost(call.is_sent, reason.clone());
            call.fail(error);
        }
    }

    fn lost(&self, sent: bool, reason: LostReason) -> CallError {
        CallError::Lost { peer: self.connect.peer().into(), sent, reason }
    }

    /// Adds a call after all calls that were made before.
    pub(super) fn enqueue(self: &Arc<Self>, request: Request) -> Result<EnqueuedCall, CallError> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(self.lost(false, LostReason::SessionEnded));
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
        Ok(EnqueuedCall { shared: Arc::clone(self), id, result })
    }
}

/// A call in the session. Dropping this cancels the call, and removes its frames that no link has sent yet.
pub(super) struct EnqueuedCall {
    shared: Arc<Shared>,
    id: u64,
    result: oneshot::Receiver<Result<Value, CallError>>,
}

impl EnqueuedCall {
    /// Waits for the result of the call.
    pub(super) async fn result(mut self) -> Result<Value, CallError> {
        (&mut self.result).await.unwrap_or_else(|_| Err(self.shared.lost(true, LostReason::SessionEnded)))
    }
}

impl Drop for EnqueuedCall {
    fn drop(&mut self) {
        if self.shared.lock().calls.take(self.id).is_some() {
            // The task stops connecting if this was the only call.
            self.shared.changed.notify_one();
        }
    }
}
