//! Lines of frames as the device reads and writes them (as recorded in wire/uart.json). No I/O.

use crate::transport::framing::{Deframer, Item, Style};

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

/// What a caller said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A frame.
    Frame(Vec<u8>),
    /// The sign, which wants to be answered by the same.
    Handshake,
}

/// The device's end of a line. It takes after its caller: once it has seen a CRC it sends one, and once
/// it has seen the old delimiter it uses that.
#[derive(Debug, Default)]
pub struct Lines {
    deframer: Deframer,
    sends_crc: bool,
    style: Style,
    /// The only delimiter that it understands, if there is but one.
    only: Option<Style>,
}

impl Lines {
    /// A line on which nothing was said, to a device that understands both delimiters, or only this one.
    #[must_use]
    pub fn new(only: Option<Style>) -> Self {
        Self { only, ..Self::default() }
    }

    /// Takes the next bytes. A frame with a wrong CRC is dropped in silence.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Heard> {
        // Any byte that is not ASCII wipes the receive buffer.
        let mut runs = bytes.split(|byte| !byte.is_ascii()).peekable();
        while let Some(run) = runs.next() {
            self.deframer.push(run);
            if runs.peek().is_some() {
                self.deframer.wipe();
            }
        }
        let mut heard = Vec::new();
        while let Some(item) = self.deframer.next_item() {
            match item {
                Item::Frame { style, .. } if self.only.is_some_and(|only| only != style) => {}
                Item::Frame { json, style, has_crc } => {
                    self.sends_crc |= has_crc;
                    if style == Style::Quoted {
                        self.style = style;
                    }
                    heard.push(Heard::Frame(json));
                }
                Item::Handshake => {
                    self.style = Style::Quoted;
                    heard.push(Heard::Handshake);
                }
                // It turns an interactive console off, which this device does not have.
                Item::Console(text) if text == [4] => heard.push(Heard::Handshake),
                Item::Console(_) | Item::Corrupt(_) => {}
            }
        }
        heard
    }

    /// A reply as it goes out. What is not ASCII goes out as it is.
    #[must_use]
    pub fn reply(&self, json: &str) -> Vec<u8> {
        let crc = || format!("{:08x}", crc32fast::hash(json.as_bytes()));
        let crc = if self.sends_crc { crc() } else { String::new() };
        match self.style {
            Style::Line => format!("\n{json}{crc}\n"),
            Style::Quoted => format!("\n\"\"\"{json}{crc}\"\"\"\n"),
        }
        .into_bytes()
    }
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
                    Heard::Handshake => replies.extend_from_slice(HANDSHAKE),
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
        assert_eq!(replies(&[&quoted, &plain]), "\n\"\"\"{\"id\":1}\"\"\"\n".repeat(2));
        assert_eq!(replies(&[b"\"\"\"\x04\"\"\"\n\n"]), "\"\"\"\x04\"\"\"");
        assert_eq!(replies(&[b"\x04\n"]), "\"\"\"\x04\"\"\"");
    }

    #[test]
    fn a_byte_that_is_not_ascii_wipes_what_came_before() {
        let split = [&PING[..5], "é".as_bytes(), &PING[5..], b"\n"].concat();
        assert_eq!(replies(&[&split]), "");
        assert_eq!(replies(&[&split, PING, b"\n"]), "\n{\"id\":1}\n", "and the next line counts");
    }
}
