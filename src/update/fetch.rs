//! `OTA.Update`, and what goes on until its end. The reply comes when the download has ended, or
//! never; meanwhile what our server has sent, or what `OTA.Status` tells, is the progress.

use std::pin::pin;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Plan;
use super::event::{Event, Observer};
use super::outcome::Failure;
use super::reboot::probe_timeout;
use super::serve::{Fetched, FirmwareServer};
use super::verdict::{Snapshot, rebooted};
use crate::ota::{self, UpdateState};
use crate::rpc::{CallError, Device, RemoteError};
use crate::text::printable;

/// A device that has not asked for the firmware by then will hardly do so.
const SHOULD_ASK_WITHIN: Duration = Duration::from_secs(10);

/// How often we see whether anything is due.
const TICK: Duration = Duration::from_millis(500);

/// How often a device that fetches from elsewhere is asked how far it is.
const LOOK_AROUND: Duration = Duration::from_secs(1);

/// A transfer without progress for so long is none.
const STALLED: Duration = Duration::from_secs(10);

/// How long a refusal to start is doubted. Devices that execute a request twice report the failure
/// of the second execution first, while the first one goes on.
const DOUBT: Duration = Duration::from_secs(2);

/// How long after the end of the transfer, or after its breaking off, the device's word is waited for
/// before we look for ourselves. Some firmware never says that it failed.
const OVERDUE: Duration = Duration::from_secs(5);

/// How long the device's own word is waited for when the time for the download has passed.
const GRACE: Duration = Duration::from_secs(5);

/// How long a device that we cannot ask about it may take before it fetches from us.
const NEVER_ASKS: Duration = Duration::from_secs(30);

/// How long the device may write its flash after the transfer, silently.
const FINISH: Duration = Duration::from_secs(60);

/// How the reply to `OTA.Update` came out.
#[derive(Debug)]
enum Reply {
    /// Code 0, and the device's words.
    Success(String),
    /// The device says that it failed.
    Refused(RemoteError),
    /// There will be no reply: the link broke, or it took too long.
    Missing(String),
}

/// What follows from what has been seen.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Wait,
    /// The device has the firmware.
    Applied(String),
    /// There is no telling from here; the device has to be looked at.
    Look(String),
    /// It never asked.
    NeverFetched(Option<String>),
    /// It asked, and did not take it.
    Failed(String),
    /// Nothing to take.
    NothingNew(String),
}

