//! Devices that require credentials: the built binary against a simulated device with a password.

mod support;

use std::io::Write as _;
use std::process::Stdio;

use otactl::sim::Config;
use otactl::sim::auth::{Algorithm, Auth};
use support::transports::Transport;
use support::{DEMO, REBOOT, finish, otactl, run_on, simulator_everywhere, simulator_with};

const PASSWORD: &str = "pa:ss:word";

fn guarded(algorithm: Algorithm) -> Config {
    let auth = Auth { user: "admin".into(), password: PASSWORD.into(), realm: "lab".into(), algorithm };
    Config { auth: Some(auth), reboot_delay: REBOOT, ..Config::default() }
}

#[tokio::test]
async fn right_password_is_accepted_on_every_transport_and_hash() {
    for algorithm in [Algorithm::Md5, Algorithm::Sha256] {
        let (_device, ports) = simulator_everywhere(guarded(algorithm)).await;
        for port in ports {
            let creds = format!("admin:{PASSWORD}");
            let run = run_on(&port, &["--rpc-creds", &creds, "get-boot-state"]).await;
            assert_eq!(run.code, 0, "{algorithm:?}: {}", run.shown());
            assert!(run.stdout.contains("\"active_slot\": 0"), "{}", run.shown());
        }
    }
}

#[tokio::test]
async fn realm_with_a_comma_is_accepted() {
    let Config { auth, .. } = guarded(Algorithm::Md5);
    let auth = auth.map(|auth| Auth { realm: "My, Realm".into(), ..auth });
    let (_device, ports) = simulator_everywhere(Config { auth, ..Config::default() }).await;
    for port in ports {
        let run = run_on(&port, &["--rpc-creds", &format!("admin:{PASSWORD}"), "ping"]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
    }
}

/// The update includes a reboot.
#[tokio::test]
async fn device_with_a_password_is_updated() {
    for which in 0..4 {
        let (_device, mut ports) = simulator_everywhere(guarded(Algorithm::Sha256)).await;
        let port = ports.swap_remove(which);
        let mut update = otactl(&["--port", &port, "update", DEMO]);
        update.env("OTACTL_RPC_CREDS", format!("admin:{PASSWORD}"));
        let run = finish(update).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let refused = run_on(&port, &["revert"]).await;
        assert_eq!(refused.code, 6, "{}", refused.shown());
    }
}

/// otactl answers the challenge once. Each later call takes one round trip.
#[tokio::test]
async fn challenge_is_requested_once() {
    let device = simulator_with(guarded(Algorithm::Md5)).await;
    let mut console = device.console();
    let mut update = otactl(&["--port", &format!("ws://{}", device.address()), "update", DEMO, "--dry-run"]);
    update.env("OTACTL_RPC_CREDS", format!("admin:{PASSWORD}"));
    assert_eq!(finish(update).await.code, 0);
    let mut calls = Vec::new();
    while let Ok(call) = console.try_recv() {
        calls.push(call);
    }
    let first_calls = ["Sys.GetInfo", "Sys.GetInfo", "OTA.GetBootState", "Sys.GetInfo"];
    let expected = [&first_calls[..], &["OTA.Status", "RPC.List", "Config.Get", "RPC.Describe", "Config.Get"]].concat();
    assert_eq!(calls, expected, "the first one twice: the challenge, and its answer");
}

#[tokio::test]
async fn credentials_are_read_from_file_stdin_or_environment() {
    let device = simulator_with(guarded(Algorithm::Sha256)).await;
    let port = format!("ws://{}", device.address());
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    writeln!(file, "admin:{PASSWORD}").expect("written");
    let from_file = format!("@{}", file.path().display());
    assert_eq!(run_on(&port, &["--rpc-creds", &from_file, "commit"]).await.code, 0);

    let mut from_stdin = otactl(&["--port", &port, "--rpc-creds", "-", "commit"]);
    from_stdin.stdin(Stdio::from(file.reopen().expect("the file")));
    assert_eq!(finish(from_stdin).await.code, 0);

    let mut from_environment = otactl(&["--port", &port, "commit"]);
    from_environment.env("OTACTL_RPC_CREDS", format!("admin:{PASSWORD}"));
    assert_eq!(finish(from_environment).await.code, 0);
}

/// Windows editors write a byte order mark before the text.
#[tokio::test]
async fn credentials_with_a_byte_order_mark_are_read() {
    let device = simulator_with(guarded(Algorithm::Sha256)).await;
    let port = format!("ws://{}", device.address());
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("\u{feff}admin:{PASSWORD}\r\n")).expect("written");
    let run = run_on(&port, &["--rpc-creds", &format!("@{}", file.path().display()), "commit"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let mut from_stdin = otactl(&["--port", &port, "--rpc-creds", "-", "commit"]);
    from_stdin.stdin(Stdio::from(file.reopen().expect("the file")));
    let run = finish(from_stdin).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

/// Text that is cut off at the limit would be a wrong password.
#[tokio::test]
async fn credentials_longer_than_the_limit_are_refused() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), format!("admin:{}", "s".repeat(4091))).expect("written");
    let path = file.path().display().to_string();
    let from_file = run_on("ws://127.0.0.1:1", &["--rpc-creds", &format!("@{path}"), "ping"]).await;
    let for_broker = ["--mqtt-password-file", path.as_str(), "ping"];
    let for_broker = run_on("mqtt://user@127.0.0.1:1/dev", &for_broker).await;
    let mut from_stdin = otactl(&["--port", "ws://127.0.0.1:1", "--rpc-creds", "-", "ping"]);
    from_stdin.stdin(Stdio::from(file.reopen().expect("the file")));
    for (run, source) in [(from_file, path.as_str()), (for_broker, &path), (finish(from_stdin).await, "stdin")] {
        assert_eq!(run.code, 2, "{}", run.shown());
        let message = format!("cannot read the credentials from {source}: it has more than 4096 bytes\nhint: ");
        assert!(run.stderr.contains(&message), "{}", run.shown());
        assert!(!run.stderr.contains("sss"), "{}", run.shown());
    }
    std::fs::write(file.path(), format!("admin:{}", "s".repeat(4090))).expect("written");
    let run = run_on("ws://127.0.0.1:1", &["--rpc-creds", &format!("@{path}"), "ping"]).await;
    assert_eq!(run.code, 3, "as long as the limit: {}", run.shown());
}

