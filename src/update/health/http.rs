//! A health check that requests a URL, from the device or from another server.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::Url;
use tokio::time::{Instant, timeout};

use super::failure::{CheckFailure, Passed, is_out_of_files};
use crate::text::{excerpt, for_humans, has_two_slashes, public_url};
use crate::update::device_state::DeviceState;
use crate::update::repeat::Repeat;
use crate::update::web_client::{Redirects, WebClient, through};

/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Each attempt may take the time of the check divided by this, so that a hanging request leaves time for others.
const MIN_ATTEMPTS: u32 = 3;

/// A check that requests a URL with GET, and expects an HTTP status of 200 to 299.
#[derive(Clone)]
pub struct HttpCheck {
    url: Url,
    client: WebClient,
}

/// The reason why a text is not a usable URL. The message omits the URL, which may hold secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpCheckError {
    /// The text is not a valid URL.
    #[error("this is not a URL: {0}")]
    NotAUrl(String),
    /// The scheme is not HTTP or HTTPS.
    #[error("a health check asks by http:// or https://, not by {0}://")]
    Scheme(String),
}

impl HttpCheck {
    /// Makes a check that requests the URL `text` with `client`.
    pub fn new(text: &str, client: WebClient) -> Result<Self, HttpCheckError> {
        let text = text.trim();
        let url: Url = text.parse().map_err(|error: url::ParseError| HttpCheckError::NotAUrl(error.to_string()))?;
        match url.scheme() {
            "http" | "https" if has_two_slashes(text) => Ok(Self { url, client }),
            scheme @ ("http" | "https") => Err(HttpCheckError::NotAUrl(format!(
                "two slashes and the host stand behind the scheme: {scheme}://HOST"
            ))),
            other => Err(HttpCheckError::Scheme(excerpt(other.as_bytes()))),
        }
    }

    /// Returns the URL, safe to print: without user, password and query.
    #[must_use]
    pub fn name(&self) -> String {
        public_url(&self.url)
    }

    /// Requests the URL until there is a response: a device that has just booted may not serve it yet.
    ///
    /// The first response decides. Requests to the addresses of the device never use a proxy.
    pub(super) async fn run(&self, now: &DeviceState, deadline: Instant) -> Result<Passed, CheckFailure> {
        let device = now.info.addresses();
        let share = deadline.saturating_duration_since(Instant::now()) / MIN_ATTEMPTS;
        let mut repeat = Repeat::until(deadline, RETRY_PAUSE);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.run_once(&device, share.min(left)).await {
                Err(failure) if failure.is_transient() && repeat.again().await => {}
                result => return result,
            }
        }
    }

    async fn run_once(&self, device: &[IpAddr], attempt_timeout: Duration) -> Result<Passed, CheckFailure> {
        let mut proxy = None;
        let mut on_proxy = |asked: &str| proxy = Some(asked.to_owned());
        let get = self.client.get(&self.url, Redirects::SameHost, device, &mut on_proxy);
        match timeout(attempt_timeout, get).await {
            Ok(Ok(answer)) if answer.response.status().is_success() => Ok(Passed { proxy }),
            Ok(Ok(answer)) => Err(CheckFailure::failed(format!("it answered with {}", answer.status()))),
            Ok(Err(error)) if error.is_final() => Err(CheckFailure::failed(error.to_string())),
            Ok(Err(error)) => {
                let is_ours = error.system_error().is_some_and(is_out_of_files);
                Err(CheckFailure { is_ours, ..CheckFailure::timed_out(error.to_string()) })
            }
            Err(_) => {
                let silent = format!("no answer within {}", for_humans(attempt_timeout));
                Err(CheckFailure::timed_out(through(silent, proxy.as_deref())))
            }
        }
    }
}

impl fmt::Debug for HttpCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpCheck").field(&self.name()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transport::tls;
    use crate::update::web_client::Proxies;

    fn check(url: &str) -> Result<HttpCheck, HttpCheckError> {
        HttpCheck::new(url, WebClient::new(tls::TlsSettings::default(), Proxies::none()))
    }

    #[test]
    fn name_and_errors_hide_secrets() {
        for (url, expected) in [
            ("http://dev/health", "http://dev/health"),
            (" https://admin:secret@dev:8443/a?key=secret#secret", "https://dev:8443/a?…"),
            ("http://secret@dev", "http://dev/"),
            ("HTTP://dev/%1b[2J", "http://dev/%1b[2J"),
        ] {
            let check = check(url).expect(url);
            assert_eq!(check.name(), expected);
            assert_eq!(format!("{check:?}"), format!("HttpCheck({expected:?})"));
        }
        for (url, words) in [
            ("dev/health", "not a URL"),
            ("http://", "not a URL"),
            ("http://user:secret@:80/", "not a URL"),
            ("ftp://user:secret@dev/", "not by ftp://"),
            ("http:dev/health", "two slashes"),
            ("http:/secret@dev", "two slashes"),
            ("", "not a URL"),
        ] {
            let error = check(url).expect_err(url).to_string();
            assert!(error.contains(words) && !error.contains("secret"), "{url}: {error}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn any_url_is_read_without_a_panic(text in prop_oneof![any::<String>(), "https?://[a-z@:%?#/\\[\\]]{0,20}"]) {
            if let Ok(check) = check(&text) {
                let shown: Url = check.name().parse().expect("still a URL");
                prop_assert!(shown.username().is_empty() && shown.password().is_none(), "{}", shown);
            }
        }
    }
}
