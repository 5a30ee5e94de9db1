//! What a command did with each device.

use std::time::Duration;

use crate::cli::clock::elapsed;
use crate::cli::failure::Failure;
use crate::cli::table::table;
use crate::cli::update_summary::UpdateSummary;

/// The end of a command on one device.
#[derive(Debug)]
pub(crate) struct Done {
    /// The name of the device.
    pub(crate) label: String,
    pub(crate) failure: Option<Failure>,
    /// The update, if the command was one.
    pub(crate) update: Option<UpdateSummary>,
    pub(crate) took: Duration,
}

/// Returns the table that closes a command: of an update also the versions and the outcome.
pub(crate) fn closing_table(done: &[Done]) -> String {
    let shown = |version: Option<&String>| version.cloned().unwrap_or_else(|| "-".into());
    let took = |done: &Done| elapsed(done.took);
    if done.iter().any(|done| done.update.is_some()) {
        let rows = done.iter().map(|done| {
            let update = done.update.clone().unwrap_or_default();
            let outcome = if update.outcome.is_empty() { "failed" } else { update.outcome };
            let (before, after) = (shown(update.before.as_ref()), shown(update.after.as_ref()));
            [done.label.clone(), before, after, outcome.to_owned(), took(done)]
        });
        return table(["DEVICE", "BEFORE", "AFTER", "OUTCOME", "TIME"], rows, None);
    }
    let rows = done.iter().map(|done| {
        let result = done.failure.as_ref().map_or_else(|| "done".into(), |failure| failed(failure.kind.code()));
        [done.label.clone(), result, took(done)]
    });
    table(["DEVICE", "RESULT", "TIME"], rows, None)
}

fn failed(code: u8) -> String {
    format!("failed ({code})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::FailureKind;

    fn done(label: &str, update: Option<UpdateSummary>, kind: Option<FailureKind>) -> Done {
        let failure = kind.map(|kind| Failure::new(kind, "as a test does"));
        Done { label: label.into(), failure, update, took: Duration::from_secs(75) }
    }

    #[test]
    fn table_of_an_update_has_the_versions() {
        let update = |after: Option<&str>, outcome| UpdateSummary {
            before: Some("1.0.0".into()),
            after: after.map(ToOwned::to_owned),
            outcome,
        };
        let done = [
            done("bench1", Some(update(Some("2.0.0"), "updated")), None),
            done("rig7", Some(update(None, "unreachable")), Some(FailureKind::NotUpdated)),
            done("porch", None, Some(FailureKind::Unreachable)),
        ];
        let expected = "DEVICE  BEFORE  AFTER  OUTCOME      TIME\n\
                        bench1  1.0.0   2.0.0  updated      1m 15s\n\
                        rig7    1.0.0   -      unreachable  1m 15s\n\
                        porch   -       -      failed       1m 15s\n";
        assert_eq!(closing_table(&done), expected);
    }

    #[test]
    fn table_of_another_command_has_the_exit_codes() {
        let done = [done("a", None, None), done("b", None, Some(FailureKind::TimedOut))];
        assert_eq!(
            closing_table(&done),
            "DEVICE  RESULT      TIME\na       done        1m 15s\nb       failed (5)  1m 15s\n"
        );
    }
}
