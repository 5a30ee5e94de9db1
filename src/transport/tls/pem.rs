//! Certificates and keys from PEM files. What stands in a file of keys is never repeated, not even if
//! it cannot be read.

use std::io;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::limits::length_of_first;
use crate::read_file::read_file;

/// The largest file that is read, in bytes. All the roots of a system have a tenth of it.
const MAX_FILE: u64 = 4 << 20;

/// Why a file gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use {}: {fault}", .path.display())]
pub struct PemError {
    /// The file.
    pub path: PathBuf,
    /// What is the matter with it.
    pub fault: PemFault,
}

/// What can be the matter with a PEM file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemFault {
    /// The system does not give it.
    #[error("{0}")]
    Unreadable(String),
    /// It is no file of certificates.
    #[error("it has more than {} MiB", MAX_FILE >> 20)]
    TooLarge,
    /// There is a section, and it cannot be decoded.
    #[error("its PEM text is damaged")]
    Damaged,
    /// No section of the right kind.
    #[error("it holds no PEM certificate")]
    NoCertificate,
    /// No section of the right kind.
    #[error("it holds no PEM private key")]
    NoKey,
    /// A key that only its password opens.
    #[error("its private key is encrypted")]
    EncryptedKey,
    /// The certificate or the key is well packed, and is of no use.
    #[error("{0}")]
    Unusable(String),
}

impl PemError {
    pub(super) fn new(path: &Path, fault: PemFault) -> Self {
        Self { path: path.to_owned(), fault }
    }
}

/// The certificates in a file; at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let failed = |fault| PemError::new(path, fault);
    let text = read(path).map_err(failed)?;
    // Behind a certificate that OpenSSL marks as trusted stands for what it is.
    let text = replaced(&replaced(&text, b"BEGIN TRUSTED CERT", b"BEGIN CERT"), b"END TRUSTED CERT", b"END CERT");
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(failed(PemFault::NoCertificate)),
        Ok(certificates) => Ok(certificates.into_iter().map(without_trust).collect()),
        Err(_) => Err(failed(PemFault::Damaged)),
    }
}

/// The first private key in a file.
pub fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    let failed = |fault| PemError::new(path, fault);
    let text = read(path).map_err(failed)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| {
        // The older form says so in a header of the section, which the decoder takes for damage.
        let text = String::from_utf8_lossy(&text);
        failed(match error {
            _ if text.contains("BEGIN ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED") => PemFault::EncryptedKey,
            pem::Error::NoItemsFound => PemFault::NoKey,
            _ => PemFault::Damaged,
        })
    })
}

fn read(path: &Path) -> Result<Vec<u8>, PemFault> {
    let text = read_file(path, MAX_FILE).map_err(|error| match error.kind() {
        io::ErrorKind::FileTooLarge => PemFault::TooLarge,
        _ => PemFault::Unreadable(error.to_string()),
    })?;
    Ok(as_utf8(&text))
}

/// The text without byte order marks, which editors put before it, and `cat` between two files. A file in UTF-16, as
/// `PowerShell` writes it, becomes UTF-8.
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

/// The text with `new` wherever `old` stands.
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

fn without_trust(certificate: CertificateDer<'static>) -> CertificateDer<'static> {
    match length_of_first(&certificate) {
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
    fn what_is_no_key_is_told_apart_and_never_shown() {
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
    fn what_holds_no_certificate_says_which_file_that_is() {
        let empty = file(b"");
        let error = certificates(empty.path()).expect_err("empty");
        assert_eq!(error.to_string(), format!("cannot use {}: it holds no PEM certificate", empty.path().display()));
        let der = file(&[0x30, 0x82, 0, 0xff]);
        assert_eq!(certificates(der.path()).expect_err("binary").fault, PemFault::NoCertificate);
        let endless = certificates(Path::new("/dev/zero"));
        assert!(endless.is_err_and(|error| matches!(error.fault, PemFault::TooLarge | PemFault::Unreadable(_))));
    }
}
