//! The secrets that this process was given, and texts without them.
//!
//! A device may repeat a password in an error, and a program that checks it may print one. Neither is known from the place at
//! which it stands, so that the text itself is searched.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use parking_lot::RwLock;
use serde_json::Value;

/// Stands for a secret.
const MASK: &str = "…";

/// A shorter secret is masked only where it stands as a word of its own, in bytes.
const SHORTEST: usize = 4;

/// The forms of all secrets, the longest first.
static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Remembers a secret, for as long as the process runs. Its escaped forms are remembered too: those of JSON and of URLs.
pub fn remember(secret: &str) {
    let json = Value::from(secret).to_string();
    let json = json.trim_matches('"').to_owned();
    let ascii = json.chars().map(|c| if c.is_ascii() { c.to_string() } else { escaped(c) }).collect();
    let url = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect::<String>();
    let mut known = KNOWN.write();
    for form in [secret.to_owned(), json, ascii, url.replace('+', "%20"), url] {
        if !form.is_empty() && !known.contains(&form) {
            known.push(form);
        }
    }
    known.sort_by_key(|form| std::cmp::Reverse(form.len()));
}

/// Remembers the password of a login, and the two as a header has them.
pub fn remember_login(user: &str, password: &str) {
    remember(password);
    // Without a password, the user is no secret.
    if !password.is_empty() {
        remember(&STANDARD_NO_PAD.encode(format!("{user}:{password}")));
    }
}

/// The text with `…` in place of every secret that is remembered. One of less than 4 bytes counts as a whole word only.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read();
    mask_each(text, &known)
}

/// The same for a text whose beginning is missing: it may begin with the end of a secret.
#[must_use]
pub fn mask_cut(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read();
    let ends = known.iter().flat_map(|form| form.char_indices().skip(1).map(|(at, _)| &form[at..]));
    let begins_with = |end: &&str| end.len() >= SHORTEST && text.starts_with(end);
    match ends.filter(begins_with).map(str::len).max() {
        Some(len) => Cow::Owned(format!("{MASK}{}", mask_each(&text[len..], &known))),
        None => mask_each(text, &known),
    }
}

fn mask_each<'a>(text: &'a str, known: &[String]) -> Cow<'a, str> {
    let mut text = Cow::Borrowed(text);
    for form in known.iter().filter(|form| !MASK.contains(form.as_str())) {
        if text.contains(form.as_str()) {
            text = Cow::Owned(mask_one(&text, form));
        }
    }
    text
}

fn mask_one(text: &str, secret: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut end = 0;
    for (at, _) in text.match_indices(secret) {
        let after = at + secret.len();
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let is_part = is_word(text[..at].chars().next_back()) || is_word(text[after..].chars().next());
        if secret.len() >= SHORTEST || !is_part {
            masked.extend([&text[end..at], MASK]);
            end = after;
        }
    }
    masked.push_str(&text[end..]);
    masked
}

fn escaped(c: char) -> String {
    c.encode_utf16(&mut [0; 2]).iter().fold(String::new(), |text, unit| format!("{text}\\u{unit:04x}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(secret: &str, text: &str) -> String {
        mask_each(text, &[secret.to_owned()]).into_owned()
    }

    #[test]
    fn secret_is_masked_wherever_it_stands() {
        for (secret, text, expected) in [
            ("hunter2", "no hunter2, no xhunter2x", "no …, no x…x"),
            ("hunter2", "hunter2hunter2", "……"),
            ("hunter2", "hunter", "hunter"),
            // A short one would make any text unreadable.
            ("1", "slot 1 of 10: 1", "slot … of 10: …"),
            ("é", "café é", "café …"),
            ("…", "a…b", "a…b"),
        ] {
            assert_eq!(masked(secret, text), expected, "{secret} in {text}");
        }
    }

    /// All tests of this process share what is remembered.
    #[test]
    fn forms_of_a_secret_are_masked() {
        remember_login("admin", "gr\u{fc}n \"7\" &");
        for form in ["grün \"7\" &", "grün \\\"7\\\" &", "gr\\u00fcn \\\"7\\\" &", "gr%C3%BCn+%227%22+%26"] {
            assert_eq!(mask(&format!("<{form}>")), "<…>", "{form}");
        }
        let header = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode("admin:grün \"7\" &"));
        assert!(mask(&header).starts_with("Basic …"), "{}", mask(&header));
        assert_eq!(mask_cut("ün \"7\" & x"), "… x", "its beginning is missing");
        assert_eq!(mask_cut("grün \"7\" & x"), "… x");
        remember("");
        remember_login("visible-user", "");
        assert_eq!(mask("visible-user"), "visible-user");
    }

    proptest! {
        #[test]
        fn no_secret_is_left(secret in "[a-zé\"]{4,8}", before: String, after: String) {
            let text = masked(&secret, &format!("{before}{secret}{after}"));
            prop_assert!(!text.contains(&secret), "{}", text);
        }
    }
}
