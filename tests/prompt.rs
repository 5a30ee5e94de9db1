//! The prompt for credentials on a real terminal, stdin instead of the prompt, and mistyped addresses.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};
use otactl::sim::Config;
use otactl::sim::auth::{Algorithm, Auth};
use support::{DEMO, REBOOT, finish, otactl, run, simulator_with, ws};

const PROMPT: &str = "USER:PASSWORD for the device: ";

fn guarded() -> Config {
    let auth =
        Auth { user: "admin".into(), password: "hunter2".into(), realm: "lab".into(), algorithm: Algorithm::Md5 };
    Config { auth: Some(auth), reboot_delay: REBOOT, ..Config::default() }
}

fn has(terminal: &File, flags: LocalFlags) -> bool {
    tcgetattr(terminal).expect("a terminal").local_flags.contains(flags)
}

/// Runs the binary on its own terminal, and types the keys at its prompt.
///
/// Returns the exit code, whether the terminal echoes afterwards, and what it showed.
async fn at_the_prompt(args: &[&str], prompt: &'static str, keys: &'static str) -> (Option<i32>, bool, String) {
    let pty = openpty(None, None).expect("a pty");
    let binary = otactl(args);
    // A prompt without an answer does not hang the test.
    let mut command = Command::new("timeout");
    command.args(["30", "setsid", "--ctty", "--wait"]).arg(binary.get_program()).args(binary.get_args());
    command.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("TERM", "xterm");
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let slave = File::from(pty.slave);
    command.stdin(slave.try_clone().expect("a file")).stdout(slave.try_clone().expect("a file"));
    command.stderr(slave.try_clone().expect("a file"));
    tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().expect("it starts");
        drop(command);
        let mut master = File::from(pty.master);
        let mut typist = master.try_clone().expect("a file");
        let reader = std::thread::spawn(move || {
            let (mut screen, mut buffer, mut is_typed) = (String::new(), [0; 4096], false);
            // The end of a pty is an error on Linux.
            while let Ok(read @ 1..) = master.read(&mut buffer) {
                screen.push_str(&String::from_utf8_lossy(&buffer[..read]));
                if screen.contains(prompt) && !is_typed {
                    // The prompt appears shortly before the terminal stops echoing.
                    while has(&typist, LocalFlags::ECHO) {
                        std::thread::yield_now();
                    }
                    typist.write_all(keys.as_bytes()).expect("typed");
                    is_typed = true;
                }
            }
            screen
        });
        let code = child.wait().expect("it ends").code();
        let shows = has(&slave, LocalFlags::ECHO | LocalFlags::ISIG);
        drop(slave);
        (code, shows, reader.join().expect("no panic"))
    })
    .await
    .expect("no panic")
}

/// Once, the terminal was left without an echo, and the exit code was 2 where the prompt came after a download.
#[tokio::test]
async fn interrupted_prompt_is_exit_code_130_and_leaves_the_terminal_as_it_was() {
    let nowhere = "ws://127.0.0.1:9";
    for (args, prompt) in [
        (&["--port", nowhere, "--rpc-creds", "-", "ping"][..], PROMPT),
        (&["--port", nowhere, "--rpc-creds", "-", "update", DEMO], PROMPT),
        (&["--port", nowhere, "--rpc-creds", "-", "update", "--url", "http://127.0.0.1:9/fw.zip"], PROMPT),
        (
            &["--port", "mqtt://user@127.0.0.1:9/device", "--mqtt-password-file", "-", "ping"],
            "Password for the broker: ",
        ),
    ] {
        let (code, shows, screen) = at_the_prompt(args, prompt, "hunt\u{3}").await;
        assert_eq!((code, shows), (Some(130), true), "{args:?}: {screen}");
        assert!(screen.contains("interrupted: nothing on the device has changed"), "{args:?}: {screen}");
        assert!(!screen.contains("hunt"), "{args:?}: {screen}");
    }
}

#[tokio::test]
async fn credentials_are_asked_once_for_both_ports() {
    let device = simulator_with(guarded()).await;
    let (first, second) = (ws(&device), ws(&device).replace("ws://", "http://"));
    let args = ["--port", &first, "--rpc-creds", "-", "update", DEMO, "--commit-port", &second];
    let (code, shows, screen) = at_the_prompt(&args, PROMPT, "admin:hunter2\r").await;
    assert_eq!((code, shows), (Some(0), true), "{screen}");
    assert_eq!(screen.matches(PROMPT).count(), 1, "{screen}");

    let device = simulator_with(guarded()).await;
    let (first, second) = (ws(&device), ws(&device).replace("ws://", "http://"));
    let args = ["--port", &first, "--rpc-creds", "-", "update", DEMO, "--commit-port", &second];
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "admin:hunter2\n").expect("written");
    let mut command = otactl(&args);
    command.stdin(Stdio::from(file.reopen().expect("the file")));
    let run = finish(command).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[tokio::test]
async fn mistyped_address_is_refused() {
    for (args, message) in [
        (&["--port", "http:192.168.1.5", "ping"][..], "two slashes and the host stand behind the scheme: http://HOST"),
        (&["--port", "ws:/192.168.1.5", "ping"], "two slashes and the host stand behind the scheme: ws://HOST"),
        (&["--port", "[fe80::1%25eth0]", "ping"], "an IPv6 address with a zone (`%eth0`) cannot be used"),
        (&["--port", "ws://[fe80::1%25eth0]", "ping"], "an IPv6 address with a zone (`%eth0`) cannot be used"),
        (
            &["--port", "ws://127.0.0.1:9", "update", "--url", "http:///192.168.1.5/fw.zip"],
            "http:// and https:// URLs only",
        ),
        (
            &["--port", "ws://127.0.0.1:9", "update", DEMO, "--check-http", "http:192.168.1.5"],
            "two slashes and the host stand behind the scheme: http://HOST",
        ),
        (
            &["--port", "ws://127.0.0.1:9", "update", DEMO, "--commit-port", "http:/192.168.1.5"],
            "two slashes and the host stand behind the scheme: http://HOST",
        ),
    ] {
        let run = run(args).await;
        assert_eq!(run.code, 2, "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(message) && run.stderr.contains("\nhint: "), "{args:?}: {}", run.shown());
    }
}
