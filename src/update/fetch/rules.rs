//! The rules of a download: what the reply of the device and the progress at the firmware server mean together, and when that may
//! change. Pure: time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::limits::DownloadLimits;
use super::replies::{UpdateReply, may_be_unreachable, says_busy};
use crate::rpc::RemoteError;
use crate::text::for_humans;
use crate::update::outcome::FailureReason;
use crate::update::serve::Fetched;

/// What reply and progress mean together.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Situation {
    /// The download goes on.
    Wait,
    /// The device reports a success. Its boot state tells what that means.
    Succeeded(String),
    /// Only the state of the device can tell, for this reason.
    Unclear(FailureReason),
    /// The device has never requested the firmware.
    NeverFetched(Option<String>),
    /// The download has failed.
    Failed(FailureReason),
    /// Another update runs on the device.
    Busy(RemoteError),
}

/// Returns what reply and progress mean at `now`.
///
/// `reply` is the reply and its time; `fetched` is the progress at the firmware server, `None` for another server; `started` is the time of the
/// last call.
pub(super) fn assess(
    reply: Option<&(Instant, UpdateReply)>,
    fetched: Option<&Fetched>,
    started: Instant,
    limits: &DownloadLimits,
    now: Instant,
) -> Situation {
    let DownloadLimits { download, timeouts, has_other_way, may_execute_twice, contradictory_reply, .. } = limits;
    let since = |at: Option<Instant>| now.saturating_duration_since(at.unwrap_or(started));
    let asked = fetched.is_none_or(|fetched| fetched.peer.is_some());
    let complete = fetched.is_some_and(|fetched| fetched.complete);
    let idle = fetched.map_or(Duration::ZERO, |fetched| since(fetched.changed));
    let open = fetched.is_some_and(|fetched| fetched.open > 0);
    let out_of_time = since(None) >= limits.total();
    let transferring = open && !complete && idle < timeouts.transfer_idle && !out_of_time;
    let not_in_time = || format!("it was not done within {}", for_humans(*download)).into();
    match reply {
        Some((_, UpdateReply::Success(message))) => Situation::Succeeded(message.clone()),
        // Also while the connection is open: a half-open connection closes late.
        _ if fetched.is_some() && asked && !complete && idle >= timeouts.no_progress => {
            Situation::Failed(format!("it has taken nothing for {}", for_humans(timeouts.no_progress)).into())
        }
        // The device reports a failure, and still reads.
        Some((_, UpdateReply::Refused(_))) if transferring => Situation::Wait,
        Some((at, UpdateReply::Refused(error))) => {
            let reason = || error.clone().into();
            let may_be_ours = says_busy(error) && *may_execute_twice;
            if complete && fetched.and_then(|fetched| fetched.changed).is_some_and(|changed| changed >= *at) {
                // The error came first, and then the device took every byte.
                Situation::Unclear(reason())
            } else if may_be_ours && (fetched.is_none() || complete) {
                Situation::Unclear(reason())
            } else if says_busy(error) && since(Some(*at)) < *contradictory_reply {
                Situation::Wait
            } else if says_busy(error) && (!asked || fetched.is_none()) {
                Situation::Busy(error.clone())
            } else if !asked && may_be_unreachable(error) {
                Situation::NeverFetched(Some(error.to_string()))
            } else {
                Situation::Failed(reason())
            }
        }
        Some((_, UpdateReply::InProgress(_) | UpdateReply::Lost(_))) if transferring => Situation::Wait,
        // A device that does not request the firmware runs the update of another client, so that a push would fail too.
        Some((_, UpdateReply::InProgress(error))) => Situation::Unclear(error.clone().into()),
        _ if *has_other_way && !asked && since(None) >= timeouts.first_request => Situation::NeverFetched(None),
        // The state of the device is read meanwhile.
        Some((_, UpdateReply::Lost(_))) if complete && idle < timeouts.reply_after_transfer => Situation::Wait,
        Some((_, UpdateReply::Lost(reason))) => Situation::Unclear(reason.clone()),
        None if complete && idle >= timeouts.reply_after_transfer => {
            Situation::Unclear(format!("it took everything, but has not answered for {} s", idle.as_secs()).into())
        }
        None if fetched.is_some() && asked && !complete && !open && idle >= timeouts.reply_after_transfer => {
            Situation::Unclear("it has stopped fetching, and does not say why".into())
        }
        // A chip that resets does not close its connections.
        None if open && !complete && idle >= timeouts.transfer_idle && !out_of_time => {
            Situation::Unclear(format!("it has taken nothing for {} s", idle.as_secs()).into())
        }
        None if out_of_time && !asked => Situation::NeverFetched(None),
        // The call itself may be lost, which the state tells.
        None if !asked && since(None) >= timeouts.first_request => Situation::Unclear("it does not ask for it".into()),
        // The device may have every byte, and be about to reboot.
        None if out_of_time && (complete || fetched.is_none()) => Situation::Unclear(not_in_time()),
        None if out_of_time => Situation::Failed(not_in_time()),
        None => Situation::Wait,
    }
}

