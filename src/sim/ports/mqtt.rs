//! The device as a client of a broker (as recorded in wire/mqtt.json and wire/mqtt-single.json).

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, EventLoop, MqttOptions, Packet, Publish, PublishOptions, QoS};
use tokio::net::TcpStream;

use crate::sim::board::Board;
use crate::sim::ports::replies::Replies;
use crate::sim::wire::{self, Frame};

/// The largest request that the device takes, in bytes; at a larger one it drops the connection.
const MAX_REQUEST: usize = 3072;

/// How long it stays away from a broker that it has left or not found.
const AWAY: Duration = Duration::from_secs(2);

/// In seconds, as recorded.
const KEEP_ALIVE: u16 = 60;

/// Messages that wait for the broker; more are lost.
const QUEUE: usize = 64;

/// Where the broker is, and what the device makes of its messages.
#[derive(Clone)]
pub struct Config {
    /// The broker's host.
    pub host: String,
    /// The broker's port.
    pub port: u16,
    /// User and password for the broker.
    pub login: Option<(String, String)>,
    /// The device's name at the broker, with which its topics begin.
    pub device: String,
    /// The age of its library.
    pub library: Library,
}

/// Without the password.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Config({}:{}/{}, {:?})", self.host, self.port, self.device, self.library)
    }
}

/// How old a device library is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Library {
    /// Since 2021-06: what comes on `<device>/rpc` is run twice, and answered twice.
    Twice,
    /// Before: everything is run once. That it listens on `<device>/rpc/#` is recorded, that it runs what comes
    /// there is a guess.
    Single,
    /// Without the wildcard subscription (`rpc.mqtt.sub_wc` off).
    Plain,
}

/// Serves the device at this broker. Never returns. `ip` is the address that the device has in its network.
pub async fn serve(config: Config, ip: String, board: Arc<Board>) {
    loop {
        board.until_on().await;
        let boot = board.boot();
        let (client, mut events) = AsyncClient::builder(options(&config)).capacity(QUEUE).build();
        tokio::select! {
            biased;
            // A chip that resets says goodbye to nobody, not even to its broker.
            () = board.until_off(boot) => board.keep_half_open((client, events)),
            () = talk(&config, &client, &mut events, &ip, &board) => {
                drop((client, events));
                tokio::time::sleep(AWAY).await;
            }
        }
    }
}

fn options(config: &Config) -> MqttOptions {
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

/// Returns when the connection has ended, or is to be ended.
async fn talk(config: &Config, client: &AsyncClient, events: &mut EventLoop, ip: &str, board: &Arc<Board>) {
    let plain = format!("{}/rpc", config.device);
    let mut replies = Replies::default();
    let mut subscriptions = if config.library == Library::Plain { 1 } else { 2 };
    loop {
        tokio::select! {
            // Calls that arrived together are handled before the next turn.
            biased;
            event = events.poll() => match event {
                Ok(Event::Incoming(Packet::ConnAck(_))) => subscribe(config.library, &plain, client),
                Ok(Event::Incoming(Packet::SubAck(_))) => {
                    // The last of them is that to the plain topic.
                    subscriptions -= 1;
                    if subscriptions == 0 {
                        board.print("mqtt: connected");
                    }
                }
                Ok(Event::Incoming(Packet::Publish(message))) => {
                    if message.payload.len() > MAX_REQUEST {
                        return;
                    }
                    let is_doubled = config.library == Library::Twice && message.topic == plain.as_bytes();
                    let times = if is_doubled { 2 } else { 1 };
                    answer(&message, times, ip, board, client, &mut replies);
                }
                Ok(_) => {}
                Err(_) => return,
            },
            (reply, topic) = replies.next() => publish(client, topic, reply),
        }
    }
}

/// In two packets, as recorded in wire/mqtt.json, case `device_connect`.
fn subscribe(library: Library, plain: &str, client: &AsyncClient) {
    // There is room for two.
    if library != Library::Plain {
        let _ = client.try_subscribe(format!("{plain}/#"), QoS::AtLeastOnce);
    }
    let _ = client.try_subscribe(plain.to_owned(), QoS::AtLeastOnce);
}

/// What does not fit is lost, and so is what would go to a topic that is none.
fn publish(client: &AsyncClient, topic: String, reply: String) {
    let _ = client.try_publish(topic, reply, PublishOptions::at_least_once());
}

fn answer(
    message: &Publish,
    times: usize,
    ip: &str,
    board: &Arc<Board>,
    client: &AsyncClient,
    replies: &mut Replies<String>,
) {
    // Invalid frames are met with silence, and so are those that do not say whom to answer.
    let Some(call) = wire::parse(&message.payload, board.id()).and_then(Frame::into_call) else { return };
    let Some(topic) = call.src.as_ref().map(|src| format!("{src}/rpc")) else { return };
    for answered in board.answers(&call, times, "", ip) {
        for (reply, topic) in replies.to(&call, answered, board, topic.clone()) {
            publish(client, topic, reply);
        }
    }
}
