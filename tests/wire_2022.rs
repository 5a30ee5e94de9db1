//! Replays the recordings of devices of 2019 and 2022 against the simulated device. Each case starts on a fresh device.
//!
//! If one of these tests fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not count.

mod support;

use support::frames::{masked, payloads, read_frame, read_head};
use support::recording::{Case, Event, REPLY_TIMEOUT, normalized_http, normalized_since_2019, with_length};
use support::replay::{Stage, replay_all};
use support::simulator;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// The note of the recorder when the device has rebooted.
const UP_AGAIN: &str = "the device is up again";

#[tokio::test]
async fn websocket_of_2022_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-ws.json", replay_websocket).await, 91);
}

#[tokio::test]
async fn websocket_of_2019_answers_as_recorded() {
    assert_eq!(replay_all("ota2019-ws.json", replay_websocket).await, 52);
}

async fn replay_websocket(case: Case) {
    let name = &case.case;
    let mut stage = Stage::new(&case).await;
    let mut socket: Option<TcpStream> = None;
    let mut compared = 0;
    for event in &case.events {
        match (event.from.as_deref(), event.text.as_deref()) {
            (Some("host"), Some(text)) => {
                stage.set_time(event.t);
                let mut fresh = TcpStream::connect(stage.device.address()).await.expect("a connection");
                fresh.write_all(text.as_bytes()).await.expect("sent");
                socket = Some(fresh);
            }
            (Some("device"), Some(text)) => {
                assert_eq!(read_head(socket.as_mut().expect("a connection")).await, text, "{name}");
            }
            (Some("host"), None) => {
                stage.wait_until_recorded(event.t).await;
                let calls: Vec<_> = payloads(&event.bytes());
                let frames: Vec<_> = calls
                    .iter()
                    .flat_map(|call| masked(stage.host.with_local_address(&String::from_utf8_lossy(call)).as_bytes()))
                    .collect();
                socket.as_mut().expect("a connection").write_all(&frames).await.expect("sent");
            }
            (Some("device"), None) => {
                for payload in payloads(&event.bytes()) {
                    let expected = String::from_utf8(payload).expect("ASCII");
                    let answer = read_frame(socket.as_mut().expect("a connection")).await;
                    let answer = answer.unwrap_or_else(|| panic!("{name}: closed instead of {expected}"));
                    assert_eq!(normalized_since_2019(&answer), normalized_since_2019(&expected), "{name}");
                    stage.count_reply();
                    compared += 1;
                }
            }
            _ => {
                if event.note.as_deref() == Some("<< side closed") {
                    stage.console.wait_for_boot().await;
                }
            }
        }
    }
    assert!(compared > 0, "{name}: nothing was compared");
    stage.finish(name).await;
}

