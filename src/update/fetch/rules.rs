//! The rules of a download: the next action, given the reply of the device and the progress at the firmware server. Pure: time is an
//! argument.

use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::limits::Limits;
use crate::rpc::{CallError, RemoteError};
use crate::text::{device_text, for_humans};
use crate::update::outcome::Failure;
use crate::update::serve::Fetched;

/// The reply to `OTA.Update`.
#[derive(Debug)]
pub(super) enum Reply {
    /// A success, with the device's message.
    Success(String),
    /// An error of the device.
    Refused(RemoteError),
    /// Another `OTA.Update` call runs already: of another client, or this one if the device executed the request twice.
    InProgress(String),
    /// No reply will come: the link broke, or the time is over.
    Lost(String),
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Wait for a reply, for progress, or for time to pass.
    Wait,
    /// The device reports a success. Its boot state tells what that means.
    Succeeded(String),
    /// The state of the device has to be read, for this reason.
    Probe(String),
    /// The device has never requested the firmware.
    NeverFetched(Option<String>),
    /// The download has failed.
    Failed(String),
    /// Another update runs on the device.
    Busy(String),
}

/// Returns the reply in the result of the call. Fails only for a call that never arrived, or that the device did not carry out.
pub(super) fn understand(result: Result<Value, CallError>) -> Result<Reply, Failure> {
    match result {
        Ok(value) => Ok(Reply::Success(device_text(value["message"].as_str().unwrap_or_default()))),
        Err(CallError::Remote { error, .. }) if !matches!(error.code, 401 | 403 | 404 | 418) => {
            Ok(Reply::Refused(error))
        }
        Err(error) if error.may_have_arrived() => Ok(Reply::Lost(error.to_string())),
        Err(error) => Err(Failure::Call(error)),
    }
}

/// Returns the next action.
///
/// `reply` is the reply and its time; `fetched` is the progress at the firmware server, `None` for another server; `started` is the time of the
/// last call.
pub(super) fn next_action(
    reply: Option<&(Instant, Reply)>,
    fetched: Option<&Fetched>,
    started: Instant,
    limits: &Limits,
    now: Instant,
) -> Action {
    let Limits { download, timeouts, has_other_way, may_execute_twice, contradictory_reply } = limits;
    let since = |at: Option<Instant>| now.saturating_duration_since(at.unwrap_or(started));
    let asked = fetched.is_none_or(|fetched| fetched.peer.is_some());
    let complete = fetched.is_some_and(|fetched| fetched.complete);
    let idle = fetched.map_or(Duration::ZERO, |fetched| since(fetched.changed));
    let open = fetched.is_some_and(|fetched| fetched.open > 0);
    let out_of_time = since(None) >= limits.total();
    let transferring = open && !complete && idle < timeouts.transfer_idle && !out_of_time;
    let not_in_time = || format!("it was not done within {}", for_humans(*download));
    match reply {
        Some((_, Reply::Success(message))) => Action::Succeeded(message.clone()),
        // Also while the connection is open: a half-open connection closes late.
        _ if fetched.is_some() && asked && !complete && idle >= timeouts.no_progress => {
            Action::Failed(format!("it has taken nothing for {}", for_humans(timeouts.no_progress)))
        }
        // The device reports a failure, and still reads.
        Some((_, Reply::Refused(_))) if transferring => Action::Wait,
        Some((at, Reply::Refused(error))) => {
            let said = error.to_string();
            let may_be_ours = says_busy(error) && *may_execute_twice;
            if complete && fetched.and_then(|fetched| fetched.changed).is_some_and(|changed| changed >= *at) {
                // The error came first, and then the device took every byte.
                Action::Probe(said)
            } else if may_be_ours && (fetched.is_none() || complete) {
                Action::Probe(said)
            } else if says_busy(error) && since(Some(*at)) < *contradictory_reply {
                Action::Wait
            } else if says_busy(error) && (!asked || fetched.is_none()) {
                Action::Busy(said)
            } else if !asked && may_be_unreachable(error) {
                Action::NeverFetched(Some(said))
            } else {
                Action::Failed(said)
            }
        }
        Some((_, Reply::InProgress(_) | Reply::Lost(_))) if transferring => Action::Wait,
        // A device that does not request the firmware runs the update of another client, so that a push would fail too.
        Some((_, Reply::InProgress(said))) => Action::Probe(said.clone()),
        _ if *has_other_way && !asked && since(None) >= timeouts.first_request => Action::NeverFetched(None),
        // The state of the device is read meanwhile.
        Some((_, Reply::Lost(_))) if complete && idle < timeouts.reply_after_transfer => Action::Wait,
        Some((_, Reply::Lost(reason))) => Action::Probe(reason.clone()),
        None if complete && idle >= timeouts.reply_after_transfer => {
            Action::Probe(format!("it took everything, but has not answered for {} s", idle.as_secs()))
        }
        None if fetched.is_some() && asked && !complete && !open && idle >= timeouts.reply_after_transfer => {
            Action::Probe("it has stopped fetching, and does not say why".into())
        }
        // A chip that resets does not close its connections.
        None if open && !complete && idle >= timeouts.transfer_idle && !out_of_time => {
            Action::Probe(format!("it has taken nothing for {} s", idle.as_secs()))
        }
        None if out_of_time && !asked => Action::NeverFetched(None),
        // The call itself may be lost, which the state tells.
        None if !asked && since(None) >= timeouts.first_request => Action::Probe("it does not ask for it".into()),
        // The device may have every byte, and be about to reboot.
        None if out_of_time && (complete || fetched.is_none()) => Action::Probe(not_in_time()),
        None if out_of_time => Action::Failed(not_in_time()),
        None => Action::Wait,
    }
}

