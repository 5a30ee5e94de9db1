//! The state of a device, how it starts, and what can be read from it.

use std::time::{Duration, Instant};

use crate::sim::config::Config;
use crate::sim::device::config_tree::ConfigTree;
use crate::sim::device::files::FileSystem;
use crate::sim::device::flash::{Flash, Slot};
use crate::sim::device::log_settings::LogSettings;
use crate::sim::device::ota_state::OtaState;
use crate::sim::fault::Fault;
use crate::sim::fault::effects::TimedFault;
use crate::sim::fault::script::Faults;
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::service_set::Services;

/// An update that runs on a device of 2018.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update2018 {
    /// The requested commit timeout in seconds. 0 = the new firmware commits itself.
    pub commit_timeout: u64,
    /// The progress in percent.
    pub percent: u8,
    /// The number of the update. A download compares it to find out whether its own update still runs.
    pub number: u64,
}

/// The power state of the chip.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Power {
    /// The device has been running since this time.
    On(Instant),
    /// The device boots, and runs from this time on.
    Booting(Instant),
}

/// The reason why the device refuses a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeviceRefusal {
    /// The firmware is committed: there is nothing to commit or to revert.
    NothingPending,
    /// An update runs, or the firmware is uncommitted.
    Busy,
    /// The slot does not exist.
    BadSlot,
}

/// One device: its slots, settings, updates and faults. The caller passes the time.
#[derive(Debug)]
pub struct SimulatedDevice {
    pub(super) generation: Generation,
    pub(super) services: Services,
    pub(super) flash: Flash,
    /// The settings, with the changes since the boot.
    pub(super) settings: ConfigTree,
    /// The settings with which the device has booted.
    pub(super) booted_settings: ConfigTree,
    /// What the log of this boot is set to.
    pub(super) log_settings: LogSettings,
    /// The settings of a boot without saved settings.
    pub(super) factory_settings: ConfigTree,
    /// The slot that was booted; `flash.boot.active_slot` is the one that boots next.
    pub(super) running: Slot,
    pub(super) power: Power,
    pub(super) reboot_delay: Duration,
    pub(super) reboot_at: Option<Instant>,
    pub(super) rollback_at: Option<Instant>,
    /// The running update on a device of 2018.
    pub(super) update: Option<Update2018>,
    /// The number of the latest update.
    pub(super) updates: u64,
    /// The updates of this boot on a device since 2019.
    pub(super) ota: OtaState,
    pub(super) boots: u64,
    /// The uptime when the device was switched on. Zero after a reboot.
    pub(super) initial_uptime: Duration,
    /// The slot that an update has written.
    pub(super) new_slot: Option<Slot>,
    pub(super) faults: Faults,
    /// What faults will do in this boot, and when.
    pub(super) timed_faults: Vec<(Instant, TimedFault)>,
    /// Whether a fault makes the device unreachable in this boot.
    pub(super) is_unreachable: bool,
    /// Whether the device drops all replies until its next boot.
    pub(super) drops_replies: bool,
}

impl SimulatedDevice {
    /// Switches on a device with this flash. The length of a reboot, the faults and the uptime come from `config`.
    ///
    /// An uncommitted firmware in the flash has lost its power, so the device rolls back.
    #[must_use]
    pub fn power_on(flash: Flash, config: &Config, now: Instant) -> Self {
        let factory_settings = ConfigTree::factory(&config.id, &config.update, config.licensed, config.services);
        let mut device = Self {
            generation: config.generation,
            services: config.services,
            settings: factory_settings.clone(),
            booted_settings: factory_settings.clone(),
            log_settings: LogSettings::default(),
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
            ota: OtaState::default(),
            boots: 0,
            initial_uptime: Duration::ZERO,
            faults: Faults::new(&config.faults),
            timed_faults: Vec::new(),
            is_unreachable: false,
            drops_replies: false,
        };
        device.adopt_old_settings();
        device.boot(now);
        device.initial_uptime = config.running_for;
        if let Some((percent, time)) = device.faults.busy() {
            if device.generation.is_compiled() {
                device.start_abandoned_pull(percent);
            } else {
                device.updates += 1;
                device.update = Some(Update2018 { commit_timeout: 0, percent, number: device.updates });
            }
            device.schedule_timed_faults(time.map(|time| (time, TimedFault::EndUpdate)), now);
        }
        device
    }

    /// Returns the contents of the flash.
    #[must_use]
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// Returns the power state.
    #[must_use]
    pub fn power(&self) -> Power {
        self.power
    }

    /// Returns how often the device has booted. A reboot ends everything that began under an earlier count.
    #[must_use]
    pub fn boots(&self) -> u64 {
        self.boots
    }

    /// Returns the running firmware.
    #[must_use]
    pub fn firmware(&self) -> &Firmware {
        self.flash.slots[usize::from(self.running)].as_ref().expect("a slot is booted only if it holds a firmware")
    }

    /// Returns the slot of the running firmware.
    #[must_use]
    pub fn running_slot(&self) -> Slot {
        self.running
    }

    /// Returns the time since the device started. Zero while the device boots.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        match self.power {
            Power::On(since) => self.initial_uptime.saturating_add(now.saturating_duration_since(since)),
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
    pub fn update(&self) -> Option<Update2018> {
        self.update
    }

    /// Returns the number of the running download, if any.
    #[must_use]
    pub fn download(&self) -> Option<u64> {
        self.update.map(|update| update.number).or(self.ota_pull())
    }

    /// Returns the services of the device.
    #[must_use]
    pub fn services(&self) -> Services {
        self.services
    }

    /// Returns the files of the running firmware.
    #[must_use]
    pub fn files(&self) -> &FileSystem {
        &self.flash.files[usize::from(self.running)]
    }

    /// Returns the files of the running firmware, so that the caller can change them.
    pub fn files_mut(&mut self) -> &mut FileSystem {
        &mut self.flash.files[usize::from(self.running)]
    }

    /// Returns the faults of the device.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns the faults of the device, so that the caller can trigger them.
    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.faults
    }

    /// Replaces the faults and cancels their scheduled effects. None of the new faults has been triggered yet.
    pub fn set_faults(&mut self, faults: &[Fault]) {
        self.faults = Faults::new(faults);
        self.timed_faults.clear();
    }

    /// Tells whether an update has written the running firmware since the device was switched on.
    #[must_use]
    pub fn runs_new_firmware(&self) -> bool {
        self.new_slot == Some(self.running)
    }

    /// Tells whether the device runs and is reachable on its ports.
    #[must_use]
    pub fn is_reachable(&self) -> bool {
        matches!(self.power, Power::On(_)) && !self.is_unreachable
    }

    /// Tells whether a reply can leave the device now.
    #[must_use]
    pub fn can_reply(&self, now: Instant) -> bool {
        self.is_reachable() && !self.drops_replies && !self.faults.is_silent(now)
    }
}
