//! A stream whose peer has to take bytes now and then, and which tells what it took.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_io_timeout::TimeoutWriter;

use crate::rpc::deadline::MAX_TIMEOUT;

/// The most that one write hands over, in bytes. Over TLS it is the size of a record: a device has little memory for records. The limit of
/// rustls would cut the messages of the handshake too, and not every device joins those.
const TLS_RECORD: usize = 1024;

/// Tells what has left a stream. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Outflow(Arc<Outlet>);

#[derive(Default)]
struct Outlet {
    /// Every byte that was handed to the stream has left it.
    flushed: AtomicBool,
    /// Called when the peer has taken bytes.
    taken: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Outflow {
    /// Notes that bytes will be handed to the stream. hyper flushes a stream only when it has no bytes left for it.
    pub(super) fn begin_write(&self) {
        self.0.flushed.store(false, Ordering::Release);
    }

    /// Tells whether every byte has left the stream.
    pub(super) fn is_flushed(&self) -> bool {
        self.0.flushed.load(Ordering::Acquire)
    }

    /// Calls `call` from now on whenever the peer has taken bytes. Only the first call of this method counts.
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

/// The stream. Reads have no timeout here; the server limits the time for the head of a request.
#[derive(Debug)]
pub(super) struct WriteTimeout<S> {
    stream: Pin<Box<TimeoutWriter<S>>>,
    /// The most that one write hands over, in bytes.
    piece: usize,
    outflow: Outflow,
}

impl<S: AsyncWrite> WriteTimeout<S> {
    /// Creates a stream that fails once the peer has taken no bytes for `stall`.
    pub(super) fn new(stream: S, stall: Duration, outflow: Outflow) -> Self {
        let mut stream = TimeoutWriter::new(stream);
        // `Duration::MAX` means "no limit", and would overflow the clock.
        stream.set_timeout(Some(stall.min(MAX_TIMEOUT)));
        Self { stream: Box::pin(stream), piece: usize::MAX, outflow }
    }

    /// Limits each write to a TLS record that a device has memory for.
    pub(super) fn in_tls_records(self) -> Self {
        Self { piece: TLS_RECORD, ..self }
    }
}

impl<S: AsyncRead + AsyncWrite> AsyncRead for WriteTimeout<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_read(context, buffer)
    }
}

impl<S: AsyncWrite> AsyncWrite for WriteTimeout<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let piece = &bytes[..bytes.len().min(self.piece)];
        let result = self.stream.as_mut().poll_write(context, piece);
        if matches!(result, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.outflow.taken();
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = self.stream.as_mut().poll_flush(context);
        if let Poll::Ready(Ok(())) = result {
            self.outflow.0.flushed.store(true, Ordering::Release);
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream.as_mut().poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    /// A slow peer is not cut off: each byte that it takes restarts its time.
    #[tokio::test(start_paused = true)]
    async fn timeout_counts_from_the_last_byte_taken() {
        let (near, mut far) = duplex(10);
        let mut stream = WriteTimeout::new(near, Duration::from_secs(60), Outflow::default());
        let reader = async {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(59)).await;
                far.read_u8().await.expect("a byte");
            }
            tokio::time::Instant::now()
        };
        let (written, last) = tokio::join!(stream.write_all(&[0; 100]), reader);
        assert_eq!(written.expect_err("the peer has stopped").kind(), io::ErrorKind::TimedOut);
        assert_eq!(last.elapsed().as_secs(), 60);
    }

    #[tokio::test]
    async fn writes_in_tls_records_are_limited() {
        let (near, _far) = duplex(1 << 20);
        let mut stream = WriteTimeout::new(near, Duration::from_secs(60), Outflow::default());
        assert_eq!(stream.write(&[0; 5000]).await.expect("written"), 5000);
        assert_eq!(stream.in_tls_records().write(&[0; 5000]).await.expect("written"), TLS_RECORD);
    }

    #[tokio::test(start_paused = true)]
    async fn longest_stall_does_not_overflow() {
        let (near, mut far) = duplex(10);
        let mut stream = WriteTimeout::new(near, Duration::MAX, Outflow::default());
        let reader = async {
            tokio::time::sleep(Duration::from_secs(3600)).await;
            let mut all = [0; 100];
            far.read_exact(&mut all).await.expect("the bytes")
        };
        let (written, read) = tokio::join!(stream.write_all(&[0; 100]), reader);
        assert_eq!((written.is_ok(), read), (true, 100), "after an hour without a byte");
    }
}
