//! Adds devices to a configuration file and removes them.

use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::TomlError;

use crate::cli::config::change::change;
use crate::cli::config::edit::{NewDevice, NewSetting, with_devices, without_device};
use crate::cli::config::keys::{RPC_CREDS_FILE, is_path};
use crate::cli::config::parse::ConfigFile;
use crate::cli::config::{files, parse};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::json_line::stamped;
use crate::cli::target_arg::TargetArg;

/// Adds a device with the options of the command line to the file of `--config`, or to that of the user.
pub(super) fn add(context: &Context, name: &str) -> Result<(), Failure> {
    parse::check_name(name).map_err(|problem| Failure::new(FailureKind::Usage, problem))?;
    let mut settings = context.given().iter().map(to_setting).collect::<Result<Vec<_>, _>>()?;
    let is_new = !read(&file(context)?)?.is_some_and(|file| has(&file, name));
    // OTACTL_PORT may be meant for another device: it changes no port of a device that is already there, unless nothing else is given.
    if settings.iter().all(|(key, _)| key != "port") && (is_new || settings.is_empty()) {
        let Some(port) = context.port_of_environment() else {
            return Err(Failure::new(FailureKind::Usage, "the port of the device is missing")
                .hint(format!("write `otactl devices add {name} --port URL`; `otactl ports` lists the serial ports")));
        };
        settings.insert(0, ("port".into(), vec![port.to_owned()]));
    }
    for (_, ports) in settings.iter().filter(|(key, _)| key == "port") {
        for port in ports {
            port.parse::<TargetArg>()?;
        }
    }
    write_devices(context, &[(name.to_owned(), settings)])
}

/// Writes the sections of devices to the file of `--config`, or to that of the user.
pub(in crate::cli::command) fn write_devices(context: &Context, devices: &[NewDevice]) -> Result<(), Failure> {
    if devices.is_empty() {
        return Ok(());
    }
    let path = file(context)?;
    let known = change(&path, |text| {
        let known = parse::parse(text, &path)?;
        let new = with_devices(text, devices).map_err(|error| unusable(text, &path, &error))?;
        // What was written has to be readable.
        parse::parse(&new, &path)?;
        Ok((new, known))
    })?;
    for (name, _) in devices {
        let done = if has(&known, name) { "changed" } else { "added" };
        context.output.step(done, &format!("{name}, in {}", path.display()));
        context.output.json_line(&stamped(&json!({ "event": done, "name": name, "file": path })))?;
    }
    warn_of_project(context, devices.iter().map(|(name, _)| name.as_str()));
    Ok(())
}

/// Removes a device from the file of `--config`, or from that of the user.
pub(super) fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    let path = file(context)?;
    let unknown = || {
        Failure::new(FailureKind::Usage, format!("{} has no device `{name}`", path.display()))
            .hint("`otactl devices` lists the devices; `--config FILE` changes another file")
    };
    if !path.exists() {
        return Err(unknown());
    }
    change(&path, |text| {
        let new = without_device(text, name).map_err(|error| unusable(text, &path, &error))?;
        new.map(|new| (new, ())).ok_or_else(unknown)
    })?;
    context.output.step("removed", &format!("{name}, from {}", path.display()));
    context.output.json_line(&stamped(&json!({ "event": "removed", "name": name, "file": path })))?;
    warn_of_project(context, [name].into_iter());
    Ok(())
}

/// Warns of each name that the project's file has, too: its settings win over those of the user's file.
fn warn_of_project<'a>(context: &Context, names: impl Iterator<Item = &'a str>) {
    if context.config_file().is_some() {
        return;
    }
    let Some(path) = files::project_file() else { return };
    // The next command that needs the file reports why it cannot be used.
    let Ok(Some(project)) = read(&path) else { return };
    for name in names.filter(|name| has(&project, name)) {
        let path = path.display();
        context.output.warn(&format!(
            "{path} has a device `{name}`, too, and wins in this directory; `--config {path}` changes it"
        ));
    }
}

/// Reads a file. `None`: it does not exist.
fn read(path: &Path) -> Result<Option<ConfigFile>, Failure> {
    files::read(path, false)?.map(|text| parse::parse(&text, path)).transpose()
}

fn has(file: &ConfigFile, name: &str) -> bool {
    file.devices.iter().any(|(known, _)| known == name)
}

fn file(context: &Context) -> Result<PathBuf, Failure> {
    context.config_file().map(Path::to_owned).or_else(files::user_file).ok_or_else(|| {
        Failure::new(FailureKind::Usage, "this user has no home directory for a configuration file")
            .hint("name the file with `--config FILE`")
    })
}

/// Returns the setting of an option. Paths become absolute: those in a file count from its directory.
fn to_setting((key, values): &NewSetting) -> Result<NewSetting, Failure> {
    let absolute = |path: &str| {
        if path.is_empty() {
            return Err(Failure::new(FailureKind::Usage, format!("`--{key}` names no file"))
                .hint("write the path of the file behind it"));
        }
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        Ok(path.to_string_lossy().into_owned())
    };
    if key == "rpc-creds" {
        return match values.last().and_then(|value| value.strip_prefix('@')) {
            Some(file) => Ok((RPC_CREDS_FILE.into(), vec![absolute(file)?])),
            None => Err(Failure::new(FailureKind::Usage, "credentials are kept in a file of their own")
                .hint("write USER:PASSWORD to a file that only you can read, and give it as `--rpc-creds @FILE`")),
        };
    }
    let is_path = is_path(key);
    let values = values.iter().map(|value| if is_path && value != "-" { absolute(value) } else { Ok(value.clone()) });
    Ok((key.clone(), values.collect::<Result<_, _>>()?))
}

/// Returns the failure of a text that is not TOML.
fn unusable(text: &str, path: &Path, error: &TomlError) -> Failure {
    let failure = || Failure::new(FailureKind::Usage, format!("{}: {}", path.display(), error.message()));
    parse::parse(text, path).err().unwrap_or_else(failure)
}
