//! What was recorded on devices of 2019 and 2022, replayed against the simulated device. Each case starts on a fresh
//! device. If one of these fails, the code is wrong, not the bytes. What counts as no difference is said in
//! wire/README.md.

mod support;

use std::time::Duration;

use support::frames::{masked, payloads, read_frame, read_head};
use support::recording::{Case, PATIENCE, nearly_normal};
use support::replay::{Stage, replay_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::time::timeout;

#[tokio::test]
async fn websocket_of_2022_answers_as_recorded() {
    assert_eq!(replay_all("ota2022-ws.json", replay_websocket).await, 91);
}

#[tokio::test]
async fn websocket_of_2019_answers_as_recorded() {
    assert_eq!(replay_all("ota2019-ws.json", replay_websocket).await, 52);
}

async fn replay_websocket(case: Case) {
    let name = &case.case;
    let mut stage = Stage::new(&case).await;
    let mut socket: Option<TcpStream> = None;
    let mut compared = 0;
    for event in &case.events {
        match (event.from.as_deref(), event.text.as_deref()) {
            (Some("host"), Some(text)) => {
                stage.passed(event.t);
                let mut fresh = TcpStream::connect(stage.device.address()).await.expect("a connection");
                fresh.write_all(text.as_bytes()).await.expect("sent");
                socket = Some(fresh);
            }
            (Some("device"), Some(text)) => {
                assert_eq!(read_head(socket.as_mut().expect("a connection")).await, text, "{name}");
            }
            (Some("host"), None) => {
                stage.keep_time(event.t).await;
                let calls: Vec<_> = payloads(&event.bytes());
                let frames: Vec<_> = calls
                    .iter()
                    .flat_map(|call| masked(stage.host.localised(&String::from_utf8_lossy(call)).as_bytes()))
                    .collect();
                socket.as_mut().expect("a connection").write_all(&frames).await.expect("sent");
                calls.iter().for_each(|_| stage.called());
            }
            (Some("device"), None) => {
                for payload in payloads(&event.bytes()) {
                    let expected = String::from_utf8(payload).expect("ASCII");
                    let answer = read_frame(socket.as_mut().expect("a connection")).await;
                    let answer = answer.unwrap_or_else(|| panic!("{name}: closed instead of {expected}"));
                    assert_eq!(nearly_normal(&answer), nearly_normal(&expected), "{name}");
                    compared += 1;
                }
                stage.passed(event.t);
            }
            _ => {
                if event.note.as_deref() == Some("<< side closed") {
                    stage.rebooted().await;
                }
            }
        }
    }
    assert!(compared > 0, "{name}: nothing was compared");
    stage.host.finish(name).await;
}
