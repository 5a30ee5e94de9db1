//! Replays odd requests against the simulated device, which has to answer like the recorded device, or stay as silent.
//!
//! If one of these tests fails, the code is wrong, not the bytes. wire/README.md lists the differences that do not
//! count.

mod support;

use std::collections::HashMap;

use otactl::sim::board::Board;
use otactl::sim::ports::line_session::LineSession;
use otactl::sim::ports::uart_protocol::Lines;
use support::frames::{masked, read_head};
use support::recording::{Case, Event, REPLY_TIMEOUT, ReplayBench, normalized, normalized_http, recording};
use support::{recorded_device, simulator_with};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// The device on which most cases were recorded, and the other one.
const EDGE_DEVICE: &str = "esp32_EDGE";
const OTHER_DEVICE: &str = "esp32_AABBCC";

/// The cases that have a replay of their own: one has two connections, and the other one takes eleven seconds of the device.
const TWO_CONNECTIONS: &str = "two_connections_same_src";
const IDLE_PINGS: &str = "idle_pings";

/// The ping of another WebSocket connection that was open while the case was recorded.
const STRAY_PING: [u8; 2] = [0x89, 0];

const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const TEXT: u8 = 0x81;

fn is_stray(event: &Event) -> bool {
    let bytes = event.bytes();
    event.text.is_none() && !bytes.is_empty() && bytes.chunks(2).all(|ping| ping == STRAY_PING)
}

fn is_of_device(event: &Event) -> bool {
    event.from.as_deref() == Some("device") && !is_stray(event)
}

/// Returns the id of the device on which the case was recorded.
fn device_of(case: &Case) -> &'static str {
    let names_other = |event: &Event| String::from_utf8_lossy(&event.bytes()).contains(OTHER_DEVICE);
    if case.events.iter().any(names_other) { OTHER_DEVICE } else { EDGE_DEVICE }
}

#[tokio::test]
async fn odd_frames_are_answered_as_recorded() {
    assert_eq!(replay("edge-frame.json").await, 29);
}

#[tokio::test]
async fn odd_http_is_answered_as_recorded() {
    assert_eq!(replay("edge-http.json").await, 19);
}

#[tokio::test]
async fn odd_websockets_are_answered_as_recorded() {
    assert_eq!(replay("edge-ws.json").await, 7);
}

/// The device sends each reply over the connection of its request, although both clients name the same `src`.
#[tokio::test]
async fn two_connections_with_the_same_src_get_their_own_replies() {
    let case = edge_websocket_case(TWO_CONNECTIONS);
    let device = simulator_with(otactl::sim::Config { id: device_of(&case).into(), ..recorded_device() }).await;
    let sent = |from: &str| {
        let events = case.events.iter().filter(|event| event.text.is_none() && event.from.as_deref() == Some(from));
        events.map(Event::bytes).collect::<Vec<_>>()
    };
    // The requests were recorded as one event, and so were the replies. Then each client closes its connection.
    let ([requests, closes @ ..], [replies, close_replies @ ..]) = (&sent("host")[..], &sent("device")[..]) else {
        panic!("{}: the events differ", case.case)
    };
    let mut recorded = HashMap::new();
    let mut replies = replies.as_slice();
    while !replies.is_empty() {
        let (kind, reply) = read_message(&mut replies).await;
        recorded.insert(id_of(&reply), (kind, reply));
    }
    let mut sockets = Vec::new();
    for handshake in case.events.iter().filter(|event| event.from.as_deref() == Some("host") && event.text.is_some()) {
        let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
        socket.write_all(&handshake.bytes()).await.expect("sent");
        assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 101 "), "{}", case.case);
        sockets.push(socket);
    }
    let frames: Vec<_> = requests.chunks(requests.len() / sockets.len()).collect();
    for (socket, frame) in sockets.iter_mut().zip(&frames) {
        socket.write_all(frame).await.expect("sent");
    }
    for (id, socket) in (1..).zip(&mut sockets) {
        let reply = timeout(REPLY_TIMEOUT, read_message(socket)).await.expect("a reply");
        assert_eq!(Some(&reply), recorded.get(&id), "request {id}");
    }
    for ((socket, close), mut expected) in sockets.iter_mut().zip(closes).zip(close_replies.iter().map(Vec::as_slice)) {
        socket.write_all(close).await.expect("sent");
        let reply = timeout(REPLY_TIMEOUT, read_message(socket)).await.expect("a close");
        assert_eq!(reply, read_message(&mut expected).await);
        assert_eq!(timeout(REPLY_TIMEOUT, socket.read(&mut [0; 1])).await.expect("in time").expect("an end"), 0);
    }
    assert_eq!((sockets.len(), recorded.len(), closes.len()), (2, 2, 2));
}

