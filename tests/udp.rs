//! Checks the size of the datagrams of otactl. A device reads at most 1460 bytes of one and drops the rest without an error.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use otactl::sim::Config;
use otactl::transport::udp::MAX_SENT;
use parking_lot::Mutex;
use support::server::ServerTasks;
use support::{DEMO, assert_runs, run_on, simulator_with, ws};
use tokio::net::UdpSocket;

/// Forwards datagrams between otactl and a device, and records the sizes of those to the device. Ends when it is dropped.
struct Relay {
    address: SocketAddr,
    sizes: Arc<Mutex<Vec<usize>>>,
    _tasks: ServerTasks,
}

impl Relay {
    async fn start(device: SocketAddr) -> Self {
        let inside = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        inside.connect(device).await.expect("an address");
        let outside = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let address = outside.local_addr().expect("an address");
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let (recorded, mut tasks) = (Arc::clone(&sizes), ServerTasks::new());
        let record = tasks.record();
        tasks.spawn(async move {
            let (mut to_device, mut to_host) = (vec![0; 64 << 10], vec![0; 64 << 10]);
            let mut host = None;
            loop {
                tokio::select! {
                    Ok((len, from)) = outside.recv_from(&mut to_device) => {
                        host = Some(from);
                        record.record_use();
                        recorded.lock().push(len);
                        // A failed send is a lost datagram.
                        let _ = inside.send(&to_device[..len]).await;
                    }
                    Ok(len) = inside.recv(&mut to_host) => if let Some(host) = host {
                        let _ = outside.send_to(&to_host[..len], host).await;
                    },
                }
            }
        });
        Self { address, sizes, _tasks: tasks }
    }

    fn url(&self) -> String {
        format!("udp://{}", self.address)
    }

    /// Returns the sizes of the datagrams to the device since the last call, in bytes.
    fn sizes(&self) -> Vec<usize> {
        std::mem::take(&mut self.sizes.lock())
    }
}

/// Starts a simulated device behind a relay.
async fn device_behind_relay(config: Config) -> (otactl::sim::Simulator, Relay) {
    let mut device = simulator_with(config).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let relay = Relay::start(socket.local_addr().expect("an address")).await;
    device.serve_udp(socket);
    (device, relay)
}

#[tokio::test]
async fn push_of_the_demo_bundle_stays_within_1460_bytes() {
    for auth in [None, Some("admin:secret")] {
        let config = Config {
            reboot_delay: support::REBOOT,
            auth: auth.map(|auth| auth.parse().expect("credentials")),
            ..Config::default()
        };
        let (device, relay) = device_behind_relay(config).await;
        let creds = auth.map(|auth| vec!["--rpc-creds", auth]).unwrap_or_default();
        let run = run_on(&relay.url(), &[&creds[..], &["update", DEMO, "--via", "push"]].concat()).await;
        assert_eq!(run.code, 0, "{auth:?}: {}", run.shown());
        let sizes = relay.sizes();
        let largest = sizes.iter().copied().max().unwrap_or_default();
        assert!((MAX_SENT - 100..=MAX_SENT).contains(&largest), "{auth:?}: {largest} bytes, of {} sent", sizes.len());
        if auth.is_none() {
            assert_runs(&ws(&device), "2.0.0", true).await;
        }
    }
}

#[tokio::test]
async fn call_that_does_not_fit_a_datagram_is_refused_before_it_is_sent() {
    let (_device, relay) = device_behind_relay(Config::default()).await;
    for (len, hint) in [(1500, "send it over `--port ws://HOST`"), (3000, "split the request")] {
        let params = format!("\"{}\"", "x".repeat(len));
        let run = run_on(&relay.url(), &["call", "RPC.Ping", &params]).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{len}: {}", run.shown());
        assert!(run.stderr.contains("a device takes at most 1460 bytes over this transport"), "{len}: {}", run.shown());
        assert!(run.stderr.contains(hint), "{len}: {}", run.shown());
        assert_eq!(relay.sizes(), [0_usize; 0], "{len}: nothing is sent");
    }
    let params = format!("\"{}\"", "x".repeat(1400));
    let run = run_on(&relay.url(), &["call", "RPC.Ping", &params]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(relay.sizes().iter().all(|size| (1400..=MAX_SENT).contains(size)));
}

/// The device asks for credentials first. The answer to its challenge makes the frame larger.
#[tokio::test]
async fn call_that_does_not_fit_with_its_credentials_is_refused() {
    let auth = Some("admin:secret".parse().expect("credentials"));
    let (_device, relay) = device_behind_relay(Config { auth, ..Config::default() }).await;
    let params = format!("\"{}\"", "x".repeat(1350));
    let run = run_on(&relay.url(), &["--rpc-creds", "admin:secret", "call", "RPC.Ping", &params]).await;
    assert_eq!(run.code, 2, "{}", run.shown());
    assert!(run.stderr.contains("a device takes at most 1460 bytes"), "{}", run.shown());
    let sizes = relay.sizes();
    assert!(!sizes.is_empty() && sizes.iter().all(|size| *size <= MAX_SENT), "{sizes:?}");
}
