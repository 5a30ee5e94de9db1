//! The options for serial ports, named as in `mos`.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum, value_parser};
use otactl::transport::serial::{BAUD_RATE, ControlLines, Framing, SerialSettings};

/// The options for serial ports.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Serial ports")]
pub(crate) struct SerialArgs {
    /// Speed of the port in bits per second
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = BAUD_RATE)]
    #[arg(env = "OTACTL_BAUD_RATE", hide_env_values = true, hide_short_help = true)]
    #[arg(value_parser = value_parser!(u32).range(50..=20_000_000))]
    baud_rate: u32,

    /// Use hardware flow control (RTS and CTS); XON and XOFF are obeyed with and without it
    #[arg(long, global = true, env = "OTACTL_HW_FLOW_CONTROL", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new(), hide_short_help = true)]
    hw_flow_control: bool,

    /// Release DTR and RTS after opening, so that the board runs
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_value = "true", default_missing_value = "true", action = ArgAction::Set)]
    #[arg(value_parser = BoolishValueParser::new(), env = "OTACTL_SET_CONTROL_LINES", hide_env_values = true)]
    #[arg(hide_short_help = true)]
    set_control_lines: bool,

    /// Do not change DTR and RTS after opening
    #[arg(long, global = true, env = "OTACTL_NO_SET_CONTROL_LINES", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new(), hide_short_help = true)]
    no_set_control_lines: bool,

    /// Treat DTR and RTS as inverted: asserted means released
    #[arg(long, global = true, env = "OTACTL_INVERTED_CONTROL_LINES", hide_env_values = true)]
    #[arg(value_parser = BoolishValueParser::new(), hide_short_help = true)]
    inverted_control_lines: bool,

    /// How frames are delimited
    #[arg(long, global = true, value_name = "FRAMING", default_value = "auto")]
    #[arg(env = "OTACTL_SERIAL_FRAMING", hide_env_values = true, hide_short_help = true)]
    serial_framing: SerialFraming,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SerialFraming {
    /// Lines, or triple double quotes if the device does not understand lines
    Auto,
    /// Lines with a CRC
    Line,
    /// Between triple double quotes, for old firmware
    Quoted,
}

impl SerialArgs {
    /// Returns the settings of the port.
    pub(crate) fn settings(&self) -> SerialSettings {
        let control_lines = match (self.set_control_lines && !self.no_set_control_lines, self.inverted_control_lines) {
            (_, true) => ControlLines::ReleaseInverted,
            (true, false) => ControlLines::Release,
            (false, false) => ControlLines::Leave,
        };
        let framing = match self.serial_framing {
            SerialFraming::Auto => Framing::Auto,
            SerialFraming::Line => Framing::Line,
            SerialFraming::Quoted => Framing::Quoted,
        };
        SerialSettings { baud_rate: self.baud_rate, hw_flow_control: self.hw_flow_control, control_lines, framing }
    }
}
