//! Runs a scenario in virtual time, and checks the invariants.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use otactl::bundle::write::{PartFile, pack};
use otactl::bundle::{Bundle, Manifest};
use otactl::rpc::client::Links;
use otactl::rpc::{CallError, Device, Request, RpcClient};
use otactl::sim::board::Board;
use otactl::sim::wire::Call;
use otactl::sim::{Config, Fault};
use otactl::transport::session::Session;
use otactl::update::health::{Check, Checks};
use otactl::update::timeouts::Timeouts;
use otactl::update::{self, Event, Failure, Observer, Plan, Serving, Source, Success};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::invariants::{self, Attempt};
use super::network::{Connector, Cut, DeviceSideNetwork, HOST, HostNetwork, HttpClient, Network, serve_url, sleep_for};
use super::panics;
use super::record::{DeviceRecord, add};
use super::scenario::{OtherCall, Scenario, SourceSpec, Transport, Trouble};

/// The version to which the device is updated.
pub(crate) const WANTED: &str = "2.0.0";

/// The port of the URL of the plan.
const URL_PORT: u16 = 80;

/// The port of the firmware of another client.
const OTHER_PORT: u16 = 81;

/// The limit of one attempt, which only a hang exceeds.
const HANG_TIMEOUT: Duration = Duration::from_secs(10 * 24 * 3600);

/// The result of a scenario.
#[derive(Debug)]
pub(crate) struct Run {
    /// The outcome of the first attempt that otactl survived.
    pub(crate) outcome: &'static str,
    /// How long after the boot of the wanted firmware the commit reached the device.
    pub(crate) commit_delay: Option<Duration>,
    /// The calls of the first attempt that otactl survived.
    pub(crate) calls: usize,
    /// The violated invariants.
    pub(crate) violations: Vec<String>,
    /// One line per event, if the run is traced.
    pub(crate) trace: Vec<String>,
}

/// Runs a scenario. A panic of any task is a violation.
pub(crate) fn run(scenario: &Scenario, is_traced: bool) -> Run {
    let panics = panics::count();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let mut run = runtime.expect("a runtime").block_on(simulate(scenario, is_traced));
    if panics::count() > panics {
        run.violations.push("a task has panicked, see above".into());
    }
    run
}

/// The parts of one simulation.
struct Simulation<'a> {
    scenario: &'a Scenario,
    network: Arc<Network>,
    board: Arc<Board>,
    record: Arc<DeviceRecord>,
    /// The scheduled troubles.
    troubles: Mutex<JoinSet<()>>,
}

async fn simulate(scenario: &Scenario, is_traced: bool) -> Run {
    let network = Network::new(scenario.seed, &scenario.network);
    let record = Arc::new(DeviceRecord::new(is_traced));
    let board = Board::power_on(config(scenario, &network)).expect("nothing is read from a disk");
    let simulation = Simulation { scenario, network, board, record, troubles: Mutex::default() };
    simulation.start_background_tasks();
    let mut violations = Vec::new();
    let (outcome, calls) = simulation.attempts(&mut violations).await.unwrap_or(("died", 0));
    let commit_delay = simulation.record.commit_delay(WANTED);
    if violations.is_empty() && scenario.is_possible() {
        violations.extend(simulation.run_again().await);
    }
    Run { outcome, commit_delay, calls, violations, trace: simulation.record.take_trace() }
}

fn config(scenario: &Scenario, network: &Arc<Network>) -> Config {
    let device = &scenario.device;
    let faults = scenario.troubles.iter().filter_map(|trouble| match trouble {
        Trouble::Fault(fault) => Some(fault.clone()),
        _ => None,
    });
    let mut config = Config {
        generation: device.generation,
        licensed: device.is_licensed,
        reboot_delay: device.reboot_delay,
        running_for: device.running_for,
        faults: missing_methods(scenario).chain(faults).collect(),
        network: Arc::new(DeviceSideNetwork(Arc::clone(network))),
        ..Config::default()
    };
    config.factory.platform = device.platform.into();
    if device.is_current {
        (config.factory.version, config.factory.build_id) = (WANTED.into(), build_id(WANTED));
    }
    config
}