/// Tells whether a success of 2018 says that no reboot follows: after a 304 (as recorded in wire/ws.json, case
/// `ota_update_errors`), and, by the device's source, for the build that runs already.
pub(super) fn says_nothing_new(message: &str) -> bool {
    message == "Not Modified" || message.starts_with("Version is the same")
}

/// Tells whether a success of 2018 says that the reboot follows (as recorded in wire/ws.json, case `ota_update_good`). The
/// device has 100 ms left then, and answers nothing but error 418.
pub(super) fn says_applied(message: &str) -> bool {
    message.starts_with("Update applied")
}

/// Tells whether the device refuses the URL because it has no licence key, as the libraries of 2019 to 2022 do without one
/// (as recorded in wire/ota2022-ws.json, case `update_unlicensed`).
pub(super) fn says_unlicensed(error: &RemoteError) -> bool {
    error.message.as_deref().is_some_and(|message| message.starts_with("Free version can only"))
}

/// Tells whether another call waits for the end of a running update (as recorded in wire/ota2022-ws.json, case
/// `pull_second`). That call may be of this run: devices that execute a request twice answer the second execution first.
pub(super) fn says_in_progress(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Update is already in progress")
}

/// Tells whether the device could not reach the server of the URL. Since 2019, the device says so (as recorded in
/// wire/ota2022-ws.json, case `pull_refused`); before that, its message is general.
pub(super) fn says_unreachable(error: &RemoteError) -> bool {
    matches!(error.message.as_deref(), None | Some("Connect error" | "Update failed"))
}

/// Tells whether an update runs already or the firmware is uncommitted: the message of 2018.
pub(super) fn says_busy(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Failed to init updater")
}

