//! Failures of `otactl wait`.

use otactl::update::wait::WaitFailure;

use super::unknown::unknown_hint;
use super::{Failure, FailureKind};

impl From<WaitFailure> for Failure {
    fn from(failure: WaitFailure) -> Self {
        const MORE_TIME: &str = "`--for 10m` waits longer; `otactl show` shows where the device stands";
        const NEVER_SEEN: &str = "is it switched on, and is the address right? `--for 10m` waits longer";

        let time_over = Self::of(FailureKind::TimedOut, &failure);
        match failure {
            WaitFailure::Call(error) => error.into(),
            WaitFailure::TimeOver { seen: Some(_), .. } => time_over.hint(MORE_TIME),
            WaitFailure::TimeOver { seen: None, .. } => time_over.hint(NEVER_SEEN),
            failure => Self::of(FailureKind::Other, &failure).hint(unknown_hint(&failure)),
        }
    }
}
