//! [`Lock`], which lets one program at a time change a file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long to wait for other programs. Each of them holds the lock for some milliseconds.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The interval at which the lock is tried.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

/// A locked file beside the file that is changed. Dropping it removes and unlocks it.
///
/// The file that is changed cannot be locked itself, since another file takes its place.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// Closing it ends the lock.
    _file: File,
}

impl Lock {
    /// Waits until no other program holds the lock of `target`, which is in `directory`.
    ///
    /// `None`: the directory or its file system has no place for a lock. The change itself then reports why it fails.
    pub(crate) fn take(target: &Path, directory: &Path) -> io::Result<Option<Self>> {
        Self::take_within(target, directory, MAX_WAIT)
    }

    fn take_within(target: &Path, directory: &Path, limit: Duration) -> io::Result<Option<Self>> {
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = directory.join(format!(".{name}.lock"));
        let until = Instant::now() + limit;
        loop {
            let Ok(file) = open(&path) else { return Ok(None) };
            match file.try_lock() {
                Ok(()) if is_at(&file, &path) => return Ok(Some(Self { path, _file: file })),
                // The program that held the lock has removed the file.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) if Instant::now() < until => thread::sleep(RETRY_INTERVAL),
                Err(TryLockError::WouldBlock) => {
                    let reason = format!("another program has locked it ({})", path.display());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, reason));
                }
                Err(TryLockError::Error(_)) => return Ok(None),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Another system may refuse to remove an open file, or cannot tell two files of one name apart.
        if cfg!(unix) {
            // The file may stay: its lock ends with this program.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        options.mode(0o600).custom_flags(nix::libc::O_NOFOLLOW | nix::libc::O_NONBLOCK);
    }
    options.open(path)
}

/// Tells whether the file is still the one at its path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let ids = |file: &std::fs::Metadata| (file.dev(), file.ino());
    file.metadata().is_ok_and(|ours| std::fs::metadata(path).is_ok_and(|theirs| ids(&ours) == ids(&theirs)))
}

/// Other systems keep the file.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_is_held_by_one_at_a_time() {
        let directory = tempfile::tempdir().expect("a directory");
        let target = directory.path().join("c.toml");
        let take = |limit| Lock::take_within(&target, directory.path(), limit);
        let held = take(Duration::ZERO).expect("no other").expect("a lock");
        let error = take(Duration::from_millis(20)).expect_err("held");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(held);
        assert!(take(Duration::ZERO).expect("no other").is_some());
        let left = std::fs::read_dir(directory.path()).expect("a directory").count();
        assert_eq!(left, usize::from(!cfg!(unix)), "files are left behind");
    }

    #[test]
    fn directory_without_a_place_for_a_lock_needs_none() {
        let directory = tempfile::tempdir().expect("a directory");
        let missing = directory.path().join("missing");
        assert!(Lock::take(&missing.join("c.toml"), &missing).expect("no other").is_none());
    }
}
