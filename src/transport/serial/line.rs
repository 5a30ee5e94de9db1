//! One end of a serial line, without I/O. The clock is an argument.
//!
//! Received bytes become frames. Frames to be sent become bytes, as fast as the pacing permits.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::link_stats::SerialLinkStats;
use super::pacing::Permit;
use super::port_state::SharedPortState;
use super::settings::Framing;
use crate::rpc::frame::id_of;
use crate::rpc::redact_excerpt;
use crate::text::printable;
use crate::transport::framing::{Deframer, Delimiter, StreamItem, enframe};
use crate::transport::link::OutgoingFrame;
use crate::transport::variant::{FrameMeaning, Variant, VariantDetector};

/// The byte by which the device asks to continue sending.
const XON: u8 = 0x11;

/// The byte by which the device asks to stop sending.
const XOFF: u8 = 0x13;

/// The maximum number of unanswered bytes at the lowest rate: the room of the smallest receive buffer.
///
/// The limit is for a device that has lost frames at every rate.
const MAX_UNANSWERED_AT_LOWEST_RATE: usize = 256;

/// How long a sent frame counts as unanswered.
///
/// A longer wait would stall the line, since the answer to `OTA.Update` takes minutes.
const MAX_ANSWER_WAIT: Duration = Duration::from_secs(1);

/// The time after its last byte in which a frame is not sent again.
const MIN_RESEND_INTERVAL: Duration = Duration::from_millis(300);

/// The state of one end of a serial line.
#[derive(Debug)]
pub(super) struct Line {
    deframer: Deframer,
    detector: VariantDetector,
    port_state: SharedPortState,
    stats: SerialLinkStats,
    /// The frames to be written. The first one may be partly written.
    queue: VecDeque<QueuedFrame>,
    /// The calls that were written and not answered, by id.
    in_flight: HashMap<u64, SentCall>,
    /// When the last damaged frame was received.
    damaged_at: Option<Instant>,
}

#[derive(Debug)]
struct QueuedFrame {
    /// The id and the frame of a call. `None` for other bytes.
    call: Option<(u64, OutgoingFrame)>,
    bytes: Vec<u8>,
    /// The number of bytes that were written.
    written: usize,
}

#[derive(Debug, Clone, Copy)]
struct SentCall {
    /// The length of the frame in bytes.
    bytes: usize,
    /// When the last byte was written.
    at: Instant,
}

/// What the driver has to do next to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WriteAction<'a> {
    /// Write as many of these bytes as the port accepts.
    Write(&'a [u8]),
    /// Call [`Line::next_action`] again at this time.
    Wait(Instant),
    /// Do nothing until there is a frame to send.
    Idle,
}

impl Line {
    /// Creates a line with empty buffers. An XOFF on an earlier link does not count.
    pub(super) fn new(framing: Framing, port_state: SharedPortState, stats: SerialLinkStats) -> Self {
        port_state.lock().pacing.on_xon();
        let chosen = match framing {
            Framing::Auto => port_state.lock().is_quoted.then_some(Variant::Legacy),
            Framing::Line => Some(Variant::Preferred),
            Framing::Quoted => Some(Variant::Legacy),
        };
        let mut line = Self {
            deframer: Deframer::default(),
            detector: VariantDetector::new(chosen, None),
            port_state,
            stats,
            queue: VecDeque::new(),
            in_flight: HashMap::new(),
            damaged_at: None,
        };
        // Ends a line that an earlier run may have left unfinished in the device's buffer.
        line.push(None, b"\n".to_vec());
        line
    }

    /// Processes received bytes. Returns the frames for the session that they complete.
    pub(super) fn receive(&mut self, bytes: &[u8], now: Instant) -> Vec<Vec<u8>> {
        self.stats.on_bytes(bytes.len());
        for run in bytes.split_inclusive(|byte| matches!(*byte, XON | XOFF)) {
            match run.split_last() {
                Some((&XOFF, text)) => {
                    self.port_state.lock().pacing.on_xoff(now);
                    self.deframer.push(text);
                }
                Some((&XON, text)) => {
                    self.port_state.lock().pacing.on_xon();
                    self.deframer.push(text);
                }
                _ => self.deframer.push(run),
            }
        }
        self.stats.set_held(self.port_state.lock().pacing.is_held(now));
        let mut frames = Vec::new();
        while let Some(item) = self.deframer.next_item() {
            match item {
                StreamItem::Frame { json, .. } => frames.extend(self.on_frame(json)),
                StreamItem::Console(text) => tracing::debug!("| {}", printable(&String::from_utf8_lossy(&text))),
                StreamItem::Corrupt(bytes) => {
                    self.damaged_at = Some(now);
                    let count = self.stats.on_damaged_frame();
                    tracing::debug!(count, "a frame was damaged in transit: {}", redact_excerpt(&bytes));
                }
                StreamItem::Handshake => {}
            }
        }
        frames
    }

