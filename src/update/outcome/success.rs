//! [`Success`], the ways in which an update succeeds.

use std::time::Duration;

use crate::update::device_state::Running;

/// The update succeeded.
///
/// Success is read from the device after the update. A reply to a call does not prove it. Exhaustive: a caller that overlooks a new
/// variant could take firmware that the device will roll back for firmware that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Success {
    /// The wanted firmware already runs and is committed. otactl changed nothing.
    AlreadyCurrent(Running),
    /// The wanted firmware runs and is committed.
    Updated(Running),
    /// The wanted firmware runs, and otactl left it uncommitted as requested.
    LeftUncommitted {
        /// The running firmware.
        running: Running,
        /// The time until the device rolls back, if it will.
        reverts_in: Option<Duration>,
    },
    /// A dry run found that the update is possible.
    Planned,
}
