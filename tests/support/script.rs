//! The scripts of peers: which actions follow the first request, the second, and so on, over any transport.
//!
//! They cover everything that the simulated device never does.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

use super::server::ServerRecord;

/// One action of a peer.
#[derive(Debug, Clone)]
pub enum PeerAction {
    /// Sends a frame with the delimiters of the transport.
    ///
    /// `{id}` stands for the id of the answered request, `{id0}` for that of the first request, and so on, `{params}`
    /// for the arguments.
    Frame(String),
    /// Sends a frame in Latin-1, one byte for each character. Such a frame need not be UTF-8.
    Latin1(String),
    /// Sends bytes that are not a frame, unchanged: log text, a damaged frame. A transport with messages sends them as
    /// one message.
    Raw(Vec<u8>),
    /// Closes the connection.
    Close,
}

pub fn frame(text: impl Into<String>) -> PeerAction {
    PeerAction::Frame(text.into())
}

pub fn latin1(text: impl Into<String>) -> PeerAction {
    PeerAction::Latin1(text.into())
}

pub fn raw(bytes: impl Into<Vec<u8>>) -> PeerAction {
    PeerAction::Raw(bytes.into())
}

/// The actions after each request, in order.
#[derive(Debug, Clone, Default)]
pub struct Script {
    answers: Vec<Vec<PeerAction>>,
    rest: Vec<PeerAction>,
}

impl Script {
    /// Answers the n-th request with the n-th of these. Further requests get no answer.
    pub fn of<const N: usize>(answers: [Vec<PeerAction>; N]) -> Self {
        Self { answers: answers.into(), rest: Vec::new() }
    }

    /// Answers all further requests with these actions.
    pub fn and_then(self, rest: Vec<PeerAction>) -> Self {
        Self { rest, ..self }
    }

    /// Answers each request with its own arguments.
    pub fn echo() -> Self {
        Self::default().and_then(vec![frame(r#"{"id":{id},"src":"dev","result":{params}}"#)])
    }
}

/// Plays a script over any number of connections, and records all received frames.
#[derive(Debug, Clone)]
pub struct Player {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    script: Script,
    ids: Vec<Value>,
    record: ServerRecord,
    received: mpsc::UnboundedSender<Vec<u8>>,
}

impl Player {
    /// Returns a player for the server of this record, and the frames that it receives.
    pub fn new(script: Script, record: ServerRecord) -> (Self, ReceivedFrames) {
        let (received, frames) = mpsc::unbounded_channel();
        let state = State { script, ids: Vec::new(), record, received };
        (Self { state: Arc::new(Mutex::new(state)) }, ReceivedFrames(frames))
    }

    /// Returns the actions after `bytes`, which the transport takes for one frame. Only requests have actions.
    pub fn answer(&self, bytes: &[u8]) -> Vec<PeerAction> {
        let mut state = self.state.lock();
        state.record.record_use();
        // The test may have dropped the receiver.
        let _ = state.received.send(bytes.to_vec());
        let Some(request) = json(bytes).filter(|frame| frame["method"].is_string()) else { return Vec::new() };
        let number = state.ids.len();
        state.ids.push(request["id"].clone());
        let action = state.script.answers.get(number).unwrap_or(&state.script.rest);
        action.iter().map(|action| filled(action, &request, &state.ids)).collect()
    }
}

fn filled(action: &PeerAction, request: &Value, ids: &[Value]) -> PeerAction {
    let (text, filled): (_, fn(String) -> PeerAction) = match action {
        PeerAction::Frame(text) => (text, PeerAction::Frame),
        PeerAction::Latin1(text) => (text, PeerAction::Latin1),
        PeerAction::Raw(_) | PeerAction::Close => return action.clone(),
    };
    let mut text = text.replace("{id}", &request["id"].to_string());
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(&format!("{{id{number}}}"), &id.to_string());
    }
    // Replaced last, so that placeholders in the arguments of the caller stay as they are.
    filled(text.replace("{params}", &request["params"].to_string()))
}

/// Encodes a text in Latin-1.
pub fn latin1_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

/// Parses the frame in these bytes. On a line, a CRC follows the frame.
pub fn json(bytes: &[u8]) -> Option<Value> {
    let end = bytes.iter().rposition(|&byte| byte == b'}')? + 1;
    serde_json::from_slice(&bytes[..end]).ok()
}

/// The frames that a peer has received, in order.
#[derive(Debug)]
pub struct ReceivedFrames(mpsc::UnboundedReceiver<Vec<u8>>);

impl ReceivedFrames {
    /// Waits for the next frame.
    pub async fn next(&mut self) -> Vec<u8> {
        let received = tokio::time::timeout(Duration::from_secs(20), self.0.recv()).await;
        received.expect("the peer hears something in time").expect("the peer is there")
    }

    /// Returns the methods of the requests received since the last call.
    pub fn methods(&mut self) -> Vec<String> {
        let mut methods = Vec::new();
        while let Ok(bytes) = self.0.try_recv() {
            methods.extend(json(&bytes).and_then(|frame| frame["method"].as_str().map(ToOwned::to_owned)));
        }
        methods
    }
}
