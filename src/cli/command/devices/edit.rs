//! Adds devices to a configuration file and removes them.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use toml_edit::TomlError;

use crate::cli::config::edit::{NewSetting, with_device, without_device};
use crate::cli::config::keys::{RPC_CREDS_FILE, is_path};
use crate::cli::config::{files, parse};
use crate::cli::context::Context;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::json_line::stamped;
use crate::cli::target_arg::TargetArg;

/// Adds a device with the options of the command line to the file of `--config`, or to that of the user.
pub(super) fn add(context: &Context, name: &str) -> Result<(), Failure> {
    parse::check_name(name).map_err(|problem| Failure::new(FailureKind::Usage, problem))?;
    let settings = context.given().iter().map(to_setting).collect::<Result<Vec<_>, _>>()?;
    let Some(port) = settings.iter().find(|(key, _)| key == "port").and_then(|(_, ports)| ports.first()) else {
        return Err(Failure::new(FailureKind::Usage, "the port of the device is missing")
            .hint(format!("write `otactl devices add {name} --port URL`; `otactl ports` lists the serial ports")));
    };
    port.parse::<TargetArg>()?;
    write_device(context, name, &settings)
}

/// Writes the section of a device to the file of `--config`, or to that of the user.
pub(in crate::cli::command) fn write_device(
    context: &Context,
    name: &str,
    settings: &[NewSetting],
) -> Result<(), Failure> {
    let path = file(context)?;
    let text = files::read(&path, false)?.unwrap_or_default();
    let is_new = parse::parse(&text, &path)?.devices.iter().all(|(known, _)| known != name);
    let text = with_device(&text, name, settings).map_err(|error| unusable(&path, &error))?;
    // What was written has to be readable.
    parse::parse(&text, &path)?;
    write(&path, &text).map_err(|error| unwritable(&path, &error))?;
    let done = if is_new { "added" } else { "changed" };
    context.output.step(done, &format!("{name}, in {}", path.display()));
    context.output.json_line(&stamped(&json!({ "event": done, "name": name, "file": path })))
}

/// Removes a device from the file of `--config`, or from that of the user.
pub(super) fn remove(context: &Context, name: &str) -> Result<(), Failure> {
    let path = file(context)?;
    let text = files::read(&path, false)?.unwrap_or_default();
    match without_device(&text, name).map_err(|error| unusable(&path, &error))? {
        Some(text) => write(&path, &text).map_err(|error| unwritable(&path, &error))?,
        None => {
            return Err(Failure::new(FailureKind::Usage, format!("{} has no device `{name}`", path.display()))
                .hint("`otactl devices` lists the devices; `--config FILE` changes another file"));
        }
    }
    context.output.step("removed", &format!("{name}, from {}", path.display()));
    context.output.json_line(&stamped(&json!({ "event": "removed", "name": name, "file": path })))
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
        let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
        path.to_string_lossy().into_owned()
    };
    if key == "rpc-creds" {
        return match values.last().and_then(|value| value.strip_prefix('@')) {
            Some(file) => Ok((RPC_CREDS_FILE.into(), vec![absolute(file)])),
            None => Err(Failure::new(FailureKind::Usage, "credentials are kept in a file of their own")
                .hint("write USER:PASSWORD to a file that only you can read, and give it as `--rpc-creds @FILE`")),
        };
    }
    let is_path = is_path(key);
    let values = values.iter().map(|value| if is_path && value != "-" { absolute(value) } else { value.clone() });
    Ok((key.clone(), values.collect()))
}

/// Writes the file as a whole or not at all. A new file can be read by this user only.
fn write(path: &Path, text: &str) -> io::Result<()> {
    // A link keeps leading to the file that it leads to.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let new = directory.join(format!(".otactl-{}.toml", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        if let Ok(old) = std::fs::metadata(&path) {
            file.set_permissions(old.permissions())?;
        }
        std::fs::rename(&new, &path)
    });
    if written.is_err() {
        // It may not exist.
        let _ = std::fs::remove_file(&new);
    }
    written
}

fn unusable(path: &Path, error: &TomlError) -> Failure {
    Failure::new(FailureKind::Usage, format!("{}: {}", path.display(), error.message()))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot write {}: {error}", path.display()))
        .hint("`--config FILE` writes another file")
}
