//! Timeouts of the longest duration, which programs pass for "no limit": no clock overflows.

mod support;

use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::ota;
use otactl::update::device_state::DeviceState;
use otactl::update::health::{Check, Checks};
use otactl::update::push::{Pushed, Terms, push};
use otactl::update::timeouts::Timeouts;
use otactl::update::wait::{Wanted, wait};
use otactl::update::{Plan, Source, Success, Via, run};
use support::ways::{Way, device_at};
use support::{DEMO, assert_runs, file, running_device, simulator_with};
use tokio::time::timeout;

const LONGEST: Duration = Duration::MAX;

/// The test ends by itself if something waits for ever.
const ENOUGH: Duration = Duration::from_secs(30);

#[tokio::test]
async fn call_with_the_longest_timeouts_is_answered() {
    for way in Way::PLAIN {
        let bench = way.simulated_fast(running_device()).await;
        let device = device_at(&bench.port, LONGEST);
        let info = timeout(ENOUGH, device.call(ota::GetInfo {})).await.expect("in time");
        assert!(info.is_ok(), "{way:?}: {info:?}");
        device.drop_link();
        let boot = timeout(ENOUGH, device.call(ota::GetBootState {})).await.expect("in time");
        assert!(boot.is_ok(), "{way:?}: {boot:?}");
    }
}

#[tokio::test]
async fn update_with_the_longest_timeouts_is_committed() {
    for via in [Via::Pull, Via::Push] {
        let simulator = simulator_with(running_device()).await;
        let port = format!("ws://{}", simulator.address());
        let plan = Plan::new(Source::Bundle(Bundle::read(&file(DEMO)).expect("the demo")));
        let timeouts = Timeouts {
            progress_interval: LONGEST,
            reply_after_deadline: LONGEST,
            flash_write: LONGEST,
            ..plan.timeouts
        };
        let check = Check::Rpc("RPC.Ping".parse().expect("a check"));
        let plan = Plan {
            via,
            checks: Checks { checks: vec![check], timeout: Duration::from_secs(60), ..Checks::default() },
            commit_timeout: LONGEST,
            download_timeout: Some(LONGEST),
            reboot_timeout: LONGEST,
            timeouts: timeouts.with(LONGEST, LONGEST),
            ..plan
        };
        let device = device_at(&port, LONGEST);
        let result = timeout(ENOUGH, run(&device, &plan, &support::told::Told::default())).await.expect("in time");
        assert!(matches!(result, Ok(Success::Updated(_))), "{via:?}: {result:?}");
        assert_runs(&port, "2.0.0", true).await;
        let seen = timeout(ENOUGH, wait(&device, &Wanted::Committed, LONGEST)).await.expect("in time");
        assert!(seen.is_ok(), "{seen:?}");
    }
}

#[tokio::test]
async fn push_with_the_longest_timeouts_arrives() {
    let simulator = simulator_with(running_device()).await;
    let device = device_at(&format!("ws://{}", simulator.address()), LONGEST);
    let bundle = std::fs::read(file(DEMO)).expect("the demo").into();
    let before = DeviceState::read(&device, LONGEST).await.expect("an answer");
    let timeouts = Timeouts {
        transfer_idle: LONGEST,
        no_progress: LONGEST,
        reply_after_deadline: LONGEST,
        flash_write: LONGEST,
        ..Timeouts::default()
    };
    let terms = Terms { commit_timeout: 60, timeout: LONGEST, limit: Some(LONGEST), timeouts };
    let pushed = timeout(ENOUGH, push(&device, &bundle, &before, terms, &support::told::Told::default())).await;
    assert_eq!(pushed.expect("in time").expect("sent"), Pushed::Confirmed);
}
