//! One command on several devices.

mod support;

use std::process::Stdio;
use std::time::{Duration, Instant};

use otactl::sim::ports::mqtt::Library;
use otactl::sim::{Config, Simulator};
use serde_json::Value;
use support::broker::Broker;
use support::{DEMO, REBOOT, assert_runs, finish, otactl, run, simulator_with, ws};
use tokio::time::timeout;

async fn devices(count: usize) -> Vec<Simulator> {
    devices_with(count, &[]).await
}

async fn devices_with(count: usize, faults: &[&str]) -> Vec<Simulator> {
    let mut devices = Vec::new();
    for number in 0..count {
        let faults = faults.iter().map(|fault| fault.parse().expect("a fault")).collect();
        let config = Config { id: format!("esp32_{number:06}"), reboot_delay: REBOOT, faults, ..Config::default() };
        devices.push(simulator_with(config).await);
    }
    devices
}

fn args<'a>(ports: &'a [String], rest: &[&'a str]) -> Vec<&'a str> {
    rest.iter().copied().chain(ports.iter().flat_map(|port| ["-p", port])).collect()
}

#[tokio::test]
async fn update_of_several_devices_ends_with_a_table() {
    let devices = devices(3).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let run = run(&args(&ports, &["update", DEMO])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    for port in &ports {
        assert_runs(port, "2.0.0", true).await;
        let done = run.stderr.lines().find(|line| line.starts_with(port.as_str()) && line.contains("done  "));
        assert!(done.is_some(), "{port}: {}", run.shown());
        let row = run.stderr.lines().last().map(|_| run.stderr.lines().filter(|line| line.contains("updated")).count());
        assert_eq!(row, Some(3), "{}", run.shown());
    }
    let is_labelled = |line: &&str| ports.iter().any(|port| line.starts_with(port.as_str()));
    let others: Vec<_> = run.stderr.lines().filter(|line| !is_labelled(line)).collect();
    assert!(others.len() == 2 && others[0].is_empty() && others[1].starts_with("DEVICE "), "{others:?}");
}

/// A port that is open in the firewall serves all devices.
#[tokio::test]
async fn devices_share_the_port_of_the_firmware_server() {
    let devices = devices(3).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let listen = free.to_string();
    let run = run(&args(&ports, &["update", DEMO, "--via", "pull", "--listen", &listen])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert_eq!(
        run.stderr.matches(&format!("serve     the firmware at http://{listen}/")).count(),
        3,
        "{}",
        run.shown()
    );
}

/// All of them have one address, as behind a NAT, and each download takes a while.
#[tokio::test]
async fn more_devices_than_connections_of_one_address_pull_at_the_same_time() {
    let devices = devices_with(7, &["slow-download=400000"]).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let run = run(&args(&ports, &["--jobs", "7", "--json", "update", DEMO])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(!run.stdout.contains("\"crowded\""), "{}", run.shown());
    assert_eq!(run.stdout.matches("\"event\":\"delivered\",\"via\":\"pull\"").count(), 7, "{}", run.shown());
}

/// With `-v`, the log names the device, too.
#[tokio::test]
async fn every_line_of_the_log_names_its_device() {
    let devices = devices(2).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let run = run(&args(&ports, &["-vv", "ping"])).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let log: Vec<&str> =
        run.stderr.lines().filter(|line| line.contains("  frame  ") || line.contains("  call ")).collect();
    assert!(log.len() >= 6, "{}", run.shown());
    assert!(log.iter().all(|line| ports.iter().any(|port| line.starts_with(port))), "{}", run.shown());
}

#[tokio::test]
async fn failed_devices_are_named_in_a_command_that_tries_them_again() {
    let devices = devices(1).await;
    let ports = [ws(&devices[0]), "ws://127.0.0.1:1".into(), "ws://127.0.0.1:2".into()];
    let some = run(&args(&ports, &["update", DEMO])).await;
    assert_eq!(some.code, 9, "{}", some.shown());
    assert!(some.stderr.contains("error: 2 of 3 devices failed"), "{}", some.shown());
    let again = format!("`otactl update {DEMO} -p ws://127.0.0.1:1 -p ws://127.0.0.1:2` tries them again");
    assert!(some.stderr.contains(&again), "{}", some.shown());
    let alike = run(&args(&ports[1..], &["ping"])).await;
    assert_eq!(alike.code, 3, "{}", alike.shown());
}

#[tokio::test]
async fn lines_of_json_name_their_device() {
    let devices = devices(2).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    for command in [&["--json", "update", DEMO][..], &["--json", "info"]] {
        let run = run(&args(&ports, command)).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        for port in &ports {
            assert!(lines.iter().any(|line| line["device"] == **port), "{}", run.shown());
        }
        assert!(lines.iter().all(|line| line["device"].is_string()), "{}", run.shown());
    }
}

#[tokio::test]
async fn two_names_for_one_device_are_found_before_anything_changes() {
    let devices = devices(1).await;
    let (port, http) = (ws(&devices[0]), ws(&devices[0]).replace("ws://", "http://"));
    for ports in [[port.clone(), format!("{port}/rpc")], [port.clone(), http]] {
        let run = run(&args(&ports, &["update", DEMO])).await;
        assert!(run.code == 2 && run.stderr.contains("are the same device"), "{}", run.shown());
    }
    assert_runs(&port, "1.0.0", true).await;
}

#[tokio::test]
async fn command_without_a_device_takes_no_two() {
    for (args, words) in [
        (&["-p", "sim:", "-p", "sim:", "simulate"][..], "not for several devices"),
        (&["-p", "sim:", "ping", "-p", "sim:"], "before the command and after it"),
    ] {
        let run = run(args).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.shown());
    }
}

/// The waiting devices are left alone.
#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_starts_no_other_device() {
    let devices = devices_with(3, &["slow-download=90000"]).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let mut command = otactl(&args(&ports, &["--jobs", "1", "update", DEMO]));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let id = child.id().and_then(|id| i32::try_from(id).ok()).expect("it runs");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGINT).expect("sent");
    let output = timeout(Duration::from_secs(5), child.wait_with_output()).await.expect("it ends").expect("it ran");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert_eq!(stderr.matches("nothing on the device has changed").count(), 2, "{stderr}");
    for port in &ports[1..] {
        assert_runs(port, "1.0.0", true).await;
    }
}

#[tokio::test]
async fn device_that_cannot_be_used_is_found_before_anything_changes() {
    let devices = devices(1).await;
    let home = tempfile::tempdir().expect("a directory");
    let config = home.path().join("c.toml");
    let good = ws(&devices[0]);
    for (other, words) in [
        ("port = 'xqtt://h/d'", "`xqtt:` is not a way to reach a device"),
        ("port = 'ws://127.0.0.1:1'\nrpc-creds-file = '/no/such/file'", "/no/such/file"),
    ] {
        std::fs::write(&config, format!("[device.a]\nport = '{good}'\n[device.b]\n{other}\n")).expect("written");
        let config = config.to_str().expect("text");
        let run = run(&["--config", config, "-d", "a", "-d", "b", "update", DEMO]).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{}", run.shown());
        assert!(run.stderr.contains("nothing was changed"), "{}", run.shown());
        assert_runs(&good, "1.0.0", true).await;
    }
}

#[tokio::test]
async fn arguments_from_stdin_go_to_all_devices() {
    let devices = devices(2).await;
    let ports: Vec<String> = devices.iter().map(ws).collect();
    let mut command = otactl(&args(&ports, &["call", "RPC.Describe", "-"]));
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), r#"{"name": "OTA.Update"}"#).expect("written");
    command.stdin(Stdio::from(file.reopen().expect("the file")));
    let run = finish(command).await;
    assert!(run.code == 0 && run.stdout.matches("commit_timeout").count() == 2, "{}", run.shown());
}

