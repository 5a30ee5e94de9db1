//! A broker with access rules and a device behind it, in one process.
//!
//! It speaks MQTT 3.1.1 in packets, without the library of the client. Like some brokers, it refuses a topic by closing
//! the connection.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::server::{ServerTasks, bind};

/// What the broker does with a packet for a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Accepts the packet. The device answers requests.
    Take,
    /// Closes the connection, and forwards nothing.
    Close,
    /// Forwards the packet, and closes the connection without an acknowledgement. A broker that restarts may do so.
    TakeAndClose,
    /// Acknowledges the packet, and forwards nothing.
    Drop,
}

type Rules = Arc<dyn Fn(&str) -> Rule + Send + Sync>;

/// A broker. Ends when it is dropped.
pub struct StrictBroker {
    pub port: u16,
    executed: Arc<Mutex<Vec<String>>>,
    _tasks: ServerTasks,
}

impl StrictBroker {
    /// Starts a broker that applies `rules` to the topics of publications and subscriptions.
    pub async fn start(rules: impl Fn(&str) -> Rule + Send + Sync + 'static) -> Self {
        let (listener, address) = bind().await;
        let executed = Arc::new(Mutex::new(Vec::new()));
        let (rules, log): (Rules, _) = (Arc::new(rules), Arc::clone(&executed));
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |stream| serve(stream, Arc::clone(&rules), Arc::clone(&log)));
        Self { port: address.port(), executed, _tasks: tasks }
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}/dev", self.port)
    }

    /// Returns the topics of the requests that the device has executed, in order.
    pub fn executed(&self) -> Vec<String> {
        self.executed.lock().clone()
    }
}

/// Serves one client until either side closes the connection.
async fn serve(mut stream: TcpStream, rules: Rules, executed: Arc<Mutex<Vec<String>>>) -> Option<()> {
    loop {
        let (kind, body) = read_packet(&mut stream).await?;
        match kind >> 4 {
            1 => stream.write_all(&[0x20, 2, 0, 0]).await.ok()?,
            // PUBLISH with QoS 1: topic, packet id, payload.
            3 => {
                let (topic, rest) = text(&body)?;
                let rule = rules(topic);
                if rule == Rule::Close {
                    return None;
                }
                let payload = rest.get(2..)?;
                if rule != Rule::Drop {
                    executed.lock().push(topic.to_owned());
                }
                if rule == Rule::TakeAndClose {
                    return None;
                }
                stream.write_all(&[0x40, 2, rest[0], rest[1]]).await.ok()?;
                if rule == Rule::Take {
                    stream.write_all(&reply(payload)?).await.ok()?;
                }
            }
            // SUBSCRIBE: packet id, topic, QoS.
            8 => {
                let (topic, _) = text(body.get(2..)?)?;
                if rules(topic) == Rule::Close {
                    return None;
                }
                stream.write_all(&[0x90, 3, body[0], body[1], 1]).await.ok()?;
            }
            12 => stream.write_all(&[0xd0, 0]).await.ok()?,
            14 => return None,
            _ => {}
        }
    }
}

/// Returns the device's reply to this request, as a PUBLISH of `QoS` 0.
fn reply(request: &[u8]) -> Option<Vec<u8>> {
    let frame: serde_json::Value = serde_json::from_slice(request).ok()?;
    let topic = format!("{}/rpc", frame["src"].as_str()?);
    let payload = serde_json::json!({"id": frame["id"], "src": "dev", "result": "yes"}).to_string();
    let length = 2 + topic.len() + payload.len();
    let length = [u8::try_from(length % 128).ok()? | 0x80, u8::try_from(length / 128).ok()?];
    let topic_length = u16::try_from(topic.len()).ok()?.to_be_bytes();
    Some([&[0x30], &length[..], &topic_length, topic.as_bytes(), payload.as_bytes()].concat())
}

/// Splits off a string that follows its length. Returns the string and the rest.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let length = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
    let (text, rest) = bytes.get(2..)?.split_at_checked(length)?;
    Some((std::str::from_utf8(text).ok()?, rest))
}

async fn read_packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await.ok()?;
    let mut length = 0;
    for shift in [0, 7, 14, 21] {
        let byte = stream.read_u8().await.ok()?;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((kind, body))
}
