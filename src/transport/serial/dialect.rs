//! Which of the two delimiters a device understands. Plain data: the clock is an argument.
//!
//! Today's firmware takes both, and is spoken to in lines. Old firmware takes only `"""`, and meets lines
//! with silence. So when the first frames go unanswered, the device is asked in both ways whether it is
//! there. A question that changes nothing may be asked twice; the frames themselves are said in the old
//! way only when it is certain that nobody has understood them.

use std::time::Duration;

use tokio::time::Instant;

use super::Framing;
use crate::transport::framing::{Style, enframe};

/// How long a device may take to answer before it is asked whether it is there.
const PATIENCE: Duration = Duration::from_millis(600);

/// How often that is asked in quick succession; then it is asked seldom, and the answer is awaited.
const QUICK: u32 = 3;

/// The interval after that.
const SELDOM: Duration = Duration::from_secs(2);

/// So often has the old delimiter to be the only one that is answered: noise may eat a line.
const PROOF: u32 = 2;

/// Frames that are kept to be said again. More than this are not under way at a time.
const KEPT: usize = 64;

/// The ids of the questions. Strings come back as strings, and so cannot be taken for ids of calls.
const IN_LINE: &str = "otactl-line";
const IN_QUOTES: &str = "otactl-quoted";

/// What is known about the device's understanding.
#[derive(Debug)]
pub(super) struct Dialect {
    style: Style,
    is_certain: bool,
    /// What has gone out and was not answered, while nothing is certain.
    unanswered: Vec<(u64, Vec<u8>)>,
    /// When the device is asked next.
    ask_at: Option<Instant>,
    asked: u32,
    /// How often only the question in quotes was answered.
    only_quotes: u32,
}

/// What a frame of the device's means here.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is for others.
    Frame,
    /// It was the answer to a question of ours.
    Answer,
    /// The same, and it settles the matter: these frames have not been understood, and are to be said again.
    Settled(Vec<(u64, Vec<u8>)>),
}

impl Dialect {
    pub(super) fn new(framing: Framing) -> Self {
        let style = if framing == Framing::Quoted { Style::Quoted } else { Style::Line };
        let is_certain = framing != Framing::Auto;
        Self { style, is_certain, unanswered: Vec::new(), ask_at: None, asked: 0, only_quotes: 0 }
    }

    /// How to set off the next frame.
    pub(super) fn style(&self) -> Style {
        self.style
    }

    /// A call has gone out.
    pub(super) fn said(&mut self, id: u64, json: Vec<u8>, now: Instant) {
        if self.is_certain || self.unanswered.len() == KEPT || self.unanswered.iter().any(|(said, _)| *said == id) {
            return;
        }
        self.unanswered.push((id, json));
        self.ask_at.get_or_insert(now + PATIENCE);
    }

    /// When the device is to be asked.
    pub(super) fn ask_at(&self) -> Option<Instant> {
        self.ask_at
    }

