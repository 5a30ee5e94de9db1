//! A stream to a peer that has to take something now and then.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use crate::rpc::deadline::deadline_in;

/// The most that is written at a time, in bytes. Over TLS it is the size of a record, and a device has little memory
/// for those; rustls's own limit would cut the handshake's messages too, and not every device puts those together.
const PIECE: usize = 1024;

/// What is known of the way out of a stream.
#[derive(Clone, Default)]
pub(super) struct Outflow(Arc<Outlet>);

#[derive(Default)]
struct Outlet {
    /// Whether all that was handed to the stream has left it.
    flushed: AtomicBool,
    /// Called when the peer has taken something.
    taken: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Outflow {
    /// Something is handed on. To be called before: hyper flushes a stream only when it has nothing left for it.
    pub(super) fn hand_on(&self) {
        self.0.flushed.store(false, Ordering::Release);
    }

    /// Tells whether all that was handed on has left the stream.
    pub(super) fn is_flushed(&self) -> bool {
        self.0.flushed.load(Ordering::Acquire)
    }

    /// Calls this from now on whenever the peer has taken something. The first call counts.
    pub(super) fn on_taken(&self, call: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.taken.set(Box::new(call));
    }

    fn taken(&self) {
        if let Some(call) = self.0.taken.get() {
            call();
        }
    }
}

impl fmt::Debug for Outflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outflow").field("is_flushed", &self.is_flushed()).finish_non_exhaustive()
    }
}

/// The stream. Reading is left as it is: the time for a request's head is kept elsewhere.
#[derive(Debug)]
pub(super) struct WriteTimeout<S> {
    stream: S,
    piece: usize,
    stall: Duration,
    /// When the peer's time is up; counts while it takes nothing.
    deadline: Pin<Box<Sleep>>,
    waits: bool,
    outflow: Outflow,
}

impl<S> WriteTimeout<S> {
    /// Fails once the peer has taken nothing for the time of `stall`.
    pub(super) fn new(stream: S, stall: Duration, outflow: Outflow) -> Self {
        Self { stream, piece: usize::MAX, stall, deadline: Box::pin(sleep(stall)), waits: false, outflow }
    }

    /// The same in pieces that a device's TLS has room for.
    pub(super) fn in_small_pieces(self) -> Self {
        Self { piece: PIECE, ..self }
    }

    fn hold<T>(&mut self, context: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.waits = false;
            return result;
        }
        if !self.waits {
            self.waits = true;
            self.deadline.as_mut().reset(deadline_in(self.stall));
        }
        match self.deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let piece = &bytes[..bytes.len().min(self.piece)];
        let result = Pin::new(&mut self.stream).poll_write(context, piece);
        if matches!(result, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.outflow.taken();
        }
        self.hold(context, result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = result {
            self.outflow.0.flushed.store(true, Ordering::Release);
        }
        self.hold(context, result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.hold(context, result)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// A slow peer is none that is gone: every byte that it takes gives it all of the time again.
    #[tokio::test(start_paused = true)]
    async fn the_time_counts_from_the_last_byte_that_was_taken() {
        let (near, mut far) = duplex(10);
        let mut patient = WriteTimeout::new(near, Duration::from_secs(60), Outflow::default());
        let reader = async {
            for _ in 0..5 {
                sleep(Duration::from_secs(59)).await;
                far.read_u8().await.expect("a byte");
            }
            tokio::time::Instant::now()
        };
        let (written, last) = tokio::join!(patient.write_all(&[0; 100]), reader);
        assert_eq!(written.expect_err("the peer has stopped").kind(), io::ErrorKind::TimedOut);
        assert_eq!(last.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn pieces_are_as_small_as_wanted() {
        let (near, _far) = duplex(1 << 20);
        let mut patient = WriteTimeout::new(near, Duration::from_secs(60), Outflow::default());
        assert_eq!(patient.write(&[0; 5000]).await.expect("written"), 5000);
        assert_eq!(patient.in_small_pieces().write(&[0; 5000]).await.expect("written"), PIECE);
    }
}
