//! What is served, and the book that is kept of it.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{
    ACCEPT_RANGES, ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE,
};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use parking_lot::{Mutex, MutexGuard};
use sha2::{Digest as _, Sha256};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::range::{Wanted, wanted};
use super::transfer::Transfer;
use super::transfer_log::{Ended, Fetched, TransferLog};
use super::write_timeout::Outflow;
use crate::text::{excerpt, hex};
use crate::update::delivery_report::DeliveryReport;
use crate::update::event::Event;

/// So many strangers are told of; the rest is the same again.
const STRANGERS: usize = 16;

/// So many events are told of those that do not know the path, or do not get through the handshake.
const UNPROVEN: u32 = 32;

/// So many events wait to be told.
const EVENTS: usize = 256;

/// The bundle behind its path.
pub(super) struct Handler {
    pub(super) path: String,
    bundle: Bytes,
    sha256: String,
    book: Mutex<RequestLog>,
    progress: watch::Sender<Fetched>,
    events: mpsc::Sender<Event>,
}

#[derive(Debug)]
struct RequestLog {
    transfer_log: TransferLog,
    /// Requests for the bundle.
    requests: u32,
    strangers: Vec<IpAddr>,
    crowding: Vec<IpAddr>,
    unproven_told: u32,
}

/// What was asked on a connection, and what it was answered.
#[derive(Debug)]
pub(super) struct Asked {
    peer: SocketAddr,
    device: Option<String>,
    method: String,
    status: StatusCode,
    range: Option<String>,
    /// The number of the transfer, if it is one.
    transfer: Option<u64>,
}

/// Without the path, which is a secret.
impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("sha256", &self.sha256).field("book", &self.book).finish_non_exhaustive()
    }
}

impl Asked {
    /// Whether the secret path was named.
    pub(super) fn knows_the_path(&self) -> bool {
        self.status != StatusCode::NOT_FOUND
    }
}

impl Handler {
    pub(super) fn new(path: String, bundle: Bytes) -> (Self, watch::Receiver<Fetched>, mpsc::Receiver<Event>) {
        let (progress, fetched) = watch::channel(Fetched::default());
        let (events, told) = mpsc::channel(EVENTS);
        let transfer_log = TransferLog::new(bundle.len() as u64);
        let book =
            RequestLog { transfer_log, requests: 0, strangers: Vec::new(), crowding: Vec::new(), unproven_told: 0 };
        let sha256 = hex(&Sha256::digest(&bundle));
        (Self { path, bundle, sha256, book: Mutex::new(book), progress, events }, fetched, told)
    }

    pub(super) fn total(&self) -> u64 {
        self.bundle.len() as u64
    }

    /// What there is to prove.
    pub(super) fn delivery_report(&self) -> DeliveryReport {
        let book = self.book();
        let Fetched { sent, complete, .. } = *book.transfer_log.fetched();
        DeliveryReport {
            via: "pull",
            bytes: if complete { self.total() } else { sent },
            total: self.total(),
            complete,
            requests: Some(book.requests),
            sha256: self.sha256.clone(),
        }
    }

    /// Those who were turned away.
    pub(super) fn strangers(&self) -> Vec<IpAddr> {
        self.book().strangers.clone()
    }

    /// Somebody was turned away.
    pub(super) fn turned_away(&self, peer: IpAddr) {
        let mut book = self.book();
        if book.strangers.len() < STRANGERS && !book.strangers.contains(&peer) {
            book.strangers.push(peer);
            self.tell(Event::Stranger { peer: peer.to_string() });
        }
    }

    /// A connection from there was closed, or not taken, because there were too many without a request.
    pub(super) fn crowded(&self, peer: IpAddr) {
        let mut book = self.book();
        if book.crowding.len() < STRANGERS && !book.crowding.contains(&peer) {
            book.crowding.push(peer);
            self.tell(Event::Crowded { peer: peer.to_string() });
        }
    }

    /// The addresses with more connections than there is room for.
    pub(super) fn crowding(&self) -> Vec<IpAddr> {
        self.book().crowding.clone()
    }

    /// Somebody did not get through the handshake of TLS.
    pub(super) fn not_shaken(&self, peer: IpAddr, reason: &str) {
        if self.book().may_tell_unproven() {
            let (peer, reason) = (peer.to_string(), excerpt(reason.as_bytes()));
            self.tell(Event::HandshakeFailed { peer, reason });
        }
    }

