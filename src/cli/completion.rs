//! The completions for shells. clap_complete makes them for all shells but bash.
//!
//! Its script for bash offers options where a command or a file is expected.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::builder::PossibleValue;
use clap::{Arg, Command, ValueHint};
use clap_complete::{Shell, generate};

/// Returns the completions for a shell. `model` is the command line without hidden commands.
pub(crate) fn script(shell: Shell, model: &Command) -> Vec<u8> {
    let model = with_hints(model.clone());
    if shell == Shell::Bash {
        return bash(model).into_bytes();
    }
    let mut script = Vec::new();
    generate(shell, &mut model.clone(), "otactl", &mut script);
    if shell == Shell::Fish {
        script.extend(fish_operands(&model).into_bytes());
    }
    script
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

/// Returns the model in which no value completes to files unless it is a path.
fn with_hints(model: Command) -> Command {
    let hinted = |arg: Arg| match arg.get_value_hint() {
        ValueHint::Unknown if arg.get_action().takes_values() && arg.get_possible_values().is_empty() => {
            arg.value_hint(ValueHint::Other)
        }
        _ => arg,
    };
    let names = model.get_subcommands().map(|command| command.get_name().to_owned());
    let topics: Vec<PossibleValue> = names.chain(["connection".to_owned()]).map(PossibleValue::new).collect();
    let help = Command::new("help").about("Print the help of a command").arg(Arg::new("COMMAND").value_parser(topics));
    model
        .mut_args(hinted)
        .mut_subcommands(|command| command.mut_args(hinted))
        .disable_help_subcommand(true)
        .subcommand(help)
}

/// What an argument completes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Values {
    /// One of these words.
    Words(String),
    Files,
    Directories,
    Programs,
    Nothing,
}

impl Values {
    fn of(arg: &Arg) -> Self {
        let words: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        match arg.get_value_hint() {
            _ if !words.is_empty() => Self::Words(words.join(" ")),
            ValueHint::AnyPath | ValueHint::FilePath | ValueHint::ExecutablePath => Self::Files,
            ValueHint::DirPath => Self::Directories,
            ValueHint::CommandString | ValueHint::CommandName => Self::Programs,
            _ => Self::Nothing,
        }
    }

    /// Returns the statement of bash that completes to these values.
    fn statement(&self) -> String {
        match self {
            Self::Words(words) => format!("_otactl_words \"{words}\""),
            Self::Files => "_otactl_files -f".into(),
            Self::Directories => "_otactl_files -d".into(),
            Self::Programs => "_otactl_files -c".into(),
            Self::Nothing => ":".into(),
        }
    }
}

/// Returns the completions for bash.
fn bash(mut model: Command) -> String {
    model.build();
    let commands: Vec<&Command> = model.get_subcommands().collect();
    let names = commands.iter().map(|command| command.get_name()).collect::<Vec<_>>().join(" ");

    // An option completes to the same values in all commands.
    let mut values: BTreeMap<Values, Vec<String>> = BTreeMap::new();
    let takes_value = |arg: &&Arg| !arg.is_positional() && arg.get_action().takes_values();
    for arg in commands.iter().flat_map(|command| command.get_arguments()).filter(takes_value) {
        let options = values.entry(Values::of(arg)).or_default();
        options.extend(arg.get_long().map(|long| format!("--{long}")));
        options.extend(arg.get_short().map(|short| format!("-{short}")));
    }
    let mut of_options = String::new();
    let mut options = String::new();
    let mut operands = String::new();
    // Writing to a String cannot fail.
    for (values, mut options) in values {
        options.sort();
        options.dedup();
        let _ = writeln!(of_options, "        {}) {}; return ;;", options.join(" | "), values.statement());
    }
    let _ = writeln!(options, "            '') _otactl_words \"{}\" ;;", flags(&model));
    let _ = writeln!(operands, "        '') _otactl_words \"{names}\" ;;");
    for command in commands {
        let name = command.get_name();
        let _ = writeln!(options, "            {name}) _otactl_words \"{}\" ;;", flags(command));
        for values in command.get_positionals().map(Values::of).filter(|values| *values != Values::Nothing).take(1) {
            let _ = writeln!(operands, "        {name}) {} ;;", values.statement());
        }
    }
    format!(
        r#"# Completions of otactl for bash.

# Completes to one of the words.
_otactl_words() {{
    local IFS=$' \t\n'
    COMPREPLY=($(compgen -W "$1" -- "$cur"))
}}

# Completes to files (-f), directories (-d) or programs (-c).
_otactl_files() {{
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen "$1" -- "$cur"))
}}

