//! Records what really happened to the device, independently of what otactl was told.

use std::collections::BTreeMap;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use otactl::sim::board::Board;
use otactl::sim::board::calls::ScheduledReply;
use otactl::sim::device::{Power, SimulatedDevice};
use otactl::sim::wire::Call;
use tokio::time::Instant;

/// The state of the device at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    /// The version that runs, or ran before a boot that is under way.
    pub(crate) version: String,
    /// The slot of the running firmware.
    pub(crate) slot: u8,
    pub(crate) is_committed: bool,
    /// The version that boots next.
    pub(crate) next: String,
    /// Another slot than the running one boots next.
    pub(crate) is_applied: bool,
    /// The commit timeout in seconds. 0 = none.
    pub(crate) commit_timeout: u64,
    pub(crate) is_on: bool,
    pub(crate) boots: u64,
}

impl State {
    fn of(device: &SimulatedDevice) -> Self {
        let boot = device.flash().boot;
        Self {
            version: device.firmware().version.clone(),
            slot: device.running_slot(),
            next: next_version(device).into(),
            is_committed: boot.is_committed,
            is_applied: boot.active_slot != device.running_slot(),
            commit_timeout: boot.commit_timeout,
            is_on: is_on(device),
            boots: device.boots(),
        }
    }

    /// Tells whether the device is in this state.
    fn is_of(&self, device: &SimulatedDevice) -> bool {
        let Self { version, slot, next, is_committed, is_applied, commit_timeout, is_on: was_on, boots } = self;
        let boot = device.flash().boot;
        *version == device.firmware().version
            && *slot == device.running_slot()
            && next == next_version(device)
            && *is_committed == boot.is_committed
            && *is_applied == (boot.active_slot != device.running_slot())
            && *commit_timeout == boot.commit_timeout
            && *was_on == is_on(device)
            && *boots == device.boots()
    }
}

/// Returns the version that boots next. Empty if the slot holds no firmware.
fn next_version(device: &SimulatedDevice) -> &str {
    let slot = device.flash().slots.get(usize::from(device.flash().boot.active_slot));
    slot.and_then(Option::as_ref).map_or("", |next| &next.version)
}

fn is_on(device: &SimulatedDevice) -> bool {
    matches!(device.power(), Power::On(_))
}

/// The history of one device.
#[derive(Debug)]
pub(crate) struct DeviceRecord {
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    history: Vec<(Instant, State)>,
    /// How often the device executed each method that otactl called.
    executed: BTreeMap<String, usize>,
    /// The device executed an `OTA.Begin` that otactl called.
    has_begun: bool,
    /// How often the network duplicated each request.
    doubled: BTreeMap<String, usize>,
    /// The versions that otactl committed.
    committed: Vec<String>,
    /// When the first OTA.Commit reached the device.
    commit_heard: Option<Instant>,
    trace: Option<Vec<String>>,
}

