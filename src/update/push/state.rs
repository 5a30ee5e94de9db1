//! A push that runs: its data, and what it reports.

use tokio::time::Instant;

use super::flight::Flight;
use super::limits::{PushLimits, Pushed};
use crate::rpc::Device;
use crate::update::device_state::DeviceState;
use crate::update::event::{Event, Observer};
use crate::update::outcome::FailureReason;
use bytes::Bytes;

/// The push of one bundle to one device.
pub(super) struct Push<'a> {
    pub(super) device: &'a Device,
    pub(super) bundle: &'a Bytes,
    pub(super) before: &'a DeviceState,
    pub(super) limits: PushLimits,
    pub(super) observer: &'a dyn Observer,
    /// When sending stops. `None`: no time limit.
    pub(super) ends: Option<Instant>,
    /// The time of the last acknowledgement.
    pub(super) heard: Instant,
    pub(super) flight: Flight,
}

impl Push<'_> {
    /// Returns the result of a push whose last bytes the device did not confirm.
    pub(super) fn unconfirmed(&self, reason: impl Into<FailureReason>) -> Pushed {
        Pushed::Unconfirmed { reason: reason.into(), acknowledged: self.flight.acknowledged() as u64 }
    }

    /// Returns the result of a push whose firmware the device shows in its state instead of confirming it.
    pub(super) fn seen(&self, reason: FailureReason) -> Pushed {
        Pushed::Unconfirmed { reason, acknowledged: self.bundle.len() as u64 }
    }

    /// Tells whether the time for sending is over.
    pub(super) fn is_late(&self) -> bool {
        self.ends.is_some_and(|ends| ends <= Instant::now())
    }

    /// Reports how many bytes the device has acknowledged.
    pub(super) fn report_progress(&self, acknowledged: usize) {
        self.observer.on(&Event::Sent { bytes: acknowledged as u64, total: self.bundle.len() as u64 });
    }
}
