//! The output on a terminal, which is a real pty.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;
use support::terminal::Terminal;
use support::{DEMO, finish, otactl, simulator};

/// The width of the terminal in most tests.
const COLUMNS: u16 = 160;

/// Runs the binary with stderr on a terminal. Returns the exit code, stdout, and the bytes that the terminal got.
async fn on_terminal(args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    on_terminal_of(COLUMNS, args, variables).await
}

/// Runs the binary with stderr on a terminal of this width.
async fn on_terminal_of(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    run_on_terminal(columns, args, variables, false).await
}

async fn run_on_terminal(
    columns: u16,
    args: &[&str],
    variables: &[(&str, &str)],
    with_stdout: bool,
) -> (i32, String, String) {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = openpty(&size, None).expect("a pty");
    let mut command = otactl(args);
    let stdout = if with_stdout { pty.slave.try_clone().expect("a copy").into() } else { Stdio::piped() };
    command.env("TERM", "xterm").envs(variables.iter().copied()).stdout(stdout).stderr(pty.slave);
    tokio::task::spawn_blocking(move || {
        let child = command.spawn().expect("it starts");
        // The read of the terminal ends only when no copy of the slave is open.
        drop(command);
        let mut screen = Vec::new();
        let mut master = File::from(pty.master);
        let mut buffer = [0; 4096];
        // The end of a pty is an error on Linux.
        while let Ok(read @ 1..) = master.read(&mut buffer) {
            screen.extend_from_slice(&buffer[..read]);
        }
        let output = child.wait_with_output().expect("it ends");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&screen))
    })
    .await
    .expect("no panic")
}

/// Runs the binary with stdout and stderr on a terminal. Returns the exit code and the bytes that the terminal got.
async fn all_on_terminal(args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    all_on_terminal_of(COLUMNS, args, variables).await
}

/// Runs the binary with stdout and stderr on a terminal of this width.
async fn all_on_terminal_of(columns: u16, args: &[&str], variables: &[(&str, &str)]) -> (i32, String) {
    let (code, _, screen) = run_on_terminal(columns, args, variables, true).await;
    (code, screen)
}

/// Renders the final screen as lines. It supports the control sequences that otactl uses.
fn rendered(screen: &str) -> Vec<String> {
    let mut lines = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut chars = screen.chars();
    while let Some(c) = chars.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                assert_eq!(chars.next(), Some('['), "{screen}");
                let (mut count, mut command) = (String::new(), ' ');
                for c in chars.by_ref() {
                    if c.is_ascii_alphabetic() {
                        command = c;
                        break;
                    }
                    count.push(c);
                }
                let count = count.parse().unwrap_or(1);
                match command {
                    'A' => row -= count,
                    'B' => row += count,
                    'K' => lines[row] = Vec::new(),
                    'm' => {}
                    other => panic!("{other} in {screen}"),
                }
            }
            c => {
                // The cursor leaves the last column only before the next character.
                if column == usize::from(COLUMNS) {
                    (row, column) = (row + 1, 0);
                }
                lines.resize(lines.len().max(row + 1), Vec::new());
                let line: &mut Vec<char> = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    lines.iter().map(|line| line.iter().collect::<String>().trim_end().to_owned()).collect()
}

#[tokio::test]
async fn boot_state_is_explained_on_a_terminal() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let (code, stdout, screen) = on_terminal(&["--port", &port, "get-boot-state"], &[]).await;
    assert_eq!(code, 0);
    assert!(stdout.starts_with("{\n  \"active_slot\": 0"), "{stdout}");
    assert_eq!(screen, "slot 0 runs, committed; it stays after a reboot\r\n");
    let (_, _, screen) = on_terminal(&["--port", &port, "--quiet", "get-boot-state"], &[]).await;
    assert_eq!(screen, "");
}

#[tokio::test]
async fn progress_bar_and_colours_are_shown_on_a_terminal() {
    let (code, stdout, screen) = on_terminal(&["--port", "sim:", "update", DEMO], &[]).await;
    assert_eq!((code, stdout.as_str()), (0, ""), "{screen}");
    assert!(screen.contains("of 321 KiB") && screen.contains('━'), "a bar: {screen}");
    assert!(!screen.contains("download  25 %"), "and no lines instead of it: {screen}");
    assert!(screen.contains("\u{1b}[32;1mdone     \u{1b}[0m demo 2.0.0"), "{screen}");
}

