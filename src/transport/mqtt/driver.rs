//! Drives one link over the connection to the broker.

use std::sync::Arc;

use rumqttc::{ConnectionError, Event, Outgoing, Packet, Publish};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::sync::OwnedMutexGuard;
use tokio::time::{Instant, sleep_until};

use super::broker::{self, Broker, BrokerConnection, ProbeResult};
use super::link_stats::MqttLinkStats;
use super::topics::Topics;
use crate::rpc::frame::id_of;
use crate::rpc::{DialError, LostReason};
use crate::text::{excerpt, printable};
use crate::transport::link::{LinkDriver, LinkEnd, OutgoingFrame};
use crate::transport::variant::{FrameMeaning, Variant, VariantDetector};

/// The number of unacknowledged requests at which no more are sent.
const MAX_UNACKNOWLEDGED: usize = 32;

/// The state of one link.
pub(super) struct MqttLink {
    pub(super) detector: VariantDetector,
    /// The id of the device.
    pub(super) device: String,
    pub(super) topics: Topics,
    pub(super) stats: MqttLinkStats,
}

/// Carries frames between the broker and the link until one of them ends.
pub(super) async fn drive(
    mut open: OwnedMutexGuard<Option<BrokerConnection>>,
    mut link: MqttLink,
    mut driver: LinkDriver,
    broker: Arc<Broker>,
) {
    let dropped = driver.dropped();
    let ended = tokio::select! {
        () = dropped => return,
        ended = run(&mut open, &mut link, &mut driver, &broker) => ended,
    };
    drop(open);
    driver.end(ended);
}

/// Carries frames until the connection has ended.
///
/// If the broker closes the connection because of a per-method topic, connects again and uses the single topic. If the
/// broker refuses the single topic as well, the link ends with [`LinkEnd::Refused`].
async fn run(
    open: &mut Option<BrokerConnection>,
    link: &mut MqttLink,
    driver: &mut LinkDriver,
    broker: &Broker,
) -> LinkEnd {
    loop {
        let Some(connection) = open.as_mut() else { return LinkEnd::Lost(LostReason::Closed) };
        let error = carry(connection, link, driver).await;
        let closed_on = connection.unacknowledged.closed_on(Instant::now()).filter(|_| broker::is_closed(&error));
        let closed_on = closed_on.map(|(variant, topic)| (variant, topic.to_owned()));
        // The client library would reconnect, without end, if this connection were polled again.
        *open = None;
        let lost = LinkEnd::Lost(broker.explain_loss(error));
        let Some((variant, topic)) = closed_on.filter(|(variant, _)| !link.stats.is_carried(*variant)) else {
            return lost;
        };
        // The broker may also have restarted after it had passed the request on. A ping, which changes nothing,
        // tells the two cases apart.
        let ping = link.detector.ping(variant);
        let probed = broker.probe(&link.topics, &link.topics.topic_of(variant, &ping), ping).await;
        if matches!(probed, ProbeResult::Carried) {
            return lost;
        }
        link.stats.add_refused_topic(topic);
        if variant == Variant::Legacy {
            let cause = DialError::PublishRefused { topics: link.stats.refused_topics() };
            return LinkEnd::Refused(cause.into());
        }
        tracing::debug!(
            "the broker closes the connection on {}/METHOD; publishing to {}, as `--mqtt-pub-topic` does at once",
            link.topics.single_topic(),
            link.topics.single_topic()
        );
        link.stats.reset_unacknowledged();
        match broker.connect(&link.topics).await {
            Ok(connection) => {
                let connection = open.insert(connection);
                for (_, frame) in link.detector.fall_back() {
                    link.publish(frame.into_bytes(), connection);
                }
            }
            Err(failure) => return LinkEnd::Refused(failure),
        }
    }
}

/// Carries frames over one connection. Returns the error that ends the connection.
async fn carry(connection: &mut BrokerConnection, link: &mut MqttLink, driver: &mut LinkDriver) -> ConnectionError {
    loop {
        let has_room = link.stats.unacknowledged() < MAX_UNACKNOWLEDGED;
        let probe_at = link.detector.probe_at();
        tokio::select! {
            event = connection.events.poll() => match event {
                Ok(Event::Incoming(Packet::Publish(message))) => if let Some(frame) = link.on_message(message, connection) {
                    driver.deliver(frame).await;
                },
                Ok(Event::Incoming(Packet::PubAck(ack))) => {
                    link.stats.on_ack(connection.unacknowledged.on_ack(ack.pkid));
                }
                Ok(Event::Outgoing(Outgoing::Publish(packet))) => connection.unacknowledged.on_sent(packet),
                Ok(_) => {}
                Err(error) => return error,
            },
            Some(frame) = driver.outgoing.recv_frame(), if has_room => link.send(frame, connection),
            () = sleep_until(probe_at.unwrap_or_else(Instant::now)), if probe_at.is_some() => link.send_probes(connection),
        }
    }
}

