//! The firmware server over real sockets.

mod connections;
mod shared;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::listen::{LocalSockets, ServeNetwork as _};
use super::*;

/// The timeout of each wait.
const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns the bytes of the bundle.
fn bundle(size: usize) -> Vec<u8> {
    (0..=250).cycle().take(size).collect()
}

/// Returns the bytes of the bundle and their digest.
fn with_digest(size: usize) -> (Bytes, String) {
    let bundle = bundle(size);
    let sha256 = hex(&<sha2::Sha256 as sha2::Digest>::digest(&bundle));
    (bundle.into(), sha256)
}

fn server_with(size: usize, allowed: Allowed, limits: ServeLimits) -> FirmwareServer {
    let listener = LocalSockets.listen(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
    let address = listener.local_addr().expect("an address");
    let listening = Arc::new(Listening::start(listener, address, None, limits));
    FirmwareServer::serve(with_digest(size), listening, "http", address.to_string(), allowed)
}

fn server(size: usize) -> FirmwareServer {
    server_with(size, Allowed::All, ServeLimits::default())
}

/// Connects from 127.0.0.`last`.
async fn connect_from(server: &FirmwareServer, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, last], 0).into()).expect("a loopback address");
    socket.connect(server.advertised().parse().expect("an address")).await.expect("a connection")
}

fn request(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: dev MAC\r\n{more}\r\n")
}

/// Sends a request, and returns the head of the response in lower case, and its body.
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

/// Reads until the connection is closed or reset.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(STEP_TIMEOUT, stream.read_to_end(&mut rest)).await;
    // Closing a connection with unread bytes resets it.
    let _ = end.expect("it ends in time");
    rest
}

/// Waits until the progress fulfils `seen`.
async fn until(server: &FirmwareServer, seen: impl FnMut(&Fetched) -> bool) -> Fetched {
    let mut fetched = server.fetched();
    let fetched = tokio::time::timeout(STEP_TIMEOUT, fetched.wait_for(seen)).await.expect("in time");
    fetched.expect("the server runs").clone()
}

/// Waits for the next event, and returns it as JSON.
async fn event(queue: &mut ServerEvents) -> serde_json::Value {
    let event = tokio::time::timeout(STEP_TIMEOUT, next(&mut queue.0)).await.expect("an event in time");
    serde_json::to_value(event).expect("JSON")
}

