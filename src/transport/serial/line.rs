//! One end of a serial line, without the port: bytes that came become frames, frames become bytes that
//! may go out now. The clock is an argument.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::pacing::Go;
use super::{Framing, Learnt, LinkStats};
use crate::rpc::frame::id_of;
use crate::rpc::redact_excerpt;
use crate::text::printable;
use crate::transport::framing::{Deframer, Item, Style, enframe};
use crate::transport::link::OutgoingFrame;
use crate::transport::variant::{FrameMeaning, Variant, VariantDetector};

/// Sending on, and stop sending.
const XON: u8 = 0x11;
const XOFF: u8 = 0x13;

/// To a device that has been found not to follow at any speed, so many bytes may be unanswered, which is
/// what the smallest has room for.
const WINDOW: usize = 256;

/// What is not answered by then is not waited for: the answer to `OTA.Update` takes minutes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

/// A frame that comes again sooner than this after its last byte has left is not sent again.
const TOO_SOON: Duration = Duration::from_millis(300);

/// The state of a line.
#[derive(Debug)]
pub(super) struct Line {
    deframer: Deframer,
    variant: VariantDetector,
    learnt: Learnt,
    stats: LinkStats,
    /// What is to be written, the first of it possibly begun.
    queue: VecDeque<Outgoing>,
    /// Calls that have gone out, and are not answered.
    flight: HashMap<u64, Sent>,
    /// When the last frame came damaged.
    damaged: Option<Instant>,
}

#[derive(Debug)]
struct Outgoing {
    /// The call that it makes, if any.
    call: Option<(u64, OutgoingFrame)>,
    bytes: Vec<u8>,
    written: usize,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    bytes: usize,
    /// When the last byte was written.
    at: Instant,
}

/// What is to be done about writing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Write of these bytes what the port takes.
    Write(&'a [u8]),
    /// Look again then.
    Wait(Instant),
    /// Nothing, until there is a frame to send.
    Idle,
}

impl Line {
    /// A line with an empty buffer. No XOFF of an earlier link holds it.
    pub(super) fn new(framing: Framing, learnt: Learnt, stats: LinkStats) -> Self {
        learnt.lock().pacing.release();
        let chosen = match framing {
            Framing::Auto => learnt.lock().is_quoted.then_some(Variant::Legacy),
            Framing::Line => Some(Variant::Preferred),
            Framing::Quoted => Some(Variant::Legacy),
        };
        let mut line = Self {
            deframer: Deframer::default(),
            variant: VariantDetector::new(chosen, None),
            learnt,
            stats,
            queue: VecDeque::new(),
            flight: HashMap::new(),
            damaged: None,
        };
        // Ends whatever an earlier run left unfinished in the device's buffer.
        line.push(None, b"\n".to_vec());
        line
    }

    /// Takes bytes from the port, and gives the frames that they complete.
    pub(super) fn hear(&mut self, bytes: &[u8], now: Instant) -> Vec<Vec<u8>> {
        self.stats.heard(bytes.len());
        for run in bytes.split_inclusive(|byte| matches!(*byte, XON | XOFF)) {
            match run.split_last() {
                Some((&XOFF, text)) => {
                    self.learnt.lock().pacing.hold(now);
                    self.deframer.push(text);
                }
                Some((&XON, text)) => {
                    self.learnt.lock().pacing.release();
                    self.deframer.push(text);
                }
                _ => self.deframer.push(run),
            }
        }
        self.stats.set_held(self.learnt.lock().pacing.is_held(now));
        let mut frames = Vec::new();
        while let Some(item) = self.deframer.next_item() {
            match item {
                Item::Frame { json, .. } => frames.extend(self.take(json)),
                Item::Console(text) => tracing::debug!("| {}", printable(&String::from_utf8_lossy(&text))),
                Item::Corrupt(bytes) => {
                    self.damaged = Some(now);
                    let count = self.stats.damaged();
                    tracing::debug!(count, "a frame was damaged on its variant: {}", redact_excerpt(&bytes));
                }
                Item::Handshake => {}
            }
        }
        frames
    }

