//! The connection to the device breaks at a step of the update: the broker is restarted, or the cable is unplugged for
//! a moment.
//!
//! At every step, the update survives the interruption.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::sim::ports::mqtt::Library;
use otactl::sim::ports::uart;
use otactl::sim::{Config, Generation, Simulator};
use otactl::update::{Event, Observer, Plan, Source, Success, Via, run};
use serde_json::Value;
use support::broker::Broker;
use support::transports::{BAUD_RATE, device_at};
use support::{DEMO, assert_runs, file, running_device, simulator_with};
use tokio::sync::mpsc;

/// The steps of an update by pull and by push, by the names of their events.
const PULL: [&str; 7] = ["serving", "requested", "fetching", "applied", "rebooting", "back", "committing"];
const PUSH: [&str; 6] = ["requested", "pushing", "sent", "rebooting", "back", "committing"];

/// Notifies the test when the update reaches a step.
struct StepObserver {
    step: &'static str,
    reached: mpsc::UnboundedSender<()>,
}

impl Observer for StepObserver {
    fn on(&self, event: &Event) {
        let event: Value = serde_json::to_value(event).expect("JSON");
        if event["event"] == self.step {
            // The test waits only for the first event, and may have dropped the receiver.
            let _ = self.reached.send(());
        }
    }
}

/// Updates over `port`, and runs `disturb` as soon as `step` is reached. Returns the output of `disturb`.
async fn update_disturbed_at<T>(port: &str, via: Via, step: &'static str, disturb: impl AsyncFnOnce() -> T) -> T {
    let bundle = Bundle::read(&file(DEMO)).expect("the demo");
    let plan = Plan::new(Source::Bundle(bundle));
    let plan = Plan { via, timeouts: plan.timeouts.scaled(0.2), ..plan };
    let (reached, mut steps) = mpsc::unbounded_channel();
    let observer = StepObserver { step, reached };
    let device = device_at(port, Duration::from_secs(10));
    let disturb = async {
        steps.recv().await.expect("the step is reached");
        disturb().await
    };
    let (result, outcome) = tokio::join!(run(&device, &plan, &observer), disturb);
    assert!(matches!(result, Ok(Success::Updated(_))), "{step}, {via:?}: {result:?}");
    outcome
}

/// Returns each step on each engine. The engine of 2018 has no push.
fn all_steps() -> impl Iterator<Item = (Generation, Via, &'static str)> {
    let pulls = |generation| PULL.into_iter().map(move |step| (generation, Via::Pull, step));
    let pushes = PUSH.into_iter().map(|step| (Generation::Y2022, Via::Push, step));
    pulls(Generation::Y2018).chain(pulls(Generation::Y2022)).chain(pushes)
}

fn device(generation: Generation) -> Config {
    Config { generation, ..running_device() }
}

#[tokio::test]
async fn broker_restart_at_any_step_is_survived() {
    let steps = all_steps().map(|(generation, via, step)| async move {
        let mut broker = Broker::start();
        let simulated = broker.device(device(generation), Library::Twice).await;
        let port = broker.url(simulated.id());
        let restart = move || {
            broker.restart();
            broker
        };
        let restarted = async || tokio::task::spawn_blocking(restart).await.expect("it starts again");
        let _broker = update_disturbed_at(&port, via, step, restarted).await;
        assert_runs(&port, "2.0.0", true).await;
    });
    futures_util::future::join_all(steps).await;
}

#[tokio::test]
async fn cable_unplugged_at_any_step_is_survived() {
    let steps = all_steps().map(|(generation, via, step)| async move {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("board");
        let mut simulated = simulator_with(device(generation)).await;
        plug_in(&mut simulated, &path);
        update_disturbed_at(&path.display().to_string(), via, step, async || {
            simulated.unplug_serial();
            std::fs::remove_file(&path).expect("it was there");
            tokio::time::sleep(Duration::from_millis(300)).await;
            plug_in(&mut simulated, &path);
        })
        .await;
        assert_runs(&path.display().to_string(), "2.0.0", true).await;
    });
    futures_util::future::join_all(steps).await;
}

/// Serves the device on a new serial port, and links `path` to it: the name of the port changes each time.
fn plug_in(device: &mut Simulator, path: &Path) {
    let port =
        device.serve_serial(uart::UartConfig { baud_rate: BAUD_RATE, ..uart::UartConfig::default() }).expect("a port");
    std::os::unix::fs::symlink(port, path).expect("a link");
}
