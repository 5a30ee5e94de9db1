//! Killed at any moment and run again, the same command line goes on from where the device is, and ends well.
#![cfg(unix)]

mod support;

use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otactl::sim::{Config, Generation};
use support::ways::Way;
use support::{DEMO, assert_runs, otactl, run_on, running_device};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How often it is killed.
const TIMES: u32 = 100;

/// How many of them run at a time; most of what they do is to wait.
const AT_A_TIME: usize = 6;

/// Lists the transport, the engine and the command of each run. The engine of 2018 has no push.
const LINES: [(Way, Generation, &[&str]); 7] = [
    (Way::WebSocket, Generation::Y2022, &["update", DEMO]),
    (Way::Http, Generation::Y2022, &["update", DEMO, "--via", "pull"]),
    (Way::Tcp, Generation::Y2022, &["update", DEMO, "--via", "push"]),
    (Way::Mqtt, Generation::Y2022, &["update", DEMO]),
    (Way::WebSocket, Generation::Y2022, &["update", DEMO, "--via", "push"]),
    (Way::WebSocket, Generation::Y2018, &["update", DEMO]),
    (Way::Mqtt, Generation::Y2018, &["update", DEMO]),
];

#[tokio::test]
async fn a_hundred_times() {
    let mut lasts = Vec::new();
    for (way, generation, args) in LINES {
        let bench = way.simulated(config(generation)).await;
        let started = Instant::now();
        let run = run_on(&bench.port, args).await;
        assert_eq!(run.code, 0, "{}", run.shown());
        lasts.push(started.elapsed());
    }
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for number in 0..TIMES {
        let places = Arc::clone(&places);
        let line = usize::try_from(number).expect("small") % LINES.len();
        // Spread over the whole of an update, like the multiples of an irrational number.
        let after = lasts[line].mul_f64(f64::from(number) * 0.618_034 % 1.0);
        running.spawn(async move {
            let _place = places.acquire().await.expect("open");
            once(LINES[line], after).await
        });
    }
    let (mut failed, mut in_time) = (0, 0);
    while let Some(ended) = running.join_next().await {
        failed += u32::from(ended.is_err());
        in_time += u32::from(ended.unwrap_or_default());
    }
    assert_eq!(failed, 0, "of {TIMES} did not end as they should; each is told above");
    assert!(in_time > TIMES / 2, "only {in_time} of {TIMES} were killed before they had ended");
}

fn config(generation: Generation) -> Config {
    Config { generation, reboot_delay: Duration::from_millis(200), ..running_device() }
}

/// True if it was killed before it had ended.
async fn once((way, generation, args): (Way, Generation, &[&str]), after: Duration) -> bool {
    // What the killed one has left behind is abandoned after this long.
    let args = &[args, &["--stall-timeout", "5s"]].concat();
    let bench = way.simulated(config(generation)).await;
    let mut command = tokio::process::Command::from(otactl(&[&["--port", &bench.port][..], args].concat()));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn().expect("it starts");
    tokio::time::sleep(after).await;
    let in_time = child.try_wait().expect("a child").is_none();
    child.kill().await.expect("it runs, or has ended");
    let started = Instant::now();
    let again = run_on(&bench.port, args).await;
    let what =
        format!("{args:?} over {way:?}, {generation:?}, killed after {after:?}, run again for {:?}", started.elapsed());
    assert_eq!(again.code, 0, "{what}: {}", again.shown());
    assert_runs(&bench.port, "2.0.0", true).await;
    in_time
}
