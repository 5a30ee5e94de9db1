use serde_json::json;

use super::super::download::ServedBundle;
use super::super::limits::DownloadLimits;
use super::super::question::DeviceAnswer;
use super::*;
use crate::ota::{BootState, Status, UpdateState};
use crate::update::device_state::DeviceState;
use crate::update::timeouts::Timeouts;

/// What happens to a download, or what has to follow from all that happened so far.
enum Step {
    /// The firmware server has sent this many bytes of 1000 to the device.
    Sent(u64),
    /// The reply to `OTA.Update`.
    Replied(Result<Value, CallError>),
    /// The answer to the last question.
    Answered(DeviceAnswer),
    /// The next action begins with these words.
    Next(&'static str),
}

use Step::{Answered, Next, Replied, Sent};

const BUNDLE: u64 = 1000;

fn limits() -> DownloadLimits {
    let timeouts = Timeouts::default();
    DownloadLimits {
        download: Duration::from_secs(600),
        timeouts,
        has_other_way: false,
        may_execute_twice: false,
        contradictory_reply: timeouts.contradictory_reply,
        reboot_timeout: Duration::from_secs(60),
        commit_timeout: Duration::from_secs(300),
    }
}

/// Returns the state of a device that runs `version` in `slot`, and has been up for `uptime` seconds at `at`.
fn state(version: &str, slot: u8, is_committed: bool, uptime: u64, at: Instant) -> DeviceState {
    let info = json!({"id": "esp32_1", "mac": "A0", "app": "demo", "arch": "esp32", "fw_version": version,
        "fw_id": version, "uptime": uptime});
    let boot = json!({"active_slot": slot, "is_committed": is_committed, "revert_slot": 1 - slot, "commit_timeout": 0});
    let boot: BootState = serde_json::from_value(boot).expect("a boot state");
    DeviceState::from_replies(info, boot, at)
}

fn success(message: &str) -> Step {
    Replied(Ok(json!({"code": 0, "message": message})))
}

fn error(message: &str) -> Step {
    let error = RemoteError { code: -1, message: Some(message.into()) };
    Replied(Err(CallError::Remote { method: "OTA.Update".into(), error }))
}

fn lost() -> CallError {
    CallError::Lost { peer: "the device".into(), sent: true, reason: "the link broke".into() }
}

fn silent() -> Step {
    Answered(DeviceAnswer::State(Err(lost().into())))
}

fn status(state: UpdateState, progress_percent: i64) -> Step {
    Answered(DeviceAnswer::Status(Ok(Status { state, message: String::new(), progress_percent })))
}

const ASKS_STATE: &str = "Ask { question: State, is_last: false }";
const ASKS_STATUS: &str = "Ask { question: Status, is_last: false }";
const ASKS_SETTLED: &str = "Ask { question: SettledState, is_last: false }";

/// Runs `steps`, each at its second, and checks what follows. Events count as one word: their name.
fn check(case: &str, is_served: bool, steps: Vec<(f64, Step)>, before: &DeviceState, start: Instant) {
    let served = is_served.then_some(ServedBundle { total: BUNDLE, address: "192.168.1.2:8000" });
    let mut download = Download::new(before, limits(), served, true, start);
    for (number, (second, step)) in steps.into_iter().enumerate() {
        let now = start + Duration::from_secs_f64(second);
        match step {
            Sent(bytes) => download.on_server_progress(&Fetched {
                peer: Some(([192, 168, 1, 5], 4000).into()),
                device: None,
                sent: bytes,
                open: u32::from(bytes < BUNDLE),
                complete: bytes == BUNDLE,
                changed: Some(now),
            }),
            Replied(result) => download.on_reply(result, false, now),
            Answered(answer) => download.on_probe(answer, now),
            Next(expected) => {
                let action = format!("{:?}", download.poll(now));
                assert!(action.starts_with(expected), "{case}, step {number}: {action}, not {expected}");
            }
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn download_from_the_firmware_server_follows_reply_progress_and_state() {
    let start = Instant::now();
    let before = state("1.0.0", 0, true, 100, start);
    let at = |second: u64| start + Duration::from_secs(second);
    let answer = |state: DeviceState| Answered(DeviceAnswer::State(Ok(Box::new(state))));
    let old = |second| answer(state("1.0.0", 0, true, 100 + second, at(second)));
    let applied = |second| answer(state("1.0.0", 1, false, 100 + second, at(second)));
    let new = |second| answer(state("2.0.0", 1, false, 1, at(second)));
    let crashed = |second| answer(state("1.0.0", 0, true, 1, at(second)));
    let fetching =
        || [(1.0, Sent(10)), (1.0, Next("Report(Fetching")), (1.0, Next("Report(Sent")), (1.0, Next("Wait"))];
    let complete = || [(2.0, Sent(BUNDLE)), (2.0, Next("Report(Sent")), (2.0, Next("Wait(Some"))];
    // A device that refuses the firmware, runs no update, and is then in `state`.
    let refusal = |state, expected| {
        vec![
            (3.0, error("Wrong platform")),
            (3.0, Next(ASKS_STATUS)),
            (3.0, status(UpdateState::Idle, 0)),
            (3.0, Next(ASKS_SETTLED)),
            (3.0, state),
            (3.0, Next(expected)),
        ]
    };
    for (case, steps) in [
        (
            "success of 2018",
            vec![
                (3.0, success("Update applied, finalizing")),
                (3.0, Next("Report(Applied")),
                (3.0, Next("Done(Certain")),
            ],
        ),
        (
            "success since 2019",
            vec![
                (3.0, success("")),
                (3.0, Next(ASKS_STATE)),
                (3.0, applied(3)),
                (3.0, Next("Report(Applied")),
                (3.0, Next("Done(Certain")),
            ],
        ),
        (
            "success of a device that has nothing new",
            vec![(3.0, success("")), (3.0, Next(ASKS_STATE)), (3.0, old(3)), (3.0, Next("Fail(NothingNew"))],
        ),
        (
            "success of a device that then never answers",
            vec![
                (3.0, success("")),
                (3.0, Next(ASKS_STATE)),
                (4.0, silent()),
                (4.0, Next(ASKS_STATE)),
                (4.2, silent()),
                (4.2, Next("Wait(Some")),
                (18.0, Next(ASKS_STATE)),
                (18.1, silent()),
                (18.1, Next("Report(Unconfirmed")),
                (18.1, Next("Done(Rebooted")),
            ],
        ),
        (
            "lost reply: the state is read one round trip after the last byte",
            vec![
                (2.1, Next("Wait(Some")),
                (2.3, Next(ASKS_STATE)),
                (2.3, applied(2)),
                (2.3, Next("Report(Applied")),
                (2.3, Next("Done(Certain")),
            ],
        ),
        (
            "lost reply: the device has rebooted into the firmware",
            vec![
                (5.0, Next(ASKS_STATE)),
                (6.0, new(6)),
                (6.0, Next("Report(Unconfirmed")),
                (6.0, Next("Done(Rebooted")),
            ],
        ),
        (
            "error after which no update runs",
            refusal(
                old(3),
                "Fail(DownloadFailed { reason: Device(RemoteError { code: -1, message: Some(\"Wrong platform\")",
            ),
        ),
        (
            "error after which the update goes on",
            vec![
                (3.0, error("Connect error")),
                (3.0, Next(ASKS_STATUS)),
                (3.0, status(UpdateState::Progress, 40)),
                (3.0, Next("Report(GoesOn")),
                (3.0, Next(ASKS_STATE)),
            ],
        ),
        (
            "error of a device that has the firmware of another client",
            refusal(new(3), "Fail(Refused(UpdateRunning { percent: 100 }))"),
        ),
        ("error of a device that has rebooted: the update begins anew", refusal(crashed(3), "Fail(")),
        (
            "error of a device without a licence key",
            vec![(3.0, error("Free version can only be updated from the cloud")), (3.0, Next("Fail(Unlicensed"))],
        ),
        (
            "lost reply of a device that has everything and is idle: it may still be on the way",
            vec![(3.0, Replied(Err(lost()))), (3.0, Next(ASKS_STATE)), (3.0, old(3)), (3.0, Next("Wait(Some"))],
        ),
    ] {
        let steps = fetching().into_iter().chain(complete()).chain(steps).collect();
        check(case, true, steps, &before, start);
    }
    for (case, steps) in [
        (
            "unanswered call that never arrived: called again after the device was idle twice, three times in all",
            vec![
                (9.9, Next("Wait(Some")),
                (10.0, Next(ASKS_STATUS)),
                (10.0, status(UpdateState::Idle, 0)),
                (10.0, Next(ASKS_STATE)),
                (10.0, old(10)),
                (10.0, Next("Report(NotAsked")),
                (10.0, Next("Wait(Some")),
                (11.0, Next(ASKS_STATUS)),
                (11.0, status(UpdateState::Idle, 0)),
                (11.0, Next(ASKS_STATE)),
                (11.0, old(11)),
                (11.0, Next("CallAgain")),
                (11.0, Next("Wait(Some")),
            ],
        ),
        (
            "device that says that an update runs, and never asks for the firmware",
            vec![
                (10.0, Next(ASKS_STATUS)),
                (10.0, status(UpdateState::Progress, 0)),
                (10.0, Next(ASKS_STATE)),
                (10.0, old(10)),
                (10.0, Next("Report(NotAsked")),
                (30.0, Next(ASKS_STATUS)),
                (30.0, status(UpdateState::Progress, 0)),
                (30.0, Next(ASKS_STATE)),
                (30.0, old(30)),
                (30.0, Next("NeverFetched(Some")),
            ],
        ),
        ("device that never says anything", vec![(605.0, Next("NeverFetched(None)"))]),
    ] {
        check(case, true, steps, &before, start);
    }
    let stalled = [
        (11.0, Next(ASKS_STATUS)),
        (11.0, status(UpdateState::Progress, 1)),
        (11.0, Next(ASKS_STATE)),
        (11.0, old(11)),
        (11.0, Next("Wait(Some")),
        (61.0, Next(ASKS_SETTLED)),
        (61.0, old(61)),
        (61.0, Next("Fail(DownloadFailed { reason: Observed(\"it has taken nothing for 1m\")")),
    ];
    check("stalled transfer", true, fetching().into_iter().chain(stalled).collect(), &before, start);
    let restarts = [
        (12.0, Next(ASKS_STATUS)),
        (12.0, status(UpdateState::Idle, 0)),
        (12.0, Next(ASKS_STATE)),
        (12.0, crashed(12)),
        (12.0, Next("Fail(DownloadFailed { reason: Observed(\"it restarted during the download\")")),
    ];
    check("restart during the transfer", true, fetching().into_iter().chain(restarts).collect(), &before, start);
}

#[test]
fn download_from_another_server_follows_the_device() {
    let start = Instant::now();
    let before = state("1.0.0", 0, true, 100, start);
    let at = |second: u64| start + Duration::from_secs(second);
    let answer = |state: DeviceState| Answered(DeviceAnswer::State(Ok(Box::new(state))));
    let old = |second| answer(state("1.0.0", 0, true, 100 + second, at(second)));
    let new = |second| answer(state("2.0.0", 1, false, 1, at(second)));
    for (case, steps) in [
        (
            "progress is read once a second",
            vec![
                (0.9, Next("Wait(Some")),
                (1.0, Next(ASKS_STATE)),
                (1.0, old(1)),
                (1.0, Next(ASKS_STATUS)),
                (1.0, status(UpdateState::Progress, 7)),
                (1.0, Next("Report(Written { percent: 7 })")),
                (1.9, Next("Wait(Some")),
                (2.0, Next(ASKS_STATE)),
            ],
        ),
        (
            "reboot without a reply",
            vec![
                (20.0, Next(ASKS_STATE)),
                (20.0, new(20)),
                (20.0, Next("Report(Unconfirmed")),
                (20.0, Next("Done(Rebooted")),
            ],
        ),
        (
            "server that the device cannot reach",
            vec![
                (3.0, error("Connect error")),
                (3.0, Next(ASKS_STATUS)),
                (3.0, status(UpdateState::Idle, 0)),
                (3.0, Next(ASKS_SETTLED)),
                (3.0, old(3)),
                (3.0, Next("Fail(UrlUnreachable")),
            ],
        ),
        (
            "late request: an update runs on a device that has rebooted",
            vec![
                (20.0, Next(ASKS_STATE)),
                (20.0, answer(state("1.0.0", 0, true, 1, at(20)))),
                (20.0, Next(ASKS_STATUS)),
                (20.0, status(UpdateState::Progress, 3)),
                (20.0, Next("Wait(Some")),
            ],
        ),
        (
            "device that is silent after the time limit",
            vec![
                (3.0, Replied(Err(lost()))),
                (605.0, Next("Ask { question: Status, is_last: true }")),
                (605.0, Answered(DeviceAnswer::Status(Err(lost())))),
                (605.0, Next("Ask { question: State, is_last: true }")),
                (605.0, silent()),
                (605.0, Next("Fail(ContactLost")),
            ],
        ),
    ] {
        check(case, false, steps, &before, start);
    }
}
