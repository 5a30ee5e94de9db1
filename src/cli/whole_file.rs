//! Writes a file whole or not at all: another file beside it, which then takes its name.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Settings of this user, who alone can read a new file. They are on the disk before the old file goes.
    Settings,
    /// What can be found out again. This user alone can read a new file.
    Cache,
    /// A file for others.
    Report,
}

/// Writes a file. One that exists keeps its permissions.
pub(crate) fn write(target: &Path, bytes: &[u8], purpose: Purpose) -> io::Result<()> {
    let (mut file, beside) = create_beside(target, purpose)?;
    let written = file.write_all(bytes).and_then(|()| {
        if purpose == Purpose::Settings {
            file.sync_all()?;
        }
        if let Ok(before) = fs::metadata(target) {
            file.set_permissions(before.permissions())?;
        }
        drop(file);
        fs::rename(&beside, target)
    });
    if written.is_err() {
        // The error of the write matters more.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Creates a new file in the directory of `target`, and returns its path.
pub(crate) fn create_beside(target: &Path, purpose: Purpose) -> io::Result<(File, PathBuf)> {
    const MAX_TRIES: u32 = 100;

    let Some(name) = target.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, "it has no name"));
    };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if purpose != Purpose::Report {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut number = 0;
    loop {
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".otactl-{}-{number}", std::process::id()));
        let beside = target.with_file_name(hidden);
        match options.open(&beside) {
            // A process with the same id may have left one.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MAX_TRIES => number += 1,
            created => return created.map(|file| (file, beside)),
        }
    }
}
