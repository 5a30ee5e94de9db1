//! Reads files that the user names, with a limit of their size and of the time for a FIFO or a device.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The maximum time to read a file that is not a regular one. A FIFO blocks until a writer opens it and the last writer
/// closes it.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Reads the file at `path`.
///
/// Fails with [`io::ErrorKind::FileTooLarge`] if the file has more than `max` bytes. Fails with
/// [`io::ErrorKind::TimedOut`] if the file is a FIFO or a device that does not end within 10 s.
pub fn read_file(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    read_within(path, max, READ_TIMEOUT)
}

fn read_within(path: &Path, max: u64, limit: Duration) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if metadata.is_file() || metadata.is_dir() {
        return read(path, max);
    }
    // A blocked system call cannot be interrupted. The thread ends with the process.
    let (sender, received) = mpsc::channel();
    let owned = path.to_owned();
    thread::Builder::new().name("file".into()).spawn(move || {
        // The receiver may have timed out.
        let _ = sender.send(read(&owned, max));
    })?;
    received.recv_timeout(limit).unwrap_or_else(|_| {
        let seconds = limit.as_secs();
        let reason = format!("it is not a regular file, and nothing ended it within {seconds} s");
        Err(io::Error::new(io::ErrorKind::TimedOut, reason))
    })
}

fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // The length in the metadata is not sufficient: a FIFO has none, and a file may grow.
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {max} bytes")));
    }
    Ok(bytes)
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn file_above_the_limit_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        fs::write(file.path(), b"12345").expect("written");
        assert_eq!(read_file(file.path(), 5).expect("readable"), b"12345");
        assert_eq!(read_file(file.path(), 4).expect_err("too large").kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_file("/dev/zero".as_ref(), 4).expect_err("endless").kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_file("/dev/null".as_ref(), 4).expect("readable"), b"");
    }

    #[test]
    fn fifo_without_writer_times_out() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("fifo");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let error = read_within(&path, 5, Duration::from_millis(50)).expect_err("no writer");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        // A second FIFO, since a blocked thread still waits for a writer of the first.
        let path = directory.path().join("other");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
        let writer = thread::spawn({
            let path = path.clone();
            move || fs::write(path, b"12345")
        });
        assert_eq!(read_within(&path, 5, READ_TIMEOUT).expect("readable"), b"12345");
        writer.join().expect("no panic").expect("written");
    }
}
