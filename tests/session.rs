//! The session over links in memory: calls, replies, deadlines and lost links, without a socket. The clock is paused,
//! and advances only when every task waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use otactl::ota;
use otactl::rpc::{CallError, Device, DialError, DialFailure, Request, RpcClient};
use otactl::transport::link::{Connect, Link, LinkDriver};
use otactl::transport::session::Session;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The result of a dial.
enum Dial {
    Link(Link),
    Fails,
    Hangs,
}

/// Hands out the dial results that the test has prepared, and counts the dials.
struct TestConnector {
    resends_after: Option<Duration>,
    dials: tokio::sync::Mutex<mpsc::UnboundedReceiver<Dial>>,
    dialled: Arc<AtomicUsize>,
}

#[async_trait]
impl Connect for TestConnector {
    async fn dial(&self) -> Result<Link, DialFailure> {
        self.dialled.fetch_add(1, Ordering::SeqCst);
        match self.dials.lock().await.recv().await {
            Some(Dial::Link(link)) => Ok(link),
            Some(Dial::Fails) => Err(DialError::Refused.into()),
            Some(Dial::Hangs) | None => std::future::pending().await,
        }
    }

    fn peer(&self) -> &'static str {
        "test"
    }

    fn resends_after(&self) -> Option<Duration> {
        self.resends_after
    }
}

struct TestSession {
    session: Arc<Session>,
    dials: mpsc::UnboundedSender<Dial>,
    dialled: Arc<AtomicUsize>,
}

impl TestSession {
    fn new() -> Self {
        Self::with_resends(None)
    }

    /// Creates a session. With a time, the transport loses frames, and requests are sent again after it.
    fn with_resends(resends_after: Option<Duration>) -> Self {
        let (dials, ready) = mpsc::unbounded_channel();
        let dialled = Arc::new(AtomicUsize::new(0));
        let line =
            TestConnector { resends_after, dials: tokio::sync::Mutex::new(ready), dialled: Arc::clone(&dialled) };
        Self { session: Arc::new(Session::new(line)), dials, dialled }
    }

    /// Prepares a link for the next dial, and returns the device's end of it.
    fn lay_link(&self) -> LinkDriver {
        let (link, driver) = Link::pair();
        self.ready(Dial::Link(link));
        driver
    }

    fn ready(&self, dial: Dial) {
        self.dials.send(dial).expect("the session lives");
    }

    /// Starts a call.
    fn call(&self, method: &str, seconds: u64) -> tokio::task::JoinHandle<Result<Value, CallError>> {
        self.request(Request::new(method, Duration::from_secs(seconds)))
    }

    fn request(&self, request: Request) -> tokio::task::JoinHandle<Result<Value, CallError>> {
        let session = Arc::clone(&self.session);
        tokio::spawn(async move { session.call(request).await })
    }
}

/// Returns the id and the method of the next request that reaches the device.
async fn next_request(driver: &mut LinkDriver) -> (u64, String) {
    let frame = driver.outgoing.recv().await.expect("a request");
    let frame: Value = serde_json::from_slice(&frame).expect("JSON");
    (frame["id"].as_u64().expect("an id"), frame["method"].as_str().expect("a method").to_owned())
}

async fn reply(driver: &LinkDriver, id: u64, result: impl Into<Value>) {
    let frame = json!({"id": id, "src": "dev", "result": result.into()});
    assert!(driver.deliver(frame.to_string().into_bytes()).await);
}

#[tokio::test(start_paused = true)]
async fn replies_in_any_order_reach_their_calls() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let (first, second) = (bench.call("A", 5), bench.call("B", 5));
    let (a, b) = (next_request(&mut driver).await, next_request(&mut driver).await);
    let id_of = |method: &str| if a.1 == method { a.0 } else { b.0 };
    reply(&driver, id_of("B"), "b").await;
    reply(&driver, 424_242, "nobody asked").await;
    reply(&driver, id_of("A"), "a").await;
    assert_eq!(first.await.expect("no panic").expect("a reply"), "a");
    assert_eq!(second.await.expect("no panic").expect("a reply"), "b");
    assert_eq!(bench.dialled.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn call_times_out_at_its_deadline_and_the_next_is_answered() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let started = Instant::now();
    let call = bench.call("A", 3);
    let (late, _) = next_request(&mut driver).await;
    let error = call.await.expect("no panic").expect_err("silence");
    assert!(matches!(error, CallError::Timeout { after, .. } if after == Duration::from_secs(3)), "{error:?}");
    assert_eq!(started.elapsed(), Duration::from_secs(3));
    // The late reply must not be taken for that of the next call.
    let next = bench.call("B", 3);
    let (id, _) = next_request(&mut driver).await;
    reply(&driver, late, "late").await;
    reply(&driver, id, "in time").await;
    assert_eq!(next.await.expect("no panic").expect("a reply"), "in time");
}

