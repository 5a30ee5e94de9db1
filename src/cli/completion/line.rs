//! The words of a line of bash. Pure.

/// Splits a line up to the cursor into words, without their quotes. The last word is the one at the cursor.
///
/// Nothing is expanded. bash itself splits words also at `:` and `=`, which is of no use here.
pub(super) fn words(line: &str) -> Vec<String> {
    split(line).into_iter().map(|(word, _)| word).collect()
}

/// Returns the part of the last word of a line that stays if bash replaces `replaced`, without its quotes.
pub(super) fn kept(line: &str, replaced: &str) -> String {
    let start = split(line).last().map_or(0, |(_, start)| *start);
    let kept = line[start..].strip_suffix(replaced).unwrap_or_default();
    words(kept).pop().unwrap_or_default()
}

/// Returns the words with the offsets at which they start.
fn split(line: &str) -> Vec<(String, usize)> {
    let mut words = Vec::new();
    let mut word: Option<(String, usize)> = None;
    let mut quote = None;
    let mut chars = line.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let (text, _) = word.get_or_insert_with(|| (String::new(), at));
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\'' | '"', None) => quote = Some(c),
            ('\\', None | Some('"')) => text.extend(chars.next().map(|(_, c)| c)),
            (c, _) => text.push(c),
        }
    }
    words.push(word.unwrap_or_else(|| (String::new(), line.len())));
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_split_into_words_without_quotes() {
        for (line, expected) in [
            ("otactl upd", &["otactl", "upd"][..]),
            ("otactl ", &["otactl", ""]),
            ("otactl  --port=ws://a  x", &["otactl", "--port=ws://a", "x"]),
            (r#"otactl 'a b' "c \"d" e\ f"#, &["otactl", "a b", "c \"d", "e f"]),
            ("otactl \"open qu", &["otactl", "open qu"]),
            (r"otactl 'a\", &["otactl", r"a\"]),
            ("otactl ''", &["otactl", ""]),
            ("", &[""]),
        ] {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    #[test]
    fn part_before_the_replaced_one_is_kept() {
        for (line, replaced, expected) in [
            ("otactl -p usb:00", "00", "usb:"),
            ("otactl -p usb:", "", "usb:"),
            ("otactl -p ws://a", "//a", "ws:"),
            ("otactl --via=pu", "pu", "--via="),
            ("otactl -p \"usb:00", "usb:00", ""),
            ("otactl upd", "upd", ""),
            ("otactl ", "", ""),
            ("otactl a", "other", ""),
        ] {
            assert_eq!(kept(line, replaced), expected, "{line}");
        }
    }
}
