//! MQTT 3.1.1: a broker stands between. As `mos` does it: subscribe first, then ask, with `QoS` 1.
//!
//! - `broker`: the connection to the broker, and why there is none;
//! - `topics`: what is published where;
//! - `publishing`: requests that the broker has not acknowledged.
//!
//! A device that reboots leaves the broker where it was. So the connection stays from one link to the next,
//! for as long as the client lives and the broker lets it.

mod broker;
mod publishing;
mod topics;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex as SyncMutex;
use rumqttc::{Event, Outgoing, Packet, Publish};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

use super::connect_error::ConnectError;
use super::link::{Connect, Ended, Link, LinkDriver, OutgoingFrame};
use super::target::Endpoint;
use super::tls;
use super::variant::{FrameMeaning, Variant, VariantDetector};
use crate::rpc::DialError;
use crate::rpc::client::Links;
use crate::rpc::error::Silence;
use crate::rpc::frame::{Addressing, id_of};
use crate::text::{excerpt, printable};
use broker::{Broker, Probed};
use topics::Topics;

/// Requests that the broker has not acknowledged, beyond which no more are sent.
const MAX_UNACKNOWLEDGED: usize = 32;

/// How long an answer is waited for before the question is asked again, if it may be.
const RESEND_AFTER: Duration = Duration::from_secs(2);

/// How long either side may be silent before it is asked for a word.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What to try when no device answers: a broker does not tell that it drops a message.
const FILTERED: &str = "is the device connected to this broker, by that id? If so, the broker's access rules may filter \
                        the request, or the reply on SRC/rpc: `--mqtt-pub-topic` and `--mqtt-src` choose other topics";

/// What to try when another device answers.
const FOREIGN: &str =
    "name the device that is meant in the URL, mqtt://BROKER/DEVICE; does another client answer for it?";

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
    stats: LinkStats,
}

