//! The byte streams that carry HTTP and WebSocket: TCP, or TLS over TCP.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// A connection. Dropping it closes the connection without a TLS `close_notify`.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Returns the underlying TCP connection.
    fn tcp(&self) -> &TcpStream;
}

impl ByteStream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl ByteStream for TlsStream<TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref().0
    }
}
