//! Unsupported certificates and keys, created by OpenSSL. Each refusal names its reason, and `--insecure` accepts the
//! certificate, as `curl -k` does.

mod support;

use support::certificates::{Authority, Pair};
use support::openssl::{Kind, TlsServer, certificate, write_trusted};
use support::{Run, run, run_on};

const VERSIONS: [&str; 2] = ["-tls1_2", "-tls1_3"];

const REASONS: [(Kind, &str); 5] = [
    (Kind::Version1, "X.509 version 1; only version 3 is supported\n"),
    (Kind::Rsa1024, "an RSA key of 1024 bits; only 2048 to 8192 bits are supported\n"),
    (Kind::P521, "a key on the curve P-521; only P-256 and P-384 are supported\n"),
    (Kind::Explicit, "a key with explicit curve parameters; only the named curves P-256 and P-384 are supported\n"),
    (Kind::Sha1, "a signature with SHA-1 and RSA; SHA-256 is supported\n"),
];

/// Tells whether the server presents its certificate. With TLS 1.2, it presents one on P-521 only to a client that
/// offers that curve for the key exchange.
fn is_shown(kind: Kind, version: &str) -> bool {
    kind != Kind::P521 || version == "-tls1_3"
}

fn assert_message(run: &Run, code: i32, text: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (code, ""), "{text}: {}", run.shown());
    assert!(run.stderr.contains(text), "{text}: {}", run.shown());
}

#[tokio::test]
async fn unsupported_server_certificate_is_refused_with_its_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    for (kind, reason) in REASONS {
        let pair = certificate(&directory, kind);
        let ca = pair.cert.display().to_string();
        for version in VERSIONS.into_iter().filter(|version| is_shown(kind, version)) {
            let server = TlsServer::start(&pair, version).await;
            let run = run_on(&server.url(), &["--ca-cert-file", &ca, "ping"]).await;
            assert_message(
                &run,
                3,
                &format!("/rpc: its certificate has {reason}hint: give the server another certificate"),
            );
            assert!(run.stderr.contains("`--insecure`"), "{}", run.shown());
        }
    }
}

#[tokio::test]
async fn unsupported_server_certificate_is_accepted_with_insecure() {
    let directory = tempfile::tempdir().expect("a directory");
    for kind in REASONS.map(|(kind, _)| kind).into_iter().chain([Kind::P256]) {
        let pair = certificate(&directory, kind);
        for version in VERSIONS.into_iter().filter(|version| is_shown(kind, version)) {
            let server = TlsServer::start(&pair, version).await;
            let run = run_on(&server.url(), &["--insecure", "--json", "ping"]).await;
            assert_eq!(
                (run.code, run.stdout.as_str()),
                (0, "{\"channel_info\":\"tls\"}\n"),
                "{kind:?}: {}",
                run.shown()
            );
        }
    }
}

/// The server ends the handshake before it presents its certificate.
#[tokio::test]
async fn server_key_that_the_client_does_not_offer_is_named_as_a_cause() {
    let directory = tempfile::tempdir().expect("a directory");
    for kind in [Kind::Secp256k1, Kind::P521] {
        let server = TlsServer::start(&certificate(&directory, kind), "-tls1_2").await;
        let run = run_on(&server.url(), &["--insecure", "ping"]).await;
        assert_message(&run, 3, "it broke TLS off: HandshakeFailure\nhint: ");
        assert!(run.stderr.contains("not P-521 or secp256k1\n"), "{}", run.shown());
    }
}

#[tokio::test]
async fn unsupported_client_certificate_or_key_is_refused_with_its_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let secp256k1 = (Kind::Secp256k1, "a key on the curve secp256k1; only P-256 and P-384 are supported\n");
    // The digest of the signature matters to the server only.
    for (kind, reason) in REASONS.into_iter().filter(|(kind, _)| *kind != Kind::Sha1).chain([secp256k1]) {
        let Pair { cert, key } = certificate(&directory, kind);
        let (cert, key) = (cert.display().to_string(), key.display().to_string());
        let file = if kind == Kind::Version1 { &cert } else { &key };
        let message = format!("cannot use {file}: it has {reason}");
        let client = run(&["--port", "wss://127.0.0.1:1", "--cert-file", &cert, "--key-file", &key, "ping"]).await;
        assert_message(&client, 2, &message);
        let simulate = ["simulate", "--listen", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--tls-cert", &cert];
        assert_message(&run(&[&simulate[..], &["--tls-key", &key]].concat()).await, 2, &message);
    }
}

/// Windows editors, `PowerShell` and OpenSSL write such files.
#[tokio::test]
async fn pem_with_byte_order_mark_or_trust_is_read() {
    let authority = Authority::new();
    let Pair { cert, key } = authority.sign("127.0.0.1");
    let pair = Pair { cert: authority.path("bom.pem"), key: authority.path("bom.key") };
    let with_mark = |text: &[u8]| [b"\xef\xbb\xbf", text].concat();
    std::fs::write(&pair.cert, with_mark(&std::fs::read(cert).expect("a file"))).expect("written");
    std::fs::write(&pair.key, with_mark(&std::fs::read(key).expect("a file"))).expect("written");
    let ca = std::fs::read_to_string(authority.file()).expect("a file");
    let utf16: Vec<u8> = std::iter::once(0xfeff).chain(ca.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    std::fs::write(authority.path("utf16.pem"), utf16).expect("written");
    // Two concatenated files, each with its byte order mark.
    let both = [with_mark(b""), with_mark(ca.as_bytes())].concat();
    std::fs::write(authority.path("both.pem"), both).expect("written");
    write_trusted(&authority.path("ca.pem"), &authority.path("trusted.pem"));
    let text = std::fs::read_to_string(authority.path("trusted.pem")).expect("a file");
    assert!(text.starts_with("-----BEGIN TRUSTED CERTIFICATE-----"), "{text}");

    let mut device = support::simulator().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let config = otactl::transport::tls::server_config(&pair.cert, &pair.key).expect("a configuration");
    device.serve_tls(listener, config);
    for name in ["utf16.pem", "both.pem", "trusted.pem"] {
        let ca = authority.path(name).display().to_string();
        let run = run_on(&url, &["--ca-cert-file", &ca, "ping"]).await;
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}: {}", run.shown());
    }
}
