//! Whose firmware the device takes: its keys, and how many of them have to have signed it.

use serde_json::{Value, json};

use crate::bundle::signature::{PublicKey, SLOTS, Signatures};

/// The settings of a device for its updates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateConfig {
    /// `update.sig_req_mask`: a bit for each signature that has to be valid; 0 takes nothing at all, and a negative
    /// number ignores signatures.
    pub sig_req_mask: i64,
    /// `update.key0` to `update.key7`, in base64.
    pub keys: [Option<String>; SLOTS],
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self { sig_req_mask: -1, keys: [const { None }; SLOTS] }
    }
}

impl UpdateConfig {
    /// What `Config.Get` tells of them. That keys which are not set are left out is a guess.
    #[must_use]
    pub fn settings(&self) -> Value {
        let mut settings = json!({"commit_timeout": 0, "sig_req_mask": self.sig_req_mask});
        for (number, key) in self.keys.iter().enumerate() {
            if let Some(key) = key {
                settings[format!("key{number}")] = json!(key);
            }
        }
        settings
    }

    /// Whether the device takes this manifest, which had this extra field: all of the mask's bits have to be among those
    /// of the signatures that are valid.
    #[must_use]
    pub fn accepts(&self, extra: &[u8], manifest: &[u8]) -> bool {
        let key = |number: usize| PublicKey::parse(self.keys[number].as_deref()?).ok();
        let valid = || {
            let signatures = Signatures::read(extra).unwrap_or_default();
            i64::from(signatures.valid_under(manifest, &std::array::from_fn(key)))
        };
        match self.sig_req_mask {
            ..0 => true,
            0 => false,
            mask => valid() & mask == mask,
        }
    }
}
