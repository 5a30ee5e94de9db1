//! MQTT 3.1.1: a broker stands between. As `mos` does it: subscribe first, then ask, with `QoS` 1.
//!
//! - `broker`: the connection to the broker, and why there is none;
//! - `topics`: what is published where.
//!
//! A device that reboots leaves the broker where it was. So the connection stays from one link to the next,
//! for as long as the client lives and the broker lets it.

mod broker;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rumqttc::{Event, Packet, Publish};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

use super::dialect::{Dialect, Heard};
use super::link::{Connect, Link, LinkDriver, OutgoingFrame};
use super::target::Endpoint;
use super::{ConnectError, Options};
use crate::rpc::DialError;
use crate::rpc::error::Silence;
use crate::rpc::frame::{Addressing, id_of};
use crate::text::{excerpt, printable};
use broker::Broker;
use topics::Topics;

/// Requests that the broker has not acknowledged, beyond which no more are sent.
const MAX_UNACKNOWLEDGED: usize = 32;

/// How long an answer is waited for before the question is asked again, if it may be.
const RESEND_AFTER: Duration = Duration::from_secs(2);

/// How long either side may be silent before it is asked for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What the user may set about MQTT.
#[derive(Clone, Default)]
pub struct Settings {
    /// The password of the URL's user, if it does not stand in the URL.
    pub password: Option<String>,
    /// The client id; one of our own unless given.
    pub client_id: Option<String>,
    /// Who asks: the prefix of the topic on which answers come.
    pub src: Option<String>,
    /// The one topic to which requests are published.
    pub pub_topic: Option<String>,
    /// The topic on which answers come.
    pub sub_topic: Option<String>,
    /// Where the device's last will is to be read.
    pub will_topic: Option<String>,
}

/// Without the password.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("client_id", &self.client_id).field("src", &self.src).finish_non_exhaustive()
    }
}

/// The way to a device over a broker.
#[derive(Debug)]
pub struct Mqtt {
    broker: Arc<Broker>,
    topics: Topics,
    addressing: Addressing,
    peer: String,
    dialled: String,
    connection: Arc<Mutex<Option<broker::Connection>>>,
    health: Health,
}

impl Mqtt {
    /// A way to the device that `endpoint` names behind its broker. For `mqtts`, reads what TLS needs.
    pub fn new(endpoint: &Endpoint, options: &Options) -> Result<Self, ConnectError> {
        let settings = &options.mqtt;
        let client_id = settings.client_id.clone().unwrap_or_else(own_client_id);
        let device = endpoint.device();
        let src = settings.src.clone().unwrap_or_else(|| format!("{device}/rpc-resp/{client_id}"));
        let addressing = Addressing { src, dst: device };
        Ok(Self {
            topics: Topics::new(&addressing, settings),
            broker: Arc::new(Broker::new(endpoint, client_id, options)?),
            addressing,
            peer: endpoint.to_string(),
            dialled: format!("the broker {}://{}:{}", endpoint.url.scheme(), endpoint.host(), endpoint.port()),
            connection: Arc::default(),
            health: Health::default(),
        })
    }
}

/// As that of `mos` is `mos-…`.
fn own_client_id() -> String {
    format!("otactl-{:08x}", getrandom::u32().unwrap_or_default())
}

