//! The settings of a serial port that the user can choose.

/// The default speed of a serial port, in bits per second: that of a device's console unless configured otherwise.
pub const BAUD_RATE: u32 = 115_200;

/// The settings of a serial port that the user can choose.
#[derive(Debug, Clone)]
pub struct SerialSettings {
    /// The speed in bits per second. Defaults to [`BAUD_RATE`].
    pub baud_rate: u32,
    /// Uses hardware flow control (RTS and CTS). Off by default. XON and XOFF are obeyed in any case.
    pub hw_flow_control: bool,
    /// The state of DTR and RTS. Released by default.
    pub control_lines: ControlLines,
    /// The delimiter of frames. Detected by default.
    pub framing: Framing,
}

impl Default for SerialSettings {
    fn default() -> Self {
        Self {
            baud_rate: BAUD_RATE,
            hw_flow_control: false,
            control_lines: ControlLines::Release,
            framing: Framing::Auto,
        }
    }
}

/// What happens to DTR and RTS after the port was opened. Opening a port asserts both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlLines {
    /// Releases both, so that the board runs.
    Release,
    /// Asserts both, for an adapter that inverts them.
    ReleaseInverted,
    /// Leaves both as the operating system has set them.
    Leave,
}

/// The delimiter of frames. Exhaustive: a device knows these two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Frames as lines, until the device turns out to understand only `"""`.
    Auto,
    /// Frames as lines with a CRC.
    Line,
    /// Frames between the legacy delimiter, `"""`.
    Quoted,
}
