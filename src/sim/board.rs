//! The board: the state machine with a real clock, real downloads, and power that goes off under the
//! connections.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, broadcast, oneshot, watch};

use super::Config;
use super::auth::Auth;
use super::device::{Device, Flash, Power};
use super::download::{Fetched, download};
use super::services::{self, Answer, Surroundings};
use super::storage;
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
    console: broadcast::Sender<String>,
    graveyard: Mutex<VecDeque<Box<dyn Any + Send>>>,
}

#[derive(Debug)]
struct Inner {
    device: Device,
    /// What has been written to the file.
    saved: Option<Flash>,
}

/// What a call brings: at once, or later.
#[derive(Debug)]
pub enum Answered {
    /// The outcome.
    Now(Outcome),
    /// The outcome, when the download has ended.
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
        let device = Device::power_on(flash, config.reboot_delay, now());
        let board = Arc::new(Self {
            config,
            power: watch::Sender::new(Some(device.boots())),
            inner: Mutex::new(Inner { device, saved: None }),
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
        let around = Surroundings { id: &self.config.id, channel, ip, auth, update: &self.config.update, unix_time };
        for _ in 0..times {
            self.print(&call.method);
        }
        let answers = self.with(|device, now| services::answers(device, call, times, around, now));
        answers.into_iter().map(|answer| self.answered(answer)).collect()
    }

    fn answered(self: &Arc<Self>, answer: Answer) -> Answered {
        match answer {
            Answer::Now(outcome) => Answered::Now(outcome),
            Answer::AfterDownload { url, timeout } => {
                let (reply, outcome) = oneshot::channel();
                // A task of its own: the update goes on when the caller disconnects.
                let board = Arc::clone(self);
                tokio::spawn(async move {
                    let outcome = board.update(&url, timeout).await;
                    let _ = reply.send(outcome);
                });
                Answered::Later(outcome)
            }
        }
    }

    async fn update(&self, url: &str, timeout: Duration) -> Outcome {
        let boot = *self.power.borrow();
        let running = self.with(|device, _| device.firmware().clone());
        let progress = |percent| self.with(|device, _| device.update_progress(percent));
        let fetched = tokio::select! {
            biased;
            () = self.until_off(boot) => return Err(Failure::bare(-1)),
            fetched = download(self.id(), &running, &self.config.update, url, timeout, progress) => fetched,
        };
        let (firmware, outcome) = match fetched {
            Ok(Fetched::Written(firmware)) => (Some(firmware), Failure::new(0, "Update applied, finalizing")),
            Ok(Fetched::NothingNew(why)) => (None, Failure::new(0, why)),
            Err(failure) => (None, failure),
        };
        self.print(&format!("update: {}", outcome.message.as_deref().unwrap_or("failed")));
        self.with(|device, now| device.end_update(firmware, now));
        Err(outcome)
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

    /// Prints a line on the console.
    pub(super) fn print(&self, line: &str) {
        // Nobody need listen.
        let _ = self.console.send(line.to_owned());
    }

    fn with<R>(&self, work: impl FnOnce(&mut Device, Instant) -> R) -> R {
        let result = self.with_quietly(work);
        self.changed.notify_one();
        result
    }

    /// Works on the device after what is due has happened, and lets the world see what has changed.
    fn with_quietly<R>(&self, work: impl FnOnce(&mut Device, Instant) -> R) -> R {
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let now = now();
        inner.device.tick(now);
        let result = work(&mut inner.device, now);
        self.publish_power(&inner.device);
        self.save(&mut inner);
        result
    }

    fn publish_power(&self, device: &Device) {
        let boot = matches!(device.power(), Power::On(_)).then(|| device.boots());
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
