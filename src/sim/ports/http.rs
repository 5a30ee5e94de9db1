//! The device over HTTP, byte for byte as recorded in wire/http.json and wire/http-rest.json.
//!
//! No HTTP library is used: a library would send its own headers in its own order. It could also not reset a
//! connection, nor leave a request without an answer.

use std::net::SocketAddr;
use std::sync::Arc;

use httparse::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::sim::board::Board;
use crate::sim::board::calls::ScheduledReply;
use crate::sim::ports::stream::ByteStream;
use crate::sim::ports::websocket::{self, Caller};
use crate::sim::services::params_from_query;
use crate::sim::wire::{self, Call, Frame, MethodError, Outcome};

/// The largest request that the device accepts, including the head, in bytes.
const MAX_REQUEST: usize = 3072;

/// The path of RPC. A slash and a method may follow.
const RPC_PATH: &str = "/rpc";

/// A request.
struct HttpRequest {
    method: String,
    path: String,
    query: String,
    keep_alive: bool,
    /// The value of `Sec-WebSocket-Key`, if the request asks for an upgrade.
    websocket_key: Option<String>,
    subprotocol: Option<String>,
    authorization: Option<String>,
    body: Vec<u8>,
}

/// The way in which HTTP ends on a connection.
enum HttpEnd {
    Closed,
    /// The device resets the connection, because the request is too large.
    Reset,
    /// The connection continues as a WebSocket.
    Upgraded {
        is_authorised: bool,
        is_rpc: bool,
    },
}

/// A connection over which HTTP runs.
struct HttpConnection<S> {
    stream: S,
    /// The bytes of the next request that have been read.
    buffer: Vec<u8>,
    channel: String,
    ip: String,
}

/// Serves one connection until the connection or this boot ends.
pub async fn serve(stream: impl ByteStream, peer: SocketAddr, board: Arc<Board>) {
    let boot = board.boot();
    let Ok(local) = stream.tcp().local_addr() else { return };
    if stream.tcp().set_nodelay(true).is_err() {
        return;
    }
    let mut connection =
        HttpConnection { stream, buffer: Vec::new(), channel: peer.to_string(), ip: local.ip().to_string() };
    let end = tokio::select! {
        biased;
        () = board.until_off(boot) => {
            board.keep_half_open(connection.stream);
            return;
        }
        end = connection.run(&board) => end,
    };
    match end {
        HttpEnd::Closed => {}
        HttpEnd::Reset => {
            let _ = connection.stream.tcp().set_zero_linger();
        }
        HttpEnd::Upgraded { is_authorised, is_rpc } => {
            let HttpConnection { stream, buffer, channel, ip } = connection;
            let caller = Caller { channel, ip, is_authorised, is_rpc };
            websocket::serve(stream, buffer, &caller, &board, boot).await;
        }
    }
}

impl<S: ByteStream> HttpConnection<S> {
    /// Serves requests until HTTP ends on this connection.
    async fn run(&mut self, board: &Arc<Board>) -> HttpEnd {
        loop {
            let request = match self.read_request().await {
                Ok(request) => request,
                Err(end) => return end,
            };
            let (response, end) = if let Some(key) = &request.websocket_key {
                let is_authorised = is_authorised(&request, board);
                let is_rpc = request.path.starts_with(RPC_PATH);
                let switched = switch_protocols(key, request.subprotocol.as_deref());
                (switched, Some(HttpEnd::Upgraded { is_authorised, is_rpc }))
            } else {
                let end = (!request.keep_alive).then_some(HttpEnd::Closed);
                (self.respond(&request, board).await, end)
            };
            if self.stream.write_all(response.as_bytes()).await.is_err() {
                return HttpEnd::Closed;
            }
            if let Some(end) = end {
                return end;
            }
            // The device does not support pipelining: bytes after the request are lost (wire/edge-http.json, case
            // `keep_alive`).
            self.buffer.clear();
        }
    }

