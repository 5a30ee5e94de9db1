//! Checks that a device can install a bundle.
//!
//! A device finds an error only while it writes its flash. These checks run before the device is changed.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::archive::{self, CentralDirectory, LocalHeader, ZipRecord};
use super::manifest::{FILE_NAME, Manifest, Part};
use crate::text::{hex, printable};

/// The maximum length of a file name on a device, in bytes.
const MAX_NAME: usize = 49;

/// The maximum size of a manifest, in bytes.
const MAX_MANIFEST: u32 = 64 << 10;

/// The reason why a device cannot install a file as firmware.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// The file could not be read.
    #[error("{0}")]
    Unreadable(io::Error),
    /// The path is a directory.
    #[error("it is a directory")]
    Directory,
    /// The file is empty.
    #[error("it is empty")]
    Empty,
    /// The file is larger than [`super::MAX_BUNDLE`].
    #[error("it is larger than 64 MiB, and so is no firmware")]
    TooLarge,
    /// The file is not a zip.
    #[error("it is not a zip file")]
    NotAZip,
    /// The end of the zip is missing, or bytes between the entries are damaged.
    #[error("the zip is cut off or damaged: {0}")]
    CutOff(String),
    /// An entry is compressed. A device cannot decompress it.
    #[error("`{0}` is compressed, and a device takes only stored files")]
    Compressed(String),
    /// The zip uses another feature that a device cannot read, or is inconsistent.
    #[error("a device cannot read this zip: {0}")]
    Unsupported(String),
    /// The first entry is not the manifest.
    #[error("`manifest.json` is not the first file in the zip (that is `{0}`)")]
    ManifestNotFirst(String),
    /// The manifest is the first entry, but in a nested directory. A device removes only one directory from its name.
    #[error("`{0}` is nested too deeply: a device finds `manifest.json` in the zip itself or in one directory")]
    ManifestTooDeep(String),
    /// The manifest is not usable.
    #[error("`manifest.json` is not usable: {0}")]
    Manifest(String),
    /// The name of a file is too long for a device.
    #[error("the name `{0}` is longer than the {MAX_NAME} bytes that a device has room for")]
    NameTooLong(String),
    /// The CRC-32 of an entry's data differs from the one in the zip.
    #[error("`{0}` is damaged: its CRC-32 is not the one in the zip")]
    Damaged(String),
    /// The file of a part is missing, or its size or digest differs from the one in the manifest.
    #[error("part `{part}`: {problem}")]
    Part {
        /// The name of the part in the manifest.
        part: String,
        /// What is wrong.
        problem: String,
    },
}

/// Checks a whole bundle, and returns its manifest.
pub fn verify(bytes: &[u8]) -> Result<Manifest, BundleError> {
    let entries = entries(bytes)?;
    // `entries` returns at least one entry.
    let (first, manifest) = &entries[0];
    if first.base_name() != FILE_NAME {
        let name = printable(&first.name);
        let is_too_deep = first.name.rsplit('/').next() == Some(FILE_NAME);
        return Err(if is_too_deep { BundleError::ManifestTooDeep(name) } else { BundleError::ManifestNotFirst(name) });
    }
    if first.size > MAX_MANIFEST {
        return Err(BundleError::Manifest(format!("it has {} bytes", first.size)));
    }
    let manifest = Manifest::read(manifest).map_err(|e| BundleError::Manifest(e.to_string()))?;
    let mut files: HashMap<&str, BundleFile<'_>> = HashMap::new();
    // A device skips directories, so that no part can refer to one.
    for (header, data) in entries.iter().filter(|(header, _)| !header.is_directory()) {
        if files.insert(header.base_name(), BundleFile::new(data)).is_some() {
            let name = printable(header.base_name());
            return Err(BundleError::Unsupported(format!("there are two files of the name `{name}`")));
        }
    }
    for (name, part) in manifest.parts() {
        check_part(&part, &files)
            .map_err(|problem| BundleError::Part { part: printable(name), problem: printable(&problem) })?;
    }
    Ok(manifest)
}

