//! [`Device`]: typed calls over an [`RpcClient`], with a deadline, the retry rule and authentication.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::auth::{Authorization, Challenge, Credentials};
use super::client::{Links, RpcClient};
use super::dial_error::DialError;
use super::error::{AuthRefusal, CallError};
use super::frame::{RemoteError, Request};
use super::method::{Method, arguments, typed_reply};

/// The number of attempts of an idempotent call, the first included, when the link is lost each time.
const MAX_ATTEMPTS: usize = 3;

/// The minimum time between two attempts of [`Device::call_until_sent`].
const RESEND_INTERVAL: Duration = Duration::from_millis(100);

/// How long a challenge is reused. A device accepts a nonce for one hour; five minutes are left for the drift of its
/// clock.
const CHALLENGE_LIFETIME: Duration = Duration::from_secs(55 * 60);

/// The largest client nonce. A device stores it in a signed 32-bit number.
const MAX_CNONCE: u32 = u32::MAX >> 1;

/// Typed calls to one device.
///
/// Cheap to clone. The clones share the transport, which is closed when the last clone is dropped.
///
/// # Example
///
/// Calls a simulated device. For a real one, only the address differs:
///
/// ```
/// # #[cfg(feature = "sim")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use otactl::sim::{Config, Simulator};
/// # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
/// # let simulator = Simulator::start(Config::default(), listener)?;
/// # let address = format!("ws://{}", simulator.address());
/// use std::time::Duration;
///
/// use otactl::ota::GetInfo;
/// use otactl::rpc::Device;
/// use otactl::transport::{self, Options};
///
/// let client = transport::connect(&address.parse()?, &Options::default())?;
/// let device = Device::new(client, Duration::from_secs(10));
/// let info = device.call(GetInfo {}).await?;
/// assert_eq!(info.id, "esp32_AABBCC");
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "sim"))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Device {
    client: Arc<dyn RpcClient>,
    timeout: Duration,
    credentials: Option<Arc<Credentials>>,
    /// The last challenge, and the time at which it arrived.
    challenge: Arc<Mutex<Option<(Challenge, Instant)>>>,
}

impl Device {
    /// Creates a device whose calls go over `client` and take at most `timeout` each.
    #[must_use]
    pub fn new(client: Box<dyn RpcClient>, timeout: Duration) -> Self {
        Self { client: client.into(), timeout, credentials: None, challenge: Arc::default() }
    }

