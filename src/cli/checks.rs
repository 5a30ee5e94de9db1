//! The options for health checks.

use std::str::FromStr;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum, ValueHint};
use otactl::text::public_url;
use otactl::transport::target::Target;
use otactl::update::OnUnhealthy;
use otactl::update::health::command::CommandCheckError;
use otactl::update::health::{Check, Checks, CommandCheck, HttpCheck, RpcCheck};
use otactl::update::web_client::WebClient;
use url::Url;

use super::context::Context;
use super::credentials;
use super::failure::{Failure, FailureKind};
use super::report::gates::PlannedChecks;
use super::{shell_words, values};

/// The options for the checks of the new firmware.
#[derive(Debug, Args)]
#[command(next_help_heading = "Health checks")]
struct CheckOptions {
    /// Call a method before the commit
    ///
    /// The call must succeed, and its result must contain the JSON after `=>`. Format: 'METHOD {ARGUMENTS} => JSON'; arguments
    /// and result are optional. An object must have the given fields, an array
    /// must have elements that contain the given ones. If the reply is lost, otactl calls the method again. Each check option
    /// may be given several times; the checks run one after another in the order of the command line.
    #[arg(long, value_name = "CHECK")]
    check_rpc: Vec<RpcCheck>,

    /// Run a program before the commit
    ///
    /// The program must end with exit status 0.
    /// otactl splits the command into words as a shell does, but runs it without a shell: write `sh -c '...'` for a shell
    /// command. The environment of the program has OTACTL_PORT, so that it can call otactl, and OTACTL_DEVICE_ID, _VERSION,
    /// _BUILD_ID and _SLOT. otactl shows the output of the program if it fails, and with -v. otactl keeps a serial port open: a
    /// program that calls the device then needs another transport.
    #[arg(long, value_name = "COMMAND", value_hint = ValueHint::CommandString)]
    check_cmd: Vec<CommandArg>,

    // Not parsed as a URL by clap: an error message of clap would show the password of a bad URL.
    /// Request this URL before the commit
    ///
    /// The status of the response to the GET request must be 200 to 299. otactl repeats the request until there is a response, since a
    /// device that has just booted may not serve yet. It follows
    /// redirects to the same host. Requests to the device and to private addresses bypass the proxy.
    #[arg(long, value_name = "URL")]
    check_http: Vec<String>,

    /// Time limit of each check
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    #[arg(env = "OTACTL_CHECK_TIMEOUT", hide_env_values = true, hide_short_help = true)]
    check_timeout: Duration,

    /// Time without a reboot before the commit
    ///
    /// The device must answer all this time. This check follows all others. Without the option, the commit follows at once.
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    #[arg(env = "OTACTL_SOAK", hide_env_values = true)]
    soak: Option<Duration>,

    /// What follows failed checks
    #[arg(long, value_name = "ACTION", value_enum, default_value_t)]
    on_unhealthy: OnUnhealthyArg,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum OnUnhealthyArg {
    /// Revert to the old firmware at once (OTA.Revert)
    #[default]
    Revert,
    /// Leave the new firmware running for inspection, until the device rolls back
    Leave,
}

/// The value of `--check-cmd`, parsed and as it was written.
#[derive(Debug, Clone)]
struct CommandArg {
    text: String,
    check: CommandCheck,
}

impl FromStr for CommandArg {
    type Err = CommandCheckError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self { text: text.into(), check: text.parse()? })
    }
}

impl CommandArg {
    /// Fails if the command contains an operator of a shell: otactl runs it without one.
    fn check_for_operators(&self) -> Result<(), Failure> {
        let Some(operator) = shell_words::operator(&self.text) else { return Ok(()) };
        let message = format!("--check-cmd: `{operator}` is for a shell, and otactl runs the program without one");
        Err(Failure::new(FailureKind::Usage, message).hint(format!("write {}", shell_words::for_shell(&self.text))))
    }
}

/// The options for checks, with their positions on the command line. The checks of all kinds run in the order of the positions.
#[derive(Debug)]
pub(crate) struct ChecksArgs {
    options: CheckOptions,
    /// The positions of `--check-rpc`, `--check-cmd` and `--check-http`.
    positions: [Vec<usize>; 3],
}

impl Args for ChecksArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        CheckOptions::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        CheckOptions::augment_args_for_update(command)
    }
}

impl FromArgMatches for ChecksArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let positions = ["check_rpc", "check_cmd", "check_http"]
            .map(|option| matches.indices_of(option).map(Iterator::collect).unwrap_or_default());
        Ok(Self { options: CheckOptions::from_arg_matches(matches)?, positions })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ChecksArgs {
    pub(crate) fn on_unhealthy(&self) -> OnUnhealthy {
        match self.options.on_unhealthy {
            OnUnhealthyArg::Revert => OnUnhealthy::Revert,
            OnUnhealthyArg::Leave => OnUnhealthy::Leave,
        }
    }

    /// Fails if a command cannot be meant as it is written.
    pub(crate) fn validate(&self) -> Result<(), Failure> {
        self.options.check_cmd.iter().try_for_each(CommandArg::check_for_operators)
    }

    /// Returns the names of the checks, in the order in which they run.
    pub(crate) fn planned(&self) -> PlannedChecks {
        let CheckOptions { check_rpc, check_cmd, check_http, soak, .. } = &self.options;
        let http = |url: &String| Url::parse(url.trim()).map_or_else(|_| "URL".into(), |url| public_url(&url));
        let rpc = check_rpc.iter().map(RpcCheck::name).zip(&self.positions[0]);
        let cmd = check_cmd.iter().map(|command| command.check.name()).zip(&self.positions[1]);
        let mut all: Vec<_> = rpc.chain(cmd).chain(check_http.iter().map(http).zip(&self.positions[2])).collect();
        all.sort_by_key(|(_, position)| *position);
        PlannedChecks { names: all.into_iter().map(|(name, _)| name).collect(), has_soak: soak.is_some() }
    }

    /// Returns the checks of the device at `target`. Fails if a check cannot be carried out, so that the update does not begin.
    pub(crate) fn checks(&self, context: &Context, target: &Target, client: &WebClient) -> Result<Checks, Failure> {
        let CheckOptions { check_rpc, check_cmd, check_http, check_timeout, soak, .. } = &self.options;
        let rpc = check_rpc.iter().cloned().map(Check::Rpc);
        let mut all: Vec<_> = rpc.zip(&self.positions[0]).collect();
        for (CommandArg { check, .. }, position) in check_cmd.iter().zip(&self.positions[1]) {
            check.find().map_err(|error| {
                Failure::new(FailureKind::Usage, format!("--check-cmd: {error}")).hint(
                    "give a program that is on the PATH, or the path of one; a shell command needs \
                     `sh -c '...'`",
                )
            })?;
            all.push((Check::Command(check.clone().with_port(context.port(target))), position));
        }
        for (url, position) in check_http.iter().zip(&self.positions[2]) {
            let check = HttpCheck::new(url, client.clone()).map_err(|error| {
                Failure::new(FailureKind::Usage, format!("--check-http: {error}"))
                    .hint("write it as `http://HOST[:PORT]/PATH` or with `https://`")
            })?;
            client.prepare(url)?;
            credentials::remember_url_login(url);
            all.push((Check::Http(check), position));
        }
        all.sort_by_key(|(_, position)| *position);
        Ok(Checks { checks: all.into_iter().map(|(check, _)| check).collect(), soak: *soak, timeout: *check_timeout })
    }
}
