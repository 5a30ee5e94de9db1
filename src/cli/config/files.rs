//! Where the configuration files are, and who may have written them.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use otactl::read_file::read_file;

use crate::cli::failure::{Failure, FailureKind};

/// The name of a project's file.
const PROJECT_FILE: &str = "otactl.toml";

/// The maximum size of a file, in bytes.
const MAX_SIZE: u64 = 1 << 20;

/// Returns the files to read, the one that wins first: that of `--config`, or those of the project and of the user.
pub(crate) fn to_read(given: Option<&Path>) -> Vec<PathBuf> {
    match given {
        Some(path) => vec![path.to_owned()],
        None => project_file().into_iter().chain(user_file()).collect(),
    }
}

/// Returns the file of the user, which may not exist: `~/.config/otactl/config.toml`, or where the system keeps such files.
pub(crate) fn user_file() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join("otactl").join("config.toml"))
}

/// Returns `otactl.toml` in the current directory or the nearest directory above it, if there is one.
pub(crate) fn project_file() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|directory| directory.join(PROJECT_FILE)).find(|path| path.is_file())
}

/// Reads a file. `None`: it does not exist or is out of reach, and `must_exist` is not set.
///
/// A file names programs that otactl runs (`check-cmd`), and the files of secrets. So a file that otactl has found by itself has to be
/// the user's own, or that of the administrator.
pub(crate) fn read(path: &Path, must_exist: bool) -> Result<Option<String>, Failure> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(FailureKind::Usage, format!("cannot read the configuration file {}: {error}", path.display()))
            .hint("`--config FILE` reads another file")
    };
    match std::fs::metadata(path) {
        // The directory may be that of another user, as in a program that runs for one.
        Err(_) if !must_exist => return Ok(None),
        Ok(file) if is_null_device(&file) => return Ok(Some(String::new())),
        // Reading a FIFO or a device could take for ever.
        Ok(file) if !file.is_file() => return Err(not_a_file(path, &file)),
        _ => {}
    }
    if !must_exist && owner_is_foreign(path) {
        return Err(Failure::new(FailureKind::Usage, format!("{} belongs to another user", path.display())).hint(
            format!("otactl would run programs that it names; `--config {}` reads it all the same", path.display()),
        ));
    }
    match read_file(path, MAX_SIZE) {
        Ok(bytes) if bytes.len() as u64 > MAX_SIZE => Err(unreadable(&"it is larger than 1 MiB")),
        Ok(bytes) => String::from_utf8(bytes).map(Some).map_err(|_| unreadable(&"it is not UTF-8")),
        Err(error) => Err(unreadable(&error)),
    }
}

/// Returns the failure of a path that leads to a directory, a FIFO or a device.
pub(crate) fn not_a_file(path: &Path, file: &Metadata) -> Failure {
    let kind = if file.is_dir() { "a directory" } else { "no regular file" };
    let message = format!("the configuration file {} is {kind}", path.display());
    Failure::new(FailureKind::Usage, message).hint(if file.is_dir() {
        "`--config FILE` takes a file, such as otactl.toml in it"
    } else {
        "`--config FILE` takes a regular file: not a FIFO, a device or `<(...)`"
    })
}

/// Tells whether a file is `/dev/null`.
#[cfg(unix)]
fn is_null_device(file: &Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};

    let null = || std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == file.rdev());
    file.file_type().is_char_device() && null()
}

/// Other systems have no such file.
#[cfg(not(unix))]
fn is_null_device(_: &Metadata) -> bool {
    false
}

/// Tells whether a file belongs to neither this user nor the administrator.
#[cfg(unix)]
fn owner_is_foreign(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let owner = std::fs::metadata(path).map(|file| file.uid());
    owner.is_ok_and(|owner| owner != 0 && owner != nix::unistd::geteuid().as_raw())
}

/// Other systems protect the directories of users by default.
#[cfg(not(unix))]
fn owner_is_foreign(_: &Path) -> bool {
    false
}
