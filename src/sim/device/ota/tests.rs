use std::time::{Duration, Instant};

use crate::sim::device::ota_state::{FeedResult, PushReply, UpdateTimeouts};
use crate::sim::device::push::not_started;
use crate::sim::device::state_machine::SimulatedDevice;
use crate::sim::device::tests::{device, reboot};
use crate::sim::generation::Generation;
use crate::sim::update_error::UpdateError;
use crate::sim::wire::MethodError;

const TIMEOUTS: UpdateTimeouts = UpdateTimeouts { commit_timeout: 60, timeout: Duration::from_secs(10) };

fn bundle() -> Vec<u8> {
    let path = format!("{}/tests/wire/firmware2022/small2.zip", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("the recorded bundle exists")
}

fn pushed(now: Instant) -> SimulatedDevice {
    let mut device = device(Generation::Y2022, now);
    device.begin_push(TIMEOUTS, None, now).expect("no update runs");
    device
}

fn write(device: &mut SimulatedDevice, offset: u64, piece: &[u8], now: Instant) -> Result<(), MethodError> {
    match device.write_push(Some(offset), piece.to_vec()) {
        PushReply::Now(outcome) => outcome,
        PushReply::Pending => device.finish_turn(now).expect("a piece was accepted").0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn push_of_whole_bundle_is_applied() {
    let now = Instant::now();
    let (mut device, bundle) = (pushed(now), bundle());
    for (number, piece) in bundle.chunks(700).enumerate() {
        assert_eq!(device.ota_percent(), Some(0));
        assert_eq!(write(&mut device, number as u64 * 700, piece, now), Ok(()));
        assert_eq!(write(&mut device, number as u64 * 700, piece, now).is_ok(), piece.len() == 700);
    }
    assert_eq!((device.ota_percent(), device.flash().boot.active_slot), (None, 1));
    assert_eq!(device.next_event(), Some(now + Duration::from_millis(500)));
    assert_eq!((device.end_push(), device.end_push()), (PushReply::Applied, PushReply::Now(Err(not_started()))));
}

#[test]
fn push_without_data_times_out_and_next_call_gets_error() {
    let now = Instant::now();
    let mut device = pushed(now);
    let later = now + Duration::from_secs(7);
    assert_eq!(write(&mut device, 0, b"PK", later), Ok(()));
    let end = later + TIMEOUTS.timeout;
    assert_eq!(device.next_event(), Some(end));
    device.tick(end);
    let error = Err(MethodError::new(-1, "-5 Update timed out"));
    assert_eq!((device.ota_percent(), write(&mut device, 2, b"x", end)), (None, error.clone()));
    assert_eq!((device.end_push(), device.next_event()), (PushReply::Now(error), None));
}

#[test]
fn reboot_during_update_drops_update_and_waiting_call() {
    let now = Instant::now();
    let mut device = pushed(now);
    assert!(device.wait_for_update() && device.is_waiting());
    reboot(&mut device, now);
    assert_eq!((device.ota_percent(), device.is_waiting(), device.take_outcome()), (None, false, None));
    assert_eq!(device.write_push(Some(0), b"PK".to_vec()), PushReply::Now(Err(not_started())));
}

#[test]
fn pull_after_refused_pull_starts() {
    let now = Instant::now();
    let mut device = device(Generation::Y2022, now);
    let first = device.register_pull();
    device.refuse_pull(first, Err(MethodError::new(-1, "Connect error")));
    assert_eq!(device.take_outcome(), Some(Err(MethodError::new(-1, "Connect error"))));
    let second = device.register_pull();
    assert!(!device.start_pull(first, 100, TIMEOUTS, now), "the refused pull has ended");
    assert!(device.start_pull(second, 100, TIMEOUTS, now));
    device.report_pull(second, MethodError::new(-1, "Connect error"));
    assert_eq!(device.take_outcome(), Some(Err(MethodError::new(-1, "Connect error"))));
    assert_eq!((device.is_waiting(), device.ota_percent()), (false, Some(0)), "the update goes on");
    assert_eq!(device.feed_pull(second, &bundle(), now), FeedResult::Complete);
    assert_eq!(device.take_outcome(), None, "no call waits");
}

#[test]
fn snapshot_during_push_causes_digest_mismatch() {
    let now = Instant::now();
    let (mut device, bundle) = (pushed(now), bundle());
    assert_eq!(write(&mut device, 0, &bundle[..700], now), Ok(()));
    assert_eq!(device.create_snapshot(false, None, now), Ok(1));
    assert_eq!(write(&mut device, 700, &bundle[700..], now), Err(UpdateError::Digest.of_piece()));
}
