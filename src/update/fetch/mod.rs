//! Has the device download the firmware (`OTA.Update`). The reply comes at the end of the download, or never. Until then, the bytes that the
//! firmware server has sent, or the reply of `OTA.Status`, are the progress.
//!
//! The reply alone decides little. The boot state tells what a success means: since 2019, a device replies to a 304 as to an applied
//! update. An error is a failure only if no update runs: since 2019, a device that cannot reach the server again replies
//! `Connect error` and goes on (as recorded in wire/ota2022-ws.json, cases `pull_304` and `pull_cut_then_refused`).
//!
//! - `rules`: the next action, given the reply and the progress at the server; pure;
//! - `limits`: the time limits;
//! - `monitor`: reports the progress, and reads the state of the device where reply and progress do not suffice; `observation`: what the
//!   state shows.

mod limits;
mod monitor;
mod observation;
mod rules;

use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::Value;
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::device_state::DeviceState;
use super::event::{Event, Observer, Origin};
use super::outcome::{Failure, Refusal};
use super::plan::Plan;
use super::poll::spread;
use super::serve::{Fetched, FirmwareServer};
use super::transfer_result::TransferResult;
use crate::ota::{self, BootState, Engine};
use crate::rpc::deadline::deadline_in;
use crate::rpc::{CallError, Device, RemoteError};
use limits::{Limits, device_timeout, download_limit};
use monitor::Monitor;
use observation::Observation;
use rules::{
    Action, Reply, next_action, says_applied, says_busy, says_in_progress, says_nothing_new, says_unlicensed,
    says_unreachable, understand,
};

/// How often `OTA.Update` is called, if the device has not begun.
const MAX_ATTEMPTS: usize = 3;

/// The shortest wait for the reply after the last byte, before the state of the device is read.
const MIN_REPLY_WAIT: Duration = Duration::from_millis(200);

/// The source of a download.
pub(super) struct Fetching<'a> {
    /// The URL, as the device gets it.
    pub(super) url: String,
    /// The firmware server, unless the URL leads to another server.
    pub(super) server: Option<&'a FirmwareServer>,
    /// The firmware can be pushed instead, so that a device without a request is given up early.
    pub(super) has_other_way: bool,
    /// How the device downloads.
    pub(super) engine: Engine,
}

/// Has the device download the firmware. Returns once the device is about to reboot or has rebooted, with the state after the reboot if that
/// was seen.
pub(super) async fn fetch(
    device: &Device,
    plan: &Plan,
    what: &Fetching<'_>,
    before: &DeviceState,
    observer: &dyn Observer,
) -> Result<(TransferResult, Option<DeviceState>), Failure> {
    let Fetching { server, has_other_way, engine, .. } = *what;
    let enough = || download_limit(plan.source.size(), before.round_trip());
    let download = plan.download_timeout.unwrap_or_else(enough);
    let may_execute_twice = device.may_execute_twice();
    let contradictory_reply = plan.timeouts.contradictory_reply.max(before.slowest() * 4);
    let limits = Limits { download, timeouts: plan.timeouts, has_other_way, may_execute_twice, contradictory_reply };
    let request = ota::Update {
        url: what.url.clone(),
        commit_timeout: ota::in_seconds(plan.commit_timeout),
        timeout: ota::in_seconds(device_timeout(engine, &limits)),
    };
    observer.on(&Event::Requested {
        from: if server.is_some() { Origin::Here } else { Origin::Elsewhere },
        commit_timeout: request.commit_timeout,
        keeps_asking_for: (engine == Engine::Resuming).then_some(request.timeout),
    });
    let monitor = Monitor::new(device, limits, server, before, observer, (plan.reboot_timeout, plan.commit_timeout));
    let mut download = Download::new(monitor, limits, plan.source.build().is_some());
    let mut call = Box::pin(device.call_until_sent(&request, limits.total()));
    let mut progress = server.map(FirmwareServer::fetched);
    let every = limits.timeouts.tick;
    let mut ticks = interval_at(deadline_in(every), every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut tick = false;
        tokio::select! {
            // Biased so that the count of the server is complete before the reply is compared with it.
            biased;
            () = changed(&mut progress) => download.monitor.report_progress(),
            result = &mut call, if download.reply.is_none() => download.on_reply(result).await?,
            _ = ticks.tick() => tick = true,
        }
        match download.next(tick).await? {
            Next::Wait => {}
            Next::Again(failure) => {
                download.begin_again(failure)?;
                call = Box::pin(device.call_until_sent(&request, limits.total()));
            }
            Next::Done(taken) => {
                // The reply may have come while the state was read.
                let reply = if download.reply.is_none() { (&mut call).now_or_never() } else { None };
                let is_complete = download.monitor.fetched().is_some_and(|fetched| fetched.complete);
                let is_taken = reply.is_some_and(|reply| says_taken(understand(reply), is_complete));
                let after = download.monitor.after;
                let is_seen = after.as_ref().is_some_and(|after| after.build() != before.build());
                return Ok((if is_taken || is_seen { TransferResult::Certain } else { taken }, after));
            }
        }
    }
}

