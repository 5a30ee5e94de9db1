//! Replays the recorded bytes against the simulated device, which has to answer like the recorded device. The decoder
//! of otactl has to accept everything that the device sent.
//!
//! If one of these tests fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not
//! count.

mod support;

use std::collections::HashSet;

use otactl::rpc::frame::{self, Incoming};
use otactl::sim::auth::Algorithm;
use support::frames::{masked, payloads, read_frame, read_head};
use support::recording::{
    Case, REPLY_TIMEOUT, ReplayBench, normalized, normalized_http, reboots_after, recording, wait_until_recorded,
};
use support::{recorded_device, recorded_device_with_auth};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn websocket_answers_as_recorded() {
    let mut bench = ReplayBench::new().await;
    let mut seen = HashSet::new();
    for case in recording("ws.json").cases {
        // These two cases were recorded on their own new devices. The recorder caused their end, by a FIN or an RST: a
        // chip that resets sends neither.
        if case.case.starts_with("ws_reboot_drop") {
            bench = ReplayBench::new().await;
        }
        replay_websocket(&mut bench, &case).await;
        if reboots_after(&case) {
            bench.console.wait_for_boot().await;
        }
        seen.insert(case.case);
    }
    assert_eq!(seen.len(), 32, "all cases were replayed: {seen:?}");
}

async fn replay_websocket(bench: &mut ReplayBench, case: &Case) {
    const PLAIN: &str = "GET /rpc HTTP/1.1\r\nUpgrade: websocket\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: khwbG9Ad7vwpTSnqoVpVRQ==\r\nConnection: Upgrade\r\n\r\n";
    let name = &case.case;
    let started = Instant::now();
    let mut socket: Option<TcpStream> = None;
    for event in &case.events {
        let bytes = event.bytes();
        match (event.from.as_deref(), event.text.is_some()) {
            (Some("host"), true) => {
                let mut fresh = TcpStream::connect(bench.device.address()).await.expect("a connection");
                fresh.write_all(&bytes).await.expect("sent");
                socket = Some(fresh);
            }
            (Some("device"), true) => {
                let socket = socket.as_mut().expect("a connection");
                let head = read_head(socket).await;
                assert_eq!(head, String::from_utf8_lossy(&bytes), "{name}");
            }
            (Some("host"), false) => {
                wait_until_recorded(case, event.t, started).await;
                if socket.is_none() {
                    let mut fresh = TcpStream::connect(bench.device.address()).await.expect("a connection");
                    fresh.write_all(PLAIN.as_bytes()).await.expect("sent");
                    read_head(&mut fresh).await;
                    socket = Some(fresh);
                }
                let socket = socket.as_mut().expect("a connection");
                for payload in payloads(&bytes) {
                    let text = bench.with_local_address(&String::from_utf8_lossy(&payload));
                    socket.write_all(&masked(text.as_bytes())).await.expect("sent");
                }
            }
            (Some("device"), false) => {
                for payload in payloads(&bytes) {
                    let expected = String::from_utf8(payload).expect("ASCII");
                    let answer = read_frame(socket.as_mut().expect("a connection")).await;
                    let answer = answer.unwrap_or_else(|| panic!("{name}: closed instead of {expected}"));
                    assert_eq!(normalized(&answer), normalized(&expected), "{name}");
                    assert!(frame::decode(answer.as_bytes()).is_ok(), "{name}: {answer}");
                }
            }
            _ => {}
        }
    }
    if name == "malformed_frame" {
        assert_eq!(read_frame(socket.as_mut().expect("a connection")).await, None, "an invalid frame closes");
    }
}

