//! The tasks of test servers. A test fails if a task of its server panics, or if no client uses the server.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, Location};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Binds a TCP listener to a free port of 127.0.0.1. Returns the listener and its address.
pub async fn bind() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    (listener, address)
}

/// The use of a server that its test expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExpectedUse {
    Some,
    None,
    Any,
}

/// The tasks of one test server.
///
/// Dropping them aborts the tasks. The drop panics, so that the test fails, if a task has panicked, or if the server was
/// never used.
pub struct ServerTasks {
    tasks: JoinSet<()>,
    record: ServerRecord,
    expected_use: ExpectedUse,
    /// The place that has created the server.
    created_at: &'static Location<'static>,
}

impl ServerTasks {
    #[track_caller]
    pub fn new() -> Self {
        Self {
            tasks: JoinSet::new(),
            record: ServerRecord::default(),
            expected_use: ExpectedUse::Some,
            created_at: Location::caller(),
        }
    }

    /// Accepts a server that no client uses. For servers whose use depends on the case.
    pub fn may_stay_unused(self) -> Self {
        self.expecting(ExpectedUse::Any)
    }

    /// Requires that no client uses the server.
    pub fn must_stay_unused(self) -> Self {
        self.expecting(ExpectedUse::None)
    }

    fn expecting(mut self, expected_use: ExpectedUse) -> Self {
        self.expected_use = expected_use;
        self
    }

    /// Returns the record of the server, for tasks that accept clients by themselves.
    pub fn record(&self) -> ServerRecord {
        self.record.clone()
    }

    /// Starts a task. The task has to record the use of the server.
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(self.record().run(task));
    }

    /// Accepts connections until the drop, and runs `serve` in its own task for each of them.
    ///
    /// The output of `serve` is ignored: a client that closes the connection is not a failure of the server.
    pub fn accept<F>(&mut self, listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.spawn(self.record().accept(listener, serve));
    }
}

impl Drop for ServerTasks {
    fn drop(&mut self) {
        // A second panic would abort the test process.
        if std::thread::panicking() {
            return;
        }
        let (panics, place) = (self.record.has_panicked.load(Ordering::SeqCst), self.created_at);
        assert!(!panics, "a task of the test server of {place} has panicked, see above");
        match (self.expected_use, self.record.is_used()) {
            (ExpectedUse::Some, false) => panic!("the test server of {place} was never used"),
            (ExpectedUse::None, true) => panic!("the test server of {place} was used, and must stay unused"),
            _ => {}
        }
    }
}

/// Records what happens to a test server: the panics of its tasks, and its use.
#[derive(Debug, Clone, Default)]
pub struct ServerRecord {
    has_panicked: Arc<AtomicBool>,
    is_used: Arc<AtomicBool>,
}

impl ServerRecord {
    /// Records that a client uses the server.
    pub fn record_use(&self) {
        self.is_used.store(true, Ordering::SeqCst);
    }

    /// Tells whether a client has used the server.
    pub fn is_used(&self) -> bool {
        self.is_used.load(Ordering::SeqCst)
    }

    /// Accepts connections without an end, as [`ServerTasks::accept`] does.
    pub async fn accept<F>(self, listener: TcpListener, serve: impl Fn(TcpStream) -> F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            self.record_use();
            connections.spawn(self.clone().run(serve(stream)));
        }
    }

    /// Runs a task of the server, and records its panic.
    async fn run<F: Future>(self, task: F) {
        if AssertUnwindSafe(task).catch_unwind().await.is_err() {
            self.has_panicked.store(true, Ordering::SeqCst);
        }
    }
}