    async fn read_request(&mut self) -> Result<HttpRequest, HttpEnd> {
        loop {
            if let Some((request, len)) = parse(&self.buffer)? {
                self.buffer.drain(..len);
                return Ok(request);
            }
            if self.buffer.len() > MAX_REQUEST {
                return Err(HttpEnd::Reset);
            }
            self.buffer.reserve(MAX_REQUEST);
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(HttpEnd::Closed),
                Ok(_) => {}
            }
        }
    }

    async fn respond(&self, request: &HttpRequest, board: &Arc<Board>) -> String {
        let keep_alive = request.keep_alive;
        let Some(method) = request.path.strip_prefix(RPC_PATH) else {
            return "HTTP/1.1 404 Not Found\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                    Connection: close\r\nContent-Length: 9\r\n\r\nNot Found"
                .into();
        };
        if request.method == "OPTIONS" {
            return response("200 OK", "", keep_alive);
        }
        // The device skips the character after the path unchecked (wire/edge-http.json, cases `rpc_slash` and
        // `rpcxyz`).
        let method: String = method.chars().skip(1).collect();
        if method.is_empty() {
            let Some(frame) = wire::parse(&request.body, board.id()) else {
                return "HTTP/1.1 400 Bad Request\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                        Connection: close\r\nContent-Length: 15\r\n\r\nInvalid request"
                    .into();
            };
            // The device does not answer a response frame and leaves the request pending.
            let Frame::Call(mut call) = frame else { return std::future::pending().await };
            call.is_authorised = is_authorised(request, board);
            let outcome = self.call(&call, board).await;
            if let (Some(auth), Err(MethodError { code: 401, .. })) = (board.auth(), &outcome) {
                return unauthorized(&auth.challenge_header(board.unix_time()), keep_alive);
            }
            return match wire::reply(&call, board.id(), &outcome) {
                Some(frame) => json_response("200 OK", &frame, keep_alive),
                // The device does not answer a call without an id and leaves the request pending.
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
            (Err(MethodError { code: 401, .. }), Some(auth)) => {
                unauthorized(&auth.challenge_header(board.unix_time()), keep_alive)
            }
            (Ok(result), _) => json_response("200 OK", unquoted(&result), keep_alive),
            (Err(error), _) => {
                // Code 0 is a success, and still gets status 500.
                let status = match error.code {
                    403 => "403 Forbidden",
                    404 => "404 Not Found",
                    _ => "500 Internal Server Error",
                };
                json_response(status, &error.to_json(), keep_alive)
            }
        }
    }

    /// Runs a call and waits for its outcome.
    async fn call(&self, call: &Call, board: &Arc<Board>) -> Outcome {
        let outcome = match board.answer(call, &self.channel, &self.ip) {
            ScheduledReply::Now(outcome) | ScheduledReply::NextTurn(outcome) => outcome,
            ScheduledReply::Later(outcome) => match outcome.await {
                Ok(outcome) => outcome,
                // The device does not answer. The connection ends with the boot.
                Err(_) => std::future::pending().await,
            },
        };
        if board.omits_result() { wire::without_null(outcome) } else { outcome }
    }
}

/// Removes the quotes of a string result, as the device does over HTTP (wire/ota2022-http.json, case `rest_pull`).
fn unquoted(result: &str) -> &str {
    result.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(result)
}

/// Returns a response with a JSON body. The line end after the JSON text is part of `Content-Length`.
fn json_response(status: &str, body: &str, keep_alive: bool) -> String {
    response(status, &format!("{body}\r\n"), keep_alive)
}

fn response(status: &str, body: &str, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 {status}\r\nServer: Mongoose/6.18\r\nContent-Type: application/json\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\n\r\n{body}",
        body.len()
    )
}

/// Returns the response with a challenge, as recorded in wire/http-md5.json, case `auth_challenge`.
fn unauthorized(challenge: &str, keep_alive: bool) -> String {
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 401 Unauthorized\r\nServer: Mongoose/6.18\r\nContent-Type: application/json\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nContent-Length: 0\r\n\
         Connection: {connection}\r\nWWW-Authenticate: {challenge}\r\n\r\n"
    )
}

fn is_authorised(request: &HttpRequest, board: &Board) -> bool {
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

/// Returns the request at the start of the buffer and its length, or `None` if more bytes are needed.
fn parse(buffer: &[u8]) -> Result<Option<(HttpRequest, usize)>, HttpEnd> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut head = httparse::Request::new(&mut headers);
    let head_len = match head.parse(buffer) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(_) => return Err(HttpEnd::Closed),
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
            let len = head_len.saturating_add(text.trim().parse().map_err(|_| HttpEnd::Closed)?);
            if len > MAX_REQUEST {
                return Err(HttpEnd::Reset);
            }
            let Some(body) = buffer.get(head_len..len) else { return Ok(None) };
            (body.to_vec(), len)
        }
        None => (Vec::new(), head_len),
    };
    let (path, query) = head.path.unwrap_or_default().split_once('?').unwrap_or((head.path.unwrap_or_default(), ""));
    let upgrade = header("Upgrade").is_some_and(|upgrade| upgrade.eq_ignore_ascii_case("websocket"));
    let request = HttpRequest {
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

/// Returns the body of a chunked request and the length of its chunks, or `None` if more bytes are needed.
fn dechunk(bytes: &[u8]) -> Result<Option<(Vec<u8>, usize)>, HttpEnd> {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (head, size) = match httparse::parse_chunk_size(&bytes[at..]) {
            Ok(Status::Complete((head, size))) => (head, usize::try_from(size).map_err(|_| HttpEnd::Reset)?),
            Ok(Status::Partial) => return Ok(None),
            Err(_) => return Err(HttpEnd::Closed),
        };
        if size > MAX_REQUEST {
            return Err(HttpEnd::Reset);
        }
        // A line end follows each chunk.
        let start = at + head;
        let Some(chunk) = bytes.get(start..start + size + 2) else { return Ok(None) };
        at = start + size + 2;
        if size == 0 {
            return Ok(Some((body, at)));
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
