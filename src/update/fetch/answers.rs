//! What the answers of the device mean for a download. Pure: it does no I/O, and time is an argument.

use std::time::Duration;

use tokio::time::Instant;

use super::action::Action;
use super::download::Download;
use super::pending::{Activity, FullProbe, PendingQuestion, Purpose, Then};
use super::question::DeviceAnswer;
use super::replies::{UpdateReply, says_nothing_new};
use crate::ota::{BootState, Status};
use crate::rpc::deadline::deadline_after;
use crate::rpc::{CallError, RemoteError};
use crate::text::for_humans;
use crate::update::device_state::DeviceState;
use crate::update::event::Event;
use crate::update::other_client::receives_update;
use crate::update::outcome::{Failure, Refusal};
use crate::update::read_state_error::ReadStateError;
use crate::update::serve::Fetched;
use crate::update::timeouts::Timeouts;
use crate::update::uptime::restarted;
use crate::update::verdict::{applied, has_other_firmware, is_other_boot, rebooted};

/// Multiplies the stall timeout for a download from another server, which shows whole percents only.
const STALL_FACTOR_ELSEWHERE: u32 = 4;

/// What the state of the device shows of the update.
#[derive(Debug)]
enum Observation {
    /// The device has rebooted, or is about to.
    Rebooted,
    /// The device has the firmware, and boots it next.
    Applied(BootState),
    /// The update is still running, or it is too early to tell.
    NothingYet,
    /// The device is idle and unchanged: the call was lost, or there is no new firmware.
    NotBegun,
}

