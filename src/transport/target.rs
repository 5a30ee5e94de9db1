//! A device's address, as it stands after `--port`.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use crate::text::{excerpt, has_two_slashes};

/// Where a device is to be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `ws://host[:port][/path]` or `wss://…`; no path means `/rpc`.
    WebSocket(Endpoint),
    /// `http://host[:port][/path]` or `https://…`; no path means `/rpc`.
    Http(Endpoint),
    /// `mqtt://[user@]broker[:port]/device` or `mqtts://…`.
    Mqtt(Endpoint),
    /// `tcp://host:port`.
    Tcp(Endpoint),
    /// `udp://host:port`.
    Udp(Endpoint),
    /// `/dev/ttyUSB0`, `COM7`, `serial:///dev/ttyUSB0`.
    Serial(PathBuf),
    /// `sim:`, `sim+serial:` and the like: a simulated device inside the process.
    Sim(SimulatedOver),
}

/// How a simulated device inside the process is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedOver {
    /// `sim:`, `sim+ws:`
    WebSocket,
    /// `sim+http:`
    Http,
    /// `sim+tcp:`
    Tcp,
    /// `sim+udp:`
    Udp,
    /// `sim+serial:`
    Serial,
}

impl SimulatedOver {
    const ALL: [(&'static str, Self); 6] = [
        ("sim", Self::WebSocket),
        ("sim+ws", Self::WebSocket),
        ("sim+http", Self::Http),
        ("sim+tcp", Self::Tcp),
        ("sim+udp", Self::Udp),
        ("sim+serial", Self::Serial),
    ];

    fn from_scheme(scheme: &str) -> Option<Self> {
        Self::ALL.iter().find(|(name, _)| *name == scheme).map(|(_, way)| *way)
    }

    fn scheme(self) -> &'static str {
        Self::ALL.iter().find(|(_, way)| *way == self).map_or("sim", |(name, _)| name)
    }
}

impl Target {
    /// User and password, if the URL had any.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        match self {
            Self::WebSocket(at) | Self::Http(at) | Self::Mqtt(at) | Self::Tcp(at) | Self::Udp(at) => at.login.as_ref(),
            Self::Serial(_) | Self::Sim(_) => None,
        }
    }

    /// Host (without brackets) and port of the device; `None` behind a broker, on a serial port, and in the process.
    #[must_use]
    pub fn device_host(&self) -> Option<(String, u16)> {
        match self {
            Self::WebSocket(at) | Self::Http(at) | Self::Tcp(at) | Self::Udp(at) => Some((at.host().into(), at.port())),
            Self::Mqtt(_) | Self::Serial(_) | Self::Sim(_) => None,
        }
    }
}

/// A URL whose secrets are kept apart, so that showing it shows none.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL without user and password.
    pub url: Url,
    /// User and password, if the URL had any.
    pub login: Option<Login>,
}

/// User and password, as they stand in a URL. Showing it shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The password; a URL may have a user only.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Endpoint {
    /// The host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// The port, given or usual.
    #[must_use]
    pub fn port(&self) -> u16 {
        let usual = match self.url.scheme() {
            "mqtt" => 1883,
            "mqtts" => 8883,
            _ => 0,
        };
        self.url.port_or_known_default().unwrap_or(usual)
    }

    /// What stands behind the host, without the slash before it: over MQTT, the device's id.
    #[must_use]
    pub fn device(&self) -> String {
        decoded(self.url.path().trim_matches('/'))
    }

    /// Whether the scheme means TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.url.scheme(), "wss" | "https" | "mqtts")
    }
}

/// Without the query, where people keep tokens.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().split('?').next().unwrap_or_default())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({self})")
    }
}

/// Why a text is no device's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing was given.
    #[error("the device's address is empty")]
    Empty,
    /// The scheme is none that a device is reached by.
    #[error("`{0}:` is not a way to reach a device")]
    UnknownScheme(String),
    /// A host or an address stands where a URL or a path is wanted.
    #[error("`{0}` is neither a URL nor a serial port")]
    NoScheme(
        /// The text, without what may be a password.
        String,
    ),
    /// An IPv6 address with a zone, such as `fe80::1%eth0`.
    #[error("an IPv6 address with a zone (`%{0}`) cannot be used")]
    Zone(
        /// The zone.
        String,
    ),
    /// A URL, but one that cannot be used.
    #[error("the device's address cannot be used: {0}")]
    Malformed(String),
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
                    id if id.is_empty() => {
                        malformed("the device's id is missing; it stands behind the broker: mqtt://BROKER/DEVICE")
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
            scheme if SimulatedOver::from_scheme(scheme).is_some() => {
                match (SimulatedOver::from_scheme(scheme), rest) {
                    (Some(way), "") => Ok(Self::Sim(way)),
                    _ => malformed("a simulated device takes nothing behind the colon"),
                }
            }
            // `localhost:8910` and `device.local` look like a scheme to whoever splits at the colon.
            _ if rest.starts_with(|c: char| c.is_ascii_digit()) => Err(no_scheme(text)),
            other => Err(TargetError::UnknownScheme(other.into())),
        }
    }
}

impl Endpoint {
    fn with_path(mut self, path: &str) -> Self {
        if matches!(self.url.path(), "" | "/") {
            self.url.set_path(path);
        }
        self
    }
}

fn endpoint(text: &str) -> Result<Endpoint, TargetError> {
    if !has_two_slashes(text) {
        let scheme = text.split(':').next().unwrap_or_default();
        return malformed(&format!("two slashes and the host stand behind the scheme: {scheme}://HOST"));
    }
    // The parser's own words are shown, never the text, which may hold a password.
    let mut url = Url::parse(text).map_err(|e| TargetError::Malformed(e.to_string()))?;
    if url.host_str().is_none_or(str::is_empty) {
        return malformed("the host is missing");
    }
    let login = match (url.username(), url.password()) {
        ("", None) => None,
        (user, password) => Some(Login { user: decoded(user), password: password.map(decoded) }),
    };
    // Both fail only for URLs without a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    Ok(Endpoint { url, login })
}

