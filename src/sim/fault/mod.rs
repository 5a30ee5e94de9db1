//! Faults of the simulated device: what can go wrong, and the text by which each is asked for. [`script`] decides when each of them
//! strikes.

pub mod script;

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::Duration;

use serde_json::Value;
use thiserror::Error;

/// The longest time that a fault may take: more than anybody waits.
const MAX_DURATION: Duration = Duration::from_secs(i32::MAX as u64);

/// The longest name of a method, in bytes.
const MAX_METHOD: usize = 128;

/// The fields of a boot state.
const BOOT_STATE: [&str; 4] = ["active_slot", "is_committed", "revert_slot", "commit_timeout"];

/// Something that goes wrong. It strikes whenever it can, unless it is said to strike once; one that strikes once
/// and is given twice strikes twice.
///
/// The new firmware is one that an update has written since the device was switched on, for as long as it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// A call of this method is neither carried out nor answered; once.
    CallLost(String),
    /// A call of this method is carried out and never answered; once. What turns the call away, such as a
    /// challenge, is answered and does not count.
    ReplyLost(String),
    /// Calls of this method are carried out at once, and answered so much later; an update ends so much later. The
    /// reply is lost if the device reboots meanwhile.
    ReplyLate(String, Duration),
    /// After a call of this method, which is answered if that can be done at once, the device neither hears nor
    /// answers anything for so long, without a reboot; once.
    Silent(String, Duration),
    /// There is no such method, and it is not listed.
    NoMethod(String),
    /// `OTA.Update` is not answered when it fails, as with firmware of 2018-07 to 2018-10.
    FailuresUnanswered,
    /// The device answers `OTA.Update` as after a 304 (2018: `Not Modified`; since 2019: `true`), and fetches nothing.
    NotModified,
    /// The updater refuses every bundle as one for another platform: `Sys.GetInfo` reports a wrong one.
    WrongPlatform,
    /// The updater says `Digest mismatch` at the end of every bundle, as when the flash is worn out.
    WrongDigest,
    /// The power is gone for a moment when so many percent of a bundle have been written; once.
    RebootAt(u8),
    /// The download loses its connection once it has written this percentage of a bundle. A device of 2018 answers `Update
    /// failed`; later devices ask for the rest. In a push, the piece that reaches the percentage fails. Strikes once.
    CutAt(u8),
    /// The device takes no more when so many percent of a bundle have been written, and leaves the connection open
    /// until its time is up; once.
    StallAt(u8),
    /// The device takes so many bytes of a bundle per second.
    SlowDownload(NonZeroU32),
    /// From the beginning, an update is under way and has come so far. It ends after so long without a new
    /// firmware, or only with a reboot. Since 2019, the update is a pull whose caller has been answered. `OTA.End` does
    /// not end it. A call of `OTA.Update` waits for it and gets `Update timed out`.
    Busy(u8, Option<Duration>),
    /// After an update that went well the device reboots at once, and does not answer before.
    RebootBeforeReply,
    /// The new firmware crashes in its first boot, before anything can reach it.
    Crashes,
    /// The new firmware runs, and nothing can reach it on any port: it hangs without a network, or has another
    /// address. Its commit timeout takes it back, if it has one.
    Unreachable,
    /// A boot of the new firmware takes so long.
    BootTakes(Duration),
    /// The new firmware reboots when it has run for so long, if it is still uncommitted then.
    RevertsAfter(Duration),
    /// The power is gone for a moment when the new firmware has run for so long, whether it is committed or not; once.
    PowerCycleAfter(Duration),
    /// The new firmware reboots whenever it has run for so long, so that its uptime does not grow.
    RestartsEvery(Duration),
    /// A success without a value is answered with neither `result` nor `error`, as by `mg_rpc` before 2019. Over
    /// `/rpc/METHOD` the body is empty but for its line end (guess).
    NoResult,
    /// The new firmware answers this method, which it need not have otherwise, with this result.
    Answers(String, Value),
    /// The new firmware answers this method, which it need not have otherwise, with this error.
    Fails(String, i64, Option<String>),
    /// `OTA.GetBootState` reports this value for a field, such as -1 for `active_slot`.
    BootState(String, Value),
    /// `OTA.Commit` is refused with error -1.
    CommitRefused,
    /// `OTA.Commit` is answered as if it were done, and is not.
    CommitIgnored,
    /// The new firmware commits itself in spite of a commit timeout: an old updater that knows of none.
    CommitsItself,
    /// Another client commits when the new firmware has run for so long.
    OtherCommits(Duration),
    /// Another client reverts when the new firmware has run for so long.
    OtherReverts(Duration),
    /// The console speaks between the frames on lines: TCP and serial ports.
    Noise,
    /// Of the replies on lines, TCP and serial ports, each whose number is a multiple of this is garbled.
    Garbled(NonZeroU64),
}

