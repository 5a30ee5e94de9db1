//! [`SharedServers`], the listeners that the updates of several devices share.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;

use super::accept::Listening;

/// The listeners that several updates at the same time share. Clones are the same.
///
/// Without it, each update listens on a port of its own, and a port that the user has chosen would serve one device only. A listener ends with
/// the last update that uses it.
#[derive(Debug, Clone, Default)]
pub struct SharedServers(Arc<Mutex<HashMap<SocketAddr, Weak<Listening>>>>);

impl SharedServers {
    /// Returns the listener for this address, with port 0 if any port may be used. Starts it with `start` if it does not run.
    pub(super) fn get<E>(
        &self,
        address: SocketAddr,
        start: impl FnOnce() -> Result<Listening, E>,
    ) -> Result<Arc<Listening>, E> {
        let mut listening = self.0.lock();
        if let Some(running) = listening.get(&address).and_then(Weak::upgrade) {
            return Ok(running);
        }
        let new = Arc::new(start()?);
        listening.insert(address, Arc::downgrade(&new));
        Ok(new)
    }
}
