//! Which of two ways of asking a device understands. Plain data: the clock is an argument.
//!
//! There is a better way, and one that every device has understood at some time: on a serial line, frames as
//! lines before frames in `"""`; over MQTT, a topic for each method before one for all. A device that does
//! not understand the better one is silent. So when the first calls go unanswered, it is asked in both ways
//! whether it is there. A question that changes nothing may be asked twice; the calls themselves are made
//! in the other way only when it is certain that nobody has heard them.
//!
//! A device library that runs things twice gives itself away by answering a question twice. It hears the better
//! way, and is never asked in the other.

use std::time::Duration;

use tokio::time::Instant;

use super::link::OutgoingFrame;
use crate::rpc::frame::{self, Addressing};
use crate::rpc::unreadable;

/// How long a device may take to answer before it is asked whether it is there.
const PATIENCE: Duration = Duration::from_millis(600);

/// How often that is asked in quick succession; then it is asked seldom, and the answer is awaited.
const QUICK: u32 = 3;

/// The interval after that.
const SELDOM: Duration = Duration::from_secs(2);

/// So often has the other way to be the only one that is answered: noise may eat a question.
const PROOF: u32 = 2;

/// Calls that are kept to be made again. More than this are not under way at a time.
const KEPT: usize = 64;

/// The ids of the questions. Strings come back as strings, and so cannot be taken for ids of calls.
const BETTER: &str = "otactl-a-";
const OTHER: &str = "otactl-b-";

/// A way of asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The one that is tried first.
    Better,
    /// The one that is left.
    Other,
}

/// What is known about the device's understanding.
#[derive(Debug)]
pub(super) struct Dialect {
    way: Way,
    is_certain: bool,
    /// Who asks whom, as every frame says it.
    addressing: Option<Addressing>,
    /// What has gone out and was not answered, while nothing is certain.
    unanswered: Vec<(u64, OutgoingFrame)>,
    /// When the device is asked next.
    ask_at: Option<Instant>,
    asked: u32,
    /// How often only the question in the other way was answered, and in which round last.
    only_other: u32,
    answered_in: u32,
    /// It answers one question twice, and so would run a call twice.
    doubles: bool,
}

/// What a frame of the device's means here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is for whoever makes calls.
    Frame,
    /// It was the answer to a question of ours.
    Answer,
    /// The answer to a question of ours, which shows the variant of the device. The device has not understood these calls, and
    /// they are sent again. Calls that have ended meanwhile are left out.
    Settled(Vec<(u64, OutgoingFrame)>),
}

impl Dialect {
    /// Asks in the way that was chosen, or finds out.
    pub(super) fn new(chosen: Option<Way>, addressing: Option<Addressing>) -> Self {
        Self {
            way: chosen.unwrap_or(Way::Better),
            is_certain: chosen.is_some(),
            addressing,
            unanswered: Vec::new(),
            ask_at: None,
            asked: 0,
            only_other: 0,
            answered_in: 0,
            doubles: false,
        }
    }

    /// How to make the next call.
    pub(super) fn way(&self) -> Way {
        self.way
    }

    /// A call has gone out.
    pub(super) fn called(&mut self, id: u64, frame: OutgoingFrame, now: Instant) {
        if self.is_certain || self.unanswered.len() == KEPT || self.unanswered.iter().any(|(said, _)| *said == id) {
            return;
        }
        self.unanswered.push((id, frame));
        self.ask_at.get_or_insert(now + PATIENCE);
    }

    /// Whether the device runs twice what it is told in the other way, and does not hear the better one.
    pub(super) fn doubles(&self) -> bool {
        self.doubles
    }

    /// When the device is to be asked.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// The questions, if they are due, to be asked in this order.
    pub(super) fn questions(&mut self, now: Instant) -> Option<[(Way, Vec<u8>); 2]> {
        self.ask_at.filter(|at| *at <= now)?;
        self.asked += 1;
        self.ask_at = Some(now + if self.asked < QUICK { PATIENCE } else { SELDOM });
        let question = |id: &str| frame::ping(&format!("{id}{}", self.asked), self.addressing.as_ref());
        Some([(Way::Better, question(BETTER)), (Way::Other, question(OTHER))])
    }

    /// A frame has come.
    pub(super) fn heard(&mut self, json: &[u8]) -> Heard {
        let answers = |id: &str| json.starts_with(format!(r#"{{"id":"{id}"#).as_bytes());
        if answers(OTHER) {
            // Only the answer to the last question counts, and only if it is the only one.
            let is_last = answers(&format!("{OTHER}{}\"", self.asked));
            return if is_last { self.heard_other() } else { Heard::Answer };
        }
        // Whatever else is answered was asked in the better way.
        let is_answer = answers(BETTER);
        if !self.is_certain && (is_answer || frame::is_reply(json) || unreadable::find(json).is_some()) {
            self.settle(Way::Better);
        }
        if is_answer { Heard::Answer } else { Heard::Frame }
    }

    /// The question in the better way went out before, and would have been answered before.
    fn heard_other(&mut self) -> Heard {
        if self.is_certain {
            return Heard::Answer;
        }
        if self.answered_in == self.asked {
            self.doubles = true;
            tracing::debug!("the device runs twice what comes to it in this way");
        }
        self.answered_in = self.asked;
        self.only_other += 1;
        if self.doubles || self.only_other < PROOF {
            return Heard::Answer;
        }
        Heard::Settled(self.settle(Way::Other))
    }

    /// What stands between does not carry the better way. Returns the calls that are to be made in the other one.
    pub(super) fn fall_back(&mut self) -> Vec<(u64, OutgoingFrame)> {
        self.settle(Way::Other)
    }

    /// A question in this way whose answer settles nothing: only whether it is carried counts.
    pub(super) fn probe(&self, way: Way) -> Vec<u8> {
        let id = if way == Way::Better { BETTER } else { OTHER };
        frame::ping(&format!("{id}probe"), self.addressing.as_ref())
    }

    fn settle(&mut self, way: Way) -> Vec<(u64, OutgoingFrame)> {
        self.way = way;
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
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), now);
        assert_eq!(dialect.heard(REPLY), Heard::Frame);
        assert_eq!((dialect.ask_at(), dialect.way()), (None, Way::Better));
        dialect.called(8, CALL.to_vec().into(), now);
        assert_eq!(dialect.questions(now + SELDOM), None, "it has answered before");
    }

