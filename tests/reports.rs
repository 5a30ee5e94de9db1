//! `otactl update --report`: the built binary, simulated devices, and programs that read the reports.
#![cfg(unix)]

mod support;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use otactl::sim::{Config, Firmware};
use quick_junit::{NonSuccessKind, TestCaseStatus};
use serde_json::Value;
use support::peers::{Behaviour, Peer};
use support::{DEMO, REBOOT, Run, assert_runs, file, finish, otactl, run_on, simulator, simulator_with, ws};

/// A directory for the reports of one command.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).expect("readable");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// Returns a command of otactl with all reports.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = otactl(args);
        for (kind, name) in [("junit", "a.xml"), ("json", "a.json"), ("html", "a.html")] {
            command.arg("--report").arg(format!("{kind}={}", self.path(name).display()));
        }
        command.args(["--report", "github"]).env("GITHUB_STEP_SUMMARY", self.path("summary.md"));
        command
    }

    /// Runs `update` with all reports.
    async fn update(&self, port: &str, args: &[&str]) -> Run {
        finish(self.command(&[&["--port", port, "update"], args].concat())).await
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.read("a.json")).expect("JSON")
    }

    /// Returns the suites, each with its name and its cases. The XML has to follow the schema.
    fn suites(&self) -> Vec<(String, Vec<String>)> {
        let xml = self.read("a.xml");
        check_schema(&self.path("a.xml"));
        let report = quick_junit::Report::deserialize_from_str(&xml).unwrap_or_else(|error| panic!("{error}: {xml}"));
        let suites = report.test_suites.into_iter().map(|suite| {
            let cases = suite.test_cases.iter().map(|case| {
                let result = match &case.status {
                    TestCaseStatus::Success { .. } => "passed",
                    TestCaseStatus::Skipped { .. } => "skipped",
                    TestCaseStatus::NonSuccess { kind: NonSuccessKind::Failure, .. } => "failure",
                    TestCaseStatus::NonSuccess { kind: NonSuccessKind::Error, .. } => "error",
                };
                format!("{}: {result}", case.name.as_str())
            });
            (suite.name.as_str().to_owned(), cases.collect())
        });
        suites.collect()
    }

    /// Returns the cases of the only device that were not skipped.
    fn reached(&self) -> Vec<String> {
        let mut suites = self.suites();
        assert_eq!(suites.len(), 1, "{suites:?}");
        let cases = suites.remove(0).1;
        cases.into_iter().filter(|case| !case.ends_with(": skipped")).collect()
    }
}

