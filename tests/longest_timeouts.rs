//! Timeouts of the longest duration, which programs pass for "no limit": no time computation overflows.

mod support;

use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::ota;
use otactl::update::device_state::DeviceState;
use otactl::update::health::{Check, Checks};
use otactl::update::push::{PushLimits, Pushed, push};
use otactl::update::timeouts::Timeouts;
use otactl::update::wait::{WantedState, wait};
use otactl::update::{Plan, Source, Success, Via, run};
use support::transports::{Transport, device_at};
use support::{DEMO, assert_runs, file, running_device, simulator_with};
use tokio::time::timeout;

const LONGEST_TIMEOUT: Duration = Duration::MAX;

/// The limit of each step, so that the test ends even if a wait does not.
const TEST_TIMEOUT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn call_with_the_longest_timeouts_is_answered() {
    for transport in Transport::PLAIN {
        let bench = transport.simulated_fast(running_device()).await;
        let device = device_at(&bench.port, LONGEST_TIMEOUT);
        let info = timeout(TEST_TIMEOUT, device.call(ota::GetInfo {})).await.expect("in time");
        assert!(info.is_ok(), "{transport:?}: {info:?}");
        device.drop_link();
        let boot = timeout(TEST_TIMEOUT, device.call(ota::GetBootState {})).await.expect("in time");
        assert!(boot.is_ok(), "{transport:?}: {boot:?}");
    }
}

#[tokio::test]
async fn update_with_the_longest_timeouts_is_committed() {
    for via in [Via::Pull, Via::Push] {
        let simulator = simulator_with(running_device()).await;
        let port = format!("ws://{}", simulator.address());
        let plan = Plan::new(Source::Bundle(Bundle::read(&file(DEMO)).expect("the demo")));
        let timeouts = Timeouts {
            progress_interval: LONGEST_TIMEOUT,
            reply_after_deadline: LONGEST_TIMEOUT,
            flash_write: LONGEST_TIMEOUT,
            ..plan.timeouts
        };
        let check = Check::Rpc("RPC.Ping".parse().expect("a check"));
        let plan = Plan {
            via,
            checks: Checks { checks: vec![check], timeout: Duration::from_secs(60), ..Checks::default() },
            commit_timeout: LONGEST_TIMEOUT,
            download_timeout: Some(LONGEST_TIMEOUT),
            reboot_timeout: LONGEST_TIMEOUT,
            timeouts: timeouts.with(LONGEST_TIMEOUT, LONGEST_TIMEOUT),
            ..plan
        };
        let device = device_at(&port, LONGEST_TIMEOUT);
        let result = timeout(TEST_TIMEOUT, run(&device, &plan, &support::event_log::EventLog::default()))
            .await
            .expect("in time");
        assert!(matches!(result, Ok(Success::Updated(_))), "{via:?}: {result:?}");
        assert_runs(&port, "2.0.0", true).await;
        let seen =
            timeout(TEST_TIMEOUT, wait(&device, &WantedState::Committed, LONGEST_TIMEOUT)).await.expect("in time");
        assert!(seen.is_ok(), "{seen:?}");
    }
}

#[tokio::test]
async fn push_with_the_longest_timeouts_arrives() {
    let simulator = simulator_with(running_device()).await;
    let device = device_at(&format!("ws://{}", simulator.address()), LONGEST_TIMEOUT);
    let bundle = std::fs::read(file(DEMO)).expect("the demo").into();
    let before = DeviceState::read(&device, LONGEST_TIMEOUT).await.expect("an answer");
    let timeouts = Timeouts {
        transfer_idle: LONGEST_TIMEOUT,
        no_progress: LONGEST_TIMEOUT,
        reply_after_deadline: LONGEST_TIMEOUT,
        flash_write: LONGEST_TIMEOUT,
        ..Timeouts::default()
    };
    let limits = PushLimits { commit_timeout: 60, timeout: LONGEST_TIMEOUT, total: Some(LONGEST_TIMEOUT), timeouts };
    let pushed =
        timeout(TEST_TIMEOUT, push(&device, &bundle, &before, limits, &support::event_log::EventLog::default())).await;
    assert_eq!(pushed.expect("in time").expect("sent"), Pushed::Confirmed);
}
