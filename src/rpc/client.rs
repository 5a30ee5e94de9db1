//! The seam of the transports, and typed calls over it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde::{Deserialize as _, Serialize};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::auth::{Authorization, Challenge, Credentials};
use super::error::{AuthRefusal, CallError, DialError};
use super::frame::{MAX_REQUEST, RemoteError, Request};
use crate::text::device_text;

/// How often an idempotent call is made in all, when the connection keeps breaking under it.
const ATTEMPTS: usize = 3;

/// The least time between two tries to get a request through.
const PACE: Duration = Duration::from_millis(100);

/// A nonce is good for an hour; this leaves the device's clock some room.
const CHALLENGE_IS_GOOD: Duration = Duration::from_secs(55 * 60);

/// One way to one device. Every transport is one of these.
///
/// An implementation
/// - answers within the request's timeout, whatever the device or the network do;
/// - sends a request at most once, and says in [`CallError::Lost`] whether it may have been sent;
/// - takes a call back when its future is dropped: what was not sent by then is not sent any more;
/// - takes many calls at a time, and gives each the reply with its own id;
/// - dials when it is first needed, and again after a link was lost.
#[async_trait]
pub trait RpcClient: Send + Sync {
    /// Makes one call. The result is the device's `result`, or its `error` object if that has code 0.
    ///
    /// With a [`Self::window`] of more than one, requests are sent in the order in which this is called; when the futures are
    /// polled makes no difference.
    async fn call(&self, request: Request) -> Result<Value, CallError>;

    /// Takes the link for dead: calls under way fail with [`CallError::Lost`], the next one dials
    /// anew. To be used when the device reboots, since a chip that resets says goodbye to nobody and
    /// TCP takes many seconds to find out.
    fn drop_link(&self);

    /// Returns what becomes of a link when the device reboots.
    fn links(&self) -> Links {
        Links::OfOneBoot
    }

    /// Tells whether the device may execute a call twice that was sent once: a broker delivers messages at least once, a network may
    /// double datagrams, and some devices execute what comes on `<device>/rpc` twice.
    fn may_execute_twice(&self) -> bool {
        false
    }

    /// Tells whether the device was seen to answer a call twice, so that it executes calls twice.
    fn executes_twice(&self) -> bool {
        false
    }

    /// Whether requests can be lost on their way without a trace.
    fn may_lose_requests(&self) -> bool {
        false
    }

    /// Reports that a request was lost on its way, although the link stands: a line without flow control cannot notice this by
    /// itself. Returns true if requests are sent slower from here on.
    fn report_loss(&self) -> bool {
        false
    }

    /// How many calls may be under way and still reach the device in the order in which they were made. One,
    /// unless the transport knows better.
    fn window(&self) -> usize {
        1
    }

    /// How many bytes may be added to the arguments of this request, until it is larger than what a device takes.
    fn max_params(&self, request: &Request) -> usize {
        let size = request.encode(LONGEST_ID, None).len();
        (MAX_REQUEST - 1).saturating_sub(size)
    }
}

/// What becomes of a link when the device reboots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// A link leads to one boot of the device. After a reboot it stays silent, and only a new one finds the device.
    OfOneBoot,
    /// Each call has a link of its own.
    OfOneCall,
    /// A link leads to the device across its reboots: a serial line, datagrams.
    Lasting,
    /// A broker carries the calls to all of its devices, across their reboots.
    Shared,
}

/// No id of ours has more digits.
pub(crate) const LONGEST_ID: u64 = 9_999_999_999;

/// A method of the device: its arguments are the fields, its result is [`Method::Reply`].
pub trait Method: Serialize {
    /// The full name, such as `OTA.Commit`.
    const NAME: &'static str;
    /// Whether it does no harm to call it twice. Only then is it repeated when a reply is lost.
    const IDEMPOTENT: bool;
    /// What the device answers.
    type Reply: DeserializeOwned;
}

/// Typed calls to one device, with a deadline and the retry rule. Cheap to clone; the clones share
/// the transport, which is closed when the last of them is dropped.
#[derive(Clone)]
pub struct Device {
    client: Arc<dyn RpcClient>,
    timeout: Duration,
    credentials: Option<Arc<Credentials>>,
    /// The last challenge, and when it came.
    challenge: Arc<Mutex<Option<(Challenge, Instant)>>>,
}

impl Device {
    /// Calls over `client`, each of which may take `timeout`.
    #[must_use]
    pub fn new(client: Box<dyn RpcClient>, timeout: Duration) -> Self {
        Self { client: client.into(), timeout, credentials: None, challenge: Arc::default() }
    }

    /// The same with these credentials, for a device that asks for them.
    #[must_use]
    pub fn with_credentials(mut self, credentials: Option<Credentials>) -> Self {
        self.credentials = credentials.map(Arc::new);
        self
    }

    /// The time that a call may take unless it is given its own.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// See [`RpcClient::drop_link`].
    pub fn drop_link(&self) {
        self.client.drop_link();
    }

