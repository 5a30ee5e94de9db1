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

/// Returns the address of a device without the password that a URL may contain.
pub(super) fn without_password(port: &str) -> String {
    match Url::parse(port) {
        Ok(mut url) if url.password().is_some() => {
            // Fails only for a URL without a host.
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => mask(port).into_owned(),
    }
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
