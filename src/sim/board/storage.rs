//! The simulated flash as a file, so that a device outlives its process.

use std::fs;
use std::io;
use std::path::Path;

use crate::read_file::read_file;
use crate::sim::device::Flash;

const FILE_NAME: &str = "flash.json";

/// The largest file that is read, in bytes. What a device can be told to keep is far less.
const MAX_FILE: u64 = 4 << 20;

/// Reads the flash that is kept in `directory`; `None` if there is none yet.
pub(super) fn load(directory: &Path) -> io::Result<Option<Flash>> {
    match read_file(&directory.join(FILE_NAME), MAX_FILE) {
        Ok(bytes) => {
            let flash: Flash = serde_json::from_slice(&bytes)?;
            if flash.is_bootable() { Ok(Some(flash)) } else { Err(io::Error::other("no slot in it can be booted")) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the flash to `directory`, which is made if need be. Whole or not at all.
pub(super) fn save(directory: &Path, flash: &Flash) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let draft = directory.join(format!("{FILE_NAME}.new"));
    fs::write(&draft, serde_json::to_vec_pretty(flash)?)?;
    fs::rename(draft, directory.join(FILE_NAME))
}
