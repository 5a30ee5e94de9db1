//! The recordings in wire/, and the devices on which they are replayed.

use std::time::Duration;

use otactl::sim::{Config, Simulator};
use serde::Deserialize;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};

use super::bundles::BundleServer;
use super::{file, recorded_device, simulator_with};

/// The timeout of a recorded reply.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
pub struct Recording {
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names, reason = "these are the names in the recordings")]
pub struct Case {
    pub case: String,
    #[serde(default)]
    pub what: String,
    pub events: Vec<Event>,
}

#[derive(Deserialize)]
pub struct Event {
    /// Seconds since the start of the case.
    pub t: f64,
    pub from: Option<String>,
    pub text: Option<String>,
    pub hex: Option<String>,
    pub note: Option<String>,
}

impl Event {
    pub fn bytes(&self) -> Vec<u8> {
        match (&self.text, &self.hex) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, Some(hex)) => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex digits"))
                .collect(),
            (None, None) => Vec::new(),
        }
    }
}

pub fn recording(name: &str) -> Recording {
    let text = std::fs::read_to_string(file("tests/wire").join(name)).expect("a recording");
    serde_json::from_str(&text).expect("its shape")
}

/// Replaces everything that may differ between two devices with `*`.
pub fn normalized(text: &str) -> String {
    const VALUES: [&str; 1] = ["progress_percent"];
    let mut text = with_masked_values(&normalized_since_2019(text), &VALUES);
    if let (Some(from), Some(to)) = (text.find("[\"OTA."), text.rfind(']')) {
        text.replace_range(from..=to, "[*methods*]");
    }
    text
}

/// Replaces with `*` what may differ between two devices since 2019, whose methods and progress were recorded.
pub fn normalized_since_2019(text: &str) -> String {
    const VALUES: [&str; 9] =
        ["channel_info", "mg_id", "uptime", "ram_size", "ram_free", "ram_min_free", "fs_size", "fs_free", "ip"];
    let mut text = with_masked_values(text, &VALUES);
    if let Some(at) = text.find("shutting down in ") {
        let to = text[at..].find(" ms").map_or(text.len(), |len| at + len);
        text.replace_range(at..to, "shutting down in *");
    }
    // The addresses of the web server and of the broker.
    for key in [r#""listen_addr":"#, r#""server":"127.0.0.1:"#] {
        if let Some(at) = text.find(key) {
            let from = at + key.len();
            let to = text[from..].find(',').map_or(text.len(), |len| from + len);
            text.replace_range(from..to, "*");
        }
    }
    // A nonce is decimal in the JSON text of a message, and hexadecimal in a header.
    for (before, after) in [(r#"\"nonce\": "#, ","), (r#"nonce=""#, "\"")] {
        if let Some(at) = text.find(before) {
            let from = at + before.len();
            let to = text[from..].find(after).map_or(text.len(), |len| from + len);
            text.replace_range(from..to, "*");
        }
    }
    text
}

/// Applies `normalized` to the headers and to the body of a response. Panics if the length does not fit the body.
pub fn normalized_http(response: &str, normalized: fn(&str) -> String) -> String {
    let (head, body) = response.split_once("\r\n\r\n").expect("a head and a body");
    let mut head: Vec<_> = head.split("\r\n").map(str::to_owned).collect();
    for header in &mut head {
        if let Some(len) = header.strip_prefix("Content-Length: ") {
            assert_eq!(len.parse(), Ok(body.len()), "{response}");
            *header = "Content-Length: *".into();
        }
        *header = normalized(header);
    }
    format!("{}\r\n\r\n{}", head.join("\r\n"), normalized(body))
}

/// Returns the HTTP request with a `Content-Length` that fits its body.
pub fn with_length(request: &str) -> String {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return request.into() };
    let head: Vec<_> = head
        .split("\r\n")
        .map(|line| match line.split_once(": ") {
            Some(("Content-Length", _)) => format!("Content-Length: {}", body.len()),
            _ => line.to_owned(),
        })
        .collect();
    format!("{}\r\n\r\n{body}", head.join("\r\n"))
}

/// Returns the text with the values of these keys replaced by `*`.
fn with_masked_values(text: &str, keys: &[&str]) -> String {
    let mut text = text.to_owned();
    for key in keys {
        let key = format!("\"{key}\": ");
        if let Some(at) = text.find(&key) {
            let from = at + key.len();
            let to = text[from..].find([',', '}']).map_or(text.len(), |len| from + len);
            text.replace_range(from..to, "*");
        }
    }
    text
}

/// A simulated device for replays, with a server of the recorded bundles.
pub struct ReplayBench {
    pub device: Simulator,
    pub console: Console,
    bundles: BundleServer,
}

impl ReplayBench {
    pub async fn new() -> Self {
        Self::with(recorded_device()).await
    }

    pub async fn with(config: Config) -> Self {
        Self::for_device(simulator_with(config).await).await
    }

    /// Starts a bench for this device. Only some of the recorded cases download a bundle.
    pub async fn for_device(device: Simulator) -> Self {
        let console = Console::new(&device);
        Self { device, console, bundles: BundleServer::start().await.may_stay_unused() }
    }

