//! The generations of the update service that devices in the field run.

use std::time::Duration;

/// How long before a reboot the device answers nothing but error 418, and how long after the reply to `OTA.Update` and
/// `OTA.Revert` a device of 2018 reboots.
pub const SHUTDOWN: Duration = Duration::from_millis(100);

/// The success of `OTA.Update` since 2019, and of a 304 (as recorded in wire/ota2022-ws.json, cases `pull_success` and
/// `pull_304`).
pub const DONE: &str = r#""true""#;

/// A generation of the update service, named by the year of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generation {
    /// The last one in source (2018-10): `OTA.Update` only.
    Y2018,
    /// A compiled one (2019-09): pushes, resumed downloads, a licence.
    Y2019,
    /// A compiled one (2022-08): the same, with stricter checks of a bundle.
    #[default]
    Y2022,
}

impl Generation {
    /// Returns whether it is a compiled service, which has `OTA.Begin`, `OTA.Write` and `OTA.End`.
    #[must_use]
    pub fn is_compiled(self) -> bool {
        self != Self::Y2018
    }

    /// Returns whether the updater checks the size of each part, and refuses files that no part names.
    #[must_use]
    pub fn checks_sizes(self) -> bool {
        self == Self::Y2022
    }

    /// Returns how long after the end of a good update the device reboots.
    #[must_use]
    pub fn reboots_after_update(self) -> Duration {
        if self.is_compiled() { Duration::from_millis(500) } else { SHUTDOWN }
    }

    /// Returns how long after `OTA.Revert` the device reboots.
    #[must_use]
    pub fn reboots_after_revert(self) -> Duration {
        if self.is_compiled() { Duration::from_millis(300) } else { SHUTDOWN }
    }
}
