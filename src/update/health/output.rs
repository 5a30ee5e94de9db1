//! The end of the output of a program: bounded and safe to print.

use crate::secrets::{mask, mask_cut};
use crate::text::printable;

/// The most bytes that are kept.
const MAX_TAIL_LEN: usize = 8 << 10;

/// The last bytes of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Tail {
    /// Appends more bytes of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(MAX_TAIL_LEN)..];
        let excess = (self.bytes.len() + new.len()).saturating_sub(MAX_TAIL_LEN);
        self.bytes.drain(..excess);
        self.bytes.extend_from_slice(new);
        self.is_cut |= excess > 0 || new.len() < bytes.len();
    }

    /// Returns the lines, without empty ones at the end and without known secrets. The first line begins with `…` if the beginning of the
    /// stream is cut off.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        // Mask the whole text: a secret may contain a line break.
        let text = if self.is_cut { mask_cut(&text) } else { mask(&text) };
        let mut lines: Vec<_> = text.lines().map(|line| printable(&line.replace('\t', "    "))).collect();
        while lines.last().is_some_and(|line| line.trim().is_empty()) {
            lines.pop();
        }
        if let (true, Some(first)) = (self.is_cut, lines.first_mut()) {
            first.insert(0, '…');
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<String> {
        let mut tail = Tail::default();
        for piece in pieces {
            tail.push(piece);
        }
        tail.lines()
    }

    #[test]
    fn lines_are_printable_and_bounded() {
        assert_eq!(
            lines(&[b"one\r\ntw", b"o\n\n", b"\x1b[31m\tred\xff\n\n \n"]),
            ["one", "two", "", "·[31m    red\u{fffd}"]
        );
        assert_eq!(lines(&[]), [""; 0]);
        let long = "x".repeat(MAX_TAIL_LEN) + "end\n";
        assert_eq!(lines(&[long.as_bytes()])[0].chars().count(), MAX_TAIL_LEN, "with the mark in place of the newline");
        assert!(lines(&[long.as_bytes()])[0].starts_with("…x"));
    }

    proptest! {
        /// The tail does not depend on how the stream is split.
        #[test]
        fn tail_of_any_chunks_is_the_end_of_the_stream(pieces in vec(vec(any::<u8>(), 0..6000), 0..6)) {
            let mut tail = Tail::default();
            for piece in &pieces {
                tail.push(piece);
            }
            let whole = pieces.concat();
            prop_assert_eq!(&tail.bytes, &whole[whole.len().saturating_sub(MAX_TAIL_LEN)..]);
            prop_assert_eq!(tail.is_cut, whole.len() > MAX_TAIL_LEN);
            prop_assert!(tail.lines().iter().all(|line| !line.contains(char::is_control)));
        }
    }
}