/// Tells whether the device may have failed to reach the server. Its error says little then: -1, `Update failed`. Other codes and messages have
/// other causes.
fn may_be_unreachable(error: &RemoteError) -> bool {
    let is_malformed = matches!(error.message.as_deref(), Some("Malformed request" | "either file or url is required"));
    error.code < 0 && !says_busy(error) && !is_malformed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::timeouts::Timeouts;

    fn limits() -> Limits {
        Limits {
            download: Duration::from_secs(600),
            timeouts: Timeouts::default(),
            has_other_way: false,
            may_execute_twice: true,
            contradictory_reply: Timeouts::default().contradictory_reply,
        }
    }

    fn refused(message: Option<&str>) -> Reply {
        Reply::Refused(RemoteError { code: -1, message: message.map(Into::into) })
    }

    /// Returns the progress of a download with `open` transfers, which changed last `changed` seconds after the start.
    fn fetched(start: Instant, open: u32, complete: bool, changed: f64) -> Fetched {
        Fetched {
            peer: Some(([127, 0, 0, 1], 5).into()),
            device: None,
            sent: 5,
            open,
            complete,
            changed: Some(start + Duration::from_secs_f64(changed)),
        }
    }

    #[test]
    fn next_action_follows_reply_and_progress() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let no_request = Fetched::default();
        let reading = |changed| fetched(start, 1, false, changed);
        let done = |changed| fetched(start, 0, true, changed);
        let cut = |changed| fetched(start, 0, false, changed);
        let busy = || Some((at(1.0), refused(Some("Failed to init updater"))));
        let lost = || Some((at(1.0), Reply::Lost("lost".into())));
        for (reply, fetched, now, expected, why) in [
            (None, Some(no_request.clone()), 5.0, "Wait", "it has time to ask"),
            (None, Some(no_request.clone()), 9.9, "Wait", "it still has"),
            (None, Some(no_request.clone()), 10.0, "Probe", "the request may be lost"),
            (lost(), Some(no_request.clone()), 5.0, "Probe", "it may be about to ask"),
            (lost(), Some(no_request.clone()), 31.0, "Probe", "the request may have been lost"),
            (None, Some(reading(600.9)), 601.0, "Wait", "its own word may still come"),
            (None, Some(no_request.clone()), 605.0, "NeverFetched(None)", "it had"),
            (None, Some(reading(4.0)), 5.0, "Wait", "it reads"),
            (None, Some(reading(604.0)), 605.0, "Failed", "it reads too slowly"),
            (None, Some(cut(4.0)), 5.0, "Wait", "it has stopped; its word may come"),
            (None, Some(cut(4.0)), 9.5, "Probe", "some firmware never says that it failed"),
            (None, Some(done(4.0)), 5.0, "Wait", "it writes its flash"),
            (None, Some(done(4.0)), 9.5, "Probe", "the reply may be lost"),
            (None, Some(done(604.0)), 605.0, "Probe", "it has everything, and may reboot any moment"),
            (None, None, 605.0, "Probe", "older firmware goes on beyond the limit"),
            (Some((at(5.0), Reply::Success("Update applied".into()))), Some(done(4.0)), 5.0, "Succeeded", "done"),
            (Some((at(5.0), Reply::Success("Not Modified".into()))), None, 5.0, "Succeeded", "a 304"),
            (Some((at(5.0), Reply::Success("Update applied".into()))), None, 5.0, "Succeeded", "from elsewhere"),
            (Some((at(5.0), refused(Some("Wrong platform")))), Some(reading(4.9)), 5.0, "Wait", "it still reads"),
            (Some((at(5.0), refused(Some("Wrong platform")))), Some(cut(5.1)), 5.2, "Failed", "it has stopped"),
            (Some((at(5.0), refused(None))), Some(done(4.0)), 5.0, "Failed", "it took all and does not like it"),
            (
                Some((at(5.0), refused(None))),
                Some(no_request.clone()),
                5.0,
                "NeverFetched(Some",
                "it could not reach us",
            ),
            (
                Some((at(5.0), refused(Some("Malformed request")))),
                Some(no_request.clone()),
                5.0,
                "Failed",
                "it did not try",
            ),
            (Some((at(5.0), refused(None))), None, 5.0, "Failed", "from elsewhere"),
            (busy(), Some(no_request.clone()), 1.5, "Wait", "the other execution may be about to ask"),
            (busy(), Some(no_request.clone()), 3.1, "Busy", "it was not"),
            (busy(), Some(reading(2.0)), 3.1, "Wait", "the other execution reads"),
            (busy(), Some(done(4.0)), 5.0, "Probe", "the other execution took all"),
            (busy(), Some(reading(604.9)), 605.0, "Failed", "but not for ever"),
            (busy(), None, 1.0, "Probe", "the other execution may fetch from elsewhere"),
            (lost(), Some(reading(2.0)), 3.0, "Wait", "it reads on without us"),
            (lost(), Some(reading(2.0)), 13.0, "Probe", "it has stopped reading"),
            (lost(), Some(done(2.0)), 3.0, "Wait", "it may be rebooting, and is glanced at"),
            (lost(), Some(done(2.0)), 7.5, "Probe", "it should be back"),
            (lost(), None, 3.0, "Probe", "from elsewhere"),
            (None, Some(reading(4.0)), 13.0, "Wait", "it may be erasing its flash"),
            (None, Some(reading(4.0)), 14.5, "Probe", "it may have restarted, which closes no connection"),
            (None, Some(reading(4.0)), 64.5, "Failed", "it is dead"),
            (lost(), Some(reading(4.0)), 64.5, "Failed", "it is dead, and says nothing"),
            (None, Some(cut(4.0)), 64.5, "Failed", "it has not come back for the rest"),
            (lost(), Some(cut(4.0)), 9.5, "Probe", "since 2019 it comes back for the rest after 3 s"),
            (lost(), Some(cut(4.0)), 64.5, "Failed", "it goes on, and takes nothing"),
            (None, Some(reading(590.0)), 600.0, "Probe", "a slow one is not cut off"),
        ] {
            let action = format!("{:?}", next_action(reply.as_ref(), fetched.as_ref(), start, &limits(), at(now)));
            assert!(action.starts_with(expected), "{why}: {action}, not {expected} ({reply:?} {fetched:?} at {now})");
        }
    }

    /// If the firmware can be pushed, otactl does not wait half a minute for a device behind a firewall.
    #[test]
    fn missing_request_ends_the_pull_early_if_a_push_is_possible() {
        let start = Instant::now();
        let limits = Limits { has_other_way: true, ..limits() };
        let after = |seconds| {
            let now = start + Duration::from_secs(seconds);
            next_action(None, Some(&Fetched::default()), start, &limits, now)
        };
        assert_eq!((after(9), after(10)), (Action::Wait, Action::NeverFetched(None)));
        let running = (start, Reply::InProgress("in progress".into()));
        let late = start + Duration::from_secs(11);
        let action = next_action(Some(&running), Some(&Fetched::default()), start, &limits, late);
        assert_eq!(action, Action::Probe("in progress".into()), "another client's update runs");
        let reads = fetched(start, 1, false, 9.0);
        assert_eq!(next_action(None, Some(&reads), start, &limits, start + Duration::from_secs(11)), Action::Wait);
    }

    #[test]
    fn unsent_call_is_a_failure() {
        let unsent = CallError::Lost { peer: "p".into(), sent: false, reason: "r".into() };
        assert!(matches!(understand(Err(unsent)), Err(Failure::Call(_))));
        let sent = CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() };
        assert!(matches!(understand(Err(sent)), Ok(Reply::Lost(_))));
    }
}
