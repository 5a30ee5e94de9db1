//! The last of what a program says: bounded, and fit to be shown.

use crate::secrets::{mask, mask_cut};
use crate::text::printable;

/// So much of it is kept, in bytes.
const KEPT: usize = 8 << 10;

/// The end of a stream of bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
    is_cut: bool,
}

impl Tail {
    /// Takes more of the stream.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let new = &bytes[bytes.len().saturating_sub(KEPT)..];
        let too_many = (self.bytes.len() + new.len()).saturating_sub(KEPT);
        self.bytes.drain(..too_many);
        self.bytes.extend_from_slice(new);
        self.is_cut |= too_many > 0 || new.len() < bytes.len();
    }

    /// Its lines, without empty ones at the end and without known secrets. The first one says so if others came before it.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        // As a whole, since a secret may have a line break in it.
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
    fn lines_are_fit_to_be_shown() {
        assert_eq!(
            lines(&[b"one\r\ntw", b"o\n\n", b"\x1b[31m\tred\xff\n\n \n"]),
            ["one", "two", "", "·[31m    red\u{fffd}"]
        );
        assert_eq!(lines(&[]), [""; 0]);
        let long = "x".repeat(KEPT) + "end\n";
        assert_eq!(lines(&[long.as_bytes()])[0].chars().count(), KEPT, "with the mark in place of the newline");
        assert!(lines(&[long.as_bytes()])[0].starts_with("…x"));
    }

    proptest! {
        /// However it comes in pieces, it is the end of the whole.
        #[test]
        fn the_end_is_kept(pieces in vec(vec(any::<u8>(), 0..6000), 0..6)) {
            let mut tail = Tail::default();
            for piece in &pieces {
                tail.push(piece);
            }
            let whole = pieces.concat();
            prop_assert_eq!(&tail.bytes, &whole[whole.len().saturating_sub(KEPT)..]);
            prop_assert_eq!(tail.is_cut, whole.len() > KEPT);
            prop_assert!(tail.lines().iter().all(|line| !line.contains(char::is_control)));
        }
    }
}
