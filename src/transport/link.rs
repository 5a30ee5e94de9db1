//! [`Link`], one connection that carries frames to and from a device, and [`Connect`], the trait that opens it.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use crate::rpc::frame::{Addressing, MAX_REQUEST};
use crate::rpc::{DialFailure, LostReason, Peer, redact};

/// The number of frames that wait in a link in each direction. Beyond that, their sender waits.
const CAPACITY: usize = 16;

/// The session's end of a connection.
///
/// A task of the transport drives the other end, [`LinkDriver`]. Dropping the link ends that task and closes the
/// connection.
#[derive(Debug)]
pub struct Link {
    outgoing: mpsc::Sender<OutgoingFrame>,
    incoming: mpsc::Receiver<Vec<u8>>,
    closed: oneshot::Receiver<LinkEnd>,
}

/// Why a link has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEnd {
    /// The connection broke. The device may have received the frames that were sent.
    Lost(LostReason),
    /// An intermediary, such as a broker, refuses the requests. The device has received none of them.
    Refused(DialFailure),
}

/// The transport's end of a link.
#[derive(Debug)]
pub struct LinkDriver {
    /// The frames to be sent.
    pub outgoing: OutgoingFrames,
    incoming: mpsc::Sender<Vec<u8>>,
    closed: oneshot::Sender<LinkEnd>,
}

impl Link {
    /// Creates the two ends of a link. In each direction, 16 frames may wait.
    #[must_use]
    pub fn pair() -> (Link, LinkDriver) {
        Self::with_capacity(CAPACITY)
    }

    /// Creates the two ends of a link. `frames` is the number of frames that may wait to be sent.
    #[must_use]
    pub fn with_capacity(frames: usize) -> (Link, LinkDriver) {
        let (to_device, outgoing) = mpsc::channel(frames);
        let (from_device, incoming) = mpsc::channel(CAPACITY);
        let (close, closed) = oneshot::channel();
        let outgoing = OutgoingFrames(outgoing);
        (Link { outgoing: to_device, incoming, closed }, LinkDriver { outgoing, incoming: from_device, closed: close })
    }

    /// Waits for a frame from the device or the end of the link. With `to_send`, also waits for room for one frame to
    /// the device.
    ///
    /// Cancel safe.
    pub async fn ready(&mut self, to_send: bool) -> Ready<'_> {
        let Self { outgoing, incoming, closed } = self;
        tokio::select! {
            // Biased so that replies are handled before more requests are sent. A device sends one reply for each
            // request, so that sending is never starved.
            biased;
            received = receive(incoming, closed) => Ready::Received(received),
            Ok(permit) = outgoing.reserve(), if to_send => Ready::CanSend(permit),
        }
    }
}

/// A frame to the device that may be cancelled until it is sent.
#[derive(Clone)]
pub struct OutgoingFrame {
    bytes: Vec<u8>,
    call: Option<Weak<()>>,
}

impl OutgoingFrame {
    /// Creates the frame of a call. It is to be sent only while `call` is alive.
    #[must_use]
    pub fn of_call(bytes: Vec<u8>, call: Weak<()>) -> Self {
        Self { bytes, call: Some(call) }
    }

    /// Tells whether the frame is still to be sent. False once the call has ended or was cancelled.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.call.as_ref().is_none_or(|call| call.strong_count() > 0)
    }

    /// Returns the JSON of the frame.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the JSON of the frame.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Shows the frame without its secrets.
impl fmt::Debug for OutgoingFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OutgoingFrame").field(&redact(&self.bytes)).finish()
    }
}

/// Creates a frame that belongs to no call, and is always sent.
impl From<Vec<u8>> for OutgoingFrame {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, call: None }
    }
}

/// Frames are equal if their bytes are equal.
impl PartialEq for OutgoingFrame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for OutgoingFrame {}

/// The frames that wait in a link. Frames of cancelled calls are skipped.
#[derive(Debug)]
pub struct OutgoingFrames(mpsc::Receiver<OutgoingFrame>);

impl OutgoingFrames {
    /// Returns the JSON of the next frame, or `None` after the link was dropped. Cancel safe.
    pub async fn recv(&mut self) -> Option<Vec<u8>> {
        self.recv_frame().await.map(OutgoingFrame::into_bytes)
    }

