//! TLS for HTTP and WebSocket.
//!
//! The TLS bytes do not imitate the device's own library (mbedTLS): the recordings contain only the data within TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::sim::board::Board;
use crate::sim::ports::http;

/// Serves one connection until the connection or this boot ends.
pub async fn serve(stream: TcpStream, peer: SocketAddr, board: Arc<Board>, acceptor: TlsAcceptor) {
    let boot = board.boot();
    let mut handshake = acceptor.accept(stream);
    let accepted = tokio::select! {
        biased;
        () = board.until_off(boot) => {
            board.keep_half_open(handshake);
            return;
        }
        accepted = &mut handshake => accepted,
    };
    // A client whose handshake fails has received an alert with the reason.
    if let Ok(stream) = accepted {
        http::serve(stream, peer, board).await;
    }
}
