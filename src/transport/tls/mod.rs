//! TLS: which certificates are trusted, and what a failure means.
//!
//! - `config`: [`TlsSettings`], [`client_config`] and [`server_config`];
//! - [`Connector`]: TLS over a connection that is already open;
//! - [`pem`]: certificates and keys from files;
//! - [`ClientAuth`]: detects that a server refuses a client without the right certificate;
//! - [`explain()`]: translates errors of the libraries into a [`DialError`](crate::rpc::DialError);
//! - `verified`: verifies the server's certificate; `unverified`: the verifier of `--insecure`;
//! - `unsupported`: what is not supported about a certificate or a key; `der`: reads its elements.

mod client_auth;
mod config;
mod connector;
mod der;
mod explain;
pub mod pem;
mod unsupported;
mod unverified;
mod verified;

pub use client_auth::ClientAuth;
pub use config::{SetupError, TlsSettings, client_config, server_config};
pub use connector::Connector;
pub use explain::{explain, explain_handshake};