/// Returns the earliest time after `now` at which [`assess`] may return something else for the same reply and progress.
pub(super) fn next_change(
    reply: Option<&(Instant, UpdateReply)>,
    fetched: Option<&Fetched>,
    started: Instant,
    limits: &DownloadLimits,
    now: Instant,
) -> Option<Instant> {
    let DownloadLimits { timeouts, contradictory_reply, .. } = limits;
    let changed = fetched.map(|fetched| fetched.changed.unwrap_or(started));
    let after = |start: Option<Instant>, limit: Duration| start.and_then(|start| start.checked_add(limit));
    [
        after(Some(started), timeouts.first_request),
        after(Some(started), limits.total()),
        after(changed, timeouts.reply_after_transfer),
        after(changed, timeouts.transfer_idle),
        after(changed, timeouts.no_progress),
        after(reply.map(|(at, _)| *at), *contradictory_reply),
    ]
    .into_iter()
    .flatten()
    .filter(|at| *at > now)
    .min()
}

#[cfg(test)]
mod tests {
    use std::mem::discriminant;

    use super::*;
    use crate::rpc::RemoteError;
    use crate::update::timeouts::Timeouts;

    fn limits() -> DownloadLimits {
        DownloadLimits {
            download: Duration::from_secs(600),
            timeouts: Timeouts::default(),
            has_other_way: false,
            may_execute_twice: true,
            contradictory_reply: Timeouts::default().contradictory_reply,
            reboot_timeout: Duration::from_secs(60),
            commit_timeout: Duration::from_secs(300),
        }
    }

    fn refused(message: Option<&str>) -> UpdateReply {
        UpdateReply::Refused(RemoteError { code: -1, message: message.map(Into::into) })
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

    fn in_progress() -> RemoteError {
        RemoteError { code: -1, message: Some("in progress".into()) }
    }

    #[test]
    fn situation_follows_reply_and_progress() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let no_request = Fetched::default();
        let reading = |changed| fetched(start, 1, false, changed);
        let done = |changed| fetched(start, 0, true, changed);
        let cut = |changed| fetched(start, 0, false, changed);
        let busy = || Some((at(1.0), refused(Some("Failed to init updater"))));
        let lost = || Some((at(1.0), UpdateReply::Lost("lost".into())));
        for (reply, fetched, now, expected, why) in [
            (None, Some(no_request.clone()), 5.0, "Wait", "it has time to ask"),
            (None, Some(no_request.clone()), 9.9, "Wait", "it still has"),
            (None, Some(no_request.clone()), 10.0, "Unclear", "the request may be lost"),
            (lost(), Some(no_request.clone()), 5.0, "Unclear", "it may be about to ask"),
            (lost(), Some(no_request.clone()), 31.0, "Unclear", "the request may have been lost"),
            (None, Some(reading(600.9)), 601.0, "Wait", "its own word may still come"),
            (None, Some(no_request.clone()), 605.0, "NeverFetched(None)", "it had"),
            (None, Some(reading(4.0)), 5.0, "Wait", "it reads"),
            (None, Some(reading(604.0)), 605.0, "Failed", "it reads too slowly"),
            (None, Some(cut(4.0)), 5.0, "Wait", "it has stopped; its word may come"),
            (None, Some(cut(4.0)), 9.5, "Unclear", "some firmware never says that it failed"),
            (None, Some(done(4.0)), 5.0, "Wait", "it writes its flash"),
            (None, Some(done(4.0)), 9.5, "Unclear", "the reply may be lost"),
            (None, Some(done(604.0)), 605.0, "Unclear", "it has everything, and may reboot any moment"),
            (None, None, 605.0, "Unclear", "older firmware goes on beyond the limit"),
            (Some((at(5.0), UpdateReply::Success("Update applied".into()))), Some(done(4.0)), 5.0, "Succeeded", "done"),
            (Some((at(5.0), UpdateReply::Success("Not Modified".into()))), None, 5.0, "Succeeded", "a 304"),
            (Some((at(5.0), UpdateReply::Success("Update applied".into()))), None, 5.0, "Succeeded", "from elsewhere"),
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
            (busy(), Some(done(4.0)), 5.0, "Unclear", "the other execution took all"),
            (busy(), Some(reading(604.9)), 605.0, "Failed", "but not for ever"),
            (busy(), None, 1.0, "Unclear", "the other execution may fetch from elsewhere"),
            (lost(), Some(reading(2.0)), 3.0, "Wait", "it reads on without us"),
            (lost(), Some(reading(2.0)), 13.0, "Unclear", "it has stopped reading"),
            (lost(), Some(done(2.0)), 3.0, "Wait", "it may be rebooting, and is glanced at"),
            (lost(), Some(done(2.0)), 7.5, "Unclear", "it should be back"),
            (lost(), None, 3.0, "Unclear", "from elsewhere"),
            (None, Some(reading(4.0)), 13.0, "Wait", "it may be erasing its flash"),
            (None, Some(reading(4.0)), 14.5, "Unclear", "it may have restarted, which closes no connection"),
            (None, Some(reading(4.0)), 64.5, "Failed", "it is dead"),
            (lost(), Some(reading(4.0)), 64.5, "Failed", "it is dead, and says nothing"),
            (None, Some(cut(4.0)), 64.5, "Failed", "it has not come back for the rest"),
            (lost(), Some(cut(4.0)), 9.5, "Unclear", "since 2019 it comes back for the rest after 3 s"),
            (lost(), Some(cut(4.0)), 64.5, "Failed", "it goes on, and takes nothing"),
            (None, Some(reading(590.0)), 600.0, "Unclear", "a slow one is not cut off"),
        ] {
            let situation = format!("{:?}", assess(reply.as_ref(), fetched.as_ref(), start, &limits(), at(now)));
            assert!(
                situation.starts_with(expected),
                "{why}: {situation}, not {expected} ({reply:?} {fetched:?} at {now})"
            );
        }
    }

