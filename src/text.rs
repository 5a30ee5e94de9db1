//! Text from devices, servers and users: made safe to show, and parsed without panics.

use std::borrow::Cow;
use std::time::Duration;

use url::Url;

/// Returns a printable excerpt of at most 60 characters, for one line of an error message.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const MAX_EXCERPT: usize = 60;
    let text = printable(&String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_EXCERPT)]));
    match text.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns the text with `·` in place of each character that [is hidden](is_hidden).
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '·' } else { c }).collect()
}

/// Returns the text without the numbers of system errors: Rust writes `No such file or directory (os error 2)`.
#[must_use]
pub fn without_os_error_numbers(text: &str) -> Cow<'_, str> {
    const START: &str = " (os error ";

    let mut text = Cow::Borrowed(text);
    let mut from = 0;
    while let Some(start) = text[from..].find(START).map(|at| from + at) {
        let digits = start + START.len();
        let end = text[digits..].find(|c: char| !c.is_ascii_digit()).map(|len| digits + len);
        match end {
            Some(end) if end > digits && text[end..].starts_with(')') => text.to_mut().replace_range(start..=end, ""),
            _ => from = digits,
        }
    }
    text
}

/// Tells whether a text that is not JSON seems to have single quotes in place of double ones.
#[must_use]
pub fn has_single_quotes_only(text: &str) -> bool {
    text.contains('\'') && !text.contains('"')
}

/// Tells whether a terminal interprets the character as a command, or shows nothing for it.
///
/// These are control characters, line separators, marks of the writing direction, and the characters that Unicode calls
/// default ignorable.
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

/// The maximum length of a device's text within a message, in characters.
const MAX_DEVICE_TEXT: usize = 300;

/// Returns the text of a device for use in a message: printable, and cut off after 300 characters.
#[must_use]
pub fn device_text(text: &str) -> String {
    clipped(text, MAX_DEVICE_TEXT)
}

/// Returns the printable text, cut off after `max` characters.
#[must_use]
pub fn clipped(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", printable(&text[..end])),
        None => printable(text),
    }
}

/// Returns a URL that is safe to show: an excerpt without user, password, query and fragment, which may contain
/// secrets.
#[must_use]
pub fn public_url(url: &Url) -> String {
    let mut url = url.clone();
    // Both calls fail only for URLs that cannot have a user and a password.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    excerpt(url.as_str().replace("%E2%80%A6", "…").as_bytes())
}

/// Returns the parameters after the scheme `Digest` in an HTTP header, such as `realm="a", nonce="6b"`.
///
/// The scheme is compared without regard to case. Returns `None` for another scheme.
#[must_use]
pub fn behind_digest(header: &str) -> Option<&str> {
    let (scheme, fields) = header.trim().split_once([' ', '\t'])?;
    scheme.eq_ignore_ascii_case("Digest").then_some(fields)
}

/// Tells whether a URL has two slashes and a host after its scheme.
///
/// URL parsers also accept `http:host` and `http:/host`, which are usually typing errors.
#[must_use]
pub fn has_two_slashes(url: &str) -> bool {
    let host = url.split_once(':').and_then(|(_, rest)| rest.strip_prefix("//"));
    host.is_some_and(|host| !host.starts_with(['/', '\\']))
}

/// Parses the parameters of an HTTP header, such as `realm="a, b", algorithm=MD5`, without the scheme before them.
///
/// Names are converted to lower case. Values may be quoted, with backslashes before quotes.
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

/// Formats a duration for people: in whole milliseconds below 1 s, and rounded to 100 ms from 1 s on.
#[must_use]
pub fn for_humans(duration: Duration) -> String {
    let step = if duration < Duration::from_secs(1) { 1 } else { 100 };
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let rounded = millis.saturating_add(step / 2) / step * step;
    humantime::format_duration(Duration::from_millis(rounded)).to_string()
}

/// Formats bytes as lower-case hexadecimal digits.
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
    fn numbers_of_system_errors_are_removed() {
        for (text, expected) in [
            ("x: No such file or directory (os error 2)", "x: No such file or directory"),
            ("a (os error 1), b (os error 22); c", "a, b; c"),
            ("a (os error x) (os error 1", "a (os error x) (os error 1"),
            ("a (os error ) (os error 10061)", "a (os error )"),
            ("(os error 1)", "(os error 1)"),
            ("", ""),
        ] {
            assert_eq!(without_os_error_numbers(text), expected, "{text}");
        }
    }

    #[test]
    fn header_field_with_comma_and_quotes_is_parsed() {
        let fields: Vec<_> =
            header_fields(r#"qop="auth", realm="My, \"Realm\"", nonce = "6b", algorithm=MD5"#).collect();
        let expected = [("qop", "auth"), ("realm", "My, \"Realm\""), ("nonce", "6b"), ("algorithm", "MD5")];
        assert_eq!(fields, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn digest_scheme_in_any_case_is_recognised() {
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
    fn duration_is_rounded_to_milliseconds_or_tenths() {
        for (micros, expected) in [(999_999, "999ms"), (1_949_999, "1s 900ms"), (9_000_000, "9s"), (25_400, "25ms")] {
            assert_eq!(for_humans(Duration::from_micros(micros)), expected, "{micros} µs");
        }
    }

    proptest! {
        #[test]
        fn header_fields_of_any_text_do_not_panic(text: String) {
            prop_assert!(header_fields(&text).count() <= text.len());
        }
    }

    #[test]
    fn url_without_two_slashes_is_recognised() {
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
    fn hidden_character_is_replaced() {
        let hidden = ['\0', '\u{7f}', '\u{9b}', '\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2028}', '\u{2066}'];
        for c in hidden.into_iter().chain(['\u{feff}', '\u{fe0f}', '\u{e0041}', '\u{3164}', '\u{61c}', '\u{180e}']) {
            assert_eq!(printable(&format!("a{c}b")), "a·b", "{c:?}");
        }
        let shown = "aä€ 漢字·… \u{301}🙂";
        assert_eq!(printable(shown), shown);
    }

    #[test]
    fn long_device_text_is_cut_off() {
        assert_eq!(device_text("a\nb"), "a·b");
        assert_eq!(device_text(&"ä".repeat(900_000)).chars().count(), MAX_DEVICE_TEXT + 1);
        assert_eq!(clipped("abc", 3), "abc");
        assert_eq!(clipped("abcd", 3), "abc…");
    }

    #[test]
    fn excerpt_is_short_and_printable() {
        assert_eq!(excerpt(b"a\x1b[31m\nb"), "a·[31m·b");
        assert_eq!(excerpt(&[b'x'; 5000]).chars().count(), 61);
    }
}