/// Why a text is no fault.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FaultError {
    /// There is none of this name.
    #[error("there is no fault `{0}`")]
    Unknown(String),
    /// What stands behind the name is wrong.
    #[error("`{text}`: {reason}")]
    Value {
        /// What was given.
        text: String,
        /// How it is written, such as `reply-late=METHOD:DURATION`.
        usage: String,
        /// What is wrong about it.
        reason: String,
    },
}

/// A kind of fault, as the command line has it.
#[derive(Debug)]
pub struct Kind {
    /// The name, such as `reply-late`.
    pub name: &'static str,
    /// What stands behind the name and a `=`, such as `METHOD:DURATION`; empty if nothing does.
    pub value: &'static str,
    /// What it does, in a line.
    pub about: &'static str,
    read: fn(&str) -> Result<Fault, String>,
}

impl Kind {
    /// How it is written, such as `reply-late=METHOD:DURATION`.
    #[must_use]
    pub fn usage(&self) -> String {
        if self.value.is_empty() { self.name.into() } else { format!("{}={}", self.name, self.value) }
    }

    /// The one that was most likely meant by a name that is none.
    #[must_use]
    pub fn alike(name: &str) -> Option<&'static Self> {
        let in_common = |kind: &Self| kind.name.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        // Fewer letters in common are no likeness.
        let begins = KINDS.iter().rev().max_by_key(|kind| in_common(kind)).filter(|kind| in_common(kind) >= 4);
        begins.or_else(|| KINDS.iter().find(|kind| name.len() >= 3 && kind.name.contains(name)))
    }
}

const fn kind(
    name: &'static str,
    value: &'static str,
    about: &'static str,
    read: fn(&str) -> Result<Fault, String>,
) -> Kind {
    Kind { name, value, about, read }
}

