//! What a scripted peer says: so many things in answer to the first request, so many in answer to the
//! second, whatever carries them. For all that the simulated device, being well-behaved, never says.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

/// One thing that a peer says.
#[derive(Debug, Clone)]
pub enum PeerAction {
    /// A frame, set off from the rest as the transport wants it. `{id}` stands for the id of the request
    /// that is answered, `{id0}` for that of the first one, and so on, `{params}` for its arguments.
    Frame(String),
    /// The same in Latin-1, one byte for each character: a frame that need not be UTF-8.
    Latin1(String),
    /// Bytes that are no frame, as they are: log text, a damaged frame. What has borders, such as a
    /// message, carries them as one.
    Raw(Vec<u8>),
    /// It closes the connection.
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

/// The answers to the requests, one after another.
#[derive(Debug, Clone, Default)]
pub struct Script {
    answers: Vec<Vec<PeerAction>>,
    rest: Vec<PeerAction>,
}

impl Script {
    /// Answers the n-th request with the n-th of these; the requests after the last are met with silence.
    pub fn of<const N: usize>(answers: [Vec<PeerAction>; N]) -> Self {
        Self { answers: answers.into(), rest: Vec::new() }
    }

    /// Answers all requests from there on with this.
    pub fn and_then(self, rest: Vec<PeerAction>) -> Self {
        Self { rest, ..self }
    }

    /// Gives each request its own arguments back.
    pub fn echo() -> Self {
        Self::default().and_then(vec![frame(r#"{"id":{id},"src":"dev","result":{params}}"#)])
    }
}

/// Plays a script, over however many connections. Notes all that it hears.
#[derive(Debug, Clone)]
pub struct Player {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    script: Script,
    ids: Vec<Value>,
    received: mpsc::UnboundedSender<Vec<u8>>,
}

impl Player {
    pub fn new(script: Script) -> (Self, ReceivedFrames) {
        let (received, frames) = mpsc::unbounded_channel();
        let state = State { script, ids: Vec::new(), received };
        (Self { state: Arc::new(Mutex::new(state)) }, ReceivedFrames(frames))
    }

    /// What is said to `bytes`, which the transport takes for one frame. Only requests are answered.
    pub fn answer(&self, bytes: &[u8]) -> Vec<PeerAction> {
        let mut state = self.state.lock();
        // The test may have heard enough.
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
    // Last, so that nothing is filled into what the caller has sent.
    filled(text.replace("{params}", &request["params"].to_string()))
}

/// The bytes of a text in Latin-1.
pub fn latin1_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).expect("a character of Latin-1")).collect()
}

/// The frame in these bytes, behind which a line has a CRC.
pub fn json(bytes: &[u8]) -> Option<Value> {
    let end = bytes.iter().rposition(|&byte| byte == b'}')? + 1;
    serde_json::from_slice(&bytes[..end]).ok()
}

/// All that a peer has heard, frame by frame, as it came.
#[derive(Debug)]
pub struct ReceivedFrames(mpsc::UnboundedReceiver<Vec<u8>>);

impl ReceivedFrames {
    /// The next frame.
    pub async fn next(&mut self) -> Vec<u8> {
        let received = tokio::time::timeout(Duration::from_secs(20), self.0.recv()).await;
        received.expect("the peer hears something in time").expect("the peer is there")
    }

    /// The methods of the requests that have come so far.
    pub fn methods(&mut self) -> Vec<String> {
        let mut methods = Vec::new();
        while let Ok(bytes) = self.0.try_recv() {
            methods.extend(json(&bytes).and_then(|frame| frame["method"].as_str().map(ToOwned::to_owned)));
        }
        methods
    }
}
