//! The device over TCP: lines of frames, as on its UART.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::sim::board::Board;
use crate::sim::ports::line_session::LineSession;
use crate::sim::ports::uart_protocol::Lines;

/// Serves one connection, for as long as it and this boot last.
pub async fn serve(mut stream: TcpStream, peer: SocketAddr, board: Arc<Board>) {
    let boot = board.boot();
    let Ok(local) = stream.local_addr() else { return };
    let (channel, ip) = (peer.to_string(), local.ip().to_string());
    tokio::select! {
        biased;
        () = board.until_off(boot) => board.keep_half_open(stream),
        () = talk(&mut stream, &channel, &ip, &board) => {}
    }
}

/// Returns when the connection has ended.
async fn talk(stream: &mut TcpStream, channel: &str, ip: &str, board: &Arc<Board>) {
    let mut talk = LineSession::new(Lines::default(), board, channel, ip);
    let mut buffer = vec![0; 1024];
    loop {
        let said = tokio::select! {
            // Calls that arrived together are handled before the next turn.
            biased;
            read = stream.read(&mut buffer) => match read {
                Ok(read @ 1..) => talk.hear(&buffer[..read]),
                _ => return,
            },
            said = talk.later() => said,
        };
        if stream.write_all(&said).await.is_err() {
            return;
        }
    }
}
