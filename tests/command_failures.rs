//! What each command says and returns when it fails, or when its output cannot be written.
//!
//! The table of all commands and conditions is `tests/fixtures/command_failures.txt`.
//! `OTACTL_REGENERATE=1 cargo test --test command_failures` writes it.
#![cfg(target_os = "linux")]

mod support;

use std::fs::{File, read_to_string, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join;
use futures_util::{StreamExt as _, stream};
use otactl::discover::usb_ports;
use otactl::sim::{Config, Simulator};
use support::peers::{Behaviour, ClosedPort, Peer};
use support::script::{Script, frame};
use support::transports::{Scripted, Transport};
use support::{DEMO, Run, file, otactl, running_device, simulator_with, ws};
use tokio::time::timeout;

const TABLE: &str = "tests/fixtures/command_failures.txt";

const HINT: &str = "run `OTACTL_REGENERATE=1 cargo test --test command_failures` and look at the difference";

/// The number of cases that run at the same time, each in text and with `--json`.
const JOBS: usize = 8;

/// The time that a command may take.
const MAX_TIME: Duration = Duration::from_secs(15);

/// The limit of a call to a device that is silent.
const SHORT: &str = "600ms";

/// The commands that use a device, with arguments for a device that works.
const DEVICE_COMMANDS: [&[&str]; 16] = [
    &["update", DEMO],
    &["show"],
    &["wait", "reachable", "--for", "2s"],
    &["commit"],
    &["revert"],
    &["create-snapshot"],
    &["get-boot-state"],
    &["set-boot-state", "--active-slot", "1"],
    &["status"],
    &["call", "Sys.GetInfo"],
    &["list"],
    &["describe", "OTA.Update"],
    &["info"],
    &["ping"],
    &["ping", "-n", "2"],
    &["reboot"],
];

/// The commands that print something without a device. `SCRATCH` is a directory.
const LOCAL_COMMANDS: [&[&str]; 9] = [
    &["ports"],
    &["devices", "--config", "SCRATCH/otactl.toml"],
    &["devices", "--config", "SCRATCH/otactl.toml", "--probe", "--timeout", SHORT],
    &["explain"],
    &["explain", "8"],
    &["completions", "bash"],
    &["man", "SCRATCH/man"],
    &["--help"],
    &["--version"],
];

/// Wrong arguments of each command.
const BAD_ARGUMENTS: [&[&str]; 58] = [
    &["update", "nosuch.zip"],
    &["update", "Cargo.toml"],
    &["update", "tests"],
    &["update", DEMO, "--url", "http://127.0.0.1:9/fw.zip"],
    &["update", "--url", "ftp://127.0.0.1/fw.zip"],
    &["update", DEMO, "--commit-timeout", "soon"],
    &["update", DEMO, "--check-cmd", "/no/such/program"],
    &["update", DEMO, "--frob"],
    &["wait"],
    &["wait", "frobbed"],
    &["wait", "version"],
    &["wait", "committed", "2.0.0"],
    &["wait", "committed", "--for", "ever"],
    &["commit", "now"],
    &["revert", "--frob"],
    &["create-snapshot", "now"],
    &["get-boot-state", "--frob"],
    &["set-boot-state"],
    &["set-boot-state", "--active-slot", "one"],
    &["status", "now"],
    &["call"],
    &["call", "Sys.GetInfo", "{'a': 1}"],
    &["call", "Sys.GetInfo", "name:=x"],
    &["call", "Sys.GetInfo", "name=@/no/such/file"],
    &["list", "OTA"],
    &["describe"],
    &["info", "--get"],
    &["ping", "192.168.1.5"],
    &["reboot", "now"],
    &["ports", "/dev/ttyUSB0"],
    &["discover", "--for", "ever"],
    &["discover", "--mqtt", "ws://127.0.0.1"],
    &["devices", "frob"],
    &["devices", "add", "bench1", "--config", "SCRATCH/otactl.toml"],
    &["devices", "add", "a b", "--port", "ws://127.0.0.1", "--config", "SCRATCH/otactl.toml"],
    &["devices", "remove", "bench", "--config", "SCRATCH/otactl.toml"],
    &["devices", "--config", "/no/such/otactl.toml"],
    &["devices", "--config", "SCRATCH/wrong.toml"],
    &["--config", "SCRATCH/wrong.toml", "ping"],
    &["--config", "SCRATCH/otactl.toml", "--device", "bench", "ping"],
    &["simulate", "--fault", "frob"],
    &["simulate", "--listen", "here"],
    &["simulate", "--auth", "nobody"],
    &["simulate", "--mqtt", "ws://127.0.0.1"],
    &["explain", "frobbed"],
    &["explain", "42"],
    &["completions", "tcsh"],
    &["completions"],
    &["man"],
    &["man", "/dev/null/man"],
    &["frob"],
    &[],
    &["--port", "gopher://127.0.0.1", "ping"],
    &["--port", "/no/such/port", "ping"],
    &["--port", "ws://127.0.0.1:1", "--rpc-creds", "@/no/such/file", "ping"],
    &["--port", "wss://127.0.0.1:1", "--ca-cert-file", "/no/such/file", "ping"],
    &["--timeout", "soon", "ping"],
    &["connection"],
];

/// What is at the end of the connection.
#[derive(Debug, Clone, Copy)]
enum Peers {
    /// The command line names no device.
    None,
    /// Nothing listens.
    Closed,
    /// A device that requires credentials.
    Locked,
    /// A device that answers every call with an error.
    Erring,
    /// A device that answers no call.
    Silent,
    /// A device that works, or has this fault.
    Works(Option<&'static str>),
}

/// Where stdout goes.
#[derive(Debug, Clone, Copy)]
enum Destination {
    Read,
    FullDisk,
    ClosedPipe,
}

struct Case {
    condition: &'static str,
    options: &'static [&'static str],
    args: Vec<&'static str>,
    peer: Peers,
    stdout: Destination,
}

impl Case {
    fn new(condition: &'static str, args: &[&'static str]) -> Self {
        Self { condition, options: &[], args: args.to_vec(), peer: Peers::None, stdout: Destination::Read }
    }
}

