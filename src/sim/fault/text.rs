//! A fault as text: the syntax of the command line.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::sim::fault::definition::Fault;
use crate::sim::fault::kinds::KINDS;

/// The reason why a text is not a fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FaultError {
    /// No kind of fault has this name.
    #[error("there is no fault `{0}`")]
    Unknown(String),
    /// The value is missing, superfluous or wrong.
    #[error("`{text}`: {reason}")]
    Value {
        /// The whole text.
        text: String,
        /// The syntax of this kind, such as `reply-late=METHOD:DURATION`.
        usage: String,
        /// What is wrong with the value.
        reason: String,
    },
}

impl FromStr for Fault {
    type Err = FaultError;

    /// Reads `name` or `name=value`. [`KINDS`] lists the names and values.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let kind = KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| FaultError::Unknown(name.escape_debug().to_string()))?;
        let fault = match (value, kind.value.is_empty()) {
            (None, false) => Err("there is something missing".into()),
            (Some(_), true) => Err("there is too much".into()),
            (value, _) => (kind.read)(value.unwrap_or_default()),
        };
        fault.map_err(|reason| FaultError::Value { text: text.escape_debug().to_string(), usage: kind.usage(), reason })
    }
}

/// Prints the fault in the syntax that [`FromStr`] reads.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallLost(method) => write!(f, "call-lost={method}"),
            Self::ReplyLost(method) => write!(f, "reply-lost={method}"),
            Self::ReplyLate(method, time) => write!(f, "reply-late={method}:{}", duration_text(*time)),
            Self::Silent(method, time) => write!(f, "silent={method}:{}", duration_text(*time)),
            Self::NoMethod(method) => write!(f, "no-method={method}"),
            Self::FailuresUnanswered => f.write_str("failures-unanswered"),
            Self::NotModified => f.write_str("not-modified"),
            Self::WrongPlatform => f.write_str("wrong-platform"),
            Self::WrongDigest => f.write_str("wrong-digest"),
            Self::RebootAt(percent) => write!(f, "reboot-at={percent}%"),
            Self::CutAt(percent) => write!(f, "cut-at={percent}%"),
            Self::StallAt(percent) => write!(f, "stall-at={percent}%"),
            Self::SlowDownload(bytes) => write!(f, "slow-download={bytes}"),
            Self::Busy(percent, None) => write!(f, "busy={percent}%"),
            Self::Busy(percent, Some(time)) => write!(f, "busy={percent}%:{}", duration_text(*time)),
            Self::RebootBeforeReply => f.write_str("reboot-before-reply"),
            Self::Crashes => f.write_str("crashes"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::BootTakes(time) => write!(f, "boot-takes={}", duration_text(*time)),
            Self::RevertsAfter(time) => write!(f, "reverts-after={}", duration_text(*time)),
            Self::PowerCycleAfter(time) => write!(f, "power-cycle-after={}", duration_text(*time)),
            Self::RestartsEvery(time) => write!(f, "restarts-every={}", duration_text(*time)),
            Self::NoResult => f.write_str("no-result"),
            Self::Answers(method, json) => write!(f, "answers={method}:{json}"),
            Self::Fails(method, code, None) => write!(f, "fails={method}:{code}"),
            Self::Fails(method, code, Some(message)) => write!(f, "fails={method}:{code}:{message}"),
            Self::BootState(field, json) => write!(f, "boot-state={field}:{json}"),
            Self::CommitRefused => f.write_str("commit-refused"),
            Self::CommitIgnored => f.write_str("commit-ignored"),
            Self::CommitsItself => f.write_str("commits-itself"),
            Self::OtherCommits(time) => write!(f, "other-commits={}", duration_text(*time)),
            Self::OtherReverts(time) => write!(f, "other-reverts={}", duration_text(*time)),
            Self::Noise => f.write_str("noise"),
            Self::Garbled(every) => write!(f, "garbled={every}"),
        }
    }
}

/// Prints a duration such as `90s` or `500ms`.
///
/// The text contains no space, so that a shell does not split it.
fn duration_text(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", time.as_millis()),
        _ => format!("{}ns", time.as_nanos()),
    }
}
