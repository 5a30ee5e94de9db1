//! Lines of frames as the device reads and writes them (as recorded in wire/uart.json and wire/edge-uart.json). No I/O.

use crate::transport::framing::Style;

/// The old delimiter.
const QUOTES: &[u8] = b"\"\"\"";

/// The sign by which `mos` and a device find each other.
pub const HANDSHAKE: &[u8] = b"\"\"\"\x04\"\"\"";

/// What a console prints, some of it in other alphabets, some of it looking like a frame.
pub const CONSOLE: [&str; 3] = [
    "[mgos_sys] heap 227340, größtes Stück 110580 {\"uptime\": 12}\r\n",
    "mg_rpc.c:314  {\"id\": broken\r\n",
    "I (12045) wifi: \u{1b}[32mbcn timeout\u{1b}[0m ☂\n",
];

/// Does to a frame what a bad line does: its CRC is wrong then, and without one it is no JSON any more.
pub fn garble(frame: &mut [u8]) {
    // Behind the id, as every reply has it.
    if let Some(comma) = frame.iter_mut().find(|byte| **byte == b',') {
        *comma = b'#';
    }
}

/// The longest piece that is kept, in bytes. A frame ends at 4096; what is longer is dropped.
const MAX_PIECE: usize = 64 << 10;

/// Line ends that wait for the next reply; more are lost.
const MAX_QUEUED: usize = 256;

/// What a caller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A frame.
    Frame(Vec<u8>),
    /// The sign, set off like this. It is to be answered.
    Handshake(Style),
    /// A line without anything. A line end is to be queued.
    EmptyLine,
}

/// The device's end of a line. It takes after its caller: once it has seen a CRC it sends one, and once
/// it has seen the old delimiter it uses that.
#[derive(Debug, Default)]
pub struct Lines {
    /// What has come since the last line end or delimiter.
    piece: Vec<u8>,
    sends_crc: bool,
    style: Style,
    /// The only delimiter that it understands, if there is but one.
    only: Option<Style>,
    /// Line ends that go out before the next reply.
    queued: usize,
}

impl Lines {
    /// A line on which nothing was said, to a device that understands both delimiters, or only this one.
    #[must_use]
    pub fn new(only: Option<Style>) -> Self {
        Self { only, ..Self::default() }
    }

    /// Takes the bytes of one read. A line end and the old delimiter both end a piece. A frame with a wrong CRC is dropped in
    /// silence.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Heard> {
        // Any byte that is not ASCII wipes the receive buffer (wire/edge-uart.json, case `non_ascii_junk`).
        if !bytes.is_ascii() {
            self.piece.clear();
            return Vec::new();
        }
        let mut heard = Vec::new();
        for &byte in bytes {
            self.piece.push(byte);
            let style = match byte {
                b'\n' => Style::Line,
                _ if self.piece.ends_with(QUOTES) => Style::Quoted,
                _ => {
                    if self.piece.len() > MAX_PIECE {
                        self.piece.clear();
                    }
                    continue;
                }
            };
            let mut piece = std::mem::take(&mut self.piece);
            piece.truncate(piece.len() - if style == Style::Line { 1 } else { QUOTES.len() });
            heard.extend(self.read(&piece, style));
        }
        heard
    }

    /// Reads what stands before a line end or the old delimiter.
    fn read(&mut self, piece: &[u8], style: Style) -> Option<Heard> {
        if style == Style::Quoted && self.only != Some(Style::Line) {
            self.style = Style::Quoted;
        }
        match piece {
            // It turns an interactive console off, which this device does not have.
            [4] => return Some(Heard::Handshake(style)),
            [] => return (style == Style::Line).then_some(Heard::EmptyLine),
            _ => {}
        }
        // What stands before the first brace is junk.
        let start = piece.iter().position(|&byte| byte == b'{')?;
        let end = piece.iter().rposition(|&byte| byte == b'}')? + 1;
        let json = piece.get(start..end)?;
        // Fewer than 8 characters are not checked (wire/edge-uart.json, case `crc_short`).
        let metadata = piece[end..].split(|&byte| byte == b',').next().unwrap_or_default();
        let crc = metadata.get(..8);
        if crc.is_some_and(|crc| !crc.eq_ignore_ascii_case(hex_crc(json).as_bytes())) {
            return None;
        }
        if self.only.is_some_and(|only| only != style) {
            return None;
        }
        self.sends_crc |= crc.is_some();
        Some(Heard::Frame(json.to_vec()))
    }

    /// Queues a line end, which goes out before the next reply (wire/edge-uart.json, case `after_empty_line`).
    pub fn queue_line_end(&mut self) {
        self.queued = (self.queued + 1).min(MAX_QUEUED);
    }

    /// A reply as it goes out. What is not ASCII goes out as it is.
    pub fn reply(&mut self, json: &str) -> Vec<u8> {
        let crc = if self.sends_crc { hex_crc(json.as_bytes()) } else { String::new() };
        let queued = self.take_queued();
        match self.style {
            Style::Line => format!("{queued}\n{json}{crc}\n"),
            Style::Quoted => format!("{queued}\n\"\"\"{json}{crc}\"\"\"\n"),
        }
        .into_bytes()
    }

    /// The answer to the sign, which was set off like this.
    pub fn handshake(&mut self, style: Style) -> Vec<u8> {
        let before = if style == Style::Line { "" } else { "\n" };
        [self.take_queued().as_bytes(), before.as_bytes(), HANDSHAKE].concat()
    }

    fn take_queued(&mut self) -> String {
        "\n".repeat(std::mem::take(&mut self.queued))
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

    fn replies(said: &[&[u8]]) -> String {
        let mut lines = Lines::default();
        let mut replies = Vec::new();
        for bytes in said {
            for heard in lines.push(bytes) {
                match heard {
                    Heard::Frame(_) => replies.extend(lines.reply(r#"{"id":1}"#)),
                    Heard::Handshake(style) => replies.extend(lines.handshake(style)),
                    Heard::EmptyLine => lines.queue_line_end(),
                }
            }
        }
        String::from_utf8(replies).expect("UTF-8")
    }

    #[test]
    fn it_takes_after_its_caller() {
        let plain = [PING, b"\n"].concat();
        let (line, quoted) = (enframe(PING, Style::Line), enframe(PING, Style::Quoted));
        let crc = format!("{:08x}", crc32fast::hash(br#"{"id":1}"#));
        assert_eq!(replies(&[&plain]), "\n{\"id\":1}\n");
        assert_eq!(replies(&[&line, &plain]), format!("\n{{\"id\":1}}{crc}\n").repeat(2));
        // The quoted frame stands on a line of its own, so that there is an empty line before and after it.
        let reply = "\n\"\"\"{\"id\":1}\"\"\"\n";
        assert_eq!(replies(&[&quoted, &plain]), format!("\n{reply}\n{reply}"));
        // As recorded in wire/edge-uart.json, cases `old_delim_hello` and `eof_alone_lf`.
        assert_eq!(replies(&[b"\"\"\"\x04\"\"\"\n\n"]), "\n\"\"\"\x04\"\"\"");
        assert_eq!(replies(&[b"\x04\n"]), "\"\"\"\x04\"\"\"");
    }

    #[test]
    fn a_byte_that_is_not_ascii_wipes_what_came_before() {
        let split = [&PING[..5], "é".as_bytes(), &PING[5..], b"\n"].concat();
        assert_eq!(replies(&[&split]), "");
        assert_eq!(replies(&[&split, PING, b"\n"]), "\n{\"id\":1}\n", "and the next line counts");
    }
}
