//! TLS: the built binary against simulated devices with certificates of all kinds.

mod support;

use std::io;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use otactl::sim::auth::Auth;
use otactl::sim::{Config, Simulator};
use otactl::transport::tls::{Connector, TlsSettings, server_config};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ServerConfig, SupportedProtocolVersion, version};
use support::certificates::{Authority, Pair};
use support::peers::ClosedPort;
use support::server::{ServerTasks, bind};
use support::{DEMO, REBOOT, Run, assert_runs, finish, otactl, run_on, simulator, simulator_with};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const SCHEMES: [&str; 2] = ["wss", "https"];

/// Which clients a device accepts.
#[derive(Clone, Copy)]
enum ClientAuth {
    NotRequested,
    /// Clients with a certificate.
    Required,
    /// All clients. The device requests a certificate, but does not require it.
    Optional,
}

fn device_config(
    pair: &Pair,
    authority: &Authority,
    client_auth: ClientAuth,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).expect("versions");
    let verifier = WebPkiClientVerifier::builder_with_provider(authority.roots(), provider);
    let builder = match client_auth {
        ClientAuth::NotRequested => builder.with_no_client_auth(),
        ClientAuth::Required => builder.with_client_cert_verifier(verifier.build().expect("a verifier")),
        ClientAuth::Optional => {
            let verifier = verifier.allow_unauthenticated().build().expect("a verifier");
            builder.with_client_cert_verifier(verifier)
        }
    };
    let chain = vec![CertificateDer::from_pem_file(&pair.cert).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_file(&pair.key).expect("a key");
    Arc::new(builder.with_single_cert(chain, key).expect("a usable certificate"))
}

async fn serve_tls(device: &mut Simulator, config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    device.serve_tls(listener, config);
    port
}

/// Starts a device with this certificate, which accepts every client.
async fn device_with(pair: &Pair) -> (Simulator, u16) {
    let mut device = simulator().await;
    let config = server_config(&pair.cert, &pair.key).expect("a configuration");
    let port = serve_tls(&mut device, config).await;
    (device, port)
}

/// Starts a device that requires a client certificate.
async fn guarded_device(authority: &Authority, version: &'static SupportedProtocolVersion) -> (Simulator, u16) {
    let mut device = simulator().await;
    let config = device_config(&authority.sign("127.0.0.1"), authority, ClientAuth::Required, &[version]);
    let port = serve_tls(&mut device, config).await;
    (device, port)
}

/// Checks that the command failed with this message and this hint before it called the device.
fn assert_refused(run: &Run, message: &str, hint: &str) {
    assert_eq!((run.code, run.stdout.as_str()), (3, ""), "{message}: {}", run.shown());
    assert!(run.stderr.contains(&format!("/rpc: {message}")), "{message}: {}", run.shown());
    let hints = run.stderr.split_once("\nhint: ").map(|(_, hints)| hints.to_owned()).unwrap_or_default();
    assert!(hints.contains(hint), "{message}: {}", run.shown());
}

