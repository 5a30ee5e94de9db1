//! The device over UDP: one frame per datagram. What it is sent while it is off, it never sees.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::task::JoinSet;

use super::board::{Answered, Board};
use super::wire;

/// The largest frame that the device takes, in bytes; a larger one is not answered.
const MAX_FRAME: usize = 4096;

/// Serves the device on this socket. Never returns.
pub async fn serve(socket: UdpSocket, board: Arc<Board>) {
    let ip = socket.local_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let mut buffer = vec![0; MAX_FRAME + 1];
    // Replies that come when a download has ended; other calls are answered meanwhile.
    let mut later: JoinSet<(Option<String>, SocketAddr, Option<u64>)> = JoinSet::new();
    loop {
        let (reply, peer) = tokio::select! {
            Some(Ok((reply, peer, boot))) = later.join_next() => (reply.filter(|_| board.boot() == boot), peer),
            received = socket.recv_from(&mut buffer) => {
                // An error concerns an earlier datagram.
                let Ok((len, peer)) = received else { continue };
                let call = wire::parse(&buffer[..len.min(MAX_FRAME)], board.id());
                let (Some(call), Some(boot)) = (call, board.boot()) else { continue };
                match board.answer(&call, &peer.to_string(), &ip) {
                    Answered::Now(outcome) => (wire::reply(&call, board.id(), &outcome), peer),
                    Answered::Later(outcome) => {
                        let id = board.id().to_owned();
                        later.spawn(async move {
                            let outcome = outcome.await.ok();
                            (outcome.and_then(|outcome| wire::reply(&call, &id, &outcome)), peer, Some(boot))
                        });
                        continue;
                    }
                }
            }
        };
        if let Some(reply) = reply {
            // Lost, as a datagram may be.
            let _ = socket.send_to(reply.as_bytes(), peer).await;
        }
    }
}
