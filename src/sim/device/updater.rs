//! The device's updater: takes a bundle from a stream as it comes, and keeps nothing of it but the manifest. No I/O.
//!
//! The generations differ in what they check, when they check it, and where the bundle ends. The updater of 2018 stops at
//! the directory of the archive. Later updaters read the archive to its last byte.

use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::bundle::Manifest;
use crate::bundle::archive::{self, LocalHeader, Next};
use crate::sim::device::zip_directory::ZipDirectory;
use crate::sim::firmware::Firmware;
use crate::sim::generation::Generation;
use crate::sim::signing::UpdateConfig;
use crate::sim::update_error::UpdateError;
use crate::text::hex;

/// What the device has room for, in bytes: a header, and a manifest.
const MAX_HEADER: usize = 1024;
const MAX_MANIFEST: u32 = 16 << 10;

/// The parts without which an esp32 takes no update.
const REQUIRED: [&str; 2] = ["app", "fs"];

/// An update under way.
#[derive(Debug)]
pub struct Updater {
    generation: Generation,
    running: Firmware,
    whose: UpdateConfig,
    state: State,
    manifest: Option<Manifest>,
    /// The types of the parts that have been written.
    written: Vec<String>,
    /// Whether something else has written to the slot meanwhile.
    is_spoiled: bool,
}

/// The state of an updater after some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The updater wants more bytes.
    More,
    /// The device already runs this version (2018 only).
    NothingNew,
    /// The bundle is complete.
    Complete,
}

#[derive(Debug)]
enum State {
    /// Collects the next header.
    Header(Vec<u8>),
    /// Collects the manifest.
    Manifest { header: LocalHeader, data: Vec<u8> },
    /// Writes a file to the flash.
    File { header: LocalHeader, left: u32, crc32: crc32fast::Hasher, sha1: Sha1, sha256: Sha256 },
    /// Skips the directory.
    Directory(ZipDirectory),
    /// All files are there; the rest does not matter.
    Done,
}

impl Updater {
    /// Returns an updater for a device of this generation that runs `running`.
    #[must_use]
    pub fn new(generation: Generation, running: Firmware) -> Self {
        Self {
            generation,
            running,
            whose: UpdateConfig::default(),
            state: State::Header(Vec::new()),
            manifest: None,
            written: Vec::new(),
            is_spoiled: false,
        }
    }

    /// The same for a device that does not take everybody's firmware.
    #[must_use]
    pub fn taking(self, whose: UpdateConfig) -> Self {
        Self { whose, ..self }
    }

    /// Notes that something else has written to the slot. The digest of the next part will be wrong.
    pub fn spoil(&mut self) {
        self.is_spoiled = true;
    }

