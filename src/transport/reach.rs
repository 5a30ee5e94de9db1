//! Opens a TCP connection to one of a host's addresses.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::target::Endpoint;
use crate::rpc::{DialError, DialFailure};

/// Waits for an attempt to connect, for at most `limit`.
pub(super) async fn within<T>(
    limit: Duration,
    dial: impl Future<Output = Result<T, DialFailure>>,
) -> Result<T, DialFailure> {
    timeout(limit, dial).await.unwrap_or(Err(DialError::Silent(limit).into()))
}

/// Connects to the first of the host's addresses that accepts a connection, within `limit`.
///
/// Each address has an equal share of the time, so that an address that drops all packets does not use up the time of
/// the others.
pub async fn reach(endpoint: &Endpoint, limit: Duration) -> Result<TcpStream, DialFailure> {
    let host = (endpoint.host(), endpoint.port());
    let addresses: Vec<_> = lookup_host(host).await.map_err(|e| DialFailure::new(DialError::UnknownHost, e))?.collect();
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = DialFailure::from(DialError::UnknownHost);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Each request is one small packet, which Nagle's algorithm would delay.
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = error.into(),
            Err(_) => failure = DialError::Silent(limit).into(),
        }
    }
    Err(failure)
}