fn missing_methods(scenario: &Scenario) -> impl Iterator<Item = Fault> + '_ {
    scenario.device.lacks.iter().map(|method| Fault::NoMethod((*method).into()))
}

impl Simulation<'_> {
    /// Starts the tasks beside otactl: the clock of the device, its observer, the servers, and the troubles.
    fn start_background_tasks(&self) {
        let (clock, board, record) = (Arc::clone(&self.board), Arc::clone(&self.board), Arc::clone(&self.record));
        tokio::spawn(async move { clock.run_clock().await });
        tokio::spawn(async move {
            loop {
                record.record_state(&board);
                board.until_off(board.boot()).await;
                record.record_state(&board);
                board.until_on().await;
            }
        });
        let platform = self.scenario.device.platform;
        tokio::spawn(serve_url(Arc::clone(&self.network), URL_PORT, bundle(WANTED, platform).bytes().clone()));
        tokio::spawn(serve_url(Arc::clone(&self.network), OTHER_PORT, bundle("3.0.0", platform).bytes().clone()));
        for trouble in &self.scenario.troubles {
            self.schedule_trouble(trouble);
        }
    }

    fn schedule(&self, trouble: impl Future<Output = ()> + Send + 'static) {
        self.troubles.lock().spawn(trouble);
    }

    /// Schedules a trouble.
    fn schedule_trouble(&self, trouble: &Trouble) {
        let (network, board, record) = (Arc::clone(&self.network), Arc::clone(&self.board), Arc::clone(&self.record));
        match *trouble {
            Trouble::Fault(_) | Trouble::Killed(_) => {}
            Trouble::Loss(loss) => network.set_loss(loss),
            Trouble::Duplicates(duplicates) => network.set_duplicates(duplicates),
            Trouble::Reorder => network.set_reorders(true),
            Trouble::PowerCut(at) => self.schedule(async move {
                sleep_for(at).await;
                record.trace(|| "trouble: the power is cut".into());
                board.cut_power();
                record.record_state(&board);
            }),
            Trouble::Other(at, call) => self.schedule(async move {
                sleep_for(at).await;
                record.trace(|| format!("trouble: another client calls {call:?}"));
                other_call(&board, call);
                record.record_state(&board);
            }),
            Trouble::Close(at) => self.schedule(async move {
                sleep_for(at).await;
                record.trace(|| "trouble: all connections are closed".into());
                network.cut(Cut::Close);
            }),
            Trouble::HalfOpen(at) => self.schedule(async move {
                sleep_for(at).await;
                record.trace(|| "trouble: all connections are half-open".into());
                network.cut(Cut::HalfOpen);
            }),
            Trouble::Outage(at, time) => self.schedule(async move {
                sleep_for(at).await;
                record.trace(|| format!("trouble: the network is out for {time:?}"));
                network.fail_for(time);
            }),
        }
    }

    /// Runs the plan, and runs it again each time otactl has died. Returns the outcome of the attempt that otactl
    /// survived.
    async fn attempts(&self, violations: &mut Vec<String>) -> Option<(&'static str, usize)> {
        let start = Instant::now();
        let mut kills: Vec<Duration> = self.scenario.troubles.iter().filter_map(kill_time).collect();
        kills.sort_unstable();
        for kill in kills.into_iter().map(Some).chain([None]) {
            let (attempt, counts) = self.attempt(true);
            let attempt = attempt.await_until(kill.map(|at| start + at)).await;
            let Some(ended) = attempt else {
                self.record.trace(|| "trouble: otactl dies".into());
                continue;
            };
            let outcome = ended.name();
            self.record.trace(|| format!("outcome: {outcome}: {:?}", ended.result));
            violations.extend(invariants::violations(self.scenario, &self.record, &ended, &counts));
            return Some((outcome, counts.all()));
        }
        None
    }

    /// Runs the plan again without faults, until it ends committed. Returns a description of the error, if there is
    /// one.
    async fn run_again(&self) -> Option<String> {
        /// The number of attempts. A device that another client updated, or whose update nothing ends, needs more than
        /// one.
        const MAX_ATTEMPTS: usize = 3;

        self.record.trace(|| "all faults are gone".into());
        self.troubles.lock().abort_all();
        let late = self.network.heal();
        // Requests of earlier runs that were killed or have failed arrive first.
        tokio::time::sleep_until(late).await;
        // Actions that the device was told before, such as a reboot, still happen. The update of another client takes
        // longer.
        let updates_elsewhere = |trouble: &Trouble| matches!(trouble, Trouble::Other(_, OtherCall::Update));
        let is_slow = self.scenario.troubles.iter().any(updates_elsewhere);
        sleep_for(Duration::from_secs(if is_slow { 200 } else { 1 })).await;
        self.board.set_faults(&missing_methods(self.scenario).collect::<Vec<_>>());
        for _ in 0..MAX_ATTEMPTS {
            // Firmware that hangs without a network is out of reach until its commit timeout.
            if timeout(Duration::from_secs(7000), self.board.until_on()).await.is_err() {
                self.record.record_state(&self.board);
                let is_committed = self.record.now().is_some_and(|now| now.is_committed);
                return (!is_committed).then(|| "the device never comes back".into());
            }
            let was_uncommitted = self.record.now().is_some_and(|now| !now.is_committed);
            let (attempt, _) = self.attempt(false);
            let ended = attempt.await_until(None).await?;
            self.record.record_state(&self.board);
            self.record.trace(|| format!("outcome: {}: {:?}", ended.name(), ended.result));
            let is_there = self.record.now().is_some_and(|now| now.version == WANTED && now.is_committed);
            match ended.result {
                // The build of the URL is unknown, and another client has installed other firmware.
                Ok(_) if is_there || !self.is_known() => return None,
                // The build of the URL is unknown, and the device already runs it.
                Err(_) if is_there && !self.is_known() => return None,
                Ok(_) => {
                    return Some(format!(
                        "run again without faults, otactl reports a success without the wanted firmware: {:?}",
                        self.record.now()
                    ));
                }
                // The remaining time was too short, and the device rolls back.
                Err(Failure::Unhealthy { .. } | Failure::RolledBack { .. }) if was_uncommitted => {
                    sleep_for(Duration::from_secs(700)).await;
                }
                // A device of 2018 does not report its update, and is stuck in it. Its user power-cycles it.
                Err(Failure::DownloadFailed { reason, .. } | Failure::ContactLost { reason, .. })
                    if reason.to_string().starts_with("Failed to init updater")
                        || reason.to_string().starts_with("Update is already in progress") =>
                {
                    self.board.cut_power();
                }
                Err(Failure::NotCopied(error)) if error.remote_error().is_some() => self.board.cut_power(),
                // The device is rebooting, which takes longer than a call may take.
                Err(Failure::ReadState(_)) => sleep_for(Duration::from_secs(60)).await,
                Err(Failure::Call(error)) if error.is_transient() => sleep_for(Duration::from_secs(60)).await,
                // Another client has installed a newer version for good.
                Err(Failure::Refused(update::Refusal::Older { .. })) => return None,
                // The firmware of another client commits or rolls back by itself.
                Err(Failure::Refused(update::Refusal::Uncommitted { .. } | update::Refusal::UpdateRunning { .. })) => {
                    sleep_for(Duration::from_secs(700)).await;
                }
                Err(failure) => return Some(format!("run again without faults, it fails: {failure}")),
            }
        }
        Some("run again without faults, it is refused for ever".into())
    }

    fn is_known(&self) -> bool {
        !matches!(self.scenario.plan.source, SourceSpec::Url { is_known: false })
    }

    fn attempt(&self, is_first: bool) -> (PreparedAttempt, Arc<CallCounts>) {
        let (scenario, spec) = (self.scenario, &self.scenario.plan);
        let counts = Arc::new(CallCounts::default());
        let transport = scenario.network.transport;
        let device = self.device(transport, &counts);
        let second = if transport == Transport::WebSocket { Transport::Http } else { Transport::WebSocket };
        let commit_over = spec.has_commit_port.then(|| self.device(second, &counts));
        let wanted = bundle(WANTED, scenario.device.platform);
        let source = match spec.source {
            SourceSpec::File => Source::Bundle(wanted),
            SourceSpec::Url { is_known } => Source::Url {
                url: format!("http://{HOST}:{URL_PORT}/firmware.zip"),
                manifest: if is_known { Ok(wanted.manifest().clone()) } else { Err("it cannot be reached".into()) },
                signed: is_known.then(|| wanted.signed()),
            },
        };
        let check = || Check::Rpc("RPC.Ping".parse().expect("a check"));
        let plan = Plan {
            via: spec.via,
            serving: Serving {
                listen: Some((HOST, 0).into()),
                network: Arc::new(HostNetwork(Arc::clone(&self.network))),
                ..Serving::default()
            },
            checks: Checks {
                checks: (0..spec.checks).map(|_| check()).collect(),
                soak: spec.soak,
                timeout: spec.check_timeout,
            },
            commit: spec.commit || !is_first,
            commit_timeout: spec.commit_timeout,
            download_timeout: Some(spec.download_timeout),
            reboot_timeout: spec.reboot_timeout,
            commit_over,
            on_unhealthy: spec.on_unhealthy,
            snapshot_first: spec.snapshot_first,
            no_abort: spec.no_abort && is_first,
            timeouts: Timeouts::default().with(spec.ask_timeout, spec.stall_timeout),
            ..Plan::new(source)
        };
        let before = self.board.inspect(|device| device.firmware().version.clone());
        let observer = Recorder { events: Mutex::default(), record: Arc::clone(&self.record) };
        (PreparedAttempt { device, plan, observer, before }, counts)
    }

    fn device(&self, transport: Transport, counts: &Arc<CallCounts>) -> Device {
        let connector = Connector {
            network: Arc::clone(&self.network),
            board: Arc::clone(&self.board),
            record: Arc::clone(&self.record),
            transport,
        };
        let client: Box<dyn RpcClient> = if transport == Transport::Http {
            Box::new(HttpClient::new(connector))
        } else {
            Box::new(Session::new(connector))
        };
        Device::new(Box::new(CountingClient { client, counts: Arc::clone(counts) }), self.scenario.plan.timeout)
    }
}

