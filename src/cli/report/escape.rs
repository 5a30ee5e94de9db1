//! Escapes texts for HTML and Markdown. Pure.

use std::fmt::Write as _;

/// Escapes a text for HTML and XML, also inside of an attribute.
pub(crate) fn html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Escapes a text for one line of Markdown, also inside of a table.
///
/// A character reference never has the meaning of the character: it begins no emphasis, link, tag or cell.
pub(crate) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut before = ' ';
    for c in text.chars() {
        let is_harmless = match c {
            ' ' | ',' | ';' | '(' | ')' | '-' | '?' => true,
            // `www.` begins a link.
            '.' => !before.eq_ignore_ascii_case(&'w'),
            c => !c.is_ascii_punctuation() && !c.is_control(),
        };
        if is_harmless {
            escaped.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "&#{};", u32::from(c));
        }
        before = c;
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_has_no_markup_left() {
        assert_eq!(html("<a href='x\">&"), "&lt;a href=&#39;x&quot;&gt;&amp;");
    }

    #[test]
    fn markdown_has_no_markup_left() {
        for (text, expected) in [
            ("demo 2.0.0 (a-b)", "demo 2.0.0 (a-b)"),
            ("a|b", "a&#124;b"),
            ("www.evil.example", "www&#46;evil.example"),
            ("http://x", "http&#58;&#47;&#47;x"),
            ("[x](y) `*_~<b>!@#$&\\", "&#91;x&#93;(y) &#96;&#42;&#95;&#126;&#60;b&#62;&#33;&#64;&#35;&#36;&#38;&#92;"),
            ("a\nb", "a&#10;b"),
            ("ä 漢 …", "ä 漢 …"),
        ] {
            assert_eq!(markdown(text), expected, "{text:?}");
        }
    }
}
