//! The settings of a device. `Config.Get` reads them, `Config.Set` changes them.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use serde_json::{Map, Number, Value, json};

use crate::sim::device::config_acl::is_allowed;
use crate::sim::service_set::{Service, Services};
use crate::sim::signing::UpdateConfig;

/// The settings of a fresh device, as recorded in wire/ota2022-ws.json, case `config_get_whole`.
const FACTORY: &str = include_str!("config.json");

/// The settings of Wi-Fi on an ESP32. The access point is off, as an app can set it.
const WIFI: &str = include_str!("config_wifi.json");

/// The longest string that a setting can hold, in bytes. A real device is limited by the size of a frame.
const MAX_STRING: usize = 4096;

/// The settings of one device. A copy is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigTree(Arc<Value>);

impl ConfigTree {
    /// Returns the factory settings of the device `id` with the signature settings `update`. A licensed device has a
    /// value in `device.license`, which no recording shows.
    #[must_use]
    pub fn factory(id: &str, update: &UpdateConfig, licensed: bool, services: Services) -> Self {
        let mut tree = Arc::clone(base(services, licensed));
        // Most devices share the tree.
        if tree["device"]["id"] != id {
            Arc::make_mut(&mut tree)["device"]["id"] = json!(id);
        }
        if *update != UpdateConfig::default() {
            let settings = &mut Arc::make_mut(&mut tree)["update"];
            settings["sig_req_mask"] = json!(update.sig_req_mask);
            for (number, key) in update.keys.iter().enumerate() {
                settings[format!("key{number}")] = json!(key.as_deref().unwrap_or_default());
            }
        }
        Self(tree)
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

    /// Returns the integer at a dotted key, or `None` for any other value.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.find(key)?.as_i64()
    }

    /// Returns the string at a dotted key. Any other value counts as empty.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.find(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// Tells whether the value at a dotted key is `true`.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        self.find(key) == Some(&Value::Bool(true))
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

    /// Tells whether a setting or a group of settings has this dotted key. An empty key stands for the whole tree.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.find(key).is_some()
    }

    /// Sets the value at `key`, or values below it. An empty key stands for the whole tree.
    ///
    /// Unknown keys, a value for a group, and keys that `acl` does not allow are ignored. The first value of another
    /// type is an error. The values before it stay set. The tree does not get new keys.
    pub fn set(&mut self, key: &str, value: &Value, acl: &str) -> Result<(), String> {
        let Some(target) = find_mut(Arc::make_mut(&mut self.0), key) else { return Ok(()) };
        Walk { target, acl, path: String::new() }.walk(value)
    }

    /// Returns the settings that differ from `base`, as the device writes them in a file.
    #[must_use]
    pub fn changes_from(&self, base: &Self) -> String {
        let mut text = String::new();
        write_changes(&self.0, Some(&base.0), 2, &mut text);
        text
    }

    fn find(&self, key: &str) -> Option<&Value> {
        if key.is_empty() {
            return Some(&self.0);
        }
        key.split('.').try_fold(&*self.0, |value, name| value.get(name))
    }
}

/// Returns the factory settings as the device writes them in a file.
pub(super) fn factory_file() -> String {
    let mut text = String::new();
    write_changes(base(Services::ALL, false), None, 2, &mut text);
    text
}

/// Returns the settings of a device with these services, with or without a licence. Parsed once.
fn base(services: Services, licensed: bool) -> &'static Arc<Value> {
    static BASES: [OnceLock<Arc<Value>>; 8] = [const { OnceLock::new() }; 8];
    let (debug, wifi) = (services.has(Service::Debug), services.has(Service::Wifi));
    BASES[usize::from(licensed) * 4 + usize::from(debug) * 2 + usize::from(wifi)].get_or_init(|| {
        let mut tree: Value = serde_json::from_str(FACTORY).expect("config.json is part of the program");
        if debug {
            let mut group = Map::new();
            group.insert("udp_log_addr".into(), json!(""));
            group.insert("udp_log_level".into(), json!(3));
            if let Value::Object(recorded) = tree["debug"].take() {
                group.extend(recorded);
            }
            tree["debug"] = group.into();
        }
        if wifi {
            tree["wifi"] = serde_json::from_str(WIFI).expect("config_wifi.json is part of the program");
        }
        if licensed {
            tree["device"]["license"] = json!("simulated");
        }
        Arc::new(tree)
    })
}

fn find_mut<'a>(tree: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    if key.is_empty() {
        return Some(tree);
    }
    key.split('.').try_fold(tree, |value, name| value.get_mut(name))
}

/// Values that are being set.
struct Walk<'a> {
    /// The setting or the group of the call.
    target: &'a mut Value,
    acl: &'a str,
    /// The path from the target to the current value, with a dot before each name.
    path: String,
}

