//! The device's updater: a bundle, taken from a stream as it comes, with nothing kept of it but the
//! manifest. No I/O; the failures are the device's own, as recorded in wire/ws.json, case
//! `ota_update_errors`.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::device::Firmware;
use super::signing::UpdateConfig;
use super::wire::Failure;
use crate::bundle::Manifest;
use crate::bundle::archive::{self, LocalHeader, Next};
use crate::text::hex;

/// What the device has room for, in bytes: a header, and a manifest.
const MAX_HEADER: usize = 1024;
const MAX_MANIFEST: u32 = 16 << 10;

/// The parts without which an esp32 takes no update.
const REQUIRED: [&str; 2] = ["app", "fs"];

/// An update under way.
#[derive(Debug)]
pub struct Updater {
    running: Firmware,
    whose: UpdateConfig,
    state: State,
    manifest: Option<Manifest>,
    /// The types of the parts that have been written.
    written: Vec<String>,
}

#[derive(Debug)]
enum State {
    /// Collects the next header.
    Header(Vec<u8>),
    /// Collects the manifest.
    Manifest { header: LocalHeader, data: Vec<u8> },
    /// Writes a file to the flash.
    File { header: LocalHeader, left: u32, crc32: crc32fast::Hasher, sha1: Sha1, sha256: Sha256 },
    /// All files are there; the rest does not matter.
    Done,
}

impl Updater {
    /// An updater of a device that runs this.
    #[must_use]
    pub fn new(running: Firmware) -> Self {
        let whose = UpdateConfig::default();
        Self { running, whose, state: State::Header(Vec::new()), manifest: None, written: Vec::new() }
    }

    /// The same for a device that does not take everybody's firmware.
    #[must_use]
    pub fn taking(self, whose: UpdateConfig) -> Self {
        Self { whose, ..self }
    }

    /// Takes the next bytes. `Ok(true)`: no more are needed, since the device runs this version.
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<bool, Failure> {
        while !bytes.is_empty() {
            match &mut self.state {
                State::Done => break,
                State::Header(buffer) => {
                    buffer.push(bytes[0]);
                    bytes = &bytes[1..];
                    match archive::next(buffer) {
                        Next::Incomplete if buffer.len() < MAX_HEADER => {}
                        Next::Incomplete | Next::Junk => {
                            return Err(Failure::new(-1, "Malformed archive (invalid file header)"));
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
                        return Ok(true);
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
            }
        }
        Ok(false)
    }

    /// Whether all files are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The stream has ended.
    pub fn finish(self) -> Result<Firmware, Failure> {
        let (State::Done, Some(manifest)) = (self.state, self.manifest) else {
            return Err(Failure::new(-1, "Update failed"));
        };
        if REQUIRED.iter().any(|required| !self.written.iter().any(|written| written == required)) {
            return Err(Failure::new(-1, "Incomplete update package"));
        }
        Ok(Firmware {
            app: manifest.name,
            version: manifest.version,
            build_id: manifest.build_id,
            platform: manifest.platform,
        })
    }

    fn begin_file(&mut self, header: LocalHeader) -> Result<(), Failure> {
        if header.method != 0 {
            return Err(Failure::new(-1, "Cannot handle compressed .zip"));
        }
        let is_manifest = header.base_name() == crate::bundle::manifest::FILE_NAME;
        self.state = match (&self.manifest, is_manifest) {
            (None, true) if header.size <= MAX_MANIFEST => State::Manifest { header, data: Vec::new() },
            // Anything before the manifest: an error without a word.
            (None, _) => return Err(Failure::bare(-1)),
            (Some(_), _) => State::File {
                left: header.size,
                header,
                crc32: crc32fast::Hasher::new(),
                sha1: Sha1::new(),
                sha256: Sha256::new(),
            },
        };
        Ok(())
    }

    /// True if the device runs this version already.
    fn end_manifest(&mut self) -> Result<bool, Failure> {
        let State::Manifest { header, data } = std::mem::replace(&mut self.state, State::Header(Vec::new())) else {
            return Ok(false);
        };
        if crc32fast::hash(&data) != header.crc32 {
            return Err(Failure::new(-1, "Invalid CRC"));
        }
        // The device's words, and that it checks the signatures first, are a guess.
        if !self.whose.accepts(&header.extra, &data) {
            return Err(Failure::new(-1, "Invalid signature"));
        }
        let manifest = Manifest::parse(&data).map_err(|_| Failure::new(-1, "Failed to parse manifest"))?;
        if manifest.platform != self.running.platform {
            return Err(Failure::new(-1, "Wrong platform"));
        }
        let same = manifest.version == self.running.version && manifest.build_id == self.running.build_id;
        self.manifest = Some(manifest);
        Ok(same)
    }

    fn end_file(&mut self) -> Result<(), Failure> {
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
            if differs(&part.cs_sha1, &sha1) || differs(&part.cs_sha256, &sha256) {
                return Err(Failure::new(-1, "Digest mismatch"));
            }
            self.written.extend(part.kind);
        }
        if crc32.finalize() != header.crc32 {
            return Err(Failure::new(-1, "Invalid CRC"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Firmware {
        Firmware { app: "mgdev".into(), version: "1.0.0".into(), build_id: "factory".into(), platform: "esp32".into() }
    }

    fn update(name: &str, piece: usize) -> Result<Firmware, Failure> {
        let path = format!("{}/tests/wire/firmware/{name}", env!("CARGO_MANIFEST_DIR"));
        let mut updater = Updater::new(running());
        for bytes in std::fs::read(path).expect("a recorded bundle").chunks(piece) {
            updater.push(bytes)?;
        }
        updater.finish()
    }

    /// What a device says must not depend on how the network cuts the stream.
    #[test]
    fn the_recorded_bundles_end_as_recorded_however_they_are_cut() {
        let failed = |message: &str| Err(Failure::new(-1, message));
        for piece in [1, 7, 1460, 1 << 20] {
            for (name, expected) in [
                ("badsha.zip", failed("Digest mismatch")),
                ("deflate.zip", failed("Cannot handle compressed .zip")),
                ("junk.zip", failed("Malformed archive (invalid file header)")),
                ("nofs.zip", failed("Incomplete update package")),
                ("noman.zip", Err(Failure::bare(-1))),
                ("wrongplat.zip", failed("Wrong platform")),
            ] {
                assert_eq!(update(name, piece), expected, "{name} in pieces of {piece}");
            }
            let firmware = update("good.zip", piece).unwrap_or_else(|e| panic!("in pieces of {piece}: {e:?}"));
            assert_eq!((firmware.app.as_str(), firmware.version.as_str()), ("mgdev", "2.0.0"));
        }
    }

    #[test]
    fn a_cut_off_bundle_is_no_update() {
        let path = format!("{}/tests/wire/firmware/good.zip", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a recorded bundle");
        let mut updater = Updater::new(running());
        assert_eq!(updater.push(&bytes[..bytes.len() / 2]), Ok(false));
        assert_eq!(updater.finish(), Err(Failure::new(-1, "Update failed")));
    }

    #[test]
    fn the_running_version_is_not_written_again() {
        let path = format!("{}/tests/wire/firmware/good.zip", env!("CARGO_MANIFEST_DIR"));
        let bytes = std::fs::read(path).expect("a recorded bundle");
        let running = Firmware { version: "2.0.0".into(), build_id: "20240202-020202/g0edc77".into(), ..running() };
        assert_eq!(Updater::new(running).push(&bytes), Ok(true));
    }
}