#[tokio::test]
async fn failed_update_on_a_terminal_names_the_explanation_of_its_outcome() {
    let fault = "crashes".parse().expect("a fault");
    let config = otactl::sim::Config { faults: vec![fault], ..support::running_device() };
    let device = support::simulator_with(config).await;
    let port = format!("ws://{}", device.address());
    let args = ["--port", &port, "update", DEMO];
    let (code, _, screen) = on_terminal(&args, &[("NO_COLOR", "1")]).await;
    assert_eq!(code, 8, "{screen}");
    assert!(screen.ends_with("hint: `otactl explain rolled_back` lists the usual causes\r\n"), "{screen}");
    // Elsewhere the hint would be noise.
    let piped = support::run(&args).await;
    assert!(piped.code == 8 && !piped.stderr.contains("otactl explain"), "{}", piped.shown());
}

#[tokio::test]
async fn no_color_disables_colours() {
    let (code, _, screen) = on_terminal(&["--port", "gopher:", "ping"], &[("NO_COLOR", "1")]).await;
    assert_eq!((code, screen.contains('\u{1b}')), (2, false), "{screen}");
    let (_, _, screen) = on_terminal(&["--port", "gopher:", "ping"], &[]).await;
    assert!(screen.starts_with("\u{1b}[31;1merror:\u{1b}[0m "), "{screen}");
}

/// During the checks, a status line shows the time until the rollback. Other output appears above it, and the line
/// disappears at the end.
#[tokio::test]
async fn time_until_rollback_is_shown_during_checks() {
    const LINE: &str = "uncommitted; rolls back in 4m 5";
    const STEPS: [&str; 15] = [
        "simulating",
        "device",
        "firmware",
        "serve",
        "update",
        "fetch",
        "download",
        "applied",
        "reboot",
        "back",
        "check",
        "check",
        "check",
        "commit",
        "done",
    ];
    let update = ["--port", "sim:", "update", DEMO, "--check-rpc=RPC.Ping", "--check-cmd=sleep 0.6", "--soak=1s"];
    let (code, stdout, screen) = on_terminal(&update, &[]).await;
    assert_eq!((code, stdout.as_str()), (0, ""), "{screen}");
    assert!(screen.contains(LINE) && screen.contains("; checking sleep 0.6") && screen.contains("; checking soak"));
    let lines = rendered(&screen);
    let mut steps: Vec<_> = lines.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(steps.pop(), Some(""), "the cursor stands on a line of its own: {lines:#?}");
    assert_eq!(steps, STEPS, "{lines:#?}");

    // The log appears above the status line, too.
    let (_, _, screen) = on_terminal(&[&["-v"], &update[..]].concat(), &[]).await;
    assert!(screen.contains(LINE), "{screen}");
    let lines = rendered(&screen);
    // The time of day, with milliseconds.
    let is_log =
        |line: &str| line.get(..14).is_some_and(|time| time.ends_with("  ") && time.matches([':', '.']).count() == 3);
    let torn = |line: &&String| !line.is_empty() && !is_log(line) && !STEPS.iter().any(|step| line.starts_with(step));
    assert_eq!(lines.iter().find(torn), None, "{lines:#?}");
    assert!(lines.iter().all(|line| !line.contains("by itself")), "{lines:#?}");

    for option in ["--quiet", "--json"] {
        let update = [option, "--port=sim:", "update", DEMO, "--check-cmd=sleep 0.4"];
        let (code, _, screen) = on_terminal(&update, &[]).await;
        assert_eq!((code, screen.contains("by itself")), (0, false), "{option}: {screen}");
    }
}

#[tokio::test]
async fn time_until_rollback_is_cleared_when_a_check_fails() {
    let (code, _, screen) =
        on_terminal(&["--port=sim:", "update", DEMO, "--check-cmd=sh -c 'sleep 0.4; exit 1'"], &[]).await;
    assert!(code == 8 && screen.contains("uncommitted; rolls back in "), "{screen}");
    let lines = rendered(&screen);
    let after: Vec<_> = lines.iter().skip_while(|line| !line.starts_with("check     ")).collect();
    let begins = ["check     sh -c", "revert    this", "back      slot 0 runs 1.0.0", "error: 2.0.0"];
    for (line, begin) in after.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}: {lines:#?}");
    }
    assert!(after.len() > begins.len() && lines.iter().all(|line| !line.contains("rolls back in")), "{lines:#?}");
}

