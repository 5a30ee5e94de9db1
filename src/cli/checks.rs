//! The options for health checks.

use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, ValueEnum};
use otactl::transport::target::Target;
use otactl::update::OnUnhealthy;
use otactl::update::health::{Check, Checks, CommandCheck, HttpCheck, RpcCheck};
use otactl::update::web_client::WebClient;

use super::context::Context;
use super::credentials;
use super::failure::{Failure, Kind};
use super::values;

/// What may be asked of the new firmware.
#[derive(Debug, Args)]
#[command(next_help_heading = "Health checks")]
struct Options {
    /// Before the commit, a method must succeed, and its result contain the JSON after `=>`
    ///
    /// Written 'METHOD {ARGUMENTS} => JSON', with or without arguments and result. An object must have the fields that
    /// are given, an array elements that contain those that are given. The method is called again if its answer gets
    /// lost. All checks can be given several times, and run one after another in the order in which they stand.
    #[arg(long, value_name = "CHECK")]
    check_rpc: Vec<RpcCheck>,

    /// Before the commit, a program must end with exit status 0
    ///
    /// Split into words as by a shell, but run without one: write `sh -c '...'` where you want it. In its environment are
    /// OTACTL_PORT, so that it can call otactl, and OTACTL_DEVICE_ID, _VERSION, _BUILD_ID and _SLOT. What it writes is
    /// shown if it fails, and with -v.
    #[arg(long, value_name = "COMMAND")]
    check_cmd: Vec<CommandCheck>,

    // No URL yet: clap would print one that it cannot read, and its password.
    /// Before the commit, a GET of this URL must bring a status of 200 to 299
    ///
    /// It is tried until there is an answer, since a device that has just booted may not serve yet. Redirects to the same
    /// host are followed. The device and private addresses are never asked through a proxy.
    #[arg(long, value_name = "URL")]
    check_http: Vec<String>,

    /// How long each check may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = values::duration)]
    check_timeout: Duration,

    /// Before the commit and after all checks, the device must run for so long without a reboot
    #[arg(long, value_name = "DURATION", value_parser = values::duration)]
    soak: Option<Duration>,

    /// What becomes of a firmware that is not well
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    on_unhealthy: Unhealthy,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Unhealthy {
    /// The device is told to go back at once
    #[default]
    Revert,
    /// It is left to be looked at, until it goes back by itself
    Leave,
}

/// The options, and where those that make checks stand on the command line: the checks run in that order,
/// of whatever kind they are.
#[derive(Debug)]
pub(crate) struct ChecksArgs {
    options: Options,
    places: [Vec<usize>; 3],
}

impl Args for ChecksArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Options::augment_args_for_update(command)
    }
}

impl FromArgMatches for ChecksArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let places = ["check_rpc", "check_cmd", "check_http"]
            .map(|option| matches.indices_of(option).map(Iterator::collect).unwrap_or_default());
        Ok(Self { options: Options::from_arg_matches(matches)?, places })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ChecksArgs {
    pub(crate) fn on_unhealthy(&self) -> OnUnhealthy {
        match self.options.on_unhealthy {
            Unhealthy::Revert => OnUnhealthy::Revert,
            Unhealthy::Leave => OnUnhealthy::Leave,
        }
    }

    /// The checks of the device at `target`. Those that cannot be carried out are found out here, before
    /// anything is touched.
    pub(crate) fn checks(&self, context: &Context, target: &Target, client: &WebClient) -> Result<Checks, Failure> {
        let Options { check_rpc, check_cmd, check_http, check_timeout, soak, .. } = &self.options;
        let rpc = check_rpc.iter().cloned().map(Check::Rpc);
        let mut all: Vec<_> = rpc.zip(&self.places[0]).collect();
        for (check, place) in check_cmd.iter().zip(&self.places[1]) {
            check.find().map_err(|error| {
                Failure::new(Kind::Usage, format!("--check-cmd: {error}")).hint(
                    "give a program that is on the PATH, or the path of one; what only a shell understands goes into \
                     `sh -c '...'`",
                )
            })?;
            all.push((Check::Command(check.clone().with_port(context.port(target))), place));
        }
        for (url, place) in check_http.iter().zip(&self.places[2]) {
            let check = HttpCheck::new(url, client.clone()).map_err(|error| {
                Failure::new(Kind::Usage, format!("--check-http: {error}"))
                    .hint("write it as `http://HOST[:PORT]/PATH` or with `https://`")
            })?;
            client.prepare(url)?;
            credentials::remember_those_of(url);
            all.push((Check::Http(check), place));
        }
        all.sort_by_key(|(_, place)| *place);
        Ok(Checks { checks: all.into_iter().map(|(check, _)| check).collect(), soak: *soak, timeout: *check_timeout })
    }
}