#[tokio::test]
async fn each_certificate_fault_has_its_own_message() {
    const HOST: &str = "127.0.0.1";
    let authority = Authority::new();
    let ca_file = authority.file();
    let trusting = ["--ca-cert-file", &ca_file];
    let expired = authority.sign_as(HOST, |params| params.not_after = date_time_ymd(2001, 2, 3));
    let early = authority.sign_as(HOST, |params| params.not_before = date_time_ymd(2999, 2, 3));
    let other = authority.sign("device.example");
    let good = authority.sign(HOST);
    let itself = authority.self_signed_as(HOST, |_| ());
    let root = authority.self_signed_as(HOST, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    for (pair, options, message, hint) in [
        (
            &expired,
            &trusting[..],
            "its certificate has expired\n",
            "is the clock of this machine wrong?\nhint: if the network can be trusted, `--insecure`",
        ),
        (&early, &trusting[..], "its certificate is not valid yet\n", "check this machine's clock;"),
        (&other, &trusting[..], "its certificate is not for `127.0.0.1`\n", "use a name or an address"),
        (&good, &[], "its certificate is not signed by a trusted authority\n", "`--ca-cert-file FILE`"),
        (&good, &[], "its certificate is not signed by a trusted authority\n", "`--insecure`"),
        (&itself, &trusting[..], "its certificate is not signed by a trusted authority\n", "`--ca-cert-file FILE`"),
        (&root, &trusting[..], "its certificate is that of an authority, not of a server\n", "CA:FALSE"),
    ] {
        let (device, port) = device_with(pair).await;
        let mut console = device.console();
        for scheme in SCHEMES {
            let run = run_on(&format!("{scheme}://{HOST}:{port}"), &[options, &["ping"]].concat()).await;
            assert_refused(&run, message, hint);
        }
        assert!(console.try_recv().is_err(), "{message}: nothing was asked");
    }
}

#[tokio::test]
async fn insecure_accepts_any_certificate() {
    let authority = Authority::new();
    let pair = authority.sign_as("device.example", |params| params.not_after = date_time_ymd(2001, 2, 3));
    let (_device, port) = device_with(&pair).await;
    for scheme in SCHEMES {
        // With `--insecure`, the authority file is not used, and need not exist.
        let options = ["--insecure", "--ca-cert-file", "/no/such/file", "ping"];
        let run = run_on(&format!("{scheme}://127.0.0.1:{port}"), &options).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        assert!(run.stdout.contains("channel_info"), "{}", run.shown());
        assert_eq!(run.stderr, "warning: --insecure: the device's TLS certificate is not checked\n");
    }
}

#[tokio::test]
async fn scheme_that_does_not_match_the_port_is_reported() {
    let authority = Authority::new();
    let (device, port) = device_with(&authority.sign("127.0.0.1")).await;
    for scheme in SCHEMES {
        let run = run_on(&format!("{scheme}://{}", device.address()), &["ping"]).await;
        assert_refused(&run, "the port does not speak TLS\n", "use ws:// instead of wss://");
    }
    for scheme in ["ws", "http"] {
        let run = run_on(&format!("{scheme}://127.0.0.1:{port}"), &["ping"]).await;
        assert_eq!(run.code, 3, "{}", run.shown());
        let hint = run.stderr.split("\nhint: ").nth(1).unwrap_or_default();
        assert!(hint.contains(&format!("use {scheme}s://")), "{}", run.shown());
    }
}

#[tokio::test]
async fn authority_from_a_file_is_trusted_for_addresses_and_names() {
    let authority = Authority::new();
    let itself = authority.self_signed_as("localhost", |_| ());
    for (pair, ca_file, host) in [
        (authority.sign("127.0.0.1"), authority.file(), "127.0.0.1"),
        (authority.sign("localhost"), authority.file(), "localhost"),
        // A certificate may be its own authority.
        (itself.clone(), itself.cert.display().to_string(), "localhost"),
    ] {
        let (_device, port) = device_with(&pair).await;
        for scheme in SCHEMES {
            let url = format!("{scheme}://{host}:{port}");
            let run = run_on(&url, &["--ca-cert-file", &ca_file, "ping"]).await;
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{host}: {}", run.shown());
            let mut from_environment = otactl(&["--port", &url, "ping"]);
            from_environment.env("OTACTL_CA_CERT_FILE", &ca_file);
            assert_eq!(finish(from_environment).await.code, 0);
        }
    }
}

#[tokio::test]
async fn certificate_for_an_ipv6_address_is_accepted() {
    let authority = Authority::new();
    let pair = authority.sign("::1");
    // Not every machine has IPv6.
    let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
    let port = listener.local_addr().expect("an address").port();
    let mut device = simulator().await;
    device.serve_tls(listener, server_config(&pair.cert, &pair.key).expect("a configuration"));
    for scheme in SCHEMES {
        let run = run_on(&format!("{scheme}://[::1]:{port}"), &["--ca-cert-file", &authority.file(), "ping"]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
    }
}

#[tokio::test]
async fn known_client_certificate_is_accepted() {
    let authority = Authority::new();
    let known = authority.sign("a client");
    for version in [&version::TLS12, &version::TLS13] {
        let (_device, port) = guarded_device(&authority, version).await;
        for scheme in SCHEMES {
            let url = format!("{scheme}://127.0.0.1:{port}");
            let ca_file = authority.file();
            let options = known.options();
            let [cert_option, cert, key_option, key] = &options;
            let run =
                run_on(&url, &["--ca-cert-file", &ca_file, cert_option, cert, key_option, key, "get-boot-state"]).await;
            assert_eq!(run.code, 0, "{}", run.shown());

            // One file from the environment, the other from an option after the command.
            let mut mixed = otactl(&["--port", &url, "ping", key_option, key]);
            mixed.env("OTACTL_CA_CERT_FILE", &ca_file).env("OTACTL_CERT_FILE", cert);
            let run = finish(mixed).await;
            assert_eq!(run.code, 0, "{}", run.shown());
        }
    }
}

#[tokio::test]
async fn missing_or_unknown_client_certificate_is_reported() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let unknown = stranger.sign("a client");
    let expired = authority.sign_as("a former client", |params| params.not_after = date_time_ymd(2001, 2, 3));
    for version in [&version::TLS12, &version::TLS13] {
        let (device, port) = guarded_device(&authority, version).await;
        let mut console = device.console();
        for scheme in SCHEMES {
            let url = format!("{scheme}://127.0.0.1:{port}");
            let ca_file = authority.file();
            let none = run_on(&url, &["--ca-cert-file", &ca_file, "ping"]).await;
            let message = "it asks for a client certificate, and hangs up without one\n";
            assert_refused(&none, message, "`--cert-file FILE --key-file FILE`");
            for pair in [&unknown, &expired] {
                let options = pair.options();
                let [cert_option, cert, key_option, key] = &options;
                let args = ["--ca-cert-file", &ca_file, cert_option, cert, key_option, key, "ping"];
                let refused = run_on(&url, &args).await;
                assert_refused(&refused, "it does not accept the client certificate", "`--cert-file`");
            }
        }
        assert!(console.try_recv().is_err(), "nothing was asked");
    }
}

/// Starts a server that resets each connection after the handshake. With `reads`, it reads the request before that.
async fn resetting_server(config: Arc<ServerConfig>, reads: bool) -> (SocketAddr, ServerTasks) {
    let (listener, address) = bind().await;
    let acceptor = TlsAcceptor::from(config);
    let mut tasks = ServerTasks::new();
    tasks.accept(listener, move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            if reads {
                let _ = stream.read(&mut [0; 1000]).await;
            }
            let _ = stream.get_ref().0.set_zero_linger();
        }
    });
    (address, tasks)
}

