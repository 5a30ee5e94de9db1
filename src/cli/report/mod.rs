//! Reports of updates for CI: the option `--report`.
//!
//! - [`args`]: the value of the option;
//! - [`recorder`]: keeps the events and the messages of an update; [`gates`]: the gates of an update and their times;
//! - [`model`]: what all reports say;
//! - `junit`, `json`, `html` (with `timeline`), `github`: a text from a report, each a pure function; `escape`: texts for HTML and Markdown;
//! - `file`: the files.
//!
//! The reports of all devices are written at the end of the command.

pub(crate) mod args;
mod escape;
mod file;
pub(crate) mod gates;
mod github;
mod html;
mod json;
mod junit;
pub(crate) mod model;
pub(crate) mod recorder;
mod timeline;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use args::{Destination, FileKind};
use model::Report;

use super::failure::{Failure, FailureKind};
use super::output::Output;

/// Returns the file of the step summary, in a job of GitHub.
fn step_summary() -> Option<PathBuf> {
    std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Fails if a report cannot be written. `events` is the file of `--json`.
pub(crate) fn check(destinations: &[Destination], events: Option<&Path>) -> Result<(), Failure> {
    let mut seen: Vec<&Path> = events.into_iter().collect();
    for destination in destinations {
        let (kind, path) = match destination {
            Destination::File(kind, path) => (kind, path),
            Destination::Github => {
                check_step_summary()?;
                continue;
            }
        };
        let name = kind.name();
        if seen.contains(&path.as_path()) {
            let message = format!("--report {name}={}: the same file is given twice", path.display());
            return Err(Failure::new(FailureKind::Usage, message).hint("give each report a file of its own"));
        }
        seen.push(path);
        file::check(path).map_err(|error| {
            let message = format!("--report {name}: cannot write to {}: {error}", path.display());
            Failure::new(FailureKind::Usage, message)
                .caused_by(&error)
                .hint("give a file that you may write, in a directory that exists")
        })?;
    }
    Ok(())
}

/// Fails if the step summary cannot be written.
fn check_step_summary() -> Result<(), Failure> {
    let Some(path) = step_summary() else { return Ok(()) };
    OpenOptions::new().append(true).create(true).open(&path).map(drop).map_err(|error| {
        let message = format!("--report github: cannot write to the step summary {}: {error}", path.display());
        Failure::new(FailureKind::Usage, message)
            .caused_by(&error)
            .hint("set GITHUB_STEP_SUMMARY to a file that you may write, or unset it")
    })
}

/// The reports of the devices of a command, before they are written.
#[derive(Debug, Default)]
pub(crate) struct Reports(RefCell<Vec<(Vec<Destination>, Report)>>);

impl Reports {
    /// Adds the report of a device.
    pub(crate) fn add(&self, destinations: Vec<Destination>, report: Report) {
        self.0.borrow_mut().push((destinations, report));
    }

    /// Writes all reports. A report that cannot be written causes a warning: the result of the update matters more.
    pub(crate) fn write(&self, output: &Output) {
        let mut all = self.0.take();
        // In the order in which the updates began.
        all.sort_by_key(|(_, report)| report.began);
        let is_several = all.len() > 1;
        let mut by_destination: BTreeMap<&Destination, Vec<&Report>> = BTreeMap::new();
        for (destinations, report) in &all {
            for destination in destinations {
                by_destination.entry(destination).or_default().push(report);
            }
        }
        for (destination, reports) in by_destination {
            match destination {
                Destination::Github => write_github(&reports, is_several, output),
                Destination::File(kind, path) => {
                    let written = file_text(*kind, &reports).and_then(|text| file::write_whole(path, &text));
                    if let Err(error) = written {
                        output.warn(&format!("the report {} could not be written: {error}", path.display()));
                    }
                }
            }
        }
    }
}

fn file_text(kind: FileKind, reports: &[&Report]) -> io::Result<String> {
    Ok(match kind {
        FileKind::Junit => junit::text(reports).map_err(io::Error::other)?,
        FileKind::Json => json::text(reports),
        FileKind::Html => html::text(reports),
    })
}

/// Prints the annotations, and appends to the step summary, which other steps may have begun.
fn write_github(reports: &[&Report], is_several: bool, output: &Output) {
    for line in reports.iter().filter_map(|report| github::annotation(report, is_several)) {
        output.raw_line(&line);
    }
    let Some(path) = step_summary() else { return };
    let text = github::summary(reports);
    let opened = OpenOptions::new().append(true).create(true).open(&path);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        output.warn(&format!("the step summary {} could not be written: {error}", path.display()));
    }
}
