//! A TCP connection to one of a host's addresses, and the deadline of a dial.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::target::Endpoint;
use crate::rpc::DialError;

/// The outcome of a dial, which may take so long and no longer.
pub(super) async fn within<T>(
    limit: Duration,
    dial: impl Future<Output = Result<T, DialError>>,
) -> Result<T, DialError> {
    timeout(limit, dial).await.unwrap_or(Err(DialError::Silent(limit)))
}

/// Connects to the first of the host's addresses that takes a connection, within `limit`. Each has its
/// share of the time, so that one that swallows packets does not use up that of the others.
pub async fn reach(endpoint: &Endpoint, limit: Duration) -> Result<TcpStream, DialError> {
    let host = (endpoint.host(), endpoint.port());
    let addresses: Vec<_> = lookup_host(host).await.map_err(|_| DialError::UnknownHost)?.collect();
    let share = limit / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let mut failure = DialError::UnknownHost;
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // A request is one small packet that must not wait for another.
                stream.set_nodelay(true).map_err(|e| DialError::from(&e))?;
                return Ok(stream);
            }
            Ok(Err(error)) => failure = DialError::from(&error),
            Err(_) => failure = DialError::Silent(limit),
        }
    }
    Err(failure)
}
