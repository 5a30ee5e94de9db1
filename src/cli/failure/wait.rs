//! Failures of `otactl wait`.

use otactl::update::wait::WaitFailure;

use super::unknown::unknown_hint;
use super::{Failure, FailureKind};

impl From<WaitFailure> for Failure {
    fn from(failure: WaitFailure) -> Self {
        const MORE_TIME: &str =
            "`--for 10m` waits longer; `otactl get-boot-state` and `otactl info` show where the device stands";
        const NEVER_SEEN: &str = "is it switched on, and is the address right? `otactl ping` says what is in the way; `--for 10m` \
                                  waits longer";

        let message = failure.to_string();
        match failure {
            WaitFailure::Call(error) => error.into(),
            WaitFailure::TimeOver { seen: Some(_), .. } => Self::new(FailureKind::TimedOut, message).hint(MORE_TIME),
            WaitFailure::TimeOver { seen: None, .. } => Self::new(FailureKind::TimedOut, message).hint(NEVER_SEEN),
            failure => Self::new(FailureKind::Other, message).hint(unknown_hint(&failure)),
        }
    }
}
