//! The files of reports: whether they can be written, and writing them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::cli::whole_file::{self, Purpose};

/// Fails if the file cannot be written. Creates and removes an empty file beside it.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match place(path)? {
        Place::Stream => Ok(()),
        Place::File(target) => {
            let (_, beside) = whole_file::create_beside(&target, Purpose::Report)?;
            fs::remove_file(beside)
        }
    }
}

/// Writes the file whole, or to a device or a pipe.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let target = match place(path)? {
        Place::Stream => return OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()),
        Place::File(target) => target,
    };
    whole_file::write(&target, text.as_bytes(), Purpose::Report)
}

/// What a path stands for.
enum Place {
    /// A file, or the name of one that does not exist yet.
    File(PathBuf),
    /// A device or a pipe. It must keep its name.
    Stream,
}

fn place(path: &Path) -> io::Result<Place> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory")),
        // A link keeps its name, too.
        Ok(found) if found.is_file() => Ok(Place::File(fs::canonicalize(path)?)),
        Ok(_) => Ok(Place::Stream),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::File(path.into())),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_is_replaced_and_nothing_else_is_left() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.xml");
        check(&path).expect("it can be written");
        assert!(!path.exists());
        for text in ["old", "new"] {
            write_whole(&path, text).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("readable"), text);
        }
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1);
        assert!(check(directory.path()).is_err());
        assert!(check(&directory.path().join("no/a.xml")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn link_and_device_keep_their_names() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, link) = (directory.path().join("a.xml"), directory.path().join("link.xml"));
        fs::write(&path, "old").expect("written");
        std::os::unix::fs::symlink(&path, &link).expect("linked");
        write_whole(&link, "new").expect("written");
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_to_string(&path).expect("readable"), "new");
        check(Path::new("/dev/null")).expect("it can be written");
        write_whole(Path::new("/dev/null"), "new").expect("written");
    }
}
