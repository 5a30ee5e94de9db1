//! The flash as a file. The state of a device survives the end of the process.

use std::fs;
use std::io;
use std::path::Path;

use crate::read_file::read_file;
use crate::sim::device::Flash;

const FILE_NAME: &str = "flash.json";

/// The largest file that is read, in bytes. The largest flash that the device can write is much smaller.
const MAX_FILE_LEN: u64 = 4 << 20;

/// Reads the flash in `directory`. Returns `None` if the file does not exist.
pub(super) fn load(directory: &Path) -> io::Result<Option<Flash>> {
    match read_file(&directory.join(FILE_NAME), MAX_FILE_LEN) {
        Ok(bytes) => {
            let flash: Flash = serde_json::from_slice(&bytes)?;
            if flash.is_bootable() { Ok(Some(flash)) } else { Err(io::Error::other("no slot in it can be booted")) }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes the flash to `directory`, and creates the directory if it does not exist.
///
/// The file is replaced atomically.
pub(super) fn save(directory: &Path, flash: &Flash) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let new_file = directory.join(format!("{FILE_NAME}.new"));
    fs::write(&new_file, serde_json::to_vec_pretty(flash)?)?;
    fs::rename(new_file, directory.join(FILE_NAME))
}
