//! What `--json` and `--json=FILE` write for programs.

mod support;

use std::fs::read_to_string;

use serde_json::{Value, json};
use support::{DEMO, Run, run, run_on, simulator, ws};

/// A port that refuses connections.
const CLOSED: &str = "ws://user:s3cret@127.0.0.1:1/rpc";

/// Returns the only JSON line of a text.
fn only_line(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "one line: {text:?}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn last_line(text: &str) -> Value {
    only_line(text.lines().last().unwrap_or_default())
}

/// Checks the last line of a run that failed, and returns it.
fn failed_line(run: &Run) -> Value {
    let line = last_line(&run.stdout);
    assert_eq!(line["event"], "failed", "{}", run.shown());
    assert_eq!(line["exit_code"], run.code, "{}", run.shown());
    for key in ["message", "hint", "device", "port", "time"] {
        assert!(line.get(key).is_some(), "{key}: {}", run.shown());
    }
    assert!(run.stderr.contains("error: "), "the text is on stderr, too: {}", run.shown());
    line
}

#[tokio::test]
async fn json_failure_of_every_command_is_one_line() {
    for args in [
        &["wait", "reachable", "--for", "1s"][..],
        &["commit"],
        &["revert"],
        &["create-snapshot"],
        &["get-boot-state"],
        &["set-boot-state", "--active-slot", "1"],
        &["status"],
        &["call", "RPC.Ping"],
        &["list"],
        &["describe", "RPC.Ping"],
        &["info"],
        &["ping"],
        &["ping", "-n", "2"],
        &["show"],
        &["reboot"],
    ] {
        let run = run_on(CLOSED, &[&["--json"], args].concat()).await;
        only_line(&run.stdout);
        let line = failed_line(&run);
        assert_eq!(line["port"], "ws://127.0.0.1:1/rpc", "{args:?}: {line}");
        assert!(line.get("outcome").is_none() && !line.to_string().contains("s3cret"), "{args:?}: {line}");
    }
    let run = run_on("mqtt://127.0.0.1:1/esp32_AABBCC", &["--json", "ping"]).await;
    assert_eq!(failed_line(&run)["device"], "esp32_AABBCC", "an MQTT address contains the id");
}

#[tokio::test]
async fn json_failure_with_a_device_error_contains_its_code() {
    let device = simulator().await;
    let run = run_on(&ws(&device), &["--json", "call", "X.Y"]).await;
    assert_eq!(failed_line(&run)["device_error"], json!({ "code": 404, "message": "No handler for X.Y" }));
    let run = run_on(&ws(&device), &["--json", "revert"]).await;
    assert_eq!(failed_line(&run)["device_error"], json!({ "code": -1, "message": null }));
}

#[tokio::test]
async fn json_failure_of_a_wrong_command_line_is_one_line() {
    for (args, message, hint) in [
        (&["--json", "info", "--prot", "x"][..], "unexpected argument '--prot' found", "'--port'"),
        (&["call", "--json"], "the following required arguments were not provided: <METHOD>", "otactl call"),
        (&["--json"], "no command given", "`otactl --help`"),
        (&["--json", "frobnicate"], "there is no command `frobnicate`", "otactl"),
        (&["--json", "ping", "--port", "gopher://x"], "`gopher:` is not a way to reach a device", "--port"),
    ] {
        let run = run(args).await;
        only_line(&run.stdout);
        let line = failed_line(&run);
        assert_eq!((run.code, line["message"].as_str()), (2, Some(message)), "{args:?}: {}", run.shown());
        assert!(line["hint"].as_str().is_some_and(|text| text.contains(hint)), "{args:?}: {}", run.shown());
    }
    let help = run(&["--json", "--help"]).await;
    assert!(help.code == 0 && !help.stdout.contains("\"event\""), "{}", help.shown());
}

#[tokio::test]
async fn update_ends_with_an_outcome_even_if_it_has_not_begun() {
    let device = simulator().await;
    let port = ws(&device);
    for (args, code, outcome) in [
        (&["nosuch.zip"][..], 7, "refused"),
        (&["--url", "ftp://x/fw.zip"], 2, "refused"),
        (&[DEMO, "--check-cmd", "/no/such/program"], 2, "refused"),
        (&[DEMO, "--check-cmd", "true && true"], 2, "refused"),
        (&[DEMO, "--frob"], 2, "refused"),
        (&[DEMO, "--port", CLOSED], 3, "untouched"),
        (&[DEMO, "--dry-run"], 0, "planned"),
        (&[DEMO], 0, "updated"),
    ] {
        let port = if args.contains(&"--port") { &[][..] } else { &["--port", &port][..] };
        let run = run(&[&["--json", "update"], args, port].concat()).await;
        let line = if code == 0 { last_line(&run.stdout) } else { failed_line(&run) };
        assert_eq!((run.code, line["outcome"].as_str()), (code, Some(outcome)), "{args:?}: {}", run.shown());
        assert_eq!(line["exit_code"], code, "{args:?}: {}", run.shown());
        assert!(line["elapsed"].is_f64() && line.get("device").is_some(), "{args:?}: {}", run.shown());
        if code == 0 {
            assert_eq!(line["device"], device.id(), "{line}");
            assert!(line["port"].as_str().is_some_and(|text| text.starts_with("ws://127.0.0.1:")), "{line}");
        }
    }
}

