//! The signatures that the device requires of a bundle.

use serde_json::{Value, json};

use crate::bundle::signature::{PublicKey, SLOTS, Signatures};

/// The signature settings of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateConfig {
    /// `update.sig_req_mask`: one bit for each key whose signature is required.
    ///
    /// 0 = the device refuses every bundle. A negative number = the device ignores signatures.
    pub sig_req_mask: i64,
    /// The public keys `update.key0` to `update.key7`, in base64.
    pub keys: [Option<String>; SLOTS],
}

impl Default for UpdateConfig {
    fn default() -> Self {
        Self { sig_req_mask: -1, keys: [const { None }; SLOTS] }
    }
}

impl UpdateConfig {
    /// Returns the reply of `Config.Get` for `update` on a device of 2018. That the reply omits unset keys is a guess.
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

    /// Tells whether the signatures in the extra field `extra` of this manifest meet the mask.
    ///
    /// Every bit of the mask has to be the bit of a key with a valid signature.
    #[must_use]
    pub fn accepts(&self, extra: &[u8], manifest: &[u8]) -> bool {
        let key = |number: usize| PublicKey::parse(self.keys[number].as_deref()?).ok();
        let valid_keys = || {
            let signatures = Signatures::read(extra).unwrap_or_default();
            i64::from(signatures.valid_under(manifest, &std::array::from_fn(key)))
        };
        match self.sig_req_mask {
            ..0 => true,
            0 => false,
            mask => valid_keys() & mask == mask,
        }
    }
}