/// The device answers refused pieces before the piece that it accepted last. This was measured and is not in the recordings.
#[tokio::test]
async fn refusals_overtake_the_reply_to_an_accepted_piece() {
    let device = simulator().await;
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let upgrade = "GET /rpc HTTP/1.1\r\nUpgrade: websocket\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: khwbG9Ad7vwpTSnqoVpVRQ==\r\nConnection: Upgrade\r\n\r\n";
    socket.write_all(upgrade.as_bytes()).await.expect("sent");
    read_head(&mut socket).await;
    socket.write_all(&masked(br#"{"id": 9, "method": "OTA.Begin"}"#)).await.expect("sent");
    read_frame(&mut socket).await.expect("a reply");
    // Each piece has three bytes. Two pieces are too few for the updater to check them.
    let piece = |at: u32| {
        format!(r#"{{"id": {at}, "method": "OTA.Write", "params": {{"offset": {}, "data": "UEsD"}}}}"#, at * 3)
    };
    let segment: Vec<_> = [0, 1, 3, 4].into_iter().flat_map(|at| masked(piece(at).as_bytes())).collect();
    socket.write_all(&segment).await.expect("sent");
    let refused = |at: u32| {
        let message = format!("Expected offset 6, got {}", at * 3);
        format!(r#"{{"id":{at},"src":"esp32_AABBCC","error":{{"code":-1,"message":"{message}"}}}}"#)
    };
    let taken = |at: u32| format!(r#"{{"id":{at},"src":"esp32_AABBCC","result":null}}"#);
    for expected in [taken(0), refused(3), refused(4), taken(1)] {
        assert_eq!(read_frame(&mut socket).await, Some(expected));
    }
}

#[tokio::test]
async fn http_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-http.json", replay_http).await, 91);
}

async fn replay_http(case: Case) {
    let name = &case.case;
    let mut stage = Stage::new(&case).await;
    // Each request has its own connection. Replies that arrive together on several connections have no order.
    let (answer, mut answers) = mpsc::unbounded_channel();
    let mut expected = Vec::new();
    for event in &case.events {
        if event.from.as_deref() == Some("device") {
            expected.push(normalized_http(event.text.as_deref().expect("answers are text"), normalized_since_2019));
            continue;
        }
        if event.from.is_some() || event.note.as_deref() == Some(UP_AGAIN) {
            compare_responses(&stage, name, &mut expected, &mut answers).await;
        }
        if event.from.as_deref() == Some("host") {
            stage.wait_until_recorded(event.t).await;
            let request =
                with_length(&stage.host.with_local_address(event.text.as_deref().expect("requests are text")));
            let mut socket = TcpStream::connect(stage.device.address()).await.expect("a connection");
            let answer = answer.clone();
            tokio::spawn(async move {
                socket.write_all(request.as_bytes()).await.expect("sent");
                let mut response = String::new();
                // The device closes the connection, which ends the answer.
                if socket.read_to_string(&mut response).await.is_ok() {
                    let _ = answer.send(response);
                }
            });
        } else if event.note.as_deref() == Some(UP_AGAIN) {
            stage.console.wait_for_boot().await;
            stage.set_time(event.t);
        }
    }
    compare_responses(&stage, name, &mut expected, &mut answers).await;
    stage.finish(name).await;
}

async fn compare_responses(
    stage: &Stage,
    name: &str,
    expected: &mut Vec<String>,
    answers: &mut mpsc::UnboundedReceiver<String>,
) {
    let mut received = Vec::new();
    for _ in 0..expected.len() {
        let answer = timeout(REPLY_TIMEOUT, answers.recv()).await;
        let answer = answer.unwrap_or_else(|_| panic!("{name}: {received:?} only instead of {expected:?}"));
        stage.count_reply();
        received.push(normalized_http(&answer.expect("an answer"), normalized_since_2019));
    }
    expected.sort();
    received.sort();
    assert_eq!(received, *expected, "{name}");
    expected.clear();
}

#[tokio::test]
async fn udp_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-udp.json", replay_udp).await, 11);
}

async fn replay_udp(case: Case) {
    let name = &case.case;
    let mut stage = Stage::new(&case).await;
    let device = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    socket.connect(device.local_addr().expect("an address")).await.expect("connected");
    stage.device.serve_udp(device);
    for event in &case.events {
        match (event.from.as_deref(), event.note.as_deref()) {
            (Some("host"), _) => {
                stage.wait_until_recorded(event.t).await;
                socket.send(&event.bytes()).await.expect("sent");
            }
            (Some("device"), _) => {
                let expected = String::from_utf8(event.bytes()).expect("ASCII");
                let mut buffer = vec![0; 4096];
                let len = timeout(REPLY_TIMEOUT, socket.recv(&mut buffer)).await;
                let len = len.unwrap_or_else(|_| panic!("{name}: no {expected}")).expect("a datagram");
                let answer = String::from_utf8_lossy(&buffer[..len]);
                assert_eq!(normalized_since_2019(&answer), normalized_since_2019(&expected), "{name}");
            }
            (_, Some(UP_AGAIN)) => {
                stage.console.wait_for_boot().await;
                stage.set_time(event.t);
            }
            _ => {}
        }
    }
    stage.finish(name).await;
}

/// TCP has the same lines as a UART.
#[tokio::test]
async fn lines_answer_as_recorded() {
    assert_eq!(replay_all("ota2022-uart.json", replay_tcp).await, 97);
}

async fn replay_tcp(case: Case) {
    let mut stage = Stage::new(&case).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    stage.device.serve_tcp(listener);
    let mut compared = 0;
    let mut line = Line::new(TcpStream::connect(address).await.expect("a connection"));
    for part in case.events.chunk_by(|a, b| !is_up_again(a) && !is_up_again(b)) {
        if is_up_again(&part[0]) {
            stage.console.wait_for_boot().await;
            stage.set_time(part[0].t);
            line = Line::new(TcpStream::connect(address).await.expect("a connection"));
        } else {
            compared += line.replay(&case.case, part, &mut stage).await;
        }
    }
    assert_all_answered(&case, compared);
    stage.finish(&case.case).await;
}

/// The lines go through a pseudo terminal with a simulated UART.
#[cfg(unix)]
#[tokio::test]
async fn uart_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-uart.json", replay_uart).await, 97);
}

#[cfg(unix)]
async fn replay_uart(case: Case) {
    use otactl::sim::ports::uart;

    // The recorder had no line speed.
    const BAUD_RATE: u32 = 4_000_000;

    let mut stage = Stage::new(&case).await;
    let config = uart::UartConfig { baud_rate: BAUD_RATE, ..uart::UartConfig::default() };
    let path = stage.device.serve_serial(config).expect("a pseudo terminal");
    let port = tokio_serial::SerialStream::open(&tokio_serial::new(path.to_string_lossy(), 115_200));
    let mut compared = 0;
    let mut line = Line::new(port.expect("the port"));
    for part in case.events.chunk_by(|a, b| !is_up_again(a) && !is_up_again(b)) {
        if is_up_again(&part[0]) {
            stage.console.wait_for_boot().await;
            stage.set_time(part[0].t);
        } else {
            compared += line.replay(&case.case, part, &mut stage).await;
        }
    }
    assert_all_answered(&case, compared);
    stage.finish(&case.case).await;
}

/// Checks that each call on a line was answered once.
fn assert_all_answered(case: &Case, compared: usize) {
    let calls = case.events.iter().filter(|event| event.from.as_deref() == Some("host")).count();
    assert_eq!(compared, calls, "{}", case.case);
}

fn is_up_again(event: &Event) -> bool {
    event.note.as_deref() == Some(UP_AGAIN)
}

/// Plays the host's end of a line.
struct Line<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    /// Sends the recorded frames of the host, compares the frames of the device, and skips console lines between them.
    ///
    /// Returns the number of compared frames.
    async fn replay(&mut self, name: &str, events: &[Event], stage: &mut Stage) -> usize {
        let mut compared = 0;
        for part in events.chunk_by(|a, b| a.from == b.from) {
            let said: String = part.iter().filter_map(|event| event.text.as_deref()).collect();
            match part[0].from.as_deref() {
                Some("host") => {
                    for event in part {
                        stage.wait_until_recorded(event.t).await;
                        let text = event.text.as_deref().expect("ASCII");
                        let said = with_checksum(&stage.host.with_local_address(text), text);
                        self.0.write_all(said.as_bytes()).await.expect("sent");
                    }
                }
                Some("device") => {
                    for expected in said.lines().filter_map(frame) {
                        let answer = self.frame(name, expected).await;
                        assert_eq!(normalized_since_2019(&answer), normalized_since_2019(expected), "{name}");
                        stage.count_reply();
                        compared += 1;
                    }
                }
                _ => {}
            }
        }
        compared
    }

    /// Reads the next frame of the device, which follows an empty line.
    async fn frame(&mut self, name: &str, expected: &str) -> String {
        let mut line = String::new();
        for expected in ["", expected] {
            line.clear();
            let read = timeout(REPLY_TIMEOUT, self.0.read_line(&mut line)).await;
            read.unwrap_or_else(|_| panic!("{name}: no {expected:?}")).expect("readable");
            assert_eq!(line.trim_end().is_empty(), expected.is_empty(), "{name}: {line:?} instead of {expected:?}");
        }
        frame(line.trim_end()).unwrap_or_else(|| panic!("{name}: {line:?} is no frame")).to_owned()
    }
}

/// Returns the JSON of a line that is a frame with a valid checksum.
fn frame(line: &str) -> Option<&str> {
    let (json, checksum) = line.split_at_checked(line.len().checked_sub(8)?)?;
    (json.starts_with('{') && checksum == format!("{:08x}", crc32fast::hash(json.as_bytes()))).then_some(json)
}

/// Returns the line with a checksum that fits its changed text.
fn with_checksum(text: &str, recorded: &str) -> String {
    if text == recorded {
        return text.into();
    }
    let json = &text[..=text.rfind('}').expect("a frame")];
    format!("{json}{:08x}\n", crc32fast::hash(json.as_bytes()))
}
