//! Texts for the terminal and for JSON lines: without secrets, and without characters that a terminal interprets. Pure.

use std::borrow::Cow;
use std::fmt::Write as _;

use otactl::secrets::mask;
use otactl::text::{clipped, is_hidden, without_os_error_numbers};
use url::Url;

/// The maximum length of a message in characters. The texts of a device are shorter; a message may combine several.
const MAX_MESSAGE_LEN: usize = 4000;

/// Returns a message without secrets, numbers of system errors and control characters, of at most [`MAX_MESSAGE_LEN`] characters.
pub(super) fn printable_message(text: &str) -> String {
    clipped(&mask(&without_os_error_numbers(text)), MAX_MESSAGE_LEN)
}

/// Returns the address of a device without the secrets that a URL may contain: password, query and fragment.
///
/// The text may be no valid URL, as one with a mistyped port. Of a text that can be read in two ways, both readings are hidden. A user without
/// a password stays.
pub(super) fn without_password(port: &str) -> String {
    let is_path = port.starts_with('/');
    mask(&if is_path { port.into() } else { without_url_secrets(port) }).into_owned()
}

fn without_url_secrets(url: &str) -> String {
    let (scheme, rest) = split_scheme(url);
    let path_end = |text: &str| text.find(['?', '#']).unwrap_or(text.len());
    let Some((before, after)) = rest.rsplit_once('@') else { return format!("{scheme}{}", &rest[..path_end(rest)]) };
    let after = &after[..path_end(after)];
    let query = path_end(before);
    if query == before.len() {
        // Without `//`, a user may have the name of a scheme, as in `mqtt:PASSWORD@host`.
        let has_password = before.contains(':') || !scheme.is_empty() && !scheme.ends_with("//");
        return if has_password { format!("{scheme}{after}") } else { format!("{scheme}{before}@{after}") };
    }
    // The `@` may belong to the query, or the `?` to the password. A password stands behind a `:`.
    let before = &before[..query];
    let authority = before.split('/').next().unwrap_or_default();
    let is_query = scheme.ends_with("//") && Url::parse(&format!("{scheme}{before}")).is_ok();
    if is_query && !before.contains('@') && (!authority.contains(':') || before.contains('/')) {
        format!("{scheme}{before}")
    } else {
        format!("{scheme}…")
    }
}

/// Splits a text behind its scheme and the slashes after it. The first part is empty if it has no scheme.
fn split_scheme(url: &str) -> (&str, &str) {
    const WITHOUT_SLASHES: [&str; 8] = ["ws", "wss", "http", "https", "mqtt", "mqtts", "tcp", "udp"];

    let Some((scheme, rest)) = url.split_once(':') else { return ("", url) };
    let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let is_known = WITHOUT_SLASHES.iter().any(|known| scheme.eq_ignore_ascii_case(known));
    let is_url = rest.starts_with("//") && scheme.chars().all(is_scheme);
    if !is_known && !is_url {
        return ("", url);
    }
    let rest = rest.trim_start_matches(['/', '\\']);
    url.split_at(url.len() - rest.len())
}

/// Returns JSON as a line without hidden characters.
///
/// A device's text may contain characters that a terminal interprets as commands. JSON allows some of them unescaped. Their escapes
/// have the same meaning.
pub(super) fn escaped(text: &str) -> String {
    let is_visible = |c: char| !is_hidden(c) || c == '\n';
    let mut text = Cow::Borrowed(text);
    if !text.chars().all(is_visible) {
        text = text.chars().map(|c| if is_visible(c) { c.to_string() } else { escape(c) }).collect();
    }
    format!("{text}\n")
}

/// Returns the JSON escape of a character. A character outside of the basic plane has two surrogates.
fn escape(c: char) -> String {
    let mut text = String::new();
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a String cannot fail.
        let _ = write!(text, "\\u{unit:04x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_has_no_password_and_no_query() {
        for (port, expected) in [
            ("ws://192.168.1.5", "ws://192.168.1.5"),
            ("ws://u:PW@h/rpc", "ws://h/rpc"),
            ("mqtt://u:PW@h:99999/d", "mqtt://h:99999/d"),
            ("mqtt:u:PW@h/d", "mqtt:h/d"),
            ("mqtt:PW@h/d", "mqtt:h/d"),
            ("ws:/u:PW@h", "ws:/h"),
            ("ws:\\\\u:PW@h", "ws:\\\\h"),
            ("u:PW@host", "host"),
            ("u:P@W@host", "host"),
            ("xqtt://u:PW@host", "xqtt://host"),
            ("ws://h/rpc?token=PW", "ws://h/rpc"),
            ("ws://h:80/rpc?token=P@W:x", "ws://h:80/rpc"),
            ("ws://h?token=P@W", "ws://h"),
            ("ws://u:PW@h/rpc?token=PW", "ws://h/rpc"),
            ("ws://u:PW@h/rpc?token=P@W", "ws://…"),
            ("ws://u:P?W@h", "ws://…"),
            ("ws://u:1?W@h", "ws://…"),
            ("ws://u:P#W@h", "ws://…"),
            ("ws://u:P/W@h", "ws://h"),
            ("u:P?W@h", "…"),
            ("ws://h/rpc#PW", "ws://h/rpc"),
            ("mqtt://bench@h/d", "mqtt://bench@h/d"),
            ("mqtt://h/dev@home", "mqtt://h/dev@home"),
            ("bench1.local:8080", "bench1.local:8080"),
            ("/dev/serial/by-path/x:1@2?", "/dev/serial/by-path/x:1@2?"),
            ("usb:10c4:ea60", "usb:10c4:ea60"),
            ("sim:", "sim:"),
            ("COM7", "COM7"),
            ("", ""),
        ] {
            assert_eq!(without_password(port), expected, "{port}");
        }
    }
}
