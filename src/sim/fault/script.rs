//! The faults of one device, and what they have already done.
//!
//! Nothing here waits, and the clock is an argument. This module only decides whether a fault is triggered. The caller
//! implements the effect.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sim::fault::definition::Fault;
use crate::sim::fault::effects::{DownloadFault, LineEffect, ReplyDelivery, TimedFault};
use crate::sim::generation::{DONE, Generation};
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{MethodError, Outcome};

#[cfg(test)]
mod tests;

/// The faults of one device, in the order in which they were given.
///
/// If several faults match, the first one is triggered.
#[derive(Debug, Default)]
pub struct Faults {
    script: Vec<FaultEntry>,
    silent_until: Option<Instant>,
    /// The number of replies on serial lines and TCP connections.
    line_replies: u64,
    /// The faults that were triggered since the last call of [`Self::take_triggered`].
    triggered: Vec<Fault>,
}

#[derive(Debug)]
struct FaultEntry {
    fault: Fault,
    /// How often the fault has been triggered.
    count: u64,
}

impl Faults {
    /// Returns a script in which no fault has been triggered yet.
    #[must_use]
    pub fn new(faults: &[Fault]) -> Self {
        let script = faults.iter().map(|fault| FaultEntry { fault: fault.clone(), count: 0 }).collect();
        Self { script, ..Self::default() }
    }

