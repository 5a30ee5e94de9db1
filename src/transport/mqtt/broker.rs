//! The connection to a broker, and why there is none.

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
use super::topics::Topics;
use super::{KEEP_ALIVE, Settings};
use crate::rpc::DialError;
use crate::transport::connect_error::ConnectError;
use crate::transport::reach::{reach, within};
use crate::transport::target::{Endpoint, Login};
use crate::transport::tls::{self, Connector};
use crate::transport::variant::Variant;

/// The largest message that is taken from the broker, in bytes, and the largest that is sent.
const MAX_INCOMING: usize = 1 << 20;
const MAX_OUTGOING: usize = 16 << 10;

/// Messages that wait for the connection. More than are ever handed over without being acknowledged.
const QUEUE: usize = 256;

/// The way to a broker.
pub(super) struct Broker {
    endpoint: Endpoint,
    client_id: String,
    /// The user chose it, and so may have chosen it elsewhere too.
    has_own_id: bool,
    password: Option<String>,
    tls: Option<Arc<Connector>>,
    connect_timeout: Duration,
}

/// Without the password.
impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// A connection that has its subscriptions.
pub(super) struct Connection {
    client: AsyncClient,
    pub(super) events: EventLoop,
    pub(super) unacknowledged: Unacknowledged,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection {
    /// Hands a frame over. False if there is no room, which means that the connection is dead.
    pub(super) fn publish(&mut self, variant: Option<Variant>, topic: String, frame: Vec<u8>) -> bool {
        let request = Published { variant, topic: topic.clone(), at: Instant::now() };
        let has_room = self.client.try_publish(topic, frame, PublishOptions::at_least_once()).is_ok();
        if has_room {
            self.unacknowledged.published(request);
        }
        has_room
    }
}

/// What became of a question on a topic that the broker may not carry.
pub(super) enum Probed {
    /// The broker has acknowledged it, or it cannot be told.
    Carried,
    /// The broker has closed the connection again.
    Closed,
}

impl Broker {
    pub(super) fn new(
        endpoint: &Endpoint,
        client_id: String,
        connect_timeout: Duration,
        tls: &tls::Settings,
        settings: &Settings,
    ) -> Result<Self, ConnectError> {
        let tls = endpoint.is_tls().then(|| Connector::new(tls)).transpose()?;
        Ok(Self {
            endpoint: endpoint.clone(),
            client_id,
            has_own_id: settings.client_id.is_some(),
            password: settings.password.clone(),
            tls: tls.map(Arc::new),
            connect_timeout,
        })
    }

    /// Connects and subscribes.
    pub(super) async fn connect(&self, topics: &Topics) -> Result<Connection, DialError> {
        within(self.connect_timeout, self.open(topics)).await
    }

    async fn open(&self, topics: &Topics) -> Result<Connection, DialError> {
        let (client, mut events) = AsyncClient::builder(self.options()).capacity(QUEUE).build();
        // The library has a limit of its own, of 5 s and in whole seconds: ours is to come first.
        let mut network = events.network_options();
        network.set_connection_timeout(self.connect_timeout.as_secs().saturating_add(2));
        events.set_network_options(network);
        let mut connection = Connection { client, events, unacknowledged: Unacknowledged::default() };
        loop {
            if let Event::Incoming(Packet::ConnAck(_)) = self.next(&mut connection.events).await? {
                break;
            }
        }
        if let Some(tls) = &self.tls {
            tls.client_auth().admitted();
        }
        // The one without which there are no answers, and those without which we know less.
        let others = [topics.will.as_ref(), tracing::enabled!(tracing::Level::DEBUG).then_some(&topics.console)];
        let wanted: Vec<_> = std::iter::once(&topics.replies).chain(others.into_iter().flatten()).collect();
        for &topic in &wanted {
            let sent = connection.client.try_subscribe(topic.clone(), QoS::AtLeastOnce);
            sent.map_err(|_| DialError::SubscriptionRefused(topic.clone()))?;
        }
        loop {
            // Acknowledged in the order in which they were asked for.
            let event = self.next(&mut connection.events).await.map_err(|cause| match cause {
                DialError::HungUp => {
                    DialError::SubscriptionCloses { topics: wanted.iter().map(ToString::to_string).collect() }
                }
                other => other,
            })?;
            if let Event::Incoming(Packet::SubAck(ack)) = event {
                return match ack.return_codes.first() {
                    Some(SubscribeReasonCode::Success(_)) => Ok(connection),
                    _ => Err(DialError::SubscriptionRefused(topics.replies.clone())),
                };
            }
        }
    }

