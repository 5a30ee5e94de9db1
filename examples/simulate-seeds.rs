//! Simulates many updates in virtual time, and checks the invariants after each of them: see tests/simulation.
//!
//! ```sh
//! cargo run --release --example simulate-seeds -- --seeds 1000000 [--from N]
//! cargo run --release --example simulate-seeds -- --seed N
//! ```
//!
//! Prints the seeds per second and a table of faults and outcomes. For each seed that fails it prints the seed, its trace,
//! and the trace without the faults that the failure does not need. `--seed` prints the trace of one seed.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

#[path = "../tests/simulation/harness/mod.rs"]
mod harness;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use harness::run::{Run, run};
use harness::scenario::Scenario;
use harness::shrink::shrink;
use mimalloc::MiMalloc;
use parking_lot::Mutex;

/// A third of the time of a seed went to the allocator of the system.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The number of failures whose traces are printed.
const MAX_SHOWN_FAILURES: usize = 5;

/// The number of updates by fault and outcome.
type Coverage = BTreeMap<String, BTreeMap<&'static str, u64>>;

/// The results of all seeds.
#[derive(Default)]
struct Results {
    coverage: Coverage,
    failed: Vec<(u64, Vec<String>)>,
}

fn main() -> ExitCode {
    let Some((from, seeds, is_single)) = arguments() else {
        eprintln!("usage: simulate-seeds [--seeds COUNT] [--from SEED] | --seed SEED");
        return ExitCode::from(2);
    };
    if is_single {
        let scenario = Scenario::from_seed(from);
        show(&scenario);
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results = simulate(from, seeds, threads);
    let seconds = started.elapsed().as_secs_f64();
    print_coverage(&results.coverage);
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = seeds as f64 / seconds;
    println!("{seeds} seeds in {seconds:.1} s on {threads} cores: {rate:.0} seeds per second");
    let mut failed = results.failed;
    failed.sort();
    for (seed, violations) in &failed {
        println!("seed {seed} failed: {}", violations.join("; "));
    }
    for (seed, _) in failed.iter().take(MAX_SHOWN_FAILURES) {
        let scenario = Scenario::from_seed(*seed);
        println!("\n== seed {seed}");
        show(&scenario);
        println!("\n== seed {seed} without the faults that are not needed");
        show(&shrink(&scenario));
    }
    println!("{} of {seeds} seeds failed", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Returns the first seed, the number of seeds, and whether a single seed is to be printed.
fn arguments() -> Option<(u64, u64, bool)> {
    let (mut from, mut seeds, mut is_single) = (0, 10_000, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--seed" => (from, is_single) = (value, true),
            _ => return None,
        }
    }
    Some((from, seeds, is_single))
}

fn simulate(from: u64, seeds: u64, threads: usize) -> Results {
    let (next, results) = (AtomicU64::new(from), Mutex::new(Results::default()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut own = Results::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        break;
                    }
                    let scenario = Scenario::from_seed(seed);
                    let Run { outcome, violations, .. } = run(&scenario, false);
                    for trouble in &scenario.troubles {
                        *own.coverage.entry(trouble.name()).or_default().entry(outcome).or_default() += 1;
                    }
                    *own.coverage.entry("(all)".into()).or_default().entry(outcome).or_default() += 1;
                    if !violations.is_empty() {
                        own.failed.push((seed, violations));
                    }
                }
                let mut all = results.lock();
                for (fault, outcomes) in own.coverage {
                    for (outcome, count) in outcomes {
                        *all.coverage.entry(fault.clone()).or_default().entry(outcome).or_default() += count;
                    }
                }
                all.failed.extend(own.failed);
            });
        }
    });
    results.into_inner()
}

fn print_coverage(coverage: &Coverage) {
    let mut outcomes: Vec<&str> = coverage.values().flat_map(BTreeMap::keys).copied().collect();
    outcomes.sort_unstable();
    outcomes.dedup();
    print!("{:24}", "");
    for outcome in &outcomes {
        print!("{outcome:>16}");
    }
    println!();
    for (fault, counts) in coverage {
        print!("{fault:24}");
        for outcome in &outcomes {
            print!("{:>16}", counts.get(outcome).copied().unwrap_or(0));
        }
        println!();
    }
}

/// Prints the scenario and its trace.
fn show(scenario: &Scenario) {
    println!("{scenario:#?}");
    let Run { outcome, violations, trace, calls, commit_delay } = run(scenario, true);
    for line in trace {
        println!("{line}");
    }
    println!("outcome: {outcome}, {calls} calls, the commit {commit_delay:?} after the boot");
    for violation in violations {
        println!("violation: {violation}");
    }
}