    /// Returns the faults that were triggered since the last call, in order.
    ///
    /// Faults that are visible from outside anyway, such as [`Fault::NoMethod`], are not included.
    pub fn take_triggered(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.triggered)
    }

    /// Tells whether the device receives a call of this method.
    pub fn receives(&mut self, method: &str, now: Instant) -> bool {
        !self.is_silent(now) && !self.triggers(|fault| matches!(fault, Fault::CallLost(lost) if lost == method))
    }

    /// Tells whether the device ignores calls and sends no replies at this time.
    #[must_use]
    pub fn is_silent(&self, now: Instant) -> bool {
        self.silent_until.is_some_and(|until| now < until)
    }

    /// Decides about the reply to a call that has been carried out. Call this exactly once for each call.
    pub fn delivery(&mut self, method: &str, now: Instant) -> ReplyDelivery {
        let silence = self.trigger(|fault| match fault {
            Fault::Silent(target, time) if target == method => Some(*time),
            _ => None,
        });
        if let Some(time) = silence {
            self.silent_until = now.checked_add(time);
        }
        if self.triggers(|fault| matches!(fault, Fault::ReplyLost(target) if target == method)) {
            return ReplyDelivery::Never;
        }
        let late = self.trigger(|fault| match fault {
            Fault::ReplyLate(target, time) if target == method => Some(*time),
            _ => None,
        });
        late.map_or(ReplyDelivery::AtOnce, ReplyDelivery::Late)
    }

    /// Tells whether the device sends no reply with this outcome.
    pub fn suppresses(&mut self, method: &str, outcome: &Outcome) -> bool {
        let is_failure = matches!(outcome, Err(MethodError { code: ..0, .. }));
        method == "OTA.Update" && is_failure && self.triggers(|fault| *fault == Fault::FailuresUnanswered)
    }

    /// Tells whether a fault removes the method from the device.
    #[must_use]
    pub fn removes(&self, method: &str) -> bool {
        self.find(|fault| matches!(fault, Fault::NoMethod(target) if target == method).then_some(())).is_some()
    }

    /// Returns the outcome of a call that the device does not carry out because of a fault.
    ///
    /// `is_new` tells whether the new firmware runs.
    #[must_use]
    pub fn answer(&self, method: &str, is_new: bool, generation: Generation) -> Option<Outcome> {
        self.find(|fault| match (fault, method) {
            (Fault::Answers(target, json), _) if is_new && target == method => Some(Ok(json.to_string())),
            (Fault::Fails(target, code, message), _) if is_new && target == method => {
                Some(Err(MethodError { code: *code, message: message.clone() }))
            }
            (Fault::CommitRefused, "OTA.Commit") => Some(Err(MethodError::bare(-1))),
            (Fault::CommitIgnored, "OTA.Commit") => Some(Ok("null".into())),
            (Fault::NotModified, "OTA.Update") if generation.is_compiled() => Some(Ok(DONE.into())),
            (Fault::NotModified, "OTA.Update") => Some(Err(MethodError::new(0, "Not Modified"))),
            _ => None,
        })
    }

    /// Returns the value that `OTA.GetBootState` reports for this field in place of the true one.
    #[must_use]
    pub fn boot_state(&self, field: &str) -> Option<&Value> {
        self.script.iter().find_map(|entry| match &entry.fault {
            Fault::BootState(target, value) if target == field => Some(value),
            _ => None,
        })
    }

    /// Returns the fault that is triggered at this percentage of a bundle.
    ///
    /// Call this at least whenever the percentage grows.
    pub fn at_percent(&mut self, percent: u8) -> Option<DownloadFault> {
        self.trigger(|fault| match fault {
            Fault::RebootAt(at) if *at <= percent => Some(DownloadFault::Reboot),
            Fault::CutAt(at) if *at <= percent => Some(DownloadFault::CutOff),
            Fault::StallAt(at) if *at <= percent => Some(DownloadFault::Stall),
            _ => None,
        })
    }

    /// Returns how many bytes of a bundle the device reads per second. `None`: no limit.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<NonZeroU32> {
        self.find(|fault| match fault {
            Fault::SlowDownload(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// Returns the platform that the updater requires, on a device that reports the platform `reported`.
    pub fn platform(&mut self, reported: &str) -> String {
        if self.triggers(|fault| *fault == Fault::WrongPlatform) { format!("not-{reported}") } else { reported.into() }
    }

    /// Returns the result of the final digest check of a correct bundle.
    pub fn check_digest(&mut self) -> Result<(), UpdateError> {
        let is_wrong = self.triggers(|fault| *fault == Fault::WrongDigest);
        if is_wrong { Err(UpdateError::Digest) } else { Ok(()) }
    }

    /// Returns the percentage of an update that runs from the start, and the time after which it ends.
    pub fn busy(&mut self) -> Option<(u8, Option<Duration>)> {
        self.trigger(|fault| match fault {
            Fault::Busy(percent, time) => Some((*percent, *time)),
            _ => None,
        })
    }

    /// Tells whether the device reboots before it answers a successful update.
    pub fn reboots_before_reply(&mut self) -> bool {
        self.triggers(|fault| *fault == Fault::RebootBeforeReply)
    }

    /// Tells whether the new firmware commits itself despite a commit timeout.
    pub fn commits_itself(&mut self) -> bool {
        self.triggers(|fault| *fault == Fault::CommitsItself)
    }

    /// Tells whether the new firmware crashes during its first boot.
    pub fn crashes(&mut self) -> bool {
        self.triggers(|fault| *fault == Fault::Crashes)
    }

    /// Tells whether the new firmware, which has just booted, is unreachable.
    pub fn is_unreachable(&mut self) -> bool {
        self.triggers(|fault| *fault == Fault::Unreachable)
    }

    /// Returns the duration of a boot of the new firmware, if a fault changes it.
    pub fn boot_takes(&mut self) -> Option<Duration> {
        self.trigger(|fault| match fault {
            Fault::BootTakes(time) => Some(*time),
            _ => None,
        })
    }

    /// Returns the effects that occur in this boot of the new firmware, with their uptimes.
    pub fn timed_faults(&mut self) -> Vec<(Duration, TimedFault)> {
        let mut timed_faults = Vec::new();
        for entry in &mut self.script {
            let timed_fault = match entry.fault {
                Fault::RevertsAfter(time) => (time, TimedFault::RebootIfUncommitted),
                Fault::PowerCycleAfter(time) if entry.count == 0 => (time, TimedFault::Reboot),
                Fault::RestartsEvery(time) => (time, TimedFault::Reboot),
                Fault::OtherCommits(time) => (time, TimedFault::Commit),
                Fault::OtherReverts(time) => (time, TimedFault::Revert),
                _ => continue,
            };
            entry.count += 1;
            self.triggered.push(entry.fault.clone());
            timed_faults.push(timed_fault);
        }
        timed_faults
    }

    /// Returns the effect of faults on the next reply over a serial line or TCP.
    pub fn next_line_effect(&mut self) -> LineEffect {
        self.line_replies += 1;
        let count = self.line_replies;
        LineEffect {
            noise: self.find(|fault| (*fault == Fault::Noise).then_some(count)),
            garbled: self.triggers(|fault| matches!(fault, Fault::Garbled(every) if count.is_multiple_of(every.get()))),
        }
    }

    /// Returns the value of the first fault for which `effect` returns one, without triggering the fault.
    fn find<T>(&self, effect: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.script.iter().find_map(|entry| effect(&entry.fault))
    }

    /// Triggers the first fault that matches. Returns whether there is one.
    fn triggers(&mut self, matches: impl Fn(&Fault) -> bool) -> bool {
        self.trigger(|fault| matches(fault).then_some(())).is_some()
    }

    /// Triggers the first fault for which `effect` returns a value, and returns that value.
    fn trigger<T>(&mut self, effect: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut armed = self.script.iter_mut().filter(|entry| entry.count == 0 || !entry.fault.is_once());
        let (entry, found) =
            armed.find_map(|entry| Some((effect(&entry.fault)?, entry))).map(|(found, entry)| (entry, found))?;
        entry.count += 1;
        self.triggered.push(entry.fault.clone());
        Some(found)
    }
}
