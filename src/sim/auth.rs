//! Credentials as the device checks them, as recorded in wire/ws-md5.json, wire/http-md5.json and the corresponding
//! SHA-256 files.
//!
//! This module shares no code with the client's authentication. A mistake in the client is therefore
//! not repeated here and stays visible in tests.

use std::str::FromStr;

use md5::Md5;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sim::wire::{MethodError, quoted};
use crate::text::{behind_digest, header_fields, hex};

/// The time for which a nonce is valid, in seconds.
const NONCE_LIFETIME: u64 = 3600;

/// The credentials that the device requires.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: String,
    /// The realm.
    pub realm: String,
    /// The hash algorithm.
    pub algorithm: Algorithm,
}

/// The hash algorithm of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// MD5
    Md5,
    /// SHA-256
    Sha256,
}

impl FromStr for Auth {
    type Err = String;

    /// Reads `USER:PASSWORD` or `USER:PASSWORD:REALM`. The default realm is `simulated`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some(user), Some(password), realm) if !user.is_empty() && !text.contains(['"', '\r', '\n']) => Ok(Self {
                user: user.into(),
                password: password.into(),
                realm: realm.unwrap_or("simulated").into(),
                algorithm: Algorithm::Sha256,
            }),
            _ => Err("write it as USER:PASSWORD or USER:PASSWORD:REALM".into()),
        }
    }
}

/// The fields of an answer to a digest challenge.
struct DigestAnswer<'a> {
    user: &'a str,
    realm: &'a str,
    nonce: &'a str,
    count: &'a str,
    cnonce: &'a str,
    response: &'a str,
    /// The method and the URI as `METHOD:URI`.
    method_and_uri: String,
}

impl Auth {
    fn algorithm_name(&self) -> &'static str {
        match self.algorithm {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn hash(&self, text: &str) -> String {
        match self.algorithm {
            Algorithm::Md5 => hex(&Md5::digest(text)),
            Algorithm::Sha256 => hex(&Sha256::digest(text)),
        }
    }

    /// Returns error 401. Its message is the challenge as JSON text.
    #[must_use]
    pub fn challenge(&self, now: u64) -> MethodError {
        let (realm, algorithm) = (quoted(&self.realm), self.algorithm_name());
        let challenge = format!(
            r#"{{"auth_type": "digest", "nonce": {now}, "nc": 1, "realm": {realm}, "algorithm": "{algorithm}"}}"#
        );
        MethodError::new(401, challenge)
    }

    /// Returns the value of the header `WWW-Authenticate`.
    #[must_use]
    pub fn challenge_header(&self, now: u64) -> String {
        format!(r#"Digest qop="auth", realm="{}", nonce="{now:x}", algorithm={}"#, self.realm, self.algorithm_name())
    }

    /// Checks the field `auth` of a frame at the Unix time `now`.
    pub fn check_frame(&self, auth: Option<&Value>, now: u64) -> Result<(), MethodError> {
        let Some(auth) = auth else { return Err(self.challenge(now)) };
        let text = |name: &str| match &auth[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let fields = [text("realm"), text("username"), text("nonce"), text("cnonce"), text("response")];
        let [Some(realm), Some(user), Some(nonce), Some(cnonce), Some(response)] = &fields else {
            return Err(MethodError::new(400, "bad request"));
        };
        // A frame without `algorithm` means MD5, even if the device uses SHA-256.
        if *realm != self.realm || text("algorithm").as_deref().unwrap_or("MD5") != self.algorithm_name() {
            return Err(MethodError::new(400, "bad request"));
        }
        let method_and_uri = "dummy_method:dummy_uri".into();
        let answer = DigestAnswer { user, realm, nonce, count: "1", cnonce, response, method_and_uri };
        if self.is_valid(&answer, nonce.parse().ok(), now) { Ok(()) } else { Err(self.challenge(now)) }
    }

    /// Tells whether the header `Authorization` of a request with this HTTP method is valid at the Unix time `now`.
    #[must_use]
    pub fn check_header(&self, header: &str, method: &str, now: u64) -> bool {
        let Some(fields) = behind_digest(header) else { return false };
        let fields: Vec<_> = header_fields(fields).collect();
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let names = ["username", "realm", "nonce", "nc", "cnonce", "response", "uri"];
        let [Some(user), Some(realm), Some(nonce), Some(count), Some(cnonce), Some(response), Some(uri)] =
            names.map(field)
        else {
            return false;
        };
        let method_and_uri = format!("{method}:{uri}");
        let answer = DigestAnswer { user, realm, nonce, count, cnonce, response, method_and_uri };
        let is_same_algorithm = field("algorithm").unwrap_or("MD5") == self.algorithm_name();
        is_same_algorithm && self.is_valid(&answer, u64::from_str_radix(nonce, 16).ok(), now)
    }

    fn is_valid(&self, answer: &DigestAnswer<'_>, issued: Option<u64>, now: u64) -> bool {
        let DigestAnswer { user, realm, nonce, count, cnonce, response, method_and_uri } = answer;
        let is_fresh = issued.is_some_and(|issued| now.abs_diff(issued) <= NONCE_LIFETIME);
        let credentials = self.hash(&format!("{}:{}:{}", self.user, self.realm, self.password));
        let expected = self.hash(&format!("{credentials}:{nonce}:{count}:{cnonce}:auth:{}", self.hash(method_and_uri)));
        is_fresh && *user == self.user && *realm == self.realm && *response == expected
    }
}
