use otactl::bundle::manifest::Build;
use otactl::update::event::Origin;

use super::Mark::{Error, Failed, Passed};
use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn requested() -> Event {
    Event::Requested { from: Origin::Here, commit_timeout: 300, keeps_asking_for: None }
}

fn back() -> Event {
    let build = Build { version: "2.0.0".into(), build_id: String::new() };
    Event::Back { build, slot: None, committed: false, reverts_in: Some(300) }
}

fn checking(check: &str) -> Event {
    Event::Checking { check: check.into(), deadline_in: 30 }
}

fn checked(check: &str) -> Event {
    Event::Checked { check: check.into(), took_ms: 1, proxy: None }
}

fn check_failed(check: &str) -> Event {
    Event::CheckFailed { check: check.into(), reason: "it says no".into() }
}

fn resuming() -> Event {
    Event::Resuming { reverts_in: Some(200) }
}

/// Returns each gate that was not skipped, with its mark and its milliseconds.
fn walked(
    planned: &PlannedChecks,
    events: Vec<(u64, Event)>,
    (end, outcome, code): (u64, &str, u8),
) -> Vec<(String, Mark, u128)> {
    let events: Vec<_> = events.into_iter().map(|(at, event)| Timed { at: ms(at), event }).collect();
    let end = End { at: ms(end), outcome, trouble: Trouble::of(code) };
    let gates = gates(planned, &events, end);
    assert_eq!(gates.len(), 5 + planned.names.len());
    let reached = gates.into_iter().filter(|gate| gate.mark != Mark::Skipped);
    reached.map(|gate| (gate.name.clone(), gate.mark, gate.took().as_millis())).collect()
}