fn kill_time(trouble: &Trouble) -> Option<Duration> {
    if let Trouble::Killed(at) = trouble { Some(*at) } else { None }
}

/// An attempt before its start.
struct PreparedAttempt {
    device: Device,
    plan: Plan,
    observer: Recorder,
    before: String,
}

impl PreparedAttempt {
    /// Runs the update. `None`: otactl died at that time.
    async fn await_until(self, dies_at: Option<Instant>) -> Option<Attempt> {
        let started = Instant::now();
        let update = timeout(HANG_TIMEOUT, update::run(&self.device, &self.plan, &self.observer));
        let result = match dies_at {
            Some(at) => timeout_at(at, update).await.ok()?,
            None => update.await,
        };
        let events = std::mem::take(&mut *self.observer.events.lock());
        // The version that otactl saw before the update request, if it saw one.
        let seen = events.iter().rev().find_map(|event| match event {
            Event::Device { build, .. } => Some(build.version.clone()),
            _ => None,
        });
        Some(Attempt {
            before: seen.unwrap_or(self.before),
            took: started.elapsed(),
            result: result
                .unwrap_or_else(|_| Err(Failure::ContactLost { reason: "it hangs".into(), reverts_in: None })),
        })
    }
}

/// Records the events.
struct Recorder {
    events: Mutex<Vec<Event>>,
    record: Arc<DeviceRecord>,
}

