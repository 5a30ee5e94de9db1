//! Credentials as the device checks them (as recorded in wire/ws-md5.json, wire/http-md5.json and their
//! SHA-256 twins). Written apart from the client's side, so that a mistake there cannot hide itself.

use std::str::FromStr;

use md5::Md5;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::sim::wire::{Failure, quoted};
use crate::text::{behind_digest, header_fields, hex};

/// How long a nonce is good, in seconds.
const NONCE_LIFE: u64 = 3600;

/// Who may talk to the device.
#[derive(Debug, Clone)]
pub struct Auth {
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
    /// The realm.
    pub realm: String,
    /// The hash.
    pub algorithm: Algorithm,
}

/// The hash that the device uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// MD5
    Md5,
    /// SHA-256
    Sha256,
}

impl FromStr for Auth {
    type Err = String;

    /// `user:password[:realm]`
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

/// What an answer to a challenge consists of.
struct Answer<'a> {
    user: &'a str,
    realm: &'a str,
    nonce: &'a str,
    count: &'a str,
    cnonce: &'a str,
    response: &'a str,
    /// `METHOD:URI`
    what: String,
}

impl Auth {
    fn name(&self) -> &'static str {
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

    /// Error 401 with the challenge in it, as JSON text.
    #[must_use]
    pub fn challenge(&self, now: u64) -> Failure {
        let (realm, algorithm) = (quoted(&self.realm), self.name());
        let challenge = format!(
            r#"{{"auth_type": "digest", "nonce": {now}, "nc": 1, "realm": {realm}, "algorithm": "{algorithm}"}}"#
        );
        Failure::new(401, challenge)
    }

    /// The value of `WWW-Authenticate`.
    #[must_use]
    pub fn challenge_header(&self, now: u64) -> String {
        format!(r#"Digest qop="auth", realm="{}", nonce="{now:x}", algorithm={}"#, self.realm, self.name())
    }

    /// Checks the `auth` of a frame, at the unix time `now`.
    pub fn check_frame(&self, auth: Option<&Value>, now: u64) -> Result<(), Failure> {
        let Some(auth) = auth else { return Err(self.challenge(now)) };
        let text = |name: &str| match &auth[name] {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let fields = [text("realm"), text("username"), text("nonce"), text("cnonce"), text("response")];
        let [Some(realm), Some(user), Some(nonce), Some(cnonce), Some(response)] = &fields else {
            return Err(Failure::new(400, "bad request"));
        };
        // A frame that names no hash means MD5, whatever the device uses.
        if *realm != self.realm || text("algorithm").as_deref().unwrap_or("MD5") != self.name() {
            return Err(Failure::new(400, "bad request"));
        }
        let what = "dummy_method:dummy_uri".into();
        let answer = Answer { user, realm, nonce, count: "1", cnonce, response, what };
        if self.is_right(&answer, nonce.parse().ok(), now) { Ok(()) } else { Err(self.challenge(now)) }
    }

    /// Checks the `Authorization` header of a request with this HTTP method, at the unix time `now`.
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
        let answer = Answer { user, realm, nonce, count, cnonce, response, what: format!("{method}:{uri}") };
        let same_hash = field("algorithm").unwrap_or("MD5") == self.name();
        same_hash && self.is_right(&answer, u64::from_str_radix(nonce, 16).ok(), now)
    }

    fn is_right(&self, answer: &Answer<'_>, issued: Option<u64>, now: u64) -> bool {
        let Answer { user, realm, nonce, count, cnonce, response, what } = answer;
        let fresh = issued.is_some_and(|issued| now.abs_diff(issued) <= NONCE_LIFE);
        let who = self.hash(&format!("{}:{}:{}", self.user, self.realm, self.password));
        let expected = self.hash(&format!("{who}:{nonce}:{count}:{cnonce}:auth:{}", self.hash(what)));
        fresh && *user == self.user && *realm == self.realm && *response == expected
    }
}
