//! Runs a command on several devices at a time.
//!
//! - [`label`]: the name of a device at the start of its lines; [`twins`]: two names for one device;
//! - [`summary`]: what a command did with one device, and the closing table; [`retry`]: the command that tries the failed devices again.

pub(crate) mod label;
pub(crate) mod retry;
pub(crate) mod summary;
mod twins;

use std::cell::Cell;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use otactl::update::stage::Stage;
use tracing::Instrument as _;

use super::Cli;
use super::command::Command;
use super::context::Context;
use super::failure::{Failure, FailureKind};
use super::interrupt;
use super::log::device_span;
use super::output::Output;
use super::shared::Shared;
use summary::{Done, closing_table};

/// Runs the command of each command line on its device, at most `jobs` at a time.
///
/// Reports the failure of each device. Fails with the common kind of failure if all devices failed alike, and with
/// [`FailureKind::SomeDevices`] if some failed.
pub(crate) async fn run(mut runs: Vec<Cli>, output: &Output, model: fn() -> clap::Command) -> Result<(), Failure> {
    let (jobs, is_verbose) = (runs[0].global.jobs, runs[0].global.verbose > 0);
    if !runs[0].command.uses_device() {
        return Err(Failure::new(FailureKind::Usage, "this command is not for several devices")
            .hint("give `--port` or `--device` once"));
    }
    if let Some((first, others)) = runs.split_first_mut() {
        for other in others {
            other.global.mqtt.share_password(&first.global.mqtt);
        }
    }
    // stdin can be read once only.
    if let Some(params) = runs[0].command.read_params()? {
        for cli in &mut runs {
            cli.command.set_params(params.clone());
        }
    }
    let (labels, shared) = (label::labels(&runs), Shared::default());
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default();
    let devices: Vec<(String, Context, Command)> = labels
        .into_iter()
        .zip(runs)
        .map(|(label, cli)| {
            let output = output.of_device(&label, width).with_device_option(cli.device_option);
            if cli.command.is_update() {
                output.subject.set_update();
            }
            let context =
                Context::new(cli.command.change(), cli.global, Vec::new(), output, shared.clone()).with_name(cli.name);
            (label, context, cli.command)
        })
        .collect();
    if devices[0].2.change().is_some() {
        let checked = twins::check(devices.iter().map(|(label, context, _)| (label.as_str(), context)), jobs).await;
        if let Err(failure) = checked {
            for (_, context, command) in &devices {
                command.report_not_begun(context, failure.copied());
            }
            shared.reports().write(output);
            return Err(failure);
        }
    }
    let is_interrupted = &Cell::new(false);
    let runs = devices.into_iter().enumerate().map(|(index, (label, context, command))| async move {
        let is_update = command.is_update();
        let started = Instant::now();
        let span = device_span(&format!("{label:<width$}  "));
        let result = if is_interrupted.get() {
            // Ctrl-C ends the whole command.
            let failure = interrupt::failure(&Stage::Untouched);
            command.report_not_begun(&context, failure.copied());
            Err(failure)
        } else {
            command.run(&context, model).instrument(span).await
        };
        if result.as_ref().is_err_and(|failure| failure.kind == FailureKind::Interrupted) {
            is_interrupted.set(true);
        }
        context.output.status_line.end();
        if let Err(failure) = &result {
            context.output.failure(failure, is_verbose);
            context.output.failed_event(failure, None);
        }
        let update = is_update.then(|| context.update_summary()).flatten();
        (index, Done { label, failure: result.err(), update, took: started.elapsed() })
    });
    let mut done: Vec<(usize, Done)> = stream::iter(runs).buffer_unordered(jobs).collect().await;
    done.sort_by_key(|(index, _)| *index);
    let done: Vec<Done> = done.into_iter().map(|(_, done)| done).collect();
    shared.reports().write(output);
    if !output.is_json() {
        output.status("");
        for line in closing_table(&done).lines() {
            output.status(line);
        }
    }
    match failure_of(&done) {
        Some(failure) => Err(failure),
        None => Ok(()),
    }
}

/// Returns the failure of the whole command, if a device failed.
fn failure_of(done: &[Done]) -> Option<Failure> {
    let failed: Vec<(&str, &Failure)> =
        done.iter().filter_map(|done| Some((done.label.as_str(), done.failure.as_ref()?))).collect();
    let (_, first) = failed.first()?;
    let is_common = failed.len() == done.len() && failed.iter().all(|(_, failure)| failure.kind == first.kind);
    let is_interrupted = failed.iter().any(|(_, failure)| failure.kind == FailureKind::Interrupted);
    let kind = match (is_interrupted, is_common) {
        (true, _) => FailureKind::Interrupted,
        (false, true) => first.kind,
        (false, false) => FailureKind::SomeDevices,
    };
    let message = format!("{} of {} devices failed", failed.len(), done.len());
    let names: Vec<&str> = failed.iter().map(|(label, _)| *label).collect();
    let again = retry::hint(std::env::args_os(), done.iter().map(|done| done.label.as_str()), &names);
    Some(Failure::new(kind, message).hint(again))
}
