//! The device's side of a serial line or a TCP connection.

use std::sync::Arc;

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::ports::uart_protocol::{CONSOLE, LineItem, Lines, garble};
use crate::sim::wire::{self, Frame};

/// The device's side of one connection, until the connection or the boot ends.
#[derive(Debug)]
pub struct LineSession<'a> {
    lines: Lines,
    replies: Replies<()>,
    board: &'a Arc<Board>,
    /// The caller's address, as `RPC.Ping` reports it.
    channel: &'a str,
    /// The device's own address.
    ip: &'a str,
}

impl<'a> LineSession<'a> {
    /// Returns a session on which no bytes have been exchanged.
    #[must_use]
    pub fn new(lines: Lines, board: &'a Arc<Board>, channel: &'a str, ip: &'a str) -> Self {
        Self { lines, replies: Replies::default(), board, channel, ip }
    }

    /// Reads bytes, and returns the bytes that the device sends at once.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut sent = Vec::new();
        for item in self.lines.push(bytes) {
            let json = match item {
                LineItem::Frame(json) => json,
                LineItem::Handshake(delimiter) => {
                    sent.extend(self.lines.handshake(delimiter));
                    continue;
                }
                LineItem::EmptyLine => {
                    self.lines.queue_line_end();
                    continue;
                }
            };
            // The device does not answer invalid frames.
            let Some(call) = wire::parse(&json, self.board.id()).and_then(Frame::into_call) else { continue };
            let scheduled = self.board.answer(&call, self.channel, self.ip);
            for (reply, ()) in self.replies.to(&call, scheduled, self.board, ()) {
                sent.extend(self.encode(&reply));
            }
        }
        sent
    }

    /// Waits for the next later reply, and returns its bytes. Cancelling the call loses no reply.
    pub async fn later(&mut self) -> Vec<u8> {
        let (reply, ()) = self.replies.next().await;
        self.encode(&reply)
    }

    /// Returns the bytes of a reply, with the effect of faults.
    fn encode(&mut self, reply: &str) -> Vec<u8> {
        let (mut frame, effect) = (self.lines.reply(reply), self.board.next_line_effect());
        if effect.garbled {
            garble(&mut frame);
        }
        let Some(count) = effect.noise else { return frame };
        let mut console = CONSOLE.iter().cycle().skip(usize::try_from(count % 3).unwrap_or(0));
        let mut next_line = || console.next().map(|line| line.as_bytes()).unwrap_or_default();
        [next_line(), &frame, next_line()].concat()
    }
}