/// Returns the id of a reply.
fn id_of(reply: &str) -> u64 {
    let reply: serde_json::Value = serde_json::from_str(&reply.replace('*', "0")).expect("a reply");
    reply["id"].as_u64().expect("an id")
}

/// The recording also has the ping of another connection, a second before the first one. The recorded device looks for idle connections
/// about once a second.
#[tokio::test(start_paused = true)]
async fn idle_websocket_gets_pings_as_recorded() {
    let case = edge_websocket_case(IDLE_PINGS);
    let device = simulator_with(otactl::sim::Config { id: device_of(&case).into(), ..recorded_device() }).await;
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let handshake = case.events.iter().find(|event| event.from.as_deref() == Some("host")).expect("a handshake");
    socket.write_all(&handshake.bytes()).await.expect("sent");
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 101 "), "{}", case.case);
    let opened = tokio::time::Instant::now();
    let mut pings = Vec::new();
    for _ in 0..2 {
        let mut ping = [0; 2];
        timeout(REPLY_TIMEOUT, socket.read_exact(&mut ping)).await.expect("in time").expect("a ping");
        assert_eq!(ping, STRAY_PING);
        pings.push(opened.elapsed().as_secs_f64());
    }
    let recorded: Vec<_> =
        case.events.iter().filter(|event| is_stray(event)).map(|event| event.t - handshake.t).collect();
    let [_, first, second] = recorded[..] else { panic!("{recorded:?}") };
    assert!((pings[0] - first).abs() < 1.0, "{pings:?}, not {recorded:?}");
    assert!(((pings[1] - pings[0]) - (second - first)).abs() < 0.1, "{pings:?}, not {recorded:?}");
}

/// Returns a case of the WebSocket recording.
fn edge_websocket_case(name: &str) -> Case {
    recording("edge-ws.json").cases.into_iter().find(|case| case.case == name).expect("the case")
}

/// Replays the cases over TCP connections, and returns how many there were.
async fn replay(name: &str) -> usize {
    let mut benches = HashMap::new();
    for id in [EDGE_DEVICE, OTHER_DEVICE] {
        benches.insert(id, simulator_with(otactl::sim::Config { id: id.into(), ..recorded_device() }).await);
    }
    let mut replayed = 0;
    // A connection stays open between cases.
    let mut socket: Option<TcpStream> = None;
    for case in recording(name).cases {
        if [TWO_CONNECTIONS, IDLE_PINGS].contains(&case.case.as_str()) {
            continue;
        }
        let address = benches[device_of(&case)].address();
        replay_case(&case, address, &mut socket).await;
        replayed += 1;
    }
    replayed
}

async fn replay_case(case: &Case, address: std::net::SocketAddr, connection: &mut Option<TcpStream>) {
    let name = &case.case;
    let mut is_http = false;
    let mut is_open = true;
    for event in &case.events {
        let bytes = event.bytes();
        match (event.from.as_deref(), &event.text, event.note.as_deref()) {
            (None, _, Some(">> TCP connection opened")) => {
                *connection = Some(TcpStream::connect(address).await.expect("a connection"));
            }
            (None, _, Some("<< side closed")) => {
                let mut rest = Vec::new();
                let socket = connection.as_mut().expect("a connection");
                let read = timeout(REPLY_TIMEOUT, socket.read_to_end(&mut rest)).await;
                read.unwrap_or_else(|_| panic!("{name}: the device does not close")).expect("a close");
                assert!(rest.is_empty(), "{name}: {rest:?} before the close");
                is_open = false;
            }
            (Some("host"), ..) => {
                is_http = event.text.is_some();
                connection.as_mut().expect("a connection").write_all(&bytes).await.expect("sent");
            }
            (Some("device"), Some(text), _) if text.starts_with("HTTP/1.1 101 ") => {
                is_http = false;
                assert_eq!(read_head(connection.as_mut().expect("a connection")).await, *text, "{name}");
            }
            (Some("device"), Some(text), _) => {
                let answer = read_response(connection.as_mut().expect("a connection")).await;
                assert_eq!(normalized_http(&answer, normalized), normalized_http(text, normalized), "{name}");
            }
            (Some("device"), None, _) if !is_stray(event) => {
                let mut expected = bytes.as_slice();
                while !expected.is_empty() {
                    let wanted = read_message(&mut expected).await;
                    let answer = timeout(REPLY_TIMEOUT, read_message(connection.as_mut().expect("a connection"))).await;
                    assert_eq!(answer.unwrap_or_else(|_| panic!("{name}: no {wanted:?}")), wanted, "{name}");
                }
            }
            _ => {}
        }
    }
    if is_open {
        let socket = connection.as_mut().expect("a connection");
        if is_http { assert_http_is_silent(name, socket, address).await } else { assert_silent(case, socket).await }
    }
}

