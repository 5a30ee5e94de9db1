//! The file system of a slot, as SPIFFS keeps it: flat, with a size.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sim::device::config_tree;

/// The size of the file system in bytes, as recorded in wire/ota2022-ws.json, case `sys_getinfo`.
pub const SIZE: usize = 233_681;

/// The longest name of a file, in bytes.
const MAX_NAME: usize = 31;

/// The size of a page, and the part of it that holds data.
const PAGE: usize = 256;
const PAGE_DATA: usize = 251;

/// The number of pages that one page of an index lists.
const INDEX_ENTRIES: usize = 100;

const INDEX_HTML: &str = "<!doctype html>\n<title>demo</title>\n<h1>A simulated device</h1>\n";
const CA_PEM: &str = "The certificates of a real device stand here.\n";

type Files = BTreeMap<String, Vec<u8>>;

/// The files of a slot. A copy is cheap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileSystem {
    /// `None`: the files of the factory.
    files: Option<Arc<Files>>,
}

/// The reason why a file is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// The name is empty or too long, the file does not exist, or no new file fits.
    NotOpened,
    /// The offset is behind the end of the file.
    BehindEnd,
    /// The file system is full. What fits is written.
    Full,
}

impl FileSystem {
    /// Tells whether nothing has changed since the factory.
    #[must_use]
    pub fn is_factory(&self) -> bool {
        self.files.is_none()
    }

    /// Returns the files by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files().iter().map(|(name, content)| (name.as_str(), content.as_slice()))
    }

    /// Returns the content of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&[u8]> {
        self.files().get(name(path)?).map(Vec::as_slice)
    }

    /// Returns the free space in bytes.
    #[must_use]
    pub fn free(&self) -> usize {
        SIZE.saturating_sub(self.files().values().map(|content| cost(content.len())).sum())
    }

    /// Writes a new file, or replaces one.
    pub fn replace(&mut self, path: &str, data: &[u8]) -> Result<(), WriteError> {
        let name = self.open(path)?;
        self.files_mut().insert(name.into(), Vec::new());
        self.write(name, 0, data)
    }

    /// Writes behind the end of a file, which is created if it does not exist.
    pub fn append(&mut self, path: &str, data: &[u8]) -> Result<(), WriteError> {
        let name = self.open(path)?;
        let at = self.files_mut().entry(name.into()).or_default().len();
        self.write(name, at, data)
    }

    /// Overwrites a part of an existing file.
    pub fn overwrite(&mut self, path: &str, offset: usize, data: &[u8]) -> Result<(), WriteError> {
        let name = name(path).ok_or(WriteError::NotOpened)?;
        let len = self.get(name).ok_or(WriteError::NotOpened)?.len();
        if offset > len { Err(WriteError::BehindEnd) } else { self.write(name, offset, data) }
    }

    /// Removes a file. Tells whether it existed.
    pub fn remove(&mut self, path: &str) -> bool {
        let Some(name) = name(path).filter(|name| self.files().contains_key(*name)) else { return false };
        self.files_mut().remove(name).is_some()
    }

    /// Renames a file. Tells whether it has the new name.
    ///
    /// A file with the new name is removed first, even if there is no file with the old name.
    pub fn rename(&mut self, from: &str, to: &str) -> bool {
        let (Some(from), Some(to)) = (name(from), name(to)) else { return false };
        if from == to {
            return true;
        }
        self.remove(to);
        if !self.files().contains_key(from) {
            return false;
        }
        let files = self.files_mut();
        let content = files.remove(from).unwrap_or_default();
        files.insert(to.into(), content);
        true
    }

    /// Returns the file system of a new firmware: its own files, and those that only the old file system has.
    #[must_use]
    pub fn merged(old: &Self) -> Self {
        let mut new = Self::default();
        if !old.is_factory() {
            for (name, content) in old.iter().filter(|(name, _)| !factory().contains_key(*name)) {
                // The files of the firmware are small, and those of the old file system have fitted in.
                let _ = new.replace(name, content);
            }
        }
        new
    }

    /// Returns the name of a file that exists or can be created.
    fn open<'a>(&self, path: &'a str) -> Result<&'a str, WriteError> {
        let exists_or_fits = |name: &&str| self.files().contains_key(*name) || self.free() >= cost(0);
        name(path).filter(exists_or_fits).ok_or(WriteError::NotOpened)
    }

    /// Writes at an offset that is not behind the end.
    fn write(&mut self, name: &str, offset: usize, data: &[u8]) -> Result<(), WriteError> {
        let free = self.free();
        let Some(content) = self.files_mut().get_mut(name) else { return Err(WriteError::NotOpened) };
        let room = largest(free + cost(content.len())).saturating_sub(offset);
        let fits = &data[..data.len().min(room)];
        let end = offset + fits.len();
        content.resize(content.len().max(end), 0);
        content[offset..end].copy_from_slice(fits);
        if fits.len() == data.len() { Ok(()) } else { Err(WriteError::Full) }
    }

    fn files(&self) -> &Files {
        self.files.as_ref().unwrap_or_else(|| factory())
    }

    fn files_mut(&mut self) -> &mut Files {
        Arc::make_mut(self.files.get_or_insert_with(|| Arc::clone(factory())))
    }
}

/// Returns the name of the file at a path. All files are in the root directory.
fn name(path: &str) -> Option<&str> {
    let path = path.strip_prefix("./").unwrap_or(path).trim_start_matches('/');
    (!path.is_empty() && path.len() <= MAX_NAME).then_some(path)
}

