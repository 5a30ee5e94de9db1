//! The scenario of a seed: a plan, a device, a network, and faults. It is plain data, so that a fault can be removed.

use std::time::Duration;

use otactl::sim::{Fault, Generation};
use otactl::update::{OnUnhealthy, Via};

use super::random::Random;

/// Seeds below this keep the scenarios of the regression table. Later additions to the scenarios apply only to seeds
/// from this one on.
const FIRST_EXTENDED_SEED: u64 = 30_000;

/// The first seed whose scenario can have every feature.
pub(crate) const FIRST_COMPLETE_SEED: u64 = 130_000;

/// One simulated update.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    /// The seed of the random numbers of the network.
    pub(crate) seed: u64,
    pub(crate) plan: PlanSpec,
    pub(crate) device: DeviceSpec,
    pub(crate) network: NetworkSpec,
    /// The faults. Each of them can be removed.
    pub(crate) troubles: Vec<Trouble>,
}

/// Where the firmware comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SourceSpec {
    File,
    /// A URL. `is_known` tells whether otactl knows the manifest behind it.
    Url {
        is_known: bool,
    },
}

/// The options of otactl.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct PlanSpec {
    pub(crate) source: SourceSpec,
    pub(crate) via: Via,
    pub(crate) checks: usize,
    pub(crate) soak: Option<Duration>,
    pub(crate) check_timeout: Duration,
    pub(crate) commit: bool,
    pub(crate) on_unhealthy: OnUnhealthy,
    pub(crate) commit_timeout: Duration,
    pub(crate) reboot_timeout: Duration,
    pub(crate) download_timeout: Duration,
    pub(crate) stall_timeout: Duration,
    pub(crate) ask_timeout: Duration,
    /// The timeout of a call.
    pub(crate) timeout: Duration,
    pub(crate) snapshot_first: bool,
    pub(crate) has_commit_port: bool,
    pub(crate) no_abort: bool,
}

/// The properties of the device.
#[derive(Debug, Clone)]
pub(crate) struct DeviceSpec {
    pub(crate) generation: Generation,
    pub(crate) is_licensed: bool,
    pub(crate) platform: &'static str,
    pub(crate) running_for: Duration,
    pub(crate) reboot_delay: Duration,
    /// The device runs the wanted firmware from the beginning.
    pub(crate) is_current: bool,
    /// Methods that the device does not have.
    pub(crate) lacks: Vec<&'static str>,
}

/// The transport whose properties the network has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Transport {
    WebSocket,
    Http,
    Tcp,
    Serial,
    Udp,
    Mqtt,
    /// MQTT to a device that runs each request twice.
    MqttTwice,
}

impl Transport {
    /// Tells whether a connection leads to one boot of the device.
    pub(crate) fn is_connection(self) -> bool {
        matches!(self, Self::WebSocket | Self::Http | Self::Tcp)
    }

    /// Tells whether single frames can be lost.
    pub(crate) fn loses_frames(self) -> bool {
        matches!(self, Self::Serial | Self::Udp)
    }

    /// Tells whether the device may run a request twice.
    pub(crate) fn may_double(self) -> bool {
        matches!(self, Self::Udp | Self::Mqtt | Self::MqttTwice)
    }

    /// Tells whether a broker carries the calls, which serves other devices too.
    pub(crate) fn is_shared(self) -> bool {
        matches!(self, Self::Mqtt | Self::MqttTwice)
    }

    /// Returns how often the device executes a request.
    pub(crate) fn times(self) -> usize {
        if self == Self::MqttTwice { 2 } else { 1 }
    }
}

/// How the network behaves.
#[derive(Debug, Clone)]
pub(crate) struct NetworkSpec {
    pub(crate) transport: Transport,
    /// The latency in one direction.
    pub(crate) latency: Duration,
    pub(crate) jitter: Duration,
    /// A dial of a device that is off is refused at once. Otherwise it is never answered.
    pub(crate) refuses: bool,
    /// A frame on a connection to an earlier boot is answered with a reset. Otherwise it is never answered.
    pub(crate) resets: bool,
    /// The device cannot reach the firmware server.
    pub(crate) is_blocked: bool,
}

