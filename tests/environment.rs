//! Environment variables that are empty or not UTF-8: the built binary and the simulated device.
#![cfg(unix)]

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use support::{Run, finish, otactl, simulator, ws};

const NOT_UTF8: &[u8] = b"ws://\xff:secret";

async fn with(variables: &[(&str, &[u8])], args: &[&str]) -> Run {
    let mut command = otactl(args);
    command.envs(variables.iter().map(|(name, value)| (name, OsStr::from_bytes(value))));
    finish(command).await
}

/// If otactl ignored such a value, it would call another device, or call without credentials.
#[tokio::test]
async fn variable_that_is_not_utf8_is_an_error_that_names_it() {
    let device = simulator().await;
    let mut console = device.console();
    let port = ws(&device);
    for (variable, args) in [
        ("OTACTL_PORT", &["ping"][..]),
        ("MOS_PORT", &["ping"]),
        ("OTACTL_TIMEOUT", &["--port", &port, "ping"]),
        ("OTACTL_RPC_CREDS", &["--port", &port, "ping"]),
        ("OTACTL_MQTT_PASSWORD", &["--port", "mqtt://user@127.0.0.1:9/device", "ping"]),
    ] {
        // otactl does not use the address with lower precedence instead.
        let others: &[(&str, &[u8])] = if variable == "OTACTL_PORT" { &[("MOS_PORT", port.as_bytes())] } else { &[] };
        let run = with(&[&[(variable, NOT_UTF8)], others].concat(), args).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{variable}: {}", run.shown());
        let message = format!("error: the value of the environment variable {variable} is not UTF-8\n");
        assert!(run.stderr.starts_with(&message) && !run.stderr.contains("secret"), "{variable}: {}", run.shown());
    }
    assert!(console.try_recv().is_err(), "the device was called");

    // A variable that an option overrides does not matter.
    let variables = [("OTACTL_PORT", NOT_UTF8), ("OTACTL_TIMEOUT", NOT_UTF8), ("MOS_PORT", NOT_UTF8)];
    let run = with(&variables, &["--port", &port, "ping", "--timeout", "5s"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[tokio::test]
async fn empty_variable_counts_as_unset() {
    let device = simulator().await;
    let port = ws(&device);
    let names = [
        "OTACTL_PORT",
        "OTACTL_TIMEOUT",
        "OTACTL_RPC_CREDS",
        "OTACTL_MQTT_PASSWORD",
        "OTACTL_CA_CERT_FILE",
        "OTACTL_CERT_FILE",
        "OTACTL_KEY_FILE",
    ];
    for name in names {
        let run = with(&[(name, b""), ("MOS_PORT", port.as_bytes())], &["ping"]).await;
        assert_eq!(run.code, 0, "{name}: {}", run.shown());
    }
    // An empty option is an error: a script whose variable is unset must not reach another device.
    let run = with(&[("MOS_PORT", port.as_bytes())], &["--port", "", "ping"]).await;
    assert!(run.code == 2 && run.stderr.starts_with("error: the device's address is empty\n"), "{}", run.shown());
}
