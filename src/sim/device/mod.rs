//! The device as a state machine. Its updates are in `update` (2018) and `ota` (since 2019). Every method that needs the
//! time takes it as an argument. Nothing here waits, sends or stores.

pub mod config_tree;
mod ota;

mod update;
pub mod updater;
mod zip_directory;

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sim::config::Config;
use crate::sim::device::config_tree::ConfigTree;
use crate::sim::fault::Fault;
use crate::sim::fault::script::{Faults, TimedFault};
use crate::sim::firmware::Firmware;
use crate::sim::generation::{Generation, SHUTDOWN};
use ota::Ota;

pub use ota::{Fed, Step, Terms};

/// The number of a slot.
pub type Slot = u8;

/// Which slot boots, and whether it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootState {
    /// The slot that boots.
    pub active_slot: Slot,
    /// Whether it stays after the next reboot.
    pub is_committed: bool,
    /// The slot that a rollback goes back to.
    pub revert_slot: Slot,
    /// Seconds within which a commit has to come; stays as it was after a rollback.
    pub commit_timeout: u64,
}

impl BootState {
    /// The old `commit_timeout` stays (wire/ws.json, case `ota_after_commit_timeout`).
    fn roll_back(&mut self) {
        self.active_slot = self.revert_slot;
        self.is_committed = true;
    }
}

/// What stays when the power goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    /// The two slots.
    pub slots: [Option<Firmware>; 2],
    /// Which of them runs, and whether it stays.
    pub boot: BootState,
    /// The next boot is the first of a new firmware; the one after that is a rollback.
    pub first_boot: bool,
    /// The saved settings. Null: the device has its factory settings.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub settings: Value,
}

impl Flash {
    /// The factory state (as recorded in wire/ws.json, case `ota_getbootstate`).
    #[must_use]
    pub fn factory(firmware: Firmware) -> Self {
        Self {
            slots: [Some(firmware), None],
            boot: BootState { active_slot: 0, is_committed: true, revert_slot: 0, commit_timeout: 0 },
            first_boot: false,
            settings: Value::Null,
        }
    }

    /// Tells whether any slot holds a firmware.
    #[must_use]
    pub fn is_bootable(&self) -> bool {
        self.slots.iter().any(Option::is_some)
    }

    /// Returns the slot to boot. If the active slot holds no firmware, another slot is booted, as a real boot loader does.
    fn slot_to_boot(&self) -> Slot {
        let holds = |slot: &Slot| self.slots.get(usize::from(*slot)).is_some_and(Option::is_some);
        [self.boot.active_slot, self.boot.revert_slot, 0, 1].into_iter().find(holds).unwrap_or_default()
    }
}

/// An update that runs on a device of 2018.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// Seconds, as asked for; 0 means that the new firmware commits itself.
    pub commit_timeout: u64,
    /// How much has been written, in percent.
    pub percent: u8,
    /// Counts the updates, so that one that was given up is not taken for the next.
    pub number: u64,
}

/// Whether the chip runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// It runs since then.
    On(Instant),
    /// It boots, and runs from then on.
    Booting(Instant),
}

/// Why the device does not do what it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is nothing to commit or to revert.
    NothingPending,
    /// An update runs, or the firmware is uncommitted.
    Busy,
    /// There is no such slot.
    BadSlot,
}

/// The device.
#[derive(Debug)]
pub struct Device {
    generation: Generation,
    flash: Flash,
    /// The settings of this boot.
    settings: ConfigTree,
    /// The settings of a boot without saved settings.
    factory_settings: ConfigTree,
    /// The slot that was booted; `flash.boot.active_slot` is the one that boots next.
    running: Slot,
    power: Power,
    reboot_delay: Duration,
    reboot_at: Option<Instant>,
    rollback_at: Option<Instant>,
    update: Option<Update>,
    updates: u64,
    /// The updates of this boot on a device since 2019.
    ota: Ota,
    boots: u64,
    /// How long it has been running when it was switched on; nothing after a reboot.
    ran_before: Duration,
    /// The slot that an update has written.
    new_slot: Option<Slot>,
    faults: Faults,
    /// What faults will do in this boot.
    timed_faults: Vec<(Instant, TimedFault)>,
    /// In this boot, nothing can reach it.
    is_unreachable: bool,
    /// Until it boots, it says nothing more.
    is_mute: bool,
}