/// No line is wider than the screen, and the lines have the words that a pipe gets.
#[tokio::test]
async fn printed_lines_fit_the_terminal_and_break_no_word() {
    let gone = "ws://127.0.0.1:9/rpc";
    let update = ["--port=sim:", "update", DEMO, "--check-rpc=RPC.Ping", "--soak=1s"];
    let failing = ["--port=sim:", "update", DEMO, "--check-cmd=sh -c 'sleep 0.4; exit 1'"];
    for columns in [80, 40] {
        for args in [&update[..], &failing, &["--port", gone, "ping"], &["--port=sim:", "call", "No.Such"]] {
            let (_, _, screen) = on_terminal_of(columns, args, &[]).await;
            let lines = rendered(&screen);
            let too_long = lines.iter().find(|line| line.chars().count() > usize::from(columns));
            assert_eq!(too_long, None, "{columns} {args:?}: {lines:#?}");
            let piped = finish(otactl(args)).await.stderr;
            // A terminal gets this hint, too.
            let expected = piped.clone() + " `otactl explain unhealthy` lists the usual causes";
            let known: Vec<&str> =
                expected.split_whitespace().flat_map(|word| [word, word.trim_matches(['(', ')', ','])]).collect();
            // Times, ports and the bar differ from run to run.
            let differs = |word: &str| word.contains(|c: char| c.is_ascii_digit() || "━╸:".contains(c));
            let words =
                lines.iter().filter(|line| !line.starts_with("download")).flat_map(|line| line.split_whitespace());
            let torn: Vec<&str> = words.filter(|word| !differs(word) && !known.contains(word)).collect();
            assert_eq!(torn, Vec::<&str>::new(), "{columns} {args:?}: {lines:#?}\n{piped}");
        }
    }
    let (_, _, screen) = on_terminal_of(80, &update, &[]).await;
    let lines = rendered(&screen);
    for id in ["20240101-000000/g0000000-factory", "20240202-020202/g234b2a65"] {
        assert_eq!(lines.iter().filter(|line| line.contains(id)).count(), 1, "{id}: {lines:#?}");
    }
    let done = lines.iter().find(|line| line.starts_with("done ")).expect("a last line");
    assert!(done.contains(", committed, after ") && done.ends_with(" s"), "{done}");
}

/// After a second, a line on the terminal says what the command waits for.
#[tokio::test]
async fn silence_of_more_than_a_second_is_explained_on_a_terminal() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("an address");
    let port = format!("tcp://{address}");
    let ping = ["--port", &port, "--timeout=2s", "ping"];
    let (code, _, screen) = on_terminal(&ping, &[]).await;
    assert!(code == 5 && screen.contains(" RPC.Ping, 1 s of 2 s"), "{screen}");
    assert!(rendered(&screen).iter().all(|line| !line.contains("1 s of 2 s")), "the line is removed: {screen}");
    let (_, _, screen) = on_terminal(&[&["--quiet"], &ping[..]].concat(), &[]).await;
    assert!(!screen.contains(" of 2 s"), "{screen}");
    assert!(!finish(otactl(&ping)).await.stderr.contains(" of 2 s"));

    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let (code, _, screen) = on_terminal(&["--port", &port, "wait", "version", "2.0.0", "--for=2s"], &[]).await;
    assert!(code == 5 && screen.contains(" not there yet: 1.0.0 in slot 0, committed; 1 s of 2 s"), "{screen}");
}

/// `null` is the reply of many methods. A pipe gets it, and so does `--get`, which asks for it.
#[tokio::test]
async fn null_is_not_shown_on_a_terminal() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let set = ["--port", &port, "call", "OTA.SetBootState", "revert_slot=0"];
    assert_eq!(all_on_terminal(&set, &[]).await, (0, String::new()));
    assert_eq!(on_terminal(&set, &[]).await.1, "null\n");
    let json = [&["--json"], &set[..]].concat();
    assert_eq!(all_on_terminal(&json, &[]).await, (0, "null\r\n".into()));
    let null_field = ["--port", &port, "call", "Sys.GetInfo", "--get", "public_key"];
    assert_eq!(all_on_terminal(&null_field, &[]).await, (0, "null\r\n".into()));
}

