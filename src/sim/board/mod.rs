//! The board: the state machine with a real clock, real downloads, and power that goes off under the connections.
//!
//! [`calls`] answers calls; [`download`] (2018) and `pull` (since 2019) fetch a bundle with the [`http_client`] and feed the
//! updater; `reply_fate` decides which replies go out; `storage` keeps what outlives the process.

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
use crate::sim::board::reply_fate::goes_out;
use crate::sim::config::Config;

use crate::sim::device::{Device, Flash};

use crate::sim::fault::Fault;
use crate::sim::fault::effects::LineEffect;
use crate::sim::http_client::DeviceNetwork;

use crate::sim::wire::Outcome;

/// Connections that a reboot has cut, and which are held open so that the peer hears nothing.
const MAX_HALF_OPEN: usize = 256;

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
    half_open: Mutex<VecDeque<Box<dyn Any + Send>>>,
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
            half_open: Mutex::new(VecDeque::new()),
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
    pub(super) fn on_line(&self) -> LineEffect {
        self.with_quietly(|device, _| device.faults_mut().next_line_effect())
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
    pub fn keep_half_open(&self, connection: impl Any + Send) {
        let mut half_open = self.half_open.lock();
        if half_open.len() == MAX_HALF_OPEN {
            half_open.pop_front();
        }
        half_open.push_back(Box::new(connection));
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
        let mut inner: MutexGuard<'_, Inner> = self.inner.lock();
        let now = now();
        inner.device.tick(now);
        inner.tell(now);
        let result = work(&mut inner, now);
        inner.tell(now);
        for fault in inner.device.faults_mut().take_triggered() {
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
    /// Sends the outcome that the device has for the waiting call.
    fn tell(&mut self, now: Instant) {
        let Some(outcome) = self.device.take_outcome() else { return };
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
