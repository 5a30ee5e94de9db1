//! Generated files in the repository equal what the programs generate now.
//!
//! `OTACTL_REGENERATE=1 cargo test --test generated` writes them.

mod support;

#[path = "../examples/demo_bundle.rs"]
#[expect(dead_code, reason = "its main is for the command line")]
mod demo_bundle;

use std::collections::BTreeMap;
use std::path::Path;

use otactl::bundle::Bundle;
use support::{DEMO, DEMO_BUILD, file, run};

const HINT: &str = "run `OTACTL_REGENERATE=1 cargo test --test generated` and look at the difference";

fn regenerate() -> bool {
    std::env::var_os("OTACTL_REGENERATE").is_some()
}

fn files(directory: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(directory).map(|entries| entries.map(|entry| entry.expect("an entry").path()));
    entries
        .into_iter()
        .flatten()
        .map(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("text"))
        })
        .collect()
}

#[tokio::test]
async fn generated_completions_and_manual_are_current() {
    let scratch = tempfile::tempdir().expect("a directory");
    let target = if regenerate() { file("") } else { scratch.path().to_owned() };
    let run = run(&["generate", &target.display().to_string()]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    for directory in ["completions", "man"] {
        let (generated, checked_in) = (files(&target.join(directory)), files(&file(directory)));
        assert!(generated.len() >= 5, "{directory} has {} files", generated.len());
        assert_eq!(generated.keys().collect::<Vec<_>>(), checked_in.keys().collect::<Vec<_>>(), "{directory}: {HINT}");
        for (name, text) in &generated {
            assert!(checked_in.get(name) == Some(text), "{directory}/{name} is not what the binary makes: {HINT}");
        }
    }
}

#[test]
fn manual_has_exit_codes_environment_and_examples() {
    let page = std::fs::read_to_string(file("man/otactl.1")).expect("the page");
    for section in [".SH \"EXIT STATUS\"", ".SH ENVIRONMENT", ".SH EXAMPLES"] {
        assert!(page.contains(section), "{section}");
    }
    for word in ["\\fB130\\fR", "\\fBMOS_PORT\\fR", "\\fBNO_COLOR\\fR"] {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn demo_bundle_equals_the_output_of_its_program() {
    let generated = demo_bundle::demo_bundle("2.0.0", "esp32").expect("a bundle");
    if regenerate() {
        std::fs::write(file(DEMO), &generated).expect("written");
    }
    assert!(std::fs::read(file(DEMO)).expect("the fixture") == generated, "{HINT}");
    let bundle = Bundle::from_bytes(generated).expect("it is good");
    assert_eq!(bundle.manifest().build().to_string(), DEMO_BUILD);
}

/// The manual lists the exit codes of the code. The README has to list the same ones.
#[test]
fn readme_lists_every_exit_code() {
    let readme = std::fs::read_to_string(file("README.md")).expect("the README");
    let page = std::fs::read_to_string(file("man/otactl.1")).expect("the page");
    let section =
        page.split(".SH \"EXIT STATUS\"").nth(1).and_then(|rest| rest.split(".SH").next()).expect("a section");
    let lines: Vec<_> = section.lines().filter(|line| !line.is_empty() && *line != ".TP").collect();
    assert_eq!(lines.len(), 22, "eleven codes and what they mean: {lines:?}");
    for pair in lines.chunks(2) {
        let code = pair[0].trim_start_matches("\\fB").trim_end_matches("\\fR");
        let row = format!("| {code} | {} |", pair[1].replace("\\&", "").replace("\\-", "-"));
        assert!(readme.contains(&row), "{row}");
    }
}
