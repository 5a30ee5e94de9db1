//! The value of `--report`.

use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

/// The value of `--report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ReportArg {
    /// No report that the user did not ask for.
    None,
    /// A report to this place.
    To(Destination),
}

/// The place of a report, and its form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Destination {
    /// An annotation in the log of a job, and its step summary.
    Github,
    /// A file.
    File(FileKind, PathBuf),
}

/// The form of a report in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// XML, as test programs write it.
    Junit,
    Json,
    Html,
}

impl FileKind {
    const ALL: [Self; 3] = [Self::Junit, Self::Json, Self::Html];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Junit => "junit",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

/// A value of `--report` that otactl does not know.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ReportArgError {
    #[error("write junit=FILE, json=FILE, html=FILE, github or none")]
    Unknown,
    #[error("a file is missing: write {0}=FILE")]
    NoFile(&'static str),
    #[error("this report has no file: write {0}")]
    NoFileTaken(&'static str),
    #[error("a report needs a file of its own: write {0}=FILE; `--json` prints the events to stdout")]
    Stdout(&'static str),
}

impl FromStr for ReportArg {
    type Err = ReportArgError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, file) = match text.split_once('=') {
            Some((kind, file)) => (kind, Some(file)),
            None => (text, None),
        };
        let kind = kind.trim().to_lowercase();
        for (name, arg) in [("github", Self::To(Destination::Github)), ("none", Self::None)] {
            if kind == name {
                return if file.is_none() { Ok(arg) } else { Err(ReportArgError::NoFileTaken(name)) };
            }
        }
        let kind = FileKind::ALL.into_iter().find(|known| known.name() == kind).ok_or(ReportArgError::Unknown)?;
        match file {
            None | Some("") => Err(ReportArgError::NoFile(kind.name())),
            Some("-") => Err(ReportArgError::Stdout(kind.name())),
            Some(file) => Ok(Self::To(Destination::File(kind, file.into()))),
        }
    }
}

/// Returns the places of all reports. In a job of GitHub there is one more, unless the options have it or say `none`.
pub(crate) fn destinations(args: &[ReportArg], is_github_job: bool) -> Vec<Destination> {
    let mut all: Vec<Destination> = Vec::new();
    for arg in args {
        match arg {
            ReportArg::To(place) if !all.contains(place) => all.push(place.clone()),
            _ => {}
        }
    }
    if is_github_job && !args.contains(&ReportArg::None) && !all.contains(&Destination::Github) {
        all.push(Destination::Github);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(kind: FileKind, path: &str) -> ReportArg {
        ReportArg::To(Destination::File(kind, path.into()))
    }

    #[test]
    fn value_is_a_kind_and_a_file() {
        use ReportArgError::{NoFile, NoFileTaken, Stdout, Unknown};

        for (text, expected) in [
            ("junit=a.xml", Ok(file(FileKind::Junit, "a.xml"))),
            ("JSON=a=b.json", Ok(file(FileKind::Json, "a=b.json"))),
            ("html=/tmp/a b.html", Ok(file(FileKind::Html, "/tmp/a b.html"))),
            ("github", Ok(ReportArg::To(Destination::Github))),
            ("none", Ok(ReportArg::None)),
            ("", Err(Unknown)),
            ("xml=a", Err(Unknown)),
            ("a.xml", Err(Unknown)),
            ("junit", Err(NoFile("junit"))),
            ("html=", Err(NoFile("html"))),
            ("json=-", Err(Stdout("json"))),
            ("github=a", Err(NoFileTaken("github"))),
            ("none=", Err(NoFileTaken("none"))),
        ] {
            assert_eq!(text.parse(), expected, "{text}");
        }
    }

    #[test]
    fn job_of_github_has_a_report_unless_told_otherwise() {
        let (github, none, junit) = (ReportArg::To(Destination::Github), ReportArg::None, file(FileKind::Junit, "a"));
        for (args, in_job, elsewhere) in [
            (vec![], 1, 0),
            (vec![none.clone()], 0, 0),
            (vec![github.clone(), github], 1, 1),
            (vec![junit.clone()], 2, 1),
            (vec![none, junit.clone(), junit], 1, 1),
        ] {
            assert_eq!(
                (destinations(&args, true).len(), destinations(&args, false).len()),
                (in_job, elsewhere),
                "{args:?}"
            );
        }
    }
}
