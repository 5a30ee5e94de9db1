//! HTTP: `POST /rpc` with the whole frame as the body.
//!
//! The device answers with status 200 even if the reply is an error.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use reqwest::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use reqwest::{Client, Response, StatusCode, redirect, retry};
use rustls::ClientConfig;
use serde_json::Value;
use tokio::sync::watch;

use super::connect_error::ConnectError;
use super::target::Endpoint;
use super::tls::{self, ClientAuth};
use crate::rpc::auth::Authorization;
use crate::rpc::cause::chain;
use crate::rpc::client::Links;
use crate::rpc::frame::{self, Incoming, MAX_REQUEST};
use crate::rpc::{
    CallError, DialError, DialFailure, LostReason, RemoteError, Request, RpcClient, redact, redact_excerpt, unreadable,
};
use crate::text::behind_digest;

/// The size of the largest answer that is accepted, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// The id of every request. HTTP itself matches answers to requests, so that the ids need not differ.
const REQUEST_ID: u64 = 1;

/// Calls over HTTP.
#[derive(Debug)]
pub struct Http {
    endpoint: Endpoint,
    peer: String,
    connect_timeout: Duration,
    /// Created once, since it may hold all root certificates of the system.
    tls: ClientConfig,
    client_auth: Arc<ClientAuth>,
    /// The client of idempotent calls, which keeps its connections for the next call.
    kept_client: Mutex<Option<Client>>,
    /// Counts the calls of `drop_link`. Each ends the calls in flight.
    dropped_links: watch::Sender<u64>,
}

impl Http {
    /// Creates a client of the device at `endpoint`. Loads root certificates only for `https`.
    pub fn new(endpoint: &Endpoint, connect_timeout: Duration, tls: &tls::TlsSettings) -> Result<Self, ConnectError> {
        let mut tls = tls::client_config(endpoint.is_tls(), tls)?;
        let client_auth = ClientAuth::watch(&mut tls);
        Ok(Self {
            endpoint: endpoint.clone(),
            peer: endpoint.to_string(),
            connect_timeout,
            tls,
            client_auth,
            kept_client: Mutex::new(None),
            dropped_links: watch::Sender::new(0),
        })
    }

    /// Returns the client for a request: one with kept connections if the request is `idempotent`, else a new one.
    ///
    /// A device may close a kept connection while the next request is on its way. Then it is unknown whether that
    /// request has arrived. So only a request that may arrive twice uses a kept connection.
    fn client_for(&self, idempotent: bool) -> Result<Client, CallError> {
        let new_client = || {
            build_client(&self.tls, self.connect_timeout)
                .map_err(|e| CallError::unreachable(self.peer.as_str(), DialFailure::new(tls::explain(&e), e)))
        };
        if !idempotent {
            return new_client();
        }
        let mut kept_client = self.kept_client.lock();
        match &*kept_client {
            Some(client) => Ok(client.clone()),
            None => Ok(kept_client.insert(new_client()?).clone()),
        }
    }

