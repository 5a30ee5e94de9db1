//! HTTP: `POST /rpc` with the whole frame as body. The device answers 200 even to errors.

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
use crate::rpc::client::Links;
use crate::rpc::frame::{self, Incoming, MAX_REQUEST};
use crate::rpc::{CallError, DialError, RemoteError, Request, RpcClient, redact, redact_excerpt, unreadable};
use crate::text::behind_digest;

/// The largest answer that is taken, in bytes.
const MAX_ANSWER: usize = 1 << 20;

/// HTTP pairs answers with requests by itself; the id only has to come back.
const ID: u64 = 1;

/// Calls over HTTP.
#[derive(Debug)]
pub struct Http {
    endpoint: Endpoint,
    peer: String,
    connect_timeout: Duration,
    /// Made once, since it may hold all the roots of the system.
    tls: ClientConfig,
    client_auth: Arc<ClientAuth>,
    /// Holds connections that are kept for the next call; given up as a whole.
    keeping: Mutex<Option<Client>>,
    /// Counts how often that was done; calls under way wait for it.
    hung_up: watch::Sender<u64>,
}

impl Http {
    /// A client for `endpoint`. Loads root certificates only for `https`.
    pub fn new(endpoint: &Endpoint, connect_timeout: Duration, tls: &tls::Settings) -> Result<Self, ConnectError> {
        let mut tls = tls::client_config(endpoint.is_tls(), tls)?;
        let client_auth = ClientAuth::watch(&mut tls);
        Ok(Self {
            endpoint: endpoint.clone(),
            peer: endpoint.to_string(),
            connect_timeout,
            tls,
            client_auth,
            keeping: Mutex::new(None),
            hung_up: watch::Sender::new(0),
        })
    }

    /// A device may close a connection that it has kept just as the next request is on its way, and
    /// nobody can tell then whether it arrived. So only what may arrive twice is sent on one.
    fn client(&self, idempotent: bool) -> Result<Client, CallError> {
        let fresh = || {
            client(&self.tls, self.connect_timeout)
                .map_err(|e| CallError::Unreachable { peer: self.peer.clone(), cause: tls::explain(&e) })
        };
        if !idempotent {
            return fresh();
        }
        let mut keeping = self.keeping.lock();
        match &*keeping {
            Some(client) => Ok(client.clone()),
            None => Ok(keeping.insert(fresh()?).clone()),
        }
    }

