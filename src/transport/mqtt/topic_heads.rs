//! Finds the names before the first `/` of the topics that pass through a broker. A device has its id there.

use std::collections::HashSet;
use std::time::Duration;

use rumqttc::{Event, Packet, QoS, SubscribeReasonCode};
use tokio::time::{Instant, timeout_at};

use super::broker::Broker;
use super::settings::{MqttSettings, random_client_id};
use crate::rpc::{CallError, DialError, Peer};
use crate::transport::connect_error::ConnectError;
use crate::transport::target::Endpoint;
use crate::transport::tls::TlsSettings;

/// The most names that are kept.
const MAX_NAMES: usize = 10_000;

/// The maximum length of a name, in bytes.
const MAX_NAME_LEN: usize = 128;

/// All topics except those of the broker itself.
const ALL_TOPICS: &str = "#";

/// Why a broker could not be listened to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The client could not be set up.
    #[error(transparent)]
    Setup(#[from] ConnectError),
    /// The broker cannot be reached, refuses the client, or does not let it see all topics.
    #[error(transparent)]
    Broker(#[from] CallError),
}

/// Listens to all topics of the broker at `endpoint` for `limit`, and calls `on_name` with each new name.
///
/// Retained messages arrive at once, others when a device sends one. A broker may show only some topics to this user.
pub async fn topic_heads(
    endpoint: &Endpoint,
    connect_timeout: Duration,
    tls: &TlsSettings,
    settings: &MqttSettings,
    limit: Duration,
    mut on_name: impl FnMut(String),
) -> Result<(), ListenError> {
    let until = Instant::now() + limit;
    let client_id = settings.client_id.clone().unwrap_or_else(random_client_id);
    let broker = Broker::new(endpoint, client_id, connect_timeout, tls, settings)?;
    let peer = || Peer::Broker(endpoint.to_string());
    let mut connection = broker.connect_only().await.map_err(|failure| CallError::unreachable(peer(), failure))?;
    let refused = || CallError::unreachable(peer(), DialError::SubscriptionRefused(ALL_TOPICS.into()));
    connection.client.try_subscribe(ALL_TOPICS, QoS::AtMostOnce).map_err(|_| refused())?;
    let mut names = HashSet::new();
    // A flood of messages never lets the timer end the wait for the next one.
    while names.len() < MAX_NAMES && Instant::now() < until {
        // The time is over.
        let Ok(event) = timeout_at(until, connection.events.poll()).await else { break };
        match event {
            Ok(Event::Incoming(Packet::SubAck(ack)))
                if !matches!(ack.return_codes.first(), Some(SubscribeReasonCode::Success(_))) =>
            {
                return Err(refused().into());
            }
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let name = String::from_utf8_lossy(&message.topic);
                let name = name.split('/').next().unwrap_or_default();
                if is_possible_id(name) && names.insert(name.to_owned()) {
                    on_name(name.to_owned());
                }
            }
            Ok(_) => {}
            Err(_) if names.is_empty() => {
                let topics = vec![ALL_TOPICS.into()];
                return Err(CallError::unreachable(peer(), DialError::SubscriptionCloses { topics }).into());
            }
            Err(_) => break,
        }
    }
    Ok(())
}

/// Tells whether a name can be that of a device, and part of a topic.
fn is_possible_id(name: &str) -> bool {
    // A URL cannot have `.` and `..` as its path.
    !matches!(name, "" | "." | "..")
        && name.len() <= MAX_NAME_LEN
        && !name.starts_with('$')
        && !name.contains(['+', '#', '\0'])
}
