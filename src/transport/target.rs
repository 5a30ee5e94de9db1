//! [`Target`], the address of a device.

mod endpoint;
mod error;

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::text::{excerpt, has_two_slashes};
use endpoint::decoded;
pub use endpoint::{Endpoint, Login};
pub use error::TargetError;

/// The address of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// `ws://host[:port][/path]` or `wss://…`. The default path is `/rpc`.
    WebSocket(Endpoint),
    /// `http://host[:port][/path]` or `https://…`. The default path is `/rpc`.
    Http(Endpoint),
    /// `mqtt://[user@]broker[:port]/device` or `mqtts://…`.
    Mqtt(Endpoint),
    /// `tcp://host:port`.
    Tcp(Endpoint),
    /// `udp://host:port`.
    Udp(Endpoint),
    /// `/dev/ttyUSB0`, `COM7`, `serial:///dev/ttyUSB0`.
    Serial(PathBuf),
}

impl Target {
    /// Returns the user and the password of the URL, if it contained them.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::WebSocket(endpoint)
            | Self::Http(endpoint)
            | Self::Mqtt(endpoint)
            | Self::Tcp(endpoint)
            | Self::Udp(endpoint) => endpoint.login.as_ref(),
            Self::Serial(_) => None,
        }
    }

    /// Returns the host, without brackets, and the port of the device. `None` over MQTT and on a serial port.
    #[must_use]
    pub fn device_host(&self) -> Option<(String, u16)> {
        match self {
            Self::WebSocket(endpoint) | Self::Http(endpoint) | Self::Tcp(endpoint) | Self::Udp(endpoint) => {
                Some((endpoint.host().into(), endpoint.port()))
            }
            Self::Mqtt(_) | Self::Serial(_) => None,
        }
    }
}

/// Parses the URL of a broker: `mqtt://[user@]broker[:port]` or `mqtts://…`.
pub fn broker(text: &str) -> Result<Endpoint, TargetError> {
    let text = text.trim();
    let is_mqtt = ["mqtt://", "mqtts://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)));
    if !is_mqtt {
        return malformed("a broker is written as mqtt://BROKER or mqtts://BROKER");
    }
    endpoint(text)
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        if is_serial_path(text) {
            return Ok(Self::Serial(text.into()));
        }
        if let Some(zone) = zone(text) {
            return Err(TargetError::Zone(excerpt(zone.as_bytes())));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Err(TargetError::NoScheme(format!("[{text}]")));
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return Err(no_scheme(text));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "ws" | "wss" => Ok(Self::WebSocket(endpoint(text)?.with_path("/rpc"))),
            "http" | "https" => {
                let endpoint = endpoint(text)?.with_path("/rpc");
                match endpoint.login {
                    None => Ok(Self::Http(endpoint)),
                    Some(_) => malformed(
                        "an http URL takes no user and password; those of the device are given with --rpc-creds",
                    ),
                }
            }
            "mqtt" | "mqtts" => {
                let endpoint = endpoint(text)?;
                match endpoint.device() {
                    // A pattern stands for all devices, and names none.
                    id if id.is_empty() || id == "+" || id == "#" => {
                        let mut broker = endpoint.url.clone();
                        broker.set_path("");
                        broker.set_fragment(None);
                        Err(TargetError::NoDeviceId(broker.to_string()))
                    }
                    id if id.contains(['+', '#', '\0']) => {
                        malformed("the device's id becomes part of a topic, and can hold neither `+` nor `#`")
                    }
                    _ => Ok(Self::Mqtt(endpoint)),
                }
            }
            scheme @ ("tcp" | "udp") => {
                let endpoint = endpoint(text)?;
                if endpoint.login.is_some() {
                    return malformed(&format!(
                        "{scheme}:// takes no user and password; those of the device are given with --rpc-creds"
                    ));
                }
                match (endpoint.url.port(), scheme) {
                    (None, _) => malformed(&format!("{scheme}:// needs a port: {scheme}://HOST:PORT")),
                    (Some(_), "tcp") => Ok(Self::Tcp(endpoint)),
                    (Some(_), _) => Ok(Self::Udp(endpoint)),
                }
            }
            "serial" => match rest.strip_prefix("//").unwrap_or(rest) {
                "" => malformed("serial:// needs the port's path: serial:///dev/ttyUSB0"),
                path => Ok(Self::Serial(path.into())),
            },
            // `localhost:8910` is a host with a port, although the part before the colon looks like a scheme.
            _ if rest.starts_with(|c: char| c.is_ascii_digit()) => Err(no_scheme(text)),
            other => Err(TargetError::UnknownScheme(other.into())),
        }
    }
}

/// Parses a URL with a host.
fn endpoint(text: &str) -> Result<Endpoint, TargetError> {
    if !has_two_slashes(text) {
        let scheme = text.split(':').next().unwrap_or_default();
        return malformed(&format!("two slashes and the host stand behind the scheme: {scheme}://HOST"));
    }
    // The message is that of the parser. It does not contain the text, which may hold a password.
    let mut url = Url::parse(text).map_err(|e| TargetError::Malformed(e.to_string()))?;
    if url.host_str().is_none_or(str::is_empty) {
        return malformed("the host is missing");
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some(Login { user: decoded(user), password: password.map(decoded) }),
    };
    // Both calls fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Ok(Endpoint { url, login })
}

/// Returns the zone of an IPv6 address, in brackets or without. In a URL, the `%` before a zone is written `%25`.
fn zone(text: &str) -> Option<&str> {
    let host = text.split_once("://").map_or(text, |(_, rest)| rest).rsplit('@').next().unwrap_or_default();
    let address = match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host,
    };
    let (ip, zone) = address.split_once('%')?;
    ip.parse::<Ipv6Addr>().ok()?;
    Some(zone.strip_prefix("25").filter(|zone| !zone.is_empty()).unwrap_or(zone))
}

/// Returns the error of a text without a scheme. The part before an `@` is left out, since it may contain a password.
fn no_scheme(text: &str) -> TargetError {
    TargetError::NoScheme(text.rsplit_once('@').map_or(text, |(_, host)| host).into())
}

fn malformed<T>(why: &str) -> Result<T, TargetError> {
    Err(TargetError::Malformed(why.into()))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn is_serial_path(text: &str) -> bool {
    let windows = text.strip_prefix(r"\\.\").unwrap_or(text);
    let com = windows.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("com"))
        && windows.len() > 3
        && windows[3..].bytes().all(|b| b.is_ascii_digit());
    text.starts_with('/') || com
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket(endpoint)
            | Self::Http(endpoint)
            | Self::Mqtt(endpoint)
            | Self::Tcp(endpoint)
            | Self::Udp(endpoint) => endpoint.fmt(f),
            Self::Serial(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
