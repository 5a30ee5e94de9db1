//! What a client has learnt about the device at a port, kept from one link to the next.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::pacing::Pacing;
use super::settings::SerialSettings;

/// What a client has learnt about the device at a port.
#[derive(Debug)]
pub(super) struct PortState {
    /// How fast the device can read.
    pub(super) pacing: Pacing,
    /// The device understands only `"""`.
    ///
    /// That a device understands lines is not kept. Detecting it costs nothing, and after a rollback an older firmware
    /// may run that understands only `"""`.
    pub(super) is_quoted: bool,
}

/// The [`PortState`] that the client and its links share. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct SharedPortState(Arc<Mutex<PortState>>);

impl SharedPortState {
    /// Creates the state of a port that was not used before.
    pub(super) fn new(settings: &SerialSettings, now: Instant) -> Self {
        let state = PortState { pacing: Pacing::new(settings.baud_rate, now), is_quoted: false };
        Self(Arc::new(Mutex::new(state)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PortState> {
        self.0.lock()
    }
}
