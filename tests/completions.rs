//! The completions in real shells, and the manual pages that `otactl man` writes. A test of a shell that is not installed passes.
#![cfg(unix)]

mod support;

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use support::{file, finish, otactl, run, simulator, ws};

/// A directory with `otactl` for the PATH of a shell, the cache, the configuration, and the scripts.
struct Place(tempfile::TempDir);

impl Place {
    /// Creates the directory with the scripts that `otactl completions` prints, and with the devices `bench1` and `bench2`.
    async fn new(ports: [&str; 2]) -> Self {
        let place = Self(tempfile::tempdir().expect("a directory"));
        for directory in ["bin", "cache", "otactl"] {
            std::fs::create_dir(place.path(directory)).expect("created");
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_otactl"), place.path("bin/otactl")).expect("linked");
        let config = format!("[device.bench1]\nport = '{}'\n[device.bench2]\nport = '{}'\n", ports[0], ports[1]);
        std::fs::write(place.path("otactl/config.toml"), config).expect("written");
        for (shell, name) in [("bash", "otactl.bash"), ("zsh", "_otactl"), ("fish", "otactl.fish")] {
            let script = run(&["completions", shell]).await;
            assert_eq!((script.code, script.stderr.as_str()), (0, ""), "{}", script.shown());
            std::fs::write(place.path(name), script.stdout).expect("written");
        }
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Lets a command find `otactl`, the cache and the configuration here.
    fn prepare<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("OTACTL_")) {
            command.env_remove(name);
        }
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap_or_default());
        command.env("PATH", path).env("XDG_CACHE_HOME", self.path("cache")).env("XDG_CONFIG_HOME", self.0.path());
        command.env("HOME", self.0.path());
        command.env_remove("MOS_PORT").env_remove("COMPLETE").current_dir(file(""))
    }

    /// Runs `otactl` to its end. It has to succeed.
    async fn run(&self, args: &[&str]) {
        let mut command = otactl(args);
        self.prepare(&mut command);
        let run = finish(command).await;
        assert_eq!(run.code, 0, "{}", run.shown());
    }

    /// Asks `otactl` as the script for fish does.
    fn asked(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_otactl"));
        self.prepare(&mut command).env("COMPLETE", "fish").arg("--").arg("otactl").args(words);
        command
    }

    /// Returns stdout of a shell. stderr has to be empty.
    fn shell(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        let output = self.prepare(&mut command).args(args).stdin(Stdio::null()).output().expect("it starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{program}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Types lines into a bash with the completions. Returns for each line the words that it then ran, each as `<word>`.
    fn bash(&self, lines: &[&str]) -> Vec<String> {
        let script = self.path("otactl.bash").display().to_string();
        let start = format!("PS1=; source {script}; otactl() {{ printf '<%s>' \"$@\"; echo; }}");
        let typed = self.path("typed");
        std::fs::write(&typed, format!("{start}\n{}\n", lines.join("\n"))).expect("written");
        let mut command = Command::new("bash");
        // readline takes the lines from a file, too.
        let command = self.prepare(&mut command).args(["--noprofile", "--norc", "-i"]).env("INPUTRC", "/dev/null");
        let stdin = std::fs::File::open(typed).expect("the lines");
        let output = command.env("HISTFILE", "").env("TERM", "dumb").stdin(stdin).output().expect("it starts");
        let stderr = text(&output.stderr);
        for line in stderr.lines().filter(|line| line.contains("bash: ")) {
            assert!(line.contains("terminal process group") || line.contains("no job control"), "{stderr}");
        }
        assert!(!stderr.contains("otactl: "), "{stderr}");
        let ran: Vec<String> = text(&output.stdout).lines().map(ToOwned::to_owned).collect();
        assert_eq!(ran.len(), lines.len(), "{ran:?} {stderr}");
        ran
    }

    /// Returns what fish offers for the last word of a line.
    fn fish(&self, line: &str) -> Vec<String> {
        let source = self.path("otactl.fish").display().to_string();
        // The directory of the user's own completions may hold others of this name.
        let code = format!("set fish_complete_path; source {source}; complete -C '{line}'");
        let found = self.shell("fish", &["--no-config", "-c", &code]);
        let mut words: Vec<_> =
            found.lines().map(|line| line.split('\t').next().unwrap_or_default().to_owned()).collect();
        words.sort();
        words
    }

    /// Types lines into a zsh with the completions. Returns for each line the words that it then ran, each as `<word>`.
    fn zsh(&self, lines: &[&str]) -> Vec<String> {
        const TYPE: &str = r#"
            zmodload zsh/zpty
            zpty z zsh -f -i
            zpty -w z "stty rows 60 cols 200; PS1=; fpath=(${(q)1} \$fpath); autoload -U compinit; compinit -u -D; bindkey '^I' complete-word"
            # The terminal shows what is typed, too: it does not look like what the function prints.
            zpty -w z 'otactl() { print -r -- RA"N>${(j:>:)@}<" }; print REA""DY'
            zpty -r -m z screen '*READY*'
            shift
            for line in "$@"; do
                zpty -w z "$line"$'\n'"print DO''NE"
                zpty -r -m z screen '*DONE*'
                print -r -- ${(M)${(f)screen}:#*RAN\>*\<*}
            done
        "#;

        let directory = self.0.path().display().to_string();
        let ran = self.shell("zsh", &[&["-f", "-c", TYPE, "zsh", &directory][..], lines].concat());
        let words = |line: &str| {
            let line = &line[line.find("RAN>").map_or(0, |at| at + 4)..line.find('<').unwrap_or_default()];
            format!("<{}>", line.replace('>', "><"))
        };
        ran.lines().map(words).collect()
    }
}

fn is_installed(shell: &str) -> bool {
    Command::new(shell).arg("--version").stdout(Stdio::null()).status().is_ok()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Types lines and compares the words that ran.
fn assert_typed(types: impl Fn(&[&str]) -> Vec<String>, cases: &[(&str, &str)]) {
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    for (ran, (line, expected)) in types(&lines).iter().zip(cases) {
        assert_eq!(ran, expected, "{line:?}");
    }
}

#[tokio::test]
async fn bash_completes_commands_options_files_and_values() {
    // Escape and `*` insert all candidates.
    const ALL: &str = "\x1b*";

    let place = Place::new(["ws://127.0.0.1:1", "sim:"]).await;
    let [commands, files, options] = place
        .bash(&[&format!("otactl {ALL}"), &format!("otactl update {ALL}"), &format!("otactl update --{ALL}")])
        .try_into()
        .expect("three lines");
    assert!(commands.contains("<update>") && commands.contains("<completions>"), "{commands}");
    assert!(!commands.contains("<-") && !commands.contains("<generate>"), "only visible commands: {commands}");
    assert!(files.contains("<README.md>") && !files.contains("<-"), "only files: {files}");
    assert!(options.contains("<--soak>") && options.contains("<--port>"), "{options}");
    assert!(!options.contains("<--fault>"), "an option of another command: {options}");

    let directory = place.path("a dir");
    std::fs::create_dir(&directory).expect("created");
    std::fs::write(directory.join("my file.zip"), "").expect("written");
    let directory = directory.display().to_string();
    let (plain, quoted) = (directory.replace("a dir", "a"), directory.replace(' ', "\\ "));
    assert_typed(
        |lines| place.bash(lines),
        &[
            ("otactl upd\t", "<update>"),
            ("otactl --port ws://host comm\t", "<--port><ws://host><commit>"),
            ("otactl update READM\t", "<update><README.md>"),
            ("otactl update --via \x1b*", "<update><--via><auto><pull><push>"),
            ("otactl update --via=pus\t", "<update><--via=push>"),
            ("otactl wait c\t", "<wait><committed>"),
            ("otactl help conn\t", "<help><connection>"),
            ("otactl --ca-cert-file READM\t", "<--ca-cert-file><README.md>"),
            ("otactl --ca-cert-file=READM\t", "<--ca-cert-file=README.md>"),
            ("otactl man sr\t", "<man><src/>"),
            ("otactl man READM\t", "<man><READM>"),
            ("otactl call \x1b*", "<call>"),
            ("otactl commit \x1b*", "<commit>"),
            ("otactl ping --timeout \x1b*", "<ping><--timeout>"),
            ("otactl -p sim\t", "<-p><sim:>"),
            ("otactl --rpc-creds @Cargo.t\tping", "<--rpc-creds><@Cargo.toml><ping>"),
            ("otactl call FS.Put data=@Cargo.t\t", "<call><FS.Put><data=@Cargo.toml>"),
            ("otactl -p mqtts\tb", "<-p><mqtts://b>"),
            ("otactl -p mqtts:\tb", "<-p><mqtts://b>"),
            ("otactl --port=mqtts:/\tb", "<--port=mqtts://b>"),
            ("otactl -p /dev/nul\t", "<-p></dev/null>"),
            ("otactl -d bench\x1b*", "<-d><bench1><bench2>"),
            ("otactl devices remove bench\x1b*", "<devices><remove><bench1><bench2>"),
            ("otactl simulate --fault reply-la\tM", "<simulate><--fault><reply-late=M>"),
            ("otactl explain roll\t", "<explain><rolled_back>"),
            (&format!("otactl update {plain}\tmy\t"), &format!("<update><{directory}/my file.zip>")),
            ("otactl update ~/a\tmy\t", &format!("<update><{directory}/my file.zip>")),
            (&format!("otactl update '{directory}/m\t"), &format!("<update><{directory}/my file.zip>")),
            (&format!("true && otactl update {quoted}/m\t"), &format!("<update><{directory}/my file.zip>")),
        ],
    );
}

#[tokio::test]
async fn fish_completes_commands_options_files_and_values() {
    if !is_installed("fish") {
        return;
    }
    let place = Place::new(["ws://127.0.0.1:1", "sim:"]).await;
    let commands = place.fish("otactl ");
    assert!(commands.contains(&"update".into()) && !commands.contains(&"generate".into()), "{commands:?}");
    assert!(commands.iter().all(|word| !word.starts_with('-')), "only commands: {commands:?}");
    for (line, expected) in [
        ("otactl upd", &["update"][..]),
        ("otactl update READM", &["README.md"]),
        ("otactl update --via ", &["auto", "pull", "push"]),
        ("otactl update --via=pu", &["--via=pull", "--via=push"]),
        ("otactl update --so", &["--soak"]),
        ("otactl wait c", &["committed"]),
        ("otactl help conn", &["connection"]),
        ("otactl --ca-cert-file=READM", &["--ca-cert-file=README.md"]),
        ("otactl man sr", &["src/"]),
        ("otactl man READM", &[]),
        ("otactl call ", &[]),
        ("otactl commit ", &[]),
        ("otactl --timeout ", &[]),
        ("otactl --serial-framing ", &["auto", "line", "quoted"]),
        ("otactl ping --serial-framing ", &["auto", "line", "quoted"]),
        ("otactl -p w", &["ws://", "wss://"]),
        ("otactl -d ", &["bench1", "bench2"]),
    ] {
        assert_eq!(place.fish(line), expected, "{line}");
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
        zpty -w z 'print REA""DY'
        zpty -r -m z screen '*READY*'
        zpty -w -n z "$2"$'\t\x18'
        zpty -r -m z screen '*LISTED*'
        print -r -- "$screen"
    "#;

    if !is_installed("zsh") {
        return;
    }
    let place = Place::new(["ws://127.0.0.1:1", "sim:"]).await;
    let directory = place.0.path().display().to_string();
    for (line, expected, unexpected) in [
        ("otactl ", "update  ", "--port"),
        ("otactl update REA", "README.md", "--soak"),
        ("otactl update --via ", "push  -- otactl sends the firmware", "README.md"),
        ("otactl update --check-", "--check-http", "README.md"),
        ("otactl wait ", "uncommitted  -- ", "README.md"),
        ("otactl help ", "connection", "README.md"),
        ("otactl call ", "LISTED", "README.md"),
        ("otactl --timeout ", "LISTED", "README.md"),
        ("otactl -d ", "bench1  -- ws://127.0.0.1:1", "README.md"),
    ] {
        let screen = place.shell("zsh", &["-f", "-c", COMPLETE, "zsh", &directory, line]);
        assert!(screen.contains(expected), "{line}: {screen}");
        assert!(!screen.contains(unexpected), "{line}: {screen}");
        assert!(!screen.contains("_otactl:") && !screen.contains("_arguments:"), "an error at {line}: {screen}");
    }
    assert_typed(
        |lines| place.zsh(lines),
        &[
            ("otactl upd\t", "<update>"),
            ("otactl update --via=pus\t", "<update><--via=push>"),
            ("otactl --ca-cert-file=READM\t", "<--ca-cert-file=README.md>"),
            ("otactl man sr\t", "<man><src>"),
            ("otactl -p mqtts\tb", "<-p><mqtts://b>"),
            ("otactl --port=mqtts:\tb", "<--port=mqtts://b>"),
            ("otactl -p /dev/nul\t", "<-p></dev/null>"),
            ("otactl simulate --fault reply-la\tM", "<simulate><--fault><reply-late=M>"),
        ],
    );
}

#[tokio::test]
async fn methods_arguments_and_paths_are_offered_once_the_device_has_told_them() {
    let devices = [simulator().await, simulator().await];
    let [bench1, bench2] = devices.each_ref().map(ws);
    let place = Place::new([&bench1, &bench2]).await;
    let complete = |words: &[&str]| {
        let output = place.asked(words).output().expect("it starts");
        assert!(output.status.success() && output.stderr.is_empty(), "{}", text(&output.stderr));
        text(&output.stdout).lines().skip(1).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert!(complete(&["-d", "bench1", "call", ""]).is_empty(), "nothing is known yet");
    place.run(&["-d", "bench*", "list"]).await;
    place.run(&["-d", "bench1", "describe", "OTA.Update"]).await;
    place.run(&["-d", "bench1", "call", "Config.Get"]).await;
    place.run(&["-d", "bench1", "call", "RPC.Describe", "name=Config.Set"]).await;
    assert_eq!(std::fs::read_dir(place.path("cache/otactl")).expect("the cache").count(), 2, "a file for each device");
    assert!(complete(&["-p", &bench1, "call", ""]).is_empty(), "the address has another name");
    place.run(&["-p", &bench1, "list"]).await;
    for (words, expected) in [
        (&["-d", "bench1", "call", "ota.u"][..], &["OTA.Update"][..]),
        (&["-d", "bench2", "describe", "OTA.U"], &["OTA.Update"]),
        (&["-p", &bench1, "call", "OTA.U"], &["OTA.Update"]),
        (&["call", "OTA.U", "-d", "bench1"], &["bench1\tws://"]),
        (&["-d", "bench1", "update", "--check-rpc", "OTA.S"], &["OTA.SetBootState", "OTA.Status"]),
        (&["-d", "bench1", "call", "OTA.Update", "url=x", "t"], &["timeout="]),
        (&["-d", "bench2", "call", "OTA.Update", ""], &[]),
        (&["-d", "bench1", "call", "Config.Get", "key=debug.le"], &["key=debug.level"]),
        (&["-d", "bench1", "call", "Config.Get", "key=debu"], &["key=debug", "key=debug.udp_log_addr"]),
        (&["-d", "bench1", "call", "Config.Set", ""], &["key=", "config."]),
        (&["-d", "bench1", "call", "Config.Set", "config.debug.le"], &["config.debug.level="]),
        (&["-d", "bench3", "call", ""], &[]),
        (&["-p", "ws://127.0.0.1:1", "call", ""], &[]),
    ] {
        let found = complete(words);
        assert!(found.len() >= expected.len() && (found.is_empty() == expected.is_empty()), "{words:?}: {found:?}");
        assert!(
            found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected)),
            "{words:?}: {found:?}"
        );
    }

    let line = format!("otactl -p {bench1} call OTA.U\tx");
    let expected = format!("<-p><{bench1}><call><OTA.Update><x>");
    let cases = [
        (line.as_str(), expected.as_str()),
        ("otactl -d bench1 call OTA.Update comm\t5", "<-d><bench1><call><OTA.Update><commit_timeout=5>"),
        ("otactl -d bench1 call Config.Set con\tdebug.lev\t5", "<-d><bench1><call><Config.Set><config.debug.level=5>"),
        ("otactl -d bench1 call Config.Get key=debug.lev\tx", "<-d><bench1><call><Config.Get><key=debug.level><x>"),
    ];
    assert_typed(|lines| place.bash(lines), &cases);
    if is_installed("zsh") {
        assert_typed(|lines| place.zsh(lines), &cases);
    }
    if is_installed("fish") {
        assert_eq!(place.fish(&format!("otactl -p {bench1} call OTA.U")), ["OTA.Update"]);
        assert_eq!(place.fish("otactl -d bench1 call OTA.Update comm"), ["commit_timeout="]);
    }
    for file in std::fs::read_dir(place.path("cache/otactl")).expect("the cache").flatten() {
        let text = std::fs::read_to_string(file.path()).expect("the file");
        assert!(!text.contains("esp32"), "a value of the configuration: {text}");
        assert_eq!(file.metadata().expect("the file").permissions().mode() & 0o077, 0, "only for this user");
    }
}

#[tokio::test]
async fn command_succeeds_if_the_cache_cannot_be_written() {
    let device = simulator().await;
    let mut command = otactl(&["--port", &ws(&device), "list"]);
    command.env("XDG_CACHE_HOME", "/dev/null/cache");
    let list = finish(command).await;
    assert_eq!((list.code, list.stderr.as_str()), (0, ""), "{}", list.shown());
}

#[tokio::test]
async fn tab_makes_no_connection_writes_no_file_and_is_fast() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let port = format!("ws://{}", listener.local_addr().expect("an address"));
    let place = Place::new([&port, "sim:"]).await;
    // A stdin that never ends.
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let max = Duration::from_millis(if cfg!(debug_assertions) { 200 } else { 20 });
    for words in [
        &["-d", "bench1", "call", ""][..],
        &["-p", &port, "call", "Config.Get", "key="],
        &["call", "", "-p", ""],
        &["-d", ""],
        &["update", ""],
        &["-d", "bench1", "list", "--"],
        &["--config", "/dev/stdin", "-d", ""],
    ] {
        let times = (0..10).map(|_| {
            let started = Instant::now();
            let output = place.asked(words).stdin(reader.try_clone().expect("a copy")).output().expect("it starts");
            assert!(output.status.success() && output.stderr.is_empty(), "{words:?}: {}", text(&output.stderr));
            started.elapsed()
        });
        let least = times.min().expect("ten runs");
        assert!(least < max, "{words:?} took {least:?}");
    }
    assert_eq!(listener.accept().expect_err("no connection").kind(), ErrorKind::WouldBlock);
    assert_eq!(std::fs::read_dir(place.path("cache")).expect("the cache").count(), 0);
}

#[tokio::test]
async fn shells_say_nothing_if_otactl_is_missing_or_old() {
    let place = Place::new(["sim:", "sim:"]).await;
    let program = place.path("bin/otactl");
    std::fs::remove_file(&program).expect("removed");
    for old in [None, Some("#!/bin/sh\necho 'error: unrecognized subcommand' >&2\nexit 2\n")] {
        if let Some(old) = old {
            std::fs::write(&program, old).expect("written");
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("set");
        }
        let cases = [("otactl upd\tx", "<updx>"), ("otactl call \tx", "<call><x>")];
        assert_typed(|lines| place.bash(lines), &cases);
        if is_installed("zsh") {
            assert_typed(|lines| place.zsh(lines), &cases);
        }
        if is_installed("fish") {
            assert!(place.fish("otactl upd").is_empty());
        }
    }
}

#[tokio::test]
async fn variable_complete_asks_for_the_script_only_with_the_name_of_a_shell() {
    for (value, is_script) in
        [("bash", true), ("/usr/bin/zsh", true), ("powershell", true), ("", false), ("0", false), ("1", false)]
    {
        let mut command = otactl(&["--version"]);
        command.env("COMPLETE", value);
        let run = finish(command).await;
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{value}: {}", run.shown());
        assert_eq!(run.stdout.starts_with("otactl 0."), !is_script, "{value}: {}", run.shown());
        let runs_this_program = run.stdout.contains(env!("CARGO_BIN_EXE_otactl"));
        assert_eq!(runs_this_program, is_script, "{value}: {}", run.shown());
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
