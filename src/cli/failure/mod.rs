//! Converts errors to messages, hints and exit codes.
//!
//! - `exit_code`: the kinds of failure and their exit codes;
//! - `bundle`: failures of the firmware zip;
//! - `call`: failures of calls; `dial_hint`: the hints for a device that cannot be reached;
//! - `connect`: failures of `--port` and of the TLS options;
//! - `update`: failures of an update; `refusal`: updates that otactl does not begin; `undelivered`: firmware that the device did
//!   not get;
//! - `usage`: command lines that clap refuses;
//! - `wait`: failures of `otactl wait`; `unknown`: errors that the command line does not know.

mod bundle;
mod call;
mod connect;
mod dial_hint;
mod exit_code;
mod refusal;
mod undelivered;
mod unknown;
mod update;
mod usage;
mod wait;

use std::error::Error;
use std::io;

use otactl::rpc::cause::chain;
use otactl::rpc::{CallError, RemoteError};
use otactl::text::without_os_error_numbers;
use otactl::update::outcome::{Facts, FailureReason};
use otactl::update::read_state_error::ReadStateError;

pub(crate) use call::MAY_BE_DONE;
pub(crate) use exit_code::{EXIT_CODES, FailureKind};

/// A failure as it is reported to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    pub(crate) hints: Vec<String>,
    /// The causes that the message does not name, the outermost first. Shown with `--verbose`.
    pub(crate) causes: Vec<String>,
    /// The outcome of a failed update as data, for programs.
    pub(crate) facts: Option<Box<Facts>>,
    /// The error with which the device answered, for programs.
    pub(crate) device_error: Option<RemoteError>,
}

impl Failure {
    /// Creates a failure without hints.
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = without_os_error_numbers(&message.into()).into_owned();
        Self { kind, message, hints: Vec::new(), causes: Vec::new(), facts: None, device_error: None }
    }

    /// Creates the failure of an error, with its message and its causes, without hints.
    pub(crate) fn of(kind: FailureKind, error: &(dyn Error + 'static)) -> Self {
        Self::new(kind, error.to_string()).caused_by(error)
    }

    /// Adds an error and its causes to the causes, as far as the message does not name them.
    pub(crate) fn caused_by(mut self, error: &(dyn Error + 'static)) -> Self {
        self.device_error = self.device_error.or_else(|| chain(error).find_map(remote_error).cloned());
        for cause in chain(error).map(ToString::to_string) {
            let cause = without_os_error_numbers(&cause).into_owned();
            if !self.message.contains(&cause) && !self.causes.iter().any(|named| named.contains(&cause)) {
                self.causes.push(cause);
            }
        }
        self
    }

    /// The start of the hint for a result that cannot be written.
    const CALL_DONE: &str = "the call was carried out; ";

    /// Returns the failure of a result that cannot be written to `place`, a stream or a file.
    pub(crate) fn output(place: &str, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room, or write elsewhere",
            _ => "write elsewhere",
        };
        Self::new(FailureKind::Other, format!("cannot write the result to {place}: {error}"))
            .caused_by(error)
            .hint(format!("{}{hint}", Self::CALL_DONE))
    }

    /// Leaves out of the hints that a call was carried out, for a command that calls no device.
    pub(crate) fn without_call(mut self) -> Self {
        for hint in &mut self.hints {
            if let Some(rest) = hint.strip_prefix(Self::CALL_DONE) {
                *hint = rest.into();
            }
        }
        self
    }

    /// Returns a failure with the same kind, message and hints.
    pub(crate) fn copied(&self) -> Self {
        Self { hints: self.hints.clone(), ..Self::new(self.kind, self.message.clone()) }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

/// Returns the device's own error, if `error` is one that contains it. The errors between them may be transparent.
fn remote_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a RemoteError> {
    let of_call = error.downcast_ref().and_then(CallError::remote_error);
    of_call
        .or_else(|| error.downcast_ref().and_then(ReadStateError::remote_error))
        .or_else(|| error.downcast_ref().and_then(FailureReason::remote_error))
}
