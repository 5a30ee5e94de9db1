//! The board: a device in real time, with downloads, power loss and a console.
//!
//! - [`calls`] answers calls, and `reply_fate` decides which replies leave the device;
//! - `download` (2018) and `pull` (since 2019) fetch a bundle and give it to the updater;
//! - `storage` saves the flash in a file.

pub mod calls;
mod download;
mod pull;
mod reply_fate;
mod storage;

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::{Mutex, MutexGuard};
use serde_json::json;
use tokio::sync::{Notify, broadcast, oneshot, watch};

use crate::sim::auth::Auth;
use crate::sim::board::reply_fate::leaves_device;
use crate::sim::config::Config;
use crate::sim::device::{Flash, SimulatedDevice};
use crate::sim::fault::Fault;
use crate::sim::fault::effects::LineEffect;
use crate::sim::http_client::DeviceNetwork;
use crate::sim::wire::Outcome;

/// The largest number of half-open connections. The oldest connection is closed beyond that.
const MAX_HALF_OPEN: usize = 256;

/// The number of console lines that are kept for a slow reader.
const CONSOLE_BACKLOG: usize = 256;

/// A device in real time. All ports of the device share one board.
#[derive(Debug)]
pub struct Board {
    config: Config,
    inner: Mutex<Inner>,
    /// Wakes [`Self::run_clock`], because the next event is another one than it waits for.
    changed: Notify,
    /// The number of the current boot. `None` while the device is off or unreachable.
    power: watch::Sender<Option<u64>>,
    /// The number of the running download.
    updating: watch::Sender<Option<u64>>,
    console: broadcast::Sender<String>,
    /// Connections that a reboot has interrupted. They stay open so that the peer receives no FIN.
    half_open: Mutex<VecDeque<Box<dyn Any + Send>>>,
}

#[derive(Debug)]
struct Inner {
    device: SimulatedDevice,
    /// The time of the event that [`Board::run_clock`] waits for, if any.
    clock_waits_until: Option<Instant>,
    /// The flash in the file.
    saved: Option<Flash>,
    /// The time at which the device has written all received pieces.
    written_at: Instant,
    /// The reply to the call of `OTA.Update` that waits for the end of an update (since 2019).
    ///
    /// `None` if no call waits, or if a fault loses the reply.
    waiting: Option<oneshot::Sender<Outcome>>,
}

impl Board {
    /// Switches a device on. The flash comes from `config.state`, or is in the factory state.
    pub fn power_on(config: Config) -> io::Result<Arc<Self>> {
        let saved = match &config.state {
            Some(directory) => storage::load(directory)?,
            None => None,
        };
        let flash = saved.unwrap_or_else(|| Flash::factory(config.factory.clone()));
        let device = SimulatedDevice::power_on(flash, &config, now());
        let board = Arc::new(Self {
            config,
            power: watch::Sender::new(Some(device.boots())),
            updating: watch::Sender::new(None),
            inner: Mutex::new(Inner { device, clock_waits_until: None, saved: None, written_at: now(), waiting: None }),
            changed: Notify::new(),
            console: broadcast::Sender::new(CONSOLE_BACKLOG),
            half_open: Mutex::new(VecDeque::new()),
        });
        board.with(|_, _| ());
        Ok(board)
    }

    /// Returns the device id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// Returns the credentials that the device requires, if any.
    #[must_use]
    pub fn auth(&self) -> Option<&Auth> {
        self.config.auth.as_ref()
    }

    /// Tells whether a successful reply without a value has no result.
    pub(super) fn omits_result(&self) -> bool {
        self.config.faults.contains(&Fault::NoResult)
    }

    /// Returns the device's clock as a Unix time in seconds.
    #[must_use]
    pub fn unix_time(&self) -> u64 {
        let since_epoch = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        self.config.clock.unwrap_or_else(since_epoch)
    }

    /// Returns a receiver of the lines that the device prints from now on.
    #[must_use]
    pub fn console(&self) -> broadcast::Receiver<String> {
        self.console.subscribe()
    }

    /// Returns a sentence about the running firmware and its slot.
    #[must_use]
    pub fn describe(&self) -> String {
        self.with(|device, _| describe(device))
    }