impl Download<'_> {
    /// Takes the answer to the last question.
    pub(super) fn on_probe(&mut self, answer: DeviceAnswer, now: Instant) {
        match (self.pending.take(), answer) {
            (Some(PendingQuestion::GoesOn(error)), DeviceAnswer::Status(status)) => {
                self.on_goes_on(error, &status, now);
            }
            (Some(PendingQuestion::OtherUpdate), DeviceAnswer::Status(status)) => {
                let percent = status.map_or(0, |status| status.percent());
                self.fail(Failure::Refused(Refusal::UpdateRunning { percent }));
            }
            (Some(PendingQuestion::Settled(then)), DeviceAnswer::State(state)) => self.on_settled(then, state, now),
            (Some(PendingQuestion::OtherFirmware(then)), DeviceAnswer::OtherFirmware(is_other)) => match is_other {
                Ok(true) => self.fail_updated(),
                Ok(false) => self.proceed(then, now),
                Err(error) => self.fail(self.contact_lost(error)),
            },
            (Some(PendingQuestion::State(purpose)), DeviceAnswer::State(state)) => self.on_state(purpose, state, now),
            (Some(PendingQuestion::UpdateAfterReboot(state, purpose)), DeviceAnswer::Status(status)) => {
                if receives_update(&status) == Some(true) {
                    // The request came late, and reached the device only after its reboot.
                    self.has_begun = true;
                    self.conclude(purpose, Observation::NothingYet, now);
                } else {
                    // The update may have come to its end since.
                    self.pending = Some(PendingQuestion::StateAfterReboot(state, purpose));
                }
            }
            (Some(PendingQuestion::StateAfterReboot(state, purpose)), DeviceAnswer::State(again)) => {
                self.after = Some(*again.unwrap_or(state));
                self.conclude(purpose, Observation::Rebooted, now);
            }
            (Some(PendingQuestion::Percent), DeviceAnswer::Status(status)) => {
                if let Ok(status) = status
                    && status.is_receiving()
                {
                    self.has_begun = true;
                    self.events.push_back(Event::Written { percent: status.percent() });
                }
                self.conclude(Purpose::Progress, Observation::NothingYet, now);
            }
            (Some(PendingQuestion::EarlyState(probe)), DeviceAnswer::State(state)) => {
                self.on_early_state(probe, state, now);
            }
            (Some(PendingQuestion::Activity(probe, asked)), DeviceAnswer::Status(status)) => {
                let activity = self.activity(&status, now);
                self.pending = Some(PendingQuestion::ProbedState(probe, activity, asked));
            }
            (Some(PendingQuestion::ProbedState(probe, activity, asked)), DeviceAnswer::State(state)) => {
                self.on_probed(probe, (activity, asked), state, now);
            }
            (Some(PendingQuestion::ProbedInfo(probe, error, asked)), DeviceAnswer::Info(info)) => {
                if info.is_ok_and(|info| is_other_boot(self.before, &info, asked)) {
                    self.conclude(Purpose::Probe(probe.reason), Observation::Rebooted, now);
                } else {
                    self.fail(self.contact_lost(error));
                }
            }
            // An answer to a question that was not asked.
            (_, _) => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.decided = Some(Action::Fail(failure));
    }

    /// Fails because the firmware came from another client, which decides about it.
    fn fail_updated(&mut self) {
        self.fail(Failure::Refused(Refusal::UpdateRunning { percent: 100 }));
    }

    /// Decides whether the update runs although the device answered `OTA.Update` with an error. For firmware without `OTA.Status`, the
    /// error stands.
    fn on_goes_on(&mut self, error: RemoteError, status: &Result<Status, CallError>, now: Instant) {
        let goes_on = receives_update(status);
        if goes_on == Some(false) {
            self.pending = Some(PendingQuestion::Settled(Then::Refuse(error)));
            return;
        }
        if goes_on.is_some() {
            self.events.push_back(Event::GoesOn { error: error.to_string() });
        }
        // If the device does not answer, later reads of the state decide.
        self.reply = Some((now, UpdateReply::Lost(error.into())));
    }

    /// Fails if the device, which has just refused the firmware or failed, has changed since the update began: it has the firmware of another
    /// client, or it has rebooted.
    fn on_settled(&mut self, then: Then, state: Result<Box<DeviceState>, ReadStateError>, now: Instant) {
        let state = match state {
            Ok(state) => Some(state),
            Err(error) if error.is_transient() => return self.fail(self.contact_lost(error)),
            // The device answers, and does not report its state.
            Err(_) => None,
        };
        let has_asked = self.fetched.as_ref().is_some_and(|fetched| fetched.peer.is_some());
        // The refusal may be that of a second execution of the same call.
        if matches!(then, Then::CallAgain(_)) && has_asked && self.limits.may_execute_twice {
            return self.proceed(then, now);
        }
        match state {
            None => self.pending = Some(PendingQuestion::OtherFirmware(then)),
            Some(state) if has_other_firmware(self.before, &state) => self.fail_updated(),
            Some(state) if !matches!(then, Then::Fail(_)) && rebooted(self.before, &state) => {
                self.fail(Failure::begin_anew());
            }
            Some(_) => self.proceed(then, now),
        }
    }

    fn proceed(&mut self, then: Then, now: Instant) {
        match then {
            Then::Refuse(error) => self.reply = Some((now, UpdateReply::Refused(error))),
            Then::CallAgain(error) => {
                let failure = Action::Fail(self.download_failed(error));
                self.decided = Some(self.call_again(failure, now));
            }
            Then::Fail(reason) => self.fail(self.failed(reason)),
        }
    }

    fn on_state(&mut self, purpose: Purpose, state: Result<Box<DeviceState>, ReadStateError>, now: Instant) {
        match state {
            Ok(state) => self.observe(purpose, state, now),
            // The device is about to reboot.
            Err(error)
                if !matches!(purpose, Purpose::Progress)
                    && error.remote_error().is_some_and(|error| error.code == 418) =>
            {
                self.conclude(purpose, Observation::Rebooted, now);
            }
            Err(_) => self.conclude(purpose, Observation::NothingYet, now),
        }
    }

    /// Derives from `state` what has become of the update. A device that has rebooted into the same firmware is asked again.
    fn observe(&mut self, purpose: Purpose, state: Box<DeviceState>, now: Instant) {
        if rebooted(self.before, &state) {
            if has_other_firmware(self.before, &state) {
                self.after = Some(*state);
                self.conclude(purpose, Observation::Rebooted, now);
            } else {
                self.pending = Some(PendingQuestion::UpdateAfterReboot(state, purpose));
            }
        } else if applied(self.before, &state) {
            self.conclude(purpose, Observation::Applied(state.boot), now);
        } else {
            self.conclude(purpose, Observation::NotBegun, now);
        }
    }

    /// Decides by what the state shows.
    fn conclude(&mut self, purpose: Purpose, observation: Observation, now: Instant) {
        match (purpose, observation) {
            (_, Observation::Applied(boot)) => self.end_applied(&boot),
            (Purpose::Success(_), Observation::Rebooted) => self.end_unconfirmed("it rebooted at once"),
            (Purpose::Success(message), Observation::NotBegun) => self.fail_nothing_new(message),
            (Purpose::Success(_), Observation::NothingYet) if self.success_until.is_some_and(|until| now < until) => {}
            (Purpose::Success(message), Observation::NothingYet) if says_nothing_new(&message) => {
                self.fail_nothing_new(message);
            }
            (Purpose::Success(_), Observation::NothingYet) => {
                self.end_unconfirmed("it reported a success, and does not answer");
            }
            (Purpose::LostReply | Purpose::Progress, Observation::Rebooted) => {
                self.end_unconfirmed("its reply was lost");
            }
            (Purpose::LostReply, _) => {}
            (Purpose::Progress, Observation::NotBegun) => self.pending = Some(PendingQuestion::Percent),
            (Purpose::Progress, Observation::NothingYet) => {
                self.probe_at = deadline_after(now, self.limits.timeouts.progress_interval);
            }
            (Purpose::Probe(reason), Observation::Rebooted) => self.end_unconfirmed(reason),
            (Purpose::Probe(_), Observation::NothingYet) => {}
            // Its reply may be on the way.
            (Purpose::Probe(_), Observation::NotBegun) if !std::mem::replace(&mut self.seen_idle, true) => {}
            (Purpose::Probe(reason), Observation::NotBegun) => {
                let otherwise = self.never_fetched(Some(reason.to_string()));
                self.decided = Some(self.call_again(otherwise, now));
            }
        }
    }

    fn fail_nothing_new(&mut self, message: String) {
        self.fail(Failure::NothingNew { message, running: self.before.running() });
    }

    fn on_early_state(&mut self, probe: FullProbe, state: Result<Box<DeviceState>, ReadStateError>, now: Instant) {
        match state {
            Ok(state) if rebooted(self.before, &state) || applied(self.before, &state) => {
                self.observe(Purpose::Probe(probe.reason), state, now);
            }
            Err(error) if error.is_silence() && !probe.is_last => self.on_silence(probe, error, now),
            _ => self.pending = Some(PendingQuestion::Activity(probe, now)),
        }
    }

    /// Decides what a silence of the device means.
    fn on_silence(&mut self, probe: FullProbe, error: ReadStateError, now: Instant) {
        let Timeouts { transfer_idle, no_progress, .. } = self.limits.timeouts;
        let silent = now - *self.silent_since.get_or_insert(now);
        match &self.fetched {
            // The device has every byte, so it is the reboot that takes long.
            Some(fetched) if fetched.complete && silent >= transfer_idle => {
                self.conclude(Purpose::Probe(probe.reason), Observation::Rebooted, now);
            }
            None if silent >= no_progress.max(self.limits.reboot_timeout) => {
                self.fail(self.contact_lost(error));
            }
            _ => {}
        }
    }

    /// Decides by the complete state: the activity of the updater, asked for at `asked`, and the state that was read after it.
    fn on_probed(
        &mut self,
        probe: FullProbe,
        (activity, asked): (Activity, Instant),
        state: Result<Box<DeviceState>, ReadStateError>,
        now: Instant,
    ) {
        let state = match state {
            Ok(state) => state,
            Err(error) if error.is_transient() && !probe.is_last => return self.on_silence(probe, error, now),
            // The device answers, but does not report its state.
            Err(error) if error.remote_error().is_some() => {
                return self.pending = Some(PendingQuestion::ProbedInfo(probe, error, now));
            }
            Err(error) => return self.fail(self.contact_lost(error)),
        };
        self.silent_since = None;
        let is_complete = self.fetched.as_ref().is_none_or(|fetched| fetched.complete);
        if self.has_never_asked() && has_other_firmware(self.before, &state) {
            self.fail_updated();
        } else if rebooted(self.before, &state) {
            if is_complete || state.build() != self.before.build() {
                self.observe(Purpose::Probe(probe.reason), state, now);
            } else {
                self.fail(self.download_failed("it restarted during the download"));
            }
        } else if applied(self.before, &state) {
            self.end_applied(&state.boot);
        } else if probe.is_last
            && restarted((self.before.info.uptime, self.before.taken), (state.info.uptime, state.asked))
        {
            self.fail(self.download_failed("it restarted during the download, or just before"));
        } else {
            match self.decide_by_activity(&probe, activity, asked, now) {
                Ok(observation) => self.conclude(Purpose::Probe(probe.reason), observation, now),
                Err(action) => self.decided = Some(action),
            }
        }
    }

    /// Decides by the activity of the updater, on a device that has neither rebooted nor the firmware.
    fn decide_by_activity(
        &self,
        probe: &FullProbe,
        activity: Activity,
        asked: Instant,
        now: Instant,
    ) -> Result<Observation, Action> {
        let Timeouts { first_request, no_request, no_progress, .. } = self.limits.timeouts;
        let fetched = self.fetched.as_ref();
        let has_never_asked = self.has_never_asked();
        let waited = now - self.started;
        let stuck = self.progress.map_or(Duration::ZERO, |(_, since)| now - since);
        let percent = self.progress.map_or(0, |(percent, _)| percent);
        let is_second = matches!(self.reply, Some((_, UpdateReply::InProgress(_))));
        let stuck_elsewhere = no_progress.saturating_mul(STALL_FACTOR_ELSEWHERE);
        match activity {
            Activity::Idle if has_never_asked => Ok(Observation::NotBegun),
            // The download has progressed since the question.
            Activity::Idle if fetched.and_then(|fetched| fetched.changed).is_some_and(|at| at >= asked) => {
                Ok(Observation::NothingYet)
            }
            Activity::Idle => Err(Action::Fail(self.download_failed(probe.reason.clone()))),
            Activity::Busy if is_second && has_never_asked && waited >= first_request => {
                Err(Action::Fail(Failure::Refused(Refusal::UpdateRunning { percent })))
            }
            // The device does not report its state, or its connection attempt hangs.
            Activity::Busy | Activity::Unknown if has_never_asked && waited >= no_request => {
                Err(self.never_fetched(Some(probe.reason.to_string())))
            }
            // The update makes no progress.
            Activity::Busy if fetched.is_some() && stuck >= no_progress => {
                let is_complete = fetched.is_none_or(|fetched| fetched.complete);
                let what = if is_complete { "it has everything, and" } else { "its update" };
                let reason = format!("{what} has not gone on for {}", for_humans(no_progress));
                Err(Action::Fail(self.download_failed(reason)))
            }
            // A percent of a large bundle may take long over a slow link.
            Activity::Busy if stuck >= stuck_elsewhere => {
                let reason = format!("its progress has stood at {percent} % for {}", for_humans(stuck_elsewhere));
                Err(Action::Fail(self.contact_lost(reason)))
            }
            Activity::Busy | Activity::Unknown if probe.is_last => {
                Err(Action::Fail(self.contact_lost(probe.reason.clone())))
            }
            Activity::Busy | Activity::Unknown | Activity::Finishing => Ok(Observation::NothingYet),
        }
    }

    /// Returns what the updater does on a device that has not rebooted: by `OTA.Status`, or by the progress at the firmware server.
    fn activity(&mut self, status: &Result<Status, CallError>, now: Instant) -> Activity {
        let Timeouts { transfer_idle, flash_write, reply_after_transfer, .. } = self.limits.timeouts;
        let waited = now - self.started;
        let idle = |fetched: &Fetched| fetched.changed.map_or(waited, |at| now.saturating_duration_since(at));
        let fetched = self.fetched.as_ref();
        let may_finish = fetched.is_some_and(|fetched| fetched.complete && idle(fetched) < flash_write);
        match status {
            Ok(status) if status.is_running() => {
                if self.progress.is_none_or(|(percent, _)| percent != status.percent()) {
                    self.progress = Some((status.percent(), now));
                }
                Activity::Busy
            }
            // The update may not have begun, or its reply may be on the way.
            Ok(_) if waited < self.limits.contradictory_reply => Activity::Unknown,
            Ok(_) if may_finish && fetched.is_some_and(|fetched| idle(fetched) < reply_after_transfer) => {
                Activity::Finishing
            }
            Ok(_) => Activity::Idle,
            Err(error) if error.is_transient() => Activity::Unknown,
            // Older firmware has no such method.
            Err(_) => match fetched {
                None => Activity::Unknown,
                Some(_) if may_finish => Activity::Finishing,
                Some(fetched) if fetched.peer.is_none() => Activity::Unknown,
                Some(fetched) if fetched.open > 0 && idle(fetched) < transfer_idle => Activity::Busy,
                Some(_) => Activity::Idle,
            },
        }
    }
}
