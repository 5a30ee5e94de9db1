//! Secrets that a device or a check program repeats: the built binary shows them nowhere.
#![cfg(unix)]

mod support;

use otactl::sim::Config;
use otactl::sim::auth::{Algorithm, Auth};
use serde_json::Value;
use support::peers::{Behaviour, Peer};
use support::{DEMO, REBOOT, Run, finish, otactl, run_on, simulator_with, ws};

const PASSWORD: &str = "hunter2-\"grün\"";

fn assert_hides(run: &Run) {
    let ascii = PASSWORD.replace('"', "\\\"").replace('ü', "\\u00fc");
    for form in [PASSWORD, &PASSWORD.replace('"', "\\\""), &ascii, "hunter2"] {
        assert!(!run.shown().contains(form), "{form}: {}", run.shown());
    }
}

/// The output of a check is shown if the check fails, as a block and in JSON, and with -v if it passes.
#[tokio::test]
async fn known_secret_in_the_output_of_a_check_is_masked() {
    let auth = Auth { user: "admin".into(), password: PASSWORD.into(), realm: "lab".into(), algorithm: Algorithm::Md5 };
    let creds = format!("admin:{PASSWORD}");
    for (args, status) in [(&["update"][..], 1), (&["--json", "update"], 1), (&["-vv", "update"], 0)] {
        let device =
            simulator_with(Config { auth: Some(auth.clone()), reboot_delay: REBOOT, ..Config::default() }).await;
        let check = format!("sh -c 'echo \"the password is $OTACTL_RPC_CREDS, really\"; exit {status}'");
        let port = ws(&device);
        let mut command = otactl(&[&["--port", &port], args, &[DEMO, "--check-cmd", &check]].concat());
        command.env("OTACTL_RPC_CREDS", &creds);
        let run = finish(command).await;
        assert_eq!(run.code, if status == 0 { 0 } else { 8 }, "{}", run.shown());
        assert!(run.shown().contains("the password is admin:…, really"), "{}", run.shown());
        assert_hides(&run);
    }
}

/// The name of a check is the text of the user, which may hold a secret.
#[tokio::test]
async fn known_secret_in_the_name_of_a_check_is_masked() {
    let auth =
        Auth { user: "admin".into(), password: "hunter2".into(), realm: "lab".into(), algorithm: Algorithm::Md5 };
    for json in [false, true] {
        let device =
            simulator_with(Config { auth: Some(auth.clone()), reboot_delay: REBOOT, ..Config::default() }).await;
        let port = ws(&device);
        let args =
            ["--port", &port, "--rpc-creds", "admin:hunter2", "update", DEMO, "--check-cmd", "echo -u admin:hunter2"];
        let run = finish(otactl(&[if json { &["--json"][..] } else { &[] }, &args].concat())).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        assert!(run.shown().contains("echo -u admin:…"), "{}", run.shown());
        assert_hides(&run);
        if json {
            assert!(run.stdout.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()), "{}", run.shown());
        }
    }
}

#[tokio::test]
async fn secret_that_a_device_repeats_is_masked_in_messages_and_frames() {
    let answer = |body: &str| -> &'static [u8] {
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).leak().as_bytes()
    };
    for body in [
        // A known secret in an error, and in a frame that is cut off.
        "{\"id\":1,\"error\":{\"code\":500,\"message\":\"no user hunter2-\\\"grün\\\" here\"}}",
        "{\"id\":1,\"result\":{\"seen\":\"hunter2-\\\"gr\\u00fcn\\\"",
        // Secrets that only the names of their fields show.
        "{\"id\":1,\"result\":{\"wifi\":{\"pwd\":\"hunter2",
        "{\"id\":1,\"result\":{\"pin\":\"hunter2\",\"pairs\":[[\"sta.pass\",\"hunter2\"]]},\"x\":",
        "{\"id\":1,\"error\":{\"code\":1,\"message\":\"credential=hunter2\"}",
    ] {
        let peer = Peer::start(Behaviour::Replies(answer(body))).await;
        let creds = format!("admin:{PASSWORD}");
        let run = run_on(&peer.http(), &["-vv", "--rpc-creds", &creds, "call", "X"]).await;
        assert_ne!(run.code, 0, "{body}: {}", run.shown());
        assert!(run.stderr.contains('…') && run.stderr.contains("< 200 "), "{body}: {}", run.shown());
        assert_hides(&run);
    }
}

/// The password of a broker comes from its URL, from a file, or from the environment.
#[tokio::test]
async fn password_of_a_broker_is_a_known_secret() {
    let peer = Peer::start(Behaviour::Replies(b"HTTP/1.1 400 hunter2\r\n\r\n")).await;
    let broker = peer.http().replace("http://", "mqtt://admin:hunter2@") + "/device";
    let run = run_on(&broker, &["-vv", "ping", "--timeout", "2s"]).await;
    assert_ne!(run.code, 0, "{}", run.shown());
    assert_hides(&run);
    // Here the name of the method holds the password.
    let run = run_on(&broker, &["-vv", "call", "Is.hunter2", "--timeout", "2s"]).await;
    assert_hides(&run);
    let mut command =
        otactl(&["--port", &broker.replace(":hunter2", ""), "-vv", "call", "Is.hunter2", "--timeout", "2s"]);
    command.env("OTACTL_MQTT_PASSWORD", "hunter2");
    assert_hides(&finish(command).await);
}
