//! The command line: the only room that knows clap, the terminal and the environment.
//!
//! - [`command`]: one file per subcommand: its arguments and its `run`;
//! - [`global_args`]: the options of every command; [`serial`], [`mqtt`], [`tls`]: the options for serial ports, for brokers, and for TLS;
//! - [`checks`]: the options for health checks;
//! - [`credentials`]: user and password, from wherever they come;
//! - [`context`]: options and environment become a connected device; [`environment`]: environment variables;
//! - [`output`]: results and talk; [`writer`]: the thread that writes them, and the only file that does;
//! - [`status_line`]: the last line of the screen, on which the time runs;
//! - [`progress`]: update events become bars, lines or JSON; [`messages`]: what the lines say;
//! - [`failure`]: what went wrong becomes a message, a hint and an exit code; [`dial_hint`]: what to try when
//!   a device cannot be reached;
//! - [`interrupt`]: what Ctrl-C does;
//! - [`help`]: the page that `otactl` alone prints;
//! - [`man`]: the manual;
//! - [`clock`]: times as a person reads them;
//! - [`values`]: values of options.

#![expect(clippy::doc_markdown, reason = "clap shows these comments as they are")]

pub(crate) mod checks;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod context;
pub(crate) mod credentials;
pub(crate) mod dial_hint;
pub(crate) mod environment;
pub(crate) mod failure;
pub(crate) mod global_args;
pub(crate) mod help;
pub(crate) mod interrupt;
pub(crate) mod man;
pub(crate) mod messages;
pub(crate) mod mqtt;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod serial;
pub(crate) mod status_line;
pub(crate) mod tls;
pub(crate) mod values;
pub(crate) mod writer;

use std::ffi::OsString;

use clap::{Args as _, CommandFactory as _, FromArgMatches as _, Parser};

pub(crate) use command::Command;
pub(crate) use global_args::GlobalArgs;

/// Takes a Mongoose OS device to a new firmware and proves that it got there
#[derive(Debug, Parser)]
#[command(name = "otactl", version, arg_required_else_help = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The clap model, with the help page that is grouped by purpose.
pub(crate) fn model() -> clap::Command {
    help::grouped(Cli::command())
}

/// What users are to see of it: without the hidden commands, which completions would offer.
pub(crate) fn public_model() -> clap::Command {
    let all = Cli::command();
    let visible: Vec<_> = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    GlobalArgs::augment_args(clap::Command::new("otactl"))
        .version(env!("CARGO_PKG_VERSION"))
        .about(all.get_about().cloned().unwrap_or_default())
        .subcommand_required(true)
        .subcommands(visible)
}

/// Reads the command line.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let (mut model, unreadable) = environment::screen(model());
    let matches = model.try_get_matches_from_mut(args)?;
    environment::require(&matches, &unreadable)
        .and_then(|()| Cli::from_arg_matches(&matches))
        .map_err(|error| error.format(&mut model))
}