/// Tells whether a program is installed.
fn is_installed(program: &str) -> bool {
    let started = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    !started.is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

/// Checks the XML with xmllint. Without that program, only the parser reads it.
fn check_schema(xml: &Path) {
    if !is_installed("xmllint") {
        return;
    }
    let schema = file("tests/fixtures/junit.xsd");
    let output = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(xml).output();
    let output = output.expect("it starts");
    let text = std::fs::read_to_string(xml).expect("readable");
    assert!(output.status.success(), "{}\n{text}", String::from_utf8_lossy(&output.stderr));
}

async fn crashing() -> otactl::sim::Simulator {
    let faults = vec!["crashes".parse().expect("a fault")];
    simulator_with(Config { reboot_delay: REBOOT, faults, ..Config::default() }).await
}

#[tokio::test]
async fn update_has_a_case_for_each_gate() {
    let (device, place) = (simulator().await, Place::new());
    let args = [DEMO, "--check-rpc", "RPC.Ping", "--check-cmd", "true", "--soak", "1s"];
    let run = place.update(&ws(&device), &args).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    let expected = ["preflight", "download", "reboot", "check RPC.Ping", "check true", "soak", "commit"];
    assert_eq!(place.reached(), expected.map(|name| format!("{name}: passed")));

    let json = place.json();
    assert_eq!(json["outcome"], "updated", "{json}");
    assert_eq!((&json["event"], &json["exit_code"], &json["version"]), (&"done".into(), &0.into(), &"2.0.0".into()));
    let gates = json["gates"].as_array().expect("a list");
    let soak = gates.iter().find(|gate| gate["gate"] == "soak").and_then(|gate| gate["seconds"].as_f64());
    assert!(soak.is_some_and(|soak| (0.9..10.0).contains(&soak)), "{json}");
    let sum: f64 = gates.iter().filter_map(|gate| gate["seconds"].as_f64()).sum();
    let elapsed = json["elapsed"].as_f64().expect("a number");
    assert!(sum > elapsed * 0.8 && sum <= elapsed + 0.1, "the gates fill the update: {json}");

    let xml = place.read("a.xml");
    for text in ["back      slot 1 runs", "done      demo", r#"name="outcome" value="updated""#] {
        assert!(xml.contains(text), "{text}: {xml}");
    }
    let html = place.read("a.html");
    assert!(html.contains("<svg") && html.contains("demo 2.0.0 (20240202-020202/g234b2a65)"), "{html}");
    let summary = place.read("summary.md");
    assert!(
        summary.starts_with("### ✅ esp32&#95;AABBCC: updated after ") && !summary.contains("**error"),
        "{summary}"
    );
    assert!(!run.stderr.contains("::error"), "{}", run.shown());
    assert_eq!(place.names(), ["a.html", "a.json", "a.xml", "summary.md"], "no other file is left");

    // The wanted build runs: nothing but the preflight is needed. The files are replaced, and the summary continues.
    let again = place.update(&ws(&device), &[DEMO]).await;
    assert_eq!(again.code, 0, "{}", again.shown());
    assert_eq!(place.reached(), ["preflight: passed"]);
    assert_eq!(place.read("summary.md").matches("### ✅").count(), 2);
}

#[tokio::test]
async fn rollback_is_a_failure_of_the_reboot() {
    let (device, place) = (crashing().await, Place::new());
    let run = place.update(&ws(&device), &[DEMO, "--check-rpc", "RPC.Ping"]).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    assert_eq!(place.reached(), ["preflight: passed", "download: passed", "reboot: failure"]);
    let (message, hint) = failure_on(&run.stderr);
    let annotation = format!("::error title=otactl%3A rolled_back::{message}%0Ahint: {hint}\n");
    assert!(run.stderr.contains(&annotation), "{annotation}: {}", run.shown());
    let xml = place.read("a.xml");
    assert!(
        xml.contains(r#"type="rolled_back">"#) && xml.contains(&format!("hint: {hint}").replace('\'', "&apos;")),
        "{xml}"
    );
    assert_eq!((&place.json()["message"], &place.json()["outcome"]), (&message.into(), &"rolled_back".into()));
    let summary = place.read("summary.md");
    assert!(summary.starts_with("### ❌ ") && summary.contains("| **reboot** | ❌ failed |"), "{summary}");
    assert!(summary.contains("| build | demo 1.0.0 (") && summary.contains(" | demo 2.0.0 ("), "{summary}");
}

/// Returns the message and the hint on stderr.
fn failure_on(stderr: &str) -> (String, String) {
    let line = |label: &str| stderr.lines().find_map(|line| line.strip_prefix(label)).unwrap_or_default().to_owned();
    (line("error: "), line("hint: "))
}

#[tokio::test]
async fn trouble_before_the_update_is_at_the_preflight() {
    let newer = Firmware { version: "3.0.0".into(), ..Config::default().factory };
    let device = simulator_with(Config { factory: newer, ..Config::default() }).await;
    for (port, bundle, code, outcome, case) in [
        (ws(&device).as_str(), DEMO, 7, "refused", "preflight: failure"),
        (ws(&device).as_str(), "no-such.zip", 7, "refused", "preflight: failure"),
        ("ws://127.0.0.1:1", DEMO, 3, "untouched", "preflight: error"),
        ("gopher://device", DEMO, 2, "refused", "preflight: error"),
    ] {
        let place = Place::new();
        let run = place.update(port, &[bundle]).await;
        assert_eq!((run.code, place.reached()), (code, vec![case.to_owned()]), "{}", run.shown());
        assert_eq!((&place.json()["outcome"], &place.json()["exit_code"]), (&outcome.into(), &code.into()));
        assert!(run.stderr.contains(&format!("::error title=otactl%3A {outcome}::")), "{}", run.shown());
        assert!(place.read("a.html").contains("<svg"));
    }
}

#[tokio::test]
async fn failed_check_is_named() {
    let (device, place) = (simulator().await, Place::new());
    let args = [DEMO, "--check-rpc", "RPC.Ping", "--check-cmd", "sh -c 'echo 50% broken; false'", "--soak", "5s"];
    let run = place.update(&ws(&device), &args).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    let reached = place.reached();
    assert_eq!(reached.len(), 5, "{reached:?}: {}", run.shown());
    assert_eq!(reached[..4], ["preflight: passed", "download: passed", "reboot: passed", "check RPC.Ping: passed"]);
    assert_eq!(reached[4..], ["check sh -c 'echo 50% broken; false': failure"]);
    assert!(place.read("a.xml").contains("    50% broken\n"), "{}", place.read("a.xml"));
}

#[tokio::test]
async fn several_devices_share_a_file() {
    let (device, place) = (simulator().await, Place::new());
    let ports = [ws(&device), "ws://127.0.0.1:1".into()];
    let run = finish(place.command(&["-p", &ports[0], "-p", &ports[1], "update", DEMO])).await;
    assert_eq!(run.code, 9, "{}", run.shown());
    let suites = place.suites();
    assert_eq!(suites.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ports.each_ref());
    assert!(suites[0].1.contains(&"commit: passed".into()), "{suites:?}");
    assert!(suites[1].1.contains(&"preflight: error".into()), "{suites:?}");
    let json = place.json();
    let devices: Vec<_> = json["devices"].as_array().expect("a list").iter().map(|device| &device["device"]).collect();
    assert_eq!(devices, ports.each_ref(), "{json}");
    assert_eq!(
        run.stderr.lines().filter(|line| line.starts_with("::error title=otactl%3A ws%3A//127.0.0.1%3A1%3A ")).count(),
        1,
        "{}",
        run.shown()
    );
    assert_eq!(
        (place.read("a.html").matches("<section>").count(), place.read("summary.md").matches("### ").count()),
        (2, 2)
    );

    // Two names for one device: nothing begins, and each of them says so.
    let same = [ws(&device), format!("{}/rpc", ws(&device))];
    let run = finish(place.command(&["-p", &same[0], "-p", &same[1], "update", DEMO])).await;
    assert_eq!(run.code, 2, "{}", run.shown());
    let suites = place.suites();
    assert!(suites.len() == 2 && suites.iter().all(|(_, cases)| cases[0] == "preflight: error"), "{suites:?}");
}

#[tokio::test]
async fn interrupted_update_has_reports() {
    let silent = Peer::start(Behaviour::Silent).await;
    let device = simulator().await;
    let marker = Place::new();
    let touch = format!("sh -c 'touch {}; sleep 20'", marker.path("begun").display());
    for (port, case) in [(silent.http(), "preflight: error"), (ws(&device), "reboot: passed")] {
        let place = Place::new();
        let mut command = place.command(&["--port", &port, "update", DEMO, "--check-cmd", &touch]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        if port == silent.http() {
            silent.request_received().await;
        } else {
            while !marker.path("begun").exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        kill(Pid::from_raw(child.id().try_into().expect("a pid")), Signal::SIGINT).expect("it runs");
        let output =
            tokio::task::spawn_blocking(|| child.wait_with_output()).await.expect("no panic").expect("it ends");
        assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
        let reached = place.reached();
        assert!(reached.contains(&case.into()), "{reached:?}");
        assert!(reached.last().is_some_and(|last| last.ends_with(": error")), "{reached:?}");
        assert_eq!(place.json()["outcome"], "interrupted");
    }
}

#[tokio::test]
async fn report_that_cannot_be_written_is_an_error_before_the_update() {
    let (device, place) = (simulator().await, Place::new());
    let (mut console, port) = (device.console(), ws(&device));
    let (missing, directory) = (place.path("no/a.xml").display().to_string(), place.path("").display().to_string());
    let same = format!("html={0},json={0}", place.path("a").display());
    let events = format!("--json={}", place.path("a").display());
    for (args, words) in [
        (vec!["--report".into(), format!("junit={missing}")], "--report junit: cannot write to "),
        (vec!["--report".into(), format!("html={directory}")], "it is a directory"),
        (vec!["--report".into(), same], "the same file is given twice"),
        (
            vec![events, "--report".into(), format!("json={}", place.path("a").display())],
            "the same file is given twice",
        ),
        (vec!["--report".into(), "xml=a.xml".into()], "write junit=FILE, json=FILE, html=FILE, github or none"),
        (vec!["--report".into(), "junit".into()], "a file is missing: write junit=FILE"),
        (vec!["--report".into(), "json=-".into()], "`--json` prints the events to stdout"),
        (vec!["--report".into(), "github=a".into()], "this report has no file: write github"),
        (vec!["--report".into(), String::new()], "write junit=FILE"),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let run = run_on(&port, &[&["update", DEMO], &args[..]].concat()).await;
        assert!(run.code == 2 && run.stderr.contains(words), "{words}: {}", run.shown());
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.shown());
    }
    assert!(console.try_recv().is_err(), "the device was called");
    assert_runs(&port, "1.0.0", true).await;

    // The directory goes away while the update runs. Its result matters more.
    let directory = place.path("gone");
    std::fs::create_dir(&directory).expect("created");
    let (report, rm) = (format!("junit={}/a.xml", directory.display()), format!("rm -r {}", directory.display()));
    let run = run_on(&port, &["update", DEMO, "--report", &report, "--check-cmd", &rm]).await;
    assert_eq!(run.code, 0, "{}", run.shown());
    assert!(
        run.stderr.contains("warning: the report ") && run.stderr.contains("could not be written"),
        "{}",
        run.shown()
    );
}

#[tokio::test]
async fn job_of_github_has_a_report_unless_told_otherwise() {
    for (variables, args, expected) in [
        (&[("GITHUB_ACTIONS", "true")][..], &[][..], true),
        (&[("GITHUB_ACTIONS", "true")], &["--quiet"], true),
        (&[("GITHUB_ACTIONS", "true")], &["--json"], true),
        (&[("GITHUB_ACTIONS", "true")], &["--report", "none"], false),
        (&[("GITHUB_ACTIONS", "true"), ("OTACTL_REPORT", "none")], &[], false),
        (&[("OTACTL_REPORT", "github")], &[], true),
        (&[("GITHUB_ACTIONS", "false")], &[], false),
        (&[], &[], false),
    ] {
        let place = Place::new();
        let mut command = otactl(&[&["--port", "ws://127.0.0.1:1", "update", DEMO], args].concat());
        command.env("GITHUB_STEP_SUMMARY", place.path("summary.md")).envs(variables.iter().copied());
        let run = finish(command).await;
        let found = (
            run.stderr.contains("\n::error ") || run.stderr.starts_with("::error "),
            place.path("summary.md").exists(),
        );
        assert_eq!((run.code, found), (3, (expected, expected)), "{variables:?} {args:?}: {}", run.shown());
        assert!(!run.stdout.contains("::error"), "stdout is for JSON: {}", run.shown());
    }
    // A summary that GitHub does not give is no trouble, and one that cannot be written does not stop an automatic report.
    let mut command = otactl(&["--port", "ws://127.0.0.1:1", "update", DEMO]);
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "/no/such/summary.md");
    let run = finish(command).await;
    assert!(run.code == 3 && run.stderr.contains(" the step summary /no/such/summary.md"), "{}", run.shown());
}

/// A name of the device that each report has to escape.
const HOSTILE: &str = "a<script>fetch('//x')</script>&\"|`[b](c)\u{1b}[31m]]>\u{202e}";

#[tokio::test]
async fn texts_of_a_device_are_escaped() {
    let factory = Firmware { app: HOSTILE.into(), ..Config::default().factory };
    let config = Config { id: HOSTILE.into(), factory, reboot_delay: REBOOT, ..Config::default() };
    let (device, place) = (simulator_with(config).await, Place::new());
    let run = place.update(&ws(&device), &[DEMO, "--force"]).await;
    assert!(run.stderr.contains("a<script>"), "the device has that name: {}", run.shown());
    for name in ["a.html", "summary.md", "a.xml"] {
        let text = place.read(name);
        assert!(!text.contains("<script") && text.contains("script"), "{name}: {text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{name}: {text}");
    }
    assert!(!place.read("a.json").contains(['\u{1b}', '\u{202e}']));
    place.suites();
}

/// A device, or the program of a check, could otherwise stop the commands of the job.
#[tokio::test]
async fn messages_in_a_job_of_github_have_no_foreign_commands() {
    let factory = Firmware { app: "##[stop-commands]x".into(), ..Config::default().factory };
    let device = simulator_with(Config { factory, reboot_delay: REBOOT, ..Config::default() }).await;
    let check = "sh -c 'echo ::add-mask::1; false'";
    for (is_job, prefix) in [(true, "·"), (false, "")] {
        let mut command = otactl(&["-v", "--port", &ws(&device), "update", DEMO, "--force", "--check-cmd", check]);
        if is_job {
            command.env("GITHUB_ACTIONS", "true");
        }
        let run = finish(command).await;
        assert_eq!(run.code, 8, "{}", run.shown());
        assert_eq!(run.stderr.contains("##["), !is_job, "{}", run.shown());
        assert!(run.stderr.contains(&format!("\n{prefix}    ::add-mask::1\n")), "{}", run.shown());
    }
}

#[tokio::test]
async fn secrets_are_not_in_reports() {
    let (device, place) = (simulator().await, Place::new());
    let url = "http://admin:hunter2hunter2@127.0.0.1:1/health?key=hunter2hunter2";
    let args = [DEMO, "--rpc-creds", "admin:hunter3hunter3", "--check-http", url, "--check-timeout", "1s"];
    let run = place.update(&ws(&device), &[&args[..], &["--check-cmd", "echo hunter3hunter3"]].concat()).await;
    assert_eq!(run.code, 8, "{}", run.shown());
    for name in place.names() {
        let text = place.read(&name);
        assert!(!text.contains("hunter2") && !text.contains("hunter3"), "{name}: {text}");
    }
    assert!(!run.stderr.contains("hunter2") && !run.stderr.contains("hunter3"), "{}", run.shown());
}

/// Opens the page of a device with hostile texts in headless Chromium. Without that program, the test passes.
#[tokio::test]
async fn page_shows_the_timeline_and_asks_the_network_nothing() {
    let browsers = ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
    let Some(browser) = browsers.into_iter().find(|browser| is_installed(browser)) else { return };
    let factory = Firmware { app: HOSTILE.into(), ..Config::default().factory };
    let config = Config { factory, reboot_delay: REBOOT, ..Config::default() };
    let (device, place) = (simulator_with(config).await, Place::new());
    let run = place.update(&ws(&device), &[DEMO, "--force"]).await;
    assert_eq!(run.code, 0, "{}", run.shown());

    // All requests would go to this proxy.
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = proxy.local_addr().expect("an address");
    let mut command = tokio::process::Command::new(browser);
    command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--dump-dom"]);
    command.arg(format!("--proxy-server=http://{address}")).arg("--proxy-bypass-list=<-loopback>");
    command.arg(format!("--user-data-dir={}", place.path("profile").display()));
    command.arg(format!("--screenshot={}", place.path("a.png").display())).arg("--window-size=1000,1200");
    command.arg(format!("file://{}", place.path("a.html").display())).kill_on_drop(true);
    let dom = tokio::select! {
        output = command.output() => String::from_utf8_lossy(&output.expect("it starts").stdout).into_owned(),
        asked = proxy.accept() => panic!("the page asks the network: {asked:?}"),
        () = tokio::time::sleep(Duration::from_secs(60)) => panic!("{browser} does not end"),
    };
    assert!(dom.contains("<svg") && dom.contains("class=\"passed\"") && dom.contains(">preflight<"), "{dom}");
    assert!(!dom.contains("<script"), "{dom}");
    if let Some(kept) = std::env::var_os("KEEP_SCREENSHOT") {
        std::fs::copy(place.path("a.png"), kept).expect("copied");
    }
}

/// A recipe of a document: its shell part, and the reports that its variables ask for.
struct Recipe {
    place: String,
    reports: String,
    script: String,
}

/// Returns the indented blocks of a document, without their indentation.
fn code_blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(code) => blocks.last_mut().expect("one").extend([code, "\n"]),
            None if line.is_empty() => blocks.last_mut().expect("one").push('\n'),
            None => blocks.push(String::new()),
        }
    }
    blocks.into_iter().filter(|block| !block.trim().is_empty()).collect()
}

