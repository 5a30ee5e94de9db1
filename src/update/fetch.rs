//! `OTA.Update`, and what goes on until its end. The reply comes when the download has ended, or
//! never; meanwhile what our server has sent, or what `OTA.Status` tells, is the progress.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Plan;
use super::event::{Event, Observer, Whence};
use super::judge::{Limits, Reply, Step, judge, understand};
use super::outcome::Failure;
use super::patience::Patience;
use super::reboot::probe_timeout;
use super::serve::{Fetched, FirmwareServer};
use super::verdict::{Snapshot, rebooted};
use crate::ota::{self, UpdateState};
use crate::rpc::Device;

/// How often the device is told to fetch the firmware, if it is seen not to have begun.
const ATTEMPTS: usize = 3;

/// What the device is to fetch.
#[derive(Debug)]
pub struct Fetching<'a> {
    /// Handed to the device as it is.
    pub url: String,
    /// Our server, if it is to be fetched from us.
    pub server: Option<&'a FirmwareServer>,
    /// The firmware can get to the device in another way, so that one that does not ask is given up early.
    pub has_other_way: bool,
}

/// Has the device fetch the firmware. Returns once it has it, and is about to reboot or has done so.
pub async fn fetch(
    device: &Device,
    plan: &Plan,
    what: &Fetching<'_>,
    before: &Snapshot,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let Fetching { server, has_other_way, .. } = *what;
    let limits = Limits { download: download_limit(plan, before), patience: plan.patience, has_other_way };
    let Patience { tick: every, look_around, asks, .. } = limits.patience;
    let request = ota::Update {
        url: what.url.clone(),
        commit_timeout: plan.commit_timeout.as_secs(),
        timeout: limits.download.as_secs().max(1),
    };
    let from = if server.is_some() { Whence::Here } else { Whence::Elsewhere };
    observer.on(&Event::Requested { from, commit_timeout: request.commit_timeout });
    let mut watch = Watch {
        device,
        limits,
        server,
        before,
        observer,
        started: Instant::now(),
        announced: None,
        progress: None,
        silent_since: None,
        reboot_timeout: plan.reboot_timeout,
    };
    let mut call = Box::pin(device.call_until_sent(&request, limits.all()));
    let (mut begun, mut seen_idle) = (1, false);
    let mut reply: Option<(Instant, Reply)> = None;
    let mut progress = server.map(FirmwareServer::fetched);
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look_at = Instant::now() + look_around;
    let mut not_asked_said = false;
    loop {
        let mut tick = false;
        let mut again = None;
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
            Step::Look(reason) if tick => match watch.look(&reason).await? {
                Sight::Rebooted => {
                    observer.on(&Event::Unconfirmed { reason });
                    return Ok(());
                }
                Sight::NothingYet => {}
                // Its word for it may be on its way.
                Sight::NotBegun if !std::mem::replace(&mut seen_idle, true) => {}
                Sight::NotBegun => again = Some(watch.never_fetched(Some(reason))),
            },
            Step::Look(_) => {}
            Step::NeverFetched(said) => return Err(watch.never_fetched(said)),
            // Whoever was busy with an update when it was looked at may be about to end it: a download breaks off
            // when the otactl that served it was killed.
            Step::Busy(reason) => again = Some(watch.failed(reason)),
            Step::Failed(reason) => return Err(watch.failed(reason)),
            Step::NothingNew(message) => return Err(Failure::NothingNew { message, running: before.running() }),
        }
        if let Some(failure) = again {
            begun += 1;
            if begun > ATTEMPTS {
                return Err(failure);
            }
            (watch.started, reply, seen_idle) = (Instant::now(), None, false);
            call = Box::pin(device.call_until_sent(&request, limits.all()));
        } else if tick && reply.is_none() {
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
fn download_limit(plan: &Plan, before: &Snapshot) -> Duration {
    /// Bytes per second: what `mos` reaches over a serial line.
    const SLOWEST: f64 = 1024.0;
    /// Bytes per round trip: the smallest window that a device's TCP has.
    const WINDOW: f64 = 536.0;
    const LEAST: Duration = Duration::from_secs(600);
    const MOST: Duration = Duration::from_secs(24 * 3600);

    let rate = SLOWEST.min(WINDOW / before.round_trip().as_secs_f64().max(0.001));
    #[expect(clippy::cast_precision_loss, reason = "a bundle has a few million bytes")]
    let needed = plan.source.size().map_or(0.0, |size| size as f64 / rate);
    let needed = Duration::try_from_secs_f64(needed).unwrap_or(MOST);
    plan.download_timeout.unwrap_or(needed.clamp(LEAST, MOST))
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

/// What a look at the device brings.
enum Sight {
    /// It has rebooted, or is about to.
    Rebooted,
    /// It is too early to tell.
    NothingYet,
    /// It is idle, and has not asked for anything: the request was lost.
    NotBegun,
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
    /// The progress that the device tells of, in percent, and since when.
    progress: Option<(u8, Instant)>,
    /// Since when no question has been answered.
    silent_since: Option<Instant>,
    reboot_timeout: Duration,
}

impl Watch<'_> {
    /// How long the device has told of the same progress.
    fn stuck(&self) -> Duration {
        self.progress.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// How long nothing has been heard of the device, now that it has answered or not.
    fn silent(&mut self, has_answered: bool) -> Duration {
        self.silent_since = if has_answered { None } else { self.silent_since.or(Some(Instant::now())) };
        self.silent_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

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
    async fn look_around(&mut self) -> bool {
        let patience = probe_timeout(self.device, self.before);
        let now = Snapshot::take(self.device, patience).await;
        let silent = self.silent(now.is_ok());
        match now {
            Ok(now) if rebooted(self.before, &now) => return true,
            Ok(_) => {}
            // An old connection stays silent long after the device is back.
            Err(_) if silent >= self.limits.patience.stalls => self.device.hang_up(),
            Err(_) => return false,
        }
        let asked = self.device.call_within(ota::GetStatus {}, patience).await;
        if let Ok(status) = asked
            && status.state == UpdateState::Progress
        {
            self.observer.on(&Event::Written { percent: status.percent() });
        }
        false
    }

    /// Looks at the device when its words do not suffice.
    async fn look(&mut self, reason: &str) -> Result<Sight, Failure> {
        let patience = probe_timeout(self.device, self.before);
        let out_of_time = self.started.elapsed() >= self.limits.all();
        let lost_sight = |reason: String| Failure::LostSight { reason };
        let fetched = self.server.map(|server| server.fetched().borrow().clone());
        // In this order: an updater that is idle because the device has rebooted since would look like
        // one that has failed.
        let activity = self.activity(fetched.as_ref(), patience).await;
        let complete = fetched.as_ref().is_none_or(|fetched| fetched.complete);
        let now = Snapshot::take(self.device, patience).await;
        let silent = self.silent(now.is_ok());
        let now = match now {
            Ok(now) => now,
            Err(error) if error.is_passing() && !out_of_time => {
                if error.remote().is_none() {
                    // A fresh connection finds out whether it is back.
                    self.device.hang_up();
                }
                let Patience { stalls, dead, .. } = self.limits.patience;
                return match fetched {
                    // It has everything, and so it is the reboot that takes its time.
                    Some(_) if complete && silent >= stalls => Ok(Sight::Rebooted),
                    None if silent >= dead.max(self.reboot_timeout) => Err(lost_sight(error.to_string())),
                    _ => Ok(Sight::NothingYet),
                };
            }
            Err(error) => return Err(lost_sight(error.to_string())),
        };
        if rebooted(self.before, &now) {
            return if complete || now.build() != self.before.build() {
                Ok(Sight::Rebooted)
            } else {
                Err(self.failed("it restarted during the download".into()))
            };
        }
        let never_asked = fetched.as_ref().is_some_and(|fetched| fetched.peer.is_none());
        let long_enough = self.started.elapsed() >= self.limits.patience.never_asks * 2;
        match activity {
            Activity::Idle if never_asked => Ok(Sight::NotBegun),
            Activity::Idle => Err(self.failed(reason.into())),
            // It cannot be asked what it does, and does nothing that can be seen.
            Activity::Unknown if never_asked && long_enough => Err(self.never_fetched(Some(reason.into()))),
            // All was sent, and it does not go on. What it has must not become a firmware when nobody waits for it.
            Activity::Busy if fetched.is_some() && complete && self.stuck() >= self.limits.patience.dead => {
                let _ = self.device.call(ota::End {}).await;
                let stuck = humantime::format_duration(self.limits.patience.dead);
                Err(self.failed(format!("it has everything, and has not gone on for {stuck}")))
            }
            Activity::Busy | Activity::Unknown if out_of_time => Err(lost_sight(reason.into())),
            Activity::Busy | Activity::Unknown | Activity::Finishing => Ok(Sight::NothingYet),
        }
    }

    /// What a device does that has not rebooted yet, by its own word or by what it does with our server.
    async fn activity(&mut self, fetched: Option<&Fetched>, patience: Duration) -> Activity {
        let Patience { doubt, stalls, finish, overdue, .. } = self.limits.patience;
        let waited = self.started.elapsed();
        let idle = |fetched: &Fetched| fetched.changed.map_or(waited, |at| at.elapsed());
        let may_finish = fetched.is_some_and(|fetched| fetched.complete && idle(fetched) < finish);
        match self.device.call_within(ota::GetStatus {}, patience).await {
            Ok(status) => match status.state {
                UpdateState::Progress | UpdateState::Success => {
                    if self.progress.is_none_or(|(percent, _)| percent != status.percent()) {
                        self.progress = Some((status.percent(), Instant::now()));
                    }
                    Activity::Busy
                }
                // It may not have begun, or be about to say that it is done.
                _ if waited < doubt => Activity::Unknown,
                _ if may_finish && fetched.is_some_and(|fetched| idle(fetched) < overdue) => Activity::Finishing,
                _ => Activity::Idle,
            },
            Err(error) if error.is_passing() => Activity::Unknown,
            // Older firmware has no such method.
            Err(_) => match fetched {
                None => Activity::Unknown,
                Some(_) if may_finish => Activity::Finishing,
                Some(fetched) if fetched.peer.is_none() => Activity::Unknown,
                Some(fetched) if fetched.open > 0 && idle(fetched) < stalls => Activity::Busy,
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