    /// Publishes `question` to `topic` over a connection of its own, to see whether the broker closes that one too.
    pub(super) async fn probe(&self, topics: &Topics, topic: &str, question: Vec<u8>) -> Probed {
        let probe = async {
            let mut connection = self.open(topics).await?;
            connection.publish(None, topic.to_owned(), question);
            loop {
                match connection.events.poll().await {
                    Ok(Event::Incoming(Packet::PubAck(_))) => return Ok(Probed::Carried),
                    Ok(_) => {}
                    Err(error) if is_closed(&error) => return Ok(Probed::Closed),
                    Err(error) => return Err(explain(&error)),
                }
            }
        };
        within(self.connect_timeout, probe).await.unwrap_or(Probed::Carried)
    }

    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client_id, (self.endpoint.host(), self.endpoint.port()));
        options
            .set_keep_alive(u16::try_from(KEEP_ALIVE.as_secs()).unwrap_or(u16::MAX))
            .set_clean_session(true)
            .set_max_packet_size(MAX_INCOMING, MAX_OUTGOING);
        if let Some(Login { user, password }) = &self.endpoint.login {
            match password.as_ref().or(self.password.as_ref()) {
                Some(password) => options.set_credentials(user, password.clone()),
                None => options.set_username(user),
            };
        }
        let (endpoint, limit) = (self.endpoint.clone(), self.connect_timeout);
        // So that it is reached, and explained, like any other host.
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

    /// The next event of a connection that is being made.
    async fn next(&self, events: &mut EventLoop) -> Result<Event, DialError> {
        events.poll().await.map_err(|error| {
            let cause = explain(&error);
            let refusal = self.tls.as_ref().and_then(|tls| tls.client_auth().refusal(&cause));
            refusal.unwrap_or(cause)
        })
    }

    /// Why the connection that there was has ended.
    pub(super) fn explain_loss(&self, error: &ConnectionError) -> String {
        let words = match error {
            ConnectionError::MqttState(StateError::AwaitPingResp) => {
                return "the broker has stopped answering".into();
            }
            error if is_closed(error) => "the broker closed the connection".into(),
            ConnectionError::MqttState(StateError::Io(error)) | ConnectionError::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        if self.has_own_id {
            return format!("{words}; does another client use the client id `{}`?", self.client_id);
        }
        words
    }
}

/// Whether the broker has closed the connection, rather than fallen silent.
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

fn explain(error: &ConnectionError) -> DialError {
    use ConnectReturnCode as Code;

    match error {
        ConnectionError::ConnectionRefused(code) => match code {
            Code::BadUserNamePassword => DialError::BrokerCredentials("bad user or password"),
            Code::NotAuthorized => DialError::BrokerCredentials("not authorised"),
            Code::BadClientId => DialError::BrokerRefused("it does not take this client id"),
            Code::ServiceUnavailable => DialError::BrokerRefused("it is unavailable at present"),
            Code::RefusedProtocolVersion => DialError::BrokerRefused("it does not speak MQTT 3.1.1"),
            Code::Success => DialError::Other(error.to_string()),
        },
        ConnectionError::Io(error) | ConnectionError::MqttState(StateError::Io(error)) => explain_io(error),
        ConnectionError::MqttState(StateError::ConnectionAborted) => DialError::HungUp,
        ConnectionError::NotConnAck(_) => DialError::NotABroker("its first words are others".into()),
        other => DialError::NotABroker(other.to_string()),
    }
}

fn explain_io(error: &io::Error) -> DialError {
    let ours = error.get_ref().and_then(|inner| inner.downcast_ref::<DialError>());
    ours.cloned().unwrap_or_else(|| tls::explain(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::mqtt::Mqtt;
    use crate::transport::target::Target;

    /// Whatever prints what it holds must not print a password.
    #[test]
    fn a_password_is_not_shown() {
        let Ok(Target::Mqtt(endpoint)) = "mqtt://user:s3cret@broker/dev".parse() else { panic!("an address") };
        let mqtt = Settings { password: Some("s3cret".into()), ..Settings::default() };
        let tls = tls::Settings::default();
        let client = Mqtt::new(&endpoint, Duration::from_secs(10), &tls, &mqtt).expect("a client");
        let shown = format!("{client:?} {mqtt:?}");
        assert!(shown.contains("broker/dev") && !shown.contains("s3cret"), "{shown}");
    }
}
