//! The timeline of an update, as inline SVG. Pure.

use std::fmt::Write as _;
use std::time::Duration;

use super::escape::html;
use super::gates::{Gate, Mark};
use super::model::time;

/// Sizes in pixels.
const WIDTH: f64 = 760.0;
const NAMES: f64 = 220.0;
const TIMES: f64 = 80.0;
const ROW: f64 = 26.0;
const BAR: f64 = 14.0;
const AXIS: f64 = 22.0;

/// The longest name of a gate, in characters.
const MAX_NAME: usize = 30;

/// Returns the SVG: a row for each gate, over an axis of time that ends after `took`.
pub(crate) fn svg(gates: &[Gate], took: Duration) -> String {
    // An update takes some time in any case.
    let whole = took.max(Duration::from_millis(1)).as_secs_f64();
    let x = |at: Duration| NAMES + (at.as_secs_f64() / whole).min(1.0) * (WIDTH - NAMES - TIMES);
    let rows = f64::from(u32::try_from(gates.len()).unwrap_or(u32::MAX));
    let height = rows.mul_add(ROW, AXIS);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" role=\"img\" \
         aria-label=\"timeline of the update\">\n"
    );
    // Writing to a String cannot fail.
    for tick in ticks(whole) {
        let at = x(Duration::from_secs_f64(tick));
        let _ = writeln!(
            svg,
            "<line class=\"tick\" x1=\"{at:.1}\" y1=\"0\" x2=\"{at:.1}\" y2=\"{bottom:.1}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{label:.1}\" text-anchor=\"middle\">{tick} s</text>",
            bottom = height - AXIS,
            label = height - 6.0,
        );
    }
    let mut top = 0.0;
    for gate in gates {
        let middle = top + ROW / 2.0;
        let name = clipped(&gate.name);
        let _ = writeln!(svg, "<text x=\"0\" y=\"{:.1}\">{}</text>", middle + 4.0, html(&name));
        for span in &gate.spans {
            let (start, end) = (x(span.start), x(span.end));
            let _ = writeln!(
                svg,
                "<rect class=\"{}\" x=\"{start:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{BAR}\" rx=\"2\"/>",
                gate.mark.name(),
                middle - BAR / 2.0,
                (end - start).max(2.0),
            );
        }
        let text = if gate.mark == Mark::Skipped { "skipped".into() } else { time(gate.took()) };
        let class = if gate.mark == Mark::Skipped { "tick" } else { "time" };
        let _ = writeln!(
            svg,
            "<text class=\"{class}\" x=\"{WIDTH:.0}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            middle + 4.0
        );
        top += ROW;
    }
    svg + "</svg>\n"
}

fn clipped(name: &str) -> String {
    match name.char_indices().nth(MAX_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.into(),
    }
}

/// Returns the labels of the axis in seconds: at most 7, at round numbers.
fn ticks(whole: f64) -> impl Iterator<Item = f64> {
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];
    let step = steps.into_iter().find(|step| whole / step <= 6.0).unwrap_or(whole / 6.0);
    // Without the errors of sums of floats.
    let round = move |tick: f64| (tick * 100.0).round() / 100.0;
    (0..=6).map(move |number| round(f64::from(number) * step)).take_while(move |tick| *tick <= whole)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::model::example;

    #[test]
    fn axis_has_few_round_labels() {
        for (whole, expected) in [
            (6.125, vec![0.0, 2.0, 4.0, 6.0]),
            (0.31, vec![0.0, 0.1, 0.2, 0.3]),
            (0.001, vec![0.0]),
            (100_000.0, vec![0.0, 16_666.67, 33_333.33, 50_000.0, 66_666.67, 83_333.33, 100_000.0]),
        ] {
            assert_eq!(ticks(whole).collect::<Vec<_>>(), expected, "{whole}");
        }
    }

    #[test]
    fn bars_lie_within_the_picture_and_names_are_escaped() {
        let report = example::report(8);
        let svg = svg(&report.gates, report.took);
        assert_eq!((svg.matches("<rect").count(), svg.matches(">skipped<").count()), (3, 1), "{svg}");
        assert!(svg.contains("class=\"failed\"") && !svg.contains("<script"), "{svg}");
        assert!(svg.contains("width=\"159.6\""), "the reboot took 2.1 s of 6.1 s, of 460 px: {svg}");
        assert!(super::svg(&[], Duration::ZERO).contains("viewBox=\"0 0 760 22\""));
    }
}
