//! MQTT 3.1.1: requests and replies pass through a broker.
//!
//! As `mos` does, otactl subscribes first, then publishes a request, with `QoS` 1.
//!
//! - `broker`: connects to the broker, and explains failures;
//! - `driver`: drives one link over the connection;
//! - `topics`: chooses the topic of each frame;
//! - `publishing`: requests that the broker has not acknowledged;
//! - `link_stats`: explains why no reply comes;
//! - `topic_heads`: the names that may be those of devices behind a broker;
//! - `settings`: [`MqttSettings`].
//!
//! The connection to the broker survives a reboot of the device. So it stays open from one link to the next, as long as
//! the client lives and the broker does not close it.

mod broker;
mod driver;
mod link_stats;
mod publishing;
mod settings;
mod topic_heads;
mod topics;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tracing::Instrument as _;

use super::connect_error::ConnectError;
use super::link::{Connect, Link};
use super::target::Endpoint;
use super::tls;
use super::variant::{Variant, VariantDetector};
use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use crate::rpc::frame::Addressing;
use crate::rpc::{DialFailure, Peer};
use broker::{Broker, BrokerConnection};
use driver::{MqttLink, drive};
use link_stats::MqttLinkStats;
pub use settings::MqttSettings;
use settings::random_client_id;
pub use topic_heads::{ListenError, topic_heads};
use topics::Topics;

/// How long to wait for a reply before an idempotent request is sent again.
const RESEND_AFTER: Duration = Duration::from_secs(2);

/// Connects to one device through an MQTT broker.
#[derive(Debug)]
pub struct Mqtt {
    broker: Arc<Broker>,
    topics: Topics,
    addressing: Addressing,
    peer: String,
    broker_address: String,
    /// The open connection. A link holds the lock for as long as it lives.
    connection: Arc<Mutex<Option<BrokerConnection>>>,
    stats: MqttLinkStats,
}

impl Mqtt {
    /// Creates a client of the device that `endpoint` names. Reads the TLS files for `mqtts`.
    pub fn new(
        endpoint: &Endpoint,
        connect_timeout: Duration,
        tls: &tls::TlsSettings,
        settings: &MqttSettings,
    ) -> Result<Self, ConnectError> {
        let client_id = settings.client_id.clone().unwrap_or_else(random_client_id);
        let device = endpoint.device();
        let src = settings.src.clone().unwrap_or_else(|| format!("{device}/rpc-resp/{client_id}"));
        let addressing = Addressing { src, dst: device };
        Ok(Self {
            topics: Topics::new(&addressing, settings),
            broker: Arc::new(Broker::new(endpoint, client_id, connect_timeout, tls, settings)?),
            addressing,
            peer: endpoint.to_string(),
            broker_address: format!("{}://{}:{}", endpoint.url.scheme(), endpoint.host(), endpoint.port()),
            connection: Arc::default(),
            stats: MqttLinkStats::default(),
        })
    }
}

#[async_trait]
impl Connect for Mqtt {
    async fn dial(&self) -> Result<Link, DialFailure> {
        // Waits until the previous link has released the connection.
        let mut open = Arc::clone(&self.connection).lock_owned().await;
        if open.is_none() {
            self.stats.reset_unacknowledged();
            *open = Some(self.broker.connect(&self.topics).await?);
        }
        let (link, driver) = Link::pair();
        let chosen = self.topics.only_variant().or_else(|| self.stats.uses_legacy_variant().then_some(Variant::Legacy));
        let link_state = MqttLink {
            detector: VariantDetector::new(chosen, Some(self.addressing.clone())),
            device: self.addressing.dst.clone(),
            topics: self.topics.clone(),
            stats: self.stats.clone(),
        };
        tokio::spawn(drive(open, link_state, driver, Arc::clone(&self.broker)).in_current_span());
        Ok(link)
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn dialled(&self) -> Peer {
        Peer::Broker(self.broker_address.clone())
    }

    fn addressing(&self) -> Option<&Addressing> {
        Some(&self.addressing)
    }

    /// A broker carries frames across reboots, but a device that is not connected does not receive them.
    fn links(&self) -> Links {
        Links::Shared
    }

    fn may_execute_twice(&self) -> bool {
        true
    }

    fn resends_after(&self) -> Option<Duration> {
        Some(RESEND_AFTER)
    }

    /// Returns 4. A broker keeps the order of the messages of one client, but forwards them as fast as it can. The
    /// device library drops the connection when it has no room for a message.
    ///
    /// Measured with frames of 3 KB, 80 ms for the way, and a simulated device that takes 20 ms for each frame: a
    /// window of four takes 1.2 times as long as a window of eight.
    fn window(&self) -> usize {
        4
    }

    fn silence(&self) -> Option<Silence> {
        Some(self.stats.explain(&self.addressing.dst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::target::Target;

    #[test]
    fn password_is_not_in_debug_output() {
        let Ok(Target::Mqtt(endpoint)) = "mqtt://user:s3cret@broker/dev".parse() else { panic!("an address") };
        let mqtt = MqttSettings { password: Some("s3cret".into()), ..MqttSettings::default() };
        let tls = tls::TlsSettings::default();
        let client = Mqtt::new(&endpoint, Duration::from_secs(10), &tls, &mqtt).expect("a client");
        let shown = format!("{client:?} {mqtt:?}");
        assert!(shown.contains("broker/dev") && !shown.contains("s3cret"), "{shown}");
    }
}