/// Returns the recordings of a UART, and the configurations of the recorded devices.
fn uart_recordings() -> [(&'static str, otactl::sim::Config); 3] {
    [
        ("uart.json", recorded_device()),
        ("uart-md5.json", recorded_device_with_auth("esp32_AUTHMD5", Algorithm::Md5)),
        ("uart-sha256.json", recorded_device_with_auth("esp32_AUTHSHA256", Algorithm::Sha256)),
    ]
}

/// The lines go through a pseudo terminal with a simulated UART.
#[cfg(unix)]
#[tokio::test]
async fn uart_answers_as_recorded() {
    for (name, config) in uart_recordings() {
        let mut bench = ReplayBench::with(config).await;
        let path =
            bench.device.serve_serial(otactl::sim::ports::uart::UartConfig::default()).expect("a pseudo terminal");
        let port = tokio_serial::new(path.to_string_lossy(), 115_200);
        let mut port = BufReader::new(tokio_serial::SerialStream::open(&port).expect("the port"));
        let mut compared = 0;
        for case in recording(name).cases {
            compared += replay_lines(&bench, &mut port, &case).await;
            if reboots_after(&case) {
                bench.console.wait_for_boot().await;
            }
        }
        assert!(compared >= 9, "{name}: {compared}");
    }
}

/// TCP has the same lines as a UART.
#[tokio::test]
async fn lines_answer_as_recorded() {
    for (name, config) in uart_recordings() {
        let mut bench = ReplayBench::with(config).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        bench.device.serve_tcp(listener);
        let mut compared = 0;
        for case in recording(name).cases {
            let mut socket = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
            compared += replay_lines(&bench, &mut socket, &case).await;
            if reboots_after(&case) {
                bench.console.wait_for_boot().await;
            }
        }
        assert!(compared >= 9, "{name}: {compared}");
    }
}

/// Replays the lines of one case, and returns how many replies were compared.
async fn replay_lines<S>(bench: &ReplayBench, line: &mut BufReader<S>, case: &Case) -> usize
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let started = Instant::now();
    let mut compared = 0;
    for event in &case.events {
        let text = String::from_utf8(event.bytes()).expect("ASCII");
        match event.from.as_deref() {
            Some("host") => {
                wait_until_recorded(case, event.t, started).await;
                // The CRC covers the whole frame, and depends on the address in it.
                let json = &text[..text.rfind('}').map_or(0, |end| end + 1)];
                let request = bench.with_local_address(json);
                let said = if request == json { text } else { format!("{request}{:08x}\n", crc32(&request)) };
                line.write_all(said.as_bytes()).await.expect("sent");
            }
            Some("device") => {
                let answer = read_reply(line, &case.case).await;
                let (json, crc) = answer.split_at(answer.len() - 8);
                assert_eq!(crc, format!("{:08x}", crc32(json)), "{}: {answer}", case.case);
                let expected = text.trim_matches('\n');
                assert_eq!(normalized(json), normalized(&expected[..expected.len() - 8]), "{}", case.case);
                compared += 1;
            }
            _ => {}
        }
    }
    compared
}

fn crc32(text: &str) -> u32 {
    crc32fast::hash(text.as_bytes())
}

/// Reads a reply, which follows an empty line.
async fn read_reply<S: AsyncRead + Unpin>(socket: &mut BufReader<S>, name: &str) -> String {
    let mut line = String::new();
    for expected in ["an empty line", "a reply"] {
        line.clear();
        let read = timeout(REPLY_TIMEOUT, socket.read_line(&mut line)).await;
        read.unwrap_or_else(|_| panic!("{name}: no {expected}")).expect("readable");
    }
    line.trim_end().to_owned()
}

#[tokio::test]
async fn http_answers_as_recorded() {
    assert_eq!(replay_http("http.json", &mut ReplayBench::new().await).await, 28);
}

#[tokio::test]
async fn http_rest_answers_as_recorded() {
    assert_eq!(replay_http("http-rest.json", &mut ReplayBench::new().await).await, 28);
}

/// The replay uses the nonces and cnonces of the recording, at the time of the recording.
#[tokio::test]
async fn credentials_are_checked_as_recorded() {
    for (kind, id, algorithm) in
        [("md5", "esp32_AUTHMD5", Algorithm::Md5), ("sha256", "esp32_AUTHSHA256", Algorithm::Sha256)]
    {
        let mut bench = ReplayBench::with(recorded_device_with_auth(id, algorithm)).await;
        for case in recording(&format!("ws-{kind}.json")).cases {
            replay_websocket(&mut bench, &case).await;
        }
        assert!(replay_http(&format!("http-{kind}.json"), &mut bench).await >= 7, "{kind}");
        assert!(replay_http(&format!("http-rest-{kind}.json"), &mut bench).await >= 5, "{kind}");
    }
}

