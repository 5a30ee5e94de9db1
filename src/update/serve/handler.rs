//! Answers requests, and keeps the log of them.

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
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::bundle_body::BundleBody;
use super::range::{RequestedRange, requested_range};
use super::transfer_log::{Fetched, TransferEnd, TransferLog};
use super::write_timeout::Outflow;
use crate::text::excerpt;
use crate::update::delivery_report::DeliveryReport;
use crate::update::event::Event;

/// The largest number of refused addresses that are reported.
const MAX_LOGGED_ADDRESSES: usize = 16;

/// The largest number of events about clients that do not know the path, or fail the handshake.
const MAX_UNPROVEN_EVENTS: u32 = 32;

/// The largest number of events that wait for the observer.
const MAX_QUEUED_EVENTS: usize = 256;

/// Serves one bundle at one path.
pub(super) struct Handler {
    pub(super) path: String,
    bundle: Bytes,
    sha256: String,
    log: Mutex<RequestLog>,
    progress: watch::Sender<Fetched>,
    events: mpsc::Sender<Event>,
}

#[derive(Debug)]
struct RequestLog {
    transfers: TransferLog,
    /// Requests for the bundle.
    requests: u32,
    rejected_clients: Vec<IpAddr>,
    crowding: Vec<IpAddr>,
    unproven_events: u32,
}

/// A request, and how it was answered.
#[derive(Debug)]
pub(super) struct ServedRequest {
    peer: SocketAddr,
    device: Option<String>,
    method: String,
    status: StatusCode,
    range: Option<String>,
    /// The number of the transfer, if the request began one.
    transfer: Option<u64>,
}

/// Leaves out the path, which is a secret.
impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("sha256", &self.sha256).field("log", &self.log).finish_non_exhaustive()
    }
}

impl ServedRequest {
    /// Tells whether the request named the secret path.
    pub(super) fn knows_path(&self) -> bool {
        self.status != StatusCode::NOT_FOUND
    }
}

impl Handler {
    /// Serves a bundle with this SHA-256 digest at `path`.
    pub(super) fn new(
        path: String,
        (bundle, sha256): (Bytes, String),
    ) -> (Self, watch::Receiver<Fetched>, mpsc::Receiver<Event>) {
        let (progress, fetched) = watch::channel(Fetched::default());
        let (events, queue) = mpsc::channel(MAX_QUEUED_EVENTS);
        let transfers = TransferLog::new(bundle.len() as u64);
        let log = RequestLog {
            transfers,
            requests: 0,
            rejected_clients: Vec::new(),
            crowding: Vec::new(),
            unproven_events: 0,
        };
        (Self { path, bundle, sha256, log: Mutex::new(log), progress, events }, fetched, queue)
    }

    pub(super) fn total(&self) -> u64 {
        self.bundle.len() as u64
    }

    /// Returns what the server can prove of the delivery.
    pub(super) fn delivery_report(&self) -> DeliveryReport {
        let log = self.log();
        let Fetched { sent, complete, .. } = *log.transfers.fetched();
        DeliveryReport {
            via: "pull",
            bytes: if complete { self.total() } else { sent },
            total: self.total(),
            complete,
            requests: Some(log.requests),
            sha256: self.sha256.clone(),
        }
    }

    /// Returns the addresses that were refused.
    pub(super) fn rejected_clients(&self) -> Vec<IpAddr> {
        self.log().rejected_clients.clone()
    }

    /// Notes that a client with a foreign address was refused.
    pub(super) fn refused(&self, peer: IpAddr) {
        let mut log = self.log();
        if log.rejected_clients.len() < MAX_LOGGED_ADDRESSES && !log.rejected_clients.contains(&peer) {
            log.rejected_clients.push(peer);
            self.report(Event::ClientRejected { peer: peer.to_string() });
        }
    }

    /// Notes that a connection of this address was closed, or not accepted, because too many had no request.
    pub(super) fn crowded(&self, peer: IpAddr) {
        let mut log = self.log();
        if log.crowding.len() < MAX_LOGGED_ADDRESSES && !log.crowding.contains(&peer) {
            log.crowding.push(peer);
            self.report(Event::Crowded { peer: peer.to_string() });
        }
    }

    /// Returns the addresses with too many connections.
    pub(super) fn crowding(&self) -> Vec<IpAddr> {
        self.log().crowding.clone()
    }

    /// Notes a failed TLS handshake.
    pub(super) fn handshake_failed(&self, peer: IpAddr, reason: &str) {
        if self.log().may_report_unproven() {
            let (peer, reason) = (peer.to_string(), excerpt(reason.as_bytes()));
            self.report(Event::HandshakeFailed { peer, reason });
        }
    }

