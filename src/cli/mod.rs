//! The command line: the only module that uses clap, the terminal and the environment.
//!
//! - [`command`]: one file per subcommand: its arguments and its `run`;
//! - [`global_args`]: the options of every command; [`serial`], [`mqtt`], [`tls`]: the options for serial ports, brokers and TLS;
//! - [`checks`]: the options for health checks; [`shell_words`]: operators of a shell in them; [`call_args`]: the arguments of `otactl call`;
//! - [`credentials`]: user and password, from an option, a file, a prompt or the environment;
//! - [`parse`]: parses the command line, once for each device; [`raw_args`]: options before that; [`config`]: the configuration file with named devices;
//! - [`several`]: runs a command on several devices at a time; [`shared`]: what these share; [`update_summary`]: an update in one line;
//! - [`serial_choice`]: chooses a serial port;
//! - [`json_path`]: the option `--get`; [`device_facts`]: what `otactl show` tells about a device;
//! - [`nearest_method`]: the method that was probably meant;
//! - [`context`]: connects to the device that options and environment name; [`target_arg`]: the value of `--port`;
//!   [`environment`]: environment variables;
//! - [`output`]: results and messages; [`writer`]: the thread that writes them, the only file that writes to stdout and stderr;
//!   [`colour`]: whether the output has colours; [`printable`]: texts without secrets and control characters;
//! - [`status_line`]: the last lines of the screen: what the command waits for; [`live_line`]: their text; [`screen`]: how they
//!   are drawn; [`bar`]: the numbers of a transfer; [`watched`]: calls on the status line; [`wrap`]: messages that fit the width of the
//!   terminal;
//! - [`progress`]: shows update events as bars, lines or JSON; [`messages`]: the texts of the lines;
//! - [`report`]: reports of updates for CI; [`workflow_command`]: commands that a job of GitHub finds in messages;
//! - [`addressed`]: commands in hints, for the device of the command line;
//! - [`json_line`]: the JSON lines that report how a command ended;
//! - [`failure`]: converts errors to messages, hints and exit codes; [`explain`]: what outcomes and exit codes mean;
//! - [`whole_file`]: files that are written whole or not at all;
//! - [`table`]: tables of text; [`log`]: the log of `--verbose`;
//! - [`interrupt`]: handling of Ctrl-C;
//! - [`help`]: the help pages; [`wrong_command`]: the hint for a command that does not exist;
//!   [`wrong_argument`]: the message about an argument that a command does not take; [`usage_text`]: prints such messages;
//! - [`man`]: the manual pages; [`completion`]: the completions for shells, and what they know of devices;
//! - [`clock`]: times as text;
//! - [`values`]: parsers for values of options.

#![expect(clippy::doc_markdown, reason = "clap shows these comments as they are")]

pub(crate) mod addressed;
pub(crate) mod bar;
pub(crate) mod call_args;
pub(crate) mod checks;
pub(crate) mod clock;
pub(crate) mod colour;
pub(crate) mod command;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod credentials;
pub(crate) mod device_facts;
pub(crate) mod environment;
pub(crate) mod explain;
pub(crate) mod failure;
pub(crate) mod global_args;
pub(crate) mod help;
pub(crate) mod interrupt;
pub(crate) mod json_line;
pub(crate) mod json_path;
pub(crate) mod live_line;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod messages;
pub(crate) mod mqtt;
pub(crate) mod nearest_method;
pub(crate) mod output;
pub(crate) mod parse;
pub(crate) mod printable;
pub(crate) mod progress;
pub(crate) mod raw_args;
pub(crate) mod report;
pub(crate) mod screen;
pub(crate) mod serial;
pub(crate) mod serial_choice;
pub(crate) mod several;
pub(crate) mod shared;
pub(crate) mod shell_words;
pub(crate) mod status_line;
pub(crate) mod table;
pub(crate) mod target_arg;
pub(crate) mod tls;
pub(crate) mod update_summary;
pub(crate) mod usage_text;
pub(crate) mod values;
pub(crate) mod watched;
pub(crate) mod whole_file;
pub(crate) mod workflow_command;
pub(crate) mod wrap;
pub(crate) mod writer;
pub(crate) mod wrong_argument;
pub(crate) mod wrong_command;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as _, CommandFactory as _, Parser};
use otactl::discover::usb_ports;

