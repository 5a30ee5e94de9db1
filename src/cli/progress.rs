//! Update events become bars on a terminal, lines elsewhere, or JSON.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use otactl::secrets::mask;
use otactl::update::delivery_report::DeliveryReport;
use otactl::update::event::Event;
use otactl::update::outcome::Facts;
use otactl::update::stage::Stage;
use otactl::update::{Observer, Success};
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::Value;

use super::clock::timestamp;
use super::failure::Failure;
use super::messages;
use super::output::Output;
use super::writer::Importance;

/// The user's view of an update.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Output,
    /// How far the update is, for whoever has to say it when the update can no longer.
    stage: Mutex<Standing>,
    view: Mutex<View>,
    /// What can be proved of the download, once it has ended.
    report: Mutex<Option<DeliveryReport>>,
}

#[derive(Debug)]
struct Standing {
    stage: Stage,
    /// When the event came that led to it.
    since: Instant,
}

#[derive(Debug, Default)]
struct View {
    bar: Option<ProgressBar>,
    app: String,
    /// The id of the device that is updated.
    id: String,
    /// The last quarter of the download that was told as a line.
    quarters: u64,
}

impl Progress {
    pub(crate) fn new(output: Output) -> Self {
        let standing = Standing { stage: Stage::default(), since: Instant::now() };
        Self { output, stage: Mutex::new(standing), view: Mutex::default(), report: Mutex::default() }
    }

    /// How far the update is now.
    pub(crate) fn stage(&self) -> Stage {
        let standing = self.stage.lock();
        standing.stage.clone().later(standing.since.elapsed())
    }

    /// The last word: for a person if it was a success, for a program in any case. What became of the device counts for more
    /// than that it could not be said, so that lost lines are no failure.
    pub(crate) fn end(&self, result: &Result<Success, Failure>) {
        let mut view = self.view.lock();
        view.end_bar();
        self.output.live.end();
        let delivery = self.report.lock().clone();
        match result {
            Ok(success) if self.output.is_json() => {
                self.last_event(&Done { event: "done", facts: success.facts(), delivery });
            }
            Err(failure) if self.output.is_json() => self.last_event(&Failed {
                event: "failed",
                facts: failure.facts.as_deref(),
                delivery,
                message: &failure.message,
                hint: failure.hints.first(),
                exit_code: failure.kind.code(),
            }),
            Ok(success) => self.output.done(&messages::success(success, &view.app)),
            Err(_) => {}
        }
    }

    fn last_event(&self, event: &impl Serialize) {
        self.output.event(Importance::Kept, &stamped(event));
        if let Some(loss) = self.output.finish_events() {
            let lines = if loss.lines == 1 { "line" } else { "lines" };
            self.output
                .warn(&format!("{} {lines} of events could not be written to stdout: {}", loss.lines, loss.reason));
        }
    }

    fn show(&self, event: &Event) {
        let mut view = self.view.lock();
        match event {
            Event::Sent { bytes, total } => return self.download(&mut view, *bytes, *total),
            Event::Written { percent } => return self.download(&mut view, u64::from(*percent), 100),
            Event::Device { id, app, .. } => {
                view.id.clone_from(id);
                view.app.clone_from(app);
            }
            Event::Firmware { app, .. } if !app.is_empty() => view.app.clone_from(app),
            _ => {}
        }
        view.end_bar();
        if let Some((step, text)) = messages::step(event) {
            self.output.step(step, &text);
        }
        if let Event::Fetching { peer, device: Some(device) } = event
            && is_another(device, &view.id)
        {
            self.output.step("fetch", &format!("{peer} says that it is {device}, not {}", view.id));
        }
    }

    /// Shows how much time is left, as long as the new firmware runs uncommitted.
    fn count_down(&self, event: &Event, new_stage: Option<&Stage>) {
        let live = &self.output.live;
        match (new_stage, event) {
            (Some(Stage::Uncommitted { reverts_in: Some(left) }), _) if self.output.is_interactive() => {
                live.count_down(Duration::from_secs(*left));
            }
            (Some(_), _) => live.end(),
            (None, Event::Checking { check, .. }) => live.meanwhile(&format!("; checking {check}")),
            (None, Event::Checked { .. } | Event::CheckFailed { .. }) => live.meanwhile(""),
            (None, _) => {}
        }
    }

    fn download(&self, view: &mut View, done: u64, total: u64) {
        if self.output.is_interactive() {
            let bar = view.bar.get_or_insert_with(|| download_bar(total, self.output.live.draw_target()));
            bar.set_position(done);
        } else {
            // A line for every quarter is enough for a log.
            let quarters = done.saturating_mul(4).checked_div(total).unwrap_or(0);
            if quarters > view.quarters {
                self.output.step("download", &format!("{} %", quarters * 25));
            }
            view.quarters = quarters;
        }
    }
}

impl Observer for Progress {
    fn on(&self, event: &Event) {
        let mut standing = self.stage.lock();
        let before = std::mem::take(&mut standing.stage);
        standing.stage = before.clone().after(event);
        let stage = (standing.stage != before).then(|| standing.stage.clone());
        if stage.is_some() {
            standing.since = Instant::now();
        }
        drop(standing);
        if let Event::Delivered(report) = event {
            *self.report.lock() = Some(report.clone());
        }
        if self.output.is_json() {
            let is_progress = matches!(event, Event::Sent { .. } | Event::Written { .. });
            let importance = if is_progress { Importance::Passing } else { Importance::Kept };
            self.output.event(importance, &stamped(event));
        } else {
            self.show(event);
            self.count_down(event, stage.as_ref());
        }
    }
}

impl View {
    /// Leaves the bar as it stands, on a line of its own.
    fn end_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.abandon();
        }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.end_bar();
    }
}

fn download_bar(total: u64, target: ProgressDrawTarget) -> ProgressBar {
    let template = if total == 100 {
        "download  {bar:30} {percent} %"
    } else {
        "download  {bar:30} {bytes} of {total_bytes}, {binary_bytes_per_sec}"
    };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::with_draw_target(Some(total), target).with_style(style.progress_chars("━╸ "))
}

/// Whether who fetches the firmware is not the device that is updated. It names itself as `ID MAC`.
fn is_another(device: &str, id: &str) -> bool {
    let named = device.split_whitespace().next().unwrap_or_default();
    !id.is_empty() && !named.eq_ignore_ascii_case(id)
}

/// The last line of an update that did not.
#[derive(Serialize)]
struct Failed<'a> {
    event: &'static str,
    #[serde(flatten)]
    facts: Option<&'a Facts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryReport>,
    message: &'a str,
    hint: Option<&'a String>,
    exit_code: u8,
}

/// The last line of an update that succeeded.
#[derive(Serialize)]
struct Done {
    event: &'static str,
    #[serde(flatten)]
    facts: Facts,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<DeliveryReport>,
}

/// The fields of events that hold sentences, in which a device or a program may repeat a secret.
const SAID: [&str; 6] = ["message", "reason", "says", "said", "check", "hint"];

/// An event with the time, and with the time at which the device goes back by itself, if it will.
fn stamped(event: &impl Serialize) -> Value {
    let mut event = serde_json::to_value(event).unwrap_or_default();
    if let Some(fields) = event.as_object_mut() {
        if let Some(left) = fields.get("reverts_in").and_then(Value::as_u64) {
            fields.insert("deadline".into(), timestamp(left).into());
        }
        for name in SAID {
            if let Some(Value::String(text)) = fields.get_mut(name) {
                *text = mask(text).into_owned();
            }
        }
        fields.insert("time".into(), timestamp(0).into());
    }
    event
}
