//! The faults of one device, with what they have done already. Plain data: nothing here waits, and the clock is an
//! argument. What a fault does is done where it belongs: this only says whether it strikes.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::sim::fault::Fault;
use crate::sim::generation::{DONE, Generation};
use crate::sim::update_error::UpdateError;
use crate::sim::wire::{Failure, Outcome};

/// The faults in the order in which they were given; of two that would strike, the first one does.
#[derive(Debug, Default)]
pub struct Faults {
    script: Vec<Entry>,
    silent_until: Option<Instant>,
    /// Replies that have been written on lines.
    lines: u64,
    /// What has struck since somebody asked.
    struck: Vec<Fault>,
}

#[derive(Debug)]
struct Entry {
    fault: Fault,
    strikes: u64,
}

/// Whether the reply to a call leaves the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As soon as there is one.
    AtOnce,
    /// So much later.
    Late(Duration),
    /// Never.
    Never,
}

/// What happens in the middle of a bundle, whether it is pulled or pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DownloadFault {
    /// The power is gone for a moment. The reboot has been seen to; nothing is closed or answered.
    Reboot,
    /// The device gives up.
    CutOff,
    /// The device takes no more, and says nothing until its time is up.
    Stall,
}

/// What happens by itself when a boot has lasted for some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimedFault {
    /// Somebody commits.
    Commit,
    /// Somebody reverts.
    Revert,
    /// The device reboots.
    Reboot,
    /// The device reboots, if it is uncommitted.
    RebootIfUncommitted,
    /// An update ends that nobody here has begun.
    EndUpdate,
}

/// What the line does to a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OnLine {
    /// The console speaks before and after it: the number of its first line.
    pub noise: Option<u64>,
    /// It is garbled.
    pub garbled: bool,
}

impl Faults {
    /// Faults that have not struck yet.
    #[must_use]
    pub fn new(faults: &[Fault]) -> Self {
        let script = faults.iter().map(|fault| Entry { fault: fault.clone(), strikes: 0 }).collect();
        Self { script, ..Self::default() }
    }

