//! [`Endpoint`], the URL of a device.

use std::fmt::{self, Write as _};

use url::Url;

/// A URL whose user and password are stored separately, so that the URL can be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The URL without user and password.
    pub url: Url,
    /// User and password, if the URL contained them.
    pub login: Option<Login>,
}

/// The user and the password of a URL. Its `Debug` output shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name of the user.
    pub user: String,
    /// The password. A URL may have a user without one.
    pub password: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Endpoint {
    /// Returns the host, without the brackets of an IPv6 address.
    #[must_use]
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Returns the port of the URL, or else the default port of the scheme.
    #[must_use]
    pub fn port(&self) -> u16 {
        let default = match self.url.scheme() {
            "mqtt" => 1883,
            "mqtts" => 8883,
            _ => 0,
        };
        self.url.port_or_known_default().unwrap_or(default)
    }

    /// Returns the path without slashes around it. Over MQTT, this is the device's id.
    #[must_use]
    pub fn device(&self) -> String {
        decoded(self.url.path().trim_matches('/'))
    }

    /// Returns the address of a device behind this broker.
    ///
    /// All characters of `id` that have a meaning for a shell or in a URL are percent-encoded. A URL cannot have the id `.` or `..`.
    #[must_use]
    pub fn with_device(&self, id: &str) -> Self {
        let mut device = self.clone();
        device.url.set_path(&format!("/{}", encoded(id)));
        device
    }

    /// Returns the URL with its user, but without the password and the query.
    #[must_use]
    pub fn with_user(&self) -> String {
        let mut url = self.url.clone();
        if let Some(login) = &self.login {
            // Fails only for a URL without a host.
            let _ = url.set_username(&encoded(&login.user));
        }
        url.as_str().split('?').next().unwrap_or_default().into()
    }

    /// Sets the path of a URL that has none.
    pub(super) fn with_path(mut self, path: &str) -> Self {
        if matches!(self.url.path(), "" | "/") {
            self.url.set_path(path);
        }
        self
    }

    /// Tells whether the scheme uses TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        matches!(self.url.scheme(), "wss" | "https" | "mqtts")
    }
}

/// Shows the URL without the query, which may contain a token.
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

/// Percent-encodes a part of a URL. Letters, digits, `-`, `_`, `.` and `~` stay.
fn encoded(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            url.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(url, "%{byte:02X}");
        }
    }
    url
}

/// Decodes a percent-encoded part of a URL.
pub(super) fn decoded(text: &str) -> String {
    // Decoded as the value of a form, in which only `+` and `&` have another meaning.
    let query = format!("v={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(query.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}
