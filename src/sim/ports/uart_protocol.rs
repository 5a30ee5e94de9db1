//! The framing of the device on serial lines and TCP, as recorded in wire/uart.json and wire/edge-uart.json. No I/O.

use crate::transport::framing::Delimiter;

/// The legacy delimiter.
const QUOTES: &[u8] = b"\"\"\"";

/// The handshake: the end-of-transmission character between legacy delimiters. `mos` uses it to find a device.
pub const HANDSHAKE: &[u8] = b"\"\"\"\x04\"\"\"";

/// Example lines of the console. Some contain characters outside ASCII, and some look like a frame.
pub const CONSOLE: [&str; 3] = [
    "[mgos_sys] heap 227340, größtes Stück 110580 {\"uptime\": 12}\r\n",
    "mg_rpc.c:314  {\"id\": broken\r\n",
    "I (12045) wifi: \u{1b}[32mbcn timeout\u{1b}[0m ☂\n",
];

/// Damages a frame as a bad line does. The CRC no longer matches. Without a CRC, the frame is no longer valid JSON.
pub fn garble(frame: &mut [u8]) {
    // Every reply has a comma after the id.
    if let Some(comma) = frame.iter_mut().find(|byte| **byte == b',') {
        *comma = b'#';
    }
}

/// The largest number of bytes that are buffered without a delimiter. Longer input is dropped. A frame is at most 4096
/// bytes long.
const MAX_BUFFERED: usize = 64 << 10;

/// The largest number of line ends that wait for the next reply. Further line ends are dropped.
const MAX_QUEUED_LINE_ENDS: usize = 256;

/// An item that the device has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineItem {
    /// A frame.
    Frame(Vec<u8>),
    /// A handshake with this delimiter. The device answers it.
    Handshake(Delimiter),
    /// An empty line. The device queues a line end.
    EmptyLine,
}

/// The device's framing state on one line.
///
/// The device imitates its client. After a frame with a CRC, it sends CRCs. After a legacy delimiter, it uses that
/// delimiter.
#[derive(Debug, Default)]
pub struct Lines {
    /// The bytes since the last line end or delimiter.
    buffer: Vec<u8>,
    sends_crc: bool,
    delimiter: Delimiter,
    /// The only delimiter that the device understands. `None`: both.
    only: Option<Delimiter>,
    /// The number of line ends that are sent before the next reply.
    queued_line_ends: usize,
}

impl Lines {
    /// Returns the state of a new line. The device understands only the delimiter `only`, or both with `None`.
    #[must_use]
    pub fn new(only: Option<Delimiter>) -> Self {
        Self { only, ..Self::default() }
    }