/// Returns the shell part of a job of GitHub (`run:`) or GitLab (`script:`).
fn shell_part(block: &str) -> Option<String> {
    let lines: Vec<&str> = block.lines().collect();
    let indent = |line: &str| line.len() - line.trim_start().len();
    let start = lines.iter().position(|line| line.trim_start().starts_with("run:") || line.trim() == "script:")?;
    if let Some(command) = lines[start].trim().strip_prefix("run:").filter(|command| command.trim() != "|") {
        return Some(command.trim().to_owned());
    }
    let inside = lines[start + 1..].iter().take_while(|line| line.is_empty() || indent(line) > indent(lines[start]));
    Some(inside.map(|line| line.trim_start().trim_start_matches("- ")).collect::<Vec<_>>().join("\n"))
}

fn recipes() -> Vec<Recipe> {
    let mut recipes = Vec::new();
    for place in ["README.md", "docs/ci.md"] {
        let text = std::fs::read_to_string(file(place)).expect("readable");
        for block in code_blocks(&text) {
            let reports = block.lines().find_map(|line| line.trim().strip_prefix("OTACTL_REPORT: "));
            let is_script = block.trim_start().starts_with("for try in");
            let script = shell_part(&block).or_else(|| is_script.then(|| block.clone()));
            if let Some(script) = script {
                let reports = reports.unwrap_or_default().to_owned();
                recipes.push(Recipe { place: place.into(), reports, script });
            }
        }
    }
    recipes
}

