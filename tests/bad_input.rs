//! Wrong input: otactl prints one line with the error and one hint, exits with the right code within the deadline, and
//! changes nothing on the device.

mod support;

use std::time::{Duration, Instant};

use otactl::bundle::archive::{self, ZipRecord};
use support::peers::{Behaviour, ClosedPort, FullBacklog, Peer};
use support::{DEMO, Run, run, run_on, simulator};

/// Exit codes of the manual.
const UNREACHABLE: i32 = 3;
const TIMED_OUT: i32 = 5;
const REFUSED: i32 = 7;

/// Checks that stderr has one error line with `message` and one hint, and nothing else.
fn assert_error(run: &Run, code: i32, message: &str) {
    let lines: Vec<_> = run.stderr.lines().collect();
    assert_eq!(run.code, code, "{message}: {}", run.shown());
    assert_eq!(run.stdout, "", "{message}: {}", run.shown());
    assert_eq!(lines.len(), 2, "{message}: {}", run.shown());
    assert!(lines[0].starts_with("error: ") && lines[0].contains(message), "{message}: {}", run.shown());
    assert!(lines[1].starts_with("hint: "), "{message}: {}", run.shown());
}

#[tokio::test]
async fn closed_port_is_reported_within_5_s() {
    let closed = ClosedPort::new();
    let address = closed.address;
    for scheme in ["ws", "http", "wss", "https", "tcp"] {
        let started = Instant::now();
        let run = run_on(&format!("{scheme}://{address}"), &["ping"]).await;
        assert_error(&run, UNREACHABLE, "the connection was refused");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn closed_udp_port_is_reported_within_5_s() {
    let started = Instant::now();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    drop(socket);
    let run = run_on(&format!("udp://{address}"), &["ping"]).await;
    assert_error(&run, UNREACHABLE, "no program listens on that port");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test]
async fn host_that_drops_packets_times_out() {
    let full_backlog = FullBacklog::start();
    for scheme in ["ws", "http", "wss", "https"] {
        let started = Instant::now();
        let run = run_on(&format!("{scheme}://{}", full_backlog.address), &["--timeout", "1", "ping"]).await;
        assert_error(&run, UNREACHABLE, "no answer within");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn silent_peer_times_out() {
    let silent = Peer::start(Behaviour::Silent).await;
    let silent_websocket = Peer::start(Behaviour::WebSocketSilent).await;
    for (port, code, message) in [
        (silent.ws(), UNREACHABLE, "no answer within"),
        (silent.http(), TIMED_OUT, "no answer to RPC.Ping"),
        (silent_websocket.ws(), TIMED_OUT, "no answer to RPC.Ping"),
        (format!("wss://{}", silent.address), UNREACHABLE, "no answer within"),
        (format!("https://{}", silent.address), UNREACHABLE, "no answer within"),
    ] {
        let started = Instant::now();
        let run = run_on(&port, &["--timeout", "1s", "ping"]).await;
        assert_error(&run, code, message);
        assert!(started.elapsed() < Duration::from_secs(3), "{port}: {:?}", started.elapsed());
    }
}

#[tokio::test]
async fn garbage_reply_is_reported_as_not_a_device() {
    let not_a_device = "is not the RPC service of a Mongoose OS device";
    for (behaviour, schemes) in [
        (Behaviour::Replies(b"SSH-2.0-OpenSSH_9.2\r\n"), &["ws", "http"][..]),
        (Behaviour::Replies(b""), &["ws"]),
        (Behaviour::Replies(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), &["ws", "http"]),
        (Behaviour::Replies(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), &["ws", "http"]),
        (Behaviour::Replies(b"HTTP/1.1 200 OK\r\nContent-Length: 24\r\n\r\n{\"id\": 77, \"result\": 1  }"), &["http"]),
        (Behaviour::WebSocketReplies("\u{1b}[31mhello"), &["ws"]),
        (Behaviour::WebSocketReplies(r#"{"id": 1"#), &["ws"]),
    ] {
        let peer = Peer::start(behaviour).await;
        for scheme in schemes {
            let run = run_on(&format!("{scheme}://{}", peer.address), &["ping"]).await;
            assert_error(&run, UNREACHABLE, not_a_device);
            assert!(!run.stderr.contains('\u{1b}'), "nothing of it reaches the terminal as it is: {}", run.shown());
        }
    }
}

/// A reply without an end must not fill the memory.
#[tokio::test]
async fn endless_reply_is_refused_as_too_large() {
    static ENDLESS: [u8; 3 << 20] = {
        let mut bytes = [b' '; 3 << 20];
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n";
        let mut at = 0;
        while at < head.len() {
            bytes[at] = head[at];
            at += 1;
        }
        bytes
    };
    let peer = Peer::start(Behaviour::Replies(&ENDLESS)).await;
    assert_error(&run_on(&peer.http(), &["ping"]).await, UNREACHABLE, "larger than");
}

#[tokio::test]
async fn tls_to_a_plain_port_is_reported() {
    let device = simulator().await;
    for scheme in ["wss", "https"] {
        let run = run_on(&format!("{scheme}://{}", device.address()), &["ping"]).await;
        assert_error(&run, UNREACHABLE, "the port does not speak TLS");
    }
}

#[tokio::test]
async fn unknown_host_is_reported() {
    // The name is too long, so that the answer does not depend on the network of the test.
    let host = "x".repeat(64);
    for scheme in ["ws", "http"] {
        let run = run_on(&format!("{scheme}://{host}.invalid"), &["ping"]).await;
        assert_error(&run, UNREACHABLE, "the host name cannot be resolved");
    }
}

/// A device would refuse these bundles. otactl refuses each of them before it dials the device.
#[tokio::test]
async fn bad_bundle_is_refused_before_the_device_is_called() {
    let device = simulator().await;
    let mut console = device.console();
    let port = format!("ws://{}", device.address());
    let scratch = tempfile::tempdir().expect("a directory");
    let good = std::fs::read(support::file(DEMO)).expect("the demo");
    let write = |name: &str, bytes: &[u8]| {
        let path = scratch.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path.display().to_string()
    };
    let changed = |at: usize, bytes: &[u8]| {
        let mut zip = good.clone();
        zip[at..at + bytes.len()].copy_from_slice(bytes);
        zip
    };
    let manifest = good.windows(13).position(|w| w == b"manifest.json").expect("a name");
    let app = good.windows(4).enumerate().filter(|(_, w)| *w == b"PK\x03\x04").nth(1).expect("a second file").0;
    let mut bomb = good.clone();
    // The local header of the app: stored, 8 bytes that claim to unpack to 4 GiB.
    bomb[app + 18..app + 26].copy_from_slice(&[8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    // A manifest with an uppercase digest, which is otherwise right.
    let ZipRecord::Entry(header, len) = archive::next(&good) else { panic!("a bundle begins with a file") };
    let (mut capitals, manifest_end) = (good.clone(), len + header.size as usize);
    let digest = good.windows(12).position(|w| w == b"\"cs_sha1\": \"").expect("a digest") + 12;
    capitals[digest..digest + 40].make_ascii_uppercase();
    let crc32 = crc32fast::hash(&capitals[len..manifest_end]);
    capitals[14..18].copy_from_slice(&crc32.to_le_bytes());
    for (path, message) in [
        ("/no/such/fw.zip".into(), "No such file"),
        (scratch.path().display().to_string(), "it is a directory"),
        (write("empty.zip", b""), "it is empty"),
        (write("text.zip", b"this is not a zip"), "it is not a zip file"),
        (write("cut.zip", &good[..good.len() / 2]), "cut off"),
        (write("cut-end.zip", &good[..good.len() - 1]), "cut off"),
        (write("name.zip", &changed(manifest, b"manifest.jsox")), "is not the first file"),
        (write("nested.zip", &changed(manifest - 13, b"/")), "is nested too deeply"),
        (write("capitals.zip", &capitals), "SHA-1 is in upper case in the manifest"),
        (write("damaged.zip", &changed(good.len() / 2, b"XXXX")), "is damaged"),
        (write("method.zip", &changed(app + 8, &[8, 0])), "is compressed"),
        (write("encrypted.zip", &changed(app + 6, &[1, 0])), "is encrypted"),
        (write("streamed.zip", &changed(app + 6, &[8, 0])), "follows its data"),
        (write("bomb.zip", &bomb), "is said to have 4294967295 bytes in 8"),
        (write("lies.zip", &changed(app + 18, &[0xff; 8])), "only"),
        ("tests/wire/firmware/deflate.zip".into(), "is compressed"),
        ("tests/wire/firmware/badsha.zip".into(), "SHA-1 is not the one in the manifest"),
        ("tests/wire/firmware/noman.zip".into(), "is not the first file"),
        ("tests/wire/firmware/junk.zip".into(), "it is not a zip file"),
    ] {
        let run = run_on(&port, &["update", &path]).await;
        assert_error(&run, REFUSED, message);
        assert!(run.stderr.contains(&path), "it says which file: {}", run.shown());
    }
    assert!(console.try_recv().is_err(), "the device was not even asked");
}

/// The bundle is good, but not for this device.
#[tokio::test]
async fn bundle_for_another_platform_or_app_is_refused() {
    let device = simulator().await;
    let mut console = device.console();
    let port = format!("http://{}", device.address());
    for (path, message) in [
        ("tests/wire/firmware/wrongplat.zip", "the firmware is for esp8266, but the device is an esp32"),
        ("tests/wire/firmware/good.zip", "the firmware is the app `mgdev`, but the device runs `demo`"),
    ] {
        let run = run_on(&port, &["update", "--quiet", path]).await;
        assert_error(&run, REFUSED, message);
    }
    drop(device);
    let read_only_methods = ["Sys.GetInfo", "OTA.GetBootState", "OTA.Status", "RPC.List", "RPC.Describe", "Config.Get"];
    while let Ok(line) = console.try_recv() {
        assert!(read_only_methods.contains(&line.as_str()), "only looked at: {line}");
    }
}

#[tokio::test]
async fn unavailable_listen_address_is_refused_before_the_update() {
    let device = simulator().await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let port = format!("ws://{}", device.address());
    let run = run_on(&port, &["--quiet", "update", DEMO, "--listen", &address]).await;
    assert_error(&run, REFUSED, "the port is in use by another program");
    let run = run_on(&port, &["--quiet", "update", DEMO, "--listen", "192.0.2.1:80"]).await;
    assert_error(&run, REFUSED, "this machine has no such address");
    assert!(run_on(&port, &["info"]).await.stdout.contains("1.0.0"));
}

#[tokio::test]
async fn simulator_that_cannot_start_is_reported() {
    let scratch = tempfile::tempdir().expect("a directory");
    std::fs::write(scratch.path().join("flash.json"), "{}").expect("written");
    let state = scratch.path().display().to_string();
    let run = run(&["simulate", "--listen", "127.0.0.1:0", "--state", &state]).await;
    assert_error(&run, 1, "cannot start the device from");
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = port.local_addr().expect("an address").to_string();
    let run = support::run(&["simulate", "--listen", &address]).await;
    assert_error(&run, 1, "cannot listen on");
}

/// A device, or a peer that pretends to be one, must not control the terminal.
#[tokio::test]
async fn device_text_is_shown_without_control_characters() {
    static ANSWER: &str = "HTTP/1.1 200 OK\r\nContent-Length: 220\r\n\r\n\
        {\"id\":1,\"result\":{\"id\":\"\\u001b[31mred\\nerror: forged\",\"app\":\"\u{9b}2J\",\"fw_version\":\"\\u202e1\",\"fw_id\":\"b\",\
        \"arch\":\"esp32\",\"uptime\":1,\"active_slot\":0,\"is_committed\":true,\"state\":0}}\r\n";
    let body = ANSWER.split_once("\r\n\r\n").expect("a body").1;
    let answer = ANSWER.replace("220", &body.len().to_string());
    let peer = Peer::start(Behaviour::Replies(answer.leak().as_bytes())).await;
    let update = run_on(&peer.http(), &["update", DEMO, "--dry-run", "--force"]).await;
    assert_eq!(update.code, 0, "{}", update.shown());
    assert!(update.stderr.contains("·[31mred·error: forged (esp32): slot 0 runs ·2J ·1 (b)"), "{}", update.shown());
    let info = run_on(&peer.http(), &["info"]).await;
    assert!(info.stdout.contains("\"app\": \"\\u009b2J\""), "{}", info.shown());
    for text in [update.shown(), info.shown()] {
        assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    }
}
