use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::listen::{LocalSockets, ServeNetwork as _};
use super::*;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The bytes that are served.
fn bundle(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

fn server_with(size: usize, allowed: Allowed, limits: Limits) -> FirmwareServer {
    let listener = LocalSockets.listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    FirmwareServer::serve(Bytes::from(bundle(size)), listener, address, allowed, limits, None)
}

fn server(size: usize) -> FirmwareServer {
    server_with(size, Allowed::All, Limits::default())
}

/// A connection from 127.0.0.`last`.
async fn connect_from(server: &FirmwareServer, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, last], 0).into()).expect("a loopback address");
    socket.connect(server.advertised().parse().expect("an address")).await.expect("a connection")
}

fn request(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: dev MAC\r\n{more}\r\n")
}

/// The head of the answer in lower case, and its body.
async fn ask_from(server: &FirmwareServer, last: u8, request: &str) -> (String, Vec<u8>) {
    let mut stream = connect_from(server, last).await;
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer, and then the end");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head") + 4;
    let body = answer.split_off(end);
    (String::from_utf8(answer).expect("ASCII").to_lowercase(), body)
}

async fn ask(server: &FirmwareServer, method: &str, path: &str) -> (String, Vec<u8>) {
    ask_from(server, 1, &request(method, path, "")).await
}

/// What comes after this request, up to the end of the connection, be it a good one or a bad one.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await;
    // A connection that is closed with something unread is reset.
    let _ = end.expect("it ends in time");
    rest
}

/// Waits until the server has seen this.
async fn until(server: &FirmwareServer, seen: impl FnMut(&Fetched) -> bool) -> Fetched {
    let mut fetched = server.fetched();
    let fetched = tokio::time::timeout(PATIENCE, fetched.wait_for(seen)).await.expect("in time");
    fetched.expect("the server runs").clone()
}

/// The next event, as JSON, without which the test cannot go on.
async fn event(queue: &mut ServerEvents) -> serde_json::Value {
    let event = tokio::time::timeout(PATIENCE, next(&mut queue.0)).await.expect("an event in time");
    serde_json::to_value(event).expect("JSON")
}

/// The events that wait to be told.
fn events(queue: &mut ServerEvents) -> Vec<serde_json::Value> {
    let told = queue.0.as_mut().expect("not yet taken");
    std::iter::from_fn(|| told.try_recv().ok()).map(|event| serde_json::to_value(event).expect("JSON")).collect()
}