/// What the driver does next.
enum Next {
    Wait,
    /// Calls `OTA.Update` again, since the device has not begun. After the last attempt, the update fails with this.
    Again(Failure),
    /// The device has the firmware, or has rebooted.
    Done(TransferResult),
}

/// What is known of the download.
struct Download<'a> {
    monitor: Monitor<'a>,
    limits: Limits,
    /// Whether the build of the firmware is known.
    is_build_known: bool,
    /// How often `OTA.Update` was called.
    begun: usize,
    /// The reply to the last call, and its time.
    reply: Option<(Instant, Reply)>,
    /// Deadline for the boot state after a success, if the device does not answer.
    probe_until: Option<Instant>,
    /// The device was seen idle once since the last call.
    seen_idle: bool,
    /// The missing request was reported.
    is_missing_reported: bool,
    /// When the state may be read next.
    probe_at: Instant,
    /// How often the state was read.
    probes: usize,
}

impl<'a> Download<'a> {
    /// Creates the state for the first call.
    fn new(monitor: Monitor<'a>, limits: Limits, is_build_known: bool) -> Self {
        let probe_at = deadline_in(limits.timeouts.progress_interval);
        Self {
            monitor,
            limits,
            is_build_known,
            begun: 1,
            reply: None,
            probe_until: None,
            seen_idle: false,
            is_missing_reported: false,
            probe_at,
            probes: 0,
        }
    }

    /// Handles the result of the call.
    async fn on_reply(&mut self, result: Result<Value, CallError>) -> Result<(), Failure> {
        self.monitor.report_progress();
        let reply = match understand(result) {
            // An earlier call reached the device.
            Err(Failure::Call(error)) if self.begun > 1 => return Err(self.monitor.failed(error.to_string())),
            understood => understood?,
        };
        let reply = match reply {
            Reply::Refused(error) => self.refused(error).await?,
            reply => reply,
        };
        self.reply = Some((Instant::now(), reply));
        Ok(())
    }

    /// Distinguishes a refusal from an error after which the update goes on. No other reply follows then.
    async fn refused(&mut self, error: RemoteError) -> Result<Reply, Failure> {
        if says_unlicensed(&error) {
            return Err(Failure::Unlicensed { said: error.to_string() });
        }
        if says_in_progress(&error) {
            // The device was idle just before. So the running call is this one, executed twice, or that of another client.
            let is_known = self.monitor.server.is_some() || self.is_build_known;
            // A device that is still connecting is idle by its own word, so that it was told again.
            let is_ours =
                self.begun > 1 || self.limits.may_execute_twice && (is_known || self.monitor.executes_twice());
            if !is_ours {
                let percent = self.monitor.percent().await;
                return Err(Failure::Refused(Refusal::UpdateRunning { percent }));
            }
            return Ok(Reply::InProgress(error.to_string()));
        }
        // A device of 2018 says so if it executes a request twice, and the first execution may be ours.
        if says_busy(&error) {
            return Ok(Reply::Refused(error));
        }
        let said = error.to_string();
        match self.monitor.goes_on().await {
            Some(false) => {
                self.monitor.check_unchanged(false).await?;
                return Ok(Reply::Refused(error));
            }
            Some(true) => self.monitor.observer.on(&Event::GoesOn { said: said.clone() }),
            // Later reads of the state decide.
            None => {}
        }
        Ok(Reply::Lost(said))
    }

