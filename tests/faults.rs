//! Every fault, over every transport, whether the device fetches the firmware or is sent it: how the update ends, and
//! what the device runs then. The simulated device, the sockets, the broker and the zip are real; the waits of the
//! update are shortened, all of them alike.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otactl::bundle::Bundle;
use otactl::ota;
use otactl::rpc::Device;
use otactl::sim::{Config, Fault, uart};
use otactl::transport::{Options, connect, serial};
use otactl::update::{Event, Failure, Observer, Plan, Serving, Source, Success, Via, run};
use support::ways::{Bench, Way};
use support::{DEMO, file, simulator_with};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// How an update ends: the name of the outcome, the version that runs then, and whether it is committed.
type End = (&'static str, &'static str, bool);

const UPDATED: End = ("updated", "2.0.0", true);
const ROLLED_BACK: End = ("rolled_back", "1.0.0", true);
const DOWNLOAD_FAILED: End = ("download_failed", "1.0.0", true);
const NOT_COMMITTED: End = ("not_committed", "2.0.0", false);
const REFUSED: End = ("refused", "1.0.0", true);

/// More of them at a time would wait for one another, and take that for a slow device.
const AT_A_TIME: usize = 12;

/// No update takes this long, whatever goes wrong.
const HANGS: Duration = Duration::from_secs(60);

/// What goes wrong, and how it ends if the device fetches the firmware, and if it is sent it. `None`: that cannot go
/// wrong in this way.
struct Case {
    faults: &'static [&'static str],
    pull: Option<End>,
    push: Option<End>,
}

const fn case(faults: &'static [&'static str], pull: Option<End>, push: Option<End>) -> Case {
    Case { faults, pull, push }
}

const fn both(faults: &'static [&'static str], end: End) -> Case {
    case(faults, Some(end), Some(end))
}

/// The faults that any transport can meet.
const CASES: &[Case] = &[
    both(&[], UPDATED),
    // Replies and requests that get lost.
    case(&["reply-lost=OTA.Update"], Some(UPDATED), None),
    case(&["call-lost=OTA.Update"], Some(UPDATED), None),
    case(&["reply-late=OTA.Update:1s"], Some(UPDATED), None),
    case(&["silent=OTA.Update:1s"], Some(UPDATED), None),
    case(&["reply-lost=OTA.Begin"], None, Some(UPDATED)),
    case(&["reply-lost=OTA.Write"], None, Some(UPDATED)),
    case(&["call-lost=OTA.Write"], None, Some(UPDATED)),
    case(&["reply-lost=OTA.End"], None, Some(UPDATED)),
    case(&["silent=OTA.Write:1s"], None, Some(UPDATED)),
    both(&["reply-lost=OTA.Commit"], UPDATED),
    both(&["call-lost=OTA.Commit"], UPDATED),
    both(&["silent=OTA.Commit:1s"], UPDATED),
    both(&["reply-late=Sys.GetInfo:50ms"], UPDATED),
    both(&["reboot-before-reply"], UPDATED),
    // Older firmware.
    case(&["no-status"], Some(UPDATED), None),
    case(&["no-status", "reply-lost=OTA.Update"], Some(UPDATED), None),
    case(&["no-status", "failures-unanswered", "wrong-digest"], Some(DOWNLOAD_FAILED), None),
    case(&["no-status", "failures-unanswered", "cut-at=50"], Some(DOWNLOAD_FAILED), None),
    case(&["failures-unanswered", "wrong-digest"], Some(DOWNLOAD_FAILED), None),
    // Downloads that come to nothing.
    // The system holds some of it for a device that takes it slowly, but not all.
    both(&["slow-download=200000", "reboot-at=30"], DOWNLOAD_FAILED),
    both(&["slow-download=200000", "cut-at=30"], DOWNLOAD_FAILED),
    both(&["slow-download=200000", "stall-at=30"], DOWNLOAD_FAILED),
    // All of it was sent, and it was not all written.
    case(&["reboot-at=50"], Some(ROLLED_BACK), None),
    both(&["cut-at=50"], DOWNLOAD_FAILED),
    both(&["stall-at=50"], DOWNLOAD_FAILED),
    both(&["wrong-digest"], DOWNLOAD_FAILED),
    both(&["wrong-platform"], DOWNLOAD_FAILED),
    both(&["slow-download=400000"], UPDATED),
    case(&["not-modified"], Some(("nothing_new", "1.0.0", true)), None),
    // An update that runs already.
    both(&["busy=30:200ms"], UPDATED),
    both(&["busy=30"], UPDATED),
    both(&["busy=30", "no-method=OTA.End"], REFUSED),
    // New firmware that is no good.
    both(&["crashes"], ROLLED_BACK),
    both(&["boot-takes=3s"], UPDATED),
    both(&["commits-itself"], UPDATED),
    both(&["reverts-after=1ms"], ROLLED_BACK),
    // The commit.
    both(&["commit-refused"], NOT_COMMITTED),
    both(&["commit-ignored"], NOT_COMMITTED),
    both(&["other-commits=1ms"], UPDATED),
];

