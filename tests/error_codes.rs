//! The error codes of the OTA service, as the built binary explains them.

mod support;

use support::run_on;
use support::script::{Script, frame};
use support::transports::Transport;

#[tokio::test]
async fn code_of_the_ota_service_is_explained() {
    for (args, error, message, hint) in [
        (
            &["call", "OTA.SetBootState", "{}"][..],
            r#"{"code":-2}"#,
            "no field that the device can use",
            "`otactl describe ",
        ),
        (&["call", "OTA.SetBootState", "{}"], r#"{"code":-3}"#, "no such slot", "`otactl get-boot-state`"),
        (
            &["set-boot-state", "--is-committed", "true"],
            r#"{"code":-4}"#,
            "cannot write its boot state",
            "`otactl get-boot-state`",
        ),
        (
            &["create-snapshot"],
            r#"{"code":-1,"message":"Failed to create snapshot"}"#,
            "Failed to create snapshot (error -1)",
            "",
        ),
        (&["create-snapshot"], r#"{"code":-2}"#, "made the copy, and cannot read its boot state", ""),
        (
            &["create-snapshot"],
            r#"{"code":-3,"message":"Failed to set boot state"}"#,
            "Failed to set boot state",
            "`otactl get-boot-state`",
        ),
        (&["create-snapshot"], r#"{"code":-4}"#, "cannot set the commit timeout", "`otactl get-boot-state`"),
        (&["get-boot-state"], r#"{"code":-1}"#, "the device cannot read its boot state", ""),
        (&["call", "OTA.Commit"], r#"{"code":-1}"#, "there is nothing to commit", ""),
        (&["call", "Other.Method"], r#"{"code":-1}"#, "error -1, without a message\n", ""),
    ] {
        let reply = frame(format!(r#"{{"id":{{id}},"src":"dev","error":{error}}}"#));
        let peer = Transport::WebSocket.scripted(Script::default().and_then(vec![reply])).await;
        let run = run_on(&peer.port, args).await;
        assert_eq!((run.code, run.stdout.as_str()), (4, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(message), "{args:?} {error}: {}", run.shown());
        let hints = run.stderr.matches("\nhint: ").count();
        assert_eq!(hints, usize::from(!hint.is_empty()), "{args:?} {error}: {}", run.shown());
        assert!(run.stderr.contains(hint), "{args:?} {error}: {}", run.shown());
    }
}
