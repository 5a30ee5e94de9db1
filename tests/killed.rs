//! Killed at any moment and run again, the same command line goes on from where the device is, and ends well.
#![cfg(unix)]

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otactl::sim::Config;
use support::ways::Way;
use support::{DEMO, assert_runs, otactl, run_on};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often it is killed.
const TIMES: u64 = 100;

/// How many of them run at a time; most of what they do is to wait.
const AT_A_TIME: usize = 6;

/// What is run each time, and over what.
const LINES: [(Way, &[&str]); 5] = [
    (Way::WebSocket, &["update", DEMO]),
    (Way::Http, &["update", DEMO, "--via", "pull"]),
    (Way::Tcp, &["update", DEMO, "--via", "push"]),
    (Way::Mqtt, &["update", DEMO]),
    (Way::WebSocket, &["update", DEMO, "--via", "push"]),
];

#[tokio::test]
async fn a_hundred_times() {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for number in 0..TIMES {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire().await.expect("open");
            once(number).await;
        });
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "of {TIMES} did not end as they should; each is told above");
}

async fn once(number: u64) {
    let (way, args) = LINES[usize::try_from(number).expect("small") % LINES.len()];
    let config = Config {
        running_for: Duration::from_secs(1000),
        reboot_delay: Duration::from_millis(200),
        ..Config::default()
    };
    let bench = way.simulated(config).await;
    // Spread over the whole of an update, whose length the machine decides: the first ones go into the beginning, and
    // the last ones may come too late.
    let after = Duration::from_micros(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44);
    let mut command = tokio::process::Command::from(otactl(&[&["--port", &bench.port], args].concat()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    tokio::time::sleep(after).await;
    child.kill().await.expect("it runs, or has ended");
    let started = Instant::now();
    let again = run_on(&bench.port, args).await;
    let what = format!("{args:?} over {way:?}, killed after {after:?}, run again for {:?}", started.elapsed());
    assert_eq!(again.code, 0, "{what}: {}", again.shown());
    assert_runs(&bench.port, "2.0.0", true).await;
}
