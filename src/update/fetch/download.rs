//! The state of a download: what has been seen of it, and how it ends. Pure: it does no I/O, and time is an argument.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::time::Instant;

use super::action::Action;
use super::limits::DownloadLimits;
use super::pending::{FullProbe, PendingQuestion};
use super::replies::{UpdateReply, says_taken, says_unreachable, understand};
use crate::ota::{self, BootState};
use crate::rpc::CallError;
use crate::rpc::deadline::deadline_after;
use crate::update::device_state::DeviceState;
use crate::update::event::Event;
use crate::update::outcome::{Failure, FailureReason};
use crate::update::serve::Fetched;
use crate::update::transfer_result::TransferResult;

/// How often `OTA.Update` is called, if the device has not begun.
const MAX_ATTEMPTS: usize = 3;

/// What otactl serves to the device itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServedBundle<'a> {
    /// The size of the bundle in bytes.
    pub(super) total: u64,
    /// The address of the firmware server, as the device gets it.
    pub(super) address: &'a str,
}

/// What is known of the download.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, each seen or not yet")]
pub(super) struct Download<'a> {
    pub(super) before: &'a DeviceState,
    pub(super) limits: DownloadLimits,
    /// What the firmware server serves. `None`: the device downloads from another server.
    pub(super) served: Option<ServedBundle<'a>>,
    /// Whether the build of the firmware is known.
    pub(super) is_build_known: bool,
    /// The number of calls of `OTA.Update`.
    pub(super) calls: usize,
    /// The time of the last call.
    pub(super) started: Instant,
    /// The progress at the firmware server. `None`: the device downloads from another server.
    pub(super) fetched: Option<Fetched>,
    /// The reply to the last call, and its time.
    pub(super) reply: Option<(Instant, UpdateReply)>,
    /// The progress that the device reports, in percent, and the time of its last change.
    pub(super) progress: Option<(u8, Instant)>,
    /// The device reported progress of a download.
    pub(super) has_begun: bool,
    /// The state after the reboot, once that was read.
    pub(super) after: Option<DeviceState>,
    /// The time of the first question since the last answer.
    pub(super) silent_since: Option<Instant>,
    /// The device was seen idle once since the last call.
    pub(super) seen_idle: bool,
    /// Deadline for the boot state after a success, if the device does not answer.
    pub(super) success_until: Option<Instant>,
    /// The missing request was reported.
    pub(super) is_missing_reported: bool,
    /// When the state may be read next.
    pub(super) probe_at: Instant,
    /// How often the state was read.
    pub(super) probes: usize,
    /// The question whose answer is still missing.
    pub(super) pending: Option<PendingQuestion>,
    /// Events that are still to be reported.
    pub(super) events: VecDeque<Event>,
    /// What follows once the events are reported.
    pub(super) decided: Option<Action>,
}

impl<'a> Download<'a> {
    /// Creates the state at the time of the first call.
    pub(super) fn new(
        before: &'a DeviceState,
        limits: DownloadLimits,
        served: Option<ServedBundle<'a>>,
        is_build_known: bool,
        now: Instant,
    ) -> Self {
        Self {
            before,
            limits,
            served,
            is_build_known,
            calls: 1,
            started: now,
            fetched: served.map(|_| Fetched::default()),
            reply: None,
            progress: None,
            has_begun: false,
            after: None,
            silent_since: None,
            seen_idle: false,
            success_until: None,
            is_missing_reported: false,
            probe_at: deadline_after(now, limits.timeouts.progress_interval),
            probes: 0,
            pending: None,
            events: VecDeque::new(),
            decided: None,
        }
    }

    /// Tells whether the reply to the last call is still missing.
    pub(super) fn awaits_reply(&self) -> bool {
        self.reply.is_none()
    }

    /// Tells whether the device should request the firmware from the firmware server, and has not done so yet.
    pub(super) fn has_never_asked(&self) -> bool {
        self.fetched.as_ref().is_some_and(|fetched| fetched.peer.is_none())
    }

    /// Reads the state of the device because of `reason`.
    pub(super) fn begin_probe(&mut self, reason: FailureReason, now: Instant) {
        let probe = FullProbe { reason, is_last: now - self.started >= self.limits.total() };
        let is_complete = self.fetched.as_ref().is_some_and(|fetched| fetched.complete);
        // Most likely a complete device reboots, and one question shows that it is not back yet.
        self.pending =
            Some(if is_complete { PendingQuestion::EarlyState(probe) } else { PendingQuestion::Activity(probe, now) });
    }

    /// Returns what follows if the device has not begun: another call, or `otherwise` after the last one.
    pub(super) fn call_again(&mut self, otherwise: Action, now: Instant) -> Action {
        if self.calls == MAX_ATTEMPTS {
            return otherwise;
        }
        self.calls += 1;
        self.started = now;
        (self.reply, self.seen_idle) = (None, false);
        Action::CallAgain
    }

    /// Ends the download of a device whose boot state shows the new firmware.
    pub(super) fn end_applied(&mut self, boot: &BootState) {
        let message = format!("{} boots next, uncommitted", ota::slot_name(boot.active_slot));
        self.events.push_back(Event::Applied { message });
        self.decided = Some(Action::Done(TransferResult::Certain));
    }

    /// Ends the download of a device that has rebooted without a reply.
    pub(super) fn end_unconfirmed(&mut self, reason: impl Into<FailureReason>) {
        self.events.push_back(Event::Unconfirmed { reason: reason.into().to_string() });
        self.decided = Some(Action::Done(TransferResult::Rebooted));
    }

    /// Returns the result of a download that is done, with the state after the reboot if that was read. `reply` is one that came while
    /// the state was read.
    pub(super) fn finish(
        self,
        taken: TransferResult,
        reply: Option<Result<Value, CallError>>,
    ) -> (TransferResult, Option<DeviceState>) {
        let is_complete = self.fetched.is_some_and(|fetched| fetched.complete);
        let is_taken = reply.is_some_and(|reply| says_taken(understand(reply), is_complete));
        let is_seen = self.after.as_ref().is_some_and(|after| after.build() != self.before.build());
        (if is_taken || is_seen { TransferResult::Certain } else { taken }, self.after)
    }

    /// Returns what follows if the device has never requested the firmware.
    pub(super) fn never_fetched(&self, reply: Option<String>) -> Action {
        match self.served {
            Some(_) => Action::NeverFetched(reply),
            None => Action::Fail(self.download_failed(reply.unwrap_or_default())),
        }
    }

    /// Returns the failure of the download. [`Failure::UrlUnreachable`] lets otactl download and deliver the firmware.
    pub(super) fn failed(&self, reason: FailureReason) -> Failure {
        match &self.reply {
            Some((_, UpdateReply::Refused(error)))
                if self.served.is_none() && !self.has_begun && says_unreachable(error) =>
            {
                Failure::UrlUnreachable { error: reason.to_string() }
            }
            _ => self.download_failed(reason),
        }
    }

    /// Returns the failure of the download, with the bytes that the device has taken from the firmware server.
    pub(super) fn download_failed(&self, reason: impl Into<FailureReason>) -> Failure {
        let taken = self.served.zip(self.fetched.as_ref()).map(|(served, fetched)| (fetched.sent, served.total));
        Failure::DownloadFailed { reason: reason.into(), taken, remains: false }
    }

    /// Returns the failure for a device that may have the firmware. It rolls back one commit timeout from now at the latest.
    pub(super) fn contact_lost(&self, reason: impl Into<FailureReason>) -> Failure {
        Failure::ContactLost { reason: reason.into(), reverts_in: Some(self.limits.commit_timeout) }
    }
}
