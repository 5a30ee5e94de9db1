//! Shows update events as bars on a terminal, as lines elsewhere, or as JSON.

use std::time::{Duration, Instant};

use otactl::bundle::manifest::Build;
use otactl::update::delivery_report::DeliveryReport;
use otactl::update::event::Event;
use otactl::update::stage::Stage;
use otactl::update::{Observer, Success};
use parking_lot::Mutex;

use super::bar::Unit;
use super::failure::Failure;
use super::json_line::stamped;
use super::messages;
use super::output::Output;
use super::report::model::Report;
use super::report::recorder::Recorder;
use super::update_summary::UpdateSummary;
use super::wrap::{STEP_COLUMN, ShownBuilds};
use super::writer::Importance;

/// Shows the events of an update to the user.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Output,
    started: Instant,
    /// How long the device may take to reboot.
    reboot_timeout: Duration,
    /// The stage of the update, for the message about an interruption.
    stage: Mutex<StageSince>,
    view: Mutex<ProgressView>,
    /// The delivery report, after the download has ended.
    report: Mutex<Option<DeliveryReport>>,
    /// Keeps what `--report` needs, if there is a report.
    recorder: Option<Recorder>,
}

#[derive(Debug)]
struct StageSince {
    stage: Stage,
    /// The time of the event that led to this stage.
    since: Instant,
}

#[derive(Debug, Default)]
struct ProgressView {
    app: String,
    builds: ShownBuilds,
    /// The id of the device.
    id: String,
    /// The version that ran before the update.
    before: Option<String>,
    /// The quarters of the download that were reported as lines.
    reported_quarters: u64,
}

impl Progress {
    pub(crate) fn new(output: Output, reboot_timeout: Duration, recorder: Option<Recorder>) -> Self {
        let started = Instant::now();
        let stage = StageSince { stage: Stage::default(), since: started };
        Self {
            output,
            started,
            reboot_timeout,
            stage: Mutex::new(stage),
            view: Mutex::default(),
            report: Mutex::default(),
            recorder,
        }
    }

    /// Returns the current stage. The time until a rollback counts from now.
    pub(crate) fn stage(&self) -> Stage {
        let current = self.stage.lock();
        current.stage.clone().later(current.since.elapsed())
    }

    /// Reports the end of the update: with `--json` as the last event, otherwise as a line if the update succeeded.
    ///
    /// Events that were lost cause a warning, but not a failure: the result of the update matters more.
    pub(crate) fn end(&self, result: &Result<Success, Failure>) {
        let mut view = self.view.lock();
        self.output.status_line.end();
        let delivery = self.report.lock().clone();
        match result {
            Ok(success) if self.output.has_events() => {
                self.output.last_event(&self.output.subject.done(success, delivery));
            }
            Ok(_) => {}
            Err(failure) => self.output.failed_event(failure, delivery),
        }
        if let Ok(success) = result
            && !self.output.is_json()
        {
            let text = messages::success(success, &view.app, self.started.elapsed());
            let (text, id) = match messages::build_of(success) {
                Some(build) => Self::placed(&mut view, text, build),
                None => (text, None),
            };
            self.output.done(&text);
            self.below(id);
        }
    }

    /// Returns the report of an update that has ended, if there is to be one. `name` is the name of its device.
    pub(crate) fn update_report(&self, result: &Result<Success, Failure>, name: Option<&str>) -> Option<Report> {
        let recorder = self.recorder.as_ref()?;
        let delivery = self.report.lock().clone();
        let last = match result {
            Ok(success) => {
                let text = messages::success(success, &self.view.lock().app, self.started.elapsed());
                recorder.record_line(&format!("done      {text}"));
                self.output.subject.done(success, delivery)
            }
            Err(failure) => {
                recorder.record_line(&format!("error: {}", failure.message));
                for line in failure.facts.iter().flat_map(|facts| &facts.output) {
                    recorder.record_line(&format!("    {line}"));
                }
                for hint in &failure.hints {
                    recorder.record_line(&format!("hint: {hint}"));
                }
                self.output.subject.failed_line(failure, delivery)
            }
        };
        Some(Report::new(name, recorder.recorded(), result.as_ref(), last))
    }

    /// Returns the update in one line.
    pub(crate) fn summary(&self, result: &Result<Success, Failure>) -> UpdateSummary {
        let facts = match result {
            Ok(success) => Some(success.facts()),
            Err(failure) => failure.facts.as_deref().cloned(),
        };
        let after =
            facts.as_ref().and_then(|facts| facts.running.as_ref()).map(|running| running.build.version.clone());
        let before = self.view.lock().before.clone();
        UpdateSummary { before, after, outcome: facts.map_or("", |facts| facts.outcome) }
    }

