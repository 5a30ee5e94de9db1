//! Replays the cases that were recorded on devices since 2019, each on a fresh device.

use std::time::Duration;

use otactl::sim::{Config, Generation, Services, Simulator};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::firmware_host::FirmwareHost;
use super::recording::{Case, Console, Event, recording};
use super::{file, simulator_with};

/// The duration of a reboot. In the recordings, flash and boot take almost no time.
const REBOOT: Duration = Duration::from_millis(5);

/// The number of cases that are replayed concurrently. Most of them wait most of the time.
const MAX_CONCURRENT_CASES: usize = 24;

/// The text in every answer of a device shortly before a reboot.
const SHUTDOWN_TEXT: &[u8] = b"shutting down in ";

/// The ends of the names of cases with many calls shortly before a reboot.
const CASES_NEAR_REBOOT: [&str; 2] = ["write_after_the_end", "end_complete"];

/// Returns whether a case depends on exact times. Such cases are replayed after the others, when little load delays them.
fn needs_exact_timing(case: &Case) -> bool {
    let has_shutdown_text =
        |event: &Event| event.bytes().windows(SHUTDOWN_TEXT.len()).any(|bytes| bytes == SHUTDOWN_TEXT);
    CASES_NEAR_REBOOT.iter().any(|name| case.case.ends_with(name)) || case.events.iter().any(has_shutdown_text)
}

/// Runs `replay` with every case of a recording, and returns how many there were.
pub async fn replay_all<F>(name: &str, replay: impl Fn(Case) -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    let cases = recording(name).cases;
    let count = cases.len();
    let mut running = JoinSet::new();
    let (timed, others): (Vec<_>, _) = cases.into_iter().partition(needs_exact_timing);
    for case in others {
        if running.len() == MAX_CONCURRENT_CASES {
            resume_panic(running.join_next().await);
        }
        running.spawn(replay(case));
    }
    while let Some(ended) = running.join_next().await {
        resume_panic(Some(ended));
    }
    for case in timed {
        running.spawn(replay(case));
    }
    while let Some(ended) = running.join_next().await {
        resume_panic(Some(ended));
    }
    count
}

fn resume_panic(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Holds the device of a case and the host of its firmware.
pub struct Stage {
    pub device: Simulator,
    pub host: FirmwareHost,
    pub console: Console,
    replies: watch::Sender<usize>,
    /// A moment of the case, in seconds of the recording and as it is replayed. `None` before the first call.
    anchor: Option<(f64, Instant)>,
    speed: f64,
    /// The number of calls so far.
    calls: usize,
}

impl Stage {
    pub async fn new(case: &Case) -> Self {
        Self::with_device(case, simulator_with(config(case)).await)
    }

    pub fn with_device(case: &Case, device: Simulator) -> Self {
        let name =
            case.case.trim_start_matches("method_").trim_start_matches("console_").replace("rest_pull", "pull_success");
        let replies = watch::Sender::new(0);
        let host = FirmwareHost::start(&name, speed(case), replies.subscribe());
        let console = Console::new(&device);
        Self { device, host, console, replies, anchor: None, speed: speed(case), calls: 0 }
    }

    /// Waits until the next call is due, which was recorded at `t` seconds.
    pub async fn wait_until_recorded(&mut self, t: f64) {
        self.host.ready_for(self.calls).await;
        self.calls += 1;
        let (anchor, at) = *self.anchor.get_or_insert_with(|| (t, Instant::now()));
        sleep_until(at + Duration::from_secs_f64((t - anchor).max(0.0) / self.speed)).await;
    }

    /// Sets the current time to `t` seconds of the recording.
    pub fn set_time(&mut self, t: f64) {
        self.anchor = Some((t, Instant::now()));
    }

    /// Counts a reply of the device.
    pub fn count_reply(&self) {
        self.replies.send_modify(|replies| *replies += 1);
    }

    /// Ends the case, and checks that the host has played all its events.
    pub async fn finish(self, name: &str) {
        // No further reply comes, so the host does not wait for one.
        self.replies.send_replace(usize::MAX);
        self.host.finish(name).await;
    }
}

/// Returns how much faster than recorded a case is replayed. In `pull_cut` cases the device waits seconds before a retry.
fn speed(case: &Case) -> f64 {
    if case.case.contains("pull_cut") { 3.0 } else { 1.0 }
}

/// Returns the configuration of the device on which a case was recorded.
pub fn config(case: &Case) -> Config {
    let bundle =
        |name: &str| std::fs::read(file("tests/wire/firmware2022").join(name)).expect("a recorded bundle").into();
    let files = match case.case.as_str() {
        "update_file" => [("fw.zip", "small2.zip"), ("bad.zip", "wrongplat.zip")].as_slice(),
        _ => &[],
    };
    let preconditions = case.what.split(']').next().unwrap_or_default();
    assert!(preconditions.starts_with("[fresh device, "), "{}", case.what);
    Config {
        generation: if preconditions.contains("2019") { Generation::Y2019 } else { Generation::Y2022 },
        licensed: !preconditions.contains("unlicensed"),
        files: files.iter().map(|(name, source)| ((*name).into(), bundle(source))).collect(),
        services: Services::RECORDED,
        reboot_delay: REBOOT,
        retry_after: Config::default().retry_after.div_f64(speed(case)),
        ..Config::default()
    }
}
