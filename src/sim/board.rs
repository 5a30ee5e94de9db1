//! The board: the state machine with a real clock, real downloads, and power that goes off under the
//! connections.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;
use tokio::sync::{Notify, broadcast, oneshot, watch};

use super::Config;
use super::auth::Auth;
use super::delivery::{deliver, goes_out};
use super::device::{Device, Flash};
use super::download::{Fetched, download};
use super::fault::Fault;
use super::faults::{Delivery, OnLine};
use super::http_client::DeviceNetwork;
use super::pull::{self, Pull};
use super::services::{self, Answer, CallContext};
use super::storage;
use super::update_error::UpdateError;
use super::wire::{Call, Failure, Outcome};

/// Connections that a reboot has cut, and which are held open so that the peer hears nothing.
const BURIED: usize = 256;

/// Lines of the console that are kept for a reader who is late.
const CONSOLE: usize = 256;

/// A device that runs in real time. Shared by the servers that talk to it.
#[derive(Debug)]
pub struct Board {
    config: Config,
    inner: Mutex<Inner>,
    /// Something may be due earlier than the clock thinks.
    changed: Notify,
    /// The number of the boot that runs; `None` while the device is off.
    power: watch::Sender<Option<u64>>,
    /// The number of the update that runs.
    updating: watch::Sender<Option<u64>>,
    console: broadcast::Sender<String>,
    graveyard: Mutex<VecDeque<Box<dyn Any + Send>>>,
}

#[derive(Debug)]
struct Inner {
    device: Device,
    /// What has been written to the file.
    saved: Option<Flash>,
    /// When all will be written that has come.
    written: Instant,
    /// The reply to the call of `OTA.Update` that waits for the end of an update (since 2019). `None` also if a fault loses it.
    waiting: Option<oneshot::Sender<Outcome>>,
}

/// What a call brings: at once, or later.
#[derive(Debug)]
pub enum Answered {
    /// The outcome.
    Now(Outcome),
    /// The outcome, after the replies to calls that arrived together with this one.
    NextTurn(Outcome),
    /// The outcome, when the download has ended or its time has come; without one, the reply never comes.
    Later(oneshot::Receiver<Outcome>),
}

impl Board {
    /// Switches a device on, with the flash that is kept in `config.state` or that of the factory.
    pub fn power_on(config: Config) -> io::Result<Arc<Self>> {
        let kept = match &config.state {
            Some(directory) => storage::load(directory)?,
            None => None,
        };
        let flash = kept.unwrap_or_else(|| Flash::factory(config.factory.clone()));
        let device = Device::power_on(flash, &config, now());
        let board = Arc::new(Self {
            config,
            power: watch::Sender::new(Some(device.boots())),
            updating: watch::Sender::new(None),
            inner: Mutex::new(Inner { device, saved: None, written: now(), waiting: None }),
            changed: Notify::new(),
            console: broadcast::Sender::new(CONSOLE),
            graveyard: Mutex::new(VecDeque::new()),
        });
        board.with(|_, _| ());
        Ok(board)
    }

    /// The device's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// Who may talk to the device.
    #[must_use]
    pub fn auth(&self) -> Option<&Auth> {
        self.config.auth.as_ref()
    }

    /// Whether the reply to a success without a value has no result.
    pub(super) fn omits_result(&self) -> bool {
        self.config.faults.contains(&Fault::NoResult)
    }

    /// What time the device thinks it is.
    #[must_use]
    pub fn unix_time(&self) -> u64 {
        let since_epoch = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.config.clock.unwrap_or_else(since_epoch)
    }

    /// What the device prints from now on.
    #[must_use]
    pub fn console(&self) -> broadcast::Receiver<String> {
        self.console.subscribe()
    }

    /// What the device would show on its console now.
    #[must_use]
    pub fn describe(&self) -> String {
        self.with(|device, _| describe(device))
    }

    /// Answers a call that came over `channel` to the address `ip`.
    pub fn answer(self: &Arc<Self>, call: &Call, channel: &str, ip: &str) -> Answered {
        self.answers(call, 1, channel, ip).remove(0)
    }

