//! TCP: lines of frames, as on a UART, without the handshake.

use std::io;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Options;
use super::framing::{Deframer, Item, Style, enframe, escaped_len};
use super::link::{Connect, Link, LinkDriver};
use super::reach::{reach, within};
use super::target::Endpoint;
use crate::rpc::{DialError, shown_excerpt};
use crate::text::printable;

/// What is read at a time, in bytes.
const BUFFER: usize = 4096;

/// The way to a device over TCP.
#[derive(Debug)]
pub struct Tcp {
    endpoint: Endpoint,
    peer: String,
    connect_timeout: Duration,
}

impl Tcp {
    /// A way to `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint, options: &Options) -> Self {
        Self { endpoint: endpoint.clone(), peer: endpoint.to_string(), connect_timeout: options.connect_timeout }
    }
}

#[async_trait]
impl Connect for Tcp {
    async fn dial(&self) -> Result<Link, DialError> {
        let stream = within(self.connect_timeout, reach(&self.endpoint, self.connect_timeout)).await?;
        let (link, driver) = Link::pair();
        tokio::spawn(drive(stream, driver));
        Ok(link)
    }

    fn peer(&self) -> &str {
        &self.peer
    }

    fn size_of(&self, frame: &[u8]) -> usize {
        escaped_len(frame)
    }
}

/// Carries frames between the socket and the link until one of them ends.
async fn drive(stream: TcpStream, mut driver: LinkDriver) {
    let dropped = driver.dropped();
    let result = tokio::select! {
        () = dropped => return,
        result = carry(stream, &mut driver) => result,
    };
    driver.close(match result {
        Ok(()) => "the device closed the connection".into(),
        Err(error) => error.to_string(),
    });
}

async fn carry(mut stream: TcpStream, driver: &mut LinkDriver) -> io::Result<()> {
    let (mut reader, mut writer) = stream.split();
    let mut deframer = Deframer::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        tokio::select! {
            read = reader.read(&mut buffer) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                deframer.push(&buffer[..read]);
                while let Some(item) = deframer.next_item() {
                    match item {
                        Item::Frame { json, .. } => {
                            driver.deliver(json).await;
                        }
                        Item::Console(text) => tracing::debug!("| {}", printable(&String::from_utf8_lossy(&text))),
                        Item::Corrupt(bytes) => tracing::debug!("a frame was damaged on its way: {}", shown_excerpt(&bytes)),
                        Item::Handshake => {}
                    }
                }
            }
            Some(frame) = driver.outgoing.recv() => writer.write_all(&enframe(&frame, Style::Line)).await?,
        }
    }
}