/// A fault of the device, the network, another client, or otactl itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trouble {
    /// A fault of the device.
    Fault(Fault),
    /// The device loses its power for a moment, at this time.
    PowerCut(Duration),
    /// Another client calls the device, at this time.
    Other(Duration, OtherCall),
    /// All connections are closed, at this time.
    Close(Duration),
    /// All connections become half-open at this time: they stay open, and nothing passes any more.
    HalfOpen(Duration),
    /// Nothing passes from the first time on, for the second.
    Outage(Duration, Duration),
    /// The number of lost frames per 1000, on a transport that loses frames.
    Loss(u64),
    /// The number of duplicated frames per 1000, on a transport that duplicates frames.
    Duplicates(u64),
    /// Frames are reordered, on a transport without an order.
    Reorder,
    /// otactl is killed, at this time.
    Killed(Duration),
}

/// A call of another client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherCall {
    Commit,
    Revert,
    Reboot,
    Update,
    Begin,
    CreateSnapshot,
}

impl Trouble {
    /// Returns the name for the coverage table.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Fault(fault) => fault.to_string().split('=').next().unwrap_or_default().to_owned(),
            Self::PowerCut(_) => "power cut".into(),
            Self::Other(_, call) => format!("other {call:?}"),
            Self::Close(_) => "link closed".into(),
            Self::HalfOpen(_) => "link half-open".into(),
            Self::Outage(..) => "outage".into(),
            Self::Loss(_) => "loss".into(),
            Self::Duplicates(_) => "duplicates".into(),
            Self::Reorder => "reorder".into(),
            Self::Killed(_) => "otactl dies".into(),
        }
    }

    /// Tells whether this trouble can lose or delay replies, or put the device out of reach.
    pub(crate) fn hides_the_device(&self) -> bool {
        match self {
            Self::Fault(fault) => matches!(
                fault,
                Fault::CallLost(_)
                    | Fault::ReplyLost(_)
                    | Fault::ReplyLate(..)
                    | Fault::Silent(..)
                    | Fault::Unreachable
                    | Fault::BootTakes(_)
                    | Fault::RestartsEvery(_)
                    | Fault::FailuresUnanswered
                    | Fault::RebootBeforeReply
                    | Fault::Fails(..)
                    // The new firmware may run for less than the pause between two probes.
                    | Fault::OtherReverts(_)
                    // A download from another server that does not end has no outcome yet.
                    | Fault::SlowDownload(_)
                    | Fault::StallAt(_)
            ),
            // While a push runs, OTA.Update has no answer.
            Self::Other(_, OtherCall::Begin) => true,
            Self::Close(_) | Self::HalfOpen(_) | Self::Outage(..) | Self::Loss(_) => true,
            _ => false,
        }
    }
}

impl Scenario {
    /// Returns the scenario of a seed.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut random = Random::new(seed, 0);
        let device = device(&mut random);
        let network = network(&mut random);
        let plan = plan(&mut random, &network);
        let count = random.pick(&[0, 1, 1, 1, 2, 2, 3, 4]);
        let mut troubles: Vec<Trouble> = (0..count).map(|_| trouble(&mut random, &plan)).collect();
        if random.chance(10) {
            troubles.push(Trouble::Killed(moment(&mut random, &plan)));
        }
        let (mut device, mut plan) = (device, plan);
        if seed >= FIRST_EXTENDED_SEED {
            // A dial and a call take two round trips, and a little more.
            plan.timeout += Duration::from_millis(500);
            let mut random = Random::new(seed, 2);
            if random.chance(15) {
                troubles.push(Trouble::Fault(extended_fault(&mut random)));
            }
            if random.chance(5) {
                device.lacks.push("OTA.Begin");
            }
        }
        if seed >= FIRST_COMPLETE_SEED {
            device.is_current = Random::new(seed, 3).chance(3);
        }
        Self { seed, plan, device, network, troubles }
    }

    /// Tells whether the plan can succeed on this device at all.
    pub(crate) fn is_possible(&self) -> bool {
        let Self { plan, device, network, .. } = self;
        // Without RPC.List, otactl does not know that the device supports a push.
        let knows_push = !device.lacks.contains(&"RPC.List");
        let can_push = device.generation.is_compiled() && !device.lacks.contains(&"OTA.Begin");
        let can_pull = device.is_licensed || !device.generation.is_compiled();
        match (plan.source, plan.via) {
            (SourceSpec::Url { .. }, Via::Push) => false,
            (SourceSpec::Url { .. }, _) => can_pull,
            (SourceSpec::File, Via::Push) => can_push,
            (SourceSpec::File, Via::Pull) => can_pull && !network.is_blocked,
            (SourceSpec::File, Via::Auto) => {
                (can_pull && !network.is_blocked) || (can_push && (knows_push || !can_pull))
            }
        }
    }
}

