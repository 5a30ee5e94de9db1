//! Removes from a failed scenario the faults that its failure does not need.

use super::run::run;
use super::scenario::Scenario;

/// Returns the scenario without the troubles that are not needed for a violation.
pub(crate) fn shrink(scenario: &Scenario) -> Scenario {
    let mut smallest = scenario.clone();
    let mut at = 0;
    while at < smallest.troubles.len() {
        let mut smaller = smallest.clone();
        smaller.troubles.remove(at);
        if run(&smaller, false).violations.is_empty() {
            at += 1;
        } else {
            smallest = smaller;
        }
    }
    smallest
}