impl Device {
    /// A device that is switched on now, with this in its flash, and from `config` the length of a reboot, the faults,
    /// and how long it has been running. An uncommitted firmware has lost its power, and is rolled back.
    #[must_use]
    pub fn power_on(flash: Flash, config: &Config, now: Instant) -> Self {
        let factory_settings = ConfigTree::factory(&config.id, &config.update, config.licensed);
        let mut device = Self {
            generation: config.generation,
            settings: factory_settings.clone(),
            factory_settings,
            running: flash.boot.active_slot,
            new_slot: flash.first_boot.then_some(flash.boot.active_slot),
            flash,
            power: Power::On(now),
            reboot_delay: config.reboot_delay,
            reboot_at: None,
            rollback_at: None,
            update: None,
            updates: 0,
            ota: Ota::default(),
            boots: 0,
            ran_before: Duration::ZERO,
            faults: Faults::new(&config.faults),
            timed_faults: Vec::new(),
            is_unreachable: false,
            is_mute: false,
        };
        device.boot(now);
        device.ran_before = config.running_for;
        if let Some((percent, time)) = device.faults.busy() {
            if device.generation.is_compiled() {
                device.start_abandoned_pull(percent);
            } else {
                device.updates += 1;
                device.update = Some(Update { commit_timeout: 0, percent, number: device.updates });
            }
            device.plan(time.map(|time| (time, TimedFault::EndUpdate)), now);
        }
        device
    }

    /// What stays when the power goes.
    #[must_use]
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// Whether it runs.
    #[must_use]
    pub fn power(&self) -> Power {
        self.power
    }

    /// How often it has been booted. What began under another count has been cut short.
    #[must_use]
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// The firmware that runs.
    #[must_use]
    pub fn firmware(&self) -> &Firmware {
        self.flash.slots[usize::from(self.running)].as_ref().expect("a slot is booted only if it holds a firmware")
    }

    /// The slot that runs.
    #[must_use]
    pub fn running_slot(&self) -> Slot {
        self.running
    }

