//! The setting `conf_acl`: which settings can be changed.

/// Tells whether a list of patterns allows a key. The first pattern that matches decides.
pub(super) fn is_allowed(key: &str, acl: &str) -> bool {
    acl.split(',').map(str::trim).filter(|entry| !entry.is_empty()).find_map(|entry| {
        let (allows, pattern) = match entry.strip_prefix('-') {
            Some(pattern) => (false, pattern),
            None => (true, entry.strip_prefix('+').unwrap_or(entry)),
        };
        matches(pattern.as_bytes(), key.as_bytes()).then_some(allows)
    }) == Some(true)
}

/// Matches a text with a pattern, in which `*` stands for any characters and `?` for one.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut pattern_at) = (0, 0);
    // The positions after the last star, from which the match is tried again with one more character.
    let mut retry = None;
    while at < text.len() {
        match pattern.get(pattern_at) {
            Some(b'*') => {
                pattern_at += 1;
                retry = Some((pattern_at, at));
            }
            Some(&expected) if expected == b'?' || expected == text[at] => {
                pattern_at += 1;
                at += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                (pattern_at, at) = (star, from + 1);
                retry = Some((star, at));
            }
        }
    }
    pattern[pattern_at..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_matching_pattern_decides() {
        for (acl, expected) in [
            ("*", true),
            ("", false),
            (" , ", false),
            ("update.*", true),
            ("+update.timeout", true),
            ("-update.timeout,*", false),
            ("*,-update.timeout", true),
            ("-wifi.*, *", true),
            ("wifi.*", false),
            ("*.time???", true),
            ("*t*t*t", true),
            ("*t*t*t*t*t", false),
            ("update", false),
        ] {
            assert_eq!(is_allowed("update.timeout", acl), expected, "{acl}");
        }
    }
}
