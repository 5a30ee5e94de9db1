//! `OTA.Update`, and what goes on until its end. The reply comes when the download has ended, or
//! never; meanwhile what our server has sent, or what `OTA.Status` tells, is the progress.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Plan;
use super::event::{Event, Observer};
use super::judge::{Limits, Reply, Step, judge, understand};
use super::outcome::Failure;
use super::patience::Patience;
use super::reboot::probe_timeout;
use super::serve::{Fetched, FirmwareServer};
use super::verdict::{Snapshot, rebooted};
use crate::ota::{self, UpdateState};
use crate::rpc::Device;

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
    let limits = Limits { download: download_limit(plan), patience: plan.patience };
    let Patience { tick: every, look_around, asks, .. } = limits.patience;
    let request = ota::Update {
        url: url.into(),
        commit_timeout: plan.commit_timeout.as_secs(),
        timeout: limits.download.as_secs().max(1),
    };
    observer.on(&Event::Requested { from_us: server.is_some(), commit_timeout: request.commit_timeout });
    let mut watch = Watch { device, limits, server, before, observer, started: Instant::now(), announced: None };
    let mut call = pin!(device.call_within(request, limits.all()));
    let mut reply: Option<(Instant, Reply)> = None;
    let mut progress = server.map(FirmwareServer::fetched);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look_at = Instant::now() + look_around;
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
        match judge(reply.as_ref(), fetched.as_ref(), watch.started, &limits, now) {
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
            Step::NothingNew(message) => return Err(Failure::NothingNew { message, running: before.running() }),
        }
        if tick && reply.is_none() {
            match (server, fetched) {
                (Some(server), Some(fetched)) if fetched.peer.is_none() => {
                    let waited = watch.started.elapsed();
                    if waited >= asks && !std::mem::replace(&mut not_asked_said, true) {
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
                    look_at = Instant::now() + look_around;
                }
                _ => {}
            }
        }
    }
}

/// As long as the user says, or as the bundle needs at the slowest rate that still is one. Devices allow 600 s by
/// themselves.
fn download_limit(plan: &Plan) -> Duration {
    /// Bytes per second: what `mos` reaches over a serial line.
    const SLOWEST: u64 = 1024;
    const LEAST: Duration = Duration::from_secs(600);

    let needed = plan.source.size().map_or(LEAST, |size| Duration::from_secs(size / SLOWEST));
    plan.download_timeout.unwrap_or(needed.max(LEAST))
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
    limits: Limits,
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
        let out_of_time = self.started.elapsed() >= self.limits.all();
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
        if fetched.is_some_and(|fetched| fetched.complete && idle(fetched) < self.limits.patience.finish) {
            return Activity::Finishing;
        }
        match self.device.call_within(ota::GetStatus {}, patience).await {
            Ok(status) => match status.state {
                UpdateState::Progress | UpdateState::Success => Activity::Busy,
                // It may not have begun.
                _ if waited < self.limits.patience.doubt => Activity::Unknown,
                _ => Activity::Idle,
            },
            Err(error) if error.is_passing() => Activity::Unknown,
            // Older firmware has no such method.
            Err(_) => match fetched {
                None => Activity::Unknown,
                Some(fetched) if fetched.peer.is_none() => Activity::Unknown,
                Some(fetched) if fetched.open > 0 && idle(fetched) < self.limits.patience.stalls => Activity::Busy,
                Some(_) => Activity::Idle,
            },
        }
    }

    fn never_fetched(&self, said: Option<String>) -> Failure {
        match self.server {
            Some(server) => {
                Failure::NeverFetched { address: server.advertised().into(), said, strangers: server.strangers() }
            }
            None => self.failed(said.unwrap_or_default()),
        }
    }

    fn failed(&self, reason: String) -> Failure {
        let taken = self.server.map(|server| (server.fetched().borrow().sent, server.total()));
        Failure::DownloadFailed { reason, taken }
    }
}