fn device(random: &mut Random) -> DeviceSpec {
    let generation = random.pick(&[Generation::Y2018, Generation::Y2019, Generation::Y2022, Generation::Y2022]);
    let mut lacks = Vec::new();
    if generation == Generation::Y2018 && random.chance(50) {
        lacks.push("OTA.Status");
    }
    if random.chance(5) {
        lacks.push("RPC.List");
    }
    if random.chance(5) {
        lacks.push("RPC.Describe");
    }
    DeviceSpec {
        generation,
        is_licensed: random.chance(70),
        platform: random.pick(&["esp32", "esp32", "esp32", "stm32"]),
        running_for: random.pick(&[0, 300, 1000, 9000, 9999, 60_000, 86_400_000]).pipe(Duration::from_millis),
        reboot_delay: random.millis(50, 4000),
        is_current: false,
        lacks,
    }
}

fn network(random: &mut Random) -> NetworkSpec {
    use Transport::{Http, Mqtt, MqttTwice, Serial, Tcp, Udp, WebSocket};

    let transport = random.pick(&[WebSocket, WebSocket, Http, Http, Tcp, Serial, Udp, Mqtt, MqttTwice]);
    let (latency, jitter) = match random.below(10) {
        0..5 => (random.millis(0, 20), random.millis(0, 5)),
        5..8 => (random.millis(20, 300), random.millis(0, 100)),
        8 => (random.millis(300, 2000), random.millis(0, 1000)),
        _ => (random.millis(2000, 20_000), random.millis(0, 2000)),
    };
    NetworkSpec {
        transport,
        latency,
        jitter,
        refuses: random.chance(30),
        resets: random.chance(50),
        is_blocked: random.chance(8),
    }
}

fn plan(random: &mut Random, network: &NetworkSpec) -> PlanSpec {
    // A user of a slow link gives calls the time that they need.
    let mut round_trip = (network.latency + network.jitter) * 2;
    let has_commit_port = random.chance(10);
    if network.transport == Transport::Http || has_commit_port {
        // Over HTTP, each call dials first.
        round_trip *= 2;
    }
    let timeout = (round_trip * 2).max(random.millis(1000, 10_000));
    let checks = if random.chance(30) { usize::try_from(1 + random.below(2)).unwrap_or(1) } else { 0 };
    let soak = random.chance(25).then(|| random.millis(500, 20_000));
    let check_timeout = timeout.max(random.millis(1000, 10_000));
    let max_duration = check_timeout * u32::try_from(checks).unwrap_or(1) + soak.unwrap_or_default();
    let source = random.pick(&[
        SourceSpec::File,
        SourceSpec::File,
        SourceSpec::File,
        SourceSpec::Url { is_known: true },
        SourceSpec::Url { is_known: false },
    ]);
    let via = if source == SourceSpec::File {
        random.pick(&[Via::Auto, Via::Auto, Via::Pull, Via::Push])
    } else {
        random.pick(&[Via::Auto, Via::Pull])
    };
    PlanSpec {
        source,
        via,
        checks,
        soak,
        check_timeout,
        commit: random.chance(90),
        on_unhealthy: if random.chance(80) { OnUnhealthy::Revert } else { OnUnhealthy::Leave },
        commit_timeout: whole_seconds(max_duration * 2 + round_trip * 12 + timeout * 4 + random.millis(5000, 60_000)),
        reboot_timeout: round_trip * 8 + random.millis(8000, 60_000),
        download_timeout: round_trip * 20 + random.millis(20_000, 60_000),
        stall_timeout: round_trip * 4 + random.millis(5000, 20_000),
        ask_timeout: round_trip * 2 + random.millis(2000, 10_000),
        timeout,
        snapshot_first: random.chance(10),
        has_commit_port,
        no_abort: random.chance(10),
    }
}