/// Everything that is said is remembered, for the messages of a failing case.
#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Observer for Log {
    fn on(&self, event: &Event) {
        if !matches!(event, Event::Sent { .. }) {
            self.0.lock().expect("lock").push(format!("{event:?}"));
        }
    }
}

fn plan(via: Via) -> Plan {
    let bundle = Bundle::read(&file(DEMO)).expect("the demo");
    let plan = Plan::new(Source::Bundle(bundle));
    let serving = Serving { device_host: Some(("127.0.0.1".into(), 80)), ..Serving::default() };
    Plan { via, serving, reboot_timeout: Duration::from_secs(20), patience: plan.patience.scaled(0.1), ..plan }
}

/// A serial line fast enough for a whole firmware.
const BAUD_RATE: u32 = 921_600;

/// A simulated device at the end of this way.
async fn simulated(way: Way, config: Config) -> Bench {
    #[cfg(unix)]
    if way == Way::Serial {
        let mut device = simulator_with(config).await;
        let line = uart::Config { baud_rate: BAUD_RATE, ..uart::Config::default() };
        let port = device.serve_serial(line).expect("a pseudo terminal").display().to_string();
        return Bench::new(port, device, ());
    }
    way.simulated(config).await
}

fn device(port: &str) -> Device {
    let timeout = Duration::from_secs(4);
    let serial = serial::Settings { baud_rate: BAUD_RATE, ..serial::Settings::default() };
    let options = Options { connect_timeout: timeout, serial, ..Options::default() };
    let target = port.parse().unwrap_or_else(|e| panic!("{port}: {e}"));
    Device::new(connect(&target, &options).unwrap_or_else(|e| panic!("{port}: {e}")), timeout)
}

fn config(faults: &[&str]) -> Config {
    let faults = faults.iter().map(|text| text.parse::<Fault>().unwrap_or_else(|e| panic!("{e}"))).collect();
    Config {
        faults,
        running_for: Duration::from_secs(1000),
        reboot_delay: Duration::from_millis(50),
        ..Config::default()
    }
}

fn outcome(result: &Result<Success, Failure>) -> &'static str {
    match result {
        Ok(success) => success.facts().outcome,
        Err(failure) => failure.facts().outcome,
    }
}

/// What counts in the end: what the device says of itself.
async fn assert_ends(device: &Device, result: &Result<Success, Failure>, end: End, what: &str, log: &Log) {
    let (outcome_wanted, version, committed) = end;
    let shown = || {
        let log = log.0.lock().expect("lock").join("\n  ");
        let said = result.as_ref().err().map(ToString::to_string).unwrap_or_default();
        format!("{what}: {result:?} {said}\n  {log}")
    };
    assert_eq!(outcome(result), outcome_wanted, "{}", shown());
    // A device that goes back by itself may be doing so.
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let info = device.call_within(ota::GetInfo {}, Duration::from_secs(2)).await;
        let boot = device.call_within(ota::GetBootState {}, Duration::from_secs(2)).await;
        if let (Ok(info), Ok(boot)) = (&info, &boot)
            && info.fw_version == version
            && boot.is_committed == committed
        {
            return;
        }
        assert!(Instant::now() < deadline, "the device is at {info:?} {boot:?}; {}", shown());
        device.hang_up();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Runs all cases over one way, many at a time: most of what they do is to wait.
async fn over(way: Way) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut running = JoinSet::new();
    for case in CASES {
        for (via, end) in [(Via::Pull, case.pull), (Via::Push, case.push)] {
            let Some(end) = end else { continue };
            let places = Arc::clone(&places);
            running.spawn(async move {
                let _place = places.acquire_owned().await.expect("open");
                let bench = simulated(way, config(case.faults)).await;
                let log = Arc::new(Log::default());
                let started = Instant::now();
                let device = device(&bench.port);
                let ended = tokio::time::timeout(HANGS, run(&device, &plan(via), &*log)).await;
                let what = format!("{:?} over {way:?}, {via:?}, after {:?}", case.faults, started.elapsed());
                let result = ended
                    .unwrap_or_else(|_| panic!("{what}: it hangs\n  {}", log.0.lock().expect("lock").join("\n  ")));
                assert_ends(&device, &result, end, &what, &log).await;
            });
        }
    }
    let mut failed = 0;
    while let Some(ended) = running.join_next().await {
        failed += usize::from(ended.is_err());
    }
    assert_eq!(failed, 0, "cases failed over {way:?}; each is told above");
}

#[tokio::test]
async fn over_websocket() {
    over(Way::WebSocket).await;
}

#[tokio::test]
async fn over_http() {
    over(Way::Http).await;
}

#[tokio::test]
async fn over_tcp() {
    over(Way::Tcp).await;
}

#[tokio::test]
async fn over_udp() {
    over(Way::Udp).await;
}

#[cfg(unix)]
#[tokio::test]
async fn over_serial() {
    over(Way::Serial).await;
}

#[cfg(unix)]
#[tokio::test]
async fn over_mqtt() {
    over(Way::Mqtt).await;
}