#[tokio::test]
async fn bundle_path_serves_get_and_head() {
    let mut server = server(50_000);
    let mut queue = server.take_events();
    let (head, body) = ask(&server, "GET", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 50000\r\n"), "{head}");
    assert!(head.contains("accept-ranges: bytes\r\n"), "{head}");
    assert_eq!(body, bundle(50_000));
    let fetched = until(&server, |fetched| fetched.open == 0).await;
    assert_eq!((fetched.sent, fetched.complete, fetched.open), (50_000, true, 0));
    assert_eq!(fetched.device.as_deref(), Some("dev MAC"));

    let (head, body) = ask(&server, "HEAD", &server.handler.path).await;
    assert!(head.contains("content-length: 50000\r\n") && body.is_empty(), "{head}");
    assert!(head.contains("accept-ranges: bytes\r\n"), "{head}");

    for (method, bytes) in [("GET", 50_000), ("HEAD", 0)] {
        let expected = serde_json::json!({
            "event": "served", "peer": "127.0.0.1", "device": "dev MAC", "method": method, "status": 200,
            "bytes": bytes, "total": 50_000, "complete": true,
        });
        assert_eq!(event(&mut queue).await, expected);
    }
    let sha256 = hex(&<sha2::Sha256 as sha2::Digest>::digest(bundle(50_000)));
    let expected =
        DeliveryReport { via: "pull", bytes: 50_000, total: 50_000, complete: true, requests: Some(2), sha256 };
    assert_eq!(server.delivery_report(), expected);
}

/// A stranger on the network must not learn the firmware, nor whether there is any.
#[tokio::test]
async fn other_paths_are_not_found() {
    let mut server = server(50_000);
    let mut queue = server.take_events();
    for (method, path, status) in [("GET", "/", "404"), ("GET", "/x/firmware.zip", "404"), ("POST", "/", "404")] {
        let (head, body) = ask(&server, method, path).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")) && body.is_empty(), "{method} {path}: {head}");
    }
    let (head, _) = ask(&server, "POST", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 405"), "{head}");
    assert!(server.fetched().borrow().peer.is_none(), "none of these counts as a download");
    let statuses: Vec<_> =
        [event(&mut queue).await, event(&mut queue).await, event(&mut queue).await, event(&mut queue).await]
            .iter()
            .map(|event| (event["status"].clone(), event["complete"].clone()))
            .collect();
    assert_eq!(statuses, [404, 404, 404, 405].map(|status| (status.into(), false.into())));
    assert_eq!(server.delivery_report().requests, Some(1), "one of them knew the path");
    assert_ne!(token(), token());
}

/// Whatever is told or logged of the server: who reads it could fetch the firmware.
#[tokio::test]
async fn secret_path_is_never_shown() {
    let mut server = server(1000);
    let mut queue = server.take_events();
    let secret = server.handler.path.split('/').nth(1).expect("a part").to_owned();
    for line in ["GET {}", "POST {}", "GET {}x", "{} /"] {
        let line = line.replace("{}", &server.handler.path);
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("sent");
        rest(&mut stream).await;
    }
    for _ in 0..3 {
        let event = event(&mut queue).await.to_string();
        assert!(!event.contains(&secret), "{event}");
    }
    assert!(!format!("{server:?}").contains(&secret));
    assert!(!format!("{:?}", server.delivery_report()).contains(&secret));
}

#[tokio::test]
async fn transfer_cut_off_is_incomplete_and_the_next_counts_from_zero() {
    let size = 16 << 20;
    let mut server = server(size);
    let mut queue = server.take_events();
    let mut stream = connect_from(&server, 1).await;
    stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
    until(&server, |fetched| fetched.open == 1).await;
    drop(stream);
    let fetched = until(&server, |fetched| fetched.open == 0).await;
    assert!(fetched.sent > 0 && !fetched.complete, "{fetched:?}");
    // What the kernel holds is not sent; a progress bar that ran ahead of the device would lie.
    assert!(fetched.sent < 4 << 20, "{fetched:?}");
    let told = event(&mut queue).await;
    assert_eq!((&told["bytes"], &told["complete"]), (&fetched.sent.into(), &false.into()));
    assert_eq!((server.delivery_report().bytes, server.delivery_report().complete), (fetched.sent, false));

    let (_, body) = ask(&server, "GET", &server.handler.path).await;
    assert_eq!(body.len(), size);
    let fetched = until(&server, |fetched| fetched.open == 0).await;
    assert_eq!((fetched.sent, fetched.complete), (size as u64, true));
}

#[tokio::test]
async fn simultaneous_transfers_are_reported_separately() {
    let server = server(4 << 20);
    let get = request("GET", &server.handler.path, "");
    let mut first = connect_from(&server, 1).await;
    first.write_all(get.as_bytes()).await.expect("sent");
    // It takes no more than the kernel has room for.
    let held = until(&server, |fetched| fetched.open == 1 && fetched.sent > 0).await;
    let mut second = connect_from(&server, 1).await;
    second.write_all(get.as_bytes()).await.expect("sent");
    let fetched = until(&server, |fetched| fetched.open == 2).await;
    assert_ne!(fetched.peer, held.peer);
    assert!(rest(&mut second).await.len() > 4 << 20);
    let fetched = until(&server, |fetched| fetched.open == 1).await;
    assert_eq!((fetched.sent, fetched.complete), (4 << 20, true));
    assert!(rest(&mut first).await.len() > 4 << 20);
    let fetched = until(&server, |fetched| fetched.open == 0).await;
    assert_eq!((fetched.sent, fetched.complete), (4 << 20, true), "the latest counts");
}

#[tokio::test]
async fn ranges_are_served_and_add_up() {
    let mut server = server(1000);
    let mut queue = server.take_events();
    let get = |more: &str| request("GET", &server.handler.path, more);
    for (more, status, content_range, part, complete) in [
        ("Range: bytes=500-\r\n", 206, "bytes 500-999/1000", 500..1000, false),
        ("Range: bytes=0-399\r\n", 206, "bytes 0-399/1000", 0..400, false),
        ("Range: bytes=1000-\r\n", 416, "bytes */1000", 0..0, false),
        ("Range: bytes=400-499\r\n", 206, "bytes 400-499/1000", 400..500, false),
        ("Range: bytes=-500\r\n", 206, "bytes 500-999/1000", 500..1000, true),
        ("Range: bytes=0-1,5-6\r\n", 200, "", 0..1000, true),
        ("Range: lines=1-2\r\n", 200, "", 0..1000, true),
        ("Range: bytes=1-2\r\nRange: bytes=3-4\r\n", 200, "", 0..1000, true),
        ("Range: bytes=1-2\r\nIf-Range: \"x\"\r\n", 200, "", 0..1000, true),
    ] {
        let (head, body) = ask_from(&server, 1, &get(more)).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{more}: {head}");
        assert_eq!(body, bundle(1000)[part.clone()], "{more}");
        let expected = format!("content-range: {content_range}\r\n");
        assert!(head.contains(&expected) != content_range.is_empty(), "{more}: {head}");
        assert!(head.contains(&format!("content-length: {}\r\n", part.len())), "{more}: {head}");
        let told = event(&mut queue).await;
        assert_eq!((&told["status"], &told["bytes"]), (&status.into(), &part.len().into()), "{more}");
        let range = (status == 206).then(|| format!("{}-{}", part.start, part.end - 1));
        assert_eq!(told["range"].as_str(), range.as_deref(), "{more}");
        assert_eq!(server.delivery_report().complete, complete, "{more}");
    }
    let (head, body) = ask_from(&server, 1, &request("HEAD", &server.handler.path, "Range: bytes=5-9\r\n")).await;
    assert!(head.starts_with("http/1.1 200") && head.contains("content-length: 1000\r\n"), "{head}");
    assert!(body.is_empty());
}

#[tokio::test]
async fn dropped_server_accepts_no_connection() {
    let server = server(50_000);
    let address = server.advertised().to_owned();
    drop(server);
    // Dropping a task is done by the runtime in its next turn.
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn foreign_client_is_refused_and_reported_once() {
    let allowed = Allowed::new(&[[127, 0, 0, 1].into()], &[]);
    let mut server = server_with(1000, allowed, Limits::default());
    let mut queue = server.take_events();
    for last in [2, 2, 3, 2] {
        let mut stream = connect_from(&server, last).await;
        // It may be closed already.
        let _ = stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await;
        assert_eq!(rest(&mut stream).await, b"", "127.0.0.{last}");
    }
    let (head, body) = ask(&server, "GET", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200") && body.len() == 1000, "{head}");
    let peers = [event(&mut queue).await, event(&mut queue).await, event(&mut queue).await];
    let told = peers.each_ref().map(|event| (event["event"].as_str(), event["peer"].as_str()));
    let stranger = |peer| (Some("stranger"), Some(peer));
    assert_eq!(told, [stranger("127.0.0.2"), stranger("127.0.0.3"), (Some("served"), Some("127.0.0.1"))]);
    assert_eq!(server.strangers(), [2, 3].map(|last| IpAddr::from([127, 0, 0, last])));
    assert_eq!(server.delivery_report().requests, Some(1));

    for last in 4..=255 {
        rest(&mut connect_from(&server, last).await).await;
    }
    assert_eq!(server.strangers().len(), 16, "there is no end of addresses");
    assert_eq!(events(&mut queue).len(), 14);
}

/// A socket for both kinds of address says so of IPv4 peers in the notation of IPv6.
#[tokio::test]
async fn ipv4_client_on_a_dual_stack_socket_is_admitted() {
    // A machine may have no IPv6.
    let Ok(listener) = LocalSockets.listen((Ipv6Addr::UNSPECIFIED, 0).into()) else { return };
    let port = listener.local_addr().expect("an address").port();
    let allowed = Allowed::new(&[[127, 0, 0, 1].into()], &[]);
    let bundle = Bytes::from(bundle(1000));
    let address = format!("127.0.0.1:{port}");
    let mut server = FirmwareServer::serve(bundle, listener, address, allowed, Limits::default(), None);
    let mut queue = server.take_events();
    assert_eq!(rest(&mut connect_from(&server, 2).await).await, b"");
    let (head, _) = ask(&server, "GET", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    for peer in ["127.0.0.2", "127.0.0.1"] {
        assert_eq!(event(&mut queue).await["peer"], peer);
    }
}

/// Nobody knows the device's address, and neighbours hold all places: silent ones, and such as know no path.
#[tokio::test]
async fn silent_connections_of_other_addresses_leave_a_slot_for_the_device() {
    let limits = Limits { connections: 16, ..Limits::default() };
    let server = server_with(2 << 20, Allowed::All, limits);
    let mut idle = Vec::new();
    for _ in 0..5 {
        for last in 2..10 {
            idle.push(connect_from(&server, last).await);
        }
    }
    let mut device = connect_from(&server, 1).await;
    for _ in 0..5 {
        for last in 2..10 {
            idle.push(connect_from(&server, last).await);
        }
    }
    // Only now does the device say what it wants; and then it is slow.
    device.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
    until(&server, |fetched| fetched.open == 1).await;
    for last in 60..100 {
        idle.push(connect_from(&server, last).await);
    }
    assert!(rest(&mut device).await.len() > 2 << 20);
    assert!(until(&server, |fetched| fetched.open == 0).await.complete);
}

/// The flood comes from the address of the device, as behind one NAT, and the device is a round trip of 40 ms away.
#[tokio::test]
async fn silent_connections_of_its_own_address_leave_a_slot_for_the_device() {
    let mut server = server(50_000);
    let mut queue = server.take_events();
    let address = server.advertised().to_owned();
    let flood = tokio::spawn(async move {
        let mut silent = std::collections::VecDeque::new();
        let mut next = tokio::time::interval(Duration::from_millis(5));
        loop {
            next.tick().await;
            silent.push_back(TcpStream::connect(&address).await.expect("a connection"));
            // Those that the server has closed long ago.
            silent.drain(..silent.len().saturating_sub(400));
        }
    });
    assert_eq!(event(&mut queue).await, serde_json::json!({"event": "crowded", "peer": "127.0.0.1"}));
    for attempt in 0..10 {
        let mut device = connect_from(&server, 1).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
        let sent = device.write_all(request("GET", &server.handler.path, "").as_bytes()).await;
        let taken = rest(&mut device).await.len();
        assert!(sent.is_ok() && taken > 50_000, "attempt {attempt}: {taken} bytes");
    }
    flood.abort();
    assert_eq!(server.crowding(), [IpAddr::from([127, 0, 0, 1])]);
}

#[tokio::test]
async fn one_address_holds_at_most_its_slots() {
    let limits = Limits { per_address: 2, ..Limits::default() };
    let server = server_with(16 << 20, Allowed::All, limits);
    let get = request("GET", &server.handler.path, "");
    let mut transfers = Vec::new();
    for open in 1..=2 {
        let mut stream = connect_from(&server, 2).await;
        stream.write_all(get.as_bytes()).await.expect("sent");
        until(&server, |fetched| fetched.open == open).await;
        transfers.push(stream);
    }
    // Two that read are not pushed out by a third, but somebody else finds room.
    assert_eq!(rest(&mut connect_from(&server, 2).await).await, b"");
    let (head, _) = ask(&server, "HEAD", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(server.fetched().borrow().open, 2);
}

/// A device that was switched off in the middle says no goodbye.
#[tokio::test]
async fn client_that_takes_nothing_is_dropped() {
    let limits = Limits { stall: Duration::from_millis(100), ..Limits::default() };
    let mut server = server_with(16 << 20, Allowed::All, limits);
    let mut queue = server.take_events();
    let mut stream = connect_from(&server, 1).await;
    stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
    let fetched = until(&server, |fetched| fetched.peer.is_some() && fetched.open == 0).await;
    assert!(!fetched.complete && fetched.sent > 0, "{fetched:?}");
    assert_eq!(event(&mut queue).await["complete"], false);
    assert!(rest(&mut stream).await.len() < 16 << 20);
}

/// All of it fits into our own buffers, and that is where it stays.
#[tokio::test(start_paused = true)]
async fn transfer_with_bytes_in_the_stream_is_incomplete() {
    let (handler, fetched, told) = Handler::new("/x".into(), Bytes::from(bundle(10_000)));
    let acceptor = Acceptor::new(Arc::new(handler), Allowed::All, Limits::default());
    let (near, mut far) = tokio::io::duplex(1000);
    let outflow = write_timeout::Outflow::default();
    let stream = write_timeout::WriteTimeout::new(near, Limits::default().stall, outflow.clone());
    let served = accept::serve_request(stream, &outflow, ([127, 0, 0, 1], 1).into(), &acceptor, 0);
    let asks = async {
        // Once the server waits for it, and has nothing more to flush.
        tokio::task::yield_now().await;
        far.write_all(request("GET", "/x", "").as_bytes()).await.expect("sent");
    };
    tokio::join!(served, asks);
    let fetched = fetched.borrow().clone();
    assert_eq!((fetched.sent, fetched.complete, fetched.open), (10_000, false, 0));
    assert_eq!(event(&mut ServerEvents(Some(told))).await["complete"], false);
}

#[tokio::test]
async fn slow_request_head_times_out() {
    let limits = Limits { head: Duration::from_millis(100), ..Limits::default() };
    let mut server = server_with(1000, Allowed::All, limits);
    let mut queue = server.take_events();
    for start in ["", "GET / HTTP/1.1\r\nHost: "] {
        let mut stream = connect_from(&server, 1).await;
        stream.write_all(start.as_bytes()).await.expect("sent");
        rest(&mut stream).await;
    }
    assert!(events(&mut queue).is_empty(), "nothing was asked for");
}

#[tokio::test]
async fn endless_request_head_is_refused() {
    let server = server(1000);
    let mut stream = connect_from(&server, 1).await;
    let long = request("GET", &server.handler.path, &format!("X: {}\r\n", "x".repeat(64 << 10)));
    // It may be closed before all of it is out.
    let _ = stream.write_all(long.as_bytes()).await;
    let answer = String::from_utf8(rest(&mut stream).await).expect("ASCII");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(server.fetched().borrow().peer.is_none());
}

/// What a peer says of itself is shown on terminals.
#[tokio::test]
async fn request_headers_are_reported_short_and_printable() {
    let mut server = server(1000);
    let mut queue = server.take_events();
    let path = &server.handler.path;
    let method = "M".repeat(5000);
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: a\u{202e}{}\r\n\r\n", "b".repeat(5000));
    ask_from(&server, 1, &head).await;
    let told = event(&mut queue).await;
    let device = told["device"].as_str().expect("a device");
    assert!(device.starts_with("a·bbb") && device.chars().count() <= 61, "{device}");
    assert!(told["method"].as_str().expect("a method").chars().count() <= 61, "{told}");
}

/// A flood of requests fills neither the memory nor the log, and does not hide the download.
#[tokio::test]
async fn requests_without_the_path_are_reported_a_few_times() {
    let mut server = server(1000);
    let mut queue = server.take_events();
    for _ in 0..400 {
        ask(&server, "GET", "/").await;
    }
    ask(&server, "GET", &server.handler.path).await;
    until(&server, |fetched| fetched.complete && fetched.open == 0).await;
    let told = events(&mut queue);
    assert_eq!(told.len(), 33);
    assert_eq!(told[32]["status"], 200);
}

#[test]
fn bind_error_names_its_cause() {
    let message =
        |kind: io::ErrorKind| ServeError::Bind { address: ([127, 0, 0, 1], 80).into(), error: kind.into() }.to_string();
    for (kind, expected) in [
        (io::ErrorKind::AddrInUse, "cannot serve the firmware on 127.0.0.1:80: the port is in use by another program"),
        (
            io::ErrorKind::AddrNotAvailable,
            "cannot serve the firmware on 127.0.0.1:80: this machine has no such address",
        ),
        (io::ErrorKind::PermissionDenied, "cannot serve the firmware on 127.0.0.1:80: the port is not ours to open"),
    ] {
        assert_eq!(message(kind), expected);
    }
}
