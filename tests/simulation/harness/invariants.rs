//! What has to hold after an attempt, whatever went wrong.

use std::time::Duration;

use otactl::update::outcome::{Facts, Sequel};
use otactl::update::{Failure, Refusal, Success};

use super::run::{Counts, WANTED, outcome_name};
use super::scenario::{Scenario, SourceSpec, Trouble};
use super::truth::{State, Truth};

/// An attempt that has ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The version that ran at its beginning.
    pub(crate) before: String,
    pub(crate) took: Duration,
    pub(crate) result: Result<Success, Failure>,
}

impl Attempt {
    pub(crate) fn name(&self) -> &'static str {
        outcome_name(&self.result)
    }

    fn facts(&self) -> Facts {
        match &self.result {
            Ok(success) => success.facts(),
            Err(failure) => failure.facts(),
        }
    }
}

/// Returns what should not have happened.
pub(crate) fn violations(scenario: &Scenario, truth: &Truth, attempt: &Attempt, counts: &Counts) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            let now = truth.now();
            found.push(format!("{what}; outcome {}: {:?}; the device: {now:?}", attempt.name(), attempt.result));
        }
    };
    let window = window(scenario);
    let was = |is: &dyn Fn(&State) -> bool| truth.was(window, is);
    let is_known = !matches!(scenario.plan.source, SourceSpec::Url { is_known: false });
    // Of a firmware that is not known, only that it is new can be told.
    let is_wanted = |state: &State| if is_known { state.version == WANTED } else { state.version != attempt.before };
    let is_wanted_before =
        |state: &State| is_wanted(state) || state.version == attempt.before && attempt.before == WANTED;
    match &attempt.result {
        Ok(Success::Updated(_) | Success::AlreadyCurrent(_)) => {
            check(was(&|state| is_wanted_before(state) && state.is_committed), "the success is none");
        }
        Ok(Success::LeftUncommitted { .. }) => {
            check(!scenario.plan.commit, "the firmware is left uncommitted against the plan");
            check(was(&|state| is_wanted_before(state) && !state.is_committed), "the firmware is not left uncommitted");
        }
        Ok(Success::Planned) => check(false, "only planned"),
        Err(Failure::RolledBack { wanted, .. }) => {
            check(
                truth.was(Duration::MAX, |state| state.is_applied || state.version != attempt.before),
                "nothing was applied",
            );
            // It names the build that was seen, if the wanted one is not known.
            let is_it = |state: &State| match wanted {
                Some(build) => state.version == build.version,
                None => is_wanted(state),
            };
            check(was(&|state| !is_it(state)), "the wanted firmware runs");
        }
        Err(
            Failure::DownloadFailed { .. }
            | Failure::NeverFetched { .. }
            | Failure::Unlicensed { .. }
            | Failure::UrlUnreachable { .. }
            | Failure::NothingNew { .. }
            | Failure::DidNotReboot(_),
        ) => {
            // A device that is out of reach may have got the firmware of another client.
            let is_unheard = matches!(&attempt.result, Err(Failure::DownloadFailed { remains: true, .. }));
            let is_other = |state: &State| is_unheard && state.version != WANTED && state.next != WANTED;
            let is_old = |state: &State| state.version == attempt.before && !state.is_applied;
            check(was(&|state| is_old(state) || is_other(state)), "the device has other firmware");
        }
        Err(Failure::NotCommitted { .. } | Failure::Replaced { .. }) => {
            // Another client's firmware may run instead.
            let is_other = |state: &State| state.version != WANTED && state.version != attempt.before;
            check(
                was(&|state| !state.is_committed && (is_wanted_before(state) || is_other(state))),
                "the firmware is committed, or does not run",
            );
        }
        Err(Failure::Unwell { sequel: Sequel::Reverted(_), .. }) => {
            check(was(&|state| !is_wanted(state)), "the device was not reverted");
        }
        Err(Failure::Unwell { sequel: Sequel::Committed, .. }) => {
            check(was(&|state| state.is_committed), "the device is not committed");
        }
        Err(Failure::NotBack { .. } | Failure::LostSight { .. } | Failure::CommitUnseen { .. }) => {
            // Without OTA.Status, such a device does not tell whose update runs.
            let hides_its_update =
                scenario.device.lacks.contains(&"OTA.Status") && scenario.network.transport.may_double();
            let is_hidden = hides_its_update || scenario.troubles.iter().any(Trouble::hides_the_device);
            check(is_hidden, "the device could be seen");
        }
        Err(Failure::Unwell { .. } | Failure::ShutOut { .. }) => {}
        Err(Failure::Refused(Refusal::UpdateRunning { .. } | Refusal::CannotPush)) => {}
        Err(
            Failure::Refused(_)
            | Failure::Call(_)
            | Failure::Serve(_)
            | Failure::NotCopied(_)
            | Failure::Download(_)
            | Failure::NotDownloaded { .. },
        ) => {
            check(counts.of("OTA.Update") == 0 && counts.of("OTA.Begin") == 0, "the device was touched");
        }
    }
    let is_refused = matches!(&attempt.result, Err(Failure::NotCopied(error)) if error.remote().is_some());
    if attempt.name() == "untouched" && !is_refused {
        check(counts.of("OTA.CreateSnapshot") == 0, "the device was touched");
    }
    let facts = attempt.facts();
    // What another client has installed is not for otactl to tell.
    let is_pending = |state: &State| !state.is_committed && state.commit_timeout > 0 && state.next == WANTED;
    if truth.now().as_ref().is_some_and(is_pending)
        && was(&is_pending)
        && !matches!(facts.outcome, "refused" | "untouched")
    {
        check(facts.reverts_in.is_some(), "the device is uncommitted, and no deadline is told");
    }
    check_counts(scenario, truth, counts, &mut check);
    if is_known {
        check(truth.committed().iter().all(|version| version == WANTED), "other firmware was committed");
    }
    check(
        attempt.took <= longest(scenario),
        &format!("it took {:?}, longer than {:?}", attempt.took, longest(scenario)),
    );
    found
}

