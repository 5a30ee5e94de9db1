//! Text from outside, made fit to be shown.

/// A short, printable excerpt of bytes from outside, fit for one line of an error message.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 60;
    let text = printable(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * SHOWN)]));
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The text without anything that would move a terminal's cursor, start a line of its own or turn the
/// direction of writing.
#[must_use]
pub fn printable(text: &str) -> String {
    let turns = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if c.is_control() || turns(c) { '·' } else { c }).collect()
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(b"a\x1b[31m\nb"), "a·[31m·b");
        assert_eq!(excerpt(&[b'x'; 5000]).chars().count(), 61);
    }
}
