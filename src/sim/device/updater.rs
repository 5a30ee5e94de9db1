//! The device's updater: reads a bundle from a stream of bytes and keeps only the manifest. No I/O.
//!
//! The generations differ in what they check, when they check it, and where the bundle ends. The updater of 2018 stops
//! at the directory of the archive. Later updaters read the archive to its last byte.

use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::bundle::Manifest;
use crate::bundle::archive::{self, LocalHeader, ZipRecord};
use crate::sim::device::zip_directory::ZipDirectory;
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::signing::UpdateConfig;
use crate::sim::update_error::UpdateError;
use crate::text::hex;

#[cfg(test)]
mod tests;

/// The largest header of a file that the updater reads, in bytes.
const MAX_HEADER: usize = 1024;

/// The largest manifest that the updater reads, in bytes.
const MAX_MANIFEST: u32 = 16 << 10;

/// The types of the parts that an update of an esp32 requires.
const REQUIRED_PARTS: [&str; 2] = ["app", "fs"];

/// The state of one update.
#[derive(Debug)]
pub struct Updater {
    generation: Generation,
    running: Firmware,
    update_config: UpdateConfig,
    state: UpdaterState,
    manifest: Option<Manifest>,
    /// The types of the parts that have been written.
    written: Vec<String>,
    /// Whether a snapshot has overwritten the slot during the update.
    is_spoiled: bool,
}

/// The progress of an updater after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdaterProgress {
    /// The updater needs more bytes.
    More,
    /// The device already runs this version (2018 only).
    NothingNew,
    /// The bundle is complete.
    Complete,
}

/// The part of the bundle that the next byte belongs to.
#[derive(Debug)]
enum UpdaterState {
    /// Collects the next header.
    Header(Vec<u8>),
    /// Collects the manifest.
    Manifest { header: LocalHeader, data: Vec<u8> },
    /// Writes a file to the flash.
    File { header: LocalHeader, left: u32, crc32: crc32fast::Hasher, sha1: Sha1, sha256: Sha256 },
    /// Skips the directory.
    Directory(ZipDirectory),
    /// The bundle is complete. Further bytes are ignored.
    Done,
}

impl Updater {
    /// Returns an updater for a device of this generation that runs `running`. The updater requires no signatures.
    #[must_use]
    pub fn new(generation: Generation, running: Firmware) -> Self {
        Self {
            generation,
            running,
            update_config: UpdateConfig::default(),
            state: UpdaterState::Header(Vec::new()),
            manifest: None,
            written: Vec::new(),
            is_spoiled: false,
        }
    }

    /// Makes the updater require the signatures of `update_config`.
    #[must_use]
    pub fn with_update_config(self, update_config: UpdateConfig) -> Self {
        Self { update_config, ..self }
    }

