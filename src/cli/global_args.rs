//! The options that every command accepts.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, ValueHint};

use super::colour::ColourChoice;
use super::json_line::JsonPlace;
use super::{mqtt, serial, tls, values};

/// The options that every command accepts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Address of the device, such as ws://192.168.1.5
    ///
    /// A serial port, such as /dev/ttyUSB0, COM7 or ttyUSB0; `usb:SERIAL`, `usb:VID:PID` or `usb:VID:PID:SERIAL` for the port of a USB device, as
    /// `otactl ports` lists it; ws://, wss://, http:// or https://HOST[:PORT][/PATH]; a host alone for ws://; mqtt:// or
    /// mqtts://[USER@]BROKER[:PORT]/DEVICE; tcp:// or udp://HOST:PORT; `sim:` for a simulated device. The default path is /rpc. Without
    /// this option, and with `auto`, otactl uses OTACTL_PORT, then MOS_PORT, then the device of the configuration file, then the USB serial
    /// port of this machine. The option may be given several times, for several devices.
    #[arg(long, short, global = true, value_name = "URL", env = "OTACTL_PORT", hide_env_values = true)]
    // A serial port is a file.
    #[arg(value_hint = ValueHint::AnyPath)]
    pub(crate) port: Vec<String>,

    /// Name of the device, as `otactl devices` lists it
    ///
    /// The device has its port and its other options in the configuration file; the command line wins over them. `*` and `?` stand for other
    /// characters. The option may be given several times, for several devices.
    #[arg(long, short, global = true, value_name = "NAME", env = "OTACTL_DEVICE", hide_env_values = true)]
    #[arg(value_delimiter = ',')]
    pub(crate) device: Vec<String>,

    /// Configuration file [default: otactl.toml in this directory or one above it, and ~/.config/otactl/config.toml]
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "OTACTL_CONFIG",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) config: Option<PathBuf>,

    /// Time limit of a call to the device
    ///
    /// A duration is written as `90s`, `5m`, or plain seconds.
    #[arg(
        long,
        global = true,
        value_name = "DURATION",
        env = "OTACTL_TIMEOUT",
        hide_env_values = true,
        default_value = "10s"
    )]
    #[arg(value_parser = values::duration)]
    pub(crate) timeout: Duration,

    /// Number of devices that a command for several devices works on at a time
    #[arg(
        long,
        global = true,
        value_name = "NUMBER",
        default_value = "8",
        env = "OTACTL_JOBS",
        hide_env_values = true,
        hide_short_help = true
    )]
    #[arg(value_parser = values::jobs)]
    pub(crate) jobs: usize,

    /// User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt
    ///
    /// All users of this machine can read the command line: prefer a file, `-` or OTACTL_RPC_CREDS.
    #[arg(long, global = true, value_name = "CREDENTIALS", allow_hyphen_values = true, hide_short_help = true)]
    pub(crate) rpc_creds: Option<String>,

    /// Print JSON lines, or write them to FILE
    ///
    /// Without FILE, the lines go to stdout, and nothing else but warnings and errors is printed. With FILE, messages and results are
    /// printed as without this option.
    #[arg(long, global = true, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    #[arg(value_parser = PathBufValueParser::new().map(JsonPlace::from))]
    pub(crate) json: Option<JsonPlace>,

    /// Print only results, warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print more details; twice: also every frame
    ///
    /// Secrets in frames are masked.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Colours in messages
    ///
    /// With `auto`, a terminal gets colours, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE, a pipe gets them, too, and so
    /// does the log of a job of GitHub Actions or GitLab.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "OTACTL_COLOR",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) color: ColourChoice,

    // Last: their headings apply to all options that follow.
    #[command(flatten)]
    pub(crate) tls: tls::TlsArgs,

    #[command(flatten)]
    pub(crate) serial: serial::SerialArgs,

    #[command(flatten)]
    pub(crate) mqtt: mqtt::MqttArgs,
}
