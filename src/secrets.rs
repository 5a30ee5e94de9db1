//! The secrets that this process was given, and their removal from text.
//!
//! A device may repeat a password in an error, and the program of a health check may print one. Such a password has no
//! field name that marks it as a secret. Therefore all text that is shown is searched for the known secrets.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use parking_lot::RwLock;
use serde_json::Value;

/// The replacement of a secret.
const MASK: &str = "…";

/// The minimum length, in bytes, of a secret that is masked inside a word. A shorter one is masked only as a whole
/// word.
const MIN_PART_LEN: usize = 4;

/// All remembered secrets in all their forms, the longest first.
static KNOWN: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// Remembers a secret until the process ends. Also remembers its escaped forms in JSON and in URLs.
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

/// Remembers the password of a login, and user and password in the form of the HTTP header of basic authentication.
pub fn remember_login(user: &str, password: &str) {
    remember(password);
    // A user without a password is not a secret.
    if !password.is_empty() {
        remember(&STANDARD_NO_PAD.encode(format!("{user}:{password}")));
    }
}

/// Returns the text with `…` in place of each remembered secret. A secret of less than 4 bytes is replaced only as a
/// whole word.
#[must_use]
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read();
    mask_each(text, &known)
}

/// Masks a text whose beginning is missing. Other than [`mask`], also replaces the end of a secret at the start of the
/// text.
#[must_use]
pub fn mask_cut(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read();
    let ends = known.iter().flat_map(|form| form.char_indices().skip(1).map(|(at, _)| &form[at..]));
    let begins_with = |end: &&str| end.len() >= MIN_PART_LEN && text.starts_with(end);
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
        if secret.len() >= MIN_PART_LEN || !is_part {
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
    fn secret_in_text_is_masked() {
        for (secret, text, expected) in [
            ("hunter2", "no hunter2, no xhunter2x", "no …, no x…x"),
            ("hunter2", "hunter2hunter2", "……"),
            ("hunter2", "hunter", "hunter"),
            // Masking short secrets everywhere would make the text unreadable.
            ("1", "slot 1 of 10: 1", "slot … of 10: …"),
            ("é", "café é", "café …"),
            ("…", "a…b", "a…b"),
        ] {
            assert_eq!(masked(secret, text), expected, "{secret} in {text}");
        }
    }

    /// All tests of this process share the remembered secrets.
    #[test]
    fn escaped_forms_of_a_secret_are_masked() {
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
        fn mask_leaves_no_secret(secret in "[a-zé\"]{4,8}", before: String, after: String) {
            let text = masked(&secret, &format!("{before}{secret}{after}"));
            prop_assert!(!text.contains(&secret), "{}", text);
        }
    }
}