    /// Returns the next frame, for a transport that does not send it at once. Cancel safe.
    pub async fn recv_frame(&mut self) -> Option<OutgoingFrame> {
        loop {
            let frame = self.0.recv().await?;
            if frame.is_wanted() {
                return Some(frame);
            }
        }
    }

    /// Returns the JSON of the next frame if one waits.
    #[must_use]
    pub fn try_recv(&mut self) -> Option<Vec<u8>> {
        std::iter::from_fn(|| self.0.try_recv().ok()).find(OutgoingFrame::is_wanted).map(OutgoingFrame::into_bytes)
    }
}

/// The result of [`Link::ready`].
#[derive(Debug)]
pub enum Ready<'a> {
    /// A frame from the device, or the reason why the link has ended.
    Received(Result<Vec<u8>, LinkEnd>),
    /// One frame may be sent.
    CanSend(mpsc::Permit<'a, OutgoingFrame>),
}

async fn receive(
    incoming: &mut mpsc::Receiver<Vec<u8>>,
    closed: &mut oneshot::Receiver<LinkEnd>,
) -> Result<Vec<u8>, LinkEnd> {
    match incoming.recv().await {
        Some(frame) => Ok(frame),
        None => Err(closed.await.unwrap_or_else(|_| LinkEnd::Lost(LostReason::Closed))),
    }
}

impl LinkDriver {
    /// Hands a frame of the device to the session. Returns false if the link was dropped.
    pub async fn deliver(&self, frame: Vec<u8>) -> bool {
        self.incoming.send(frame).await.is_ok()
    }

    /// Waits until the session has dropped the link. The connection is to be closed then.
    pub fn dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        let incoming = self.incoming.clone();
        async move { incoming.closed().await }
    }

    /// Ends the link with [`LinkEnd::Lost`].
    pub fn close(self, reason: impl Into<LostReason>) {
        self.end(LinkEnd::Lost(reason.into()));
    }

    /// Ends the link.
    pub fn end(self, how: LinkEnd) {
        let _ = self.closed.send(how);
    }
}

/// Opens links to one device. Every transport that carries frames over a connection implements this.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection. To set a deadline, the caller drops the future.
    async fn dial(&self) -> Result<Link, DialFailure>;

    /// Returns the device's address for messages, without secrets.
    fn peer(&self) -> &str;

    /// Returns what is connected to: the device, unless a broker is in between.
    fn dialled(&self) -> Peer {
        self.peer().into()
    }

    /// Returns the size that a request has to stay below, in bytes as [`Self::size_of`] counts them.
    fn max_request(&self) -> usize {
        MAX_REQUEST
    }

    /// Returns the number of bytes that the frame takes in the device's receive buffer. Escaping makes a frame longer.
    fn size_of(&self, frame: &[u8]) -> usize {
        frame.len()
    }

    /// Returns the time after which an idempotent call without a reply is sent again. The time doubles with each
    /// transmission. `None`, the default, is for transports that lose no frames without an error.
    fn resends_after(&self) -> Option<Duration> {
        None
    }

    /// Returns what happens to a link when the device reboots.
    fn links(&self) -> Links {
        Links::OfOneBoot
    }

    /// Tells whether the device may execute a call twice that was sent once.
    fn may_execute_twice(&self) -> bool {
        false
    }

    /// Returns the number of calls that may be in flight and still arrive in the order in which they were made.
    /// Default: 8.
    ///
    /// The default was measured with frames of 3 KB to a simulated device that takes 20 ms for each, at a network delay
    /// of 80 ms. A window of one takes 3.6 times as long as a window of six, a window of four 1.3 times as long. More
    /// than six gain nothing. By the same calculation, eight are enough for a delay of 140 ms. More would only wait in
    /// buffers, and be sent again after a lost link.
    fn window(&self) -> usize {
        8
    }

    /// Tells whether the line or the device's buffer can lose a request without an error.
    fn may_lose_requests(&self) -> bool {
        false
    }

    /// Reports that a request was lost in transit although the link is up. See
    /// [`RpcClient::report_loss`](crate::rpc::RpcClient::report_loss).
    fn report_loss(&self) -> bool {
        false
    }

    /// Returns the sender and receiver of each frame, if the transport needs them in the frame.
    fn addressing(&self) -> Option<&Addressing> {
        None
    }

    /// Returns the cause of a missing reply, as far as the transport knows it.
    fn silence(&self) -> Option<Silence> {
        None
    }
}
