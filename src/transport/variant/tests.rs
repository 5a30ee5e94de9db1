use std::sync::Arc;

use super::*;

const CALL: &[u8] = br#"{"id":7,"method":"OTA.Commit"}"#;
const REPLY: &[u8] = br#"{"id":7,"src":"d","result":null}"#;
const PREFERRED_REPLY: &[u8] = br#"{"id":"otactl-a-1","src":"d","result":{}}"#;
const LEGACY_REPLY_1: &[u8] = br#"{"id":"otactl-b-1","src":"d","error":{"code":401}}"#;
const LEGACY_REPLY_2: &[u8] = br#"{"id":"otactl-b-2","src":"d","result":{}}"#;

#[test]
fn device_that_answers_is_not_probed() {
    let now = Instant::now();
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), now);
    assert_eq!(detector.on_frame(REPLY), FrameMeaning::Frame);
    assert_eq!((detector.probe_at(), detector.variant()), (None, Variant::Preferred));
    detector.on_call_sent(8, CALL.to_vec().into(), now);
    assert_eq!(detector.due_probes(now + SLOW_PROBE_INTERVAL), None, "it has answered before");
}

#[test]
fn slow_call_is_not_sent_again_when_preferred_probe_is_answered() {
    let now = Instant::now();
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), now);
    assert!(detector.due_probes(now + PROBE_AFTER).is_some());
    assert_eq!(
        [detector.on_frame(PREFERRED_REPLY), detector.on_frame(LEGACY_REPLY_1)],
        [FrameMeaning::ProbeReply, FrameMeaning::ProbeReply]
    );
    assert_eq!((detector.variant(), detector.probe_at()), (Variant::Preferred, None));
}

/// A call ends when its caller cancels it, or when its deadline passes.
#[test]
fn ended_call_is_not_sent_again_in_legacy_variant() {
    let start = Instant::now();
    let (mut detector, calls) = (VariantDetector::new(None, None), [Arc::new(()), Arc::new(())]);
    for (id, call) in (7..).zip(&calls) {
        detector.on_call_sent(id, OutgoingFrame::of_call(CALL.to_vec(), Arc::downgrade(call)), start);
    }
    let [ended, _alive] = calls;
    drop(ended);
    for (round, answer) in [(1, LEGACY_REPLY_1), (2, LEGACY_REPLY_2)] {
        assert!(detector.due_probes(start + PROBE_AFTER * round).is_some());
        let meaning = detector.on_frame(answer);
        if round == 2 {
            assert_eq!(meaning, FrameMeaning::Settled(vec![(8, CALL.to_vec().into())]));
        }
    }
}

/// One unanswered probe proves nothing, two do.
#[test]
fn calls_are_sent_again_after_two_legacy_only_rounds() {
    let now = Instant::now();
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), now);
    detector.on_call_sent(7, CALL.to_vec().into(), now);
    assert_eq!(detector.due_probes(now), None, "not yet");
    let [(first, _), (second, probe)] = detector.due_probes(now + PROBE_AFTER).expect("due");
    assert_eq!((first, second), (Variant::Preferred, Variant::Legacy));
    assert_eq!(probe, br#"{"id":"otactl-b-1","method":"RPC.Ping"}"#);
    assert_eq!((detector.on_frame(LEGACY_REPLY_1), detector.variant()), (FrameMeaning::ProbeReply, Variant::Preferred));
    assert!(detector.due_probes(now + PROBE_AFTER * 2).is_some());
    assert_eq!(detector.on_frame(LEGACY_REPLY_1), FrameMeaning::ProbeReply, "an answer to the probe of round 1");
    assert_eq!(detector.on_frame(LEGACY_REPLY_2), FrameMeaning::Settled(vec![(7, CALL.to_vec().into())]));
    assert_eq!((detector.variant(), detector.probe_at()), (Variant::Legacy, None));
}

/// Where a broker blocks the per-method topics, a call on the single topic would be executed twice.
#[test]
fn device_that_answers_twice_gets_no_call_in_legacy_variant() {
    let now = Instant::now();
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), now);
    for (round, answer) in [(1, LEGACY_REPLY_1), (2, LEGACY_REPLY_2)] {
        assert!(detector.due_probes(now + PROBE_AFTER * round).is_some());
        assert_eq!(
            [detector.on_frame(answer), detector.on_frame(answer)],
            [FrameMeaning::ProbeReply, FrameMeaning::ProbeReply]
        );
    }
    assert_eq!(detector.variant(), Variant::Preferred);
}

#[test]
fn fall_back_returns_unanswered_calls() {
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), Instant::now());
    assert_eq!(detector.ping(Variant::Legacy), br#"{"id":"otactl-b-probe","method":"RPC.Ping"}"#);
    let answer = br#"{"id":"otactl-b-probe","src":"d","result":{}}"#;
    assert_eq!(
        [detector.on_frame(answer), detector.on_frame(answer)],
        [FrameMeaning::ProbeReply, FrameMeaning::ProbeReply]
    );
    assert!(!detector.executes_twice() && detector.variant() == Variant::Preferred);
    assert_eq!(detector.fall_back(), [(7, CALL.to_vec().into())]);
    assert_eq!((detector.variant(), detector.probe_at()), (Variant::Legacy, None));
    assert_eq!(detector.on_frame(REPLY), FrameMeaning::Frame);
}

/// A device may send requests without having received any frame.
#[test]
fn request_of_the_device_does_not_settle_the_variant() {
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), Instant::now());
    assert_eq!(detector.on_frame(br#"{"id":1,"src":"d","method":"Dash.Heartbeat"}"#), FrameMeaning::Frame);
    assert!(detector.probe_at().is_some());
}

#[test]
fn chosen_variant_is_not_probed() {
    let now = Instant::now();
    for chosen in [Variant::Preferred, Variant::Legacy] {
        let mut detector = VariantDetector::new(Some(chosen), None);
        detector.on_call_sent(7, CALL.to_vec().into(), now);
        assert_eq!((detector.probe_at(), detector.variant()), (None, chosen));
    }
}

/// A device that is switched off is not flooded with probes.
#[test]
fn silent_device_is_probed_every_two_seconds() {
    let start = Instant::now();
    let mut detector = VariantDetector::new(None, None);
    detector.on_call_sent(7, CALL.to_vec().into(), start);
    let mut probes = 0;
    while let Some(at) = detector.probe_at().filter(|at| *at < start + Duration::from_secs(60)) {
        assert!(detector.due_probes(at).is_some());
        probes += 1;
    }
    assert!((20..40).contains(&probes), "{probes} probes in a minute");
}
