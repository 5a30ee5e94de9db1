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

/// A variable is read like its option: a value that the option would refuse is refused, and the message names the option.
#[tokio::test]
async fn variable_of_each_option_is_read() {
    let device = simulator().await;
    let port = ws(&device);
    let mut console = device.console();
    for (variable, value) in [
        ("OTACTL_PORT", "gopher://device"),
        ("OTACTL_TIMEOUT", "soon"),
        ("OTACTL_INSECURE", "maybe"),
        ("OTACTL_BAUD_RATE", "fast"),
        ("OTACTL_HW_FLOW_CONTROL", "maybe"),
        ("OTACTL_SET_CONTROL_LINES", "maybe"),
        ("OTACTL_NO_SET_CONTROL_LINES", "maybe"),
        ("OTACTL_INVERTED_CONTROL_LINES", "maybe"),
        ("OTACTL_SERIAL_FRAMING", "round"),
        ("OTACTL_MQTT_CLIENT_ID", "#"),
        ("OTACTL_MQTT_SRC", "#"),
        ("OTACTL_MQTT_PUB_TOPIC", "#"),
        ("OTACTL_MQTT_SUB_TOPIC", "#"),
        ("OTACTL_MQTT_WILL_TOPIC", "#"),
        ("OTACTL_CERT_FILE", "cert.pem"),
        ("OTACTL_KEY_FILE", "key.pem"),
        ("OTACTL_COMMIT_TIMEOUT", "soon"),
        ("OTACTL_DOWNLOAD_TIMEOUT", "soon"),
        ("OTACTL_ASK_TIMEOUT", "soon"),
        ("OTACTL_STALL_TIMEOUT", "soon"),
        ("OTACTL_REBOOT_TIMEOUT", "soon"),
        ("OTACTL_CHECK_TIMEOUT", "soon"),
        ("OTACTL_SOAK", "soon"),
        ("OTACTL_REPORT", "soon"),
    ] {
        let with_port: &[(&str, &[u8])] =
            if variable == "OTACTL_PORT" { &[] } else { &[("OTACTL_PORT", port.as_bytes())] };
        let variables = [with_port, &[(variable, value.as_bytes())]].concat();
        let run = with(&variables, &["update", support::DEMO]).await;
        let option = format!("--{}", variable.trim_start_matches("OTACTL_").to_lowercase().replace('_', "-"));
        assert_eq!(run.code, 2, "{variable}: {}", run.shown());
        assert!(run.stderr.contains(&option), "{variable}: {}", run.shown());
    }
    assert!(console.try_recv().is_err(), "the device was called");

    // A variable of `update` does not matter to another command.
    let variables: [(&str, &[u8]); 3] =
        [("OTACTL_PORT", port.as_bytes()), ("OTACTL_SOAK", NOT_UTF8), ("OTACTL_INSECURE", b"yes")];
    let run = with(&variables, &["ping"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.contains("warning: --insecure"), "{}", run.shown());
    let variables: [(&str, &[u8]); 2] = [("OTACTL_PORT", port.as_bytes()), ("OTACTL_SOAK", NOT_UTF8)];
    let run = with(&variables, &["update", support::DEMO]).await;
    assert_eq!(run.code, 2, "{}", run.shown());
    assert!(run.stderr.contains("the environment variable OTACTL_SOAK is not UTF-8"), "{}", run.shown());
    // The command line takes precedence.
    let run = with(
        &[("OTACTL_BAUD_RATE", b"9600"), ("OTACTL_TIMEOUT", b"1ms")],
        &["--port", &port, "--timeout", "9s", "ping"],
    )
    .await;
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
        "OTACTL_INSECURE",
        "OTACTL_BAUD_RATE",
        "OTACTL_SERIAL_FRAMING",
        "OTACTL_MQTT_CLIENT_ID",
        "OTACTL_SOAK",
    ];
    for name in names {
        let run = with(&[(name, b""), ("MOS_PORT", port.as_bytes())], &["ping"]).await;
        assert_eq!(run.code, 0, "{name}: {}", run.shown());
    }
    // An empty option is an error: a script whose variable is unset must not reach another device.
    let run = with(&[("MOS_PORT", port.as_bytes())], &["--port", "", "ping"]).await;
    assert!(run.code == 2 && run.stderr.starts_with("error: the device's address is empty\n"), "{}", run.shown());
}

#[tokio::test]
async fn port_auto_counts_as_not_given() {
    let device = simulator().await;
    let port = ws(&device);
    let config = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(config.path(), format!("[device.a]\nport = '{port}'\n")).expect("written");
    let path = config.path().to_str().expect("UTF-8");
    let (port, auto): (&[u8], &[u8]) = (port.as_bytes(), b"auto");
    for (variables, args) in [
        (&[("OTACTL_PORT", auto), ("MOS_PORT", port)][..], &["ping"][..]),
        (&[("OTACTL_PORT", b" Auto "), ("MOS_PORT", port)], &["ping"]),
        (&[("OTACTL_PORT", port)], &["--port", "auto", "ping"]),
        (&[("MOS_PORT", port)], &["ping", "-pauto"]),
        (&[("OTACTL_PORT", auto), ("OTACTL_DEVICE", b"a")], &["--config", path, "ping"]),
        (&[("MOS_PORT", auto), ("OTACTL_DEVICE", b"a")], &["--config", path, "ping"]),
        (&[], &["--config", path, "-d", "a", "-p", "auto", "ping"]),
    ] {
        let run = with(variables, args).await;
        assert_eq!(run.code, 0, "{variables:?} {args:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn wrong_value_of_a_variable_is_not_blamed_on_the_option() {
    for (variable, value, option) in [
        ("OTACTL_TIMEOUT", "abc", "--timeout <DURATION>"),
        ("OTACTL_BAUD_RATE", "fast", "--baud-rate <NUMBER>"),
        ("OTACTL_INSECURE", "maybe", "--insecure"),
    ] {
        let run = with(&[(variable, value.as_bytes())], &["--port", "sim:", "ping"]).await;
        let message = format!("error: invalid value '{value}' in {variable}, which sets '{option}'");
        assert!(run.code == 2 && run.stderr.starts_with(&message), "{}", run.shown());
    }
    let run = with(&[("OTACTL_TIMEOUT", b"abc")], &["--port", "sim:", "--timeout=abc", "ping"]).await;
    assert!(run.stderr.starts_with("error: invalid value 'abc' for '--timeout <DURATION>'"), "{}", run.shown());
}
