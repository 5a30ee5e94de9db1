//! The name of a device at the start of its lines.

use crate::cli::Cli;
use crate::cli::printable::without_password;

/// Returns the name of the device of each command line: that of the configuration, or its address without a password.
pub(crate) fn labels(runs: &[Cli]) -> Vec<String> {
    let address = |cli: &Cli| cli.global.port.first().map(|port| without_password(port)).unwrap_or_default();
    runs.iter().map(|cli| cli.name.clone().unwrap_or_else(|| address(cli))).collect()
}
