//! Requests that the broker has not acknowledged, and what it means when it closes the connection instead.
//!
//! Some brokers refuse a topic by closing the connection: NATS before 2.10 takes no dot in a topic, AWS `IoT` no
//! topic that its policy does not name. MQTT 3.1.1 has no other way to refuse a publication.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::variant::Variant;

/// How soon after a request a closed connection may be due to that request.
const CLOSES_WITHIN: Duration = Duration::from_secs(5);

/// A request on its way to the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// Which of the device's topics it goes to; `None` for an answer to another client.
    pub(super) variant: Option<Variant>,
    pub(super) topic: String,
    pub(super) at: Instant,
}

/// The requests of one connection that the broker has not acknowledged. Plain data: the clock is an argument.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    /// Not numbered yet: the client library does that in this order, when it sends them.
    unnumbered: VecDeque<Published>,
    numbered: BTreeMap<u16, Published>,
}

impl Unacknowledged {
    /// Adds a request that was handed to the client library.
    pub(super) fn published(&mut self, request: Published) {
        self.unnumbered.push_back(request);
    }

    /// The client library has sent the next request as the packet with this number.
    pub(super) fn sent(&mut self, packet: u16) {
        if let Some(request) = self.unnumbered.pop_front() {
            self.numbered.insert(packet, request);
        }
    }

    /// The broker has acknowledged the packet with this number: it carries requests of this kind.
    pub(super) fn acknowledged(&mut self, packet: u16) -> Option<Variant> {
        self.numbered.remove(&packet).and_then(|request| request.variant)
    }

    /// Returns the request on which the broker has closed the connection, if it did so on one.
    pub(super) fn closed_on(&self, now: Instant) -> Option<(Variant, &str)> {
        let first = self.numbered.values().chain(&self.unnumbered).min_by_key(|request| request.at)?;
        let variant = first.variant.filter(|_| now.saturating_duration_since(first.at) < CLOSES_WITHIN)?;
        Some((variant, &first.topic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(variant: Variant, topic: &str, at: Instant) -> Published {
        Published { variant: Some(variant), topic: topic.into(), at }
    }

    #[test]
    fn connection_closed_on_first_request_names_its_topic() {
        let now = Instant::now();
        let mut requests = Unacknowledged::default();
        assert_eq!(requests.closed_on(now), None, "nothing was published");
        requests.published(request(Variant::Preferred, "d/rpc/A", now));
        requests.published(request(Variant::Legacy, "d/rpc", now + Duration::from_millis(600)));
        requests.sent(1);
        assert_eq!(requests.closed_on(now + Duration::from_secs(1)), Some((Variant::Preferred, "d/rpc/A")));
        assert_eq!(requests.closed_on(now + CLOSES_WITHIN), None, "too late to be due to it");
        assert_eq!(requests.acknowledged(1), Some(Variant::Preferred));
        assert_eq!(requests.acknowledged(1), None, "once");
        assert_eq!(requests.closed_on(now + Duration::from_secs(1)), Some((Variant::Legacy, "d/rpc")));
    }

    /// An answer to another client says nothing about the topics of the device.
    #[test]
    fn connection_closed_on_an_answer_names_no_topic() {
        let now = Instant::now();
        let mut requests = Unacknowledged::default();
        requests.published(Published { variant: None, topic: "cloud/rpc".into(), at: now });
        requests.published(request(Variant::Preferred, "d/rpc/A", now + Duration::from_millis(1)));
        assert_eq!(requests.closed_on(now + Duration::from_millis(2)), None);
    }
}
