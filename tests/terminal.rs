//! What a person at a terminal sees, on a real pty.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::Read as _;
use std::process::Stdio;

use nix::pty::openpty;
use support::{DEMO, otactl, simulator};

/// Runs the binary with stderr on a terminal: exit code, stdout, and what the terminal got.
async fn on_terminal(args: &[&str], variables: &[(&str, &str)]) -> (i32, String, String) {
    let pty = openpty(None, None).expect("a pty");
    let mut command = otactl(args);
    command.envs(variables.iter().copied()).env("TERM", "xterm").stdout(Stdio::piped()).stderr(pty.slave);
    tokio::task::spawn_blocking(move || {
        let child = command.spawn().expect("it starts");
        // Our own copy of the slave has to go, or the terminal never ends.
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

#[tokio::test]
async fn a_person_reads_what_the_boot_state_means() {
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
async fn a_person_sees_a_bar_and_colours() {
    let (code, stdout, screen) = on_terminal(&["--port", "sim:", "update", DEMO], &[]).await;
    assert_eq!((code, stdout.as_str()), (0, ""), "{screen}");
    assert!(screen.contains("of 321.11 KiB") && screen.contains('━'), "a bar: {screen}");
    assert!(!screen.contains("download  25 %"), "and no lines instead of it: {screen}");
    assert!(screen.contains("\u{1b}[32;1mdone     \u{1b}[0m demo 2.0.0"), "{screen}");
}

#[tokio::test]
async fn no_color_is_obeyed() {
    let (code, _, screen) = on_terminal(&["--port", "gopher:", "ping"], &[("NO_COLOR", "1")]).await;
    assert_eq!((code, screen.contains('\u{1b}')), (2, false), "{screen}");
    let (_, _, screen) = on_terminal(&["--port", "gopher:", "ping"], &[]).await;
    assert!(screen.starts_with("\u{1b}[31;1merror:\u{1b}[0m "), "{screen}");
}
