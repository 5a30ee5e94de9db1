//! The candidates for the word at the cursor.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueHint};
use clap_complete::CompletionCandidate;
use clap_complete::engine::{ArgValueCompleter, PathCompleter, ValueCompleter as _, complete};

use super::lookup::Lookup;
use super::typed::Typed;

/// What a word completes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The candidates.
    Words,
    // The shell finds these: it knows its quotes, `~`, and the taste of the user.
    Files,
    Directories,
    Programs,
}

/// What completes the word at the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) kind: Kind,
    pub(super) candidates: Vec<Candidate>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) value: String,
    /// One line, or nothing.
    pub(super) help: String,
}

/// Returns what completes the last of the words. The first word is the name of the program.
pub(super) fn answer(model: Command, words: &[String]) -> Answer {
    let nothing = Answer { kind: Kind::Words, candidates: Vec::new() };
    let [program, typed @ .., current] = words else { return nothing };
    let mut model = with_help(model);
    model.build();
    let typed = Typed::of(&model, typed);
    // clap_complete takes an operand for the value of `--json`, and the value of an option for a command. It gets neither.
    let escape = typed.is_escaped.then(|| "--".to_owned());
    let words =
        [program.clone()].into_iter().chain(typed.operands.clone()).chain(escape).chain(typed.open_option.clone());
    let words: Vec<OsString> = words.chain([current.clone()]).map(OsString::from).collect();
    let is_option = current.starts_with('-') && !typed.is_escaped && typed.open_option.is_none();
    let index = words.len() - 1;
    let mut model = with_completers(model, &Arc::new(Lookup { typed }));
    let Ok(mut found) = complete(&mut model, words, index, None) else { return nothing };
    // An option is offered only if the word begins as one. After `-x`, clap_complete would offer to add each other short option.
    let is_cluster = is_option && current.len() > 1 && !current.starts_with("--");
    found.retain(|candidate| {
        let is_option_name = candidate.get_id().is_some_and(|id| id.starts_with("arg::"));
        !candidate.is_hide_set() && (!is_option_name || (is_option && !is_cluster))
    });
    if let Some(kind) = found.iter().find_map(kind_of) {
        return Answer { kind, candidates: Vec::new() };
    }
    let candidates = found.iter().filter_map(|candidate| {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let help = help.lines().next().unwrap_or_default().to_owned();
        Some(Candidate { value: candidate.get_value().to_str()?.to_owned(), help })
    });
    Answer { kind: Kind::Words, candidates: candidates.collect() }
}

const FILES: &str = "otactl: files";
const DIRECTORIES: &str = "otactl: directories";
const PROGRAMS: &str = "otactl: programs";

/// Returns what the shell is to find in place of the candidate, or `None` for a candidate that is a word.
fn kind_of(candidate: &CompletionCandidate) -> Option<Kind> {
    match candidate.get_tag()?.to_string().as_str() {
        FILES => Some(Kind::Files),
        DIRECTORIES => Some(Kind::Directories),
        PROGRAMS => Some(Kind::Programs),
        _ => None,
    }
}

/// Returns the model that finds the values of options and operands.
fn with_completers(model: Command, lookup: &Arc<Lookup>) -> Command {
    let on = |find: fn(&Lookup, &str) -> Vec<CompletionCandidate>| {
        let lookup = lookup.clone();
        ArgValueCompleter::new(move |current: &OsStr| {
            current.to_str().map_or_else(Vec::new, |current| find(&lookup, current))
        })
    };
    let names = || on(|lookup, current| beginning_with(current, lookup.names()));
    let methods = || on(|lookup, current| beginning_with(current, lookup.methods()));
    let of_call = |command: Command| {
        let fields = on(|lookup, current| {
            if current.contains("=@") {
                file_after_at(current)
            } else {
                beginning_with(current, lookup.fields(current))
            }
        });
        command.mut_arg("method", |arg| arg.add(methods())).mut_arg("params", |arg| arg.add(fields))
    };
    let global = |arg: Arg| match arg.get_id().as_str() {
        "port" => arg.add(on(|_, current| ports(current))),
        "device" => arg.add(names()),
        "rpc_creds" => arg.add(on(|_, current| file_after_at(current))),
        "json" => arg.add(path_completer(FILES)),
        _ => with_paths(arg),
    };
    changed(model, &global)
        .mut_subcommand("call", of_call)
        .mut_subcommand("describe", |command| command.mut_arg("method", |arg| arg.add(methods())))
        .mut_subcommand("update", |command| command.mut_arg("check_rpc", |arg| arg.add(methods())))
        .mut_subcommand("simulate", |command| {
            command.mut_arg("faults", |arg| arg.add(on(|_, current| beginning_with(current, Lookup::faults()))))
        })
        .mut_subcommand("explain", |command| {
            command.mut_arg("name", |arg| arg.add(on(|_, current| beginning_with(current, Lookup::topics()))))
        })
        .mut_subcommand("devices", |command| {
            command.mut_subcommand("remove", |command| command.mut_arg("name", |arg| arg.add(names())))
        })
}

/// Returns the command with `change` made to the arguments of all commands.
fn changed(command: Command, change: &impl Fn(Arg) -> Arg) -> Command {
    command.mut_args(change).mut_subcommands(|command| changed(command, change))
}