    /// Sends a request and reads its reply.
    async fn post(
        &self,
        id: u64,
        request: &Request,
        body: Vec<u8>,
        authorization: Option<HeaderValue>,
    ) -> Result<Value, CallError> {
        let method = &request.method;
        let client = self.client_for(request.idempotent)?;
        tracing::trace!("> {}", redact(&body));
        let mut post = client.post(self.endpoint.url.clone()).body(body);
        if let Some(authorization) = authorization {
            post = post.header(AUTHORIZATION, authorization);
        }
        let response = post.send().await.map_err(|e| self.failed(e))?;
        self.client_auth.admitted();
        let status = response.status();
        let challenge = challenge_of(response.headers());
        let body = self.read_body(response).await?;
        tracing::trace!("< {} {}", status.as_u16(), redact(&body));
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                // Frames carry the challenge in the message of the error, so it goes there, too.
                let message = challenge.or_else(|| status.canonical_reason().map(Into::into));
                let error = RemoteError { code: status.as_u16().into(), message };
                return Err(CallError::Remote { method: method.clone(), error });
            }
            status => return Err(self.not_rpc(format!("it answered with HTTP status {}", status.as_u16()))),
        }
        match frame::decode(&body) {
            Ok(Incoming::Reply { id: reply_id, outcome }) if reply_id == id => {
                outcome.map_err(|error| CallError::Remote { method: method.clone(), error })
            }
            Ok(_) => Err(self.not_rpc("it answered another request".into())),
            Err(_) => Err(match unreadable::find(&body).filter(|found| found.id == id) {
                Some(found) => CallError::Unreadable { method: method.clone(), place: found.place },
                None => self.not_rpc(format!("it answered `{}`", redact_excerpt(&body))),
            }),
        }
    }

    /// Returns the `Authorization` header. Other transports put its content into the frame.
    fn authorization_header(&self, authorization: &Authorization) -> Result<HeaderValue, CallError> {
        let url = &self.endpoint.url;
        let uri = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut header = HeaderValue::from_str(&authorization.header(&uri)).map_err(|_| {
            let cause = DialError::Other("the user's name cannot stand in a header".into());
            CallError::unreachable(self.peer.as_str(), cause)
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// Returns the size in bytes that the body of a request has to stay below.
    fn body_limit(&self, authorization: Option<&HeaderValue>) -> usize {
        let header = authorization.map_or(0, HeaderValue::len);
        MAX_REQUEST.saturating_sub(head_size(&self.endpoint) + header)
    }

    /// Reads the body of an answer.
    async fn read_body(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failed(e))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.not_rpc(format!("its answer is larger than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Explains why a request failed.
    fn failed(&self, error: reqwest::Error) -> CallError {
        // The error is shown next to the address of the peer.
        let error = error.without_url();
        let peer = self.peer.clone();
        if error.is_connect() {
            let failure = match self.endpoint.is_tls() {
                _ if error.is_timeout() => DialFailure::new(DialError::Silent(self.connect_timeout), error),
                true => self.client_auth.explain_handshake(error),
                false => DialFailure::new(tls::explain(&error), error),
            };
            return CallError::unreachable(peer, failure);
        }
        if is_not_http(&error) {
            return self.not_rpc("its answer is not HTTP".into());
        }
        // A server that requests a client certificate checks it before it reads the HTTP request.
        let failure = DialFailure::new(tls::explain(&error), error);
        match self.client_auth.refusal(&failure.cause) {
            Some(cause) => CallError::unreachable(peer, DialFailure { cause, ..failure }),
            None => CallError::Lost { peer, sent: true, reason: failure.into() },
        }
    }

    fn not_rpc(&self, what: String) -> CallError {
        CallError::NotRpc { peer: self.peer.clone(), what }
    }
}

#[async_trait]
impl RpcClient for Http {
    async fn call(&self, mut request: Request) -> Result<Value, CallError> {
        let authorization =
            request.authorization.take().map(|authorization| self.authorization_header(&authorization)).transpose()?;
        let body = request.encode(REQUEST_ID, None);
        let limit = self.body_limit(authorization.as_ref());
        if body.len() >= limit {
            return Err(CallError::TooLarge { method: request.method, size: body.len(), limit });
        }
        let mut dropped_links = self.dropped_links.subscribe();
        let peer = || self.peer.clone();
        tokio::select! {
            // Biased so that an answer that has arrived counts.
            biased;
            result = self.post(REQUEST_ID, &request, body, authorization) => result,
            _ = dropped_links.changed() => {
                Err(CallError::Lost { peer: peer(), sent: true, reason: LostReason::Dropped })
            }
            () = tokio::time::sleep(request.timeout) => {
                let (method, after) = (request.method.clone(), request.timeout);
                Err(CallError::Timeout { peer: peer(), method, after, why: None })
            }
        }
    }

    fn links(&self) -> Links {
        Links::OfOneCall
    }

    /// Returns 1. Requests over separate connections may arrive in any order.
    fn window(&self) -> usize {
        1
    }

    fn max_params(&self, request: &Request) -> usize {
        let header =
            request.authorization.as_ref().and_then(|authorization| self.authorization_header(authorization).ok());
        let body = Request { authorization: None, ..request.clone() }.encode(REQUEST_ID, None);
        self.body_limit(header.as_ref()).saturating_sub(1 + body.len())
    }

    fn drop_link(&self) {
        *self.kept_client.lock() = None;
        self.dropped_links.send_modify(|count| *count += 1);
    }
}

/// Returns the challenge of an answer: the first one for digest authentication, or else the first one.
///
/// A proxy may offer other challenges before the one of the device.
fn challenge_of(headers: &HeaderMap) -> Option<String> {
    let offered: Vec<_> =
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|challenge| challenge.to_str().ok()).collect();
    let digest = offered.iter().find(|challenge| behind_digest(challenge).is_some());
    digest.or(offered.first()).map(|&challenge| challenge.to_owned())
}

/// Tells whether the bytes that a server answered with are not HTTP.
fn is_not_http(error: &reqwest::Error) -> bool {
    let hyper = chain(error).find_map(|error| error.downcast_ref::<hyper::Error>());
    hyper.is_some_and(|error| error.is_parse() && !error.is_parse_too_large())
}

/// Returns an upper bound of the size of the request head, in bytes.
///
/// A device resets the connection on a request of more than 3072 bytes, head included.
fn head_size(endpoint: &Endpoint) -> usize {
    200 + endpoint.url.as_str().len()
}

/// Builds an HTTP client.
fn build_client(tls: &ClientConfig, connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // The device closes the connection unless this header asks it not to, although HTTP/1.1 keeps it open by default.
    headers.insert(CONNECTION, HeaderValue::from_static("keep-alive"));
    Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .default_headers(headers)
        .http1_only()
        .tcp_nodelay(true)
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(connect_timeout)
        // A device has room for few connections, and drops idle ones.
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(10))
        .build()
}
