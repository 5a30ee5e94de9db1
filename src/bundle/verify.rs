//! Whether a device will be able to take a bundle. The device finds out only while it writes its
//! flash; here it is found out before anything is touched.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::io;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::archive::{self, Directory, LocalHeader, Next};
use super::manifest::{FILE_NAME, Manifest, Part};
use crate::text::{hex, printable};

/// The longest name of a file, in bytes, that a device has room for.
const MAX_NAME: usize = 49;

/// The largest manifest that is read, in bytes.
const MAX_MANIFEST: u32 = 64 << 10;

/// Why a file is no firmware bundle that a device can take.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It could not be read at all.
    #[error("{0}")]
    Unreadable(io::Error),
    /// It is a directory.
    #[error("it is a directory")]
    Directory,
    /// It has no bytes.
    #[error("it is empty")]
    Empty,
    /// It is larger than [`super::MAX_BUNDLE`].
    #[error("it is larger than 64 MiB, and so is no firmware")]
    TooLarge,
    /// It is no zip.
    #[error("it is not a zip file")]
    NotAZip,
    /// The end is missing.
    #[error("the zip is cut off or damaged: {0}")]
    CutOff(String),
    /// An entry is compressed; a device cannot unpack it.
    #[error("`{0}` is compressed, and a device takes only stored files")]
    Compressed(String),
    /// The zip makes use of something else that a device cannot read, or contradicts itself.
    #[error("a device cannot read this zip: {0}")]
    Unsupported(String),
    /// The first entry is another file.
    #[error("`manifest.json` is not the first file in the zip (that is `{0}`)")]
    ManifestNotFirst(String),
    /// The manifest is the first entry, but a device takes one directory off its name, and no more.
    #[error("`{0}` stands too deep: a device finds `manifest.json` in the zip itself or in one directory")]
    ManifestTooDeep(String),
    /// The manifest is no manifest.
    #[error("`manifest.json` is not usable: {0}")]
    Manifest(String),
    /// A file's name is too long for a device.
    #[error("the name `{0}` is longer than the {MAX_NAME} bytes that a device has room for")]
    NameTooLong(String),
    /// The data of an entry have another checksum than the zip says.
    #[error("`{0}` is damaged: its CRC-32 is not the one in the zip")]
    Damaged(String),
    /// A part's file is missing, or has another size or digest than the manifest says.
    #[error("part `{part}`: {problem}")]
    Part {
        /// The part's name in the manifest.
        part: String,
        /// What does not hold.
        problem: String,
    },
}

/// Checks a whole bundle, and gives its manifest.
pub fn verify(bytes: &[u8]) -> Result<Manifest, BundleError> {
    let entries = entries(bytes)?;
    // The order is that of the stream; a bundle has at least a manifest and a file.
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
    let mut files: HashMap<&str, File<'_>> = HashMap::new();
    // A device skips a directory: no part has its name.
    for (header, data) in entries.iter().filter(|(header, _)| !header.is_directory()) {
        if files.insert(header.base_name(), File::new(data)).is_some() {
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

/// The entries in the order of the stream, each checked by itself; at least one.
fn entries(bytes: &[u8]) -> Result<Vec<(LocalHeader, &[u8])>, BundleError> {
    if bytes.is_empty() {
        return Err(BundleError::Empty);
    }
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        match archive::next(&bytes[at..]) {
            Next::Entry(header, len) => {
                let data = check_entry(&header, &bytes[at + len..])?;
                at += len + data.len();
                entries.push((header, data));
            }
            Next::Directory if entries.is_empty() => {
                return Err(BundleError::Unsupported("there are no files in it".into()));
            }
            Next::Directory => break,
            Next::Incomplete => return Err(BundleError::CutOff(format!("it ends after {} bytes", bytes.len()))),
            Next::Junk if entries.is_empty() => return Err(BundleError::NotAZip),
            Next::Junk => return Err(BundleError::CutOff(format!("no file begins at byte {at}"))),
        }
    }
    match archive::directory(&bytes[at..]) {
        Directory::Files(count) if count == entries.len() => Ok(entries),
        Directory::Files(count) => Err(BundleError::Unsupported(format!(
            "its directory tells of {count} files, but a device would find {}",
            entries.len()
        ))),
        Directory::Zip64 => Err(BundleError::Unsupported("its directory is one of zip64".into())),
        Directory::Incomplete => Err(BundleError::CutOff("its directory is incomplete".into())),
    }
}

fn check_entry<'a>(header: &LocalHeader, rest: &'a [u8]) -> Result<&'a [u8], BundleError> {
    let name = || printable(&header.name);
    if header.is_encrypted() {
        return Err(BundleError::Unsupported(format!("`{}` is encrypted", name())));
    }
    if header.method != 0 {
        return Err(BundleError::Compressed(name()));
    }
    if header.is_streamed() {
        return Err(BundleError::Unsupported(format!("the size of `{}` stands behind its data", name())));
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

/// A file of the bundle. Each digest is computed once, and only if a part names it.
struct File<'a> {
    data: &'a [u8],
    sha1: OnceCell<String>,
    sha256: OnceCell<String>,
}

impl<'a> File<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self { data, sha1: OnceCell::new(), sha256: OnceCell::new() }
    }
}

fn check_part(part: &Part, files: &HashMap<&str, File<'_>>) -> Result<(), String> {
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

fn check_digest(name: &str, wanted: &str, is: &str) -> Result<(), String> {
    if wanted == is {
        Ok(())
    } else if wanted.eq_ignore_ascii_case(is) {
        Err(format!("its {name} stands in capitals in the manifest, and a device compares letter by letter"))
    } else {
        Err(format!("its {name} is not the one in the manifest"))
    }
}
