//! The firmware bundle: a zip with a manifest and one file per part.
//!
//! - [`manifest`]: what the bundle says of itself;
//! - [`archive`]: the zip, read by its local headers, in the order in which a device meets them;
//! - [`verify`]: whether a device will be able to take it;
//! - [`signature`]: who vouches for it;
//! - [`mod@write`]: making one.

pub mod archive;
pub mod manifest;
pub mod signature;
pub mod verify;
pub mod write;

use std::io::Read as _;
use std::path::Path;

use bytes::Bytes;

use archive::{LocalHeader, Next};
pub use manifest::{Manifest, Part};
use signature::Signed;
pub use verify::BundleError;

/// The largest bundle that is read, in bytes. The flash of the largest boards is half of that.
pub const MAX_BUNDLE: u64 = 64 << 20;

/// A bundle that was read whole and found good: stored, manifest first, sizes and digests right.
#[derive(Debug, Clone)]
pub struct Bundle {
    bytes: Bytes,
    manifest: Manifest,
}

impl Bundle {
    /// Reads and checks a bundle in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Result<Self, BundleError> {
        let bytes = bytes.into();
        let manifest = verify::verify(&bytes)?;
        Ok(Self { bytes, manifest })
    }

    /// Reads and checks the bundle in a file.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let file = std::fs::File::open(path).map_err(BundleError::Unreadable)?;
        let metadata = file.metadata().map_err(BundleError::Unreadable)?;
        if metadata.is_dir() {
            return Err(BundleError::Directory);
        }
        let mut bytes = Vec::new();
        // The length is looked at while reading too: a pipe or a device file has none.
        file.take(MAX_BUNDLE + 1).read_to_end(&mut bytes).map_err(BundleError::Unreadable)?;
        if bytes.len() as u64 > MAX_BUNDLE {
            return Err(BundleError::TooLarge);
        }
        Self::from_bytes(bytes)
    }

    /// What the bundle says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The whole zip. Cheap to clone.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The manifest and its signatures.
    #[must_use]
    pub fn signed(&self) -> Signed {
        // The manifest comes first: otherwise this were no bundle.
        self.files().next().map(|(header, manifest)| Signed::read(&header.extra, manifest)).unwrap_or_default()
    }

    /// The size of a file in bytes, by its name as the manifest has it.
    #[must_use]
    pub fn size_of(&self, name: &str) -> Option<u64> {
        self.files().find(|(header, _)| header.base_name() == name).map(|(_, data)| data.len() as u64)
    }

    fn files(&self) -> impl Iterator<Item = (LocalHeader, &[u8])> {
        let mut rest: &[u8] = &self.bytes;
        std::iter::from_fn(move || {
            let Next::Entry(header, len) = archive::next(rest) else { return None };
            let (data, later) = rest.get(len..)?.split_at_checked(header.size as usize)?;
            rest = later;
            Some((header, data))
        })
    }
}