    fn take(&mut self, json: Vec<u8>) -> Option<Vec<u8>> {
        self.stats.set_answered();
        if let Some(sent) = id_of(&json).and_then(|id| self.flight.remove(&id)) {
            tracing::trace!(bytes = sent.bytes, "answered");
            self.learnt.lock().pacing.answered();
        }
        match self.variant.on_frame(&json) {
            FrameMeaning::Frame => return Some(json),
            FrameMeaning::Answer => {}
            FrameMeaning::Settled(again) => {
                tracing::debug!("the device understands the old delimiter only");
                self.learnt.lock().is_quoted = true;
                for (id, frame) in again {
                    let bytes = enframe(frame.bytes(), style(self.variant.variant()));
                    self.push(Some((id, frame)), bytes);
                }
            }
        }
        None
    }

    /// Takes a frame that is to be sent.
    pub(super) fn say(&mut self, frame: impl Into<OutgoingFrame>, now: Instant) {
        let frame = frame.into();
        let id = id_of(frame.bytes());
        if let Some(sent) = id.and_then(|id| self.flight.get(&id).copied()) {
            if now < sent.at + TOO_SOON {
                return;
            }
            // Lost on its way out, unless it was the answer that was damaged.
            if self.damaged.is_none_or(|at| at < sent.at) {
                let pacing = &mut self.learnt.lock().pacing;
                pacing.lost(sent.at, now);
                tracing::debug!(bytes_per_s = pacing.rate(), "a frame was lost; sending slower");
            }
        }
        let bytes = enframe(frame.bytes(), style(self.variant.variant()));
        self.push(id.map(|id| (id, frame)), bytes);
    }

    /// Whether there is room for one more frame to be sent.
    pub(super) fn has_room(&self) -> bool {
        self.queue.is_empty()
    }

    /// What is to be done about writing now.
    pub(super) fn next(&mut self, now: Instant) -> Next<'_> {
        if let Some(questions) = self.variant.questions(now) {
            let bytes = questions.map(|(variant, json)| enframe(&json, style(variant))).concat();
            self.push(None, bytes);
        }
        let is_unwanted =
            |next: &Outgoing| next.written == 0 && next.call.as_ref().is_some_and(|(_, frame)| !frame.is_wanted());
        while self.queue.front().is_some_and(is_unwanted) {
            self.queue.pop_front();
        }
        let ask_at = self.variant.ask_at();
        let wait = |until: Instant| Next::Wait(ask_at.map_or(until, |at| at.min(until)));
        if let Some(until) = self.full_until(now) {
            return wait(until);
        }
        let Some(Outgoing { bytes, written, .. }) = self.queue.front() else {
            return ask_at.map_or(Next::Idle, Next::Wait);
        };
        let go = self.learnt.lock().pacing.next(now);
        match go {
            Go::Wait(until) => wait(until),
            Go::Write(most) => {
                let left = &bytes[*written..];
                Next::Write(&left[..left.len().min(most)])
            }
        }
    }

    /// The slowest device gets its next frame only when it has room for it.
    fn full_until(&self, now: Instant) -> Option<Instant> {
        let next = self.queue.front().filter(|next| next.written == 0 && next.call.is_some())?;
        if !self.learnt.lock().pacing.is_slowest() {
            return None;
        }
        let awaited = self.flight.values().filter(|sent| now < sent.at + ANSWERED_WITHIN);
        let unanswered: usize = awaited.clone().map(|sent| sent.bytes).sum();
        let until = awaited.map(|sent| sent.at + ANSWERED_WITHIN).min()?;
        (unanswered + next.bytes.len() > WINDOW).then_some(until)
    }

    /// The port has taken so many bytes of what [`Next::Write`] gave.
    pub(super) fn wrote(&mut self, bytes: usize, now: Instant) {
        self.learnt.lock().pacing.wrote(bytes, now);
        let Some(first) = self.queue.front_mut() else { return };
        first.written += bytes;
        if first.written < first.bytes.len() {
            return;
        }
        if let Some(Outgoing { call: Some((id, frame)), bytes, .. }) = self.queue.pop_front() {
            // Calls that nobody waits for any more would gather here.
            self.flight.retain(|_, sent| now < sent.at + ANSWERED_WITHIN * 60);
            self.flight.insert(id, Sent { bytes: bytes.len(), at: now });
            self.variant.called(id, frame, now);
        }
    }

    fn push(&mut self, call: Option<(u64, OutgoingFrame)>, bytes: Vec<u8>) {
        self.queue.push_back(Outgoing { call, bytes, written: 0 });
    }
}

