//! Plays the host of a recorded pull, and compares the requests of the device with the recording.
//!
//! The host listens, answers, closes connections and stops listening as it was recorded.

use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::file;
use super::recording::{Case, REPLY_TIMEOUT, recording};

/// How long the device may take to react to the host.
const REACTION_TIME: Duration = Duration::from_millis(50);

/// The address of the host in the recordings.
const RECORDED_ADDRESS: &str = "127.0.0.1:8911";

static RECORDED_PULLS: LazyLock<Vec<Case>> = LazyLock::new(|| recording("ota2022-fetch.json").cases);

/// Plays the host of one case. It has to be finished: its drop panics otherwise, so that the test fails.
pub struct FirmwareHost {
    pub address: SocketAddr,
    /// Whether the device sent a request in the recording.
    expects_requests: bool,
    is_finished: bool,
    script: JoinHandle<()>,
    /// The number of the call between `OTA.Update` and its reply, and the number of events at the host before that call.
    first_call_during_pull: Option<(usize, usize)>,
    /// The number of events that the script has played.
    done: watch::Receiver<usize>,
    /// Keeps the port while nothing listens.
    _holder: TcpSocket,
}

impl FirmwareHost {
    /// Starts a host that plays the recorded case of this name, `speed` times as fast as it was recorded.
    ///
    /// `replies` counts the replies of the device. The host plays an event only after the replies that precede it in the
    /// recording.
    pub fn start(name: &str, speed: f64, replies: watch::Receiver<usize>) -> Self {
        let holder = bind("127.0.0.1:0".parse().expect("an address"));
        let address = holder.local_addr().expect("an address");
        let listener = bind(address).listen(8).expect("a listener");
        let case = RECORDED_PULLS.iter().find(|case| case.case == name);
        let expects_requests = case.is_some();
        let (done, events_done) = watch::channel(0);
        let script = tokio::spawn(async move {
            match case {
                Some(case) => play(case, listener, speed, replies, &done).await,
                None => drop(listener.accept().await),
            }
        });
        let first_call_during_pull = case.and_then(first_call_during_pull);
        Self {
            address,
            expects_requests,
            is_finished: false,
            script,
            first_call_during_pull,
            done: events_done,
            _holder: holder,
        }
    }

    /// Waits until the host has played the events that precede this call in the recording, if the call comes during a pull.
    pub async fn ready_for(&mut self, call: usize) {
        if let Some((_, needed)) = self.first_call_during_pull.filter(|(number, _)| *number == call) {
            // `finish` reports why the script has ended too early.
            let _ = self.done.wait_for(|done| *done >= needed).await;
            sleep(REACTION_TIME).await;
        }
    }

    /// Returns the text with the recorded address of the host replaced by its current one.
    pub fn with_local_address(&self, text: &str) -> String {
        text.replace(RECORDED_ADDRESS, &self.address.to_string())
    }

    /// Waits until the script has played all events. Panics if a device sends a request where none was recorded.
    pub async fn finish(mut self, name: &str) {
        self.is_finished = true;
        if self.expects_requests {
            let played = timeout(REPLY_TIMEOUT, &mut self.script)
                .await
                .unwrap_or_else(|_| panic!("{name}: the device asks too little"));
            played.unwrap_or_else(|error| panic!("{name}: {error}"));
        } else {
            assert!(!self.script.is_finished(), "{name}: the device asks the host, which was not recorded");
        }
    }
}

impl Drop for FirmwareHost {
    fn drop(&mut self) {
        self.script.abort();
        // A second panic would abort the test process.
        if !std::thread::panicking() {
            assert!(self.is_finished, "the host of a recorded pull was not finished");
        }
    }
}

fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.bind(address).expect("a port");
    socket
}

fn first_call_during_pull(case: &Case) -> Option<(usize, usize)> {
    let (mut calls, mut done, mut is_next) = (0, 0, false);
    for event in &case.events {
        match event.note.as_deref() {
            Some(note) if note.starts_with("RPC request") => {
                if is_next {
                    return Some((calls, done));
                }
                is_next = note.contains("OTA.Update");
                calls += 1;
            }
            // The update has ended, or has not begun.
            Some(note) if note.starts_with("RPC reply") => is_next = false,
            _ => done += 1,
        }
    }
    None
}

async fn play(
    case: &Case,
    listener: TcpListener,
    speed: f64,
    mut replies: watch::Receiver<usize>,
    done: &watch::Sender<usize>,
) {
    let name = &case.case;
    let address = listener.local_addr().expect("an address");
    let (started, mut listener, mut connection) = (Instant::now(), Some(listener), None::<TcpStream>);
    let mut answered = 0;
    for event in &case.events {
        let note = event.note.as_deref().unwrap_or_default();
        if note.starts_with("RPC ") {
            answered += usize::from(note.starts_with("RPC reply"));
            continue;
        }
        replies.wait_for(|came| *came >= answered).await.unwrap_or_else(|_| panic!("{name}: {answered} replies"));
        let at = started + Duration::from_secs_f64(event.t / speed);
        match (event.from.as_deref(), note) {
            (Some("device"), _) => {
                let expected =
                    String::from_utf8(event.bytes()).expect("ASCII").replace(RECORDED_ADDRESS, &address.to_string());
                let mut request = vec![0; expected.len()];
                let connection = connection.as_mut().expect("a connection");
                timeout(REPLY_TIMEOUT, connection.read_exact(&mut request)).await.expect("in time").expect("a request");
                assert_eq!(String::from_utf8_lossy(&request), expected, "{name}");
            }
            (Some("host"), _) => {
                sleep_until(at).await;
                // The device may have closed the connection already.
                let _ = connection.as_mut().expect("a connection").write_all(&event.bytes()).await;
            }
            (_, note) if note.ends_with("device opens it") => {
                let accepted = listener.as_ref().expect("a listener").accept();
                connection = Some(timeout(REPLY_TIMEOUT, accepted).await.expect("in time").expect("a connection").0);
            }
            (_, note) if note.ends_with("host closes it") => {
                sleep_until(at).await;
                connection = None;
            }
            (_, note) if note.ends_with("firmware/good.zip") => {
                let bytes = std::fs::read(file("tests/wire/firmware/good.zip")).expect("a recorded bundle");
                let _ = connection.as_mut().expect("a connection").write_all(&bytes).await;
            }
            (_, "the server listens no more") => {
                sleep_until(at).await;
                listener = None;
            }
            (_, "the server listens again") => {
                sleep_until(at).await;
                listener = Some(bind(address).listen(8).expect("a listener"));
            }
            (_, note) => panic!("{name}: {note}"),
        }
        done.send_modify(|done| *done += 1);
    }
}
