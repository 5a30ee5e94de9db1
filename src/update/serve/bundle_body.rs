//! The body of a response: a part of the bundle for one client.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::write_timeout::Outflow;

/// Largest piece of the body, in bytes. The handler counts a piece when hyper gets it, so that a large piece would count long before
/// a slow device has it.
const MAX_FRAME: usize = 4 << 10;

/// The bytes that are not sent yet, and the count of those that were handed on. Between a count and the peer there is room for little
/// more than a [`BUFFER_SIZE`](super::listen::BUFFER_SIZE).
pub(super) struct BundleBody {
    left: Bytes,
    /// Called with the number of bytes of each piece; `None` for an empty body.
    on_sent: Option<Box<dyn Fn(u64) + Send + Sync>>,
    /// The outflow of the stream that carries the body.
    outflow: Outflow,
}

impl BundleBody {
    pub(super) fn nothing() -> Self {
        Self { left: Bytes::new(), on_sent: None, outflow: Outflow::default() }
    }

    /// The bytes `part` of the bundle. `on_sent` is called with the size of each piece that is handed to the stream.
    pub(super) fn new(
        bundle: &Bytes,
        part: &Range<u64>,
        on_sent: impl Fn(u64) + Send + Sync + 'static,
        outflow: Outflow,
    ) -> Self {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bundle.len());
        let left = bundle.slice(index(part.start)..index(part.end));
        Self { left, on_sent: Some(Box::new(on_sent)), outflow }
    }
}

impl Body for BundleBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let len = self.left.len().min(MAX_FRAME);
        let piece = self.left.split_to(len);
        self.outflow.begin_write();
        if let Some(on_sent) = &self.on_sent {
            on_sent(len as u64);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}
