use proptest::prelude::*;
use proptest::sample::select;

use super::{Fault, FaultError, FaultKind, KINDS};

/// At least one example of each kind, in the syntax that `Display` prints.
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
fn printed_fault_is_read_back_unchanged() {
    for text in EXAMPLES {
        let fault: Fault = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(fault.to_string(), text);
    }
    for kind in &KINDS {
        let has_example = EXAMPLES.iter().any(|text| text.split('=').next() == Some(kind.name));
        assert!(has_example || kind.name == "no-status", "{} has no example", kind.name);
    }
}

#[test]
fn alternative_syntax_is_printed_in_canonical_form() {
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
fn wrong_text_is_refused_with_the_reason() {
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
fn misspelled_name_finds_the_similar_kind() {
    for (name, meant) in [
        ("reply-losst", Some("reply-lost")),
        ("commit-ignore", Some("commit-ignored")),
        ("reboot", Some("reboot-at")),
        ("lost", Some("call-lost")),
        ("x", None),
        ("", None),
    ] {
        assert_eq!(FaultKind::alike(name).map(|kind| kind.name), meant, "{name}");
    }
}

proptest! {
    /// Any text is read or refused without a panic. A fault that was read equals the fault read from its printed form.
    #[test]
    fn any_text_is_refused_or_survives_printing(
        name in prop_oneof![select(KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>()).prop_map(String::from), any::<String>()],
        value in prop_oneof![
            select(EXAMPLES.to_vec()).prop_map(|text| text.split_once('=').map_or("", |(_, value)| value).to_owned()),
            "[0-9A-Za-z.:%{}\" -]{0,12}",
            any::<String>(),
        ],
        has_value: bool,
    ) {
        let text = if has_value { format!("{name}={value}") } else { name };
        if let Ok(fault) = text.parse::<Fault>() {
            prop_assert_eq!(fault.to_string().parse::<Fault>(), Ok(fault));
        }
    }
}
