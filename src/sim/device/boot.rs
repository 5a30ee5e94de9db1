//! Reboots, boots, and the timers of a boot.

use std::time::{Duration, Instant};

use crate::sim::device::files::FileSystem;
use crate::sim::device::ota_state::OtaState;
use crate::sim::device::state_machine::{Power, SimulatedDevice};
use crate::sim::fault::effects::TimedFault;
use crate::sim::generation::SHUTDOWN;

impl SimulatedDevice {
    /// Returns the time of the next event that [`Self::tick`] has to process, if any.
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

    /// Processes all due events: the end of a boot, timed faults, a commit timeout, an update timeout, a reboot.
    pub fn tick(&mut self, now: Instant) {
        if matches!(self.power, Power::Booting(until) if until <= now) {
            self.boot(now);
        }
        self.run_timed_faults(now);
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
            (self.update, self.ota) = (None, OtaState::default());
            self.timed_faults.clear();
        }
    }

    /// Returns the time until a reboot, once it is near enough for the device to answer every call with error 418.
    #[must_use]
    pub fn shutting_down(&self, now: Instant) -> Option<Duration> {
        let left = self.reboot_at?.saturating_duration_since(now);
        (left <= SHUTDOWN).then_some(left)
    }

    /// Reboots after `delay`.
    pub fn reboot(&mut self, delay: Duration, now: Instant) {
        self.reboot_at = now.checked_add(delay);
    }

    /// Interrupts the power for a moment.
    pub fn cut_power(&mut self, now: Instant) {
        self.reset(now);
        self.tick(now);
    }

    /// Reboots at once. The device sends no further replies before the reboot.
    pub(super) fn reset(&mut self, now: Instant) {
        self.drops_replies = true;
        self.reboot(Duration::ZERO, now);
    }

    /// Returns the duration of the boot that begins now.
    fn boot_time(&mut self) -> Duration {
        let stays = self.flash.first_boot || self.flash.boot.is_committed;
        let is_new = stays && self.new_slot == Some(self.flash.boot.active_slot);
        is_new.then(|| self.faults.boot_takes()).flatten().unwrap_or(self.reboot_delay)
    }

    pub(super) fn boot(&mut self, now: Instant) {
        self.boots += 1;
        self.power = Power::On(now);
        (self.initial_uptime, self.drops_replies) = (Duration::ZERO, false);
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
        if first {
            // The new firmware brings its own files, and takes over the others.
            let old = &self.flash.files[usize::from(self.flash.boot.revert_slot) % self.flash.files.len()];
            self.flash.files[usize::from(slot)] = FileSystem::merged(old);
        }
        self.load_settings();
        if !self.flash.boot.is_committed {
            self.start_commit_timer(now);
        }
        let is_new = self.runs_new_firmware();
        self.is_unreachable = is_new && self.faults.is_unreachable();
        if crashes {
            self.reset(now);
        } else if is_new {
            let timed_faults = self.faults.timed_faults();
            self.schedule_timed_faults(timed_faults, now);
        }
    }

    /// Schedules faults relative to `now`.
    pub(super) fn schedule_timed_faults(
        &mut self,
        timed_faults: impl IntoIterator<Item = (Duration, TimedFault)>,
        now: Instant,
    ) {
        self.timed_faults.extend(
            timed_faults.into_iter().filter_map(|(after, timed_fault)| Some((now.checked_add(after)?, timed_fault))),
        );
    }

    /// Runs the due timed faults of this boot.
    fn run_timed_faults(&mut self, now: Instant) {
        let (mut due, later): (Vec<_>, _) =
            std::mem::take(&mut self.timed_faults).into_iter().partition(|(at, _)| *at <= now);
        self.timed_faults = later;
        due.sort_by_key(|(at, _)| *at);
        for (_, timed_fault) in due {
            match timed_fault {
                // The refusal of a committed device needs no handling: the fault has no effect then.
                TimedFault::Commit => drop(self.commit()),
                TimedFault::Revert => drop(self.revert(now)),
                TimedFault::RebootIfUncommitted if self.flash.boot.is_committed => {}
                TimedFault::Reboot | TimedFault::RebootIfUncommitted => self.reset(now),
                TimedFault::EndUpdate if self.generation.is_compiled() => self.time_out_ota(),
                TimedFault::EndUpdate => self.end_update(None, now),
            }
        }
    }

    pub(super) fn start_commit_timer(&mut self, now: Instant) {
        let timeout = self.flash.boot.commit_timeout;
        self.rollback_at = (timeout > 0).then(|| now.checked_add(Duration::from_secs(timeout))).flatten();
    }
}
