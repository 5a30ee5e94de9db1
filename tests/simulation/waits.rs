//! Checks how soon the commit comes, and how many requests an update takes, over each transport.

use std::time::Duration;

use otactl::sim::{Fault, Generation};
use otactl::update::{OnUnhealthy, Via};

use super::harness::run::{Run, run};
use super::harness::scenario::{DeviceSpec, NetworkSpec, PlanSpec, Scenario, SourceSpec, Transport, Trouble};

const TRANSPORTS: [Transport; 7] = [
    Transport::WebSocket,
    Transport::Http,
    Transport::Tcp,
    Transport::Serial,
    Transport::Udp,
    Transport::Mqtt,
    Transport::MqttTwice,
];

fn fault(text: &str) -> Trouble {
    Trouble::Fault(text.parse::<Fault>().unwrap_or_else(|error| panic!("{text}: {error}")))
}

/// Returns the update of a licensed device over a fast network, in which nothing goes wrong.
fn plain(transport: Transport, generation: Generation, via: Via) -> Scenario {
    let seconds = Duration::from_secs;
    Scenario {
        seed: 0,
        plan: PlanSpec {
            source: SourceSpec::File,
            via,
            checks: 0,
            soak: None,
            check_timeout: seconds(30),
            commit: true,
            on_unhealthy: OnUnhealthy::Revert,
            commit_timeout: seconds(300),
            reboot_timeout: seconds(120),
            download_timeout: seconds(600),
            stall_timeout: seconds(60),
            ask_timeout: seconds(10),
            timeout: seconds(10),
            snapshot_first: false,
            has_commit_port: false,
            no_abort: false,
        },
        device: DeviceSpec {
            generation,
            is_licensed: true,
            platform: "esp32",
            running_for: seconds(86_400),
            reboot_delay: seconds(1),
            is_current: false,
            lacks: Vec::new(),
        },
        network: NetworkSpec {
            transport,
            latency: Duration::from_millis(5),
            jitter: Duration::ZERO,
            refuses: false,
            resets: false,
            is_blocked: false,
        },
        troubles: Vec::new(),
    }
}

/// Returns the trace of a scenario, for the message of a failing test.
fn trace(scenario: &Scenario) -> String {
    run(scenario, true).trace.join("\n")
}

/// The device rolls back 5 s after its boot. A lost reply must not prevent the commit.
#[test]
fn lost_reply_does_not_delay_the_commit() {
    /// Half a second, and the round trips of the probe and the commit.
    const MAX_COMMIT_DELAY: Duration = Duration::from_millis(500 + 8 * 10);

    for transport in TRANSPORTS {
        for (via, lost) in [
            (Via::Pull, "reply-lost=OTA.Update"),
            (Via::Pull, "reboot-before-reply"),
            (Via::Pull, "reply-lost=OTA.GetBootState"),
            (Via::Push, "reply-lost=OTA.End"),
            (Via::Push, "call-lost=OTA.End"),
            (Via::Push, "reboot-before-reply"),
        ] {
            for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
                if via == Via::Push && generation == Generation::Y2018 {
                    continue;
                }
                let mut scenario = plain(transport, generation, via);
                scenario.plan.commit_timeout = Duration::from_secs(5);
                scenario.troubles = vec![fault(lost)];
                let Run { outcome, commit_delay, violations, .. } = run(&scenario, false);
                let what = format!("{transport:?} {generation:?} {via:?} {lost}");
                assert!(
                    outcome == "updated" && violations.is_empty(),
                    "{what}: {outcome} {violations:?}\n{}",
                    trace(&scenario)
                );
                let delay = commit_delay.expect("a commit");
                assert!(
                    delay <= MAX_COMMIT_DELAY,
                    "{what}: the commit came {delay:?} after the boot\n{}",
                    trace(&scenario)
                );
            }
        }
    }
}

/// The device loses its power during the download. The new firmware never ran, whatever the uptime of the old one was.
#[test]
fn power_lost_during_the_download_is_not_a_rollback() {
    for transport in TRANSPORTS {
        for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
            for running_for in [0, 400, 999, 1000, 9000, 9999, 86_400_000] {
                for percent in [5, 50, 97] {
                    let mut scenario = plain(transport, generation, Via::Pull);
                    scenario.device.running_for = Duration::from_millis(running_for);
                    scenario.troubles = vec![fault(&format!("reboot-at={percent}%"))];
                    let Run { outcome, violations, .. } = run(&scenario, false);
                    let what = format!("{transport:?} {generation:?} up {running_for} ms, {percent} %");
                    assert!(outcome == "download_failed" && violations.is_empty(), "{what}: {outcome} {violations:?}");
                }
            }
        }
    }
}

/// The requests are limited, as a broker carries the calls to all of its devices.
#[test]
fn update_through_a_broker_takes_at_most_25_requests() {
    // A device that refuses the second copy of each call leaves its state unclear, which takes a few more requests.
    for (transport, most) in [(Transport::Mqtt, 25), (Transport::MqttTwice, 30)] {
        for generation in [Generation::Y2018, Generation::Y2019, Generation::Y2022] {
            // Every eight seconds of a longer boot take one more request.
            for boot in [1, 5, 20, 30] {
                let mut scenario = plain(transport, generation, Via::Pull);
                scenario.device.reboot_delay = Duration::from_secs(boot);
                let Run { outcome, calls, .. } = run(&scenario, false);
                let what = format!("{transport:?} {generation:?}, a boot of {boot} s");
                assert_eq!(outcome, "updated", "{what}");
                assert!(calls <= most, "{what}: {calls} requests\n{}", trace(&scenario));
            }
        }
    }
}

/// The device comes back in the last moment of the reboot timeout, or after it.
#[test]
fn last_answer_within_the_reboot_timeout_counts() {
    for transport in TRANSPORTS {
        let mut scenario = plain(transport, Generation::Y2022, Via::Pull);
        scenario.plan.reboot_timeout = Duration::from_secs(20);
        scenario.device.reboot_delay = Duration::from_secs(16);
        let Run { outcome, violations, .. } = run(&scenario, false);
        assert!(outcome == "updated" && violations.is_empty(), "{transport:?}: {outcome} {violations:?}");
        scenario.device.reboot_delay = Duration::from_secs(40);
        let Run { outcome, violations, .. } = run(&scenario, false);
        let violations: Vec<_> =
            violations.iter().filter(|what| !what.starts_with("the device could be seen")).collect();
        assert!(outcome == "unreachable" && violations.is_empty(), "{transport:?}: {outcome} {violations:?}");
    }
}
