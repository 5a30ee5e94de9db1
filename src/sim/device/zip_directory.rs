//! Finds the last byte of an archive: skips the directory after the files, and the end record. No I/O.

use crate::bundle::archive::{DIRECTORY_LEN, END_LEN};
use crate::sim::update_error::UpdateError;

/// The state of a directory that is being read.
#[derive(Debug, Default)]
pub(super) struct ZipDirectory {
    /// The bytes of the fixed part of the current record that have arrived.
    record: Vec<u8>,
    /// The number of bytes of the current record that are still missing after its fixed part.
    skip: usize,
    /// Whether the current record is the last one.
    is_last: bool,
}

impl ZipDirectory {
    /// Reads the next bytes. Returns true with the last byte of the archive. Bytes after the archive are ignored.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<bool, UpdateError> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            if self.skip == 0 && self.is_last {
                return Ok(true);
            }
            let Some((first, rest)) = bytes.split_first() else { return Ok(false) };
            self.record.push(*first);
            bytes = rest;
            self.end_record()?;
        }
    }

    /// Finishes the fixed part of a record if it is complete.
    fn end_record(&mut self) -> Result<(), UpdateError> {
        let len = match self.record.get(..4) {
            None => return Ok(()),
            Some(b"PK\x01\x02") => DIRECTORY_LEN,
            Some(b"PK\x05\x06") => END_LEN,
            Some(_) => return Err(UpdateError::Header),
        };
        if self.record.len() < len {
            return Ok(());
        }
        let field = |at: usize| usize::from(u16::from_le_bytes([self.record[at], self.record[at + 1]]));
        self.is_last = len == END_LEN;
        self.skip = if self.is_last { field(20) } else { field(28) + field(30) + field(32) };
        self.record.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archive_in_pieces_ends_with_last_byte_of_comment() {
        let name = b"a.bin";
        let mut bytes = [b"PK\x01\x02".as_slice(), &[0; DIRECTORY_LEN - 4], name].concat();
        bytes[28] = 5;
        bytes.extend([b"PK\x05\x06".as_slice(), &[0; END_LEN - 6], &[3, 0], b"abc"].concat());
        for piece in [1, 7, 1000] {
            let mut directory = ZipDirectory::default();
            let mut ends = bytes.chunks(piece).map(|piece| directory.push(piece)).collect::<Vec<_>>();
            assert_eq!(ends.pop(), Some(Ok(true)), "in pieces of {piece}");
            assert!(ends.iter().all(|end| *end == Ok(false)), "in pieces of {piece}");
        }
        assert_eq!(ZipDirectory::default().push(b"PK\x03\x04"), Err(UpdateError::Header));
    }
}