#[tokio::test]
async fn ping_on_a_terminal_names_the_device_and_the_time() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    let (code, screen) = all_on_terminal(&["--port", &port, "ping"], &[]).await;
    assert_eq!(code, 0, "{screen}");
    assert!(screen.starts_with("esp32_AABBCC answers in ") && screen.contains(" ms (127.0.0.1"), "{screen}");
    assert_eq!(screen.lines().count(), 1, "{screen}");
    let (_, screen) = all_on_terminal(&["--port", &port, "--json", "ping"], &[]).await;
    assert!(screen.starts_with("{\"channel_info\":"), "{screen}");
    let peer = support::peers::Peer::start(support::peers::Behaviour::Silent).await;
    let (code, screen) =
        all_on_terminal(&["--port", &peer.ws(), "--timeout=300ms", "ping", "-n", "2"], &[("NO_COLOR", "1")]).await;
    assert!(code == 3 && screen.contains("error: cannot reach ws:"), "{screen}");
}

#[tokio::test]
async fn results_for_people_fit_the_terminal() {
    let device = simulator().await;
    let port = format!("ws://{}", device.address());
    for columns in [80, 40] {
        for args in [&["show"][..], &["ping"], &["ping", "-n", "2"]] {
            let (code, screen) = all_on_terminal_of(columns, &[&["--port", &port], args].concat(), &[]).await;
            let too_long = screen.lines().find(|line| line.chars().count() > usize::from(columns));
            assert_eq!((code, too_long), (0, None), "{columns} {args:?}: {screen}");
        }
    }
}

