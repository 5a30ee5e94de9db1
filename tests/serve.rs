//! The firmware server of the built binary: which peers it serves, over TLS or not, and what it reports about the
//! delivery.
//!
//! The test decides how the fake device answers, and fetches the firmware for it.

mod support;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use otactl::text::hex;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::certificates::Authority;
use support::fake_device::{FakeDevice, NEW};
use support::script::json as frame;
use support::scripted::with_crc;
use support::server::{ServerTasks, bind};
use support::{DEMO, Run, file, run, run_on};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

const STEP_TIMEOUT: Duration = Duration::from_secs(20);

/// A fake device that lets the test end each update.
struct ControlledDevice {
    port: String,
    urls: mpsc::Receiver<String>,
    verdicts: mpsc::Sender<Value>,
    _tasks: ServerTasks,
}

impl ControlledDevice {
    async fn start() -> Self {
        let (listener, address) = bind().await;
        let (requested_urls, urls) = mpsc::channel(1);
        let (verdicts, decisions) = mpsc::channel::<Value>(1);
        let decisions = Arc::new(tokio::sync::Mutex::new(decisions));
        let state = Arc::new(Mutex::new(FakeDevice::new()));
        let mut tasks = ServerTasks::new();
        tasks.accept(listener, move |stream| {
            let (state, requested_urls, decisions) =
                (Arc::clone(&state), requested_urls.clone(), Arc::clone(&decisions));
            async move {
                let (reader, mut writer) = stream.into_split();
                let mut lines = BufReader::new(reader).split(b'\n');
                while let Ok(Some(line)) = lines.next_segment().await {
                    let Some(request) = frame(&line) else { continue };
                    let mut answer = answer(&mut state.lock(), &request);
                    if request["method"] == "OTA.Update" {
                        let url = request["params"]["url"].as_str().expect("a URL").to_owned();
                        requested_urls.send(url).await.expect("the test is there");
                        let verdict: Value = decisions.lock().await.recv().await.expect("the test decides");
                        answer = json!({"error": verdict});
                        if verdict["code"] == 0 {
                            state.lock().boot(NEW, 1, false);
                        }
                    }
                    answer["id"] = request["id"].clone();
                    answer["src"] = "dev".into();
                    let line = with_crc(answer.to_string().as_bytes());
                    if writer.write_all(&line).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self { port: format!("tcp://{address}"), urls, verdicts, _tasks: tasks }
    }

    /// Runs an update of the device, and waits until the device is told to fetch the firmware. Returns the URL.
    async fn update(&mut self, args: &[&str]) -> (JoinHandle<Run>, String) {
        let (port, mut all) = (self.port.clone(), vec!["update".to_owned(), DEMO.to_owned()]);
        all.extend(args.iter().map(|&arg| arg.to_owned()));
        let run = tokio::spawn(async move {
            let args: Vec<&str> = all.iter().map(String::as_str).collect();
            run_on(&port, &args).await
        });
        let url = tokio::time::timeout(STEP_TIMEOUT, self.urls.recv()).await.expect("in time").expect("a URL");
        (run, url)
    }

    /// Confirms the update. The device reboots.
    async fn confirm_update(&self) {
        self.verdicts.send(json!({"code": 0, "message": "Update applied, finalizing"})).await.expect("it waits");
    }

    /// Fails the update.
    async fn fail_update(&self) {
        self.verdicts.send(json!({"code": -1, "message": "Update failed"})).await.expect("it waits");
    }
}

fn answer(device: &mut FakeDevice, request: &Value) -> Value {
    let result = match request["method"].as_str().unwrap_or_default() {
        "Sys.GetInfo" => {
            let mut info = device.info();
            info["wifi"] = json!({"sta_ip": "127.0.0.9"});
            info
        }
        "OTA.GetBootState" => device.boot_state(),
        "OTA.Commit" => {
            device.committed = true;
            Value::Null
        }
        method => return json!({"error": {"code": 404, "message": format!("No handler for {method}")}}),
    };
    json!({"result": result})
}

/// Returns the address and the path of a URL.
fn address_and_path(url: &str) -> (SocketAddr, &str) {
    let (_, rest) = url.split_once("://").expect("a scheme");
    let (address, _) = rest.split_once('/').expect("a path");
    (address.parse().expect("an address"), &rest[address.len()..])
}

/// Connects from 127.0.0.`last`, with a small receive buffer.
async fn connect_from(last: u8, url: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4096).expect("a small buffer");
    socket.bind(([127, 0, 0, last], 0).into()).expect("a loopback address");
    socket.connect(address_and_path(url).0).await.expect("a connection")
}

async fn request_firmware(stream: &mut (impl AsyncWrite + Unpin), url: &str, id: &str) -> io::Result<()> {
    let path = address_and_path(url).1;
    let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-MGOS-Device-ID: {id} 240AC4AABBCC\r\n\r\n");
    stream.write_all(head.as_bytes()).await
}

/// Returns the body of the response. It is empty if the server refuses the client.
async fn fetch(mut stream: impl AsyncRead + AsyncWrite + Unpin, url: &str, id: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    // A refused client gets an error from the write or from the read.
    if request_firmware(&mut stream, url, id).await.is_ok() {
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(STEP_TIMEOUT, read).await.expect("it ends in time");
    }
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
    answer.split_off(head)
}

async fn fetch_from(last: u8, url: &str) -> Vec<u8> {
    fetch(connect_from(last, url).await, url, "dev").await
}

fn demo() -> Vec<u8> {
    std::fs::read(file(DEMO)).expect("the demo")
}

fn events(run: &Run) -> Vec<Value> {
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// Waits for the end of a run, and checks that its output does not have the secret path.
async fn finish(run: JoinHandle<Run>, url: &str) -> Run {
    let run = run.await.expect("no panic");
    let secret = address_and_path(url).1.split('/').nth(1).expect("a path");
    assert!(secret.len() == 32 && !run.shown().contains(secret), "{}", run.shown());
    run
}

#[tokio::test]
async fn firmware_is_served_to_the_addresses_of_the_device_only() {
    let mut device = ControlledDevice::start().await;
    let (run, url) = device.update(&["--json", "-v"]).await;
    assert_eq!(fetch_from(2, &url).await, b"", "a stranger that knows the path");
    assert_eq!(fetch_from(9, &url).await, demo(), "the address that it reports");
    assert_eq!(fetch_from(1, &url).await, demo(), "the address at which it is called");
    device.confirm_update().await;
    let run = finish(run, &url).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let events = events(&run);
    let events_named = |name: &str| events.iter().filter(|event| event["event"] == name).collect::<Vec<_>>();
    assert_eq!(events_named("stranger").len(), 1, "{}", run.shown());
    assert_eq!(events_named("stranger")[0]["peer"], "127.0.0.2");
    let served = events_named("served");
    let total = demo().len();
    for (event, peer) in served.iter().zip(["127.0.0.9", "127.0.0.1"]) {
        assert_eq!((&event["peer"], &event["device"]), (&peer.into(), &"dev 240AC4AABBCC".into()));
        assert_eq!((&event["bytes"], &event["complete"]), (&total.into(), &true.into()), "{event}");
    }
    let expected = json!({
        "via": "pull", "bytes": total, "total": total, "complete": true, "requests": 2,
        "sha256": hex(&Sha256::digest(demo())),
    });
    assert_eq!(events.last().expect("the last one")["delivery"], expected);
    let mut delivered = events_named("delivered")[0].clone();
    delivered.as_object_mut().expect("an object").retain(|key, _| key != "event" && key != "time");
    assert_eq!(delivered, expected);
}

#[tokio::test]
async fn device_behind_nat_needs_allow_from() {
    let mut device = ControlledDevice::start().await;
    for json in [false, true] {
        let (run, url) = device.update(if json { &["--json"] } else { &[] }).await;
        assert_eq!(fetch_from(2, &url).await, b"");
        assert_eq!(fetch_from(3, &url).await, b"");
        device.fail_update().await;
        let run = finish(run, &url).await;
        assert_eq!(run.code, 8, "{}", run.shown());
        if json {
            let last = events(&run).pop().expect("the last one");
            assert!(last["hint"].as_str().expect("a hint").contains("`--allow-from 127.0.0.2`"), "{last}");
            assert_eq!((&last["outcome"], &last["delivery"]["complete"]), (&"never_fetched".into(), &false.into()));
            assert_eq!((&last["delivery"]["bytes"], &last["delivery"]["requests"]), (&0.into(), &0.into()));
        } else {
            let expected = "stranger  127.0.0.2 was refused: the device is not known to have that address.";
            assert_eq!(run.stderr.matches(expected).count(), 1, "{}", run.shown());
            let hint = "127.0.0.2, 127.0.0.3 requested the firmware and was refused";
            assert!(run.stderr.contains(hint), "{}", run.shown());
        }
    }
    for (args, last) in [
        (&["--allow-from", "127.0.0.2"][..], 2),
        (&["--allow-from", "10.0.0.0/8", "--allow-from", "127.0.0.0/29"], 3),
        (&["--allow-from", "any"], 77),
    ] {
        let mut device = ControlledDevice::start().await;
        let (run, url) = device.update(args).await;
        assert_eq!(fetch_from(last, &url).await, demo(), "{args:?}");
        device.confirm_update().await;
        let run = finish(run, &url).await;
        assert_eq!(run.code, 0, "{args:?}: {}", run.shown());
        assert!(!run.stderr.contains("stranger"), "{}", run.shown());
    }
}

/// Unusual requests are printed. The usual ones are not.
#[tokio::test]
async fn unusual_requests_are_printed() {
    let mut device = ControlledDevice::start().await;
    let (run, url) = device.update(&[]).await;
    let mut stream = connect_from(1, &url).await;
    request_firmware(&mut stream, &url, "dev").await.expect("sent");
    let _ = stream.read_u8().await.expect("the first byte");
    drop(stream);
    let wrong = format!("{url}x");
    assert_eq!(fetch_from(1, &wrong).await, b"");
    assert_eq!(fetch(connect_from(1, &url).await, &url, "esp32_112233").await, demo());
    device.confirm_update().await;
    let run = finish(run, &url).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    for line in [
        "fetch     127.0.0.1 fetches the firmware\n",
        "fetch     the connection of 127.0.0.1 ended after ",
        "fetch     127.0.0.1 requested another path than that of the firmware\n",
        "fetch     127.0.0.1 says that it is esp32_112233 240AC4AABBCC, not dev\n",
    ] {
        assert!(run.stderr.contains(line), "{line}: {}", run.shown());
    }
}

#[tokio::test]
async fn serve_tls_uses_the_given_certificate() {
    let authority = Authority::new();
    let pair = authority.sign("127.0.0.1");
    let (cert, key) = (pair.cert.display().to_string(), pair.key.display().to_string());
    let mut device = ControlledDevice::start().await;
    let (run, url) = device.update(&["--serve-tls", &cert, &key]).await;
    assert!(url.starts_with("https://127.0.0.1:"), "{url}");
    let connect = async |roots: Arc<RootCertStore>| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = builder.expect("versions").with_root_certificates(roots).with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").expect("a name");
        TlsConnector::from(Arc::new(config)).connect(name, connect_from(1, &url).await).await
    };
    connect(Arc::new(RootCertStore::empty())).await.expect_err("it knows no authority");
    assert_eq!(fetch_from(2, &url).await, b"", "a stranger gets no handshake either");
    let stream = connect(authority.roots()).await.expect("a handshake");
    assert_eq!(fetch(stream, &url, "dev").await, demo());
    device.confirm_update().await;
    let run = finish(run, &url).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    for line in [
        "serve     the firmware at https://127.0.0.1:",
        "fetch     the TLS handshake of 127.0.0.1 failed: ",
        "stranger  127.0.0.2 was refused",
    ] {
        assert!(run.stderr.contains(line), "{line}: {}", run.shown());
    }
}

/// otactl reports these errors before it calls the device.
#[tokio::test]
async fn firmware_that_cannot_be_served_is_refused_with_a_hint() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let in_use = format!("cannot serve the firmware on {taken}: the port is in use by another program");
    for (args, code, expected) in [
        (&["--listen", taken.as_str()][..], 7, in_use.as_str()),
        (&["--listen", "192.0.2.1:0"], 7, "cannot serve the firmware on 192.0.2.1:0: this machine has no such address"),
        (&["--serve-tls", "none.pem", "none.pem"], 2, "cannot use none.pem: "),
        (&["--serve-tls", "Cargo.toml", "Cargo.toml"], 2, "cannot use Cargo.toml: it holds no PEM certificate"),
    ] {
        let args = [&["--port", "sim:", "update", DEMO], args].concat();
        let run = run(&args).await;
        assert_eq!(run.code, code, "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(expected) && run.stderr.contains("\nhint: "), "{args:?}: {}", run.shown());
    }
    for (args, expected) in [
        (&[DEMO, "--allow-from", "10.0.0.0/33"][..], "as NETWORK/BITS such as 192.168.1.0/24"),
        (&[DEMO, "--allow-from", "device.example"], "as NETWORK/BITS such as 192.168.1.0/24"),
        (&[DEMO, "--serve-tls", "cert.pem"], "2 values required for '--serve-tls <CERT> <KEY>'"),
    ] {
        let args = [&["--port", "sim:", "update"], args].concat();
        let run = run(&args).await;
        assert_eq!(run.code, 2, "{args:?}: {}", run.shown());
        assert!(run.stderr.contains(expected), "{args:?}: {}", run.shown());
    }
}
