//! The settings of a device since 2019. `Config.Get` reads them, `Config.Set` changes them.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

use crate::sim::signing::UpdateConfig;

/// The settings of a fresh device, as recorded in wire/ota2022-ws.json, case `config_get_whole`.
const FACTORY: &str = include_str!("config.json");

/// [`FACTORY`] as the trees of a device without and with a licence.
static FACTORY_TREES: LazyLock<[ConfigTree; 2]> = LazyLock::new(|| {
    let tree: Value = serde_json::from_str(FACTORY).expect("config.json is part of the program");
    let unlicensed = ConfigTree(Arc::new(tree));
    let mut licensed = unlicensed.clone();
    licensed.merge(&json!({"device": {"license": "simulated"}}));
    [unlicensed, licensed]
});

/// The settings of one device. Copies share the tree until one of them changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigTree(Arc<Value>);

impl ConfigTree {
    /// Returns the factory settings of the device `id` with the signature settings `update`. A licensed device has a
    /// value in `device.license`, which no recording shows.
    #[must_use]
    pub fn factory(id: &str, update: &UpdateConfig, licensed: bool) -> Self {
        let mut tree = FACTORY_TREES[usize::from(licensed)].clone();
        if tree.0["device"]["id"] != id {
            tree.merge(&json!({"device": {"id": id}}));
        }
        if *update != UpdateConfig::default() {
            tree.merge(&json!({"update": {"sig_req_mask": update.sig_req_mask}}));
        }
        for (number, key) in update.keys.iter().enumerate() {
            if let Some(key) = key {
                tree.merge(&json!({"update": {format!("key{number}"): key}}));
            }
        }
        tree
    }

    /// Returns the value at a dotted key as the device writes it. An empty key selects the whole tree.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<String> {
        let mut text = String::new();
        write(self.find(key)?, &mut text);
        Some(text)
    }

    /// Returns the non-negative integer at a dotted key, or `None` for any other value.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        self.find(key)?.as_u64()
    }

    /// Returns the signature settings of the device.
    #[must_use]
    pub fn update_config(&self) -> UpdateConfig {
        let update = &self.0["update"];
        let key = |number: usize| update[format!("key{number}")].as_str().filter(|key| !key.is_empty());
        UpdateConfig {
            sig_req_mask: update["sig_req_mask"].as_i64().unwrap_or(-1),
            keys: std::array::from_fn(|number| key(number).map(Into::into)),
        }
    }

    /// Applies `changes`. Unknown keys and values of another type are ignored.
    pub fn merge(&mut self, changes: &Value) {
        // A device without saved settings has none to apply.
        if !changes.is_null() {
            merge(Arc::make_mut(&mut self.0), changes);
        }
    }

    /// Returns the whole tree.
    #[must_use]
    pub fn as_json(&self) -> &Value {
        &self.0
    }

    fn find(&self, key: &str) -> Option<&Value> {
        if key.is_empty() {
            return Some(&self.0);
        }
        key.split('.').try_fold(self.as_json(), |value, name| value.get(name))
    }
}

/// Applies a change to a value. The tree bounds the recursion: a change without a counterpart in it is ignored.
fn merge(value: &mut Value, change: &Value) {
    match (value, change) {
        (Value::Object(fields), Value::Object(changes)) => {
            for (name, change) in changes {
                if let Some(value) = fields.get_mut(name) {
                    merge(value, change);
                }
            }
        }
        (value @ Value::Bool(_), Value::Bool(_)) | (value @ Value::String(_), Value::String(_)) => {
            *value = change.clone();
        }
        (Value::Number(number), Value::Number(change)) => {
            if !number.is_f64() {
                if !change.is_f64() {
                    *number = change.clone();
                }
            } else if let Some(float) = change.as_f64().and_then(serde_json::Number::from_f64) {
                *number = float;
            }
        }
        _ => {}
    }
}

/// Writes a value without white space. A floating-point number gets six decimals.
fn write(value: &Value, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Object(fields) => {
            for (at, (name, value)) in fields.iter().enumerate() {
                text.push(if at == 0 { '{' } else { ',' });
                let _ = write!(text, "{}:", Value::from(name.as_str()));
                write(value, text);
            }
            text.push_str(if fields.is_empty() { "{}" } else { "}" });
            Ok(())
        }
        Value::Number(number) if number.is_f64() => write!(text, "{:.6}", number.as_f64().unwrap_or_default()),
        other => write!(text, "{other}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merge_with_unknown_keys_or_types_ignores_them() {
        let mut tree = ConfigTree::factory("esp32_AABBCC", &UpdateConfig::default(), false);
        tree.merge(&json!({
            "update": {"timeout": 60, "interval": "x", "url": "http://h/", "nope": 1},
            "mqtt": {"reconnect_timeout_min": 3, "enable": true, "keep_alive": 1.5},
            "device": "x",
        }));
        for (key, expected) in [
            ("update.timeout", Some("60")),
            ("update.interval", Some("0")),
            ("update.url", Some("\"http://h/\"")),
            ("update.nope", None),
            ("mqtt.reconnect_timeout_min", Some("3.000000")),
            ("mqtt.enable", Some("true")),
            ("mqtt.keep_alive", Some("60")),
            ("device.id", Some("\"esp32_AABBCC\"")),
            ("update.timeout.x", None),
            (".", None),
        ] {
            assert_eq!(tree.get(key).as_deref(), expected, "{key}");
        }
    }

    #[test]
    fn update_config_after_factory_is_unchanged() {
        let mut keys = [const { None }; crate::bundle::signature::SLOTS];
        keys[2] = Some("AAAA".into());
        let update = UpdateConfig { sig_req_mask: 4, keys };
        assert_eq!(ConfigTree::factory("dev", &update, true).update_config(), update);
    }
}
