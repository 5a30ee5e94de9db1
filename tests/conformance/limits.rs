//! The sizes of requests and replies.

use otactl::ota::{GetStatus, Ping, Write};
use otactl::rpc::{CallError, Device};
use serde_json::{Value, json};

use crate::support::script::{Script, frame, json as json_of};
use crate::support::transports::{CALL_TIMEOUT, DeviceAuth, Setup, Transport};

/// The number of digits of a cnonce, by which the length of an answer to a challenge may vary.
const CNONCE: usize = 10;

/// Calls `RPC.Ping` with `len` bytes of arguments, which the device ignores.
async fn padded(device: &Device, len: usize) -> Result<Value, CallError> {
    device.call_raw("RPC.Ping", json!("x".repeat(len)), true, CALL_TIMEOUT).await
}

fn too_large(result: Result<Value, CallError>) -> (usize, usize) {
    match result {
        Err(CallError::TooLarge { size, limit, .. }) => (size, limit),
        other => panic!("{other:?}"),
    }
}

/// A request over 3 KB stalls the connection of a device without an error, so otactl must not send it. A request that
/// fits is sent.
pub(crate) async fn largest_request_arrives_and_larger_is_not_sent(setup: Setup) {
    let (mut bench, device) = setup.device().await;
    // The first ping gets the challenge, so that each later call is one request.
    device.call(Ping {}).await.expect("an answer");
    let (size, limit) = too_large(padded(&device, 4000).await);
    assert!(setup.transport.request_limits().contains(&limit), "{limit}");
    let (rest, slack) = (size - 4000, if setup.auth == DeviceAuth::Open { 0 } else { CNONCE });
    bench.take_printed();
    padded(&device, limit - 1 - rest - slack).await.expect("the largest that is taken");
    let (size, _) = too_large(padded(&device, limit - rest + slack).await);
    assert!((limit..=limit + 2 * slack).contains(&size), "{size} of {limit}");
    device.call(GetStatus {}).await.expect("nothing has stalled");
    assert_eq!(bench.take_printed(), ["RPC.Ping", "OTA.Status"], "what was too large has not arrived");
}

/// A caller that fills requests has to know the limit without an attempt.
pub(crate) async fn max_params_equals_the_real_limit(setup: Setup) {
    // An id may also have fewer digits than the largest one.
    const SLACK: usize = CNONCE + 10;
    let (_bench, device) = setup.device().await;
    device.call(Ping {}).await.expect("an answer");
    let write = |len: usize| Write { offset: 123_456, data: "x".repeat(len) };
    let room = device.max_params(&write(0));
    let limits = setup.transport.request_limits();
    assert!((limits.start() - 500..*limits.end()).contains(&room), "{room} of {limits:?}");
    let error = device.call(write(room)).await.expect_err("there is no update");
    // A device without the method reads the request, too, and answers 404.
    assert!(error.remote_error().is_some_and(|error| matches!(error.code, -1 | 404)), "{error:?}");
    too_large(device.call(write(room + 1 + SLACK)).await);
}

/// The limit applies to the encoded request: on an ASCII line, a character of two bytes becomes six.
pub(crate) async fn encoded_request_size_is_limited(transport: Transport) {
    const CRC: usize = 8;
    let mut peer = transport.scripted(Script::echo()).await;
    let device = peer.device();
    let mut sent = 0;
    for (text, step) in [("x", 100), ("ü", 50), ("€", 40), ("😀", 30), ("\"", 60), ("\u{1}", 20)] {
        for count in (1..=30).map(|times| times * step) {
            let params = json!(text.repeat(count));
            match device.call_raw("M", params.clone(), false, CALL_TIMEOUT).await {
                Ok(result) => {
                    assert_eq!(result, params, "{count} times {text:?}");
                    let received = peer.received.next().await;
                    assert!(
                        received.len() < transport.request_limits().end() + CRC,
                        "{} bytes for {count} times {text:?}",
                        received.len()
                    );
                    sent += 1;
                }
                Err(CallError::TooLarge { size, limit, .. }) => {
                    assert!(size >= limit, "{count} times {text:?}: {size} of {limit}");
                    let least = transport.request_limits().start() - 500;
                    assert!(count * text.len() * 6 > least, "{count} times {text:?} would have fitted");
                }
                Err(other) => panic!("{count} times {text:?}: {other:?}"),
            }
        }
    }
    assert!(sent >= if transport == Transport::Udp { 30 } else { 60 }, "{sent} requests were small enough");
    assert_eq!(peer.received.methods(), [""; 0], "what was too large has not arrived");
}

/// Such replies are the list of a device's files, or its whole configuration.
pub(crate) async fn large_and_deep_replies_are_read(transport: Transport) {
    let files: Vec<_> = (0..1000).map(|number| json!({"name": format!("ü{number}.bin"), "size": number})).collect();
    let deep = (0..100).fold(json!("€"), |inner, _| json!([inner]));
    let wide = json!("\"\\\n😀x".repeat(2000));
    let values = [json!(files), deep, wide];
    let answers = values.clone().map(|value| vec![frame(format!(r#"{{"id":{{id}},"src":"dev","result":{value}}}"#))]);
    let mut peer = transport.scripted(Script::of(answers)).await;
    let device = peer.device();
    for (number, value) in values.into_iter().enumerate() {
        let result = device.call_raw("M", json!(number), false, CALL_TIMEOUT).await;
        assert!(result.as_ref().is_ok_and(|result| *result == value), "{number}: {result:?}");
        assert_eq!(json_of(&peer.received.next().await).expect("a request")["params"], number);
    }
}