    /// Shows an event to a person.
    fn show(&self, event: &Event) {
        let mut view = self.view.lock();
        match event {
            Event::Sent { bytes, total } => return self.download(&mut view, Unit::Bytes, *bytes, *total),
            Event::Written { percent } => return self.download(&mut view, Unit::Percent, u64::from(*percent), 100),
            Event::Device { id, app, .. } => {
                view.id.clone_from(id);
                view.app.clone_from(app);
            }
            Event::Firmware { app, .. } if !app.is_empty() => view.app.clone_from(app),
            _ => {}
        }
        self.output.status_line.end_bar();
        if let Some((step, text)) = messages::step(event) {
            let (text, id) = match event {
                Event::Device { build, .. } | Event::Firmware { build, .. } | Event::Back { build, .. } => {
                    Self::placed(&mut view, text, build)
                }
                _ => (text, None),
            };
            self.output.step(step, &text);
            self.below(id);
        }
        if let Event::Fetching { peer, device: Some(device) } = event
            && is_another_device(device, &view.id)
        {
            self.output.step("fetch", &format!("{peer} says that it is {device}, not {}", view.id));
        }
    }

    /// Fits a message about `build` to the terminal. Returns the build id if it needs a line of its own.
    fn placed(view: &mut ProgressView, text: String, build: &Build) -> (String, Option<String>) {
        match Output::columns() {
            Some(columns) => view.builds.place(text, build, columns.saturating_sub(STEP_COLUMN)),
            None => (text, None),
        }
    }

    /// Writes a build id below the message to which it belongs.
    fn below(&self, id: Option<String>) {
        if let Some(id) = id {
            self.output.step("", &id);
        }
    }

    /// Shows on the status line what the update waits for: while the new firmware runs uncommitted, the time until the rollback.
    fn show_wait(&self, event: &Event, new_stage: Option<&Stage>) {
        let status_line = &self.output.status_line;
        match (new_stage, event) {
            (Some(Stage::Uncommitted { reverts_in: Some(left) }), _) => {
                status_line.count_down(Duration::from_secs(*left));
            }
            (_, Event::Rebooting) => {
                status_line.step_waits("reboot", "waiting for the device", Some(self.reboot_timeout));
            }
            (_, Event::Busy { .. }) => status_line.step_waits("busy", "waiting for the update that runs already", None),
            (_, Event::Ending) => status_line.step_waits("busy", "ending the update that runs already", None),
            (_, Event::DownloadingHere { .. }) => status_line.step_waits("download", "downloading the firmware", None),
            (_, Event::Sent { .. } | Event::Written { .. }) => {}
            (Some(_), _) | (None, Event::DownloadedHere { .. } | Event::Device { .. }) => status_line.end(),
            (None, Event::Checking { check, .. }) => status_line.set_activity(&format!("; checking {check}")),
            (None, Event::Checked { .. } | Event::CheckFailed { .. }) => status_line.set_activity(""),
            (None, _) => {}
        }
    }

    fn download(&self, view: &mut ProgressView, unit: Unit, done: u64, total: u64) {
        if self.output.status_line.is_live() {
            self.output.status_line.transfer(unit, done, total);
        } else {
            // For a log, one line for each quarter is enough.
            let quarters = done.saturating_mul(4).checked_div(total).unwrap_or(0);
            if quarters > view.reported_quarters {
                self.output.step("download", &format!("{} %", quarters * 25));
            }
            view.reported_quarters = quarters;
        }
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        let mut current = self.stage.lock();
        let before = std::mem::take(&mut current.stage);
        current.stage = before.clone().after(event);
        let new_stage = (current.stage != before).then(|| current.stage.clone());
        if new_stage.is_some() {
            current.since = Instant::now();
        }
        drop(current);
        if let Some(recorder) = &self.recorder {
            recorder.record(event);
        }
        match event {
            Event::Delivered(report) => *self.report.lock() = Some(report.clone()),
            Event::Device { id, build, .. } => {
                self.output.subject.set_device(id);
                self.view.lock().before = Some(build.version.clone());
            }
            _ => {}
        }
        if self.output.has_events() {
            let is_progress = matches!(event, Event::Sent { .. } | Event::Written { .. });
            let importance = if is_progress { Importance::Passing } else { Importance::Kept };
            self.output.event(importance, &stamped(event));
        }
        if !self.output.is_json() {
            // First, so that the message does not draw the wait that it ends.
            self.show_wait(event, new_stage.as_ref());
            self.show(event);
        }
    }
}

/// Tells whether the firmware is fetched by another device than that with this `id`. A device names itself as `ID MAC`.
fn is_another_device(device: &str, id: &str) -> bool {
    let named = device.split_whitespace().next().unwrap_or_default();
    !id.is_empty() && !named.eq_ignore_ascii_case(id)
}
