//! The report as JUnit XML: one suite for each device, one case for each gate. Pure.

use quick_junit::{NonSuccessKind, SerializeError, TestCase, TestCaseStatus, TestSuite};

use super::gates::{Gate, Mark};
use super::model::Report;

/// Returns the XML.
pub(crate) fn text(reports: &[&Report]) -> Result<String, SerializeError> {
    let mut all = quick_junit::Report::new("otactl update");
    all.set_time(reports.iter().map(|report| report.took).max().unwrap_or_default());
    all.timestamp = reports.first().and_then(|report| report.started.parse().ok());
    for report in reports {
        all.add_test_suite(suite(report));
    }
    all.to_string()
}

fn suite(report: &Report) -> TestSuite {
    let mut suite = TestSuite::new(&report.name);
    suite.set_time(report.took);
    suite.timestamp = report.started.parse().ok();
    let exit_code = report.exit_code.to_string();
    let end = [("outcome", Some(report.outcome.as_str())), ("exit_code", Some(exit_code.as_str()))];
    for (name, value) in report.facts().into_iter().chain(end) {
        if let Some(value) = value {
            suite.add_property((name, value));
        }
    }
    for gate in &report.gates {
        suite.add_test_case(case(report, gate));
    }
    suite.set_system_out(report.lines.join("\n"));
    suite
}

fn case(report: &Report, gate: &Gate) -> TestCase {
    let failed = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(&report.outcome).set_description(report.explanation());
        status.set_message(report.message.as_deref().unwrap_or_default());
        status
    };
    let status = match gate.mark {
        Mark::Passed => TestCaseStatus::success(),
        Mark::Skipped => TestCaseStatus::skipped(),
        Mark::Failed => failed(NonSuccessKind::Failure),
        Mark::Error => failed(NonSuccessKind::Error),
    };
    let mut case = TestCase::new(&gate.name, status);
    case.set_classname(format!("otactl.{}", report.name)).set_time(gate.took());
    // Some viewers show the output of a case only.
    if matches!(gate.mark, Mark::Failed | Mark::Error) {
        case.set_system_out(report.lines.join("\n"));
    }
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::model::example;

    #[test]
    fn firmware_trouble_is_a_failure_and_rig_trouble_an_error() {
        for (exit_code, counts, tag) in [
            (0, r#"tests="4" skipped="1" failures="0" errors="0""#, "</testcase>"),
            (8, r#"tests="4" skipped="1" failures="1" errors="0""#, "<failure message="),
            (5, r#"tests="4" skipped="1" failures="0" errors="1""#, "<error message="),
        ] {
            let xml = text(&[&example::report(exit_code)]).expect("XML");
            assert!(xml.contains(counts), "{xml}");
            assert!(exit_code == 0 || xml.contains(tag), "{xml}");
            assert!(xml.contains(r#"timestamp="2026-11-28T14:00:27.412+00:00""#), "{xml}");
            assert!(!xml.contains("<script>") && xml.contains("&lt;script&gt;"), "{xml}");
        }
    }

    #[test]
    fn each_device_is_a_suite() {
        let xml = text(&[&example::report(0), &example::report(8)]).expect("XML");
        assert_eq!((xml.matches("<testsuite ").count(), xml.matches("<testcase ").count()), (2, 8), "{xml}");
    }
}