impl Walk<'_> {
    fn walk(&mut self, value: &Value) -> Result<(), String> {
        let len = self.path.len();
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.path.push('.');
                    self.path.push_str(name);
                    self.walk(value)?;
                    self.path.truncate(len);
                }
                Ok(())
            }
            Value::Array(items) => {
                self.set(value)?;
                for (at, item) in items.iter().enumerate() {
                    // Writing to a String cannot fail.
                    let _ = write!(self.path, "[{at}]");
                    self.walk(item)?;
                    self.path.truncate(len);
                }
                Ok(())
            }
            leaf => self.set(leaf),
        }
    }

    /// Sets the setting at the current path.
    fn set(&mut self, value: &Value) -> Result<(), String> {
        let path = self.path.strip_prefix('.');
        let setting = match path {
            Some(path) => path.split('.').try_fold(&mut *self.target, |value, name| value.get_mut(name)),
            None => Some(&mut *self.target),
        };
        let Some(setting) = setting else { return Ok(()) };
        let path = path.unwrap_or(&self.path);
        if !is_allowed(path, self.acl) {
            return Ok(());
        }
        set_value(setting, value).map_err(|reason| match reason {
            Refusal::NotA(kind) => format!("[{path}] is not a {kind}"),
            Refusal::Unreadable => format!("[{path}] failed to parse [{value}]"),
            Refusal::TooLong => "insufficient memory".into(),
        })
    }
}

