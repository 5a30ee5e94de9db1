//! The result of one health check.

use std::io;

use crate::rpc::CallError;

/// The details of a check that passed.
#[derive(Debug, Default)]
pub(super) struct Passed {
    /// The proxy of the request, without its credentials.
    pub(super) proxy: Option<String>,
}

/// Why a check failed.
#[derive(Debug)]
pub(super) struct CheckFailure {
    pub(super) kind: CheckFailureKind,
    /// Whether otactl could not run the check, so that the failure says nothing about the device.
    pub(super) is_ours: bool,
    /// The last lines that a program wrote, safe to print.
    pub(super) output: Vec<String>,
}

/// The kind of a failure, with its message.
#[derive(Debug)]
pub(super) enum CheckFailureKind {
    /// The check failed, and would fail again. Holds the reason.
    Failed(String),
    /// The check had not passed by its deadline. Holds the last observation.
    TimedOut(String),
}

impl CheckFailure {
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self { kind: CheckFailureKind::Failed(reason.into()), is_ours: false, output: Vec::new() }
    }

    pub(super) fn timed_out(last: impl Into<String>) -> Self {
        Self { kind: CheckFailureKind::TimedOut(last.into()), is_ours: false, output: Vec::new() }
    }

    /// Tells whether another attempt may pass, if there is time for it.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self.kind, CheckFailureKind::TimedOut(_))
    }

    /// Marks the failure as otactl's own if the call failed with `error` because of too many open files.
    pub(super) fn of_call(self, error: &CallError) -> Self {
        Self { is_ours: call_lacks_files(error), ..self }
    }
}

/// The error codes of the operating system for too many open files, in the process and in the system.
#[cfg(unix)]
const TOO_MANY_FILES: [i32; 2] = [24, 23];
#[cfg(not(unix))]
const TOO_MANY_FILES: [i32; 2] = [4, 10024];

/// Tells whether otactl or the operating system has too many open files.
pub(super) fn is_out_of_files(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| TOO_MANY_FILES.contains(&code))
}

/// Tells whether a call failed because otactl or the operating system has too many open files.
///
/// A device may have too many open files as well, but it reports that in a reply.
pub(super) fn call_lacks_files(error: &CallError) -> bool {
    let CallError::Unreachable { source: Some(cause), .. } = error else { return false };
    cause.find().is_some_and(is_out_of_files)
}
