//! Finds what otactl's TLS library does not support about a certificate or a key.
//!
//! The library's errors do not name it, so it is read from the DER.

use rustls::pki_types::PrivateKeyDer;

use super::der::{INTEGER, OBJECT_ID, SEQUENCE, element};

/// A property of a certificate or a key that is not supported. Its text follows "it has".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unsupported {
    /// The version of a certificate, counted from 1.
    #[error("X.509 version {0}; only version 3 is supported")]
    Version(u16),
    /// The length of an RSA modulus, in bits.
    #[error("an RSA key of {0} bits; only 2048 to 8192 bits are supported")]
    RsaBits(usize),
    #[error("a key on the curve {0}; only P-256 and P-384 are supported")]
    Curve(String),
    #[error("a key with explicit curve parameters; only the named curves P-256 and P-384 are supported")]
    ExplicitParameters,
    #[error("a key of the kind {0}; only RSA, P-256, P-384 and Ed25519 are supported")]
    Key(String),
    #[error("a signature with {0}; SHA-256 is supported")]
    Signature(String),
}

/// The tag of the optional version of a certificate (RFC 5280, section 4.1).
const VERSION: u8 = 0xa0;

/// The tag of the optional parameters of a SEC 1 private key (RFC 5915, section 3).
const KEY_PARAMETERS: u8 = 0xa0;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

/// The signature algorithms that are verified: RSA as PKCS #1 with SHA-256, SHA-384 and SHA-512, RSA-PSS,
/// ECDSA with SHA-256 and SHA-384, and Ed25519.
const SUPPORTED_SIGNATURES: [&[u8]; 7] = [
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0b],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0c],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0d],
    &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
    &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3],
    ED25519,
];

/// The names of algorithms and curves that are not supported, such as RSA-PSS as the kind of a key.
///
/// Any other identifier is shown as numbers.
const UNSUPPORTED_NAMES: [(&[u8], &str); 14] = [
    (&[0x2b, 0x81, 4, 0, 0x23], "P-521"),
    (&[0x2b, 0x81, 4, 0, 0x0a], "secp256k1"),
    (&[0x2b, 0x81, 4, 0, 0x21], "P-224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 1], "P-192"),
    (&[0x2b, 0x24, 3, 3, 2, 8, 1, 1, 7], "brainpoolP256r1"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "DSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0a], "RSA-PSS"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "MD5 and RSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "SHA-1 and RSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "SHA-1 and ECDSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 1], "SHA-224 and ECDSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "SHA-512 and ECDSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 0x0e], "SHA-224 and RSA"),
];

/// Returns what is not supported about a certificate: its version, its key or its signature.
pub(super) fn in_certificate(der: &[u8]) -> Option<Unsupported> {
    let certificate = Certificate::read(der)?;
    certificate.find_in_version_and_key().or_else(|| {
        let (OBJECT_ID, id, _) = element(certificate.signature)? else { return None };
        (!SUPPORTED_SIGNATURES.contains(&id)).then(|| Unsupported::Signature(name(id)))
    })
}

/// Returns what is not supported about a certificate, except for its signature.
///
/// A signature that was made with the key of such a certificate cannot be verified.
pub(super) fn in_certificate_key(der: &[u8]) -> Option<Unsupported> {
    Certificate::read(der)?.find_in_version_and_key()
}

/// Returns what is not supported about a private key in PKCS #8, PKCS #1 or SEC 1.
pub(super) fn in_private_key(key: &PrivateKeyDer<'_>) -> Option<Unsupported> {
    let (SEQUENCE, content, _) = element(key.secret_der())? else { return None };
    let (INTEGER, _, rest) = element(content)? else { return None };
    match key {
        PrivateKeyDer::Pkcs1(_) => in_modulus(rest),
        PrivateKeyDer::Sec1(_) => {
            let (_, _, rest) = element(rest)?;
            let (KEY_PARAMETERS, curve, _) = element(rest)? else { return None };
            in_curve(curve)
        }
        PrivateKeyDer::Pkcs8(_) => {
            let (SEQUENCE, algorithm, rest) = element(rest)? else { return None };
            let (_, key, _) = element(rest)?;
            in_algorithm(algorithm, || {
                let (SEQUENCE, content, _) = element(key)? else { return None };
                in_modulus(element(content)?.2)
            })
        }
        _ => None,
    }
}

/// The parts of a certificate on which support depends.
struct Certificate<'a> {
    version: u16,
    /// The content of the algorithm identifier of the key.
    algorithm: &'a [u8],
    key: &'a [u8],
    /// The content of the algorithm identifier of the signature.
    signature: &'a [u8],
}

