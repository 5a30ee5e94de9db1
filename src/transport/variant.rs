//! Which of two ways of asking a device understands. Plain data: the clock is an argument.
//!
//! There is a better variant, and one that every device has understood at some time: on a serial line, frames as
//! lines before frames in `"""`; over MQTT, a topic for each method before one for all. A device that does
//! not understand the better one is silent. So when the first calls go unanswered, it is asked in both ways
//! whether it is there. A question that changes nothing may be asked twice; the calls themselves are made
//! in the other variant only when it is certain that nobody has heard them.
//!
//! A device library that runs things twice gives itself away by answering a question twice. It hears the better
//! variant, and is never asked in the other.

use std::time::Duration;

use tokio::time::Instant;

use super::link::OutgoingFrame;
use crate::rpc::frame::{self, Addressing};
use crate::rpc::unreadable;

/// How long a device may take to answer before it is asked whether it is there.
const PROBE_AFTER: Duration = Duration::from_millis(600);

/// How often that is asked in quick succession; then it is asked seldom, and the answer is awaited.
const QUICK_PROBES: u32 = 3;

/// The interval after that.
const SLOW_PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// So often has the other variant to be the only one that is answered: noise may eat a question.
const LEGACY_ANSWERS_NEEDED: u32 = 2;

/// Calls that are kept to be made again. More than this are not under variant at a time.
const MAX_UNANSWERED: usize = 64;

/// The ids of the questions. Strings come back as strings, and so cannot be taken for ids of calls.
const PREFERRED_ID: &str = "otactl-a-";
const LEGACY_ID: &str = "otactl-b-";

/// A variant of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// The one that is tried first.
    Preferred,
    /// The one that is left.
    Legacy,
}

/// What is known about the device's understanding.
#[derive(Debug)]
pub(super) struct VariantDetector {
    variant: Variant,
    is_certain: bool,
    /// Who asks whom, as every frame says it.
    addressing: Option<Addressing>,
    /// What has gone out and was not answered, while nothing is certain.
    unanswered: Vec<(u64, OutgoingFrame)>,
    /// When the device is asked next.
    ask_at: Option<Instant>,
    asked: u32,
    /// How often only the question in the other variant was answered, and in which round last.
    only_legacy: u32,
    answered_in: u32,
    /// It answers one question twice, and so would run a call twice.
    executes_twice: bool,
}

/// What a frame of the device's means here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FrameMeaning {
    /// It is for whoever makes calls.
    Frame,
    /// It was the answer to a question of ours.
    Answer,
    /// The answer to a question of ours, which shows the variant of the device. The device has not understood these calls, and
    /// they are sent again. Calls that have ended meanwhile are left out.
    Settled(Vec<(u64, OutgoingFrame)>),
}

impl VariantDetector {
    /// Asks in the variant that was chosen, or finds out.
    pub(super) fn new(chosen: Option<Variant>, addressing: Option<Addressing>) -> Self {
        Self {
            variant: chosen.unwrap_or(Variant::Preferred),
            is_certain: chosen.is_some(),
            addressing,
            unanswered: Vec::new(),
            ask_at: None,
            asked: 0,
            only_legacy: 0,
            answered_in: 0,
            executes_twice: false,
        }
    }

    /// How to make the next call.
    pub(super) fn variant(&self) -> Variant {
        self.variant
    }

    /// A call has gone out.
    pub(super) fn called(&mut self, id: u64, frame: OutgoingFrame, now: Instant) {
        if self.is_certain
            || self.unanswered.len() == MAX_UNANSWERED
            || self.unanswered.iter().any(|(said, _)| *said == id)
        {
            return;
        }
        self.unanswered.push((id, frame));
        self.ask_at.get_or_insert(now + PROBE_AFTER);
    }

    /// Whether the device runs twice what it is told in the other variant, and does not hear the better one.
    pub(super) fn executes_twice(&self) -> bool {
        self.executes_twice
    }

    /// When the device is to be asked.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// The questions, if they are due, to be asked in this order.
    pub(super) fn questions(&mut self, now: Instant) -> Option<[(Variant, Vec<u8>); 2]> {
        self.ask_at.filter(|at| *at <= now)?;
        self.asked += 1;
        self.ask_at = Some(now + if self.asked < QUICK_PROBES { PROBE_AFTER } else { SLOW_PROBE_INTERVAL });
        let question = |id: &str| frame::ping(&format!("{id}{}", self.asked), self.addressing.as_ref());
        Some([(Variant::Preferred, question(PREFERRED_ID)), (Variant::Legacy, question(LEGACY_ID))])
    }

