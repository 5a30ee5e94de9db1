//! Certificates and keys from PEM files.
//!
//! No error repeats the content of a file: a file that cannot be decoded may hold a private key.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::der::first_element_len;
use crate::read_file::read_file;

/// The largest file that is read, in bytes. The root certificates of a whole system take about a tenth of it.
const MAX_FILE_SIZE: u64 = 4 << 20;

/// A PEM file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {}: {fault}", .path.display())]
#[non_exhaustive]
pub struct PemError {
    /// The path of the file.
    pub path: PathBuf,
    /// The reason.
    pub fault: PemFault,
}

/// The reason why a PEM file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PemFault {
    /// The file cannot be read. The text is the error of the operating system.
    #[error("{0}")]
    Unreadable(String),
    /// The file is too large for certificates.
    #[error("it has more than {} MiB", MAX_FILE_SIZE >> 20)]
    TooLarge,
    /// A PEM section cannot be decoded.
    #[error("its PEM text is damaged")]
    Damaged,
    /// The file has no section with a certificate.
    #[error("it holds no PEM certificate")]
    NoCertificate,
    /// The file has no section with a private key.
    #[error("it holds no PEM private key")]
    NoKey,
    /// The private key is protected by a password.
    #[error("its private key is encrypted")]
    EncryptedKey,
    /// The certificate or the key was decoded, and cannot be used. The text is the reason.
    #[error("{0}")]
    Unusable(String),
}

impl PemError {
    pub(super) fn new(path: &Path, fault: PemFault) -> Self {
        Self { path: path.to_owned(), fault }
    }
}

/// Reads the certificates of a file. Returns at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let failed = |fault| PemError::new(path, fault);
    let text = read(path).map_err(failed)?;
    // OpenSSL marks a certificate as trusted in its label, and appends the purposes for which it is trusted.
    let text = replaced(&replaced(&text, b"BEGIN TRUSTED CERT", b"BEGIN CERT"), b"END TRUSTED CERT", b"END CERT");
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(failed(PemFault::NoCertificate)),
        Ok(certificates) => Ok(certificates.into_iter().map(without_trust).collect()),
        Err(_) => Err(failed(PemFault::Damaged)),
    }
}

/// Reads the first private key of a file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    let failed = |fault| PemError::new(path, fault);
    let text = read(path).map_err(failed)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        // The older format marks an encrypted key by a header in the section, which the decoder reports as damage.
        let text = String::from_utf8_lossy(&text);
        failed(match error {
            _ if text.contains("BEGIN ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED") => PemFault::EncryptedKey,
            pem::Error::NoItemsFound => PemFault::NoKey,
            _ => PemFault::Damaged,
        })
    })
}

fn read(path: &Path) -> Result<Vec<u8>, PemFault> {
    let text = read_file(path, MAX_FILE_SIZE).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => PemFault::TooLarge,
        _ => PemFault::Unreadable(error.to_string()),
    })?;
    Ok(as_utf8(&text))
}

/// Removes byte order marks, and converts UTF-16, which `PowerShell` writes, to UTF-8.
///
/// Editors write a byte order mark at the start of a file. `cat` puts such a mark between two files.
fn as_utf8(text: &[u8]) -> Vec<u8> {
    let units = |text: &[u8], from: fn([u8; 2]) -> u16| -> Vec<u16> {
        text.chunks_exact(2).map(|unit| from([unit[0], unit[1]])).collect()
    };
    match text {
        [0xff, 0xfe, rest @ ..] => String::from_utf16_lossy(&units(rest, u16::from_le_bytes)).into_bytes(),
        [0xfe, 0xff, rest @ ..] => String::from_utf16_lossy(&units(rest, u16::from_be_bytes)).into_bytes(),
        _ => replaced(text, "\u{feff}".as_bytes(), b""),
    }
}

/// Returns `text` with each `old` replaced by `new`.
fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, others)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(old) {
            result.extend_from_slice(new);
            rest = behind;
        } else {
            result.push(*first);
            rest = others;
        }
    }
    result
}

/// Removes the trust settings that OpenSSL appends to a certificate.
fn without_trust(certificate: CertificateDer<'static>) -> CertificateDer<'static> {
    match first_element_len(&certificate) {
        Some(length) if length < certificate.len() => CertificateDer::from(certificate[..length].to_vec()),
        _ => certificate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        file
    }

    #[test]
    fn unusable_key_file_is_explained_without_its_content() {
        for (text, fault) in [
            ("", PemFault::NoKey),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", PemFault::NoKey),
            ("-----BEGIN PRIVATE KEY-----s3cret", PemFault::Damaged),
            ("-----BEGIN PRIVATE KEY-----\ns3cret=\n-----END PRIVATE KEY-----\n", PemFault::Damaged),
            ("-----BEGIN PRIVATE KEY-----\ns3cret\n", PemFault::Damaged),
            (
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
                PemFault::EncryptedKey,
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n",
                PemFault::EncryptedKey,
            ),
        ] {
            let file = file(text.as_bytes());
            let error = private_key(file.path()).map(drop).expect_err(text);
            assert_eq!(error.fault, fault, "{text}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }

    #[test]
    fn file_without_certificate_is_refused_with_its_path() {
        let empty = file(b"");
        let error = certificates(empty.path()).expect_err("empty");
        assert_eq!(error.to_string(), format!("cannot use {}: it holds no PEM certificate", empty.path().display()));
        let der = file(&[0x30, 0x82, 0, 0xff]);
        assert_eq!(certificates(der.path()).expect_err("binary").fault, PemFault::NoCertificate);
        let endless = certificates(Path::new("/dev/zero"));
        assert!(endless.is_err_and(|error| matches!(error.fault, PemFault::TooLarge | PemFault::Unreadable(_))));
    }
}