    /// Waits for this time. Returns false at once when this boot ends.
    async fn waits_in_boot(&self, time: Duration, boot: Option<u64>) -> bool {
        if time.is_zero() {
            return true;
        }
        tokio::select! {
            biased;
            () = self.until_off(boot) => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Returns the effect of faults on the next reply over a serial line or TCP.
    pub(super) fn next_line_effect(&self) -> LineEffect {
        self.with_quietly(|device, _| device.faults_mut().next_line_effect())
    }

    /// Processes the timed events of the device. Never returns.
    pub async fn run_clock(&self) {
        loop {
            let next_event = self.with_inner_quietly(|inner, _| {
                inner.clock_waits_until = inner.device.next_event();
                inner.clock_waits_until
            });
            match next_event {
                Some(at) => tokio::select! {
                    () = tokio::time::sleep_until(at.into()) => {}
                    () = self.changed.notified() => {}
                },
                None => self.changed.notified().await,
            }
        }
    }

    /// Returns the number of the current boot. `None` while the device is off or unreachable.
    #[must_use]
    pub fn boot(&self) -> Option<u64> {
        *self.power.borrow()
    }

    /// Waits until this boot has ended.
    pub async fn until_off(&self, boot: Option<u64>) {
        let mut power = self.power.subscribe();
        // The sender cannot be dropped while the board is borrowed.
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

    /// Waits until this download no longer runs.
    pub(super) async fn until_given_up(&self, number: u64) {
        let mut updating = self.updating.subscribe();
        let _ = updating.wait_for(|now| *now != Some(number)).await;
    }

    /// Waits until the device runs and is reachable.
    pub async fn until_on(&self) {
        let mut power = self.power.subscribe();
        let _ = power.wait_for(Option::is_some).await;
    }

    /// Keeps a connection open without using it, because a reset sends no FIN.
    pub fn keep_half_open(&self, connection: impl Any + Send) {
        let mut half_open = self.half_open.lock();
        if half_open.len() == MAX_HALF_OPEN {
            half_open.pop_front();
        }
        half_open.push_back(Box::new(connection));
    }

    /// Interrupts the power for a moment. The flash does not change, and no connection is closed.
    pub fn cut_power(&self) {
        self.with(SimulatedDevice::cut_power);
    }

    /// Replaces the faults of the device and cancels their scheduled effects. None of the new faults has been triggered
    /// yet.
    pub fn set_faults(&self, faults: &[Fault]) {
        self.with_inner(|inner, now| {
            inner.device.set_faults(faults);
            inner.written_at = now;
        });
    }

    /// Returns what `read` reads from the device, after all due events.
    pub fn inspect<R>(&self, read: impl FnOnce(&SimulatedDevice) -> R) -> R {
        self.with(|device, _| read(device))
    }

    /// Sets the MQTT broker in the settings. The settings hold no credentials.
    pub(super) fn set_broker(&self, server: &str) {
        let mqtt = json!({"enable": true, "server": server});
        self.with(|device, _| device.preset_settings(&json!({"mqtt": mqtt})));
    }

    /// Prints a line on the console.
    pub(super) fn print(&self, line: &str) {
        if self.console.receiver_count() > 0 {
            let _ = self.console.send(line.to_owned());
        }
    }

    /// Runs `work` on the device after all due events, publishes the changes and wakes the clock.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut SimulatedDevice, Instant) -> R) -> R {
        self.with_inner(|inner, now| work(&mut inner.device, now))
    }

    /// Runs `work` on the inner state after all due events, publishes the changes, and wakes the clock if the next event
    /// is another one.
    fn with_inner<R>(&self, work: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let (result, is_other_event) = self.with_inner_quietly(|inner, now| {
            let result = work(inner, now);
            (result, inner.clock_waits_until != inner.device.next_event())
        });
        if is_other_event {
            self.changed.notify_one();
        }
        result
    }

    /// Runs `work` on the device after all due events, and publishes the changes without waking the clock.
    fn with_quietly<R>(&self, work: impl FnOnce(&mut SimulatedDevice, Instant) -> R) -> R {
        self.with_inner_quietly(|inner, now| work(&mut inner.device, now))
    }

    /// Runs `work` on the inner state after all due events, and publishes the changes without waking the clock.
    fn with_inner_quietly<R>(&self, work: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock();
        let now = now();
        inner.device.tick(now);
        inner.answer_waiting_call(now);
        let result = work(&mut inner, now);
        inner.answer_waiting_call(now);
        for fault in inner.device.faults_mut().take_triggered() {
            self.print(&format!("fault: {fault}"));
        }
        self.publish_power(&inner.device);
        let download = inner.device.download();
        self.updating.send_if_modified(|updating| std::mem::replace(updating, download) != download);
        self.save(&mut inner);
        result
    }

    fn publish_power(&self, device: &SimulatedDevice) {
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
    /// Sends the outcome that the device has for the waiting call.
    fn answer_waiting_call(&mut self, now: Instant) {
        let Some(outcome) = self.device.take_outcome() else { return };
        let waiting = self.waiting.take();
        if leaves_device(&mut self.device, "OTA.Update", &outcome, now)
            && let Some(reply) = waiting
        {
            // The caller may have disconnected.
            let _ = reply.send(outcome);
        }
    }
}

/// Returns a sentence about the running firmware and its slot.
fn describe(device: &SimulatedDevice) -> String {
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

/// Returns the time of tokio's clock, which tests can pause.
fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