    /// The same for a call that is run so many times.
    pub fn answers(self: &Arc<Self>, call: &Call, times: usize, channel: &str, ip: &str) -> Vec<Answered> {
        let (auth, unix_time) = (self.config.auth.as_ref(), self.unix_time());
        let context = CallContext {
            id: &self.config.id,
            channel,
            ip,
            auth,
            update: &self.config.update,
            licensed: self.config.licensed,
            files: &self.config.files,
            unix_time,
        };
        let method = self.with(|device, _| services::method_name(device, &call.method).to_owned());
        let call = &Call { method, ..call.clone() };
        let answers = self.with_inner(|inner, now| {
            let device = &mut inner.device;
            if !device.faults_mut().hears(&call.method, now) {
                return (0..times).map(|_| (Answer::Never, Delivery::Never, None)).collect();
            }
            for _ in 0..times {
                self.print(&call.method);
            }
            let answers = services::answers(device, call, times, context, now);
            let answers = deliver(device, &call.method, answers, now);
            let registered = answers.into_iter().map(|(answer, delivery)| {
                let told = inner.register(&answer, delivery);
                (answer, delivery, told)
            });
            registered.collect::<Vec<_>>()
        });
        let answered = answers.into_iter();
        answered.map(|(answer, delivery, told)| self.answered(&call.method, answer, delivery, told)).collect()
    }

    fn answered(
        self: &Arc<Self>,
        method: &str,
        answer: Answer,
        delivery: Delivery,
        told: Option<oneshot::Receiver<Outcome>>,
    ) -> Answered {
        let late = if let Delivery::Late(late) = delivery { late } else { Duration::ZERO };
        let (outcome, leaves, in_next_turn) = match answer {
            Answer::Now(outcome) => (outcome, now(), false),
            Answer::NextTurn { outcome, bytes } => (outcome, self.written(bytes), true),
            Answer::AfterDownload { url, timeout, number } => {
                let (reply, later) = oneshot::channel();
                // A task of its own: the update goes on when the caller disconnects.
                let (board, method) = (Arc::clone(self), method.to_owned());
                tokio::spawn(async move {
                    let outcome = board.update(&url, timeout, number, late).await;
                    if delivery != Delivery::Never && board.with(|device, now| goes_out(device, &method, &outcome, now))
                    {
                        tokio::time::sleep(board.config.reply_delay).await;
                        let _ = reply.send(outcome);
                    }
                });
                return Answered::Later(later);
            }
            Answer::Pull { url, terms, number } => {
                tokio::spawn(pull::run(Arc::clone(self), Pull { url, terms, number, late }));
                return self.waits(told, Duration::ZERO);
            }
            Answer::Waits => return self.waits(told, late),
            Answer::Never | Answer::Pending | Answer::Replaces => return Self::unanswered(),
        };
        match delivery {
            Delivery::Never => Self::unanswered(),
            Delivery::AtOnce | Delivery::Late(_) => self.reply(outcome, leaves + late, in_next_turn),
        }
    }