    /// Answers a request. `outflow` belongs to the stream of its connection.
    pub(super) fn respond(
        self: &Arc<Self>,
        request: &Request<Incoming>,
        peer: SocketAddr,
        outflow: &Outflow,
    ) -> (Response<BundleBody>, ServedRequest) {
        let method = request.method();
        let (status, part) = self.status_and_part(request);
        let header = |name: &str| request.headers().get(name).map(|value| excerpt(value.as_bytes()));
        let mut served = ServedRequest {
            peer,
            device: header("X-MGOS-Device-ID"),
            method: excerpt(method.as_str().as_bytes()),
            status,
            range: (status == StatusCode::PARTIAL_CONTENT).then(|| inclusive(&part)),
            transfer: None,
        };
        let mut response = Response::new(BundleBody::nothing());
        *response.status_mut() = status;
        set_headers(response.headers_mut(), status, &part, self.total());
        let mut log = self.log();
        log.requests = log.requests.saturating_add(u32::from(served.knows_path()));
        if status.is_success() && method == Method::GET {
            let number = log.transfers.begin(peer, served.device.clone(), part.clone(), Instant::now());
            self.publish(&log);
            served.transfer = Some(number);
            let (sending, taking) = (Arc::clone(self), Arc::clone(self));
            outflow.on_taken(move || taking.taken(number));
            let on_sent = move |bytes| sending.sent(number, bytes);
            *response.body_mut() = BundleBody::new(&self.bundle, &part, on_sent, outflow.clone());
        }
        tracing::debug!(%peer, method = %served.method, %status, "firmware server");
        (response, served)
    }

    /// Returns the status of the response, and the part of the bundle that it carries.
    fn status_and_part(&self, request: &Request<Incoming>) -> (StatusCode, Range<u64>) {
        let total = self.total();
        let status = match (request.uri().path() == self.path, request.method()) {
            (true, &Method::GET) => match requested_part(request, total) {
                RequestedRange::Whole => StatusCode::OK,
                RequestedRange::Part(part) => return (StatusCode::PARTIAL_CONTENT, part),
                RequestedRange::Beyond => StatusCode::RANGE_NOT_SATISFIABLE,
            },
            (true, &Method::HEAD) => StatusCode::OK,
            (true, _) => StatusCode::METHOD_NOT_ALLOWED,
            (false, _) => StatusCode::NOT_FOUND,
        };
        (status, 0..total)
    }

    /// Counts bytes of a transfer that were handed to the stream.
    fn sent(&self, number: u64, bytes: u64) {
        let mut log = self.log();
        log.transfers.sent(number, bytes, Instant::now());
        self.publish(&log);
    }

    /// Notes that the client of a transfer has taken bytes.
    fn taken(&self, number: u64) {
        let mut log = self.log();
        if log.transfers.taken(number, Instant::now()) {
            self.publish(&log);
        }
    }

    /// Notes that the connection of a request has ended. `flushed`: the whole response has left the stream.
    pub(super) fn finished(&self, served: ServedRequest, flushed: bool) {
        let mut log = self.log();
        let TransferEnd { bytes, complete } = match served.transfer {
            Some(number) => {
                let ended = log.transfers.end(number, flushed, Instant::now());
                self.publish(&log);
                ended
            }
            None => TransferEnd { bytes: 0, complete: flushed && served.status.is_success() },
        };
        if served.knows_path() || log.may_report_unproven() {
            self.report(Event::Served {
                peer: served.peer.ip().to_string(),
                device: served.device,
                method: served.method,
                status: served.status.as_u16(),
                range: served.range,
                bytes,
                total: self.total(),
                complete,
            });
        }
    }

    fn log(&self) -> MutexGuard<'_, RequestLog> {
        self.log.lock()
    }

    /// Publishes the progress. The lock of the log keeps the order.
    fn publish(&self, log: &RequestLog) {
        self.progress.send_replace(log.transfers.fetched().clone());
    }

    /// Queues an event. A full queue drops it: its reader has stopped.
    fn report(&self, event: Event) {
        let _ = self.events.try_send(event);
    }
}

impl RequestLog {
    fn may_report_unproven(&mut self) -> bool {
        self.unproven_events = self.unproven_events.saturating_add(1);
        self.unproven_events <= MAX_UNPROVEN_EVENTS
    }
}

/// Sets the headers of a response with this status, about `part` of `total` bytes.
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

/// Returns the first and the last byte of a part as HTTP writes them. A part has at least one byte.
fn inclusive(part: &Range<u64>) -> String {
    format!("{}-{}", part.start, part.end - 1)
}

/// Returns the part that a request asks for. Repeated `Range` headers do not count, nor does one with `If-Range`: the server names no
/// version of the file.
fn requested_part(request: &Request<Incoming>, total: u64) -> RequestedRange {
    let mut ranges = request.headers().get_all(RANGE).iter();
    match (ranges.next().and_then(|value| value.to_str().ok()), ranges.next()) {
        (Some(range), None) if !request.headers().contains_key(IF_RANGE) => requested_range(range, total),
        _ => RequestedRange::Whole,
    }
}
