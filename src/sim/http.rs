//! HTTP as the device speaks it, byte for byte (as recorded in wire/http.json and
//! wire/http-rest.json). A server library would put its own headers, in its own order, and could
//! neither reset a connection nor fall silent.

use std::net::SocketAddr;
use std::sync::Arc;

use httparse::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::board::{Answered, Board};
use super::services::params_from_query;
use super::stream::Stream;
use super::websocket::{self, Caller};
use super::wire::{self, Call, Failure, Outcome};

/// The largest request that the device takes, head included, in bytes.
const MAX_REQUEST: usize = 3072;

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
            board.bury(connection.stream);
            return;
        }
        end = connection.run(&board) => end,
    };
    match end {
        End::Closed => {}
        End::Reset => {
            let _ = connection.stream.tcp().set_zero_linger();
        }
        End::Upgraded { is_authorised } => {
            let Connection { stream, buffer, channel, ip } = connection;
            let caller = Caller { channel, ip, is_authorised };
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
            let (response, end) = match &request.websocket_key {
                Some(key) if request.path == "/rpc" => {
                    let is_authorised = is_authorised(&request, board);
                    (switch_protocols(key, request.subprotocol.as_deref()), Some(End::Upgraded { is_authorised }))
                }
                _ => {
                    let end = (!request.keep_alive).then_some(End::Closed);
                    (self.respond(&request, board).await, end)
                }
            };
            if self.stream.write_all(response.as_bytes()).await.is_err() {
                return End::Closed;
            }
            if let Some(end) = end {
                return end;
            }
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
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Err(End::Closed),
                Ok(_) => {}
            }
        }
    }

    async fn respond(&self, request: &Request, board: &Arc<Board>) -> String {
        let keep_alive = request.keep_alive;
        if request.path == "/rpc" {
            let Some(mut call) = wire::parse(&request.body, board.id()) else {
                return "HTTP/1.1 400 Bad Request\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                        Connection: close\r\nContent-Length: 15\r\n\r\nInvalid request"
                    .into();
            };
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
        let Some(method) = request.path.strip_prefix("/rpc/") else {
            return "HTTP/1.1 404 Not Found\r\nServer: Mongoose/6.18\r\nContent-Type: text/plain\r\n\
                    Connection: close\r\nContent-Length: 9\r\n\r\nNot Found"
                .into();
        };
        let params = match request.method.as_str() {
            "GET" => params_from_query(&request.query),
            _ => serde_json::from_slice(&request.body).unwrap_or_default(),
        };
        let is_authorised = is_authorised(request, board);
        let call = Call { id: None, src: None, tag: None, method: method.into(), params, auth: None, is_authorised };
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
    let connection = if keep_alive { "keep-alive" } else { "close" };
    format!(
        "HTTP/1.1 {status}\r\nServer: Mongoose/6.18\r\nContent-Type: application/json\r\n\
         Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Headers: *\r\nContent-Length: {}\r\n\
         Connection: {connection}\r\n\r\n{body}\r\n",
        body.len() + 2
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
    let body_len: usize = match header("Content-Length") {
        Some(text) => text.trim().parse().map_err(|_| End::Closed)?,
        None => 0,
    };
    let len = head_len.saturating_add(body_len);
    if len > MAX_REQUEST {
        return Err(End::Reset);
    }
    let Some(body) = buffer.get(head_len..len) else { return Ok(None) };
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
        body: body.to_vec(),
    };
    Ok(Some((request, len)))
}
