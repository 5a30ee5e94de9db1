//! Checks whether the device will accept the signatures of the bundle. The device itself checks them only during the download.

use serde_json::Value;

use super::finding::Finding;
use crate::bundle::signature::{PublicKey, SLOTS, SignedManifest};
use crate::update::outcome::Refusal;
use crate::update::outcome::refusal::{Flaw, SignatureGap, joined};
use crate::update::plan::Source;

const SUBJECT: &str = "signatures";

/// The signatures that the device requires.
#[derive(Debug)]
enum RequiredSignatures {
    /// The device ignores signatures.
    Nothing,
    /// The device accepts no bundle, whether signed or not.
    Impossible,
    /// A bit mask of the required signatures. All of them have to be valid.
    Signatures(i64),
}

/// Reads which signatures the device requires from its settings. A device without such a setting checks nothing.
fn required(settings: &Value) -> RequiredSignatures {
    match settings["sig_req_mask"].as_i64() {
        None | Some(i64::MIN..=-1) => RequiredSignatures::Nothing,
        Some(0) => RequiredSignatures::Impossible,
        Some(mask) => RequiredSignatures::Signatures(mask),
    }
}

/// Compares the signatures with the device's settings for updates, as far as both are known.
pub(super) fn check(source: &Source, settings: Option<&Value>) -> Finding {
    let Some(settings) = settings else {
        return Finding::unknown(SUBJECT, "the device does not report whether it asks for any");
    };
    match (required(settings), source.signed()) {
        (RequiredSignatures::Nothing, _) => Finding::good(SUBJECT, "the device asks for none"),
        (RequiredSignatures::Impossible, _) => Finding::refused(SUBJECT, Refusal::TakesNoUpdates),
        (RequiredSignatures::Signatures(mask), None) => Finding::weak(
            SUBJECT,
            format!("the device asks for {}; otactl could not check the bundle of the URL", list(mask)),
        ),
        (RequiredSignatures::Signatures(mask), Some(signed)) => match lacks(&signed, settings, mask) {
            lacks if lacks.is_empty() => {
                Finding::good(SUBJECT, format!("the device asks for {}, and the bundle has valid ones", list(mask)))
            }
            // The device may accept a key format that otactl does not know.
            lacks if lacks.iter().all(|lack| matches!(lack.flaw, Flaw::BadKey(_))) => {
                Finding::weak(SUBJECT, format!("{}, so otactl could not check the signature", joined(&lacks)))
            }
            lacks => Finding::refused(SUBJECT, Refusal::NotSigned { lacks }),
        },
    }
}

fn numbers(mask: i64) -> impl Iterator<Item = u8> {
    (0..63).filter(move |number| mask & (1 << number) != 0)
}

fn list(mask: i64) -> String {
    numbers(mask).map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
}

fn lacks(SignedManifest { manifest, signatures }: &SignedManifest, settings: &Value, mask: i64) -> Vec<SignatureGap> {
    let flaw = |number: u8| {
        let slot = usize::from(number);
        let key = settings[format!("key{number}")].as_str().unwrap_or_default();
        if slot >= SLOTS || key.is_empty() {
            return Some(Flaw::NoKey);
        }
        match PublicKey::parse(key) {
            Err(error) => Some(Flaw::BadKey(error)),
            Ok(_) if !signatures.has(slot) => Some(Flaw::NoSignature),
            Ok(key) => (!signatures.is_valid(slot, manifest, &key)).then_some(Flaw::NotValid),
        }
    };
    numbers(mask).filter_map(|number| Some(SignatureGap { number, flaw: flaw(number)? })).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bundle::Bundle;

    fn demo() -> Source {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/demo-2.0.0-esp32.zip");
        Source::Bundle(Bundle::read(path.as_ref()).expect("the demo"))
    }

    /// A public key made by OpenSSL.
    const KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEQfTCmWBZMnBlOxX72qhSy+U2hUyT/i4hsYtjoyYEWX1+DyzUzRs5qrt6B253q9o/kn8VGF/7u+Lfo0BhHk0kXw==";

    /// Uses an unsigned bundle. tests/preflight.rs has signed ones.
    #[test]
    fn finding_depends_on_required_signatures() {
        let url = Source::Url { url: String::new(), manifest: Err(String::new()), signed: None };
        for (source, settings, expected) in [
            (&demo(), None, "Unknown, the device does not report"),
            (&demo(), Some(json!({})), "Good, the device asks for none"),
            (&demo(), Some(json!({"sig_req_mask": -1})), "Good, the device asks for none"),
            (&demo(), Some(json!({"sig_req_mask": "1"})), "Good, the device asks for none"),
            (&demo(), Some(json!({"sig_req_mask": 0})), "Refused, the device takes no updates"),
            (&url, Some(json!({"sig_req_mask": 0})), "Refused, the device takes no updates"),
            (
                &url,
                Some(json!({"sig_req_mask": 5})),
                "Weak, the device asks for 0, 2; otactl could not check the bundle of the URL",
            ),
            (
                &demo(),
                Some(json!({"sig_req_mask": 257, "key0": KEY, "key8": KEY})),
                "Refused, the device does not take the bundle: the bundle has no signature 0; the device asks for signature 8, \
                 and has no key 8",
            ),
            (
                &demo(),
                Some(json!({"sig_req_mask": 6, "key1": "", "key2": "AAAA"})),
                "Refused, the device does not take the bundle: the device asks for signature 1, and has no key 1; the device's \
                 key 2 cannot be read: it is not an ECDSA P-256 key",
            ),
            (
                &demo(),
                Some(json!({"sig_req_mask": 4, "key2": "AAAA"})),
                "Weak, the device's key 2 cannot be read: it is not an ECDSA P-256 key",
            ),
        ] {
            let Finding { severity, says, .. } = check(source, settings.as_ref());
            let found = format!("{severity:?}, {says}");
            assert!(found.starts_with(expected), "{settings:?}: {found}, not {expected}");
        }
        let every = check(&demo(), Some(&json!({"sig_req_mask": i64::MAX})));
        assert!(matches!(every.refusal, Some(Refusal::NotSigned { lacks }) if lacks.len() == 63));
    }
}
