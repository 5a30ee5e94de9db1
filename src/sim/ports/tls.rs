//! TLS below HTTP and WebSocket. The device's own (mbedTLS) is not imitated: what is recorded is what
//! is said within.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::sim::board::Board;
use crate::sim::ports::http;

/// Serves one connection, for as long as it and this boot last.
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
    // Whoever does not get through the handshake has been told why.
    if let Ok(stream) = accepted {
        http::serve(stream, peer, board).await;
    }
}
