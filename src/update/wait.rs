//! Waits until a device is in a wanted state, for scripts: reachable, committed, uncommitted, or at a version.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::device_state::DeviceState;
use super::read_state_error::ReadStateError;
use super::repeat::Repeat;
use super::settle::APPLIED_TO_REBOOT;
use super::verdict::rebooted;
use crate::bundle::manifest::Build;
use crate::ota::{self, Slot, SystemInfo};
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device, DialError};
use crate::text::for_humans;

/// The timeout of the first attempt, unless the timeout of a call is shorter. It doubles after each unanswered attempt, up to the
/// timeout of a call.
const MIN_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(1);

/// The pause between two attempts, at first and at most.
const MIN_PAUSE: Duration = Duration::from_millis(200);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// The state to wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WantedState {
    /// The device answers.
    Reachable,
    /// The running firmware is committed.
    Committed,
    /// The running firmware is uncommitted.
    Uncommitted,
    /// This version runs, whether committed or not.
    Version(String),
}

/// What a device reported about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ReportedState {
    /// The id of the device.
    pub id: String,
    /// The running version and build id.
    #[serde(flatten)]
    pub build: Build,
    /// The active slot. `None` for a device that reports none, or has no OTA service.
    pub slot: Option<Slot>,
    /// Whether the firmware is committed. `None` for a device without the OTA service.
    pub committed: Option<bool>,
    /// Seconds since the boot.
    pub uptime: u64,
    /// Seconds until the device rolls back by itself, if it will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverts_in: Option<u64>,
}

/// Why the device did not reach the wanted state.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitFailure {
    /// The device did not reach the state in time.
    #[error("the device is not {wanted} after {}; {}", for_humans(*.after), last_observation(.seen.as_deref(), .error.as_deref()))]
    TimeOver {
        /// The wanted state.
        wanted: WantedState,
        /// How long otactl waited.
        after: Duration,
        /// The last state that the device reported.
        seen: Option<Box<ReportedState>>,
        /// The error of the last attempt, if it failed.
        error: Option<Box<ReadStateError>>,
    },
    /// Waiting cannot help against this error.
    #[error(transparent)]
    Call(CallError),
}

/// Completes the sentence "the device is …".
impl fmt::Display for WantedState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reachable => f.write_str("reachable"),
            Self::Committed => f.write_str("committed"),
            Self::Uncommitted => f.write_str("uncommitted"),
            Self::Version(version) => write!(f, "at version {version}"),
        }
    }
}

