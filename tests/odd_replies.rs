//! The built binary with replies that are unusual or wrong.

mod support;

use support::frames::{masked, read_head};
use support::script::{Script, frame, json as json_of};
use support::transports::{CALL_TIMEOUT, Transport};
use support::{run_on, simulator};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

/// Reads a request with its body. Returns the head.
async fn read_request(socket: &mut TcpStream) -> String {
    let head = read_head(socket).await;
    let len = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    socket.read_exact(&mut vec![0; len.unwrap_or(0)]).await.expect("a body");
    head
}

/// The scheme of a challenge is case-insensitive, and need not be the first one.
#[tokio::test]
async fn digest_in_lower_case_behind_another_scheme_is_answered() {
    let (listener, address) = listener().await;
    let server = async {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        read_request(&mut socket).await;
        let challenge = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm=\"r\"\r\n\
                         WWW-Authenticate: digest qop=\"auth\", realm=\"r\", nonce=\"6b\", algorithm=md5\r\n\
                         Connection: close\r\n\r\n";
        socket.write_all(challenge.as_bytes()).await.expect("sent");
        drop(socket);
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let head = read_request(&mut socket).await;
        let reply = "HTTP/1.1 200 OK\r\nContent-Length: 32\r\nConnection: close\r\n\r\n{\"id\":1,\"src\":\"d\",\"result\":null}";
        socket.write_all(reply.as_bytes()).await.expect("sent");
        head
    };
    let port = format!("http://{address}");
    let args = ["--rpc-creds", "admin:secret", "call", "OTA.Commit"];
    let (run, head) = tokio::join!(run_on(&port, &args), timeout(CALL_TIMEOUT, server));
    let head = head.expect("a request with an answer to the challenge");
    assert_eq!((run.code, run.stdout.as_str()), (0, "null\n"), "{}", run.shown());
    assert!(head.to_ascii_lowercase().contains("authorization: digest username=\"admin\", realm=\"r\""), "{head}");
}

/// A proxy adds its own value to `Connection`.
#[tokio::test]
async fn websocket_whose_connection_header_is_a_list_is_opened() {
    let (listener, address) = listener().await;
    let server = async {
        let (mut socket, _) = listener.accept().await.expect("a connection");
        let head = read_head(&mut socket).await;
        let key = head
            .lines()
            .find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")));
        let accept = derive_accept_key(key.expect("a key").1.as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        // A ping in the same segment as the head.
        socket.write_all(&[answer.as_bytes(), b"\x89\x00"].concat()).await.expect("sent");
        let mut frame = BufReader::new(&mut socket);
        let mut head = [0; 2];
        loop {
            frame.read_exact(&mut head).await.expect("a frame");
            let mut payload = vec![0; usize::from(head[1] & 0x7f) + 4];
            frame.read_exact(&mut payload).await.expect("a payload");
            let (mask, payload) = payload.split_at(4);
            let payload: Vec<u8> = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
            if head[0] == 0x81 {
                let reply = format!(r#"{{"id":{},"src":"d","result":7}}"#, json_of(&payload).expect("a frame")["id"]);
                let mut message = vec![0x81, u8::try_from(reply.len()).expect("short")];
                message.extend_from_slice(reply.as_bytes());
                frame.get_mut().write_all(&message).await.expect("sent");
                return socket;
            }
        }
    };
    let port = format!("ws://{address}");
    let (run, _socket) = tokio::join!(run_on(&port, &["call", "M"]), server);
    assert_eq!((run.code, run.stdout.as_str()), (0, "7\n"), "{}", run.shown());
}

/// The simulated device accepts the same list from a client.
#[tokio::test]
async fn simulated_device_accepts_a_list_in_the_connection_header() {
    let device = simulator().await;
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let head = "GET /rpc HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: khwbG9Ad7vwpTSnqoVpVRQ==\r\n\r\n";
    socket.write_all(head.as_bytes()).await.expect("sent");
    assert!(read_head(&mut socket).await.starts_with("HTTP/1.1 101 "));
    socket.write_all(&masked(br#"{"id":1,"method":"RPC.Ping"}"#)).await.expect("sent");
    assert_eq!(socket.read_u8().await.expect("a reply"), 0x81);
    drop(socket);
    let mut socket = TcpStream::connect(device.address()).await.expect("a connection");
    let request = "GET /rpc/RPC.Ping HTTP/1.1\r\nHost: x\r\nConnection: TE, Keep-Alive\r\n\r\n";
    socket.write_all(request.as_bytes()).await.expect("sent");
    assert!(read_head(&mut socket).await.contains("\r\nConnection: keep-alive\r\n"));
}

/// A hexadecimal checksum is case-insensitive.
#[tokio::test]
async fn uppercase_checksum_is_accepted() {
    let (listener, address) = listener().await;
    let server = async {
        let (socket, _) = listener.accept().await.expect("a connection");
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        socket.read_line(&mut line).await.expect("a request");
        let id = &json_of(line.as_bytes()).expect("a frame")["id"];
        // Finds the first number whose checksum has a letter.
        let reply = (0..).map(|result| format!(r#"{{"id":{id},"src":"d","result":{result}}}"#)).find_map(|json| {
            let crc = format!("{:08X}", crc32fast::hash(json.as_bytes()));
            crc.contains(char::is_alphabetic).then(|| format!("\n{json}{crc}\n"))
        });
        socket.write_all(reply.expect("one of them").as_bytes()).await.expect("sent");
        socket
    };
    let port = format!("tcp://{address}");
    let (run, _socket) = tokio::join!(run_on(&port, &["--timeout", "3s", "call", "M"]), server);
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[tokio::test]
async fn reply_with_nan_is_reported_with_its_column() {
    for transport in [Transport::WebSocket, Transport::Http, Transport::Tcp] {
        let reply = frame(r#"{"id":{id},"src":"dev","result":{"temp": nan, "hum": 4}}"#);
        let peer = transport.scripted(Script::default().and_then(vec![reply])).await;
        let run = run_on(&peer.port, &["call", "Sensor.Read"]).await;
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{transport:?}: {}", run.shown());
        let expected = "error: Sensor.Read: the device's reply is not JSON at column ";
        assert!(run.stderr.starts_with(expected), "{transport:?}: {}", run.shown());
        assert!(run.stderr.contains(": `…\"temp\": nan…`\nhint: "), "{transport:?}: {}", run.shown());
        assert_eq!(run.stderr.matches("hint: ").count(), 1, "{transport:?}: {}", run.shown());
    }
}

/// Device libraries before 2019 send such replies.
#[tokio::test]
async fn reply_without_a_result_prints_null() {
    for transport in [Transport::WebSocket, Transport::Http, Transport::Tcp, Transport::Udp] {
        let peer = transport.scripted(Script::default().and_then(vec![frame(r#"{"id":{id},"src":"dev"}"#)])).await;
        let run = run_on(&peer.port, &["call", "OTA.Commit"]).await;
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.as_str()),
            (0, "null\n", ""),
            "{transport:?}: {}",
            run.shown()
        );
    }
}
