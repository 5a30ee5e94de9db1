//! HTTP as the device speaks it, byte for byte (as recorded in wire/http.json and
//! wire/http-rest.json). A server library would put its own headers, in its own order, and could
//! neither reset a connection nor fall silent.

use std::net::SocketAddr;
use std::sync::Arc;

use httparse::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::sim::board::Board;
use crate::sim::board::calls::Answered;
use crate::sim::ports::stream::Stream;
use crate::sim::ports::websocket::{self, Caller};
use crate::sim::services::params_from_query;
use crate::sim::wire::{self, Call, Failure, Frame, Outcome};

/// The largest request that the device takes, head included, in bytes.
const MAX_REQUEST: usize = 3072;

/// The path of RPC. Behind it stands a slash and a method, or nothing.
const RPC: &str = "/rpc";

/// A request, as far as it matters here.
struct Request {
    method: String,
    path: String,
    query: String,
    keep_alive: bool,
    /// `Sec-WebSocket-Key` of a request for an upgrade.
    websocket_key: Option<String>,
    subprotocol: Option<String>,
    authorization: Option<String>,
    body: Vec<u8>,
}

/// How the HTTP on a connection ends.
enum End {
    Closed,
    /// The request was too large.
    Reset,
    /// WebSocket goes on from here, with somebody who is known or not.
    Upgraded {
        is_authorised: bool,
        is_rpc: bool,
    },
}

struct Connection<S> {
    stream: S,
    /// What has been read and belongs to the next request.
    buffer: Vec<u8>,
    channel: String,
    ip: String,
}

/// Serves one connection, for as long as it and this boot last.
pub async fn serve(stream: impl Stream, peer: SocketAddr, board: Arc<Board>) {
    let boot = board.boot();
    let Ok(local) = stream.tcp().local_addr() else { return };
    if stream.tcp().set_nodelay(true).is_err() {
        return;
    }
    let mut connection =
        Connection { stream, buffer: Vec::new(), channel: peer.to_string(), ip: local.ip().to_string() };
    let end = tokio::select! {
        biased;
        () = board.until_off(boot) => {
            board.keep_half_open(connection.stream);
            return;
        }
        end = connection.run(&board) => end,
    };
    match end {
        End::Closed => {}
        End::Reset => {
            let _ = connection.stream.tcp().set_zero_linger();
        }
        End::Upgraded { is_authorised, is_rpc } => {
            let Connection { stream, buffer, channel, ip } = connection;
            let caller = Caller { channel, ip, is_authorised, is_rpc };
            websocket::serve(stream, buffer, &caller, &board, boot).await;
        }
    }
}

impl<S: Stream> Connection<S> {
    async fn run(&mut self, board: &Arc<Board>) -> End {
        loop {
            let request = match self.read_request().await {
                Ok(request) => request,
                Err(end) => return end,
            };
            let (response, end) = if let Some(key) = &request.websocket_key {
                let is_authorised = is_authorised(&request, board);
                let is_rpc = request.path.starts_with(RPC);
                let switched = switch_protocols(key, request.subprotocol.as_deref());
                (switched, Some(End::Upgraded { is_authorised, is_rpc }))
            } else {
                let end = (!request.keep_alive).then_some(End::Closed);
                (self.respond(&request, board).await, end)
            };
            if self.stream.write_all(response.as_bytes()).await.is_err() {
                return End::Closed;
            }
            if let Some(end) = end {
                return end;
            }
            // What came with the request is lost: there is no pipelining (wire/edge-http.json, case `keep_alive`).
            self.buffer.clear();
        }
    }

