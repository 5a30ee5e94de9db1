//! TCP: frames as lines with a CRC, as on a UART, without the handshake of `mos`.

use std::time::Duration;

use async_trait::async_trait;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::framing::{Deframer, Delimiter, StreamItem, enframe, escaped_len};
use super::link::{Connect, Link, LinkDriver};
use super::reach::{reach, within};
use super::target::Endpoint;
use crate::rpc::{DialFailure, LostReason, redact_excerpt};
use crate::text::printable;

/// The size of the read buffer, in bytes.
const READ_BUFFER: usize = 4096;

/// How long one frame may take to be written. Nothing is read meanwhile.
const WRITE_TIMEOUT: Duration = Duration::from_secs(15);

/// Connects to a device over TCP.
#[derive(Debug)]
pub struct Tcp {
    endpoint: Endpoint,
    peer: String,
    connect_timeout: Duration,
}

impl Tcp {
    /// Creates a client of the device at `endpoint`.
    #[must_use]
    pub fn new(endpoint: &Endpoint, connect_timeout: Duration) -> Self {
        Self { endpoint: endpoint.clone(), peer: endpoint.to_string(), connect_timeout }
    }
}

#[async_trait]
impl Connect for Tcp {
    async fn dial(&self) -> Result<Link, DialFailure> {
        let stream = within(self.connect_timeout, reach(&self.endpoint, self.connect_timeout)).await?;
        let (link, driver) = Link::pair();
        tokio::spawn(drive(stream, driver).in_current_span());
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
    driver.close(result.err().unwrap_or(LostReason::ClosedByDevice));
}

/// Carries frames until the device closes the connection or the socket fails.
async fn carry(mut stream: TcpStream, driver: &mut LinkDriver) -> Result<(), LostReason> {
    let (mut reader, mut writer) = stream.split();
    let mut deframer = Deframer::default();
    let mut buffer = vec![0; READ_BUFFER];
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
                        StreamItem::Frame { json, .. } => {
                            driver.deliver(json).await;
                        }
                        StreamItem::Console(text) => tracing::debug!("| {}", printable(&String::from_utf8_lossy(&text))),
                        StreamItem::Corrupt(bytes) => tracing::debug!("a frame was damaged in transit: {}", redact_excerpt(&bytes)),
                        StreamItem::Handshake => {}
                    }
                }
            }
            Some(frame) = driver.outgoing.recv() => {
                let frame = enframe(&frame, Delimiter::Line);
                let Ok(written) = timeout(WRITE_TIMEOUT, writer.write_all(&frame)).await else {
                    return Err(LostReason::NothingTaken(WRITE_TIMEOUT));
                };
                written?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use socket2::SockRef;
    use tokio::net::TcpListener;
    use tokio::time::{Instant, pause};

    use super::*;
    use crate::transport::link::Ready;

    #[tokio::test]
    async fn frame_not_taken_by_device_ends_the_link() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        // Inherited by the device's end, which reads nothing.
        SockRef::from(&listener).set_recv_buffer_size(4096).expect("set");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("connected");
        SockRef::from(&stream).set_send_buffer_size(4096).expect("set");
        let (_device, _) = listener.accept().await.expect("a connection");
        let (mut link, mut driver) = Link::with_capacity(1000);
        for _ in 0..1000 {
            let Ready::CanSend(permit) = link.ready(true).await else { panic!("nothing was sent") };
            permit.send(vec![b'x'; 3000].into());
        }
        pause();
        let began = Instant::now();
        let ended = timeout(Duration::from_secs(600), carry(stream, &mut driver)).await.expect("it ends");
        assert_eq!(ended.expect_err("no end of the connection").to_string(), "the device has taken nothing for 15 s");
        assert!(began.elapsed() < WRITE_TIMEOUT * 2, "{:?}", began.elapsed());
    }
}
