//! Observes a device during a download: its progress at the firmware server, and its state.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::Instant;

use super::limits::Limits;
use super::observation::{Activity, Observation};
use crate::ota::{self, UpdateState};
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

/// Multiplies the stall timeout for a download from another server, which shows whole percents only.
const STALL_FACTOR_ELSEWHERE: u32 = 4;

/// The device during a download, and what was seen of it.
pub(super) struct Monitor<'a> {
    limits: Limits,
    /// The firmware server, unless the device downloads from another server.
    pub(super) server: Option<&'a FirmwareServer>,
    pub(super) before: &'a DeviceState,
    pub(super) observer: &'a dyn Observer,
    /// The time of the last call of `OTA.Update`.
    pub(super) started: Instant,
    /// The client and the bytes that were reported last.
    announced: Option<(SocketAddr, u64)>,
    /// The progress that the device reports, in percent, and the time of its last change.
    progress: Option<(u8, Instant)>,
    /// The device reported progress of a download.
    has_begun: bool,
    poll: Poll<'a>,
    commit_timeout: Duration,
    /// The state after the reboot, once that was read.
    pub(super) after: Option<DeviceState>,
    /// The time of the first question since the last answer.
    silent_since: Option<Instant>,
    reboot_timeout: Duration,
}

impl<'a> Monitor<'a> {
    /// Creates the monitor at the time of the first call.
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

    /// Returns the progress at the firmware server. `None`: the device downloads from another server.
    pub(super) fn fetched(&self) -> Option<Fetched> {
        self.server.map(|server| server.fetched().borrow().clone())
    }

    /// Tells whether the device reported progress of a download.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Returns how long the device has reported the same progress.
    fn stuck(&self) -> Duration {
        self.progress.map_or(Duration::ZERO, |(_, since)| since.elapsed())
    }

    /// Returns how long the device has been silent, and notes whether it has answered now.
    fn silent(&mut self, has_answered: bool) -> Duration {
        self.silent_since = if has_answered { None } else { self.silent_since.or(Some(Instant::now())) };
        self.silent_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Reports the progress at the firmware server.
    pub(super) fn report_progress(&mut self) {
        let (Some(server), Some(fetched)) = (self.server, self.fetched()) else { return };
        let Some(peer) = fetched.peer else { return };
        if self.announced.is_none_or(|(reported, _)| reported != peer) {
            self.observer.on(&Event::Fetching { peer: peer.ip().to_string(), device: fetched.device });
        }
        if self.announced != Some((peer, fetched.sent)) {
            self.observer.on(&Event::Sent { bytes: fetched.sent, total: server.total() });
        }
        self.announced = Some((peer, fetched.sent));
    }

    /// Tells whether the update runs although the device answered `OTA.Update` with an error. `None` if the device does not
    /// answer. For firmware without `OTA.Status`, the error stands.
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
    async fn observe(&mut self, now: DeviceState) -> Observation {
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
            Ok(now) => self.observe(now).await,
            // The device is about to reboot.
            Err(error) if error.remote_error().is_some_and(|error| error.code == 418) => Observation::Rebooted,
            Err(_) => Observation::NothingYet,
        }
    }

