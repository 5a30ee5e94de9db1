//! [`Lookup`], the candidates that depend on this machine: its configuration, its serial ports, and what is known of devices.

use std::collections::HashSet;
use std::path::PathBuf;

use clap_complete::CompletionCandidate;
use otactl::discover::usb_ports;
use otactl::sim::fault::KINDS;
use otactl::text::device_text;

use super::device_key::DeviceKey;
use super::knowledge::{self, Knowledge};
use super::typed::{Devices, Typed};
use super::words;
use crate::cli::config::Config;
use crate::cli::explain::OUTCOMES;
use crate::cli::failure::EXIT_CODES;
use crate::cli::printable::without_password;

/// The forms of a `--port` that are no serial port.
const SCHEMES: [(&str, &str); 9] = [
    ("ws://", "WebSocket"),
    ("wss://", "WebSocket over TLS"),
    ("http://", "HTTP"),
    ("https://", "HTTP over TLS"),
    ("mqtt://", "a device behind a broker"),
    ("mqtts://", "a device behind a broker, over TLS"),
    ("tcp://", "plain TCP"),
    ("udp://", "UDP"),
    ("sim:", "a simulated device"),
];

/// Finds the candidates for the word at the cursor.
#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub(super) typed: Typed,
}

impl Lookup {
    /// Returns the names of the configuration, with the addresses.
    pub(super) fn names(&self) -> Vec<CompletionCandidate> {
        let address = |port: &str| device_text(&without_password(port));
        let devices = self.config().devices;
        devices
            .iter()
            .map(|(name, section)| candidate(name, &section.value("port").map(address).unwrap_or_default()))
            .collect()
    }

    /// Returns the serial ports of this machine, and the other forms of an address.
    pub(super) fn ports() -> Vec<CompletionCandidate> {
        let mut ports = Vec::new();
        for port in usb_ports() {
            let help = port.product.clone().unwrap_or_default();
            let path = port.path.display().to_string();
            let number = port.serial_number.clone().or_else(|| port.ids_text());
            ports.push(candidate(&path, &help));
            ports.extend(
                number
                    .filter(|number| number.split(':').all(words::is_safe))
                    .map(|number| candidate(&format!("usb:{number}"), &help)),
            );
        }
        ports.into_iter().chain(SCHEMES.map(|(scheme, help)| candidate(scheme, help))).collect()
    }

    /// Returns the methods of the devices.
    pub(super) fn methods(&self) -> Vec<CompletionCandidate> {
        let known = self.known();
        once(known.into_iter().flat_map(|known| known.methods)).map(|method| candidate(&method, "")).collect()
    }

    /// Returns the fields for the method that the command calls. `current` is the word at the cursor.
    pub(super) fn fields(&self, current: &str) -> Vec<CompletionCandidate> {
        let [_, method, given @ ..] = self.typed.operands.as_slice() else { return Vec::new() };
        let known = self.known();
        let paths = || once(known.iter().flat_map(|known| known.paths.iter().cloned()));
        match method.as_str() {
            "Config.Get" if current.starts_with("key=") => {
                // Also the path of each object.
                let with_parents = |path: String| {
                    path.match_indices('.')
                        .map(|(at, _)| path[..at].to_owned())
                        .chain([path.clone()])
                        .collect::<Vec<_>>()
                };
                return once(paths().flat_map(with_parents))
                    .map(|path| candidate(&format!("key={path}"), ""))
                    .collect();
            }
            "Config.Set" if current.starts_with("config.") => {
                return paths().map(|path| candidate(&format!("config.{path}="), "")).collect();
            }
            _ => {}
        }
        let has_paths = paths().next().is_some();
        let fields = once(known.iter().filter_map(|known| known.arguments.get(method)).flatten().cloned());
        let is_given = |field: &str| {
            given.iter().any(|given| given.strip_prefix(field).is_some_and(|rest| rest.starts_with(['=', ':'])))
        };
        fields
            .filter(|field| !is_given(field))
            .map(|field| {
                let leads_on = has_paths && method == "Config.Set" && field == "config";
                candidate(&format!("{field}{}", if leads_on { "." } else { "=" }), "")
            })
            .collect()
    }

    /// Returns the faults of a simulated device.
    pub(super) fn faults() -> Vec<CompletionCandidate> {
        let name = |name: &str, value: &str| if value.is_empty() { name.to_owned() } else { format!("{name}=") };
        KINDS.iter().map(|kind| candidate(&name(kind.name, kind.value), kind.about)).collect()
    }

    /// Returns the outcomes and the exit codes.
    pub(super) fn topics() -> Vec<CompletionCandidate> {
        let outcomes = OUTCOMES.iter().map(|topic| candidate(topic.name, topic.meaning));
        outcomes.chain(EXIT_CODES.iter().map(|(code, meaning)| candidate(&code.to_string(), meaning))).collect()
    }

    /// Returns what is known of the devices of the command.
    fn known(&self) -> Vec<Knowledge> {
        let Some(directory) = knowledge::directory() else { return Vec::new() };
        self.devices().iter().map(|device| Knowledge::read(&directory, device)).collect()
    }

    /// Returns the devices of the command.
    fn devices(&self) -> Vec<DeviceKey> {
        let config = self.config();
        let default = config.defaults.get("device").map(|setting| setting.values.as_slice()).unwrap_or_default();
        match self.typed.devices(variable, default) {
            Devices::Names(patterns) => {
                let names = config.select(&patterns).unwrap_or_default();
                names.iter().map(|name| DeviceKey::of_name(name)).collect()
            }
            Devices::Ports(ports) => ports.iter().filter_map(|port| DeviceKey::of_port(port)).collect(),
            Devices::Connected => match usb_ports().as_slice() {
                [port] => port.path.to_str().and_then(DeviceKey::of_port).into_iter().collect(),
                _ => Vec::new(),
            },
            Devices::Unknown => Vec::new(),
        }
    }

    fn config(&self) -> Config {
        let given = self.typed.values("config").last().map(expanded);
        let given = given.or_else(|| variable("OTACTL_CONFIG").map(PathBuf::from));
        Config::read(given.as_deref()).unwrap_or_default()
    }
}

/// Returns a path as a shell expands it.
fn expanded(path: &str) -> PathBuf {
    match path.strip_prefix("~/").zip(etcetera::home_dir().ok()) {
        Some((rest, home)) => home.join(rest),
        None => path.into(),
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Returns a candidate. `help` may be empty.
fn candidate(value: &str, help: &str) -> CompletionCandidate {
    CompletionCandidate::new(value).help((!help.is_empty()).then(|| help.to_owned().into()))
}

/// Returns each text once.
fn once(texts: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut known = HashSet::new();
    texts.filter(move |text| known.insert(text.clone()))
}
