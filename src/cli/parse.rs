//! Parses the command line, once for each device that it names.

use std::ffi::OsString;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches as _};

use super::config::Config;
use super::config::apply::{self, Precedence};
use super::config::edit::NewSetting;
use super::config::keys::{OF_A_DEVICE, SHARED};
use super::config::secret_files;
use super::failure::{Failure, FailureKind};
use super::several::retry;
use super::{Cli, environment, model};

/// A command line, as it is run for one device or for several.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The command with the options of each device. At least one.
    pub(crate) runs: Vec<Cli>,
    /// Warnings about the configuration.
    pub(crate) warnings: Vec<String>,
}

/// Why a command line is not run.
#[derive(Debug)]
pub(crate) enum NotRun {
    /// The command line is wrong, or only asks for help or the version.
    Usage(clap::Error),
    /// The configuration cannot be used.
    Config(Failure),
}

impl From<clap::Error> for NotRun {
    fn from(error: clap::Error) -> Self {
        Self::Usage(error)
    }
}

impl From<Failure> for NotRun {
    fn from(failure: Failure) -> Self {
        Self::Config(failure)
    }
}

/// The devices that a command line names.
enum Devices {
    /// None, one or several addresses.
    Ports(Vec<String>),
    /// Names of the configuration, or patterns.
    Names(Vec<String>),
}

/// Parses the command line, the environment and the configuration.
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Invocation, NotRun> {
    let args: Vec<OsString> = args.collect();
    let (matches, cli) = parse_with(&args, |model| model)?;
    check_places(&args, &matches)?;
    let config =
        if cli.command.uses_config() { Config::read(cli.global.config.as_deref())? } else { Config::default() };
    if !config.defaults.0.is_empty() {
        apply::check(&model(), &config.defaults)?;
    }
    let with_defaults = |model| apply::apply(model, &config.defaults, Precedence::Defaults);
    let mut warnings = secret_files::warnings(&config.defaults);
    let mut runs = Vec::new();
    match devices(&matches, &cli, &config)? {
        Devices::Ports(ports) if ports.len() < 2 && config.defaults.0.is_empty() => {
            let given = if cli.command.names_a_device() { given_settings(&matches) } else { Vec::new() };
            runs.push(Cli { given, ..cli });
        }
        Devices::Ports(ports) if ports.len() < 2 => runs.push(parse_with(&args, with_defaults)?.1),
        Devices::Ports(ports) => {
            for port in ports {
                let mut cli = parse_with(&args, with_defaults)?.1;
                cli.global.port = vec![port];
                runs.push(cli);
            }
        }
        Devices::Names(patterns) => {
            for name in config.select(&patterns)? {
                let Some(section) = config.device(&name) else { continue };
                apply::check(&model(), section)?;
                warnings.extend(secret_files::warnings(section));
                let with_section = |model| apply::apply(with_defaults(model), section, Precedence::NamedDevice);
                let cli = parse_with(&args, with_section)?.1;
                runs.push(Cli { name: Some(name), ..cli });
            }
        }
    }
    Ok(Invocation { runs, warnings })
}

/// Parses the command line with a changed model.
fn parse_with(args: &[OsString], change: impl FnOnce(Command) -> Command) -> Result<(ArgMatches, Cli), clap::Error> {
    let (model, unreadable) = environment::hide_unusable(model());
    let mut model = change(model);
    let matches = model.try_get_matches_from_mut(args)?;
    environment::check_unreadable(&matches, &unreadable)
        .and_then(|()| Cli::from_arg_matches(&matches))
        .map(|cli| (matches, cli))
        .map_err(|error| error.format(&mut model))
}

/// Decides which devices the command is for. The command line wins over the environment, and that over the configuration.
fn devices(matches: &ArgMatches, cli: &Cli, config: &Config) -> Result<Devices, Failure> {
    use ValueSource::{CommandLine, EnvVariable};

    let ports = || Devices::Ports(cli.global.port.clone());
    let names = || Devices::Names(cli.global.device.clone());
    let both = |message: &str, hint: &str| Err(Failure::new(FailureKind::Usage, message).hint(hint));
    match (matches.value_source("port"), matches.value_source("device")) {
        (Some(CommandLine), Some(CommandLine)) => both(
            "--device and --port were both given",
            "give one of them: a device has its port in the configuration file",
        ),
        (Some(CommandLine), _) => Ok(ports()),
        (_, Some(CommandLine)) => Ok(names()),
        (Some(EnvVariable), Some(EnvVariable)) => {
            both("OTACTL_DEVICE and OTACTL_PORT are both set", "unset one of them, or give `--device` or `--port`")
        }
        (_, Some(EnvVariable)) => Ok(names()),
        (Some(_), _) => Ok(ports()),
        _ if environment::variable("MOS_PORT")?.is_some_and(|port| port != "auto") => Ok(ports()),
        _ => match config.defaults.get("device") {
            Some(setting) => Ok(Devices::Names(setting.values.clone())),
            None => Ok(ports()),
        },
    }
}

/// Returns the options of a device that the command line gives, with their long names.
fn given_settings(matches: &ArgMatches) -> Vec<NewSetting> {
    let is_setting = |long: &str| OF_A_DEVICE.into_iter().chain(SHARED).any(|key| apply::option_of(key) == long);
    let model = model();
    let args =
        model.get_arguments().filter_map(|arg| Some((arg.get_long().filter(|long| is_setting(long))?, arg.get_id())));
    args.filter(|(_, id)| matches.value_source(id.as_str()) == Some(ValueSource::CommandLine))
        .map(|(long, id)| {
            let values = matches.get_raw(id.as_str()).into_iter().flatten();
            (long.to_owned(), values.map(|value| value.to_string_lossy().into_owned()).collect())
        })
        .collect()
}

/// Fails if some devices are named before the command and some after it: clap would keep only those after it.
fn check_places(args: &[OsString], matches: &ArgMatches) -> Result<(), Failure> {
    let words = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--");
    let options: Vec<&str> = words.filter_map(|word| retry::device_option(&word).map(|option| option.short)).collect();
    for (id, short) in [("device", "-d"), ("port", "-p")] {
        let kept = matches.indices_of(id).map_or(0, Iterator::count);
        let given = options.iter().filter(|option| **option == short).count();
        if kept > 0 && matches.value_source(id) == Some(ValueSource::CommandLine) && kept < given {
            return Err(Failure::new(FailureKind::Usage, format!("`{short}` stands before the command and after it"))
                .hint("name all devices in one place"));
        }
    }
    Ok(())
}
