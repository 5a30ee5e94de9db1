//! Waiting until a device is in a state, for scripts: it has come back, it has been committed, it runs this version.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep, timeout};

use super::device_state::DeviceState;
use super::settle::APPLIED_TO_REBOOT;
use super::verdict::rebooted;
use crate::bundle::manifest::Build;
use crate::ota::{self, Slot, SystemInfo};
use crate::rpc::{CallError, Device, DialError};
use crate::text::for_humans;

/// What the first look is given, unless any call may take less. One that meets with silence is followed by a longer
/// one, up to what any call may take.
const SHORTEST: Duration = Duration::from_secs(1);

/// The time from a look to the next, at first and at most.
const PACE: Duration = Duration::from_millis(200);
const SLOWEST_PACE: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The device answers.
    Reachable,
    /// What runs is committed.
    Committed,
    /// What runs waits for its commit.
    Uncommitted,
    /// This version runs, committed or not.
    Version(String),
}

/// What a device said of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// Version and build id of what runs.
    #[serde(flatten)]
    pub build: Build,
    /// The slot that runs; `None` for a device that reports none, or has no OTA service.
    pub slot: Option<Slot>,
    /// Whether it is committed; `None` for a device without the OTA service.
    pub committed: Option<bool>,
    /// Seconds since its start.
    pub uptime: u64,
    /// Seconds until it goes back by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverts_in: Option<u64>,
}

/// Why the state did not come.
#[derive(Debug, thiserror::Error)]
pub enum WaitFailure {
    /// It may still come, but not in time.
    #[error("the device is not {wanted} after {}; {}", for_humans(*.after), last(.seen.as_deref(), .said.as_deref()))]
    TimeOver {
        /// What was waited for.
        wanted: Wanted,
        /// For how long.
        after: Duration,
        /// What the device was when it was seen last.
        seen: Option<Box<Seen>>,
        /// Why the last look showed nothing, if it did not.
        said: Option<Box<CallError>>,
    },
    /// It will not come by waiting.
    #[error(transparent)]
    Call(CallError),
}

/// As it stands behind "the device is".
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reachable => f.write_str("reachable"),
            Self::Committed => f.write_str("committed"),
            Self::Uncommitted => f.write_str("uncommitted"),
            Self::Version(version) => write!(f, "at version {version}"),
        }
    }
}

/// As it stands behind "the device runs".
impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.build.fmt(f)?;
        match (self.slot, self.committed) {
            (None, None) => f.write_str(", and has no OTA service")?,
            (slot, _) => write!(f, " in {}", ota::slot_name(slot))?,
        }
        f.write_str(match self.committed {
            Some(true) => ", committed",
            Some(false) => ", uncommitted",
            None => "",
        })
    }
}

impl Wanted {
    /// Whether this is it.
    #[must_use]
    pub fn is_met_by(&self, seen: &Seen) -> bool {
        match self {
            Self::Reachable => true,
            Self::Committed => seen.committed == Some(true),
            Self::Uncommitted => seen.committed == Some(false),
            Self::Version(version) => seen.build.version == *version,
        }
    }
}

impl Seen {
    fn of(info: &SystemInfo) -> Self {
        Self {
            id: info.id.clone(),
            build: Build { version: info.fw_version.clone(), build_id: info.fw_id.clone() },
            slot: None,
            committed: None,
            uptime: info.uptime,
            reverts_in: None,
        }
    }
}

impl From<&DeviceState> for Seen {
    fn from(now: &DeviceState) -> Self {
        Self {
            slot: now.boot.active_slot,
            committed: Some(now.boot.is_committed),
            reverts_in: now.reverts_in().map(|left| left.as_secs()),
            ..Self::of(&now.info)
        }
    }
}