#[tokio::test]
async fn json_file_has_the_lines_and_the_terminal_has_the_messages() {
    let device = simulator().await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("lines.json");
    let option = format!("--json={}", path.display());

    let info = run_on(&ws(&device), &["info", &option]).await;
    assert_eq!((info.code, info.stderr.as_str()), (0, ""), "{}", info.shown());
    assert!(info.stdout.starts_with("{\n"), "as without the option: {}", info.shown());
    assert_eq!(only_line(&read_to_string(&path).expect("lines"))["id"], device.id());

    let failed = run_on(&ws(&device), &["call", "X.Y", &option]).await;
    assert_eq!((failed.code, failed.stdout.as_str()), (4, ""), "{}", failed.shown());
    assert!(failed.stderr.starts_with("error: X.Y"), "{}", failed.shown());
    assert_eq!(only_line(&read_to_string(&path).expect("lines"))["exit_code"], 4);

    let typo = run(&["info", &option, "--prot"]).await;
    assert_eq!((typo.code, typo.stdout.as_str()), (2, ""), "{}", typo.shown());
    assert_eq!(only_line(&read_to_string(&path).expect("lines"))["exit_code"], 2);

    let update = run_on(&ws(&device), &["update", DEMO, &option]).await;
    assert_eq!((update.code, update.stdout.as_str()), (0, ""), "{}", update.shown());
    assert!(update.stderr.contains("\ndone      demo 2.0.0"), "{}", update.shown());
    let lines = read_to_string(&path).expect("lines");
    let events: Vec<Value> = lines.lines().map(only_line).collect();
    assert_eq!(events.first().map(|event| &event["event"]), Some(&json!("device")), "{lines}");
    assert_eq!(events.last().map(|event| &event["outcome"]), Some(&json!("updated")), "{lines}");
}

#[tokio::test]
async fn json_file_that_cannot_be_created_is_an_error_before_any_call() {
    let device = simulator().await;
    let mut console = device.console();
    let run = run_on(&ws(&device), &["--json=/no/such/directory/x", "update", DEMO]).await;
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.shown());
    assert!(run.stderr.starts_with("error: --json: cannot write to /no/such/directory/x: "), "{}", run.shown());
    assert!(console.try_recv().is_err(), "the device has seen nothing");
    #[cfg(target_os = "linux")]
    {
        let run = run_on(&ws(&device), &["--json=/dev/full", "info"]).await;
        assert_eq!(run.code, 1, "{}", run.shown());
        assert!(run.stderr.starts_with("error: cannot write the result to /dev/full: "), "{}", run.shown());
    }
}

#[tokio::test]
async fn json_on_stdout_leaves_only_warnings_and_errors_on_stderr() {
    let device = simulator().await;
    for args in [
        &["commit"][..],
        &["set-boot-state", "--revert-slot", "1"],
        &["create-snapshot"],
        &["wait", "reachable"],
        &["show"],
    ] {
        let run = run_on(&ws(&device), &[&["--json"], args].concat()).await;
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}: {}", run.shown());
        only_line(&run.stdout);
    }
}

#[tokio::test]
async fn change_of_the_configuration_is_a_json_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = |name: &str| directory.path().join(name).to_str().expect("UTF-8").to_owned();
    let (config, lines) = (path("otactl.toml"), path("lines.jsonl"));
    for (args, event) in [
        (&["devices", "add", "b", "-p", "sim:"][..], "added"),
        (&["devices", "add", "b", "-p", "sim+http:"], "changed"),
        (&["devices", "remove", "b"], "removed"),
    ] {
        let run = run(&[&["--json", "--config", &config], args].concat()).await;
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}: {}", run.shown());
        let line = only_line(&run.stdout);
        assert_eq!(
            (&line["event"], &line["name"], &line["file"]),
            (&event.into(), &"b".into(), &config.clone().into())
        );
    }
    let to_file = format!("--json={lines}");
    let run = run(&[&to_file, "--config", &config, "devices", "add", "c", "-p", "sim:"]).await;
    assert!(run.code == 0 && run.stdout.is_empty() && run.stderr.starts_with("added "), "{}", run.shown());
    let line = only_line(&read_to_string(&lines).expect("the lines"));
    assert_eq!((&line["event"], &line["name"]), (&"added".into(), &"c".into()));
}

#[cfg(unix)]
#[tokio::test]
async fn interrupted_command_ends_with_a_json_line() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = format!("ws://{}", silent.local_addr().expect("an address"));
    for args in [&["wait", "committed"][..], &["ping"], &["reboot"]] {
        let mut command = support::otactl(&[&["--json", "--timeout=30s", "--port", &port], args].concat());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let child = command.spawn().expect("it starts");
        // The command has connected, so that its handler is set up.
        let _held = silent.accept().await.expect("a connection");
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        kill(Pid::from_raw(child.id().try_into().expect("a process")), Signal::SIGINT).expect("sent");
        let output =
            tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("no panic").expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{args:?}: {output:?}");
        let line = only_line(&String::from_utf8_lossy(&output.stdout));
        assert_eq!((&line["event"], &line["exit_code"]), (&"failed".into(), &130.into()), "{args:?}: {line}");
    }
}