async fn replay_http(name: &str, bench: &mut ReplayBench) -> usize {
    let cases = recording(name).cases;
    for case in &cases {
        let started = Instant::now();
        // Each request has its own connection. Answers are compared in the order of arrival.
        let (answer, mut answers) = mpsc::unbounded_channel();
        for event in &case.events {
            match event.from.as_deref() {
                Some("host") => {
                    wait_until_recorded(case, event.t, started).await;
                    let request = bench.with_local_address(event.text.as_deref().expect("requests are text"));
                    let mut socket = TcpStream::connect(bench.device.address()).await.expect("a connection");
                    let answer = answer.clone();
                    tokio::spawn(async move {
                        socket.write_all(request.as_bytes()).await.expect("sent");
                        let mut response = String::new();
                        // The device closes the connection, which ends the answer.
                        socket.read_to_string(&mut response).await.expect("an answer");
                        let _ = answer.send(response);
                    });
                }
                Some("device") => {
                    let expected = event.text.as_deref().expect("answers are text");
                    let response = timeout(REPLY_TIMEOUT, answers.recv()).await;
                    let response = response.unwrap_or_else(|_| panic!("{}: no answer like {expected}", case.case));
                    assert_eq!(
                        normalized_http(&response.expect("an answer"), normalized),
                        normalized_http(expected, normalized),
                        "{}",
                        case.case
                    );
                }
                _ => {}
            }
        }
        if reboots_after(case) {
            bench.console.wait_for_boot().await;
        }
    }
    cases.len()
}

/// Covers all JSON that the device sent, on any channel, with or without credentials.
#[test]
fn decoder_accepts_every_recorded_reply() {
    let mut replies = 0;
    for name in [
        "ws.json",
        "ws-md5.json",
        "ws-sha256.json",
        "http.json",
        "http-md5.json",
        "http-sha256.json",
        "ota2019-ws.json",
        "ota2022-ws.json",
        "ota2022-http.json",
    ] {
        for case in recording(name).cases.iter().filter(|case| !case.case.starts_with("rest_")) {
            for event in case.events.iter().filter(|event| event.from.as_deref() == Some("device")) {
                let bytes = event.bytes();
                let frames = match event.text.as_deref().map(|text| text.split_once("\r\n\r\n")) {
                    Some(Some((head, body))) if head.starts_with("HTTP/1.1 200") => vec![body.as_bytes().to_vec()],
                    Some(_) => vec![],
                    None => payloads(&bytes),
                };
                for frame in frames {
                    assert_decodes(&frame, &format!("{name}, {}", case.case));
                    replies += 1;
                }
            }
        }
    }
    assert!(replies > 1500, "{replies} replies were read");
    let mut replies = 0;
    for name in ["mqtt.json", "mqtt-single.json", "mqtt-md5.json", "mqtt-sha256.json", "ota2022-mqtt.json"] {
        for case in recording(name).cases {
            for message in case.messages().iter().filter(|message| message.is_reply) {
                assert_decodes(message.payload.as_bytes(), &format!("{name}, {}", case.case));
                replies += 1;
            }
        }
    }
    assert!(replies > 1000, "{replies} replies by way of a broker were read");
    let mut replies = 0;
    for name in ["uart.json", "ota2022-uart.json", "ota2022-udp.json"] {
        for case in recording(name).cases {
            let from_device = case.events.iter().filter(|event| event.from.as_deref() == Some("device"));
            let said: String = from_device.map(|event| String::from_utf8(event.bytes()).expect("ASCII")).collect();
            for line in said.replace("}{", "}\n{").lines() {
                let Some(end) = line.rfind('}').filter(|_| line.starts_with("{\"id\":")) else { continue };
                assert_decodes(&line.as_bytes()[..=end], &format!("{name}, {}", case.case));
                replies += 1;
            }
        }
    }
    assert!(replies > 700, "{replies} replies on lines were read");
}

/// Checks that a frame decodes as a reply, and that an error decodes as an error.
fn assert_decodes(frame: &[u8], name: &str) {
    let text = String::from_utf8_lossy(frame);
    match frame::decode(frame) {
        Ok(Incoming::Reply { outcome, .. }) => {
            let failed = text.contains("\"error\"") && !text.contains("\"code\":0");
            assert_eq!(outcome.is_err(), failed, "{name}: {text}");
        }
        other => panic!("{name}: {text}: {other:?}"),
    }
}
