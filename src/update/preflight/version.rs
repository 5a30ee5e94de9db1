//! Compares two versions.

use std::cmp::Ordering;

/// Compares two versions as Semantic Versioning does.
///
/// Missing numbers are 0. A leading `v` and the text after a `+` do not count. A pre-release such as `1.0.0-rc.1` comes before its release.
/// Returns `None` for a text that is not such a version, and for the output of `git describe` (`1.0.0-5-gabcdef0`), which comes after its
/// release.
#[must_use]
pub(super) fn compare(one: &str, other: &str) -> Option<Ordering> {
    let (one, other) = (Version::parse(one)?, Version::parse(other)?);
    let len = one.numbers.len().max(other.numbers.len());
    let padded = |numbers: &[u64]| -> Vec<u64> { (0..len).map(|at| numbers.get(at).copied().unwrap_or(0)).collect() };
    let by_numbers = padded(&one.numbers).cmp(&padded(&other.numbers));
    Some(by_numbers.then_with(|| match (&one.pre_release, &other.pre_release) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        // A longer pre-release with the same beginning is the later one, as lists compare.
        (Some(one), Some(other)) => one.cmp(other),
    }))
}

struct Version<'a> {
    numbers: Vec<u64>,
    pre_release: Option<Vec<Identifier<'a>>>,
}

/// A part of the name of a pre-release. Numbers come before words, and words compare by their bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Identifier<'a> {
    Number(u64),
    Word(&'a str),
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        let (numbers, pre_release) = match text.split_once('-') {
            Some((_, suffix)) if is_described(suffix) => return None,
            Some((numbers, suffix)) => (numbers, Some(suffix.split('.').map(identifier).collect::<Option<_>>()?)),
            None => (text, None),
        };
        Some(Self { numbers: numbers.split('.').map(number).collect::<Option<_>>()?, pre_release })
    }
}

/// Tells whether the suffix is that of `git describe`: the number of commits since a tag, and the hash of the last one.
fn is_described(suffix: &str) -> bool {
    let is_hash = |hash: &str| hash.len() >= 4 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    let suffix = suffix.strip_suffix("-dirty").unwrap_or(suffix);
    suffix.rsplit_once("-g").is_some_and(|(_, hash)| is_hash(hash))
}

fn identifier(text: &str) -> Option<Identifier<'_>> {
    let known = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match number(text) {
        Some(number) => Some(Identifier::Number(number)),
        None if !text.is_empty() && text.chars().all(known) => Some(Identifier::Word(text)),
        None => None,
    }
}

/// Parses digits only: `parse` alone would accept a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_are_ordered_as_in_semver() {
        let ascending = [
            "0.9",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.0.1",
            "1.2",
            "1.10",
            "2",
            "2024010112",
            "20240101120000",
        ];
        for (at, one) in ascending.iter().enumerate() {
            for (other_at, other) in ascending.iter().enumerate() {
                assert_eq!(compare(one, other), Some(at.cmp(&other_at)), "{one} and {other}");
            }
        }
    }

    #[test]
    fn equivalent_versions_are_equal() {
        for (one, other) in [("v1.2", "1.2.0"), ("V1", "1"), ("1.0+a", "1.0+b"), ("1.02", "1.2"), ("1-a+b", "1.0-a")] {
            assert_eq!(compare(one, other), Some(Ordering::Equal), "{one} and {other}");
        }
    }

    #[test]
    fn text_that_is_no_version_is_not_compared() {
        for text in ["", "v", "latest", "1.", ".1", "1..2", "1.x", "-1", "+1", "1-", "1-a..b", "1-ä", " 1", "1.2 "] {
            assert_eq!(compare(text, "1"), None, "{text}");
            assert_eq!(compare("1", text), None, "{text}");
        }
        for described in ["1.0.0-5-gabcdef0", "1.0.0-rc.1-5-gabcdef0", "1.0.0-5-gabcdef0-dirty"] {
            assert_eq!(compare(described, "1.0.0"), None, "{described}");
        }
        assert_eq!(compare("99999999999999999999", "1"), None);
    }

    proptest! {
        #[test]
        fn comparison_of_any_texts_is_antisymmetric(one: String, other: String) {
            prop_assert_eq!(compare(&one, &other), compare(&other, &one).map(Ordering::reverse));
        }

        #[test]
        fn comparison_of_any_versions_is_antisymmetric(one in "v?[0-9]{1,2}(\\.[0-9]){0,2}(-[a-c0-9.]{1,4})?", other in "[0-9](\\.[0-9]){0,3}") {
            prop_assert_eq!(compare(&one, &other), compare(&other, &one).map(Ordering::reverse));
            prop_assert!(compare(&other, &other) == Some(Ordering::Equal));
        }
    }
}