#[tokio::test]
async fn recipes_of_the_documents_work() {
    let recipes = recipes();
    let count = |place| recipes.iter().filter(|recipe| recipe.place == place).count();
    assert!(count("README.md") >= 2 && count("docs/ci.md") >= 3, "{} and {}", count("README.md"), count("docs/ci.md"));
    for recipe in &recipes {
        let device = simulator().await;
        let tries = recipe.script.matches("for try in 1 2 3").count() * 2 + 1;
        for (port, code, tries) in [(ws(&device), 0, 1), ("ws://127.0.0.1:1".to_owned(), 3, tries)] {
            let place = Place::new();
            for directory in ["bin", "build"] {
                std::fs::create_dir(place.path(directory)).expect("created");
            }
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_otactl"), place.path("bin/otactl")).expect("linked");
            // The pause between two tries.
            std::os::unix::fs::symlink("/bin/true", place.path("bin/sleep")).expect("linked");
            std::fs::copy(file(DEMO), place.path("build/fw.zip")).expect("copied");
            let path = format!("{}:{}", place.path("bin").display(), std::env::var("PATH").unwrap_or_default());
            // The environment of otactl without its variables.
            let clean = otactl(&[]);
            let mut command = Command::new("bash");
            command.args(["-e", "-o", "pipefail", "-c", &recipe.script]).stdin(Stdio::null());
            for (name, value) in clean.get_envs() {
                match value {
                    Some(value) => command.env(name, value),
                    None => command.env_remove(name),
                };
            }
            command.env("PATH", path).env("OTACTL_PORT", &port).env("OTACTL_REPORT", &recipe.reports);
            let run = finish({
                command.current_dir(place.path(""));
                command
            })
            .await;
            assert_eq!(run.code, code, "{}:\n{}\n{}", recipe.place, recipe.script, run.shown());
            assert_eq!(run.stderr.matches("error: ").count(), if code == 0 { 0 } else { tries }, "{}", run.shown());
            for report in recipe.reports.split(',').filter_map(|report| report.split_once('=')) {
                let text = place.read(report.1);
                assert!(text.contains("preflight"), "{}: {text}", report.1);
            }
        }
    }
}
