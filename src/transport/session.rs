//! [`Session`]: one task that makes an [`RpcClient`] of any [`Connect`].
//!
//! The task connects when a call needs a link, matches replies to calls by their ids, and enforces the deadline of each
//! call. When a link breaks, each call in flight fails with [`CallError::Lost`]. The caller decides whether to make
//! such a call again; the session never does.
//!
//! The callers and the task share the calls (`transport::calls`). A call has its position in the order of the frames
//! when [`RpcClient::call`] returns, and loses the position as soon as its future is dropped.
//!
//! - `shared`: the state that callers and the task share;
//! - `task`: the task.

mod shared;
mod task;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use serde_json::Value;
use tracing::Instrument as _;

use super::link::Connect;
use crate::rpc::client::{LONGEST_ID, Links};
use crate::rpc::{CallError, Request, RpcClient};
use shared::Shared;
use task::Task;

/// The number of second answers that prove that the device executes calls twice. A duplicated message causes a single
/// one.
const MIN_SECOND_ANSWERS: usize = 3;

/// An [`RpcClient`] over a transport that carries frames over a connection.
///
/// Dropping the session closes the connection.
pub struct Session {
    shared: Arc<Shared>,
}

impl Session {
    /// Creates a session over `connect`, which connects at the first call.
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    #[must_use]
    pub fn new(connect: impl Connect) -> Self {
        let shared = Arc::new(Shared::new(connect));
        tokio::spawn(Task::new(Arc::clone(&shared)).run().in_current_span());
        Self { shared }
    }
}

#[async_trait]
impl RpcClient for Session {
    // Written without `async`, since the call has to be enqueued before its future is polled.
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
        self.shared.drop_link();
    }

    fn executes_twice(&self) -> bool {
        self.shared.second_answers.load(Ordering::Relaxed) >= MIN_SECOND_ANSWERS
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
        self.shared.close();
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.shared.connect.peer()).finish_non_exhaustive()
    }
}
