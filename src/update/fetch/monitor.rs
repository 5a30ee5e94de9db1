//! What is seen of a device while it fetches the firmware: at our server, and by looking at the device itself.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::rules::Limits;
use crate::ota::{self, BootState, UpdateState};
use crate::rpc::{CallError, Device};
use crate::text::for_humans;
use crate::update::device_state::DeviceState;
use crate::update::event::{Event, Observer};
use crate::update::other_client::shows_other;
use crate::update::outcome::{Failure, Refusal};
use crate::update::poll::{Poll, read_again};
use crate::update::serve::{Fetched, FirmwareServer};
use crate::update::timeouts::Timeouts;
use crate::update::uptime::restarted;
use crate::update::verdict::{applied, has_other_firmware, is_other_boot, rebooted};

/// Multiplies the stall timeout for a download from another server, of which only whole percents are visible.
const UNSEEN: u32 = 4;

/// What a device does about an update.
enum Activity {
    Busy,
    /// It has everything, and may be writing its flash.
    Finishing,
    Idle,
    Unknown,
}

/// What a look at the device brings.
pub(super) enum Observation {
    /// It has rebooted, or is about to.
    Rebooted,
    /// The device has the firmware, and boots it next.
    Applied(BootState),
    /// It is too early to tell.
    NothingYet,
    /// The device is idle and unchanged: the request was lost, or there is nothing new.
    NotBegun,
}

/// The device while it fetches, and what has been seen of it.
pub(super) struct Monitor<'a> {
    limits: Limits,
    /// Our server, if it fetches from us.
    pub(super) server: Option<&'a FirmwareServer>,
    pub(super) before: &'a DeviceState,
    pub(super) observer: &'a dyn Observer,
    /// When it was told to fetch the firmware, the last time.
    pub(super) started: Instant,
    /// The transfer and the bytes that were told last.
    announced: Option<(SocketAddr, u64)>,
    /// The progress that the device tells of, in percent, and since when.
    progress: Option<(u8, Instant)>,
    /// The device reported progress of a download.
    has_begun: bool,
    poll: Poll<'a>,
    commit_timeout: Duration,
    /// The state after the reboot, once it was seen.
    pub(super) after: Option<DeviceState>,
    /// Since when no question has been answered.
    silent_since: Option<Instant>,
    reboot_timeout: Duration,
}

impl<'a> Monitor<'a> {
    /// The device is told now.
    pub(super) fn new(
        device: &'a Device,
        limits: Limits,
        server: Option<&'a FirmwareServer>,
        before: &'a DeviceState,
        observer: &'a dyn Observer,
        (reboot_timeout, commit_timeout): (Duration, Duration),
    ) -> Self {
        Self {
            limits,
            server,
            before,
            observer,
            started: Instant::now(),
            announced: None,
            progress: None,
            has_begun: false,
            poll: Poll::after(device, before).within(commit_timeout),
            commit_timeout,
            after: None,
            silent_since: None,
            reboot_timeout,
        }
    }

    /// What our server has seen by now.
    pub(super) fn fetched(&self) -> Option<Fetched> {
        self.server.map(|server| server.fetched().borrow().clone())
    }

    /// Tells whether the device reported progress of a download.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

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
    pub(super) fn announce(&mut self) {
        let (Some(server), Some(fetched)) = (self.server, self.fetched()) else { return };
        let Some(peer) = fetched.peer else { return };
        if self.announced.is_none_or(|(told, _)| told != peer) {
            self.observer.on(&Event::Fetching { peer: peer.ip().to_string(), device: fetched.device });
        }
        if self.announced != Some((peer, fetched.sent)) {
            self.observer.on(&Event::Sent { bytes: fetched.sent, total: server.total() });
        }
        self.announced = Some((peer, fetched.sent));
    }

    /// Tells whether the update runs although the device answered `OTA.Update` with an error. `None` if the device does not
    /// answer. Firmware without `OTA.Status` is taken at its word.
    pub(super) async fn goes_on(&mut self) -> Option<bool> {
        match self.poll.ask(ota::GetStatus {}).await {
            Ok(status) => Some(status.state == UpdateState::Progress),
            Err(error) => (!error.is_transient()).then_some(false),
        }
    }

