//! GET requests to the server of a firmware URL and to the URL of a health check.
//!
//! Requests to the device itself never use a proxy: the HTTP status would be the proxy's. Each redirect is followed here, hop by hop.
//! So the proxy of each hop is known, and a redirect can be refused or reported.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::header::LOCATION;
use reqwest::{Client, Proxy, Response, redirect};
use rustls::ClientConfig;
use tokio::net::lookup_host;
use tokio::time::timeout;
use url::{Host, Url};

use crate::rpc::cause::{Cause, chain};
use crate::text::public_url;
use crate::transport::tls::{self, SetupError};

/// The most redirects that a request follows.
const MAX_REDIRECTS: usize = 10;

/// The time limit for looking up the addresses of a host, which decide whether a proxy may be used for it.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

/// The rules that select the proxy of a request.
///
/// They come from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) or from the system. Some hosts are requested
/// without a proxy in any case.
#[derive(Debug, Clone, Default)]
pub struct Proxies {
    rules: Option<Arc<Matcher>>,
    direct: Vec<String>,
}

impl Proxies {
    /// Returns rules that never use a proxy.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Reads the rules of the environment or of the system.
    ///
    /// The hosts `direct` (names or addresses without brackets) are requested without a proxy. So are private, loopback and
    /// link-local addresses.
    #[must_use]
    pub fn of_system(direct: Vec<String>) -> Self {
        Self { rules: Some(Arc::new(Matcher::from_system())), direct }
    }

    /// Returns the proxy for `url`, if it needs one. The addresses `device` are requested without a proxy.
    async fn of(&self, url: &Url, device: &[IpAddr]) -> Option<Intercept> {
        let uri: Uri = url.as_str().parse().ok()?;
        let proxy = self.rules.as_ref()?.intercept(&uri)?;
        (!self.is_direct(url, device).await).then_some(proxy)
    }

    async fn is_direct(&self, url: &Url, device: &[IpAddr]) -> bool {
        let is_direct = |ip: IpAddr| is_local(ip) || device.contains(&ip) || self.names(&ip.to_string());
        let name = match url.host() {
            Some(Host::Ipv4(ip)) => return is_direct(ip.into()),
            Some(Host::Ipv6(ip)) => return is_direct(ip.into()),
            Some(Host::Domain(name)) => name.trim_end_matches('.'),
            None => return false,
        };
        // RFC 6761 and RFC 6762 reserve these names for this machine and this network.
        if self.names(name) || matches!(name.rsplit('.').next(), Some("localhost" | "local")) {
            return true;
        }
        // A name that only the proxy can resolve is requested through the proxy.
        match timeout(LOOKUP_TIMEOUT, lookup_host((name, url.port_or_known_default().unwrap_or(0)))).await {
            Ok(Ok(mut addresses)) => addresses.any(|address| is_direct(address.ip())),
            _ => false,
        }
    }

    fn names(&self, host: &str) -> bool {
        self.direct.iter().any(|direct| direct.trim_end_matches('.').eq_ignore_ascii_case(host))
    }
}

/// Tells whether an address is private, loopback, link-local or unspecified.
fn is_local(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_loopback() || ip.is_unicast_link_local() || ip.is_unspecified(),
    }
}

/// An HTTP client for firmware URLs and health checks. Clones share the TLS configuration.
#[derive(Clone)]
pub struct WebClient {
    tls: tls::TlsSettings,
    /// The TLS configuration, loaded on first use: root certificates take time to load, and plain HTTP needs none.
    loaded_tls: Arc<OnceLock<Result<ClientConfig, SetupError>>>,
    proxies: Proxies,
}

/// The redirects that a request follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// Redirects to the same host.
    SameHost,
    /// Redirects to any host.
    AnyHost,
}

/// A response that is not a redirect.
#[derive(Debug)]
pub(super) struct FinalResponse {
    pub(super) response: Response,
    /// The proxy of the last hop, without its credentials.
    pub(super) proxy: Option<String>,
    /// The source and the target of the first redirect from HTTPS to plain HTTP.
    pub(super) without_tls: Option<(String, String)>,
}

impl FinalResponse {
    /// Returns the HTTP status for a message. It names the proxy, which may have produced the status itself.
    pub(super) fn status(&self) -> String {
        through(format!("HTTP status {}", self.response.status().as_u16()), self.proxy.as_deref())
    }

    /// Returns the error of a body that could not be read.
    pub(super) fn failure(&self, error: reqwest::Error) -> WebError {
        WebError::of(error, self.proxy.as_deref())
    }
}

