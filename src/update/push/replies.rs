//! The texts with which a device refuses a piece.

use crate::rpc::RemoteError;

/// Tells whether the reply says that the device has the whole archive: its reply to a piece after the end (as recorded in
/// wire/ota2022-ws.json, case `write_after_the_end`).
pub(super) fn says_applied(error: &RemoteError) -> bool {
    error.message.as_deref().is_some_and(|message| message.contains("Update applied"))
}

/// Returns the offset that the device expects instead: `Expected offset 900, got 100` (as recorded in wire/ota2022-ws.json, case
/// `write_gap`).
pub(super) fn expected_offset(error: &RemoteError) -> Option<usize> {
    let message = error.message.as_deref()?.strip_prefix("Expected offset ")?;
    message.split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The texts as recorded in wire/ota2022-ws.json, cases `write_gap` and `write_after_the_end`.
    #[test]
    fn refusals_of_a_piece_are_distinguished() {
        for (message, offset, is_applied) in [
            (Some("Expected offset 900, got 100"), Some(900), false),
            (Some("Expected offset 0, got 700"), Some(0), false),
            (Some("Expected offset x, got 1"), None, false),
            (Some("1 Update applied, rebooting"), None, true),
            (Some("-10 Digest mismatch"), None, false),
            (None, None, false),
        ] {
            let error = RemoteError { code: -1, message: message.map(Into::into) };
            assert_eq!((expected_offset(&error), says_applied(&error)), (offset, is_applied), "{message:?}");
        }
    }
}