    /// Returns the request with the recorded address of the bundles replaced by the current one. Port 9 stays closed.
    pub fn with_local_address(&self, text: &str) -> String {
        with_length(&text.replace("127.0.0.1:8911", &self.bundles.address.to_string()))
    }
}

/// Reads the console of a simulated device.
pub struct Console(broadcast::Receiver<String>);

impl Console {
    /// Starts to read at the next line.
    pub fn new(device: &Simulator) -> Self {
        Self(device.console())
    }

    /// Waits until the device has booted again.
    pub async fn wait_for_boot(&mut self) {
        self.wait_for_line("slot ").await;
    }

    /// Waits until the device has booted again and is back at its broker.
    pub async fn wait_for_broker(&mut self) {
        self.wait_for_boot().await;
        self.wait_for_line("mqtt: connected").await;
    }

    /// Waits for the next console line with this start.
    async fn wait_for_line(&mut self, start: &str) {
        let wait_for_line = async {
            loop {
                match self.0.recv().await {
                    Ok(line) if line.starts_with(start) => return,
                    // Lines that were not read in time are older than the awaited one.
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(closed) => panic!("the console: {closed}"),
                }
            }
        };
        timeout(REPLY_TIMEOUT, wait_for_line).await.unwrap_or_else(|_| panic!("the device does not print `{start}`"));
    }
}

/// Tells whether the device reboots after this case: it announced an update, or its commit timeout of 4 s is running.
pub fn reboots_after(case: &Case) -> bool {
    case.case == "ota_after_update_uncommitted"
        || case.case == "ota_revert_uncommitted"
        || case.case == "sys_reboot_lockout"
        || (case.events.iter().any(|event| {
            matches!(event.from.as_deref(), Some("device" | "device-to-broker"))
                && String::from_utf8_lossy(&event.bytes()).contains("Update applied, finalizing")
        }))
}

/// Tells whether the recorded gaps between requests matter: something happens during them.
fn has_fixed_timing(case: &Case) -> bool {
    case.case == "ota_update_concurrent"
}

/// Waits until `t` seconds after `started`, in cases whose timing matters.
pub async fn wait_until_recorded(case: &Case, t: f64, started: Instant) {
    if has_fixed_timing(case) {
        sleep_until(started + Duration::from_secs_f64(t)).await;
    }
}

/// A message that went through a broker.
pub struct Message {
    /// Seconds since the start of the case.
    pub t: f64,
    /// True for a message of the device, false for one of the host.
    pub is_reply: bool,
    pub topic: String,
    pub payload: String,
}

impl Case {
    /// Returns what the host and the device published, in order.
    ///
    /// The messages come from the recorded packets if there are any, otherwise from the notes of the recorder, which
    /// have the same content.
    pub fn messages(&self) -> Vec<Message> {
        let has_packets = self.events.iter().any(|event| event.hex.is_some());
        self.events.iter().flat_map(if has_packets { Event::published } else { Event::in_note }).collect()
    }
}

impl Event {
    /// Returns the messages in the packets of this event.
    pub fn published(&self) -> Vec<Message> {
        let is_reply = match self.from.as_deref() {
            Some("host-to-broker") => false,
            Some("device-to-broker") => true,
            _ => return Vec::new(),
        };
        let bytes = self.bytes();
        let mut rest = bytes.as_slice();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let (header, body, after) = packet(rest);
            rest = after;
            // PUBLISH with QoS 1, not retained. Other packets are acknowledgements and subscriptions.
            if header == 0x32 {
                let (len, body) = body.split_at(2);
                let (topic, body) = body.split_at(usize::from(u16::from_be_bytes([len[0], len[1]])));
                // The payload follows the packet id.
                let [topic, payload] = [topic, &body[2..]].map(|text| String::from_utf8(text.to_vec()).expect("ASCII"));
                found.push(Message { t: self.t, is_reply, topic, payload });
            } else {
                assert_ne!(header >> 4, 3, "a PUBLISH of another kind");
            }
        }
        found
    }

    fn in_note(&self) -> Vec<Message> {
        let note = self.note.as_deref().unwrap_or_default();
        let (is_reply, rest) = match (note.strip_prefix("host publishes to topic '"), note) {
            (Some(rest), _) => (false, rest.split_once("' qos 1: ")),
            (None, note) => {
                let Some(rest) = note.strip_prefix("host received on topic '") else { return Vec::new() };
                (true, rest.split_once("' qos 1 retain 0: "))
            }
        };
        let (topic, payload) = rest.expect("a topic and a payload");
        vec![Message { t: self.t, is_reply, topic: topic.into(), payload: payload.into() }]
    }
}

/// Splits the first MQTT packet off: its first byte, its body, and the rest of the bytes.
fn packet(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (mut len, mut at) = (0, 1);
    loop {
        len |= usize::from(bytes[at] & 0x7f) << (7 * (at - 1));
        at += 1;
        if bytes[at - 1] & 0x80 == 0 {
            break;
        }
    }
    let (body, rest) = bytes[at..].split_at(len);
    (bytes[0], body, rest)
}
