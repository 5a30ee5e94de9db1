//! A link: frames to and from one device, for as long as a connection lasts.

use std::fmt;
use std::sync::Weak;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, oneshot};

use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use crate::rpc::frame::{Addressing, MAX_REQUEST};
use crate::rpc::{DialError, redact};

/// How many frames wait in a link, in either direction, before their sender waits too.
const CAPACITY: usize = 16;

/// Our end of a connection. A task of the transport's drives the other end; dropping the link ends
/// that task and closes the connection.
#[derive(Debug)]
pub struct Link {
    outgoing: mpsc::Sender<OutgoingFrame>,
    incoming: mpsc::Receiver<Vec<u8>>,
    closed: oneshot::Receiver<Ended>,
}

/// Why a link has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// The connection broke. The device may have got what was sent.
    Lost(String),
    /// What stands between refuses to carry the requests, so that the device has got none of them.
    Refused(DialError),
}

/// The transport's end of a link.
#[derive(Debug)]
pub struct LinkDriver {
    /// Frames to be sent.
    pub outgoing: OutgoingFrames,
    incoming: mpsc::Sender<Vec<u8>>,
    closed: oneshot::Sender<Ended>,
}

impl Link {
    /// Two ends of a link.
    #[must_use]
    pub fn pair() -> (Link, LinkDriver) {
        Self::with_capacity(CAPACITY)
    }

    /// The same, where so many frames wait to be sent before their sender waits too.
    #[must_use]
    pub fn with_capacity(frames: usize) -> (Link, LinkDriver) {
        let (to_device, outgoing) = mpsc::channel(frames);
        let (from_device, incoming) = mpsc::channel(CAPACITY);
        let (close, closed) = oneshot::channel();
        let outgoing = OutgoingFrames(outgoing);
        (Link { outgoing: to_device, incoming, closed }, LinkDriver { outgoing, incoming: from_device, closed: close })
    }

    /// What comes first: a frame from the device (or the link's end), or, if `to_send`, a place for
    /// one frame to the device. May be cancelled without losing a frame.
    pub async fn ready(&mut self, to_send: bool) -> Ready<'_> {
        let Self { outgoing, incoming, closed } = self;
        tokio::select! {
            // Biased so that replies are taken before more is sent; a device answers no faster than
            // it is asked, so that sending is never starved.
            biased;
            received = receive(incoming, closed) => Ready::Received(received),
            Ok(permit) = outgoing.reserve(), if to_send => Ready::CanSend(permit),
        }
    }
}

/// A frame to the device, and whether it still has to be sent.
#[derive(Clone)]
pub struct OutgoingFrame {
    bytes: Vec<u8>,
    call: Option<Weak<()>>,
}

impl OutgoingFrame {
    /// Creates the frame of a call, which is to be sent as long as `call` has an owner.
    #[must_use]
    pub fn of_call(bytes: Vec<u8>, call: Weak<()>) -> Self {
        Self { bytes, call: Some(call) }
    }

    /// Returns false once the call has ended or was cancelled. The frame must not be sent then.
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

/// As a log may show it.
impl fmt::Debug for OutgoingFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OutgoingFrame").field(&redact(&self.bytes)).finish()
    }
}

/// Creates a frame that is sent in any case.
impl From<Vec<u8>> for OutgoingFrame {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, call: None }
    }
}

/// Two frames are equal if their JSON is.
impl PartialEq for OutgoingFrame {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for OutgoingFrame {}

/// The frames that wait in a link, without those of cancelled calls.
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

/// See [`Link::ready`].
#[derive(Debug)]
pub enum Ready<'a> {
    /// A frame, or the reason why there will be no more.
    Received(Result<Vec<u8>, Ended>),
    /// One frame may be sent.
    CanSend(mpsc::Permit<'a, OutgoingFrame>),
}

async fn receive(
    incoming: &mut mpsc::Receiver<Vec<u8>>,
    closed: &mut oneshot::Receiver<Ended>,
) -> Result<Vec<u8>, Ended> {
    match incoming.recv().await {
        Some(frame) => Ok(frame),
        None => Err(closed.await.unwrap_or_else(|_| Ended::Lost("the connection was closed".into()))),
    }
}

impl LinkDriver {
    /// Hands a frame of the device's on. False if nobody wants it any more.
    pub async fn deliver(&self, frame: Vec<u8>) -> bool {
        self.incoming.send(frame).await.is_ok()
    }

    /// Returns when our end was dropped, and the connection is to be closed.
    pub fn dropped(&self) -> impl Future<Output = ()> + Send + 'static {
        let incoming = self.incoming.clone();
        async move { incoming.closed().await }
    }

    /// Ends the link, and says why.
    pub fn close(self, reason: impl Into<String>) {
        self.end(Ended::Lost(reason.into()));
    }

    /// Ends the link in this way.
    pub fn end(self, how: Ended) {
        let _ = self.closed.send(how);
    }
}

/// A way to get a link to one device: what a stream transport has to offer.
#[async_trait]
pub trait Connect: Send + Sync + 'static {
    /// Opens a connection. The caller sets the deadline, by dropping the future.
    async fn dial(&self) -> Result<Link, DialError>;

    /// The device's address for messages, without secrets.
    fn peer(&self) -> &str;

    /// What is dialled, for messages: the device itself, unless somebody stands between.
    fn dialled(&self) -> &str {
        self.peer()
    }

    /// Returns the size that every request has to stay below, in bytes as [`Self::size_of`] counts them.
    fn max_request(&self) -> usize {
        MAX_REQUEST
    }

    /// How much of a device's receive buffer this frame takes, in bytes. What is escaped on the way grows.
    fn size_of(&self, frame: &[u8]) -> usize {
        frame.len()
    }

    /// Whether frames can be lost on the way without anybody noticing. If so, a call that may arrive
    /// twice is sent again after this long, and after twice that, and so on.
    fn resends_after(&self) -> Option<Duration> {
        None
    }

    /// Returns what becomes of a link when the device reboots.
    fn links(&self) -> Links {
        Links::OfOneBoot
    }

    /// Tells whether the device may execute a call twice that was sent once.
    fn may_execute_twice(&self) -> bool {
        false
    }

    /// How many calls may be under way and still arrive in the order in which they were made.
    ///
    /// Measured with frames of 3 KB to a simulated device that takes 20 ms for each, and 80 ms for the way: one at a
    /// time takes 3.6 times as long as six, four take 1.3 times as long, and more than six gain nothing. By the same
    /// reckoning eight are enough for 140 ms. More would only wait in buffers, and be sent again after a lost link.
    fn window(&self) -> usize {
        8
    }

    /// Whether the line or the device's buffer can lose a request without a trace.
    fn may_lose_requests(&self) -> bool {
        false
    }

    /// Reports that a request was lost on its way, although the link stands: see
    /// [`RpcClient::report_loss`](crate::rpc::RpcClient::report_loss).
    fn report_loss(&self) -> bool {
        false
    }

    /// Who asks whom, if every frame has to say it.
    fn addressing(&self) -> Option<&Addressing> {
        None
    }

    /// What is known about why no answer comes.
    fn silence(&self) -> Option<Silence> {
        None
    }
}