impl<'a> Certificate<'a> {
    fn read(der: &'a [u8]) -> Option<Self> {
        let (SEQUENCE, certificate, _) = element(der)? else { return None };
        let (SEQUENCE, mut fields, rest) = element(certificate)? else { return None };
        let (SEQUENCE, signature, _) = element(rest)? else { return None };
        let mut version = 1;
        if let (VERSION, content, rest) = element(fields)? {
            version = u16::from(*element(content)?.1.last()?) + 1;
            fields = rest;
        }
        // Skips serial number, signature, issuer, validity and subject.
        for _ in 0..5 {
            fields = element(fields)?.2;
        }
        let (SEQUENCE, info, _) = element(fields)? else { return None };
        let (SEQUENCE, algorithm, rest) = element(info)? else { return None };
        // A bit string begins with the number of unused bits in its last byte.
        let key = element(rest)?.1.get(1..)?;
        Some(Self { version, algorithm, key, signature })
    }

    /// Returns what is not supported about the version or the key.
    fn find_in_version_and_key(&self) -> Option<Unsupported> {
        if self.version != 3 {
            return Some(Unsupported::Version(self.version));
        }
        in_algorithm(self.algorithm, || {
            let (SEQUENCE, content, _) = element(self.key)? else { return None };
            in_modulus(content)
        })
    }
}

/// Returns what is not supported about the algorithm of a key. Calls `check_rsa` for an RSA key.
fn in_algorithm(algorithm: &[u8], check_rsa: impl FnOnce() -> Option<Unsupported>) -> Option<Unsupported> {
    let (OBJECT_ID, id, parameters) = element(algorithm)? else { return None };
    match id {
        RSA => check_rsa(),
        EC => in_curve(parameters),
        ED25519 => None,
        id => Some(Unsupported::Key(name(id))),
    }
}

/// Returns what is not supported about the curve of an elliptic-curve key.
fn in_curve(parameters: &[u8]) -> Option<Unsupported> {
    match element(parameters)? {
        (OBJECT_ID, P256 | P384, _) => None,
        (OBJECT_ID, curve, _) => Some(Unsupported::Curve(name(curve))),
        _ => Some(Unsupported::ExplicitParameters),
    }
}

/// Returns the length of an RSA modulus that is not supported. `rest` begins with the modulus.
fn in_modulus(rest: &[u8]) -> Option<Unsupported> {
    let (INTEGER, modulus, _) = element(rest)? else { return None };
    let start = modulus.iter().position(|byte| *byte != 0)?;
    let bits = (modulus.len() - start) * 8 - modulus[start].leading_zeros() as usize;
    (!(2048..=8192).contains(&bits)).then_some(Unsupported::RsaBits(bits))
}

/// Returns the name of an object identifier, or its numbers.
fn name(id: &[u8]) -> String {
    UNSUPPORTED_NAMES.iter().find(|(known, _)| *known == id).map_or_else(|| dotted(id), |(_, name)| (*name).to_owned())
}

/// Returns an object identifier as numbers: at most the first 12 of them.
fn dotted(id: &[u8]) -> String {
    let mut numbers = Vec::new();
    let mut number = 0_u64;
    for byte in id.iter().take(40) {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            if numbers.is_empty() {
                let first = (number / 40).min(2);
                numbers.push(first);
                number -= first * 40;
            }
            numbers.push(number);
            number = 0;
        }
    }
    numbers.iter().take(12).map(ToString::to_string).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn unknown_object_identifier_is_shown_as_numbers() {
        assert_eq!(dotted(&[0x2b, 0x81, 4, 0, 0x22]), "1.3.132.0.34");
        assert_eq!(dotted(&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]), "1.2.840.10045.3.1.7");
        assert_eq!(dotted(&[]), "");
        assert!(dotted(&[0xff; 100]).len() < 300);
    }

    #[test]
    fn certificate_of_rcgen_is_supported() {
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        assert_eq!(in_certificate(pair.cert.der()), None);
        let key = PrivateKeyDer::Pkcs8(pair.signing_key.serialize_der().into());
        assert_eq!(in_private_key(&key), None);
        for end in 0..pair.cert.der().len() {
            let _ = in_certificate(&pair.cert.der()[..end]);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0..300_usize, to in any::<u8>()) {
            let _ = (in_certificate(&bytes), in_certificate_key(&bytes));
            for key in [
                PrivateKeyDer::Pkcs1(bytes.clone().into()),
                PrivateKeyDer::Sec1(bytes.clone().into()),
                PrivateKeyDer::Pkcs8(bytes.clone().into()),
            ] {
                let _ = in_private_key(&key);
            }
            let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
            let mut der = pair.cert.der().to_vec();
            let at = at % der.len();
            der[at] = to;
            let _ = in_certificate(&der);
        }
    }
}