/// Returns the space that a file of this length takes.
fn cost(len: usize) -> usize {
    let pages = len.div_ceil(PAGE_DATA);
    (pages + (pages + 1).div_ceil(INDEX_ENTRIES)) * PAGE
}

/// Returns the length of the largest file that takes no more than this space.
fn largest(space: usize) -> usize {
    let mut pages = space / PAGE;
    while pages > 0 && cost(pages * PAGE_DATA) > space {
        pages -= 1;
    }
    pages * PAGE_DATA
}

/// Returns the files of the factory.
fn factory() -> &'static Arc<Files> {
    static FILES: OnceLock<Arc<Files>> = OnceLock::new();
    FILES.get_or_init(|| {
        let files =
            [("ca.pem", CA_PEM.into()), ("conf0.json", config_tree::factory_file()), ("index.html", INDEX_HTML.into())];
        Arc::new(files.into_iter().map(|(name, content)| (name.into(), content.into_bytes())).collect())
    })
}

impl Serialize for FileSystem {
    /// Writes the files in base64, or `null` for those of the factory.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let encoded = self.files.as_ref().map(|files| {
            files.iter().map(|(name, content)| (name, STANDARD.encode(content))).collect::<BTreeMap<_, _>>()
        });
        encoded.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for FileSystem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Some(encoded) = Option::<BTreeMap<String, String>>::deserialize(deserializer)? else {
            return Ok(Self::default());
        };
        let mut read = Self { files: Some(Arc::default()) };
        for (name, text) in encoded {
            let content = STANDARD.decode(text).map_err(D::Error::custom)?;
            read.replace(&name, &content).map_err(|_| D::Error::custom("a file does not fit into the file system"))?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(files: &FileSystem) -> Vec<&str> {
        files.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn file_is_written_in_pieces() {
        let mut files = FileSystem::default();
        assert!(files.is_factory());
        files.replace("/a.txt", b"one").expect("written");
        files.append("a.txt", b", two").expect("written");
        files.overwrite("./a.txt", 0, b"ONE").expect("written");
        assert_eq!(files.get("//a.txt"), Some(b"ONE, two".as_slice()));
        assert_eq!(files.overwrite("a.txt", 9, b"x"), Err(WriteError::BehindEnd));
        assert_eq!(files.overwrite("b.txt", 0, b"x"), Err(WriteError::NotOpened));
        assert_eq!(names(&files), ["a.txt", "ca.pem", "conf0.json", "index.html"]);
        assert!(files.remove("a.txt") && !files.remove("a.txt"));
    }

    #[test]
    fn name_has_a_greatest_length() {
        let mut files = FileSystem::default();
        for (len, expected) in [(0, Err(WriteError::NotOpened)), (31, Ok(())), (32, Err(WriteError::NotOpened))] {
            assert_eq!(files.replace(&"n".repeat(len), b""), expected, "{len}");
        }
    }

    #[test]
    fn rename_replaces_and_may_lose_the_target() {
        let mut files = FileSystem::default();
        files.replace("new", b"1").expect("written");
        assert!(files.rename("new", "index.html") && files.get("new").is_none());
        assert_eq!(files.get("index.html"), Some(b"1".as_slice()));
        assert!(files.rename("index.html", "/index.html"), "a name is its own");
        assert!(!files.rename("gone", "index.html"));
        assert_eq!(files.get("index.html"), None, "it was removed before the rename failed");
        assert!(!files.rename("ca.pem", ""));
    }

    #[test]
    fn full_file_system_keeps_what_fits() {
        let mut files = FileSystem::default();
        assert_eq!(files.replace("big", &vec![7; SIZE]), Err(WriteError::Full));
        let len = files.get("big").expect("a part").len();
        assert!(len > 200_000 && files.free() < 2 * PAGE, "{len} bytes, {} free", files.free());
        assert_eq!(files.append("big", b"x"), Err(WriteError::Full));
        assert!(files.remove("big"));
        assert_eq!(files.free(), FileSystem::default().free());
    }

    #[test]
    fn merged_file_system_has_the_new_files_and_the_others_of_the_old() {
        let mut old = FileSystem::default();
        assert!(FileSystem::merged(&old).is_factory());
        old.replace("index.html", b"mine").expect("written");
        old.replace("conf9.json", b"{}").expect("written");
        let new = FileSystem::merged(&old);
        assert_eq!(new.get("index.html"), Some(INDEX_HTML.as_bytes()));
        assert_eq!(new.get("conf9.json"), Some(b"{}".as_slice()));
    }

    #[test]
    fn files_survive_as_json() {
        let mut files = FileSystem::default();
        assert_eq!(serde_json::to_string(&files).expect("JSON"), "null");
        files.replace("a", &[0, 255]).expect("written");
        let text = serde_json::to_string(&files).expect("JSON");
        assert_eq!(serde_json::from_str::<FileSystem>(&text).expect("files"), files);
        assert!(serde_json::from_str::<FileSystem>(r#"{"a": "!"}"#).is_err());
    }

    proptest! {
        #[test]
        fn size_is_never_exceeded(writes in prop::collection::vec((0..4_u8, 0..3_u8, 0..90_000_usize, 0..9_000_usize), 0..30)) {
            let mut files = FileSystem::default();
            for (name, how, len, offset) in writes {
                let (name, data) = (format!("f{name}"), vec![1; len]);
                let _ = match how {
                    0 => files.replace(&name, &data),
                    1 => files.append(&name, &data),
                    _ => files.overwrite(&name, offset, &data),
                };
                let used: usize = files.iter().map(|(_, content)| cost(content.len())).sum();
                prop_assert!(used <= SIZE && used + files.free() == SIZE);
            }
        }
    }
}