    /// What has struck since this was last asked, in order; only what is not seen from outside anyway.
    pub fn take_struck(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.struck)
    }

    /// Whether a call of this method is heard at all.
    pub fn hears(&mut self, method: &str, now: Instant) -> bool {
        !self.is_silent(now) && !self.strikes(|fault| matches!(fault, Fault::CallLost(lost) if lost == method))
    }

    /// Whether nothing is heard or answered at this time.
    #[must_use]
    pub fn is_silent(&self, now: Instant) -> bool {
        self.silent_until.is_some_and(|until| now < until)
    }

    /// What becomes of the reply to a call that has been carried out. To be asked once for each call.
    pub fn delivery(&mut self, method: &str, now: Instant) -> Delivery {
        let silence = self.strike(|fault| match fault {
            Fault::Silent(of, time) if of == method => Some(*time),
            _ => None,
        });
        if let Some(time) = silence {
            self.silent_until = now.checked_add(time);
        }
        if self.strikes(|fault| matches!(fault, Fault::ReplyLost(of) if of == method)) {
            return Delivery::Never;
        }
        let late = self.strike(|fault| match fault {
            Fault::ReplyLate(of, time) if of == method => Some(*time),
            _ => None,
        });
        late.map_or(Delivery::AtOnce, Delivery::Late)
    }

    /// Whether this outcome is one that is never told.
    pub fn is_never_told(&mut self, method: &str, outcome: &Outcome) -> bool {
        let is_failure = matches!(outcome, Err(Failure { code: ..0, .. }));
        method == "OTA.Update" && is_failure && self.strikes(|fault| *fault == Fault::FailuresUnanswered)
    }

    /// Whether there is no such method.
    #[must_use]
    pub fn lacks(&self, method: &str) -> bool {
        self.find(|fault| matches!(fault, Fault::NoMethod(of) if of == method).then_some(())).is_some()
    }

    /// What is answered in place of carrying the method out, by a firmware that is new or not.
    #[must_use]
    pub fn answer(&self, method: &str, is_new: bool, generation: Generation) -> Option<Outcome> {
        self.find(|fault| match (fault, method) {
            (Fault::Answers(of, json), _) if is_new && of == method => Some(Ok(json.to_string())),
            (Fault::Fails(of, code, message), _) if is_new && of == method => {
                Some(Err(Failure { code: *code, message: message.clone() }))
            }
            (Fault::CommitRefused, "OTA.Commit") => Some(Err(Failure::bare(-1))),
            (Fault::CommitIgnored, "OTA.Commit") => Some(Ok("null".into())),
            (Fault::NotModified, "OTA.Update") if generation.is_compiled() => Some(Ok(DONE.into())),
            (Fault::NotModified, "OTA.Update") => Some(Err(Failure::new(0, "Not Modified"))),
            _ => None,
        })
    }

    /// Returns the value that `OTA.GetBootState` reports for this field in place of the true one.
    #[must_use]
    pub fn boot_state(&self, field: &str) -> Option<&Value> {
        self.script.iter().find_map(|entry| match &entry.fault {
            Fault::BootState(of, value) if of == field => Some(value),
            _ => None,
        })
    }

    /// What happens when so many percent of a bundle have been written. To be asked as often as they grow.
    pub fn at_percent(&mut self, percent: u8) -> Option<DownloadFault> {
        self.strike(|fault| match fault {
            Fault::RebootAt(at) if *at <= percent => Some(DownloadFault::Reboot),
            Fault::CutAt(at) if *at <= percent => Some(DownloadFault::CutOff),
            Fault::StallAt(at) if *at <= percent => Some(DownloadFault::Stall),
            _ => None,
        })
    }

    /// How many bytes of a bundle are taken per second; `None`: as many as come.
    #[must_use]
    pub fn bytes_per_second(&self) -> Option<NonZeroU32> {
        self.find(|fault| match fault {
            Fault::SlowDownload(bytes) => Some(*bytes),
            _ => None,
        })
    }

    /// The platform with which the updater compares that of a bundle, on a device that says it is `told`.
    pub fn platform(&mut self, told: &str) -> String {
        if self.strikes(|fault| *fault == Fault::WrongPlatform) { format!("not-{told}") } else { told.into() }
    }

    /// What the updater finds when it looks again at a bundle that it has written well.
    pub fn look_again(&mut self) -> Result<(), UpdateError> {
        let is_wrong = self.strikes(|fault| *fault == Fault::WrongDigest);
        if is_wrong { Err(UpdateError::Digest) } else { Ok(()) }
    }

    /// How far the update is that is under way from the beginning, and after how long it ends.
    pub fn busy(&mut self) -> Option<(u8, Option<Duration>)> {
        self.strike(|fault| match fault {
            Fault::Busy(percent, time) => Some((*percent, *time)),
            _ => None,
        })
    }

    /// Whether an update that went well is not answered before the reboot.
    pub fn reboots_before_reply(&mut self) -> bool {
        self.strikes(|fault| *fault == Fault::RebootBeforeReply)
    }

    /// Whether the new firmware commits itself, whatever the commit timeout.
    pub fn commits_itself(&mut self) -> bool {
        self.strikes(|fault| *fault == Fault::CommitsItself)
    }

    /// Whether the new firmware crashes in its first boot.
    pub fn crashes(&mut self) -> bool {
        self.strikes(|fault| *fault == Fault::Crashes)
    }

    /// Whether the new firmware, which has just booted, is not to be reached.
    pub fn is_unreachable(&mut self) -> bool {
        self.strikes(|fault| *fault == Fault::Unreachable)
    }

    /// How long the new firmware takes to boot, if not the usual time.
    pub fn boot_takes(&mut self) -> Option<Duration> {
        self.strike(|fault| match fault {
            Fault::BootTakes(time) => Some(*time),
            _ => None,
        })
    }

    /// What will happen by itself in this boot of the new firmware, and after how long.
    pub fn timed_faults(&mut self) -> Vec<(Duration, TimedFault)> {
        let mut timed_faults = Vec::new();
        for entry in &mut self.script {
            let timed_fault = match entry.fault {
                Fault::RevertsAfter(time) => (time, TimedFault::RebootIfUncommitted),
                Fault::PowerCycleAfter(time) if entry.strikes == 0 => (time, TimedFault::Reboot),
                Fault::RestartsEvery(time) => (time, TimedFault::Reboot),
                Fault::OtherCommits(time) => (time, TimedFault::Commit),
                Fault::OtherReverts(time) => (time, TimedFault::Revert),
                _ => continue,
            };
            entry.strikes += 1;
            self.struck.push(entry.fault.clone());
            timed_faults.push(timed_fault);
        }
        timed_faults
    }

    /// What the line does to the next reply.
    pub fn on_line(&mut self) -> OnLine {
        self.lines += 1;
        let count = self.lines;
        OnLine {
            noise: self.find(|fault| (*fault == Fault::Noise).then_some(count)),
            garbled: self.strikes(|fault| matches!(fault, Fault::Garbled(every) if count.is_multiple_of(every.get()))),
        }
    }

    fn find<T>(&self, look: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.script.iter().find_map(|entry| look(&entry.fault))
    }

    fn strikes(&mut self, look: impl Fn(&Fault) -> bool) -> bool {
        self.strike(|fault| look(fault).then_some(())).is_some()
    }

    /// Finds the first fault that strikes, and notes that it has.
    fn strike<T>(&mut self, look: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut left = self.script.iter_mut().filter(|entry| entry.strikes == 0 || !entry.fault.is_once());
        let (entry, found) =
            left.find_map(|entry| Some((look(&entry.fault)?, entry))).map(|(found, entry)| (entry, found))?;
        entry.strikes += 1;
        self.struck.push(entry.fault.clone());
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(texts: &[&str]) -> Faults {
        let faults: Vec<Fault> = texts.iter().map(|text| text.parse().unwrap_or_else(|e| panic!("{e}"))).collect();
        Faults::new(&faults)
    }

    #[test]
    fn what_strikes_once_is_spent_and_may_be_given_twice() {
        let now = Instant::now();
        let mut faults = faults(&["call-lost=A", "reply-lost=A", "reply-lost=A"]);
        assert!(faults.hears("B", now) && !faults.hears("A", now) && faults.hears("A", now));
        let deliveries = [(); 3].map(|()| faults.delivery("A", now));
        assert_eq!(deliveries, [Delivery::Never, Delivery::Never, Delivery::AtOnce]);
        let struck: Vec<_> = faults.take_struck().iter().map(ToString::to_string).collect();
        assert_eq!(struck, ["call-lost=A", "reply-lost=A", "reply-lost=A"]);
        assert_eq!(faults.take_struck(), []);
    }

    #[test]
    fn what_does_not_strike_once_strikes_always() {
        let (now, late) = (Instant::now(), Delivery::Late(Duration::from_secs(3)));
        let mut faults = faults(&["reply-late=A:3s", "failures-unanswered"]);
        assert_eq!([(); 2].map(|()| faults.delivery("A", now)), [late, late]);
        for _ in 0..2 {
            assert!(faults.is_never_told("OTA.Update", &Err(Failure::bare(-1))));
        }
        assert!(!faults.is_never_told("OTA.Update", &Err(Failure::bare(0))), "code 0 is no failure");
        assert!(!faults.is_never_told("OTA.Commit", &Err(Failure::bare(-1))));
    }

    #[test]
    fn a_silence_ends() {
        let start = Instant::now();
        let mut faults = faults(&["silent=A:2s"]);
        assert_eq!(faults.delivery("A", start), Delivery::AtOnce);
        let end = start + Duration::from_secs(2);
        assert!(!faults.hears("B", start));
        assert!(!faults.hears("B", start + Duration::from_millis(1999)));
        assert!(faults.hears("B", end));
        faults.delivery("A", end);
        assert!(faults.hears("B", end), "once");
    }

    #[test]
    fn a_bundle_meets_each_fault_once() {
        let mut faults = faults(&["cut-at=50%", "reboot-at=20", "stall-at=20"]);
        let met: Vec<_> = (0..=100).filter_map(|percent| Some((percent, faults.at_percent(percent)?))).collect();
        assert_eq!(met, [(20, DownloadFault::Reboot), (21, DownloadFault::Stall), (50, DownloadFault::CutOff)]);
        let mut faults = self::faults(&["cut-at=50%"]);
        assert_eq!(faults.at_percent(90), Some(DownloadFault::CutOff), "a step may be large");
    }

    #[test]
    fn only_the_new_firmware_has_answers_of_its_own() {
        let faults = faults(&["answers=App.Health:{\"ok\":false}", "fails=Sys.GetInfo:500:hot", "commit-refused"]);
        assert_eq!(faults.answer("App.Health", true, Generation::Y2022), Some(Ok("{\"ok\":false}".into())));
        assert_eq!(faults.answer("Sys.GetInfo", true, Generation::Y2022), Some(Err(Failure::new(500, "hot"))));
        assert_eq!(faults.answer("App.Health", false, Generation::Y2022), None);
        assert_eq!(faults.answer("OTA.Commit", false, Generation::Y2022), Some(Err(Failure::bare(-1))));
        let faults = self::faults(&["not-modified"]);
        let update = |generation| faults.answer("OTA.Update", false, generation);
        assert_eq!(update(Generation::Y2018), Some(Err(Failure::new(0, "Not Modified"))));
        assert_eq!(update(Generation::Y2019), Some(Ok("\"true\"".into())));
    }

    #[test]
    fn every_nth_reply_is_garbled() {
        let mut faults = faults(&["garbled=3", "noise"]);
        let garbled: Vec<_> = (1..=7).filter(|_| faults.on_line().garbled).collect();
        assert_eq!(garbled, [3, 6]);
        assert_eq!(faults.on_line().noise, Some(8));
    }
}