/// Checks that no method ran more often than it was sent on purpose.
fn check_counts(scenario: &Scenario, truth: &Truth, counts: &Counts, check: &mut impl FnMut(bool, &str)) {
    let times = scenario.network.transport.times();
    let attempts = 1 + scenario.troubles.iter().filter(|trouble| matches!(trouble, Trouble::Killed(_))).count();
    // Three times, and all of it three times where the device reboots meanwhile.
    for (method, most) in [("OTA.Update", 9), ("OTA.Commit", 3), ("OTA.Revert", 3), ("OTA.CreateSnapshot", 3)] {
        let (sent, doubled) = (counts.of(method), truth.doubled(method));
        // Attempts that otactl did not survive count too.
        let died = scenario.troubles.iter().any(|trouble| matches!(trouble, Trouble::Killed(_)));
        check(
            died || truth.carried_out(method) <= (sent + doubled) * times,
            &format!("{method} ran more often than it was sent"),
        );
        check(sent <= most, &format!("{method} was sent {sent} times"));
    }
    let copies = truth.carried_out("OTA.CreateSnapshot");
    check(copies <= (1 + truth.doubled("OTA.CreateSnapshot")) * times * attempts, "the firmware was copied twice");
}

/// Returns how long ago the last look of otactl's may have been.
fn window(scenario: &Scenario) -> Duration {
    let outages = scenario.troubles.iter().filter_map(|trouble| match trouble {
        Trouble::Outage(_, time) => Some(*time),
        Trouble::Fault(otactl::sim::Fault::ReplyLate(_, time)) => Some(*time * 3),
        _ => None,
    });
    (scenario.network.latency + scenario.network.jitter) * 6 + outages.sum::<Duration>() + Duration::from_secs(1)
}

/// Returns the sum of the deadlines of the plan.
fn longest(scenario: &Scenario) -> Duration {
    let plan = &scenario.plan;
    let checks = plan.check_timeout * u32::try_from(plan.checks).unwrap_or(1) + plan.soak.unwrap_or_default();
    let download = (plan.download_timeout + plan.ask_timeout * 6) * 2 + plan.stall_timeout * 8;
    plan.timeout * 40 + plan.reboot_timeout * 10 + download + checks * 2 + Duration::from_secs(300)
}