impl MqttLink {
    /// Processes a message of the broker. Returns the frame in the message if it is for the session.
    fn on_message(&mut self, message: Publish, connection: &mut BrokerConnection) -> Option<Vec<u8>> {
        let topic = String::from_utf8_lossy(&message.topic);
        if self.topics.is_console(&topic) {
            tracing::debug!("| {}", printable(String::from_utf8_lossy(&message.payload).trim_end()));
            return None;
        }
        if self.topics.is_will(&topic) {
            self.stats.set_last_will(excerpt(&message.payload));
            return None;
        }
        let frame = Vec::from(message.payload);
        if let Some(src) = foreign_source(&frame, &self.device) {
            tracing::debug!("dropped a reply of {src}: `{}` was asked", printable(&self.device));
            self.stats.set_foreign_source(src);
            return None;
        }
        match self.detector.on_frame(&frame) {
            FrameMeaning::Frame => {
                self.stats.set_answered();
                return Some(frame);
            }
            FrameMeaning::ProbeReply if self.detector.executes_twice() => self.stats.set_executes_twice(),
            FrameMeaning::ProbeReply => self.stats.set_answered(),
            FrameMeaning::Settled(calls) => {
                tracing::debug!("the device listens on one topic only");
                for (_, frame) in calls {
                    self.publish(frame.into_bytes(), connection);
                }
            }
        }
        None
    }

    /// Publishes a frame of the session.
    fn send(&mut self, frame: OutgoingFrame, connection: &mut BrokerConnection) {
        if let Some(id) = id_of(frame.bytes()) {
            self.detector.on_call_sent(id, frame.clone(), Instant::now());
        }
        self.publish(frame.into_bytes(), connection);
    }

    /// Publishes the probes that are due.
    fn send_probes(&mut self, connection: &mut BrokerConnection) {
        for (variant, probe) in self.detector.due_probes(Instant::now()).into_iter().flatten() {
            let topic = self.topics.topic_of(variant, &probe);
            self.publish_to(topic, probe, connection);
        }
    }

    fn publish(&self, frame: Vec<u8>, connection: &mut BrokerConnection) {
        let topic = self.topics.topic_of(self.detector.variant(), &frame);
        self.publish_to(topic, frame, connection);
    }

    fn publish_to(&self, topic: String, frame: Vec<u8>, connection: &mut BrokerConnection) {
        if connection.publish(self.topics.variant_of(&topic), topic, frame) {
            self.stats.on_publish();
        }
    }
}

/// Returns the source of a reply that does not come from `device`, as it may be shown.
///
/// Old device libraries may send replies without a source. Such a reply counts as one of `device`.
fn foreign_source(frame: &[u8], device: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct ReplyHead {
        src: Option<Value>,
        method: Option<IgnoredAny>,
    }
    match serde_json::from_slice(frame).ok()? {
        ReplyHead { src: Some(src), method: None } if src != device => Some(match src {
            Value::String(src) => format!("`{}`", excerpt(src.as_bytes())),
            other => format!("`{}`", excerpt(other.to_string().as_bytes())),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reply_with_another_source_is_foreign() {
        for (frame, src) in [
            (r#"{"id":1,"src":"dev","result":null}"#, None),
            (r#"{"id":1,"result":null}"#, None),
            (r#"{"id":1,"src":null,"result":null}"#, None),
            (r#"{"id":1,"src":"other","method":"Dash.Heartbeat"}"#, None),
            ("junk", None),
            (r#"{"id":1,"src":"other","result":null}"#, Some("`other`")),
            (r#"{"id":1,"src":"DEV","error":{"code":404}}"#, Some("`DEV`")),
            (r#"{"id":1,"src":"dev/x\u001b","result":null}"#, Some("`dev/x·`")),
            (r#"{"id":1,"src":7,"result":null}"#, Some("`7`")),
        ] {
            assert_eq!(foreign_source(frame.as_bytes(), "dev").as_deref(), src, "{frame}");
        }
    }
}
