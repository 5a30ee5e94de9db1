//! Where the configuration files are, and who may have written them.

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
fn project_file() -> Option<PathBuf> {
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
    // The directory may be that of another user, as in a program that runs for one.
    if !must_exist && std::fs::metadata(path).is_err() {
        return Ok(None);
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