    /// See [`Device::executes_twice`].
    pub(super) fn executes_twice(&self) -> bool {
        self.poll.device().executes_twice()
    }

    /// Fails if the device, which has just refused the firmware, has changed since the update began: it has that of another client,
    /// or it has rebooted. With `may_be_ours`, the refusal may be that of a second execution of the same call.
    pub(super) async fn check_unchanged(&mut self, may_be_ours: bool) -> Result<(), Failure> {
        let now = self.read_state().await?;
        let has_asked = self.fetched().is_some_and(|fetched| fetched.peer.is_some());
        if may_be_ours && has_asked && self.limits.may_execute_twice {
            return Ok(());
        }
        self.check_build(now.as_ref()).await?;
        if now.is_some_and(|now| rebooted(self.before, &now)) { Err(Failure::begin_anew()) } else { Ok(()) }
    }

    /// Fails if the device has, or boots next, the firmware of another client. To be used when its own update has failed.
    pub(super) async fn check_firmware(&mut self) -> Result<(), Failure> {
        let now = self.read_state().await?;
        self.check_build(now.as_ref()).await
    }

    /// Returns the state of the device. `None`: it answers, and does not tell its state.
    async fn read_state(&mut self) -> Result<Option<DeviceState>, Failure> {
        match read_again(self.before, self.poll.device(), self.reboot_timeout).await {
            Ok(now) => Ok(Some(now)),
            Err(error) if error.is_transient() => Err(self.contact_lost(error.to_string())),
            Err(_) => Ok(None),
        }
    }

    async fn check_build(&mut self, now: Option<&DeviceState>) -> Result<(), Failure> {
        let is_other = if let Some(now) = now {
            has_other_firmware(self.before, now)
        } else {
            let is_other = shows_other(self.poll.device(), self.before).await;
            is_other.map_err(|error| self.contact_lost(error.to_string()))?
        };
        if is_other { Err(Failure::Refused(Refusal::UpdateRunning { percent: 100 })) } else { Ok(()) }
    }

    /// Returns the progress that the device reports, in percent; 0 if it does not answer.
    pub(super) async fn percent(&mut self) -> u8 {
        self.poll.ask(ota::GetStatus {}).await.map_or(0, |status| status.percent())
    }

    /// Returns what the state `now` shows of the update. `NotBegun`: nothing has changed.
    async fn sight(&mut self, now: DeviceState) -> Observation {
        if rebooted(self.before, &now) {
            let now = if has_other_firmware(self.before, &now) {
                now
            } else if self.goes_on().await == Some(true) {
                // The request came late, and reached the device only after its reboot.
                self.has_begun = true;
                return Observation::NothingYet;
            } else {
                // The update may have come to its end since.
                Box::pin(self.poll.read_state()).await.unwrap_or(now)
            };
            self.after = Some(now);
            Observation::Rebooted
        } else if applied(self.before, &now) {
            Observation::Applied(now.boot)
        } else {
            Observation::NotBegun
        }
    }

    /// Reads from the device what a success that it reported means.
    pub(super) async fn outcome(&mut self) -> Observation {
        match self.poll.read_state().await {
            Ok(now) => self.sight(now).await,
            // It is about to reboot.
            Err(error) if error.remote_error().is_some_and(|error| error.code == 418) => Observation::Rebooted,
            Err(_) => Observation::NothingYet,
        }
    }

    /// Asks a device that downloads from another server for its progress. If the device has rebooted or has the firmware, the
    /// reply to `OTA.Update` was lost. Any other result is only a help.
    pub(super) async fn poll_progress(&mut self) -> Observation {
        let Ok(now) = self.poll.read_state().await else { return Observation::NothingYet };
        match self.sight(now).await {
            Observation::NotBegun => {}
            sight => return sight,
        }
        if let Ok(status) = self.poll.ask(ota::GetStatus {}).await
            && status.state == UpdateState::Progress
        {
            self.has_begun = true;
            self.observer.on(&Event::Written { percent: status.percent() });
        }
        Observation::NothingYet
    }

