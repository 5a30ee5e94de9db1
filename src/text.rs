//! Text from outside, read with care and made fit to be shown.

use std::time::Duration;

use url::Url;

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

/// The text without anything that would move a terminal's cursor, start a line of its own, turn the direction of writing, or
/// not be seen.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '·' } else { c }).collect()
}

/// Whether a terminal takes the character for a command, or shows nothing for it: controls, line separators, marks of the
/// direction of writing, and what Unicode calls default ignorable.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The longest text of a device that is shown within a message, in characters.
const DEVICE_TEXT: usize = 300;

/// A text of a device's, fit to stand in a message: printable, and of at most 300 characters.
#[must_use]
pub fn device_text(text: &str) -> String {
    clipped(text, DEVICE_TEXT)
}

/// Returns the printable text, cut off after `max` characters.
#[must_use]
pub fn clipped(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text),
    }
}

/// A URL as others may see it: bounded, and without user, password, query and fragment, where people keep secrets.
#[must_use]
pub fn public_url(url: &Url) -> String {
    let mut url = url.clone();
    // These fail only for URLs that can have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    excerpt(url.as_str().replace("%E2%80%A6", "…").as_bytes())
}

/// Returns what stands behind the scheme `Digest` in an HTTP header, such as `realm="a", nonce="6b"`. Its case does not matter.
/// `None`: the header has another scheme.
#[must_use]
pub fn behind_digest(header: &str) -> Option<&str> {
    let (scheme, fields) = header.trim().split_once([' ', '\t'])?;
    scheme.eq_ignore_ascii_case("Digest").then_some(fields)
}

/// Whether a URL is written with two slashes behind its scheme, and a host behind them. `http:host` and `http:/host` are read as
/// URLs of a host too, and are usually mistyped.
#[must_use]
pub fn has_two_slashes(url: &str) -> bool {
    let host = url.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    host.is_some_and(|host| !host.starts_with(['/', '\\']))
}

/// The parameters of an HTTP header such as `Digest realm="a, b", algorithm=MD5`, without the scheme
/// before them. Values may be quoted, with backslashes before quotes.
pub fn header_fields(fields: &str) -> impl Iterator<Item = (String, String)> {
    let mut rest = fields;
    std::iter::from_fn(move || {
        let (key, after) = rest.split_once('=')?;
        let key = key.trim_matches([',', ' ', '\t']).to_ascii_lowercase();
        let after = after.trim_start();
        let Some(quoted) = after.strip_prefix('"') else {
            let (value, later) = after.split_once(',').unwrap_or((after, ""));
            rest = later;
            return Some((key, value.trim().to_owned()));
        };
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        rest = "";
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    rest = &quoted[at + 1..];
                    break;
                }
                '\\' => value.extend(chars.next().map(|(_, c)| c)),
                c => value.push(c),
            }
        }
        Some((key, value))
    })
}

/// A duration as a person would say it: no fractions of a millisecond, and of a second only the first.
#[must_use]
pub fn for_humans(duration: Duration) -> String {
    let step = if duration < Duration::from_secs(1) { 1 } else { 100 };
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let rounded = millis.saturating_add(step / 2) / step * step;
    humantime::format_duration(Duration::from_millis(rounded)).to_string()
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn header_fields_may_hold_commas_and_quotes() {
        let fields: Vec<_> =
            header_fields(r#"qop="auth", realm="My, \"Realm\"", nonce = "6b", algorithm=MD5"#).collect();
        let expected = [("qop", "auth"), ("realm", "My, \"Realm\""), ("nonce", "6b"), ("algorithm", "MD5")];
        assert_eq!(fields, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn scheme_is_read_in_any_case() {
        for (header, expected) in [
            ("Digest realm=\"a\"", Some("realm=\"a\"")),
            (" digest realm=\"a\"", Some("realm=\"a\"")),
            ("DIGEST\trealm=\"a\"", Some("realm=\"a\"")),
            ("Basic realm=\"a\"", None),
            ("Digestrealm=\"a\"", None),
            ("Digest", None),
            ("", None),
        ] {
            assert_eq!(behind_digest(header), expected, "{header:?}");
        }
    }

    #[test]
    fn durations_are_rounded() {
        for (micros, expected) in [(999_999, "999ms"), (1_949_999, "1s 900ms"), (9_000_000, "9s"), (25_400, "25ms")] {
            assert_eq!(for_humans(Duration::from_micros(micros)), expected);
        }
    }

    proptest! {
        #[test]
        fn any_header_is_read_without_a_panic(text: String) {
            prop_assert!(header_fields(&text).count() <= text.len());
        }
    }

    #[test]
    fn url_has_two_slashes_or_is_mistyped() {
        for (url, expected) in [
            ("http://host", true),
            ("http:host", false),
            ("http:/host", false),
            ("http:///host", false),
            ("http:\\\\host", false),
            ("http://\\host", false),
            ("host", false),
        ] {
            assert_eq!(has_two_slashes(url), expected, "{url}");
        }
    }

    #[test]
    fn hidden_characters_are_replaced() {
        let hidden = ['\0', '\u{7f}', '\u{9b}', '\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2028}', '\u{2066}'];
        for c in hidden.into_iter().chain(['\u{feff}', '\u{fe0f}', '\u{e0041}', '\u{3164}', '\u{61c}', '\u{180e}']) {
            assert_eq!(printable(&format!("a{c}b")), "a·b", "{c:?}");
        }
        let shown = "aä€ 漢字·… \u{301}🙂";
        assert_eq!(printable(shown), shown);
    }

    #[test]
    fn device_text_is_bounded() {
        assert_eq!(device_text("a\nb"), "a·b");
        assert_eq!(device_text(&"ä".repeat(900_000)).chars().count(), DEVICE_TEXT + 1);
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "abc…");
    }

    #[test]
    fn excerpts_are_short_and_printable() {
        assert_eq!(excerpt(b"a\x1b[31m\nb"), "a·[31m·b");
        assert_eq!(excerpt(&[b'x'; 5000]).chars().count(), 61);
    }
}
