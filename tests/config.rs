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