#[async_trait]
impl Connect for Mqtt {
    async fn dial(&self) -> Result<Link, DialError> {
        // Waits until the link before has let go of the connection.
        let mut open = Arc::clone(&self.connection).lock_owned().await;
        if open.is_none() {
            self.health.forget_unacknowledged();
            *open = Some(self.broker.connect(&self.topics).await?);
        }
        let (link, driver) = Link::pair();
        let chosen = self.topics.only_way();
        let state = State {
            dialect: Dialect::new(chosen, Some(self.addressing.clone())),
            topics: self.topics.clone(),
            health: self.health.clone(),
        };
        tokio::spawn(drive(open, state, driver, Arc::clone(&self.broker)));
        Ok(link)
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn dialled(&self) -> &str {
        &self.dialled
    }

    fn addressing(&self) -> Option<&Addressing> {
        Some(&self.addressing)
    }

    /// The broker loses nothing, but a device that was not connected has not heard it.
    fn resends_after(&self) -> Option<Duration> {
        Some(RESEND_AFTER)
    }

    /// A broker keeps the order of what one client publishes, but passes it on as fast as it can to a device whose
    /// library drops the connection when it has no room. With 80 ms for the way and 20 ms of
    /// a simulated device for each, four frames of 3 KB take 1.2 times as long as eight.
    fn window(&self) -> usize {
        4
    }

    fn silence(&self) -> Option<Silence> {
        Some(Silence { what: self.health.explain(&self.addressing.dst), hint: None })
    }
}

/// What is known on one link.
struct State {
    dialect: Dialect,
    topics: Topics,
    health: Health,
}

/// Carries frames between the broker and the link until one of them ends.
async fn drive(
    mut open: OwnedMutexGuard<Option<broker::Connection>>,
    mut state: State,
    mut driver: LinkDriver,
    broker: Arc<Broker>,
) {
    let Some(connection) = open.as_mut() else { return };
    let dropped = driver.dropped();
    let reason = tokio::select! {
        () = dropped => return,
        reason = carry(connection, &mut state, &mut driver) => reason,
    };
    // Never polled again: it would dial by itself, and without end.
    *open = None;
    drop(open);
    driver.close(broker.explain_loss(&reason));
}

/// Returns why the connection has ended.
async fn carry(
    connection: &mut broker::Connection,
    state: &mut State,
    driver: &mut LinkDriver,
) -> rumqttc::ConnectionError {
    loop {
        let has_room = state.health.unacknowledged() < MAX_UNACKNOWLEDGED;
        let ask_at = state.dialect.ask_at();
        tokio::select! {
            event = connection.events.poll() => match event {
                Ok(Event::Incoming(Packet::Publish(message))) => if let Some(frame) = state.hear(message, connection) {
                    driver.deliver(frame).await;
                },
                Ok(Event::Incoming(Packet::PubAck(_))) => state.health.acknowledged(),
                Ok(_) => {}
                Err(error) => return error,
            },
            Some(frame) = driver.outgoing.recv_frame(), if has_room => state.say(frame, connection),
            () = sleep_until(ask_at.unwrap_or_else(Instant::now)), if ask_at.is_some() => state.ask(connection),
        }
    }
}

impl State {
    /// The frame in this message, if it is for whoever makes calls.
    fn hear(&mut self, message: Publish, connection: &broker::Connection) -> Option<Vec<u8>> {
        let topic = String::from_utf8_lossy(&message.topic);
        if self.topics.is_console(&topic) {
            tracing::debug!("| {}", printable(String::from_utf8_lossy(&message.payload).trim_end()));
            return None;
        }
        if self.topics.is_will(&topic) {
            self.health.set_will(excerpt(&message.payload));
            return None;
        }
        let frame = Vec::from(message.payload);
        match self.dialect.heard(&frame) {
            Heard::Frame => {
                self.health.set_answered();
                return Some(frame);
            }
            Heard::Answer if self.dialect.doubles() => self.health.set_doubles(),
            Heard::Answer => self.health.set_answered(),
            Heard::Settled(again) => {
                tracing::debug!("the device listens on one topic only");
                for (_, frame) in again {
                    self.publish(frame.into_bytes(), connection);
                }
            }
        }
        None
    }

    fn say(&mut self, frame: OutgoingFrame, connection: &broker::Connection) {
        if let Some(id) = id_of(frame.bytes()) {
            self.dialect.called(id, frame.clone(), Instant::now());
        }
        self.publish(frame.into_bytes(), connection);
    }

    fn ask(&mut self, connection: &broker::Connection) {
        for (way, question) in self.dialect.questions(Instant::now()).into_iter().flatten() {
            let topic = self.topics.of(way, &question);
            self.publish_to(topic, question, connection);
        }
    }

    fn publish(&self, frame: Vec<u8>, connection: &broker::Connection) {
        let topic = self.topics.of(self.dialect.way(), &frame);
        self.publish_to(topic, frame, connection);
    }

    fn publish_to(&self, topic: String, frame: Vec<u8>, connection: &broker::Connection) {
        if connection.publish(topic, frame) {
            self.health.published();
        }
    }
}

/// What has been noticed, for whoever has to explain a silence. Clones share it.
#[derive(Debug, Clone, Default)]
struct Health(Arc<Noticed>);

#[derive(Debug, Default)]
struct Noticed {
    unacknowledged: AtomicUsize,
    has_answered: AtomicBool,
    doubles: AtomicBool,
    will: SyncMutex<Option<String>>,
}

impl Health {
    fn unacknowledged(&self) -> usize {
        self.0.unacknowledged.load(Ordering::Relaxed)
    }

    /// What a broker that is gone has not acknowledged, it never will.
    fn forget_unacknowledged(&self) {
        self.0.unacknowledged.store(0, Ordering::Relaxed);
    }

    fn published(&self) {
        self.0.unacknowledged.fetch_add(1, Ordering::Relaxed);
    }

    fn acknowledged(&self) {
        let less = |count: usize| Some(count.saturating_sub(1));
        let _ = self.0.unacknowledged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    fn set_doubles(&self) {
        self.0.doubles.store(true, Ordering::Relaxed);
    }

    fn set_will(&self, will: String) {
        *self.0.will.lock().unwrap_or_else(PoisonError::into_inner) = Some(will);
    }

    fn explain(&self, device: &str) -> String {
        let device = printable(device);
        if self.unacknowledged() > 0 {
            return "the broker has not acknowledged the request".into();
        }
        if self.0.doubles.load(Ordering::Relaxed) {
            return format!(
                "`{device}` runs everything twice on its topic for all methods, and hears nothing on {device}/rpc/METHOD; \
                 does the broker let us publish there?"
            );
        }
        let will = self.0.will.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let will = will.map(|will| format!(" Its last will says `{will}`")).unwrap_or_default();
        if self.0.has_answered.load(Ordering::Relaxed) {
            return format!("the broker took the request, but `{device}` has stopped answering.{will}");
        }
        format!("the broker took the request, but no device answered; is `{device}` online?{will}")
    }
}
