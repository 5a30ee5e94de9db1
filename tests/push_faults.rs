//! Pushes to a fake device that is slow, strict, silent or off. The clock is paused, and advances only when every task
//! waits.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use otactl::rpc::{CallError, Device, DialError, RemoteError, Request, RpcClient};
use otactl::update::device_state::DeviceState;
use otactl::update::push::{Aborted, PushFailure, PushLimits, Pushed, Reason, push};
use otactl::update::timeouts::Timeouts;
use parking_lot::Mutex;
use serde_json::{Value, json};
use support::event_log::EventLog;
use support::fake_device::{lost, timed_out_after};
use tokio::time::{Instant, sleep};

/// The number of the last piece of the bundle.
const LAST_PIECE: usize = 27;

/// A fault of one call.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// The link breaks before the call reaches the device.
    RequestLost,
    /// The link breaks after the device has executed the call.
    ReplyLost,
    /// The device does not get the call, and no error shows that.
    Swallowed,
    /// The reply takes this time.
    Slow(Duration),
    /// The device restarts before the call, and sends nothing.
    Restart,
    /// The device is switched off for good.
    SwitchOff,
}

/// Holds the state of a device that behaves as recorded in wire/ota2022-ws.json.
///
/// The device accepts the next piece and acknowledges the last one again. It refuses any other with the offset that it
/// expects. After the last byte, the new firmware boots next.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
struct State {
    received: Option<Vec<u8>>,
    /// The offset of the last accepted piece, in bytes.
    last: Option<usize>,
    /// The device has the whole firmware.
    is_applied: bool,
    /// `OTA.End` arrived after the whole firmware.
    is_ended: bool,
    started: Option<Instant>,
    is_off: bool,
    has_new_firmware: bool,
    calls: HashMap<String, usize>,
    /// The method, the number of its call, counted from 0, and the fault.
    faults: Vec<(&'static str, usize, Fault)>,
    /// The duration of every call of a method.
    slow: Option<(&'static str, Duration)>,
    /// The largest request that arrives, in bytes.
    max_request: Option<usize>,
}

#[derive(Debug, Clone)]
struct PushDevice(Arc<Mutex<State>>);

impl PushDevice {
    fn new(faults: &[(&'static str, usize, Fault)]) -> Self {
        let state = State { started: Some(Instant::now()), faults: faults.to_vec(), ..State::default() };
        Self(Arc::new(Mutex::new(state)))
    }

    fn with<R>(&self, work: impl FnOnce(&mut State) -> R) -> R {
        work(&mut self.0.lock())
    }

    fn calls(&self, method: &str) -> usize {
        self.with(|state| state.calls.get(method).copied().unwrap_or(0))
    }
}

fn error(message: &str) -> Result<Value, RemoteError> {
    Err(RemoteError { code: -1, message: Some(message.into()) })
}

impl State {
    fn run(&mut self, request: &Request) -> Result<Value, RemoteError> {
        let params = request.params.clone().unwrap_or_default();
        let uptime = self.started.map_or(Duration::ZERO, |started| started.elapsed()).as_secs();
        match request.method.as_str() {
            "Sys.GetInfo" => {
                Ok(json!({"fw_version": if self.has_new_firmware { "2" } else { "1" }, "fw_id": "b", "uptime": uptime}))
            }
            "OTA.GetBootState" => {
                Ok(json!({"active_slot": u8::from(self.is_applied), "is_committed": !self.is_applied}))
            }
            "OTA.Begin" if self.received.is_some() => error("Update failed to start"),
            "OTA.Begin" => {
                self.received = Some(Vec::new());
                Ok(Value::Null)
            }
            "OTA.Write" if self.is_applied => error("1 Update applied, rebooting"),
            "OTA.Write" => {
                let data = STANDARD.decode(params["data"].as_str().expect("a piece")).expect("base64");
                let Some(received) = &mut self.received else { return error("Update not started") };
                let offset = params["offset"].as_u64().and_then(|offset| usize::try_from(offset).ok());
                let offset = offset.expect("every piece has an offset");
                if self.last == Some(offset) {
                    return Ok(Value::Null);
                }
                if offset != received.len() {
                    return error(&format!("Expected offset {}, got {offset}", received.len()));
                }
                self.last = Some(offset);
                received.extend(data);
                self.is_applied = received.len() == bundle().len();
                Ok(Value::Null)
            }
            "OTA.End" if self.is_ended || self.received.is_none() => error("Update not started"),
            "OTA.End" if self.is_applied => {
                self.is_ended = true;
                Ok(json!({"state": 0, "is_committed": false}))
            }
            "OTA.End" => {
                (self.received, self.last) = (None, None);
                error("-13 Unexpected end of data")
            }
            "OTA.Status" => Err(RemoteError { code: 404, message: None }),
            other => panic!("{other}"),
        }
    }
}

#[async_trait]
impl RpcClient for PushDevice {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let (fault, slow, is_off) = self.with(|state| {
            let count = state.calls.entry(request.method.clone()).or_default();
            let number = *count;
            *count += 1;
            let fault = state.faults.iter().find(|(method, at, _)| *method == request.method && *at == number);
            let mut fault = fault.map(|(_, _, fault)| *fault);
            if state.max_request.is_some_and(|max_request| request.encode(1, None).len() > max_request) {
                fault = Some(Fault::Swallowed);
            }
            state.is_off |= fault == Some(Fault::SwitchOff);
            if fault == Some(Fault::Restart) {
                (state.received, state.last) = (None, None);
                state.started = Some(Instant::now());
            }
            let slow = state.slow.filter(|(method, _)| *method == request.method).map(|(_, time)| time);
            (fault, slow, state.is_off)
        });
        if is_off {
            sleep(request.timeout).await;
            return Err(CallError::unreachable("fake", DialError::Silent(request.timeout)));
        }
        match fault {
            Some(Fault::RequestLost) => return lost(true),
            Some(Fault::Swallowed | Fault::Restart) => {
                sleep(request.timeout).await;
                return timed_out_after(&request.method, request.timeout);
            }
            _ => {}
        }
        let result = self.with(|state| state.run(&request));
        match fault {
            Some(Fault::ReplyLost) => return lost(true),
            Some(Fault::Slow(time)) => sleep(time).await,
            _ => sleep(slow.unwrap_or(Duration::from_millis(5))).await,
        }
        result.map_err(|error| CallError::Remote { method: request.method, error })
    }

    fn drop_link(&self) {}

    fn window(&self) -> usize {
        4
    }
}

fn bundle() -> Bytes {
    (0..60_000_u32).map(|at| u8::try_from(at * 7 % 253).expect("a byte")).collect::<Vec<_>>().into()
}

/// Pushes the bundle. Returns the result, the events, and the duration.
async fn send(fake: &PushDevice) -> (Result<Pushed, PushFailure>, EventLog, Duration) {
    send_within(fake, None).await
}

/// Pushes the bundle with a time limit. Returns the result, the events, and the duration.
async fn send_within(fake: &PushDevice, limit: Option<Duration>) -> (Result<Pushed, PushFailure>, EventLog, Duration) {
    let device = Device::new(Box::new(fake.clone()), Duration::from_secs(10));
    let before = DeviceState::read(&device, device.timeout()).await.expect("an answer");
    let limits = PushLimits {
        commit_timeout: 60,
        timeout: Duration::from_secs(600),
        total: limit,
        timeouts: Timeouts::default(),
    };
    let (log, began) = (EventLog::default(), Instant::now());
    let pushed = push(&device, &bundle(), &before, limits, &log).await;
    (pushed, log, began.elapsed())
}

fn assert_whole(fake: &PushDevice) {
    assert_eq!(
        fake.with(|state| state.received.clone()).as_deref(),
        Some(&*bundle()),
        "every byte, and every byte once"
    );
}

/// A lost reply leaves open whether the piece arrived. otactl sends the piece again, and the device accepts it only once.
#[tokio::test(start_paused = true)]
async fn piece_whose_reply_is_lost_is_not_taken_twice() {
    for (fault, why) in [
        (Fault::ReplyLost, "it arrived"),
        (Fault::RequestLost, "it did not arrive"),
        (Fault::Swallowed, "it did not arrive, and no error was seen"),
    ] {
        for at in [0, 7, LAST_PIECE] {
            let fake = PushDevice::new(&[("OTA.Write", at, fault)]);
            let (pushed, log, took) = send(&fake).await;
            match pushed {
                Ok(Pushed::Confirmed) => {}
                // The boot state shows that the device has the whole firmware.
                Ok(Pushed::Unconfirmed { .. }) if (fault, at) == (Fault::ReplyLost, LAST_PIECE) => {}
                other => panic!("{why}, at {at}: {other:?}"),
            }
            assert!(log.resume_count() <= 1, "{why}, at {at}: {}", log.resume_count());
            // The device refuses the pieces after a lost one at once. No piece follows the last one.
            assert!(took < Duration::from_secs(if at == LAST_PIECE { 12 } else { 1 }), "{why}, at {at}: {took:?}");
            assert_whole(&fake);
        }
    }
}

/// A piece may take 25 s: the device is slow, but makes progress.
#[tokio::test(start_paused = true)]
async fn push_to_a_slow_device_is_confirmed() {
    for time in [Duration::from_secs(9), Duration::from_secs(25)] {
        let fake = PushDevice::new(&[("OTA.Write", 0, Fault::Slow(Duration::from_secs(9)))]);
        fake.with(|state| state.slow = Some(("OTA.Write", time)));
        let (pushed, log, _) = send(&fake).await;
        assert_eq!(pushed.expect("sent"), Pushed::Confirmed);
        assert_eq!(log.resume_count(), 0, "{time:?}");
        assert_whole(&fake);
    }
}

/// A limit of the user also ends a slow push. otactl cancels it on the device.
#[tokio::test(start_paused = true)]
async fn push_over_its_time_limit_fails_and_is_ended() {
    let limit = Duration::from_secs(30);
    for time in [Duration::from_secs(9), Duration::from_secs(9999)] {
        let fake = PushDevice::new(&[]);
        fake.with(|state| state.slow = Some(("OTA.Write", time)));
        let (pushed, _, took) = send_within(&fake, Some(limit)).await;
        let failure = pushed.expect_err("too slow");
        assert!(matches!(failure.reason, Reason::TooSlow { after } if after == limit), "{time:?}: {failure:?}");
        assert_eq!(failure.aborted, Aborted::Ended, "{time:?}: {failure:?}");
        let most = limit + Timeouts::default().reply_after_deadline + Duration::from_secs(15);
        assert!((limit..most).contains(&took), "{time:?}: {took:?}");
    }
}

/// After the last byte, otactl reports a failure only if the device shows that it kept the old firmware.
#[tokio::test(start_paused = true)]
async fn push_that_may_be_complete_is_not_a_failure() {
    let limit = Duration::from_secs(20);
    // The reply to the last piece is lost, or the piece itself. otactl sends it again.
    for fault in [Fault::Slow(Duration::from_secs(9999)), Fault::SwitchOff, Fault::Swallowed] {
        let fake = PushDevice::new(&[("OTA.Write", LAST_PIECE, fault)]);
        let (pushed, ..) = send_within(&fake, Some(limit)).await;
        let acknowledged = match pushed {
            Ok(Pushed::Unconfirmed { acknowledged, .. }) => acknowledged,
            Ok(Pushed::Confirmed) => 60_000,
            Err(failure) => panic!("{fault:?}: {failure:?}"),
        };
        assert_eq!(acknowledged == 60_000, fault != Fault::SwitchOff, "{fault:?}: {acknowledged}");
    }
    // The last piece never arrives, but the device answers other calls.
    let fake = PushDevice::new(&[]);
    fake.with(|state| state.faults = (LAST_PIECE..99).map(|at| ("OTA.Write", at, Fault::Swallowed)).collect());
    let (pushed, ..) = send_within(&fake, Some(limit)).await;
    let failure = pushed.expect_err("it has not got the last piece");
    assert!(matches!(failure.reason, Reason::TooSlow { .. }) && failure.aborted == Aborted::Ended, "{failure:?}");
}

/// After the last piece, the device may take the time that it needs. Here it does not tell its state.
#[tokio::test(start_paused = true)]
async fn slow_ota_end_is_awaited_beyond_the_limit() {
    let fake = PushDevice::new(&[("OTA.End", 0, Fault::Slow(Duration::from_secs(9)))]);
    fake.with(|state| state.faults.extend((1..99).map(|at| ("OTA.GetBootState", at, Fault::Swallowed))));
    let (pushed, _, took) = send_within(&fake, Some(Duration::from_secs(2))).await;
    assert!(matches!(pushed, Ok(Pushed::Confirmed)), "{pushed:?} after {took:?}");
}

#[tokio::test(start_paused = true)]
async fn push_to_a_device_switched_off_fails_as_gone() {
    let fake = PushDevice::new(&[("OTA.Write", 9, Fault::SwitchOff)]);
    let (pushed, _, took) = send(&fake).await;
    let failure = pushed.expect_err("the device is gone");
    assert!(matches!(failure.reason, Reason::Gone { .. }), "{failure:?}");
    assert!(failure.acknowledged > 0 && failure.total == 60_000, "{failure:?}");
    assert_eq!(failure.aborted, Aborted::NotSent, "{failure:?}");
    let dead = Timeouts::default().no_progress;
    assert!((dead..dead + Duration::from_secs(15)).contains(&took), "{took:?}");
}

/// The restart has lost the received part. If otactl continued, the next piece would fail with a misleading error.
#[tokio::test(start_paused = true)]
async fn restart_during_a_push_is_reported() {
    let fake = PushDevice::new(&[("OTA.Write", 9, Fault::Restart)]);
    // Without this time, the restart would not show in the uptime.
    sleep(Duration::from_secs(60)).await;
    let (pushed, ..) = send(&fake).await;
    let failure = pushed.expect_err("restarted");
    assert!(matches!(failure.reason, Reason::Restarted), "{failure:?}");
    assert_eq!((failure.aborted, fake.calls("OTA.End")), (Aborted::NotSent, 0), "there is nothing to give up");
}

/// The link loses large pieces, as a UART without flow control does while flash is written.
#[tokio::test(start_paused = true)]
async fn lost_pieces_are_sent_again_in_smaller_pieces() {
    let fake = PushDevice::new(&[]);
    fake.with(|state| state.max_request = Some(300));
    let (pushed, log, took) = send(&fake).await;
    assert_eq!(pushed.expect("sent"), Pushed::Confirmed);
    assert!(log.resume_count() <= 3 && took < Duration::from_secs(60), "{} {took:?}", log.resume_count());
    assert_whole(&fake);

    let fake = PushDevice::new(&[]);
    fake.with(|state| state.max_request = Some(150));
    let (pushed, _, took) = send(&fake).await;
    let failure = pushed.expect_err("nothing arrives");
    assert!(matches!(failure.reason, Reason::Stuck(_)), "{failure:?}");
    assert_eq!(failure.aborted, Aborted::Ended, "{failure:?}");
    assert!(took < Duration::from_secs(90), "{took:?}");
}

/// The device reboots after the last byte, with or without `OTA.End`. Its boot state shows the new firmware.
#[tokio::test(start_paused = true)]
async fn lost_ota_end_of_a_complete_push_is_not_a_failure() {
    for fault in [Fault::RequestLost, Fault::ReplyLost, Fault::Swallowed, Fault::SwitchOff] {
        let fake = PushDevice::new(&[("OTA.End", 0, fault)]);
        let (pushed, ..) = send(&fake).await;
        assert!(matches!(pushed, Ok(Pushed::Unconfirmed { .. })), "{fault:?}: {pushed:?}");
        assert_eq!(fake.calls("OTA.End"), 1, "{fault:?}");
    }
}

/// A device that has the whole firmware answers a further piece with `1 Update applied, rebooting`.
#[tokio::test(start_paused = true)]
async fn late_piece_of_a_complete_push_is_a_success() {
    let fake = PushDevice::new(&[]);
    fake.with(|state| state.is_applied = true);
    let (pushed, ..) = send(&fake).await;
    assert!(matches!(pushed, Ok(Pushed::Confirmed)), "{pushed:?}");
}

/// A device that sent no reply to `OTA.Begin` may have begun.
#[tokio::test(start_paused = true)]
async fn lost_ota_begin_is_ended_and_sent_again() {
    let fake = PushDevice::new(&[("OTA.Begin", 0, Fault::RequestLost)]);
    let (pushed, ..) = send(&fake).await;
    assert_eq!(pushed.expect("sent"), Pushed::Confirmed);
    assert_eq!((fake.calls("OTA.Begin"), fake.calls("OTA.End")), (2, 2));
    assert_whole(&fake);
}

/// The device may have begun, and would then refuse other updates while it waits for this one.
#[tokio::test(start_paused = true)]
async fn ota_begin_without_a_reply_is_ended_on_the_device() {
    let fake = PushDevice::new(&[("OTA.Begin", 0, Fault::Swallowed), ("OTA.Begin", 1, Fault::Swallowed)]);
    let (pushed, ..) = send(&fake).await;
    let failure = pushed.expect_err("it has not been heard to begin");
    assert!(matches!(failure.reason, Reason::NotBegun(_)), "{failure:?}");
    assert_eq!((fake.calls("OTA.Begin"), fake.calls("OTA.End")), (2, 2), "each is taken back");
}
