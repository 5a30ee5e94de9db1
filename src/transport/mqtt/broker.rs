//! Connects to a broker, and explains failures.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Packet, PublishOptions, QoS,
    StateError, SubscribeReasonCode,
};
use tokio::time::Instant;

use super::publishing::{Published, Unacknowledged};
use super::settings::MqttSettings;
use super::topics::Topics;
use crate::rpc::{Cause, DialError, DialFailure, LostReason};
use crate::transport::connect_error::ConnectError;
use crate::transport::reach::{reach, within};
use crate::transport::target::{Endpoint, Login};
use crate::transport::tls::{self, Connector};
use crate::transport::variant::Variant;

/// The size of the largest packet that is accepted from the broker, in bytes.
const MAX_INCOMING_PACKET: usize = 1 << 20;

/// The size of the largest packet that is sent, in bytes.
const MAX_OUTGOING_PACKET: usize = 16 << 10;

/// The capacity of the client library's queue of messages to be sent.
///
/// It is larger than the number of messages that are ever sent without an acknowledgement.
const QUEUE_CAPACITY: usize = 256;

/// The MQTT keep-alive interval: how long the connection may be silent before the client pings the broker.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Connects to one broker.
pub(super) struct Broker {
    endpoint: Endpoint,
    client_id: String,
    /// The user has chosen the client id, so that another client may use it, too.
    is_client_id_chosen: bool,
    password: Option<String>,
    tls: Option<Arc<Connector>>,
    connect_timeout: Duration,
}

/// Omits the password.
impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// An open connection to the broker, and its unacknowledged messages.
pub(super) struct BrokerConnection {
    pub(super) client: AsyncClient,
    pub(super) events: EventLoop,
    pub(super) unacknowledged: Unacknowledged,
}

impl fmt::Debug for BrokerConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrokerConnection")
    }
}

impl BrokerConnection {
    /// Hands a frame to the client library. Returns false if its queue is full, which means that the connection is
    /// dead.
    pub(super) fn publish(&mut self, variant: Option<Variant>, topic: String, frame: Vec<u8>) -> bool {
        let request = Published { variant, topic: topic.clone(), at: Instant::now() };
        let has_room = self.client.try_publish(topic, frame, PublishOptions::at_least_once()).is_ok();
        if has_room {
            self.unacknowledged.on_publish(request);
        }
        has_room
    }
}

/// The result of a probe on a topic that the broker may refuse.
pub(super) enum ProbeResult {
    /// The broker has acknowledged the probe, or the result is unknown.
    Carried,
    /// The broker has closed the connection again.
    Closed,
}

impl Broker {
    /// Creates a client of the broker at `endpoint`. Reads the TLS files for `mqtts`.
    pub(super) fn new(
        endpoint: &Endpoint,
        client_id: String,
        connect_timeout: Duration,
        tls: &tls::TlsSettings,
        settings: &MqttSettings,
    ) -> Result<Self, ConnectError> {
        let tls = endpoint.is_tls().then(|| Connector::new(tls)).transpose()?;
        Ok(Self {
            endpoint: endpoint.clone(),
            client_id,
            is_client_id_chosen: settings.client_id.is_some(),
            password: settings.password.clone(),
            tls: tls.map(Arc::new),
            connect_timeout,
        })
    }

    /// Connects to the broker, and subscribes to the topics of replies.
    pub(super) async fn connect(&self, topics: &Topics) -> Result<BrokerConnection, DialFailure> {
        within(self.connect_timeout, self.open(topics)).await
    }

    /// Connects to the broker, and subscribes to nothing.
    pub(super) async fn connect_only(&self) -> Result<BrokerConnection, DialFailure> {
        within(self.connect_timeout, self.log_in()).await
    }

    async fn log_in(&self) -> Result<BrokerConnection, DialFailure> {
        let (client, mut events) = AsyncClient::builder(self.options()).capacity(QUEUE_CAPACITY).build();
        // The client library limits the time to connect, too: to 5 s by default, and only in whole seconds. Its limit
        // is set above `connect_timeout`, so that `connect_timeout` applies.
        let mut network = events.network_options();
        network.set_connection_timeout(self.connect_timeout.as_secs().saturating_add(2));
        events.set_network_options(network);
        let mut connection = BrokerConnection { client, events, unacknowledged: Unacknowledged::default() };
        loop {
            if let Event::Incoming(Packet::ConnAck(_)) = self.next(&mut connection.events).await? {
                break;
            }
        }
        if let Some(tls) = &self.tls {
            tls.client_auth().admitted();
        }
        Ok(connection)
    }

    async fn open(&self, topics: &Topics) -> Result<BrokerConnection, DialFailure> {
        let mut connection = self.log_in().await?;
        // Only the topic of replies is required. The others give more information.
        let optional = [topics.will.as_ref(), tracing::enabled!(tracing::Level::DEBUG).then_some(&topics.console)];
        let wanted: Vec<_> = std::iter::once(&topics.replies).chain(optional.into_iter().flatten()).collect();
        for &topic in &wanted {
            let sent = connection.client.try_subscribe(topic.clone(), QoS::AtLeastOnce);
            sent.map_err(|_| DialError::SubscriptionRefused(topic.clone()))?;
        }
        loop {
            // A broker acknowledges subscriptions in order, so that the first SUBACK is that of the replies.
            let event = self.next(&mut connection.events).await.map_err(|failure| match failure.cause {
                DialError::HungUp => {
                    let topics = wanted.iter().map(ToString::to_string).collect();
                    DialFailure { cause: DialError::SubscriptionCloses { topics }, ..failure }
                }
                _ => failure,
            })?;
            if let Event::Incoming(Packet::SubAck(ack)) = event {
                return match ack.return_codes.first() {
                    Some(SubscribeReasonCode::Success(_)) => Ok(connection),
                    _ => Err(DialError::SubscriptionRefused(topics.replies.clone()).into()),
                };
            }
        }
    }