/// The zone of an IPv6 address in brackets, or by itself. In a URL its `%` is written `%25`.
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

/// What stands before an `@` may be a password, scheme or not.
fn no_scheme(text: &str) -> TargetError {
    TargetError::NoScheme(text.rsplit_once('@').map_or(text, |(_, host)| host).into())
}

/// The user and the password of a URL are percent-encoded.
fn decoded(text: &str) -> String {
    // As a form's value, where only `+` and `&` would mean something else.
    let query = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
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
            Self::WebSocket(e) | Self::Http(e) | Self::Mqtt(e) | Self::Tcp(e) | Self::Udp(e) => e.fmt(f),
            Self::Serial(path) => path.display().fmt(f),
            Self::Sim(way) => write!(f, "{}:", way.scheme()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        text.parse::<Target>().map_or_else(|e| format!("{e:?}"), |t| t.to_string())
    }

    #[test]
    fn every_scheme_is_read() {
        for (text, expected) in [
            ("ws://1.2.3.4", "ws://1.2.3.4/rpc"),
            ("ws://1.2.3.4/", "ws://1.2.3.4/rpc"),
            ("WS://Device.local:80/rpc", "ws://device.local/rpc"),
            ("wss://[::1]:8443/x", "wss://[::1]:8443/x"),
            ("http://1.2.3.4:8910", "http://1.2.3.4:8910/rpc"),
            (" https://device ", "https://device/rpc"),
            ("mqtt://broker/esp32_AABBCC", "mqtt://broker/esp32_AABBCC"),
            ("tcp://1.2.3.4:7777", "tcp://1.2.3.4:7777"),
            ("udp://1.2.3.4:7777", "udp://1.2.3.4:7777"),
            ("/dev/ttyUSB0", "/dev/ttyUSB0"),
            ("serial:///dev/ttyUSB0", "/dev/ttyUSB0"),
            ("COM7", "COM7"),
            (r"\\.\COM12", r"\\.\COM12"),
            ("sim:", "sim:"),
            ("sim+serial:", "sim+serial:"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_why() {
        for (text, expected) in [
            ("", "Empty"),
            ("192.168.1.5", "NoScheme"),
            ("localhost:8910", "NoScheme"),
            ("gopher://x", "UnknownScheme"),
            ("ws://", "Malformed"),
            ("ws://host:99999", "Malformed"),
            ("mqtt://broker", "Malformed"),
            ("mqtt://broker/", "Malformed"),
            ("mqtt://broker/a/+", "Malformed"),
            ("tcp://host", "Malformed"),
            ("serial://", "Malformed"),
            ("sim:x", "Malformed"),
            ("http://a:b@host", "Malformed"),
            ("tcp://a:b@host:1", "Malformed"),
            // Mistyped, and dialled all the same by many.
            ("http:192.168.1.5", "Malformed(\"two slashes"),
            ("ws:/host", "Malformed(\"two slashes"),
            ("https:///host", "Malformed(\"two slashes"),
            ("ws:\\\\host", "Malformed(\"two slashes"),
            ("mqtt:broker/device", "Malformed(\"two slashes"),
            ("tcp:/host:1", "Malformed(\"two slashes"),
            ("[fe80::1%25eth0]", "Zone(\"eth0\")"),
            ("ws://[fe80::1%25eth0]:80/rpc", "Zone(\"eth0\")"),
            ("mqtt://user:pass@[fe80::1%eth0]/device", "Zone(\"eth0\")"),
            ("fe80::1%3", "Zone(\"3\")"),
            ("fe80::1", "NoScheme(\"[fe80::1]\")"),
        ] {
            assert!(shown(text).starts_with(expected), "{text}: {}", shown(text));
        }
    }

    #[test]
    fn a_broker_has_its_usual_port_and_a_device_any_id() {
        for (text, port, device) in [
            ("mqtt://broker/esp32_AABBCC", 1883, "esp32_AABBCC"),
            ("mqtts://broker/fleet/7%20b/", 8883, "fleet/7 b"),
            ("mqtt://user@[::1]:18830/x", 18830, "x"),
        ] {
            let Ok(Target::Mqtt(endpoint)) = text.parse() else { panic!("{text}") };
            assert_eq!((endpoint.port(), endpoint.device().as_str()), (port, device), "{text}");
        }
    }

    /// A password in the URL must not reach a screen, a log or an error.
    #[test]
    fn a_password_is_kept_but_never_shown() {
        let target: Target = "ws://admin:pa%3Ass+1&b=c@host/rpc".parse().expect("an address");
        assert_eq!(target.to_string(), "ws://host/rpc");
        assert!(!format!("{target:?}").contains("pa"), "{target:?}");
        let target_with_token: Target = "http://host/rpc?token=secret".parse().expect("an address");
        assert_eq!(target_with_token.to_string(), "http://host/rpc");
        let Target::WebSocket(endpoint) = target else { panic!("{target:?}") };
        let login = Login { user: "admin".into(), password: Some("pa:ss+1&b=c".into()) };
        assert_eq!(endpoint.login, Some(login));
        for text in ["ws://admin:secret@ho st/", "admin:1secret@host", "my_user:secret@host", "1user:secret@host"] {
            let error = text.parse::<Target>().expect_err("no address");
            assert!(!format!("{error:?}{error}").contains("secret"), "{error:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text: String) {
            let _ = text.parse::<Target>();
        }
    }
}
