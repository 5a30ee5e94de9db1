//! Many connections, and clients that take nothing.

use super::*;

/// The address of the device is unknown, and other clients hold every slot: silent ones, and some that request another path.
#[tokio::test]
async fn silent_connections_of_other_addresses_leave_a_slot_for_the_device() {
    let limits = ServeLimits { connections: 16, ..ServeLimits::default() };
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
    // The device sends its request only now, and then reads slowly.
    device.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
    until(&server, |fetched| fetched.open == 1).await;
    for last in 60..100 {
        idle.push(connect_from(&server, last).await);
    }
    assert!(rest(&mut device).await.len() > 2 << 20);
    assert!(until(&server, |fetched| fetched.open == 0).await.complete);
}

/// The silent connections come from the address of the device, as behind one NAT. The device has a round trip of 40 ms.
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
            // Connections that the server has closed.
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
    let limits = ServeLimits { per_address: 2, ..ServeLimits::default() };
    let server = server_with(16 << 20, Allowed::All, limits);
    let get = request("GET", &server.handler.path, "");
    let mut transfers = Vec::new();
    for open in 1..=2 {
        let mut stream = connect_from(&server, 2).await;
        stream.write_all(get.as_bytes()).await.expect("sent");
        until(&server, |fetched| fetched.open == open).await;
        transfers.push(stream);
    }
    // A third connection does not evict two that read, but another address still gets a slot.
    assert_eq!(rest(&mut connect_from(&server, 2).await).await, b"");
    let (head, _) = ask(&server, "HEAD", &server.handler.path).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(server.fetched().borrow().open, 2);
}

/// A device that is switched off does not close its connection.
#[tokio::test]
async fn client_that_takes_nothing_is_dropped() {
    let limits = ServeLimits { stall: Duration::from_millis(100), ..ServeLimits::default() };
    let mut server = server_with(16 << 20, Allowed::All, limits);
    let mut queue = server.take_events();
    let mut stream = connect_from(&server, 1).await;
    stream.write_all(request("GET", &server.handler.path, "").as_bytes()).await.expect("sent");
    let fetched = until(&server, |fetched| fetched.peer.is_some() && fetched.open == 0).await;
    assert!(!fetched.complete && fetched.sent > 0, "{fetched:?}");
    assert_eq!(event(&mut queue).await["complete"], false);
    assert!(rest(&mut stream).await.len() < 16 << 20);
}