    /// Asks a device that downloads from another server for its progress. If the device has rebooted or has the firmware, the
    /// reply to `OTA.Update` was lost. Any other result is only a help.
    pub(super) async fn poll_progress(&mut self) -> Observation {
        let Ok(now) = self.poll.read_state().await else { return Observation::NothingYet };
        match self.observe(now).await {
            Observation::NotBegun => {}
            observation => return observation,
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
        let out_of_time = self.started.elapsed() >= self.limits.total();
        if out_of_time {
            self.poll.hurry();
        }
        let fetched = self.fetched();
        let complete = fetched.as_ref().is_none_or(|fetched| fetched.complete);
        if complete && fetched.is_some() {
            // Most likely the device reboots, and one question shows that it is not back yet.
            match self.poll.read_state().await {
                Ok(now) if rebooted(self.before, &now) || applied(self.before, &now) => {
                    return Ok(self.observe(now).await);
                }
                Err(error) if error.is_silence() && !out_of_time => {
                    let silent = self.silent(false);
                    return self.on_silence(fetched.as_ref(), &error, silent);
                }
                _ => {}
            }
        }
        // In this order: a reboot between the two questions would make the idle updater look like a failed one.
        let asked = Instant::now();
        let activity = self.activity(fetched.as_ref()).await;
        let now = self.poll.read_state().await;
        let silent = self.silent(now.is_ok());
        let now = match now {
            Ok(now) => now,
            Err(error) if error.is_transient() && !out_of_time => {
                return self.on_silence(fetched.as_ref(), &error, silent);
            }
            // The device answers, but does not report its state.
            Err(error) if error.remote_error().is_some() && self.has_rebooted().await => {
                return Ok(Observation::Rebooted);
            }
            Err(error) => return Err(self.contact_lost(error.to_string())),
        };
        let Timeouts { first_request, no_request, no_progress, .. } = self.limits.timeouts;
        // The device may have requested the firmware meanwhile.
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
                Ok(self.observe(now).await)
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
            // The download has progressed since the question.
            Activity::Idle if fetched.as_ref().and_then(|fetched| fetched.changed).is_some_and(|at| at >= asked) => {
                Ok(Observation::NothingYet)
            }
            Activity::Idle => Err(self.failed(reason.into())),
            Activity::Busy if is_second && never_asked && self.started.elapsed() >= first_request => {
                Err(Failure::Refused(Refusal::UpdateRunning { percent }))
            }
            // The device does not report its state, or its connection attempt hangs.
            Activity::Busy | Activity::Unknown if never_asked && long_enough => {
                Err(self.never_fetched(Some(reason.into())))
            }
            // The update makes no progress.
            Activity::Busy if fetched.is_some() && self.stuck() >= no_progress => {
                let what = if complete { "it has everything, and" } else { "its update" };
                Err(self.failed(format!("{what} has not gone on for {}", for_humans(no_progress))))
            }
            // A percent of a large bundle may take long over a slow link.
            Activity::Busy if self.stuck() >= no_progress.saturating_mul(STALL_FACTOR_ELSEWHERE) => Err(self
                .contact_lost(format!(
                    "its progress has stood at {percent} % for {}",
                    for_humans(no_progress.saturating_mul(STALL_FACTOR_ELSEWHERE))
                ))),
            Activity::Busy | Activity::Unknown if out_of_time => Err(self.contact_lost(reason.into())),
            Activity::Busy | Activity::Unknown | Activity::Finishing => Ok(Observation::NothingYet),
        }
    }

    /// Returns what a silence of the device means.
    fn on_silence(
        &self,
        fetched: Option<&Fetched>,
        error: &CallError,
        silent: Duration,
    ) -> Result<Observation, Failure> {
        let Timeouts { transfer_idle, no_progress, .. } = self.limits.timeouts;
        match fetched {
            // The device has every byte, so it is the reboot that takes long.
            Some(fetched) if fetched.complete && silent >= transfer_idle => Ok(Observation::Rebooted),
            None if silent >= no_progress.max(self.reboot_timeout) => Err(self.contact_lost(error.to_string())),
            _ => Ok(Observation::NothingYet),
        }
    }

    /// Returns what the updater does on a device that has not rebooted: by `OTA.Status`, or by the progress at the firmware server.
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
                // The update may not have begun, or its reply may be on the way.
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

    /// Tells by `Sys.GetInfo` alone whether the device has rebooted.
    async fn has_rebooted(&mut self) -> bool {
        let asked = Instant::now();
        let info = self.poll.ask(ota::GetInfo {}).await;
        info.is_ok_and(|info| is_other_boot(self.before, &info, asked))
    }

    /// Returns the failure for a device that may have the firmware. It rolls back one commit timeout from now at the latest.
    fn contact_lost(&self, reason: String) -> Failure {
        Failure::ContactLost { reason, reverts_in: Some(self.commit_timeout) }
    }

    pub(super) fn failed(&self, reason: String) -> Failure {
        let taken = self.server.map(|server| (server.fetched().borrow().sent, server.total()));
        Failure::DownloadFailed { reason, taken, remains: false }
    }
}
