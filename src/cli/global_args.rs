//! The options that every command accepts.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::{mqtt, serial, tls, values};

/// The options that every command accepts.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// Address of the device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE,
    /// tcp:// or udp://HOST:PORT, or `sim:`
    ///
    /// The default path is /rpc. Without this option, otactl uses OTACTL_PORT, then MOS_PORT, then the first USB serial port.
    #[arg(long, global = true, value_name = "URL", env = "OTACTL_PORT", hide_env_values = true)]
    pub(crate) port: Option<String>,

    /// Time limit of a call to the device, such as `90s`, `5m`, or plain seconds
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

    /// User and password for a device that requires them: USER:PASSWORD, @FILE, or - for a prompt
    ///
    /// All users of this machine can read the command line: prefer a file, `-` or OTACTL_RPC_CREDS.
    #[arg(long, global = true, value_name = "CREDENTIALS", allow_hyphen_values = true)]
    pub(crate) rpc_creds: Option<String>,

    /// Print results on one line, and update events as one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Print only results, warnings and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Print more details; twice: also every frame, without its secrets
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    // Last: their headings apply to all options that follow.
    #[command(flatten)]
    pub(crate) tls: tls::TlsArgs,

    #[command(flatten)]
    pub(crate) serial: serial::SerialArgs,

    #[command(flatten)]
    pub(crate) mqtt: mqtt::MqttArgs,
}