    /// Sets the credentials that answer a challenge of the device.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials.map(Arc::new);
        self
    }

    /// Returns the timeout of calls that are not given their own.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// See [`RpcClient::drop_link`].
    pub fn drop_link(&self) {
        self.client.drop_link();
    }

    /// Drops the link after a failed call, unless `error` is the device's own answer.
    ///
    /// An old connection would stay silent long after a reboot. A new one reaches the device as soon as it is back.
    pub fn drop_link_on(&self, error: &CallError) {
        if error.remote_error().is_none() {
            self.drop_link();
        }
    }

    /// See [`RpcClient::links`].
    #[must_use]
    pub fn links(&self) -> Links {
        self.client.links()
    }

    /// See [`RpcClient::may_execute_twice`].
    #[must_use]
    pub fn may_execute_twice(&self) -> bool {
        self.client.may_execute_twice()
    }

    /// See [`RpcClient::executes_twice`].
    #[must_use]
    pub fn executes_twice(&self) -> bool {
        self.client.executes_twice()
    }

    /// See [`RpcClient::may_lose_requests`].
    #[must_use]
    pub fn may_lose_requests(&self) -> bool {
        self.client.may_lose_requests()
    }

    /// See [`RpcClient::report_loss`].
    #[must_use]
    pub fn report_loss(&self) -> bool {
        self.client.report_loss()
    }

    /// See [`RpcClient::window`].
    #[must_use]
    pub fn window(&self) -> usize {
        self.client.window()
    }

    /// Returns the number of bytes by which the arguments of `method` may still grow before a device refuses the
    /// request as too large.
    ///
    /// The answer to the last challenge takes a part of the request. Therefore call this only after a first call to the
    /// device.
    #[must_use]
    pub fn max_params<M: Method>(&self, method: &M) -> usize {
        let request = Request::new(M::NAME, self.timeout).with_params(arguments(method));
        self.client.max_params(&Request { authorization: self.cached_authorization(|| MAX_CNONCE), ..request })
    }

    /// Calls a method with the default timeout.
    pub async fn call<M: Method>(&self, method: M) -> Result<M::Reply, CallError> {
        self.call_within(method, self.timeout).await
    }

    /// Calls a method with the given timeout.
    pub async fn call_within<M: Method>(&self, method: M, timeout: Duration) -> Result<M::Reply, CallError> {
        typed_reply::<M>(self.request(&method, timeout).await?)
    }

    /// Calls a method with the given timeout. The request is sent once, even if the method is idempotent.
    pub async fn call_once<M: Method>(&self, method: M, timeout: Duration) -> Result<M::Reply, CallError> {
        let value = self.call_raw(M::NAME, arguments(&method), false, timeout).await?;
        typed_reply::<M>(value)
    }

    /// Calls a method with the given timeout. Until the default timeout has passed, a request that certainly did not
    /// reach the device is sent again.
    ///
    /// The cause may be a broker that restarts, or a cable that was pulled.
    pub async fn call_until_sent<M: Method>(&self, method: &M, timeout: Duration) -> Result<Value, CallError> {
        let started = Instant::now();
        loop {
            match self.request(method, timeout).await {
                Err(error) if error.is_transient() && !error.may_have_arrived() && started.elapsed() < self.timeout => {
                    sleep(RESEND_INTERVAL).await;
                }
                result => return result,
            }
        }
    }

    /// Calls a method with the default timeout, and returns the device's result as it arrived.
    pub async fn call_value<M: Method>(&self, method: M) -> Result<Value, CallError> {
        self.request(&method, self.timeout).await
    }

    async fn request<M: Method>(&self, method: &M, timeout: Duration) -> Result<Value, CallError> {
        self.call_raw(M::NAME, arguments(method), M::IDEMPOTENT, timeout).await
    }

    /// Calls a method by its name. `null` as `params` means no arguments.
    ///
    /// The retry rule: after a lost link, the call is made again only if nothing was sent or the method is idempotent.
    /// All attempts together stay within `timeout`.
    pub async fn call_raw(
        &self,
        method: &str,
        params: Value,
        idempotent: bool,
        timeout: Duration,
    ) -> Result<Value, CallError> {
        let request = Request { idempotent, ..Request::new(method, timeout).with_params(params) };
        self.start(request, MAX_ATTEMPTS).await
    }

    /// Starts a call whose position among other calls matters: requests are sent in the order in which this method is
    /// called. Dropping the future cancels the call.
    ///
    /// With a [`Self::window`] of more than one, a call whose link was lost is never made again, even if nothing was
    /// sent. On the next link it would overtake calls that have to precede it. With a window of one, the retry rule of
    /// [`Self::call_raw`] applies.
    pub fn call_in_order<M: Method>(
        &self,
        method: &M,
        timeout: Duration,
    ) -> impl Future<Output = Result<Value, CallError>> + use<'_, M> {
        let request = Request::new(M::NAME, timeout).with_params(arguments(method));
        let attempts = if self.window() > 1 { 1 } else { MAX_ATTEMPTS };
        self.start(Request { idempotent: M::IDEMPOTENT, ..request }, attempts)
    }

    /// Makes the first attempt at once, and returns a future that waits for its result and makes the other attempts.
    fn start(&self, request: Request, attempts: usize) -> impl Future<Output = Result<Value, CallError>> + use<'_> {
        let (started, timeout, idempotent) = (Instant::now(), request.timeout, request.idempotent);
        let mut left = timeout;
        let mut result = self.client.call(Request { authorization: self.next_authorization(), ..request.clone() });
        async move {
            let mut is_challenge_answered = false;
            let mut attempt = 1;
            loop {
                let outcome = result.await;
                let ms = started.elapsed().as_millis();
                let in_words = || outcome.as_ref().map_or_else(ToString::to_string, |_| "ok".into());
                tracing::debug!(method = request.method, attempt, ms, outcome = %in_words(), "call");
                let authorization = match outcome {
                    Err(CallError::Lost { sent, .. }) if attempt < attempts && (idempotent || !sent) => {
                        attempt += 1;
                        self.next_authorization()
                    }
                    // The device does not execute a call that it challenges, so that answering executes nothing twice.
                    Err(CallError::Remote { method, error }) if error.code == 401 => {
                        let authorization = self.answer_challenge(method, &error, is_challenge_answered)?;
                        is_challenge_answered = true;
                        Some(authorization)
                    }
                    Err(CallError::Remote { method, error }) if error.code == 403 => {
                        let refusal = match &self.credentials {
                            Some(credentials) => AuthRefusal::NotAllowed(credentials.user.clone()),
                            None => AuthRefusal::NoCredentials,
                        };
                        return Err(CallError::Unauthorised { method, refusal });
                    }
                    // The last attempt had only the remaining time. The error shows the timeout of the whole call.
                    Err(error @ CallError::Timeout { .. }) => return Err(error.with_elapsed(timeout)),
                    Err(error @ CallError::Unreachable { cause: DialError::Silent(within), .. }) if within == left => {
                        return Err(error.with_elapsed(timeout));
                    }
                    outcome => return outcome,
                };
                left = timeout.saturating_sub(started.elapsed());
                result = self.client.call(Request { timeout: left, authorization, ..request.clone() });
            }
        }
    }

    /// Returns an answer to the last challenge with a new client nonce, or `None` if there was no challenge or it has
    /// expired.
    fn next_authorization(&self) -> Option<Authorization> {
        self.cached_authorization(new_cnonce)
    }

    fn cached_authorization(&self, cnonce: impl FnOnce() -> u32) -> Option<Authorization> {
        let challenge = self.challenge.lock();
        let (challenge, since) = challenge.as_ref()?;
        let credentials = self.credentials.clone()?;
        (since.elapsed() < CHALLENGE_LIFETIME).then(|| Authorization::new(credentials, challenge.clone(), cnonce()))
    }

    /// Answers the challenge in `error`, and keeps it for the next calls. Fails if the previous attempt of the same
    /// call has answered one already: the device has then rejected the credentials.
    fn answer_challenge(
        &self,
        method: String,
        error: &RemoteError,
        is_challenge_answered: bool,
    ) -> Result<Authorization, CallError> {
        let refused = |refusal| CallError::Unauthorised { method, refusal };
        let Some(credentials) = self.credentials.clone() else { return Err(refused(AuthRefusal::NoCredentials)) };
        let challenge = error.message.as_deref().and_then(Challenge::parse);
        let mut last = self.challenge.lock();
        match challenge {
            _ if is_challenge_answered => {
                *last = None;
                Err(refused(AuthRefusal::Rejected(credentials.user.clone())))
            }
            Some(challenge) => {
                *last = Some((challenge.clone(), Instant::now()));
                Ok(Authorization::new(credentials, challenge, new_cnonce()))
            }
            None => Err(refused(AuthRefusal::Unsupported)),
        }
    }
}

/// Returns a client nonce. Each request has its own, so that a recorded answer cannot be replayed.
fn new_cnonce() -> u32 {
    getrandom::u32().unwrap_or(1) & MAX_CNONCE
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
