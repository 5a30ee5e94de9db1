//! Arguments and results arrive unchanged.

use otactl::rpc::{CallError, RemoteError};
use serde_json::{Value, json};

use crate::support::script::{Script, frame, json as json_of, latin1};
use crate::support::transports::{CALL_TIMEOUT, Transport};

fn values() -> Vec<Value> {
    vec![
        json!(true),
        json!(false),
        json!(0),
        json!(-1),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(0.5),
        json!(-1.25e-7),
        json!(1e300),
        json!(9.825_453_632_018_797e20),
        json!(""),
        json!("ü€😀 \u{2028}\u{fffd}"),
        json!("\u{0}\u{1}\u{1b}[31m\t\r\n\u{7f}\u{11}\u{13}\u{4}"),
        json!(r#"""" \ " {"id":1,"result":2} } { "#),
        json!([]),
        json!([null, [1, [2.5, ["€"]]], {}]),
        json!({}),
        json!({"": {"ü": null}, "a b": [true, false], "\"": "\\"}),
    ]
}

pub(crate) async fn arguments_of_every_kind_are_echoed(transport: Transport) {
    let mut peer = transport.scripted(Script::echo()).await;
    let device = peer.device();
    for value in values() {
        let result = device.call_raw("M", value.clone(), false, CALL_TIMEOUT).await;
        assert!(result.as_ref().is_ok_and(|result| *result == value), "{value}: {result:?}");
        let received = json_of(&peer.received.next().await).unwrap_or_else(|| panic!("{value}"));
        assert_eq!(received["params"], value, "{received}");
    }
    assert_eq!(device.call_raw("M", Value::Null, false, CALL_TIMEOUT).await.expect("an answer"), Value::Null);
    let received = json_of(&peer.received.next().await).expect("a request");
    assert_eq!(received.get("params"), None, "no arguments at all: {received}");
}

/// The replies vary in white space, order and quotes around numbers, as recorded devices do and a little more.
pub(crate) async fn replies_of_every_shape_are_read(transport: Transport) {
    let failed = |code, message: Option<&str>| Err(RemoteError { code, message: message.map(Into::into) });
    let mut table: Vec<(String, Result<Value, RemoteError>)> = vec![
        (r#"{"id":{id},"src":"dev","result":null}"#.into(), Ok(Value::Null)),
        (r#"{"id": {id}, "src": "dev", "tag": "t", "result": {"slot": 1}}"#.into(), Ok(json!({"slot": 1}))),
        (r#"{"id":"{id}","result":1,"error":null}"#.into(), Ok(json!(1))),
        (r#"{"id":{id},"src":null,"dst":"","future":[{}],"result":2}"#.into(), Ok(json!(2))),
        (r#"{"id":{id},"result":"\u00fc\u20AC\ud83d\ude00\/\b"}"#.into(), Ok(json!("ü€😀/\u{8}"))),
        (r#"{"id":{id},"src":"dev"}"#.into(), Ok(Value::Null)),
        (r#"{"id":{id},"src":"dev","dst":"me","tag":"t"}"#.into(), Ok(Value::Null)),
        (r#"{"id":{id},"error":{"code":0}}"#.into(), Ok(json!({"code": 0}))),
        (r#"{"id":{id},"result":null,"error":{"code":-7}}"#.into(), failed(-7, None)),
        (r#"{"id":{id},"error":{"code":500,"message":"ü\n€","more":1}}"#.into(), failed(500, Some("ü\n€"))),
        (r#"{"id":{id},"error":{"code":404,"message":null}}"#.into(), failed(404, None)),
    ];
    table.extend(values().into_iter().map(|value| (format!(r#"{{"id":{{id}},"result":{value}}}"#), Ok(value))));
    for (text, expected) in table {
        let peer = transport.scripted(Script::of([vec![frame(text.clone())]])).await;
        match (peer.device().call_raw("M", Value::Null, false, CALL_TIMEOUT).await, expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected, "{text}"),
            (Err(CallError::Remote { error, .. }), Err(expected)) => assert_eq!(error, expected, "{text}"),
            (other, _) => panic!("{text}: {other:?}"),
        }
    }
}

/// A device sends names of Wi-Fi networks and files without converting them to UTF-8.
pub(crate) async fn reply_that_is_not_utf8_is_read(transport: Transport) {
    let long = "\u{e9}".repeat(10_000);
    for (result, expected) in [
        ("\"caf\u{e9}\"", json!("caf\u{fffd}")),
        ("{\"a\":\"\u{ff}\u{fe}\u{80}x\",\"\u{c3}\":1}", json!({"a": "\u{fffd}\u{fffd}\u{fffd}x", "\u{fffd}": 1})),
        (&format!("\"{long}\""), json!("\u{fffd}".repeat(10_000))),
    ] {
        let script =
            Script::default().and_then(vec![latin1(format!(r#"{{"id":{{id}},"src":"dev","result":{result}}}"#))]);
        let peer = transport.scripted(script).await;
        let device = peer.device();
        for _ in 0..2 {
            let value = device.call_raw("M", Value::Null, false, CALL_TIMEOUT).await;
            assert!(value.as_ref().is_ok_and(|value| *value == expected), "{expected}: {value:?}");
        }
    }
}

/// Firmware prints `nan` for a sensor without a value. The peer is a device nevertheless, and has executed the call.
pub(crate) async fn reply_that_is_not_json_names_the_column(transport: Transport) {
    for (result, shown) in [
        (r#"{"temp": nan, "hum": 4}"#, r#"`…"temp": nan…`"#),
        (r#"[1,-inf]"#, "`…-inf…`"),
        ("{\"ssid\":\"caf\u{e9}\u{1}\"}", "`…\"ssid\":\"caf\u{fffd}·\"…`"),
    ] {
        let script = Script::of([vec![latin1(format!(r#"{{"id":{{id}},"src":"dev","result":{result}}}"#))]]);
        let mut peer = transport.scripted(script.and_then(vec![frame(r#"{"id":{id},"src":"dev","result":1}"#)])).await;
        let device = peer.device();
        let failed = device.call_raw("M", Value::Null, true, CALL_TIMEOUT).await;
        match &failed {
            Err(CallError::Unreadable { method, place }) => {
                assert!(
                    method == "M" && place.starts_with("at column ") && place.ends_with(shown),
                    "{result}: {place}"
                );
            }
            other => panic!("{result}: {other:?}"),
        }
        assert_eq!(device.call_raw("M", Value::Null, true, CALL_TIMEOUT).await.expect("an answer"), 1, "{result}");
        assert_eq!(peer.received.methods(), ["M"; 2], "{result}: nothing was asked twice");
    }
}

/// On a line, a byte that is not ASCII wipes the receive buffer of the device, and a line end ends the frame.
pub(crate) async fn requests_fit_the_transport_encoding(transport: Transport) {
    let mut peer = transport.scripted(Script::echo()).await;
    let device = peer.device();
    for value in values() {
        device.call_raw("Mé.Thod", value.clone(), false, CALL_TIMEOUT).await.unwrap_or_else(|e| panic!("{value}: {e}"));
        let received = peer.received.next().await;
        let shown = String::from_utf8_lossy(&received);
        assert!(received.iter().all(|&byte| byte >= b' '), "{shown}");
        let end = received.iter().rposition(|&byte| byte == b'}').map_or(0, |at| at + 1);
        let (json, crc) = received.split_at(end);
        if transport.has_console() {
            assert!(received.is_ascii(), "{shown}");
            assert_eq!(crc, format!("{:08x}", crc32fast::hash(json)).as_bytes(), "{shown}");
        } else {
            assert!(crc.is_empty(), "{shown}");
        }
        let request: Value = serde_json::from_slice(json).unwrap_or_else(|e| panic!("{shown}: {e}"));
        assert!(request["id"].is_u64() && request["method"] == "Mé.Thod", "{shown}");
    }
}
