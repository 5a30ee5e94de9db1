//! Parses the command line, once for each device that it names.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches as _};

use super::colour::ColourChoice;
use super::config::Config;
use super::config::apply::{self, Precedence};
use super::config::edit::NewSetting;
use super::config::keys::{OF_A_DEVICE, SHARED};
use super::config::parse::Section;
use super::config::secret_files;
use super::failure::{Failure, FailureKind};
use super::several::retry;
use super::wrong_command::given_command;
use super::{Cli, environment, model_with, raw_args, shown};

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
    /// Those of `--port`, if it is given.
    Ports,
    /// Names of the configuration, or patterns.
    Names(Vec<String>),
}

/// Parses the command line, the environment and the configuration.
///
/// An error of clap is also how this function returns a help page.
pub(crate) fn parse(args: &[OsString]) -> Result<Invocation, NotRun> {
    parse_all(&raw_args::without_auto(args)).map_err(|error| match error {
        NotRun::Usage(error) => NotRun::Usage(shown(error, args)),
        NotRun::Config(failure) => NotRun::Config(failure),
    })
}

fn parse_all(args: &[OsString]) -> Result<Invocation, NotRun> {
    // The file is read before the command is known, so that one parse is enough for most commands.
    let read = Config::read(config_option(args).as_deref());
    let (config, unusable) = match read {
        Ok(config) => (config, None),
        Err(failure) => (Config::default(), Some(failure)),
    };
    let (first, checked) = match parse_with(args, &config, None) {
        Err(NotRun::Config(failure)) => (parse_with(args, &Config::default(), None)?, Some(failure)),
        parsed => (parsed?, None),
    };
    let (matches, cli) = first;
    check_places(args, &matches)?;
    if !cli.command.uses_device() {
        let given = if cli.command.names_a_device() { given_settings(&matches) } else { Vec::new() };
        let runs = for_each_port(args, &config, Cli { given, ..cli })?;
        return Ok(Invocation { runs, warnings: Vec::new() });
    }
    if let Some(failure) = unusable.or(checked) {
        return Err(failure.into());
    }
    let mut warnings = secret_files::warnings(&config.defaults);
    let runs = match devices(&matches, &cli, &config)? {
        Devices::Ports => for_each_port(args, &config, cli)?,
        Devices::Names(patterns) => {
            let mut runs = Vec::new();
            for name in config.select(&patterns)? {
                let section = config.device(&name);
                warnings.extend(section.map(secret_files::warnings).unwrap_or_default());
                let (_, cli) = parse_with(args, &config, section)?;
                runs.push(Cli { name: Some(name), ..cli });
            }
            runs
        }
    };
    Ok(Invocation { runs: with_device_option(runs, &matches), warnings })
}

/// Notes the option that names the device, if it is on the command line.
fn with_device_option(mut runs: Vec<Cli>, matches: &ArgMatches) -> Vec<Cli> {
    let is_given = |id| matches.value_source(id) == Some(ValueSource::CommandLine);
    for cli in runs.iter_mut().filter(|_| is_given("device") || is_given("port")) {
        cli.device_option = retry::option_of(cli.name.as_deref(), cli.global.port.first().map(String::as_str));
    }
    runs
}

/// Returns the command once for each of its ports, or once if it has none.
fn for_each_port(args: &[OsString], config: &Config, cli: Cli) -> Result<Vec<Cli>, NotRun> {
    if cli.global.port.len() < 2 {
        return Ok(vec![cli]);
    }
    let with_port = |port| {
        let (_, mut cli) = parse_with(args, config, None)?;
        cli.global.port = vec![port];
        Ok(cli)
    };
    cli.global.port.into_iter().map(with_port).collect()
}

/// Returns the value of `--config` or OTACTL_CONFIG, before the command line is parsed.
fn config_option(args: &[OsString]) -> Option<PathBuf> {
    let variable = || std::env::var_os("OTACTL_CONFIG").filter(|path| !path.is_empty());
    raw_args::value_of(args, "--config").map(PathBuf::from).or_else(|| variable().map(PathBuf::from))
}

/// Parses the command line with the defaults of the configuration, and with the section of a device if the command is for one.
fn parse_with(args: &[OsString], config: &Config, device: Option<&Section>) -> Result<(ArgMatches, Cli), NotRun> {
    let model = Cli::command();
    let sections = [(Some(&config.defaults), Precedence::Defaults), (device, Precedence::NamedDevice)];
    let sections: Vec<_> = sections
        .into_iter()
        .filter_map(|(section, precedence)| Some((section.filter(|section| !section.0.is_empty())?, precedence)))
        .collect();
    for (section, _) in &sections {
        apply::check(&model, section)?;
    }
    // clap gives each command a copy of the options of all commands. Most command lines need only one of these copies.
    match parse_model(model_with(given_command(args, &model).cloned()), args, &sections) {
        Err(error) if error.kind() != ErrorKind::DisplayVersion => {}
        parsed => return Ok(parsed?),
    }
    Ok(parse_model(model.color(ColourChoice::among(args).into()), args, &sections)?)
}

fn parse_model(
    model: Command,
    args: &[OsString],
    sections: &[(&Section, Precedence)],
) -> Result<(ArgMatches, Cli), clap::Error> {
    let (mut model, unreadable) = environment::hide_unusable(model);
    for (section, precedence) in sections {
        model = apply::apply(model, section, *precedence);
    }
    let matches = model.try_get_matches_from_mut(args)?;
    environment::check_unreadable(&matches, &unreadable)
        .and_then(|()| Cli::from_arg_matches(&matches))
        .map(|cli| (matches, cli))
        .map_err(|error| error.format(&mut model))
}

/// Decides which devices the command is for. The command line wins over the environment, and that over the configuration.
fn devices(matches: &ArgMatches, cli: &Cli, config: &Config) -> Result<Devices, Failure> {
    use ValueSource::{CommandLine, EnvVariable};

    let names = || Devices::Names(cli.global.device.clone());
    let both = |message: &str, hint: &str| Err(Failure::new(FailureKind::Usage, message).hint(hint));
    match (matches.value_source("port"), matches.value_source("device")) {
        (Some(CommandLine), Some(CommandLine)) => both(
            "--device and --port were both given",
            "give one of them: a device has its port in the configuration file",
        ),
        (Some(CommandLine), _) => Ok(Devices::Ports),
        (_, Some(CommandLine)) => Ok(names()),
        (Some(EnvVariable), Some(EnvVariable)) => {
            both("OTACTL_DEVICE and OTACTL_PORT are both set", "unset one of them, or give `--device` or `--port`")
        }
        (_, Some(EnvVariable)) => Ok(names()),
        (Some(_), _) => Ok(Devices::Ports),
        _ if environment::variable("MOS_PORT")?.is_some() => Ok(Devices::Ports),
        _ => match config.defaults.get("device") {
            Some(setting) => Ok(Devices::Names(setting.values.clone())),
            None => Ok(Devices::Ports),
        },
    }
}

/// Returns the options of a device that the command line gives, with their long names.
fn given_settings(matches: &ArgMatches) -> Vec<NewSetting> {
    let is_setting = |long: &str| OF_A_DEVICE.into_iter().chain(SHARED).any(|key| apply::option_of(key) == long);
    let model = Cli::command();
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
    let options: Vec<&str> =
        words.filter_map(|word| raw_args::device_option(&word).map(|option| option.short)).collect();
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
