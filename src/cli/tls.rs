//! The options for TLS.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use otactl::transport::tls::TlsSettings;

use super::failure::{Failure, FailureKind};

/// The options for TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// PEM file with the certificate authorities to trust, instead of those of the system
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_CA_CERT_FILE", hide_env_values = true)]
    #[arg(hide_short_help = true)]
    ca_cert_file: Option<PathBuf>,

    /// PEM file with the client certificate, for a server that requires one; with --key-file
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_CERT_FILE", hide_env_values = true)]
    #[arg(hide_short_help = true)]
    cert_file: Option<PathBuf>,

    /// PEM file with the private key of --cert-file
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_KEY_FILE", hide_env_values = true)]
    #[arg(hide_short_help = true)]
    key_file: Option<PathBuf>,

    /// Accept any TLS certificate, and warn
    #[arg(long, global = true, env = "OTACTL_INSECURE", hide_env_values = true, value_parser = BoolishValueParser::new())]
    #[arg(hide_short_help = true)]
    insecure: bool,
}

impl TlsArgs {
    /// Returns the TLS settings. Fails if only one of certificate and key is given.
    ///
    /// clap cannot check the pair: it checks the options before the command, and the environment, without the options after the
    /// command.
    pub(crate) fn settings(&self) -> Result<TlsSettings, Failure> {
        let client_cert = match (&self.cert_file, &self.key_file) {
            (Some(cert_file), Some(key_file)) => Some((cert_file.clone(), key_file.clone())),
            (None, None) => None,
            (Some(_), None) => return Err(missing_pair("--cert-file", "--key-file", "OTACTL_KEY_FILE")),
            (None, Some(_)) => return Err(missing_pair("--key-file", "--cert-file", "OTACTL_CERT_FILE")),
        };
        Ok(TlsSettings { insecure: self.insecure, ca_cert_file: self.ca_cert_file.clone(), client_cert })
    }
}

fn missing_pair(given: &str, missing: &str, variable: &str) -> Failure {
    Failure::new(FailureKind::Usage, format!("{given} was given without {missing}"))
        .hint(format!("a certificate and its private key go together: add `{missing} FILE` or {variable}"))
}