/// The value of `sent` decides whether a request may be sent again.
#[tokio::test(start_paused = true)]
async fn lost_link_reports_whether_the_request_was_sent() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let sent = bench.call("A", 5);
    next_request(&mut driver).await;
    driver.close("the cable was pulled");
    let error = sent.await.expect("no panic").expect_err("lost");
    assert!(
        matches!(&error, CallError::Lost { sent: true, reason, .. } if reason.to_string().contains("cable")),
        "{error:?}"
    );

    // The link buffers 16 frames, and the device reads none: the 17th frame was not sent.
    let driver = bench.lay_link();
    let calls: Vec<_> = (0..17).map(|_| bench.call("B", 5)).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    driver.close("gone");
    let mut unsent = 0;
    for call in calls {
        match call.await.expect("no panic") {
            Err(CallError::Lost { sent, .. }) => unsent += usize::from(!sent),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(unsent, 1);
}

#[tokio::test(start_paused = true)]
async fn call_after_a_lost_link_dials_again() {
    let bench = TestSession::new();
    bench.lay_link().close("gone");
    let lost = bench.call("A", 5).await.expect("no panic").expect_err("lost");
    assert!(matches!(lost, CallError::Lost { .. }), "{lost:?}");
    let mut driver = bench.lay_link();
    let call = bench.call("B", 5);
    let (id, _) = next_request(&mut driver).await;
    reply(&driver, id, 1).await;
    assert_eq!(call.await.expect("no panic").expect("a reply"), 1);
    assert_eq!(bench.dialled.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn failed_dials_are_reported_and_slowed_down() {
    let bench = TestSession::new();
    let started = Instant::now();
    for _ in 0..20 {
        bench.ready(Dial::Fails);
        let error = bench.call("A", 5).await.expect("no panic").expect_err("refused");
        assert!(matches!(&error, CallError::Unreachable { cause: DialError::Refused, .. }), "{error:?}");
    }
    // The pauses are 25, 50, 100, and then 200 ms each. The first dial has none before it.
    assert_eq!(started.elapsed().as_millis(), 25 + 50 + 100 + 16 * 200);
}

#[tokio::test(start_paused = true)]
async fn hanging_dial_ends_at_the_deadline_of_the_call() {
    let bench = TestSession::new();
    bench.ready(Dial::Hangs);
    let started = Instant::now();
    let error = bench.call("A", 2).await.expect("no panic").expect_err("silence");
    assert!(matches!(&error, CallError::Unreachable { cause: DialError::Silent(_), .. }), "{error:?}");
    assert_eq!(started.elapsed(), Duration::from_secs(2));
    // The next call does not wait for that dial.
    let mut driver = bench.lay_link();
    let call = bench.call("B", 2);
    let (id, _) = next_request(&mut driver).await;
    reply(&driver, id, 1).await;
    assert!(call.await.expect("no panic").is_ok());
}

/// After a reboot, the old connection stays silent for good, and must not be used again.
#[tokio::test(start_paused = true)]
async fn drop_link_fails_calls_in_flight_and_closes_the_link() {
    let bench = TestSession::new();
    let mut old = bench.lay_link();
    let call = bench.call("A", 60);
    next_request(&mut old).await;
    bench.session.drop_link();
    let error = call.await.expect("no panic").expect_err("given up");
    assert!(matches!(error, CallError::Lost { sent: true, .. }), "{error:?}");
    old.dropped().await;
    let mut fresh = bench.lay_link();
    let call = bench.call("B", 5);
    let (id, _) = next_request(&mut fresh).await;
    reply(&fresh, id, 1).await;
    assert!(call.await.expect("no panic").is_ok());
}

#[tokio::test(start_paused = true)]
async fn request_of_the_device_is_answered_with_404() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.call("A", 5);
    let (id, _) = next_request(&mut driver).await;
    driver.deliver(br#"{"id":9,"src":"dev","method":"Dash.Heartbeat"}"#.to_vec()).await;
    let answer: Value = serde_json::from_slice(&driver.outgoing.recv().await.expect("an answer")).expect("JSON");
    assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(9), &json!(404)));
    reply(&driver, id, 1).await;
    assert!(call.await.expect("no panic").is_ok());
}

/// A serial bridge with echo returns the request before the reply.
#[tokio::test(start_paused = true)]
async fn echoed_request_is_ignored() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.call("A", 5);
    let frame = driver.outgoing.recv().await.expect("a request");
    let id = serde_json::from_slice::<Value>(&frame).expect("JSON")["id"].as_u64().expect("an id");
    driver.deliver(frame).await;
    reply(&driver, id, "the answer").await;
    assert_eq!(call.await.expect("no panic").expect("a reply"), "the answer");
    assert!(driver.outgoing.try_recv().is_none(), "nothing was refused");
}