    /// Prepares another call, or fails after the last one.
    fn begin_again(&mut self, failure: Failure) -> Result<(), Failure> {
        if self.begun == MAX_ATTEMPTS {
            return Err(failure);
        }
        self.begun += 1;
        self.monitor.started = Instant::now();
        (self.reply, self.seen_idle) = (None, false);
        Ok(())
    }

    /// Decides what the driver does next. The device is asked only at a `tick`.
    async fn next(&mut self, tick: bool) -> Result<Next, Failure> {
        let (fetched, now) = (self.monitor.fetched(), Instant::now());
        match next_action(self.reply.as_ref(), fetched.as_ref(), self.monitor.started, &self.limits, now) {
            Action::Wait => {}
            Action::Succeeded(message) => return self.succeeded(message, tick).await,
            // Each read of the state costs a question, so not at every turn.
            Action::Probe(reason) if self.may_probe(tick) => match self.probe(reason).await? {
                Next::Wait => {}
                next => return Ok(next),
            },
            Action::Probe(_) => {}
            Action::NeverFetched(said) => return Err(self.monitor.never_fetched(said)),
            // The other update may end soon: a download breaks off when the otactl that served it was killed.
            Action::Busy(reason) => {
                self.monitor.check_unchanged(true).await?;
                return Ok(Next::Again(self.monitor.failed(reason)));
            }
            Action::Failed(reason) => {
                // After any other refusal, the firmware was checked already.
                if !matches!(&self.reply, Some((_, Reply::Refused(error))) if !says_busy(error)) {
                    self.monitor.check_firmware().await?;
                }
                return Err(self.failed(reason));
            }
        }
        let may_come = matches!(self.reply, None | Some((_, Reply::Lost(_))));
        if tick && may_come { Ok(self.meanwhile(fetched.as_ref(), now).await) } else { Ok(Next::Wait) }
    }

    /// Reads from the boot state what the device's success means. Asks a device that does not answer again at the next `tick`,
    /// for as long as a reboot may take. After that, the message of the device decides.
    async fn succeeded(&mut self, message: String, tick: bool) -> Result<Next, Failure> {
        if says_applied(&message) {
            self.monitor.observer.on(&Event::Applied { message });
            return Ok(Next::Done(TransferResult::Certain));
        }
        if self.probe_until.is_some() && !self.may_probe(tick) {
            return Ok(Next::Wait);
        }
        let until = *self.probe_until.get_or_insert_with(|| deadline_in(self.limits.timeouts.reboot_start));
        match self.monitor.outcome().await {
            Observation::Rebooted => Ok(self.unconfirmed("it rebooted at once".into())),
            Observation::Applied(boot) => Ok(self.applied(&boot)),
            Observation::NotBegun => Err(Failure::NothingNew { message, running: self.monitor.before.running() }),
            Observation::NothingYet if Instant::now() < until => Ok(Next::Wait),
            Observation::NothingYet if says_nothing_new(&message) => {
                Err(Failure::NothingNew { message, running: self.monitor.before.running() })
            }
            Observation::NothingYet => Ok(self.unconfirmed("it reported a success, and does not answer".into())),
        }
    }

    /// Tells whether the state may be read now. If so, the next read comes after a pause.
    fn may_probe(&mut self, tick: bool) -> bool {
        let now = Instant::now();
        let is_due = tick && now >= self.probe_at;
        if is_due {
            // Spread downwards only: a late read takes from the time for the commit.
            self.probe_at = now + spread(self.limits.timeouts.probe_interval, self.probes) * 5 / 6;
            self.probes += 1;
        }
        is_due
    }

