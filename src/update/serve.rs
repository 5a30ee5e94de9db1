//! The temporary firmware server: one bundle in memory, one path that nobody can guess, GET and
//! HEAD, on the local address that routes to the device. It is gone when it is dropped.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::plan::Serving;
use super::route::local_address;
use crate::bundle::Bundle;
use crate::ota::SystemInfo;
use crate::text::{hex, printable};

/// What is handed to the socket at a time, in bytes, and what the kernel is told to hold of it. Small,
/// so that what we count as sent is near what the device has taken.
const PIECE: usize = 16 << 10;

/// Connections that are served at the same time; a device uses one.
const CONNECTIONS: usize = 8;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The device has no address that we know of.
    #[error("cannot tell which of this machine's addresses the device reaches: it reports no address of its own")]
    NoRoute,
    /// There is no way to the device's address.
    #[error("cannot tell which of this machine's addresses reaches {device}: {error}")]
    Unroutable {
        /// The device's address.
        device: String,
        /// What the system says.
        error: io::Error,
    },
    /// The address cannot be listened on.
    #[error("cannot serve the firmware on {address}: {}", bind_error(.error))]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        error: io::Error,
    },
}

fn bind_error(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use by another program".into(),
        io::ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        io::ErrorKind::PermissionDenied => "the port is not ours to open".into(),
        _ => error.to_string(),
    }
}

/// What has been seen of the device's download.
#[derive(Debug, Clone, Default)]
pub struct Fetched {
    /// Who asked for the bundle, the last time.
    pub peer: Option<SocketAddr>,
    /// Its id and MAC, as its request said.
    pub device: Option<String>,
    /// Bytes of the bundle that were sent in the latest transfer.
    pub sent: u64,
    /// Transfers that are under way.
    pub open: u32,
    /// A transfer came to its end.
    pub complete: bool,
    /// When any of this changed.
    pub changed: Option<Instant>,
}

/// A server that runs.
#[derive(Debug)]
pub struct FirmwareServer {
    advertised: String,
    path: String,
    total: u64,
    fetched: watch::Receiver<Fetched>,
    _tasks: JoinSet<()>,
}

impl FirmwareServer {
    /// Serves the bundle where the device that says `info` of itself can reach it.
    pub async fn start(bundle: &Bundle, serving: &Serving, info: &SystemInfo) -> Result<Self, ServeError> {
        let bind = match serving.listen {
            Some(address) => address,
            None => SocketAddr::new(local_address(serving, info).await?, 0),
        };
        let listener = listen(bind).map_err(|error| ServeError::Bind { address: bind, error })?;
        let bound = listener.local_addr().map_err(|error| ServeError::Bind { address: bind, error })?;
        let advertised = match &serving.advertise {
            Some((host, port)) => {
                let host = if host.parse::<Ipv6Addr>().is_ok() { format!("[{host}]") } else { host.clone() };
                format!("{host}:{}", port.unwrap_or(bound.port()))
            }
            None if bound.ip().is_unspecified() => {
                SocketAddr::new(local_address(serving, info).await?, bound.port()).to_string()
            }
            None => bound.to_string(),
        };
        Ok(Self::serve(bundle.bytes().clone(), listener, advertised))
    }

    fn serve(bundle: Bytes, listener: TcpListener, advertised: String) -> Self {
        let path = format!("/{}/firmware.zip", token());
        let (progress, fetched) = watch::channel(Fetched::default());
        let total = bundle.len() as u64;
        let site = Arc::new(Site { path: path.clone(), bundle, progress });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, site));
        Self { advertised, path, total, fetched, _tasks: tasks }
    }

    /// Host and port for the device.
    #[must_use]
    pub fn advertised(&self) -> &str {
        &self.advertised
    }

    /// The whole URL for the device. The path is a secret.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}{}", self.advertised, self.path)
    }

    /// The size of the bundle in bytes.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// What has been seen of the download, now and as it changes.
    #[must_use]
    pub fn fetched(&self) -> watch::Receiver<Fetched> {
        self.fetched.clone()
    }
}

struct Site {
    path: String,
    bundle: Bytes,
    progress: watch::Sender<Fetched>,
}