/// A peer that sends requests without reading replies must not fill the memory.
#[tokio::test(start_paused = true)]
async fn refusals_to_the_device_are_bounded() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.call("A", 5);
    let (id, _) = next_request(&mut driver).await;
    for _ in 0..10_000 {
        driver.deliver(br#"{"id":9999999999,"method":"M"}"#.to_vec()).await;
    }
    reply(&driver, id, 1).await;
    assert!(call.await.expect("no panic").is_ok());
    let mut refusals = 0;
    while let Ok(Some(_)) = tokio::time::timeout(Duration::from_secs(1), driver.outgoing.recv()).await {
        refusals += 1;
    }
    assert!((1..=200).contains(&refusals), "{refusals}");
}

#[tokio::test(start_paused = true)]
async fn garbage_before_any_reply_fails_the_call() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.call("A", 5);
    next_request(&mut driver).await;
    driver.deliver(b"hello".to_vec()).await;
    let error = call.await.expect("no panic").expect_err("garbage");
    assert!(matches!(&error, CallError::NotRpc { what, .. } if what.contains("hello")), "{error:?}");
    assert!(error.may_have_arrived(), "the request was sent");
}

/// One bad frame must not end an update that takes minutes.
#[tokio::test(start_paused = true)]
async fn garbage_after_a_reply_is_ignored() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let (first, second) = (bench.call("A", 5), bench.call("B", 5));
    let (a, b) = (next_request(&mut driver).await, next_request(&mut driver).await);
    reply(&driver, a.0, 1).await;
    driver.deliver(b"hello".to_vec()).await;
    reply(&driver, b.0, 2).await;
    assert!(first.await.expect("no panic").is_ok() && second.await.expect("no panic").is_ok());
}

#[tokio::test(start_paused = true)]
async fn dropping_the_session_closes_the_link() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.call("A", 1);
    next_request(&mut driver).await;
    let _ = call.await;
    drop(bench.session);
    driver.dropped().await;
}

/// Each of a thousand calls in flight costs no more than a single one.
#[tokio::test(start_paused = true)]
async fn thousand_calls_in_flight_are_answered() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let calls: Vec<_> = (0..1000).map(|_| bench.call("A", 5)).collect();
    for _ in 0..1000 {
        let (id, _) = next_request(&mut driver).await;
        reply(&driver, id, id).await;
    }
    for call in calls {
        assert!(call.await.expect("no panic").is_ok());
    }
}

/// Over UDP, an idempotent request is sent again, and any other is sent once.
#[tokio::test(start_paused = true)]
async fn only_idempotent_requests_are_sent_again() {
    let bench = TestSession::with_resends(Some(Duration::from_millis(300)));
    let mut driver = bench.lay_link();
    let started = Instant::now();
    let idempotent_call = bench.request(Request { idempotent: true, ..Request::new("Look", Duration::from_secs(5)) });
    let single_call = bench.call("Act", 5);
    let mut sent = Vec::new();
    while sent.len() < 5 {
        let (_, method) = next_request(&mut driver).await;
        sent.push((method, started.elapsed().as_millis()));
    }
    let at = |method: &str| sent.iter().filter(|(of, _)| of == method).map(|(_, at)| *at).collect::<Vec<_>>();
    assert_eq!(at("Look"), [0, 300, 900, 2100], "at growing intervals");
    assert_eq!(at("Act"), [0]);
    for call in [idempotent_call, single_call] {
        let error = call.await.expect("no panic").expect_err("silence");
        assert!(matches!(error, CallError::Timeout { .. }), "{error:?}");
    }
}