    /// Reads the state of the device when its replies do not suffice. `is_second`: the device replied that an update was running
    /// already.
    pub(super) async fn probe(&mut self, reason: &str, is_second: bool) -> Result<Observation, Failure> {
        let out_of_time = self.started.elapsed() >= self.limits.all();
        if out_of_time {
            self.poll.hurry();
        }
        let fetched = self.fetched();
        let complete = fetched.as_ref().is_none_or(|fetched| fetched.complete);
        if complete && fetched.is_some() {
            // It reboots, most likely, and one question is enough to see that it has not come back.
            match self.poll.read_state().await {
                Ok(now) if rebooted(self.before, &now) || applied(self.before, &now) => {
                    return Ok(self.sight(now).await);
                }
                Err(error) if error.is_silence() && !out_of_time => {
                    let silent = self.silent(false);
                    return self.unseen(fetched.as_ref(), &error, silent);
                }
                _ => {}
            }
        }
        // In this order: an updater that is idle because the device has rebooted since would look like
        // one that has failed.
        let asked = Instant::now();
        let activity = self.activity(fetched.as_ref()).await;
        let now = self.poll.read_state().await;
        let silent = self.silent(now.is_ok());
        let now = match now {
            Ok(now) => now,
            Err(error) if error.is_transient() && !out_of_time => {
                return self.unseen(fetched.as_ref(), &error, silent);
            }
            // It answers, and does not say what it runs.
            Err(error) if error.remote_error().is_some() && self.has_rebooted().await => {
                return Ok(Observation::Rebooted);
            }
            Err(error) => return Err(self.contact_lost(error.to_string())),
        };
        let Timeouts { first_request, no_request, no_progress, .. } = self.limits.timeouts;
        // The device may have asked for the firmware since then.
        let fetched = self.fetched();
        let complete = fetched.as_ref().is_none_or(|fetched| fetched.complete);
        let never_asked = fetched.as_ref().is_some_and(|fetched| fetched.peer.is_none());
        let percent = self.progress.map_or(0, |(percent, _)| percent);
        if never_asked && has_other_firmware(self.before, &now) {
            // The firmware came from another client, which decides about it.
            return Err(Failure::Refused(Refusal::UpdateRunning { percent: 100 }));
        }
        if rebooted(self.before, &now) {
            return if complete || now.build() != self.before.build() {
                Ok(self.sight(now).await)
            } else {
                Err(self.failed("it restarted during the download".into()))
            };
        }
        if applied(self.before, &now) {
            return Ok(Observation::Applied(now.boot));
        }
        if out_of_time && restarted((self.before.info.uptime, self.before.taken), (now.info.uptime, now.asked)) {
            return Err(self.failed("it restarted during the download, or just before".into()));
        }
        let long_enough = self.started.elapsed() >= no_request;
        match activity {
            Activity::Idle if never_asked => Ok(Observation::NotBegun),
            // It has gone on since it was asked.
            Activity::Idle if fetched.as_ref().and_then(|fetched| fetched.changed).is_some_and(|at| at >= asked) => {
                Ok(Observation::NothingYet)
            }
            Activity::Idle => Err(self.failed(reason.into())),
            Activity::Busy if is_second && never_asked && self.started.elapsed() >= first_request => {
                Err(Failure::Refused(Refusal::UpdateRunning { percent }))
            }
            // It does not tell its state, or its connection attempt hangs.
            Activity::Busy | Activity::Unknown if never_asked && long_enough => {
                Err(self.never_fetched(Some(reason.into())))
            }
            // It does not go on, whatever it waits for.
            Activity::Busy if fetched.is_some() && self.stuck() >= no_progress => {
                let what = if complete { "it has everything, and" } else { "its update" };
                Err(self.failed(format!("{what} has not gone on for {}", for_humans(no_progress))))
            }
            // A percent of a large bundle may take long over a slow link.
            Activity::Busy if self.stuck() >= no_progress.saturating_mul(UNSEEN) => Err(self.contact_lost(format!(
                "its progress has stood at {percent} % for {}",
                for_humans(no_progress.saturating_mul(UNSEEN))
            ))),
            Activity::Busy | Activity::Unknown if out_of_time => Err(self.contact_lost(reason.into())),
            Activity::Busy | Activity::Unknown | Activity::Finishing => Ok(Observation::NothingYet),
        }
    }