/// The peers that all cases share.
struct Shared {
    closed: ClosedPort,
    erring: Scripted,
    silent: Peer,
    scratch: PathBuf,
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for args in DEVICE_COMMANDS {
        let case = |condition, options, peer| Case { options, peer, ..Case::new(condition, args) };
        if usb_ports().is_empty() {
            cases.push(case("no device", &[], Peers::None));
        }
        cases.push(case("port closed", &[], Peers::Closed));
        cases.push(case("wrong credentials", &["--rpc-creds", "admin:wrong"], Peers::Locked));
        cases.push(case("no credentials", &[], Peers::Locked));
        cases.push(case("device error", &[], Peers::Erring));
        cases.push(case("timeout", &["--timeout", SHORT], Peers::Silent));
        for (condition, stdout) in [("full disk", Destination::FullDisk), ("closed stdout", Destination::ClosedPipe)] {
            let case = Case { stdout, ..case(condition, &["--quiet"], Peers::Works(None)) };
            // Firmware that is committed cannot be reverted.
            if args[0] != "revert" {
                cases.push(case);
            }
        }
    }
    for (args, fault) in [
        (&["update", DEMO][..], Some("wrong-platform")),
        (&["update", DEMO], Some("wrong-digest")),
        (&["update", DEMO], Some("commit-refused")),
        (&["update", DEMO], Some("not-modified")),
        (&["wait", "version", "9.9", "--for", "2s"], None),
        (&["wait", "uncommitted", "--for", "2s"], None),
        (&["revert"], None),
        (&["set-boot-state", "--active-slot", "7"], None),
        (&["status"], Some("no-status")),
        (&["create-snapshot"], Some("no-method=OTA.CreateSnapshot")),
        (&["get-boot-state"], Some("no-method=OTA.GetBootState")),
        (&["commit"], Some("no-method=OTA.GetBootState")),
        (&["call", "Sys.GetInfos"], None),
        (&["call", "OTA.Update", "{}"], None),
        (&["describe", "OTA.Updat"], None),
        (&["list"], Some("no-method=RPC.List")),
        (&["info", "--get", "nosuch"], None),
        (&["reboot"], Some("no-method=Sys.Reboot")),
    ] {
        let options: &[_] = if args[0] == "update" { &["--quiet"] } else { &[] };
        cases.push(Case { options, peer: Peers::Works(fault), ..Case::new("refusal of the device", args) });
    }
    for args in LOCAL_COMMANDS {
        for (condition, stdout) in [("full disk", Destination::FullDisk), ("closed stdout", Destination::ClosedPipe)] {
            cases.push(Case { stdout, ..Case::new(condition, args) });
        }
    }
    for args in BAD_ARGUMENTS {
        cases.push(Case::new("bad argument", args));
    }
    cases.push(Case::new("port closed", &["discover", "--mqtt", "mqtt://127.0.0.1:1", "--for", "100ms"]));
    let taken = Case::new("address in use", &["simulate", "--listen"]);
    cases.push(Case { peer: Peers::Works(None), ..taken });
    for args in [&["update", DEMO][..], &["ping"]] {
        cases.push(Case { options: &["--json=/no/such/dir/x"], peer: Peers::Closed, ..Case::new("JSON file", args) });
    }
    cases.push(Case { options: &["--json=/dev/full"], peer: Peers::Closed, ..Case::new("JSON file", &["ping"]) });
    cases
}