fn whole_seconds(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs() + 1)
}

/// Returns a moment during the interesting parts of an update.
fn moment(random: &mut Random, plan: &PlanSpec) -> Duration {
    let round_trip = u64::try_from(plan.timeout.as_millis() / 4).unwrap_or(1000);
    match random.below(4) {
        0 => random.millis(0, 500),
        1 => random.millis(0, 3000),
        2 => random.millis(0, round_trip * 8),
        _ => random.millis(0, 30_000),
    }
}

fn trouble(random: &mut Random, plan: &PlanSpec) -> Trouble {
    use OtherCall::{Begin, Commit, CreateSnapshot, Reboot, Revert, Update};

    match random.below(20) {
        0..11 => Trouble::Fault(fault(random)),
        11 => Trouble::PowerCut(moment(random, plan)),
        12 | 13 => {
            let call = random.pick(&[Commit, Revert, Reboot, Update, Begin, CreateSnapshot]);
            Trouble::Other(moment(random, plan), call)
        }
        14 => Trouble::Close(moment(random, plan)),
        15 => Trouble::HalfOpen(moment(random, plan)),
        16 => Trouble::Outage(moment(random, plan), random.millis(100, 20_000)),
        17 => Trouble::Loss(random.pick(&[1, 10, 50, 200])),
        18 => Trouble::Duplicates(random.pick(&[1, 10, 100])),
        _ => Trouble::Reorder,
    }
}

/// Returns one of the faults that only seeds from [`FIRST_EXTENDED_SEED`] on have.
fn extended_fault(random: &mut Random) -> Fault {
    let time = random.millis(200, 20_000).as_millis();
    let text = match random.below(4) {
        0 => format!("restarts-every={time}ms"),
        1 => "no-result".into(),
        2 => "boot-state=revert_slot:-1".into(),
        _ => "boot-state=active_slot:-1".into(),
    };
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn fault(random: &mut Random) -> Fault {
    const METHODS: [&str; 12] = [
        "OTA.Update",
        "OTA.Begin",
        "OTA.Write",
        "OTA.End",
        "OTA.Commit",
        "OTA.Revert",
        "OTA.Status",
        "OTA.GetBootState",
        "OTA.CreateSnapshot",
        "Sys.GetInfo",
        "Sys.Reboot",
        "RPC.List",
    ];

    let method = random.pick(&METHODS);
    let percent = 1 + random.below(100);
    let short = random.millis(10, 5000).as_millis();
    let long = random.millis(100, 40_000).as_millis();
    let text = match random.below(27) {
        0 => format!("call-lost={method}"),
        1 | 2 => format!("reply-lost={method}"),
        3 => format!("reply-late={method}:{short}ms"),
        4 => format!("silent={method}:{long}ms"),
        5 => "failures-unanswered".into(),
        6 => "not-modified".into(),
        7 => "wrong-platform".into(),
        8 => "wrong-digest".into(),
        9 | 10 => format!("reboot-at={percent}%"),
        11 | 12 => format!("cut-at={percent}%"),
        13 => format!("stall-at={percent}%"),
        14 => format!("slow-download={}", random.pick(&[200, 1000, 5000])),
        15 => format!("busy={percent}%"),
        16 => format!("busy={percent}%:{long}ms"),
        17 => "reboot-before-reply".into(),
        18 => "crashes".into(),
        19 => "unreachable".into(),
        20 => format!("boot-takes={long}ms"),
        21 => format!("reverts-after={short}ms"),
        22 => format!("power-cycle-after={long}ms"),
        23 => {
            format!("fails={}:500:broken", random.pick(&["RPC.Ping", "OTA.Status", "Sys.GetInfo", "OTA.GetBootState"]))
        }
        24 => random.pick(&["commit-refused", "commit-ignored", "commits-itself"]).into(),
        25 => format!("other-commits={short}ms"),
        _ => format!("other-reverts={short}ms"),
    };
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Applies a function to a value.
trait Pipe: Sized {
    fn pipe<T>(self, function: impl FnOnce(Self) -> T) -> T {
        function(self)
    }
}

impl<S> Pipe for S {}