/// Completes the sentence "the device runs …".
impl fmt::Display for ReportedState {
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

impl WantedState {
    /// Tells whether `seen` is the wanted state.
    #[must_use]
    pub fn is_met_by(&self, seen: &ReportedState) -> bool {
        match self {
            Self::Reachable => true,
            Self::Committed => seen.committed == Some(true),
            Self::Uncommitted => seen.committed == Some(false),
            Self::Version(version) => seen.build.version == *version,
        }
    }
}

impl ReportedState {
    fn without_boot_state(info: &SystemInfo) -> Self {
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

impl From<&DeviceState> for ReportedState {
    fn from(now: &DeviceState) -> Self {
        Self {
            slot: now.boot.active_slot,
            committed: Some(now.boot.is_committed),
            reverts_in: now.reverts_in().map(|left| left.as_secs()),
            ..Self::without_boot_state(&now.info)
        }
    }
}

/// Reads the state of the device repeatedly until it is the wanted one, for at most `limit`.
///
/// The first attempt is made at once. Errors that may disappear by themselves do not end the wait.
///
/// Not a `Poll`, which asks more often: nothing is urgent here, and each attempt after a silence dials anew on every transport.
pub async fn wait(device: &Device, wanted: &WantedState, limit: Duration) -> Result<ReportedState, WaitFailure> {
    wait_and_report(device, wanted, limit, |_, _| {}).await
}

/// Waits as [`wait`] does, and calls `report` after each attempt that did not find the wanted state.
///
/// `report` gets the last state that the device reported, and the error if the attempt failed. It must not block.
pub async fn wait_and_report(
    device: &Device,
    wanted: &WantedState,
    limit: Duration,
    report: impl Fn(Option<&ReportedState>, Option<&ReadStateError>),
) -> Result<ReportedState, WaitFailure> {
    let deadline = deadline_in(limit);
    let mut repeat = Repeat::until(deadline, MIN_PAUSE).slowing_to(MAX_PAUSE);
    let mut ask_timeout = MIN_ATTEMPT_TIMEOUT.min(device.timeout());
    let (mut seen, mut last_error) = (None, None);
    // The last state before the wanted one, or else the first one that seems to be the wanted one.
    let mut previous: Option<DeviceState> = None;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // One attempt makes several calls, which share the time that is left.
        let Ok(observation) = timeout_at(deadline, observe(device, wanted, ask_timeout.min(left))).await else { break };
        last_error = match observation {
            Ok((now, state)) if wanted.is_met_by(&now) => {
                if *wanted != WantedState::Uncommitted || runs_uncommitted(previous.as_ref(), state.as_ref()) {
                    return Ok(now);
                }
                // The boot state may be that of the next boot, so the same state must appear after the reboot as well.
                previous = previous.or(state);
                seen = Some(Box::new(now));
                None
            }
            Ok((now, state)) => {
                previous = state;
                seen = Some(Box::new(now));
                None
            }
            Err(ReadStateError::Call(error)) if !may_disappear(&error) => return Err(WaitFailure::Call(error)),
            Err(error) => {
                if error.remote_error().is_none() {
                    device.drop_link();
                    ask_timeout = (ask_timeout * 2).min(device.timeout());
                }
                Some(Box::new(error))
            }
        };
        report(seen.as_deref(), last_error.as_deref());
        if !repeat.again().await {
            sleep_until(deadline).await;
            break;
        }
    }
    Err(WaitFailure::TimeOver { wanted: wanted.clone(), after: limit, seen, error: last_error })
}

/// Tells whether the device already runs the uncommitted firmware of its boot state.
///
/// It does if it has rebooted since `previous`, or if its state has not changed for longer than the time from an applied update to the
/// reboot.
fn runs_uncommitted(previous: Option<&DeviceState>, now: Option<&DeviceState>) -> bool {
    let (Some(previous), Some(now)) = (previous, now) else { return false };
    let is_same = !previous.boot.is_committed && previous.boot == now.boot;
    rebooted(previous, now) || (is_same && now.asked.duration_since(previous.taken) >= APPLIED_TO_REBOOT)
}

async fn observe(
    device: &Device,
    wanted: &WantedState,
    timeout: Duration,
) -> Result<(ReportedState, Option<DeviceState>), ReadStateError> {
    match DeviceState::read(device, timeout).await {
        Ok(now) => Ok((ReportedState::from(&now), Some(now))),
        // The device has answered. Only its OTA service is missing or denied.
        Err(error)
            if *wanted == WantedState::Reachable && error.remote_error().is_some_and(|error| error.code != 418) =>
        {
            Ok((ReportedState::without_boot_state(&device.call_within(ota::GetInfo {}, timeout).await?), None))
        }
        Err(error) => Err(error),
    }
}

/// Tells whether the error may disappear by itself. A final refusal by the device or this machine does not.
fn may_disappear(error: &CallError) -> bool {
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

fn last_observation(seen: Option<&ReportedState>, error: Option<&ReadStateError>) -> String {
    match (seen, error) {
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

    fn seen(version: &str, committed: Option<bool>) -> ReportedState {
        ReportedState {
            id: "d".into(),
            build: Build { version: version.into(), build_id: "b".into() },
            slot: committed.map(|_| 1),
            committed,
            uptime: 1,
            reverts_in: None,
        }
    }

    #[test]
    fn wanted_state_is_met_by_matching_state() {
        let version = |version: &str| WantedState::Version(version.into());
        for (wanted, seen, expected) in [
            (WantedState::Reachable, seen("1", None), true),
            (WantedState::Committed, seen("1", Some(true)), true),
            (WantedState::Committed, seen("1", Some(false)), false),
            (WantedState::Committed, seen("1", None), false),
            (WantedState::Uncommitted, seen("1", Some(false)), true),
            (WantedState::Uncommitted, seen("1", Some(true)), false),
            (WantedState::Uncommitted, seen("1", None), false),
            (version("1.0"), seen("1.0", Some(false)), true),
            (version("1.0"), seen("1.0.0", Some(true)), false),
            (version("v1.0"), seen("1.0", Some(true)), false),
        ] {
            assert_eq!(wanted.is_met_by(&seen), expected, "{wanted:?} {seen:?}");
        }
    }

    #[test]
    fn error_that_may_disappear_does_not_end_the_wait() {
        let unreachable = |cause: DialError| CallError::unreachable("p", cause);
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
            (CallError::Timeout { peer: "p".into(), method: "m".into(), after: MIN_PAUSE, why: None }, true),
            (remote(418), true),
            (remote(404), false),
            (CallError::Unauthorised { method: "m".into(), refusal: AuthRefusal::NoCredentials }, false),
        ] {
            assert_eq!(may_disappear(&error), expected, "{error:?}");
        }
    }

    /// A device that booted at the given time and takes two seconds for each reply.
    struct SlowDevice(Instant);

    #[async_trait::async_trait]
    impl RpcClient for SlowDevice {
        async fn call(&self, request: Request) -> Result<serde_json::Value, CallError> {
            const REPLY_TIME: Duration = Duration::from_secs(2);

            tokio::time::sleep(REPLY_TIME.min(request.timeout)).await;
            match request.method.as_str() {
                method if request.timeout < REPLY_TIME => Err(CallError::Timeout {
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

    /// One attempt makes several calls, which together end before the limit.
    #[tokio::test(start_paused = true)]
    async fn wait_for_slow_device_ends_at_the_limit() {
        let device = Device::new(Box::new(SlowDevice(Instant::now())), Duration::from_secs(10));
        for (seconds, in_time) in [(6, false), (12, true)] {
            let (started, limit) = (Instant::now(), Duration::from_secs(seconds));
            let result = wait(&device, &WantedState::Committed, limit).await;
            assert_eq!(result.is_ok(), in_time, "{seconds} s: {result:?}");
            assert!(started.elapsed() <= limit + Duration::from_millis(10), "{seconds} s: {:?}", started.elapsed());
        }
    }

    #[test]
    fn timeout_message_has_the_last_observation() {
        let over = |seen, error| {
            let wanted = WantedState::Version("2".into());
            WaitFailure::TimeOver { wanted, after: Duration::from_secs(300), seen, error }.to_string()
        };
        let lost = || CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() };
        let error = || Some(Box::new(ReadStateError::Call(lost())));
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
