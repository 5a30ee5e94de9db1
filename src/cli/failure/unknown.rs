//! Errors of the library that the command line does not know.

use std::fmt;

/// The hint where no next step is known.
pub(super) const MORE_WITH_VERBOSE: &str = "`-v` shows more of what happens";

/// Returns the hint for an error without a hint of its own.
///
/// The errors of the library are not exhaustive. A debug build panics here, so that the test of a new error finds the missing hint.
pub(super) fn unknown_hint(error: &impl fmt::Debug) -> &'static str {
    debug_assert!(false, "no hint for {error:?}");
    MORE_WITH_VERBOSE
}
