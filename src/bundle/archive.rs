//! Reads a zip as a device does: as a stream, by the local headers.
//!
//! Where a local header and the directory at the end differ, a device uses the local header. This module does the same.

use super::signature;

/// The fields of the local header of one entry that otactl uses.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LocalHeader {
    /// The path within the zip.
    pub name: String,
    /// The compression method. 0 means stored, the only method that a device supports.
    pub method: u16,
    /// The flags. Bit 0: encrypted; bit 3: sizes and CRC follow the data.
    pub flags: u16,
    /// The CRC-32 of the data.
    pub crc32: u32,
    /// The number of bytes that follow the header.
    pub compressed_size: u32,
    /// The size of the uncompressed data, in bytes.
    pub size: u32,
    /// The extra field, which may contain signatures.
    pub extra: Vec<u8>,
}

/// The record at the start of some bytes of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZipRecord {
    /// A local header and its length in bytes. The data follow.
    Entry(LocalHeader, usize),
    /// The directory. No more entries follow.
    Directory,
    /// The bytes end before the end of the record.
    Incomplete,
    /// Bytes that are not a record of a zip.
    Junk,
}

const LOCAL_SIGNATURE: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY_SIGNATURE: [u8; 4] = *b"PK\x01\x02";
const END_SIGNATURE: [u8; 4] = *b"PK\x05\x06";
const ZIP64_END_SIGNATURE: [u8; 4] = *b"PK\x06\x06";
/// The length of a local header without its name and extra field, in bytes.
pub(crate) const LOCAL_LEN: usize = 30;
/// The length of a directory entry without its name, extra field and comment, in bytes.
pub(crate) const DIRECTORY_LEN: usize = 46;
/// The length of the end record without its comment, in bytes.
pub(crate) const END_LEN: usize = 22;

impl LocalHeader {
    /// Tells whether sizes and CRC follow the data. A device does not read them there.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.flags & 0x8 != 0
    }

    /// Tells whether the data are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// Tells whether the size is in the extra field. A device does not read it there.
    #[must_use]
    pub fn is_zip64(&self) -> bool {
        const ZIP64: u16 = 1;

        let is_elsewhere = self.size == u32::MAX || self.compressed_size == u32::MAX;
        is_elsewhere && signature::field(&self.extra, ZIP64).is_ok_and(|field| field.is_some())
    }

    /// Tells whether the entry is a directory. A directory has no data, and a device skips it.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/') && self.size == 0
    }

    /// Returns the name without the first directory. A device compares this name; it removes only one directory.
    #[must_use]
    pub fn base_name(&self) -> &str {
        self.name.split_once('/').map_or(self.name.as_str(), |(_, base)| base)
    }
}

/// Reads the record at the start of `bytes`.
#[must_use]
pub fn next(bytes: &[u8]) -> ZipRecord {
    let Some(signature) = bytes.get(..4) else {
        let fits = |known: [u8; 4]| known.starts_with(bytes);
        return if fits(LOCAL_SIGNATURE) || fits(DIRECTORY_SIGNATURE) || fits(END_SIGNATURE) {
            ZipRecord::Incomplete
        } else {
            ZipRecord::Junk
        };
    };
    if signature == DIRECTORY_SIGNATURE || signature == END_SIGNATURE {
        return ZipRecord::Directory;
    }
    if signature != LOCAL_SIGNATURE {
        return ZipRecord::Junk;
    }
    if bytes.len() < LOCAL_LEN {
        return ZipRecord::Incomplete;
    }
    let name_end = LOCAL_LEN + usize::from(u16_at(bytes, 26));
    let header_end = name_end + usize::from(u16_at(bytes, 28));
    let Some(extra) = bytes.get(name_end..header_end) else { return ZipRecord::Incomplete };
    let header = LocalHeader {
        name: String::from_utf8_lossy(&bytes[LOCAL_LEN..name_end]).into_owned(),
        method: u16_at(bytes, 8),
        flags: u16_at(bytes, 6),
        crc32: u32_at(bytes, 14),
        compressed_size: u32_at(bytes, 18),
        size: u32_at(bytes, 22),
        extra: extra.to_vec(),
    };
    ZipRecord::Entry(header, header_end)
}

/// The directory at the end of a zip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CentralDirectory {
    /// The directory is complete, and no bytes follow. Holds the number of files that it lists.
    Files(usize),
    /// Zip64 records follow the entries.
    Zip64,
    /// The directory is incomplete, or bytes follow it.
    Incomplete,
}