/// Returns the address of the peer, and the device if it is one of this case.
async fn start(peer: Peers, shared: &Shared) -> (Option<String>, Option<Simulator>) {
    let of_device = |device: Simulator| (Some(ws(&device)), Some(device));
    match peer {
        Peers::None => (None, None),
        Peers::Closed => (Some(format!("ws://{}", shared.closed.address)), None),
        Peers::Erring => (Some(shared.erring.port.clone()), None),
        Peers::Silent => (Some(shared.silent.ws()), None),
        Peers::Locked => {
            let auth = Some("admin:secret:myrealm".parse().expect("credentials"));
            of_device(simulator_with(Config { auth, ..running_device() }).await)
        }
        Peers::Works(fault) => {
            let faults = fault.iter().map(|text| text.parse().unwrap_or_else(|error| panic!("{error}"))).collect();
            of_device(simulator_with(Config { faults, ..running_device() }).await)
        }
    }
}

/// Runs a case in text or with `--json`, and returns the command line and the result.
async fn run_case(case: &Case, is_json: bool, shared: &Shared) -> (String, Run) {
    let (port, device) = start(case.peer, shared).await;
    let mut args: Vec<String> = Vec::new();
    let takes_json =
        case.condition != "JSON file" && !case.args.starts_with(&["--help"]) && !case.args.starts_with(&["--version"]);
    if is_json && takes_json {
        args.push("--json".into());
    }
    let scratch = shared.scratch.display().to_string();
    match port {
        Some(port) if case.args.ends_with(&["--listen"]) => {
            args.extend(case.args.iter().map(ToString::to_string));
            args.push(port.trim_start_matches("ws://").into());
        }
        port => {
            args.extend(port.into_iter().flat_map(|port| ["--port".into(), port]));
            args.extend(case.options.iter().chain(&case.args).map(|arg| arg.replace("SCRATCH", &scratch)));
        }
    }
    let mut command = otactl(&args.iter().map(String::as_str).collect::<Vec<_>>());
    // The log of a test is no terminal, but these would set its width and colours.
    command.env_remove("COLUMNS").env_remove("RUST_BACKTRACE");
    match case.stdout {
        Destination::Read => {
            command.stdout(Stdio::piped());
        }
        Destination::FullDisk => {
            command.stdout(File::options().write(true).open("/dev/full").expect("the device"));
        }
        Destination::ClosedPipe => {
            let (reader, writer) = std::io::pipe().expect("a pipe");
            drop(reader);
            command.stdout(Stdio::from(writer));
        }
    }
    let run = finish_in_time(command).await.unwrap_or_else(|| panic!("it does not end: {args:?}"));
    drop(device);
    let quoted = args.iter().map(|arg| if arg.contains([' ', '\'']) { format!("\"{arg}\"") } else { arg.clone() });
    let masked = |text: &str| masked(text, &shared.scratch);
    let run = Run { stdout: masked(&run.stdout), stderr: masked(&run.stderr), ..run };
    (masked(&quoted.collect::<Vec<_>>().join(" ")), run)
}

/// Runs a command to its end, or kills it after [`MAX_TIME`].
async fn finish_in_time(mut command: Command) -> Option<Run> {
    command.stderr(Stdio::piped());
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn();
    let output = timeout(MAX_TIME, child.expect("it starts").wait_with_output()).await.ok()?.expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some(Run { code: output.status.code().unwrap_or(-1), stdout: text(&output.stdout), stderr: text(&output.stderr) })
}

/// Returns the section of a case.
async fn section(case: &Case, shared: &Shared) -> String {
    let command = if case.args.is_empty() { "no command" } else { &case.args.join(" ") };
    let fault = match case.peer {
        Peers::Works(Some(fault)) => format!(" ({fault})"),
        _ => String::new(),
    };
    let mut section = format!("== {}{fault} · {}\n", case.condition, masked(command, &shared.scratch));
    let ((line, text), (json_line, json)) = join(run_case(case, false, shared), run_case(case, true, shared)).await;
    section += &shown(&line, &text, None);
    if json_line != line {
        section += &shown(&json_line, &json, Some(&text.stderr));
    }
    section
}