    /// If the firmware can be pushed, otactl does not wait half a minute for a device behind a firewall.
    #[test]
    fn missing_request_ends_the_pull_early_if_a_push_is_possible() {
        let start = Instant::now();
        let limits = DownloadLimits { has_other_way: true, ..limits() };
        let after = |seconds| {
            let now = start + Duration::from_secs(seconds);
            assess(None, Some(&Fetched::default()), start, &limits, now)
        };
        assert_eq!((after(9), after(10)), (Situation::Wait, Situation::NeverFetched(None)));
        let running = (start, UpdateReply::InProgress(in_progress()));
        let late = start + Duration::from_secs(11);
        let situation = assess(Some(&running), Some(&Fetched::default()), start, &limits, late);
        assert_eq!(situation, Situation::Unclear(in_progress().into()), "another client's update runs");
        let reads = fetched(start, 1, false, 9.0);
        assert_eq!(assess(None, Some(&reads), start, &limits, start + Duration::from_secs(11)), Situation::Wait);
    }

    /// Otherwise a download that waits until then would act late.
    #[test]
    fn situation_changes_only_at_the_time_of_next_change() {
        let start = Instant::now();
        let at = |tenths: u32| start + Duration::from_millis(100) * tenths;
        let progress = [None, Some(Fetched::default())].into_iter().chain([0, 1].into_iter().flat_map(|open| {
            [(false, 3.0), (true, 3.0), (false, 120.0), (true, 598.0)]
                .map(|(complete, changed)| Some(fetched(start, open, complete, changed)))
        }));
        for fetched in progress {
            for reply in [
                None,
                Some((at(35), refused(Some("Failed to init updater")))),
                Some((at(35), refused(None))),
                Some((at(35), UpdateReply::InProgress(in_progress()))),
                Some((at(35), UpdateReply::Lost("lost".into()))),
            ] {
                let first = fetched.as_ref().and_then(|fetched| fetched.changed).unwrap_or(start).max(at(35));
                let (mut now, mut change) = (first, Some(first));
                let mut situation = assess(reply.as_ref(), fetched.as_ref(), start, &limits(), now);
                while now < at(7000) {
                    now += Duration::from_millis(100);
                    let next = assess(reply.as_ref(), fetched.as_ref(), start, &limits(), now);
                    let is_due = change.is_some_and(|change| change <= now);
                    assert!(
                        is_due || discriminant(&next) == discriminant(&situation),
                        "{situation:?} became {next:?} after {:?} ({reply:?} {fetched:?})",
                        now - start
                    );
                    if is_due {
                        change = next_change(reply.as_ref(), fetched.as_ref(), start, &limits(), now);
                    }
                    situation = next;
                }
            }
        }
    }
}