/// Checks that nothing comes before the answer to a WebSocket ping, unless the client has closed.
async fn assert_silent(case: &Case, socket: &mut TcpStream) {
    let closes = |event: &Event| event.from.as_deref() == Some("host") && event.bytes().starts_with(&[0x88]);
    if case.events.iter().any(closes) {
        return;
    }
    socket.write_all(&[PING, 0x81, 0, 0, 0, 0, b'?']).await.expect("sent");
    let answer = timeout(REPLY_TIMEOUT, read_message(socket)).await.expect("a pong");
    assert_eq!(answer, (PONG, "?".into()), "{}", case.case);
}

/// Checks that nothing more has arrived when a request on another connection is answered.
async fn assert_http_is_silent(name: &str, socket: &mut TcpStream, address: std::net::SocketAddr) {
    let mut other = TcpStream::connect(address).await.expect("a connection");
    other.write_all(b"GET /rpc/RPC.Ping HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
    read_response(&mut other).await;
    let more = socket.try_read(&mut [0; 1]);
    assert!(more.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock), "{name}: {more:?}");
}

/// Reads a response with its body.
async fn read_response(socket: &mut TcpStream) -> String {
    let head = read_head(socket).await;
    let len = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok()).expect("a length");
    let mut body = vec![0; len];
    timeout(REPLY_TIMEOUT, socket.read_exact(&mut body)).await.expect("in time").expect("a body");
    head + &String::from_utf8(body).expect("ASCII")
}

/// Reads a WebSocket message. Returns its first byte and its normalized payload.
async fn read_message<S: tokio::io::AsyncRead + Unpin>(socket: &mut S) -> (u8, String) {
    let mut head = [0; 2];
    socket.read_exact(&mut head).await.expect("a message");
    let len = match head[1] {
        126 => usize::from(socket.read_u16().await.expect("a length")),
        short => usize::from(short),
    };
    let mut payload = vec![0; len];
    socket.read_exact(&mut payload).await.expect("a payload");
    let payload = String::from_utf8_lossy(&payload).into_owned();
    (head[0], if head[0] == TEXT { normalized(&payload) } else { payload })
}

