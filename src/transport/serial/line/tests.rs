use std::sync::Arc;

use super::*;
use crate::transport::serial::settings::SerialSettings;

fn line() -> (Line, Instant) {
    let now = Instant::now();
    (Line::new(Framing::Line, SharedPortState::new(&SerialSettings::default(), now), SerialLinkStats::default()), now)
}

/// Returns what the line writes up to `until`, and advances the clock.
fn written(line: &mut Line, now: &mut Instant, until: Instant) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        match line.next_action(*now) {
            WriteAction::Write(bytes) => {
                let bytes = bytes.to_vec();
                line.on_written(bytes.len(), *now);
                all.extend(bytes);
            }
            WriteAction::Wait(at) if at <= until => *now = at,
            WriteAction::Wait(_) | WriteAction::Idle => return all,
        }
    }
}

fn call(id: u64, len: usize) -> Vec<u8> {
    format!(r#"{{"id":{id},"method":"{}"}}"#, "M".repeat(len - 20)).into_bytes()
}

#[test]
fn frame_is_sent_as_line_with_crc_after_empty_line() {
    let (mut line, mut now) = line();
    line.send(br#"{"id": 102, "method": "RPC.Ping"}"#.to_vec(), now);
    let until = now + Duration::from_secs(1);
    let bytes = written(&mut line, &mut now, until);
    assert_eq!(String::from_utf8_lossy(&bytes), "\n{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n");
}

/// XOFF and XON are removed from the received bytes, even inside a frame.
#[test]
fn xoff_in_a_frame_stops_sending() {
    let (mut line, mut now) = line();
    line.send(call(1, 1000), now);
    let until = now + Duration::from_millis(20);
    let before = written(&mut line, &mut now, until).len();
    assert!((150..400).contains(&before), "{before} bytes in 20 ms");
    let frames = line.receive(b"log\n{\"id\":1,\x13\"result\":null}\n", now);
    assert_eq!(frames, [br#"{"id":1,"result":null}"#.to_vec()]);
    let until = now + Duration::from_secs(1);
    assert_eq!(written(&mut line, &mut now, until), b"");
    line.receive(b"\x11", now);
    let until = now + Duration::from_secs(1);
    assert_eq!(before + written(&mut line, &mut now, until).len(), 1 + 1000 + 8 + 1);
}

#[test]
fn cancelled_call_is_not_sent_after_xon() {
    let (mut line, mut now) = line();
    line.receive(b"\x13", now);
    let wanted = Arc::new(());
    line.send(OutgoingFrame::of_call(call(1, 100), Arc::downgrade(&wanted)), now);
    let until = now + Duration::from_secs(1);
    assert_eq!(written(&mut line, &mut now, until), b"");
    drop(wanted);
    line.receive(b"\x11", now);
    let until = now + Duration::from_secs(1);
    assert_eq!(written(&mut line, &mut now, until), b"\n");
    assert!(line.has_room(), "no room for the next frame");
}

/// A partly sent frame would spoil the next one.
#[test]
fn partly_sent_call_cancelled_is_sent_whole() {
    let (mut line, mut now) = line();
    let wanted = Arc::new(());
    line.send(OutgoingFrame::of_call(call(1, 1000), Arc::downgrade(&wanted)), now);
    let until = now + Duration::from_millis(20);
    let begun = written(&mut line, &mut now, until).len();
    drop(wanted);
    let until = now + Duration::from_secs(1);
    assert_eq!(begun + written(&mut line, &mut now, until).len(), 1 + 1000 + 8 + 1);
}

/// A device without flow control does not report a loss. A frame that is sent a second time shows it.
#[test]
fn frame_sent_again_reduces_the_rate() {
    let (mut line, mut now) = line();
    line.send(call(1, 200), now);
    let until = now + Duration::from_secs(1);
    written(&mut line, &mut now, until);
    line.send(call(1, 200), now + MIN_RESEND_INTERVAL / 2);
    assert!(line.has_room() && !line.port_state.lock().pacing.is_slowed(), "the device may still process the frame");
    line.send(call(1, 200), now + MIN_RESEND_INTERVAL);
    assert!(!line.has_room() && line.port_state.lock().pacing.is_slowed());
}

/// The next link to the same device does not have to detect rate and delimiter again.
#[test]
fn rate_and_legacy_delimiter_are_kept_for_next_link() {
    let (start, port_state) = (Instant::now(), SharedPortState::new(&SerialSettings::default(), Instant::now()));
    let mut line = Line::new(Framing::Auto, port_state.clone(), SerialLinkStats::default());
    let mut now = start;
    line.send(call(1, 100), now);
    for round in 1..=2_u32 {
        let until = start + Duration::from_millis(700) * round;
        written(&mut line, &mut now, until);
        line.receive(
            format!("\"\"\"{{\"id\":\"otactl-b-{round}\",\"src\":\"d\",\"result\":{{}}}}\"\"\"\n").as_bytes(),
            now,
        );
    }
    port_state.lock().pacing.on_frame_lost(now, now);
    let mut next = Line::new(Framing::Auto, port_state.clone(), SerialLinkStats::default());
    next.send(call(2, 100), now);
    let until = now + Duration::from_secs(1);
    let bytes = written(&mut next, &mut now, until);
    assert!(String::from_utf8_lossy(&bytes).contains("\"\"\"{\"id\":2"), "{}", String::from_utf8_lossy(&bytes));
    assert!(port_state.lock().pacing.is_slowed());
}

/// If even the lowest rate is too fast, the device gets no more bytes at a time than it has room for.
#[test]
fn frames_at_lowest_rate_are_sent_one_at_a_time() {
    let (mut line, mut now) = line();
    for after in [0, 1, 2] {
        let at = now + Duration::from_secs(after);
        line.port_state.lock().pacing.on_frame_lost(at, at);
    }
    assert!(line.port_state.lock().pacing.is_slowest());
    line.send(call(1, 200), now);
    line.send(call(2, 200), now);
    let until = now + Duration::from_millis(500);
    assert_eq!(written(&mut line, &mut now, until).len(), 1 + 209, "one frame");
    assert!(
        matches!(line.next_action(now), WriteAction::Wait(at) if at <= now + MAX_ANSWER_WAIT),
        "the next frame waits too long for the answer"
    );
    line.receive(b"{\"id\":1,\"result\":null}\n", now);
    let until = now + Duration::from_millis(500);
    assert_eq!(written(&mut line, &mut now, until).len(), 209, "the next frame");
}

/// A damaged answer does not show that the device has lost a frame.
#[test]
fn damaged_answer_keeps_the_rate() {
    let (mut line, mut now) = line();
    line.send(call(1, 100), now);
    let until = now + Duration::from_millis(100);
    written(&mut line, &mut now, until);
    now += Duration::from_millis(10);
    line.receive(b"{\"id\":1,\"result\":nu\xffl}12345678\n", now);
    assert_eq!(line.stats.on_damaged_frame(), 2, "the damaged answer was counted");
    now += Duration::from_millis(500);
    line.send(call(1, 100), now);
    assert!(!line.port_state.lock().pacing.is_slowed());
}