use colour::ColourChoice;
pub(crate) use command::Command;
use config::edit::NewSetting;
pub(crate) use global_args::GlobalArgs;
use json_line::JsonPlace;

/// Update Mongoose OS devices, and verify that the new firmware runs
#[derive(Debug, Parser)]
#[command(name = "otactl", version, arg_required_else_help = true, max_term_width = help::MAX_WIDTH)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
    /// The name of the device in the configuration.
    #[arg(skip)]
    pub(crate) name: Option<String>,
    /// The options of a device that the command line gives, for a command that names a device.
    #[arg(skip)]
    pub(crate) given: Vec<NewSetting>,
    /// The option that names the device, such as `-d bench1`, if it is on the command line.
    #[arg(skip)]
    pub(crate) device_option: Option<String>,
}

/// Returns the model without hidden commands: completions would offer them.
pub(crate) fn public_model() -> clap::Command {
    let all = Cli::command();
    let visible = all.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    model_with(visible).about(all.get_about().cloned().unwrap_or_default())
}

/// Returns a model that has only the given commands.
fn model_with(commands: impl IntoIterator<Item = clap::Command>) -> clap::Command {
    GlobalArgs::augment_args(clap::Command::new("otactl"))
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .subcommands(commands)
}

/// Returns the value of `--json` if it is among the arguments, for a command line that cannot be parsed.
pub(crate) fn json_among(args: &[OsString]) -> Option<JsonPlace> {
    args.iter().take_while(|arg| *arg != "--").find_map(|arg| match arg.to_str()?.strip_prefix("--json")? {
        "" => Some(JsonPlace::Stdout),
        value => value.strip_prefix('=').filter(|path| !path.is_empty()).map(|path| PathBuf::from(path).into()),
    })
}

/// Tells whether the arguments name the command `update`, for a command line that cannot be parsed.
pub(crate) fn is_update_given(args: &[OsString]) -> bool {
    let model = Cli::command();
    wrong_command::given_command(args, &model).is_some_and(|command| command.get_name() == "update")
}

/// Returns the error as the user gets it: a help page with all that belongs on it, the hint for a wrong command, or the variable with a
/// wrong value.
pub(crate) fn shown(error: clap::Error, args: &[OsString]) -> clap::Error {
    if error.kind() == ErrorKind::DisplayVersion {
        return error;
    }
    match wrong_argument::variable_of(&error, args, &Cli::command()) {
        Some((option, variable)) => {
            let kind = error.kind();
            let text = error_or_page(error, args).render().to_string();
            let text = text.replacen(&format!("for '{option}'"), &format!("in {variable}, which sets '{option}'"), 1);
            clap::Error::raw(kind, text.trim_start_matches("error: "))
        }
        None => error_or_page(error, args),
    }
}

fn error_or_page(mut error: clap::Error, args: &[OsString]) -> clap::Error {
    if let (ErrorKind::InvalidSubcommand, Some(ContextValue::String(word))) =
        (error.kind(), error.get(ContextKind::InvalidSubcommand))
    {
        let message = wrong_command::message(word, args, &Cli::command());
        return clap::Error::raw(ErrorKind::InvalidSubcommand, message + "\n");
    }
    if let Some(message) = wrong_argument::message(&error, args, &Cli::command()) {
        return clap::Error::raw(error.kind(), message + "\n");
    }
    wrong_argument::remove_wrong_advice(&mut error);
    if error.kind() == ErrorKind::MissingSubcommand {
        // The text of clap lists hidden commands.
        let message = "no command given\nhint: `otactl --help` lists the commands\n";
        return clap::Error::raw(ErrorKind::MissingSubcommand, message);
    }
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand);
    if !is_help {
        return error;
    }
    let is_long = args.iter().any(|arg| arg == "--help" || arg == "help");
    let model = help::pages(Cli::command().color(ColourChoice::among(args).into()), is_long);
    if args.len() <= 1 && io::stdout().is_terminal() {
        let about = model.get_about().map(ToString::to_string).unwrap_or_default();
        let page = help::start_page(&about, &usb_ports());
        // clap returns this page as an error that is no failure, as it does for `--help`.
        let model = model.override_help(page);
        return model.try_get_matches_from(["otactl", "--help"]).err().unwrap_or(error);
    }
    let (model, _) = environment::hide_unusable(model);
    model.try_get_matches_from(args).err().unwrap_or(error)
}