    /// Answers a request, whose stream has this way out.
    pub(super) fn respond(
        self: &Arc<Self>,
        request: &Request<Incoming>,
        peer: SocketAddr,
        outflow: &Outflow,
    ) -> (Response<Transfer>, Asked) {
        let method = request.method();
        let (status, part) = self.answer_to(request);
        let header = |name: &str| request.headers().get(name).map(|value| excerpt(value.as_bytes()));
        let mut asked = Asked {
            peer,
            device: header("X-MGOS-Device-ID"),
            method: excerpt(method.as_str().as_bytes()),
            status,
            range: (status == StatusCode::PARTIAL_CONTENT).then(|| inclusive(&part)),
            transfer: None,
        };
        let mut response = Response::new(Transfer::nothing());
        *response.status_mut() = status;
        set_headers(response.headers_mut(), status, &part, self.total());
        let mut book = self.book();
        book.requests = book.requests.saturating_add(u32::from(asked.knows_the_path()));
        if status.is_success() && method == Method::GET {
            let number = book.transfer_log.begin(peer, asked.device.clone(), part.clone(), Instant::now());
            self.publish(&book);
            asked.transfer = Some(number);
            let (sending, taking) = (Arc::clone(self), Arc::clone(self));
            outflow.on_taken(move || taking.taken(number));
            let on_sent = move |bytes| sending.sent(number, bytes);
            *response.body_mut() = Transfer::new(&self.bundle, &part, on_sent, outflow.clone());
        }
        tracing::debug!(%peer, method = %asked.method, %status, "firmware server");
        (response, asked)
    }

    /// The status of the answer, and which part of the bundle it is about.
    fn answer_to(&self, request: &Request<Incoming>) -> (StatusCode, Range<u64>) {
        let total = self.total();
        let status = match (request.uri().path() == self.path, request.method()) {
            (true, &Method::GET) => match part_wanted(request, total) {
                Wanted::Whole => StatusCode::OK,
                Wanted::Part(part) => return (StatusCode::PARTIAL_CONTENT, part),
                Wanted::Beyond => StatusCode::RANGE_NOT_SATISFIABLE,
            },
            (true, &Method::HEAD) => StatusCode::OK,
            (true, _) => StatusCode::METHOD_NOT_ALLOWED,
            (false, _) => StatusCode::NOT_FOUND,
        };
        (status, 0..total)
    }

    /// So many more bytes of a transfer are on their way.
    fn sent(&self, number: u64, bytes: u64) {
        let mut book = self.book();
        book.transfer_log.sent(number, bytes, Instant::now());
        self.publish(&book);
    }

    /// The peer of a transfer has taken some of what was sent.
    fn taken(&self, number: u64) {
        let mut book = self.book();
        if book.transfer_log.taken(number, Instant::now()) {
            self.publish(&book);
        }
    }

    /// The connection of a request has ended. `flushed`: with all of the answer out.
    pub(super) fn finished(&self, asked: Asked, flushed: bool) {
        let mut book = self.book();
        let Ended { bytes, complete } = match asked.transfer {
            Some(number) => {
                let ended = book.transfer_log.end(number, flushed, Instant::now());
                self.publish(&book);
                ended
            }
            None => Ended { bytes: 0, complete: flushed && asked.status.is_success() },
        };
        if asked.knows_the_path() || book.may_tell_unproven() {
            self.tell(Event::Served {
                peer: asked.peer.ip().to_string(),
                device: asked.device,
                method: asked.method,
                status: asked.status.as_u16(),
                range: asked.range,
                bytes,
                total: self.total(),
                complete,
            });
        }
    }

    fn book(&self) -> MutexGuard<'_, RequestLog> {
        self.book.lock()
    }

    /// Under the lock of the book, so that nothing older comes after.
    fn publish(&self, book: &RequestLog) {
        self.progress.send_replace(book.transfer_log.fetched().clone());
    }

    /// Nobody waits for whoever listens; he is slow only if he has stopped.
    fn tell(&self, event: Event) {
        let _ = self.events.try_send(event);
    }
}

impl RequestLog {
    fn may_tell_unproven(&mut self) -> bool {
        self.unproven_told = self.unproven_told.saturating_add(1);
        self.unproven_told <= UNPROVEN
    }
}

/// What goes with an answer of this status about this part of `total` bytes.
fn set_headers(headers: &mut HeaderMap, status: StatusCode, part: &Range<u64>, total: u64) {
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    let range = match status {
        StatusCode::PARTIAL_CONTENT => Some(inclusive(part)),
        StatusCode::RANGE_NOT_SATISFIABLE => Some("*".into()),
        _ => None,
    };
    if let Some(range) = range
        && let Ok(value) = format!("bytes {range}/{total}").parse()
    {
        headers.insert(CONTENT_RANGE, value);
    }
    if status.is_success() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        headers.insert(CONTENT_LENGTH, (part.end - part.start).into());
    }
}

/// The first and the last byte of a part, as HTTP writes them. A part has at least one.
fn inclusive(part: &Range<u64>) -> String {
    format!("{}-{}", part.start, part.end - 1)
}

/// Several headers of the kind, and one that depends on a version of the file that we do not name, do not count.
fn part_wanted(request: &Request<Incoming>, total: u64) -> Wanted {
    let mut ranges = request.headers().get_all(RANGE).iter();
    match (ranges.next().and_then(|value| value.to_str().ok()), ranges.next()) {
        (Some(range), None) if !request.headers().contains_key(IF_RANGE) => wanted(range, total),
        _ => Wanted::Whole,
    }
}
