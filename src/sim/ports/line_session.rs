//! What a device says on a line of frames, over TCP as on its UART.

use std::sync::Arc;

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::ports::uart_protocol::{CONSOLE, Heard, Lines, garble};
use crate::sim::wire::{self, Frame};

/// The device's part in one conversation, which ends with the connection or the boot.
#[derive(Debug)]
pub struct LineSession<'a> {
    lines: Lines,
    replies: Replies<()>,
    board: &'a Arc<Board>,
    /// Who calls, as `RPC.Ping` tells it.
    channel: &'a str,
    /// The device's own address.
    ip: &'a str,
}

impl<'a> LineSession<'a> {
    /// A conversation of which nothing was said yet.
    #[must_use]
    pub fn new(lines: Lines, board: &'a Arc<Board>, channel: &'a str, ip: &'a str) -> Self {
        Self { lines, replies: Replies::default(), board, channel, ip }
    }

    /// What is said at once to these bytes.
    pub fn hear(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut said = Vec::new();
        for heard in self.lines.push(bytes) {
            let json = match heard {
                Heard::Frame(json) => json,
                Heard::Handshake(style) => {
                    said.extend(self.lines.handshake(style));
                    continue;
                }
                Heard::EmptyLine => {
                    self.lines.queue_line_end();
                    continue;
                }
            };
            // Invalid frames are met with silence.
            let Some(call) = wire::parse(&json, self.board.id()).and_then(Frame::into_call) else { continue };
            let answered = self.board.answer(&call, self.channel, self.ip);
            for (reply, ()) in self.replies.to(&call, answered, self.board, ()) {
                said.extend(self.say(&reply));
            }
        }
        said
    }

    /// What is said later. May be cancelled without losing it.
    pub async fn later(&mut self) -> Vec<u8> {
        let (reply, ()) = self.replies.next().await;
        self.say(&reply)
    }

    /// A reply as it leaves the device, with what the line does to it.
    fn say(&mut self, reply: &str) -> Vec<u8> {
        let (mut frame, line) = (self.lines.reply(reply), self.board.next_line_effect());
        if line.garbled {
            garble(&mut frame);
        }
        let Some(count) = line.noise else { return frame };
        let mut noise = CONSOLE.iter().cycle().skip(usize::try_from(count % 3).unwrap_or(0));
        let mut speaks = || noise.next().map(|line| line.as_bytes()).unwrap_or_default();
        [speaks(), &frame, speaks()].concat()
    }
}
