//! The opening handshake on the client's side (RFC 6455, section 4).
//!
//! That of tungstenite is not used: it refuses a `Connection` header with more than one value. A proxy sends
//! `keep-alive, Upgrade`.

use std::io;

use httparse::{Response, Status};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_request};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// The maximum size of the head of an answer, in bytes.
const MAX_HEAD_SIZE: usize = 16 << 10;

/// The maximum number of headers in an answer.
const MAX_HEADERS: usize = 100;

/// The beginning of a TLS record with an alert: its type, and the first byte of every version of TLS.
const TLS_ALERT: &[u8] = b"\x15\x03";

/// The reason why a handshake failed.
#[derive(Debug)]
pub(super) enum HandshakeError {
    /// The server answered with another status than 101.
    Status(u16),
    /// The connection ended before the end of the answer.
    Closed,
    /// The connection failed.
    Io(io::Error),
    /// The answer is a message of TLS.
    Tls,
    /// The answer is not one of a WebSocket server. The text is the reason.
    Other(String),
}

/// Sends the request and reads the answer. Returns the bytes that follow the answer.
pub(super) async fn shake_hands<S>(stream: &mut S, request: Request) -> Result<Vec<u8>, HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (request, key) = generate_request(request).map_err(|error| HandshakeError::Other(error.to_string()))?;
    stream.write_all(&request).await.map_err(HandshakeError::Io)?;
    stream.flush().await.map_err(HandshakeError::Io)?;
    let accept = derive_accept_key(key.as_bytes());
    let mut buffer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut buffer).await.map_err(HandshakeError::Io)? == 0 {
            return Err(HandshakeError::Closed);
        }
        if let Some(head) = read_answer(&buffer, &accept)? {
            return Ok(buffer.split_off(head));
        }
        if buffer.len() > MAX_HEAD_SIZE {
            return Err(HandshakeError::Other(format!("the head of the answer is larger than {MAX_HEAD_SIZE} bytes")));
        }
    }
}

/// Returns the length of the head of an answer that opens a WebSocket, or `None` if more bytes are needed.
fn read_answer(bytes: &[u8], accept: &str) -> Result<Option<usize>, HandshakeError> {
    let refuse = |reason: &str| Err(HandshakeError::Other(reason.into()));
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut answer = Response::new(&mut headers);
    let len = match answer.parse(bytes) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        // A server answers a request without TLS with an alert.
        Err(_) if bytes.starts_with(TLS_ALERT) => return Err(HandshakeError::Tls),
        Err(_) => return refuse("its answer is not HTTP"),
    };
    if let Some(status) = answer.code.filter(|status| *status != 101) {
        return Err(HandshakeError::Status(status));
    }
    let values = |name: &'static str| {
        let named = answer.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.filter_map(|header| std::str::from_utf8(header.value).ok())
    };
    let has = |name, token: &str| {
        values(name).flat_map(|value| value.split(',')).any(|t| t.trim().eq_ignore_ascii_case(token))
    };
    if !has("Upgrade", "websocket") {
        return refuse("its answer has no `Upgrade: websocket`");
    }
    if !has("Connection", "upgrade") {
        return refuse("its answer has no `Connection: Upgrade`");
    }
    if !values("Sec-WebSocket-Accept").any(|value| value.trim() == accept) {
        return refuse("the `Sec-WebSocket-Accept` of its answer is not that of the request");
    }
    if values("Sec-WebSocket-Protocol").next().is_some() {
        return refuse("its answer names a sub-protocol, and none was offered");
    }
    Ok(Some(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Option<usize>, HandshakeError> {
        read_answer(head.as_bytes(), "abc=")
    }

    #[test]
    fn answer_that_opens_a_websocket_is_accepted() {
        for headers in [
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: abc=\r\n",
            "upgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\nsec-websocket-accept: abc=\r\n",
            "Connection: keep-alive\r\nConnection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n",
        ] {
            let head = format!("HTTP/1.1 101 Switching Protocols\r\n{headers}\r\n");
            assert!(matches!(read(&format!("{head}\u{1}x")), Ok(Some(len)) if len == head.len()), "{head}");
            for end in 0..head.len() {
                assert!(matches!(read(&head[..end]), Ok(None)), "{}", &head[..end]);
            }
        }
    }

    #[test]
    fn answer_that_opens_no_websocket_is_refused() {
        let rest = "Upgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n";
        for (head, expected) in [
            (format!("HTTP/1.1 101 X\r\n{rest}Connection: keep-alive\r\n\r\n"), "`Connection: Upgrade`"),
            (format!("HTTP/1.1 101 X\r\n{rest}Connection: upgraded\r\n\r\n"), "`Connection: Upgrade`"),
            ("HTTP/1.1 101 X\r\nConnection: Upgrade\r\n\r\n".into(), "`Upgrade: websocket`"),
            (
                "HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n".into(),
                "`Sec-WebSocket-Accept`",
            ),
            (
                format!("HTTP/1.1 101 X\r\n{rest}Connection: Upgrade\r\nSec-WebSocket-Protocol: x\r\n\r\n"),
                "sub-protocol",
            ),
            ("SSH-2.0-OpenSSH_9.6\r\n".into(), "not HTTP"),
        ] {
            assert!(matches!(read(&head), Err(HandshakeError::Other(what)) if what.contains(expected)), "{head}");
        }
        assert!(matches!(read("\x15\x03\x03\0\x02\x02\x0a"), Err(HandshakeError::Tls)));
        let refused = read("HTTP/1.1 404 Not Found\r\n\r\n");
        assert!(matches!(refused, Err(HandshakeError::Status(404))), "{refused:?}");
    }
}
