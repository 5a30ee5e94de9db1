//! Devices on a serial port: a real pseudo terminal, and a simulated UART with a real speed.
#![cfg(unix)]

mod support;

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::termios::{ControlFlags, SetArg, tcgetattr, tcsetattr};
use otactl::ota;
use otactl::rpc::{CallError, Device};
use otactl::sim::ports::uart::UartConfig;
use otactl::sim::{self, Simulator};
use otactl::transport::framing::Delimiter;
use otactl::transport::{self, Options, target::Target};
use support::{DEMO, REBOOT, assert_runs, finish, otactl, run_on, simulator};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::{Instant, timeout};
use tokio_serial::SerialPort as _;

/// Starts a simulated device on a serial port like this one, and returns the path of the port.
async fn device_on(uart: UartConfig) -> (Simulator, String) {
    let mut device = simulator().await;
    let path = device.serve_serial(uart).expect("a pseudo terminal");
    (device, path.display().to_string())
}

/// Connects to the device at this path through the library.
fn connect(path: &Path) -> Device {
    let target = Target::Serial(path.to_owned());
    Device::new(transport::connect(&target, &Options::default()).expect("a client"), Duration::from_secs(10))
}

#[tokio::test]
async fn serial_device_is_updated_and_committed() {
    let (_device, port) = device_on(UartConfig::default()).await;
    let run = run_on(&port, &["update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.contains("\nserve     the firmware at http://127.0.0.1:"), "{}", run.shown());
    assert_runs(&format!("serial://{port}"), "2.0.0", true).await;
}

#[tokio::test]
async fn sim_serial_address_starts_a_simulated_device() {
    let run = run_on("sim+serial:", &["update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stderr.starts_with("simulating esp32_AABBCC at /dev/"), "{}", run.shown());
}

/// Most boards use one UART for frames and console.
#[tokio::test]
async fn frames_between_console_lines_are_found() {
    let (_device, port) = device_on(UartConfig { console_noise: true, ..UartConfig::default() }).await;
    let run = run_on(&port, &["-v", "update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    // Control characters are shown as a dot.
    for line in ["größtes Stück 110580 {\"uptime\": 12}\n", "wifi: ·[32mbcn timeout·[0m ☂\n"] {
        assert!(run.stderr.contains(line), "{line}: {}", run.shown());
    }
}

/// Firmware that knows only the old delimiter ignores lines. otactl detects it, and executes nothing twice.
#[tokio::test]
async fn firmware_with_quoted_framing_is_detected() {
    let (device, port) = device_on(UartConfig { only: Some(Delimiter::Quoted), ..UartConfig::default() }).await;
    let mut console = device.console();
    let run = run_on(&port, &["call", "OTA.CreateSnapshot", "{\"set_as_revert\": false}"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(run.stdout.contains("\"slot\": 1"), "{}", run.shown());
    let mut called = Vec::new();
    while let Ok(line) = console.try_recv() {
        called.push(line);
    }
    assert_eq!(called.iter().filter(|line| *line == "OTA.CreateSnapshot").count(), 1, "{called:?}");

    let run = run_on(&port, &["--serial-framing", "quoted", "--timeout", "400ms", "ping"]).await;
    assert_eq!(run.code, 0, "no time is lost if it is said: {}", run.shown());
    let run = run_on(&port, &["--serial-framing", "line", "--timeout", "400ms", "ping"]).await;
    assert_eq!(run.code, 5, "{}", run.shown());
    let run = run_on(&port, &["update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

/// After a run of `mos`, a device answers in quotes until it reboots.
#[tokio::test]
async fn call_after_a_mos_handshake_is_answered() {
    let (_device, port) = device_on(UartConfig::default()).await;
    let mut mos = tokio_serial::SerialStream::open(&tokio_serial::new(&port, 115_200)).expect("the port");
    let read_until = async |mos: &mut tokio_serial::SerialStream, wanted: &str| {
        let mut read_until = Vec::new();
        while !String::from_utf8_lossy(&read_until).contains(wanted) {
            let byte = timeout(Duration::from_secs(5), mos.read_u8()).await;
            read_until.push(byte.unwrap_or_else(|_| panic!("no {wanted}: {read_until:?}")).expect("readable"));
        }
    };
    mos.write_all(b"\"\"\"\x04\"\"\"\n\n").await.expect("sent");
    read_until(&mut mos, "\"\"\"\x04\"\"\"").await;
    mos.write_all(b"\"\"\"{\"id\":1,\"method\":\"RPC.Ping\"}\"\"\"\n").await.expect("sent");
    read_until(&mut mos, "\"\"\"{\"id\":1,\"src\":\"esp32_AABBCC\",\"result\":{\"channel_info\": \"UART0\"}}\"\"\"")
        .await;
    drop(mos);
    let run = run_on(&port, &["--timeout", "500ms", "get-boot-state"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[tokio::test]
async fn unopenable_port_is_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let missing = directory.path().join("ttyUSB9").display().to_string();
    let run = run_on(&missing, &["ping"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{}", run.shown());
    assert!(run.stderr.contains(&format!("cannot reach {missing}: there is no such port\nhint: ")), "{}", run.shown());
    let run = run_on("/dev/null", &["ping"]).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(run.stderr.contains("/dev/null: it is not a serial port\nhint: "), "{}", run.shown());
}

/// The hint names the group of the port, which the user has to join. root can open every port, so the program runs as
/// another user.
#[tokio::test]
async fn port_without_permission_names_the_group() {
    use std::os::unix::fs::MetadataExt as _;
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;

    let (_device, port) = device_on(UartConfig::default()).await;
    let gid = std::fs::metadata(&port).expect("the port").gid();
    let group = nix::unistd::Group::from_gid(gid.into()).expect("groups").expect("a group").name;
    std::fs::set_permissions(&port, std::fs::Permissions::from_mode(0o000)).expect("ours");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).expect("ours");
    let program = directory.path().join("otactl");
    std::fs::copy(env!("CARGO_BIN_EXE_otactl"), &program).expect("a copy");
    let mut command = std::process::Command::new(program);
    command.args(["--port", &port, "ping"]).current_dir("/").stdin(Stdio::null());
    if nix::unistd::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let run = finish(command).await;
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(run.stderr.contains("no permission to open it\nhint: "), "{}", run.shown());
    // The hint never names the group of root.
    assert_eq!(run.stderr.contains(&format!("usermod -aG {group} ")), gid != 0, "{}", run.shown());
}

/// Two programs that read one port take each other's bytes.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn port_in_use_names_the_program() {
    // No device answers on this port, so the first program keeps running.
    let (_silent, host) = tokio_serial::SerialStream::pair().expect("a pseudo terminal");
    let port = host.name().expect("a name");
    let mut first = otactl(&["--port", &port, "-v", "--timeout", "30s", "ping"]);
    let mut first = first.stderr(Stdio::piped()).spawn().expect("it starts");
    let stderr = first.stderr.take().expect("a pipe");
    tokio::task::spawn_blocking(move || {
        use std::io::{BufRead as _, BufReader};
        assert!(BufReader::new(stderr).lines().map_while(Result::ok).any(|line| line.contains("connected")));
    })
    .await
    .expect("it has the port");
    let run = run_on(&port, &["ping"]).await;
    let holder = format!("cannot reach {port}: it is held by `otactl` (process {})\nhint: ", first.id());
    let _ = first.kill();
    let _ = first.wait();
    assert_eq!(run.code, 3, "{}", run.shown());
    assert!(run.stderr.contains(&holder), "{holder}: {}", run.shown());
}

/// Dropping DTR when the port is closed resets many boards.
#[tokio::test]
async fn closing_the_port_keeps_the_control_lines() {
    let (_device, port) = device_on(UartConfig::default()).await;
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&port).expect("the port");
    let mut termios = tcgetattr(&file).expect("a terminal");
    termios.control_flags.insert(ControlFlags::HUPCL);
    tcsetattr(&file, SetArg::TCSANOW, &termios).expect("set");
    assert_eq!(run_on(&port, &["ping"]).await.code, 0);
    assert!(!tcgetattr(&file).expect("a terminal").control_flags.contains(ControlFlags::HUPCL));
}

/// Dropping the link, as at each reboot, does not close the port: opening it again could reset the board while its
/// firmware is uncommitted.
#[tokio::test]
async fn port_stays_open_between_links() {
    let (_device, port) = device_on(UartConfig::default()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("board");
    symlink(&port, &path).expect("a link");
    let device = connect(&path);
    device.call(ota::GetInfo {}).await.expect("an answer");
    std::fs::remove_file(&path).expect("removed");
    device.drop_link();
    device.call(ota::GetInfo {}).await.expect("an answer over the same port");
}

/// The port of a board with native USB disappears when the board reboots.
#[tokio::test]
async fn call_after_a_port_reappears_is_answered() {
    let (board, port) = device_on(UartConfig::default()).await;
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("board");
    symlink(&port, &path).expect("a link");
    let device = connect(&path);
    device.call(ota::GetInfo {}).await.expect("an answer");
    drop(board);
    std::fs::remove_file(&path).expect("removed");
    let gone = device.call(ota::Commit {}).await.expect_err("the device is gone");
    let is_reported = matches!(gone, CallError::Lost { .. } | CallError::Unreachable { .. });
    assert!(is_reported, "{gone:?}");
    let (_board, port) = device_on(UartConfig::default()).await;
    symlink(&port, &path).expect("a link");
    device.call(ota::GetInfo {}).await.expect("an answer over the new port");
}

/// Bytes that arrive after XOFF are lost.
#[tokio::test]
async fn xoff_pauses_and_xon_resumes_sending() {
    let (mut board, host) = tokio_serial::SerialStream::pair().expect("a pseudo terminal");
    let device = connect(&PathBuf::from(host.name().expect("a name")));
    let call = tokio::spawn(async move {
        let params = serde_json::json!({"x": "y".repeat(2500)});
        device.call_raw("Big.Call", params, false, Duration::from_secs(10)).await
    });
    let mut bytes = vec![0; 4096];
    let mut read = board.read(&mut bytes).await.expect("bytes");
    board.write_all(b"\x13").await.expect("sent");
    let silence = Duration::from_millis(500);
    while let Ok(more) = timeout(silence, board.read(&mut bytes)).await {
        read += more.expect("bytes");
    }
    assert!((1..600).contains(&read), "{read} bytes came before it stopped");
    board.write_all(b"\x11").await.expect("sent");
    let mut read_until = Vec::new();
    while !read_until.ends_with(b"\n") {
        let more = timeout(silence, board.read(&mut bytes)).await.expect("it goes on").expect("bytes");
        read_until.extend_from_slice(&bytes[..more]);
    }
    call.abort();
    assert!(read + read_until.len() > 2500, "all of it came: {}", read + read_until.len());
}

/// Makes `count` concurrent calls of about `bytes` each. Returns how long they took, and how many the device got.
async fn many_calls(uart: UartConfig, count: usize, bytes: usize) -> (Duration, usize) {
    let (board, port) = device_on(uart).await;
    let mut console = board.console();
    let seen = tokio::spawn(async move {
        let mut seen = 0;
        while console.recv().await.is_ok() {
            seen += 1;
        }
        seen
    });
    let device = connect(&PathBuf::from(port));
    let started = Instant::now();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..count {
        let device = device.clone();
        let params = serde_json::json!({"name": format!("{number:x<0$}", bytes - 80)});
        calls.spawn(async move { device.call_raw("RPC.Describe", params, true, Duration::from_secs(60)).await });
    }
    while let Some(answer) = calls.join_next().await {
        let error = answer.expect("no panic").expect_err("there is no such method");
        assert!(error.remote_error().is_some_and(|error| error.code == 404), "{error:?}");
    }
    let took = started.elapsed();
    drop(board);
    (took, seen.await.expect("no panic"))
}

/// The device pauses for 20 ms after every 512 bytes, as if it wrote flash. No frame is lost, and little time.
#[tokio::test]
async fn calls_to_a_pausing_device_are_sent_once() {
    let pause = Some((512, Duration::from_millis(20)));
    let (took, seen) = many_calls(UartConfig { pause, ..UartConfig::default() }, 20, 500).await;
    assert_eq!(seen, 20, "no frame had to be sent twice");
    assert!(took < Duration::from_millis(1600), "10 kB and 19 pauses take 1.25 s: {took:?}");
}

/// otactl detects that a device loses bytes without flow control, and sends as fast as the device can read.
#[tokio::test]
async fn calls_without_flow_control_are_all_answered() {
    let pause = Some((512, Duration::from_millis(80)));
    let (_, seen) = many_calls(UartConfig { pause, flow_control: false, ..UartConfig::default() }, 12, 300).await;
    assert!(seen >= 12, "every call was answered; {seen} arrived");
}

/// The message tells what came from the line instead of a reply.
#[tokio::test]
async fn silence_on_a_serial_line_is_explained() {
    for (sent, expected) in [
        (&b""[..], ": nothing at all came from it\nhint: is the board powered"),
        (
            &b"\xff\x80\xf0 garbage\n"[..],
            ": 12 bytes came at 115200 baud, and none of them was an answer\nhint: `-v` shows what came",
        ),
        (&b"{\"id\":1,\"resu\n"[..], ": a frame came damaged\nhint: is `--baud-rate` that of the device"),
    ] {
        let (mut board, host) = tokio_serial::SerialStream::pair().expect("a pseudo terminal");
        let port = host.name().expect("a name");
        let run = tokio::spawn(async move { run_on(&port, &["--timeout", "500ms", "ping"]).await });
        assert_eq!(board.read_u8().await.expect("the first byte"), b'\n');
        board.write_all(sent).await.expect("sent");
        let run = run.await.expect("no panic");
        assert_eq!(run.code, 5, "{}", run.shown());
        assert!(run.stderr.contains(expected), "{expected}: {}", run.shown());
    }
}

/// On this line, a single reply takes a quarter of a second.
#[tokio::test]
async fn update_over_a_slow_line_succeeds() {
    let board = sim::Config { reboot_delay: REBOOT, ..sim::Config::default() };
    let mut board = support::simulator_with(board).await;
    let port =
        board.serve_serial(UartConfig { baud_rate: 19_200, ..UartConfig::default() }).expect("a pseudo terminal");
    let run = run_on(&port.display().to_string(), &["--baud-rate", "19200", "update", DEMO]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}
