//! A stream that presents received WebSocket text messages as binary ones.
//!
//! tungstenite closes the connection at a text message that is not UTF-8. A device copies the names of Wi-Fi networks
//! and files into its replies unchanged, and every other transport accepts these replies.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The opcode of a text frame (RFC 6455, section 5.2).
const TEXT: u8 = 1;

/// The opcode of a binary frame.
const BINARY: u8 = 2;

/// The bits of the opcode in the first byte of a frame.
const OPCODE_MASK: u8 = 0xf;

/// Finds the heads of WebSocket frames in a stream of bytes, however the bytes are cut into pieces.
#[derive(Debug, Default)]
pub(super) struct FrameHeads {
    /// The received bytes of an incomplete head.
    head: [u8; 14],
    /// The number of bytes in `head`.
    len: usize,
    /// The number of payload bytes that follow.
    payload: u64,
}

impl FrameHeads {
    /// Turns the text frames that begin in `bytes` into binary ones. `bytes` are the next bytes of the stream.
    pub(super) fn untype(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            if self.payload > 0 {
                let here = usize::try_from(self.payload).map_or(bytes.len(), |payload| payload.min(bytes.len()));
                self.payload -= here as u64;
                bytes = &mut bytes[here..];
                continue;
            }
            if self.len == 0 && bytes[0] & OPCODE_MASK == TEXT {
                bytes[0] = bytes[0] & !OPCODE_MASK | BINARY;
            }
            self.head[self.len] = bytes[0];
            self.len += 1;
            bytes = &mut bytes[1..];
            if let Some(payload) = payload_len(&self.head[..self.len]) {
                (self.payload, self.len) = (payload, 0);
            }
        }
    }
}

/// Returns the length of the payload that follows a head, or `None` if the head is incomplete.
fn payload_len(head: &[u8]) -> Option<u64> {
    let second = *head.get(1)?;
    let size = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    let extended = head.get(2..2 + size)?;
    head.get(2 + size..2 + size + mask)?;
    let len = extended.iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
    Some(if size == 0 { u64::from(second & 0x7f) } else { len })
}

/// A stream on which received text frames appear as binary ones.
pub(super) struct Untyped<S> {
    stream: S,
    heads: FrameHeads,
}

impl<S> Untyped<S> {
    /// Wraps a stream. `heads` has processed all bytes that were read from it before.
    pub(super) fn new(stream: S, heads: FrameHeads) -> Self {
        Self { stream, heads }
    }
}

impl<S> fmt::Debug for Untyped<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Untyped").field("heads", &self.heads).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Untyped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if matches!(read, Poll::Ready(Ok(()))) {
            self.heads.untype(&mut buffer.filled_mut()[before..]);
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Untyped<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(first: u8, mask: bool, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        let flag = if mask { 0x80 } else { 0 };
        match payload.len() {
            len @ 0..126 => frame.push(flag + u8::try_from(len).expect("short")),
            len @ 126..0x10000 => {
                frame.push(flag + 126);
                frame.extend(u16::try_from(len).expect("short").to_be_bytes());
            }
            len => {
                frame.push(flag + 127);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        if mask {
            frame.extend([1, 1, 1, 1]);
        }
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn text_frame_becomes_binary_and_others_stay() {
        // These payloads look like the heads of text frames.
        let (short, long, longest) = (vec![0x81; 125], vec![0x81; 300], vec![0x81; 70_000]);
        let frames = |text: u8| {
            [
                frame(0x80 | text, false, &short),
                frame(text, true, &long),
                frame(0x89, false, b""),
                frame(0x00, false, &longest),
                frame(0x80, false, b"\x81"),
                frame(0xc0 | text, false, b""),
                frame(0x82, false, b"x"),
                frame(0x88, false, b"\x03\xe8"),
            ]
            .concat()
        };
        let expected = frames(BINARY);
        for piece in [1, 2, 7, 4096, expected.len()] {
            let (mut stream, mut heads) = (frames(TEXT), FrameHeads::default());
            stream.chunks_mut(piece).for_each(|piece| heads.untype(piece));
            assert!(stream == expected, "in pieces of {piece}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_give_the_same_bytes(bytes: Vec<u8>, piece in 1..20_usize) {
            let (mut whole, mut pieces) = (bytes.clone(), bytes);
            FrameHeads::default().untype(&mut whole);
            let mut heads = FrameHeads::default();
            pieces.chunks_mut(piece).for_each(|piece| heads.untype(piece));
            prop_assert_eq!(whole, pieces);
        }
    }
}
