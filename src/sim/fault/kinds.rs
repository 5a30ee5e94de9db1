//! The kinds of fault, with their names, values and descriptions for the command line.

use crate::sim::fault::definition::Fault;
use crate::sim::fault::value::{duration, json, method, number, pair, percent};

/// The fields of a boot state.
const BOOT_STATE_FIELDS: [&str; 4] = ["active_slot", "is_committed", "revert_slot", "commit_timeout"];

/// A kind of fault on the command line.
#[derive(Debug)]
pub struct FaultKind {
    /// The name, such as `reply-late`.
    pub name: &'static str,
    /// The placeholder of the value, such as `METHOD:DURATION`. Empty if the kind has no value.
    pub value: &'static str,
    /// The description for the help text, in one line.
    pub about: &'static str,
    pub(super) read: fn(&str) -> Result<Fault, String>,
}

impl FaultKind {
    /// Returns the syntax, such as `reply-late=METHOD:DURATION`.
    #[must_use]
    pub fn usage(&self) -> String {
        if self.value.is_empty() { self.name.into() } else { format!("{}={}", self.name, self.value) }
    }

    /// Returns the kind whose name is most similar to an unknown name, if any is similar enough.
    #[must_use]
    pub fn alike(name: &str) -> Option<&'static Self> {
        let in_common = |kind: &Self| kind.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        // A shorter common prefix is a coincidence.
        let by_prefix = KINDS.iter().rev().max_by_key(|kind| in_common(kind)).filter(|kind| in_common(kind) >= 4);
        by_prefix.or_else(|| KINDS.iter().find(|kind| name.len() >= 3 && kind.name.contains(name)))
    }
}

const fn kind(
    name: &'static str,
    value: &'static str,
    about: &'static str,
    read: fn(&str) -> Result<Fault, String>,
) -> FaultKind {
    FaultKind { name, value, about, read }
}

/// All kinds of fault. The parser and the help text use this list.
pub const KINDS: [FaultKind; 33] = [
    kind("call-lost", "METHOD", "a call is ignored and not answered, once", |v| Ok(Fault::CallLost(method(v)?))),
    kind("reply-lost", "METHOD", "a call is carried out but not answered, once", |v| Ok(Fault::ReplyLost(method(v)?))),
    kind("reply-late", "METHOD:DURATION", "replies are delayed by this time", |v| {
        let (name, time) = pair(v)?;
        Ok(Fault::ReplyLate(method(name)?, duration(time)?))
    }),
    kind("silent", "METHOD:DURATION", "silence for this time after a call, once", |v| {
        let (name, time) = pair(v)?;
        Ok(Fault::Silent(method(name)?, duration(time)?))
    }),
    kind("no-method", "METHOD", "the method does not exist", |v| Ok(Fault::NoMethod(method(v)?))),
    kind("no-status", "", "same as no-method=OTA.Status", |_| Ok(Fault::NoMethod("OTA.Status".into()))),
    kind("failures-unanswered", "", "a failed OTA.Update is not answered", |_| Ok(Fault::FailuresUnanswered)),
    kind("not-modified", "", "OTA.Update finds nothing new and fetches nothing", |_| Ok(Fault::NotModified)),
    kind("wrong-platform", "", "bundles for the reported platform are refused", |_| Ok(Fault::WrongPlatform)),
    kind("wrong-digest", "", "every bundle ends with a digest mismatch", |_| Ok(Fault::WrongDigest)),
    kind("reboot-at", "PERCENT", "a power cycle at this percentage of a bundle, once", |v| {
        Ok(Fault::RebootAt(percent(v)?))
    }),
    kind("cut-at", "PERCENT", "a pull loses its connection or a push fails, once", |v| Ok(Fault::CutAt(percent(v)?))),
    kind("stall-at", "PERCENT", "the update stalls at this percentage, once", |v| Ok(Fault::StallAt(percent(v)?))),
    kind("slow-download", "BYTES", "a bundle is read at this many bytes per second", |v| {
        Ok(Fault::SlowDownload(number(v)?))
    }),
    kind("busy", "PERCENT[:DURATION]", "an update runs from the start, for this time if given", |v| {
        let (done, time) = v.split_once(':').map_or((v, None), |(done, time)| (done, Some(time)));
        Ok(Fault::Busy(percent(done)?, time.map(duration).transpose()?))
    }),
    kind("reboot-before-reply", "", "a successful update reboots before its reply", |_| Ok(Fault::RebootBeforeReply)),
    kind("crashes", "", "the new firmware crashes during its first boot", |_| Ok(Fault::Crashes)),
    kind("unreachable", "", "the new firmware runs but is not reachable", |_| Ok(Fault::Unreachable)),
    kind("boot-takes", "DURATION", "the new firmware takes this long to boot", |v| Ok(Fault::BootTakes(duration(v)?))),
    kind("reverts-after", "DURATION", "the new firmware reboots if still uncommitted then", |v| {
        Ok(Fault::RevertsAfter(duration(v)?))
    }),
    kind("power-cycle-after", "DURATION", "the new firmware is power-cycled at this uptime, once", |v| {
        Ok(Fault::PowerCycleAfter(duration(v)?))
    }),
    kind("restarts-every", "DURATION", "the new firmware reboots whenever it is up this long", |v| {
        Ok(Fault::RestartsEvery(duration(v)?))
    }),
    kind("no-result", "", "success without a value has no result (before 2019)", |_| Ok(Fault::NoResult)),
    kind("answers", "METHOD:JSON", "the new firmware answers a method with this result", |v| {
        let (name, value) = pair(v)?;
        Ok(Fault::Answers(method(name)?, json(value)?))
    }),
    kind("fails", "METHOD:CODE[:MESSAGE]", "the new firmware answers a method with this error", |v| {
        let (name, error) = pair(v)?;
        let (code, message) = error.split_once(':').map_or((error, None), |(code, message)| (code, Some(message)));
        Ok(Fault::Fails(method(name)?, number(code)?, message.map(Into::into)))
    }),
    kind("boot-state", "FIELD:JSON", "OTA.GetBootState reports this value for a field", |v| {
        let (name, value) = pair(v)?;
        if !BOOT_STATE_FIELDS.contains(&name) {
            return Err(format!("a field is one of {}", BOOT_STATE_FIELDS.join(", ")));
        }
        Ok(Fault::BootState(name.into(), json(value)?))
    }),
    kind("commit-refused", "", "OTA.Commit is refused", |_| Ok(Fault::CommitRefused)),
    kind("commit-ignored", "", "OTA.Commit is acknowledged but has no effect", |_| Ok(Fault::CommitIgnored)),
    kind("commits-itself", "", "the new firmware always commits itself", |_| Ok(Fault::CommitsItself)),
    kind("other-commits", "DURATION", "another client commits at this uptime", |v| {
        Ok(Fault::OtherCommits(duration(v)?))
    }),
    kind("other-reverts", "DURATION", "another client reverts at this uptime", |v| {
        Ok(Fault::OtherReverts(duration(v)?))
    }),
    kind("noise", "", "the console prints between frames (TCP, serial)", |_| Ok(Fault::Noise)),
    kind("garbled", "N", "every Nth reply is garbled (TCP, serial)", |v| Ok(Fault::Garbled(number(v)?))),
];
