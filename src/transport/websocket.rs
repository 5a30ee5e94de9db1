//! WebSocket: one text message per frame.
//!
//! The device pings about every 5 s when the connection is idle, and so does otactl. A chip that resets does not close
//! the connection. An unanswered ping is what shows that an idle link is dead.
//!
//! - `handshake`: the opening handshake;
//! - `untyped`: accepts text that is not UTF-8.

mod handshake;
mod untyped;

use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request as Handshake;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tracing::Instrument as _;

use super::connect_error::ConnectError;
use super::link::{Connect, Link, LinkDriver};
use super::reach::{reach, within};
use super::target::{Endpoint, Login};
use super::tls::{self, Connector};
use crate::rpc::{Cause, DialError, DialFailure, LostReason};
use handshake::HandshakeError;
use untyped::{FrameHeads, Untyped};

/// The size of the largest message that is accepted from a device, in bytes.
///
/// Most frames of a device have at most 4096 bytes, but a file or a list may be longer. A peer that sends more than
/// this is not a device.
const MAX_MESSAGE: usize = 1 << 20;

/// The size of the read buffer of a connection, in bytes.
///
/// Frames are small. The default of 128 KiB would be most of the memory that the process uses.
const READ_BUFFER: usize = 4096;

/// The size of the write buffer, in bytes. It has room for a frame and the answer to a ping.
///
/// Nothing more is read or sent until the buffer is empty.
const MAX_UNWRITTEN: usize = 16 << 10;

/// How long nothing may arrive before otactl sends a ping.
const PING_AFTER: Duration = Duration::from_secs(5);

/// How long nothing may arrive, although a ping was sent, or how long a write may take, before the link counts as dead.
const DEAD_AFTER: Duration = Duration::from_secs(15);

/// Connects to a device over WebSocket.
pub struct WebSocket {
    endpoint: Endpoint,
    peer: String,
    /// The TLS side of `wss`. Created once, since it may hold all root certificates of the system.
    tls: Option<Connector>,
    connect_timeout: Duration,
}

impl WebSocket {
    /// Creates a client of the device at `endpoint`. Loads root certificates only for `wss`.
    pub fn new(endpoint: &Endpoint, connect_timeout: Duration, tls: &tls::TlsSettings) -> Result<Self, ConnectError> {
        Ok(Self {
            endpoint: endpoint.clone(),
            peer: endpoint.to_string(),
            tls: endpoint.is_tls().then(|| Connector::new(tls)).transpose()?,
            connect_timeout,
        })
    }

    /// Opens the TCP connection, and for `wss` the TLS connection, and performs the WebSocket handshake.
    async fn open(&self) -> Result<Link, DialFailure> {
        let tcp = reach(&self.endpoint, self.connect_timeout).await?;
        let Some(tls) = &self.tls else {
            return self.shake_hands(tcp).await;
        };
        let stream = tls.connect(self.endpoint.host(), tcp).await?;
        self.shake_hands(stream).await
    }