/// Without the option, the command would reach the device that is meant by default.
#[tokio::test]
async fn hint_that_changes_a_device_names_it() {
    let devices = devices(1).await;
    let port = ws(&devices[0]);
    let update = run(&["-p", &port, "update", DEMO, "--no-commit"]).await;
    assert!(update.stderr.contains(&format!("unless `otactl commit -p {port}` keeps it")), "{}", update.shown());
    let reboot = run(&["-p", &port, "--json", "reboot"]).await;
    let line: Value = serde_json::from_str(&reboot.stdout).expect("JSON");
    let hint = line["hint"].as_str().expect("a hint");
    assert!(reboot.stderr.contains(hint), "{}", reboot.shown());
    assert!(hint.contains(&format!("`otactl commit -p {port}` keeps what runs")), "{}", reboot.shown());
    let mut command = otactl(&["reboot"]);
    command.env("OTACTL_PORT", &port);
    let reboot = finish(command).await;
    assert!(reboot.stderr.contains("`otactl commit` keeps what runs"), "{}", reboot.shown());
}

/// 40 devices behind one broker take little longer than the slowest of them.
#[tokio::test]
async fn many_devices_behind_one_broker_are_updated_at_the_same_time() {
    const COUNT: usize = 40;

    let broker = Broker::start();
    let mut devices = Vec::new();
    for number in 0..COUNT {
        let config = Config { id: format!("rig_{number:02}"), reboot_delay: REBOOT, ..Config::default() };
        devices.push(broker.device(config, Library::Single).await);
    }
    let ports: Vec<String> = (0..COUNT).map(|number| broker.url(&format!("rig_{number:02}"))).collect();
    let started = Instant::now();
    let run = run(&args(&ports, &["update", DEMO, "--jobs", "40"])).await;
    let whole = started.elapsed();
    assert_eq!(run.code, 0, "{}", run.shown());
    let rows = run.stderr.lines().filter(|line| line.contains("  updated  "));
    let slowest = rows
        .clone()
        .filter_map(|line| line.rsplit("  ").next()?.trim_end_matches(" s").parse().ok())
        .max_by(f64::total_cmp);
    // The start of the program counts, too, and the table has tenths of a second.
    let limit = Duration::from_secs_f64(slowest.expect("a time") * 1.3 + 0.2);
    assert!(whole <= limit, "{whole:?} of {limit:?}: {}", run.shown());
    assert_eq!(rows.count(), COUNT, "{}", run.shown());
}