    /// Reads the state of the device because of `reason`.
    async fn probe(&mut self, reason: String) -> Result<Next, Failure> {
        let is_second = matches!(self.reply, Some((_, Reply::InProgress(_))));
        Ok(match self.monitor.probe(&reason, is_second).await? {
            Observation::Rebooted => self.unconfirmed(reason),
            Observation::Applied(boot) => self.applied(&boot),
            Observation::NothingYet => Next::Wait,
            // Its reply may be on the way.
            Observation::NotBegun if !std::mem::replace(&mut self.seen_idle, true) => Next::Wait,
            Observation::NotBegun => Next::Again(self.monitor.never_fetched(Some(reason))),
        })
    }

    /// Acts while there is no reply: reports a missing request, or asks a device that downloads from another server for its progress.
    async fn meanwhile(&mut self, fetched: Option<&Fetched>, now: Instant) -> Next {
        match (self.monitor.server, fetched) {
            (Some(server), Some(fetched)) if fetched.peer.is_none() => {
                let waited = self.monitor.started.elapsed();
                if waited >= self.limits.timeouts.first_request
                    && !std::mem::replace(&mut self.is_missing_reported, true)
                {
                    let address = server.advertised().to_owned();
                    self.monitor.observer.on(&Event::NotAsked { seconds: waited.as_secs(), address });
                }
            }
            // With the last byte, the device has nothing left to do but to reboot: its reply may be lost, and time matters.
            (Some(_), Some(fetched)) if fetched.complete && self.is_overdue(fetched) && self.may_probe(true) => {
                return self.read_outcome().await;
            }
            (None, _) if now >= self.probe_at => {
                let next = self.read_progress().await;
                self.probe_at = deadline_in(self.limits.timeouts.progress_interval);
                return next;
            }
            _ => {}
        }
        Next::Wait
    }

    /// Tells whether the reply to a completed download should have come by now: it takes one round trip.
    fn is_overdue(&self, fetched: &Fetched) -> bool {
        let reply_after_transfer = (self.monitor.before.slowest() * 2).max(MIN_REPLY_WAIT);
        fetched.changed.is_none_or(|changed| changed.elapsed() >= reply_after_transfer)
    }

    /// Reads whether the device has the firmware, although no reply said so.
    async fn read_outcome(&mut self) -> Next {
        let observation = self.monitor.outcome().await;
        self.next_after(&observation)
    }

    /// Does the same for a device that downloads from another server, with its progress.
    async fn read_progress(&mut self) -> Next {
        let observation = self.monitor.poll_progress().await;
        self.next_after(&observation)
    }

    fn next_after(&self, observation: &Observation) -> Next {
        match observation {
            Observation::Rebooted => self.unconfirmed("its reply was lost".into()),
            Observation::Applied(boot) => self.applied(boot),
            Observation::NothingYet | Observation::NotBegun => Next::Wait,
        }
    }

    /// Returns the failure of the download. [`Failure::UrlUnreachable`] lets otactl download and deliver the firmware.
    fn failed(&self, reason: String) -> Failure {
        match &self.reply {
            Some((_, Reply::Refused(error)))
                if self.monitor.server.is_none() && !self.monitor.has_begun() && says_unreachable(error) =>
            {
                Failure::UrlUnreachable { said: reason }
            }
            _ => self.monitor.failed(reason),
        }
    }

    /// Reports that the boot state shows the new firmware.
    fn applied(&self, boot: &BootState) -> Next {
        let message = format!("{} boots next, uncommitted", ota::slot_name(boot.active_slot));
        self.monitor.observer.on(&Event::Applied { message });
        Next::Done(TransferResult::Certain)
    }

    fn unconfirmed(&self, reason: String) -> Next {
        self.monitor.observer.on(&Event::Unconfirmed { reason });
        Next::Done(TransferResult::Rebooted)
    }
}

/// Tells whether a reply says that the device has the firmware. Since 2019, a success may also mean that there is nothing new, unless
/// the device `has_all` from us.
fn says_taken(reply: Result<Reply, Failure>, has_all: bool) -> bool {
    matches!(reply, Ok(Reply::Success(message)) if says_applied(&message) || (has_all && !says_nothing_new(&message)))
}

async fn changed(progress: &mut Option<Receiver<Fetched>>) {
    if let Some(progress) = progress
        && progress.changed().await.is_ok()
    {
        return;
    }
    std::future::pending::<()>().await;
}
