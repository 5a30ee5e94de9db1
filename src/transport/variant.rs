//! Detects which of two variants of the protocol a device understands. The clock is an argument.
//!
//! Devices speak a preferred and a legacy variant. On a serial line, these are frames as lines, and frames in `"""`.
//! Over MQTT, these are a topic for each method, and a single topic for all. Every device has understood the legacy
//! variant at some time. A device that does not understand the preferred variant stays silent.
//!
//! When the first calls go unanswered, the detector sends a probe in each variant: a ping, which changes nothing and so
//! may arrive twice. The calls themselves are sent again in the legacy variant only when it is certain that the device
//! has not received them.
//!
//! Some device libraries execute each request in the legacy variant twice. Such a device answers one probe twice. It
//! always receives the preferred variant, and so no call is ever sent to it in the legacy variant.

use std::time::Duration;

use tokio::time::Instant;

use super::link::OutgoingFrame;
use crate::rpc::frame::{self, Addressing};
use crate::rpc::unreadable;

/// How long a call may go unanswered before the first probe, and the interval of the first probes.
const PROBE_AFTER: Duration = Duration::from_millis(600);

/// The number of probes after which [`SLOW_PROBE_INTERVAL`] replaces [`PROBE_AFTER`].
const QUICK_PROBES: u32 = 3;

/// The interval of the later probes.
const SLOW_PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// The number of rounds in which only the legacy probe has to be answered. One is not enough: noise may destroy a
/// probe.
const LEGACY_ANSWERS_NEEDED: u32 = 2;

/// The maximum number of calls that are kept to be sent again. No more calls than this are in flight at a time.
const MAX_UNANSWERED: usize = 64;

/// The prefixes of the ids of probes. A device returns a string as a string, so that it is never the id of a call.
const PREFERRED_ID: &str = "otactl-a-";
const LEGACY_ID: &str = "otactl-b-";

/// A variant of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// The variant that is tried first.
    Preferred,
    /// The variant that older devices understand.
    Legacy,
}

/// Detects the variant of one device.
#[derive(Debug)]
pub(super) struct VariantDetector {
    /// The variant of the next call.
    variant: Variant,
    /// The variant was chosen by the user, or the device has proved that it understands the variant.
    is_certain: bool,
    /// The addresses that every frame carries, if any.
    addressing: Option<Addressing>,
    /// The calls that were sent and not answered. Kept only until the variant is certain.
    unanswered: Vec<(u64, OutgoingFrame)>,
    /// When the next probe is due.
    probe_at: Option<Instant>,
    /// The number of probes that were sent in each variant: the current round.
    round: u32,
    /// The number of rounds in which only the legacy probe was answered.
    legacy_only_rounds: u32,
    /// The last round in which the legacy probe was answered.
    last_answered_round: u32,
    /// The device answers one probe twice, and so would execute a call twice.
    executes_twice: bool,
}

/// What a frame of the device means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FrameMeaning {
    /// The frame is for the session.
    Frame,
    /// The frame is the answer to a probe.
    ProbeReply,
    /// The frame is the answer to a probe that makes the legacy variant certain.
    ///
    /// The device has not received these calls, and they have to be sent again. Calls that have ended are left out.
    Settled(Vec<(u64, OutgoingFrame)>),
}

impl VariantDetector {
    /// Creates a detector. If `chosen` is given, that variant is used without a probe.
    pub(super) fn new(chosen: Option<Variant>, addressing: Option<Addressing>) -> Self {
        Self {
            variant: chosen.unwrap_or(Variant::Preferred),
            is_certain: chosen.is_some(),
            addressing,
            unanswered: Vec::new(),
            probe_at: None,
            round: 0,
            legacy_only_rounds: 0,
            last_answered_round: 0,
            executes_twice: false,
        }
    }

    /// Returns the variant of the next call.
    pub(super) fn variant(&self) -> Variant {
        self.variant
    }

