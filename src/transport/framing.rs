//! Frames on a line of bytes, as UART and TCP carry them: one per line, `JSON[crc]\n`, between lines of
//! the device's console. Knows no socket and no port: bytes are pushed, items are taken.
//!
//! Old firmware, and a device that was spoken to in that way once, puts `"""` before and after. Both are
//! understood at any time.

use std::collections::VecDeque;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::rpc::unreadable::has_bad_numbers_only;

/// The longest line that is kept, in bytes. A device's frame ends at 4096; what is longer is no frame.
const MAX_LINE: usize = 64 << 10;

/// The old delimiter.
const QUOTES: &[u8] = br#"""""#;

/// How a frame begins that nothing but a frame begins like, so that it is found behind other text.
const HEAD: &[u8] = br#"{"id":"#;

/// How a frame is set off from the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Style {
    /// A line with a CRC.
    #[default]
    Line,
    /// The old delimiter, without a CRC.
    Quoted,
}

/// What was found among the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A frame: its JSON, without CRC and delimiters.
    Frame {
        /// The JSON.
        json: Vec<u8>,
        /// How it was set off.
        style: Style,
        /// Whether a CRC stood behind it; it was right.
        has_crc: bool,
    },
    /// The sign by which `mos` and a device find each other: `"""\x04"""`.
    Handshake,
    /// A line of the console, without its end.
    Console(Vec<u8>),
    /// A line that was a frame once.
    Corrupt(Vec<u8>),
}

/// Takes bytes as they come, in whatever pieces, and gives what they hold. Linear in the bytes, and
/// bounded: what is not taken waits, and a line that does not end is given out as console text.
#[derive(Debug, Default)]
pub struct Deframer {
    line: Vec<u8>,
    items: VecDeque<Item>,
}

impl Deframer {
    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut pieces = bytes.split(|&byte| byte == b'\n').peekable();
        while let Some(mut piece) = pieces.next() {
            while self.line.len() + piece.len() > MAX_LINE {
                let (now, later) = piece.split_at(MAX_LINE - self.line.len());
                self.line.extend_from_slice(now);
                self.items.push_back(Item::Console(std::mem::take(&mut self.line)));
                piece = later;
            }
            self.line.extend_from_slice(piece);
            if pieces.peek().is_some() {
                let line = std::mem::take(&mut self.line);
                self.read(line.strip_suffix(b"\r").unwrap_or(&line));
            }
        }
    }

    /// Forgets the line that has begun.
    pub fn wipe(&mut self) {
        self.line.clear();
    }

    /// The next item, in the order of the bytes.
    pub fn next_item(&mut self) -> Option<Item> {
        self.items.pop_front()
    }

    fn read(&mut self, mut line: &[u8]) {
        // A loop, since one line may hold thousands of them.
        while let Some(at) = find(line, QUOTES) {
            self.console(&line[..at]);
            line = self.read_quoted(&line[at + QUOTES.len()..]);
        }
        if line.is_empty() {
            return;
        }
        if let Some(frame) = read_frame(line, Style::Line) {
            self.items.push_back(frame);
            return;
        }
        match find(line, HEAD) {
            // A frame behind text that had no line end of its own.
            Some(at) if at > 0 => {
                self.console(&line[..at]);
                let rest = &line[at..];
                let frame = read_frame(rest, Style::Line).unwrap_or_else(|| Item::Corrupt(rest.to_vec()));
                self.items.push_back(frame);
            }
            Some(_) => self.items.push_back(Item::Corrupt(line.to_vec())),
            None => self.console(line),
        }
    }

    /// Reads what stands between quotes, and gives what stands behind them.
    fn read_quoted<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        let (content, behind) = match find(rest, QUOTES) {
            Some(end) => (&rest[..end], &rest[end + QUOTES.len()..]),
            None => (rest, &[][..]),
        };
        self.items.push_back(match content {
            [4] => Item::Handshake,
            _ => read_frame(content, Style::Quoted).unwrap_or_else(|| Item::Corrupt(content.to_vec())),
        });
        behind
    }

    fn console(&mut self, text: &[u8]) {
        if !text.is_empty() {
            self.items.push_back(Item::Console(text.to_vec()));
        }
    }
}

