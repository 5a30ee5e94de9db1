//! The cases that were recorded on devices since 2019: each is replayed on a fresh device of its own.

use std::time::Duration;

use otactl::sim::{Config, Generation, Simulator};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};

use super::firmware_host::FirmwareHost;
use super::recording::{Case, PATIENCE, recording};
use super::{file, simulator_with};

/// A reboot as it was recorded: flash and boot cost next to nothing.
const REBOOT: Duration = Duration::from_millis(5);

/// How many cases are replayed at a time. Most of them wait most of the time.
const AT_A_TIME: usize = 32;

/// Runs `replay` with every case of a recording, and returns how many there were.
pub async fn replay_all<F>(name: &str, replay: impl Fn(Case) -> F) -> usize
where
    F: Future<Output = ()> + Send + 'static,
{
    let cases = recording(name).cases;
    let count = cases.len();
    let mut running = JoinSet::new();
    for case in cases {
        if running.len() == AT_A_TIME {
            finished(running.join_next().await);
        }
        running.spawn(replay(case));
    }
    while let Some(ended) = running.join_next().await {
        finished(Some(ended));
    }
    count
}

fn finished(ended: Option<Result<(), tokio::task::JoinError>>) {
    if let Some(Err(error)) = ended {
        match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => panic!("{error}"),
        }
    }
}

/// The device of a case, and the host of its firmware.
pub struct Stage {
    pub device: Simulator,
    pub host: FirmwareHost,
    console: broadcast::Receiver<String>,
    calls: watch::Sender<usize>,
    /// When the host last did something, as it was recorded and now.
    last: (f64, Instant),
    speed: f64,
}

impl Stage {
    pub async fn new(case: &Case) -> Self {
        Self::of(case, simulator_with(config(case)).await)
    }

    pub fn of(case: &Case, device: Simulator) -> Self {
        let name =
            case.case.trim_start_matches("method_").trim_start_matches("console_").replace("rest_pull", "pull_success");
        let calls = watch::Sender::new(0);
        let host = FirmwareHost::start(&name, speed(case), calls.subscribe());
        let console = device.console();
        Self { device, host, console, calls, last: (0.0, Instant::now()), speed: speed(case) }
    }

    /// Lets as much time pass before the host does what it did at `t` as had passed when that was recorded.
    pub async fn keep_time(&mut self, t: f64) {
        let (last, at) = self.last;
        sleep_until(at + Duration::from_secs_f64((t - last).max(0.0) / self.speed)).await;
        self.passed(t);
    }

    /// Counts the time from here, which was `t` when it was recorded.
    pub fn passed(&mut self, t: f64) {
        self.last = (t, Instant::now());
    }

    /// Notes that a call was made.
    pub fn called(&self) {
        self.calls.send_modify(|calls| *calls += 1);
    }

    /// Waits until the device has booted again.
    pub async fn rebooted(&mut self) {
        self.printed("slot ").await;
    }

    /// Waits until the device is back at its broker.
    pub async fn reconnected(&mut self) {
        self.rebooted().await;
        self.printed("mqtt: connected").await;
    }

    async fn printed(&mut self, start: &str) {
        let printed = async { while !self.console.recv().await.expect("the console").starts_with(start) {} };
        timeout(PATIENCE, printed).await.unwrap_or_else(|_| panic!("the device does not print `{start}`"));
    }
}

/// How much faster than recorded a case is replayed: some wait for seconds until the device asks again.
fn speed(case: &Case) -> f64 {
    if case.case.contains("pull_cut") { 5.0 } else { 1.0 }
}

/// The device on which a case was recorded.
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
        reboot_delay: REBOOT,
        retry_after: Config::default().retry_after.div_f64(speed(case)),
        ..Config::default()
    }
}
