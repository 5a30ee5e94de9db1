//! The help of the built binary: its pages, and the hints for commands that do not exist.

mod support;

use support::{Run, finish, otactl, run};

/// Runs the binary with the help in this many columns.
async fn in_columns(columns: usize, args: &[&str]) -> Run {
    let mut command = otactl(args);
    command.env("COLUMNS", columns.to_string());
    finish(command).await
}

/// Returns the commands that the help of `otactl` lists.
async fn commands() -> Vec<String> {
    let help = in_columns(100, &["-h"]).await;
    let names = help.stdout.lines().filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let names: Vec<_> = names.map(ToOwned::to_owned).collect();
    assert!(names.len() >= 15, "{}", help.shown());
    names
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[tokio::test]
async fn short_help_of_every_command_fits_a_screen() {
    for command in commands().await {
        let max = if command == "update" { 48 } else { 24 };
        let help = in_columns(80, &[&command, "-h"]).await;
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{command}: {}", help.shown());
        let lines = help.stdout.lines().count();
        assert!(lines <= max, "{command}: {lines} lines\n{}", help.stdout);
        assert!(help.stdout.contains("Example: otactl "), "{command}: {}", help.stdout);
        assert!(help.stdout.ends_with("`otactl help connection`\n"), "{command}: {}", help.stdout);
    }
    let help = in_columns(80, &["-h"]).await;
    assert!(help.stdout.lines().count() <= 40, "{}", help.stdout);
}

/// The terminal would break a longer line inside a word.
#[tokio::test]
async fn short_help_has_no_line_that_is_wider_than_the_screen() {
    let mut pages = commands().await;
    pages.push(String::new());
    for command in pages {
        let args: Vec<&str> = [command.as_str(), "-h"].into_iter().filter(|arg| !arg.is_empty()).collect();
        let wide = in_columns(100, &args).await;
        for columns in [80, 40] {
            let help = in_columns(columns, &args).await;
            let too_wide = help.stdout.lines().find(|line| line.chars().count() > columns);
            assert_eq!(too_wide, None, "{command} in {columns} columns:\n{}", help.stdout);
            assert_eq!(words(&help.stdout), words(&wide.stdout), "{command}: a word is broken in {columns} columns");
        }
    }
}

#[tokio::test]
async fn connection_topic_lists_every_option_of_all_commands() {
    let topic = in_columns(80, &["help", "connection"]).await;
    assert_eq!((topic.code, topic.stderr.as_str()), (0, ""), "{}", topic.shown());
    for option in [
        "--port <URL>",
        "--timeout",
        "--rpc-creds",
        "--json",
        "--ca-cert-file",
        "--insecure",
        "--baud-rate",
        "--serial-framing",
        "--mqtt-password-file",
        "--mqtt-will-topic",
        "[env: OTACTL_BAUD_RATE]",
    ] {
        assert!(topic.stdout.contains(option), "{option}: {}", topic.stdout);
    }
    assert!(topic.stdout.lines().all(|line| line.chars().count() <= 80), "{}", topic.stdout);

    let short = run(&["commit", "-h"]).await;
    assert!(!short.stdout.contains("--mqtt") && !short.stdout.contains("--baud-rate"), "{}", short.stdout);
    let long = run(&["commit", "--help"]).await;
    assert!(long.stdout.contains("--mqtt-src") && long.stdout.contains("--baud-rate"), "{}", long.stdout);

    let as_command = run(&["connection"]).await;
    assert_eq!(as_command.code, 2, "{}", as_command.shown());
    assert!(as_command.stderr.contains("hint: `otactl help connection` prints it"), "{}", as_command.shown());
}

/// Runs the binary with stdout and stderr on a terminal of 80 columns. Returns the exit code and what the terminal got.
#[cfg(unix)]
async fn on_terminal(args: &[&str]) -> (i32, String) {
    use std::io::Read as _;

    let size = nix::pty::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    let pty = nix::pty::openpty(&size, None).expect("a pty");
    let mut command = otactl(args);
    command.env("TERM", "xterm").env_remove("COLUMNS").stdout(pty.slave.try_clone().expect("a copy"));
    // What goes to stderr is not on the screen.
    command.stderr(std::process::Stdio::null());
    drop(pty.slave);
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        // The read of the terminal ends only when no copy of the slave is open.
        drop(command);
        let mut screen = Vec::new();
        // The end of a pty is an error on Linux.
        let _ = std::fs::File::from(pty.master).read_to_end(&mut screen);
        let code = child.wait().expect("it ends").code();
        (code.unwrap_or(-1), String::from_utf8_lossy(&screen).replace('\r', ""))
    })
    .await
    .expect("no panic")
}