/// All of them: what the help shows is what is parsed.
pub const KINDS: [Kind; 33] = [
    kind("call-lost", "METHOD", "a call is neither carried out nor answered, once", |v| {
        Ok(Fault::CallLost(method(v)?))
    }),
    kind("reply-lost", "METHOD", "a call is carried out and never answered, once", |v| {
        Ok(Fault::ReplyLost(method(v)?))
    }),
    kind("reply-late", "METHOD:DURATION", "replies come so much later", |v| {
        let (name, time) = pair(v)?;
        Ok(Fault::ReplyLate(method(name)?, duration(time)?))
    }),
    kind("silent", "METHOD:DURATION", "after a call, deaf and mute for so long, once", |v| {
        let (name, time) = pair(v)?;
        Ok(Fault::Silent(method(name)?, duration(time)?))
    }),
    kind("no-method", "METHOD", "there is no such method", |v| Ok(Fault::NoMethod(method(v)?))),
    kind("no-status", "", "the same as no-method=OTA.Status", |_| Ok(Fault::NoMethod("OTA.Status".into()))),
    kind("failures-unanswered", "", "OTA.Update is not answered when it fails", |_| Ok(Fault::FailuresUnanswered)),
    kind("not-modified", "", "OTA.Update finds nothing new, and fetches nothing", |_| Ok(Fault::NotModified)),
    kind("wrong-platform", "", "bundles for the platform it claims are refused", |_| Ok(Fault::WrongPlatform)),
    kind("wrong-digest", "", "bundles end in a digest mismatch", |_| Ok(Fault::WrongDigest)),
    kind("reboot-at", "PERCENT", "a power cycle in the middle of a bundle, once", |v| Ok(Fault::RebootAt(percent(v)?))),
    kind("cut-at", "PERCENT", "a pull loses its connection, or a push fails, once", |v| Ok(Fault::CutAt(percent(v)?))),
    kind("stall-at", "PERCENT", "stalls in the middle of a bundle, once", |v| Ok(Fault::StallAt(percent(v)?))),
    kind("slow-download", "BYTES", "takes so many bytes of a bundle per second", |v| {
        Ok(Fault::SlowDownload(number(v)?))
    }),
    kind("busy", "PERCENT[:DURATION]", "an update is under way, for so long or for good", |v| {
        let (done, time) = v.split_once(':').map_or((v, None), |(done, time)| (done, Some(time)));
        Ok(Fault::Busy(percent(done)?, time.map(duration).transpose()?))
    }),
    kind("reboot-before-reply", "", "a good update is not answered before the reboot", |_| {
        Ok(Fault::RebootBeforeReply)
    }),
    kind("crashes", "", "the new firmware crashes in its first boot", |_| Ok(Fault::Crashes)),
    kind("unreachable", "", "the new firmware runs, and is not to be reached", |_| Ok(Fault::Unreachable)),
    kind("boot-takes", "DURATION", "the new firmware takes so long to boot", |v| Ok(Fault::BootTakes(duration(v)?))),
    kind("reverts-after", "DURATION", "the new firmware reboots if uncommitted by then", |v| {
        Ok(Fault::RevertsAfter(duration(v)?))
    }),
    kind("power-cycle-after", "DURATION", "a power cycle of the new firmware, once", |v| {
        Ok(Fault::PowerCycleAfter(duration(v)?))
    }),
    kind("restarts-every", "DURATION", "the new firmware reboots again and again", |v| {
        Ok(Fault::RestartsEvery(duration(v)?))
    }),
    kind("no-result", "", "a success without a value has no result, as before 2019", |_| Ok(Fault::NoResult)),
    kind("answers", "METHOD:JSON", "the new firmware answers a method with this", |v| {
        let (name, value) = pair(v)?;
        Ok(Fault::Answers(method(name)?, json(value)?))
    }),
    kind("fails", "METHOD:CODE[:MESSAGE]", "the new firmware answers a method with an error", |v| {
        let (name, error) = pair(v)?;
        let (code, message) = error.split_once(':').map_or((error, None), |(code, message)| (code, Some(message)));
        Ok(Fault::Fails(method(name)?, number(code)?, message.map(Into::into)))
    }),
    kind("boot-state", "FIELD:JSON", "OTA.GetBootState reports this value for a field", |v| {
        let (name, value) = pair(v)?;
        if !BOOT_STATE.contains(&name) {
            return Err(format!("a field is one of {}", BOOT_STATE.join(", ")));
        }
        Ok(Fault::BootState(name.into(), json(value)?))
    }),
    kind("commit-refused", "", "OTA.Commit is refused", |_| Ok(Fault::CommitRefused)),
    kind("commit-ignored", "", "OTA.Commit is acknowledged and not done", |_| Ok(Fault::CommitIgnored)),
    kind("commits-itself", "", "the new firmware commits itself in any case", |_| Ok(Fault::CommitsItself)),
    kind("other-commits", "DURATION", "so long after its boot, somebody else commits", |v| {
        Ok(Fault::OtherCommits(duration(v)?))
    }),
    kind("other-reverts", "DURATION", "so long after its boot, somebody else reverts", |v| {
        Ok(Fault::OtherReverts(duration(v)?))
    }),
    kind("noise", "", "the console speaks between frames (TCP, serial)", |_| Ok(Fault::Noise)),
    kind("garbled", "N", "every Nth reply is garbled (TCP, serial)", |v| Ok(Fault::Garbled(number(v)?))),
];

impl Fault {
    /// Whether it strikes once, and then no more.
    #[must_use]
    pub fn is_once(&self) -> bool {
        matches!(
            self,
            Self::CallLost(_)
                | Self::ReplyLost(_)
                | Self::Silent(..)
                | Self::RebootAt(_)
                | Self::CutAt(_)
                | Self::StallAt(_)
                | Self::Busy(..)
                | Self::PowerCycleAfter(_)
        )
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    /// `name` or `name=value`, as [`KINDS`] has them.
    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let kind = KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| FaultError::Unknown(name.escape_debug().to_string()))?;
        let read = match (value, kind.value.is_empty()) {
            (None, false) => Err("there is something missing".into()),
            (Some(_), true) => Err("there is too much".into()),
            (value, _) => (kind.read)(value.unwrap_or_default()),
        };
        read.map_err(|reason| FaultError::Value { text: text.escape_debug().to_string(), usage: kind.usage(), reason })
    }
}

