//! The report as one page of HTML, which loads nothing. Pure.

use std::fmt::Write as _;

use super::escape::html;
use super::model::{Report, time};
use super::timeline;

/// Forbids all requests. The empty icon keeps the browser from asking for one.
const HEAD: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<link rel=\"icon\" href=\"data:,\">
";

const STYLE: &str = "<style>
:root { color-scheme: light dark; --text: #1c2024; --soft: #6b7280; --line: #d9dde2; --good: #2f855a; --bad: #c53030; --rig: #b7791f }
@media (prefers-color-scheme: dark) { :root { --text: #e6e8eb; --soft: #9aa2ad; --line: #3a4048; --good: #48bb78; --bad: #fc8181; --rig: #ecc94b } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.4rem } h1, td, p { overflow-wrap: anywhere }
table { border-collapse: collapse; margin: 1rem 0 } th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top } th { white-space: nowrap }
svg { width: 100%; height: auto; font: 13px system-ui, sans-serif } svg text { fill: var(--text) } svg .tick { fill: var(--soft); stroke: none } svg line.tick { stroke: var(--line) }
.passed { color: var(--good); fill: var(--good) } .failed { color: var(--bad); fill: var(--bad) } .error { color: var(--rig); fill: var(--rig) } .skipped { color: var(--soft); fill: var(--soft) }
pre { white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid var(--line); padding: .75rem; font-size: 12px } section + section { border-top: 2px solid var(--line); margin-top: 2rem }
</style>
";

/// Returns the page.
pub(crate) fn text(reports: &[&Report]) -> String {
    let title = match reports {
        [report] => format!("{}: {}", report.name, report.outcome),
        reports => format!("{} devices", reports.len()),
    };
    let mut page = format!("{HEAD}<title>{} – otactl update</title>\n{STYLE}</head>\n<body>\n", html(&title));
    for report in reports {
        page += &section(report);
    }
    page + "</body>\n</html>\n"
}

/// Returns the part of the page about one device.
fn section(report: &Report) -> String {
    let class = match report.trouble {
        None => "passed",
        Some(super::gates::Trouble::Firmware) => "failed",
        Some(super::gates::Trouble::Rig) => "error",
    };
    let mut text = format!(
        "<section>\n<h1>{}: <span class=\"{class}\">{}</span> after {}</h1>\n",
        html(&report.name),
        html(&report.outcome),
        time(report.took),
    );
    if let Some(message) = &report.message {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "<p><strong class=\"{class}\">error:</strong> {}</p>", html(message));
    }
    for hint in &report.hints {
        let _ = writeln!(text, "<p><strong>hint:</strong> {}</p>", html(hint));
    }
    text += "<table>\n";
    let exit_code = report.exit_code.to_string();
    let end = [("started", Some(report.started.as_str())), ("exit code", Some(exit_code.as_str()))];
    for (name, value) in report.facts().into_iter().chain(end) {
        let _ = writeln!(text, "<tr><th>{name}</th><td>{}</td></tr>", html(value.unwrap_or("-")));
    }
    text += "</table>\n";
    text += &timeline::svg(&report.gates, report.took);
    text += "<table>\n<tr><th>gate</th><th>result</th><th>time</th></tr>\n";
    for gate in &report.gates {
        let took = if gate.spans.is_empty() { String::new() } else { time(gate.took()) };
        let (name, mark) = (html(&gate.name), gate.mark.name());
        let _ = writeln!(text, "<tr><td>{name}</td><td class=\"{mark}\">{mark}</td><td>{took}</td></tr>");
    }
    let lines: Vec<_> = report.lines.iter().map(|line| html(line)).collect();
    text + &format!("</table>\n<pre>{}</pre>\n</section>\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::model::example;

    #[test]
    fn page_escapes_texts_and_loads_nothing() {
        let page = text(&[&example::report(8), &example::report(0)]);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
        for request in ["src=", "@import", "url(", "href=\"http"] {
            assert!(!page.contains(request), "{request}: {page}");
        }
        assert_eq!((page.matches("<section>").count(), page.matches("<svg").count()), (2, 2));
        assert!(page.contains("<title>2 devices"), "{page}");
    }
}
