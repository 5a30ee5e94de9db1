//! The tasks of test servers. A panic in one of them fails the test.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
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

/// The tasks of one test server.
///
/// Dropping them aborts the tasks. If one of them has panicked, the drop panics too, so that the test fails.
#[derive(Default)]
pub struct ServerTasks {
    tasks: JoinSet<()>,
    has_panicked: Arc<AtomicBool>,
}

impl ServerTasks {
    pub fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(record_panic(Arc::clone(&self.has_panicked), task));
    }

    /// Accepts connections until the drop, and runs `serve` in its own task for each of them.
    ///
    /// The output of `serve` is ignored: a client that closes the connection is not a failure of the server.
    pub fn accept<F>(&mut self, listener: TcpListener, serve: impl Fn(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let has_panicked = Arc::clone(&self.has_panicked);
        self.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(record_panic(Arc::clone(&has_panicked), serve(stream)));
            }
        });
    }
}

impl Drop for ServerTasks {
    fn drop(&mut self) {
        // A second panic would abort the test process.
        if !std::thread::panicking() {
            assert!(!self.has_panicked.load(Ordering::SeqCst), "a task of a test server has panicked, see above");
        }
    }
}

async fn record_panic<F: Future>(has_panicked: Arc<AtomicBool>, task: F) {
    if AssertUnwindSafe(task).catch_unwind().await.is_err() {
        has_panicked.store(true, Ordering::SeqCst);
    }
}