/// Returns a run as lines. A stderr that equals `known` is not repeated.
fn shown(line: &str, run: &Run, known: Option<&str>) -> String {
    let mut text = format!("{}\n   exit code {}\n", format!("$ otactl {line}").trim_end(), run.code);
    let mut add = |name: &str, lines: &[&str]| {
        for line in lines {
            text += format!("   {name} {line}").trim_end();
            text += "\n";
        }
    };
    let stdout: Vec<_> = run.stdout.lines().collect();
    match stdout.as_slice() {
        // The events of an update depend on its speed.
        [_, .., last] => add("out:", &["(earlier lines)", last]),
        lines => add("out:", lines),
    }
    match known {
        Some(known) if !known.is_empty() && known == run.stderr => add("err:", &["(as above)"]),
        _ => add("err:", &run.stderr.lines().collect::<Vec<_>>()),
    }
    for (name, stream) in [("out:", &run.stdout), ("err:", &run.stderr)] {
        if !stream.is_empty() && !stream.ends_with('\n') {
            add(name, &["(no line break)"]);
        }
    }
    text
}

/// Replaces what differs from run to run.
fn masked(text: &str, scratch: &Path) -> String {
    let text = text.replace(&scratch.display().to_string(), "SCRATCH");
    let text = text.replace(env!("CARGO_TARGET_TMPDIR"), "CONFIG");
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let is_stamp = |c: char| c != '"';
    let text = replace_after(&text, "127.0.0.1:", |c| c.is_ascii_digit(), "PORT");
    let text = replace_after(&text, "\"time\":\"", is_stamp, "TIME");
    let text = replace_after(&text, "\"deadline\":\"", is_stamp, "TIME");
    let text = replace_after(&text, "\"elapsed\":", is_number, "N");
    let text = replace_after(&text, " at ", |c| c.is_ascii_digit() || c == ':', "TIME");
    let text = replace_after(&text, "warning: ", |c| c.is_ascii_digit(), "N");
    let text = replace_after(&text, "within ", |c| !c.is_whitespace() && c != '"', "N");
    let text = replace_after(&text, "\"bytes\":", is_number, "N");
    let text = replace_after(&text, "1) (", is_number, "N");
    let text = replace_after(&text, "\"uptime\":", is_number, "N");
    let text = replace_after(&text, "\"reverts_in\":", is_number, "N");
    replace_after(&text, "after ", |c| is_number(c) || c == ' ', "N ").replace("after N ms", "after N s")
}

/// Replaces the characters after each `start`, if there are some that begin with a digit.
fn replace_after(text: &str, start: &str, is_part: impl Fn(char) -> bool, new: &str) -> String {
    let mut pieces = text.split(start);
    let mut replaced = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let has_value = piece.starts_with(|c: char| c.is_ascii_digit());
        let rest = if has_value { piece.trim_start_matches(&is_part) } else { piece };
        replaced += start;
        replaced += if has_value { new } else { "" };
        replaced += rest;
    }
    replaced
}

#[tokio::test]
async fn failures_of_all_commands_equal_the_table() {
    let began = Instant::now();
    let scratch = tempfile::tempdir().expect("a directory");
    let closed = ClosedPort::new();
    let config = format!("[device.bench1]\nport = \"ws://{}\"\n", closed.address);
    write(scratch.path().join("otactl.toml"), config).expect("written");
    write(scratch.path().join("wrong.toml"), "[device.bench1]\nprot = \"ws://127.0.0.1\"\n").expect("written");
    let error = r#"{"id":{id},"src":"dev","error":{"code":500,"message":"out of memory"}}"#;
    let shared = Shared {
        closed,
        erring: Transport::WebSocket.scripted(Script::default().and_then(vec![frame(error)])).await,
        silent: Peer::start(Behaviour::WebSocketSilent).await,
        scratch: scratch.path().into(),
    };
    let cases = cases();
    let sections = stream::iter(&cases).map(|case| section(case, &shared)).buffered(JOBS);
    let table = sections.collect::<Vec<_>>().await.join("\n");
    assert!(began.elapsed() < Duration::from_secs(60), "the table takes too long: {:?}", began.elapsed());
    if std::env::var_os("OTACTL_REGENERATE").is_some() {
        write(file(TABLE), &table).expect("written");
    }
    compare(&table, &read_to_string(file(TABLE)).unwrap_or_default());
}

/// Fails with the sections that differ. A machine with a serial port has no sections without a device.
fn compare(now: &str, expected: &str) {
    let sections = |text: &str| text.split("\n\n").map(|section| section.trim().to_owned()).collect::<Vec<_>>();
    let (now, expected) = (sections(now), sections(expected));
    let differing: Vec<_> = now.iter().filter(|section| !expected.contains(section)).cloned().collect();
    assert!(differing.is_empty(), "{} sections differ: {HINT}\n\n{}", differing.len(), differing.join("\n\n"));
    let gone = expected.iter().filter(|section| !now.contains(section)).filter_map(|section| section.lines().next());
    let gone: Vec<_> = gone.filter(|title| !title.starts_with("== no device")).collect();
    assert!(gone.is_empty(), "the table has sections without a case: {HINT}\n{}", gone.join("\n"));
}