/// A frame, right or corrupt; `None` if this is something else.
fn read_frame(text: &[u8], style: Style) -> Option<Item> {
    if text.first() != Some(&b'{') {
        return None;
    }
    let end = text.iter().rposition(|&byte| byte == b'}')? + 1;
    let (json, rest) = text.split_at(end);
    // Behind a CRC there may be a comma and more, which is for others.
    let (crc, more) = rest.split_at(rest.len().min(8));
    let is_crc = crc.len() == 8 && crc.iter().all(u8::is_ascii_hexdigit) && matches!(more.first(), None | Some(b','));
    let has_crc = match (is_crc, rest.is_empty()) {
        (true, _) if hex8(crc32fast::hash(json)).eq_ignore_ascii_case(crc) => true,
        (true, _) => return Some(Item::Corrupt(text.to_vec())),
        (false, true) => false,
        (false, false) => return None,
    };
    (has_crc || is_frame(json) || has_bad_numbers_only(json)).then(|| Item::Frame {
        json: json.to_vec(),
        style,
        has_crc,
    })
}

/// Without a CRC, only what looks like a frame is one: programs print JSON to their console too.
fn is_frame(json: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Look {
        id: Option<IgnoredAny>,
        method: Option<IgnoredAny>,
    }
    let text = String::from_utf8_lossy(json);
    serde_json::from_str(&text).is_ok_and(|look: Look| look.id.is_some() || look.method.is_some())
}

/// Sets a frame off from the rest. Whatever is not ASCII is escaped: any other byte wipes the receive
/// buffer of a device. `json` has to be UTF-8, and without line ends, as the encoder makes it.
#[must_use]
pub fn enframe(json: &[u8], style: Style) -> Vec<u8> {
    let mut line = escape(json);
    match style {
        Style::Line => {
            let crc = hex8(crc32fast::hash(&line));
            line.extend_from_slice(&crc);
            line.push(b'\n');
            line
        }
        Style::Quoted => [b"\n", QUOTES, &line, QUOTES, b"\n"].concat(),
    }
}

/// The length of a frame's JSON once it is escaped, which is what a device has to have room for.
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

