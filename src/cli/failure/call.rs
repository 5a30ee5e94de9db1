//! Failures of calls.

use otactl::ota;
use otactl::rpc::error::{AuthRefusal, Silence};
use otactl::rpc::frame::MAX_REQUEST;
use otactl::rpc::{CallError, DialError, LostReason, Method as _, RemoteError};
use otactl::update::read_state_error::ReadStateError;

use super::dial_hint::{BROKER_CREDENTIALS, INSECURE, OTHER_CREDENTIALS, dial_hint, not_a_device};
use super::unknown::unknown_hint;
use super::{Failure, FailureKind};

/// The next step after a call whose reply was lost.
pub(crate) const MAY_BE_DONE: &str = "the device may have done what it was asked; `otactl show` shows where it stands";

/// The next step after a call without the credentials that the device wants.
const NO_CREDENTIALS: &str = "give them with `--rpc-creds @FILE`, `--rpc-creds -` or OTACTL_RPC_CREDS";

impl Failure {
    /// Returns the failure of a call. If the device answered with the error code `code`, `hint` replaces the general hint.
    pub(crate) fn of_call(error: CallError, code: i64, hint: &str) -> Self {
        let has_code = error.remote_error().is_some_and(|error| error.code == code);
        let mut failure = Self::from(error);
        if has_code {
            failure.hints = vec![hint.into()];
        }
        failure
    }

    /// Returns the failure of a command that changes nothing: whatever the device has done, the command can be run again.
    pub(crate) fn of_a_question(mut self) -> Self {
        for hint in self.hints.iter_mut().filter(|hint| *hint == MAY_BE_DONE) {
            *hint = "the device may be rebooting; run the same command again".into();
        }
        self
    }

    /// Returns the failure of a call to a device whose ws:// URL has a user: these are no credentials for a call.
    pub(crate) fn with_user_in_url(mut self) -> Self {
        for hint in self.hints.iter_mut().filter(|hint| *hint == NO_CREDENTIALS) {
            *hint += "; the user in a ws:// URL is that of the WebSocket";
        }
        self
    }

    /// Returns the failure for an error reply with a known meaning. If the reply has no message, the meaning completes the text.
    fn explained(error: &CallError, remote: &RemoteError, meaning: ota::Meaning) -> Self {
        let message = match remote.message {
            Some(_) => error.to_string(),
            None => format!("{error}: {}", meaning.words),
        };
        let failure = Self::new(FailureKind::Device, message).caused_by(error);
        match meaning.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

impl From<ReadStateError> for Failure {
    fn from(error: ReadStateError) -> Self {
        match error {
            ReadStateError::Call(error) => error.into(),
            error => Self::of(error.kind().into(), &error).hint(MAY_BE_DONE),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        if let CallError::Remote { method, error: remote } = &error
            && let Some(meaning) = ota::explain_code(method, remote)
        {
            return Self::explained(&error, remote, meaning);
        }
        let failure = Self::of(error.kind().into(), &error);
        let hint = match &error {
            CallError::Unreachable { cause: DialError::Unauthorised, .. } => OTHER_CREDENTIALS,
            CallError::Unreachable { cause: DialError::BrokerCredentials(_), .. } => BROKER_CREDENTIALS,
            CallError::Unreachable { peer, cause, .. } => {
                let failure = failure.hint(dial_hint(peer, cause));
                return if is_certificate_error(cause) { failure.hint(INSECURE) } else { failure };
            }
            CallError::NotRpc { peer, .. } => return failure.hint(not_a_device(peer)),
            CallError::Lost { reason: LostReason::NoListener(_), .. } => {
                "is the device on, and is this its port? There is no usual port for RPC over UDP: it is the one in the \
                 configuration of the device"
            }
            CallError::Lost { sent: false, .. } => "the request was not sent: run the same command again",
            CallError::Lost { .. } => MAY_BE_DONE,
            CallError::Timeout { why: Some(Silence { hint: Some(hint), .. }), .. } => hint,
            CallError::Timeout { method, .. } if method == ota::Ping::NAME => {
                "the device may be busy or rebooting; give it longer with `--timeout 30s`"
            }
            CallError::Timeout { .. } => {
                "the device may be busy or rebooting; give it longer with `--timeout 30s`, or try `otactl ping`"
            }
            CallError::Unauthorised { refusal, .. } => match refusal {
                AuthRefusal::NoCredentials => NO_CREDENTIALS,
                AuthRefusal::Rejected(_) => "check user and password; a new password is set on the device itself",
                AuthRefusal::Unsupported => "`-vv` shows what it asks for",
                AuthRefusal::NotAllowed(_) => "call as another user, or change the access list of the device",
                refusal => unknown_hint(refusal),
            },
            CallError::Remote { method, error, .. } if error.code == 404 && method == ota::ListMethods::NAME => {
                "this firmware does not list its methods; `otactl call METHOD` calls one whose name you know"
            }
            CallError::Remote { error, .. } => match error.code {
                404 => "`otactl list` shows the methods that the device has",
                418 => "the device is about to reboot; try again in a few seconds",
                _ => return failure,
            },
            CallError::WrongShape { .. } => "`otactl call` shows the answer as it is; is this a Mongoose OS device?",
            CallError::Unreadable { .. } => {
                "the firmware has to write JSON there, such as `null` for `nan`; the call was carried out"
            }
            CallError::TooLarge { size, .. } if *size < MAX_REQUEST => {
                "split the request, or send it over `--port ws://HOST` or `--port tcp://HOST:PORT`, which carry more"
            }
            CallError::TooLarge { .. } => "split the request; a larger one would stall the device",
            error => unknown_hint(error),
        };
        failure.hint(hint)
    }
}

/// Tells whether `--insecure` avoids this error: the server would be accepted if its certificate were not checked.
fn is_certificate_error(cause: &DialError) -> bool {
    matches!(
        cause,
        DialError::CertExpired
            | DialError::CertNotYetValid
            | DialError::CertWrongName { .. }
            | DialError::CertUntrusted
            | DialError::CertOfAuthority
            | DialError::CertUnsupported { .. }
    )
}