    /// A call that takes its time is not made a second time.
    #[test]
    fn a_device_that_is_busy_is_not_told_twice() {
        let now = Instant::now();
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), now);
        assert!(dialect.questions(now + PATIENCE).is_some());
        assert_eq!([dialect.heard(YES), dialect.heard(YES_IN_THE_OTHER)], [Heard::Answer, Heard::Answer]);
        assert_eq!((dialect.way(), dialect.ask_at()), (Way::Better, None));
    }

    /// What was cancelled, or has run into its deadline, is not made again.
    #[test]
    fn ended_call_is_left_out_when_the_way_is_settled() {
        let start = Instant::now();
        let (mut dialect, calls) = (Dialect::new(None, None), [Arc::new(()), Arc::new(())]);
        for (id, call) in (7..).zip(&calls) {
            dialect.called(id, OutgoingFrame::of_call(CALL.to_vec(), Arc::downgrade(call)), start);
        }
        let [ended, _alive] = calls;
        drop(ended);
        for (round, answer) in [(1, YES_IN_THE_OTHER), (2, YES_AGAIN)] {
            assert!(dialect.questions(start + PATIENCE * round).is_some());
            let heard = dialect.heard(answer);
            if round == 2 {
                assert_eq!(heard, Heard::Settled(vec![(8, CALL.to_vec().into())]));
            }
        }
    }

    /// One lost question is no proof; two are.
    #[test]
    fn a_device_that_heard_nothing_is_told_again_in_its_own_way() {
        let now = Instant::now();
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), now);
        dialect.called(7, CALL.to_vec().into(), now);
        assert_eq!(dialect.questions(now), None, "not yet");
        let [(first, _), (second, question)] = dialect.questions(now + PATIENCE).expect("due");
        assert_eq!((first, second), (Way::Better, Way::Other));
        assert_eq!(question, br#"{"id":"otactl-b-1","method":"RPC.Ping"}"#);
        assert_eq!((dialect.heard(YES_IN_THE_OTHER), dialect.way()), (Heard::Answer, Way::Better));
        assert!(dialect.questions(now + PATIENCE * 2).is_some());
        assert_eq!(dialect.heard(YES_IN_THE_OTHER), Heard::Answer, "that was an answer to the question before");
        assert_eq!(dialect.heard(YES_AGAIN), Heard::Settled(vec![(7, CALL.to_vec().into())]));
        assert_eq!((dialect.way(), dialect.ask_at()), (Way::Other, None));
    }

    /// Whoever is kept from the topic where things run once must not make them run twice.
    #[test]
    fn a_device_that_doubles_is_never_told_in_the_other_way() {
        let now = Instant::now();
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), now);
        for (round, answer) in [(1, YES_IN_THE_OTHER), (2, YES_AGAIN)] {
            assert!(dialect.questions(now + PATIENCE * round).is_some());
            assert_eq!([dialect.heard(answer), dialect.heard(answer)], [Heard::Answer, Heard::Answer]);
        }
        assert_eq!(dialect.way(), Way::Better);
    }

    #[test]
    fn calls_that_were_not_carried_are_made_in_the_other_way() {
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), Instant::now());
        assert_eq!(dialect.probe(Way::Other), br#"{"id":"otactl-b-probe","method":"RPC.Ping"}"#);
        let answer = br#"{"id":"otactl-b-probe","src":"d","result":{}}"#;
        assert_eq!([dialect.heard(answer), dialect.heard(answer)], [Heard::Answer, Heard::Answer]);
        assert!(!dialect.doubles() && dialect.way() == Way::Better);
        assert_eq!(dialect.fall_back(), [(7, CALL.to_vec().into())]);
        assert_eq!((dialect.way(), dialect.ask_at()), (Way::Other, None));
        assert_eq!(dialect.heard(REPLY), Heard::Frame);
    }

    /// A device may call us without ever having heard us.
    #[test]
    fn a_call_of_the_devices_own_proves_nothing() {
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), Instant::now());
        assert_eq!(dialect.heard(br#"{"id":1,"src":"d","method":"Dash.Heartbeat"}"#), Heard::Frame);
        assert!(dialect.ask_at().is_some());
    }

    #[test]
    fn what_was_chosen_is_not_asked() {
        let now = Instant::now();
        for way in [Way::Better, Way::Other] {
            let mut dialect = Dialect::new(Some(way), None);
            dialect.called(7, CALL.to_vec().into(), now);
            assert_eq!((dialect.ask_at(), dialect.way()), (None, way));
        }
    }

    /// A device that is off is not flooded with questions.
    #[test]
    fn silence_is_asked_seldom() {
        let start = Instant::now();
        let mut dialect = Dialect::new(None, None);
        dialect.called(7, CALL.to_vec().into(), start);
        let mut asked = 0;
        while let Some(at) = dialect.ask_at().filter(|at| *at < start + Duration::from_secs(60)) {
            assert!(dialect.questions(at).is_some());
            asked += 1;
        }
        assert!((20..40).contains(&asked), "{asked} in a minute");
    }
}
