//! Peers that are silent, close the connection, or send unrequested frames.

use std::time::{Duration, Instant};

use otactl::rpc::{CallError, Device};
use serde_json::{Value, json};

use crate::support::script::{PeerAction, Script, frame, json as json_of, raw};
use crate::support::transports::{CALL_TIMEOUT, Transport};

/// A timeout that is longer than the time after which an idempotent request is sent again.
const SHORT_TIMEOUT: Duration = Duration::from_millis(600);

fn answer() -> PeerAction {
    result("1")
}

fn result(value: &str) -> PeerAction {
    frame(format!(r#"{{"id":{{id}},"src":"dev","result":{value}}}"#))
}

async fn call_once(device: &Device, within: Duration) -> Result<Value, CallError> {
    device.call_raw("Act", Value::Null, false, within).await
}

async fn call_idempotent(device: &Device, within: Duration) -> Result<Value, CallError> {
    device.call_raw("Look", Value::Null, true, within).await
}

fn assert_silent(result: &Result<Value, CallError>, started: Instant) {
    match result {
        Err(CallError::Timeout { after, .. }) => assert_eq!(*after, SHORT_TIMEOUT, "as the caller gave it"),
        other => panic!("{other:?}"),
    }
    let took = started.elapsed();
    assert!((SHORT_TIMEOUT..SHORT_TIMEOUT + CALL_TIMEOUT / 2).contains(&took), "{took:?}");
}

/// Every call ends at its deadline.
pub(crate) async fn silent_peer_times_out_at_the_deadline(transport: Transport) {
    let peer = transport.scripted(Script::default()).await;
    let device = peer.device();
    let started = Instant::now();
    let (acted, looked) = tokio::join!(call_once(&device, SHORT_TIMEOUT), call_idempotent(&device, SHORT_TIMEOUT));
    assert_silent(&acted, started);
    assert_silent(&looked, started);
}

/// One missing reply does not drop the connection.
pub(crate) async fn silence_after_a_reply_times_out_at_the_deadline(transport: Transport) {
    let mut peer = transport.scripted(Script::of([vec![answer()], vec![]]).and_then(vec![result("2")])).await;
    let device = peer.device();
    assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 1);
    let started = Instant::now();
    assert_silent(&call_once(&device, SHORT_TIMEOUT).await, started);
    assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 2);
    assert_eq!(peer.received.methods(), ["Act"; 3], "nothing was asked twice");
}

/// The caller gets an error that tells whether the device may have received the call.
pub(crate) async fn closed_connection_is_lost(transport: Transport) {
    let script = Script::of([vec![PeerAction::Close]]).and_then(vec![answer()]);
    // A peer that cannot close a connection is gone before the first call.
    let peer = transport.scripted(script).await.may_stay_unused();
    let device = peer.device();
    if transport.has_connection() {
        let lost = call_once(&device, CALL_TIMEOUT).await;
        assert!(matches!(lost, Err(CallError::Lost { sent: true, .. })), "{lost:?}");
        assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("the next call dials anew"), 1);
    }
    drop(peer);
    let started = Instant::now();
    let gone = call_once(&device, CALL_TIMEOUT).await;
    assert!(matches!(gone, Err(CallError::Lost { .. } | CallError::Unreachable { .. })), "{gone:?}");
    assert!(started.elapsed() < CALL_TIMEOUT / 2, "{:?}", started.elapsed());
}

/// A commit that arrives twice has another effect than one.
pub(crate) async fn only_idempotent_calls_are_sent_again(transport: Transport) {
    let unanswered = if transport.has_connection() { vec![PeerAction::Close] } else { vec![] };
    let script = Script::of([unanswered]).and_then(vec![answer()]);
    let mut peer = transport.scripted(script.clone()).await;
    assert_eq!(call_idempotent(&peer.device(), CALL_TIMEOUT).await.expect("the second answer"), 1);
    assert_eq!(peer.received.methods(), ["Look"; 2]);

    let mut peer = transport.scripted(script).await;
    let lost = call_once(&peer.device(), SHORT_TIMEOUT).await;
    assert!(matches!(lost, Err(CallError::Lost { sent: true, .. } | CallError::Timeout { .. })), "{lost:?}");
    assert_eq!(peer.received.methods(), ["Act"]);
}

