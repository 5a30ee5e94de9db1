//! The invariants, which hold after every attempt, whatever the faults.

use std::time::Duration;

use otactl::sim::Fault;
use otactl::update::device_state::Running;
use otactl::update::outcome::{Facts, RevertResult, Unhealthy};
use otactl::update::{Failure, Refusal, Success};

use super::record::{DeviceRecord, State};
use super::run::{CallCounts, WANTED, outcome_name};
use super::scenario::{OtherCall, Scenario, SourceSpec, Trouble};

/// The longest pause between two probes of a device that answers at once.
const MAX_PROBE_INTERVAL: Duration = Duration::from_millis(500);

/// The longest pause between two probes through a broker.
const MAX_BROKER_PROBE_INTERVAL: Duration = Duration::from_secs(10);

/// An attempt that has ended.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The version that ran before the device was told to update.
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

/// Returns the violated invariants.
pub(crate) fn violations(
    scenario: &Scenario,
    record: &DeviceRecord,
    attempt: &Attempt,
    counts: &CallCounts,
) -> Vec<String> {
    let mut found = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            let now = record.now();
            found.push(format!("{what}; outcome {}: {:?}; the device: {now:?}", attempt.name(), attempt.result));
        }
    };
    let window = window(scenario);
    let was = |is: &dyn Fn(&State) -> bool| record.was_recently(window, is);
    let is_known = !matches!(scenario.plan.source, SourceSpec::Url { is_known: false });
    // If the build of the URL is unknown, otactl can only tell that it is new.
    let is_wanted = |state: &State| if is_known { state.version == WANTED } else { state.version != attempt.before };
    let is_wanted_before =
        |state: &State| is_wanted(state) || state.version == attempt.before && attempt.before == WANTED;
    match &attempt.result {
        Ok(Success::Updated(_) | Success::AlreadyCurrent(_)) => {
            check(
                was(&|state| is_wanted_before(state) && state.is_committed),
                "a success is reported without the wanted firmware",
            );
        }
        Ok(Success::LeftUncommitted { .. }) => {
            check(!scenario.plan.commit, "the firmware is left uncommitted against the plan");
            check(was(&|state| is_wanted_before(state) && !state.is_committed), "the firmware is not left uncommitted");
        }
        Ok(Success::Planned) => check(false, "only planned"),
        Err(Failure::RolledBack { old, wanted, .. }) => {
            check(
                // An update that another client reverts in the same moment leaves nothing but its commit timeout.
                record.was_recently(Duration::MAX, |state| {
                    state.is_applied || state.commit_timeout > 0 || state.version != attempt.before
                }),
                "nothing was applied",
            );
            // If the wanted build is unknown, the failure names the build that was seen.
            let is_new = |state: &State| match wanted {
                Some(build) => state.version == build.version && !is_copy(scenario, attempt, old, state),
                None => state.version != old.build.version,
            };
            check(was(&|state| !is_new(state)), "the wanted firmware runs");
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
            let is_on_trial = |state: &State| !state.is_committed && (is_wanted_before(state) || is_other(state));
            check(was(&is_on_trial), "the firmware is committed, or does not run");
        }
        Err(Failure::Unhealthy { revert_result: RevertResult::Reverted(old), reason, .. }) => {
            // Another client's firmware may have replaced the wanted one, and is taken back from there.
            let may_be_wanted = matches!(reason, Unhealthy::WrongBuild { .. });
            let may_be_wanted = may_be_wanted || ![WANTED, &attempt.before].contains(&old.build.version.as_str());
            let is_old = |state: &State| state.version == old.build.version && (may_be_wanted || !is_wanted(state));
            check(was(&is_old), "the device was not reverted");
        }
        Err(Failure::Unhealthy { revert_result: RevertResult::Committed, .. }) => {
            check(was(&|state| state.is_committed), "the device is not committed");
        }
        Err(Failure::NoResponse { .. } | Failure::ContactLost { .. } | Failure::CommitUnseen { .. }) => {
            check(may_be_unseen(scenario, record), "the device could be seen");
        }
        Err(Failure::Unhealthy { .. } | Failure::AccessDenied { .. }) => {}
        Err(Failure::Refused(Refusal::UpdateRunning { .. } | Refusal::CannotPush)) => {}
        Err(
            Failure::Refused(_)
            | Failure::Call(_)
            | Failure::ReadState(_)
            | Failure::Serve(_)
            | Failure::NotCopied(_)
            | Failure::Download(_)
            | Failure::NotDownloaded { .. },
        ) => {
            let has_begun = counts.of("OTA.Begin") > 0 && record.has_begun();
            check(counts.of("OTA.Update") == 0 && !has_begun, "the device was touched");
        }
        Err(_) => check(false, "no invariant for this outcome"),
    }
    let is_refused = matches!(&attempt.result, Err(Failure::NotCopied(error)) if error.remote_error().is_some());
    if attempt.name() == "untouched" && !is_refused {
        check(counts.of("OTA.CreateSnapshot") == 0, "the device was touched");
    }
    check_deadline(scenario, record, attempt, &mut check);
    check_counts(scenario, record, counts, &mut check);
    if is_known {
        check(record.committed().iter().all(|version| version == WANTED), "other firmware was committed");
    }
    let longest = max_duration(scenario);
    check(attempt.took <= longest, &format!("it took {:?}, longer than {longest:?}", attempt.took));
    found
}

