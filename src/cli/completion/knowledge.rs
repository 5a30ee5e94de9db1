//! [`Knowledge`], what is known of a device without asking it: one small file for each device in the cache of the user.
//!
//! A file holds names only, never a value. It may be damaged or written by another program: what is read is cleaned.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use otactl::read_file::read_file;
use serde::{Deserialize, Serialize};

use super::device_key::DeviceKey;
use super::words;
use crate::cli::whole_file::{self, Purpose};

/// The maximum size of a file, in bytes.
const MAX_SIZE: u64 = 256 << 10;

const MAX_METHODS: usize = 500;
const MAX_ARGUMENTS: usize = 50;
const MAX_PATHS: usize = 2000;

/// What is known of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Knowledge {
    /// What names the device. The names of files may be the same for two devices.
    device: String,
    pub(super) methods: Vec<String>,
    /// The arguments of methods.
    pub(super) arguments: BTreeMap<String, Vec<String>>,
    /// The paths of the values of the configuration.
    pub(super) paths: Vec<String>,
}

/// Returns the directory of the files: `~/.cache/otactl`, or where the system keeps such files.
pub(super) fn directory() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("otactl"))
}

impl Knowledge {
    /// Reads the file of a device. A file that is missing, too large or damaged is as an empty one.
    pub(super) fn read(directory: &Path, device: &DeviceKey) -> Self {
        let path = directory.join(device.file_name());
        // A FIFO would block.
        let is_file = fs::metadata(&path).is_ok_and(|file| file.is_file());
        let bytes = if is_file { read_file(&path, MAX_SIZE).unwrap_or_default() } else { Vec::new() };
        let read: Self = serde_json::from_slice(&bytes).unwrap_or_default();
        if bytes.len() as u64 <= MAX_SIZE && read.device == device.as_str() { read.cleaned() } else { Self::default() }
    }

    /// Writes the file of a device: whole, and readable for this user only.
    pub(super) fn write(self, directory: &Path, device: &DeviceKey) -> io::Result<()> {
        let text = serde_json::to_vec(&Self { device: device.as_str().to_owned(), ..self.cleaned() })?;
        if text.len() as u64 > MAX_SIZE {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        create_private_directory(directory)?;
        whole_file::write(&directory.join(device.file_name()), &text, Purpose::Cache)
    }

    /// Returns the safe words, each once and not too many of them.
    pub(super) fn cleaned(self) -> Self {
        let arguments = self.arguments.into_iter().filter(|(method, _)| words::is_safe(method)).take(MAX_METHODS);
        Self {
            device: self.device,
            methods: cleaned(self.methods, MAX_METHODS),
            arguments: arguments.map(|(method, names)| (method, cleaned(names, MAX_ARGUMENTS))).collect(),
            paths: cleaned(self.paths, MAX_PATHS),
        }
    }
}

fn cleaned(words: Vec<String>, max: usize) -> Vec<String> {
    let mut known = HashSet::new();
    words.into_iter().filter(|word| words::is_safe(word) && known.insert(word.clone())).take(max).collect()
}

fn create_private_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench() -> DeviceKey {
        DeviceKey::of_name("bench1")
    }

    #[test]
    fn what_is_written_is_read_again_without_unsafe_words() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join("a/otactl");
        let words = |words: &[&str]| words.iter().map(ToString::to_string).collect::<Vec<_>>();
        let knowledge = Knowledge {
            methods: words(&["OTA.Update", "$(reboot)", "OTA.Update", "a b"]),
            arguments: BTreeMap::from([("OTA.Update".into(), words(&["url", "`x`"])), ("; x".into(), vec![])]),
            paths: words(&["wifi.sta.ssid", "wifi\n"]),
            ..Knowledge::default()
        };
        knowledge.write(&directory, &bench()).expect("written");
        let read = Knowledge::read(&directory, &bench());
        assert_eq!(read.methods, ["OTA.Update"]);
        assert_eq!(read.arguments, BTreeMap::from([("OTA.Update".into(), words(&["url"]))]));
        assert_eq!(read.paths, ["wifi.sta.ssid"]);
        let names: Vec<_> =
            fs::read_dir(&directory).expect("it exists").flatten().map(|file| file.file_name()).collect();
        assert_eq!(names, [bench().file_name().as_str()], "no temporary file is left");
        #[cfg(unix)]
        for path in [directory.clone(), directory.join(bench().file_name())] {
            let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).expect("it exists").permissions());
            assert_eq!(mode & 0o077, 0, "{}", path.display());
        }
    }

    #[test]
    fn file_that_is_damaged_too_large_or_of_another_device_is_empty() {
        let root = tempfile::tempdir().expect("a directory");
        let path = root.path().join(bench().file_name());
        let methods = |count: usize| format!("[{}]", vec!["\"A.B\""; count].join(","));
        for text in [
            "{\"device\":\"bench1\",\"methods\":[\"A.B\"".to_owned(),
            "{\"device\":\"bench2\",\"methods\":[\"A.B\"]}".into(),
            "{\"device\":\"bench1\",\"methods\":7}".into(),
            "[]".into(),
            String::new(),
            format!("{{\"device\":\"bench1\",\"methods\":{}}}", methods(60_000)),
            "[".repeat(100_000),
        ] {
            fs::write(&path, &text).expect("written");
            assert_eq!(Knowledge::read(root.path(), &bench()), Knowledge::default(), "{text:.60}");
        }
        let many: Vec<String> = (0..5000).map(|number| format!("\"M{number}\"")).collect();
        fs::write(&path, format!("{{\"device\":\"bench1\",\"methods\":[{}],\"new\":1}}", many.join(",")))
            .expect("written");
        assert_eq!(Knowledge::read(root.path(), &bench()).methods.len(), MAX_METHODS);
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("created");
        assert_eq!(Knowledge::read(root.path(), &bench()), Knowledge::default());
        assert!(Knowledge::default().write(root.path(), &bench()).is_err(), "a directory is in the way");
        assert_eq!(fs::read_dir(root.path()).expect("it exists").count(), 1, "no temporary file is left");
    }
}
