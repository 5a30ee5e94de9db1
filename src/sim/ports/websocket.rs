//! WebSocket as the device speaks it (as recorded in wire/ws.json).

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::time::{sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::ports::stream::Stream;
use crate::sim::wire::{self, Frame};

/// The largest message that the device takes, in bytes; a larger one stalls the connection.
const MAX_MESSAGE: usize = 3072;

/// What may wait to be written, in bytes: the largest reply, and the answer to a ping.
const MAX_UNWRITTEN: usize = 1 << 20;

/// The device drops a connection on which nothing of what it sends is taken for this long.
const DEAD_AFTER: Duration = Duration::from_secs(15);

/// When nothing was said for this long, the device pings.
const PING_AFTER: Duration = Duration::from_secs(5);

/// Who is at the other end.
#[derive(Debug)]
pub struct Caller {
    /// Its address, as `RPC.Ping` tells it.
    pub channel: String,
    /// The device's own address, as the caller sees it.
    pub ip: String,
    /// It has said in the handshake who it is.
    pub is_authorised: bool,
    /// Its path is that of RPC; frames on any other path are ignored.
    pub is_rpc: bool,
}

/// Serves a connection after its handshake, for as long as it and this boot last.
pub async fn serve<S: Stream>(
    stream: S,
    already_read: Vec<u8>,
    caller: &Caller,
    board: &Arc<Board>,
    boot: Option<u64>,
) {
    let mut socket = WebSocketStream::from_partially_read(stream, already_read, Role::Server, Some(config())).await;
    tokio::select! {
        biased;
        () = board.until_off(boot) => board.keep_half_open(socket),
        () = talk(&mut socket, caller, board) => {}
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(MAX_MESSAGE).write_buffer_size(0).max_write_buffer_size(MAX_UNWRITTEN)
}

/// Whether this was sent before the connection is to be dropped.
async fn is_sent(sending: impl Future<Output = Result<(), Error>>) -> bool {
    matches!(timeout(DEAD_AFTER, sending).await, Ok(Ok(())))
}

/// Returns when the connection is to be closed.
async fn talk(socket: &mut WebSocketStream<impl Stream>, caller: &Caller, board: &Arc<Board>) {
    let mut replies = Replies::default();
    loop {
        let ready = tokio::select! {
            // Calls that arrived together are handled before the next turn.
            biased;
            message = socket.next() => {
                let bytes = match message {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    // The answer has to be gone before the next ping is read.
                    Some(Ok(Message::Ping(_))) if is_sent(socket.flush()).await => continue,
                    Some(Ok(Message::Ping(_))) => return,
                    Some(Ok(Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_))) => {
                        // The answer to it is still to be sent (wire/edge-ws.json, case `close`).
                        is_sent(socket.flush()).await;
                        return;
                    }
                    Some(Err(_)) | None => return,
                };
                if bytes.len() > MAX_MESSAGE {
                    return pending().await;
                }
                // There is RPC on its own path only (wire/edge-ws.json, case `path__api`).
                if !caller.is_rpc {
                    continue;
                }
                // An invalid frame closes the connection, without a close frame.
                let mut call = match wire::parse(&bytes, board.id()) {
                    Some(Frame::Call(call)) => call,
                    Some(Frame::Response) => continue,
                    None => return,
                };
                call.is_authorised = caller.is_authorised;
                let answered = board.answer(&call, &caller.channel, &caller.ip);
                replies.to(&call, answered, board, ())
            }
            reply = replies.next() => vec![reply],
            () = sleep(PING_AFTER) => {
                if is_sent(socket.send(Message::Ping(Bytes::new()))).await {
                    continue;
                }
                return;
            }
        };
        for (reply, ()) in ready {
            if !is_sent(socket.send(Message::text(reply))).await {
                return;
            }
        }
    }
}
