//! Digest authentication: a device sends a challenge in the error 401 of a frame, or in an HTTP header.
//!
//! A device accepts the nonce of a challenge for one hour, so that one challenge serves many calls.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use md5::Md5;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::text::{behind_digest, header_fields, hex};

/// A user and a password. The password is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The name of the user.
    pub user: String,
    password: String,
}

/// The error of a text that is not `USER:PASSWORD`. It does not repeat the text, which may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("credentials are written as USER:PASSWORD")]
pub struct CredentialsError;

impl FromStr for Credentials {
    type Err = CredentialsError;

    /// Parses `USER:PASSWORD`. The password may contain colons.
    fn from_str(text: &str) -> Result<Self, CredentialsError> {
        match text.split_once(':') {
            Some((user, password)) if !user.is_empty() => Ok(Self { user: user.into(), password: password.into() }),
            _ => Err(CredentialsError),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}:…)", self.user)
    }
}

/// The hash algorithm of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DigestAlgorithm {
    /// MD5, the default of older firmware.
    Md5,
    /// SHA-256.
    Sha256,
}

impl DigestAlgorithm {
    fn from_name(name: &str) -> Option<Self> {
        [Self::Md5, Self::Sha256].into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        }
    }

    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

/// A challenge of the device, which a request has to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    realm: String,
    /// The nonce as the device wrote it: decimal in a frame, hexadecimal in a header.
    nonce: String,
    algorithm: DigestAlgorithm,
}

impl Challenge {
    /// Parses the message of an error 401, or returns `None` if it is not a challenge that can be answered.
    ///
    /// The message is JSON (as recorded in wire/ws-md5.json, case `auth`), or has the form of the HTTP header
    /// `WWW-Authenticate`.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        Self::from_json(message).or_else(|| Self::from_header(message))
    }

    fn from_json(message: &str) -> Option<Self> {
        #[derive(Deserialize)]
        struct ChallengeFields {
            realm: String,
            nonce: Value,
            algorithm: Option<String>,
        }
        let fields: ChallengeFields = serde_json::from_str(message).ok()?;
        let nonce = match fields.nonce {
            Value::String(nonce) => nonce,
            Value::Number(nonce) => nonce.to_string(),
            _ => return None,
        };
        let algorithm = DigestAlgorithm::from_name(fields.algorithm.as_deref().unwrap_or("MD5"))?;
        Some(Self { realm: fields.realm, nonce, algorithm })
    }

    fn from_header(header: &str) -> Option<Self> {
        let fields = behind_digest(header)?;
        let field = |name: &str| header_fields(fields).find(|(key, _)| key == name).map(|(_, value)| value);
        let algorithm = DigestAlgorithm::from_name(field("algorithm").as_deref().unwrap_or("MD5"))?;
        Some(Self { realm: field("realm")?, nonce: field("nonce")?, algorithm })
    }
}

/// The answer to a challenge, for one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization {
    credentials: Arc<Credentials>,
    challenge: Challenge,
    cnonce: u32,
}

impl Authorization {
    /// Creates an answer to `challenge`. `cnonce`, the client nonce, should be new for every request.
    #[must_use]
    pub fn new(credentials: Arc<Credentials>, challenge: Challenge, cnonce: u32) -> Self {
        Self { credentials, challenge, cnonce }
    }

    /// Returns the field `auth` of a frame.
    ///
    /// A frame has no HTTP method and no path. The device hashes the fixed words `dummy_method` and `dummy_uri`
    /// instead.
    #[must_use]
    pub fn frame(&self) -> Value {
        let Challenge { realm, nonce, algorithm } = &self.challenge;
        // A number only if it is printed exactly as the text that is hashed into the response.
        let number = |text: &str| match text.parse::<u64>() {
            Ok(number) if number.to_string() == text => number.into(),
            _ => Value::from(text),
        };
        json!({
            "realm": realm,
            "username": self.credentials.user,
            "nonce": number(nonce),
            "cnonce": self.cnonce,
            "response": self.response("1", "dummy_method", "dummy_uri"),
            "algorithm": algorithm.name(),
        })
    }

