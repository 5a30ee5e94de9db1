//! The device over TCP, with the framing of its UART.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::sim::board::Board;
use crate::sim::ports::line_session::LineSession;
use crate::sim::ports::uart_protocol::Lines;

/// Serves one connection until the connection or this boot ends.
pub async fn serve(mut stream: TcpStream, peer: SocketAddr, board: Arc<Board>) {
    let boot = board.boot();
    let Ok(local) = stream.local_addr() else { return };
    let (channel, ip) = (peer.to_string(), local.ip().to_string());
    tokio::select! {
        biased;
        () = board.until_off(boot) => board.keep_half_open(stream),
        () = exchange(&mut stream, &channel, &ip, &board) => {}
    }
}

/// Exchanges frames until the connection has ended.
async fn exchange(stream: &mut TcpStream, channel: &str, ip: &str, board: &Arc<Board>) {
    let mut session = LineSession::new(Lines::default(), board, channel, ip);
    let mut buffer = vec![0; 1024];
    loop {
        let bytes = tokio::select! {
            // The device handles calls that arrived together before its next turn.
            biased;
            read = stream.read(&mut buffer) => match read {
                Ok(read @ 1..) => session.hear(&buffer[..read]),
                _ => return,
            },
            bytes = session.later() => bytes,
        };
        if stream.write_all(&bytes).await.is_err() {
            return;
        }
    }
}
