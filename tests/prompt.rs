//! The prompt for credentials on a real terminal, stdin instead of the prompt, and mistyped addresses.
#![cfg(unix)]

mod support;

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::pty::openpty;
use nix::sys::termios::{LocalFlags, tcgetattr};
use otactl::sim::auth::{Algorithm, Auth};
#[cfg(target_os = "linux")]
use otactl::sim::ports::uart::UartConfig;
use otactl::sim::{Config, Simulator};
use support::{DEMO, REBOOT, finish, otactl, run, simulator_with, ws};
use tokio::sync::broadcast::Receiver;

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
    answering(otactl(args), prompt, keys, Echo::Off).await
}

/// Whether a prompt shows what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Echo {
    On,
    Off,
}

/// The same for a command.
async fn answering(
    binary: Command,
    prompt: &'static str,
    keys: &'static str,
    echo: Echo,
) -> (Option<i32>, bool, String) {
    let pty = openpty(None, None).expect("a pty");
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
                    while echo == Echo::Off && has(&typist, LocalFlags::ECHO) {
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

/// The script that runs a command where the ports `$1` and `$2` are /dev/ttyUSB0 and /dev/ttyACM0. It needs a mount namespace.
#[cfg(target_os = "linux")]
const WITH_TWO_BOARDS: &str = r#"
    set -e
    old=$(mktemp -d); usb=$1; acm=$2; shift 2
    mkdir "$old/pts"; mount --bind /dev/pts "$old/pts"
    for file in null urandom tty; do : > "$old/$file"; mount --bind "/dev/$file" "$old/$file"; done
    mount -t tmpfs none /dev; mkdir /dev/pts; mount --bind "$old/pts" /dev/pts
    for file in null urandom tty; do : > "/dev/$file"; mount --bind "$old/$file" "/dev/$file"; done
    ln -s "$usb" /dev/ttyUSB0; ln -s "$acm" /dev/ttyACM0
    exec "$@"
"#;

/// Returns a command of otactl on a machine with two boards, or `None` if this system lets the user mount nothing.
#[cfg(target_os = "linux")]
fn with_two_boards(ports: [&str; 2], args: &[&str]) -> Option<Command> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount"]);
        command
    };
    let is_allowed =
        unshare().args(["sh", "-c", "mount -t tmpfs none /dev"]).status().is_ok_and(|status| status.success());
    if !is_allowed {
        return None;
    }
    let binary = otactl(args);
    let mut command = unshare();
    command.args(["sh", "-c", WITH_TWO_BOARDS, "sh"]).args(ports).arg(binary.get_program()).args(binary.get_args());
    command.envs(binary.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(command)
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn command_that_changes_a_device_asks_which_of_two_boards() {
    let mut boards = [simulator_with(Config::default()).await, simulator_with(Config::default()).await];
    let ports = boards.each_mut().map(|board| board.serve_serial(UartConfig::default()).expect("a pseudo terminal"));
    let ports = ports.each_ref().map(|port| port.to_str().expect("text"));
    let mut consoles = boards.each_ref().map(Simulator::console);
    let has_rebooted =
        |console: &mut Receiver<String>| std::iter::from_fn(|| console.try_recv().ok()).any(|line| line == "rebooting");
    let question = "reboot which one? [1-2] ";
    let Some(command) = with_two_boards(ports, &["reboot"]) else { return };
    let (code, _, screen) = answering(command, question, "2\r", Echo::On).await;
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("2 boards are connected:\r\n  1  /dev/ttyUSB0\r\n  2  /dev/ttyACM0\r\n"), "{screen}");
    let reboots = async { while consoles[1].recv().await.is_ok_and(|line| line != "rebooting") {} };
    tokio::time::timeout(Duration::from_secs(5), reboots).await.expect("the chosen board reboots");

    for answer in ["3\r", "\r", "/dev/ttyUSB0\r"] {
        let command = with_two_boards(ports, &["reboot"]).expect("it was allowed");
        let (code, _, screen) = answering(command, question, answer, Echo::On).await;
        assert_eq!(code, Some(2), "{answer:?}: {screen}");
    }
    for (args, code, expected) in [
        (&["reboot"][..], 2, "2 boards are connected, and `reboot` changes the device: /dev/ttyUSB0; /dev/ttyACM0"),
        (&["update", DEMO], 2, "2 boards are connected, and `update` changes the device"),
        (&["--json", "commit"], 2, "2 boards are connected, and `commit` changes the device"),
        (&["ping"], 0, "taking /dev/ttyUSB0; there is also /dev/ttyACM0: choose with `--port`"),
        (&["--port", "ttyACM0", "ping"], 0, ""),
    ] {
        let run = finish(with_two_boards(ports, args).expect("it was allowed")).await;
        assert!(run.code == code && run.stderr.contains(expected), "{args:?}: {}", run.shown());
    }
    assert_eq!(consoles.each_mut().map(has_rebooted), [false, false], "nothing else has changed a board");
}