    /// Processes a received frame. Returns the frame if it is for the session.
    fn on_frame(&mut self, json: Vec<u8>) -> Option<Vec<u8>> {
        self.stats.set_answered();
        if let Some(sent) = id_of(&json).and_then(|id| self.in_flight.remove(&id)) {
            tracing::trace!(bytes = sent.bytes, "answered");
            self.port_state.lock().pacing.on_answer();
        }
        match self.detector.on_frame(&json) {
            FrameMeaning::Frame => return Some(json),
            FrameMeaning::ProbeReply => {}
            FrameMeaning::Settled(calls) => {
                tracing::debug!("the device understands the legacy delimiter only");
                self.port_state.lock().is_quoted = true;
                for (id, frame) in calls {
                    let bytes = enframe(frame.bytes(), delimiter(self.detector.variant()));
                    self.push(Some((id, frame)), bytes);
                }
            }
        }
        None
    }

    /// Queues a frame to be sent.
    ///
    /// A call that is sent a second time shows that the first frame was lost, and reduces the rate. A second frame that
    /// follows within [`MIN_RESEND_INTERVAL`] is dropped.
    pub(super) fn send(&mut self, frame: impl Into<OutgoingFrame>, now: Instant) {
        let frame = frame.into();
        let id = id_of(frame.bytes());
        if let Some(sent) = id.and_then(|id| self.in_flight.get(&id).copied()) {
            if now < sent.at + MIN_RESEND_INTERVAL {
                return;
            }
            // If a damaged frame has arrived since, that was possibly the answer, and the first frame was not lost.
            if self.damaged_at.is_none_or(|at| at < sent.at) {
                let pacing = &mut self.port_state.lock().pacing;
                pacing.on_frame_lost(sent.at, now);
                tracing::debug!(bytes_per_s = pacing.rate(), "a frame was lost; sending slower");
            }
        }
        let bytes = enframe(frame.bytes(), delimiter(self.detector.variant()));
        self.push(id.map(|id| (id, frame)), bytes);
    }

    /// Tells whether there is room for another frame.
    pub(super) fn has_room(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns what the driver has to do next to write.
    pub(super) fn next_action(&mut self, now: Instant) -> WriteAction<'_> {
        if let Some(probes) = self.detector.due_probes(now) {
            let bytes = probes.map(|(variant, json)| enframe(&json, delimiter(variant))).concat();
            self.push(None, bytes);
        }
        let is_unwanted =
            |next: &QueuedFrame| next.written == 0 && next.call.as_ref().is_some_and(|(_, frame)| !frame.is_wanted());
        while self.queue.front().is_some_and(is_unwanted) {
            self.queue.pop_front();
        }
        let probe_at = self.detector.probe_at();
        let wait = |until: Instant| WriteAction::Wait(probe_at.map_or(until, |at| at.min(until)));
        if let Some(until) = self.device_full_until(now) {
            return wait(until);
        }
        let Some(QueuedFrame { bytes, written, .. }) = self.queue.front() else {
            return probe_at.map_or(WriteAction::Idle, WriteAction::Wait);
        };
        let permit = self.port_state.lock().pacing.permit(now);
        match permit {
            Permit::Wait(until) => wait(until),
            Permit::Write(max) => {
                let rest = &bytes[*written..];
                WriteAction::Write(&rest[..rest.len().min(max)])
            }
        }
    }

    /// Returns until when the next call has to wait because a device at the lowest rate has no room for it.
    fn device_full_until(&self, now: Instant) -> Option<Instant> {
        let next = self.queue.front().filter(|next| next.written == 0 && next.call.is_some())?;
        if !self.port_state.lock().pacing.is_slowest() {
            return None;
        }
        let awaited = self.in_flight.values().filter(|sent| now < sent.at + MAX_ANSWER_WAIT);
        let unanswered: usize = awaited.clone().map(|sent| sent.bytes).sum();
        let until = awaited.map(|sent| sent.at + MAX_ANSWER_WAIT).min()?;
        (unanswered + next.bytes.len() > MAX_UNANSWERED_AT_LOWEST_RATE).then_some(until)
    }

    /// Records that the port has accepted this many bytes of [`WriteAction::Write`].
    pub(super) fn on_written(&mut self, bytes: usize, now: Instant) {
        self.port_state.lock().pacing.on_written(bytes, now);
        let Some(first) = self.queue.front_mut() else { return };
        first.written += bytes;
        if first.written < first.bytes.len() {
            return;
        }
        if let Some(QueuedFrame { call: Some((id, frame)), bytes, .. }) = self.queue.pop_front() {
            // Removes calls that were never answered, which would pile up.
            self.in_flight.retain(|_, sent| now < sent.at + MAX_ANSWER_WAIT * 60);
            self.in_flight.insert(id, SentCall { bytes: bytes.len(), at: now });
            self.detector.on_call_sent(id, frame, now);
        }
    }

    fn push(&mut self, call: Option<(u64, OutgoingFrame)>, bytes: Vec<u8>) {
        self.queue.push_back(QueuedFrame { call, bytes, written: 0 });
    }
}

/// Returns the delimiter of a variant.
///
/// Lines are preferred: they carry a CRC, and console text may contain the legacy delimiter, too.
fn delimiter(variant: Variant) -> Delimiter {
    match variant {
        Variant::Preferred => Delimiter::Line,
        Variant::Legacy => Delimiter::Quoted,
    }
}

#[cfg(test)]
mod tests;
