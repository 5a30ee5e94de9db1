use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fs};

use clap_complete::Shell;

use crate::cli::completion;
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};

/// Print the completions for a shell
///
/// The completions run the `otactl` in PATH at each TAB, which never asks a device. They know the named devices, the ports, and the
/// methods, arguments and configuration paths that `list`, `describe` and `call Config.Get` have shown: names, without values, in
/// ~/.cache/otactl. With --install, otactl writes the completions to the directory of the shell for this user. `COMPLETE=SHELL otactl`
/// prints completions that run this very program.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: otactl completions bash --install")]
pub(crate) struct Args {
    /// Shell
    shell: Shell,

    /// Write the completions for this user, and say where
    ///
    /// bash: ~/.local/share/bash-completion/completions; zsh: ~/.zfunc; fish: ~/.config/fish/completions.
    #[arg(long)]
    install: bool,
}

impl Args {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failure> {
        let script = completion::script(self.shell, "otactl");
        if !self.install {
            return context.output.text(&script);
        }
        let file = installed_file(self.shell, |name| env::var_os(name).filter(|value| !value.is_empty()))?;
        let directory = file.parent().map(fs::create_dir_all).transpose();
        directory.and_then(|_| fs::write(&file, script)).map_err(|error| {
            Failure::new(FailureKind::Other, format!("cannot write {}: {error}", file.display()))
                .hint(format!("`otactl completions {} > FILE` writes the completions to another file", self.shell))
        })?;
        context.output.status(&format!("wrote {}", file.display()));
        context.output.status(match self.shell {
            Shell::Zsh => {
                "add `fpath=(~/.zfunc $fpath)` and `autoload -U compinit && compinit` to ~/.zshrc, unless they are there; \
                 then open a new shell"
            }
            Shell::Bash => "open a new shell; the package bash-completion has to be installed",
            _ => "open a new shell",
        });
        Ok(())
    }
}

/// Returns the file that the shell loads for the completions of otactl. `variable` returns an environment variable.
fn installed_file(shell: Shell, variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, Failure> {
    let home = || {
        variable("HOME").map(PathBuf::from).ok_or_else(|| {
            Failure::new(FailureKind::Usage, "the environment variable HOME is not set")
                .hint(format!("`otactl completions {shell} > FILE` writes the completions to a file"))
        })
    };
    let base = |name: &str, default: &str| match variable(name) {
        Some(directory) => Ok::<_, Failure>(PathBuf::from(directory)),
        None => Ok(home()?.join(default)),
    };
    match shell {
        Shell::Bash => match variable("BASH_COMPLETION_USER_DIR") {
            Some(directory) => Ok(PathBuf::from(directory).join("completions/otactl")),
            None => Ok(base("XDG_DATA_HOME", ".local/share")?.join("bash-completion/completions/otactl")),
        },
        Shell::Zsh => Ok(home()?.join(".zfunc/_otactl")),
        Shell::Fish => Ok(base("XDG_CONFIG_HOME", ".config")?.join("fish/completions/otactl.fish")),
        other => Err(Failure::new(FailureKind::Usage, format!("{other} has no directory for completions of a user"))
            .hint(format!(
                "`otactl completions {other} > FILE` writes them to a file; load it in the profile of the shell"
            ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completions_are_installed_where_the_shell_looks_for_them() {
        for (shell, variables, expected) in [
            (Shell::Bash, &[("HOME", "/h")][..], Some("/h/.local/share/bash-completion/completions/otactl")),
            (Shell::Bash, &[("XDG_DATA_HOME", "/d")], Some("/d/bash-completion/completions/otactl")),
            (Shell::Bash, &[("BASH_COMPLETION_USER_DIR", "/b")], Some("/b/completions/otactl")),
            (Shell::Zsh, &[("HOME", "/h")], Some("/h/.zfunc/_otactl")),
            (Shell::Fish, &[("HOME", "/h")], Some("/h/.config/fish/completions/otactl.fish")),
            (Shell::Fish, &[], None),
            (Shell::PowerShell, &[("HOME", "/h")], None),
        ] {
            let variable =
                |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| OsString::from(value));
            let file = installed_file(shell, variable).ok();
            assert_eq!(file, expected.map(PathBuf::from), "{shell} {variables:?}");
        }
    }
}