    /// Performs the WebSocket handshake, and spawns the driver of the link.
    async fn shake_hands<S>(&self, mut stream: S) -> Result<Link, DialFailure>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut read = handshake::shake_hands(&mut stream, self.handshake_request()?)
            .await
            .map_err(|error| self.refused(error))?;
        if let Some(tls) = &self.tls {
            tls.client_auth().admitted();
        }
        let mut heads = FrameHeads::default();
        heads.untype(&mut read);
        let stream = Untyped::new(stream, heads);
        let socket = WebSocketStream::from_partially_read(stream, read, Role::Client, Some(config())).await;
        let (link, driver) = Link::pair();
        tokio::spawn(drive(socket, driver).in_current_span());
        Ok(link)
    }

    /// Creates the request of the handshake, with the credentials of the URL.
    fn handshake_request(&self) -> Result<Handshake, DialFailure> {
        let mut request = self
            .endpoint
            .url
            .as_str()
            .into_client_request()
            .map_err(|e| DialFailure::new(DialError::Other(e.to_string()), e))?;
        if let Some(Login { user, password }) = &self.endpoint.login {
            let password = password.as_deref().unwrap_or_default();
            let mut value = HeaderValue::from_str(&format!("Bearer {user}:{password}"))
                .map_err(|_| DialError::Other("user or password cannot stand in a header".into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// Explains why the handshake failed.
    fn refused(&self, error: HandshakeError) -> DialFailure {
        let failure = match error {
            HandshakeError::Status(401 | 403) => return DialError::Unauthorised.into(),
            HandshakeError::Status(status) => {
                return DialError::NotRpc(format!("it answered with HTTP status {status} instead of WebSocket")).into();
            }
            HandshakeError::Tls => return DialError::TlsPort.into(),
            HandshakeError::Closed => DialError::HungUp.into(),
            HandshakeError::Io(error) => DialFailure::new(tls::explain(&error), error),
            HandshakeError::Other(what) => return DialError::NotRpc(format!("WebSocket handshake: {what}")).into(),
        };
        let cause = match self.tls.as_ref().and_then(|tls| tls.client_auth().refusal(&failure.cause)) {
            Some(refusal) => refusal,
            None if failure.cause == DialError::HungUp => {
                DialError::NotRpc("it closed the connection during the WebSocket handshake".into())
            }
            None => return failure,
        };
        DialFailure { cause, ..failure }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.peer).finish()
    }
}

#[async_trait]
impl Connect for WebSocket {
    async fn dial(&self) -> Result<Link, DialFailure> {
        within(self.connect_timeout, Box::pin(self.open())).await
    }

    fn peer(&self) -> &str {
        &self.peer
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_UNWRITTEN)
}

/// Carries frames between the socket and the link until one of them ends.
async fn drive<S>(socket: WebSocketStream<S>, mut driver: LinkDriver)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let dropped = driver.dropped();
    let reason = tokio::select! {
        () = dropped => return,
        reason = carry(socket, &mut driver) => reason,
    };
    driver.close(reason);
}

/// Carries frames until the connection ends. Returns the reason.
async fn carry<S>(mut socket: WebSocketStream<S>, driver: &mut LinkDriver) -> LostReason
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut last_received = Instant::now();
    let mut is_pinged = false;
    loop {
        let silence = if is_pinged { DEAD_AFTER } else { PING_AFTER };
        let sent = tokio::select! {
            message = socket.next() => {
                (last_received, is_pinged) = (Instant::now(), false);
                match message {
                    // A text message arrives as a binary one: see `Untyped`.
                    Some(Ok(Message::Binary(bytes))) => {
                        driver.deliver(bytes.into()).await;
                        Ok(Ok(()))
                    }
                    Some(Ok(Message::Close(_))) | None => return LostReason::ClosedByDevice,
                    // The answer has to be written before the next ping is read.
                    Some(Ok(Message::Ping(_))) => timeout(DEAD_AFTER, socket.flush()).await,
                    Some(Ok(_)) => Ok(Ok(())),
                    Some(Err(error)) => Ok(Err(error)),
                }
            }
            Some(frame) = driver.outgoing.recv() => match Utf8Bytes::try_from(frame) {
                Ok(text) => timeout(DEAD_AFTER, socket.send(Message::Text(text))).await,
                Err(error) => return LostReason::Failed(Cause::new(error)),
            },
            () = sleep_until(last_received + silence) => {
                if is_pinged {
                    return LostReason::Silent(DEAD_AFTER);
                }
                is_pinged = true;
                timeout(DEAD_AFTER, socket.send(Message::Ping(Bytes::new()))).await
            }
        };
        let Ok(sent) = sent else { return LostReason::NothingTaken(DEAD_AFTER) };
        match sent {
            Ok(()) => {}
            Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return LostReason::ClosedByDevice;
            }
            // A server that closes TCP without closing TLS first causes this error.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return LostReason::ClosedByDevice;
            }
            Err(error) => return LostReason::Failed(Cause::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt as _, duplex};
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// The answers to the pings must not fill the memory, and the pings must not keep the link alive.
    #[tokio::test(start_paused = true)]
    async fn peer_that_pings_and_reads_nothing_is_a_dead_link() {
        let (mut peer, ours) = duplex(4096);
        let socket = WebSocketStream::from_raw_socket(ours, Role::Client, Some(config())).await;
        let (_link, mut driver) = Link::pair();
        let flood = async {
            for _ in 0..10_000 {
                let _ = peer.write_all(&[&[0x89, 125][..], &[b'x'; 125]].concat()).await;
            }
            LostReason::from("the peer was read without end")
        };
        let reason = tokio::select! {
            reason = carry(socket, &mut driver) => reason,
            reason = flood => reason,
        };
        assert_eq!(reason.to_string(), "the device has taken nothing for 15 s");
    }

    /// The buffers of the device are full, so that even the ping is not sent.
    #[tokio::test(start_paused = true)]
    async fn ping_not_taken_by_device_ends_the_link() {
        let (ours, _device) = duplex(1);
        let socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let (_link, mut driver) = Link::pair();
        let began = Instant::now();
        let ended = timeout(Duration::from_secs(600), carry(socket, &mut driver)).await;
        assert_eq!(ended, Ok(LostReason::NothingTaken(DEAD_AFTER)));
        assert_eq!(began.elapsed(), PING_AFTER + DEAD_AFTER);
    }
}