/// Returns the methods of the requests that the device gets until no more arrive.
async fn remaining_methods(driver: &mut LinkDriver) -> Vec<String> {
    let mut methods = Vec::new();
    while let Ok((_, method)) = tokio::time::timeout(Duration::from_secs(1), next_request(driver)).await {
        methods.push(method);
    }
    methods
}

#[tokio::test(start_paused = true)]
async fn call_dropped_while_dialling_is_not_sent() {
    let bench = TestSession::new();
    let other = bench.call("B", 60);
    let dropped = bench.session.call(Request::new("OTA.Update", Duration::from_secs(60)));
    assert!(tokio::time::timeout(Duration::from_millis(100), dropped).await.is_err());
    let unpolled = bench.session.call(Request::new("OTA.Update", Duration::from_secs(60)));
    drop(unpolled);
    let mut driver = bench.lay_link();
    assert_eq!(remaining_methods(&mut driver).await, ["B"]);
    assert_eq!(bench.dialled.load(Ordering::SeqCst), 1);
    other.abort();
}

/// A dial without a waiting call is dropped. The next call starts its own dial.
#[tokio::test(start_paused = true)]
async fn dial_of_a_dropped_call_is_dropped() {
    let bench = TestSession::new();
    bench.ready(Dial::Hangs);
    let dropped = bench.session.call(Request::new("A", Duration::from_secs(60)));
    assert!(tokio::time::timeout(Duration::from_millis(100), dropped).await.is_err());
    let mut driver = bench.lay_link();
    let call = bench.call("B", 5);
    assert_eq!(remaining_methods(&mut driver).await, ["B"]);
    assert_eq!(bench.dialled.load(Ordering::SeqCst), 2);
    call.abort();
}

/// The link buffers 16 frames. Further frames wait for space.
#[tokio::test(start_paused = true)]
async fn call_dropped_behind_a_full_link_is_not_sent() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let names: Vec<_> = (0..24).map(|number| format!("M{number}")).collect();
    let mut calls: Vec<_> =
        names.iter().map(|name| Some(bench.session.call(Request::new(name, Duration::from_secs(60))))).collect();
    tokio::time::sleep(Duration::from_millis(1)).await;
    let dropped = [0, 7, 15, 16, 23];
    for number in dropped {
        calls[number] = None;
    }
    let kept: Vec<_> = (0..24).filter(|number| !dropped.contains(number)).map(|number| names[number].clone()).collect();
    assert_eq!(remaining_methods(&mut driver).await, kept);
}

/// The order of the calls decides, not the order in which their futures are polled. A push depends on that.
#[tokio::test(start_paused = true)]
async fn requests_are_sent_in_the_order_of_the_calls() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let device = Device::new(Box::new(Shared(Arc::clone(&bench.session))), Duration::from_secs(60));
    let write = |offset| ota::Write { offset, data: String::new() };
    let mut calls: Vec<_> =
        (0..40).map(|offset| Box::pin(device.call_in_order(&write(offset), Duration::from_secs(60)))).collect();
    let mut context = Context::from_waker(Waker::noop());
    for call in calls.iter_mut().rev() {
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    for offset in 0..40 {
        let frame: Value = serde_json::from_slice(&driver.outgoing.recv().await.expect("a request")).expect("JSON");
        assert_eq!(frame["params"]["offset"], offset);
    }
}

/// The session of a [`TestSession`], for a [`Device`].
struct Shared(Arc<Session>);

