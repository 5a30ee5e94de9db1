//! The device over WebSocket, as recorded in wire/ws.json.

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
use crate::sim::ports::stream::ByteStream;
use crate::sim::wire::{self, Frame};

/// The largest message that the device accepts, in bytes. A larger message stalls the connection.
const MAX_MESSAGE: usize = 3072;

/// The largest number of bytes that wait to be written: the largest reply, and the answer to a ping.
const MAX_UNWRITTEN: usize = 1 << 20;

/// The time after which the device drops a connection whose peer does not read.
const SEND_TIMEOUT: Duration = Duration::from_secs(15);

/// The time without a message after which the device sends a ping.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// The client of a connection.
#[derive(Debug)]
pub struct Caller {
    /// The client's address, as `RPC.Ping` reports it.
    pub channel: String,
    /// The address of the device to which the client has connected.
    pub ip: String,
    /// Whether the handshake contained valid credentials, or the device requires no credentials.
    pub is_authorised: bool,
    /// Whether the path of the handshake is the path of RPC. Frames on any other path are ignored.
    pub is_rpc: bool,
}

/// Serves a connection after its handshake, until the connection or this boot ends.
pub async fn serve<S: ByteStream>(
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
        () = exchange(&mut socket, caller, board) => {}
    }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(MAX_MESSAGE).write_buffer_size(0).max_write_buffer_size(MAX_UNWRITTEN)
}

/// Sends with a timeout. Returns false if the connection has failed or has to be dropped.
async fn is_sent(sending: impl Future<Output = Result<(), Error>>) -> bool {
    matches!(timeout(SEND_TIMEOUT, sending).await, Ok(Ok(())))
}

/// Exchanges messages until the connection has to be closed.
async fn exchange(socket: &mut WebSocketStream<impl ByteStream>, caller: &Caller, board: &Arc<Board>) {
    let mut replies = Replies::default();
    loop {
        let ready = tokio::select! {
            // The device handles calls that arrived together before its next turn.
            biased;
            message = socket.next() => {
                let bytes = match message {
                    Some(Ok(Message::Text(text))) => Bytes::from(text),
                    Some(Ok(Message::Binary(bytes))) => bytes,
                    // The answer to a ping has to be sent before the next ping is read.
                    Some(Ok(Message::Ping(_))) if is_sent(socket.flush()).await => continue,
                    Some(Ok(Message::Ping(_))) => return,
                    Some(Ok(Message::Pong(_) | Message::Frame(_))) => continue,
                    Some(Ok(Message::Close(_))) => {
                        // The device still answers a close frame (wire/edge-ws.json, case `close`).
                        is_sent(socket.flush()).await;
                        return;
                    }
                    Some(Err(_)) | None => return,
                };
                if bytes.len() > MAX_MESSAGE {
                    return pending().await;
                }
                // RPC works only on its own path (wire/edge-ws.json, case `path__api`).
                if !caller.is_rpc {
                    continue;
                }
                // After an invalid frame, the device closes the connection without a close frame.
                let mut call = match wire::parse(&bytes, board.id()) {
                    Some(Frame::Call(call)) => call,
                    Some(Frame::Response) => continue,
                    None => return,
                };
                call.is_authorised = caller.is_authorised;
                let scheduled = board.answer(&call, &caller.channel, &caller.ip);
                replies.to(&call, scheduled, board, ())
            }
            reply = replies.next() => vec![reply],
            () = sleep(PING_INTERVAL) => {
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