/// Tells whether the device runs a copy of the new build from the slot of `old`. It had that build before, or another
/// client copied it.
fn is_copy(scenario: &Scenario, attempt: &Attempt, old: &Running, state: &State) -> bool {
    let copies = |trouble: &Trouble| matches!(trouble, Trouble::Other(_, OtherCall::CreateSnapshot));
    let has_copies = attempt.before == state.version || scenario.troubles.iter().any(copies);
    Some(state.slot) == old.slot && has_copies
}

/// Tells whether otactl may fail to see what becomes of the device.
fn may_be_unseen(scenario: &Scenario, record: &DeviceRecord) -> bool {
    let transport = scenario.network.transport;
    // Without OTA.Status, such a device does not tell which client's update runs.
    let hides_its_update = scenario.device.lacks.contains(&"OTA.Status") && transport.may_double();
    // The device may be off again at the next probe. Through a broker, probes are seconds apart. Over HTTP, each of the
    // three calls of a probe dials.
    let round_trip = (scenario.network.latency + scenario.network.jitter) * 2;
    let pause = if transport.is_shared() { MAX_BROKER_PROBE_INTERVAL } else { MAX_PROBE_INTERVAL };
    let is_away = record.boots() > 1 || record.now().is_some_and(|now| !now.is_on);
    let is_brief = is_away && record.longest_later_boot() < pause + round_trip * 6;
    // Without OTA.Status, a restart that costs about a second of uptime does not show either.
    let lost = record.second_boot().map(|at| scenario.device.running_for + at);
    let hides_its_restart = scenario.device.lacks.contains(&"OTA.Status")
        && lost.is_some_and(|lost| lost < Duration::from_secs(1) + round_trip * 2);
    hides_its_update || hides_its_restart || is_brief || scenario.troubles.iter().any(Trouble::hides_the_device)
}

/// Checks that the attempt reports a deadline if the device is uncommitted.
fn check_deadline(scenario: &Scenario, record: &DeviceRecord, attempt: &Attempt, check: &mut impl FnMut(bool, &str)) {
    let facts = attempt.facts();
    // otactl does not report the deadline of another client's firmware.
    let is_pending = |state: &State| !state.is_committed && state.commit_timeout > 0 && state.next == WANTED;
    if record.now().as_ref().is_some_and(is_pending)
        && record.was_recently(window(scenario), is_pending)
        && !matches!(facts.outcome, "refused" | "untouched")
    {
        check(facts.reverts_in.is_some(), "the device is uncommitted, and no deadline is reported");
    }
}

/// Checks that no method ran more often than it was sent on purpose.
fn check_counts(scenario: &Scenario, record: &DeviceRecord, counts: &CallCounts, check: &mut impl FnMut(bool, &str)) {
    let times = scenario.network.transport.times();
    let attempts = 1 + scenario.troubles.iter().filter(|trouble| matches!(trouble, Trouble::Killed(_))).count();
    // Three times, and three times as often if the device reboots meanwhile.
    for (method, most) in [("OTA.Update", 9), ("OTA.Commit", 3), ("OTA.Revert", 3), ("OTA.CreateSnapshot", 3)] {
        let (sent, doubled) = (counts.of(method), record.doubled(method));
        // Attempts that otactl did not survive count too.
        let died = scenario.troubles.iter().any(|trouble| matches!(trouble, Trouble::Killed(_)));
        check(
            died || record.executed(method) <= (sent + doubled) * times,
            &format!("{method} ran more often than it was sent"),
        );
        check(sent <= most, &format!("{method} was sent {sent} times"));
    }
    let copies = record.executed("OTA.CreateSnapshot");
    check(copies <= (1 + record.doubled("OTA.CreateSnapshot")) * times * attempts, "the firmware was copied twice");
}

/// Returns how long ago the last probe of otactl may have been.
fn window(scenario: &Scenario) -> Duration {
    let outages = scenario.troubles.iter().filter_map(|trouble| match trouble {
        Trouble::Outage(_, time) => Some(*time),
        Trouble::Fault(Fault::ReplyLate(_, time)) => Some(*time * 3),
        _ => None,
    });
    (scenario.network.latency + scenario.network.jitter) * 6 + outages.sum::<Duration>() + Duration::from_secs(1)
}

/// Returns the sum of the deadlines of the plan.
fn max_duration(scenario: &Scenario) -> Duration {
    let plan = &scenario.plan;
    let checks = plan.check_timeout * u32::try_from(plan.checks).unwrap_or(1) + plan.soak.unwrap_or_default();
    let download = (plan.download_timeout + plan.ask_timeout * 6) * 2 + plan.stall_timeout * 8;
    plan.timeout * 40 + plan.reboot_timeout * 10 + download + checks * 2 + Duration::from_secs(300)
}