/// The replies have unknown ids, the ids of other clients, and the ids of answered calls.
pub(crate) async fn unrequested_replies_are_ignored(transport: Transport) {
    let unknown = frame(r#"{"id":9007199254740991,"src":"dev","result":"unknown"}"#);
    if transport.pairs_by_itself() {
        let peer = transport.scripted(Script::of([vec![unknown]]).and_then(vec![answer()])).await;
        let other = call_once(&peer.device(), CALL_TIMEOUT).await;
        assert!(matches!(&other, Err(CallError::NotRpc { .. })), "{other:?}");
        return;
    }
    let again = |id: &str| frame(format!(r#"{{"id":{{{id}}},"src":"dev","result":"again"}}"#));
    let named = frame(r#"{"id":"nobody","src":"dev","result":"named"}"#);
    let refused = frame(r#"{"id":424242424242,"src":"dev","error":{"code":-1}}"#);
    let script = Script::of([
        vec![unknown.clone(), answer(), again("id0")],
        vec![again("id0"), unknown, refused, named, result("2"), again("id1")],
        vec![again("id0"), again("id1"), result("3")],
    ]);
    let peer = transport.scripted(script).await;
    let device = peer.device();
    for expected in 1..=3 {
        assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), expected);
    }
}

/// A reply to a cancelled call must not be taken for that to the next call.
pub(crate) async fn late_reply_is_ignored(transport: Transport) {
    // An HTTP reply can only come on its own connection, which is closed.
    let late = (!transport.pairs_by_itself()).then(|| frame(r#"{"id":{id0},"src":"dev","result":"late"}"#));
    let in_time = late.into_iter().chain([result("\"in time\"")]).collect();
    let peer = transport.scripted(Script::of([vec![], in_time])).await;
    let device = peer.device();
    let started = Instant::now();
    assert_silent(&call_once(&device, SHORT_TIMEOUT).await, started);
    assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), "in time");
}

/// Bytes that are not frames: broken JSON, no JSON, no text, no reply. Each has a line end, so that it is its own line.
const GARBAGE: [&[u8]; 12] = [
    b"hello\n",
    b"\n",
    b"{\n",
    b"[1,2,3]\n",
    b"{\"id\":1\n",
    b"{\"id\":1}\n",
    b"{\"result\":1}\n",
    b"{\"temp\": 25, \"unit\": \"C\"}\n",
    b"{\"id\":1,\"error\":\"no object\"}\n",
    b"{\"id\":1,\"src\":\"dev\",\"result\":2}00000000\n",
    b"\"\"\"\x04\"\"\"\n\x11\x13\n",
    b"caf\xe9 \xff\xfe\x00\x1b[31m\n",
];

/// One bad frame must not end an update that takes minutes.
pub(crate) async fn garbage_between_frames_is_skipped(transport: Transport) {
    if transport.pairs_by_itself() {
        for garbage in GARBAGE {
            let shown = String::from_utf8_lossy(garbage);
            let peer =
                transport.scripted(Script::of([vec![answer()], vec![raw(garbage)]]).and_then(vec![answer()])).await;
            let device = peer.device();
            assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 1, "before {shown:?}");
            let bad = call_once(&device, CALL_TIMEOUT).await;
            assert!(matches!(&bad, Err(CallError::NotRpc { .. })), "{shown:?}: {bad:?}");
            assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 1, "after {shown:?}");
        }
        return;
    }
    let mut second: Vec<_> = GARBAGE.into_iter().map(raw).collect();
    if transport.has_console() {
        // Text without a line end, right before the frame.
        second.extend([raw(vec![b'.'; 100_000]), raw("\r\nI (1234) wifi: state: run "), raw(GARBAGE.concat())]);
    }
    second.push(result("2"));
    second.extend(GARBAGE.into_iter().map(raw));
    let peer = transport.scripted(Script::of([vec![answer()], second]).and_then(vec![result("3")])).await;
    let device = peer.device();
    for expected in 1..=3 {
        assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), expected);
    }
}

/// Garbage from a peer that has never sent a reply fails the call at once, if only that peer can have sent it.
///
/// On a line that other programs print to, the call waits for its timeout.
pub(crate) async fn garbage_alone_is_not_a_reply(transport: Transport) {
    let peer = transport.scripted(Script::of([vec![raw("hello\n")]]).and_then(vec![answer()])).await;
    let device = peer.device();
    let started = Instant::now();
    let none = call_once(&device, SHORT_TIMEOUT).await;
    if transport.has_console() || transport.is_lossy() {
        assert_silent(&none, started);
    } else {
        assert!(matches!(&none, Err(CallError::NotRpc { what, .. }) if what.contains("hello")), "{none:?}");
    }
    assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 1);
}

/// A request of the device needs a reply, otherwise the device keeps it in its queue.
pub(crate) async fn request_of_the_device_is_refused(transport: Transport) {
    let asks = |id: &str| frame(format!(r#"{{"id":{id},"src":"dev","method":"Dash.Heartbeat","params":{{"a":1}}}}"#));
    if transport.pairs_by_itself() {
        let peer = transport.scripted(Script::of([vec![asks("9")]])).await;
        let other = call_once(&peer.device(), CALL_TIMEOUT).await;
        assert!(matches!(&other, Err(CallError::NotRpc { .. })), "{other:?}");
        return;
    }
    let silent = frame(r#"{"src":"dev","method":"Dash.Heartbeat"}"#);
    let script = Script::of([vec![asks("9007199254740991"), silent, asks("\"nine\""), answer()]]);
    let mut peer = transport.scripted(script).await;
    let device = peer.device();
    assert_eq!(call_once(&device, CALL_TIMEOUT).await.expect("an answer"), 1);
    let received = |bytes: Vec<u8>| json_of(&bytes).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&bytes)));
    assert_eq!(received(peer.received.next().await)["method"], "Act");
    for id in [json!(9_007_199_254_740_991_u64), json!("nine")] {
        let refusal = json!({
            "id": id,
            "dst": "dev",
            "error": {"code": 404, "message": "Method [Dash.Heartbeat] not found"},
        });
        assert_eq!(received(peer.received.next().await), refusal);
    }
}