    /// Takes the link for dead after a call that failed like this, unless the device itself has answered over it. An old
    /// connection would stay silent long after a reboot, and a fresh one finds the device as soon as it is back.
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

    /// How many bytes may be added to the arguments of this call, until the request is larger than what a device
    /// takes. What says who calls is counted as it would stand there now: so ask after the first call.
    #[must_use]
    pub fn max_params<M: Method>(&self, method: &M) -> usize {
        let request = Request::new(M::NAME, self.timeout).with_params(arguments(method));
        self.client.max_params(&Request { authorization: self.remembered_with(LONGEST_CNONCE), ..request })
    }

    /// Calls a method within the usual timeout.
    pub async fn call<M: Method>(&self, method: M) -> Result<M::Reply, CallError> {
        self.call_within(method, self.timeout).await
    }

    /// Calls a method within its own timeout.
    pub async fn call_within<M: Method>(&self, method: M, timeout: Duration) -> Result<M::Reply, CallError> {
        reply::<M>(self.request(&method, timeout).await?)
    }

    /// Calls a method within its own timeout. The transport sends the call once, even if the method may be called twice.
    pub async fn call_once<M: Method>(&self, method: M, timeout: Duration) -> Result<M::Reply, CallError> {
        let value = self.call_raw(M::NAME, arguments(&method), false, timeout).await?;
        reply::<M>(value)
    }

    /// Calls a method within its own timeout. What certainly did not arrive is sent again, for as long as a call
    /// usually may take: a broker may be restarting, a cable may have been out.
    pub async fn call_until_sent<M: Method>(&self, method: &M, timeout: Duration) -> Result<Value, CallError> {
        let started = Instant::now();
        loop {
            match self.request(method, timeout).await {
                Err(error) if error.is_transient() && !error.may_have_arrived() && started.elapsed() < self.timeout => {
                    sleep(PACE).await;
                }
                result => return result,
            }
        }
    }

    /// Calls a method within the usual timeout, and gives the device's result as it came.
    pub async fn call_value<M: Method>(&self, method: M) -> Result<Value, CallError> {
        self.request(&method, self.timeout).await
    }

    async fn request<M: Method>(&self, method: &M, timeout: Duration) -> Result<Value, CallError> {
        self.call_raw(M::NAME, arguments(method), M::IDEMPOTENT, timeout).await
    }

    /// Calls any method with any arguments; `null` means none. The retry rule: when the link is
    /// lost, the call is made again only if nothing was sent or the method is idempotent, and all
    /// attempts together stay within `timeout`.
    pub async fn call_raw(
        &self,
        method: &str,
        params: Value,
        idempotent: bool,
        timeout: Duration,
    ) -> Result<Value, CallError> {
        let request = Request { idempotent, ..Request::new(method, timeout).with_params(params) };
        self.start(request, ATTEMPTS).await
    }