/// As it is read.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallLost(method) => write!(f, "call-lost={method}"),
            Self::ReplyLost(method) => write!(f, "reply-lost={method}"),
            Self::ReplyLate(method, time) => write!(f, "reply-late={method}:{}", shown(*time)),
            Self::Silent(method, time) => write!(f, "silent={method}:{}", shown(*time)),
            Self::NoMethod(method) => write!(f, "no-method={method}"),
            Self::FailuresUnanswered => f.write_str("failures-unanswered"),
            Self::NotModified => f.write_str("not-modified"),
            Self::WrongPlatform => f.write_str("wrong-platform"),
            Self::WrongDigest => f.write_str("wrong-digest"),
            Self::RebootAt(percent) => write!(f, "reboot-at={percent}%"),
            Self::CutAt(percent) => write!(f, "cut-at={percent}%"),
            Self::StallAt(percent) => write!(f, "stall-at={percent}%"),
            Self::SlowDownload(bytes) => write!(f, "slow-download={bytes}"),
            Self::Busy(percent, None) => write!(f, "busy={percent}%"),
            Self::Busy(percent, Some(time)) => write!(f, "busy={percent}%:{}", shown(*time)),
            Self::RebootBeforeReply => f.write_str("reboot-before-reply"),
            Self::Crashes => f.write_str("crashes"),
            Self::Unreachable => f.write_str("unreachable"),
            Self::BootTakes(time) => write!(f, "boot-takes={}", shown(*time)),
            Self::RevertsAfter(time) => write!(f, "reverts-after={}", shown(*time)),
            Self::PowerCycleAfter(time) => write!(f, "power-cycle-after={}", shown(*time)),
            Self::RestartsEvery(time) => write!(f, "restarts-every={}", shown(*time)),
            Self::NoResult => f.write_str("no-result"),
            Self::Answers(method, json) => write!(f, "answers={method}:{json}"),
            Self::Fails(method, code, None) => write!(f, "fails={method}:{code}"),
            Self::Fails(method, code, Some(message)) => write!(f, "fails={method}:{code}:{message}"),
            Self::BootState(field, json) => write!(f, "boot-state={field}:{json}"),
            Self::CommitRefused => f.write_str("commit-refused"),
            Self::CommitIgnored => f.write_str("commit-ignored"),
            Self::CommitsItself => f.write_str("commits-itself"),
            Self::OtherCommits(time) => write!(f, "other-commits={}", shown(*time)),
            Self::OtherReverts(time) => write!(f, "other-reverts={}", shown(*time)),
            Self::Noise => f.write_str("noise"),
            Self::Garbled(every) => write!(f, "garbled={every}"),
        }
    }
}

/// `90s`, `500ms`: never in two words, which a shell would take apart.
fn shown(time: Duration) -> String {
    match time.subsec_nanos() {
        0 => format!("{}s", time.as_secs()),
        nanos if nanos % 1_000_000 == 0 => format!("{}ms", time.as_millis()),
        _ => format!("{}ns", time.as_nanos()),
    }
}

fn pair(value: &str) -> Result<(&str, &str), String> {
    value.split_once(':').ok_or_else(|| "there is something missing".into())
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("`{}` is not JSON: {error}", text.escape_debug()))
}

fn method(name: &str) -> Result<String, String> {
    let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/');
    match name {
        "" => Err("the method is missing".into()),
        _ if name.len() > MAX_METHOD => Err(format!("a method is no longer than {MAX_METHOD} bytes")),
        _ if !name.chars().all(usable) => Err(format!("`{}` is not a method", name.escape_debug())),
        _ => Ok(name.into()),
    }
}

/// `40` or `40%`.
fn percent(text: &str) -> Result<u8, String> {
    match text.strip_suffix('%').unwrap_or(text).parse() {
        Ok(percent @ 0..=100) => Ok(percent),
        _ => Err("a percentage is between 0 and 100".into()),
    }
}

fn number<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: fmt::Display,
{
    text.parse().map_err(|error| format!("`{}`: {error}", text.escape_debug()))
}

