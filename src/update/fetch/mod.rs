//! `OTA.Update`, and what goes on until its end. The reply comes when the download has ended, or
//! never; meanwhile what our server has sent, or what `OTA.Status` tells, is the progress.
//!
//! - `judge`: what follows from the reply and from what our server has seen; pure;
//! - `watch`: what is told of the progress, and the looks at the device where that does not suffice.

mod judge;
mod watch;

use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::Plan;
use super::event::{Event, Observer, Whence};
use super::outcome::Failure;
use super::patience::LONGEST_DOWNLOAD;
use super::serve::{Fetched, FirmwareServer};
use super::snapshot::Snapshot;
use crate::ota;
use crate::rpc::{CallError, Device};
pub(super) use judge::says_nothing_new;
use judge::{Limits, Reply, Step, judge, understand};
use watch::{Sight, Watch};

/// How often the device is told to fetch the firmware, if it is seen not to have begun.
const ATTEMPTS: usize = 3;

/// What the device is to fetch.
pub(super) struct Fetching<'a> {
    /// Handed to the device as it is.
    pub(super) url: String,
    /// Our server, if it is to be fetched from us.
    pub(super) server: Option<&'a FirmwareServer>,
    /// The firmware can get to the device in another way, so that one that does not ask is given up early.
    pub(super) has_other_way: bool,
}

/// Has the device fetch the firmware. Returns once it has it, and is about to reboot or has done so.
pub(super) async fn fetch(
    device: &Device,
    plan: &Plan,
    what: &Fetching<'_>,
    before: &Snapshot,
    observer: &dyn Observer,
) -> Result<(), Failure> {
    let Fetching { server, has_other_way, .. } = *what;
    let enough = || download_limit(plan.source.size(), before.round_trip());
    let download = plan.download_timeout.unwrap_or_else(enough);
    let limits = Limits { download, patience: plan.patience, has_other_way };
    let request = ota::Update {
        url: what.url.clone(),
        commit_timeout: ota::in_seconds(plan.commit_timeout),
        timeout: ota::in_seconds(limits.download),
    };
    let from = if server.is_some() { Whence::Here } else { Whence::Elsewhere };
    observer.on(&Event::Requested { from, commit_timeout: request.commit_timeout });
    let watch = Watch::new(device, limits, server, before, observer, plan.reboot_timeout);
    let mut download = Download::new(watch, limits);
    let mut call = Box::pin(device.call_until_sent(&request, limits.all()));
    let mut progress = server.map(FirmwareServer::fetched);
    let every = limits.patience.tick;
    let mut ticks = interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut tick = false;
        tokio::select! {
            // Biased so that the server's count is complete before the reply is judged by it.
            biased;
            () = changed(&mut progress) => download.watch.announce(),
            result = &mut call, if download.reply.is_none() => download.answered(result)?,
            _ = ticks.tick() => tick = true,
        }
        match download.next(tick).await? {
            Next::Wait => {}
            Next::Again(failure) => {
                download.begin_again(failure)?;
                call = Box::pin(device.call_until_sent(&request, limits.all()));
            }
            Next::Done => return Ok(()),
        }
    }
}

/// What is to be done.
enum Next {
    Wait,
    /// The device has not begun, and is told to once more; if it was told often enough, this is the end.
    Again(Failure),
    /// The device has the firmware.
    Done,
}

/// The download as far as it is known.
struct Download<'a> {
    watch: Watch<'a>,
    limits: Limits,
    /// How often the device was told to fetch the firmware.
    begun: usize,
    /// The reply to the last time, and when it came.
    reply: Option<(Instant, Reply)>,
    /// Since then, the device was seen idle once.
    seen_idle: bool,
    /// It was said that the device does not ask.
    not_asked_said: bool,
    /// When a device that fetches from elsewhere is asked how far it is.
    look_at: Instant,
}

impl<'a> Download<'a> {
    /// The device is told for the first time.
    fn new(watch: Watch<'a>, limits: Limits) -> Self {
        let look_at = Instant::now() + limits.patience.look_around;
        Self { watch, limits, begun: 1, reply: None, seen_idle: false, not_asked_said: false, look_at }
    }

    /// The call has come to its end.
    fn answered(&mut self, result: Result<Value, CallError>) -> Result<(), Failure> {
        self.watch.announce();
        self.reply = Some((Instant::now(), understand(result)?));
        Ok(())
    }

    /// The device is told once more, unless that makes no sense.
    fn begin_again(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.begun == ATTEMPTS {
            return Err(failure);
        }
        self.begun += 1;
        self.watch.started = Instant::now();
        (self.reply, self.seen_idle) = (None, false);
        Ok(())
    }

