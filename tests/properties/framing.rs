//! The property of the deframer, shared by tests/properties.rs and the fuzz target of the same name. Any program may
//! print to the line.

use otactl::transport::framing::{Deframer, Delimiter, StreamItem, enframe};

/// The longest line that the deframer keeps.
const MAX_LINE: usize = 64 << 10;

/// Checks that the deframer finds the same items however the bytes are split. The first byte decides how they are
/// split.
///
/// No item is longer than a line may be, and no byte is found twice. A frame after all other bytes is found, unless it
/// is damaged.
pub(crate) fn check(bytes: &[u8]) {
    let (&cut, stream) = bytes.split_first().unwrap_or((&0, &[]));
    let whole = items(&[stream]);
    let found: usize = whole.iter().map(len).sum();
    assert!(found <= stream.len(), "{found} bytes were found in {}", stream.len());
    assert!(whole.iter().all(|item| len(item) <= MAX_LINE));
    for piece in [1, usize::from(cut) + 1] {
        let pieces: Vec<_> = stream.chunks(piece).collect();
        assert_eq!(items(&pieces), whole, "in pieces of {piece}");
    }
    for delimiter in [Delimiter::Line, Delimiter::Quoted] {
        let json = br#"{"id":1,"result":"\u00fc"}"#;
        let last = items(&[stream, b"\n", &enframe(json, delimiter)]).pop();
        let expected = StreamItem::Frame { json: json.to_vec(), delimiter, has_crc: delimiter == Delimiter::Line };
        assert_eq!(last, Some(expected), "the frame behind it all");
    }
    let damaged = br#"{"id":1,"result":"x"}00000000"#;
    assert_eq!(items(&[stream, b"\n", damaged, b"\n"]).pop(), Some(StreamItem::Corrupt(damaged.to_vec())));
}

fn items(pieces: &[&[u8]]) -> Vec<StreamItem> {
    let mut deframer = Deframer::default();
    let mut items = Vec::new();
    for piece in pieces {
        deframer.push(piece);
        items.extend(std::iter::from_fn(|| deframer.next_item()));
    }
    items
}

fn len(item: &StreamItem) -> usize {
    match item {
        StreamItem::Frame { json, .. } => json.len(),
        StreamItem::Handshake => 1,
        StreamItem::Console(bytes) | StreamItem::Corrupt(bytes) => bytes.len(),
    }
}
