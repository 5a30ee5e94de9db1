//! One listener for the updates of several devices.

use super::*;
use crate::bundle::Bundle;

fn serving(shared: &SharedServers, allowed: &str) -> Serving {
    Serving {
        listen: Some(([127, 0, 0, 1], 0).into()),
        allow_from: vec![allowed.parse().expect("an address")],
        shared: Some(shared.clone()),
        ..Serving::default()
    }
}

/// Starts the servers of two devices, which have the addresses 127.0.0.1 and 127.0.0.2.
async fn two(shared: &SharedServers) -> [FirmwareServer; 2] {
    let bundle = Bundle::read("tests/fixtures/demo-2.0.0-esp32.zip".as_ref()).expect("a bundle");
    let info = serde_json::json!({"app": "demo", "fw_version": "1.0.0", "fw_id": "x", "mac": "", "arch": "esp32", "uptime": 1});
    let info: SystemInfo = serde_json::from_value(info).expect("an info");
    let start =
        async |allowed| FirmwareServer::start(&bundle, &serving(shared, allowed), &info).await.expect("a server");
    [start("127.0.0.1").await, start("127.0.0.2").await]
}

#[tokio::test]
async fn devices_share_a_listener_and_have_a_bundle_each() {
    let shared = SharedServers::default();
    let [mut first, mut second] = two(&shared).await;
    assert_eq!(first.advertised(), second.advertised());
    assert_ne!(first.url(), second.url());
    let get = async |server: &FirmwareServer, last| {
        let (head, body) = ask_from(server, last, &request("GET", &server.handler.path, "")).await;
        (head.split_whitespace().nth(1).map(ToOwned::to_owned), body.len() as u64)
    };
    assert_eq!(get(&first, 1).await, (Some("200".into()), first.total()));
    assert!(until(&first, |fetched| fetched.open == 0).await.complete);
    assert!(!second.fetched().borrow().complete, "the other device has not asked");
    // The path of another device is unknown to this one.
    assert_eq!(get(&first, 2).await.0.as_deref(), Some("404"));
    assert_eq!(get(&second, 2).await.0.as_deref(), Some("200"));
    let statuses =
        |queue: &mut ServerEvents| events(queue).iter().map(|event| event["status"].clone()).collect::<Vec<_>>();
    assert_eq!(statuses(&mut first.take_events()), [200]);
    assert_eq!(statuses(&mut second.take_events()), [404, 200]);
    // A client that no device is known to be.
    assert_eq!(rest(&mut connect_from(&first, 3).await).await, b"");
    for server in [&first, &second] {
        assert_eq!(server.rejected_clients(), [IpAddr::from([127, 0, 0, 3])]);
    }
}

#[tokio::test]
async fn end_of_one_update_ends_its_transfers_only() {
    let shared = SharedServers::default();
    let [first, second] = two(&shared).await;
    let (address, total) = (first.advertised().to_owned(), usize::try_from(second.total()).expect("a size"));
    let mut streams = [connect_from(&first, 1).await, connect_from(&second, 2).await];
    for (stream, server) in streams.iter_mut().zip([&first, &second]) {
        stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
        until(server, |fetched| fetched.open == 1).await;
    }
    drop(first);
    assert!(rest(&mut streams[0]).await.len() < total, "the transfer was cut off");
    assert!(rest(&mut streams[1]).await.len() > total);
    drop(second);
    let address: SocketAddr = address.parse().expect("an address");
    assert!(TcpStream::connect(address).await.is_err(), "the listener has ended with the last update");
    let [again, _] = two(&shared).await;
    assert!(TcpStream::connect(again.advertised()).await.is_ok());
}
