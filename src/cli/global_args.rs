//! The options that every command takes.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::{mqtt, serial, tls, values};

/// The options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// The device: /dev/ttyUSB0, COM7, ws://HOST[:PORT], http://HOST[:PORT], mqtt://[USER@]BROKER[:PORT]/DEVICE,
    /// tcp:// or udp://HOST:PORT, or `sim:`
    ///
    /// Without a path, /rpc is meant. If neither this option nor OTACTL_PORT is given, MOS_PORT is taken; if that is not
    /// set either, the first USB serial port.
    #[arg(long, global = true, value_name = "URL", env = "OTACTL_PORT", hide_env_values = true)]
    pub(crate) port: Option<String>,

    /// How long a call to the device may take, such as `90s`, `5m`, or plain seconds
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

    /// User and password for a device that asks for them: USER:PASSWORD, @FILE, or - to be asked
    ///
    /// Whoever is on this machine can read the command line; a file, `-` or OTACTL_RPC_CREDS is better.
    #[arg(long, global = true, value_name = "CREDENTIALS", allow_hyphen_values = true)]
    pub(crate) rpc_creds: Option<String>,

    /// Print results on one line, and update events as one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Say nothing but results and errors
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say more; twice: show every frame, without its secrets
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    // The last, since their headings hold for whatever follows.
    #[command(flatten)]
    pub(crate) tls: tls::TlsArgs,

    #[command(flatten)]
    pub(crate) serial: serial::SerialArgs,

    #[command(flatten)]
    pub(crate) mqtt: mqtt::MqttArgs,
}