/// Takes the queued events.
fn events(queue: &mut ServerEvents) -> Vec<serde_json::Value> {
    let reported = queue.0.as_mut().expect("not yet taken");
    std::iter::from_fn(|| reported.try_recv().ok()).map(|event| serde_json::to_value(event).expect("JSON")).collect()
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

/// A foreign client must not get the firmware, nor learn that there is one.
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

/// A reader of events or logs must not be able to download the firmware.
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
    // Bytes in the buffer of the kernel do not count, or the progress would run ahead of the device.
    assert!(fetched.sent < 4 << 20, "{fetched:?}");
    let reported = event(&mut queue).await;
    assert_eq!((&reported["bytes"], &reported["complete"]), (&fetched.sent.into(), &false.into()));
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
    // The client takes only what fits into the buffer of the kernel.
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
        let reported = event(&mut queue).await;
        assert_eq!((&reported["status"], &reported["bytes"]), (&status.into(), &part.len().into()), "{more}");
        let range = (status == 206).then(|| format!("{}-{}", part.start, part.end - 1));
        assert_eq!(reported["range"].as_str(), range.as_deref(), "{more}");
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
    // The runtime drops a task in its next turn.
    tokio::task::yield_now().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn foreign_client_is_refused_and_reported_once() {
    let allowed = Allowed::new(&[[127, 0, 0, 1].into()], &[]);
    let mut server = server_with(1000, allowed, ServeLimits::default());
    let mut queue = server.take_events();
    for last in [2, 2, 3, 2] {
        let mut stream = connect_from(&server, last).await;
        // The server may have closed it already.
        let _ = stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await;
        assert_eq!(rest(&mut stream).await, b"", "127.0.0.{last}");
    }
    let (head, body) = ask(&server, "GET", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200") && body.len() == 1000, "{head}");
    let peers = [event(&mut queue).await, event(&mut queue).await, event(&mut queue).await];
    let reported = peers.each_ref().map(|event| (event["event"].as_str(), event["peer"].as_str()));
    let rejected = |peer| (Some("stranger"), Some(peer));
    assert_eq!(reported, [rejected("127.0.0.2"), rejected("127.0.0.3"), (Some("served"), Some("127.0.0.1"))]);
    assert_eq!(server.rejected_clients(), [2, 3].map(|last| IpAddr::from([127, 0, 0, last])));
    assert_eq!(server.delivery_report().requests, Some(1));

    for last in 4..=255 {
        rest(&mut connect_from(&server, last).await).await;
    }
    assert_eq!(server.rejected_clients().len(), 16, "there is no end of addresses");
    assert_eq!(events(&mut queue).len(), 14);
}

/// A dual-stack socket reports IPv4 addresses as IPv6.
#[tokio::test]
async fn ipv4_client_on_a_dual_stack_socket_is_admitted() {
    // Some machines have no IPv6.
    let Ok(listener) = LocalSockets.listen((Ipv6Addr::UNSPECIFIED, 0).into()) else { return };
    let port = listener.local_addr().expect("an address").port();
    let allowed = Allowed::new(&[[127, 0, 0, 1].into()], &[]);
    let address = format!("127.0.0.1:{port}");
    let bound = listener.local_addr().expect("an address");
    let listening = Arc::new(Listening::start(listener, bound, None, ServeLimits::default()));
    let mut server = FirmwareServer::serve(with_digest(1000), listening, "http", address, allowed);
    let mut queue = server.take_events();
    assert_eq!(rest(&mut connect_from(&server, 2).await).await, b"");
    let (head, _) = ask(&server, "GET", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    for peer in ["127.0.0.2", "127.0.0.1"] {
        assert_eq!(event(&mut queue).await["peer"], peer);
    }
}

/// The whole bundle fits into the buffers of the server, and stays there.
#[tokio::test(start_paused = true)]
async fn transfer_with_bytes_in_the_stream_is_incomplete() {
    let (handler, fetched, reported) = Handler::new("/x".into(), with_digest(10_000));
    let acceptor = accept::Acceptor::new(ServeLimits::default());
    acceptor.add(Arc::new(handler), Allowed::All);
    let (near, mut far) = tokio::io::duplex(1000);
    let outflow = write_timeout::Outflow::default();
    let stream = write_timeout::WriteTimeout::new(near, ServeLimits::default().stall, outflow.clone());
    let served = accept::serve_request(stream, &outflow, ([127, 0, 0, 1], 1).into(), &acceptor, 0);
    let asks = async {
        // The server waits for the client, and has no bytes left to flush.
        tokio::task::yield_now().await;
        far.write_all(request("GET", "/x", "").as_bytes()).await.expect("sent");
    };
    tokio::join!(served, asks);
    let fetched = fetched.borrow().clone();
    assert_eq!((fetched.sent, fetched.complete, fetched.open), (10_000, false, 0));
    assert_eq!(event(&mut ServerEvents(Some(reported))).await["complete"], false);
}

#[tokio::test]
async fn slow_request_head_times_out() {
    let limits = ServeLimits { head: Duration::from_millis(100), ..ServeLimits::default() };
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
    // The server may close the connection before the request is sent.
    let _ = stream.write_all(long.as_bytes()).await;
    let answer = String::from_utf8(rest(&mut stream).await).expect("ASCII");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert!(server.fetched().borrow().peer.is_none());
}

/// Terminals show the headers of a client.
#[tokio::test]
async fn request_headers_are_reported_short_and_printable() {
    let mut server = server(1000);
    let mut queue = server.take_events();
    let path = &server.handler.path;
    let method = "M".repeat(5000);
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: a\u{202e}{}\r\n\r\n", "b".repeat(5000));
    ask_from(&server, 1, &head).await;
    let reported = event(&mut queue).await;
    let device = reported["device"].as_str().expect("a device");
    assert!(device.starts_with("a·bbb") && device.chars().count() <= 61, "{device}");
    assert!(reported["method"].as_str().expect("a method").chars().count() <= 61, "{reported}");
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
    let reported = events(&mut queue);
    assert_eq!(reported.len(), 33);
    assert_eq!(reported[32]["status"], 200);
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
        (io::ErrorKind::PermissionDenied, "cannot serve the firmware on 127.0.0.1:80: this user may not open the port"),
    ] {
        assert_eq!(message(kind), expected);
    }
}
