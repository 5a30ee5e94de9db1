//! The device over TCP: lines of frames, as on its UART.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::board::{Answered, Board};
use super::lines::{HANDSHAKE, Heard, Lines};
use super::wire;

/// Serves one connection, for as long as it and this boot last.
pub async fn serve(mut stream: TcpStream, peer: SocketAddr, board: Arc<Board>) {
    let boot = board.boot();
    let Ok(local) = stream.local_addr() else { return };
    let (channel, ip) = (peer.to_string(), local.ip().to_string());
    tokio::select! {
        biased;
        () = board.until_off(boot) => board.bury(stream),
        () = talk(&mut stream, &channel, &ip, &board) => {}
    }
}

/// Returns when the connection has ended.
async fn talk(stream: &mut TcpStream, channel: &str, ip: &str, board: &Arc<Board>) {
    let mut lines = Lines::default();
    let mut buffer = vec![0; 1024];
    // Replies that come when a download has ended; other calls are answered meanwhile.
    let mut later = JoinSet::new();
    loop {
        let mut said = Vec::new();
        tokio::select! {
            Some(reply) = later.join_next() => {
                if let Ok(Some(reply)) = reply {
                    let reply: String = reply;
                    said = lines.reply(&reply);
                }
            }
            read = stream.read(&mut buffer) => {
                let Ok(read @ 1..) = read else { return };
                for heard in lines.push(&buffer[..read]) {
                    let Heard::Frame(json) = heard else {
                        said.extend_from_slice(HANDSHAKE);
                        continue;
                    };
                    // Invalid frames are met with silence.
                    let Some(call) = wire::parse(&json, board.id()) else { continue };
                    match board.answer(&call, channel, ip) {
                        Answered::Now(outcome) => {
                            let reply = wire::reply(&call, board.id(), &outcome);
                            said.extend(reply.iter().flat_map(|reply| lines.reply(reply)));
                        }
                        Answered::Later(outcome) => {
                            let id = board.id().to_owned();
                            later.spawn(async move { wire::reply(&call, &id, &outcome.await.ok()?) });
                        }
                    }
                }
            }
        }
        if stream.write_all(&said).await.is_err() {
            return;
        }
    }
}