    /// Returns the `Authorization` header of a `POST` to `uri`, which consists of path and query.
    #[must_use]
    pub fn header(&self, uri: &str) -> String {
        const COUNT: &str = "00000001";
        let Challenge { realm, nonce, algorithm } = &self.challenge;
        format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", qop=auth, nc={COUNT}, cnonce=\"{}\", \
             response=\"{}\", algorithm={}",
            escape(&self.credentials.user),
            escape(realm),
            escape(nonce),
            self.cnonce,
            self.response(COUNT, "POST", uri),
            algorithm.name(),
        )
    }

    fn response(&self, count: &str, method: &str, uri: &str) -> String {
        let Challenge { realm, nonce, algorithm } = &self.challenge;
        let Credentials { user, password } = &*self.credentials;
        let user_hash = algorithm.hash(&format!("{user}:{realm}:{password}"));
        let request_hash = algorithm.hash(&format!("{method}:{uri}"));
        algorithm.hash(&format!("{user_hash}:{nonce}:{count}:{}:auth:{request_hash}", self.cnonce))
    }
}

/// Escapes a text for a quoted string of a header: a quote in the text does not end the string.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorization({:?})", self.credentials)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn answer(message: &str, password: &str, cnonce: u32) -> Authorization {
        let credentials = format!("admin:{password}").parse().expect("credentials");
        Authorization::new(Arc::new(credentials), Challenge::parse(message).expect("a challenge"), cnonce)
    }

    /// A device accepted these answers (as recorded in wire/ws-md5.json and wire/uart-md5.json, case `auth`).
    #[test]
    fn recorded_challenge_is_answered_as_recorded() {
        let challenge = |nonce: u64| {
            format!(r#"{{"auth_type": "digest", "nonce": {nonce}, "nc": 1, "realm": "myrealm", "algorithm": "MD5"}}"#)
        };
        let auth = answer(&challenge(1_795_417_272), "secret", 1_234_567).frame();
        assert_eq!(auth["response"], "b535002c9702f8c7f63c77ee7e8b85f8");
        assert_eq!(auth["nonce"], 1_795_417_272_u64);
        let auth = answer(&challenge(1_795_417_271), "secret", 1_234_567).frame();
        assert_eq!(auth["response"], "b076a62d4c93308cb54247a562ed017a");
    }

    /// The device hashes the nonce that it reads in the frame.
    #[test]
    fn nonce_in_frame_equals_the_hashed_nonce() {
        for (nonce, expected) in
            [("5", json!(5)), (r#""5""#, json!(5)), (r#""05""#, json!("05")), (r#""+5""#, json!("+5"))]
        {
            let auth = answer(&format!(r#"{{"realm": "r", "nonce": {nonce}}}"#), "secret", 1).frame();
            assert_eq!(auth["nonce"], expected, "{nonce}");
        }
    }

    #[test]
    fn header_of_a_device_is_a_challenge() {
        let challenge = Challenge::parse(r#"Digest qop="auth", realm="myrealm", nonce="6b03e4bb", algorithm=SHA-256"#);
        let other_case = r#"digest QOP="auth", Realm="myrealm", NONCE="6b03e4bb", algorithm=sha-256"#;
        assert_eq!(Challenge::parse(other_case), challenge);
        let expected =
            Challenge { realm: "myrealm".into(), nonce: "6b03e4bb".into(), algorithm: DigestAlgorithm::Sha256 };
        assert_eq!(challenge, Some(expected));
        for bad in
            ["", "Basic realm=\"x\"", "Digest realm=\"x\"", "Digest realm=\"x\", nonce=\"n\", algorithm=MD4", "{}"]
        {
            assert_eq!(Challenge::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn password_with_colons_is_parsed_and_not_shown() {
        let credentials: Credentials = "admin:a:b:c".parse().expect("credentials");
        assert_eq!((credentials.user.as_str(), credentials.password.as_str()), ("admin", "a:b:c"));
        assert_eq!(format!("{credentials:?}"), "Credentials(admin:…)");
        assert!("admin".parse::<Credentials>().is_err() && ":x".parse::<Credentials>().is_err());
    }

    proptest! {
        #[test]
        fn challenge_of_any_text_does_not_panic(text: String) {
            let _ = Challenge::parse(&text);
            let _ = Challenge::parse(&format!("Digest {text}"));
        }
    }
}
