//! The firmware bundle: a zip with a manifest and one file per part.
//!
//! - [`manifest`]: the manifest: platform, version, build id and parts;
//! - [`archive`]: reads the zip by its local headers, in the order in which a device reads it;
//! - [`verify`]: checks that a device can install the bundle;
//! - [`signature`]: the signatures of the manifest;
//! - [`mod@write`]: writes a bundle.

pub mod archive;
pub mod manifest;
pub mod signature;
pub mod verify;
pub mod write;

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use archive::{LocalHeader, ZipRecord};
use manifest::FILE_NAME;
pub use manifest::{Manifest, Part};
use signature::SignedManifest;
pub use verify::BundleError;

use crate::read_file::read_file;
use crate::text::hex;

/// The maximum size of a bundle, in bytes: twice the flash of the largest boards.
pub const MAX_BUNDLE: u64 = 64 << 20;

/// A bundle that was read completely and verified.
///
/// Its files are stored without compression, the manifest is the first file, and sizes and digests are correct. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub struct Bundle {
    bytes: Bytes,
    manifest: Arc<Manifest>,
    sha256: Arc<OnceLock<String>>,
}

impl Bundle {
    /// Reads and verifies a bundle in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, BundleError> {
        let bytes = bytes.into();
        let manifest = Arc::new(verify::verify(&bytes)?);
        Ok(Self { bytes, manifest, sha256: Arc::default() })
    }

    /// Reads and verifies the bundle in a file.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        if path.is_dir() {
            return Err(BundleError::Directory);
        }
        let bytes = read_file(path, MAX_BUNDLE).map_err(|error| match error.kind() {
            io::ErrorKind::FileTooLarge => BundleError::TooLarge,
            _ => BundleError::Unreadable(error),
        })?;
        Self::from_bytes(bytes)
    }

    /// Returns the manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns the whole zip. Cheap to clone.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns the SHA-256 digest of the whole zip in hexadecimal digits. Copies of the bundle compute it once.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.sha256.get_or_init(|| hex(&Sha256::digest(&self.bytes)))
    }

    /// Returns the bytes of the manifest and its signatures.
    #[must_use]
    pub fn signed(&self) -> SignedManifest {
        // The manifest is the first file of a verified bundle.
        self.files().next().map(|(header, manifest)| SignedManifest::read(&header.extra, manifest)).unwrap_or_default()
    }

    /// Returns the size in bytes of the file that the manifest calls `name`.
    #[must_use]
    pub fn size_of(&self, name: &str) -> Option<u64> {
        self.files().find(|(header, _)| header.base_name() == name).map(|(_, data)| data.len() as u64)
    }

    /// Returns the names of the files that no part of the manifest names, in the order of the zip. The updater of 2022
    /// refuses such files.
    #[must_use]
    pub fn files_without_part(&self) -> Vec<String> {
        let named: HashSet<String> = self.manifest.parts().filter_map(|(_, part)| part.src).collect();
        let extra = |header: &LocalHeader| header.base_name() != FILE_NAME && !named.contains(header.base_name());
        // The full name, since a directory entry has no base name.
        self.files().filter(|(header, _)| extra(header)).map(|(header, _)| header.name).collect()
    }

    /// Iterates over the files with their headers, in the order of the zip.
    fn files(&self) -> impl Iterator<Item = (LocalHeader, &[u8])> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || {
            let ZipRecord::Entry(header, len) = archive::next(rest) else { return None };
            let (data, later) = rest.get(len..)?.split_at_checked(header.size as usize)?;
            rest = later;
            Some((header, data))
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use write::{PartFile, pack};

    #[test]
    fn file_without_part_is_listed_but_the_manifest_is_not() {
        let manifest = json!({"name": "n", "platform": "p", "version": "1", "build_id": "b", "parts": {}});
        let manifest: Manifest = serde_json::from_value(manifest).expect("a manifest");
        let file = |kind, src| PartFile { kind, src, ptn: "p_0", data: b"data" };
        // Two parts with the same name: the manifest keeps the second one, the zip keeps both files.
        let zip = pack(&manifest, &[file("app", "old.bin"), file("app", "new.bin")]).expect("a zip");
        assert_eq!(Bundle::from_bytes(zip).expect("a bundle").files_without_part(), ["n-p-1/old.bin"]);
        let zip = pack(&manifest, &[file("app", "new.bin")]).expect("a zip");
        let bundle = Bundle::from_bytes(zip).expect("a bundle");
        assert_eq!(bundle.files_without_part(), [""; 0]);
        assert_eq!(bundle.manifest().parts_without_size(), [""; 0], "a bundle that is packed here has sizes");
    }
}
