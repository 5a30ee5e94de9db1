//! Simulates whole updates in virtual time: the real update, session and firmware server with the simulated device.
//!
//! Each seed stands for a plan, a device, a network, and faults. The invariants hold for all of them. `cargo run
//! --release --example simulate-seeds -- --seed N` prints what happens with a seed.

mod harness;
mod waits;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use harness::panics;
use harness::run::{Run, run};
use harness::scenario::{FIRST_COMPLETE_SEED, Scenario};
use harness::shrink::shrink;

/// The number of seeds in each run of the tests.
const SEED_COUNT: u64 = 2000;

/// Outcomes that the seeds have to reach, so that the invariants are really tested.
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

/// Seeds that once broke an invariant, and the error. They belong to the current version of `Scenario::from_seed`.
const REGRESSIONS: [(u64, &str); 115] = [
    (588, "the late reply of a duplicated call was taken for the refusal of another client's update"),
    (2604, "a reboot before the update began was taken for that of the update"),
    (3864, "a reboot before the update began was taken for that of the update"),
    (4494, "after an earlier OTA.Update, one that could not be sent left the device `untouched`"),
    (6854, "firmware of another client, applied meanwhile, was reported as a failed download"),
    (8494, "a commit on its way while the device rolled back"),
    (8608, "a commit whose reply was late, and another client's update"),
    (9959, "the late reply of a duplicated call was taken for the refusal of another client's update"),
    (10156, "another client's newer firmware"),
    (10470, "a device restarted within its first second was said not to reboot"),
    (11578, "firmware of another client, applied meanwhile, was reported as a failed download"),
    (12154, "the late reply of a duplicated call was taken for the refusal of another client's update"),
    (13423, "through a broker, the last probe came too late for an answer within the reboot timeout"),
    (16280, "another client's update during the end of a failed one"),
    (17809, "firmware that another client had reverted was reported as committed, 300 ms before it was reverted"),
    (18302, "a silent device was said to run its old firmware, as heard before its reboot"),
    (18762, "after an earlier OTA.Update, one that could not be sent left the device `untouched`"),
    (20099, "a reboot before the update began was taken for that of the update"),
    (22991, "firmware that another client had reverted was reported as committed, 300 ms before it was reverted"),
    (26048, "a silent device was said to run its old firmware, as heard before its reboot"),
    (26784, "a device restarted within its first second was said not to reboot"),
    (27831, "after the commit, another client's update was reported as a rollback"),
    (28340, "the state before an update was taken for that after it, since the device had rebooted in between"),
    (29990, "the late reply of a duplicated call was taken for the refusal of another client's update"),
    (38400, "a device that takes 200 bytes a second was said to have taken nothing"),
    (63685, "a device that takes 200 bytes a second was said to have taken nothing"),
    (72282, "a slow device came to the end of its download just after otactl had stopped waiting"),
    (74608, "the last reply of a silent device was taken for its state after a failed push"),
    (92587, "a device that had not been heard for a while was said to be idle"),
    (108_881, "before a push, otactl did not check whether another client had updated the device meanwhile"),
    (109_928, "other firmware that was applied meanwhile was reported as a failed download"),
    (119_464, "the late reply of a duplicated call was taken for the refusal of another client's update"),
    (158_608, "after the commit, another client's update was reported as a rollback"),
    (195_313, "after a refusal, otactl did not check whether another client had updated the device meanwhile"),
    (199_372, "the same build in a slot that the device does not name was taken for the old one"),
    (224_630, "a power cut before the update, and a reply of nothing new, were reported as a rollback"),
    (249_111, "a power cut after a reply of nothing new was reported as a rollback"),
    (133_099, "a device that rebooted soon after the update began, seen over a slow link, was said not to reboot"),
    (334_862, "a reboot before the update began was taken for that of the update"),
    (370_021, "the harness expected a device that runs for 2 s to be seen through a broker"),
    (435_131, "the harness took a rollback to another copy of the same build for an update"),
    (443_875, "the harness took a rollback to another copy of the same build for an update"),
    (449_799, "the harness took a rollback to another copy of the same build for an update"),
    (466_976, "the harness took a rollback to another copy of the same build for an update"),
    (474_482, "each probe came at the same fraction of a second of the uptime, so that a restart stayed unseen"),
    (
        496_465,
        "the acknowledgement of a duplicated last piece, whose first execution failed, was taken for a complete push",
    ),
    (499_517, "a copy of the old firmware in another slot was taken for the new firmware"),
    (516_674, "a device out of reach, updated by another client, was reported as a failed download"),
    (602_736, "other firmware of a device that does not tell its boot state was reported as a failed download"),
    (607_198, "a device that reboots into another client's firmware was reported as never fetching"),
    (645_184, "other firmware of a device that does not tell its boot state was reported as a failed download"),
    (723_732, "a reboot before the update began was taken for that of the update"),
    (741_428, "`already_current` was reported for a state 5 s old, when another client had updated the device"),
    (753_478, "the harness did not wait for another client's update before the run without faults"),
    (754_989, "the harness expected a device that runs for 2 s to be seen through a broker"),
    (778_937, "a reboot before the update began was taken for that of the update"),
    (828_764, "a late reply to a probe from before the reboot was taken for a device that does not reboot"),
    (876_423, "a reboot before the update began was taken for that of the update"),
    (891_965, "an update that began anew and lost contact with the device left it `untouched`"),
    (898_230, "a reboot before the update began was taken for that of the update"),
    (907_603, "new firmware in the slot that another client's revert had named was taken for the old one"),
    (1_014_069, "the harness did not wait for another client's update before the run without faults"),
    (1_041_933, "a device out of reach, updated by another client, was reported as a failed download"),
    (1_087_299, "another client's firmware, applied after a failed download, was reported as that failure"),
    (1_122_722, "other firmware of a device out of reach was reported as a failed download"),
    (2_030_308, "the harness did not wait for another client's update before the run without faults"),
    (2_055_363, "other firmware of a device that does not tell what it runs was reported as a failed download"),
    (
        2_085_653,
        "the harness took the wanted firmware, restored by the revert of another client's firmware, for one that was not reverted",
    ),
    (
        2_178_380,
        "the harness took a copy of the wanted firmware, which another client had made, for a rollback that did not happen",
    ),
    (2_191_493, "uncommitted firmware was reported for a state 6 s old, when the device had rolled back"),
    (2_207_171, "a device that lost its power between pull and push was not waited for"),
    (2_225_983, "a reboot half a second before the update began was taken for that of the update"),
    (2_236_580, "other firmware of a device that does not tell what it runs was reported as a failed download"),
    (2_317_788, "a device that rebooted soon after the update began, seen over a slow link, was said not to reboot"),
    (2_329_772, "the harness took the firmware that had been seen to run before the update for a new one"),
    (2_415_127, "a device that another client rebooted, just after its update began anew, was not waited for"),
    (2_429_201, "the harness expected a device that runs for 300 ms to be seen through a broker"),
    (2_478_056, "another client's copy of the old firmware was taken for the new firmware"),
    (2_484_562, "a device without OTA.Status that restarted as the update began was reported as unknown"),
    (2_540_969, "a device without OTA.Status that restarted as the update began was reported as unknown"),
    (2_599_315, "the harness expected a device to be seen that came back 220 ms before the deadline"),
    (2_620_358, "new firmware that was seen on the first port, and then crashed, was reported as a failed download"),
    (2_630_197, "an answer from the moment of the reboot was taken for a device that does not reboot"),
    (
        3_059_976,
        "a push whose first OTA.Begin had no answer, and whose second one could not be sent, left the device `untouched`",
    ),
    (3_229_282, "other firmware after a push that broke off was reported as a failed download"),
    (3_486_397, "the harness took the firmware that otactl had seen before the update for a new one"),
    (3_495_311, "`already_current` was reported for a state 1.5 s old, when another client was updating the device"),
    (3_724_317, "the harness took the firmware that otactl had seen before the update for a new one"),
    (3_771_116, "another client's firmware was taken for the new one, while the device was about to reboot into that"),
    (3_791_430, "a late OTA.Begin of an earlier otactl made the device refuse the push"),
    (3_944_543, "the harness took the firmware that otactl had seen before the update for a new one"),
    (3_956_590, "other firmware after a push that broke off was reported as a failed download"),
    (4_070_055, "the harness expected a device that runs for 1.3 s to be seen over HTTP"),
    (4_206_941, "the build of one boot and the boot state of the next were reported as `already_current`"),
    (4_387_173, "the harness did not see an update that another client reverted in the same moment"),
    (4_683_001, "a device that restarted before a late request reached it was reported as a failed download"),
    (4_983_069, "the harness expected a device to be seen that was off until the deadline"),
    (
        5_399_087,
        "firmware that runs uncommitted after an update that began anew was refused as if nothing had been done",
    ),
    (
        5_422_459,
        "firmware that runs uncommitted after an update that began anew was refused as if nothing had been done",
    ),
    (
        5_578_266,
        "firmware that runs uncommitted after an update that began anew was refused as if nothing had been done",
    ),
    (
        5_678_762,
        "firmware that runs uncommitted after an update that began anew was refused as if nothing had been done",
    ),
    (5_702_351, "the harness expected a restart to be seen that costs a second of uptime"),
    (5_822_382, "the end of a failed update was reported for a state 4 s old"),
    (5_846_227, "an update whose request came late, after a reboot, was taken for one that had failed"),
    (
        5_888_440,
        "firmware that runs uncommitted after an update that began anew was refused as if nothing had been done",
    ),
    (5_944_939, "firmware that another client was about to replace was taken for the result of the update"),
    (5_960_400, "an update whose request came late, after a reboot, was taken for one that had failed"),
    (5_966_165, "an update whose request came late, after a reboot, was taken for one that had failed"),
    (6_150_026, "an update whose request came late, after a reboot, was taken for one that had failed"),
    (6_629_802, "one probe after the reboot took all of the reboot timeout"),
    (7_972_293, "a committed firmware that a further update put into another slot was reported as rolled back"),
    (
        8_897_551,
        "a device that rebooted in its first second, and then reported no boot state, was reported as not rebooted",
    ),
    (9_036_012, "the harness expected an update to succeed while OTA.End of the run before was still under way"),
    (9_559_445, "the harness took an OTA.Begin that the device refused for one that it carried out"),
    (9_773_662, "the harness took the firmware of another client, after a revert, for the wanted one"),
];

#[test]
fn panic_of_a_task_is_counted() {
    let before = panics::count();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let task = runtime.block_on(async { tokio::spawn(async { panic!("as this test expects") }).await });
    assert!(task.is_err_and(|error| error.is_panic()));
    assert_eq!(panics::count(), before + 1);
}

#[test]
fn regression_seeds_break_no_invariant() {
    for (seed, what) in REGRESSIONS {
        let violations = run(&Scenario::from_seed(seed), false).violations;
        assert!(violations.is_empty(), "seed {seed} ({what}): {}", violations.join("\n"));
    }
}

/// The results of the seeds of one thread.
#[derive(Default)]
struct Share {
    outcomes: BTreeSet<&'static str>,
    troubles: BTreeSet<String>,
    failed: Vec<u64>,
}

#[test]
fn seeds_break_no_invariant() {
    let next = AtomicU64::new(FIRST_COMPLETE_SEED);
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
        if seed >= FIRST_COMPLETE_SEED + SEED_COUNT {
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