async fn accept(listener: TcpListener, site: Arc<Site>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        // One too many is dropped rather than kept waiting.
        let Ok((stream, peer)) = accepted else {
            // Out of file handles, most likely; asking again at once would not find more.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        if let Ok(place) = Arc::clone(&places).try_acquire_owned() {
            let site = Arc::clone(&site);
            connections.spawn(async move {
                serve_connection(stream, peer, site).await;
                drop(place);
            });
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, site: Arc<Site>) {
    // Without it we would count as sent what has only been put into the kernel's buffer.
    let _ = socket2::SockRef::from(&stream).set_send_buffer_size(PIECE);
    let service = service_fn(|request: Request<Incoming>| {
        let response = respond(&request, peer, &site);
        async move { Ok::<_, Infallible>(response) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(PIECE)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%peer, %error, "firmware server");
    }
}

fn respond(request: &Request<Incoming>, peer: SocketAddr, site: &Arc<Site>) -> Response<Transfer> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let mut response = Response::new(Transfer::nothing());
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    let status = match (request.uri().path() == site.path, request.method()) {
        (true, &Method::GET | &Method::HEAD) => StatusCode::OK,
        (true, _) => StatusCode::METHOD_NOT_ALLOWED,
        (false, _) => StatusCode::NOT_FOUND,
    };
    tracing::debug!(%peer, method = %request.method(), %status, "firmware server");
    *response.status_mut() = status;
    match status {
        StatusCode::OK => {
            let headers = response.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
            headers.insert(CONTENT_LENGTH, site.bundle.len().into());
            if request.method() == Method::GET {
                let device = header("X-MGOS-Device-ID").map(printable);
                *response.body_mut() = Transfer::begin(site, peer, device);
            }
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        _ => {}
    }
    response
}

/// The bundle on its way to one client.
struct Transfer {
    left: Bytes,
    /// `None` for an empty body.
    site: Option<Arc<Site>>,
}

impl Transfer {
    fn nothing() -> Self {
        Self { left: Bytes::new(), site: None }
    }

    fn begin(site: &Arc<Site>, peer: SocketAddr, device: Option<String>) -> Self {
        site.progress.send_modify(|fetched| {
            *fetched = Fetched {
                peer: Some(peer),
                device,
                sent: 0,
                open: fetched.open + 1,
                complete: fetched.complete,
                changed: Some(Instant::now()),
            };
        });
        Self { left: site.bundle.clone(), site: Some(Arc::clone(site)) }
    }
}

impl Body for Transfer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let len = self.left.len().min(PIECE);
        let piece = self.left.split_to(len);
        if let Some(site) = &self.site {
            site.progress.send_modify(|fetched| {
                fetched.sent = (site.bundle.len() - self.left.len()) as u64;
                fetched.complete |= self.left.is_empty();
                fetched.changed = Some(Instant::now());
            });
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        if let Some(site) = &self.site {
            site.progress.send_modify(|fetched| {
                fetched.open = fetched.open.saturating_sub(1);
                fetched.changed = Some(Instant::now());
            });
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// 128 random bits. A URL is short on a device: some keep it in 128 bytes.
fn token() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    hex(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    fn server(size: usize) -> FirmwareServer {
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        FirmwareServer::serve(Bytes::from(vec![7; size]), listener, address)
    }

    async fn ask(server: &FirmwareServer, method: &str, path: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(server.advertised()).await.expect("a connection");
        let head = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: dev MAC\r\n\r\n");
        stream.write_all(head.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("an answer, and then the end");
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
        let body = answer.split_off(end);
        (String::from_utf8(answer).expect("ASCII").to_lowercase(), body)
    }

    #[tokio::test]
    async fn get_and_head_of_the_one_path() {
        let server = server(50_000);
        let (head, body) = ask(&server, "GET", &server.path).await;
        assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 50000\r\n"), "{head}");
        assert_eq!(body, vec![7; 50_000]);
        let fetched = server.fetched().borrow().clone();
        assert_eq!((fetched.sent, fetched.complete, fetched.open), (50_000, true, 0));
        assert_eq!(fetched.device.as_deref(), Some("dev MAC"));

        let (head, body) = ask(&server, "HEAD", &server.path).await;
        assert!(head.contains("content-length: 50000\r\n") && body.is_empty(), "{head}");
    }

    /// A stranger on the network must not learn the firmware, nor whether there is any.
    #[tokio::test]
    async fn anything_else_is_not_found() {
        let server = server(50_000);
        for (method, path, status) in [("GET", "/", "404"), ("GET", "/x/firmware.zip", "404"), ("POST", "/", "404")] {
            let (head, body) = ask(&server, method, path).await;
            assert!(head.starts_with(&format!("http/1.1 {status}")) && body.is_empty(), "{method} {path}: {head}");
        }
        let (head, _) = ask(&server, "POST", &server.path).await;
        assert!(head.starts_with("http/1.1 405"), "{head}");
        assert!(server.fetched().borrow().peer.is_none(), "none of these counts as a download");
        assert_ne!(token(), token());
    }

    #[tokio::test]
    async fn a_cut_off_transfer_is_seen_as_one() {
        let server = server(16 << 20);
        let mut fetched = server.fetched();
        let mut stream = TcpStream::connect(server.advertised()).await.expect("a connection");
        let head = format!("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", server.path);
        stream.write_all(head.as_bytes()).await.expect("sent");
        let _ = fetched.wait_for(|fetched| fetched.open == 1).await.expect("the transfer begins");
        drop(stream);
        let fetched = fetched.wait_for(|fetched| fetched.open == 0).await.expect("the transfer ends").clone();
        assert!(fetched.sent > 0 && !fetched.complete, "{fetched:?}");
        // What the kernel holds is not sent; a progress bar that ran ahead of the device would lie.
        assert!(fetched.sent < 4 << 20, "{fetched:?}");
    }

    #[tokio::test]
    async fn nothing_answers_once_it_is_dropped() {
        let server = server(50_000);
        let address = server.advertised().to_owned();
        drop(server);
        // Dropping a task is done by the runtime in its next turn.
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }
}