    /// What follows from what is known now. Only at a `tick` the device is asked anything.
    async fn next(&mut self, tick: bool) -> Result<Next, Failure> {
        let (fetched, now) = (self.watch.fetched(), Instant::now());
        match judge(self.reply.as_ref(), fetched.as_ref(), self.watch.started, &self.limits, now) {
            Step::Wait => {}
            Step::Applied(message) => {
                self.watch.observer.on(&Event::Applied { message });
                return Ok(Next::Done);
            }
            // The doubt is settled by the state, which costs a question; so not at every turn.
            Step::Look(reason) if tick => match self.look(reason).await? {
                Next::Wait => {}
                next => return Ok(next),
            },
            Step::Look(_) => {}
            Step::NeverFetched(said) => return Err(self.watch.never_fetched(said)),
            // Whoever was busy with an update when it was looked at may be about to end it: a download breaks off
            // when the otactl that served it was killed.
            Step::Busy(reason) => return Ok(Next::Again(self.watch.failed(reason))),
            Step::Failed(reason) => return Err(self.watch.failed(reason)),
            Step::NothingNew(message) => {
                return Err(Failure::NothingNew { message, running: self.watch.before.running() });
            }
        }
        if tick && self.reply.is_none() { Ok(self.meanwhile(fetched.as_ref(), now).await) } else { Ok(Next::Wait) }
    }

    /// Looks at the device because of `reason`.
    async fn look(&mut self, reason: String) -> Result<Next, Failure> {
        Ok(match self.watch.look(&reason).await? {
            Sight::Rebooted => self.unconfirmed(reason),
            Sight::NothingYet => Next::Wait,
            // Its word for it may be on its way.
            Sight::NotBegun if !std::mem::replace(&mut self.seen_idle, true) => Next::Wait,
            Sight::NotBegun => Next::Again(self.watch.never_fetched(Some(reason))),
        })
    }

    /// What is done as long as there is no reply: a device that does not come to us is told of, one that fetches from
    /// elsewhere is asked now and then.
    async fn meanwhile(&mut self, fetched: Option<&Fetched>, now: Instant) -> Next {
        match (self.watch.server, fetched) {
            (Some(server), Some(fetched)) if fetched.peer.is_none() => {
                let waited = self.watch.started.elapsed();
                if waited >= self.limits.patience.asks && !std::mem::replace(&mut self.not_asked_said, true) {
                    let address = server.advertised().to_owned();
                    self.watch.observer.on(&Event::NotAsked { seconds: waited.as_secs(), address });
                }
            }
            (None, _) if now >= self.look_at => {
                if self.watch.look_around().await {
                    return self.unconfirmed("its reply was lost".into());
                }
                self.look_at = Instant::now() + self.limits.patience.look_around;
            }
            _ => {}
        }
        Next::Wait
    }

    fn unconfirmed(&self, reason: String) -> Next {
        self.watch.observer.on(&Event::Unconfirmed { reason });
        Next::Done
    }
}

/// How long a download of so many bytes may take at the slowest rate that still is one; never less than what devices
/// allow by themselves, which is 600 s.
fn download_limit(size: Option<u64>, round_trip: Duration) -> Duration {
    /// Bytes per second: what `mos` reaches over a serial line.
    const SLOWEST: f64 = 1024.0;
    /// Bytes per round trip: the smallest window that a device's TCP has.
    const WINDOW: f64 = 536.0;
    const LEAST: Duration = Duration::from_secs(600);

    let rate = SLOWEST.min(WINDOW / round_trip.as_secs_f64().max(0.001));
    #[expect(clippy::cast_precision_loss, reason = "a bundle has a few million bytes")]
    let needed = size.map_or(0.0, |size| size as f64 / rate);
    Duration::try_from_secs_f64(needed).unwrap_or(LONGEST_DOWNLOAD).clamp(LEAST, LONGEST_DOWNLOAD)
}

async fn changed(progress: &mut Option<Receiver<Fetched>>) {
    if let Some(progress) = progress
        && progress.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_has_as_long_as_its_size_needs() {
        let (milli, second) = (Duration::from_millis(1), Duration::from_secs(1));
        for (size, round_trip, expected, why) in [
            (None, milli, 600, "unknown: what devices allow"),
            (Some(500_000), milli, 600, "little"),
            (Some(2 << 20), milli, 2048, "1024 bytes per second"),
            (Some(1 << 20), second, 1956, "one window of 536 bytes in each second"),
            (Some(64 << 20), second * 10, 86_400, "no more than a day"),
            (Some(u64::MAX), Duration::MAX, 86_400, "no overflow"),
        ] {
            assert_eq!(download_limit(size, round_trip).as_secs(), expected, "{why}");
        }
    }
}