#[tokio::test]
async fn colours_follow_the_option_and_the_environment() {
    let wrong = ["--port", "gopher:", "ping"];
    for (option, variables, has_colours) in [
        (None, &[][..], true),
        (None, &[("TERM", "dumb")], false),
        (None, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
        (Some("--color=never"), &[("CLICOLOR_FORCE", "1")], false),
        (Some("--color=always"), &[("NO_COLOR", "1"), ("TERM", "dumb")], true),
        (Some("--color=auto"), &[("OTACTL_COLOR", "never")], true),
        (None, &[("OTACTL_COLOR", "never")], false),
    ] {
        let args: Vec<&str> = option.into_iter().chain(wrong).collect();
        let (_, _, screen) = on_terminal(&args, variables).await;
        assert_eq!(screen.contains('\u{1b}'), has_colours, "{option:?} {variables:?}: {screen}");
    }
    for (args, variables, has_colours) in [
        (&wrong[..], &[][..], false),
        (&wrong, &[("CLICOLOR_FORCE", "1")], true),
        (&wrong, &[("CLICOLOR_FORCE", "0")], false),
        (&["--port", "gopher:", "--color", "always", "ping"], &[], true),
        (&["--color=always", "ping", "--nonsense"], &[], true),
        (&["ping", "--nonsense"], &[], false),
        (&wrong, &[("OTACTL_COLOR", "always")], true),
    ] {
        let mut piped = otactl(args);
        piped.envs(variables.iter().copied());
        let stderr = finish(piped).await.stderr;
        assert_eq!(stderr.contains('\u{1b}'), has_colours, "{args:?} {variables:?}: {stderr}");
    }
}

/// A dumb terminal gets lines instead of the bar and the status line.
#[tokio::test]
async fn dumb_terminal_gets_no_control_sequences() {
    let update = ["--port=sim:", "update", DEMO, "--check-cmd=sleep 0.4"];
    let (code, _, screen) = on_terminal(&update, &[("TERM", "dumb")]).await;
    assert!(code == 0 && !screen.contains('\u{1b}') && screen.contains("download  100 %"), "{screen}");
}

/// Runs an update that takes some seconds on a terminal. Calls `act` after each output since the bar is on the screen.
async fn slow_update(
    columns: u16,
    mut act: impl FnMut(&mut Terminal) + Send + 'static,
) -> (i32, support::terminal::Screen) {
    let faults = vec!["slow-download=110000".parse().expect("a fault")];
    let config = otactl::sim::Config { faults, ..support::running_device() };
    let device = support::simulator_with(config).await;
    let port = support::ws(&device);
    let mut has_bar = false;
    support::terminal::run_on_terminal((24, columns), otactl(&["--port", &port, "update", DEMO]), move |terminal| {
        let is_bar = |line: &String| line.starts_with("download ") && line.ends_with(" s left");
        has_bar = has_bar || terminal.screen.shown().iter().any(is_bar);
        if has_bar {
            act(terminal);
        }
    })
    .await
}

/// The terminal itself writes `^C` at the cursor. On the narrow screen, the bar fills the line.
#[tokio::test]
async fn interrupted_bar_is_on_the_screen_once() {
    for columns in [80, 40] {
        let mut is_interrupted = false;
        let (code, screen) = slow_update(columns, move |terminal| {
            if !std::mem::replace(&mut is_interrupted, true) {
                terminal.type_in("\x03");
                std::thread::sleep(Duration::from_millis(100));
                terminal.signal(Signal::SIGINT);
            }
        })
        .await;
        let lines = screen.transcript();
        assert!(code != 0 && screen.longest_line() <= columns.into(), "{lines:#?}");
        let bars: Vec<_> = lines.iter().filter(|line| line.starts_with("download ")).collect();
        assert!(bars.len() == 1 && !bars[0].contains(" left"), "{columns}: {lines:#?}");
    }
}

#[tokio::test]
async fn live_lines_follow_the_width_of_the_terminal() {
    let mut resized: Option<Instant> = None;
    let (code, screen) = slow_update(80, move |terminal| {
        let resized = resized.get_or_insert_with(|| {
            terminal.set_columns(40);
            Instant::now()
        });
        // What was drawn before may still be on its way.
        if resized.elapsed() < Duration::from_millis(300) {
            terminal.screen.forget_width();
        }
    })
    .await;
    let lines = screen.transcript();
    assert_eq!(code, 0, "{lines:#?}");
    assert!(screen.longest_line() <= 40, "{} of {lines:#?}", screen.longest_line());
    let bar = lines.iter().find(|line| line.starts_with("download ")).expect("a bar");
    assert!(bar.contains('━') && bar.chars().count() <= 38, "{bar}");
}

#[tokio::test]
async fn wrong_command_line_and_the_log_fit_the_terminal() {
    for args in [
        &["call"][..],
        &["--jobs", "0", "ping"],
        &["update", "--bogus"],
        &["set-boot-state", "--force"],
        &["--serial-framing", "round", "ping"],
        &["rollback"],
        &["ping", "192.168.1.5"],
        &["-v", "--port", "sim:", "ping"],
        &["-v", "--port", "ws://127.0.0.1:9", "ping"],
    ] {
        let (_, _, screen) = on_terminal_of(40, args, &[]).await;
        let lines = rendered(&screen);
        let too_long = lines.iter().find(|line| line.chars().count() > 40);
        assert_eq!(too_long, None, "{args:?}: {lines:#?}");
    }
    let (code, _, screen) = on_terminal_of(40, &["rollback"], &[]).await;
    assert_eq!(code, 2);
    assert!(screen.starts_with("\x1b[31;1merror:\x1b[0m there is no command"), "{screen}");
    assert!(screen.contains("\r\n\x1b[36;1mhint:\x1b[0m `otactl revert`"), "{screen}");
}

#[tokio::test]
async fn build_id_stands_on_one_line_of_a_narrow_terminal() {
    let (_, _, screen) = on_terminal_of(40, &["--port=sim:", "update", DEMO], &[]).await;
    let lines = rendered(&screen);
    assert!(lines.iter().any(|line| line.trim() == "20240101-000000/g0000000-factory"), "{lines:#?}");
    let (_, shown) = lines.split_last().expect("lines");
    assert!(shown.iter().all(|line| !line.is_empty()), "{lines:#?}");
}

#[tokio::test]
async fn colours_of_a_wrong_command_line_follow_the_option_and_the_environment() {
    for (args, variables, is_colourful) in [
        (&["--color", "always", "bogus"][..], &[][..], true),
        (&["bogus"], &[("CLICOLOR_FORCE", "1")], true),
        (&["ping", "--bogus"], &[("GITHUB_ACTIONS", "true")], true),
        (&["bogus"], &[], false),
        (&["--color=never", "bogus"], &[("CLICOLOR_FORCE", "1")], false),
    ] {
        let mut command = otactl(args);
        command.envs(variables.iter().copied());
        let run = finish(command).await;
        assert_eq!(
            (run.code, run.stderr.starts_with("\x1b[31;1merror:\x1b[0m ")),
            (2, is_colourful),
            "{}",
            run.shown()
        );
    }
}
