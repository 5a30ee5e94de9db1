//! The simulated device behind a real TLS server with a certificate that nobody has signed.

mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use support::{run_on, simulator};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// Carries TLS connections to a plain port.
async fn tls_in_front_of(device: SocketAddr) -> (SocketAddr, JoinSet<()>) {
    let signed = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![signed.cert.der().clone()], key)
        .expect("a usable certificate");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            connections.spawn(async move {
                let Ok(mut outside) = acceptor.accept(stream).await else { return };
                let Ok(mut inside) = TcpStream::connect(device).await else { return };
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    (address, tasks)
}

#[tokio::test]
async fn a_certificate_that_nobody_signed_is_taken_only_on_request() {
    let device = simulator().await;
    let mut console = device.console();
    let (address, _proxy) = tls_in_front_of(device.address()).await;
    for scheme in ["wss", "https"] {
        let port = format!("{scheme}://{address}");
        let refused = run_on(&port, &["ping"]).await;
        assert_eq!((refused.code, refused.stdout.as_str()), (3, ""), "{}", refused.shown());
        assert!(refused.stderr.contains("TLS failed: invalid peer certificate"), "{}", refused.shown());
        assert!(refused.stderr.contains("\nhint: if the network can be trusted, `--insecure`"), "{}", refused.shown());
        assert!(console.try_recv().is_err(), "nothing was asked");

        let taken = run_on(&port, &["--insecure", "ping"]).await;
        assert_eq!(taken.code, 0, "{}", taken.shown());
        assert!(taken.stdout.contains("channel_info"), "{}", taken.shown());
        assert_eq!(taken.stderr, "warning: --insecure: the device's TLS certificate is not checked\n");
        while console.try_recv().is_ok() {}
    }
}

#[tokio::test]
async fn a_plain_scheme_on_a_tls_port_is_no_device() {
    let device = simulator().await;
    let (address, _proxy) = tls_in_front_of(device.address()).await;
    for scheme in ["ws", "http"] {
        let run = run_on(&format!("{scheme}://{address}"), &["ping"]).await;
        assert_eq!(run.code, 3, "{}", run.shown());
        assert!(run.stderr.contains("\nhint: "), "{}", run.shown());
    }
}