/// No message repeats the password.
#[tokio::test]
async fn each_refusal_of_credentials_has_its_own_message() {
    let device = simulator_with(guarded(Algorithm::Sha256)).await;
    for scheme in ["ws", "http"] {
        let port = format!("{scheme}://{}", device.address());
        for (creds, code, message) in [
            (None, 6, "the device wants credentials, and none were given"),
            (Some("admin:s3cret"), 6, "the device does not accept the user `admin` with this password"),
            (Some("nobody:s3cret"), 6, "the device does not accept the user `nobody` with this password"),
            (Some("s3cret"), 2, "credentials are written as USER:PASSWORD"),
            (Some("@/no/such/file"), 2, "cannot read the credentials from /no/such/file"),
        ] {
            let given: Vec<_> = creds.iter().flat_map(|creds| ["--rpc-creds", creds]).collect();
            let run = run_on(&port, &[&given[..], &["-vv", "commit"]].concat()).await;
            assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{creds:?}: {}", run.shown());
            assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: "), "{creds:?}: {}", run.shown());
            assert!(!run.stderr.contains("s3cret"), "{creds:?}: {}", run.shown());
        }
        // The device reports an unknown method without credentials.
        let run = run_on(&port, &["call", "No.Such"]).await;
        assert_eq!(run.code, 4, "{}", run.shown());
    }
}

/// The output shows neither the path of the firmware server, which only the device may know, nor the secrets in a URL.
#[tokio::test]
async fn verbose_update_hides_secret_urls() {
    for transport in [Transport::WebSocket, Transport::Http, Transport::Tcp] {
        let bench = transport.simulated(Config { reboot_delay: REBOOT, ..Config::default() }).await;
        let url = "http://admin:hidden@127.0.0.1:1/fw.zip?token=hidden";
        let failed = run_on(&bench.port, &["-vv", "update", "--url", url]).await;
        assert_eq!(failed.code, 8, "{}", failed.shown());
        let updated = run_on(&bench.port, &["-vv", "--json", "update", DEMO, "--no-commit"]).await;
        assert_eq!(updated.code, 0, "{}", updated.shown());
        for run in [failed, updated] {
            assert!(run.stderr.contains("OTA.Update"), "the calls are shown: {}", run.shown());
            for secret in ["hidden", "firmware.zip"] {
                assert!(!run.shown().contains(secret), "{}", run.shown());
            }
        }
    }
}

/// The user of a ws:// URL is sent with the handshake of the WebSocket, and not with a call.
#[tokio::test]
async fn hint_tells_the_user_in_the_url_from_the_credentials_of_calls() {
    let device = simulator_with(guarded(Algorithm::Md5)).await;
    let note = "; the user in a ws:// URL is that of the WebSocket";
    for (user, expected) in [("admin:other-word@", true), ("", false)] {
        let run = run_on(&format!("ws://{user}{}", device.address()), &["ping"]).await;
        assert_eq!((run.code, run.stderr.contains(note)), (6, expected), "{}", run.shown());
    }
}