/// Has the device fetch the firmware at `url`. Returns once it has it, and is about to reboot or has
/// done so.
pub async fn fetch(
    device: &Device,
    plan: &Plan,
    url: &str,
    server: Option<&FirmwareServer>,
    before: &Snapshot,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let request = ota::Update {
        url: url.into(),
        commit_timeout: plan.commit_timeout.as_secs(),
        timeout: plan.download_timeout.as_secs(),
    };
    observer.on(&Event::Requested { from_us: server.is_some(), commit_timeout: request.commit_timeout });
    let mut watch = Watch { device, plan, server, before, observer, started: Instant::now(), announced: None };
    let mut call = pin!(device.call_within(request, plan.download_timeout + GRACE));
    let mut reply: Option<(Instant, Reply)> = None;
    let mut progress = server.map(FirmwareServer::fetched);
    let mut ticks = interval_at(Instant::now() + TICK, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look_at = Instant::now() + LOOK_AROUND;
    let mut not_asked_said = false;
    loop {
        let mut tick = false;
        tokio::select! {
            // Biased so that the server's count is complete before the reply is judged by it.
            biased;
            () = changed(&mut progress) => watch.announce(),
            result = &mut call, if reply.is_none() => {
                watch.announce();
                reply = Some((Instant::now(), understand(result)?));
            }
            _ = ticks.tick() => tick = true,
        }
        let fetched = server.map(|server| server.fetched().borrow().clone());
        let now = Instant::now();
        match judge(reply.as_ref(), fetched.as_ref(), watch.started, plan.download_timeout, now) {
            Step::Wait => {}
            Step::Applied(message) => {
                observer.on(&Event::Applied { message });
                return Ok(());
            }
            // The doubt is settled by the state, which costs a question; so not at every turn.
            Step::Look(reason) if tick => {
                if watch.look(&reason).await? {
                    observer.on(&Event::Unconfirmed { reason });
                    return Ok(());
                }
            }
            Step::Look(_) => {}
            Step::NeverFetched(said) => return Err(watch.never_fetched(said)),
            Step::Failed(reason) => return Err(watch.failed(reason)),
            Step::NothingNew(message) => return Err(Failure::NothingNew { message, build: before.build() }),
        }
        if tick && reply.is_none() {
            match (server, fetched) {
                (Some(server), Some(fetched)) if fetched.peer.is_none() => {
                    let waited = watch.started.elapsed();
                    if waited >= SHOULD_ASK_WITHIN && !std::mem::replace(&mut not_asked_said, true) {
                        let address = server.advertised().to_owned();
                        observer.on(&Event::NotAsked { seconds: waited.as_secs(), address });
                    }
                }
                (None, _) if now >= look_at => {
                    if watch.look_around().await {
                        let reason = "its reply was lost".into();
                        observer.on(&Event::Unconfirmed { reason });
                        return Ok(());
                    }
                    look_at = Instant::now() + LOOK_AROUND;
                }
                _ => {}
            }
        }
    }
}

/// Only a call that certainly never arrived is a failure here; anything else is a reply, or the lack of
/// one.
fn understand(result: Result<Value, CallError>) -> Result<Reply, Failure> {
    match result {
        Ok(value) => Ok(Reply::Success(printable(value["message"].as_str().unwrap_or_default()))),
        Err(CallError::Remote { error, .. }) if !matches!(error.code, 401 | 403 | 404) => Ok(Reply::Refused(error)),
        Err(error) if error.may_have_arrived() => Ok(Reply::Missing(error.to_string())),
        Err(error) => Err(Failure::Call(error)),
    }
}

/// The rules. Time is an argument.
fn judge(
    reply: Option<&(Instant, Reply)>,
    fetched: Option<&Fetched>,
    started: Instant,
    download_timeout: Duration,
    now: Instant,
) -> Step {
    let since = |at: Option<Instant>| now.saturating_duration_since(at.unwrap_or(started));
    let asked = fetched.is_none_or(|fetched| fetched.peer.is_some());
    let complete = fetched.is_some_and(|fetched| fetched.complete);
    let idle = fetched.map_or(Duration::ZERO, |fetched| since(fetched.changed));
    let open = fetched.is_some_and(|fetched| fetched.open > 0);
    let out_of_time = since(None) >= download_timeout + GRACE;
    let transferring = open && !complete && idle < STALLED && !out_of_time;
    let not_in_time = || format!("it was not done within {}", humantime::format_duration(download_timeout));
    match reply {
        Some((_, Reply::Success(message))) if says_nothing_new(message) => Step::NothingNew(message.clone()),
        Some((_, Reply::Success(message))) => Step::Applied(message.clone()),
        // It says that it failed, and still reads: not yet a failure.
        Some((_, Reply::Refused(_))) if transferring => Step::Wait,
        Some((at, Reply::Refused(error))) => {
            let said = error.to_string();
            if complete && fetched.and_then(|fetched| fetched.changed).is_some_and(|changed| changed > *at) {
                // The failure came first, and then it took everything.
                Step::Look(said)
            } else if fetched.is_some() && says_busy(error) && since(Some(*at)) < DOUBT {
                Step::Wait
            } else if !asked && may_be_about_fetching(error) {
                Step::NeverFetched(Some(said))
            } else {
                Step::Failed(said)
            }
        }
        Some((_, Reply::Missing(_))) if transferring => Step::Wait,
        Some((_, Reply::Missing(reason))) => Step::Look(reason.clone()),
        None if complete && idle >= OVERDUE => {
            Step::Look(format!("it took everything, but has not answered for {} s", idle.as_secs()))
        }
        None if fetched.is_some() && asked && !complete && !open && idle >= OVERDUE => {
            Step::Look("it has stopped fetching, and does not say why".into())
        }
        None if out_of_time && !asked => Step::NeverFetched(None),
        // It may have all of it, and reboot any moment.
        None if out_of_time && (complete || fetched.is_none()) => Step::Look(not_in_time()),
        None if out_of_time => Step::Failed(not_in_time()),
        None => Step::Wait,
    }
}

/// A success after which no reboot follows: after a 304 (as recorded in wire/ws.json, case
/// `ota_update_errors`), and, by the device's source, for the build that runs already.
fn says_nothing_new(message: &str) -> bool {
    message == "Not Modified" || message.starts_with("Version is the same")
}

/// One runs already, or the firmware is uncommitted.
fn says_busy(error: &RemoteError) -> bool {
    error.message.as_deref() == Some("Failed to init updater")
}

/// A device that could not reach the server says little: -1, "Update failed". Other codes and these
/// words have other causes.
fn may_be_about_fetching(error: &RemoteError) -> bool {
    error.code < 0 && !says_busy(error) && error.message.as_deref() != Some("Malformed request")
}

async fn changed(progress: &mut Option<watch::Receiver<Fetched>>) {
    if let Some(progress) = progress
        && progress.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

/// What a device does about an update.
enum Activity {
    Busy,
    /// It has everything, and may be writing its flash.
    Finishing,
    Idle,
    Unknown,
}

/// What the loop needs at hand.
struct Watch<'a> {
    device: &'a Device,
    plan: &'a Plan,
    server: Option<&'a FirmwareServer>,
    before: &'a Snapshot,
    observer: &'a dyn Observer,
    started: Instant,
    /// The transfer and the bytes that were told last.
    announced: Option<(std::net::SocketAddr, u64)>,
}

impl Watch<'_> {
    /// Tells what the server has seen.
    fn announce(&mut self) {
        let Some(server) = self.server else { return };
        let fetched = server.fetched().borrow().clone();
        let Some(peer) = fetched.peer else { return };
        if self.announced.is_none_or(|(told, _)| told != peer) {
            self.observer.on(&Event::Fetching { peer: peer.ip().to_string(), device: fetched.device });
        }
        if self.announced != Some((peer, fetched.sent)) {
            self.observer.on(&Event::Sent { bytes: fetched.sent, total: server.total() });
        }
        self.announced = Some((peer, fetched.sent));
    }

    /// Asks a device that fetches from elsewhere how far it is. True: it has rebooted, and the reply
    /// with it was lost. Whatever else comes of it is only a help.
    async fn look_around(&self) -> bool {
        let patience = probe_timeout(self.device, self.before);
        if let Ok(now) = Snapshot::take(self.device, patience).await
            && rebooted(self.before, &now)
        {
            return true;
        }
        let asked = self.device.call_within(ota::GetStatus {}, patience).await;
        if let Ok(status) = asked
            && status.state == UpdateState::Progress
        {
            self.observer.on(&Event::Written { percent: status.percent() });
        }
        false
    }

    /// Looks at the device when its words do not suffice. True: it has rebooted. False: it is too early
    /// to tell.
    async fn look(&self, reason: &str) -> Result<bool, Failure> {
        let patience = probe_timeout(self.device, self.before);
        let out_of_time = self.started.elapsed() >= self.plan.download_timeout + GRACE;
        let lost_sight = |reason: String| Failure::LostSight { reason };
        let fetched = self.server.map(|server| server.fetched().borrow().clone());
        // In this order: an updater that is idle because the device has rebooted since would look like
        // one that has failed.
        let activity = self.activity(fetched.as_ref(), patience).await;
        let now = match Snapshot::take(self.device, patience).await {
            Ok(now) => now,
            // Rebooting, perhaps. A fresh connection finds out.
            Err(error) if error.is_passing() && !out_of_time => {
                if error.remote().is_none() {
                    self.device.hang_up();
                }
                return Ok(false);
            }
            Err(error) => return Err(lost_sight(error.to_string())),
        };
        let complete = fetched.as_ref().is_none_or(|fetched| fetched.complete);
        if rebooted(self.before, &now) {
            return if complete || now.build() != self.before.build() {
                Ok(true)
            } else {
                Err(self.failed("it restarted during the download".into()))
            };
        }
        match (activity, out_of_time) {
            (Activity::Finishing, _) | (Activity::Busy | Activity::Unknown, false) => Ok(false),
            (Activity::Busy | Activity::Unknown, true) => Err(lost_sight(reason.into())),
            (Activity::Idle, _) => match fetched {
                Some(fetched) if fetched.peer.is_none() => Err(self.never_fetched(Some(reason.into()))),
                _ => Err(self.failed(reason.into())),
            },
        }
    }

    /// What a device does that has not rebooted yet, by its own word or by what it does with our server.
    async fn activity(&self, fetched: Option<&Fetched>, patience: Duration) -> Activity {
        let waited = self.started.elapsed();
        let idle = |fetched: &Fetched| fetched.changed.map_or(waited, |at| at.elapsed());
        if fetched.is_some_and(|fetched| fetched.complete && idle(fetched) < FINISH) {
            return Activity::Finishing;
        }
        match self.device.call_within(ota::GetStatus {}, patience).await {
            Ok(status) => match status.state {
                UpdateState::Progress | UpdateState::Success => Activity::Busy,
                // It may not have begun.
                _ if waited < DOUBT => Activity::Unknown,
                _ => Activity::Idle,
            },
            Err(error) if error.is_passing() => Activity::Unknown,
            // Older firmware has no such method.
            Err(_) => match fetched {
                None => Activity::Unknown,
                Some(fetched) if fetched.peer.is_none() && waited < NEVER_ASKS => Activity::Unknown,
                Some(fetched) if fetched.open > 0 && idle(fetched) < STALLED => Activity::Busy,
                Some(_) => Activity::Idle,
            },
        }
    }

    fn never_fetched(&self, said: Option<String>) -> Failure {
        match self.server {
            Some(server) => Failure::NeverFetched { address: server.advertised().into(), said },
            None => self.failed(said.unwrap_or_default()),
        }
    }

    fn failed(&self, reason: String) -> Failure {
        let taken = self.server.map(|server| (server.fetched().borrow().sent, server.total()));
        Failure::DownloadFailed { reason, taken }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(600);

    fn refused(message: Option<&str>) -> Reply {
        Reply::Refused(RemoteError { code: -1, message: message.map(Into::into) })
    }

    /// The server's side of a download: asked `asked` seconds after the start, and so on.
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
    fn the_rules() {
        let start = Instant::now();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let nobody = Fetched::default();
        let reading = |changed| fetched(start, 1, false, changed);
        let done = |changed| fetched(start, 0, true, changed);
        let cut = |changed| fetched(start, 0, false, changed);
        let busy = || Some((at(1.0), refused(Some("Failed to init updater"))));
        let lost = || Some((at(1.0), Reply::Missing("lost".into())));
        for (reply, fetched, now, expected, why) in [
            (None, Some(nobody.clone()), 5.0, "Wait", "it has time to ask"),
            (None, Some(nobody.clone()), 601.0, "Wait", "its own word may still come"),
            (None, Some(nobody.clone()), 605.0, "NeverFetched(None)", "it had"),
            (None, Some(reading(4.0)), 5.0, "Wait", "it reads"),
            (None, Some(reading(604.0)), 605.0, "Failed", "it reads too slowly"),
            (None, Some(cut(4.0)), 5.0, "Wait", "it has stopped; its word may come"),
            (None, Some(cut(4.0)), 9.5, "Look", "some firmware never says that it failed"),
            (None, Some(done(4.0)), 5.0, "Wait", "it writes its flash"),
            (None, Some(done(4.0)), 9.5, "Look", "the reply may be lost"),
            (None, Some(done(604.0)), 605.0, "Look", "it has everything, and may reboot any moment"),
            (None, None, 605.0, "Look", "older firmware goes on beyond the limit"),
            (Some((at(5.0), Reply::Success("Update applied".into()))), Some(done(4.0)), 5.0, "Applied", "done"),
            (Some((at(5.0), Reply::Success("Not Modified".into()))), None, 5.0, "NothingNew", "a 304"),
            (
                Some((at(5.0), Reply::Success("Version is the same".into()))),
                Some(done(4.0)),
                5.0,
                "NothingNew",
                "the same",
            ),
            (Some((at(5.0), Reply::Success("Update applied".into()))), None, 5.0, "Applied", "from elsewhere"),
            (Some((at(5.0), refused(Some("Wrong platform")))), Some(reading(4.9)), 5.0, "Wait", "it still reads"),
            (Some((at(5.0), refused(Some("Wrong platform")))), Some(cut(5.1)), 5.2, "Failed", "it has stopped"),
            (Some((at(5.0), refused(None))), Some(done(4.0)), 5.0, "Failed", "it took all and does not like it"),
            (Some((at(5.0), refused(None))), Some(nobody.clone()), 5.0, "NeverFetched(Some", "it could not reach us"),
            (
                Some((at(5.0), refused(Some("Malformed request")))),
                Some(nobody.clone()),
                5.0,
                "Failed",
                "it did not try",
            ),
            (Some((at(5.0), refused(None))), None, 5.0, "Failed", "from elsewhere"),
            (busy(), Some(nobody.clone()), 1.5, "Wait", "the other execution may be about to ask"),
            (busy(), Some(nobody.clone()), 3.1, "Failed", "it was not"),
            (busy(), Some(reading(2.0)), 3.1, "Wait", "the other execution reads"),
            (busy(), Some(done(4.0)), 5.0, "Look", "the other execution took all"),
            (busy(), Some(reading(604.9)), 605.0, "Failed", "but not for ever"),
            (busy(), None, 1.0, "Failed", "from elsewhere"),
            (lost(), Some(reading(2.0)), 3.0, "Wait", "it reads on without us"),
            (lost(), Some(reading(2.0)), 13.0, "Look", "it has stopped reading"),
            (lost(), Some(done(2.0)), 3.0, "Look", "it may be rebooting"),
            (lost(), None, 3.0, "Look", "from elsewhere"),
        ] {
            let step = format!("{:?}", judge(reply.as_ref(), fetched.as_ref(), start, LIMIT, at(now)));
            assert!(step.starts_with(expected), "{why}: {step}, not {expected} ({reply:?} {fetched:?} at {now})");
        }
    }

    #[test]
    fn a_call_that_never_left_is_a_failure() {
        let unsent = CallError::Lost { peer: "p".into(), sent: false, reason: "r".into() };
        assert!(matches!(understand(Err(unsent)), Err(Failure::Call(_))));
        let sent = CallError::Lost { peer: "p".into(), sent: true, reason: "r".into() };
        assert!(matches!(understand(Err(sent)), Ok(Reply::Missing(_))));
    }
}