impl DeviceRecord {
    pub(crate) fn new(is_traced: bool) -> Self {
        let inner = Inner { trace: is_traced.then(Vec::new), ..Inner::default() };
        Self { start: Instant::now(), inner: Mutex::new(inner) }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Adds a line to the trace.
    pub(crate) fn trace(&self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.inner().trace {
            trace.push(format!("{:>10.3} {}", self.start.elapsed().as_secs_f64(), line()));
        }
    }

    pub(crate) fn take_trace(&self) -> Vec<String> {
        self.inner().trace.take().unwrap_or_default()
    }

    /// Records the state of the device.
    pub(crate) fn record_state(&self, board: &Board) {
        let new_state = board.inspect(|device| {
            let inner = self.inner();
            let is_known = inner.history.last().is_some_and(|(_, last)| last.is_of(device));
            (!is_known).then(|| State::of(device))
        });
        if let Some(state) = new_state {
            self.trace(|| format!("device: {state:?}"));
            self.inner().history.push((Instant::now(), state));
        }
    }

    /// Records a request of otactl that reached the device, and its answers.
    pub(crate) fn record_request(&self, board: &Board, call: &Call, scheduled: &[ScheduledReply]) {
        let is_refused = |scheduled: &ScheduledReply| matches!(scheduled, ScheduledReply::Now(Err(failure)) if matches!(failure.code, 401 | 404 | 418));
        let times = scheduled.iter().filter(|scheduled| !is_refused(scheduled)).count();
        let mut inner = self.inner();
        add(&mut inner.executed, &call.method, times);
        let is_begun = |scheduled: &ScheduledReply| {
            !matches!(scheduled, ScheduledReply::Now(Err(_)) | ScheduledReply::NextTurn(Err(_)))
        };
        inner.has_begun |= call.method == "OTA.Begin" && scheduled.iter().any(is_begun);
        if call.method == "OTA.Commit" {
            inner.commit_heard.get_or_insert_with(Instant::now);
            let was_pending = inner.history.last().is_some_and(|(_, state)| !state.is_committed);
            let now = board.inspect(State::of);
            if was_pending && now.is_committed {
                inner.committed.push(now.version);
            }
        }
        drop(inner);
        self.trace(|| {
            format!(
                "    > {} {} => {}",
                call.method,
                excerpt(&call.params.to_string()),
                describe_answers(call, scheduled)
            )
        });
        self.record_state(board);
    }

    /// Records that the network duplicated a request.
    pub(crate) fn record_duplicate(&self, bytes: &[u8]) {
        let frame = otactl::sim::wire::parse(bytes, "");
        if let Some(call) = frame.and_then(otactl::sim::wire::Frame::into_call) {
            add(&mut self.inner().doubled, &call.method, 1);
        }
    }

    pub(crate) fn executed(&self, method: &str) -> usize {
        self.inner().executed.get(method).copied().unwrap_or(0)
    }

    /// Tells whether the device has executed an `OTA.Begin`. It refuses one while an update of another client runs.
    pub(crate) fn has_begun(&self) -> bool {
        self.inner().has_begun
    }

    pub(crate) fn doubled(&self, method: &str) -> usize {
        self.inner().doubled.get(method).copied().unwrap_or(0)
    }

    /// Returns how long after the boot of `version` the first commit reached the device.
    pub(crate) fn commit_delay(&self, version: &str) -> Option<Duration> {
        let inner = self.inner();
        let booted = inner.history.iter().find(|(_, state)| state.version == version && state.is_on)?.0;
        Some(inner.commit_heard?.saturating_duration_since(booted))
    }

    /// Returns how often the device has booted.
    pub(crate) fn boots(&self) -> u64 {
        self.now().map_or(0, |now| now.boots)
    }

    /// Returns when the device had rebooted for the first time.
    pub(crate) fn second_boot(&self) -> Option<Duration> {
        let inner = self.inner();
        let second = inner.history.iter().find(|(_, state)| state.boots == 2 && state.is_on);
        second.map(|(at, _)| at.saturating_duration_since(self.start))
    }

    /// Returns how long the device has been on without a break since its first reboot, at the longest.
    pub(crate) fn longest_later_boot(&self) -> Duration {
        let inner = self.inner();
        let ends = inner.history.iter().skip(1).map(|(at, _)| *at).chain([Instant::now()]);
        let mut lasted: BTreeMap<u64, Duration> = BTreeMap::new();
        for ((began, state), ended) in inner.history.iter().zip(ends) {
            if state.is_on && state.boots > 1 {
                *lasted.entry(state.boots).or_default() += ended - *began;
            }
        }
        lasted.into_values().max().unwrap_or_default()
    }

    pub(crate) fn committed(&self) -> Vec<String> {
        self.inner().committed.clone()
    }

    /// Returns the current state.
    pub(crate) fn now(&self) -> Option<State> {
        self.inner().history.last().map(|(_, state)| state.clone())
    }

    /// Tells whether the device was in such a state at any moment of the last `window`.
    pub(crate) fn was_recently(&self, window: Duration, is: impl Fn(&State) -> bool) -> bool {
        let inner = self.inner();
        let from = Instant::now().checked_sub(window);
        let mut newer_began = None;
        for (began, state) in inner.history.iter().rev() {
            // A state lasts until the next one begins.
            if newer_began.is_some_and(|ended| from.is_some_and(|from| ended < from)) {
                return false;
            }
            if is(state) {
                return true;
            }
            newer_began = Some(*began);
        }
        false
    }
}

/// Returns a short description of the answers.
fn describe_answers(call: &Call, scheduled: &[ScheduledReply]) -> String {
    let answers = scheduled.iter().map(|scheduled| match scheduled {
        ScheduledReply::Now(Ok(info)) if call.method == "Sys.GetInfo" => {
            let info: serde_json::Value = serde_json::from_str(info).unwrap_or_default();
            format!("{} up {}", info["fw_version"], info["uptime"])
        }
        ScheduledReply::Now(outcome) => format!("{outcome:?}"),
        ScheduledReply::NextTurn(outcome) => format!("next turn {outcome:?}"),
        ScheduledReply::Later(_) => "later".into(),
    });
    answers.collect::<Vec<_>>().join(", ")
}

fn excerpt(text: &str) -> &str {
    let end = text.char_indices().nth(80).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// Adds to the count of a method.
pub(crate) fn add(counts: &mut BTreeMap<String, usize>, method: &str, by: usize) {
    match counts.get_mut(method) {
        Some(count) => *count += by,
        None => drop(counts.insert(method.into(), by)),
    }
}