/// The live lines of a terminal: one for each device that transfers or waits, below the messages of all.
#[cfg(unix)]
mod live {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use support::otactl;
    use support::terminal::{Screen, run_on_terminal};

    use super::*;

    /// About 321 KiB in 3 s.
    const SLOW: [&str; 1] = ["slow-download=110000"];

    /// Tells whether a line is a bar of a transfer that runs.
    fn is_bar(line: &str) -> bool {
        line.contains(" of 321 KiB") && !line.contains("321 of 321")
    }

    /// Runs the binary on a terminal. Returns the last screen, and the largest number of lines that matched `is_live` at a time.
    async fn run_and_count(
        size: (u16, u16),
        args: &[&str],
        is_live: impl Fn(&[String]) -> usize + Send + 'static,
    ) -> (Screen, usize) {
        let most = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&most);
        let (code, screen) = run_on_terminal(size, otactl(args), move |terminal| {
            seen.fetch_max(is_live(&terminal.screen.shown()), Ordering::Relaxed);
        })
        .await;
        assert_eq!(code, 0, "{:#?}", screen.transcript());
        (screen, most.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn each_device_that_transfers_has_a_bar_at_the_same_time() {
        for columns in [80, 40] {
            let devices = devices_with(2, &SLOW).await;
            let config = tempfile::NamedTempFile::new().expect("a file");
            let (one, two) = (ws(&devices[0]), ws(&devices[1]));
            let text = format!("[device.bench1]\nport = \"{one}\"\n[device.rig7]\nport = \"{two}\"\n");
            std::fs::write(&config, text).expect("a file");
            let config = config.path().display().to_string();
            // The bars are the last lines, in the order of the devices.
            let both = |lines: &[String]| {
                let bars: Vec<_> = lines.iter().skip_while(|line| !is_bar(line)).collect();
                let is_of = |line: &str, label| is_bar(line) && line.starts_with(label) && line.contains('━');
                usize::from(
                    bars.len() == 2
                        && is_of(bars[0], "bench1  download  ")
                        && is_of(bars[1], "rig7    download  ")
                        && bars[0].find("KiB") == bars[1].find("KiB"),
                )
            };
            let args = ["--config", &config, "-d", "bench1", "-d", "rig7", "update", DEMO];
            let (screen, seen) = run_and_count((24, columns), &args, both).await;
            let lines = screen.transcript();
            assert!(
                seen == 1 && screen.longest_line() <= columns.into(),
                "{seen} {}: {lines:#?}",
                screen.longest_line()
            );
            assert_eq!(lines.iter().filter(|line| is_bar(line)).count(), 0, "no bar is left: {lines:#?}");
            assert_eq!(lines.iter().filter(|line| line.contains("321 of 321 KiB")).count(), 2, "{lines:#?}");
            let is_labelled = |line: &&String| line.starts_with("bench1") || line.starts_with("rig7");
            let others: Vec<_> = lines.iter().filter(|line| !is_labelled(line) && !line.is_empty()).collect();
            assert!(others[0].starts_with("DEVICE "), "{lines:#?}");
        }
    }

    #[tokio::test]
    async fn small_screen_shows_the_first_devices_and_counts_the_others() {
        let devices = devices_with(5, &SLOW).await;
        let ports: Vec<String> = devices.iter().map(ws).collect();
        // Two of the six lines are for messages.
        let live = |lines: &[String]| {
            let is_more = lines.iter().rev().find(|line| !line.is_empty()).is_some_and(|line| line == "… and 2 more");
            if is_more { lines.iter().filter(|line| is_bar(line)).count() } else { 0 }
        };
        // One address may have four connections to the firmware server.
        let update = args(&ports, &["update", DEMO, "--via", "push"]);
        let (screen, most) = run_and_count((6, 80), &update, live).await;
        let lines = screen.transcript();
        assert_eq!(most, 3, "{lines:#?}");
        // Nothing of a live line has left the screen at its top.
        assert!(!lines.iter().any(|line| is_bar(line) || line.contains(" more")), "{lines:#?}");
        for step in ["device", "firmware", "download", "back", "done"] {
            let count = lines.iter().filter(|line| line.contains(&format!("  {step} "))).count();
            assert_eq!(count, 5, "{step}: {lines:#?}");
        }
    }

    #[tokio::test]
    async fn result_of_a_device_is_not_written_into_the_line_of_another() {
        let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let silent = format!("tcp://{}", silent.local_addr().expect("an address"));
        let slow = devices_with(1, &["reply-late=Sys.GetInfo:1500ms"]).await;
        let ports = [silent.clone(), ws(&slow[0])];
        let is_waiting = move |lines: &[String]| {
            lines.iter().filter(|line| line.starts_with(&silent) && line.contains("Sys.GetInfo, 1 s of 3 s")).count()
        };
        let waits = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&waits);
        let command = otactl(&args(&ports, &["call", "Sys.GetInfo", "--timeout=3s"]));
        let (code, screen) = run_on_terminal((60, 80), command, move |terminal| {
            seen.fetch_max(is_waiting(&terminal.screen.shown()), Ordering::Relaxed);
        })
        .await;
        let lines = screen.transcript();
        assert_eq!((code, waits.load(Ordering::Relaxed)), (9, 1), "{lines:#?}");
        assert!(lines.iter().any(|line| line.starts_with(&ports[1]) && line.ends_with('{')), "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains(" of 3 s")), "{lines:#?}");
    }

    #[tokio::test]
    async fn live_lines_follow_the_options_and_the_terminal() {
        let devices = devices_with(2, &SLOW).await;
        let ports: Vec<String> = devices.iter().map(ws).collect();
        let file = tempfile::NamedTempFile::new().expect("a file");
        let json = format!("--json={}", file.path().display());
        for (options, term, is_live) in [
            (&["-q"][..], "xterm", false),
            (&["--json"], "xterm", false),
            (&[], "dumb", false),
            (&[&json], "xterm", true),
        ] {
            let rest = [options, &["update", DEMO, "--force"]].concat();
            let mut command = otactl(&args(&ports, &rest));
            command.env("TERM", term);
            let most = Arc::new(AtomicUsize::new(0));
            let seen = Arc::clone(&most);
            let (code, screen) = run_on_terminal((24, 80), command, move |terminal| {
                let bars = terminal.screen.shown().iter().filter(|line| is_bar(line)).count();
                seen.fetch_max(bars, Ordering::Relaxed);
            })
            .await;
            assert_eq!(code, 0, "{options:?}: {:#?}", screen.transcript());
            assert_eq!(
                most.load(Ordering::Relaxed),
                if is_live { 2 } else { 0 },
                "{options:?}: {:#?}",
                screen.transcript()
            );
        }
    }
}