/// Lines are better: they carry a CRC, and an old delimiter may stand in the console's text too.
fn style(variant: Variant) -> Style {
    match variant {
        Variant::Preferred => Style::Line,
        Variant::Legacy => Style::Quoted,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::transport::serial::Settings;

    fn line() -> (Line, Instant) {
        let now = Instant::now();
        (Line::new(Framing::Line, Learnt::new(&Settings::default(), now), LinkStats::default()), now)
    }

    /// What the line would write until it has to wait for something other than the clock.
    fn written(line: &mut Line, now: &mut Instant, until: Instant) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            match line.next(*now) {
                Next::Write(bytes) => {
                    let bytes = bytes.to_vec();
                    line.wrote(bytes.len(), *now);
                    all.extend(bytes);
                }
                Next::Wait(at) if at <= until => *now = at,
                Next::Wait(_) | Next::Idle => return all,
            }
        }
    }

    fn call(id: u64, len: usize) -> Vec<u8> {
        format!(r#"{{"id":{id},"method":"{}"}}"#, "M".repeat(len - 20)).into_bytes()
    }

    #[test]
    fn a_frame_goes_out_as_a_line_with_a_crc_after_an_empty_one() {
        let (mut line, mut now) = line();
        line.say(br#"{"id": 102, "method": "RPC.Ping"}"#.to_vec(), now);
        let until = now + Duration::from_secs(1);
        let bytes = written(&mut line, &mut now, until);
        assert_eq!(String::from_utf8_lossy(&bytes), "\n{\"id\": 102, \"method\": \"RPC.Ping\"}11d3ca5c\n");
    }

    /// XOFF and XON are for the line and not for whoever reads frames, wherever they stand.
    #[test]
    fn xoff_stops_it_in_the_middle_of_a_frame() {
        let (mut line, mut now) = line();
        line.say(call(1, 1000), now);
        let until = now + Duration::from_millis(20);
        let before = written(&mut line, &mut now, until).len();
        assert!((150..400).contains(&before), "{before} bytes in 20 ms");
        let frames = line.hear(b"log\n{\"id\":1,\x13\"result\":null}\n", now);
        assert_eq!(frames, [br#"{"id":1,"result":null}"#.to_vec()]);
        let until = now + Duration::from_secs(1);
        assert_eq!(written(&mut line, &mut now, until), b"");
        line.hear(b"\x11", now);
        let until = now + Duration::from_secs(1);
        assert_eq!(before + written(&mut line, &mut now, until).len(), 1 + 1000 + 8 + 1);
    }

    #[test]
    fn cancelled_call_is_not_sent_after_xon() {
        let (mut line, mut now) = line();
        line.hear(b"\x13", now);
        let wanted = Arc::new(());
        line.say(OutgoingFrame::of_call(call(1, 100), Arc::downgrade(&wanted)), now);
        let until = now + Duration::from_secs(1);
        assert_eq!(written(&mut line, &mut now, until), b"");
        drop(wanted);
        line.hear(b"\x11", now);
        let until = now + Duration::from_secs(1);
        assert_eq!(written(&mut line, &mut now, until), b"\n");
        assert!(line.has_room(), "for the next frame");
    }

    /// A frame that is half sent is sent to its end: the rest of it would spoil the next one.
    #[test]
    fn call_cancelled_in_the_middle_of_its_frame_is_sent_whole() {
        let (mut line, mut now) = line();
        let wanted = Arc::new(());
        line.say(OutgoingFrame::of_call(call(1, 1000), Arc::downgrade(&wanted)), now);
        let until = now + Duration::from_millis(20);
        let begun = written(&mut line, &mut now, until).len();
        drop(wanted);
        let until = now + Duration::from_secs(1);
        assert_eq!(begun + written(&mut line, &mut now, until).len(), 1 + 1000 + 8 + 1);
    }

    /// A device without flow control says nothing about what it loses: that is found out from what comes to be
    /// sent a second time.
    #[test]
    fn a_frame_that_went_unanswered_slows_the_line() {
        let (mut line, mut now) = line();
        line.say(call(1, 200), now);
        let until = now + Duration::from_secs(1);
        written(&mut line, &mut now, until);
        line.say(call(1, 200), now + TOO_SOON / 2);
        assert!(line.has_room() && !line.learnt.lock().pacing.is_slowed(), "the device may still be at it");
        line.say(call(1, 200), now + TOO_SOON);
        assert!(!line.has_room() && line.learnt.lock().pacing.is_slowed());
    }

    /// The next link to the same device need not find out again what the port is like.
    #[test]
    fn pace_and_old_delimiter_outlive_the_link() {
        let (start, learnt) = (Instant::now(), Learnt::new(&Settings::default(), Instant::now()));
        let mut line = Line::new(Framing::Auto, learnt.clone(), LinkStats::default());
        let mut now = start;
        line.say(call(1, 100), now);
        for round in 1..=2_u32 {
            let until = start + Duration::from_millis(700) * round;
            written(&mut line, &mut now, until);
            line.hear(
                format!("\"\"\"{{\"id\":\"otactl-b-{round}\",\"src\":\"d\",\"result\":{{}}}}\"\"\"\n").as_bytes(),
                now,
            );
        }
        learnt.lock().pacing.lost(now, now);
        let mut next = Line::new(Framing::Auto, learnt.clone(), LinkStats::default());
        next.say(call(2, 100), now);
        let until = now + Duration::from_secs(1);
        let bytes = written(&mut next, &mut now, until);
        assert!(String::from_utf8_lossy(&bytes).contains("\"\"\"{\"id\":2"), "{}", String::from_utf8_lossy(&bytes));
        assert!(learnt.lock().pacing.is_slowed());
    }

    /// If even the slowest speed is too fast, the device gets no more at a time than it has room for.
    #[test]
    fn the_slowest_device_gets_one_frame_at_a_time() {
        let (mut line, mut now) = line();
        for after in [0, 1, 2] {
            let at = now + Duration::from_secs(after);
            line.learnt.lock().pacing.lost(at, at);
        }
        assert!(line.learnt.lock().pacing.is_slowest());
        line.say(call(1, 200), now);
        line.say(call(2, 200), now);
        let until = now + Duration::from_millis(500);
        assert_eq!(written(&mut line, &mut now, until).len(), 1 + 209, "one");
        assert!(matches!(line.next(now), Next::Wait(at) if at <= now + ANSWERED_WITHIN), "which need not be answered");
        line.hear(b"{\"id\":1,\"result\":null}\n", now);
        let until = now + Duration::from_millis(500);
        assert_eq!(written(&mut line, &mut now, until).len(), 209, "and the next");
    }

    /// An answer that was damaged says nothing about how fast the device can read.
    #[test]
    fn a_damaged_answer_slows_nothing() {
        let (mut line, mut now) = line();
        line.say(call(1, 100), now);
        let until = now + Duration::from_millis(100);
        written(&mut line, &mut now, until);
        now += Duration::from_millis(10);
        line.hear(b"{\"id\":1,\"result\":nu\xffl}12345678\n", now);
        assert_eq!(line.stats.damaged(), 2, "it was counted");
        now += Duration::from_millis(500);
        line.say(call(1, 100), now);
        assert!(!line.learnt.lock().pacing.is_slowed());
    }
}