/// `90s`, `500ms`, `1m30s`, or plain seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wanted = "a duration is written `90s`, `500ms` or in plain seconds";
    let time = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => humantime::parse_duration(text).map_err(|_| wanted.to_owned())?,
    };
    match time {
        Duration::ZERO => Err("a duration is more than nothing".into()),
        time if time > MAX_DURATION => Err("the duration is too long".into()),
        time => Ok(time),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    /// One of each kind, as it is printed.
    const EXAMPLES: [&str; 37] = [
        "call-lost=OTA.Commit",
        "reply-lost=OTA.Commit",
        "reply-late=OTA.Update:3s",
        "silent=OTA.Update:2s",
        "no-method=OTA.Begin",
        "failures-unanswered",
        "not-modified",
        "wrong-platform",
        "wrong-digest",
        "reboot-at=40%",
        "cut-at=0%",
        "stall-at=100%",
        "slow-download=20000",
        "busy=40%",
        "busy=40%:1500ms",
        "reboot-before-reply",
        "crashes",
        "unreachable",
        "boot-takes=90s",
        "reverts-after=500ms",
        "power-cycle-after=1s",
        "restarts-every=2500000ns",
        "answers=App.Health:{\"ok\":true,\"at\":[1,2.5,\"a:b\"]}",
        "answers=Sys.GetInfo:null",
        "fails=App.Health:-7",
        "fails=App.Health:500:too hot: 71 degrees",
        "fails=App.Health:500:",
        "no-result",
        "boot-state=active_slot:-1",
        "commit-refused",
        "commit-ignored",
        "commits-itself",
        "other-commits=2s",
        "other-reverts=2147483647s",
        "noise",
        "garbled=1",
        "garbled=18446744073709551615",
    ];

    #[test]
    fn what_is_printed_is_read() {
        for text in EXAMPLES {
            let fault: Fault = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(fault.to_string(), text);
        }
        for kind in &KINDS {
            let is_there = EXAMPLES.iter().any(|text| text.split('=').next() == Some(kind.name));
            assert!(is_there || kind.name == "no-status", "{} has no example", kind.name);
        }
    }

    #[test]
    fn some_are_written_in_more_than_one_way() {
        for (text, printed) in [
            ("no-status", "no-method=OTA.Status"),
            ("reboot-at=40", "reboot-at=40%"),
            ("boot-takes=90", "boot-takes=90s"),
            ("boot-takes=1m 30s", "boot-takes=90s"),
            ("answers=A: { \"a\" : 1 }", "answers=A:{\"a\":1}"),
        ] {
            assert_eq!(text.parse().map(|fault: Fault| fault.to_string()).as_deref(), Ok(printed), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, message) in [
            ("", "there is no fault ``"),
            ("reply-losst=OTA.Commit", "there is no fault `reply-losst`"),
            ("Crashes", "there is no fault `Crashes`"),
            ("reply-lost", "`reply-lost`: there is something missing"),
            ("reply-lost=", "`reply-lost=`: the method is missing"),
            ("reply-lost=OTA Commit", "`reply-lost=OTA Commit`: `OTA Commit` is not a method"),
            ("reply-late=OTA.Commit", "`reply-late=OTA.Commit`: there is something missing"),
            ("reply-late=OTA.Commit:0", "`reply-late=OTA.Commit:0`: a duration is more than nothing"),
            ("boot-takes=9999y", "`boot-takes=9999y`: the duration is too long"),
            ("boot-takes=soon", "`boot-takes=soon`: a duration is written `90s`, `500ms` or in plain seconds"),
            ("crashes=1", "`crashes=1`: there is too much"),
            ("cut-at=101", "`cut-at=101`: a percentage is between 0 and 100"),
            ("cut-at=-1%", "`cut-at=-1%`: a percentage is between 0 and 100"),
            ("garbled=0", "`garbled=0`: `0`: number would be zero for non-zero type"),
            ("fails=A:b", "`fails=A:b`: `b`: invalid digit found in string"),
            ("answers=A:{", "`answers=A:{`: `{` is not JSON: EOF while parsing an object at line 1 column 1"),
        ] {
            assert_eq!(text.parse::<Fault>().map_err(|e| e.to_string()), Err(message.into()), "{text}");
        }
        let error = "busy=x".parse::<Fault>().expect_err("not a number");
        assert!(matches!(&error, FaultError::Value { usage, .. } if usage == "busy=PERCENT[:DURATION]"), "{error:?}");
    }

    #[test]
    fn a_name_is_guessed() {
        for (name, meant) in [
            ("reply-losst", Some("reply-lost")),
            ("commit-ignore", Some("commit-ignored")),
            ("reboot", Some("reboot-at")),
            ("lost", Some("call-lost")),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(Kind::alike(name).map(|kind| kind.name), meant, "{name}");
        }
    }

    proptest! {
        /// Whatever is given, it is read or refused; and what is read is read again from what is printed of it.
        #[test]
        fn any_text_is_read_or_refused(
            name in prop_oneof![select(KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()).prop_map(String::from), any::<String>()],
            value in prop_oneof![
                select(EXAMPLES.to_vec()).prop_map(|text| text.split_once('=').map_or("", |(_, value)| value).to_owned()),
                "[0-9A-Za-z.:%{}\" -]{0,12}",
                any::<String>(),
            ],
            is_there: bool,
        ) {
            let text = if is_there { format!("{name}={value}") } else { name };
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
            }
        }
    }
}