/// The device does not support pipelining: it ignores the second of two requests in one packet, and answers the next
/// one.
#[tokio::test]
async fn pipelined_request_is_lost_and_the_next_one_is_answered() {
    let device = simulator_with(recorded_device()).await;
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let request = |id: u8| {
        let body = format!(r#"{{"id":{id},"method":"RPC.Ping"}}"#);
        let len = body.len();
        format!("POST /rpc HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nContent-Length: {len}\r\n\r\n{body}")
    };
    for (requests, answered) in [(request(1) + &request(2), 1), (request(3), 3)] {
        socket.write_all(requests.as_bytes()).await.expect("sent");
        let answer = read_response(&mut socket).await;
        assert!(answer.contains(&format!(r#"{{"id":{answered},"#)), "{answer}");
    }
}

/// The order in which the cases of a UART were recorded.
const UART_CASES: [&str; 25] = [
    "crc_with_more_metadata",
    "crc_uppercase",
    "crc_wrong",
    "crc_now_sticky",
    "crc_short",
    "crlf",
    "crlf_nocrc",
    "old_delim_hello",
    "old_delim",
    "old_delim_sticky",
    "two_frames",
    "split_frame",
    "split_frame2",
    "junk_before",
    "junk_with_brace",
    "non_ascii_junk",
    "non_ascii_then_frame",
    "non_ascii_then_frame2",
    "utf8_in_frame",
    "xonxoff",
    "eof_alone_lf",
    "eof_alone_delim",
    "eof_then_frame",
    "empty_line",
    "after_empty_line",
];

/// Replays read by read, as the boundaries of the reads matter.
#[tokio::test]
async fn odd_lines_are_answered_as_recorded() {
    let mut cases: HashMap<_, _> =
        recording("edge-uart.json").cases.into_iter().map(|case| (case.case.clone(), case)).collect();
    let board = Board::power_on(otactl::sim::Config { id: EDGE_DEVICE.into(), ..recorded_device() }).expect("a device");
    let mut session = LineSession::new(Lines::default(), &board, "UART0", "127.0.0.1");
    for name in UART_CASES {
        let case = cases.remove(name).unwrap_or_else(|| panic!("{name} was recorded"));
        let (mut answered, mut expected) = (Vec::new(), Vec::new());
        for event in &case.events {
            match event.from.as_deref() {
                Some("host") => answered.extend(session.hear(&event.bytes())),
                _ if is_of_device(event) => expected.extend(event.bytes()),
                _ => {}
            }
        }
        assert_eq!(String::from_utf8_lossy(&answered), String::from_utf8_lossy(&expected), "{name}");
    }
    // The log lines of these cases come from another program. The next test compares the frames between them.
    let mut left: Vec<_> = cases.into_keys().collect();
    left.sort();
    assert_eq!(left, CONSOLE_CASES);
}

/// The cases with console lines between the frames.
const CONSOLE_CASES: [&str; 2] = ["console_nocrc", "console_update_and_reboot"];

#[tokio::test]
async fn frames_between_log_lines_are_answered_as_recorded() {
    let mut bench = ReplayBench::with(recorded_device()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    bench.device.serve_tcp(listener);
    let mut compared = 0;
    for case in recording("edge-uart.json").cases.iter().filter(|case| CONSOLE_CASES.contains(&case.case.as_str())) {
        let mut line = BufReader::new(TcpStream::connect(address).await.expect("a connection"));
        for event in &case.events {
            let text = String::from_utf8(event.bytes()).expect("ASCII");
            if event.from.as_deref() == Some("host") {
                line.write_all(bench.with_local_address(&text).as_bytes()).await.expect("sent");
            }
            for expected in text.lines().filter(|line| is_of_device(event) && line.starts_with("{\"id\":")) {
                let mut answer = String::new();
                while !answer.starts_with('{') {
                    answer.clear();
                    let read = timeout(REPLY_TIMEOUT, line.read_line(&mut answer)).await;
                    read.unwrap_or_else(|_| panic!("{}: no {expected}", case.case)).expect("a line");
                }
                assert_eq!(normalized(answer.trim_end()), normalized(expected), "{}", case.case);
                compared += 1;
            }
        }
    }
    bench.console.wait_for_boot().await;
    assert_eq!(compared, 3);
}

/// The device ignores a response, and finds a method case-insensitively.
#[tokio::test]
async fn frames_after_an_ignored_one_are_answered() {
    let device = simulator_with(recorded_device()).await;
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let head = "GET /rpc HTTP/1.1\r\nUpgrade: websocket\r\nHost: x\r\nSec-WebSocket-Version: 13\r\n\
                Sec-WebSocket-Key: khwbG9Ad7vwpTSnqoVpVRQ==\r\nConnection: Upgrade\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sent");
    read_head(&mut socket).await;
    let frames =
        [&br#"{"id":1,"result":1}"#[..], br#"{"id":2,"method":"oTA.cOMMIT"}"#, br#"{"id":3,"method":"ota.status"}"#];
    socket.write_all(&frames.map(masked).concat()).await.expect("sent");
    for expected in
        [r#"{"id":2,"src":"esp32_AABBCC","error":{"code":-1}}"#, r#"{"id":3,"src":"esp32_AABBCC","result":"#]
    {
        let (_, answer) = read_message(&mut socket).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
}
