//! Frames in a stream of bytes, as UART and TCP carry them. No I/O: bytes are pushed, items are taken.
//!
//! A frame is a line, `JSON[crc]\n`, between the lines of the device's console. Old firmware puts `"""` before and
//! after a frame instead. So does newer firmware after it has received a frame of that kind. Both are read at any time.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::rpc::unreadable::has_bad_numbers_only;

/// The maximum length of a line, in bytes. A frame of a device has at most 4096 bytes; a longer line is not a frame.
const MAX_LINE_LEN: usize = 64 << 10;

/// The legacy delimiter.
const QUOTES: &[u8] = br#"""""#;

/// The start of a frame. It is distinctive enough to find a frame that follows other text in the same line.
const FRAME_START: &[u8] = br#"{"id":"#;

/// The delimiter of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    /// A line with a CRC.
    #[default]
    Line,
    /// The legacy delimiter, `"""`, without a CRC.
    Quoted,
}

/// An item that was found in the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// A frame.
    Frame {
        /// The JSON, without CRC and delimiters.
        json: Vec<u8>,
        /// The delimiter.
        delimiter: Delimiter,
        /// True if a CRC followed the JSON. The CRC was correct.
        has_crc: bool,
    },
    /// The bytes `"""\x04"""`, by which `mos` and a device find each other.
    Handshake,
    /// A line of the console, without its line end.
    Console(Vec<u8>),
    /// A damaged frame.
    Corrupt(Vec<u8>),
}

/// Splits a stream of bytes into frames and console text, however the bytes are cut into pieces.
///
/// The effort is linear in the number of bytes. A line that does not end is returned as console text after 64 KiB.
/// Items that the caller does not take remain in memory.
#[derive(Debug, Default)]
pub struct Deframer {
    line: Vec<u8>,
    items: VecDeque<StreamItem>,
}

impl Deframer {
    /// Adds the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(mut piece) = pieces.next() {
            while self.line.len() + piece.len() > MAX_LINE_LEN {
                let (now, later) = piece.split_at(MAX_LINE_LEN - self.line.len());
                self.line.extend_from_slice(now);
                self.items.push_back(StreamItem::Console(std::mem::take(&mut self.line)));
                piece = later;
            }
            self.line.extend_from_slice(piece);
            if pieces.peek().is_some() {
                let line = std::mem::take(&mut self.line);
                self.read(line.strip_suffix(b"\r").unwrap_or(&line));
            }
        }
    }

    /// Drops the bytes of the line that has not ended.
    pub fn wipe(&mut self) {
        self.line.clear();
    }

    /// Returns the next item, in the order of the bytes.
    pub fn next_item(&mut self) -> Option<StreamItem> {
        self.items.pop_front()
    }

    /// Reads a line without its line end.
    fn read(&mut self, mut line: &[u8]) {
        // A loop instead of a recursion: one line may hold thousands of delimiters.
        while let Some(at) = find(line, QUOTES) {
            self.console(&line[..at]);
            line = self.read_quoted(&line[at + QUOTES.len()..]);
        }
        if line.is_empty() {
            return;
        }
        if let Some(frame) = read_frame(line, Delimiter::Line) {
            self.items.push_back(frame);
            return;
        }
        match find(line, FRAME_START) {
            // Text without a line end precedes the frame.
            Some(at) if at > 0 => {
                self.console(&line[..at]);
                let rest = &line[at..];
                let frame = read_frame(rest, Delimiter::Line).unwrap_or_else(|| StreamItem::Corrupt(rest.to_vec()));
                self.items.push_back(frame);
            }
            Some(_) => self.items.push_back(StreamItem::Corrupt(line.to_vec())),
            None => self.console(line),
        }
    }

    /// Reads the content up to the closing quotes. Returns the rest of the line.
    fn read_quoted<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let (content, remainder) = match find(rest, QUOTES) {
            Some(end) => (&rest[..end], &rest[end + QUOTES.len()..]),
            None => (rest, &[][..]),
        };
        self.items.push_back(match content {
            [4] => StreamItem::Handshake,
            _ => read_frame(content, Delimiter::Quoted).unwrap_or_else(|| StreamItem::Corrupt(content.to_vec())),
        });
        remainder
    }

    fn console(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.items.push_back(StreamItem::Console(text.to_vec()));
        }
    }
}

/// Reads a frame, which may be corrupt. Returns `None` if the text is not a frame.
fn read_frame(text: &[u8], delimiter: Delimiter) -> Option<StreamItem> {
    if text.first() != Some(&b'{') {
        return None;
    }
    let end = text.iter().rposition(|&byte| byte == b'}')? + 1;
    let (json, rest) = text.split_at(end);
    // A comma and more text may follow a CRC. That text is not for this client.
    let (crc, more) = rest.split_at(rest.len().min(8));
    let is_crc = crc.len() == 8 && crc.iter().all(u8::is_ascii_hexdigit) && matches!(more.first(), None | Some(b','));
    let has_crc = match (is_crc, rest.is_empty()) {
        (true, _) if hex8(crc32fast::hash(json)).eq_ignore_ascii_case(crc) => true,
        (true, _) => return Some(StreamItem::Corrupt(text.to_vec())),
        (false, true) => false,
        (false, false) => return None,
    };
    (has_crc || is_frame(json) || has_bad_numbers_only(json)).then(|| StreamItem::Frame {
        json: json.to_vec(),
        delimiter,
        has_crc,
    })
}

/// Tells whether JSON without a CRC is a frame. Firmware also prints other JSON to its console.
fn is_frame(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct FrameFields {
        id: Option<IgnoredAny>,
        method: Option<IgnoredAny>,
    }
    let text = String::from_utf8_lossy(json);
    serde_json::from_str(&text).is_ok_and(|fields: FrameFields| fields.id.is_some() || fields.method.is_some())
}

/// Adds the delimiters, and for [`Delimiter::Line`] the CRC, to the JSON of a frame.
///
/// Each character that is not ASCII is escaped: a byte above 127 clears the receive buffer of a device. `json` has to
/// be UTF-8 without line ends, as the encoder creates it.
#[must_use]
pub fn enframe(json: &[u8], delimiter: Delimiter) -> Vec<u8> {
    let mut line = escape(json);
    match delimiter {
        Delimiter::Line => {
            let crc = hex8(crc32fast::hash(&line));
            line.extend_from_slice(&crc);
            line.push(b'\n');
            line
        }
        Delimiter::Quoted => [b"\n", QUOTES, &line, QUOTES, b"\n"].concat(),
    }
}

/// Returns the length of the escaped JSON of a frame, in bytes. A device needs this much room to receive the frame.
#[must_use]
pub fn escaped_len(json: &[u8]) -> usize {
    if json.is_ascii() { json.len() } else { escape(json).len() }
}

fn escape(json: &[u8]) -> Vec<u8> {
    if json.is_ascii() {
        return json.to_vec();
    }
    let mut escaped = String::with_capacity(json.len() + 64);
    for c in String::from_utf8_lossy(json).chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped.into_bytes()
}

/// Returns a CRC as 8 hexadecimal digits.
fn hex8(crc: u32) -> [u8; 8] {
    let text = format!("{crc:08x}");
    std::array::from_fn(|at| text.as_bytes()[at])
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