impl Mqtt {
    /// A way to the device that `endpoint` names behind its broker. For `mqtts`, reads what TLS needs.
    pub fn new(
        endpoint: &Endpoint,
        connect_timeout: Duration,
        tls: &tls::Settings,
        settings: &Settings,
    ) -> Result<Self, ConnectError> {
        let client_id = settings.client_id.clone().unwrap_or_else(own_client_id);
        let device = endpoint.device();
        let src = settings.src.clone().unwrap_or_else(|| format!("{device}/rpc-resp/{client_id}"));
        let addressing = Addressing { src, dst: device };
        Ok(Self {
            topics: Topics::new(&addressing, settings),
            broker: Arc::new(Broker::new(endpoint, client_id, connect_timeout, tls, settings)?),
            addressing,
            peer: endpoint.to_string(),
            dialled: format!("the broker {}://{}:{}", endpoint.url.scheme(), endpoint.host(), endpoint.port()),
            connection: Arc::default(),
            stats: LinkStats::default(),
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
            self.stats.forget_unacknowledged();
            *open = Some(self.broker.connect(&self.topics).await?);
        }
        let (link, driver) = Link::pair();
        let chosen = self.topics.only_variant().or_else(|| self.stats.uses_legacy_variant().then_some(Variant::Legacy));
        let state = State {
            variant: VariantDetector::new(chosen, Some(self.addressing.clone())),
            device: self.addressing.dst.clone(),
            topics: self.topics.clone(),
            stats: self.stats.clone(),
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
    fn links(&self) -> Links {
        Links::Shared
    }

    fn may_execute_twice(&self) -> bool {
        true
    }

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
        Some(self.stats.explain(&self.addressing.dst))
    }
}

/// What is known on one link.
struct State {
    variant: VariantDetector,
    device: String,
    topics: Topics,
    stats: LinkStats,
}

/// Carries frames between the broker and the link until one of them ends.
async fn drive(
    mut open: OwnedMutexGuard<Option<broker::Connection>>,
    mut state: State,
    mut driver: LinkDriver,
    broker: Arc<Broker>,
) {
    let dropped = driver.dropped();
    let ended = tokio::select! {
        () = dropped => return,
        ended = run(&mut open, &mut state, &mut driver, &broker) => ended,
    };
    drop(open);
    driver.end(ended);
}

/// Carries frames until there is no connection any more. A broker that closes the connection on a topic is asked on the
/// other one, if there is one.
async fn run(
    open: &mut Option<broker::Connection>,
    state: &mut State,
    driver: &mut LinkDriver,
    broker: &Broker,
) -> Ended {
    loop {
        let Some(connection) = open.as_mut() else { return Ended::Lost("there is no connection".into()) };
        let error = carry(connection, state, driver).await;
        let closed_on = connection.unacknowledged.closed_on(Instant::now()).filter(|_| broker::is_closed(&error));
        let closed_on = closed_on.map(|(variant, topic)| (variant, topic.to_owned()));
        // Never polled again: it would dial by itself, and without end.
        *open = None;
        let lost = Ended::Lost(broker.explain_loss(&error));
        let Some((variant, topic)) = closed_on.filter(|(variant, _)| !state.stats.is_carried(*variant)) else {
            return lost;
        };
        // The broker may as well have restarted after it had passed the request on. So what is asked first is harmless.
        let question = state.variant.probe(variant);
        let probed = broker.probe(&state.topics, &state.topics.of(variant, &question), question).await;
        if matches!(probed, Probed::Carried) {
            return lost;
        }
        state.stats.set_refused(topic);
        if variant == Variant::Legacy {
            return Ended::Refused(DialError::PublishRefused { topics: state.stats.refused() });
        }
        tracing::debug!(
            "the broker closes the connection on {}/METHOD; publishing to {}, as `--mqtt-pub-topic` does at once",
            state.topics.requests(),
            state.topics.requests()
        );
        state.stats.forget_unacknowledged();
        match broker.connect(&state.topics).await {
            Ok(connection) => {
                let connection = open.insert(connection);
                for (_, frame) in state.variant.fall_back() {
                    state.publish(frame.into_bytes(), connection);
                }
            }
            Err(cause) => return Ended::Refused(cause),
        }
    }
}

/// Returns why the connection has ended.
async fn carry(
    connection: &mut broker::Connection,
    state: &mut State,
    driver: &mut LinkDriver,
) -> rumqttc::ConnectionError {
    loop {
        let has_room = state.stats.unacknowledged() < MAX_UNACKNOWLEDGED;
        let ask_at = state.variant.ask_at();
        tokio::select! {
            event = connection.events.poll() => match event {
                Ok(Event::Incoming(Packet::Publish(message))) => if let Some(frame) = state.hear(message, connection) {
                    driver.deliver(frame).await;
                },
                Ok(Event::Incoming(Packet::PubAck(ack))) => {
                    state.stats.acknowledged(connection.unacknowledged.acknowledged(ack.pkid));
                }
                Ok(Event::Outgoing(Outgoing::Publish(packet))) => connection.unacknowledged.sent(packet),
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
    fn hear(&mut self, message: Publish, connection: &mut broker::Connection) -> Option<Vec<u8>> {
        let topic = String::from_utf8_lossy(&message.topic);
        if self.topics.is_console(&topic) {
            tracing::debug!("| {}", printable(String::from_utf8_lossy(&message.payload).trim_end()));
            return None;
        }
        if self.topics.is_will(&topic) {
            self.stats.set_will(excerpt(&message.payload));
            return None;
        }
        let frame = Vec::from(message.payload);
        if let Some(src) = foreign_source(&frame, &self.device) {
            tracing::debug!("dropped a reply of {src}: `{}` was asked", printable(&self.device));
            self.stats.set_foreign(src);
            return None;
        }
        match self.variant.on_frame(&frame) {
            FrameMeaning::Frame => {
                self.stats.set_answered();
                return Some(frame);
            }
            FrameMeaning::Answer if self.variant.executes_twice() => self.stats.set_executes_twice(),
            FrameMeaning::Answer => self.stats.set_answered(),
            FrameMeaning::Settled(again) => {
                tracing::debug!("the device listens on one topic only");
                for (_, frame) in again {
                    self.publish(frame.into_bytes(), connection);
                }
            }
        }
        None
    }

    fn say(&mut self, frame: OutgoingFrame, connection: &mut broker::Connection) {
        if let Some(id) = id_of(frame.bytes()) {
            self.variant.called(id, frame.clone(), Instant::now());
        }
        self.publish(frame.into_bytes(), connection);
    }

    fn ask(&mut self, connection: &mut broker::Connection) {
        for (variant, question) in self.variant.questions(Instant::now()).into_iter().flatten() {
            let topic = self.topics.of(variant, &question);
            self.publish_to(topic, question, connection);
        }
    }

    fn publish(&self, frame: Vec<u8>, connection: &mut broker::Connection) {
        let topic = self.topics.of(self.variant.variant(), &frame);
        self.publish_to(topic, frame, connection);
    }

    fn publish_to(&self, topic: String, frame: Vec<u8>, connection: &mut broker::Connection) {
        if connection.publish(self.topics.variant_of(&topic), topic, frame) {
            self.stats.published();
        }
    }
}

/// What has been noticed, for whoever has to explain a silence. Clones share it.
#[derive(Debug, Clone, Default)]
struct LinkStats(Arc<SharedStats>);

#[derive(Debug, Default)]
struct SharedStats {
    unacknowledged: AtomicUsize,
    has_answered: AtomicBool,
    doubles: AtomicBool,
    /// The broker has taken a request on the topic of a method, and on the topic for all.
    carries_methods: AtomicBool,
    carries_plain: AtomicBool,
    /// The topics on which the broker closes the connection, a topic of a method first.
    refused: SyncMutex<Vec<String>>,
    will: SyncMutex<Option<String>>,
    /// The source of the last reply that was dropped.
    foreign: SyncMutex<Option<String>>,
}

impl LinkStats {
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

    /// The broker has taken a message, of this kind if it was a request.
    fn acknowledged(&self, variant: Option<Variant>) {
        if let Some(variant) = variant {
            self.carried(variant).store(true, Ordering::Relaxed);
        }
        let less = |count: usize| Some(count.saturating_sub(1));
        let _ = self.0.unacknowledged.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    fn carried(&self, variant: Variant) -> &AtomicBool {
        match variant {
            Variant::Preferred => &self.0.carries_methods,
            Variant::Legacy => &self.0.carries_plain,
        }
    }

    fn is_carried(&self, variant: Variant) -> bool {
        self.carried(variant).load(Ordering::Relaxed)
    }

    fn set_refused(&self, topic: String) {
        let mut refused = self.0.refused.lock();
        if !refused.contains(&topic) {
            refused.push(topic);
        }
    }

    fn refused(&self) -> Vec<String> {
        self.0.refused.lock().clone()
    }

    /// The broker does not carry the topics of the methods.
    fn uses_legacy_variant(&self) -> bool {
        !self.refused().is_empty()
    }

    fn set_answered(&self) {
        self.0.has_answered.store(true, Ordering::Relaxed);
    }

    fn set_executes_twice(&self) {
        self.0.doubles.store(true, Ordering::Relaxed);
    }

    fn set_will(&self, will: String) {
        *self.0.will.lock() = Some(will);
    }

    fn set_foreign(&self, src: String) {
        *self.0.foreign.lock() = Some(src);
    }

    fn explain(&self, device: &str) -> Silence {
        let device = printable(device);
        let without_hint = |what| Silence { what, hint: None };
        if self.unacknowledged() > 0 {
            return without_hint("the broker has not acknowledged the request".into());
        }
        if self.0.doubles.load(Ordering::Relaxed) {
            return without_hint(format!(
                "`{device}` runs everything twice on its topic for all methods, and hears nothing on {device}/rpc/METHOD; \
                 does the broker let us publish there?"
            ));
        }
        let will = self.0.will.lock().clone();
        let will = will.map(|will| format!(" Its last will says `{will}`")).unwrap_or_default();
        let after_stop = if will.is_empty() { String::new() } else { format!(".{will}") };
        if self.0.has_answered.load(Ordering::Relaxed) {
            return without_hint(format!(
                "the broker took the request, but `{device}` has stopped answering{after_stop}"
            ));
        }
        if let Some(src) = self.0.foreign.lock().as_deref() {
            let what =
                format!("the broker took the request, and {src} replied to it instead of `{device}`{after_stop}");
            return Silence { what, hint: Some(FOREIGN) };
        }
        let what = format!("the broker took the request, but no device answered; is `{device}` online?{will}");
        Silence { what, hint: Some(FILTERED) }
    }
}

/// Returns the source that a reply names, fit to be shown, if that is not `device`. Old libraries may name none.
fn foreign_source(frame: &[u8], device: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        src: Option<Value>,
        method: Option<IgnoredAny>,
    }
    match serde_json::from_slice(frame).ok()? {
        Head { src: Some(src), method: None } if src != device => Some(match src {
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