    /// A frame has come.
    pub(super) fn on_frame(&mut self, json: &[u8]) -> FrameMeaning {
        let answers = |id: &str| json.starts_with(format!(r#"{{"id":"{id}"#).as_bytes());
        if answers(LEGACY_ID) {
            // Only the answer to the last question counts, and only if it is the only one.
            let is_last = answers(&format!("{LEGACY_ID}{}\"", self.asked));
            return if is_last { self.on_legacy_answer() } else { FrameMeaning::Answer };
        }
        // Whatever else is answered was asked in the better variant.
        let is_answer = answers(PREFERRED_ID);
        if !self.is_certain && (is_answer || frame::is_reply(json) || unreadable::find(json).is_some()) {
            self.settle(Variant::Preferred);
        }
        if is_answer { FrameMeaning::Answer } else { FrameMeaning::Frame }
    }

    /// The question in the better variant went out before, and would have been answered before.
    fn on_legacy_answer(&mut self) -> FrameMeaning {
        if self.is_certain {
            return FrameMeaning::Answer;
        }
        if self.answered_in == self.asked {
            self.executes_twice = true;
            tracing::debug!("the device runs twice what comes to it in this variant");
        }
        self.answered_in = self.asked;
        self.only_legacy += 1;
        if self.executes_twice || self.only_legacy < LEGACY_ANSWERS_NEEDED {
            return FrameMeaning::Answer;
        }
        FrameMeaning::Settled(self.settle(Variant::Legacy))
    }

    /// What stands between does not carry the better variant. Returns the calls that are to be made in the other one.
    pub(super) fn fall_back(&mut self) -> Vec<(u64, OutgoingFrame)> {
        self.settle(Variant::Legacy)
    }

    /// A question in this variant whose answer settles nothing: only whether it is carried counts.
    pub(super) fn probe(&self, variant: Variant) -> Vec<u8> {
        let id = if variant == Variant::Preferred { PREFERRED_ID } else { LEGACY_ID };
        frame::ping(&format!("{id}probe"), self.addressing.as_ref())
    }

    fn settle(&mut self, variant: Variant) -> Vec<(u64, OutgoingFrame)> {
        self.variant = variant;
        self.is_certain = true;
        self.ask_at = None;
        let mut calls = std::mem::take(&mut self.unanswered);
        calls.retain(|(_, frame)| frame.is_wanted());
        calls
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const CALL: &[u8] = br#"{"id":7,"method":"OTA.Commit"}"#;
    const REPLY: &[u8] = br#"{"id":7,"src":"d","result":null}"#;
    const YES: &[u8] = br#"{"id":"otactl-a-1","src":"d","result":{}}"#;
    const YES_IN_THE_OTHER: &[u8] = br#"{"id":"otactl-b-1","src":"d","error":{"code":401}}"#;
    const YES_AGAIN: &[u8] = br#"{"id":"otactl-b-2","src":"d","result":{}}"#;

    #[test]
    fn a_device_that_answers_is_asked_nothing() {
        let now = Instant::now();
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), now);
        assert_eq!(variant.on_frame(REPLY), FrameMeaning::Frame);
        assert_eq!((variant.ask_at(), variant.variant()), (None, Variant::Preferred));
        variant.called(8, CALL.to_vec().into(), now);
        assert_eq!(variant.questions(now + SLOW_PROBE_INTERVAL), None, "it has answered before");
    }

    /// A call that takes its time is not made a second time.
    #[test]
    fn a_device_that_is_busy_is_not_told_twice() {
        let now = Instant::now();
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), now);
        assert!(variant.questions(now + PROBE_AFTER).is_some());
        assert_eq!(
            [variant.on_frame(YES), variant.on_frame(YES_IN_THE_OTHER)],
            [FrameMeaning::Answer, FrameMeaning::Answer]
        );
        assert_eq!((variant.variant(), variant.ask_at()), (Variant::Preferred, None));
    }

    /// What was cancelled, or has run into its deadline, is not made again.
    #[test]
    fn ended_call_is_left_out_when_the_way_is_settled() {
        let start = Instant::now();
        let (mut variant, calls) = (VariantDetector::new(None, None), [Arc::new(()), Arc::new(())]);
        for (id, call) in (7..).zip(&calls) {
            variant.called(id, OutgoingFrame::of_call(CALL.to_vec(), Arc::downgrade(call)), start);
        }
        let [ended, _alive] = calls;
        drop(ended);
        for (round, answer) in [(1, YES_IN_THE_OTHER), (2, YES_AGAIN)] {
            assert!(variant.questions(start + PROBE_AFTER * round).is_some());
            let heard = variant.on_frame(answer);
            if round == 2 {
                assert_eq!(heard, FrameMeaning::Settled(vec![(8, CALL.to_vec().into())]));
            }
        }
    }

    /// One lost question is no proof; two are.
    #[test]
    fn a_device_that_heard_nothing_is_told_again_in_its_own_way() {
        let now = Instant::now();
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), now);
        variant.called(7, CALL.to_vec().into(), now);
        assert_eq!(variant.questions(now), None, "not yet");
        let [(first, _), (second, question)] = variant.questions(now + PROBE_AFTER).expect("due");
        assert_eq!((first, second), (Variant::Preferred, Variant::Legacy));
        assert_eq!(question, br#"{"id":"otactl-b-1","method":"RPC.Ping"}"#);
        assert_eq!((variant.on_frame(YES_IN_THE_OTHER), variant.variant()), (FrameMeaning::Answer, Variant::Preferred));
        assert!(variant.questions(now + PROBE_AFTER * 2).is_some());
        assert_eq!(
            variant.on_frame(YES_IN_THE_OTHER),
            FrameMeaning::Answer,
            "that was an answer to the question before"
        );
        assert_eq!(variant.on_frame(YES_AGAIN), FrameMeaning::Settled(vec![(7, CALL.to_vec().into())]));
        assert_eq!((variant.variant(), variant.ask_at()), (Variant::Legacy, None));
    }

    /// Whoever is kept from the topic where things run once must not make them run twice.
    #[test]
    fn a_device_that_doubles_is_never_told_in_the_other_way() {
        let now = Instant::now();
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), now);
        for (round, answer) in [(1, YES_IN_THE_OTHER), (2, YES_AGAIN)] {
            assert!(variant.questions(now + PROBE_AFTER * round).is_some());
            assert_eq!(
                [variant.on_frame(answer), variant.on_frame(answer)],
                [FrameMeaning::Answer, FrameMeaning::Answer]
            );
        }
        assert_eq!(variant.variant(), Variant::Preferred);
    }

    #[test]
    fn calls_that_were_not_carried_are_made_in_the_other_way() {
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), Instant::now());
        assert_eq!(variant.probe(Variant::Legacy), br#"{"id":"otactl-b-probe","method":"RPC.Ping"}"#);
        let answer = br#"{"id":"otactl-b-probe","src":"d","result":{}}"#;
        assert_eq!([variant.on_frame(answer), variant.on_frame(answer)], [FrameMeaning::Answer, FrameMeaning::Answer]);
        assert!(!variant.executes_twice() && variant.variant() == Variant::Preferred);
        assert_eq!(variant.fall_back(), [(7, CALL.to_vec().into())]);
        assert_eq!((variant.variant(), variant.ask_at()), (Variant::Legacy, None));
        assert_eq!(variant.on_frame(REPLY), FrameMeaning::Frame);
    }

    /// A device may call us without ever having heard us.
    #[test]
    fn a_call_of_the_devices_own_proves_nothing() {
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), Instant::now());
        assert_eq!(variant.on_frame(br#"{"id":1,"src":"d","method":"Dash.Heartbeat"}"#), FrameMeaning::Frame);
        assert!(variant.ask_at().is_some());
    }

    #[test]
    fn what_was_chosen_is_not_asked() {
        let now = Instant::now();
        for chosen in [Variant::Preferred, Variant::Legacy] {
            let mut variant = VariantDetector::new(Some(chosen), None);
            variant.called(7, CALL.to_vec().into(), now);
            assert_eq!((variant.ask_at(), variant.variant()), (None, chosen));
        }
    }

    /// A device that is off is not flooded with questions.
    #[test]
    fn silence_is_asked_seldom() {
        let start = Instant::now();
        let mut variant = VariantDetector::new(None, None);
        variant.called(7, CALL.to_vec().into(), start);
        let mut asked = 0;
        while let Some(at) = variant.ask_at().filter(|at| *at < start + Duration::from_secs(60)) {
            assert!(variant.questions(at).is_some());
            asked += 1;
        }
        assert!((20..40).contains(&asked), "{asked} in a minute");
    }
}
