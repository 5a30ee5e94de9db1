//! The part of the bundle that a client requests (RFC 9110, section 14). Pure.

use std::ops::Range;

/// The part that a `Range` header requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RequestedRange {
    /// The whole bundle: without the header, or with one that a server may ignore.
    Whole,
    /// These bytes, at least one.
    Part(Range<u64>),
    /// Bytes beyond the end.
    Beyond,
}

/// Returns the part that the header requests of a file of `total` bytes.
///
/// The server serves one range of bytes. It answers several ranges, other units and malformed ranges with the whole file, as the standard allows.
pub(super) fn requested_range(header: &str, total: u64) -> RequestedRange {
    let Some((unit, range)) = header.split_once('=') else { return RequestedRange::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return RequestedRange::Whole };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return RequestedRange::Whole;
    }
    let part = match (number(first), number(last)) {
        (Number::None, Number::Some(tail)) => total.saturating_sub(tail)..total,
        (Number::Some(first), Number::None) => first..total,
        (Number::Some(first), Number::Some(last)) if first <= last => first..last.saturating_add(1).min(total),
        _ => return RequestedRange::Whole,
    };
    if part.is_empty() { RequestedRange::Beyond } else { RequestedRange::Part(part) }
}

enum Number {
    None,
    Some(u64),
    /// Several ranges, for one.
    Junk,
}

fn number(text: &str) -> Number {
    match text {
        "" => Number::None,
        // A number beyond 64 bits is beyond the end of any file.
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => Number::Some(digits.parse().unwrap_or(u64::MAX)),
        _ => Number::Junk,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn range_header_with_one_byte_range_is_read() {
        for (header, expected) in [
            ("bytes=0-99", RequestedRange::Part(0..100)),
            ("bytes=0-0", RequestedRange::Part(0..1)),
            ("bytes=10-19", RequestedRange::Part(10..20)),
            ("bytes=10-", RequestedRange::Part(10..100)),
            ("bytes=99-", RequestedRange::Part(99..100)),
            ("bytes=90-200", RequestedRange::Part(90..100)),
            ("bytes=0-99999999999999999999999", RequestedRange::Part(0..100)),
            ("bytes=0-18446744073709551615", RequestedRange::Part(0..100)),
            ("bytes=-1", RequestedRange::Part(99..100)),
            ("bytes=-200", RequestedRange::Part(0..100)),
            ("BYTES = 1-2 ", RequestedRange::Part(1..3)),
            ("bytes=100-", RequestedRange::Beyond),
            ("bytes=100-200", RequestedRange::Beyond),
            ("bytes=99999999999999999999999-", RequestedRange::Beyond),
            ("bytes=-0", RequestedRange::Beyond),
            ("bytes=5-4", RequestedRange::Whole),
            ("bytes=-", RequestedRange::Whole),
            ("bytes=", RequestedRange::Whole),
            ("bytes", RequestedRange::Whole),
            ("", RequestedRange::Whole),
            ("bytes=0-1,5-6", RequestedRange::Whole),
            ("bytes=1 - 2", RequestedRange::Whole),
            ("bytes=+1-2", RequestedRange::Whole),
            ("bytes=a-b", RequestedRange::Whole),
            ("bytes=--5", RequestedRange::Whole),
            ("lines=0-5", RequestedRange::Whole),
        ] {
            assert_eq!(requested_range(header, 100), expected, "{header}");
        }
        assert_eq!(requested_range("bytes=0-", 0), RequestedRange::Beyond);
    }

    proptest! {
        #[test]
        fn requested_part_lies_within_the_file(header in "(bytes=)?[0-9]{0,22}-?[0-9]{0,22}[-,a]?", total: u64) {
            if let RequestedRange::Part(part) = requested_range(&header, total) {
                prop_assert!(part.start < part.end && part.end <= total, "{header} of {total}: {part:?}");
            }
        }

        #[test]
        fn range_header_of_any_text_does_not_panic(header: String, total: u64) {
            let _ = requested_range(&header, total);
        }
    }
}
