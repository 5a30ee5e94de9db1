//! The report for a job of GitHub: an annotation, and a step summary in Markdown. Pure.

use super::escape::{html, markdown};
use super::gates::{Gate, Mark};
use super::model::{Report, time};

/// Returns the line that annotates the log of a job, without a line break. `None` after a success.
pub(crate) fn annotation(report: &Report, is_one_of_several: bool) -> Option<String> {
    report.message.as_ref()?;
    let mut title = format!("otactl: {}", report.outcome);
    if is_one_of_several {
        title = format!("otactl: {}: {}", report.name, report.outcome);
    }
    Some(format!("::error title={}::{}", property(&title), data(&report.explanation())))
}

/// Escapes the text of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// GitHub shows no summary of more than 1 MiB, and other steps write to it, too.
const MAX_SUMMARY: usize = 600_000;

/// Returns the step summary. Without the messages of otactl if it would be too long.
pub(crate) fn summary(reports: &[&Report]) -> String {
    let all = |with_lines| reports.iter().map(|report| part(report, with_lines)).collect::<String>();
    let text = all(true);
    if text.len() > MAX_SUMMARY { all(false) } else { text }
}

/// Returns the part of the step summary about one device.
fn part(report: &Report, with_lines: bool) -> String {
    let mark = if report.trouble.is_none() { "✅" } else { "❌" };
    let build = |build: &Option<String>| build.as_deref().map_or_else(|| "-".into(), markdown);
    let rows: String = report.gates.iter().map(row).collect();
    let mut text = format!(
        "### {mark} {}: {} after {}\n\n\
         | | before | wanted | now |\n|---|---|---|---|\n| build | {} | {} | {} |\n\n\
         | gate | result | time |\n|---|---|---|\n{rows}",
        markdown(&report.name),
        markdown(&report.outcome),
        time(report.took),
        build(&report.before),
        build(&report.wanted),
        build(&report.now),
    );
    if let Some(message) = &report.message {
        text.extend(["\n**error:** ", &markdown(message), "\n"]);
    }
    for hint in &report.hints {
        text.extend(["\n**hint:** ", &markdown(hint), "\n"]);
    }
    if !with_lines {
        return text + "\n";
    }
    let lines: Vec<_> = report.lines.iter().map(|line| html(line)).collect();
    text + &format!(
        "\n<details><summary>Messages of otactl</summary>\n\n<pre>\n{}\n</pre>\n\n</details>\n\n",
        lines.join("\n")
    )
}

/// Returns the row of a gate in the table.
fn row(gate: &Gate) -> String {
    let name = markdown(&gate.name);
    match gate.mark {
        Mark::Passed => format!("| {name} | ✅ passed | {} |\n", time(gate.took())),
        Mark::Failed => format!("| **{name}** | ❌ failed | {} |\n", time(gate.took())),
        Mark::Error => format!("| **{name}** | ⚠️ error | {} |\n", time(gate.took())),
        Mark::Skipped => format!("| {name} | skipped | |\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::model::example;

    #[test]
    fn annotation_is_one_escaped_line() {
        let mut report = example::report(8);
        let line = annotation(&report, false).expect("a failure");
        assert!(
            line.starts_with("::error title=otactl%3A rolled_back::the device has restarted with a<script>"),
            "{line}"
        );
        assert!(line.ends_with("%250A%0Ahint: look at the console, or wait: 50 %25"), "{line}");
        report.name = "a::b,c\r\n::error::".into();
        let line = annotation(&report, true).expect("a failure");
        assert!(
            line.starts_with("::error title=otactl%3A a%3A%3Ab%2Cc%0D%0A%3A%3Aerror%3A%3A%3A rolled_back::"),
            "{line}"
        );
        assert!(!line.contains(['\r', '\n']), "{line}");
        assert_eq!(annotation(&example::report(0), false), None);
    }

    #[test]
    fn summary_has_tables_without_foreign_markup() {
        let text = summary(&[&example::report(8)]);
        let (markdown, _) = text.split_once("<details>").expect("the messages");
        assert!(!text.contains("<script") && !markdown.contains("](http"), "{text}");
        for (line, cells) in [("| build |", 4), ("| download |", 3), ("| **reboot** |", 3), ("| check a", 3)] {
            let row = text.lines().find(|found| found.starts_with(line)).unwrap_or_else(|| panic!("{line}: {text}"));
            assert_eq!(row.matches('|').count(), cells + 1, "{row}");
        }
        for words in
            ["### ❌ bench1 a", "rolled&#95;back after 6.1 s", "❌ failed | 2.1 s |", "**hint:** look at the console"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
        let good = summary(&[&example::report(0)]);
        assert!(good.starts_with("### ✅ ") && !good.contains("**error"), "{good}");
        let mut long = example::report(0);
        long.lines = vec!["x".repeat(4_000); 1_000];
        let short = summary(&[&long, &long]);
        assert!(short.len() < 5_000 && short.matches("### ✅ ").count() == 2, "{}", short.len());
    }
}