/// Reads the directory at the start of `bytes`.
///
/// The directory is read forwards, as a device reads it. Since 2019, a device needs the exact end of the archive: it
/// ends the update at the last byte, and never ends an update without finding that byte.
#[must_use]
pub fn directory(bytes: &[u8]) -> CentralDirectory {
    let mut rest = bytes;
    while rest.starts_with(&DIRECTORY_SIGNATURE) && rest.len() >= DIRECTORY_LEN {
        let variable: usize = [28, 30, 32].map(|at| usize::from(u16_at(rest, at))).iter().sum();
        let Some(next) = rest.get(DIRECTORY_LEN + variable..) else { return CentralDirectory::Incomplete };
        rest = next;
    }
    if rest.starts_with(&ZIP64_END_SIGNATURE) {
        return CentralDirectory::Zip64;
    }
    let is_end = rest.starts_with(&END_SIGNATURE) && rest.len() >= END_LEN;
    if is_end && rest.len() == END_LEN + usize::from(u16_at(rest, 20)) {
        CentralDirectory::Files(usize::from(u16_at(rest, 10)))
    } else {
        CentralDirectory::Incomplete
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Returns the directory of a zip: the bytes after its files.
    fn directory_of(zip: &[u8]) -> &[u8] {
        let mut at = 0;
        while let ZipRecord::Entry(header, len) = next(&zip[at..]) {
            at += len + header.size as usize;
        }
        &zip[at..]
    }

    const ZIP: &[u8] = include_bytes!("../../tests/wire/firmware/good.zip");

    #[test]
    fn recorded_bundle_is_read() {
        let ZipRecord::Entry(header, len) = next(ZIP) else { panic!("{:?}", next(ZIP)) };
        assert_eq!(header.name, "mgdev-esp32-2.0.0/manifest.json");
        assert_eq!(header.base_name(), "manifest.json");
        assert_eq!((header.method, header.size, len), (0, 461, 61));
        assert_eq!(directory(directory_of(ZIP)), CentralDirectory::Files(3));
    }

    /// A device removes one directory, and finds no manifest in a directory within a directory.
    #[test]
    fn base_name_has_one_directory_less() {
        let ZipRecord::Entry(header, _) = next(ZIP) else { panic!("{:?}", next(ZIP)) };
        for (name, expected) in [("a", "a"), ("d/a", "a"), ("d/e/a", "e/a"), ("/a", "a")] {
            assert_eq!(LocalHeader { name: name.into(), ..header.clone() }.base_name(), expected, "{name}");
        }
    }

    /// The simulated device reads from a socket, where a header may arrive byte by byte.
    #[test]
    fn header_without_its_last_byte_is_incomplete() {
        for len in 0..61 {
            assert_eq!(next(&ZIP[..len]), ZipRecord::Incomplete, "{len} bytes");
        }
        assert!(matches!(next(&ZIP[..61]), ZipRecord::Entry(_, 61)));
    }

    #[test]
    fn junk_and_damaged_directory_are_recognised() {
        assert_eq!(next(b"this is not a zip file"), ZipRecord::Junk);
        assert_eq!(next(b"x"), ZipRecord::Junk);
        assert_eq!(next(b"PK\x01\x02"), ZipRecord::Directory);
        let good = directory_of(ZIP);
        assert_eq!(directory(&good[..good.len() - 1]), CentralDirectory::Incomplete, "cut off");
        assert_eq!(directory(&[good, b"x"].concat()), CentralDirectory::Incomplete, "bytes after it");
        let mut broken = good.to_vec();
        broken[28] += 1;
        assert_eq!(directory(&broken), CentralDirectory::Incomplete, "the length of a name is too large");
        broken[28] -= 1;
        let end = good.len() - END_LEN;
        broken[end..end + 4].copy_from_slice(&ZIP64_END_SIGNATURE);
        assert_eq!(directory(&broken), CentralDirectory::Zip64);
    }

    proptest! {
        #[test]
        fn read_of_any_bytes_does_not_panic(bytes: Vec<u8>) {
            let _ = next(&bytes);
            let _ = next(&[b"PK\x03\x04", bytes.as_slice()].concat());
            for start in [DIRECTORY_SIGNATURE, END_SIGNATURE, ZIP64_END_SIGNATURE] {
                let _ = directory(&[&start, bytes.as_slice()].concat());
            }
        }
    }
}
