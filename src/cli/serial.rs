//! The options for serial ports, named as in `mos`.

use clap::builder::BoolishValueParser;
use clap::{ArgAction, Args, ValueEnum, value_parser};
use otactl::transport::serial::{BAUD_RATE, ControlLines, Framing, SerialSettings};

/// What may be set about a serial port.
#[expect(clippy::struct_excessive_bools, reason = "an option is one")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Serial ports")]
pub(crate) struct SerialArgs {
    /// Bits per second
    #[arg(long, global = true, value_name = "NUMBER", default_value_t = BAUD_RATE)]
    #[arg(value_parser = value_parser!(u32).range(50..=20_000_000))]
    baud_rate: u32,

    /// Let RTS and CTS say when to send; XON and XOFF are obeyed in any case
    #[arg(long, global = true)]
    hw_flow_control: bool,

    /// Release DTR and RTS after opening, so that the board runs
    #[arg(long, global = true, value_name = "BOOL", num_args = 0..=1, require_equals = true)]
    #[arg(default_value = "true", default_missing_value = "true", action = ArgAction::Set)]
    #[arg(value_parser = BoolishValueParser::new())]
    set_control_lines: bool,

    /// Leave DTR and RTS as they are
    #[arg(long, global = true)]
    no_set_control_lines: bool,

    /// DTR and RTS are inverted: asserted means released
    #[arg(long, global = true)]
    inverted_control_lines: bool,

    /// How frames are set off
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    serial_framing: SerialFraming,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SerialFraming {
    /// As lines, unless the device turns out to be too old for that
    Auto,
    /// As lines with a CRC
    Line,
    /// Each between triple double quotes, as old firmware expects it
    Quoted,
}

impl SerialArgs {
    /// What they come to.
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