impl Observer for Recorder {
    fn on(&self, event: &Event) {
        self.record.trace(|| format!("event: {event:?}"));
        self.events.lock().push(event.clone());
    }
}

/// The number of calls of each method, without the calls that certainly were not sent.
#[derive(Debug, Default)]
pub(crate) struct CallCounts(Mutex<BTreeMap<String, usize>>);

impl CallCounts {
    fn all(&self) -> usize {
        self.0.lock().values().sum()
    }

    pub(crate) fn of(&self, method: &str) -> usize {
        self.0.lock().get(method).copied().unwrap_or(0)
    }
}

struct CountingClient {
    client: Box<dyn RpcClient>,
    counts: Arc<CallCounts>,
}

#[async_trait]
impl RpcClient for CountingClient {
    async fn call(&self, request: Request) -> Result<Value, CallError> {
        let method = request.method.clone();
        add(&mut self.counts.0.lock(), &method, 1);
        let result = self.client.call(request).await;
        // A device that is about to reboot executes nothing.
        let is_refused = matches!(method.as_str(), "OTA.Update" | "OTA.Begin")
            && result.as_ref().is_err_and(|error| error.remote_error().is_some_and(|error| error.code == 418));
        let is_unsent = matches!(result, Err(CallError::Unreachable { .. } | CallError::Lost { sent: false, .. }));
        if (is_refused || is_unsent)
            && let Some(count) = self.counts.0.lock().get_mut(&method)
        {
            *count -= 1;
        }
        result
    }

