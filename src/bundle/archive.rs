//! The zip as a device reads it: as a stream, by the local headers, never by the directory at the
//! end. What the two disagree about, the device would take from the local header, and so do we.

use super::signature;

/// The local header of one entry, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalHeader {
    /// The path within the zip.
    pub name: String,
    /// 0 is stored; a device takes nothing else.
    pub method: u16,
    /// Bit 0: encrypted; bit 3: sizes and CRC stand behind the data.
    pub flags: u16,
    /// CRC-32 of the data.
    pub crc32: u32,
    /// The bytes that follow the header.
    pub compressed_size: u32,
    /// What they unpack to.
    pub size: u32,
    /// The extra field, where signatures are kept.
    pub extra: Vec<u8>,
}

/// What stands at the beginning of some bytes of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A local header of this many bytes; the data follow.
    Entry(LocalHeader, usize),
    /// The directory: there are no more entries.
    Directory,
    /// Too few bytes to tell; more are needed.
    Incomplete,
    /// Nothing that belongs there.
    Junk,
}

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const DIRECTORY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const ZIP64_END: [u8; 4] = *b"PK\x06\x06";
/// The length of the header of a file without its name and extra field, in bytes.
pub(crate) const LOCAL_LEN: usize = 30;
/// The length of a directory entry without its name, extra field and comment, in bytes.
pub(crate) const DIRECTORY_LEN: usize = 46;
/// The length of the end record without its comment, in bytes.
pub(crate) const END_LEN: usize = 22;

impl LocalHeader {
    /// Sizes and CRC stand behind the data, where a device does not look for them.
    #[must_use]
    pub fn is_streamed(&self) -> bool {
        self.flags & 0x8 != 0
    }

    /// The data are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.flags & 0x1 != 0
    }

    /// The size stands in the extra field, where a device does not look for it.
    #[must_use]
    pub fn is_zip64(&self) -> bool {
        const ZIP64: u16 = 1;

        let is_elsewhere = self.size == u32::MAX || self.compressed_size == u32::MAX;
        is_elsewhere && signature::field(&self.extra, ZIP64).is_ok_and(|field| field.is_some())
    }

    /// The entry is a directory: it has no data, and a device skips it.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.name.ends_with('/') && self.size == 0
    }

    /// The name without a leading directory, as the device compares it: without one, and no more.
    #[must_use]
    pub fn base_name(&self) -> &str {
        self.name.split_once('/').map_or(self.name.as_str(), |(_, base)| base)
    }
}

/// Reads what stands at the beginning of `bytes`.
#[must_use]
pub fn next(bytes: &[u8]) -> Next {
    let Some(signature) = bytes.get(..4) else {
        let fits = |known: [u8; 4]| known.starts_with(bytes);
        return if fits(LOCAL) || fits(DIRECTORY) || fits(END) { Next::Incomplete } else { Next::Junk };
    };
    if signature == DIRECTORY || signature == END {
        return Next::Directory;
    }
    if signature != LOCAL {
        return Next::Junk;
    }
    if bytes.len() < LOCAL_LEN {
        return Next::Incomplete;
    }
    let name_end = LOCAL_LEN + usize::from(u16_at(bytes, 26));
    let header_end = name_end + usize::from(u16_at(bytes, 28));
    let Some(extra) = bytes.get(name_end..header_end) else { return Next::Incomplete };
    let header = LocalHeader {
        name: String::from_utf8_lossy(&bytes[LOCAL_LEN..name_end]).into_owned(),
        method: u16_at(bytes, 8),
        flags: u16_at(bytes, 6),
        crc32: u32_at(bytes, 14),
        compressed_size: u32_at(bytes, 18),
        size: u32_at(bytes, 22),
        extra: extra.to_vec(),
    };
    Next::Entry(header, header_end)
}

/// What a directory tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directory {
    /// The directory ends with the last byte. Holds the number of files that it lists.
    Files(usize),
    /// Records of zip64 follow its entries.
    Zip64,
    /// It is incomplete, or bytes follow it.
    Incomplete,
}

