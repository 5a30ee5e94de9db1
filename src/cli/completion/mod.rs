//! The completions for shells.
//!
//! Each shell has a short script, which asks the program at each TAB: `COMPLETE=SHELL otactl -- WORDS`. So one place knows the
//! commands, the options and the values, and the candidates can depend on the configuration and on this machine. The program
//! answers with lines: the kind of the answer, then the candidates. It never asks a device.
//!
//! - [`line`]: the words of a line of bash; [`typed`]: what the words before the cursor say; [`answer`]: the candidates for the word
//!   at the cursor; [`lookup`]: the candidates that depend on this machine;
//! - [`device_key`]: what names a device; [`knowledge`]: what is known of a device, in the cache of the user; [`learn`]: what a reply
//!   adds to it; [`words`]: the words of devices that are safe in every shell.

mod answer;
pub(crate) mod device_key;
mod knowledge;
pub(crate) mod learn;
mod line;
mod lookup;
mod typed;
mod words;

use std::ffi::OsString;
use std::{env, path::Path};

use clap_complete::Shell;

use answer::{Answer, Kind};

/// Returns what to print if a shell runs the program for its completions: the script, or the candidates.
///
/// The words of the command line follow `--`. Without `--`, the shell wants the script.
pub(crate) fn requested(model: fn() -> clap::Command) -> Option<String> {
    let shell = Shell::from_shell_path(env::var_os("COMPLETE")?)?;
    let mut args = env::args_os();
    let program = args.next().unwrap_or_default();
    let words: Vec<String> =
        args.skip_while(|arg| arg != "--").skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    if words.is_empty() {
        return Some(script(shell, &absolute(program)));
    }
    Some(reply(shell, words, model()))
}

/// The program, as the scripts name it.
const PROGRAM: &str = "'otactl'";

/// Returns the completions for a shell. They run `program`.
pub(crate) fn script(shell: Shell, program: &str) -> String {
    let script = match shell {
        Shell::Bash => include_str!("../../../completions/otactl.bash"),
        Shell::Zsh => include_str!("../../../completions/_otactl"),
        Shell::Fish => include_str!("../../../completions/otactl.fish"),
        Shell::PowerShell => include_str!("../../../completions/_otactl.ps1"),
        _ => include_str!("../../../completions/otactl.elv"),
    };
    script.replace(PROGRAM, &quoted(shell, program))
}

/// Returns the name of the file with the completions for a shell.
pub(crate) fn file_name(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => "otactl.bash",
        Shell::Zsh => "_otactl",
        Shell::Fish => "otactl.fish",
        Shell::PowerShell => "_otactl.ps1",
        _ => "otactl.elv",
    }
}

/// Returns a program as a shell finds it from every directory.
fn absolute(program: OsString) -> String {
    let path = Path::new(&program);
    let absolute = if path.components().count() > 1 { std::path::absolute(path).ok() } else { None };
    absolute.map_or(program, OsString::from).to_string_lossy().into_owned()
}

/// Quotes a word for a shell.
fn quoted(shell: Shell, word: &str) -> String {
    let escaped = match shell {
        Shell::Fish => word.replace('\\', r"\\").replace('\'', r"\'"),
        Shell::PowerShell | Shell::Elvish => word.replace('\'', "''"),
        _ => word.replace('\'', r"'\''"),
    };
    format!("'{escaped}'")
}

/// Returns the answer for a shell.
fn reply(shell: Shell, mut words: Vec<String>, model: clap::Command) -> String {
    match shell {
        // bash splits words at `:` and `=`, and hands on the whole line and the part of the last word that it replaces.
        Shell::Bash => {
            let typed = line::words(words.first().map_or("", String::as_str));
            let kept = line::kept(words.first().map_or("", String::as_str), words.get(1).map_or("", String::as_str));
            rendered(shell, &answer::answer(model, &typed), kept.len())
        }
        Shell::Zsh => {
            let last = words.last().map_or("", String::as_str);
            let kept = if last.starts_with('-') { last.find('=').map_or(0, |at| at + 1) } else { 0 };
            rendered(shell, &answer::answer(model, &words), kept)
        }
        Shell::PowerShell => {
            if let Some(last) = words.last_mut() {
                *last = last.strip_prefix('=').unwrap_or(last).to_owned();
            }
            rendered(shell, &answer::answer(model, &words), 0)
        }
        _ => rendered(shell, &answer::answer(model, &words), 0),
    }
}

/// Returns the lines of an answer. The first `kept` bytes of the word at the cursor stay: the shell adds to them.
fn rendered(shell: Shell, answer: &Answer, kept: usize) -> String {
    let kind = match answer.kind {
        Kind::Words => "words",
        Kind::Files => "files",
        Kind::Directories => "directories",
        Kind::Programs => "programs",
    };
    let lines = answer.candidates.iter().filter_map(|candidate| {
        let value = candidate.value.get(kept..)?;
        let help = &candidate.help;
        Some(match shell {
            Shell::Bash => value.to_owned(),
            Shell::Zsh => {
                let mark = if value.ends_with(['=', ':', '/', '.']) { "+" } else { "" };
                let value = value.replace('\\', r"\\").replace(':', r"\:");
                let help = help.replace('\\', r"\\");
                if help.is_empty() { format!("{mark}{value}") } else { format!("{mark}{value}:{help}") }
            }
            _ if help.is_empty() => value.to_owned(),
            _ => format!("{value}\t{help}"),
        })
    });
    std::iter::once(kind.to_owned()).chain(lines).map(|line| line + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::answer::Candidate;
    use super::*;

    #[test]
    fn program_is_quoted_in_each_script() {
        for (shell, expected) in [
            (Shell::Bash, r"command '/o'\''p/otactl' --"),
            (Shell::Zsh, r"command '/o'\''p/otactl' --"),
            (Shell::Fish, r"command '/o\'p/otactl' --"),
            (Shell::Elvish, "external '/o''p/otactl')"),
            (Shell::PowerShell, "& '/o''p/otactl' --"),
        ] {
            let script = script(shell, "/o'p/otactl");
            assert!(script.contains(expected) && !script.contains(PROGRAM), "{shell}: {script}");
        }
    }

    #[test]
    fn answer_is_written_as_the_shell_takes_it() {
        let candidate = |value: &str, help: &str| Candidate { value: value.into(), help: help.into() };
        let candidates = vec![candidate("ws://", "a: b"), candidate("a:b", "")];
        let answer = Answer { kind: Kind::Words, candidates };
        for (shell, kept, expected) in [
            (Shell::Bash, 0, "words\nws://\na:b\n"),
            (Shell::Bash, 2, "words\n://\nb\n"),
            (Shell::Bash, 4, "words\n/\n"),
            (Shell::Zsh, 0, "words\n+ws\\://:a: b\na\\:b\n"),
            (Shell::Fish, 0, "words\nws://\ta: b\na:b\n"),
        ] {
            assert_eq!(rendered(shell, &answer, kept), expected, "{shell} {kept}");
        }
    }
}
