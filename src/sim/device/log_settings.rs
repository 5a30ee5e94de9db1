//! What the log of a device is set to.

/// What the log of this boot is set to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogSettings {
    /// The address to which the log is sent, as `IP:PORT`. Empty: the log is not sent.
    pub udp_addr: String,
    /// The level: -1 (nothing) to 4 (everything).
    pub level: i64,
    /// The levels of single source files.
    pub file_level: String,
}