    /// Takes the next bytes of the bundle.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<Taken, UpdateError> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Done => break,
                State::Header(buffer) => {
                    buffer.push(bytes[0]);
                    bytes = &bytes[1..];
                    match archive::next(buffer) {
                        Next::Incomplete if buffer.len() < MAX_HEADER => {}
                        // A compiled service collects a whole header before it checks it.
                        Next::Junk if self.generation.is_compiled() && buffer.len() < archive::LOCAL_LEN => {}
                        Next::Incomplete | Next::Junk => return Err(UpdateError::Header),
                        Next::Directory if self.generation.is_compiled() => {
                            let mut directory = ZipDirectory::default();
                            directory.push(buffer)?;
                            self.state = State::Directory(directory);
                        }
                        Next::Directory => self.state = State::Done,
                        Next::Entry(header, _) => self.begin_file(header)?,
                    }
                }
                State::Manifest { header, data } => {
                    let wanted = header.size as usize - data.len();
                    let (now, later) = bytes.split_at(wanted.min(bytes.len()));
                    data.extend_from_slice(now);
                    bytes = later;
                    if data.len() == header.size as usize && self.end_manifest()? {
                        return Ok(Taken::NothingNew);
                    }
                }
                State::File { left, crc32, sha1, sha256, .. } => {
                    let (now, later) = bytes.split_at((*left as usize).min(bytes.len()));
                    crc32.update(now);
                    sha1.update(now);
                    sha256.update(now);
                    *left -= u32::try_from(now.len()).expect("no longer than what is left");
                    bytes = later;
                    if *left == 0 {
                        self.end_file()?;
                    }
                }
                State::Directory(directory) => {
                    if directory.push(bytes)? {
                        self.state = State::Done;
                    }
                    break;
                }
            }
        }
        Ok(if matches!(self.state, State::Done) { Taken::Complete } else { Taken::More })
    }

    /// Returns the firmware of a complete bundle.
    pub fn finish(self) -> Result<Firmware, UpdateError> {
        let (State::Done, Some(manifest)) = (self.state, self.manifest) else {
            return Err(UpdateError::Unfinished);
        };
        if REQUIRED.iter().any(|required| !self.written.iter().any(|written| written == required)) {
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
            (None, true) if header.size <= MAX_MANIFEST => State::Manifest { header, data: Vec::new() },
            (None, _) => return Err(UpdateError::NoManifest),
            (Some(manifest), _) => {
                if self.generation.checks_sizes() {
                    check_size(manifest, &header)?;
                }
                State::File {
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

    /// Checks the manifest. Returns true if the device already runs this version and therefore needs no update (2018 only).
    fn end_manifest(&mut self) -> Result<bool, UpdateError> {
        let State::Manifest { header, data } = std::mem::replace(&mut self.state, State::Header(Vec::new())) else {
            return Ok(false);
        };
        if crc32fast::hash(&data) != header.crc32 {
            return Err(UpdateError::Crc);
        }
        // That the signatures are checked first is not recorded.
        if !self.whose.accepts(&header.extra, &data) {
            return Err(UpdateError::Signature);
        }
        let platform: Option<Value> = serde_json::from_slice(&data).ok();
        let platform = platform.ok_or(UpdateError::Manifest)?["platform"].as_str() == Some(&self.running.platform);
        if self.generation.is_compiled() && !platform {
            return Err(UpdateError::Platform);
        }
        let manifest = Manifest::parse(&data).map_err(|_| UpdateError::Manifest)?;
        if !platform {
            return Err(UpdateError::Platform);
        }
        let has = |kind: &str| manifest.parts().any(|(_, part)| part.kind.as_deref() == Some(kind));
        if self.generation.is_compiled() && !REQUIRED.iter().all(|kind| has(kind)) {
            return Err(UpdateError::Incomplete);
        }
        let same = manifest.version == self.running.version && manifest.build_id == self.running.build_id;
        self.manifest = Some(manifest);
        Ok(same && !self.generation.is_compiled())
    }

    fn end_file(&mut self) -> Result<(), UpdateError> {
        let State::File { header, crc32, sha1, sha256, .. } =
            std::mem::replace(&mut self.state, State::Header(Vec::new()))
        else {
            return Ok(());
        };
        let (sha1, sha256) = (hex(&sha1.finalize()), hex(&sha256.finalize()));
        let differs = |wanted: &Option<String>, is: &str| wanted.as_ref().is_some_and(|wanted| wanted != is);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Firmware {
        Firmware { app: "mgdev".into(), version: "1.0.0".into(), build_id: "factory".into(), platform: "esp32".into() }
    }

    fn bundle(path: &str) -> Vec<u8> {
        let path = format!("{}/tests/wire/{path}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read(path).expect("a recorded bundle")
    }

    fn update(generation: Generation, path: &str, piece: usize) -> Result<Firmware, UpdateError> {
        let mut updater = Updater::new(generation, running());
        for bytes in bundle(path).chunks(piece) {
            updater.push(bytes)?;
        }
        updater.finish()
    }

    /// What a device says must not depend on how the network cuts the stream.
    #[test]
    fn recorded_bundles_end_as_recorded_however_they_are_cut() {
        use Generation::{Y2018, Y2019, Y2022};
        for piece in [1, 7, 1460, 1 << 20] {
            for (generation, path, expected) in [
                (Y2018, "firmware/badsha.zip", UpdateError::Digest),
                (Y2018, "firmware/deflate.zip", UpdateError::Compressed),
                (Y2018, "firmware/junk.zip", UpdateError::Header),
                (Y2018, "firmware/nofs.zip", UpdateError::Incomplete),
                (Y2018, "firmware/noman.zip", UpdateError::NoManifest),
                (Y2018, "firmware/wrongplat.zip", UpdateError::Platform),
                (Y2019, "firmware2022/badcrc.zip", UpdateError::Crc),
                (Y2022, "firmware/good.zip", UpdateError::Size),
                (Y2022, "firmware2022/nosize.zip", UpdateError::Size),
                (Y2022, "firmware2022/flip.zip", UpdateError::Digest),
                (Y2022, "firmware2022/noplatform.zip", UpdateError::Platform),
                (Y2022, "firmware2022/nofs.zip", UpdateError::Incomplete),
                (Y2022, "firmware2022/trunc.zip", UpdateError::Unfinished),
            ] {
                assert_eq!(
                    update(generation, path, piece),
                    Err(expected),
                    "{path} in pieces of {piece}, {generation:?}"
                );
            }
            for (generation, path) in [
                (Y2018, "firmware/good.zip"),
                (Y2019, "firmware/good.zip"),
                (Y2019, "firmware2022/nosize.zip"),
                (Y2022, "firmware2022/small2.zip"),
                (Y2022, "firmware2022/medium2.zip"),
            ] {
                let firmware = update(generation, path, piece);
                let version = firmware.as_ref().map(|firmware| firmware.version.as_str());
                assert_eq!(version, Ok("2.0.0"), "{path} in pieces of {piece}, {generation:?}");
            }
        }
    }

    #[test]
    fn last_byte_of_the_archive_completes_it_since_2019() {
        let bytes = bundle("firmware2022/small2.zip");
        for (generation, expected) in [(Generation::Y2018, Taken::Complete), (Generation::Y2022, Taken::More)] {
            let mut updater = Updater::new(generation, running());
            assert_eq!(updater.push(&bytes[..bytes.len() - 1]), Ok(expected), "{generation:?}");
            assert_eq!(updater.push(&bytes[bytes.len() - 1..]), Ok(Taken::Complete), "{generation:?}");
        }
    }

    #[test]
    fn running_version_is_installed_again_since_2019() {
        let bytes = bundle("firmware2022/small2.zip");
        let running = Firmware { version: "2.0.0".into(), build_id: "20240202-020202/g2222222".into(), ..running() };
        for (generation, expected) in [(Generation::Y2018, Taken::NothingNew), (Generation::Y2022, Taken::Complete)] {
            assert_eq!(Updater::new(generation, running.clone()).push(&bytes), Ok(expected), "{generation:?}");
        }
    }

    #[test]
    fn spoiled_slot_is_a_digest_mismatch() {
        let bytes = bundle("firmware2022/small2.zip");
        let mut updater = Updater::new(Generation::Y2022, running());
        assert_eq!(updater.push(&bytes[..700]), Ok(Taken::More));
        updater.spoil();
        assert_eq!(updater.push(&bytes[700..]), Err(UpdateError::Digest));
    }
}
