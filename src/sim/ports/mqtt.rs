//! The device as a client of an MQTT broker, as recorded in wire/mqtt.json and wire/mqtt-single.json.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, PublishOptions, QoS};
use tokio::net::TcpStream;

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::wire::{self, Frame};

/// The largest request that the device accepts, in bytes. The device drops the connection at a larger request.
const MAX_REQUEST: usize = 3072;

/// The pause between the end of a connection to the broker and the next attempt.
const RECONNECT_DELAY: Duration = Duration::from_secs(2);

/// The keep-alive interval in seconds, as recorded.
const KEEP_ALIVE: u16 = 60;

/// The largest number of messages that wait for the broker. Further messages are dropped.
const MAX_QUEUED: usize = 64;

/// The broker, and the MQTT library of the device.
#[derive(Clone)]
pub struct MqttConfig {
    /// The broker's host.
    pub host: String,
    /// The broker's port.
    pub port: u16,
    /// The user and the password for the broker.
    pub login: Option<(String, String)>,
    /// The device's client id. The topics of the device begin with it.
    pub device: String,
    /// The generation of the device's MQTT library.
    pub library: Library,
}

/// Omits the login.
impl std::fmt::Debug for MqttConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MqttConfig({}:{}/{}, {:?})", self.host, self.port, self.device, self.library)
    }
}

/// The generation of the device's MQTT library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Library {
    /// Since 2021-06: the device runs a call on `<device>/rpc` twice, and answers it twice.
    Twice,
    /// Before 2021-06: the device runs each call once.
    ///
    /// That the device subscribes to `<device>/rpc/#` is recorded. That the device runs calls on these topics is a
    /// guess.
    Single,
    /// The device has no wildcard subscription (`rpc.mqtt.sub_wc` is off).
    Plain,
}

/// Serves the device at this broker. Never returns. `ip` is the device's address in its network.
pub async fn serve(config: MqttConfig, ip: String, board: Arc<Board>) {
    loop {
        board.until_on().await;
        let boot = board.boot();
        let (client, mut events) = AsyncClient::builder(options(&config)).capacity(MAX_QUEUED).build();
        tokio::select! {
            biased;
            // A reset sends neither a FIN nor an MQTT disconnect.
            () = board.until_off(boot) => board.keep_half_open((client, events)),
            () = exchange(&config, &client, &mut events, &ip, &board) => {
                drop((client, events));
                tokio::time::sleep(RECONNECT_DELAY).await;
            }
        }
    }
}

fn options(config: &MqttConfig) -> MqttOptions {
    let mut options = MqttOptions::new(&config.device, (config.host.clone(), config.port));
    options.set_keep_alive(KEEP_ALIVE).set_clean_session(true).set_max_packet_size(1 << 20, 1 << 16);
    if let Some((user, password)) = &config.login {
        options.set_credentials(user, password.clone());
    }
    let address = (config.host.clone(), config.port);
    options.set_socket_connector(move |_, _| {
        let address = address.clone();
        async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            Ok(stream)
        }
    });
    options
}

/// Exchanges messages until the connection has ended or has to be closed.
async fn exchange(config: &MqttConfig, client: &AsyncClient, events: &mut EventLoop, ip: &str, board: &Arc<Board>) {
    let rpc_topic = format!("{}/rpc", config.device);
    let mut replies = Replies::default();
    let mut pending_subscriptions = if config.library == Library::Plain { 1 } else { 2 };
    loop {
        tokio::select! {
            // The device handles calls that arrived together before its next turn.
            biased;
            event = events.poll() => match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => subscribe(config.library, &rpc_topic, client),
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    // The last subscription is the one to `<device>/rpc`.
                    pending_subscriptions -= 1;
                    if pending_subscriptions == 0 {
                        board.print("mqtt: connected");
                    }
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    if message.payload.len() > MAX_REQUEST {
                        return;
                    }
                    let runs_twice = config.library == Library::Twice && message.topic == rpc_topic.as_bytes();
                    let times = if runs_twice { 2 } else { 1 };
                    answer(&message, times, ip, board, client, &mut replies);
                }
                Ok(_) => {}
                Err(_) => return,
            },
            (reply, topic) = replies.next() => publish(client, topic, reply),
        }
    }
}

/// Subscribes in separate packets, as recorded in wire/mqtt.json, case `device_connect`.
fn subscribe(library: Library, rpc_topic: &str, client: &AsyncClient) {
    // The queue has room for two packets.
    if library != Library::Plain {
        let _ = client.try_subscribe(format!("{rpc_topic}/#"), QoS::AtLeastOnce);
    }
    let _ = client.try_subscribe(rpc_topic.to_owned(), QoS::AtLeastOnce);
}

/// Queues a reply. The reply is dropped if the queue is full or the topic is invalid.
fn publish(client: &AsyncClient, topic: String, reply: String) {
    let _ = client.try_publish(topic, reply, PublishOptions::at_least_once());
}

/// Runs a call and publishes its replies.
fn answer(
    message: &Publish,
    times: usize,
    ip: &str,
    board: &Arc<Board>,
    client: &AsyncClient,
    replies: &mut Replies<String>,
) {
    // The device does not answer invalid frames, nor frames without `src`.
    let Some(call) = wire::parse(&message.payload, board.id()).and_then(Frame::into_call) else { return };
    let Some(topic) = call.src.as_ref().map(|src| format!("{src}/rpc")) else { return };
    for scheduled in board.answers(&call, times, "", ip) {
        for (reply, topic) in replies.to(&call, scheduled, board, topic.clone()) {
            publish(client, topic, reply);
        }
    }
}