fn hex8(crc: u32) -> [u8; 8] {
    let text = format!("{crc:08x}");
    std::array::from_fn(|at| text.as_bytes()[at])
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn items(bytes: &[u8], piece: usize) -> Vec<Item> {
        let mut deframer = Deframer::default();
        bytes.chunks(piece).for_each(|piece| deframer.push(piece));
        std::iter::from_fn(|| deframer.next_item()).collect()
    }

    fn frame(json: &str, has_crc: bool) -> Item {
        Item::Frame { json: json.into(), style: Style::Line, has_crc }
    }

    fn quoted(json: &str, has_crc: bool) -> Item {
        Item::Frame { json: json.into(), style: Style::Quoted, has_crc }
    }

    fn console(text: &str) -> Item {
        Item::Console(text.into())
    }

    #[test]
    fn finds_frames_among_other_lines() {
        let ping = r#"{"id": 102, "method": "RPC.Ping"}"#;
        let table: Vec<(&[u8], Vec<Item>)> = vec![
            // As recorded in wire/uart.json.
            (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n", vec![frame(ping, true)]),
            (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11D3CA5C\n", vec![frame(ping, true)]),
            (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11D3ca5C,more\n", vec![frame(ping, true)]),
            (b"{\"id\": 102, \"method\": \"RPC.Ping\"}\r\n", vec![frame(ping, false)]),
            (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c,more\n", vec![frame(ping, true)]),
            (
                b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5d\n",
                vec![Item::Corrupt(b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5d".to_vec())],
            ),
            (
                b"{\"id\":1,\"method\":\"RPC.Ping\"f58671a0\n",
                vec![Item::Corrupt(b"{\"id\":1,\"method\":\"RPC.Ping\"f58671a0".to_vec())],
            ),
            (b"hello3610a686\n", vec![console("hello3610a686")]),
            (
                b"\n\nmgos_init done\r\n\n{\"id\":1,\"result\":null}\nbye\n",
                vec![console("mgos_init done"), frame(r#"{"id":1,"result":null}"#, false), console("bye")],
            ),
            (
                b"log without an end{\"id\":1,\"result\":null}\n",
                vec![console("log without an end"), frame(r#"{"id":1,"result":null}"#, false)],
            ),
            (
                b"{\"id\":1,\"src\":\"d\",\"result\":nan}\n{\"id\":1,\"temp\":nan}\n",
                vec![
                    frame(r#"{"id":1,"src":"d","result":nan}"#, false),
                    Item::Corrupt(b"{\"id\":1,\"temp\":nan}".to_vec()),
                ],
            ),
            (
                b"\"\"\"{\"id\":1,\"src\":\"d\",\"result\":-inf}\"\"\"\n",
                vec![quoted(r#"{"id":1,"src":"d","result":-inf}"#, false)],
            ),
            (b"{\"temp\": 25}\n{broken\n", vec![console("{\"temp\": 25}"), console("{broken")]),
            (b"\"\"\"{\"id\":1,\"result\":null}\"\"\"\n", vec![quoted(r#"{"id":1,"result":null}"#, false)]),
            (b"x\"\"\"\x04\"\"\"\n", vec![console("x"), Item::Handshake]),
            (b"\"\"\"nonsense\"\"\"\n", vec![Item::Corrupt(b"nonsense".to_vec())]),
            (b"caf\xc3\xa9 \xff\n", vec![Item::Console(b"caf\xc3\xa9 \xff".to_vec())]),
        ];
        for (bytes, expected) in table {
            for piece in [1, 2, 7, bytes.len()] {
                let shown = String::from_utf8_lossy(bytes);
                assert_eq!(items(bytes, piece), expected, "{shown} in pieces of {piece}");
            }
        }
    }

    #[test]
    fn escapes_what_is_not_ascii() {
        assert_eq!(
            enframe(r#"{"a":"ü€😀"}"#.as_bytes(), Style::Quoted),
            b"\n\"\"\"{\"a\":\"\\u00fc\\u20ac\\ud83d\\ude00\"}\"\"\"\n"
        );
        assert_eq!(escaped_len(r#"{"a":"ü€😀"}"#.as_bytes()), r#"{"a":""}"#.len() + 4 * 6);
        assert_eq!(escaped_len(br#"{"a":""}"#), r#"{"a":""}"#.len());
        assert_eq!(
            enframe(br#"{"id": 102, "method": "RPC.Ping"}"#, Style::Line),
            b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n"
        );
    }

    /// A device that prints without ever ending a line must not fill the memory.
    #[test]
    fn a_line_without_an_end_is_cut() {
        let mut deframer = Deframer::default();
        for _ in 0..1000 {
            deframer.push(&[b'x'; 1000]);
            while let Some(item) = deframer.next_item() {
                assert!(matches!(item, Item::Console(text) if text.len() == MAX_LINE));
            }
            assert!(deframer.line.len() <= MAX_LINE);
        }
        deframer.push(b"\n{\"id\":1,\"result\":null}\n");
        assert!(matches!(deframer.next_item(), Some(Item::Console(_))));
        assert_eq!(deframer.next_item(), Some(frame(r#"{"id":1,"result":null}"#, false)), "and it is back in step");
    }

    /// A device that prints nothing but quotes must not use up the stack.
    #[test]
    fn a_line_may_hold_any_number_of_quotes() {
        let line = [&b"\"".repeat(MAX_LINE - 4), b"x{}".as_slice(), b"\n{\"id\":1,\"result\":null}\n"].concat();
        let found = items(&line, 1 << 20);
        assert!(found.len() > 10_000, "{} items", found.len());
        assert_eq!(found.last(), Some(&frame(r#"{"id":1,"result":null}"#, false)));
    }

    proptest! {
        /// However the bytes are cut, they hold the same.
        #[test]
        fn any_bytes_hold_the_same_however_they_are_cut(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'"'), Just(b'{'), Just(b'}')], 0..200),
            piece in 1..20_usize,
        ) {
            prop_assert_eq!(items(&bytes, piece), items(&bytes, bytes.len().max(1)));
        }

        /// A frame comes through whatever stands before it, if only the lines before it have ended.
        #[test]
        fn a_frame_comes_through_noise(noise: Vec<u8>, text: String, style in prop_oneof![Just(Style::Line), Just(Style::Quoted)]) {
            let json = serde_json::json!({"id": 1, "result": text}).to_string();
            let bytes = [&noise, b"\n".as_slice(), &enframe(json.as_bytes(), style)].concat();
            prop_assert!(bytes[noise.len()..].is_ascii());
            let last = items(&bytes, 16).pop();
            let Some(Item::Frame { json: found, .. }) = last else { panic!("{last:?}") };
            let value: serde_json::Value = serde_json::from_slice(&found).expect("JSON");
            prop_assert_eq!(value["result"].as_str(), Some(text.as_str()));
        }
    }
}
