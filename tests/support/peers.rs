//! Peers that are silent, send garbage, or are out of reach.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::server::{ServerTasks, bind};

/// What a peer does after it has read something.
#[derive(Debug, Clone, Copy)]
pub enum Behaviour {
    /// Accepts connections and sends nothing.
    Silent,
    /// Sends these bytes, and closes the connection.
    Replies(&'static [u8]),
    /// Completes the WebSocket handshake, and then answers every frame with this text.
    WebSocketReplies(&'static str),
    /// Completes the WebSocket handshake, and then sends nothing.
    WebSocketSilent,
}

/// A peer. Ends when it is dropped.
pub struct Peer {
    pub address: SocketAddr,
    request_received: Arc<Notify>,
    _tasks: ServerTasks,
}

impl Peer {
    pub async fn start(behaviour: Behaviour) -> Self {
        let (listener, address) = bind().await;
        let request_received = Arc::new(Notify::new());
        let received = Arc::clone(&request_received);
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |stream| serve(stream, behaviour, Arc::clone(&received)));
        Self { address, request_received, _tasks: tasks }
    }

    /// Waits until a client has sent something.
    pub async fn request_received(&self) {
        self.request_received.notified().await;
    }

    pub fn ws(&self) -> String {
        format!("ws://{}", self.address)
    }

    pub fn http(&self) -> String {
        format!("http://{}", self.address)
    }
}

async fn serve(mut stream: TcpStream, behaviour: Behaviour, received: Arc<Notify>) -> std::io::Result<()> {
    let mut bytes = vec![0; 4096];
    let read = stream.read(&mut bytes).await?;
    received.notify_one();
    match behaviour {
        Behaviour::Silent => std::future::pending().await,
        Behaviour::Replies(answer) => stream.write_all(answer).await,
        Behaviour::WebSocketSilent => {
            shake_hands(&mut stream, &bytes[..read]).await?;
            std::future::pending().await
        }
        Behaviour::WebSocketReplies(text) => {
            shake_hands(&mut stream, &bytes[..read]).await?;
            loop {
                if stream.read(&mut bytes).await? == 0 {
                    return Ok(());
                }
                let mut frame = vec![0x81, u8::try_from(text.len()).expect("a short text")];
                frame.extend_from_slice(text.as_bytes());
                stream.write_all(&frame).await?;
            }
        }
    }
}

pub async fn shake_hands(stream: &mut TcpStream, request: &[u8]) -> std::io::Result<()> {
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

    let head = String::from_utf8_lossy(request).into_owned();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("Sec-WebSocket-Key").then(|| value.trim().to_owned())
    });
    let accept = derive_accept_key(key.unwrap_or_default().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await
}

/// A port on which nothing listens. The port stays reserved until the drop.
pub struct ClosedPort {
    pub address: SocketAddr,
    _bound: Socket,
}

impl ClosedPort {
    pub fn new() -> Self {
        let bound = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        bound.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
        let address = bound.local_addr().expect("an address").as_socket().expect("an IP address");
        Self { address, _bound: bound }
    }
}

/// A listener with a full accept queue: the system drops the packets of further connections.
pub struct FullBacklog {
    pub address: SocketAddr,
    _listener: Socket,
    _queued: Vec<std::net::TcpStream>,
}

impl FullBacklog {
    pub fn start() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("a port");
        listener.listen(0).expect("it listens");
        let address = listener.local_addr().expect("an address").as_socket().expect("an IP address");
        let mut queued = Vec::new();
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
            queued.push(stream);
        }
        Self { address, _listener: listener, _queued: queued }
    }
}