_otactl() {{
    local cur=${{COMP_WORDS[COMP_CWORD]}} option=${{COMP_WORDS[COMP_CWORD - 1]}} command='' word
    COMPREPLY=()
    # bash makes three words of --option=value.
    if [[ $cur == = ]]; then
        cur=''
    elif [[ $option == = ]]; then
        option=${{COMP_WORDS[COMP_CWORD - 2]}}
    fi
    for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
        if [[ " {names} " == *" $word "* ]]; then
            command=$word
            break
        fi
    done
    case $option in
{of_options}    esac
    if [[ $cur == -* ]]; then
        case $command in
{options}        esac
        return
    fi
    case $command in
{operands}    esac
}}

complete -F _otactl otactl
"#
    )
}

/// Returns the options of a command, separated by spaces.
fn flags(command: &Command) -> String {
    let mut flags = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()) {
        flags.extend(arg.get_short().map(|short| format!("-{short}")));
        flags.extend(arg.get_long().map(|long| format!("--{long}")));
    }
    flags.join(" ")
}

/// Returns the lines for fish that clap_complete leaves out: the operands of the commands, and the values of the options before a
/// command.
fn fish_operands(model: &Command) -> String {
    let mut lines = String::new();
    for arg in model.get_arguments().filter(|arg| arg.get_action().takes_values()) {
        let words = match Values::of(arg) {
            Values::Words(words) => format!(" -a \"{words}\""),
            Values::Nothing => String::new(),
            _ => continue,
        };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "complete -c otactl -l {} -x{words}", arg.get_long().unwrap_or_default());
    }
    for command in model.get_subcommands() {
        let values = command.get_positionals().map(Values::of).next().unwrap_or(Values::Nothing);
        let operands = match values {
            Values::Words(words) => format!(" -f -a \"{words}\""),
            Values::Directories => " -f -a \"(__fish_complete_directories)\"".into(),
            Values::Programs => " -f -a \"(__fish_complete_command)\"".into(),
            Values::Files => continue,
            Values::Nothing => " -f".into(),
        };
        let _ = writeln!(
            lines,
            "complete -c otactl -n \"__fish_otactl_using_subcommand {}\"{operands}",
            command.get_name()
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quote in a help text ends a string in the scripts of clap_complete.
    #[test]
    fn no_text_in_the_completions_has_a_double_quote() {
        let mut model = crate::cli::public_model();
        model.build();
        for command in model.get_subcommands().chain([&model]) {
            let mut texts = vec![command.get_about().map(ToString::to_string).unwrap_or_default()];
            for arg in command.get_arguments() {
                texts.extend(arg.get_help().map(ToString::to_string));
                let values = arg.get_possible_values();
                texts.extend(values.iter().filter_map(|value| Some(value.get_help()?.to_string())));
            }
            for text in texts {
                assert!(!text.contains(['"', '$']), "{}: {text}", command.get_name());
            }
        }
    }

    #[test]
    fn option_of_each_kind_completes_to_its_values() {
        let script = bash(with_hints(crate::cli::public_model()));
        let line =
            |option: &str| script.lines().find(|line| line.trim_start().starts_with("--") && line.contains(option));
        for (option, statement) in [
            ("--via", "_otactl_words \"auto pull push\""),
            ("--ca-cert-file", "_otactl_files -f"),
            ("--check-cmd", "_otactl_files -c"),
            ("--timeout", ":;"),
        ] {
            assert!(line(option).is_some_and(|line| line.contains(statement)), "{option}: {:?}", line(option));
        }
    }
}