/// Lets `help` complete to the commands and the topics.
fn with_help(model: Command) -> Command {
    let names = model.get_subcommands().map(|command| command.get_name().to_owned());
    let topics: Vec<PossibleValue> = names.chain(["connection".to_owned()]).map(PossibleValue::new).collect();
    let help = Command::new("help").about("Print the help of a command").arg(Arg::new("COMMAND").value_parser(topics));
    model.disable_help_subcommand(true).subcommand(help)
}

/// Lets an argument that is a path complete to one.
fn with_paths(arg: Arg) -> Arg {
    match arg.get_value_hint() {
        ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => arg.add(path_completer(FILES)),
        ValueHint::DirPath => arg.add(path_completer(DIRECTORIES)),
        ValueHint::CommandString | ValueHint::CommandName => arg.add(path_completer(PROGRAMS)),
        _ => arg,
    }
}

fn path_completer(kind: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| path(kind, &current.to_string_lossy()))
}

/// Returns the candidate that stands for paths, or nothing if the word begins as an option.
fn path(kind: &'static str, current: &str) -> Vec<CompletionCandidate> {
    let candidate = CompletionCandidate::new("").tag(Some(kind.into()));
    if current.starts_with('-') { Vec::new() } else { vec![candidate] }
}

/// Returns the files for a word such as `@FILE` or `key=@FILE`. The shell knows no files there, so that names that it would change are left
/// out.
fn file_after_at(current: &str) -> Vec<CompletionCandidate> {
    let Some((start, path)) = current.split_once('@') else { return Vec::new() };
    let is_plain = |found: &CompletionCandidate| {
        found
            .get_value()
            .to_str()
            .is_some_and(|path| path.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c)))
    };
    let found = PathCompleter::any().complete(OsStr::new(path));
    found.into_iter().filter(is_plain).map(|found| found.add_prefix(format!("{start}@"))).collect()
}

fn ports(current: &str) -> Vec<CompletionCandidate> {
    // A serial port is a file.
    if current.starts_with(['/', '.', '~']) { path(FILES, current) } else { beginning_with(current, Lookup::ports()) }
}

/// Returns the candidates that begin with the word. The case of letters does not count.
fn beginning_with(current: &str, candidates: Vec<CompletionCandidate>) -> Vec<CompletionCandidate> {
    let begins = |candidate: &CompletionCandidate| {
        let start = candidate.get_value().to_str().and_then(|value| value.get(..current.len()));
        start.is_some_and(|start| start.eq_ignore_ascii_case(current))
    };
    candidates.into_iter().filter(begins).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_to(line: &str) -> Answer {
        answer(crate::cli::public_model(), &line.split(' ').map(ToOwned::to_owned).collect::<Vec<_>>())
    }

    fn values(line: &str) -> Vec<String> {
        answer_to(line).candidates.into_iter().map(|candidate| candidate.value).collect()
    }

    #[test]
    fn word_completes_to_what_can_stand_there() {
        for (line, expected) in [
            ("otactl upd", &["update"][..]),
            ("otactl --port commit comm", &["commit"]),
            ("otactl -v --json ping --serial-fr", &["--serial-framing"]),
            ("otactl update --via ", &["auto", "pull", "push"]),
            ("otactl update --via=pu", &["--via=pull", "--via=push"]),
            ("otactl wait c", &["committed"]),
            ("otactl help conn", &["connection"]),
            ("otactl devices re", &["remove"]),
            ("otactl explain roll", &["rolled_back"]),
            ("otactl simulate --fault=reply-la", &["--fault=reply-late="]),
            ("otactl -p ws", &["ws://", "wss://"]),
            ("otactl --rpc-creds @Cargo.t", &["@Cargo.toml"]),
            ("otactl --rpc-creds=@sr", &["--rpc-creds=@src/"]),
            ("otactl call FS.Put data=@Cargo.t", &["data=@Cargo.toml"]),
            ("otactl --rpc-creds adm", &[]),
            ("otactl -pwss", &["-pwss://"]),
            ("otactl commit ", &[]),
            ("otactl commit -v", &[]),
            ("otactl --timeout ", &[]),
            ("otactl update -- --v", &[]),
            ("otactl conn", &[]),
            ("otactl gen", &[]),
        ] {
            assert_eq!(values(line), expected, "{line}");
        }
        let commands = values("otactl ");
        assert!(
            commands.contains(&"update".into()) && commands.iter().all(|word| !word.starts_with('-')),
            "{commands:?}"
        );
        let options = values("otactl update --");
        assert!(options.contains(&"--soak".into()) && options.contains(&"--port".into()), "{options:?}");
        assert!(!options.contains(&"--fault".into()), "an option of another command: {options:?}");
    }

    #[test]
    fn shell_finds_paths_and_programs() {
        for (line, kind) in [
            ("otactl update ", Kind::Files),
            ("otactl --ca-cert-file=a", Kind::Files),
            ("otactl --json=", Kind::Files),
            ("otactl --port /dev/tty", Kind::Files),
            ("otactl -p ~/a", Kind::Files),
            ("otactl man s", Kind::Directories),
            ("otactl update --check-cmd ", Kind::Programs),
            ("otactl update -", Kind::Words),
            ("otactl --port w", Kind::Words),
        ] {
            assert_eq!(answer_to(line).kind, kind, "{line}");
        }
    }
}
