//! The name of a device at the start of its lines.

use otactl::secrets::mask;
use url::Url;

use crate::cli::Cli;

/// Returns the name of the device of each command line: that of the configuration, or its address without a password.
pub(crate) fn labels(runs: &[Cli]) -> Vec<String> {
    runs.iter().map(|cli| cli.name.clone().unwrap_or_else(|| public(cli.global.port.first()))).collect()
}

fn public(port: Option<&String>) -> String {
    let port = port.map(String::as_str).unwrap_or_default();
    match Url::parse(port) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            // Both fail only for a URL without a host.
            let _ = url.set_password(None);
            let _ = url.set_username("");
            url.to_string()
        }
        _ => mask(port).into_owned(),
    }
}