    /// Publishes `ping` to `topic` over a new connection. Returns whether the broker closes that connection, too.
    pub(super) async fn probe(&self, topics: &Topics, topic: &str, ping: Vec<u8>) -> ProbeResult {
        let probe = async {
            let mut connection = self.open(topics).await?;
            connection.publish(None, topic.to_owned(), ping);
            loop {
                match connection.events.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(_))) => return Ok(ProbeResult::Carried),
                    Ok(_) => {}
                    Err(error) if is_closed(&error) => return Ok(ProbeResult::Closed),
                    Err(error) => return Err(explain(error)),
                }
            }
        };
        within(self.connect_timeout, probe).await.unwrap_or(ProbeResult::Carried)
    }

    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client_id, (self.endpoint.host(), self.endpoint.port()));
        options
            .set_keep_alive(u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX))
            .set_clean_session(true)
            .set_max_packet_size(MAX_INCOMING_PACKET, MAX_OUTGOING_PACKET);
        if let Some(Login { user, password }) = &self.endpoint.login {
            match password.as_ref().or(self.password.as_ref()) {
                Some(password) => options.set_credentials(user, password.clone()),
                None => options.set_username(user),
            };
        }
        let (endpoint, limit) = (self.endpoint.clone(), self.connect_timeout);
        // The connector of the other transports is used, so that failures are explained in the same way.
        match self.tls.clone() {
            None => options.set_socket_connector(move |_, _| {
                let endpoint = endpoint.clone();
                async move { reach(&endpoint, limit).await.map_err(io::Error::other) }
            }),
            Some(tls) => options.set_socket_connector(move |_, _| {
                let (endpoint, tls) = (endpoint.clone(), Arc::clone(&tls));
                async move {
                    let stream = reach(&endpoint, limit).await.map_err(io::Error::other)?;
                    tls.connect(endpoint.host(), stream).await.map_err(io::Error::other)
                }
            }),
        };
        options
    }

    /// Returns the next event of a connection that is being opened.
    async fn next(&self, events: &mut EventLoop) -> Result<Event, DialFailure> {
        events.poll().await.map_err(|error| {
            let failure = explain(error);
            match self.tls.as_ref().and_then(|tls| tls.client_auth().refusal(&failure.cause)) {
                Some(cause) => DialFailure { cause, ..failure },
                None => failure,
            }
        })
    }

    /// Explains why an open connection has ended.
    pub(super) fn explain_loss(&self, error: ConnectionError) -> LostReason {
        let client_id = self.is_client_id_chosen.then(|| self.client_id.clone());
        let is_closed = is_closed(&error);
        let cause = match error {
            ConnectionError::MqttState(StateError::AwaitPingResp) => return LostReason::BrokerSilent,
            ConnectionError::MqttState(StateError::Io(error)) | ConnectionError::Io(error) => Cause::new(error),
            other => Cause::new(other),
        };
        if is_closed {
            LostReason::ClosedByBroker { client_id, cause }
        } else {
            LostReason::BrokerFailed { client_id, cause }
        }
    }
}

/// Tells whether the broker has closed the connection. A broker that has stopped answering has not.
pub(super) fn is_closed(error: &ConnectionError) -> bool {
    match error {
        ConnectionError::MqttState(StateError::ConnectionAborted) => true,
        ConnectionError::MqttState(StateError::Io(error)) | ConnectionError::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// Explains why a connection could not be opened.
fn explain(error: ConnectionError) -> DialFailure {
    use ConnectReturnCode as Code;

    let cause = match &error {
        ConnectionError::ConnectionRefused(code) => match code {
            Code::BadUserNamePassword => DialError::BrokerCredentials("bad user or password"),
            Code::NotAuthorized => DialError::BrokerCredentials("not authorised"),
            Code::BadClientId => DialError::BrokerRefused("it does not take this client id"),
            Code::ServiceUnavailable => DialError::BrokerRefused("it is unavailable at present"),
            Code::RefusedProtocolVersion => DialError::BrokerRefused("it does not speak MQTT 3.1.1"),
            Code::Success => DialError::Other(error.to_string()),
        },
        ConnectionError::Io(io) | ConnectionError::MqttState(StateError::Io(io)) => {
            // A failure of the socket connector is already explained.
            let explained = io.get_ref().and_then(|inner| inner.downcast_ref::<DialFailure>());
            if let Some(failure) = explained {
                return failure.clone();
            }
            tls::explain(io)
        }
        ConnectionError::MqttState(StateError::ConnectionAborted) => DialError::HungUp,
        ConnectionError::NotConnAck(_) => DialError::NotABroker("its first packet is not a CONNACK".into()),
        other => DialError::NotABroker(other.to_string()),
    };
    DialFailure::new(cause, error)
}