    /// What follows from it that the device has not answered for so long.
    fn unseen(&self, fetched: Option<&Fetched>, error: &CallError, silent: Duration) -> Result<Observation, Failure> {
        let Timeouts { transfer_idle, no_progress, .. } = self.limits.timeouts;
        match fetched {
            // It has everything, and so it is the reboot that takes its time.
            Some(fetched) if fetched.complete && silent >= transfer_idle => Ok(Observation::Rebooted),
            None if silent >= no_progress.max(self.reboot_timeout) => Err(self.contact_lost(error.to_string())),
            _ => Ok(Observation::NothingYet),
        }
    }

    /// What a device does that has not rebooted yet, by its own word or by what it does with our server.
    async fn activity(&mut self, fetched: Option<&Fetched>) -> Activity {
        let (Timeouts { transfer_idle, flash_write, reply_after_transfer, .. }, contradictory_reply) =
            (self.limits.timeouts, self.limits.contradictory_reply);
        let waited = self.started.elapsed();
        let idle = |fetched: &Fetched| fetched.changed.map_or(waited, |at| at.elapsed());
        let may_finish = fetched.is_some_and(|fetched| fetched.complete && idle(fetched) < flash_write);
        match self.poll.ask(ota::GetStatus {}).await {
            Ok(status) => match status.state {
                UpdateState::Progress | UpdateState::Success => {
                    if self.progress.is_none_or(|(percent, _)| percent != status.percent()) {
                        self.progress = Some((status.percent(), Instant::now()));
                    }
                    Activity::Busy
                }
                // It may not have begun, or be about to say that it is done.
                _ if waited < contradictory_reply => Activity::Unknown,
                _ if may_finish && fetched.is_some_and(|fetched| idle(fetched) < reply_after_transfer) => {
                    Activity::Finishing
                }
                _ => Activity::Idle,
            },
            Err(error) if error.is_transient() => Activity::Unknown,
            // Older firmware has no such method.
            Err(_) => match fetched {
                None => Activity::Unknown,
                Some(_) if may_finish => Activity::Finishing,
                Some(fetched) if fetched.peer.is_none() => Activity::Unknown,
                Some(fetched) if fetched.open > 0 && idle(fetched) < transfer_idle => Activity::Busy,
                Some(_) => Activity::Idle,
            },
        }
    }

    pub(super) fn never_fetched(&self, said: Option<String>) -> Failure {
        match self.server {
            Some(server) => Failure::NeverFetched {
                address: server.advertised().into(),
                said,
                strangers: server.strangers(),
                crowding: server.crowding(),
            },
            None => self.failed(said.unwrap_or_default()),
        }
    }

    /// Tells whether the device has rebooted, if it says at least what it is.
    async fn has_rebooted(&mut self) -> bool {
        let asked = Instant::now();
        let info = self.poll.ask(ota::GetInfo {}).await;
        info.is_ok_and(|info| is_other_boot(self.before, &info, asked))
    }

    /// Returns the failure for a device that may have the firmware or not. It goes back at the latest when the commit timeout has
    /// passed, counted from now.
    fn contact_lost(&self, reason: String) -> Failure {
        Failure::ContactLost { reason, reverts_in: Some(self.commit_timeout) }
    }

    pub(super) fn failed(&self, reason: String) -> Failure {
        let taken = self.server.map(|server| (server.fetched().borrow().sent, server.total()));
        Failure::DownloadFailed { reason, taken, remains: false }
    }
}