/// Why a server did not send what was requested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct WebError {
    /// What failed, without the secrets that a URL may hold.
    message: String,
    /// Another request would fail in the same way.
    is_final: bool,
    /// The error of the HTTP library, without the URL.
    #[source]
    cause: Option<Cause>,
}

impl WebError {
    /// Creates the error of a request that would fail again in the same way.
    pub(super) fn of_every_request(message: impl Into<String>) -> Self {
        Self { message: message.into(), is_final: true, cause: None }
    }

    /// Creates the error of a request that failed on its way, perhaps through a proxy.
    fn of(error: reqwest::Error, proxy: Option<&str>) -> Self {
        let message = through(innermost_reason(&error), proxy);
        Self { message, is_final: false, cause: Some(Cause::new(error.without_url())) }
    }

    /// Tells whether another request would fail in the same way.
    pub(super) fn is_final(&self) -> bool {
        self.is_final
    }

    /// Returns the error of the operating system, if it caused the failure.
    pub(super) fn system_error(&self) -> Option<&io::Error> {
        chain(self.cause.as_ref()?).filter_map(|error| error.downcast_ref::<io::Error>()).last()
    }
}

impl WebClient {
    /// Makes a client with these TLS settings and proxy rules.
    #[must_use]
    pub fn new(tls: tls::TlsSettings, proxies: Proxies) -> Self {
        Self { tls, loaded_tls: Arc::default(), proxies }
    }

    /// Loads the TLS files that `url` needs, so that a missing file is reported before the update. Plain HTTP needs none.
    pub fn prepare(&self, url: &str) -> Result<(), SetupError> {
        match Url::parse(url.trim()) {
            Ok(url) if url.scheme() == "https" => self.tls(true).map(drop),
            _ => Ok(()),
        }
    }

    /// Requests `url` and follows its redirects. The addresses `device` are requested without a proxy. Calls `on_proxy` with each
    /// proxy before the request.
    pub(super) async fn get(
        &self,
        url: &Url,
        redirects: Redirects,
        device: &[IpAddr],
        on_proxy: &mut (dyn FnMut(&str) + Send),
    ) -> Result<FinalResponse, WebError> {
        let mut url = url.clone();
        let mut without_tls = None;
        for _ in 0..=MAX_REDIRECTS {
            let intercept = self.proxies.of(&url, device).await;
            let proxy = intercept.as_ref().map(|proxy| proxy_url(proxy.uri()));
            proxy.as_deref().into_iter().for_each(&mut *on_proxy);
            let failed = |reason| WebError::of_every_request(through(reason, proxy.as_deref()));
            let client = self.client(&url, intercept.as_ref()).map_err(failed)?;
            let sent = client.get(url.clone()).send().await;
            let response = sent.map_err(|error| WebError::of(error, proxy.as_deref()))?;
            let status = response.status();
            let location = response.headers().get(LOCATION).filter(|_| status.is_redirection() && status != 304);
            let Some(location) = location else { return Ok(FinalResponse { response, proxy, without_tls }) };
            let next = location.to_str().ok().and_then(|location| next_hop(&url, location));
            let Some(next) = next else {
                return Err(failed("it redirects to what is no http:// or https:// URL".into()));
            };
            if redirects == Redirects::SameHost && next.host() != url.host() {
                return Err(failed(format!("it redirects to another host, {}", public_url(&next))));
            }
            if url.scheme() == "https" && next.scheme() == "http" {
                without_tls.get_or_insert_with(|| (public_url(&url), public_url(&next)));
            }
            url = next;
        }
        Err(WebError::of_every_request("it is redirected without end"))
    }

    /// Makes the client for one hop.
    fn client(&self, url: &Url, proxy: Option<&Intercept>) -> Result<Client, String> {
        let mut is_tls = url.scheme() == "https";
        let mut builder = Client::builder().no_proxy().redirect(redirect::Policy::none());
        if let Some(intercept) = proxy {
            let scheme = intercept.uri().scheme_str().unwrap_or_default();
            if scheme != "http" && scheme != "https" {
                return Err(format!("a proxy of the kind {scheme}:// cannot be used"));
            }
            is_tls |= scheme == "https";
            let mut proxy = Proxy::all(intercept.uri().to_string()).map_err(|error| innermost_reason(&error))?;
            if let Some(auth) = intercept.basic_auth() {
                proxy = proxy.custom_http_auth(auth.clone());
            }
            builder = builder.proxy(proxy);
        }
        let tls = self.tls(is_tls).map_err(|error| error.to_string())?;
        builder.tls_backend_preconfigured(tls).build().map_err(|error| innermost_reason(&error))
    }

