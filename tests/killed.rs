//! otactl is killed at any moment, and run again: the same command continues where the device is, and succeeds.
#![cfg(unix)]

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otactl::sim::{Config, Generation};
use support::transports::Transport;
use support::{DEMO, assert_runs, otactl, run_on, running_device};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The number of killed runs.
const KILL_COUNT: u32 = 100;

/// The number of concurrent runs. Most of them wait most of the time.
const MAX_CONCURRENT: usize = 12;

/// Lists the transport, the engine and the command of each run. The engine of 2018 has no push.
const COMMANDS: [(Transport, Generation, &[&str]); 7] = [
    (Transport::WebSocket, Generation::Y2022, &["update", DEMO]),
    (Transport::Http, Generation::Y2022, &["update", DEMO, "--via", "pull"]),
    (Transport::Tcp, Generation::Y2022, &["update", DEMO, "--via", "push"]),
    (Transport::Mqtt, Generation::Y2022, &["update", DEMO]),
    (Transport::WebSocket, Generation::Y2022, &["update", DEMO, "--via", "push"]),
    (Transport::WebSocket, Generation::Y2018, &["update", DEMO]),
    (Transport::Mqtt, Generation::Y2018, &["update", DEMO]),
];

#[tokio::test]
async fn update_killed_at_100_moments_commits_when_run_again() {
    let mut durations = Vec::new();
    for (transport, generation, args) in COMMANDS {
        let bench = transport.simulated(config(generation)).await;
        let started = Instant::now();
        let run = run_on(&bench.port, args).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        durations.push(started.elapsed());
    }
    let permits = Arc::new(Semaphore::new(MAX_CONCURRENT));
    let mut running = JoinSet::new();
    for number in 0..KILL_COUNT {
        let permits = Arc::clone(&permits);
        let line = usize::try_from(number).expect("small") % COMMANDS.len();
        // The multiples of an irrational number spread over the whole duration of an update.
        let after = durations[line].mul_f64(f64::from(number) * 0.618_034 % 1.0);
        running.spawn(async move {
            let _permit = permits.acquire().await.expect("open");
            kill_and_run_again(COMMANDS[line], after).await
        });
    }
    let (mut failed, mut killed_in_time) = (0, 0);
    while let Some(ended) = running.join_next().await {
        failed += u32::from(ended.is_err());
        killed_in_time += u32::from(ended.unwrap_or_default());
    }
    assert_eq!(failed, 0, "of {KILL_COUNT} did not end as they should; see the failures above");
    assert!(killed_in_time > KILL_COUNT / 2, "only {killed_in_time} of {KILL_COUNT} were killed before they had ended");
}

fn config(generation: Generation) -> Config {
    Config { generation, reboot_delay: Duration::from_millis(200), ..running_device() }
}

/// Kills an update after this time, and runs it again. Returns true if the kill came before the end of the update.
async fn kill_and_run_again((transport, generation, args): (Transport, Generation, &[&str]), after: Duration) -> bool {
    // An update that the killed run has left behind counts as abandoned after this time.
    let args = &[args, &["--stall-timeout", "5s"]].concat();
    let bench = transport.simulated(config(generation)).await;
    let mut command = tokio::process::Command::from(otactl(&[&["--port", &bench.port][..], args].concat()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    tokio::time::sleep(after).await;
    let killed_in_time = child.try_wait().expect("a child").is_none();
    child.kill().await.expect("it runs, or has ended");
    let started = Instant::now();
    let again = run_on(&bench.port, args).await;
    let what = format!(
        "{args:?} over {transport:?}, {generation:?}, killed after {after:?}, run again for {:?}",
        started.elapsed()
    );
    assert_eq!(again.code, 0, "{what}: {}", again.shown());
    assert_runs(&bench.port, "2.0.0", true).await;
    killed_in_time
}
