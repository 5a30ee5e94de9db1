//! The generations of the update service.

use std::time::Duration;

/// The time before a reboot in which the device answers every call with error 418.
///
/// A device of 2018 also reboots this long after the reply to `OTA.Update` and `OTA.Revert`.
pub const SHUTDOWN: Duration = Duration::from_millis(100);

/// The reply to `OTA.Update` since 2019 after a success or a 304 (as recorded in wire/ota2022-ws.json, cases
/// `pull_success` and `pull_304`).
pub const DONE: &str = r#""true""#;

/// A generation of the update service, named after the year of its release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Generation {
    /// The last service that was published as source (2018-10): `OTA.Update` only.
    Y2018,
    /// A compiled service (2019-09) with pushes, resumed downloads and licences.
    Y2019,
    /// A compiled service (2022-08) with stricter checks of a bundle than the service of 2019.
    #[default]
    Y2022,
}

impl Generation {
    /// Tells whether the service is compiled. Compiled services have `OTA.Begin`, `OTA.Write` and `OTA.End`.
    #[must_use]
    pub fn is_compiled(self) -> bool {
        self != Self::Y2018
    }

    /// Tells whether the updater checks the size of each part and refuses files that no part names.
    #[must_use]
    pub fn checks_sizes(self) -> bool {
        self == Self::Y2022
    }

    /// Returns the time between the end of a successful update and the reboot.
    #[must_use]
    pub fn reboots_after_update(self) -> Duration {
        if self.is_compiled() { Duration::from_millis(500) } else { SHUTDOWN }
    }

    /// Returns the time between `OTA.Revert` and the reboot.
    #[must_use]
    pub fn reboots_after_revert(self) -> Duration {
        if self.is_compiled() { Duration::from_millis(300) } else { SHUTDOWN }
    }
}