#[tokio::test]
async fn reset_names_the_client_certificate_only_if_one_was_requested() {
    let authority = Authority::new();
    let pair = authority.sign("127.0.0.1");
    let ca_file = authority.file();
    let args = ["--ca-cert-file", &ca_file, "ping"];
    for reads in [false, true] {
        let optional = device_config(&pair, &authority, ClientAuth::Optional, &[&version::TLS13]);
        let (address, _server) = resetting_server(optional, reads).await;
        for scheme in SCHEMES {
            let run = run_on(&format!("{scheme}://{address}"), &args).await;
            assert_refused(&run, "it asks for a client certificate", "`--cert-file FILE --key-file FILE`");
        }
        let plain = device_config(&pair, &authority, ClientAuth::NotRequested, &[&version::TLS13]);
        let (address, _server) = resetting_server(plain, reads).await;
        for scheme in SCHEMES {
            let run = run_on(&format!("{scheme}://{address}"), &args).await;
            assert_eq!(run.code, 3, "{}", run.shown());
            assert!(!run.stderr.contains("certificate"), "{}", run.shown());
        }
    }
}

/// A device that requests a certificate without requiring it works like any other.
#[tokio::test]
async fn optional_client_certificate_may_be_missing() {
    let authority = Authority::new();
    let mut device = simulator().await;
    let config = device_config(&authority.sign("127.0.0.1"), &authority, ClientAuth::Optional, &[&version::TLS13]);
    let port = serve_tls(&mut device, config).await;
    for scheme in SCHEMES {
        let url = format!("{scheme}://127.0.0.1:{port}");
        let run = run_on(&url, &["--ca-cert-file", &authority.file(), "ping"]).await;
        assert_eq!(run.code, 0, "{}", run.shown());
    }
}