/// The ends of an update: its time, outcome and exit code.
type EndedAs = (u64, &'static str, u8);

/// A gate that was reached: its name, mark and milliseconds.
type Reached = (&'static str, Mark, u128);

const PRE: Reached = ("preflight", Passed, 10);
const DOWN: Reached = ("download", Passed, 30);
const RE: Reached = ("reboot", Passed, 50);

fn none() -> PlannedChecks {
    PlannedChecks::default()
}

/// Two checks of the same name, and a soak.
fn two() -> PlannedChecks {
    PlannedChecks { names: vec!["RPC.Ping".into(), "RPC.Ping".into()], has_soak: true }
}

fn to_back() -> Vec<(u64, Event)> {
    vec![(10, requested()), (40, Event::Rebooting), (90, back())]
}

/// Returns the events until the device is back, and more.
fn with(more: Vec<(u64, Event)>) -> Vec<(u64, Event)> {
    [to_back(), more].concat()
}

type Case = (PlannedChecks, Vec<(u64, Event)>, EndedAs, Vec<Reached>);

fn assert_walked<const N: usize>(cases: [Case; N]) {
    for (planned, events, end, expected) in cases {
        let shown = format!("{events:?} {end:?}");
        let expected: Vec<_> = expected.into_iter().map(|(name, mark, took)| (name.to_owned(), mark, took)).collect();
        assert_eq!(walked(&planned, events, end), expected, "{shown}");
    }
}

#[test]
fn update_that_succeeds_passes_its_gates() {
    assert_walked([
        // An update.
        (none(), with(vec![(95, Event::Committing)]), (100, "updated", 0), vec![PRE, DOWN, RE, ("commit", Passed, 5)]),
        (
            two(),
            with(vec![
                (91, checking("RPC.Ping")),
                (93, checked("RPC.Ping")),
                (93, checking("RPC.Ping")),
                (96, checked("RPC.Ping")),
                (96, checking("soak")),
                (99, checked("soak")),
                (99, Event::Committing),
            ]),
            (100, "updated", 0),
            vec![
                PRE,
                DOWN,
                RE,
                ("check RPC.Ping", Passed, 2),
                ("check RPC.Ping (2)", Passed, 3),
                ("soak", Passed, 3),
                ("commit", Passed, 1),
            ],
        ),
        // The firmware committed itself.
        (none(), to_back(), (100, "updated", 0), vec![PRE, DOWN, RE, ("commit", Passed, 0)]),
        (none(), to_back(), (100, "left_uncommitted", 0), vec![PRE, DOWN, RE]),
        (none(), vec![], (7, "already_current", 0), vec![("preflight", Passed, 7)]),
        (none(), vec![], (7, "planned", 0), vec![("preflight", Passed, 7)]),
    ]);
}

#[test]
fn update_that_fails_ends_at_one_gate() {
    assert_walked([
        // A rollback.
        (none(), to_back(), (100, "rolled_back", 8), vec![PRE, DOWN, ("reboot", Failed, 50)]),
        // Another build than the wanted one.
        (
            none(),
            with(vec![(91, Event::Reverting), (150, back())]),
            (151, "unhealthy", 8),
            vec![PRE, DOWN, ("reboot", Failed, 50)],
        ),
        // A rollback during the checks.
        (
            two(),
            with(vec![(91, checking("RPC.Ping")), (94, check_failed("RPC.Ping"))]),
            (100, "rolled_back", 8),
            vec![PRE, DOWN, RE, ("check RPC.Ping", Failed, 3)],
        ),
        // A failed check.
        (
            two(),
            with(vec![
                (91, checking("RPC.Ping")),
                (93, checked("RPC.Ping")),
                (93, checking("RPC.Ping")),
                (98, check_failed("RPC.Ping")),
                (98, Event::Reverting),
                (150, back()),
            ]),
            (200, "unhealthy", 8),
            vec![PRE, DOWN, RE, ("check RPC.Ping", Passed, 2), ("check RPC.Ping (2)", Failed, 5)],
        ),
        // The device is silent after the first check.
        (
            two(),
            with(vec![(91, checking("RPC.Ping")), (93, checked("RPC.Ping"))]),
            (100, "unhealthy", 8),
            vec![PRE, DOWN, RE, ("check RPC.Ping", Passed, 2), ("check RPC.Ping (2)", Failed, 0)],
        ),
        // Refused, and out of reach.
        (two(), vec![], (3, "refused", 7), vec![("preflight", Failed, 3)]),
        (two(), vec![(1, Event::Rebooting)], (3, "untouched", 3), vec![("preflight", Error, 3)]),
        (none(), to_back()[..2].to_vec(), (99, "unreachable", 5), vec![PRE, DOWN, ("reboot", Error, 59)]),
        // Interrupted.
        (none(), vec![(10, requested())], (15, "interrupted", 130), vec![PRE, ("download", Error, 5)]),
        // Not downloaded.
        (none(), vec![(10, requested())], (15, "never_fetched", 8), vec![PRE, ("download", Failed, 5)]),
        (none(), to_back(), (100, "download_failed", 8), vec![PRE, ("download", Failed, 30)]),
    ]);
}

#[test]
fn update_that_goes_on_or_begins_anew_passes_gates_again() {
    assert_walked([
        // Resumed.
        (
            none(),
            vec![(8, resuming()), (8, Event::Committing)],
            (9, "updated", 0),
            vec![("preflight", Passed, 8), ("commit", Passed, 1)],
        ),
        (
            two(),
            vec![(8, resuming()), (8, checking("RPC.Ping")), (9, check_failed("RPC.Ping"))],
            (12, "unhealthy", 8),
            vec![("preflight", Passed, 8), ("check RPC.Ping", Failed, 1)],
        ),
        (none(), vec![(8, resuming())], (9, "unknown", 5), vec![("preflight", Passed, 8), ("commit", Error, 0)]),
        // Begun anew: otactl downloads the firmware, and the device takes it from here.
        (
            none(),
            [
                vec![(5, requested()), (7, Event::DownloadingHere { reason: "no licence".into() }), (9, requested())],
                to_back()[1..].to_vec(),
                vec![(95, Event::Committing)],
            ]
            .concat(),
            (100, "updated", 0),
            vec![("preflight", Passed, 5), ("download", Passed, 35), RE, ("commit", Passed, 5)],
        ),
        // Begun anew after a reboot.
        (
            none(),
            [vec![(2, requested()), (4, Event::Rebooting)], to_back(), vec![(95, Event::Committing)]].concat(),
            (100, "updated", 0),
            vec![("preflight", Passed, 2), ("download", Passed, 32), ("reboot", Passed, 56), ("commit", Passed, 5)],
        ),
    ]);
}

#[test]
fn trouble_follows_the_exit_code() {
    for (code, expected) in [
        (0, None),
        (3, Some(Trouble::Rig)),
        (5, Some(Trouble::Rig)),
        (6, Some(Trouble::Rig)),
        (7, Some(Trouble::Firmware)),
        (8, Some(Trouble::Firmware)),
        (130, Some(Trouble::Rig)),
    ] {
        assert_eq!(Trouble::of(code), expected, "{code}");
    }
}
