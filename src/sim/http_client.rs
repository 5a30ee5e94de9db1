//! The device's HTTP client.
//!
//! The client sends one GET per connection, byte for byte as the device does (as recorded in wire/ota2022-fetch.json).
//! It follows redirects.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use httparse::Status;
use rustls::pki_types::ServerName;
#[cfg(unix)]
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Bytes;
use url::{Position, Url};

use crate::sim::firmware::Firmware;
use crate::sim::mac::mac;

/// The largest number of redirects that a device follows.
const MAX_REDIRECTS: usize = 3;

/// The longest head of a response that the device reads, in bytes.
const MAX_HEAD: usize = 8 << 10;

/// The most bytes that one read returns: a TCP segment.
const MAX_READ: usize = SEGMENT as usize;

/// The size of a TCP segment in bytes.
const SEGMENT: u32 = 1460;

/// The size of the buffer for received bytes.
const RECEIVE_BUFFER: u32 = 8 << 10;

/// The response to a request, and the connection that carries its body.
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The value of `Content-Length`, if the header exists and the body is not chunked.
    pub length: Option<u64>,
    location: Option<String>,
    stream: Box<dyn Connection>,
    /// The bytes of the body that arrived with the head and were not returned yet.
    body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {:?})", self.status, self.length)
    }
}

/// A connection to a server.
pub trait Connection: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Connection for T {}

/// Opens the connections of a device to servers.
#[async_trait]
pub trait DeviceNetwork: fmt::Debug + Send + Sync {
    /// Connects to a host name or address. The caller enforces a deadline by dropping the future.
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Connection>>;
}

/// The network of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sockets;

#[async_trait]
impl DeviceNetwork for Sockets {
    async fn connect(&self, host: &str, port: u16) -> io::Result<Box<dyn Connection>> {
        let mut result = Err(io::ErrorKind::NotFound.into());
        for address in lookup_host((host, port)).await? {
            result = connect_small(address).await;
            if result.is_ok() {
                break;
            }
        }
        let stream = result?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

/// Connects with the buffer and the segments of a device.
///
/// With those of this machine, a server has sent the whole bundle long before a slow device has read it. Both belong together: a window
/// of fewer bytes than a segment stalls the transfer.
async fn connect_small(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    #[cfg(unix)]
    SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
    socket.connect(address).await
}

impl Response {
    /// Returns the next bytes of the body, at most `left`, or `None` when the connection has ended.
    ///
    /// Bytes after the announced end are dropped. Cancelling the call loses no bytes.
    pub async fn next_within(&mut self, left: u64) -> Option<Bytes> {
        let mut bytes = self.next().await?;
        bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        Some(bytes)
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.body.is_empty() {
            let len = self.body.len().min(MAX_READ);
            return Some(self.body.split_to(len));
        }
        let mut buffer = Vec::with_capacity(MAX_READ);
        match self.stream.read_buf(&mut buffer).await {
            Ok(1..) => Some(buffer.into()),
            Ok(0) | Err(_) => None,
        }
    }
}

/// Waits until `received` bytes since `start` do not exceed `rate` bytes per second. `None`: no limit.
pub async fn limit_rate(rate: Option<NonZeroU32>, start: Instant, received: u64) {
    if let Some(rate) = rate {
        sleep_until(start + Duration::from_millis(received.saturating_mul(1000) / u64::from(rate.get()))).await;
    }
}

/// Sends a GET over `network` and returns the response.
///
/// The request ends with `headers`, each of which ends in CR LF.
pub async fn get(network: &dyn DeviceNetwork, url: &str, headers: &str) -> io::Result<Response> {
    let mut url = Url::parse(url).map_err(io::Error::other)?;
    for _ in 0..=MAX_REDIRECTS {
        let response = request(network, &url, headers).await?;
        let (301 | 302, Some(location)) = (response.status, &response.location) else { return Ok(response) };
        url = url.join(location).map_err(io::Error::other)?;
    }
    Err(io::Error::other("too many redirects"))
}

async fn request(network: &dyn DeviceNetwork, url: &Url, headers: &str) -> io::Result<Response> {
    let is_tls = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let host = url.host_str().ok_or(io::ErrorKind::InvalidInput)?;
    let port = url.port_or_known_default().ok_or(io::ErrorKind::InvalidInput)?;
    let mut stream = network.connect(host.trim_matches(['[', ']']), port).await?;
    if is_tls {
        stream = Box::new(tls(host, stream).await?);
    }
    let address = &url[Position::BeforeHost..Position::AfterPort];
    let path = &url[Position::BeforePath..Position::AfterQuery];
    let head = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut buffer = Vec::with_capacity(MAX_READ);
    loop {
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut headers);
        match head.parse(&buffer).map_err(io::Error::other)? {
            Status::Partial if buffer.len() > MAX_HEAD => return Err(io::Error::other("the head is too long")),
            Status::Partial => {}
            Status::Complete(len) => {
                let header = |name: &str| {
                    let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
                    std::str::from_utf8(found.value).ok()
                };
                let length = header("Content-Length").and_then(|length| length.trim().parse().ok());
                return Ok(Response {
                    status: head.code.unwrap_or_default(),
                    length: length.filter(|_| header("Transfer-Encoding").is_none()),
                    location: header("Location").map(Into::into),
                    body: Bytes::copy_from_slice(&buffer[len..]),
                    stream,
                });
            }
        }
    }
}

/// Starts TLS. The simulated device has no certificate authorities, so it trusts no certificate.
async fn tls(
    host: &str,
    stream: Box<dyn Connection>,
) -> io::Result<tokio_rustls::client::TlsStream<Box<dyn Connection>>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

/// Returns the headers that identify a device and its firmware.
#[must_use]
pub fn device_headers(id: &str, running: &Firmware) -> String {
    let Firmware { app, version, build_id, platform } = running;
    format!(
        "Connection: close\r\nX-MGOS-Device-ID: {id} {}\r\nUser-Agent: {app}/{version} (MongooseOS/2.20.0; {platform})\r\n\
         X-MGOS-FW-Version: {platform} {version} {build_id}\r\n",
        mac(id)
    )
}