/// The update uses a private authority, a client certificate, a password, and includes a reboot.
#[tokio::test]
async fn device_is_updated_over_tls() {
    let authority = Authority::new();
    let known = authority.sign("a client");
    let auth: Auth = "admin:secret:myrealm".parse().expect("credentials");
    for scheme in SCHEMES {
        for auth in [None, Some(auth.clone())] {
            let mut device = simulator_with(Config { reboot_delay: REBOOT, auth, ..Config::default() }).await;
            let config =
                device_config(&authority.sign("127.0.0.1"), &authority, ClientAuth::Required, rustls::ALL_VERSIONS);
            let port = serve_tls(&mut device, config).await;
            let url = format!("{scheme}://127.0.0.1:{port}");
            let with_secrets = |args: &[&str]| {
                let mut command = otactl(&[&["--port", &url], args].concat());
                command.env("OTACTL_RPC_CREDS", "admin:secret").env("OTACTL_CA_CERT_FILE", authority.file());
                command.env("OTACTL_CERT_FILE", &known.cert).env("OTACTL_KEY_FILE", &known.key);
                finish(command)
            };
            let update = with_secrets(&["-vv", "update", DEMO]).await;
            assert_eq!(update.code, 0, "{}", update.shown());
            assert!(!update.stderr.contains("secret") && !update.stderr.contains("PRIVATE"), "{}", update.shown());
            let state = with_secrets(&["--json", "get-boot-state"]).await;
            assert!(state.stdout.contains("\"active_slot\":1,\"is_committed\":true"), "{}", state.shown());
        }
        // The plain port of the device shows the result.
        let (device, port) = device_with(&authority.sign("localhost")).await;
        let url = format!("{scheme}://localhost:{port}");
        let update = run_on(&url, &["--ca-cert-file", &authority.file(), "update", DEMO]).await;
        assert_eq!(update.code, 0, "{}", update.shown());
        assert_runs(&support::ws(&device), "2.0.0", true).await;
    }
}