    fn tls(&self, is_tls: bool) -> Result<ClientConfig, SetupError> {
        if is_tls {
            self.loaded_tls.get_or_init(|| tls::client_config(true, &self.tls)).clone()
        } else {
            tls::client_config(false, &self.tls)
        }
    }
}

impl fmt::Debug for WebClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebClient").field("tls", &self.tls).field("proxies", &self.proxies).finish_non_exhaustive()
    }
}

/// Returns the target of a redirect of `url`. User and password are kept for the same origin only.
fn next_hop(url: &Url, location: &str) -> Option<Url> {
    let mut next = url.join(location).ok()?;
    if !matches!(next.scheme(), "http" | "https") {
        return None;
    }
    if next.origin() == url.origin() && next.username().is_empty() && next.password().is_none() {
        // Both fail only for URLs without a host.
        let _ = next.set_username(url.username());
        let _ = next.set_password(url.password());
    }
    Some(next)
}

/// Returns the URL of a proxy for messages. The credentials are not part of the URI.
fn proxy_url(proxy: &Uri) -> String {
    proxy.to_string().trim_end_matches('/').into()
}

/// Appends the proxy to a message, if there was one.
pub(super) fn through(message: String, proxy: Option<&str>) -> String {
    match proxy {
        Some(proxy) => format!("{message}, through the proxy {proxy}"),
        None => message,
    }
}

/// Returns the innermost reason of an error, without the URL, which may hold secrets.
fn innermost_reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    match innermost.downcast_ref::<reqwest::Error>() {
        Some(_) => "it is not a URL that can be fetched".into(),
        None => innermost.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(direct: &[&str]) -> Proxies {
        let rules = Matcher::builder().all("http://user:hidden@proxy.invalid:3128").no("no.invalid").build();
        Proxies { rules: Some(Arc::new(rules)), direct: direct.iter().map(ToString::to_string).collect() }
    }

    #[tokio::test]
    async fn proxy_is_used_for_public_hosts_only() {
        let proxies = proxies(&["device.invalid", "2001:db8::5", "203.0.113.5"]);
        let reported: IpAddr = "198.51.100.7".parse().expect("an address");
        for (url, expected) in [
            ("http://192.0.2.1/", true),
            ("https://192.0.2.1/", true),
            ("http://[2001:db8::6]/", true),
            ("http://other.invalid/", true),
            ("http://172.32.0.1/", true),
            // Exempt by the environment.
            ("http://no.invalid/", false),
            // The device.
            ("http://device.invalid:8080/", false),
            ("http://DEVICE.invalid./", false),
            ("http://[2001:db8::5]/", false),
            ("http://203.0.113.5/", false),
            ("http://198.51.100.7/", false),
            // Private, loopback, link-local.
            ("http://192.168.1.5/", false),
            ("https://10.0.0.1/", false),
            ("http://172.16.0.1/", false),
            ("http://127.0.0.1/", false),
            ("http://127.1/", false),
            ("http://169.254.1.1/", false),
            ("http://0.0.0.0/", false),
            ("http://[::1]/", false),
            ("http://[fd00::1]/", false),
            ("http://[fe80::1]/", false),
            ("http://[::ffff:192.168.1.5]/", false),
            ("http://localhost/", false),
            ("http://a.localhost/", false),
            ("http://esp32.local/", false),
        ] {
            let proxy = proxies.of(&url.parse().expect(url), &[reported]).await;
            assert_eq!(proxy.is_some(), expected, "{url}");
            if let Some(proxy) = proxy {
                assert_eq!(proxy_url(proxy.uri()), "http://proxy.invalid:3128", "without its credentials");
            }
        }
        assert!(Proxies::none().of(&"http://192.0.2.1/".parse().expect("a URL"), &[]).await.is_none());
    }

    #[test]
    fn redirect_keeps_credentials_for_the_same_origin_only() {
        let url: Url = "http://user:pass@host:81/a/b".parse().expect("a URL");
        for (location, expected) in [
            ("/c?d", Some("http://user:pass@host:81/c?d")),
            ("c", Some("http://user:pass@host:81/a/c")),
            ("http://host:81/c", Some("http://user:pass@host:81/c")),
            ("http://other:p@host:81/c", Some("http://other:p@host:81/c")),
            ("http://host/c", Some("http://host/c")),
            ("//other/c", Some("http://other/c")),
            ("ftp://host/c", None),
            ("http://", None),
        ] {
            assert_eq!(next_hop(&url, location).as_ref().map(Url::as_str), expected, "{location}");
        }
    }
}
