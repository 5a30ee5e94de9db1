//! A push that runs: its data, and what it reports.

use tokio::time::Instant;

use super::flight::Flight;
use super::terms::{Pushed, Terms};
use crate::rpc::Device;
use crate::update::device_state::DeviceState;
use crate::update::event::{Event, Observer};
use bytes::Bytes;

/// One bundle on its way to one device.
pub(super) struct Push<'a> {
    pub(super) device: &'a Device,
    pub(super) bundle: &'a Bytes,
    pub(super) before: &'a DeviceState,
    pub(super) terms: Terms,
    pub(super) observer: &'a dyn Observer,
    /// When no more is sent.
    pub(super) ends: Option<Instant>,
    /// When the device has acknowledged something for the last time.
    pub(super) heard: Instant,
    pub(super) flight: Flight,
}

impl Push<'_> {
    /// Returns the result of a push whose last bytes the device did not confirm.
    pub(super) fn unconfirmed(&self, reason: String) -> Pushed {
        Pushed::Unconfirmed { reason, acknowledged: self.flight.acknowledged() as u64 }
    }

    /// Returns the result of a push of which the device shows the firmware, instead of confirming it.
    pub(super) fn seen(&self, reason: String) -> Pushed {
        Pushed::Unconfirmed { reason, acknowledged: self.bundle.len() as u64 }
    }

    /// Whether no more is to be sent.
    pub(super) fn is_late(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// Reports how many bytes the device has acknowledged.
    pub(super) fn told(&self, acknowledged: usize) {
        self.observer.on(&Event::Sent { bytes: acknowledged as u64, total: self.bundle.len() as u64 });
    }
}