    /// Returns the reply to a waiting call. The reply leaves `late` after the device has its outcome.
    fn waits(self: &Arc<Self>, told: Option<oneshot::Receiver<Outcome>>, late: Duration) -> Answered {
        let Some(told) = told else { return Self::unanswered() };
        let wait = late + self.config.reply_delay;
        if wait.is_zero() {
            return Answered::Later(told);
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if let Ok(outcome) = told.await
                && board.lets_pass(wait, boot).await
            {
                let _ = reply.send(outcome);
            }
        });
        Answered::Later(later)
    }

    /// A reply that never comes.
    fn unanswered() -> Answered {
        Answered::Later(oneshot::channel().1)
    }

    /// A reply that leaves the device then, and is on its way for a while.
    fn reply(self: &Arc<Self>, outcome: Outcome, leaves: Instant, in_next_turn: bool) -> Answered {
        let wait = (leaves + self.config.reply_delay).saturating_duration_since(now());
        if wait.is_zero() {
            return if in_next_turn { Answered::NextTurn(outcome) } else { Answered::Now(outcome) };
        }
        let (reply, later) = oneshot::channel();
        let (board, boot) = (Arc::clone(self), self.boot());
        tokio::spawn(async move {
            if board.lets_pass(wait, boot).await && board.with(|device, now| device.can_reply(now)) {
                let _ = reply.send(outcome);
            }
        });
        Answered::Later(later)
    }

    /// When a piece of an update of so many bytes will be written, behind all that came before.
    fn written(&self, bytes: usize) -> Instant {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = inner.device.faults().bytes_per_second();
        let takes = rate.map_or(Duration::ZERO, |rate| {
            Duration::from_secs(bytes as u64).checked_div(rate.get()).unwrap_or_default()
        });
        inner.written = inner.written.max(now()) + self.config.write_time + takes;
        inner.written
    }

    async fn update(&self, url: &str, timeout: Duration, number: u64, late: Duration) -> Outcome {
        let boot = *self.power.borrow();
        let (running, rate) = self.with(|device, _| (device.known_to_updater(), device.faults().bytes_per_second()));
        let progress = |percent| {
            self.with(|device, now| {
                device.update_progress(percent);
                device.download_fault(percent, now)
            })
        };
        let fetched = tokio::select! {
            biased;
            () = self.until_off(boot) => return Err(Failure::bare(-1)),
            () = self.until_given_up(number) => return Err(UpdateError::Failed.of_2018()),
            fetched = download(self.network(), self.id(), &running, &self.config.update, url, timeout, rate, progress) => fetched,
        };
        let (firmware, outcome) = match fetched {
            Ok(Fetched::Written(firmware)) => match self.with(|device, _| device.faults_mut().look_again()) {
                Ok(()) => (Some(firmware), Failure::new(0, "Update applied, finalizing")),
                Err(error) => (None, error.of_2018()),
            },
            Ok(Fetched::NothingNew(why)) => (None, Failure::new(0, why)),
            Ok(Fetched::PowerLost(connection)) => {
                self.bury(connection);
                return Err(Failure::bare(-1));
            }
            Err(failure) => (None, failure),
        };
        if !self.lets_pass(late, boot).await {
            return Err(Failure::bare(-1));
        }
        self.print(&format!("update: {}", outcome.message.as_deref().unwrap_or("failed")));
        self.with(|device, now| device.end_update(firmware, now));
        Err(outcome)
    }

    /// Lets this time pass. False if this boot has ended meanwhile.
    async fn lets_pass(&self, time: Duration, boot: Option<u64>) -> bool {
        if time.is_zero() {
            return true;
        }
        tokio::select! {
            biased;
            () = self.until_off(boot) => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// What a line does to the next reply on it.
    pub(super) fn on_line(&self) -> OnLine {
        self.with_quietly(|device, _| device.faults_mut().on_line())
    }

    /// Lets pass what happens by itself. Never returns.
    pub async fn run_clock(&self) {
        loop {
            match self.with_quietly(|device, _| device.next_event()) {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// The boot that runs.
    #[must_use]
    pub fn boot(&self) -> Option<u64> {
        *self.power.borrow()
    }

    /// Returns when this boot has ended.
    pub async fn until_off(&self, boot: Option<u64>) {
        let mut power = self.power.subscribe();
        // An error would mean that the board is gone, and we hold it.
        let _ = power.wait_for(|now| *now != boot).await;
    }

    /// Returns the network over which the device reaches servers.
    pub(super) fn network(&self) -> &dyn DeviceNetwork {
        self.config.network.as_ref()
    }

    /// Returns the pause between a lost connection and the next request of a pull.
    pub(super) fn retry_after(&self) -> Duration {
        self.config.retry_after
    }

    /// Returns once this download no longer runs.
    pub(super) async fn until_given_up(&self, number: u64) {
        let mut updating = self.updating.subscribe();
        let _ = updating.wait_for(|now| *now != Some(number)).await;
    }

    /// Returns when the device runs.
    pub async fn until_on(&self) {
        let mut power = self.power.subscribe();
        let _ = power.wait_for(Option::is_some).await;
    }

    /// Takes a connection out of use without closing it: a chip that resets sends no FIN.
    pub fn bury(&self, connection: impl Any + Send) {
        let mut graveyard = self.graveyard.lock().unwrap_or_else(PoisonError::into_inner);
        if graveyard.len() == BURIED {
            graveyard.pop_front();
        }
        graveyard.push_back(Box::new(connection));
    }

    /// Switches the device off and on again. The flash stays, and no connection is closed.
    pub fn cut_power(&self) {
        self.with(Device::cut_power);
    }

    /// Replaces the faults of the device, with all that they still would do. The new ones have not struck yet.
    pub fn set_faults(&self, faults: &[Fault]) {
        self.with_inner(|inner, now| {
            inner.device.set_faults(faults);
            inner.written = now;
        });
    }

    /// Returns what `look` reads from the device, after all due events.
    pub fn look<R>(&self, look: impl FnOnce(&Device) -> R) -> R {
        self.with(|device, _| look(device))
    }

    /// Sets the MQTT broker in the settings. The settings hold no credentials.
    pub(super) fn set_broker(&self, server: &str) {
        let mqtt = json!({"enable": true, "server": server});
        self.with(|device, _| device.preset_settings(&json!({"mqtt": mqtt})));
    }

    /// Prints a line on the console.
    pub(super) fn print(&self, line: &str) {
        // Nobody need listen.
        let _ = self.console.send(line.to_owned());
    }

    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Device, Instant) -> R) -> R {
        self.with_inner(|inner, now| work(&mut inner.device, now))
    }

    fn with_inner<R>(&self, work: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let result = self.with_inner_quietly(work);
        self.changed.notify_one();
        result
    }

    fn with_quietly<R>(&self, work: impl FnOnce(&mut Device, Instant) -> R) -> R {
        self.with_inner_quietly(|inner, now| work(&mut inner.device, now))
    }

    /// Runs `work` on the device after all due events, then publishes what has changed.
    fn with_inner_quietly<R>(&self, work: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        inner.device.tick(now);
        inner.tell(now);
        let result = work(&mut inner, now);
        inner.tell(now);
        for fault in inner.device.faults_mut().take_struck() {
            self.print(&format!("fault: {fault}"));
        }
        self.publish_power(&inner.device);
        let download = inner.device.download();
        self.updating.send_if_modified(|updating| std::mem::replace(updating, download) != download);
        self.save(&mut inner);
        result
    }

    fn publish_power(&self, device: &Device) {
        let boot = device.is_reachable().then(|| device.boots());
        let changed = self.power.send_if_modified(|power| std::mem::replace(power, boot) != boot);
        if changed {
            self.print(&boot.map_or_else(|| "rebooting".into(), |_| describe(device)));
        }
    }

    fn save(&self, inner: &mut Inner) {
        let Some(directory) = &self.config.state else { return };
        if inner.saved.as_ref() == Some(inner.device.flash()) {
            return;
        }
        match storage::save(directory, inner.device.flash()) {
            Ok(()) => inner.saved = Some(inner.device.flash().clone()),
            Err(error) => self.print(&format!("cannot save the flash in {}: {error}", directory.display())),
        }
    }
}

impl Inner {
    /// Registers a call that is answered when an update ends, and returns the receiver of its outcome. `None` for any other
    /// answer.
    fn register(&mut self, answer: &Answer, delivery: Delivery) -> Option<oneshot::Receiver<Outcome>> {
        if !matches!(answer, Answer::Pull { .. } | Answer::Waits) {
            return None;
        }
        let (reply, told) = oneshot::channel();
        self.waiting = (delivery != Delivery::Never).then_some(reply);
        Some(told)
    }

    /// Sends the outcome that the device has for the waiting call.
    fn tell(&mut self, now: Instant) {
        let Some(outcome) = self.device.take_told() else { return };
        let waiting = self.waiting.take();
        if goes_out(&mut self.device, "OTA.Update", &outcome, now)
            && let Some(reply) = waiting
        {
            // The caller may have disconnected.
            let _ = reply.send(outcome);
        }
    }
}

fn describe(device: &Device) -> String {
    let firmware = device.firmware();
    let committed = if device.flash().boot.is_committed { "committed" } else { "uncommitted" };
    format!(
        "slot {} runs {} {} ({}), {committed}",
        device.running_slot(),
        firmware.app,
        firmware.version,
        firmware.build_id
    )
}

/// By tokio's clock, which tests can stop.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
