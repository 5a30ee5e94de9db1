//! [`SimulatedOver`], the transport of a simulated device.

/// The transport over which a simulated device inside the process is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SimulatedOver {
    /// `sim:` or `sim+ws:`.
    WebSocket,
    /// `sim+http:`.
    Http,
    /// `sim+tcp:`.
    Tcp,
    /// `sim+udp:`.
    Udp,
    /// `sim+serial:`.
    Serial,
}

impl SimulatedOver {
    /// All schemes. The first one of each transport is the one that is shown.
    const SCHEMES: [(&'static str, Self); 6] = [
        ("sim", Self::WebSocket),
        ("sim+ws", Self::WebSocket),
        ("sim+http", Self::Http),
        ("sim+tcp", Self::Tcp),
        ("sim+udp", Self::Udp),
        ("sim+serial", Self::Serial),
    ];

    /// Returns the transport of a scheme, such as `sim+http`.
    pub(super) fn from_scheme(scheme: &str) -> Option<Self> {
        Self::SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, transport)| *transport)
    }

    /// Returns the scheme without the colon.
    pub(super) fn scheme(self) -> &'static str {
        Self::SCHEMES.iter().find(|(_, transport)| *transport == self).map_or("sim", |(name, _)| name)
    }
}
