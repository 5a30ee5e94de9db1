//! Whether the output has colours, and whether the terminal can redraw a line.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};

use clap::ValueEnum;

use super::raw_args;

/// The value of `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColourChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is `dumb`; with CLICOLOR_FORCE and in the logs of GitHub and GitLab also elsewhere
    Auto,
    /// Also in a pipe or a file
    Always,
    /// Not even on a terminal
    Never,
}

/// What the environment says about colours.
#[derive(Debug, Default, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each field is a variable of its own")]
struct Environment {
    no_color: bool,
    clicolor_force: bool,
    is_dumb: bool,
    /// Whether this is a job of GitHub Actions or of GitLab, whose logs show colours.
    is_ci: bool,
}

impl ColourChoice {
    /// Returns the choice among the arguments or in the environment, for a command line that cannot be parsed.
    pub(crate) fn among(args: &[OsString]) -> Self {
        let given = raw_args::value_of(args, "--color").and_then(OsStr::to_str);
        let variable = env::var("OTACTL_COLOR").ok();
        let value = given.or(variable.as_deref()).unwrap_or_default();
        Self::from_str(value, false).unwrap_or(Self::Auto)
    }

    /// Tells whether stderr gets colours.
    pub(crate) fn is_colourful(self) -> bool {
        self.decide(Environment::read(), io::stderr().is_terminal())
    }

    fn decide(self, environment: Environment, is_terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto if environment.no_color => false,
            Self::Auto if environment.clicolor_force => true,
            Self::Auto => is_terminal && !environment.is_dumb || !is_terminal && environment.is_ci,
        }
    }
}

/// For the help and the errors of clap, which reads the environment itself.
impl From<ColourChoice> for clap::ColorChoice {
    fn from(choice: ColourChoice) -> Self {
        match choice {
            ColourChoice::Auto => Self::Auto,
            ColourChoice::Always => Self::Always,
            ColourChoice::Never => Self::Never,
        }
    }
}

impl Environment {
    fn read() -> Self {
        let is_set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            no_color: is_set("NO_COLOR"),
            clicolor_force: is_set("CLICOLOR_FORCE")
                && env::var_os("CLICOLOR_FORCE").as_deref() != Some(OsStr::new("0")),
            is_dumb: is_dumb(),
            is_ci: is_set("GITHUB_ACTIONS") || is_set("GITLAB_CI"),
        }
    }
}

/// Tells whether stderr is a terminal that can redraw its last line.
pub(crate) fn can_redraw() -> bool {
    io::stderr().is_terminal() && !is_dumb()
}

/// Tells whether the terminal understands no control sequences.
fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn option_wins_over_the_environment_and_the_terminal() {
        let none = Environment::default();
        let no_color = Environment { no_color: true, ..none };
        let force = Environment { clicolor_force: true, ..none };
        let ci = Environment { is_ci: true, ..none };
        let dumb = Environment { is_dumb: true, ..none };
        for (choice, environment, is_terminal, expected) in [
            (ColourChoice::Auto, none, true, true),
            (ColourChoice::Auto, none, false, false),
            (ColourChoice::Auto, no_color, true, false),
            (ColourChoice::Auto, force, false, true),
            (ColourChoice::Auto, Environment { no_color: true, ..force }, true, false),
            (ColourChoice::Auto, dumb, true, false),
            (ColourChoice::Auto, Environment { is_dumb: true, ..force }, true, true),
            (ColourChoice::Auto, ci, false, true),
            (ColourChoice::Auto, Environment { is_dumb: true, ..ci }, false, true),
            (ColourChoice::Auto, Environment { is_dumb: true, ..ci }, true, false),
            (ColourChoice::Auto, Environment { no_color: true, ..ci }, false, false),
            (ColourChoice::Never, ci, false, false),
            (ColourChoice::Always, no_color, false, true),
            (ColourChoice::Always, dumb, true, true),
            (ColourChoice::Never, force, true, false),
        ] {
            let decided = choice.decide(environment, is_terminal);
            assert_eq!(decided, expected, "{choice:?} {environment:?} {is_terminal}");
        }
    }

    #[test]
    fn choice_is_found_among_arguments_that_cannot_be_parsed() {
        for (args, expected) in [
            ("otactl --color=always nonsense", ColourChoice::Always),
            ("otactl --color=never", ColourChoice::Never),
            ("otactl --color always nonsense", ColourChoice::Always),
            ("otactl --color=blue", ColourChoice::Auto),
            ("otactl call M -- --color=always", ColourChoice::Auto),
        ] {
            let args: Vec<OsString> = args.split(' ').map(OsString::from).collect();
            assert_eq!(ColourChoice::among(&args), expected, "{args:?}");
        }
    }
}