/// The reason why a setting does not take a value.
enum Refusal {
    NotA(&'static str),
    Unreadable,
    TooLong,
}

/// Sets one setting. The type of the setting does not change.
fn set_value(setting: &mut Value, value: &Value) -> Result<(), Refusal> {
    match (setting, value) {
        (Value::Object(_) | Value::Array(_) | Value::Null, _) => Ok(()),
        (setting @ Value::Bool(_), Value::Bool(_)) => {
            *setting = value.clone();
            Ok(())
        }
        (Value::Bool(_), _) => Err(Refusal::NotA("boolean")),
        (Value::String(_), Value::String(text)) if text.len() > MAX_STRING => Err(Refusal::TooLong),
        (Value::String(setting), Value::String(text)) => {
            // The device stores a C string.
            text.split('\0').next().unwrap_or_default().clone_into(setting);
            Ok(())
        }
        (Value::String(_), _) => Err(Refusal::NotA("string")),
        (Value::Number(setting), Value::Number(number)) if setting.is_f64() => {
            if let Some(float) = number.as_f64().and_then(Number::from_f64) {
                *setting = float;
            }
            Ok(())
        }
        (Value::Number(setting), Value::Number(number)) => {
            // The device reads the digits up to the first other character, stores them, and then refuses the rest.
            let (integer, is_whole) = match (number.as_i64(), number.as_u64()) {
                (Some(integer), _) => (integer, true),
                (None, Some(_)) => (i64::MAX, true),
                #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, as the device does")]
                _ => (number.as_f64().unwrap_or_default() as i64, false),
            };
            *setting = integer.clamp(i32::MIN.into(), i32::MAX.into()).into();
            if is_whole { Ok(()) } else { Err(Refusal::Unreadable) }
        }
        (Value::Number(_), _) => Err(Refusal::NotA("number")),
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

/// Writes what differs from `base`, or everything without a base, with a line per value.
fn write_changes(value: &Value, base: Option<&Value>, indent: usize, text: &mut String) {
    let Value::Object(fields) = value else { return write(value, text) };
    text.push('{');
    let changed = fields.iter().filter(|(name, value)| base.is_none_or(|base| base.get(*name) != Some(value)));
    for (at, (name, value)) in changed.enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{:indent$}{}: ", if at == 0 { "" } else { "," }, "", Value::from(name.as_str()));
        write_changes(value, base.and_then(|base| base.get(name)), indent + 2, text);
    }
    let _ = write!(text, "\n{:width$}}}", "", width = indent - 2);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factory() -> ConfigTree {
        ConfigTree::factory("esp32_AABBCC", &UpdateConfig::default(), false, Services::ALL)
    }

    /// Sets each value in a tree of its own, and returns the outcome.
    fn set(key: &str, value: &Value) -> (ConfigTree, Result<(), String>) {
        let mut tree = factory();
        let outcome = tree.set(key, value, "*");
        (tree, outcome)
    }

    #[test]
    fn value_is_set_if_key_and_type_fit() {
        for (change, key, expected) in [
            (json!({"update": {"timeout": 60}}), "update.timeout", Some("60")),
            (json!({"update.timeout": 60}), "update.timeout", Some("60")),
            (json!({"update": {"url": "http://h/"}}), "update.url", Some("\"http://h/\"")),
            (json!({"update": {"url": "a\u{0}b"}}), "update.url", Some("\"a\"")),
            (json!({"update": {"nope": 1}}), "update.nope", None),
            (json!({"update": {"timeout": {"x": 1}}}), "update.timeout", Some("600")),
            (json!({"update": {"timeout": 99_999_999_999_u64}}), "update.timeout", Some("2147483647")),
            (json!({"mqtt": {"reconnect_timeout_min": 3}}), "mqtt.reconnect_timeout_min", Some("3.000000")),
            (json!({"mqtt": {"enable": true}}), "mqtt.enable", Some("true")),
            (json!({"device": "x"}), "device.id", Some("\"esp32_AABBCC\"")),
            (json!(5), "device.id", Some("\"esp32_AABBCC\"")),
            (json!(["x"]), "device.id", Some("\"esp32_AABBCC\"")),
            (json!({}), "update.timeout.x", None),
            (json!({}), ".", None),
        ] {
            let (tree, outcome) = set("", &change);
            assert_eq!((tree.get(key).as_deref(), outcome), (expected, Ok(())), "{change}");
        }
    }

    #[test]
    fn value_of_another_type_is_refused() {
        for (change, message) in [
            (json!({"update": {"timeout": "60"}}), "[update.timeout] is not a number"),
            (json!({"update": {"timeout": null}}), "[update.timeout] is not a number"),
            (json!({"update": {"timeout": [1]}}), "[update.timeout] is not a number"),
            (json!({"update": {"timeout": 1.5}}), "[update.timeout] failed to parse [1.5]"),
            (json!({"mqtt": {"keep_alive": true}}), "[mqtt.keep_alive] is not a number"),
            (json!({"mqtt": {"enable": 1}}), "[mqtt.enable] is not a boolean"),
            (json!({"update": {"url": 1}}), "[update.url] is not a string"),
            (json!({"update": {"url": "x".repeat(MAX_STRING + 1)}}), "insufficient memory"),
        ] {
            assert_eq!(set("", &change).1, Err(message.into()), "{change}");
        }
    }

    #[test]
    fn values_before_a_refused_one_stay_set() {
        let (tree, outcome) = set("update", &json!({"timeout": 5, "url": 1, "interval": 7}));
        assert_eq!(outcome, Err("[url] is not a string".into()));
        assert_eq!((tree.number("update.timeout"), tree.number("update.interval")), (Some(5), Some(0)));
    }

    #[test]
    fn value_at_a_key_is_set() {
        let (tree, outcome) = set("wifi.sta.ssid", &json!("lab"));
        assert_eq!((tree.text("wifi.sta.ssid"), outcome), ("lab", Ok(())));
        assert_eq!(set("wifi.sta.ssid", &json!(5)).1, Err("[] is not a string".into()));
    }

    #[test]
    fn value_that_the_acl_does_not_allow_is_ignored() {
        for (acl, expected) in [("update.*", Some(5)), ("wifi.*", Some(600))] {
            let mut tree = factory();
            assert_eq!(tree.set("", &json!({"update": {"timeout": 5}}), acl), Ok(()));
            assert_eq!(tree.number("update.timeout"), expected, "{acl}");
        }
    }

    #[test]
    fn changes_are_written_with_a_line_each() {
        let mut tree = factory();
        assert_eq!(tree.changes_from(&factory()), "{\n}");
        let change = json!({"mqtt": {"reconnect_timeout_min": 2.5}, "wifi": {"sta": {"ssid": "lab", "enable": true}}});
        tree.set("", &change, "*").expect("set");
        let expected = concat!(
            "{\n  \"mqtt\": {\n    \"reconnect_timeout_min\": 2.500000\n  },\n",
            "  \"wifi\": {\n    \"sta\": {\n      \"enable\": true,\n      \"ssid\": \"lab\"\n    }\n  }\n}"
        );
        assert_eq!(tree.changes_from(&factory()), expected);
    }

    #[test]
    fn each_service_has_its_part_of_the_tree() {
        let recorded = ConfigTree::factory("dev", &UpdateConfig::default(), false, Services::RECORDED);
        for key in ["wifi", "debug.udp_log_addr"] {
            assert!(factory().contains(key) && !recorded.contains(key), "{key}");
        }
        let debug = factory().get("debug").expect("a group");
        assert!(debug.starts_with(r#"{"udp_log_addr":"","udp_log_level":3,"level":2,"#), "{debug}");
    }

    #[test]
    fn update_config_after_factory_is_unchanged() {
        let mut keys = [const { None }; crate::bundle::signature::SLOTS];
        keys[2] = Some("AAAA".into());
        let update = UpdateConfig { sig_req_mask: 4, keys };
        assert_eq!(ConfigTree::factory("dev", &update, true, Services::ALL).update_config(), update);
    }
}