/// Reads the directory at the start of `bytes`.
///
/// The directory is read forwards, as a device reads it. Since 2019, a device ends the update at the last byte of the
/// archive, and never ends it without finding that byte.
#[must_use]
pub fn directory(bytes: &[u8]) -> Directory {
    let mut rest = bytes;
    while rest.starts_with(&DIRECTORY) && rest.len() >= DIRECTORY_LEN {
        let variable: usize = [28, 30, 32].map(|at| usize::from(u16_at(rest, at))).iter().sum();
        let Some(next) = rest.get(DIRECTORY_LEN + variable..) else { return Directory::Incomplete };
        rest = next;
    }
    if rest.starts_with(&ZIP64_END) {
        return Directory::Zip64;
    }
    let is_end = rest.starts_with(&END) && rest.len() >= END_LEN;
    if is_end && rest.len() == END_LEN + usize::from(u16_at(rest, 20)) {
        Directory::Files(usize::from(u16_at(rest, 10)))
    } else {
        Directory::Incomplete
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

    /// Returns the directory of a zip: the bytes behind its files.
    fn directory_of(zip: &[u8]) -> &[u8] {
        let mut at = 0;
        while let Next::Entry(header, len) = next(&zip[at..]) {
            at += len + header.size as usize;
        }
        &zip[at..]
    }

    const ZIP: &[u8] = include_bytes!("../../tests/wire/firmware/good.zip");

    #[test]
    fn reads_the_recorded_bundle() {
        let Next::Entry(header, len) = next(ZIP) else { panic!("{:?}", next(ZIP)) };
        assert_eq!(header.name, "mgdev-esp32-2.0.0/manifest.json");
        assert_eq!(header.base_name(), "manifest.json");
        assert_eq!((header.method, header.size, len), (0, 461, 61));
        assert_eq!(directory(directory_of(ZIP)), Directory::Files(3));
    }

    /// A device takes one directory off, and finds no manifest in a directory within a directory.
    #[test]
    fn one_leading_directory_is_none() {
        let Next::Entry(header, _) = next(ZIP) else { panic!("{:?}", next(ZIP)) };
        for (name, expected) in [("a", "a"), ("d/a", "a"), ("d/e/a", "e/a"), ("/a", "a")] {
            assert_eq!(LocalHeader { name: name.into(), ..header.clone() }.base_name(), expected, "{name}");
        }
    }

    /// The simulated device reads from a socket, where a header may arrive byte by byte.
    #[test]
    fn a_header_is_incomplete_until_its_last_byte() {
        for len in 0..61 {
            assert_eq!(next(&ZIP[..len]), Next::Incomplete, "{len} bytes");
        }
        assert!(matches!(next(&ZIP[..61]), Next::Entry(_, 61)));
    }

    #[test]
    fn junk_and_the_directory_are_told_apart() {
        assert_eq!(next(b"this is not a zip file"), Next::Junk);
        assert_eq!(next(b"x"), Next::Junk);
        assert_eq!(next(b"PK\x01\x02"), Next::Directory);
        let good = directory_of(ZIP);
        assert_eq!(directory(&good[..good.len() - 1]), Directory::Incomplete, "cut off");
        assert_eq!(directory(&[good, b"x"].concat()), Directory::Incomplete, "bytes behind it");
        let mut broken = good.to_vec();
        broken[28] += 1;
        assert_eq!(directory(&broken), Directory::Incomplete, "a name that is longer than it is");
        broken[28] -= 1;
        let end = good.len() - END_LEN;
        broken[end..end + 4].copy_from_slice(&ZIP64_END);
        assert_eq!(directory(&broken), Directory::Zip64);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = next(&bytes);
            let _ = next(&[b"PK\x03\x04", bytes.as_slice()].concat());
            for start in [DIRECTORY, END, ZIP64_END] {
                let _ = directory(&[&start, bytes.as_slice()].concat());
            }
        }
    }
}
