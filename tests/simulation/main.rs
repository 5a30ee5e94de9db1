//! Simulates whole updates in virtual time: the real update, session and firmware server, against the simulated device. Each
//! seed stands for a plan, a device, a network, and what goes wrong. The invariants hold for all of them.
//!
//! `cargo run --release --example simulate-seeds -- --seed N` prints what happens with a seed.

mod harness;
mod waits;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::run::{Run, run};
use harness::scenario::{COMPLETE, Scenario};
use harness::shrink::shrink;

/// The number of seeds of each run of the tests.
const SEEDS: u64 = 2000;

/// Outcomes that the seeds have to reach, so that the invariants say something.
const OUTCOMES: [&str; 12] = [
    "updated",
    "already_current",
    "left_uncommitted",
    "rolled_back",
    "unhealthy",
    "download_failed",
    "never_fetched",
    "nothing_new",
    "not_committed",
    "unreachable",
    "unknown",
    "refused",
];

/// Seeds that once broke an invariant, and what was wrong. They stand for the scenarios of today's `Scenario::from_seed`.
const REGRESSIONS: [(u64, &str); 37] = [
    (588, "the late reply of a doubled call was taken for the refusal of another client's update"),
    (2604, "a reboot before the update began was taken for that of the update"),
    (3864, "a reboot before the update began was taken for that of the update"),
    (4494, "after an earlier OTA.Update, one that could not be sent left the device `untouched`"),
    (6854, "firmware of another client, applied meanwhile, was told as a failed download"),
    (8494, "a commit on its way while the device rolled back"),
    (8608, "a commit whose reply was late, and another client's update"),
    (9959, "the late reply of a doubled call was taken for the refusal of another client's update"),
    (10156, "another client's newer firmware"),
    (10470, "a device restarted within its first second was said not to reboot"),
    (11578, "firmware of another client, applied meanwhile, was told as a failed download"),
    (12154, "the late reply of a doubled call was taken for the refusal of another client's update"),
    (13423, "through a broker, the last question came too late for an answer within the reboot timeout"),
    (16280, "another client's update during the end of a failed one"),
    (17809, "firmware that another client had reverted was told as committed, 300 ms before it was gone"),
    (18302, "a silent device was said to run its old firmware, as heard before its reboot"),
    (18762, "after an earlier OTA.Update, one that could not be sent left the device `untouched`"),
    (20099, "a reboot before the update began was taken for that of the update"),
    (22991, "firmware that another client had reverted was told as committed, 300 ms before it was gone"),
    (26048, "a silent device was said to run its old firmware, as heard before its reboot"),
    (26784, "a device restarted within its first second was said not to reboot"),
    (27831, "after the commit, another client's update was told as a rollback"),
    (28340, "the state before an update was taken for that after it, since the device had rebooted in between"),
    (29990, "the late reply of a doubled call was taken for the refusal of another client's update"),
    (38400, "a device that takes 200 bytes a second was said to have taken nothing"),
    (63685, "a device that takes 200 bytes a second was said to have taken nothing"),
    (72282, "a slow device came to the end of its download just after otactl had given it up"),
    (74608, "the last reply of a silent device was taken for its state after a failed push"),
    (92587, "a device that had not been heard for a while was said to be idle"),
    (108_881, "before a push, nobody looked whether another client had updated the device meanwhile"),
    (109_928, "other firmware that was applied meanwhile was told as a failed download"),
    (119_464, "the late reply of a doubled call was taken for the refusal of another client's update"),
    (158_608, "after the commit, another client's update was told as a rollback"),
    (195_313, "after a refusal, nobody looked whether another client had updated the device meanwhile"),
    (199_372, "the same build in a slot that the device does not name was taken for the old one"),
    (224_630, "a power cut before the update, and a reply of nothing new, were told as a rollback"),
    (249_111, "a power cut after a reply of nothing new was told as a rollback"),
];

#[test]
fn seeds_that_failed_once_hold() {
    for (seed, what) in REGRESSIONS {
        let violations = run(&Scenario::from_seed(seed), false).violations;
        assert!(violations.is_empty(), "seed {seed} ({what}): {}", violations.join("\n"));
    }
}

/// What a share of the seeds has brought.
#[derive(Default)]
struct Share {
    outcomes: BTreeSet<&'static str>,
    troubles: BTreeSet<String>,
    failed: Vec<u64>,
}

#[test]
fn seeds_break_no_invariant() {
    let next = AtomicU64::new(COMPLETE);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Share::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(|| simulate(&next))).collect();
        for worker in workers {
            let share = worker.join().expect("no panic");
            all.outcomes.extend(share.outcomes);
            all.troubles.extend(share.troubles);
            all.failed.extend(share.failed);
        }
    });
    if let Some(seed) = all.failed.first() {
        let smallest = shrink(&Scenario::from_seed(*seed));
        let Run { violations, trace, .. } = run(&smallest, true);
        let trace = trace.join("\n");
        panic!("seeds {:?} failed; the first: {smallest:#?}\n{trace}\n{}", all.failed, violations.join("\n"));
    }
    let missing: Vec<_> = OUTCOMES.iter().filter(|outcome| !all.outcomes.contains(*outcome)).collect();
    assert!(missing.is_empty(), "no seed ends in {missing:?}, only in {:?}", all.outcomes);
    assert!(all.troubles.len() >= 35, "the seeds meet only {:?}", all.troubles);
}

fn simulate(next: &AtomicU64) -> Share {
    let mut share = Share::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= COMPLETE + SEEDS {
            return share;
        }
        let scenario = Scenario::from_seed(seed);
        let Run { outcome, violations, .. } = run(&scenario, false);
        share.outcomes.insert(outcome);
        share.troubles.extend(scenario.troubles.iter().map(harness::scenario::Trouble::name));
        if !violations.is_empty() {
            share.failed.push(seed);
        }
    }
}