    fn drop_link(&self) {
        self.client.drop_link();
    }

    fn links(&self) -> Links {
        self.client.links()
    }

    fn may_execute_twice(&self) -> bool {
        self.client.may_execute_twice()
    }

    fn executes_twice(&self) -> bool {
        self.client.executes_twice()
    }

    fn window(&self) -> usize {
        self.client.window()
    }

    fn max_params(&self, request: &Request) -> usize {
        self.client.max_params(request)
    }
}

/// Calls the device as another client does.
fn other_call(board: &Arc<Board>, call: OtherCall) {
    let (method, params) = match call {
        OtherCall::Commit => ("OTA.Commit", Value::Null),
        OtherCall::Revert => ("OTA.Revert", Value::Null),
        OtherCall::Reboot => ("Sys.Reboot", json!({"delay_ms": 250})),
        OtherCall::Update => (
            "OTA.Update",
            json!({"url": format!("http://{HOST}:{OTHER_PORT}/fw.zip"), "commit_timeout": 60, "timeout": 60}),
        ),
        OtherCall::Begin => ("OTA.Begin", json!({"commit_timeout": 60, "timeout": 60})),
        OtherCall::CreateSnapshot => ("OTA.CreateSnapshot", Value::Null),
    };
    if board.boot().is_none() {
        return;
    }
    let call = Call {
        id: Some("1".into()),
        src: None,
        tag: None,
        method: method.into(),
        params,
        auth: None,
        is_authorised: true,
    };
    drop(board.answer(&call, "other", "10.0.0.2"));
}

/// Returns the bundle of a version.
pub(crate) fn bundle(version: &str, platform: &'static str) -> Bundle {
    static BUNDLES: OnceLock<Mutex<BTreeMap<(String, &'static str), Bundle>>> = OnceLock::new();

    let mut bundles = BUNDLES.get_or_init(Mutex::default).lock();
    bundles.entry((version.into(), platform)).or_insert_with(|| pack_bundle(version, platform)).clone()
}

fn build_id(version: &str) -> String {
    format!("20240202-020202/g{version}")
}

fn pack_bundle(version: &str, platform: &str) -> Bundle {
    let manifest: Manifest = serde_json::from_value(json!({
        "name": "demo", "platform": platform, "version": version, "build_id": build_id(version),
        "build_timestamp": "2024-02-02T02:02:02Z", "parts": {},
    }))
    .expect("a manifest");
    let app: Vec<u8> =
        (0..12_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).take(12_000).collect();
    let parts = [
        PartFile { kind: "app", src: "demo.bin", ptn: "app_0", data: &app },
        PartFile { kind: "fs", src: "fs.img", ptn: "fs_0", data: &app[..3000] },
    ];
    Bundle::from_bytes(pack(&manifest, &parts).expect("a zip")).expect("a bundle")
}

/// Returns the name of an outcome.
pub(crate) fn outcome_name(result: &Result<Success, Failure>) -> &'static str {
    match result {
        Ok(success) => success.facts().outcome,
        Err(failure) => failure.facts().outcome,
    }
}
