//! WebSocket: one text message per frame.
//!
//! The device pings about every 5 s when idle, and so do we. A chip that resets closes no
//! connection; the missing answers are how a link that nothing is asked of is found to be dead.

use std::time::Duration;
use std::{fmt, io};

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::Request as Handshake;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::link::{Connect, Link, LinkDriver};
use super::reach::{reach, within};
use super::target::{Endpoint, Login};
use super::tls::{self, Connector};
use super::{ConnectError, Options};
use crate::rpc::DialError;

/// The largest message that is taken from a device, in bytes. Its own frames end at 4096, but a
/// file or a list may be longer; a peer that sends more than this is no device.
const MAX_MESSAGE: usize = 1 << 20;

/// The buffers of a connection, in bytes. Frames are small, and the usual 128 KiB would be most of
/// what the process uses.
const BUFFER: usize = 4096;

/// Nothing came for this long: ask whether the device is still there.
const PING_AFTER: Duration = Duration::from_secs(5);

/// Nothing came for this long, although we asked: it is not.
const DEAD_AFTER: Duration = Duration::from_secs(15);

/// The way to a device over WebSocket.
pub struct WebSocket {
    endpoint: Endpoint,
    peer: String,
    /// For `wss`; it may hold all the roots of the system.
    tls: Option<Connector>,
    connect_timeout: Duration,
}

impl WebSocket {
    /// A way to `endpoint`. Loads root certificates only for `wss`.
    pub fn new(endpoint: &Endpoint, options: &Options) -> Result<Self, ConnectError> {
        Ok(Self {
            endpoint: endpoint.clone(),
            peer: endpoint.to_string(),
            tls: endpoint.is_tls().then(|| Connector::new(&options.tls)).transpose()?,
            connect_timeout: options.connect_timeout,
        })
    }

    async fn open(&self) -> Result<Link, DialError> {
        let tcp = reach(&self.endpoint, self.connect_timeout).await?;
        let Some(tls) = &self.tls else {
            return self.shake_hands(tcp).await;
        };
        let stream = tls.connect(self.endpoint.host(), tcp).await?;
        self.shake_hands(stream).await
    }

    async fn shake_hands<S>(&self, stream: S) -> Result<Link, DialError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE))
            .read_buffer_size(BUFFER)
            .write_buffer_size(0);
        let (socket, _) =
            client_async_with_config(self.handshake()?, stream, Some(config)).await.map_err(|e| self.refused(&e))?;
        if let Some(tls) = &self.tls {
            tls.client_auth().admitted();
        }
        let (link, driver) = Link::pair();
        tokio::spawn(drive(socket, driver));
        Ok(link)
    }

    fn handshake(&self) -> Result<Handshake, DialError> {
        let mut request =
            self.endpoint.url.as_str().into_client_request().map_err(|e| DialError::Other(e.to_string()))?;
        if let Some(Login { user, password }) = &self.endpoint.login {
            let password = password.as_deref().unwrap_or_default();
            let mut value = HeaderValue::from_str(&format!("Bearer {user}:{password}"))
                .map_err(|_| DialError::Other("user or password cannot stand in a header".into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        Ok(request)
    }

    /// What a failed handshake means.
    fn refused(&self, error: &Error) -> DialError {
        let cause = match error {
            Error::Http(response) => {
                return match response.status().as_u16() {
                    401 | 403 => DialError::Unauthorised,
                    status => DialError::NotRpc(format!("it answered with HTTP status {status} instead of WebSocket")),
                };
            }
            Error::Protocol(ProtocolError::HandshakeIncomplete) => DialError::HungUp,
            Error::Io(error) => tls::explain(error),
            other => return DialError::NotRpc(format!("WebSocket handshake: {other}")),
        };
        match self.tls.as_ref().and_then(|tls| tls.client_auth().refusal(&cause)) {
            Some(refusal) => refusal,
            None if cause == DialError::HungUp => {
                DialError::NotRpc("it closed the connection during the WebSocket handshake".into())
            }
            None => cause,
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WebSocket").field(&self.peer).finish()
    }
}

#[async_trait]
impl Connect for WebSocket {
    async fn dial(&self) -> Result<Link, DialError> {
        within(self.connect_timeout, Box::pin(self.open())).await
    }

    fn peer(&self) -> &str {
        &self.peer
    }
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

async fn carry<S>(mut socket: WebSocketStream<S>, driver: &mut LinkDriver) -> String
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut heard = Instant::now();
    let mut asked = false;
    loop {
        let patience = if asked { DEAD_AFTER } else { PING_AFTER };
        let sent = tokio::select! {
            message = socket.next() => {
                (heard, asked) = (Instant::now(), false);
                match message {
                    Some(Ok(Message::Text(text))) => {
                        driver.deliver(Bytes::from(text).into()).await;
                        Ok(())
                    }
                    Some(Ok(Message::Binary(bytes))) => {
                        driver.deliver(bytes.into()).await;
                        Ok(())
                    }
                    Some(Ok(Message::Close(_))) | None => return "the device closed the connection".into(),
                    Some(Ok(_)) => Ok(()),
                    Some(Err(error)) => Err(error),
                }
            }
            Some(frame) = driver.outgoing.recv() => match Utf8Bytes::try_from(frame) {
                Ok(text) => match timeout(DEAD_AFTER, socket.send(Message::Text(text))).await {
                    Ok(sent) => sent,
                    Err(_) => return takes_nothing(),
                },
                Err(error) => return error.to_string(),
            },
            () = sleep_until(heard + patience) => {
                if asked {
                    return format!("the device has been silent for {} s", DEAD_AFTER.as_secs());
                }
                asked = true;
                match timeout(DEAD_AFTER, socket.send(Message::Ping(Bytes::new()))).await {
                    Ok(sent) => sent,
                    Err(_) => return takes_nothing(),
                }
            }
        };
        match sent {
            Ok(()) => {}
            Err(Error::ConnectionClosed | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return "the device closed the connection".into();
            }
            // A server that ends TCP without a word has not ended TLS, which is an error of its own.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return "the device closed the connection".into();
            }
            Err(error) => return error.to_string(),
        }
    }
}

fn takes_nothing() -> String {
    format!("the device has taken nothing for {} s", DEAD_AFTER.as_secs())
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio_tungstenite::tungstenite::protocol::Role;

    use super::*;

    /// The device's buffers are full, so that not even the ping goes out.
    #[tokio::test(start_paused = true)]
    async fn ping_that_the_device_does_not_take_ends_the_link() {
        let (ours, _device) = duplex(1);
        let socket = WebSocketStream::from_raw_socket(ours, Role::Client, None).await;
        let (_link, mut driver) = Link::pair();
        let began = Instant::now();
        let ended = timeout(Duration::from_secs(600), carry(socket, &mut driver)).await;
        assert_eq!(ended.as_deref(), Ok("the device has taken nothing for 15 s"));
        assert_eq!(began.elapsed(), PING_AFTER + DEAD_AFTER);
    }
}