    /// Records that a snapshot has overwritten the slot. The digest of the next part will be wrong.
    pub fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    /// Reads the next bytes of the bundle.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<UpdaterProgress, UpdateError> {
        while !bytes.is_empty() {
            match &mut self.state {
                UpdaterState::Done => break,
                UpdaterState::Header(buffer) => {
                    buffer.push(bytes[0]);
                    bytes = &bytes[1..];
                    match archive::next(buffer) {
                        ZipRecord::Incomplete if buffer.len() < MAX_HEADER => {}
                        // A compiled service collects a whole header before it checks it.
                        ZipRecord::Junk if self.generation.is_compiled() && buffer.len() < archive::LOCAL_LEN => {}
                        ZipRecord::Incomplete | ZipRecord::Junk => return Err(UpdateError::Header),
                        ZipRecord::Directory if self.generation.is_compiled() => {
                            let mut directory = ZipDirectory::default();
                            directory.push(buffer)?;
                            self.state = UpdaterState::Directory(directory);
                        }
                        ZipRecord::Directory => self.state = UpdaterState::Done,
                        ZipRecord::Entry(header, _) => self.begin_file(header)?,
                    }
                }
                UpdaterState::Manifest { header, data } => {
                    let missing = header.size as usize - data.len();
                    let (of_manifest, rest) = bytes.split_at(missing.min(bytes.len()));
                    data.extend_from_slice(of_manifest);
                    bytes = rest;
                    if data.len() == header.size as usize && self.end_manifest()? {
                        return Ok(UpdaterProgress::NothingNew);
                    }
                }
                UpdaterState::File { left, crc32, sha1, sha256, .. } => {
                    let (of_file, rest) = bytes.split_at((*left as usize).min(bytes.len()));
                    crc32.update(of_file);
                    sha1.update(of_file);
                    sha256.update(of_file);
                    *left -= u32::try_from(of_file.len()).expect("`split_at` limits the length to `left`");
                    bytes = rest;
                    if *left == 0 {
                        self.end_file()?;
                    }
                }
                UpdaterState::Directory(directory) => {
                    if directory.push(bytes)? {
                        self.state = UpdaterState::Done;
                    }
                    break;
                }
            }
        }
        Ok(if matches!(self.state, UpdaterState::Done) { UpdaterProgress::Complete } else { UpdaterProgress::More })
    }

    /// Returns the firmware of a complete bundle.
    pub fn finish(self) -> Result<Firmware, UpdateError> {
        let (UpdaterState::Done, Some(manifest)) = (self.state, self.manifest) else {
            return Err(UpdateError::Unfinished);
        };
        if REQUIRED_PARTS.iter().any(|required| !self.written.iter().any(|written| written == required)) {
            return Err(UpdateError::Incomplete);
        }
        // The name in the manifest is a copy of the one in the app.
        let app = if manifest.name.is_empty() { self.running.app } else { manifest.name };
        Ok(Firmware { app, version: manifest.version, build_id: manifest.build_id, platform: manifest.platform })
    }

    fn begin_file(&mut self, header: LocalHeader) -> Result<(), UpdateError> {
        if header.method != 0 {
            return Err(UpdateError::Compressed);
        }
        let is_manifest = header.base_name() == crate::bundle::manifest::FILE_NAME;
        self.state = match (&self.manifest, is_manifest) {
            (None, true) if header.size <= MAX_MANIFEST => UpdaterState::Manifest { header, data: Vec::new() },
            (None, _) => return Err(UpdateError::NoManifest),
            (Some(manifest), _) => {
                if self.generation.checks_sizes() {
                    check_size(manifest, &header)?;
                }
                UpdaterState::File {
                    left: header.size,
                    header,
                    crc32: crc32fast::Hasher::new(),
                    sha1: Sha1::new(),
                    sha256: Sha256::new(),
                }
            }
        };
        Ok(())
    }

    /// Checks the manifest. Returns true if the device already runs this version and therefore needs no update (2018
    /// only).
    fn end_manifest(&mut self) -> Result<bool, UpdateError> {
        let UpdaterState::Manifest { header, data } =
            std::mem::replace(&mut self.state, UpdaterState::Header(Vec::new()))
        else {
            return Ok(false);
        };
        if crc32fast::hash(&data) != header.crc32 {
            return Err(UpdateError::Crc);
        }
        // Not recorded: that the device checks the signatures before the rest of the manifest.
        if !self.update_config.accepts(&header.extra, &data) {
            return Err(UpdateError::Signature);
        }
        let json: Option<Value> = serde_json::from_slice(&data).ok();
        let is_platform = json.ok_or(UpdateError::Manifest)?["platform"].as_str() == Some(&self.running.platform);
        if self.generation.is_compiled() && !is_platform {
            return Err(UpdateError::Platform);
        }
        let manifest = Manifest::parse(&data).map_err(|_| UpdateError::Manifest)?;
        if !is_platform {
            return Err(UpdateError::Platform);
        }
        let has = |kind: &str| manifest.parts().any(|(_, part)| part.kind.as_deref() == Some(kind));
        if self.generation.is_compiled() && !REQUIRED_PARTS.iter().all(|kind| has(kind)) {
            return Err(UpdateError::Incomplete);
        }
        let is_same = manifest.version == self.running.version && manifest.build_id == self.running.build_id;
        self.manifest = Some(manifest);
        Ok(is_same && !self.generation.is_compiled())
    }

    fn end_file(&mut self) -> Result<(), UpdateError> {
        let UpdaterState::File { header, crc32, sha1, sha256, .. } =
            std::mem::replace(&mut self.state, UpdaterState::Header(Vec::new()))
        else {
            return Ok(());
        };
        let (sha1, sha256) = (hex(&sha1.finalize()), hex(&sha256.finalize()));
        let differs = |expected: &Option<String>, actual: &str| expected.as_ref().is_some_and(|sum| sum != actual);
        for (_, part) in self.manifest.iter().flat_map(Manifest::parts) {
            if part.src.as_deref() != Some(header.base_name()) {
                continue;
            }
            if self.is_spoiled || differs(&part.cs_sha1, &sha1) || differs(&part.cs_sha256, &sha256) {
                return Err(UpdateError::Digest);
            }
            self.written.extend(part.kind);
        }
        if crc32.finalize() != header.crc32 {
            return Err(UpdateError::Crc);
        }
        Ok(())
    }
}

/// Checks the size of a file against the parts of the manifest that name the file.
fn check_size(manifest: &Manifest, header: &LocalHeader) -> Result<(), UpdateError> {
    let mut parts = manifest.parts().filter(|(_, part)| part.src.as_deref() == Some(header.base_name())).peekable();
    if parts.peek().is_none() {
        return Err(UpdateError::Extra);
    }
    let fits = parts.all(|(_, part)| part.size == Some(header.size.into()));
    if fits { Ok(()) } else { Err(UpdateError::Size) }
}