    /// Reads the bytes of one read operation. A line end or a legacy delimiter ends an item.
    ///
    /// A frame with a wrong CRC is dropped without an answer.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<LineItem> {
        // A byte outside ASCII clears the receive buffer (wire/edge-uart.json, case `non_ascii_junk`).
        if !bytes.is_ascii() {
            self.buffer.clear();
            return Vec::new();
        }
        let mut items = Vec::new();
        for &byte in bytes {
            self.buffer.push(byte);
            let delimiter = match byte {
                b'\n' => Delimiter::Line,
                _ if self.buffer.ends_with(QUOTES) => Delimiter::Quoted,
                _ => {
                    if self.buffer.len() > MAX_BUFFERED {
                        self.buffer.clear();
                    }
                    continue;
                }
            };
            let mut piece = std::mem::take(&mut self.buffer);
            piece.truncate(piece.len() - if delimiter == Delimiter::Line { 1 } else { QUOTES.len() });
            items.extend(self.read(&piece, delimiter));
        }
        items
    }

    /// Interprets the bytes before a line end or a legacy delimiter.
    fn read(&mut self, piece: &[u8], delimiter: Delimiter) -> Option<LineItem> {
        if delimiter == Delimiter::Quoted && self.only != Some(Delimiter::Line) {
            self.delimiter = Delimiter::Quoted;
        }
        match piece {
            // A real device also switches its interactive console off. The simulated device has no interactive console.
            [4] => return Some(LineItem::Handshake(delimiter)),
            [] => return (delimiter == Delimiter::Line).then_some(LineItem::EmptyLine),
            _ => {}
        }
        // The device ignores bytes before the first brace.
        let start = piece.iter().position(|&byte| byte == b'{')?;
        let end = piece.iter().rposition(|&byte| byte == b'}')? + 1;
        let json = piece.get(start..end)?;
        // The device does not check a CRC of fewer than 8 characters (wire/edge-uart.json, case `crc_short`).
        let metadata = piece[end..].split(|&byte| byte == b',').next().unwrap_or_default();
        let crc = metadata.get(..8);
        if crc.is_some_and(|crc| !crc.eq_ignore_ascii_case(hex_crc(json).as_bytes())) {
            return None;
        }
        if self.only.is_some_and(|only| only != delimiter) {
            return None;
        }
        self.sends_crc |= crc.is_some();
        Some(LineItem::Frame(json.to_vec()))
    }

    /// Queues a line end. It is sent before the next reply (wire/edge-uart.json, case `after_empty_line`).
    pub fn queue_line_end(&mut self) {
        self.queued_line_ends = (self.queued_line_ends + 1).min(MAX_QUEUED_LINE_ENDS);
    }

    /// Returns the bytes of a reply. Characters outside ASCII are sent unchanged.
    pub fn reply(&mut self, json: &str) -> Vec<u8> {
        let crc = if self.sends_crc { hex_crc(json.as_bytes()) } else { String::new() };
        let line_ends = self.take_line_ends();
        match self.delimiter {
            Delimiter::Line => format!("{line_ends}\n{json}{crc}\n"),
            Delimiter::Quoted => format!("{line_ends}\n\"\"\"{json}{crc}\"\"\"\n"),
        }
        .into_bytes()
    }

    /// Returns the answer to a handshake with this delimiter.
    pub fn handshake(&mut self, delimiter: Delimiter) -> Vec<u8> {
        let before = if delimiter == Delimiter::Line { "" } else { "\n" };
        [self.take_line_ends().as_bytes(), before.as_bytes(), HANDSHAKE].concat()
    }

    fn take_line_ends(&mut self) -> String {
        "\n".repeat(std::mem::take(&mut self.queued_line_ends))
    }
}

fn hex_crc(json: &[u8]) -> String {
    format!("{:08x}", crc32fast::hash(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::framing::enframe;

    const PING: &[u8] = b"{\"id\": 1, \"method\": \"RPC.Ping\"}";

    fn replies(reads: &[&[u8]]) -> String {
        let mut lines = Lines::default();
        let mut replies = Vec::new();
        for bytes in reads {
            for item in lines.push(bytes) {
                match item {
                    LineItem::Frame(_) => replies.extend(lines.reply(r#"{"id":1}"#)),
                    LineItem::Handshake(delimiter) => replies.extend(lines.handshake(delimiter)),
                    LineItem::EmptyLine => lines.queue_line_end(),
                }
            }
        }
        String::from_utf8(replies).expect("UTF-8")
    }

    #[test]
    fn replies_use_crc_and_style_of_the_client() {
        let plain = [PING, b"\n"].concat();
        let (line, quoted) = (enframe(PING, Delimiter::Line), enframe(PING, Delimiter::Quoted));
        let crc = format!("{:08x}", crc32fast::hash(br#"{"id":1}"#));
        assert_eq!(replies(&[&plain]), "\n{\"id\":1}\n");
        assert_eq!(replies(&[&line, &plain]), format!("\n{{\"id\":1}}{crc}\n").repeat(2));
        // The quoted frame is on its own line, so an empty line precedes and follows it.
        let reply = "\n\"\"\"{\"id\":1}\"\"\"\n";
        assert_eq!(replies(&[&quoted, &plain]), format!("\n{reply}\n{reply}"));
        // As recorded in wire/edge-uart.json, cases `old_delim_hello` and `eof_alone_lf`.
        assert_eq!(replies(&[b"\"\"\"\x04\"\"\"\n\n"]), "\n\"\"\"\x04\"\"\"");
        assert_eq!(replies(&[b"\x04\n"]), "\"\"\"\x04\"\"\"");
    }

    #[test]
    fn non_ascii_byte_clears_the_receive_buffer() {
        let split = [&PING[..5], "é".as_bytes(), &PING[5..], b"\n"].concat();
        assert_eq!(replies(&[&split]), "");
        assert_eq!(replies(&[&split, PING, b"\n"]), "\n{\"id\":1}\n", "the next line is read");
    }
}