    /// Time since it was started, or none while it boots.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        match self.power {
            Power::On(since) => self.ran_before.saturating_add(now.saturating_duration_since(since)),
            Power::Booting(_) => Duration::ZERO,
        }
    }

    /// Returns the generation of the update service.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns the update that runs on a device of 2018, if any.
    #[must_use]
    pub fn update(&self) -> Option<Update> {
        self.update
    }

    /// Returns the number of the running download, if any.
    #[must_use]
    pub fn download(&self) -> Option<u64> {
        self.update.map(|update| update.number).or(self.ota_pull())
    }

    /// Returns the settings of this boot.
    #[must_use]
    pub fn settings(&self) -> &ConfigTree {
        &self.settings
    }

    /// Changes the factory settings and those of this boot.
    pub fn preset_settings(&mut self, changes: &Value) {
        self.factory_settings.merge(changes);
        self.settings.merge(changes);
    }

    /// Changes settings until the next reboot.
    pub fn change_settings(&mut self, changes: &Value) {
        self.settings.merge(changes);
    }

    /// Saves the settings of this boot to the flash.
    pub fn save_settings(&mut self) {
        let is_factory = self.settings == self.factory_settings;
        self.flash.settings = if is_factory { Value::Null } else { self.settings.as_json().clone() };
    }

    /// When something will happen by itself.
    #[must_use]
    pub fn next_event(&self) -> Option<Instant> {
        match self.power {
            Power::Booting(until) => Some(until),
            Power::On(_) => {
                let timed_faults = self.timed_faults.iter().map(|(at, _)| *at);
                [self.reboot_at, self.rollback_at, self.ota_deadline()].into_iter().flatten().chain(timed_faults).min()
            }
        }
    }

    /// What goes wrong with it.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The same, to be asked what strikes now.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Whether the firmware that runs was written by an update since the device was switched on.
    #[must_use]
    pub fn runs_new_firmware(&self) -> bool {
        self.new_slot == Some(self.running)
    }

    /// Whether it runs, and anything can reach it.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        matches!(self.power, Power::On(_)) && !self.is_unreachable
    }

    /// Whether a reply can leave it now.
    #[must_use]
    pub fn can_reply(&self, now: Instant) -> bool {
        self.is_reachable() && !self.is_mute && !self.faults.is_silent(now)
    }

    /// Lets happen what is due: a boot that ends, a reboot, a commit timeout, the end of the time for an update.
    pub fn tick(&mut self, now: Instant) {
        if matches!(self.power, Power::Booting(until) if until <= now) {
            self.boot(now);
        }
        self.strike_timed_faults(now);
        if self.rollback_at.is_some_and(|at| at <= now) {
            self.rollback_at = None;
            self.reboot_at = Some(now);
        }
        if self.ota_deadline().is_some_and(|at| at <= now) {
            self.time_out_ota();
        }
        if matches!(self.power, Power::On(_)) && self.reboot_at.is_some_and(|at| at <= now) {
            self.power = Power::Booting(now + self.boot_time());
            (self.reboot_at, self.rollback_at) = (None, None);
            (self.update, self.ota) = (None, Ota::default());
            self.timed_faults.clear();
        }
    }

    /// How long until a reboot for which the device has already closed its doors.
    #[must_use]
    pub fn shutting_down(&self, now: Instant) -> Option<Duration> {
        let left = self.reboot_at?.saturating_duration_since(now);
        (left <= SHUTDOWN).then_some(left)
    }

    /// Reboots after `delay`.
    pub fn reboot(&mut self, delay: Duration, now: Instant) {
        self.reboot_at = now.checked_add(delay);
    }

    /// Keeps the running firmware.
    pub fn commit(&mut self) -> Result<(), Refusal> {
        if self.flash.boot.is_committed {
            return Err(Refusal::NothingPending);
        }
        self.flash.boot.is_committed = true;
        self.flash.boot.commit_timeout = 0;
        self.rollback_at = None;
        Ok(())
    }

    /// Goes back to the other firmware. That is settled at once, before the reboot: a second revert finds nothing
    /// pending (wire/mqtt.json, case `ota_revert_uncommitted`).
    pub fn revert(&mut self, now: Instant) -> Result<(), Refusal> {
        if self.flash.boot.is_committed {
            return Err(Refusal::NothingPending);
        }
        self.flash.boot.roll_back();
        self.rollback_at = None;
        self.reboot(self.generation.reboots_after_revert(), now);
        Ok(())
    }

    /// Copies the running firmware to the other slot. That the copy, as a target of a rollback,
    /// makes the firmware uncommitted was recorded with a commit timeout; without one it is a guess.
    ///
    /// A device since 2019 takes a snapshot even while an update runs, and spoils that update. Its commit timeout counts from
    /// the next boot.
    pub fn create_snapshot(
        &mut self,
        set_as_revert: bool,
        commit_timeout: Option<u64>,
        now: Instant,
    ) -> Result<Slot, Refusal> {
        if !self.flash.boot.is_committed || self.update.is_some() {
            return Err(Refusal::Busy);
        }
        let slot = 1 - self.running;
        self.flash.slots[usize::from(slot)] = Some(self.firmware().clone());
        self.spoil_update();
        if set_as_revert {
            self.flash.boot.revert_slot = slot;
            if let Some(seconds) = commit_timeout {
                self.flash.boot.is_committed = false;
                self.flash.boot.commit_timeout = seconds;
                if !self.generation.is_compiled() {
                    self.start_commit_timer(now);
                }
            }
        }
        Ok(slot)
    }

    /// Sets the boot state of a device of 2018.
    pub fn set_boot_state(&mut self, boot: BootState) -> Result<(), Refusal> {
        for slot in [boot.active_slot, boot.revert_slot] {
            if usize::from(slot) >= self.flash.slots.len() {
                return Err(Refusal::BadSlot);
            }
        }
        self.store_boot_state(boot);
        Ok(())
    }

    /// Stores a boot state unchecked. The next boot takes another slot if the active slot holds no firmware.
    pub fn store_boot_state(&mut self, boot: BootState) {
        self.flash.boot = boot;
        if boot.is_committed {
            self.rollback_at = None;
        }
    }

    /// Replaces the faults, with all that they still would do. The new ones have not struck yet.
    pub fn set_faults(&mut self, faults: &[Fault]) {
        self.faults = Faults::new(faults);
        self.timed_faults.clear();
    }

    /// Loses its power for a moment.
    pub fn cut_power(&mut self, now: Instant) {
        self.go_off(now);
        self.tick(now);
    }

    /// Reboots at once, and says nothing more.
    fn go_off(&mut self, now: Instant) {
        self.is_mute = true;
        self.reboot(Duration::ZERO, now);
    }

    /// How long the boot takes that begins now.
    fn boot_time(&mut self) -> Duration {
        let stays = self.flash.first_boot || self.flash.boot.is_committed;
        let is_new = stays && self.new_slot == Some(self.flash.boot.active_slot);
        is_new.then(|| self.faults.boot_takes()).flatten().unwrap_or(self.reboot_delay)
    }

    fn boot(&mut self, now: Instant) {
        self.boots += 1;
        self.power = Power::On(now);
        (self.ran_before, self.is_mute) = (Duration::ZERO, false);
        self.settings = self.factory_settings.clone();
        self.settings.merge(&self.flash.settings);
        let boot = &mut self.flash.boot;
        let first = std::mem::take(&mut self.flash.first_boot);
        let crashes = first && self.faults.crashes();
        if !boot.is_committed && !first {
            boot.roll_back();
        } else if first && boot.commit_timeout == 0 && !crashes {
            boot.is_committed = true;
        }
        let slot = self.flash.slot_to_boot();
        self.flash.boot.active_slot = slot;
        self.running = slot;
        if !self.flash.boot.is_committed {
            self.start_commit_timer(now);
        }
        let is_new = self.runs_new_firmware();
        self.is_unreachable = is_new && self.faults.is_unreachable();
        if crashes {
            self.go_off(now);
        } else if is_new {
            let timed_faults = self.faults.timed_faults();
            self.plan(timed_faults, now);
        }
    }

    fn plan(&mut self, timed_faults: impl IntoIterator<Item = (Duration, TimedFault)>, now: Instant) {
        self.timed_faults.extend(
            timed_faults.into_iter().filter_map(|(after, timed_fault)| Some((now.checked_add(after)?, timed_fault))),
        );
    }

    /// Does what is due of the timed_faults of this boot.
    fn strike_timed_faults(&mut self, now: Instant) {
        let (mut due, later): (Vec<_>, _) =
            std::mem::take(&mut self.timed_faults).into_iter().partition(|(at, _)| *at <= now);
        self.timed_faults = later;
        due.sort_by_key(|(at, _)| *at);
        for (_, timed_fault) in due {
            // Where there is nothing to commit or to revert, nothing is done.
            match timed_fault {
                TimedFault::Commit => drop(self.commit()),
                TimedFault::Revert => drop(self.revert(now)),
                TimedFault::RebootIfUncommitted if self.flash.boot.is_committed => {}
                TimedFault::Reboot | TimedFault::RebootIfUncommitted => self.go_off(now),
                TimedFault::EndUpdate if self.generation.is_compiled() => self.time_out_ota(),
                TimedFault::EndUpdate => self.end_update(None, now),
            }
        }
    }

    fn start_commit_timer(&mut self, now: Instant) {
        let timeout = self.flash.boot.commit_timeout;
        self.rollback_at = (timeout > 0).then(|| now.checked_add(Duration::from_secs(timeout))).flatten();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOOT: Duration = Duration::from_millis(300);

    fn firmware(version: &str) -> Firmware {
        Firmware {
            app: "demo".into(),
            version: version.into(),
            build_id: format!("b{version}"),
            platform: "esp32".into(),
        }
    }

    fn config() -> Config {
        Config { generation: Generation::Y2018, reboot_delay: BOOT, ..Config::default() }
    }

    /// Returns a device of this generation in its factory state.
    pub(super) fn device(generation: Generation, now: Instant) -> Device {
        Device::power_on(Flash::factory(firmware("1.0.0")), &Config { generation, ..config() }, now)
    }

    /// Reboots the device at once.
    pub(super) fn reboot(device: &mut Device, now: Instant) {
        device.reboot(Duration::ZERO, now);
        device.tick(now);
        device.tick(now + BOOT);
    }

    /// A device that has just booted 2.0.0 for the first time, uncommitted.
    fn updated(commit_timeout: u64) -> (Device, Instant) {
        let start = Instant::now();
        let mut device = Device::power_on(Flash::factory(firmware("1.0.0")), &config(), start);
        device.begin_update(commit_timeout).expect("idle");
        device.end_update(Some(firmware("2.0.0")), start);
        let off = start + SHUTDOWN;
        device.tick(off);
        assert_eq!(device.power(), Power::Booting(off + BOOT));
        let on = device.next_event().expect("it boots");
        device.tick(on);
        (device, on)
    }

    #[test]
    fn an_update_runs_uncommitted_until_it_is_committed() {
        let (mut device, now) = updated(60);
        assert_eq!(device.firmware().version, "2.0.0");
        let state = BootState { active_slot: 1, is_committed: false, revert_slot: 0, commit_timeout: 60 };
        assert_eq!(device.flash().boot, state);
        assert_eq!(device.begin_update(60), Err(Refusal::Busy), "no update while uncommitted");
        device.commit().expect("pending");
        assert_eq!(device.commit(), Err(Refusal::NothingPending));
        assert_eq!(device.next_event(), None, "the timer has stopped");
        device.tick(now + Duration::from_secs(61));
        assert_eq!(device.firmware().version, "2.0.0");
    }

    #[test]
    fn what_is_not_committed_in_time_rolls_back() {
        let (mut device, now) = updated(4);
        device.tick(now + Duration::from_secs(4));
        let on = device.next_event().expect("it boots");
        device.tick(on);
        assert_eq!(device.firmware().version, "1.0.0");
        let state = BootState { active_slot: 0, is_committed: true, revert_slot: 0, commit_timeout: 4 };
        assert_eq!(device.flash().boot, state, "the old timeout stays in the state");
    }

    #[test]
    fn any_reboot_or_loss_of_power_while_uncommitted_rolls_back() {
        let (mut device, now) = updated(60);
        device.reboot(Duration::ZERO, now);
        device.tick(now);
        device.tick(now + BOOT);
        assert_eq!(device.firmware().version, "1.0.0");

        let (device, now) = updated(60);
        let device = Device::power_on(device.flash().clone(), &config(), now);
        assert_eq!(device.firmware().version, "1.0.0");
    }

    #[test]
    fn without_a_commit_timeout_the_new_firmware_commits_itself() {
        let (device, _) = updated(0);
        assert!(device.flash().boot.is_committed);
        assert_eq!(device.firmware().version, "2.0.0");
        assert_eq!(device.next_event(), None);
    }

    #[test]
    fn a_reboot_cuts_an_update_short() {
        let now = Instant::now();
        let mut device = Device::power_on(Flash::factory(firmware("1.0.0")), &config(), now);
        device.begin_update(60).expect("idle");
        device.reboot(Duration::ZERO, now);
        device.tick(now);
        device.tick(now + BOOT);
        assert_eq!(device.update(), None);
        device.end_update(Some(firmware("2.0.0")), now);
        assert_eq!(device.flash().boot.active_slot, 0, "what ends too late changes nothing");
    }

    #[test]
    fn an_empty_slot_is_not_booted() {
        let now = Instant::now();
        let mut device = Device::power_on(Flash::factory(firmware("1.0.0")), &config(), now);
        let bad = BootState { active_slot: 7, ..device.flash().boot };
        assert_eq!(device.set_boot_state(bad), Err(Refusal::BadSlot));
        device.set_boot_state(BootState { active_slot: 1, ..device.flash().boot }).expect("a slot");
        device.reboot(Duration::ZERO, now);
        device.tick(now);
        device.tick(now + BOOT);
        assert_eq!((device.running_slot(), device.firmware().version.as_str()), (0, "1.0.0"));
    }

    /// The service since 2019 stores any slot. The boot loader takes one that holds a firmware.
    #[test]
    fn missing_slot_is_not_booted() {
        let now = Instant::now();
        for (active_slot, revert_slot, is_committed) in [(5, 0, true), (15, 15, true), (1, 9, false)] {
            let mut device = device(Generation::Y2022, now);
            device.store_boot_state(BootState { active_slot, is_committed, revert_slot, commit_timeout: 0 });
            reboot(&mut device, now);
            assert_eq!(device.running_slot(), 0, "{active_slot}, {revert_slot}");
        }
    }

    #[test]
    fn settings_are_forgotten_unless_they_are_saved() {
        let now = Instant::now();
        let mut device = device(Generation::Y2022, now);
        let timeout = |device: &Device| device.settings().number("update.timeout");
        device.change_settings(&serde_json::json!({"update": {"timeout": 5}}));
        assert_eq!(timeout(&device), Some(5));
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(600));
        device.change_settings(&serde_json::json!({"update": {"timeout": 5}}));
        device.save_settings();
        reboot(&mut device, now);
        assert_eq!(timeout(&device), Some(5));
    }
}
