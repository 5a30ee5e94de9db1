//! The signatures of a bundle.
//!
//! The extra field of the local header of `manifest.json` contains up to eight signatures. Each signs the bytes of the
//! manifest (ECDSA P-256 over SHA-256, ASN.1 DER). Since the manifest contains the digests of the files, a signature
//! covers all files.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use serde_json::{Map, Value};

/// The maximum number of signatures of a bundle, and of keys of a device.
pub const SLOTS: usize = 8;

/// The id of the extra field that contains the signatures.
const EXTRA_ID: u16 = 0x293a;

/// The maximum length of a signature or a key in base64. In DER, a P-256 signature has at most 72 bytes, and a key 91.
const MAX_BASE64: usize = 256;

/// The bytes before the point in a `SubjectPublicKeyInfo` of P-256: the algorithm (elliptic curve, P-256), and the
/// header of a bit string of 65 bytes.
const SPKI_P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The first byte of an uncompressed point. Two coordinates of 32 bytes each follow.
const UNCOMPRESSED: u8 = 4;
const POINT_LEN: usize = 65;

/// The error of extra fields that contain no readable signatures.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The extra fields end too early.
    #[error("the extra field of `manifest.json` is damaged")]
    Damaged,
    /// The field with the signatures is not a JSON object.
    #[error("the signatures of the bundle are not a JSON object")]
    NotAnObject,
}

/// The error of a text that is not the public key of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text contains other characters, or is too long.
    #[error("it is not base64")]
    NotBase64,
    /// The key is of another kind, or has another format.
    #[error("it is not an ECDSA P-256 key as an uncompressed SubjectPublicKeyInfo in DER")]
    NotP256,
}

/// The signatures of a bundle by their numbers, which are not verified yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Signatures(BTreeMap<usize, Vec<u8>>);

/// A manifest and its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedManifest {
    /// The bytes of the manifest in the zip.
    pub manifest: Vec<u8>,
    /// The signatures of the manifest.
    pub signatures: Signatures,
}

/// A public key of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; POINT_LEN]);

impl SignedManifest {
    /// Reads the signatures from the extra fields of the manifest's local header.
    ///
    /// Unreadable extra fields count as no signatures, as on a device.
    #[must_use]
    pub fn read(extra: &[u8], manifest: &[u8]) -> Self {
        Self { manifest: manifest.into(), signatures: Signatures::read(extra).unwrap_or_default() }
    }
}

impl Signatures {
    /// Reads the signatures from the extra fields of the manifest's local header.
    ///
    /// A bundle without signatures is not an error. A signature that is not base64 is left out.
    pub fn read(extra: &[u8]) -> Result<Self, SignatureError> {
        let Some(text) = field(extra, EXTRA_ID)? else { return Ok(Self::default()) };
        let object: Map<String, Value> = serde_json::from_slice(text).map_err(|_| SignatureError::NotAnObject)?;
        let signature = |number: usize| decode(object.get(&format!("sig{number}"))?.as_str()?);
        Ok(Self((0..SLOTS).filter_map(|number| Some((number, signature(number)?))).collect()))
    }

    /// Tells whether the bundle has a signature of this number.
    #[must_use]
    pub fn has(&self, number: usize) -> bool {
        self.0.contains_key(&number)
    }

    /// Tells whether the signature of this number is valid for these bytes and this key. False if there is no such
    /// signature.
    #[must_use]
    pub fn is_valid(&self, number: usize, manifest: &[u8], key: &PublicKey) -> bool {
        let Some(signature) = self.0.get(&number) else { return false };
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key.0).verify(manifest, signature).is_ok()
    }

    /// Verifies each signature with the key of its own number. Returns one bit for each valid signature, the lowest for
    /// number 0.
    #[must_use]
    pub fn valid_under(&self, manifest: &[u8], keys: &[Option<PublicKey>; SLOTS]) -> u8 {
        let valid = |&(number, key): &(usize, &Option<PublicKey>)| {
            key.as_ref().is_some_and(|key| self.is_valid(number, manifest, key))
        };
        keys.iter().enumerate().filter(valid).fold(0, |mask, (number, _)| mask | 1 << number)
    }
}

impl PublicKey {
    /// Parses a key in the format of a device's configuration: base64 of a `SubjectPublicKeyInfo` in DER.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let der = decode(text).ok_or(KeyError::NotBase64)?;
        let point = der.strip_prefix(&SPKI_P256).and_then(|point| point.try_into().ok());
        point.filter(|point: &[u8; POINT_LEN]| point[0] == UNCOMPRESSED).map(Self).ok_or(KeyError::NotP256)
    }
}

