//! All faults that a simulated device can have.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use serde_json::Value;

/// A fault of the simulated device.
///
/// A fault is triggered on every occasion unless its documentation says "once". A one-time fault that is given twice is
/// triggered twice.
///
/// The new firmware is a running firmware that an update has written since the device was switched on.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The device ignores a call of this method and does not answer it; once.
    CallLost(String),
    /// The device carries out a call of this method and does not answer it; once.
    ///
    /// A call that the device rejects, for example with an authentication challenge, is answered and does not count.
    ReplyLost(String),
    /// The device carries out calls of this method at once and sends the replies after this delay. An update ends after
    /// the delay.
    ///
    /// The reply is lost if the device reboots during the delay.
    ReplyLate(String, Duration),
    /// After a call of this method, the device ignores calls and sends no replies for this time, without a reboot;
    /// once.
    ///
    /// The call itself is answered if the reply is ready at once.
    Silent(String, Duration),
    /// The method does not exist and is not listed.
    NoMethod(String),
    /// The device does not answer a failed `OTA.Update`, as firmware of 2018-07 to 2018-10 does.
    FailuresUnanswered,
    /// The device answers `OTA.Update` as after a 304 and fetches nothing (2018: `Not Modified`; since 2019: `true`).
    NotModified,
    /// The updater refuses every bundle as built for another platform. `Sys.GetInfo` then reports a wrong platform.
    WrongPlatform,
    /// The updater reports `Digest mismatch` at the end of every bundle, as with worn-out flash.
    WrongDigest,
    /// The power is interrupted when this percentage of a bundle has been written; once.
    RebootAt(u8),
    /// The download loses its connection when this percentage of a bundle has been written; once.
    ///
    /// A device of 2018 then answers `Update failed`. Later devices request the rest. In a push, the piece that reaches
    /// the percentage fails.
    CutAt(u8),
    /// The device stops reading when this percentage of a bundle has been written; once.
    ///
    /// The connection stays open until the update times out.
    StallAt(u8),
    /// The device reads this many bytes of a bundle per second.
    SlowDownload(NonZeroU32),
    /// An update runs from the start, at this percentage. It ends without a new firmware after this time, or with a
    /// reboot if there is no time.
    ///
    /// Since 2019, the update is a pull whose caller has already been answered. `OTA.End` does not end that pull. A
    /// call of `OTA.Update` waits for its end and gets `Update timed out`.
    Busy(u8, Option<Duration>),
    /// The device reboots at once after a successful update, before it answers.
    RebootBeforeReply,
    /// The new firmware crashes during its first boot, before it is reachable.
    Crashes,
    /// The new firmware runs but is not reachable on any port, for example because it has no network or another
    /// address.
    ///
    /// The device rolls back at the commit timeout, if there is one.
    Unreachable,
    /// The new firmware takes this long to boot.
    BootTakes(Duration),
    /// The new firmware reboots after this uptime if it is still uncommitted.
    RevertsAfter(Duration),
    /// The power is interrupted after this uptime of the new firmware, whether the firmware is committed or not; once.
    PowerCycleAfter(Duration),
    /// The new firmware reboots each time it reaches this uptime.
    RestartsEvery(Duration),
    /// A successful reply without a value has neither `result` nor `error`, as with `mg_rpc` before 2019.
    ///
    /// The body of the reply to `/rpc/METHOD` is a line end only. This is a guess.
    NoResult,
    /// The new firmware answers this method with this result. The method need not exist otherwise.
    Answers(String, Value),
    /// The new firmware answers this method with this error. The method need not exist otherwise.
    Fails(String, i64, Option<String>),
    /// `OTA.GetBootState` reports this value for a field, such as -1 for `active_slot`.
    BootState(String, Value),
    /// The device refuses `OTA.Commit` with error -1.
    CommitRefused,
    /// The device answers `OTA.Commit` with success and does not commit.
    CommitIgnored,
    /// The new firmware commits itself despite a commit timeout, like an old updater without commit timeouts.
    CommitsItself,
    /// Another client commits the new firmware after this uptime.
    OtherCommits(Duration),
    /// Another client reverts the new firmware after this uptime.
    OtherReverts(Duration),
    /// The console prints lines between the frames on TCP and serial ports.
    Noise,
    /// Every Nth reply on TCP and serial ports is garbled.
    Garbled(NonZeroU64),
}

impl Fault {
    /// Tells whether the fault is triggered only once.
    #[must_use]
    pub fn is_once(&self) -> bool {
        matches!(
            self,
            Self::CallLost(_)
                | Self::ReplyLost(_)
                | Self::Silent(..)
                | Self::RebootAt(_)
                | Self::CutAt(_)
                | Self::StallAt(_)
                | Self::Busy(..)
                | Self::PowerCycleAfter(_)
        )
    }
}