    /// Records a call that was sent. The first one schedules a probe.
    pub(super) fn on_call_sent(&mut self, id: u64, frame: OutgoingFrame, now: Instant) {
        if self.is_certain
            || self.unanswered.len() == MAX_UNANSWERED
            || self.unanswered.iter().any(|(sent, _)| *sent == id)
        {
            return;
        }
        self.unanswered.push((id, frame));
        self.probe_at.get_or_insert(now + PROBE_AFTER);
    }

    /// Tells whether the device executes requests in the legacy variant twice, and has not answered in the preferred
    /// one.
    pub(super) fn executes_twice(&self) -> bool {
        self.executes_twice
    }

    /// Returns when the next probe is due.
    pub(super) fn probe_at(&self) -> Option<Instant> {
        self.probe_at
    }

    /// Returns the probes if they are due. They have to be sent in this order.
    pub(super) fn due_probes(&mut self, now: Instant) -> Option<[(Variant, Vec<u8>); 2]> {
        self.probe_at.filter(|at| *at <= now)?;
        self.round += 1;
        self.probe_at = Some(now + if self.round < QUICK_PROBES { PROBE_AFTER } else { SLOW_PROBE_INTERVAL });
        let probe = |id: &str| frame::ping(&format!("{id}{}", self.round), self.addressing.as_ref());
        Some([(Variant::Preferred, probe(PREFERRED_ID)), (Variant::Legacy, probe(LEGACY_ID))])
    }

    /// Processes a frame of the device.
    pub(super) fn on_frame(&mut self, json: &[u8]) -> FrameMeaning {
        let has_id = |id: &str| json.starts_with(format!(r#"{{"id":"{id}"#).as_bytes());
        if has_id(LEGACY_ID) {
            // Only an answer to the last probe counts, and only if the preferred probe was not answered before.
            let is_current = has_id(&format!("{LEGACY_ID}{}\"", self.round));
            return if is_current { self.on_legacy_answer() } else { FrameMeaning::ProbeReply };
        }
        // Any other reply answers a frame in the preferred variant.
        let is_probe_reply = has_id(PREFERRED_ID);
        if !self.is_certain && (is_probe_reply || frame::is_reply(json) || unreadable::find(json).is_some()) {
            self.settle(Variant::Preferred);
        }
        if is_probe_reply { FrameMeaning::ProbeReply } else { FrameMeaning::Frame }
    }

    /// Processes the answer to the legacy probe of this round.
    ///
    /// The preferred probe was sent before it, and would have been answered before it.
    fn on_legacy_answer(&mut self) -> FrameMeaning {
        if self.is_certain {
            return FrameMeaning::ProbeReply;
        }
        if self.last_answered_round == self.round {
            self.executes_twice = true;
            tracing::debug!("the device executes each request in the legacy variant twice");
        }
        self.last_answered_round = self.round;
        self.legacy_only_rounds += 1;
        if self.executes_twice || self.legacy_only_rounds < LEGACY_ANSWERS_NEEDED {
            return FrameMeaning::ProbeReply;
        }
        FrameMeaning::Settled(self.settle(Variant::Legacy))
    }

    /// Changes to the legacy variant, since the connection does not carry the preferred one.
    ///
    /// Returns the calls that have to be sent again.
    pub(super) fn fall_back(&mut self) -> Vec<(u64, OutgoingFrame)> {
        self.settle(Variant::Legacy)
    }

    /// Returns a ping in `variant` whose answer proves nothing. It shows only whether the connection carries the
    /// variant.
    pub(super) fn ping(&self, variant: Variant) -> Vec<u8> {
        let id = if variant == Variant::Preferred { PREFERRED_ID } else { LEGACY_ID };
        frame::ping(&format!("{id}probe"), self.addressing.as_ref())
    }

    /// Makes `variant` certain. Returns the calls that were not answered and have not ended.
    fn settle(&mut self, variant: Variant) -> Vec<(u64, OutgoingFrame)> {
        self.variant = variant;
        self.is_certain = true;
        self.probe_at = None;
        let mut calls = std::mem::take(&mut self.unanswered);
        calls.retain(|(_, frame)| frame.is_wanted());
        calls
    }
}

#[cfg(test)]
mod tests;
