//! Changes a configuration file: as a whole or not at all, and one program at a time.

use std::io;
use std::path::{Path, PathBuf};

use super::files;
use super::lock::Lock;
use crate::cli::failure::{Failure, FailureKind};
use crate::cli::whole_file::{self, Purpose};

/// Replaces the text of a file with the one that `change` returns, and returns the second value of `change`.
///
/// A file that does not exist is empty. Other programs that change the file wait meanwhile.
pub(crate) fn change<T>(path: &Path, change: impl FnOnce(&str) -> Result<(String, T), Failure>) -> Result<T, Failure> {
    // A link keeps leading to the file that it leads to.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    match std::fs::metadata(&target) {
        Ok(file) if !file.is_file() => return Err(files::not_a_file(path, &file)),
        _ => {}
    }
    let unwritable = |error: &io::Error| {
        Failure::new(FailureKind::Other, format!("cannot write {}: {error}", path.display()))
            .hint("`--config FILE` writes another file")
    };
    let directory = directory(&target);
    std::fs::create_dir_all(&directory).map_err(|error| unwritable(&error))?;
    let _lock = Lock::take(&target, &directory).map_err(|error| unwritable(&error))?;
    let text = files::read(path, false)?.unwrap_or_default();
    let (new, value) = change(&text)?;
    whole_file::write(&target, new.as_bytes(), Purpose::Settings).map_err(|error| unwritable(&error))?;
    Ok(value)
}

fn directory(file: &Path) -> PathBuf {
    file.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}