/// Returns the entries in the order of the zip, at least one. Checks each entry, and the directory.
fn entries(bytes: &[u8]) -> Result<Vec<(LocalHeader, &[u8])>, BundleError> {
    if bytes.is_empty() {
        return Err(BundleError::Empty);
    }
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        match archive::next(&bytes[at..]) {
            ZipRecord::Entry(header, len) => {
                let data = check_entry(&header, &bytes[at + len..])?;
                at += len + data.len();
                entries.push((header, data));
            }
            ZipRecord::Directory if entries.is_empty() => {
                return Err(BundleError::Unsupported("there are no files in it".into()));
            }
            ZipRecord::Directory => break,
            ZipRecord::Incomplete => return Err(BundleError::CutOff(format!("it ends after {} bytes", bytes.len()))),
            ZipRecord::Junk if entries.is_empty() => return Err(BundleError::NotAZip),
            ZipRecord::Junk => return Err(BundleError::CutOff(format!("no file begins at byte {at}"))),
        }
    }
    match archive::directory(&bytes[at..]) {
        CentralDirectory::Files(count) if count == entries.len() => Ok(entries),
        CentralDirectory::Files(count) => Err(BundleError::Unsupported(format!(
            "its directory lists {count} files, but a device would find {}",
            entries.len()
        ))),
        CentralDirectory::Zip64 => Err(BundleError::Unsupported("its directory is one of zip64".into())),
        CentralDirectory::Incomplete => Err(BundleError::CutOff("its directory is incomplete".into())),
    }
}

/// Checks one entry, and returns its data. `rest` starts with the data.
fn check_entry<'a>(header: &LocalHeader, rest: &'a [u8]) -> Result<&'a [u8], BundleError> {
    let name = || printable(&header.name);
    if header.is_encrypted() {
        return Err(BundleError::Unsupported(format!("`{}` is encrypted", name())));
    }
    if header.method != 0 {
        return Err(BundleError::Compressed(name()));
    }
    if header.is_streamed() {
        return Err(BundleError::Unsupported(format!("the size of `{}` follows its data", name())));
    }
    if header.is_zip64() {
        return Err(BundleError::Unsupported(format!("the size of `{}` is given as in zip64", name())));
    }
    if header.size != header.compressed_size {
        return Err(BundleError::Unsupported(format!(
            "`{}` is stored, but is said to have {} bytes in {}",
            name(),
            header.size,
            header.compressed_size
        )));
    }
    if header.base_name().len() > MAX_NAME {
        return Err(BundleError::NameTooLong(name()));
    }
    let Some(data) = rest.get(..header.size as usize) else {
        return Err(BundleError::CutOff(format!(
            "`{}` is to have {} bytes, and only {} are there",
            name(),
            header.size,
            rest.len()
        )));
    };
    if crc32fast::hash(data) != header.crc32 {
        return Err(BundleError::Damaged(name()));
    }
    Ok(data)
}

/// A file of the bundle. Each digest is computed at most once, and only if a part needs it.
struct BundleFile<'a> {
    data: &'a [u8],
    sha1: OnceCell<String>,
    sha256: OnceCell<String>,
}

impl<'a> BundleFile<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, sha1: OnceCell::new(), sha256: OnceCell::new() }
    }
}

/// Checks size and digests of the file of a part. The error describes the problem.
fn check_part(part: &Part, files: &HashMap<&str, BundleFile<'_>>) -> Result<(), String> {
    let Some(src) = &part.src else { return Ok(()) };
    let file = files.get(src.as_str()).ok_or_else(|| format!("its file `{src}` is not in the zip"))?;
    if let Some(size) = part.size
        && size != file.data.len() as u64
    {
        return Err(format!("its file `{src}` has {} bytes, the manifest says {size}", file.data.len()));
    }
    if let Some(wanted) = &part.cs_sha1 {
        check_digest("SHA-1", wanted, file.sha1.get_or_init(|| hex(&Sha1::digest(file.data))))?;
    }
    if let Some(wanted) = &part.cs_sha256 {
        check_digest("SHA-256", wanted, file.sha256.get_or_init(|| hex(&Sha256::digest(file.data))))?;
    }
    Ok(())
}

fn check_digest(name: &str, wanted: &str, actual: &str) -> Result<(), String> {
    if wanted == actual {
        Ok(())
    } else if wanted.eq_ignore_ascii_case(actual) {
        Err(format!("its {name} is in upper case in the manifest, and a device compares with regard to case"))
    } else {
        Err(format!("its {name} is not the one in the manifest"))
    }
}
