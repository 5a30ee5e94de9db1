//! Writes a bundle.

use std::io::{Cursor, Write as _};

use serde_json::{Map, Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::{FILE_NAME, Manifest};
use crate::text::hex;

/// The file of a part.
#[derive(Debug, Clone, Copy)]
pub struct PartFile<'a> {
    /// The part's name and type, such as `app` or `fs`.
    pub kind: &'a str,
    /// The file's name within the zip.
    pub src: &'a str,
    /// The partition that the part is written to, such as `app_0`.
    pub ptn: &'a str,
    /// The content of the file.
    pub data: &'a [u8],
}

/// Packs a bundle as a device expects it: stored without compression, the manifest first.
///
/// Adds the parts with their sizes and digests to the manifest. The same input gives the same bytes.
pub fn pack(manifest: &Manifest, files: &[PartFile<'_>]) -> Result<Vec<u8>, zip::result::ZipError> {
    let mut manifest = manifest.clone();
    for file in files {
        manifest.parts.insert(file.kind.into(), part(file));
    }
    let directory = format!("{}-{}-{}", manifest.name, manifest.platform, manifest.version);
    let text = serde_json::to_vec_pretty(&manifest).expect("a manifest is JSON");
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());

    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let contents = [(FILE_NAME, text.as_slice())].into_iter().chain(files.iter().map(|f| (f.src, f.data)));
    for (name, data) in contents {
        zip.start_file(format!("{directory}/{name}"), options)?;
        zip.write_all(data)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// Returns the manifest's description of a part.
fn part(file: &PartFile<'_>) -> Value {
    let mut part = Map::new();
    part.insert("type".into(), json!(file.kind));
    part.insert("src".into(), json!(file.src));
    part.insert("size".into(), json!(file.data.len()));
    part.insert("ptn".into(), json!(file.ptn));
    part.insert("cs_sha1".into(), json!(hex(&Sha1::digest(file.data))));
    part.insert("cs_sha256".into(), json!(hex(&Sha256::digest(file.data))));
    part.into()
}
