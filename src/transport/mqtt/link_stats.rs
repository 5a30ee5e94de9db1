//! What a client has observed about its connection, to explain why no reply comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use crate::rpc::error::Silence;
use crate::text::printable;
use crate::transport::variant::Variant;

/// The hint if no device answers. A broker does not report that it drops a message.
const HINT_NO_REPLY: &str = "is the device connected to this broker, by that id? If so, the broker's access rules may filter \
                        the request, or the reply on SRC/rpc: `--mqtt-pub-topic` and `--mqtt-src` choose other topics";

/// The hint if another device answers.
const HINT_FOREIGN_REPLY: &str =
    "name the device that is meant in the URL, mqtt://BROKER/DEVICE; does another client answer for it?";

/// Counts and flags of the connection to the broker, to explain why no reply comes. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct MqttLinkStats(Arc<MqttCounters>);

#[derive(Debug, Default)]
struct MqttCounters {
    /// The number of requests that the broker has not acknowledged.
    unacknowledged: AtomicUsize,
    /// The device has answered at least once.
    has_answered: AtomicBool,
    /// The device executes each request on its single topic twice.
    executes_twice: AtomicBool,
    /// The broker has acknowledged a request on a per-method topic.
    carries_method_topics: AtomicBool,
    /// The broker has acknowledged a request on the single topic.
    carries_single_topic: AtomicBool,
    /// The topics on which the broker closes the connection. A per-method topic comes first.
    refused_topics: Mutex<Vec<String>>,
    /// The last will of the device, as far as it may be shown.
    last_will: Mutex<Option<String>>,
    /// The source of the last reply that was dropped because it did not come from the device.
    foreign_source: Mutex<Option<String>>,
}

impl MqttLinkStats {
    /// Returns the number of requests that the broker has not acknowledged.
    pub(super) fn unacknowledged(&self) -> usize {
        self.0.unacknowledged.load(Ordering::Relaxed)
    }

    /// Sets the number of unacknowledged requests to 0: a broker acknowledges nothing of an earlier connection.
    pub(super) fn reset_unacknowledged(&self) {
        self.0.unacknowledged.store(0, Ordering::Relaxed);
    }

    /// Counts a published message.
    pub(super) fn on_publish(&self) {
        self.0.unacknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an acknowledgement. `variant` is that of the request, or `None` if the message was not a request.
    pub(super) fn on_ack(&self, variant: Option<Variant>) {
        if let Some(variant) = variant {
            self.carries(variant).store(true, Ordering::Relaxed);
        }
        let decrement = |count: usize| Some(count.saturating_sub(1));
        let _ = self.0.unacknowledged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, decrement);
    }

    fn carries(&self, variant: Variant) -> &AtomicBool {
        match variant {
            Variant::Preferred => &self.0.carries_method_topics,
            Variant::Legacy => &self.0.carries_single_topic,
        }
    }

    /// Tells whether the broker has acknowledged a request in this variant.
    pub(super) fn is_carried(&self, variant: Variant) -> bool {
        self.carries(variant).load(Ordering::Relaxed)
    }

    /// Records a topic on which the broker closes the connection.
    pub(super) fn add_refused_topic(&self, topic: String) {
        let mut topics = self.0.refused_topics.lock();
        if !topics.contains(&topic) {
            topics.push(topic);
        }
    }

    /// Returns the topics on which the broker closes the connection.
    pub(super) fn refused_topics(&self) -> Vec<String> {
        self.0.refused_topics.lock().clone()
    }

    /// Tells whether requests go to the single topic because the broker refuses the per-method topics.
    pub(super) fn uses_legacy_variant(&self) -> bool {
        !self.refused_topics().is_empty()
    }

    /// Records that the device has answered.
    pub(super) fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    /// Records that the device executes each request on its single topic twice.
    pub(super) fn set_executes_twice(&self) {
        self.0.executes_twice.store(true, Ordering::Relaxed);
    }

    /// Records the last will of the device, as far as it may be shown.
    pub(super) fn set_last_will(&self, will: String) {
        *self.0.last_will.lock() = Some(will);
    }

    /// Records the source of a reply that did not come from the device.
    pub(super) fn set_foreign_source(&self, src: String) {
        *self.0.foreign_source.lock() = Some(src);
    }

    /// Explains why no reply comes from `device`.
    pub(super) fn explain(&self, device: &str) -> Silence {
        let device = printable(device);
        let without_hint = |what| Silence { what, hint: None };
        if self.unacknowledged() > 0 {
            return without_hint("the broker has not acknowledged the request".into());
        }
        if self.0.executes_twice.load(Ordering::Relaxed) {
            return without_hint(format!(
                "`{device}` executes every request on {device}/rpc twice, and receives none on {device}/rpc/METHOD; does \
                 the broker let this client publish there?"
            ));
        }
        let will = self.0.last_will.lock().clone();
        let will = will.map(|will| format!(" Its last will says `{will}`")).unwrap_or_default();
        let after_stop = if will.is_empty() { String::new() } else { format!(".{will}") };
        if self.0.has_answered.load(Ordering::Relaxed) {
            return without_hint(format!(
                "the broker took the request, but `{device}` has stopped answering{after_stop}"
            ));
        }
        if let Some(src) = self.0.foreign_source.lock().as_deref() {
            let what =
                format!("the broker took the request, and {src} replied to it instead of `{device}`{after_stop}");
            return Silence { what, hint: Some(HINT_FOREIGN_REPLY) };
        }
        let what = format!("the broker took the request, but no device answered; is `{device}` online?{will}");
        Silence { what, hint: Some(HINT_NO_REPLY) }
    }
}
