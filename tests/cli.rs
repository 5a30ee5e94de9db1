//! The built binary against the simulated device: exit code, stdout and stderr together.

mod support;

use std::io::Write as _;
use std::process::Stdio;

use otactl::sim::Config;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};
use support::peers::ClosedPort;
use support::{DEMO, REBOOT, Run, file, finish, otactl, run, run_on, simulator, simulator_everywhere, ws};

#[tokio::test]
async fn no_arguments_print_the_help_page() {
    let alone = run(&[]).await;
    assert_eq!((alone.code, alone.stdout.as_str()), (2, ""), "nothing was done, and scripts see that");
    assert_data_eq!(
        alone.stderr.clone(),
        str![[r#"
Update Mongoose OS devices, and verify that the new firmware runs

Usage: otactl [OPTIONS] <COMMAND>

Update a device:
  update           Install new firmware, verify that it runs, and commit it
  show             Show what runs on the device, and whether it stays
  wait             Wait for a state of the device, and print the state

Methods of the OTA service:
...

Other methods:
...

Find and name devices:
...

Try otactl without a board:
...
"#]]
    );
    let help = run(&["--help"]).await;
    assert_eq!((help.code, help.stderr.as_str()), (0, ""));
}

#[tokio::test]
async fn results_are_printed_as_the_device_sent_them() {
    let (_device, ports) = simulator_everywhere(Config { reboot_delay: REBOOT, ..Config::default() }).await;
    for port in ports {
        let state = run_on(&port, &["get-boot-state"]).await;
        assert_data_eq!(
            state.shown(),
            str![[r#"
exit code 0
--- stdout
{
  "active_slot": 0,
  "is_committed": true,
  "revert_slot": 0,
  "commit_timeout": 0
}
--- stderr

"#]]
        );
        let line = run_on(&port, &["get-boot-state", "--json"]).await;
        assert_eq!(line.stdout, "{\"active_slot\":0,\"is_committed\":true,\"revert_slot\":0,\"commit_timeout\":0}\n");
        for (args, key, value) in [
            (&["info"][..], "/id", json!("esp32_AABBCC")),
            (&["call", "Sys.GetInfo"], "/app", json!("demo")),
            (&["status"], "/message", json!("idle")),
            (&["describe", "OTA.Update"], "/name", json!("OTA.Update")),
            (&["call", "RPC.Describe", r#"{"name": "OTA.Commit"}"#], "/name", json!("OTA.Commit")),
            (&["call", "RPC.Describe", "name=OTA.Commit"], "/name", json!("OTA.Commit")),
            (&["list"], "/0", json!("Sys.GetUID")),
            (&["set-boot-state", "--revert-slot", "1"], "", Value::Null),
            (&["get-boot-state"], "/revert_slot", json!(1)),
            (&["create-snapshot"], "/slot", json!(1)),
        ] {
            let run = run_on(&port, args).await;
            let result: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}"));
            assert_eq!((run.code, result.pointer(key)), (0, Some(&value)), "{port} {args:?}: {}", run.shown());
        }
        let ping = run_on(&port, &["ping"]).await;
        assert!(ping.stdout.contains("channel_info") && ping.stderr.is_empty(), "{}", ping.shown());
        assert_eq!(run_on(&port, &["set-boot-state", "--revert-slot", "0"]).await.code, 0);
    }
}

#[tokio::test]
async fn call_arguments_are_read_from_command_line_file_or_stdin() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(br#"{"name": "OTA.Revert"}"#).expect("written");
    let from_file = format!("@{}", file.path().display());
    let run = run_on(&port, &["call", "RPC.Describe", &from_file, "--json"]).await;
    assert_eq!(run.stdout, "{\"name\":\"OTA.Revert\",\"args_fmt\":\"\"}\n");

    let mut command = otactl(&["--port", &port, "--json", "call", "RPC.Describe", "-"]);
    command.stdin(Stdio::from(file.reopen().expect("the file")));
    assert_eq!(finish(command).await.stdout, "{\"name\":\"OTA.Revert\",\"args_fmt\":\"\"}\n");
}

/// Precedence: the option, then `OTACTL_PORT`, then `MOS_PORT`.
#[tokio::test]
async fn device_address_is_read_from_the_environment() {
    let device = simulator().await;
    let port = format!("ws://{}/rpc", device.address());
    let with = |variables: &[(&str, &str)], args: &[&str]| {
        let mut command = otactl(args);
        command.envs(variables.iter().copied());
        finish(command)
    };
    assert_eq!(with(&[("MOS_PORT", &port)], &["commit"]).await.code, 0);
    assert_eq!(with(&[("MOS_PORT", "gopher:"), ("OTACTL_PORT", &port)], &["ping"]).await.code, 0);
    assert_eq!(with(&[("OTACTL_PORT", "gopher:")], &["--port", &port, "ping"]).await.code, 0);
    assert_eq!(with(&[("MOS_PORT", "")], &["ping"]).await.code, 2);
}

#[tokio::test]
async fn commit_and_revert_of_a_committed_device_change_nothing() {
    let device = simulator().await;
    let port = format!("http://{}", device.address());
    assert_data_eq!(
        run_on(&port, &["commit"]).await.shown(),
        str![[r#"
exit code 0
--- stdout
null
--- stderr
nothing to commit: slot 0 runs, committed; it stays after a reboot

"#]]
    );
    assert_data_eq!(
        run_on(&port, &["revert"]).await.shown(),
        str![[r#"
exit code 4
--- stdout
--- stderr
error: OTA.Revert: the device answered: error -1, without a message: there is nothing to revert
hint: only firmware that is not committed yet can be reverted; `otactl get-boot-state` shows whether it is

"#]]
    );
}

#[tokio::test]
async fn uncommitted_device_refuses_snapshot_and_reboot() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let snapshot = run_on(&port, &["create-snapshot", "--set-as-revert", "--commit-timeout", "5m"]).await;
    assert_eq!(snapshot.code, 0, "{}", snapshot.shown());
    assert_data_eq!(
        run_on(&port, &["create-snapshot"]).await.shown(),
        str![[r#"
exit code 4
--- stdout
--- stderr
error: OTA.CreateSnapshot: the device answered: Cannot create snapshots in uncommitted state (error -1)
hint: a snapshot needs committed firmware: first `otactl commit -p ws://[..]`, or `otactl revert -p ws://[..]`

"#]]
    );
    assert_data_eq!(
        run_on(&port, &["reboot"]).await.shown(),
        str![[r#"
exit code 7
--- stdout
--- stderr
error: a reboot would be a rollback: slot 0 runs uncommitted; the device rolls back to slot 1 at the next reboot, or 300 s after its start
hint: `otactl commit -p ws://[..]` keeps what runs; with `--force` the device reboots, and rolls back

"#]]
    );
    assert_data_eq!(
        run_on(&port, &["commit"]).await.shown(),
        str![[r#"
exit code 0
--- stdout
null
--- stderr
slot 0 runs, committed; it stays after a reboot

"#]]
    );
    let mut console = device.console();
    let reboot = run_on(&port, &["reboot", "--delay-ms", "0"]).await;
    assert_eq!((reboot.code, reboot.stdout.as_str()), (0, "null\n"), "{}", reboot.shown());
    while console.recv().await.expect("the console") != "rebooting" {}
}

#[tokio::test]
async fn device_errors_have_a_hint() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    for (args, code, hint) in [
        (&["call", "No.Such"][..], 4, "`otactl list`"),
        (&["describe", "No.Such"], 4, "`otactl list`"),
        (&["call", "Sys.GetIfno"], 4, "hint: is it `Sys.GetInfo`? `otactl list` "),
        (&["describe", "Sys.GetIfno"], 4, "hint: is it `Sys.GetInfo`? "),
        (&["call", "OTA.Rever"], 4, "hint: `otactl list` shows the methods that the device has"),
        (&["set-boot-state", "--active-slot", "7"], 7, "with `--force`"),
        (&["set-boot-state", "--revert-slot", "7"], 7, "with `--force`"),
        (&["set-boot-state", "--active-slot", "7", "--force"], 4, "boot"),
    ] {
        let run = run_on(&port, args).await;
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(hint), "{args:?}: {}", run.shown());
    }
}

/// If a serial port exists, otactl uses it, so that the result depends on the machine.
#[tokio::test]
async fn missing_port_selects_a_serial_port_or_prints_a_hint() {
    let ports = otactl::transport::serial::find::available();
    let run = run(&["--timeout", "100ms", "ping"]).await;
    match ports.first() {
        None => assert_eq!((run.code, run.stderr.lines().count()), (2, 2), "{}", run.shown()),
        Some(port) => assert!(run.stderr.contains(&format!("taking {}", port.display())), "{}", run.shown()),
    }
}

/// A wrong command line has its own exit code, and changes nothing.
#[tokio::test]
async fn wrong_command_line_exits_with_2() {
    let hinted = |run: &Run| run.stderr.lines().filter(|line| line.starts_with("hint: ")).count();
    for args in [
        &["--port", "gopher://x", "ping"][..],
        &["--port", "mqtt://broker", "ping"],
        &["--port", "tcp://1.2.3.4", "ping"],
        &["--port", "udp://1.2.3.4", "ping"],
        &["--port", "sim:", "call", "RPC.Ping", "not JSON"],
        &["--port", "sim:", "call", "RPC.Ping", "@/no/such/file"],
        &["--port", "sim:", "call", "RPC.Ping", "a=1", "{}"],
        &["--port", "sim:", "call", "RPC.Ping", "a=1", "a=2"],
        &["--port", "sim:", "update", "--url", "ftp://x/fw.zip"],
    ] {
        let run = run(args).await;
        assert_eq!((run.code, run.stdout.as_str(), hinted(&run)), (2, "", 1), "{args:?}: {}", run.shown());
        assert_eq!(run.stderr.lines().count(), 2, "one line and one hint: {args:?}: {}", run.shown());
    }
    for args in [
        &["--timeout", "soon", "ping"][..],
        &["--timeout", "0", "ping"],
        &["update"],
        &["update", "fw.zip", "--url", "http://x/fw.zip"],
        &["update", "fw.zip", "--commit-timeout", "0"],
        &["update", "fw.zip", "--commit-timeout", "500ms"],
        &["update", "fw.zip", "--listen", "nowhere"],
        &["set-boot-state"],
        &["frobnicate"],
    ] {
        let run = run(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.starts_with("error: "), "{args:?}: {}", run.shown());
    }
}

/// A request that would stall the connection of the device is never sent.
#[tokio::test]
async fn oversized_request_is_not_sent() {
    let device = simulator().await;
    let mut console = device.console();
    let large = format!("\"{}\"", "x".repeat(3000));
    for scheme in ["ws", "http"] {
        let run = run_on(&format!("{scheme}://{}", device.address()), &["call", "RPC.Ping", &large]).await;
        assert_eq!(run.code, 2, "{}", run.shown());
        assert!(run.stderr.contains("; a device takes at most "), "{}", run.shown());
    }
    assert!(console.try_recv().is_err(), "the device has seen nothing");
    // The device accepts the largest request that otactl sends.
    for (scheme, len) in [("ws", 2950), ("http", 2700)] {
        let params = format!("\"{}\"", "x".repeat(len));
        let run = run_on(&format!("{scheme}://{}", device.address()), &["call", "RPC.Ping", &params]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
    }
}

/// A byte that is not ASCII would wipe the receive buffer of a UART. Non-ASCII text arrives over every transport.
#[tokio::test]
async fn non_ascii_arguments_are_sent() {
    let (_device, ports) = simulator_everywhere(Config { reboot_delay: REBOOT, ..Config::default() }).await;
    for port in ports {
        let run = run_on(&port, &["call", "RPC.Describe", r#"{"name": "ü€😀"}"#]).await;
        assert_eq!(run.code, 4, "{}", run.shown());
        assert!(run.stderr.contains("name not found"), "{}", run.shown());
        let run = run_on(&port, &["call", "Nö.Such"]).await;
        assert!(run.stderr.contains("No handler for Nö.Such"), "{}", run.shown());
    }
}

#[tokio::test]
async fn closed_stdout_is_not_an_error() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let mut command = otactl(&["--port", &port, "list"]);
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    command.stdout(Stdio::from(writer)).stderr(Stdio::piped());
    let run = tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it starts");
    assert_eq!((run.status.code(), String::from_utf8_lossy(&run.stderr).as_ref()), (Some(0), ""));
}

#[tokio::test]
async fn quiet_prints_nothing_and_verbose_hides_secrets() {
    let device = simulator().await;
    let port = format!("ws://admin:s3cret@{}", device.address());
    let quiet = run_on(&port, &["--quiet", "commit"]).await;
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    let verbose = run_on(&port, &["-vv", "ping"]).await;
    assert!(verbose.code == 0 && verbose.stderr.contains("RPC.Ping"), "{}", verbose.shown());
    assert!(!verbose.stderr.contains("s3cret"), "{}", verbose.shown());
    assert!(verbose.stderr.contains("  call      RPC.Ping: ok, "), "{}", verbose.shown());
    assert!(verbose.stderr.contains("  frame     > {"), "{}", verbose.shown());
    for scheme in ["ws", "http"] {
        let port = format!("{scheme}://{}", device.address());
        let run = run_on(&port, &["-vv", "call", "RPC.Ping", r#"{"pass": "s3cret", "ssid": "home"}"#]).await;
        assert!(run.stderr.contains(r#""params":{"pass":"…","ssid":"home"}"#), "{}", run.shown());
        assert!(run.stderr.contains("channel_info"), "{}", run.shown());
    }
}

/// Over a transport that loses frames, only methods known to be idempotent are sent again. The user of `call` does not
/// say whether a method is one.
#[tokio::test]
async fn only_idempotent_calls_are_repeated_over_udp() {
    for (method, times, code) in [("Sys.GetInfo", 2, 0), ("OTA.Commit", 1, 5), ("Any.Other", 1, 5)] {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let port = format!("udp://{}", socket.local_addr().expect("an address"));
        let call = tokio::spawn(async move { run_on(&port, &["--timeout", "700ms", "call", method]).await });
        let mut bytes = [0; 1024];
        let mut received = 0;
        while !call.is_finished() {
            let next = tokio::time::timeout(std::time::Duration::from_millis(50), socket.recv_from(&mut bytes)).await;
            let Ok(Ok((len, peer))) = next else { continue };
            received += 1;
            if received == 2 {
                let request: Value = serde_json::from_slice(&bytes[..len]).expect("JSON");
                let reply = format!(r#"{{"id":{},"result":1}}"#, request["id"]);
                socket.send_to(reply.as_bytes(), peer).await.expect("sent");
            }
        }
        let run = call.await.expect("no panic");
        assert_eq!((received, run.code), (times, code), "{method}: {}", run.shown());
    }
}

#[tokio::test]
async fn hint_fits_the_transport_and_the_method() {
    let closed = ClosedPort::new();
    for (port, args, hint, unfit) in [
        (format!("tcp://{}", closed.address), &["ping"][..], "no usual port for RPC over plain TCP", "port 80"),
        (format!("wss://{}", closed.address), &["ping"], "port 443", "configured otherwise"),
        (format!("udp://{}", closed.address), &["ping"], "no usual port for RPC over UDP", "may have done"),
        (format!("ws://{}", closed.address), &["ping"], "port 80", "443"),
        ("ws://127.0.0.1:1".into(), &["call", "RPC.Describe", "{'name': 'x'}"], "double quotes", "outer quotes"),
        ("ws://127.0.0.1:1".into(), &["call", "RPC.Describe", "{name}"], "outer quotes", "double quotes"),
        ("ws://127.0.0.1:1".into(), &["call", "RPC.Ping", "@/no/such/file"], "file that you may read", "(os error"),
        ("ws://127.0.0.1:1".into(), &["update", "/no/such/fw.zip"], "firmware zip", "(os error"),
    ] {
        let run = run_on(&port, args).await;
        assert!(run.stderr.contains(hint), "{port} {args:?}: {}", run.shown());
        assert!(!run.stderr.contains(unfit), "{port} {args:?}: {}", run.shown());
    }
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let port = format!("udp://{}", silent.local_addr().expect("an address"));
    for (command, names_ping) in [("ping", false), ("info", true)] {
        let run = run_on(&port, &["--timeout", "200ms", command]).await;
        assert_eq!((run.code, run.stderr.contains("`otactl ping`")), (5, names_ping), "{}", run.shown());
    }
}

#[tokio::test]
async fn url_that_neither_device_nor_otactl_reaches_is_named_in_the_hint() {
    let (device, closed) = (simulator().await, ClosedPort::new());
    let url = format!("http://{}/fw.zip", closed.address);
    let run = run_on(&ws(&device), &["update", "--via", "pull", "--url", &url]).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    let hint = "\nhint: this machine could not read that URL either: Connection refused; ";
    assert!(run.stderr.contains(hint) || cfg!(not(unix)), "{}", run.shown());
}

#[tokio::test]
async fn get_prints_one_value_of_the_result() {
    let device = simulator().await;
    for (args, code, stdout, stderr) in [
        (&["info", "--get", "fw_version"][..], 0, "1.0.0\n", ""),
        (&["info", "--get", "eth.ip"], 0, "127.0.0.1\n", ""),
        (&["info", "--get", "eth", "--json"], 0, "{\"ip\":\"127.0.0.1\"}\n", ""),
        (&["info", "--get", "fw_version", "--json"], 0, "\"1.0.0\"\n", ""),
        (&["get-boot-state", "--get", "is_committed"], 0, "true\n", ""),
        (&["status", "--get", "message"], 0, "idle\n", ""),
        (&["call", "RPC.List", "--get", "[0]"], 0, "Sys.GetUID\n", ""),
        (&["wait", "reachable", "--get", "version"], 0, "1.0.0\n", "done"),
        (&["info", "--get", "version"], 1, "", "error: the result has no `version`\nhint: the result has id, app, "),
        (&["info", "--get", "a..b"], 2, "", "error: invalid value 'a..b' for '--get <PATH>': write it as NAME"),
    ] {
        let run = run_on(&ws(&device), args).await;
        assert_eq!((run.code, run.stdout.as_str()), (code, stdout), "{args:?}: {}", run.shown());
        assert!(run.stderr.starts_with(stderr), "{args:?}: {}", run.shown());
        assert_eq!(run.stderr.is_empty(), stderr.is_empty(), "{args:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn update_takes_the_built_firmware_or_a_url_as_the_file() {
    let (device, closed) = (simulator().await, ClosedPort::new());
    let directory = tempfile::tempdir().expect("a directory");
    let update = |args: &[&str]| {
        let mut command = otactl(&[&["--port", &ws(&device), "update", "--dry-run"], args].concat());
        command.current_dir(directory.path());
        finish(command)
    };
    let missing = update(&[]).await;
    assert_eq!(missing.code, 2, "{}", missing.shown());
    assert!(
        missing.stderr.starts_with("error: no firmware given, and there is no build/fw.zip"),
        "{}",
        missing.shown()
    );
    std::fs::create_dir(directory.path().join("build")).expect("a directory");
    std::fs::copy(file(DEMO), directory.path().join("build/fw.zip")).expect("copied");
    let built = update(&[]).await;
    assert_eq!(built.code, 0, "{}", built.shown());
    assert!(built.stderr.starts_with("taking build/fw.zip\n"), "{}", built.shown());
    let url = format!("http://{}/fw.zip", closed.address);
    for args in [&[url.as_str()][..], &["--url", &url]] {
        let run = update(&[args, &["--via", "push"]].concat()).await;
        assert!(run.stderr.contains("error: the firmware could not be downloaded: "), "{args:?}: {}", run.shown());
    }
    assert_eq!(update(&[&url, "--url", &url]).await.code, 2);
}

#[tokio::test]
async fn url_without_a_host_is_refused_before_anything_is_asked() {
    for url in ["http://", "https://", "http://?a", "http://user@", "http://:80/fw.zip", "http://host:99999/fw.zip"] {
        for args in [&[url][..], &["--url", url]] {
            // No device listens there.
            let run = run(&[&["--port", "ws://127.0.0.1:1", "update"][..], args].concat()).await;
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.shown());
            assert!(run.stderr.contains("hint: write it as http://HOST/PATH"), "{args:?}: {}", run.shown());
        }
    }
}

#[tokio::test]
async fn hint_for_a_wrong_address_can_be_followed() {
    for (args, code, expected, unexpected) in [
        (&["-p", "ttyACM7", "ping"][..], 3, "/dev/ttyACM7", "ws://"),
        (&["-p", "a b", "ping"], 2, "ws://HOST[:PORT]", "ws://a b"),
        (&["-p", "192.168.300.1", "ping"], 2, "ws://HOST[:PORT]", "ws://192.168.300.1"),
        (&["simulate", "--mqtt", "mqtt://h"], 2, "hint: write `--mqtt mqtt://BROKER/DEVICE`", "--port"),
        (&["device"], 2, "`otactl devices`", "`otactl info`"),
    ] {
        let run = run(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(expected) && !run.stderr.contains(unexpected), "{args:?}: {}", run.shown());
    }
}
