//! Replies that are unusual or wrong, as the built binary takes them.

mod support;

use support::run_on;
use support::script::{Script, frame};
use support::ways::Way;

#[tokio::test]
async fn reply_with_nan_is_told_with_its_place() {
    for way in [Way::WebSocket, Way::Http, Way::Tcp] {
        let reply = frame(r#"{"id":{id},"src":"dev","result":{"temp": nan, "hum": 4}}"#);
        let peer = way.scripted(Script::default().and_then(vec![reply])).await;
        let run = run_on(&peer.port, &["call", "Sensor.Read"]).await;
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{way:?}: {}", run.shown());
        let expected = "error: Sensor.Read: the device's reply is not JSON at column ";
        assert!(run.stderr.starts_with(expected), "{way:?}: {}", run.shown());
        assert!(run.stderr.contains(": `…\"temp\": nan…`\nhint: "), "{way:?}: {}", run.shown());
        assert_eq!(run.stderr.matches("hint: ").count(), 1, "{way:?}: {}", run.shown());
    }
}

/// Device libraries before 2019 answer so.
#[tokio::test]
async fn reply_without_a_result_prints_null() {
    for way in [Way::WebSocket, Way::Http, Way::Tcp, Way::Udp] {
        let peer = way.scripted(Script::default().and_then(vec![frame(r#"{"id":{id},"src":"dev"}"#)])).await;
        let run = run_on(&peer.port, &["call", "OTA.Commit"]).await;
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "null\n", ""), "{way:?}: {}", run.shown());
    }
}