    async fn post(
        &self,
        id: u64,
        request: &Request,
        body: Vec<u8>,
        authorization: Option<HeaderValue>,
    ) -> Result<Value, CallError> {
        let method = &request.method;
        let client = self.client(request.idempotent)?;
        tracing::trace!("> {}", redact(&body));
        let mut post = client.post(self.endpoint.url.clone()).body(body);
        if let Some(authorization) = authorization {
            post = post.header(AUTHORIZATION, authorization);
        }
        let response = post.send().await.map_err(|e| self.failed(&e))?;
        self.client_auth.admitted();
        let status = response.status();
        let challenge = challenge_of(response.headers());
        let body = self.read(response).await?;
        tracing::trace!("< {} {}", status.as_u16(), redact(&body));
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                // The challenge takes the place that it has in a frame.
                let message = challenge.or_else(|| status.canonical_reason().map(Into::into));
                let error = RemoteError { code: status.as_u16().into(), message };
                return Err(CallError::Remote { method: method.clone(), error });
            }
            status => return Err(self.not_rpc(format!("it answered with HTTP status {}", status.as_u16()))),
        }
        match frame::decode(&body) {
            Ok(Incoming::Reply { id: of, outcome }) if of == id => {
                outcome.map_err(|error| CallError::Remote { method: method.clone(), error })
            }
            Ok(_) => Err(self.not_rpc("it answered another question".into())),
            Err(_) => Err(match unreadable::find(&body).filter(|found| found.id == id) {
                Some(found) => CallError::Unreadable { method: method.clone(), place: found.place },
                None => self.not_rpc(format!("it answered `{}`", redact_excerpt(&body))),
            }),
        }
    }

    /// HTTP has a header for what other transports put into the frame.
    fn header(&self, authorization: &Authorization) -> Result<HeaderValue, CallError> {
        let url = &self.endpoint.url;
        let uri = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut header = HeaderValue::from_str(&authorization.header(&uri)).map_err(|_| {
            let cause = DialError::Other("the user's name cannot stand in a header".into());
            CallError::Unreachable { peer: self.peer.clone(), cause }
        })?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// How large a body may not be, with this header.
    fn limit(&self, authorization: Option<&HeaderValue>) -> usize {
        let header = authorization.map_or(0, HeaderValue::len);
        MAX_REQUEST.saturating_sub(head_size(&self.endpoint) + header)
    }

    async fn read(&self, mut response: Response) -> Result<Vec<u8>, CallError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failed(&e))? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(self.not_rpc(format!("its answer is larger than {MAX_ANSWER} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn failed(&self, error: &reqwest::Error) -> CallError {
        let peer = self.peer.clone();
        if error.is_connect() {
            let cause = match self.endpoint.is_tls() {
                _ if error.is_timeout() => DialError::Silent(self.connect_timeout),
                true => self.client_auth.explain_handshake(error),
                false => tls::explain(error),
            };
            return CallError::Unreachable { peer, cause };
        }
        // hyper's word for bytes that are no HTTP answer at all.
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            if cause.to_string().starts_with("invalid HTTP") {
                return self.not_rpc("its answer is not HTTP".into());
            }
            source = cause.source();
        }
        // A server that wants to know who asks looks at that before it looks at the request.
        let cause = tls::explain(error);
        match self.client_auth.refusal(&cause) {
            Some(cause) => CallError::Unreachable { peer, cause },
            None => CallError::Lost { peer, sent: true, reason: cause.to_string() },
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
            request.authorization.take().map(|authorization| self.header(&authorization)).transpose()?;
        let body = request.encode(ID, None);
        let limit = self.limit(authorization.as_ref());
        if body.len() >= limit {
            return Err(CallError::TooLarge { method: request.method, size: body.len(), limit });
        }
        let mut hung_up = self.hung_up.subscribe();
        let peer = || self.peer.clone();
        tokio::select! {
            // Biased so that an answer that is there counts.
            biased;
            result = self.post(ID, &request, body, authorization) => result,
            _ = hung_up.changed() => {
                Err(CallError::Lost { peer: peer(), sent: true, reason: "the link was given up".into() })
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

    /// Requests may come over connections of their own, and then in any order.
    fn window(&self) -> usize {
        1
    }

    fn max_params(&self, request: &Request) -> usize {
        let header = request.authorization.as_ref().and_then(|authorization| self.header(authorization).ok());
        let body = Request { authorization: None, ..request.clone() }.encode(ID, None);
        self.limit(header.as_ref()).saturating_sub(1 + body.len())
    }

    fn drop_link(&self) {
        *self.keeping.lock() = None;
        self.hung_up.send_modify(|count| *count += 1);
    }
}

/// The challenge of an answer, for digest authentication if there is one: a proxy may offer others before it.
fn challenge_of(headers: &HeaderMap) -> Option<String> {
    let offered: Vec<_> =
        headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|challenge| challenge.to_str().ok()).collect();
    let digest = offered.iter().find(|challenge| behind_digest(challenge).is_some());
    digest.or(offered.first()).map(|&challenge| challenge.to_owned())
}

/// The device answers a request of more than 3072 bytes, head included, by a reset of the
/// connection. This is a little more than what we send before the body.
fn head_size(endpoint: &Endpoint) -> usize {
    200 + endpoint.url.as_str().len()
}

fn client(tls: &ClientConfig, connect_timeout: Duration) -> Result<Client, reqwest::Error> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // The device closes the connection unless it is asked not to, whatever HTTP/1.1 says.
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
        // A device has room for few connections, and forgets idle ones.
        .pool_max_idle_per_host(2)
        .pool_idle_timeout(Duration::from_secs(10))
        .build()
}