#[async_trait]
impl RpcClient for Shared {
    fn call<'a, 'async_trait>(
        &'a self,
        request: Request,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Value, CallError>> + Send + 'async_trait>>
    where
        'a: 'async_trait,
        Self: 'async_trait,
    {
        self.0.call(request)
    }

    fn drop_link(&self) {
        self.0.drop_link();
    }

    fn window(&self) -> usize {
        self.0.window()
    }
}

/// After a lost link, pieces that no link has taken would otherwise go out on the next link before the first lost
/// piece.
#[tokio::test(start_paused = true)]
async fn writes_of_a_lost_link_are_not_sent_on_the_next() {
    for _ in 0..50 {
        let bench = TestSession::new();
        let (link, driver) = Link::with_capacity(1);
        bench.ready(Dial::Link(link));
        let device = Device::new(Box::new(Shared(Arc::clone(&bench.session))), Duration::from_secs(60));
        let write = |offset| ota::Write { offset, data: String::new() };
        let mut calls: FuturesUnordered<_> =
            (0..8).map(|offset| device.call_in_order(&write(offset), Duration::from_secs(60))).collect();
        let mut next = bench.lay_link();
        let lose = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            driver.close("gone");
        };
        let (first, ()) = tokio::join!(calls.next(), lose);
        assert!(matches!(first, Some(Err(CallError::Lost { .. }))), "{first:?}");
        // Polling the remaining calls sends nothing.
        let rest = async { while calls.next().await.is_some() {} };
        let (next_request, ()) = tokio::join!(remaining_methods(&mut next), async {
            let _ = tokio::time::timeout(Duration::from_millis(500), rest).await;
        });
        assert_eq!(next_request, [""; 0]);
        drop(calls);
        let call = bench.call("Sys.GetInfo", 5);
        assert_eq!(remaining_methods(&mut next).await, ["Sys.GetInfo"]);
        call.abort();
    }
}

/// The second copy waits for space on the link and was not sent. The first one was.
#[tokio::test(start_paused = true)]
async fn call_whose_second_copy_waits_is_reported_as_sent() {
    let bench = TestSession::with_resends(Some(Duration::from_millis(300)));
    let (link, mut driver) = Link::with_capacity(1);
    bench.ready(Dial::Link(link));
    let idempotent_call = bench.request(Request { idempotent: true, ..Request::new("Look", Duration::from_secs(5)) });
    next_request(&mut driver).await;
    let unsent: Vec<_> = (0..2).map(|_| bench.call("Act", 5)).collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    driver.close("gone");
    let error = idempotent_call.await.expect("no panic").expect_err("lost");
    assert!(matches!(error, CallError::Lost { sent: true, .. }), "{error:?}");
    let mut sent = Vec::new();
    for call in unsent {
        match call.await.expect("no panic") {
            Err(CallError::Lost { sent: is_sent, .. }) => sent.push(is_sent),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(sent, [true, false], "the link has taken one");
}

/// The reply to the first copy makes the second one unnecessary.
#[tokio::test(start_paused = true)]
async fn answered_call_is_not_sent_again() {
    let bench = TestSession::with_resends(Some(Duration::from_millis(300)));
    let (link, mut driver) = Link::with_capacity(1);
    bench.ready(Dial::Link(link));
    let idempotent_call = bench.request(Request { idempotent: true, ..Request::new("Look", Duration::from_secs(5)) });
    let (id, _) = next_request(&mut driver).await;
    let single_calls: Vec<_> = (0..2).map(|_| bench.call("Act", 5)).collect();
    tokio::time::sleep(Duration::from_millis(400)).await;
    reply(&driver, id, 1).await;
    assert!(idempotent_call.await.expect("no panic").is_ok());
    assert_eq!(remaining_methods(&mut driver).await, ["Act", "Act"]);
    single_calls.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(start_paused = true)]
async fn call_with_the_longest_timeout_is_answered() {
    let bench = TestSession::new();
    let mut driver = bench.lay_link();
    let call = bench.request(Request::new("A", Duration::MAX));
    let (id, _) = next_request(&mut driver).await;
    reply(&driver, id, 1).await;
    assert_eq!(call.await.expect("no panic").expect("a reply"), 1);
}

/// A call made right after `drop_link` uses the next link, whatever still arrives over the old one.
#[tokio::test(start_paused = true)]
async fn call_after_drop_link_goes_to_the_next_link() {
    let bench = TestSession::new();
    let mut old = bench.lay_link();
    let lost = bench.call("A", 60);
    next_request(&mut old).await;
    let mut fresh = bench.lay_link();
    old.deliver(b"garbage".to_vec()).await;
    bench.session.drop_link();
    let call = bench.session.call(Request::new("B", Duration::from_secs(5)));
    old.close("gone");
    let answer = async {
        let (id, method) = next_request(&mut fresh).await;
        reply(&fresh, id, 1).await;
        method
    };
    let (result, method) = tokio::join!(call, answer);
    assert_eq!((result.expect("a reply"), method.as_str()), (json!(1), "B"));
    let error = lost.await.expect("no panic").expect_err("given up");
    assert!(matches!(error, CallError::Lost { sent: true, .. }), "{error:?}");
}
