use std::time::{Duration, Instant};

use super::{DeviceRefusal, Flash, Power, SimulatedDevice, StoredBootState};
use crate::sim::config::Config;
use crate::sim::firmware::Firmware;
use crate::sim::generation::{Generation, SHUTDOWN};

const BOOT: Duration = Duration::from_millis(300);

fn firmware(version: &str) -> Firmware {
    Firmware { app: "demo".into(), version: version.into(), build_id: format!("b{version}"), platform: "esp32".into() }
}

fn config() -> Config {
    Config { generation: Generation::Y2018, reboot_delay: BOOT, ..Config::default() }
}

/// Returns a device of this generation in its factory state.
pub(super) fn device(generation: Generation, now: Instant) -> SimulatedDevice {
    SimulatedDevice::power_on(Flash::factory(firmware("1.0.0")), &Config { generation, ..config() }, now)
}

/// Reboots the device at once.
pub(super) fn reboot(device: &mut SimulatedDevice, now: Instant) {
    device.reboot(Duration::ZERO, now);
    device.tick(now);
    device.tick(now + BOOT);
}

/// Returns a device that has just booted the uncommitted firmware 2.0.0 for the first time.
fn updated(commit_timeout: u64) -> (SimulatedDevice, Instant) {
    let start = Instant::now();
    let mut device = SimulatedDevice::power_on(Flash::factory(firmware("1.0.0")), &config(), start);
    device.begin_update(commit_timeout).expect("no update runs");
    device.end_update(Some(firmware("2.0.0")), start);
    let off = start + SHUTDOWN;
    device.tick(off);
    assert_eq!(device.power(), Power::Booting(off + BOOT));
    let on = device.next_event().expect("the device is booting");
    device.tick(on);
    (device, on)
}

#[test]
fn commit_after_update_keeps_the_new_firmware() {
    let (mut device, now) = updated(60);
    assert_eq!(device.firmware().version, "2.0.0");
    let state = StoredBootState { active_slot: 1, is_committed: false, revert_slot: 0, commit_timeout: 60 };
    assert_eq!(device.flash().boot, state);
    assert_eq!(device.begin_update(60), Err(DeviceRefusal::Busy), "no update while uncommitted");
    device.commit().expect("the firmware is uncommitted");
    assert_eq!(device.commit(), Err(DeviceRefusal::NothingPending));
    assert_eq!(device.next_event(), None, "the commit timer has stopped");
    device.tick(now + Duration::from_secs(61));
    assert_eq!(device.firmware().version, "2.0.0");
}

#[test]
fn commit_timeout_expired_rolls_back() {
    let (mut device, now) = updated(4);
    device.tick(now + Duration::from_secs(4));
    let on = device.next_event().expect("the device is booting");
    device.tick(on);
    assert_eq!(device.firmware().version, "1.0.0");
    let state = StoredBootState { active_slot: 0, is_committed: true, revert_slot: 0, commit_timeout: 4 };
    assert_eq!(device.flash().boot, state, "the rollback keeps the old commit timeout");
}

#[test]
fn reboot_or_power_loss_while_uncommitted_rolls_back() {
    let (mut device, now) = updated(60);
    device.reboot(Duration::ZERO, now);
    device.tick(now);
    device.tick(now + BOOT);
    assert_eq!(device.firmware().version, "1.0.0");

    let (device, now) = updated(60);
    let device = SimulatedDevice::power_on(device.flash().clone(), &config(), now);
    assert_eq!(device.firmware().version, "1.0.0");
}

#[test]
fn commit_timeout_zero_commits_at_first_boot() {
    let (device, _) = updated(0);
    assert!(device.flash().boot.is_committed);
    assert_eq!(device.firmware().version, "2.0.0");
    assert_eq!(device.next_event(), None);
}

#[test]
fn reboot_during_update_drops_update() {
    let now = Instant::now();
    let mut device = SimulatedDevice::power_on(Flash::factory(firmware("1.0.0")), &config(), now);
    device.begin_update(60).expect("no update runs");
    device.reboot(Duration::ZERO, now);
    device.tick(now);
    device.tick(now + BOOT);
    assert_eq!(device.update(), None);
    device.end_update(Some(firmware("2.0.0")), now);
    assert_eq!(device.flash().boot.active_slot, 0, "an update that ends after the reboot has no effect");
}

#[test]
fn empty_slot_is_not_booted() {
    let now = Instant::now();
    let mut device = SimulatedDevice::power_on(Flash::factory(firmware("1.0.0")), &config(), now);
    let bad = StoredBootState { active_slot: 7, ..device.flash().boot };
    assert_eq!(device.set_boot_state(bad), Err(DeviceRefusal::BadSlot));
    device.set_boot_state(StoredBootState { active_slot: 1, ..device.flash().boot }).expect("slot 1 exists");
    device.reboot(Duration::ZERO, now);
    device.tick(now);
    device.tick(now + BOOT);
    assert_eq!((device.running_slot(), device.firmware().version.as_str()), (0, "1.0.0"));
}

/// The service since 2019 stores any slot number. The boot loader boots a slot that holds a firmware.
#[test]
fn missing_slot_is_not_booted() {
    let now = Instant::now();
    for (active_slot, revert_slot, is_committed) in [(5, 0, true), (15, 15, true), (1, 9, false)] {
        let mut device = device(Generation::Y2022, now);
        device.store_boot_state(StoredBootState { active_slot, is_committed, revert_slot, commit_timeout: 0 });
        reboot(&mut device, now);
        assert_eq!(device.running_slot(), 0, "active slot {active_slot}, revert slot {revert_slot}");
    }
}
