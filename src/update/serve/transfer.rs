//! A part of the bundle on its way to one client: the body of an answer.

use std::convert::Infallible;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::handler::Handler;
use super::write_timeout::Outflow;

/// Largest piece of the body, in bytes. The handler counts a piece when hyper gets it, so that a large piece would count long before
/// a slow device has it.
const FRAME: usize = 4 << 10;

/// What is left of it, and who counts. Counted is what is handed on; between that and the peer there is room for little
/// more than a [`PIECE`](super::PIECE).
#[derive(Debug)]
pub(super) struct Transfer {
    left: Bytes,
    /// The handler, and the number of the transfer there; `None` for an empty body.
    counted: Option<(Arc<Handler>, u64)>,
    /// Of the stream that it goes to.
    outflow: Outflow,
}

impl Transfer {
    pub(super) fn nothing() -> Self {
        Self { left: Bytes::new(), counted: None, outflow: Outflow::default() }
    }

    /// These bytes of the bundle, as transfer `number`.
    pub(super) fn new(
        bundle: &Bytes,
        part: &Range<u64>,
        handler: &Arc<Handler>,
        number: u64,
        outflow: Outflow,
    ) -> Self {
        let index = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bundle.len());
        let left = bundle.slice(index(part.start)..index(part.end));
        let taking = Arc::clone(handler);
        outflow.on_taken(move || taking.taken(number));
        Self { left, counted: Some((Arc::clone(handler), number)), outflow }
    }
}

impl Body for Transfer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let len = self.left.len().min(FRAME);
        let piece = self.left.split_to(len);
        self.outflow.hand_on();
        if let Some((handler, number)) = &self.counted {
            handler.sent(*number, len as u64);
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