#[cfg(unix)]
#[tokio::test]
async fn bare_command_on_a_terminal_shows_the_usual_commands_and_the_ports() {
    let (code, screen) = on_terminal(&[]).await;
    assert_eq!(code, 0, "{screen}");
    assert!(screen.lines().count() <= 20, "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    for text in ["  otactl update build/fw.zip ", "\nSerial ports: ", "`otactl --help` lists all commands"] {
        assert!(screen.contains(text), "{text}: {screen}");
    }
    // Only the bare command: with an option, a command is missing.
    let (code, screen) = on_terminal(&["--quiet"]).await;
    assert_eq!((code, screen.as_str()), (2, ""));
}

#[tokio::test]
async fn outcome_and_exit_code_are_explained() {
    let outcome = in_columns(80, &["explain", "rolled_back"]).await;
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{}", outcome.shown());
    for text in ["came back with the old build", "Usual causes:", "What to type:", "  otactl show\n"] {
        assert!(outcome.stdout.contains(text), "{text}: {}", outcome.shown());
    }
    let code = run(&["explain", "3"]).await;
    assert!(code.stdout.starts_with("exit code 3: the device cannot be reached"), "{}", code.shown());
    let json = run(&["--json", "explain", "8"]).await;
    assert!(json.stdout.starts_with(r#"{"name":"8","meaning":"the firmware was not installed"#), "{}", json.shown());
    let list = run(&["explain"]).await;
    assert!(list.stdout.contains("\n  never_fetched ") && list.stdout.contains("\n  130 "), "{}", list.shown());
    let unknown = run(&["explain", "rolled"]).await;
    assert!(unknown.code == 2 && unknown.stderr.contains("hint: `otactl explain` lists them"), "{}", unknown.shown());
}

#[tokio::test]
async fn wrong_command_leads_to_the_right_one() {
    for (typed, hint) in [
        (&["put", "index.html"][..], "hint: `otactl call FS.Put"),
        (&["--quiet", "config-set", "a.b=1"], "`otactl call Config.Set config.a.b:=1`"),
        (&["console"], "hint: otactl has no console yet"),
        (&["updat"], "hint: did you mean `otactl update`?"),
        (&["comit"], "hint: `otactl --help` lists all commands"),
        (&["help", "revrt"], "hint: `otactl --help` lists all commands"),
        (&["help", "pnig"], "hint: did you mean `otactl ping`?"),
        (&["nonsense"], "hint: `otactl --help` lists all commands"),
    ] {
        let run = in_columns(100, typed).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{typed:?}: {}", run.shown());
        let word = typed.iter().find(|word| !word.starts_with('-') && **word != "help").expect("a command");
        assert!(run.stderr.starts_with(&format!("error: there is no command `{word}`\n")), "{}", run.shown());
        assert!(run.stderr.contains(hint), "{typed:?}: {}", run.shown());
        assert!(!run.stderr.contains("similar"), "{typed:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn wrong_argument_leads_to_the_right_one() {
    for (typed, message, hint) in [
        (&["ping", "192.168.1.5"][..], "unexpected argument '192.168.1.5' found", "`otactl ping --port 192.168.1.5`"),
        (&["info", "/dev/ttyUSB0"], "unexpected argument '/dev/ttyUSB0' found", "`otactl info --port /dev/ttyUSB0`"),
        (&["192.168.1.5", "ping"], "there is no command `192.168.1.5`", "`otactl --port 192.168.1.5 COMMAND`"),
        (&["devices", "rm", "bench1"], "`otactl devices` has no command `rm`", "did you mean `otactl devices remove`?"),
        (&["devices", "ad", "bench1"], "`otactl devices` has no command `ad`", "did you mean `otactl devices add`?"),
        (&["devices", "frob"], "`otactl devices` has no command `frob`", "`otactl devices --help` lists its commands"),
        (&["frob", "devices"], "there is no command `frob`", "`otactl --help` lists all commands"),
        (&["update", "--frob"], "unexpected argument '--frob' found", "Usage: otactl update"),
        (&["ping", "--baud-rate", "x"], "invalid value 'x' for '--baud-rate <NUMBER>': write a whole number", ""),
        (
            &["set-boot-state", "--active-slot", "99999999999999999999"],
            "invalid value '99999999999999999999' for '--active-slot <SLOT>': the number is too large",
            "",
        ),
        (&["ports", "/dev/ttyUSB0"], "unexpected argument '/dev/ttyUSB0' found", "Usage: otactl ports"),
    ] {
        let run = in_columns(100, typed).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{typed:?}: {}", run.shown());
        assert!(run.stderr.starts_with(&format!("error: {message}\n")), "{typed:?}: {}", run.shown());
        assert!(run.stderr.contains(hint) && !run.stderr.contains("as a value"), "{typed:?}: {}", run.shown());
    }
}
