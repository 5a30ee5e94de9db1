//! Files that are written whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Fails if the file cannot be written. Creates and removes an empty file beside it.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match place(path)? {
        Place::Stream => Ok(()),
        Place::File(target) => {
            let (_, beside) = create_beside(&target)?;
            fs::remove_file(beside)
        }
    }
}

/// Writes the file whole: to another file beside it, which then takes its name.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let target = match place(path)? {
        Place::Stream => return OpenOptions::new().write(true).open(path)?.write_all(text.as_bytes()),
        Place::File(target) => target,
    };
    let (mut file, beside) = create_beside(&target)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| {
        if let Ok(before) = fs::metadata(&target) {
            file.set_permissions(before.permissions())?;
        }
        drop(file);
        fs::rename(&beside, &target)
    });
    if written.is_err() {
        // The error of the write matters more.
        let _ = fs::remove_file(&beside);
    }
    written
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

/// Creates a new file in the directory of `target`.
fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let Some(name) = target.file_name() else {
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, "it has no name"));
    };
    let mut number = 0;
    loop {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".otactl-{}-{number}", std::process::id()));
        let beside = target.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&beside) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 100 => number += 1,
            created => return created.map(|file| (file, beside)),
        }
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
