//! [`TargetError`], the error of a text that is not a device's address.

/// The error of a text that is not a device's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The text is empty.
    #[error("the device's address is empty")]
    Empty,
    /// The scheme is not one of a transport. Holds the scheme.
    #[error("`{0}:` is not a way to reach a device")]
    UnknownScheme(String),
    /// The text is a host or an address, and not a URL or a path.
    #[error("`{0}` is neither a URL nor a serial port")]
    NoScheme(
        /// The text, without the part that may be a password.
        String,
    ),
    /// An IPv6 address with a zone, such as `fe80::1%eth0`.
    #[error("an IPv6 address with a zone (`%{0}`) cannot be used")]
    Zone(
        /// The zone.
        String,
    ),
    /// The URL of a broker without the id of a device. Holds the URL, without a password.
    #[error("`{0}` is a broker, and the id of the device is missing")]
    NoDeviceId(String),
    /// The text is a URL that cannot be used. Holds the reason.
    #[error("the device's address cannot be used: {0}")]
    Malformed(String),
}