#[tokio::test]
async fn bad_certificate_file_is_named_before_the_dial() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (good, stranger) = (authority.sign("127.0.0.1"), other.sign("127.0.0.1"));
    let file = |name: &str, text: &str| {
        let path = authority.path(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let missing = authority.path("missing.pem").display().to_string();
    let empty = file("empty.pem", "");
    let damaged = file("damaged.pem", "-----BEGIN CERTIFICATE-----\n!s3cret!\n-----END CERTIFICATE-----\n");
    let hollow = file("hollow.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let hollow_key = file("hollow.key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
    let (cert, key) = (good.cert.display().to_string(), good.key.display().to_string());
    let strange_key = stranger.key.display().to_string();
    let directory = authority.path("").display().to_string();
    let ca = |file| vec!["--ca-cert-file", file];
    let pair = |cert, key| vec!["--cert-file", cert, "--key-file", key];
    let closed = ClosedPort::new();
    for (options, named, what) in [
        (ca(&missing), &missing, "No such file"),
        (ca(&empty), &empty, "it holds no PEM certificate"),
        (ca(&key), &key, "it holds no PEM certificate"),
        (ca(&damaged), &damaged, "its PEM text is damaged"),
        (ca(&hollow), &hollow, "none of its certificates can be used"),
        (ca(&directory), &directory, "directory"),
        (pair(&missing, &key), &missing, "No such file"),
        (pair(&cert, &missing), &missing, "No such file"),
        (pair(&hollow, &key), &hollow, "its certificate cannot be used"),
        (pair(&cert, &cert), &cert, "it holds no PEM private key"),
        (pair(&cert, &hollow_key), &hollow_key, "its private key cannot be used"),
        (pair(&cert, &strange_key), &strange_key, "it is not the key of the certificate in"),
    ] {
        for scheme in SCHEMES {
            let run = run_on(&format!("{scheme}://{}", closed.address), &[&options[..], &["ping"]].concat()).await;
            assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{options:?}: {}", run.shown());
            let message = format!("error: cannot use {named}: ");
            assert!(run.stderr.starts_with(&message) && run.stderr.contains(what), "{options:?}: {}", run.shown());
            assert!(run.stderr.contains("\nhint: ") && !run.stderr.contains("s3cret"), "{}", run.shown());
        }
        // otactl checks the files for an https URL of the firmware in the same way.
        let url = ["--port", "sim:", "update", "--url", "https://127.0.0.1:1/fw.zip"];
        let run = support::run(&[&options[..], &url].concat()).await;
        assert_eq!(run.code, 2, "{options:?}: {}", run.shown());
    }
    // Without TLS, the files are not used.
    let device = simulator().await;
    let run = run_on(&support::ws(&device), &["--ca-cert-file", &missing, "ping"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

#[tokio::test]
async fn certificate_without_its_key_is_refused() {
    for (given, missing, variable) in
        [("--cert-file", "--key-file", "OTACTL_KEY_FILE"), ("--key-file", "--cert-file", "OTACTL_CERT_FILE")]
    {
        let run = run_on("wss://127.0.0.1:1", &[given, "a.pem", "ping"]).await;
        assert_eq!(run.code, 2, "{}", run.shown());
        assert!(run.stderr.starts_with(&format!("error: {given} was given without {missing}\n")), "{}", run.shown());
        assert!(run.stderr.contains(variable), "{}", run.shown());
    }
}

#[tokio::test]
async fn simulated_device_needs_a_certificate_for_tls() {
    let authority = Authority::new();
    let pair = authority.sign("127.0.0.1");
    let (cert, key) = (pair.cert.display().to_string(), pair.key.display().to_string());
    let simulate = ["simulate", "--listen", "127.0.0.1:0", "--tls", "127.0.0.1:0"];
    for half in [&[][..], &["--tls-cert", &cert], &["--tls-key", &key]] {
        let run = support::run(&[&simulate[..], half].concat()).await;
        assert_eq!(run.code, 2, "{}", run.shown());
        assert!(run.stderr.contains("--tls-cert FILE --tls-key FILE\nhint: create them with `openssl req -x509"));
    }
    let swapped = support::run(&[&simulate[..], &["--tls-cert", &key, "--tls-key", &cert]].concat()).await;
    assert_eq!(swapped.code, 2, "{}", swapped.shown());
    assert!(swapped.stderr.contains(&format!("cannot use {key}: it holds no PEM certificate")), "{}", swapped.shown());

    let command = otactl(&[&simulate[..], &["--tls-cert", &cert, "--tls-key", &key]].concat());
    let mut device =
        tokio::process::Command::from(command).stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
    let mut stderr_text = String::new();
    let mut stderr = device.stderr.take().expect("a pipe");
    let url = loop {
        let mut bytes = [0; 1000];
        let read = tokio::time::timeout(Duration::from_secs(20), stderr.read(&mut bytes)).await.expect("in time");
        stderr_text += &String::from_utf8_lossy(&bytes[..read.expect("text")]);
        let found = stderr_text.split_whitespace().find(|word| word.starts_with("https://") && word.ends_with("/rpc"));
        if let Some(url) = found {
            break url.to_owned();
        }
    };
    let run = run_on(&url, &["--ca-cert-file", &authority.file(), "ping"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
}

/// The device resets the connection of a request that is too large, as on the plain port.
#[tokio::test]
async fn oversized_request_over_tls_is_reset() {
    let authority = Authority::new();
    let (_device, port) = device_with(&authority.sign("localhost")).await;
    let settings = TlsSettings { ca_cert_file: Some(authority.path("ca.pem")), ..TlsSettings::default() };
    let connector = Connector::new(&settings).expect("a connector");
    let tcp = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let mut stream = connector.connect("localhost", tcp).await.expect("TLS");
    stream.write_all(b"POST /rpc HTTP/1.1\r\nContent-Length: 4000\r\n\r\n").await.expect("sent");
    let mut answer = Vec::new();
    let error = stream.read_to_end(&mut answer).await.expect_err("a reset");
    assert_eq!((error.kind(), answer.len()), (io::ErrorKind::ConnectionReset, 0));
}
