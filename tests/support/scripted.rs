//! Scripted peers, one per framing: WebSocket messages, HTTP bodies, lines, datagrams.
//!
//! They do not use the framing of the library, so that a mistake there cannot hide itself.

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::script::{PeerAction, Player, latin1_bytes};
use super::server::ServerTasks;

/// Plays a script on every WebSocket connection.
pub fn websocket(tasks: &mut ServerTasks, listener: TcpListener, player: Player) {
    accept(tasks, listener, player, |stream, player| async move {
        let mut socket = tokio_tungstenite::accept_async(stream).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            let (Message::Text(_) | Message::Binary(_)) = message else { continue };
            for action in player.answer(&message.into_data()) {
                let message = match action {
                    PeerAction::Frame(text) => Message::text(text),
                    PeerAction::Latin1(text) => {
                        Message::Frame(Frame::message(latin1_bytes(&text), OpCode::Data(Data::Text), true))
                    }
                    PeerAction::Raw(bytes) => Message::binary(bytes),
                    PeerAction::Close => return None,
                };
                socket.send(message).await.ok()?;
            }
        }
        Some(())
    });
}

/// Plays a script over HTTP. The first action is the body of the response; the others are ignored.
pub fn http(tasks: &mut ServerTasks, listener: TcpListener, player: Player) {
    accept(tasks, listener, player, |stream, player| async move {
        let mut stream = BufReader::new(stream);
        loop {
            let request = read_request(&mut stream).await?;
            let body = match player.answer(&request).into_iter().next() {
                Some(PeerAction::Frame(text)) => text.into_bytes(),
                Some(PeerAction::Latin1(text)) => latin1_bytes(&text),
                Some(PeerAction::Raw(bytes)) => bytes,
                Some(PeerAction::Close) => return None,
                None => std::future::pending().await,
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: keep-alive\r\n\r\n", body.len());
            stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
        }
    });
}

/// Plays a script in lines on every TCP connection.
pub fn tcp(tasks: &mut ServerTasks, listener: TcpListener, player: Player) {
    accept(tasks, listener, player, |stream, player| async move { lines(stream, &player).await });
}

/// Plays a script in lines on any stream of bytes until it ends. Frames have a CRC, as those of a device do.
pub async fn lines<S: AsyncRead + AsyncWrite + Unpin>(stream: S, player: &Player) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while stream.read_until(b'\n', &mut line).await.ok()? > 0 {
        let content = std::mem::take(&mut line);
        let content = content.trim_ascii();
        if content.is_empty() {
            continue;
        }
        for action in player.answer(content) {
            let bytes = match action {
                PeerAction::Frame(text) => with_crc(text.as_bytes()),
                PeerAction::Latin1(text) => with_crc(&latin1_bytes(&text)),
                PeerAction::Raw(bytes) => bytes,
                PeerAction::Close => return None,
            };
            stream.write_all(&bytes).await.ok()?;
        }
    }
    Some(())
}

pub fn with_crc(json: &[u8]) -> Vec<u8> {
    [b"\n", json, format!("{:08x}\n", crc32fast::hash(json)).as_bytes()].concat()
}

/// Plays a script in lines on a serial port.
///
/// Closing the connection unplugs the port. The next port appears at the same path.
#[cfg(unix)]
pub fn serial(tasks: &mut ServerTasks, path: std::path::PathBuf, player: Player) {
    use tokio_serial::{SerialPort as _, SerialStream};

    let plug_in = move || {
        let (board, host) = SerialStream::pair().expect("a pseudo terminal");
        // The first time, the file does not exist.
        let _ = std::fs::remove_file(&path);
        std::os::unix::fs::symlink(host.name().expect("a name"), &path).expect("a link");
        (board, host)
    };
    let mut port = plug_in();
    tasks.spawn(async move {
        loop {
            lines(&mut port.0, &player).await;
            port = plug_in();
        }
    });
}

/// Plays a script as the device `dev` at a broker, and returns when the device has subscribed.
///
/// [`PeerAction::Close`] is ignored: only the broker could close the connection of a client.
#[cfg(unix)]
pub async fn mqtt(tasks: &mut ServerTasks, broker: u16, player: Player) {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, PublishOptions, QoS};

    let mut options = MqttOptions::new("dev", ("127.0.0.1", broker));
    options.set_max_packet_size(1 << 20, 1 << 20);
    let (client, mut events) = AsyncClient::builder(options).capacity(1024).build();
    client.try_subscribe("dev/rpc", QoS::AtLeastOnce).expect("room");
    while !matches!(events.poll().await.expect("the broker"), Event::Incoming(Packet::SubAck(_))) {}
    tasks.spawn(async move {
        let mut replies = "nobody/rpc".to_owned();
        while let Ok(event) = events.poll().await {
            let Event::Incoming(Packet::Publish(message)) = event else { continue };
            let frame: serde_json::Value = serde_json::from_slice(&message.payload).unwrap_or_default();
            if let Some(src) = frame["src"].as_str() {
                replies = format!("{src}/rpc");
            }
            for action in player.answer(&message.payload) {
                let bytes = match action {
                    PeerAction::Frame(text) => text.into_bytes(),
                    PeerAction::Latin1(text) => latin1_bytes(&text),
                    PeerAction::Raw(bytes) => bytes,
                    PeerAction::Close => continue,
                };
                client.try_publish(replies.clone(), bytes, PublishOptions::at_least_once()).expect("room");
            }
        }
    });
}

/// Plays a script in datagrams. [`PeerAction::Close`] is ignored, as there is no connection.
pub fn udp(tasks: &mut ServerTasks, socket: UdpSocket, player: Player) {
    tasks.spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok((len, peer)) = socket.recv_from(&mut buffer).await {
            for action in player.answer(&buffer[..len]) {
                let bytes = match action {
                    PeerAction::Frame(text) => text.into_bytes(),
                    PeerAction::Latin1(text) => latin1_bytes(&text),
                    PeerAction::Raw(bytes) => bytes,
                    PeerAction::Close => continue,
                };
                // A failed send is a lost datagram.
                let _ = socket.send_to(&bytes, peer).await;
            }
        }
    });
}

/// Plays a script on every connection.
fn accept<F>(tasks: &mut ServerTasks, listener: TcpListener, player: Player, play: fn(TcpStream, Player) -> F)
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    tasks.accept(listener, move |stream| play(stream, player.clone()));
}

/// Reads the next HTTP request, and returns its body.
async fn read_request(stream: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut len = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => len = value.parse().ok()?,
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    Some(body)
}
