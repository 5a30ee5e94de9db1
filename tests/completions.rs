//! The completions in real shells, and the manual pages that `otactl man` writes. A test of a shell that is not installed passes.
#![cfg(unix)]

mod support;

use std::path::Path;
use std::process::{Command, Stdio};

use support::{file, finish, otactl, run};

/// Writes the completions for a shell to a file.
async fn write_script(shell: &str, path: &Path) {
    let script = run(&["completions", shell]).await;
    assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{}", script.shown());
    std::fs::write(path, script.stdout).expect("written");
}

fn is_installed(shell: &str) -> bool {
    Command::new(shell).arg("--version").stdout(Stdio::null()).status().is_ok()
}

/// Runs a shell in the directory of the repository. Returns stdout; stderr has to be empty.
fn shell(program: &str, args: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = command.args(args).current_dir(file("")).stdin(Stdio::null()).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success() && output.stderr.is_empty(), "{program}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Returns what bash offers for the last word.
fn bash(script: &Path, words: &[&str]) -> Vec<String> {
    // As bash calls it: with the command, the word, and the word before it.
    const COMPLETE: &str = r#"
        set -u
        source "$1"; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        _otactl otactl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
    "#;

    let script = script.display().to_string();
    let args = [&["--norc", "-c", COMPLETE, "bash", &script][..], words].concat();
    shell("bash", &args).lines().filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

#[tokio::test]
async fn bash_completes_commands_options_files_and_values() {
    let scratch = tempfile::tempdir().expect("a directory");
    let script = scratch.path().join("otactl.bash");
    write_script("bash", &script).await;

    let commands = bash(&script, &["otactl", ""]);
    assert!(commands.contains(&"update".into()) && commands.contains(&"completions".into()), "{commands:?}");
    assert!(commands.iter().all(|word| !word.starts_with('-')), "only commands: {commands:?}");
    let files = bash(&script, &["otactl", "update", ""]);
    assert!(files.contains(&"README.md".into()), "{files:?}");
    assert!(files.iter().all(|word| !word.starts_with('-')), "only files: {files:?}");
    let options = bash(&script, &["otactl", "update", "--"]);
    assert!(options.contains(&"--soak".into()) && options.contains(&"--port".into()), "{options:?}");
    assert!(!options.contains(&"--fault".into()), "an option of another command: {options:?}");
    for (words, expected) in [
        (&["otactl", "upd"][..], &["update"][..]),
        (&["otactl", "--port", "ws", ":", "//host", "comm"], &["commit"]),
        (&["otactl", "update", "READM"], &["README.md"]),
        (&["otactl", "update", "--via", ""], &["auto", "pull", "push"]),
        (&["otactl", "update", "--via", "=", "pu"], &["pull", "push"]),
        (&["otactl", "update", "--via", "="], &["auto", "pull", "push"]),
        (&["otactl", "wait", "c"], &["committed"]),
        (&["otactl", "help", "conn"], &["connection"]),
        (&["otactl", "--ca-cert-file", "READM"], &["README.md"]),
        (&["otactl", "man", "sr"], &["src"]),
        (&["otactl", "man", "READM"], &[]),
        (&["otactl", "call", ""], &[]),
        (&["otactl", "commit", ""], &[]),
        (&["otactl", "ping", "--timeout", ""], &[]),
    ] {
        assert_eq!(bash(&script, words), expected, "{words:?}");
    }
}

#[tokio::test]
async fn fish_completes_commands_options_files_and_values() {
    if !is_installed("fish") {
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory");
    let script = scratch.path().join("otactl.fish");
    write_script("fish", &script).await;
    let complete = |line: &str| {
        let source = script.display();
        // The directory of the user's own completions may hold others of this name.
        let code = format!("set fish_complete_path; source {source}; complete -C '{line}'");
        let found = shell("fish", &["--no-config", "-c", &code]);
        let mut words: Vec<_> =
            found.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
        words.sort();
        words
    };
    let commands = complete("otactl ");
    assert!(commands.contains(&"update".into()), "{commands:?}");
    assert!(commands.iter().all(|word| !word.starts_with('-')), "only commands: {commands:?}");
    for (line, expected) in [
        ("otactl upd", &["update"][..]),
        ("otactl update READM", &["README.md"]),
        ("otactl update --via ", &["auto", "pull", "push"]),
        ("otactl update --so", &["--soak"]),
        ("otactl wait c", &["committed"]),
        ("otactl help conn", &["connection"]),
        ("otactl call ", &[]),
        ("otactl commit ", &[]),
        ("otactl --timeout ", &[]),
        ("otactl --serial-framing ", &["auto", "line", "quoted"]),
        ("otactl ping --serial-framing ", &["auto", "line", "quoted"]),
    ] {
        assert_eq!(complete(line), expected, "{line}");
    }
}

/// zsh completes only in a terminal: the test types into one.
#[tokio::test]
async fn zsh_completes_commands_files_and_values() {
    const COMPLETE: &str = r#"
        zmodload zsh/zpty
        zpty z zsh -f -i
        # The end of a line of the list is no end of the screen: a list that is cut would hide words.
        zpty -w z "stty rows 60 cols 200; PS1=; fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -u -D"
        zpty -w z "bindkey '^I' list-choices; bindkey '^X' end-of-list; zle -N end-of-list; end-of-list() { zle -M LISTED; zle -R; exit }"
        zpty -w z 'print REA''DY'
        zpty -r -m z screen '*READY*'
        zpty -w -n z "$2"$'\t\x18'
        zpty -r -m z screen '*LISTED*'
        print -r -- "$screen"
    "#;

    if !is_installed("zsh") {
        return;
    }
    let scratch = tempfile::tempdir().expect("a directory");
    write_script("zsh", &scratch.path().join("_otactl")).await;
    let directory = scratch.path().display().to_string();
    for (line, expected, unexpected) in [
        ("otactl ", "update  ", "--port"),
        ("otactl update REA", "README.md", "--soak"),
        ("otactl update --via ", "push  -- otactl sends the firmware", "README.md"),
        ("otactl update --check-", "--check-http", "README.md"),
        ("otactl wait ", "uncommitted  -- ", "README.md"),
        ("otactl help ", "connection", "README.md"),
        ("otactl call ", "LISTED", "README.md"),
        ("otactl --timeout ", "LISTED", "README.md"),
    ] {
        let screen = shell("zsh", &["-f", "-c", COMPLETE, "zsh", &directory, line]);
        assert!(screen.contains(expected), "{line}: {screen}");
        assert!(!screen.contains(unexpected), "{line}: {screen}");
        assert!(!screen.contains("_otactl:") && !screen.contains("_arguments:"), "an error at {line}: {screen}");
    }
}

#[tokio::test]
async fn completions_are_installed_for_the_user() {
    for (shell, path, next) in [
        ("bash", ".local/share/bash-completion/completions/otactl", "open a new shell"),
        ("zsh", ".zfunc/_otactl", "fpath=(~/.zfunc $fpath)"),
        ("fish", ".config/fish/completions/otactl.fish", "open a new shell"),
    ] {
        let home = tempfile::tempdir().expect("a directory");
        let mut command = otactl(&["completions", shell, "--install"]);
        for variable in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "BASH_COMPLETION_USER_DIR"] {
            command.env_remove(variable);
        }
        command.env("HOME", home.path());
        let installed = finish(command).await;
        assert_eq!((installed.code, installed.stdout.as_str()), (0, ""), "{shell}: {}", installed.shown());
        let path = home.path().join(path);
        assert!(installed.stderr.contains(&path.display().to_string()), "{shell}: {}", installed.shown());
        assert!(installed.stderr.contains(next), "{shell}: {}", installed.shown());
        let printed = run(&["completions", shell]).await;
        assert!(std::fs::read_to_string(&path).expect("the file") == printed.stdout, "{shell}");
    }
    let other = run(&["completions", "powershell", "--install"]).await;
    assert!(other.code == 2 && other.stderr.contains("`otactl completions powershell > FILE`"), "{}", other.shown());
}

#[tokio::test]
async fn manual_describes_the_options_of_all_commands_once() {
    let scratch = tempfile::tempdir().expect("a directory");
    let directory = scratch.path().join("man1");
    let written = run(&["man", &directory.display().to_string()]).await;
    assert_eq!(written.code, 0, "{}", written.shown());
    let page = |name: &str| std::fs::read_to_string(directory.join(name)).expect("the page").replace("\\-", "-");

    let update = page("otactl-update.1");
    let forms = "\\fBotactl\\fR \\fBupdate\\fR \\fI[OPTIONS]\\fR \\fI[FILE]\\fR\n.br\n\
                 \\fBotactl\\fR \\fBupdate\\fR \\fI[OPTIONS]\\fR \\fB--url\\fR \\fIURL\\fR\n";
    assert!(update.contains(forms), "{update}");
    assert!(update.contains("OTACTL_COMMIT_TIMEOUT") && !update.contains("OTACTL_BAUD_RATE"), "{update}");
    let ping = page("otactl-ping.1");
    assert!(!ping.contains("--baud-rate") && ping.contains(".SH \"SEE ALSO\"\n\\fBotactl\\fR(1)"), "{ping}");
    assert!(ping.lines().count() < 70, "{ping}");
    let main = page("otactl.1");
    for text in ["--baud-rate", "OTACTL_BAUD_RATE", "OTACTL_MQTT_PASSWORD\\fR", "MOS_PORT", "\\fBotactl-update\\fR(1)"]
    {
        assert!(main.contains(text), "{text}: {main}");
    }
}
