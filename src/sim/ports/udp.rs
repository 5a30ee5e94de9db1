//! The device over UDP: one frame per datagram. Datagrams that arrive while the device is off are lost.

use std::sync::Arc;

use tokio::net::UdpSocket;

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::wire::{self, Frame};

/// The number of bytes that the device reads of a datagram. The rest is lost.
const MAX_DATAGRAM: usize = 1460;

/// Serves the device on this socket. Never returns.
pub async fn serve(socket: UdpSocket, board: Arc<Board>) {
    let ip = socket.local_addr().map(|address| address.ip().to_string()).unwrap_or_default();
    let mut buffer = vec![0; MAX_DATAGRAM];
    let mut replies = Replies::default();
    loop {
        let ready = tokio::select! {
            biased;
            received = socket.recv_from(&mut buffer) => {
                // An error refers to a datagram that was sent earlier.
                let Ok((len, peer)) = received else { continue };
                let call = wire::parse_datagram(&buffer[..len], board.id()).and_then(Frame::into_call);
                let (Some(call), Some(boot)) = (call, board.boot()) else { continue };
                let scheduled = board.answer(&call, &peer.to_string(), &ip);
                replies.to(&call, scheduled, &board, (peer, boot))
            }
            reply = replies.next() => vec![reply],
        };
        for (reply, (peer, boot)) in ready {
            // A reboot drops the replies to earlier calls.
            if board.boot() == Some(boot) {
                // A failed send counts as a lost datagram.
                let _ = socket.send_to(reply.as_bytes(), peer).await;
            }
        }
    }
}