    /// The questions, as bytes for the line, if they are due: first in a line, then in quotes.
    pub(super) fn questions(&mut self, now: Instant) -> Option<Vec<u8>> {
        self.ask_at.filter(|at| *at <= now)?;
        self.asked += 1;
        self.ask_at = Some(now + if self.asked < QUICK { PATIENCE } else { SELDOM });
        let question = |id: &str| format!(r#"{{"id":"{id}","method":"RPC.Ping"}}"#);
        let in_line = enframe(question(IN_LINE).as_bytes(), Style::Line);
        let in_quotes = enframe(question(IN_QUOTES).as_bytes(), Style::Quoted);
        Some([in_line, in_quotes].concat())
    }

    /// A frame has come.
    pub(super) fn heard(&mut self, json: &[u8]) -> Heard {
        let answers = |id: &str| json.starts_with(format!(r#"{{"id":"{id}""#).as_bytes());
        if answers(IN_QUOTES) {
            return self.heard_quotes();
        }
        // Whatever else is answered was asked in a line.
        if !self.is_certain {
            self.settle(Style::Line);
        }
        if answers(IN_LINE) { Heard::Answer } else { Heard::Frame }
    }

    /// The question in a line went out before, and would have been answered before.
    fn heard_quotes(&mut self) -> Heard {
        if self.is_certain {
            return Heard::Answer;
        }
        self.only_quotes += 1;
        if self.only_quotes < PROOF {
            return Heard::Answer;
        }
        Heard::Settled(self.settle(Style::Quoted))
    }

    fn settle(&mut self, style: Style) -> Vec<(u64, Vec<u8>)> {
        self.style = style;
        self.is_certain = true;
        self.ask_at = None;
        std::mem::take(&mut self.unanswered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALL: &[u8] = br#"{"id":7,"method":"OTA.Commit"}"#;
    const REPLY: &[u8] = br#"{"id":7,"src":"d","result":null}"#;
    const LINE: &[u8] = br#"{"id":"otactl-line","src":"d","result":{}}"#;
    const QUOTES: &[u8] = br#"{"id":"otactl-quoted","src":"d","result":{}}"#;

    #[test]
    fn a_device_that_answers_is_asked_nothing() {
        let now = Instant::now();
        let mut dialect = Dialect::new(Framing::Auto);
        dialect.said(7, CALL.to_vec(), now);
        assert_eq!(dialect.heard(REPLY), Heard::Frame);
        assert_eq!((dialect.ask_at(), dialect.style()), (None, Style::Line));
        dialect.said(8, CALL.to_vec(), now);
        assert_eq!(dialect.questions(now + SELDOM), None, "it has answered before");
    }

    /// A call that takes its time is not made a second time.
    #[test]
    fn a_device_that_is_busy_is_not_told_twice() {
        let now = Instant::now();
        let mut dialect = Dialect::new(Framing::Auto);
        dialect.said(7, CALL.to_vec(), now);
        assert!(dialect.questions(now + PATIENCE).is_some());
        assert_eq!([dialect.heard(LINE), dialect.heard(QUOTES)], [Heard::Answer, Heard::Answer]);
        assert_eq!((dialect.style(), dialect.ask_at()), (Style::Line, None));
    }

    /// One lost line is no proof; two are.
    #[test]
    fn old_firmware_is_told_again_in_its_own_way() {
        let now = Instant::now();
        let mut dialect = Dialect::new(Framing::Auto);
        dialect.said(7, CALL.to_vec(), now);
        dialect.said(7, CALL.to_vec(), now);
        assert_eq!(dialect.questions(now), None, "not yet");
        let questions = dialect.questions(now + PATIENCE).expect("due");
        assert!(questions.starts_with(br#"{"id":"otactl-line"#), "{questions:?}");
        assert!(questions.ends_with(b"\"\"\"\n"), "{questions:?}");
        assert_eq!((dialect.heard(QUOTES), dialect.style()), (Heard::Answer, Style::Line));
        assert!(dialect.questions(now + PATIENCE * 2).is_some());
        assert_eq!(dialect.heard(QUOTES), Heard::Settled(vec![(7, CALL.to_vec())]));
        assert_eq!((dialect.style(), dialect.ask_at()), (Style::Quoted, None));
    }

    #[test]
    fn what_was_chosen_is_not_asked() {
        let now = Instant::now();
        for (framing, style) in [(Framing::Line, Style::Line), (Framing::Quoted, Style::Quoted)] {
            let mut dialect = Dialect::new(framing);
            dialect.said(7, CALL.to_vec(), now);
            assert_eq!((dialect.ask_at(), dialect.style()), (None, style));
        }
    }

    /// A device that is off is not flooded with questions.
    #[test]
    fn silence_is_asked_seldom() {
        let start = Instant::now();
        let mut dialect = Dialect::new(Framing::Auto);
        dialect.said(7, CALL.to_vec(), start);
        let mut asked = 0;
        while let Some(at) = dialect.ask_at().filter(|at| *at < start + Duration::from_secs(60)) {
            assert!(dialect.questions(at).is_some());
            asked += 1;
        }
        assert!((20..40).contains(&asked), "{asked} in a minute");
    }
}