/// Looks at the device, at once and then again and again, until it is what is wanted, or for as long as `limit`.
/// Whatever may pass by itself is waited through.
pub async fn wait(device: &Device, wanted: &Wanted, limit: Duration) -> Result<Seen, WaitFailure> {
    let started = Instant::now();
    let (mut ask_timeout, mut pace) = (SHORTEST.min(device.timeout()), PACE);
    let (mut seen, mut said) = (None, None);
    // The last state before the wanted one, or else the first one that looked like it.
    let mut previous: Option<DeviceState> = None;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        // A look is several questions, which have the time that is left together.
        let Ok(look) = timeout(left, look(device, wanted, ask_timeout.min(left))).await else {
            return Err(WaitFailure::TimeOver { wanted: wanted.clone(), after: limit, seen, said });
        };
        said = match look {
            Ok((now, state)) if wanted.is_met_by(&now) => {
                if *wanted != Wanted::Uncommitted || runs_on_trial(previous.as_ref(), state.as_ref()) {
                    return Ok(now);
                }
                // The boot state may be that of the next boot: the same state has to be seen after the reboot.
                previous = previous.or(state);
                seen = Some(Box::new(now));
                None
            }
            Ok((now, state)) => {
                previous = state;
                seen = Some(Box::new(now));
                None
            }
            Err(error) if !may_pass(&error) => return Err(WaitFailure::Call(error)),
            Err(error) => {
                device.drop_link_on(&error);
                if error.remote_error().is_none() {
                    ask_timeout = (ask_timeout * 2).min(device.timeout());
                }
                Some(Box::new(error))
            }
        };
        let left = limit.saturating_sub(started.elapsed());
        if left <= pace {
            // Another look would come too late.
            sleep(left).await;
            return Err(WaitFailure::TimeOver { wanted: wanted.clone(), after: limit, seen, said });
        }
        sleep(pace).await;
        pace = pace.mul_f64(1.5).min(SLOWEST_PACE);
    }
}

/// Tells whether the device runs the uncommitted firmware of its boot state. It does if it has rebooted since `previous`, or has
/// shown the same state for longer than the time from an applied update to the reboot.
fn runs_on_trial(previous: Option<&DeviceState>, now: Option<&DeviceState>) -> bool {
    let (Some(previous), Some(now)) = (previous, now) else { return false };
    let is_same = !previous.boot.is_committed && previous.boot == now.boot;
    rebooted(previous, now) || (is_same && now.asked.duration_since(previous.taken) >= APPLIED_TO_REBOOT)
}

async fn look(device: &Device, wanted: &Wanted, timeout: Duration) -> Result<(Seen, Option<DeviceState>), CallError> {
    match DeviceState::read(device, timeout).await {
        Ok(now) => Ok((Seen::from(&now), Some(now))),
        // It has answered: only the OTA service is not there, or not for us.
        Err(error) if *wanted == Wanted::Reachable && error.remote_error().is_some_and(|error| error.code != 418) => {
            device.call_within(ota::GetInfo {}, timeout).await.map(|info| (Seen::of(&info), None))
        }
        Err(error) => Err(error),
    }
}

/// Whether waiting may help. It does not against what a device or this machine refuses for good.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Unreachable { cause, .. } => !matches!(
            cause,
            DialError::Unauthorised
                | DialError::BrokerCredentials(_)
                | DialError::SubscriptionRefused(_)
                | DialError::PublishRefused { .. }
                | DialError::ClientCertWanted
                | DialError::ClientCertRefused { .. }
                | DialError::CertWrongName { .. }
                | DialError::CertUntrusted
                | DialError::CertOfAuthority
                | DialError::CertUnsupported { .. }
                | DialError::PortDenied { .. }
                | DialError::NotASerialPort
        ),
        other => other.is_transient(),
    }
}

