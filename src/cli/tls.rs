//! The options for TLS.

use std::path::PathBuf;

use clap::Args;
use otactl::transport::tls::TlsSettings;

use super::failure::{Failure, Kind};

/// What may be set about TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Trust the authorities in this PEM file, instead of those of the system
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_CA_CERT_FILE", hide_env_values = true)]
    ca_cert_file: Option<PathBuf>,

    /// The certificate to show to a server that asks for one, as PEM; with --key-file
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_CERT_FILE", hide_env_values = true)]
    cert_file: Option<PathBuf>,

    /// The private key of --cert-file, as PEM
    #[arg(long, global = true, value_name = "FILE", env = "OTACTL_KEY_FILE", hide_env_values = true)]
    key_file: Option<PathBuf>,

    /// Take any TLS certificate
    #[arg(long, global = true)]
    insecure: bool,
}

impl TlsArgs {
    /// What they come to. That a certificate and its key go together is not left to clap: it looks at
    /// what stands before the command, or in the environment, without what stands after it.
    pub(crate) fn settings(&self) -> Result<TlsSettings, Failure> {
        let client_cert = match (&self.cert_file, &self.key_file) {
            (Some(cert_file), Some(key_file)) => Some((cert_file.clone(), key_file.clone())),
            (None, None) => None,
            (Some(_), None) => return Err(alone("--cert-file", "--key-file", "OTACTL_KEY_FILE")),
            (None, Some(_)) => return Err(alone("--key-file", "--cert-file", "OTACTL_CERT_FILE")),
        };
        Ok(TlsSettings { insecure: self.insecure, ca_cert_file: self.ca_cert_file.clone(), client_cert })
    }
}

fn alone(given: &str, missing: &str, variable: &str) -> Failure {
    Failure::new(Kind::Usage, format!("{given} was given without {missing}"))
        .hint(format!("a certificate and its private key go together: add `{missing} FILE` or {variable}"))
}
