//! The configuration file, and how one says which device a command is for.

mod support;

use std::path::Path;

use std::process::Command;
use support::{Run, finish, otactl, simulator, ws};

/// Returns the command in an empty directory that holds all configuration of its user.
fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = otactl(args);
    command.current_dir(home).env("HOME", home).env("XDG_CONFIG_HOME", home.join(".config"));
    command
}

async fn run(home: &Path, args: &[&str]) -> Run {
    finish(command(home, args)).await
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a directory")
}

#[tokio::test]
async fn named_device_has_its_port_and_options_in_the_file() {
    let (device, home) = (simulator().await, home());
    let text = format!("[device.bench1]\nport = '{}'\ntimeout = '9s'\n", ws(&device));
    std::fs::write(home.path().join("otactl.toml"), text).expect("written");
    let below = home.path().join("a/b");
    std::fs::create_dir_all(&below).expect("created");
    for args in [&["-d", "bench1", "info"][..], &["info", "--device", "bench1"], &["-d", "b*", "info"]] {
        let mut command = command(home.path(), args);
        // The address of another device does not count for a device that is named.
        command.current_dir(&below).env("OTACTL_PORT", "ws://127.0.0.1:1");
        let run = finish(command).await;
        assert!(run.code == 0 && run.stdout.contains("fw_version"), "{args:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn command_line_wins_over_environment_and_file() {
    let (device, home) = (simulator().await, home());
    let text = "[defaults]\ndevice = 'far'\ntimeout = '100ms'\n[device.far]\nport = 'ws://127.0.0.1:1'\n";
    std::fs::write(home.path().join("otactl.toml"), text).expect("written");
    let port = ws(&device);
    assert_eq!(run(home.path(), &["ping"]).await.code, 3, "the default device");
    assert_eq!(run(home.path(), &["ping", "-p", &port]).await.code, 0);
    for variable in ["OTACTL_PORT", "MOS_PORT"] {
        let mut command = command(home.path(), &["ping"]);
        command.env(variable, &port);
        assert_eq!(finish(command).await.code, 0, "{variable}");
    }
    let mut both = command(home.path(), &["ping"]);
    both.env("OTACTL_PORT", &port).env("OTACTL_DEVICE", "far");
    let both = finish(both).await;
    assert!(both.code == 2 && both.stderr.contains("OTACTL_DEVICE and OTACTL_PORT"), "{}", both.shown());
    let both = run(home.path(), &["ping", "-p", &port, "-d", "far"]).await;
    assert!(both.code == 2 && both.stderr.contains("--device and --port"), "{}", both.shown());
}

#[tokio::test]
async fn mistake_in_the_file_is_named_before_anything_is_called() {
    let (device, home) = (simulator().await, home());
    let path = home.path().join("otactl.toml");
    for (line, words) in [
        ("tiemout = '3s'", "line 3: `tiemout` is not known"),
        ("timeout = 'soon'", "line 3: `timeout`: write it as `90s`"),
        ("baud-rate = 1", "line 3: `baud-rate`: "),
        ("timeout =", "line 3: "),
    ] {
        std::fs::write(&path, format!("[device.a]\nport = '{}'\n{line}\n", ws(&device))).expect("written");
        let run = run(home.path(), &["-d", "a", "commit"]).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{line}: {}", run.shown());
    }
}

#[tokio::test]
async fn commands_without_a_device_do_without_the_file() {
    let home = home();
    for text in ["broken = ", "[defaults]\ntimeout = 'soon'\n"] {
        std::fs::write(home.path().join("otactl.toml"), text).expect("written");
        for args in [&["--version"][..], &["update", "--help"], &["ports"]] {
            let run = run(home.path(), args).await;
            assert_eq!(run.code, 0, "{args:?}: {}", run.shown());
        }
        let listed = run(home.path(), &["devices"]).await;
        assert_eq!(listed.code, if text.starts_with("broken") { 2 } else { 0 }, "{}", listed.shown());
    }
}

#[cfg(unix)]
#[tokio::test]
async fn file_of_another_user_is_not_used_unless_it_is_named() {
    let home = home();
    let path = home.path().join("otactl.toml");
    std::fs::write(&path, "[defaults]\ntimeout = '1s'\n").expect("written");
    // Only the administrator can give a file away.
    if std::os::unix::fs::chown(&path, Some(12345), None).is_err() {
        return;
    }
    let refused = run(home.path(), &["-p", "ws://127.0.0.1:1", "ping"]).await;
    assert!(refused.code == 2 && refused.stderr.contains("belongs to another user"), "{}", refused.shown());
    let named = run(home.path(), &["--config", "otactl.toml", "-p", "ws://127.0.0.1:1", "ping"]).await;
    assert_eq!(named.code, 3, "{}", named.shown());
}

#[tokio::test]
async fn device_is_added_listed_probed_and_removed() {
    let (device, home) = (simulator().await, home());
    std::fs::write(home.path().join("creds"), "user:hidden").expect("written");
    let added =
        run(home.path(), &["devices", "add", "bench1", "-p", &ws(&device), "--rpc-creds", "@creds", "--timeout", "5s"])
            .await;
    let path = home.path().join(".config/otactl/config.toml");
    assert!(added.code == 0 && added.stderr.contains("bench1"), "{}", added.shown());
    let text = std::fs::read_to_string(&path).expect("a file");
    let creds = home.path().join("creds");
    assert_eq!(
        text,
        format!(
            "[device.bench1]\nport = \"{}\"\ntimeout = \"5s\"\nrpc-creds-file = \"{}\"\n",
            ws(&device),
            creds.display()
        )
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    }
    let used = run(home.path(), &["-d", "bench1", "ping"]).await;
    assert_eq!(used.code, 0, "{}", used.shown());
    // The file of the credentials is readable by others.
    assert!(cfg!(windows) || used.stderr.contains("chmod 600"), "{}", used.shown());

    let far = run(home.path(), &["devices", "add", "far", "--port", "ws://user:hidden@127.0.0.1:1"]).await;
    assert_eq!(far.code, 0, "{}", far.shown());
    let listed = run(home.path(), &["devices", "--probe"]).await;
    let rows: Vec<&str> = listed.stdout.lines().collect();
    assert!(rows[0].starts_with("NAME    WHERE") && rows[1].contains("slot 0, committed"), "{}", listed.shown());
    assert!(rows[2].starts_with("far ") && rows[2].contains("refused"), "{}", listed.shown());
    assert!(!listed.shown().contains("hidden"), "{}", listed.shown());
    let json = run(home.path(), &["--json", "devices", "--probe"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!((&json[0]["committed"], &json[1]["exit_code"]), (&true.into(), &3.into()), "{json}");

    assert_eq!(run(home.path(), &["devices", "remove", "bench1"]).await.code, 0);
    let again = run(home.path(), &["devices", "remove", "bench1"]).await;
    assert!(again.code == 2 && again.stderr.contains("no device `bench1`"), "{}", again.shown());
    let unknown = run(home.path(), &["-d", "bench1", "ping"]).await;
    assert!(unknown.code == 2 && unknown.stderr.contains("no device is named `bench1`"), "{}", unknown.shown());
}

#[tokio::test]
async fn device_that_cannot_be_named_changes_no_file() {
    let home = home();
    for (args, words) in [
        (&["add", "a"][..], "the port of the device is missing"),
        (&["add", "a*", "-p", "sim:"], "cannot be the name"),
        (&["add", "a", "-p", "what:"], "not a way to reach a device"),
        (&["add", "a", "-p", "sim:", "--rpc-creds", "u:p"], "a file of their own"),
        (&["add", "a", "-p", "ws://a", "-p", "ws://b"], "not for several devices"),
    ] {
        let run = run(home.path(), &[&["devices"], args].concat()).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{args:?}: {}", run.shown());
    }
    assert!(!home.path().join(".config").exists());
}

#[tokio::test]
async fn address_is_read_as_a_user_writes_it() {
    let device = simulator().await;
    let (home, host) = (home(), device.address().to_string());
    let bare = run(home.path(), &["-p", &host, "ping"]).await;
    assert!(bare.code == 0 && bare.stderr.contains(&format!("ws://{host}/rpc")), "{}", bare.shown());
    for (port, words) in [
        ("usb:no-such-serial", "no serial port has a USB device"),
        ("usb:12:34", "usb:VID:PID"),
        ("auto", "no USB serial port found"),
    ] {
        let run = run(home.path(), &["-p", port, "ping"]).await;
        // A machine with a board has a port to take.
        assert!(run.code == 2 && run.stderr.contains(words) || port == "auto", "{port}: {}", run.shown());
    }
}

/// Starts all commands at once.
async fn all_at_once(home: &Path, commands: &[Vec<String>]) {
    let running: Vec<_> = commands
        .iter()
        .map(|args| {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            tokio::spawn(finish(command(home, &args)))
        })
        .collect();
    for (run, args) in running.into_iter().zip(commands) {
        let run = run.await.expect("no panic");
        assert_eq!(run.code, 0, "{args:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn devices_that_are_added_and_removed_at_the_same_time_are_not_lost() {
    const COUNT: usize = 12;

    let home = home();
    let path = home.path().join(".config/otactl/config.toml");
    let devices = |args: &[&str]| [&["devices"], args].concat().into_iter().map(ToOwned::to_owned).collect();
    let add = |n: usize| devices(&["add", &format!("n{n}"), "-p", "sim:"]);
    all_at_once(home.path(), &(0..COUNT).map(add).collect::<Vec<_>>()).await;
    let text = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(text.matches("[device.n").count(), COUNT, "{text}");
    let change = |n: usize| if n < COUNT { devices(&["remove", &format!("n{n}")]) } else { add(n) };
    all_at_once(home.path(), &(COUNT / 2..COUNT * 3 / 2).map(change).collect::<Vec<_>>()).await;
    let text = std::fs::read_to_string(&path).expect("a file");
    for n in 0..COUNT * 3 / 2 {
        let is_there = text.contains(&format!("[device.n{n}]\n"));
        assert_eq!(is_there, !(COUNT / 2..COUNT).contains(&n), "n{n}: {text}");
    }
    let files = std::fs::read_dir(path.parent().expect("a directory")).expect("a directory");
    let files: Vec<_> = files.map(|file| file.expect("a file").file_name()).collect();
    assert!(cfg!(windows) || files == ["config.toml"], "{files:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn file_behind_a_link_is_changed_and_the_link_stays() {
    let home = home();
    let (real, link) = (home.path().join("real.toml"), home.path().join("link.toml"));
    std::fs::write(&real, "# mine\n").expect("written");
    std::os::unix::fs::symlink("real.toml", &link).expect("linked");
    let added = run(home.path(), &["--config", "link.toml", "devices", "add", "a", "-p", "sim:"]).await;
    assert_eq!(added.code, 0, "{}", added.shown());
    assert!(std::fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(std::fs::read_to_string(&real).expect("a file"), "# mine\n\n[device.a]\nport = \"sim:\"\n");
}

#[cfg(unix)]
#[tokio::test]
async fn config_that_is_no_regular_file_is_neither_read_nor_written() {
    use std::os::unix::fs::FileTypeExt as _;
    use std::time::{Duration, Instant};

    let (device, home) = (simulator().await, home());
    let fifo = support::fifo::fifo(home.path());
    let start = Instant::now();
    for (path, words) in [("fifo", "no regular file"), ("/dev/zero", "no regular file"), (".", "a directory")] {
        for args in [&["-p", &ws(&device), "ping"][..], &["devices"], &["devices", "remove", "b"]] {
            let run = run(home.path(), &[&["--config", path], args].concat()).await;
            assert_eq!(run.code, 2, "{path} {args:?}: {}", run.shown());
            assert!(run.stderr.contains(words) && run.stderr.contains("hint: "), "{path} {args:?}: {}", run.shown());
        }
    }
    let add = run(home.path(), &["--config", "fifo", "devices", "add", "b", "-p", "sim:"]).await;
    assert!(add.code == 2 && add.stderr.contains("no regular file"), "{}", add.shown());
    assert!(std::fs::metadata(&fifo).expect("a FIFO").file_type().is_fifo());
    // Without settings.
    std::fs::write(home.path().join("empty"), "").expect("written");
    for path in ["/dev/null", "empty"] {
        let run = run(home.path(), &["--config", path, "-p", &ws(&device), "ping"]).await;
        assert_eq!(run.code, 0, "{path}: {}", run.shown());
    }
    // The file of the user.
    std::fs::create_dir_all(home.path().join(".config/otactl")).expect("created");
    std::fs::rename(&fifo, home.path().join(".config/otactl/config.toml")).expect("moved");
    for (args, code) in [(&["--version"][..], 0), (&["explain", "8"], 0), (&["-p", &ws(&device), "ping"], 2)] {
        let run = run(home.path(), args).await;
        assert_eq!(run.code, code, "{args:?}: {}", run.shown());
    }
    assert!(start.elapsed() < Duration::from_secs(9), "each of them ends at once");
}

#[tokio::test]
async fn password_and_token_of_an_address_are_not_shown() {
    let home = home();
    let addresses = [
        "mqtt://u:hunter2@127.0.0.1:99999/d",
        "mqtt:u:hunter2@127.0.0.1/d",
        "u:hunter2@127.0.0.1",
        "ws://127.0.0.1:1/rpc?token=hunter2",
    ];
    let sections = addresses.iter().enumerate().map(|(n, address)| format!("[device.n{n}]\nport = '{address}'\n"));
    std::fs::write(home.path().join("otactl.toml"), sections.collect::<Vec<_>>().concat()).expect("written");
    let mut ports: Vec<&str> = addresses.iter().flat_map(|address| ["-p", address]).collect();
    ports.push("ping");
    for args in [&["devices"][..], &["--json", "devices"], &["devices", "--probe"], &ports] {
        let run = run(home.path(), args).await;
        assert!(run.shown().contains("127.0.0.1") && !run.shown().contains("hunter2"), "{args:?}: {}", run.shown());
    }
    for shell in ["zsh", "fish"] {
        let mut command = command(home.path(), &["--", "otactl", "-d", ""]);
        command.env("COMPLETE", shell).env("_CLAP_COMPLETE_INDEX", "2");
        let run = finish(command).await;
        assert!(run.stdout.contains("n0") && !run.shown().contains("hunter2"), "{shell}: {}", run.shown());
    }
}

#[tokio::test]
async fn device_that_is_added_again_keeps_what_is_not_given() {
    let home = home();
    let path = home.path().join("c.toml");
    let text = "# mine\r\n[device.a] # old\r\nport = 'sim:' # here\r\n# slow\r\ntimeout = '30s'\r\n";
    std::fs::write(&path, text).expect("written");
    let add = ["--config", "c.toml", "devices", "add", "a"];
    let variable = ("OTACTL_PORT", "ws://127.0.0.1:9");
    for (args, variable, expected) in [
        (&["-p", "ws://127.0.0.1:1"][..], None, text.replace("'sim:'", "\"ws://127.0.0.1:1\"")),
        // The variable may be meant for another device.
        (
            &["-p", "sim:", "--timeout", "5s"],
            Some(variable),
            text.replace("'30s'", "\"5s\"").replace("'sim:'", "\"sim:\""),
        ),
        (&["--timeout", "30s"], Some(variable), text.replace('\'', "\"")),
        (&[], Some(variable), text.replace("'sim:'", "\"ws://127.0.0.1:9\"").replace('\'', "\"")),
    ] {
        let mut command = command(home.path(), &[&add, args].concat());
        command.envs(variable);
        let run = finish(command).await;
        assert!(run.code == 0 && run.stderr.contains("changed"), "{args:?}: {}", run.shown());
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), expected, "{args:?}");
    }
    let mut new = command(home.path(), &["--config", "c.toml", "devices", "add", "b", "--timeout", "5s"]);
    new.env(variable.0, variable.1);
    let run = finish(new).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let text = std::fs::read_to_string(&path).expect("a file");
    assert!(text.ends_with("\r\n[device.b]\r\nport = \"ws://127.0.0.1:9\"\r\ntimeout = \"5s\"\r\n"), "{text}");
    let empty = finish(command(home.path(), &["devices", "add", "c", "-p", "sim:", "--rpc-creds", "@"])).await;
    assert!(empty.code == 2 && empty.stderr.contains("`--rpc-creds` names no file"), "{}", empty.shown());
}

#[tokio::test]
async fn device_that_the_project_has_too_is_named() {
    let home = home();
    std::fs::write(home.path().join("otactl.toml"), "[device.bench1]\nport = 'ws://127.0.0.1:1'\n").expect("written");
    for (args, is_warned) in [
        (&["devices", "add", "bench1", "-p", "sim:"][..], true),
        (&["devices", "add", "bench2", "-p", "sim:"], false),
        (&["devices", "remove", "bench1"], true),
        (&["devices", "remove", "bench2"], false),
        (&["--config", "otactl.toml", "devices", "add", "bench1", "-p", "sim:"], false),
    ] {
        let run = run(home.path(), args).await;
        assert_eq!(run.code, 0, "{args:?}: {}", run.shown());
        let words = ["otactl.toml", "has a device `bench1`, too, and wins"];
        let shown = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words.iter().all(|words| shown.contains(words)), is_warned, "{args:?}: {}", run.shown());
    }
}

#[tokio::test]
async fn empty_path_is_an_error_with_its_line() {
    let home = home();
    for path in ["''", "'.'"] {
        let text = format!("[device.a]\nport = 'ws://127.0.0.1:1'\nrpc-creds-file = {path}\n");
        std::fs::write(home.path().join("otactl.toml"), text).expect("written");
        let run = run(home.path(), &["-d", "a", "ping"]).await;
        assert!(run.code == 2 && !run.stderr.contains("chmod"), "{path}: {}", run.shown());
        let is_named = run.stderr.contains("otactl.toml, line 3: `rpc-creds-file` is empty");
        assert_eq!(is_named, path == "''", "{}", run.shown());
    }
}