fn last(seen: Option<&Seen>, said: Option<&CallError>) -> String {
    match (seen, said) {
        (None, None) => "it was not seen".into(),
        (None, Some(error)) => format!("it was not seen: {error}"),
        (Some(seen), None) => format!("it runs {seen}"),
        (Some(seen), Some(error)) => format!("when it was seen last, it ran {seen}; then: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::error::AuthRefusal;
    use crate::rpc::{RemoteError, Request, RpcClient};

    fn seen(version: &str, committed: Option<bool>) -> Seen {
        Seen {
            id: "d".into(),
            build: Build { version: version.into(), build_id: "b".into() },
            slot: committed.map(|_| 1),
            committed,
            uptime: 1,
            reverts_in: None,
        }
    }

    #[test]
    fn the_states() {
        let version = |version: &str| Wanted::Version(version.into());
        for (wanted, seen, expected) in [
            (Wanted::Reachable, seen("1", None), true),
            (Wanted::Committed, seen("1", Some(true)), true),
            (Wanted::Committed, seen("1", Some(false)), false),
            (Wanted::Committed, seen("1", None), false),
            (Wanted::Uncommitted, seen("1", Some(false)), true),
            (Wanted::Uncommitted, seen("1", Some(true)), false),
            (Wanted::Uncommitted, seen("1", None), false),
            (version("1.0"), seen("1.0", Some(false)), true),
            (version("1.0"), seen("1.0.0", Some(true)), false),
            (version("v1.0"), seen("1.0", Some(true)), false),
        ] {
            assert_eq!(wanted.is_met_by(&seen), expected, "{wanted:?} {seen:?}");
        }
    }

    #[test]
    fn what_may_pass() {
        let unreachable = |cause| CallError::Unreachable { peer: "p".into(), cause };
        let remote = |code| CallError::Remote { method: "m".into(), error: RemoteError { code, message: None } };
        for (error, expected) in [
            (unreachable(DialError::Refused), true),
            (unreachable(DialError::UnknownHost), true),
            (unreachable(DialError::PortMissing { available: vec![] }), true),
            (unreachable(DialError::PortHeld { by: None }), true),
            (unreachable(DialError::Unauthorised), false),
            (unreachable(DialError::CertUntrusted), false),
            (unreachable(DialError::PortDenied { group: None }), false),
            (CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() }, true),
            (CallError::Timeout { peer: "p".into(), method: "m".into(), after: PACE, why: None }, true),
            (remote(418), true),
            (remote(404), false),
            (CallError::Unauthorised { method: "m".into(), refusal: AuthRefusal::NoCredentials }, false),
        ] {
            assert_eq!(may_pass(&error), expected, "{error:?}");
        }
    }

    /// A device that was started then, and takes two seconds to say anything.
    struct Slow(Instant);

    #[async_trait::async_trait]
    impl RpcClient for Slow {
        async fn call(&self, request: Request) -> Result<serde_json::Value, CallError> {
            const TAKES: Duration = Duration::from_secs(2);

            sleep(TAKES.min(request.timeout)).await;
            match request.method.as_str() {
                method if request.timeout < TAKES => Err(CallError::Timeout {
                    peer: "p".into(),
                    method: method.into(),
                    after: request.timeout,
                    why: None,
                }),
                "Sys.GetInfo" => Ok(serde_json::json!({
                    "id": "d", "fw_version": "1", "fw_id": "b", "uptime": self.0.elapsed().as_secs(),
                })),
                _ => Ok(serde_json::json!({"active_slot": 0, "is_committed": true})),
            }
        }
        fn drop_link(&self) {}
    }

    /// A look is several questions; all of them together end in time.
    #[tokio::test(start_paused = true)]
    async fn a_slow_device_does_not_outlast_the_limit() {
        let device = Device::new(Box::new(Slow(Instant::now())), Duration::from_secs(10));
        for (seconds, in_time) in [(6, false), (12, true)] {
            let (started, limit) = (Instant::now(), Duration::from_secs(seconds));
            let result = wait(&device, &Wanted::Committed, limit).await;
            assert_eq!(result.is_ok(), in_time, "{seconds} s: {result:?}");
            assert!(started.elapsed() <= limit + Duration::from_millis(10), "{seconds} s: {:?}", started.elapsed());
        }
    }

    #[test]
    fn what_was_seen_last_is_told() {
        let over = |seen, said| {
            let wanted = Wanted::Version("2".into());
            WaitFailure::TimeOver { wanted, after: Duration::from_secs(300), seen, said }.to_string()
        };
        let error = || Some(Box::new(CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() }));
        let prefix = "the device is not at version 2 after 5m; ";
        for (failure, expected) in [
            (over(None, None), "it was not seen"),
            (over(None, error()), "it was not seen: lost the connection to p: r"),
            (over(Some(Box::new(seen("1", Some(true)))), None), "it runs 1 (b) in slot 1, committed"),
            (
                over(Some(Box::new(seen("1", None))), error()),
                "when it was seen last, it ran 1 (b), and has no OTA service; then: lost the connection to p: r",
            ),
        ] {
            assert_eq!(failure, format!("{prefix}{expected}"));
        }
    }
}
