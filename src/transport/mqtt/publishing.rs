//! Tracks the requests that the broker has not acknowledged, to find the one on which it closes the connection.
//!
//! Some brokers refuse a topic by closing the connection, since MQTT 3.1.1 has no other way to refuse a publication.
//! NATS before 2.10 refuses a topic with a dot, AWS `IoT` a topic that its policy does not name.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::transport::variant::Variant;

/// The time after a request within which a closed connection may be the refusal of that request.
const REFUSAL_WINDOW: Duration = Duration::from_secs(5);

/// A published message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// The variant of a request to the device. `None` for an answer to another client.
    pub(super) variant: Option<Variant>,
    pub(super) topic: String,
    pub(super) at: Instant,
}

/// The messages of one connection that the broker has not acknowledged. The clock is an argument.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    /// Messages without a packet id. The client library assigns packet ids in this order when it sends the messages.
    unnumbered: VecDeque<Published>,
    /// Messages by packet id.
    numbered: BTreeMap<u16, Published>,
}

impl Unacknowledged {
    /// Adds a message that was handed to the client library.
    pub(super) fn on_publish(&mut self, request: Published) {
        self.unnumbered.push_back(request);
    }

    /// Assigns a packet id to the first message without one: the client library has sent the message.
    pub(super) fn on_sent(&mut self, packet_id: u16) {
        if let Some(request) = self.unnumbered.pop_front() {
            self.numbered.insert(packet_id, request);
        }
    }

    /// Removes an acknowledged message. Returns its variant, which the broker carries.
    pub(super) fn on_ack(&mut self, packet_id: u16) -> Option<Variant> {
        self.numbered.remove(&packet_id).and_then(|request| request.variant)
    }

    /// Returns the variant and the topic of the request on which the broker has closed the connection.
    ///
    /// That is the oldest message, if it is a request and was published within [`REFUSAL_WINDOW`].
    pub(super) fn closed_on(&self, now: Instant) -> Option<(Variant, &str)> {
        let first = self.numbered.values().chain(&self.unnumbered).min_by_key(|request| request.at)?;
        let variant = first.variant.filter(|_| now.saturating_duration_since(first.at) < REFUSAL_WINDOW)?;
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
    fn connection_closed_after_request_blames_oldest_topic() {
        let now = Instant::now();
        let mut requests = Unacknowledged::default();
        assert_eq!(requests.closed_on(now), None, "nothing was published");
        requests.on_publish(request(Variant::Preferred, "d/rpc/A", now));
        requests.on_publish(request(Variant::Legacy, "d/rpc", now + Duration::from_millis(600)));
        requests.on_sent(1);
        assert_eq!(requests.closed_on(now + Duration::from_secs(1)), Some((Variant::Preferred, "d/rpc/A")));
        assert_eq!(requests.closed_on(now + REFUSAL_WINDOW), None, "too late to be a refusal");
        assert_eq!(requests.on_ack(1), Some(Variant::Preferred));
        assert_eq!(requests.on_ack(1), None, "acknowledged before");
        assert_eq!(requests.closed_on(now + Duration::from_secs(1)), Some((Variant::Legacy, "d/rpc")));
    }

    /// An answer to another client does not go to a topic of the device.
    #[test]
    fn connection_closed_after_answer_blames_no_topic() {
        let now = Instant::now();
        let mut requests = Unacknowledged::default();
        requests.on_publish(Published { variant: None, topic: "cloud/rpc".into(), at: now });
        requests.on_publish(request(Variant::Preferred, "d/rpc/A", now + Duration::from_millis(1)));
        assert_eq!(requests.closed_on(now + Duration::from_millis(2)), None);
    }
}
