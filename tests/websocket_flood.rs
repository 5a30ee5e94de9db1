//! WebSocket peers that send pings without reading the answers: both the client and the simulated device bound what
//! they read.

mod support;

use std::time::Duration;

use otactl::ota;
use otactl::rpc::Device;
use otactl::transport::{self, Options};
use support::peers::shake_hands;
use support::{simulator, ws};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// More than the buffers of two sockets, in bytes. Without a bound, such a flood took half a second.
const FLOOD_LIMIT: usize = 128 << 20;

/// Sends the ping repeatedly. Returns how many bytes were sent before a second in which the peer took none.
async fn flood(stream: &mut TcpStream, ping: &[u8]) -> usize {
    let pings = ping.repeat(500);
    let mut taken = 0;
    while taken < FLOOD_LIMIT {
        match timeout(Duration::from_secs(1), stream.write(&pings[taken % ping.len()..])).await {
            Ok(written) => taken += written.expect("the connection is not closed within a second"),
            Err(_) => break,
        }
    }
    taken
}

#[tokio::test]
async fn client_reads_no_more_pings_than_it_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = format!("ws://{}", listener.local_addr().expect("an address")).parse().expect("a target");
    let device =
        Device::new(transport::connect(&target, &Options::default()).expect("a client"), Duration::from_secs(60));
    let call = tokio::spawn(async move { device.call(ota::GetInfo {}).await });
    let (mut stream, _) = listener.accept().await.expect("a connection");
    let mut request = vec![0; 4096];
    let read = stream.read(&mut request).await.expect("a handshake");
    shake_hands(&mut stream, &request[..read]).await.expect("a connection");
    let taken = flood(&mut stream, &[&[0x89, 125][..], &[b'x'; 125]].concat()).await;
    assert!(taken < FLOOD_LIMIT, "{taken} bytes");
    call.abort();
}

#[tokio::test]
async fn simulated_device_reads_no_more_pings_than_it_answers() {
    let device = simulator().await;
    let mut stream = TcpStream::connect(device.address()).await.expect("a connection");
    let request = format!(
        "GET /rpc HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        ws(&device)
    );
    stream.write_all(request.as_bytes()).await.expect("written");
    assert!(stream.read(&mut [0; 4096]).await.expect("an answer") > 0);
    let taken = flood(&mut stream, &[&[0x89, 0xfd, 0, 0, 0, 0][..], &[b'x'; 125]].concat()).await;
    assert!(taken < FLOOD_LIMIT, "{taken} bytes");
}