    async fn read_request(&mut self) -> Result<Request, End> {
        loop {
            if let Some((request, len)) = parse(&self.buffer)? {
                self.buffer.drain(..len);
                return Ok(request);
            }
            if self.buffer.len() > MAX_REQUEST {
                return Err(End::Reset);
            }
            self.buffer.reserve(MAX_REQUEST);
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(End::Closed),
                Ok(_) => {}
            }
        }
    }

    async fn respond(&self, request: &Request, board: &Arc<Board>) -> String {
        let keep_alive = request.keep_alive;
        let Some(method) = request.path.strip_prefix(RPC) else {
            return "HTTP/1.1 404 Not Found\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                    Connection: close\r\nContent-Length: 9\r\n\r\nNot Found"
                .into();
        };
        if request.method == "OPTIONS" {
            return respond("200 OK", "", keep_alive);
        }
        // The character behind the path is not looked at (wire/edge-http.json, cases `rpc_slash` and `rpcxyz`).
        let method: String = method.chars().skip(1).collect();
        if method.is_empty() {
            let Some(frame) = wire::parse(&request.body, board.id()) else {
                return "HTTP/1.1 400 Bad Request\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                        Connection: close\r\nContent-Length: 15\r\n\r\nInvalid request"
                    .into();
            };
            // A response wants no answer, and the device leaves the caller waiting.
            let Frame::Call(mut call) = frame else { return std::future::pending().await };
            call.is_authorised = is_authorised(request, board);
            let outcome = self.call(&call, board).await;
            if let (Some(auth), Err(Failure { code: 401, .. })) = (board.auth(), &outcome) {
                return unauthorized(&auth.challenge_header(board.unix_time()), keep_alive);
            }
            return match wire::reply(&call, board.id(), &outcome) {
                Some(frame) => json("200 OK", &frame, keep_alive),
                // Without an id there is no reply, and the device leaves the caller waiting.
                None => std::future::pending().await,
            };
        }
        let params = match request.method.as_str() {
            "GET" => params_from_query(&request.query),
            _ => serde_json::from_slice(&request.body).unwrap_or_default(),
        };
        let is_authorised = is_authorised(request, board);
        let call = Call { id: None, src: None, tag: None, method, params, auth: None, is_authorised };
        match (self.call(&call, board).await, board.auth()) {
            (Err(Failure { code: 401, .. }), Some(auth)) => {
                unauthorized(&auth.challenge_header(board.unix_time()), keep_alive)
            }
            (Ok(result), _) => json("200 OK", bare(&result), keep_alive),
            (Err(failure), _) => {
                // Also 500 for code 0, which is success.
                let status = match failure.code {
                    403 => "403 Forbidden",
                    404 => "404 Not Found",
                    _ => "500 Internal Server Error",
                };
                json(status, &failure.to_json(), keep_alive)
            }
        }
    }

    async fn call(&self, call: &Call, board: &Arc<Board>) -> Outcome {
        let outcome = match board.answer(call, &self.channel, &self.ip) {
            Answered::Now(outcome) | Answered::NextTurn(outcome) => outcome,
            Answered::Later(outcome) => match outcome.await {
                Ok(outcome) => outcome,
                // The update ended with the power, and so does this connection.
                Err(_) => std::future::pending().await,
            },
        };
        if board.omits_result() { wire::without_null(outcome) } else { outcome }
    }
}

/// Removes the quotes of a string, as the device does in a reply over HTTP (wire/ota2022-http.json, case `rest_pull`).
fn bare(result: &str) -> &str {
    result.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(result)
}

/// The body ends in an empty line, which counts.
fn json(status: &str, body: &str, keep_alive: bool) -> String {
    respond(status, &format!("{body}\r\n"), keep_alive)
}

fn respond(status: &str, body: &str, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 {status}\r\nServer: Mongoose/6.18\r\nContent-Type: application/json\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\n\r\n{body}",
        body.len()
    )
}

/// As recorded in wire/http-md5.json, case `auth_challenge`.
fn unauthorized(challenge: &str, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 401 Unauthorized\r\nServer: Mongoose/6.18\r\nContent-Type: application/json\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nContent-Length: 0\r\n\
         Connection: {connection}\r\nWWW-Authenticate: {challenge}\r\n\r\n"
    )
}

fn is_authorised(request: &Request, board: &Board) -> bool {
    match (board.auth(), &request.authorization) {
        (Some(auth), Some(header)) => auth.check_header(header, &request.method, board.unix_time()),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

fn switch_protocols(key: &str, subprotocol: Option<&str>) -> String {
    let protocol = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{protocol}\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
}

/// One whole request and its length, or `None` if more bytes are needed.
fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>, End> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let head_len = match head.parse(buffer) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(End::Closed),
    };
    let header = |name: &str| {
        let found = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(found.value).ok()
    };
    let is_chunked = header("Transfer-Encoding").is_some_and(|coding| coding.trim().eq_ignore_ascii_case("chunked"));
    let (body, len) = match header("Content-Length") {
        _ if is_chunked => match dechunk(&buffer[head_len..])? {
            Some((body, len)) => (body, head_len + len),
            None => return Ok(None),
        },
        Some(text) => {
            let len = head_len.saturating_add(text.trim().parse().map_err(|_| End::Closed)?);
            if len > MAX_REQUEST {
                return Err(End::Reset);
            }
            let Some(body) = buffer.get(head_len..len) else { return Ok(None) };
            (body.to_vec(), len)
        }
        None => (Vec::new(), head_len),
    };
    let (path, query) = head.path.unwrap_or_default().split_once('?').unwrap_or((head.path.unwrap_or_default(), ""));
    let upgrade = header("Upgrade").is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    let request = Request {
        method: head.method.unwrap_or_default().into(),
        path: path.into(),
        query: query.into(),
        keep_alive: header("Connection")
            .is_some_and(|value| value.split(',').any(|word| word.trim().eq_ignore_ascii_case("keep-alive"))),
        websocket_key: header("Sec-WebSocket-Key").filter(|_| upgrade).map(Into::into),
        subprotocol: header("Sec-WebSocket-Protocol")
            .map(|offered| offered.split(',').next().unwrap_or_default().trim().into()),
        authorization: header("Authorization").map(Into::into),
        body,
    };
    Ok(Some((request, len)))
}

/// Returns the body in these chunks and their length, or `None` if more bytes are needed.
fn dechunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, End> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (head, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(Status::Complete((head, size))) => (head, usize::try_from(size).map_err(|_| End::Reset)?),
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(End::Closed),
        };
        if size > MAX_REQUEST {
            return Err(End::Reset);
        }
        // Behind each chunk, there is a line end.
        let start = at + head;
        let Some(chunk) = bytes.get(start..start + size + 2) else { return Ok(None) };
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