/// Returns the data of the extra field with the id `wanted`, if there is one. Each field consists of an id, a length
/// and the data.
pub(super) fn field(extra: &[u8], wanted: u16) -> Result<Option<&[u8]>, SignatureError> {
    let mut rest = extra;
    while let Some((head, after)) = rest.split_first_chunk::<4>() {
        let [id, len] = [u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]])];
        let (data, later) = after.split_at_checked(len.into()).ok_or(SignatureError::Damaged)?;
        if id == wanted {
            return Ok(Some(data));
        }
        rest = later;
    }
    if rest.is_empty() { Ok(None) } else { Err(SignatureError::Damaged) }
}

/// Decodes base64. Returns `None` for a text that is too long for a signature or a key.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.len() > MAX_BASE64 { None } else { BASE64.decode(text).ok() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// A key and its signature of `the manifest`, made by OpenSSL.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQfTCmWBZMnBlOxX72qhSy+U2hUyT/i4hsYtjoyYEWX1+DyzUzRs5qrt6B253q9o/kn8VGF/7u+Lfo0BhHk0kXw==";
    const SIGNATURE: &str =
        "MEUCIQCyBCoq3TmPZ8z/m8RIFS6MtOAL9NgcSvYopc52cUOMKwIgQ3sHcPGgOFofBZgex7WiuXBFnzFbaMBzrFrKhRe9gh0=";

    fn extra(id: u16, data: &str) -> Vec<u8> {
        let len = u16::try_from(data.len()).expect("short");
        [&id.to_le_bytes(), &len.to_le_bytes(), data.as_bytes()].concat()
    }

    #[test]
    fn signature_by_openssl_is_valid() {
        let text = json!({"sig0": SIGNATURE, "sig2": SIGNATURE, "sig9": SIGNATURE, "more": 1}).to_string();
        let signatures = Signatures::read(&[extra(1, "x"), extra(EXTRA_ID, &text)].concat()).expect("signatures");
        let key = PublicKey::parse(KEY).expect("a key");
        assert!(signatures.has(0) && !signatures.has(1) && signatures.has(2) && !signatures.has(9));
        assert_eq!(signatures.valid_under(b"the manifest", &[Some(key); SLOTS]), 0b101);
        assert_eq!(signatures.valid_under(b"the manifesto", &[Some(key); SLOTS]), 0);
        let mut keys = [None; SLOTS];
        keys[2] = Some(key);
        assert_eq!(
            signatures.valid_under(b"the manifest", &keys),
            0b100,
            "a signature is verified with the key of its own number"
        );
        // A point that is not on the curve verifies no signature.
        let nowhere = PublicKey([UNCOMPRESSED; POINT_LEN]);
        assert_eq!(signatures.valid_under(b"the manifest", &[Some(nowhere); SLOTS]), 0);
    }

    #[test]
    fn key_other_than_uncompressed_p256_is_refused() {
        // An ED25519 key, and the P-256 key with a compressed point, both by OpenSSL.
        const ED25519: &str = "MCowBQYDK2VwAyEAZM8Kx2IunPoBatlu7YtLqhHaAmWBwyDpkEu79bwsOM4=";
        const COMPRESSED: &str = "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADQfTCmWBZMnBlOxX72qhSy+U2hUyT/i4hsYtjoyYEWX0=";
        for (text, expected) in [
            ("", KeyError::NotP256),
            ("???", KeyError::NotBase64),
            (&"A".repeat(1000), KeyError::NotBase64),
            (ED25519, KeyError::NotP256),
            (COMPRESSED, KeyError::NotP256),
            (&KEY[..KEY.len() - 4], KeyError::NotP256),
        ] {
            assert_eq!(PublicKey::parse(text), Err(expected), "{text}");
        }
        assert!(PublicKey::parse(&format!("{KEY}\n")).is_ok());
    }

    #[test]
    fn missing_signature_is_accepted_and_damaged_field_is_an_error() {
        let none = Signatures::default();
        for (extra, expected) in [
            (vec![], Ok(&none)),
            (extra(1, "x"), Ok(&none)),
            (extra(EXTRA_ID, "{}"), Ok(&none)),
            (extra(EXTRA_ID, r#"{"sig0": 5, "sig1": "?", "sig2": null}"#), Ok(&none)),
            (extra(EXTRA_ID, "[]"), Err(SignatureError::NotAnObject)),
            (extra(EXTRA_ID, "{"), Err(SignatureError::NotAnObject)),
            (extra(EXTRA_ID, "{}")[..5].to_vec(), Err(SignatureError::Damaged)),
            (vec![1], Err(SignatureError::Damaged)),
        ] {
            assert_eq!(Signatures::read(&extra).as_ref(), expected.as_ref().copied(), "{extra:?}");
        }
    }

    proptest! {
        #[test]
        fn parse_of_any_bytes_does_not_panic(bytes: Vec<u8>, text: String) {
            let _ = Signatures::read(&bytes);
            let _ = Signatures::read(&[&EXTRA_ID.to_le_bytes(), &[200, 0], bytes.as_slice()].concat());
            let _ = PublicKey::parse(&text);
        }
    }
}
