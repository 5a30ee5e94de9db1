use proptest::prelude::*;

use super::*;

fn items(bytes: &[u8], piece: usize) -> Vec<StreamItem> {
    let mut deframer = Deframer::default();
    bytes.chunks(piece).for_each(|piece| deframer.push(piece));
    std::iter::from_fn(|| deframer.next_item()).collect()
}

fn frame(json: &str, has_crc: bool) -> StreamItem {
    StreamItem::Frame { json: json.into(), delimiter: Delimiter::Line, has_crc }
}

fn quoted(json: &str, has_crc: bool) -> StreamItem {
    StreamItem::Frame { json: json.into(), delimiter: Delimiter::Quoted, has_crc }
}

fn console(text: &str) -> StreamItem {
    StreamItem::Console(text.into())
}

#[test]
fn frames_are_found_among_other_lines() {
    let ping = r#"{"id": 102, "method": "RPC.Ping"}"#;
    let table: Vec<(&[u8], Vec<StreamItem>)> = vec![
        // As recorded in wire/uart.json.
        (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n", vec![frame(ping, true)]),
        (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11D3CA5C\n", vec![frame(ping, true)]),
        (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11D3ca5C,more\n", vec![frame(ping, true)]),
        (b"{\"id\": 102, \"method\": \"RPC.Ping\"}\r\n", vec![frame(ping, false)]),
        (b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c,more\n", vec![frame(ping, true)]),
        (
            b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5d\n",
            vec![StreamItem::Corrupt(b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5d".to_vec())],
        ),
        (
            b"{\"id\":1,\"method\":\"RPC.Ping\"f58671a0\n",
            vec![StreamItem::Corrupt(b"{\"id\":1,\"method\":\"RPC.Ping\"f58671a0".to_vec())],
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
                StreamItem::Corrupt(b"{\"id\":1,\"temp\":nan}".to_vec()),
            ],
        ),
        (
            b"\"\"\"{\"id\":1,\"src\":\"d\",\"result\":-inf}\"\"\"\n",
            vec![quoted(r#"{"id":1,"src":"d","result":-inf}"#, false)],
        ),
        (b"{\"temp\": 25}\n{broken\n", vec![console("{\"temp\": 25}"), console("{broken")]),
        (b"\"\"\"{\"id\":1,\"result\":null}\"\"\"\n", vec![quoted(r#"{"id":1,"result":null}"#, false)]),
        (b"x\"\"\"\x04\"\"\"\n", vec![console("x"), StreamItem::Handshake]),
        (b"\"\"\"nonsense\"\"\"\n", vec![StreamItem::Corrupt(b"nonsense".to_vec())]),
        (b"caf\xc3\xa9 \xff\n", vec![StreamItem::Console(b"caf\xc3\xa9 \xff".to_vec())]),
    ];
    for (bytes, expected) in table {
        for piece in [1, 2, 7, bytes.len()] {
            let shown = String::from_utf8_lossy(bytes);
            assert_eq!(items(bytes, piece), expected, "{shown} in pieces of {piece}");
        }
    }
}

#[test]
fn character_beyond_ascii_is_escaped() {
    assert_eq!(
        enframe(r#"{"a":"ü€😀"}"#.as_bytes(), Delimiter::Quoted),
        b"\n\"\"\"{\"a\":\"\\u00fc\\u20ac\\ud83d\\ude00\"}\"\"\"\n"
    );
    assert_eq!(escaped_len(r#"{"a":"ü€😀"}"#.as_bytes()), r#"{"a":""}"#.len() + 4 * 6);
    assert_eq!(escaped_len(br#"{"a":""}"#), r#"{"a":""}"#.len());
    assert_eq!(
        enframe(br#"{"id": 102, "method": "RPC.Ping"}"#, Delimiter::Line),
        b"{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n"
    );
}

/// A device that prints without line ends must not fill the memory.
#[test]
fn line_without_end_is_cut_at_maximum() {
    let mut deframer = Deframer::default();
    for _ in 0..1000 {
        deframer.push(&[b'x'; 1000]);
        while let Some(item) = deframer.next_item() {
            assert!(matches!(item, StreamItem::Console(text) if text.len() == MAX_LINE_LEN));
        }
        assert!(deframer.line.len() <= MAX_LINE_LEN);
    }
    deframer.push(b"\n{\"id\":1,\"result\":null}\n");
    assert!(matches!(deframer.next_item(), Some(StreamItem::Console(_))));
    assert_eq!(deframer.next_item(), Some(frame(r#"{"id":1,"result":null}"#, false)), "the frame in the next line");
}

/// A device that prints only quotes must not exhaust the stack.
#[test]
fn line_of_quotes_is_read_without_recursion() {
    let line = [&b"\"".repeat(MAX_LINE_LEN - 4), b"x{}".as_slice(), b"\n{\"id\":1,\"result\":null}\n"].concat();
    let found = items(&line, 1 << 20);
    assert!(found.len() > 10_000, "{} items", found.len());
    assert_eq!(found.last(), Some(&frame(r#"{"id":1,"result":null}"#, false)));
}

proptest! {
    #[test]
    fn any_bytes_in_any_pieces_give_the_same_items(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'"'), Just(b'{'), Just(b'}')], 0..200),
        piece in 1..20_usize,
    ) {
        prop_assert_eq!(items(&bytes, piece), items(&bytes, bytes.len().max(1)));
    }

    /// The frame is found if a line end precedes it.
    #[test]
    fn frame_after_noise_is_found(noise: Vec<u8>, text: String, delimiter in prop_oneof![Just(Delimiter::Line), Just(Delimiter::Quoted)]) {
        let json = serde_json::json!({"id": 1, "result": text}).to_string();
        let bytes = [&noise, b"\n".as_slice(), &enframe(json.as_bytes(), delimiter)].concat();
        prop_assert!(bytes[noise.len()..].is_ascii());
        let last = items(&bytes, 16).pop();
        let Some(StreamItem::Frame { json: found, .. }) = last else { panic!("{last:?}") };
        let value: serde_json::Value = serde_json::from_slice(&found).expect("JSON");
        prop_assert_eq!(value["result"].as_str(), Some(text.as_str()));
    }
}