    /// Starts a call whose place in the order of calls matters: requests are sent in the order in which this is called. Dropping
    /// the future takes the call back.
    ///
    /// When the link is lost and other calls may be in flight, the call is never made again, even if nothing was sent: on the
    /// next link it would overtake what has to go out before it. With a [`Self::window`] of one, the retry rule holds.
    pub fn call_in_order<M: Method>(
        &self,
        method: &M,
        timeout: Duration,
    ) -> impl Future<Output = Result<Value, CallError>> + use<'_, M> {
        let request = Request::new(M::NAME, timeout).with_params(arguments(method));
        let attempts = if self.window() > 1 { 1 } else { ATTEMPTS };
        self.start(Request { idempotent: M::IDEMPOTENT, ..request }, attempts)
    }

    /// Makes the first attempt, and returns a future that waits for its result and makes the others.
    fn start(&self, request: Request, attempts: usize) -> impl Future<Output = Result<Value, CallError>> + use<'_> {
        let (started, timeout, idempotent) = (Instant::now(), request.timeout, request.idempotent);
        let mut left = timeout;
        let mut result = self.client.call(Request { authorization: self.remembered(), ..request.clone() });
        async move {
            let mut answered = false;
            let mut attempt = 1;
            loop {
                let outcome = result.await;
                let ms = started.elapsed().as_millis();
                tracing::debug!(method = request.method, attempt, ms, ok = outcome.is_ok(), "call");
                let authorization = match outcome {
                    Err(CallError::Lost { sent, .. }) if attempt < attempts && (idempotent || !sent) => {
                        attempt += 1;
                        self.remembered()
                    }
                    // A challenge was not carried out, so that answering it repeats nothing.
                    Err(CallError::Remote { method, error }) if error.code == 401 => {
                        let answer = self.answer(method, &error, answered)?;
                        answered = true;
                        Some(answer)
                    }
                    Err(CallError::Remote { method, error }) if error.code == 403 => {
                        let refusal = match &self.credentials {
                            Some(credentials) => AuthRefusal::NotAllowed(credentials.user.clone()),
                            None => AuthRefusal::NoCredentials,
                        };
                        return Err(CallError::Unauthorised { method, refusal });
                    }
                    // The last attempt was given what was left; the user gave all of it.
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

    /// An answer to the last challenge, if that is still good.
    fn remembered(&self) -> Option<Authorization> {
        self.remembered_with(cnonce())
    }

    fn remembered_with(&self, cnonce: u32) -> Option<Authorization> {
        let challenge = self.challenge.lock();
        let (challenge, since) = challenge.as_ref()?;
        let credentials = self.credentials.clone()?;
        (since.elapsed() < CHALLENGE_IS_GOOD).then(|| Authorization::new(credentials, challenge.clone(), cnonce))
    }

    /// An answer to the challenge of this error. A second one in a row means that the first answer was
    /// wrong.
    fn answer(&self, method: String, error: &RemoteError, answered: bool) -> Result<Authorization, CallError> {
        let refused = |refusal| CallError::Unauthorised { method, refusal };
        let Some(credentials) = self.credentials.clone() else { return Err(refused(AuthRefusal::NoCredentials)) };
        let challenge = error.message.as_deref().and_then(Challenge::parse);
        let mut last = self.challenge.lock();
        match challenge {
            _ if answered => {
                *last = None;
                Err(refused(AuthRefusal::Rejected(credentials.user.clone())))
            }
            Some(challenge) => {
                *last = Some((challenge.clone(), Instant::now()));
                Ok(Authorization::new(credentials, challenge, cnonce()))
            }
            None => Err(refused(AuthRefusal::Unsupported)),
        }
    }
}

fn reply<M: Method>(value: Value) -> Result<M::Reply, CallError> {
    M::Reply::deserialize(value)
        .map_err(|e| CallError::WrongShape { method: M::NAME.into(), detail: device_text(&e.to_string()) })
}

/// The arguments of a method. None at all are shorter than an empty object, and the same to a device.
fn arguments<M: Method>(method: &M) -> Value {
    let params = serde_json::to_value(method).expect("the arguments of a method serialise");
    if params == Value::Object(serde_json::Map::new()) { Value::Null } else { params }
}

/// The device keeps it in a signed number.
const LONGEST_CNONCE: u32 = u32::MAX >> 1;

/// New for every request, so that no answer can be used again.
fn cnonce() -> u32 {
    getrandom::u32().unwrap_or(1) & LONGEST_CNONCE
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives the answers that it was given, in order, and counts the calls.
    struct Scripted(Mutex<Vec<Result<Value, CallError>>>);

    #[async_trait]
    impl RpcClient for Scripted {
        async fn call(&self, _: Request) -> Result<Value, CallError> {
            self.0.lock().pop().expect("no more calls than were scripted")
        }
        fn drop_link(&self) {}
    }

    #[derive(Serialize)]
    struct Look {}
    impl Method for Look {
        const NAME: &'static str = "Look";
        const IDEMPOTENT: bool = true;
        type Reply = u8;
    }

    #[derive(Serialize)]
    struct Act {}
    impl Method for Act {
        const NAME: &'static str = "Act";
        const IDEMPOTENT: bool = false;
        type Reply = u8;
    }

    fn lost(sent: bool) -> Result<Value, CallError> {
        Err(CallError::Lost { peer: "p".into(), sent, reason: "r".into() })
    }

    fn device(mut answers: Vec<Result<Value, CallError>>) -> Device {
        answers.reverse();
        Device::new(Box::new(Scripted(Mutex::new(answers))), Duration::from_secs(1))
    }

    /// A commit or a revert that runs twice is not the same as one: what may have been sent is
    /// repeated only if the method allows it.
    #[tokio::test]
    async fn nothing_is_sent_twice_by_accident() {
        assert!(matches!(device(vec![lost(true), Ok(7.into())]).call(Look {}).await, Ok(7)));
        assert!(matches!(device(vec![lost(false), Ok(7.into())]).call(Act {}).await, Ok(7)));
        let sent = device(vec![lost(true)]).call(Act {}).await;
        assert!(matches!(sent, Err(CallError::Lost { sent: true, .. })), "{sent:?}");
    }

    #[tokio::test]
    async fn a_link_that_keeps_breaking_is_given_up() {
        let result = device(vec![lost(true), lost(true), lost(true)]).call(Look {}).await;
        assert!(matches!(result, Err(CallError::Lost { .. })), "{result:?}");
    }

    #[tokio::test]
    async fn an_answer_of_the_wrong_shape_is_told() {
        let result = device(vec![Ok("x".into())]).call(Look {}).await.expect_err("not a number");
        assert!(matches!(result, CallError::WrongShape { .. }), "{result:?}");
        let error = RemoteError { code: 404, message: None };
        let refused = device(vec![Err(CallError::Remote { method: "Look".into(), error })]).call(Look {}).await;
        assert_eq!(refused.expect_err("404").remote_error().map(|e| e.code), Some(404));
    }
}
